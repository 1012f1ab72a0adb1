//! The cache of decoded data sets, in memory-mapped files.
//!
//! A file `<key>.ferlab` holds one data set; the key is a hash of all settings that affect decoding (its first half) and of
//! its sources' contents (the second). The layout, numbers little-endian:
//!
//! | bytes | what |
//! | --- | --- |
//! | 0 .. 8 | `FERLABDS` |
//! | 8 .. 16 | version of this layout |
//! | 16 .. 24 | bytes of pixels, p |
//! | 24 .. 32 | bytes of the rest, r |
//! | 32 .. 64 | BLAKE3 of bytes 0 .. 32 and of the rest |
//! | 4096 .. 4096 + p | pixels of train, val and test, `[N, H, W, C]` each |
//! | 4096 + p .. 4096 + p + r | length of a JSON head, the head; for each split labels (f32), landmarks (f64: the aspect, then x and y of each point; NaN where one is not known) and, if the head says so, contours (f64: x and y of each point) |
//!
//! Files are written atomically: under another name, flushed to the disk and renamed, so that two processes may build
//! the same one at once. Damage is detected by the checksum and, for the pixels, by the data set's content hash; both
//! are checked at every opening.
//!
//! `<stamp>.index` files hold the key of the data set for source files with those stamps.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::{Mmap, MmapOptions};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::decode::Shape;
use super::listing::LeftOut;
use super::{Dataset, DatasetError, Images, Pixels, Seen, Split, content};
use crate::region::{CONTOUR, Contour, Landmark, Landmarks, Point};

const MAGIC: &[u8; 8] = b"FERLABDS";
/// Part of every key too, so that files of another version are not found.
pub const VERSION: u64 = 4;
const PRELUDE: usize = 64;
const DATA: &str = ".ferlab";
/// So much is moved at once where pictures are taken out.
const RETAIN_BYTES: usize = 16 << 20;
/// Pixels begin at a page's start.
const PIXELS_AT: u64 = 4096;
/// Numbers that an image's landmarks take: the aspect, and two for each point.
const NUMBERS: usize = 1 + 2 * Landmark::ALL.len();

/// A folder of cached data sets.
#[derive(Debug)]
pub struct Cache<'a> {
    folder: &'a Path,
}

/// Everything of a data set except its pixels, split by split.
#[derive(Debug)]
pub struct Facts {
    pub classes: Vec<String>,
    pub shape: Shape,
    pub left_out: LeftOut,
    pub carved: Vec<Split>,
    pub seen: Seen,
    pub splits: [SplitFacts; 3],
}

#[derive(Debug, Default)]
pub struct SplitFacts {
    pub names: Vec<String>,
    pub labels: Vec<f32>,
    pub landmarks: Vec<Option<Landmarks>>,
}

/// The result of a lookup.
pub enum Found {
    Dataset(Box<Dataset>),
    Nothing,
    Damaged { path: PathBuf, why: String },
}

#[derive(Serialize, Deserialize)]
struct Head {
    key: String,
    classes: Vec<String>,
    shape: [usize; 3],
    left_out: LeftOut,
    carved: Vec<Split>,
    seen: Seen,
    names: [Vec<String>; 3],
    content: String,
    /// Whether landmarks have contours.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    contours: bool,
}

