//! Opening files of a results folder for reading.
//!
//! A folder that came from someone else may hold a link, a pipe or a device instead of a file. A link could lead to a
//! private file, whose content would end up in a report that is passed on; a pipe would block its reader for ever. So
//! every file in a results folder is opened here.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::StoreError;

/// Opens a file to read it.
///
/// # Errors
/// [`StoreError::Link`] for a link, [`StoreError::NoFile`] for anything else that is not a plain
/// file.
pub fn open_plain(path: &Path) -> Result<File, StoreError> {
    let failed = |reason| StoreError::read(path, reason);
    // Checked before opening too: opening a device can have side effects.
    refuse_other_than_file(path, &fs::symlink_metadata(path).map_err(failed)?)?;
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        libc::O_NOFOLLOW | libc::O_NONBLOCK,
    );
    let file = options.open(path).map_err(|reason| match is_link(path) {
        true => StoreError::Link { path: path.to_owned() },
        false => failed(reason),
    })?;
    refuse_other_than_file(path, &file.metadata().map_err(failed)?)?;
    Ok(file)
}

/// A file's bytes, at most `limit`: a longer one is an error instead of exhausting memory.
pub fn read_plain(path: &Path, limit: u64) -> Result<Vec<u8>, StoreError> {
    let failed = |reason| StoreError::read(path, reason);
    let too_long = || StoreError::damaged(path, format!("it is longer than {limit} bytes"));
    let file = open_plain(path)?;
    let length = file.metadata().map_err(failed)?.len();
    if length > limit {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length as usize).map_err(|error| failed(io::Error::other(error)))?;
    // It may grow while it is read.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit { Err(too_long()) } else { Ok(bytes) }
}

/// A text file of at most `limit` bytes.
pub fn read_text(path: &Path, limit: u64) -> Result<String, StoreError> {
    String::from_utf8(read_plain(path, limit)?)
        .map_err(|error| StoreError::damaged(path, format!("it is not UTF-8 text ({error})")))
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_symlink())
}

/// An error unless it is a plain file.
pub(super) fn refuse_other_than_file(path: &Path, data: &fs::Metadata) -> Result<(), StoreError> {
    match data.file_type() {
        kind if kind.is_symlink() => Err(StoreError::Link { path: path.to_owned() }),
        kind if kind.is_file() => Ok(()),
        kind if kind.is_dir() => {
            Err(StoreError::read(path, io::Error::from(io::ErrorKind::IsADirectory)))
        }
        _ => Err(StoreError::NoFile { path: path.to_owned() }),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_plain_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), "text").unwrap();
        symlink("file", path("link")).unwrap();
        symlink("nowhere", path("dangling")).unwrap();
        fs::create_dir(path("folder")).unwrap();
        let pipe = std::ffi::CString::new(path("pipe").to_str().unwrap()).unwrap();
        // SAFETY: the path is a string that ends with a zero byte.
        assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);

        assert_eq!(read_text(&path("file"), 4).unwrap(), "text");
        let message = |name: &str| read_text(&path(name), 3).unwrap_err().to_string();
        assert!(message("file").contains("is longer than 3 bytes"), "{}", message("file"));
        for name in ["link", "dangling"] {
            assert!(message(name).contains(&format!("{name}` is a link")), "{}", message(name));
        }
        assert!(message("pipe").contains("is not a plain file"), "{}", message("pipe"));
        assert!(message("folder").contains("directory"), "{}", message("folder"));
        for name in ["pipe", "link"] {
            assert!(super::super::open_log(&path(name)).is_err(), "{name}");
        }
        assert!(message("none").starts_with("there is no `"), "{}", message("none"));
    }
}
