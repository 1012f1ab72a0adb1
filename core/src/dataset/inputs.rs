//! The source files of a data set: their paths, stamps and contents.
//!
//! Reading tens of thousands of pictures takes seconds, their size and times a fraction of a second. So a cached data
//! set is found by its files' *stamps*; contents are read and hashed only if the stamps are new.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use walkdir::WalkDir;

use super::progress::go_on;
use super::{DatasetError, Progress, Stage, Watch};

/// A file that changed less than this before it was read may change again without a change of its
/// times, whose resolution is coarser than a write.
const AT_REST: Duration = Duration::from_secs(1);

/// The extensions of pictures; what a file is, its first bytes say.
const PICTURES: [&str; 13] =
    ["png", "jpg", "jpeg", "jpe", "jfif", "bmp", "webp", "tif", "tiff", "pgm", "ppm", "pbm", "pnm"];

/// The number of files hashed between two progress reports.
const BATCH: usize = 1024;

/// The files of one data set, each once, in the order of their paths.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    files: BTreeSet<PathBuf>,
}

/// Size and times of every file, taken at one moment.
#[derive(Debug, PartialEq, Eq)]
pub struct Stamps {
    /// For each file: bytes, and nanoseconds of its last change of content and of anything.
    files: Vec<(PathBuf, u64, i128, i128)>,
}

/// When a file's content changed, and when anything of it did; nanoseconds.
#[cfg(unix)]
fn times(known: &fs::Metadata) -> io::Result<(i128, i128)> {
    use std::os::unix::fs::MetadataExt;
    let nanoseconds =
        |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    let modified = nanoseconds(known.mtime(), known.mtime_nsec());
    Ok((modified, nanoseconds(known.ctime(), known.ctime_nsec())))
}

/// Where the system does not provide the second, it is the first: a change that restores the old time is not detected.
#[cfg(not(unix))]
fn times(known: &fs::Metadata) -> io::Result<(i128, i128)> {
    let since = known.modified()?.duration_since(SystemTime::UNIX_EPOCH);
    let modified = since.map_or(0, |since| since.as_nanos() as i128);
    Ok((modified, modified))
}

impl Inputs {
    pub fn add(&mut self, file: PathBuf) {
        self.files.insert(file);
    }

    /// Adds the pictures (and nothing else) in a folder, with the folders under it to `depth`; 1 is the
    /// folder alone. What is hidden is no part of a data set: some systems leave such copies of pictures.
    pub fn add_pictures(&mut self, folder: &Path, depth: usize) -> Result<(), DatasetError> {
        let walk = WalkDir::new(folder).follow_links(true).min_depth(1).max_depth(depth);
        for entry in walk.into_iter().filter_entry(|entry| !is_hidden(entry.path())) {
            let entry = match entry {
                Ok(entry) => entry,
                // A link that leads back, or nowhere and is no picture's.
                Err(why) if why.loop_ancestor().is_some() => continue,
                Err(why)
                    if why.path().is_some_and(|path| path.is_symlink() && !is_picture(path)) =>
                {
                    continue;
                }
                Err(why) => return Err(DatasetError::unreadable(folder, why)),
            };
            if entry.file_type().is_file() && is_picture(entry.path()) {
                self.files.insert(entry.into_path());
            }
        }
        Ok(())
    }

    pub fn contains(&self, file: &Path) -> bool {
        self.files.contains(file)
    }

    /// The pictures under `folder`, sorted by path.
    pub fn pictures_under<'a>(&'a self, folder: &'a Path) -> impl Iterator<Item = &'a Path> {
        // Paths are ordered by component, so all that lies under a folder follows it.
        self.files
            .range(folder.to_owned()..)
            .map(PathBuf::as_path)
            .take_while(move |file| file.starts_with(folder))
            .filter(|file| is_picture(file))
    }

    pub fn stamps(&self) -> Result<Stamps, DatasetError> {
        let stamp = |file: &PathBuf| {
            let known = fs::metadata(file).map_err(|why| DatasetError::unreadable(file, why))?;
            let (modified, changed) =
                times(&known).map_err(|why| DatasetError::unreadable(file, why))?;
            Ok((file.clone(), known.len(), modified, changed))
        };
        let files: Vec<&PathBuf> = self.files.iter().collect();
        Ok(Stamps { files: files.into_par_iter().map(stamp).collect::<Result<_, DatasetError>>()? })
    }