impl<'a> Cache<'a> {
    /// Opens the folder, and creates it if missing.
    pub fn open(folder: &'a Path) -> Result<Cache<'a>, DatasetError> {
        fs::create_dir_all(folder).map_err(|why| DatasetError::cache(folder, why))?;
        Ok(Cache { folder })
    }

    /// The folder for reading only; it may be missing.
    pub fn existing(folder: &'a Path) -> Cache<'a> {
        Cache { folder }
    }

    pub fn folder(&self) -> &'a Path {
        self.folder
    }

    /// The key remembered for files of this stamp.
    pub fn recall(&self, stamp: &str) -> Option<String> {
        let text = fs::read_to_string(self.index_path(stamp)).ok()?;
        // The stamp is in the file too, so that a misnamed file is detected.
        let key = text.strip_prefix(stamp)?.strip_prefix(' ')?;
        let is_key = key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_key.then(|| key.to_owned())
    }

    pub fn remember(&self, stamp: &str, key: &str) -> Result<(), DatasetError> {
        let failed = |why: io::Error| DatasetError::cache(self.folder, why);
        let mut file = NamedTempFile::new_in(self.folder).map_err(failed)?;
        write!(file, "{stamp} {key}").map_err(failed)?;
        file.persist(self.index_path(stamp)).map_err(|why| failed(why.error))?;
        Ok(())
    }

    pub fn get(&self, key: &str) -> Found {
        let path = self.data_path(key);
        match read(&path, key) {
            Ok(dataset) => Found::Dataset(Box::new(dataset)),
            Err(Unfit::Absent) => Found::Nothing,
            Err(Unfit::Damaged(why)) => Found::Damaged { path, why },
        }
    }

    /// Begins to write a data set: its pixels, split by split, then [`Writing::complete`].
    pub fn begin(&self) -> Result<Writing<'a>, DatasetError> {
        let failed = |why: io::Error| DatasetError::cache(self.folder, why);
        let mut file = NamedTempFile::with_prefix_in("building-", self.folder).map_err(failed)?;
        file.seek(SeekFrom::Start(PIXELS_AT)).map_err(failed)?;
        Ok(Writing { folder: self.folder, file, written: 0 })
    }

    /// Whether there is a data set whose key begins so.
    pub fn has_any(&self, beginning: &str) -> bool {
        let Ok(files) = fs::read_dir(self.folder) else { return false };
        files.flatten().any(|file| {
            let name = file.file_name();
            name.to_str().is_some_and(|name| name.starts_with(beginning) && name.ends_with(DATA))
        })
    }

    fn data_path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}{DATA}"))
    }

    fn index_path(&self, stamp: &str) -> PathBuf {
        self.folder.join(format!("{stamp}.index"))
    }
}

/// A data set whose pixels are being written; dropping it deletes it.
#[derive(Debug)]
pub struct Writing<'a> {
    folder: &'a Path,
    file: NamedTempFile,
    /// Bytes of pixels.
    written: u64,
}

impl Writing<'_> {
    /// Adds the next pixels.
    pub fn write(&mut self, pixels: &[u8]) -> Result<(), DatasetError> {
        self.written += pixels.len() as u64;
        self.file.write_all(pixels).map_err(|why| DatasetError::cache(self.folder, why))
    }

    /// Takes out what was written of pictures of `bytes` each that are not to be kept; `keep` has one entry a picture.
    pub fn retain(&mut self, keep: &[bool], bytes: usize) -> Result<(), DatasetError> {
        let failed = |why: io::Error| DatasetError::cache(self.folder, why);
        let Some(first) = keep.iter().position(|keep| !keep) else { return Ok(()) };
        let at = |picture: usize| PIXELS_AT + (picture * bytes) as u64;
        let mut buffer = Vec::new();
        let mut kept = first;
        let mut picture = first;
        for run in keep[first..].chunk_by(|one, other| one == other) {
            if run[0] {
                // What is moved down never overlaps what is still to be read: it is read before it is written.
                for part in run.chunks((RETAIN_BYTES / bytes).max(1)) {
                    buffer.resize(part.len() * bytes, 0);
                    self.file.seek(SeekFrom::Start(at(picture))).map_err(failed)?;
                    self.file.read_exact(&mut buffer).map_err(failed)?;
                    self.file.seek(SeekFrom::Start(at(kept))).map_err(failed)?;
                    self.file.write_all(&buffer).map_err(failed)?;
                    picture += part.len();
                    kept += part.len();
                }
            } else {
                picture += run.len();
            }
        }
        self.written = (kept * bytes) as u64;
        self.file.as_file().set_len(at(kept)).map_err(failed)?;
        self.file.seek(SeekFrom::Start(at(kept))).map_err(failed)?;
        Ok(())
    }

    /// Writes the rest. The data set appears in the cache when the building is [`finished`](Building::finish).
    pub fn complete(self, key: &str, facts: Facts) -> Result<Building, DatasetError> {
        let Writing { folder, mut file, written } = self;
        let failed = |why: io::Error| DatasetError::cache(folder, why);
        let rest = facts.rest(key, file.as_file()).map_err(failed)?;
        let prelude = prelude(written, &rest);
        let mut writer = BufWriter::new(file.as_file_mut());
        writer.write_all(&rest).map_err(failed)?;
        writer.seek(SeekFrom::Start(0)).map_err(failed)?;
        writer.write_all(&prelude).map_err(failed)?;
        writer.flush().map_err(failed)?;
        drop(writer);
        file.as_file().sync_all().map_err(failed)?;
        let path = Cache { folder }.data_path(key);
        Ok(Building { file, path, key: key.to_owned() })
    }
}

