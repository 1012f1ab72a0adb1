//! Suggestions where a file cannot be written.

use std::io::{Error, ErrorKind};

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

#[cfg(test)]
mod tests {
    use super::*;

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
