//! Errors of the results folder, each with what to do about it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::results::FORMAT;
use crate::disk::cure;

/// Messages are complete in themselves; none repeats as the source of another.
#[derive(Debug, Error)]
pub enum StoreError {
    #[error(
        "there is no results folder `{path}`: run an experiment first, or name another folder with --results DIR"
    )]
    Missing { path: PathBuf },
    #[error(
        "`{path}` is not a results folder (it has no format.json): run an experiment first, or name another folder with --results DIR"
    )]
    NotResults { path: PathBuf },
    #[error("the results folder `{path}` was written by fer-lab {writer} in format {found}; this is fer-lab {this}, which reads formats up to {FORMAT}: update fer-lab, or name another folder with --results DIR", this = env!("CARGO_PKG_VERSION"))]
    Newer { path: PathBuf, found: u64, writer: String },
    #[error(
        "cannot write into the results folder `{path}`: {reason}; {}name another folder with --results DIR",
        cure(reason)
    )]
    Unwritable { path: PathBuf, reason: io::Error },
    #[error(
        "`{name}` cannot be the name of {what}: it takes letters, digits, `_` and `-` ([A-Za-z0-9_-]+), and not `trainings`"
    )]
    Name { what: &'static str, name: String },
    #[error(
        "the file system{} has no file locks (`{}`: {reason}), so two runs could do the same training at once. Name a folder on another file system with --results DIR, or use --no-locks if no other run uses this folder{}",
        of_system(system.as_deref()), path.display(), cure_of(system.as_deref())
    )]
    NoLocks { path: PathBuf, system: Option<String>, reason: io::Error },
    #[error(
        "`{path}` is a link: for safety, links within a results folder are not followed. Replace it by its target"
    )]
    Link { path: PathBuf },
    #[error(
        "`{path}` is not a plain file but a pipe, a device or a socket, which is never read. Remove it"
    )]
    NoFile { path: PathBuf },
    #[error(
        "`{path}` holds the files of an experiment and {problem}, so what it needs is unknown and \
         nothing is removed. {cure}"
    )]
    Stray { path: PathBuf, problem: &'static str, cure: &'static str },
    #[error("there is no `{path}`: run the experiment first")]
    NotFound { path: PathBuf },
    #[error("could not read `{path}`: {reason}")]
    Read { path: PathBuf, reason: io::Error },
    #[error("could not write `{path}`: {reason}")]
    Write { path: PathBuf, reason: io::Error },
    #[error("`{path}` is damaged: {reason}. Delete it and run the experiment again")]
    Damaged { path: PathBuf, reason: String },
    #[error(
        "`{path}` belongs to something else: {reason}. Move it back to where it came from, or delete it and \
         run the experiment again"
    )]
    Foreign { path: PathBuf, reason: String },
    /// A table with other columns or types than expected.
    #[error(
        "`{path}`, column `{column}`: {problem}. Delete it and run the experiment again: its tables are \
         rebuilt from the stored trainings"
    )]
    Column { path: PathBuf, column: String, problem: String },
    #[error("could not write `{path}`, column `{column}`: {problem}")]
    Unstorable { path: PathBuf, column: String, problem: String },
}

/// The kind of a file system in an error.
fn of_system(system: Option<&str>) -> String {
    system.map(|system| format!(" ({system})")).unwrap_or_default()
}

/// How locks are switched on where that is known.
fn cure_of(system: Option<&str>) -> &'static str {
    match system.unwrap_or_default() {
        "lustre" => ". Lustre has locks where it is mounted with the option `flock`",
        "nfs" => ". NFS has locks where its lock service (statd, lockd) runs, or with version 4",
        "beegfs" => ". BeeGFS has locks where `tuneUseGlobalFileLocks` is set",
        _ => "",
    }
}

impl StoreError {
    /// For an error on opening or reading `path`: a missing file has a message of its own.
    pub fn read(path: impl Into<PathBuf>, reason: io::Error) -> StoreError {
        let path = path.into();
        match reason.kind() {
            io::ErrorKind::NotFound => StoreError::NotFound { path },
            _ => StoreError::Read { path, reason },
        }
    }

    pub fn damaged(path: impl Into<PathBuf>, reason: impl ToString) -> StoreError {
        StoreError::Damaged { path: path.into(), reason: reason.to_string() }
    }

    /// The damage of an existing file, without what to do about it; `None` for all other errors.
    pub fn unusable(&self) -> Option<String> {
        match self {
            StoreError::Damaged { path, reason } => {
                Some(format!("`{}` is damaged: {reason}", path.display()))
            }
            StoreError::Foreign { path, reason } => {
                Some(format!("`{}` belongs to something else: {reason}", path.display()))
            }
            _ => None,
        }
    }

    pub fn write(path: impl Into<PathBuf>, reason: io::Error) -> StoreError {
        StoreError::Write { path: path.into(), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cure_fits_the_cause() {
        let message = |code| {
            let reason = io::Error::from_raw_os_error(code);
            StoreError::Unwritable { path: "r".into(), reason }.to_string()
        };
        assert_eq!(
            message(libc::ENOSPC),
            "cannot write into the results folder `r`: No space left on device (os error 28); free some \
             space there, or name another folder with --results DIR"
        );
        assert!(message(libc::EACCES).contains("; make it writable, or name another folder"));
        assert!(message(libc::EROFS).contains("(os error 30); name another folder"));
    }
}
