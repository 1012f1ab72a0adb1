//! The limits of the control groups that this process is in.
//!
//! In: `/proc/self/cgroup`, which names the group, `/proc/self/mountinfo`, which lists where groups are
//! mounted, and the group's own files with those of every group around it. Out: the tightest limit. A batch
//! system limits a group further out than the innermost, and a container may show only a part of the tree.

use std::fs;
use std::path::{Path, PathBuf};

use crate::disk::unescaped;

/// The memory limit of the process, bytes; `None` where no group has one.
///
/// `root` is `/` but in tests. Version 2 limits by `memory.max`, and from `memory.high` on slows a group
/// down until it frees what it can, which is no room to plan with either; version 1 by
/// `memory.limit_in_bytes`. (The groups' share of processors is in the standard library's count of them.)
pub fn memory_limit(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let mounts = fs::read(root.join("proc/self/mountinfo")).ok()?;
    let mounts: Vec<Mount> = mounts.split(|byte| *byte == b'\n').filter_map(Mount::read).collect();
    let limits = groups.lines().flat_map(|line| {
        // Number of the hierarchy, its controllers (none in version 2), the group's path.
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next().unwrap_or(""), fields.next().unwrap_or("/"));
        let (version, files): (Version, &[&str]) = match controllers {
            "" => (Version::Two, &["memory.max", "memory.high"]),
            _ if controllers.split(',').any(|name| name == "memory") => {
                (Version::OneMemory, &["memory.limit_in_bytes"])
            }
            _ => return Vec::new(),
        };
        let mounts = mounts.iter().filter(|mount| mount.version == version);
        let folders = mounts.flat_map(|mount| mount.folders(Path::new(path)));
        folders.flat_map(|folder| limits(root, &folder, files)).collect()
    });
    limits.min()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// A hierarchy of version 1 that has the memory controller.
    OneMemory,
    Two,
}

/// A mount point of a hierarchy of groups.
#[derive(Debug)]
struct Mount {
    version: Version,
    /// The group at its root, `/` where it is the whole hierarchy.
    group: PathBuf,
    point: PathBuf,
}

impl Mount {
    /// A line of `mountinfo`; `None` where it is something else. proc_pid_mountinfo(5) names the fields.
    fn read(line: &[u8]) -> Option<Mount> {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let dash = fields.iter().position(|field| *field == b"-")?;
        let (kind, options) = (*fields.get(dash + 1)?, *fields.get(dash + 3)?);
        let version = match kind {
            b"cgroup2" => Version::Two,
            b"cgroup" if options.split(|byte| *byte == b',').any(|option| option == b"memory") => {
                Version::OneMemory
            }
            _ => return None,
        };
        Some(Mount { version, group: unescaped(fields.get(3)?), point: unescaped(fields.get(4)?) })
    }

    /// The folders of a group and its ancestors, as far as they are mounted here, from the inside out.
    fn folders(&self, group: &Path) -> Vec<PathBuf> {
        // If the group itself is outside of the mount, the mount's root is one of its ancestors.
        let inner = group.strip_prefix(&self.group).unwrap_or(Path::new(""));
        let inner = if inner.starts_with("..") { Path::new("") } else { inner };
        inner.ancestors().map(|inner| self.point.join(inner)).collect()
    }
}

/// The numbers in a group's files; `max` is none.
fn limits(root: &Path, folder: &Path, files: &[&str]) -> Vec<u64> {
    let folder = root.join(folder.strip_prefix("/").unwrap_or(folder));
    let read = |file: &&str| fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok();
    files.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "25 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
                       34 25 0:29 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";

    /// A system's files that concern groups; names and contents.
    fn system(group: &str, mounts: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let mut all = vec![("proc/self/cgroup", group), ("proc/self/mountinfo", mounts)];
        all.extend(files);
        for (name, text) in all {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn limit(group: &str, mounts: &str, files: &[(&str, &str)]) -> Option<u64> {
        memory_limit(system(group, mounts, files).path())
    }

    #[test]
    fn the_tightest_limit_of_a_group_and_its_ancestors_counts() {
        let group = "0::/system.slice/slurm/job_7/step_0\n";
        let slurm = "sys/fs/cgroup/system.slice/slurm";
        let [job, step, slice] = [
            format!("{slurm}/job_7/memory.max"),
            format!("{slurm}/job_7/step_0/memory.max"),
            "sys/fs/cgroup/system.slice/memory.high".to_owned(),
        ];
        let files = [(&*job, "2147483648\n"), (&*step, "max\n"), (&*slice, "max\n")];
        assert_eq!(limit(group, TWO, &files), Some(2 << 30));
        let files = [(&*job, "2147483648\n"), (&*step, "1073741824\n"), (&*slice, "max\n")];
        assert_eq!(limit(group, TWO, &files), Some(1 << 30));
        let files = [(&*job, "2147483648\n"), (&*step, "max\n"), (&*slice, "1000000\n")];
        assert_eq!(limit(group, TWO, &files), Some(1_000_000));
        // A sibling's limit is none.
        let other = format!("{slurm}/job_8/memory.max");
        assert_eq!(limit(group, TWO, &[(&other, "1000\n"), (&job, "max\n")]), None);
    }

    #[test]
    fn a_container_sees_its_part_of_the_tree() {
        // With a namespace of its own.
        let inside = [("sys/fs/cgroup/memory.max", "500\n")];
        assert_eq!(limit("0::/\n", TWO, &inside), Some(500));
        // Without: the mount shows the container's group, by its full name.
        let mounts = "34 25 0:29 /docker/ab /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        let files = [("sys/fs/cgroup/inner/memory.max", "max\n"), inside[0]];
        assert_eq!(limit("0::/docker/ab/inner\n", mounts, &files), Some(500));
        // Outside of the mount.
        assert_eq!(limit("0::/../other\n", TWO, &inside), Some(500));
        assert_eq!(limit("0::/elsewhere\n", mounts, &files), Some(500));
    }

    #[test]
    fn version_1_and_both_at_once_are_read() {
        let group = "12:cpu,cpuacct:/a\n7:memory:/a/b\n0::/c\n";
        let mounts = "40 25 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
                      41 25 0:31 / /sys/fs/cg\\040x/memory rw - cgroup cgroup rw,memory\n\
                      42 25 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let unlimited = "9223372036854771712\n";
        let files = [
            ("sys/fs/cg x/memory/a/b/memory.limit_in_bytes", unlimited),
            ("sys/fs/cg x/memory/a/memory.limit_in_bytes", "4096\n"),
            ("sys/fs/cg x/memory/memory.limit_in_bytes", unlimited),
            ("sys/fs/cgroup/cpu,cpuacct/a/memory.limit_in_bytes", "1\n"),
        ];
        assert_eq!(limit(group, mounts, &files), Some(4096));
        let both = [&files[..], &[("sys/fs/cgroup/unified/c/memory.max", "1024")]].concat();
        assert_eq!(limit(group, mounts, &both), Some(1024));
    }

    #[test]
    fn where_nothing_limits_there_is_no_limit() {
        assert_eq!(memory_limit(tempfile::tempdir().unwrap().path()), None);
        assert_eq!(limit("0::/\n", TWO, &[]), None);
        assert_eq!(limit("nonsense", "- cgroup2\n\n-", &[]), None);
    }
}
