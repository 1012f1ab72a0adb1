//! What is mounted where, as `/proc/self/mountinfo` lists it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The kind of file system that a file or a folder lies on, in the kernel's word: `ext4`, `nfs4`, `lustre`; `None` where the
/// system does not say.
pub fn file_system(path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    kind_of(&fs::read("/proc/self/mountinfo").ok()?, &path)
}

/// The kind of the innermost mount around `folder`; of two at one place the later, which hides the other.
fn kind_of(mounts: &[u8], folder: &Path) -> Option<String> {
    let mounts = mounts.split(|byte| *byte == b'\n').filter_map(mount);
    let around = mounts.filter(|(point, _)| folder.starts_with(point));
    around.max_by_key(|(point, _)| point.components().count()).map(|(_, kind)| kind)
}

/// Where a line of `mountinfo` mounts what kind of file system. proc_pid_mountinfo(5) names the fields.
fn mount(line: &[u8]) -> Option<(PathBuf, String)> {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let dash = fields.iter().position(|field| *field == b"-")?;
    let kind = String::from_utf8_lossy(fields.get(dash + 1)?).into_owned();
    Some((unescaped(fields.get(4)?), kind))
}

/// A path of `mountinfo`, in which blanks, line breaks and backslashes stand as `\040`.
pub(crate) fn unescaped(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| first == b'\\');
        let octal = octal.and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_is_the_folder_s() {
        let mounts = b"25 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n\
                       40 25 0:40 / /scratch rw - nfs4 host:/scratch rw\n\
                       41 40 0:41 / /scratch/a\\040b rw - lustre x rw\n\
                       42 25 0:42 / /scratch rw - tmpfs tmpfs rw\n";
        let of = |folder: &str| kind_of(mounts, Path::new(folder)).unwrap();
        assert_eq!(of("/home/me"), "ext4");
        assert_eq!(of("/scratch/me"), "tmpfs");
        assert_eq!(of("/scratch/a b/c"), "lustre");
        // Another name that begins alike.
        assert_eq!(of("/scratch2"), "ext4");
        assert_eq!(kind_of(b"nonsense\n\n-", Path::new("/")), None);
    }
}