/// A data set that is written but not yet in the cache; dropping it deletes it.
#[derive(Debug)]
pub struct Building {
    file: NamedTempFile,
    path: PathBuf,
    key: String,
}

impl Building {
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Puts it into the cache, and opens it like every later load.
    pub fn finish(self) -> Result<Dataset, DatasetError> {
        let Building { file, path, key } = self;
        let folder = path.parent().unwrap_or(&path);
        file.persist(&path).map_err(|why| DatasetError::cache(folder, why.error))?;
        read(&path, &key).map_err(|why| match why {
            Unfit::Absent => DatasetError::cache(
                folder,
                io::Error::other("a file that was just written is missing"),
            ),
            Unfit::Damaged(why) => {
                let why = format!("a file that was just written is damaged: {why}");
                DatasetError::cache(folder, io::Error::other(why))
            }
        })
    }
}

impl Facts {
    /// Everything after the pixels, which `file` holds already.
    fn rest(self, key: &str, file: &File) -> io::Result<Vec<u8>> {
        let mut numbers = Vec::new();
        let mut landmarks = self.splits.iter().flat_map(|split| split.landmarks.iter().flatten());
        let contours = landmarks.any(|landmarks| landmarks.contour().is_some());
        for split in &self.splits {
            numbers.extend(split.labels.iter().flat_map(|share| share.to_le_bytes()));
            numbers.extend(split.landmarks.iter().flat_map(coordinates).flat_map(f64::to_le_bytes));
            if contours {
                let pairs = split.landmarks.iter().flat_map(contour_coordinates);
                numbers.extend(pairs.flatten().flat_map(f64::to_le_bytes));
            }
        }
        let Facts { classes, shape, left_out, carved, seen, splits } = self;
        let splits = with_pixels(splits, shape, file)?;
        let [train, val, test] = &splits;
        let content =
            content::hash(&classes, shape.height, shape.width, shape.channels, [train, val, test]);
        let head = Head {
            key: key.to_owned(),
            classes,
            shape: [shape.height, shape.width, shape.channels],
            left_out,
            carved,
            seen,
            names: splits.map(|images| images.names),
            content,
            contours,
        };
        let head = serde_json::to_vec(&head)?;
        let mut rest = (head.len() as u64).to_le_bytes().to_vec();
        rest.extend(head);
        rest.extend(numbers);
        Ok(rest)
    }
}

fn prelude(pixels: u64, rest: &[u8]) -> [u8; PRELUDE] {
    let mut prelude = [0; PRELUDE];
    prelude[..8].copy_from_slice(MAGIC);
    prelude[8..16].copy_from_slice(&VERSION.to_le_bytes());
    prelude[16..24].copy_from_slice(&pixels.to_le_bytes());
    prelude[24..32].copy_from_slice(&(rest.len() as u64).to_le_bytes());
    let mut hasher = blake3::Hasher::new();
    hasher.update(&prelude[..32]).update(rest);
    prelude[32..].copy_from_slice(hasher.finalize().as_bytes());
    prelude
}

/// Why a file is not used.
enum Unfit {
    Absent,
    Damaged(String),
}

impl From<io::Error> for Unfit {
    fn from(why: io::Error) -> Unfit {
        match why.kind() {
            io::ErrorKind::NotFound => Unfit::Absent,
            _ => Unfit::Damaged(why.to_string()),
        }
    }
}

fn damaged<T>(why: &str) -> Result<T, Unfit> {
    Err(Unfit::Damaged(why.to_owned()))
}