    /// A hash of every file's path under `root` (its name alone where it lies elsewhere) and content. A file whose content's
    /// BLAKE3 is `known` is not read.
    pub fn content(
        &self,
        root: &Path,
        known: &HashMap<PathBuf, blake3::Hash>,
        watch: Watch<'_>,
    ) -> Result<blake3::Hash, DatasetError> {
        let Watch { progress, interrupted } = watch;
        let files: Vec<&PathBuf> = self.files.iter().collect();
        let mut all = blake3::Hasher::new();
        let mut done = 0;
        for batch in files.chunks(BATCH) {
            progress(Progress::Step { stage: Stage::Hash, done, total: files.len() });
            let hashes: Vec<blake3::Hash> = batch
                .par_iter()
                .map(|file| {
                    go_on(interrupted)?;
                    if let Some(hash) = known.get(*file) {
                        return Ok(*hash);
                    }
                    hash_file(file).map_err(|why| DatasetError::unreadable(file, why))
                })
                .collect::<Result<_, _>>()?;
            for (file, hash) in batch.iter().zip(hashes) {
                let name = file
                    .strip_prefix(root)
                    .unwrap_or(Path::new(file.file_name().unwrap_or_default()));
                let name = name.as_os_str().as_encoded_bytes();
                all.update(&(name.len() as u64).to_le_bytes()).update(name).update(hash.as_bytes());
            }
            done += batch.len();
        }
        progress(Progress::Step { stage: Stage::Hash, done, total: files.len() });
        Ok(all.finalize())
    }
}

impl Stamps {
    pub fn update(&self, hasher: &mut blake3::Hasher) {
        for (file, size, modified, changed) in &self.files {
            let name = file.as_os_str().as_encoded_bytes();
            hasher
                .update(&(name.len() as u64).to_le_bytes())
                .update(name)
                .update(&size.to_le_bytes());
            hasher.update(&modified.to_le_bytes()).update(&changed.to_le_bytes());
        }
    }

    /// Whether every file was unchanged long enough at `moment` for its stamp to reveal a later change.
    pub fn at_rest(&self, moment: SystemTime) -> bool {
        let Ok(moment) = moment.duration_since(SystemTime::UNIX_EPOCH) else { return false };
        let newest =
            self.files.iter().map(|&(_, _, modified, changed)| modified.max(changed)).max();
        newest.is_none_or(|newest| newest + AT_REST.as_nanos() as i128 <= moment.as_nanos() as i128)
    }
}

fn hash_file(file: &Path) -> io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(fs::File::open(file)?)?;
    Ok(hasher.finalize())
}

/// Whether a file or folder is there for a system's or a program's own use: its name begins with a dot, or it is the
/// folder of copies that macOS puts into archives.
pub(super) fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b".") || name == "__MACOSX"
}

pub(super) fn is_picture(file: &Path) -> bool {
    !is_hidden(file)
        && file.extension().is_some_and(|extension| {
            PICTURES.iter().any(|known| extension.eq_ignore_ascii_case(known))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_found_to_the_depth_that_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("b/c")).unwrap();
        for name in ["a.png", "b/d.JPG", "b/c/e.jpeg", "b/._d.jpg", "b.txt", "b-c.png"] {
            fs::write(root.join(name), name).unwrap();
        }
        let found = |depth| {
            let mut inputs = Inputs::default();
            inputs.add_pictures(root, depth).unwrap();
            let paths: Vec<_> = inputs
                .pictures_under(root)
                .map(|file| file.strip_prefix(root).unwrap().to_owned())
                .collect();
            (paths, inputs.pictures_under(&root.join("b")).count())
        };
        assert_eq!(found(1), (vec!["a.png".into(), "b-c.png".into()], 0));
        assert_eq!(found(3).1, 2);
        assert_eq!(found(3).0.len(), 4);
    }

    #[test]
    fn content_changes_with_a_byte_and_with_a_name_but_not_with_the_place() {
        let hash = |name: &str, content: &str| {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(name), content).unwrap();
            let mut inputs = Inputs::default();
            inputs.add(folder.path().join(name));
            inputs.content(folder.path(), &HashMap::new(), Watch::reporting(&|_| ())).unwrap()
        };
        assert_eq!(hash("a", "1"), hash("a", "1"));
        assert_ne!(hash("a", "1"), hash("a", "2"));
        assert_ne!(hash("a", "1"), hash("b", "1"));
    }

    #[test]
    fn a_file_written_just_now_is_not_at_rest() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut inputs = Inputs::default();
        inputs.add(file.path().to_owned());
        let stamps = inputs.stamps().unwrap();
        assert!(!stamps.at_rest(SystemTime::now()));
        assert!(stamps.at_rest(SystemTime::now() + Duration::from_secs(5)));
    }

    #[test]
    fn stamps_reveal_a_change_of_the_same_size() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "one").unwrap();
        let mut inputs = Inputs::default();
        inputs.add(file.path().to_owned());
        let before = inputs.stamps().unwrap();
        std::thread::sleep(Duration::from_millis(20));
        fs::write(file.path(), "two").unwrap();
        assert_ne!(before, inputs.stamps().unwrap());
    }
}
