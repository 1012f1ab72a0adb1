//! What to do where a file cannot be written.

use std::io::{Error, ErrorKind};

/// The cure that goes with a cause, as the beginning of `name another folder`: `make it writable, or `.
/// Empty where only another place helps, or the cause is not known.
pub fn cure(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull => "free some space there, or ",
        ErrorKind::QuotaExceeded => {
            "remove what you no longer need there or have your quota raised, or "
        }
        ErrorKind::PermissionDenied => "make it writable, or ",
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "a file stands where a folder is needed: "
        }
        _ => "",
    }
}

/// Whether there is no room left, so that what was asked for was right and could not be stored.
pub fn is_full(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_own_cure() {
        let of = |code| cure(&Error::from_raw_os_error(code));
        assert_eq!(of(libc::ENOSPC), "free some space there, or ");
        assert!(of(libc::EDQUOT).contains("quota"));
        assert_eq!((of(libc::EACCES), of(libc::EPERM)), (of(libc::EPERM), "make it writable, or "));
        assert!(of(libc::ENOTDIR).contains("a file stands where"));
        assert_eq!((of(libc::EROFS), of(libc::EIO)), ("", ""));
    }
}