fn read(path: &Path, key: &str) -> Result<Dataset, Unfit> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    if len < PIXELS_AT {
        return damaged("it is truncated");
    }
    let mut start = [0; PRELUDE];
    file.read_exact(&mut start)?;
    let number =
        |at: usize| start[at..at + 8].iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
    let (pixels, rest_len) = (number(16), number(24));
    if start[..8] != *MAGIC || number(8) != VERSION {
        return damaged("it does not begin like a cache file");
    }
    // Lengths are checked against the file's size before anything is allocated.
    if PIXELS_AT.checked_add(pixels).and_then(|sum| sum.checked_add(rest_len)) != Some(len) {
        return damaged("its length differs from the length in its header");
    }
    file.seek(SeekFrom::Start(PIXELS_AT + pixels))?;
    let mut rest = Vec::new();
    Read::by_ref(&mut file).take(rest_len).read_to_end(&mut rest)?;
    if prelude(pixels, &rest) != start {
        return damaged("its checksum is wrong");
    }
    let Some((head, splits)) = parse(&rest) else { return damaged("its head cannot be read") };
    let [height, width, channels] = head.shape;
    let images: usize = splits.iter().map(|split| split.names.len()).sum();
    let wanted = [height, width, channels].into_iter().try_fold(images, usize::checked_mul);
    if head.key != key || wanted.map(|wanted| wanted as u64) != Some(pixels) {
        return damaged("it holds another data set");
    }
    let [train, val, test] = with_pixels(splits, Shape { height, width, channels }, &file)?;
    if content::hash(&head.classes, height, width, channels, [&train, &val, &test]) != head.content
    {
        return damaged("its pixels have changed since they were written");
    }
    let mut without_landmarks = BTreeMap::new();
    for (split, images) in Split::ALL.into_iter().zip([&train, &val, &test]) {
        without_landmarks
            .insert(split, images.landmarks.iter().filter(|points| points.is_none()).count());
    }
    let Head { classes, left_out, carved, seen, content, .. } = head;
    let shape = [height, width, channels];
    let dataset = Dataset::new(classes, shape, [train, val, test]);
    Ok(Dataset { left_out, carved, without_landmarks, seen, content, ..dataset })
}

/// The head, and each split's names, labels and landmarks; `None` where the lengths do not fit.
fn parse(rest: &[u8]) -> Option<(Head, [SplitFacts; 3])> {
    let (head_len, rest) = rest.split_first_chunk::<8>()?;
    let (head, mut rest) =
        rest.split_at_checked(usize::try_from(u64::from_le_bytes(*head_len)).ok()?)?;
    let mut head: Head = serde_json::from_slice(head).ok()?;
    let mut splits =
        std::mem::take(&mut head.names).map(|names| SplitFacts { names, ..SplitFacts::default() });
    for split in &mut splits {
        let labels = split.names.len().checked_mul(head.classes.len())?.checked_mul(4)?;
        let (labels, after) = rest.split_at_checked(labels)?;
        let (points, after) =
            after.split_at_checked(split.names.len().checked_mul(NUMBERS * 8)?)?;
        rest = after;
        split.labels =
            labels.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let coordinates: Vec<f64> =
            points.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        split.landmarks = coordinates.as_chunks().0.iter().map(landmarks).collect();
        if head.contours {
            let (contours, after) =
                rest.split_at_checked(split.names.len().checked_mul(CONTOUR * 16)?)?;
            rest = after;
            let contours = contours.as_chunks::<{ CONTOUR * 16 }>().0;
            for (landmarks, contour) in split.landmarks.iter_mut().zip(contours) {
                if let (Some(landmarks), Some(contour)) = (landmarks, read_contour(contour)) {
                    landmarks.set_contour(contour);
                }
            }
        }
    }
    rest.is_empty().then_some((head, splits))
}

/// The aspect, and x and y of every point; NaN where unknown.
fn coordinates(landmarks: &Option<Landmarks>) -> [f64; NUMBERS] {
    let mut coordinates = [f64::NAN; NUMBERS];
    let Some(landmarks) = landmarks else { return coordinates };
    coordinates[0] = landmarks.aspect();
    for (landmark, pair) in Landmark::ALL.into_iter().zip(coordinates[1..].chunks_exact_mut(2)) {
        if let Some(point) = landmarks.get(landmark) {
            pair.copy_from_slice(&[point.x, point.y]);
        }
    }
    coordinates
}

