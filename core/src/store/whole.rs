//! Atomic writes: a file is complete or absent, also after a power failure.

use std::fmt;
use std::fs::{File, FileType};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, PersistError};

use super::StoreError;
use super::plain::refuse_other_than_file;

/// Prefix and suffix of a temporary file's name.
const PREFIX: &str = ".";
const SUFFIX: &str = ".tmp";

/// Whether `path` is a temporary file, being written or left by a process that died.
pub(super) fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let drawn = name.and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
    // The number of random letters of `tempfile`.
    drawn.is_some_and(|drawn| drawn.len() == 6 && drawn.bytes().all(|c| c.is_ascii_alphanumeric()))
}

/// Whether nothing was written to the file `path` for an hour: a temporary file of an active process is seconds old.
/// `false` where this cannot be told.
pub(super) fn is_stale(path: &Path) -> bool {
    let data = std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file);
    let modified = data.and_then(|data| data.modified().ok());
    modified.is_some_and(|time| time.elapsed().is_ok_and(|age| age.as_secs() > 3600))
}

/// A file that is being written beside its final path.
///
/// Dropped before [`WholeFile::finish`], it leaves nothing behind and the old file stays.
pub struct WholeFile {
    path: PathBuf,
    temporary: NamedTempFile,
}

impl WholeFile {
    /// Starts the file `path`; its folder is created if missing.
    pub fn begin(path: &Path) -> Result<WholeFile, StoreError> {
        let failed = |reason| StoreError::write(path, reason);
        let folder = folder_of(path);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX);
        // A temporary file is private to its owner by default; results should be readable by others as far as
        // the user's umask allows.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let temporary = builder.tempfile_in(folder).map_err(failed)?;
        Ok(WholeFile { path: path.to_owned(), temporary })
    }

    /// Open for reading and writing.
    pub fn file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// Moves the file to its place, atomically and durably.
    pub fn finish(self) -> Result<(), StoreError> {
        self.finish_by(NamedTempFile::persist)
    }

    fn finish_by(self, persist: Persist) -> Result<(), StoreError> {
        let path = self.path;
        let failed = |reason| StoreError::write(&path, reason);
        self.temporary.as_file().sync_all().map_err(failed)?;
        persist(self.temporary, path.clone()).map_err(|error| failed(error.error))?;
        // The new name is part of the folder, which must be synced too. Not every system can open a folder; the
        // file itself is safe by then.
        #[cfg(unix)]
        File::open(folder_of(&path)).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(())
    }
}

/// How a temporary file gets its final name.
type Persist = fn(NamedTempFile, PathBuf) -> Result<File, PersistError>;

/// Writes the file `path` atomically: `write` fills a temporary file in the same folder, which then takes the
/// place of `path`. If `write` fails, the old file stays.
pub fn write_whole<T>(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<T>,
) -> Result<T, StoreError> {
    write_by(NamedTempFile::persist, path, write)
}

/// As [`write_whole`], but an error if anything exists at `path`, even a broken link.
pub fn write_new<T>(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<T>,
) -> Result<T, StoreError> {
    write_by(NamedTempFile::persist_noclobber, path, write)
}

fn write_by<T>(
    persist: Persist,
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<T>,
) -> Result<T, StoreError> {
    let mut whole = WholeFile::begin(path)?;
    let value = write(whole.file()).map_err(|reason| StoreError::write(path, reason))?;
    whole.finish_by(persist)?;
    Ok(value)
}

/// The kind of file at a path that the user named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    File,
    Folder,
    Link,
    /// A device, a pipe, a socket.
    Special,
}

/// The kind of file at `path` itself: a link is not followed.
pub fn file_kind(path: &Path) -> io::Result<FileKind> {
    let kind: FileType = std::fs::symlink_metadata(path)?.file_type();
    Ok(match (kind.is_file(), kind.is_dir(), kind.is_symlink()) {
        (true, ..) => FileKind::File,
        (_, true, _) => FileKind::Folder,
        (.., true) => FileKind::Link,
        _ => FileKind::Special,
    })
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileKind::File => "a file",
            FileKind::Folder => "a folder",
            FileKind::Link => "a link",
            FileKind::Special => "a device, a pipe or a socket",
        })
    }
}

/// Removes a file that may be missing.
pub fn remove(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::write(path, error))
        }
        _ => Ok(()),
    }
}

/// Opens a file to append lines, not atomically; its folder is created if missing. A link is not followed, because it
/// could lead anywhere, and nothing is written to a pipe or a device.
pub fn open_log(path: &Path) -> Result<File, StoreError> {
    let failed = |reason| StoreError::write(path, reason);
    std::fs::create_dir_all(folder_of(path)).map_err(failed)?;
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        libc::O_NOFOLLOW | libc::O_NONBLOCK,
    );
    if let Ok(data) = std::fs::symlink_metadata(path) {
        refuse_other_than_file(path, &data)?;
    }
    let file = options.open(path).map_err(failed)?;
    refuse_other_than_file(path, &file.metadata().map_err(failed)?)?;
    Ok(file)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_failed_write_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/a.txt");
        write_whole(&path, |file| file.write_all(b"first")).unwrap();
        let error = write_whole(&path, |file| {
            file.write_all(b"sec")?;
            Err::<(), _>(io::Error::other("the disk is full"))
        })
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("could not write `{}`: the disk is full", path.display())
        );
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(names(path.parent().unwrap()), ["a.txt"]);

        write_whole(&path, |file| file.write_all(b"second")).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(names(path.parent().unwrap()), ["a.txt"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link, pipe] = ["file", "link", "pipe"].map(|name| folder.path().join(name));
        std::fs::write(&file, "mine").unwrap();
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let kinds =
            [&file, &link, &pipe, &folder.path().to_owned()].map(|path| file_kind(path).unwrap());
        assert_eq!(kinds, [FileKind::File, FileKind::Link, FileKind::Special, FileKind::Folder]);
        for path in [&file, &link, &pipe] {
            let error = write_new(path, |file| file.write_all(b"new")).unwrap_err().to_string();
            assert!(error.contains("File exists"), "{error}");
        }
        assert_eq!(std::fs::read(&file).unwrap(), b"mine");
        assert_eq!(names(folder.path()), ["file", "link", "pipe"]);
        write_new(&folder.path().join("new"), |file| file.write_all(b"new")).unwrap();
        assert_eq!(names(folder.path()), ["file", "link", "new", "pipe"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_as_readable_as_any_other() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (plain, whole) = (folder.path().join("plain"), folder.path().join("whole"));
        std::fs::write(&plain, "").unwrap();
        write_whole(&whole, |_| Ok(())).unwrap();
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(plain), mode(whole));
    }
}
