//! Where files are written: the kind of file system, its free space, and suggestions where they cannot be.

use std::io::{Error, ErrorKind};
use std::path::Path;

#[cfg(target_os = "linux")]
mod mounts;

#[cfg(target_os = "linux")]
pub use mounts::file_system;
#[cfg(target_os = "linux")]
pub(crate) use mounts::unescaped;

/// The kind of file system that a file or a folder lies on: other systems than Linux are not asked.
#[cfg(not(target_os = "linux"))]
pub fn file_system(_: &Path) -> Option<String> {
    None
}

/// The suggestion for a cause, to be put before `name another folder`: `make it writable, or `. Empty where only another
/// place helps, or the cause is unknown.
pub fn cure(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull => "free some space there, or ",
        ErrorKind::QuotaExceeded => {
            "remove what you no longer need there or have your quota raised, or "
        }
        ErrorKind::PermissionDenied => "make it writable, or ",
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "there is a file where a folder is needed: "
        }
        _ => "",
    }
}

/// Whether the disk is full, so that a valid result could not be stored.
pub fn is_full(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// The bytes that this process may still write to the file system of a folder, as far as the system says.
#[cfg(unix)]
pub fn free(folder: &Path) -> Option<u64> {
    let known = rustix::fs::statvfs(folder).ok()?;
    known.f_bavail.checked_mul(known.f_frsize)
}

#[cfg(not(unix))]
pub fn free(_: &Path) -> Option<u64> {
    None
}

/// `44.0 GB`
pub fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_free_space_and_what_is_not_there_has_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free(folder.path()).unwrap() > 0);
        assert_eq!(free(&folder.path().join("absent")), None);
        assert_eq!(gigabytes(43_960_000_000), "44.0 GB");
    }

    #[test]
    fn each_cause_has_its_own_suggestion() {
        let of = |code| cure(&Error::from_raw_os_error(code));
        assert_eq!(of(libc::ENOSPC), "free some space there, or ");
        assert!(of(libc::EDQUOT).contains("quota"));
        assert_eq!((of(libc::EACCES), of(libc::EPERM)), (of(libc::EPERM), "make it writable, or "));
        assert!(of(libc::ENOTDIR).contains("there is a file where"));
        assert_eq!((of(libc::EROFS), of(libc::EIO)), ("", ""));
    }
}