/// x and y of every point of a contour; NaN without one.
fn contour_coordinates(landmarks: &Option<Landmarks>) -> [[f64; 2]; CONTOUR] {
    match landmarks.as_ref().and_then(Landmarks::contour) {
        Some(contour) => contour.map(|point| [point.x, point.y]),
        None => [[f64::NAN; 2]; CONTOUR],
    }
}

/// The other way.
fn read_contour(bytes: &[u8; CONTOUR * 16]) -> Option<Contour> {
    let (numbers, _) = bytes.as_chunks::<8>();
    let mut numbers = numbers.iter().map(|bytes| f64::from_le_bytes(*bytes));
    let mut next = || numbers.next().unwrap_or(f64::NAN);
    let contour = [(); CONTOUR].map(|()| Point { x: next(), y: next() });
    contour.iter().all(|point| !point.x.is_nan()).then_some(contour)
}

/// The other way; no aspect is no landmarks.
fn landmarks(coordinates: &[f64; NUMBERS]) -> Option<Landmarks> {
    let aspect = Some(coordinates[0]).filter(|aspect| *aspect > 0.0 && aspect.is_finite())?;
    let mut landmarks = Landmarks::in_aspect(aspect);
    for (landmark, pair) in Landmark::ALL.into_iter().zip(coordinates[1..].chunks_exact(2)) {
        if !pair[0].is_nan() {
            landmarks.set(landmark, Point { x: pair[0], y: pair[1] });
        }
    }
    Some(landmarks)
}

/// Gives each split its part of the file's pixels.
fn with_pixels(splits: [SplitFacts; 3], shape: Shape, file: &File) -> io::Result<[Images; 3]> {
    let mut at = PIXELS_AT;
    let mut images = Vec::with_capacity(splits.len());
    for SplitFacts { names, labels, landmarks } in splits {
        let len = names.len() * shape.bytes();
        let pixels = Pixels::Mapped { map: Arc::new(map(file, at, len)?), offset: 0, len };
        at += len as u64;
        images.push(Images { names, pixels, labels, landmarks });
    }
    images.try_into().map_err(|_| io::Error::other("there are three splits"))
}

fn map(file: &File, offset: u64, len: usize) -> io::Result<Mmap> {
    // SAFETY: a mapping is undefined behaviour where the file under it changes. Files of the cache are
    // written under a name of their own and never opened for writing after they are mapped here, only
    // replaced by a rename, which leaves the old file to its mappings; what is written after the first
    // mapping (the rest and the prelude) lies outside the mapped range.
    unsafe { MmapOptions::new().offset(offset).len(len).map(file) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Remarks;

    const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn facts() -> Facts {
        let mut points = Landmarks::in_aspect(1.25);
        points.set(Landmark::EyeLeft, Point { x: 0.25, y: 0.5 });
        points.set(Landmark::MouthRight, Point { x: -0.125, y: 1.0 });
        let split = |names: &[&str], landmarks: Vec<Option<Landmarks>>| SplitFacts {
            names: names.iter().map(|&name| name.to_owned()).collect(),
            labels: [0.25, 0.75].repeat(names.len()),
            landmarks,
        };
        Facts {
            classes: vec!["joy".to_owned(), "rage".to_owned()],
            shape: Shape { height: 2, width: 1, channels: 1 },
            left_out: BTreeMap::from([(
                Split::Val,
                BTreeMap::from([("no majority".to_owned(), 7)]),
            )]),
            carved: vec![Split::Val],
            seen: Seen {
                reshaped: 3,
                remarks: Remarks { groups: 2, ..Remarks::default() },
                ..Seen::default()
            },
            splits: [
                split(&["a", "b"], vec![None, Some(points)]),
                split(&["c"], vec![None]),
                split(&["d"], vec![None]),
            ],
        }
    }

    fn built(folder: &Path) -> PathBuf {
        let cache = Cache::open(folder).unwrap();
        let mut writing = cache.begin().unwrap();
        writing.write(&[1, 2, 3]).unwrap();
        writing.write(&[4, 5, 6, 7, 8]).unwrap();
        writing.complete(KEY, facts()).unwrap().finish().unwrap();
        cache.data_path(KEY)
    }

    fn found(folder: &Path) -> Result<Dataset, String> {
        match Cache::open(folder).unwrap().get(KEY) {
            Found::Dataset(dataset) => Ok(*dataset),
            Found::Nothing => Err("nothing".to_owned()),
            Found::Damaged { why, .. } => Err(why),
        }
    }

    #[test]
    fn what_is_written_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(found(folder.path()).unwrap_err(), "nothing");
        built(folder.path());
        let dataset = found(folder.path()).unwrap();
        let wanted = facts();
        assert_eq!(
            (dataset.classes.as_slice(), &dataset.left_out, &dataset.carved, &dataset.seen),
            (wanted.classes.as_slice(), &wanted.left_out, &wanted.carved, &wanted.seen)
        );
        assert_eq!((dataset.height, dataset.width, dataset.channels), (2, 1, 1));
        for (split, wanted) in Split::ALL.into_iter().zip(&wanted.splits) {
            let images = dataset.split(split);
            assert_eq!(
                (&images.names, &images.labels, &images.landmarks),
                (&wanted.names, &wanted.labels, &wanted.landmarks)
            );
        }
        assert_eq!(
            (&*dataset.train.pixels, &*dataset.val.pixels, &*dataset.test.pixels),
            (&[1, 2, 3, 4][..], &[5, 6][..], &[7, 8][..])
        );
        assert_eq!(
            dataset.without_landmarks,
            BTreeMap::from([(Split::Train, 1), (Split::Val, 1), (Split::Test, 1)])
        );
        let splits = [&dataset.train, &dataset.val, &dataset.test];
        assert_eq!(dataset.content, content::hash(&dataset.classes, 2, 1, 1, splits));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn a_changed_byte_is_noticed_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = built(folder.path());
        let whole = fs::read(&path).unwrap();
        let padding = PRELUDE..PIXELS_AT as usize;
        for at in (0..whole.len()).filter(|at| !padding.contains(at)) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&path, bytes).unwrap();
            assert!(found(folder.path()).is_err(), "byte {at}");
        }
        fs::write(&path, &whole).unwrap();
        assert!(found(folder.path()).is_ok());
    }

    #[test]
    fn a_file_cut_off_or_of_another_data_set_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = built(folder.path());
        let whole = fs::read(&path).unwrap();
        let message = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            found(folder.path()).unwrap_err()
        };
        assert_eq!(message(&[]), "it is truncated");
        assert_eq!(
            message(&whole[..whole.len() - 1]),
            "its length differs from the length in its header"
        );
        assert_eq!(
            message(&[&whole[..], &[0]].concat()),
            "its length differs from the length in its header"
        );
        assert_eq!(message(&vec![0; 5000]), "it does not begin like a cache file");
        // Lengths that add up to more than can be counted.
        let mut huge = whole.clone();
        huge[16..32].fill(0xff);
        assert_eq!(message(&huge), "its length differs from the length in its header");
        fs::write(&path, &whole).unwrap();
        let other = KEY.replace('0', "1");
        fs::rename(&path, folder.path().join(format!("{other}.ferlab"))).unwrap();
        assert!(matches!(
            Cache::open(folder.path()).unwrap().get(&other),
            Found::Damaged { why, .. } if why == "it holds another data set"
        ));
    }

    #[test]
    fn a_mapped_data_set_outlives_its_file_and_its_replacement() {
        let folder = tempfile::tempdir().unwrap();
        let path = built(folder.path());
        let dataset = found(folder.path()).unwrap();
        built(folder.path());
        fs::remove_file(path).unwrap();
        assert_eq!(*dataset.test.pixels, [7, 8]);
    }

    #[test]
    fn keys_are_remembered_by_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        assert_eq!(cache.recall("s"), None);
        cache.remember("s", KEY).unwrap();
        assert_eq!(cache.recall("s").as_deref(), Some(KEY));
        fs::write(cache.index_path("s"), "../../etc/passwd").unwrap();
        assert_eq!(cache.recall("s"), None);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let folder = file.path().join("cache");
        let message = Cache::open(&folder).unwrap_err().to_string();
        let start = format!("cannot use the cache folder {}: ", folder.display());
        assert!(
            message.starts_with(&start)
                && message
                    .ends_with("; there is a file where a folder is needed: name another folder"),
            "{message}"
        );
    }
}
