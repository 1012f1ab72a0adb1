//! Landmarks that are found in the pictures, and the file that remembers them.
//!
//! A picture's points are kept by its content, in one file of the cache's folder, so that they are found once, whatever
//! the picture is called and to whichever data sets it belongs. Its layout, numbers little-endian:
//!
//! | bytes | what |
//! | --- | --- |
//! | 0 .. 8 | `FERLABL2` |
//! | 8 .. 40 | BLAKE3 of what found the points: model and version of the steps |
//! | then, for each picture, 536 | BLAKE3 of its content; presence, x and y of each landmark and of each point of the contour (f64) |
//! | the last 32 | BLAKE3 of all before |
//!
//! It is written anew now and then, under another name, flushed to the disk and renamed, so that neither a crash nor a
//! second process damages it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use tempfile::NamedTempFile;

use super::cache::Cache;
use super::decode;
use super::error::BadPicture;
use super::landmark_tables::Row;
use super::listing::Picture;
use super::progress::go_on;
use super::{DatasetError, Progress, Stage, Watch};
use crate::landmarker::{self, Landmarker, RgbView};
use crate::region::{CONTOUR, CONTOUR_POINTS, Landmark, Point};

const NAME: &str = "landmarks.found";
const MAGIC: &[u8; 8] = b"FERLABL2";
const HASH: usize = blake3::OUT_LEN;
const NUMBERS: usize = 1 + 2 * (Landmark::ALL.len() + CONTOUR);
const RECORD: usize = HASH + 8 * NUMBERS;

/// So much work a crash may lose.
const BETWEEN_WRITES: Duration = Duration::from_secs(20);

/// Pictures between two progress reports, by thread.
const BATCH: usize = 16;

/// A picture's content, and its presence and points.
type Known = BTreeMap<[u8; HASH], [f64; NUMBERS]>;

/// What identifies found landmarks: the model and the version of the steps that use it.
pub fn finder() -> String {
    format!("{} {}", landmarker::MODEL, landmarker::VERSION)
}

/// The landmarks of each picture, in their order, in fractions of its width and height, whatever their presence; the
/// reason where a picture cannot be read. Those in the folder `cache` are not found again.
///
/// # Errors
///
/// Where the model is not there, where the folder cannot be written, and where `watch` interrupts it; what was found
/// until then is kept.
pub fn find_all(
    pictures: &[&Picture],
    cache: &Path,
    watch: Watch<'_>,
) -> Result<Vec<Result<Row, BadPicture>>, DatasetError> {
    Cache::open(cache)?;
    let path = cache.join(NAME);
    let mut memory = Memory::read(path, watch.progress);
    let found = memory.find_all(pictures, watch);
    // What was found before an interruption or an error is kept.
    let kept = memory.write();
    let found = found?;
    kept.map_err(|why| DatasetError::cache(cache, why))?;
    Ok(found)
}

/// The file's content, and what was found since.
struct Memory {
    path: PathBuf,
    known: Known,
    /// Opened for the first picture that is not known.
    landmarker: Option<Landmarker>,
    changed: bool,
    written: Instant,
}

/// What became of a picture.
enum Seen {
    Known([u8; HASH]),
    New([u8; HASH], Box<[f64; NUMBERS]>),
    /// Its points are needed, and nothing is open that finds them.
    Unknown,
    Bad(String),
}

impl Memory {
    /// An absent file is empty, and so is that of another model; damage is reported.
    fn read(path: PathBuf, progress: &dyn Fn(Progress)) -> Memory {
        let known = match read(&path) {
            Ok(known) => known,
            Err(why) => {
                progress(Progress::Rebuilding { path: path.clone(), why });
                Known::new()
            }
        };
        Memory { path, known, landmarker: None, changed: false, written: Instant::now() }
    }

    fn find_all(
        &mut self,
        pictures: &[&Picture],
        watch: Watch<'_>,
    ) -> Result<Vec<Result<Row, BadPicture>>, DatasetError> {
        let total = pictures.len();
        let mut rows = Vec::with_capacity(total);
        for batch in pictures.chunks(BATCH * rayon::current_num_threads()) {
            (watch.progress)(Progress::Step { stage: Stage::Landmarks, done: rows.len(), total });
            go_on(watch.interrupted)?;
            let mut seen = self.see(batch);
            if self.landmarker.is_none() && seen.iter().any(|seen| matches!(seen, Seen::Unknown)) {
                self.landmarker = Some(Landmarker::open(&landmarker::place())?);
                seen = self.see(batch);
            }
            for (picture, seen) in batch.iter().zip(seen) {
                rows.push(self.row(picture, seen));
            }
            if self.written.elapsed() > BETWEEN_WRITES {
                // A failure is told by the last writing.
                let _ = self.write();
            }
        }
        (watch.progress)(Progress::Step { stage: Stage::Landmarks, done: total, total });
        Ok(rows)
    }

    fn see(&self, pictures: &[&Picture]) -> Vec<Seen> {
        let see = |file: &mut Vec<u8>, picture: &&Picture| match self.look(picture, file) {
            Ok(seen) => seen,
            Err(why) => Seen::Bad(why),
        };
        pictures.par_iter().map_init(Vec::new, see).collect()
    }

    /// `file` is room for a file's bytes.
    fn look(&self, picture: &Picture, file: &mut Vec<u8>) -> Result<Seen, String> {
        match picture {
            Picture::Grey { width, height, values } => {
                let mut hasher = blake3::Hasher::new();
                hasher.update(b"grey").update(&width.to_le_bytes()).update(&height.to_le_bytes());
                let key = *hasher.update(values).finalize().as_bytes();
                self.known_or(key, || {
                    let rgb: Vec<u8> = values.iter().flat_map(|value| [*value; 3]).collect();
                    Ok((*width as usize, *height as usize, rgb))
                })
            }
            Picture::Part { path, place } => {
                decode::read(path, file)?;
                let mut hasher = blake3::Hasher::new();
                hasher.update(b"part").update(blake3::hash(file).as_bytes());
                for side in [place.left, place.top, place.right, place.bottom] {
                    hasher.update(&side.to_le_bytes());
                }
                let key = *hasher.finalize().as_bytes();
                self.known_or(key, || {
                    let image = decode::cut(decode::open(file)?.image, *place)?.into_rgb8();
                    Ok((image.width() as usize, image.height() as usize, image.into_raw()))
                })
            }
            Picture::File(path) => {
                decode::read(path, file)?;
                let key = *blake3::hash(file).as_bytes();
                self.known_or(key, || {
                    let image = decode::open(file)?.image.into_rgb8();
                    Ok((image.width() as usize, image.height() as usize, image.into_raw()))
                })
            }
        }
    }

    /// Finds the points of a picture that is not known; `pixels` are width, height and RGB values.
    fn known_or(
        &self,
        key: [u8; HASH],
        pixels: impl FnOnce() -> Result<(usize, usize, Vec<u8>), String>,
    ) -> Result<Seen, String> {
        if self.known.contains_key(&key) {
            return Ok(Seen::Known(key));
        }
        let Some(landmarker) = &self.landmarker else { return Ok(Seen::Unknown) };
        let (width, height, pixels) = pixels()?;
        let picture = RgbView::new(width, height, &pixels).ok_or("it has no pixels")?;
        let face = landmarker.find(picture);
        let mut numbers = [face.presence; NUMBERS];
        let five = face.five();
        let five = Landmark::ALL.into_iter().map(|landmark| five.get(landmark));
        let contour = CONTOUR_POINTS.iter().map(|known| Some(face.points[known.mesh]));
        for (point, pair) in five.chain(contour).zip(numbers[1..].chunks_exact_mut(2)) {
            if let Some(point) = point {
                pair.copy_from_slice(&[point.x, point.y]);
            }
        }
        Ok(Seen::New(key, Box::new(numbers)))
    }

    fn row(&mut self, picture: &Picture, seen: Seen) -> Result<Row, BadPicture> {
        let bad = |why: String| {
            let path = match picture {
                Picture::File(path) | Picture::Part { path, .. } => path.clone(),
                Picture::Grey { .. } => PathBuf::from("fer2013.csv"),
            };
            BadPicture { path, why }
        };
        let numbers = match seen {
            Seen::Known(key) => self.known.get(&key).copied(),
            Seen::New(key, numbers) => {
                self.known.insert(key, *numbers);
                self.changed = true;
                Some(*numbers)
            }
            Seen::Unknown => None,
            Seen::Bad(why) => return Err(bad(why)),
        };
        let numbers = numbers.ok_or_else(|| bad("its landmarks were not found".to_owned()))?;
        let mut all = numbers[1..].chunks_exact(2).map(|pair| Point { x: pair[0], y: pair[1] });
        let mut next = || all.next().unwrap_or(Point { x: f64::NAN, y: f64::NAN });
        let points = [(); _].map(|()| Some(next()));
        let contour = Some([(); CONTOUR].map(|()| next()));
        Ok(Row { points, presence: numbers[0], line: 0, contour })
    }

    /// Writes the file anew, with what another process may have added to it.
    fn write(&mut self) -> io::Result<()> {
        self.written = Instant::now();
        if !self.changed {
            return Ok(());
        }
        for (key, numbers) in read(&self.path).unwrap_or_default() {
            self.known.entry(key).or_insert(numbers);
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = NamedTempFile::with_prefix_in("building-", folder)?;
        file.write_all(&bytes(&self.known))?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|why| why.error)?;
        self.changed = false;
        Ok(())
    }
}

/// The file's first bytes.
fn head() -> Vec<u8> {
    [MAGIC.as_slice(), blake3::hash(finder().as_bytes()).as_bytes()].concat()
}

fn bytes(known: &Known) -> Vec<u8> {
    let mut bytes = head();
    for (key, numbers) in known {
        bytes.extend(key);
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }
    let seal = blake3::hash(&bytes);
    bytes.extend(seal.as_bytes());
    bytes
}

/// What a file remembers; nothing where it is not there, or of another model. The reason where it is damaged.
fn read(path: &Path) -> Result<Known, String> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Known::new()),
        Err(why) => return Err(why.to_string()),
    };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|why| why.to_string())?;
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Result<Known, String> {
    let (content, seal) = bytes.split_last_chunk::<HASH>().ok_or("it is truncated")?;
    if blake3::hash(content).as_bytes() != seal {
        return Err("its checksum is wrong".to_owned());
    }
    let Some(records) = content.strip_prefix(head().as_slice()) else {
        return Ok(Known::new());
    };
    let (records, rest) = records.as_chunks::<RECORD>();
    if !rest.is_empty() {
        return Err("its length is that of no whole records".to_owned());
    }
    let record = |record: &[u8; RECORD]| {
        let (key, numbers) = record.split_first_chunk::<HASH>()?;
        let (numbers, _) = numbers.as_chunks::<8>();
        let numbers: Vec<f64> = numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        Some((*key, numbers.try_into().ok()?))
    };
    Ok(records.iter().filter_map(record).collect())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::atomic::AtomicBool;

    use proptest::prelude::*;

    use super::*;

    fn grey(value: u8) -> Picture {
        Picture::Grey { width: 8, height: 8, values: vec![value; 64].into() }
    }

    /// A memory that knows a picture, and the file it lies in.
    fn known(folder: &Path, value: u8) -> (Memory, [f64; NUMBERS]) {
        let mut memory = Memory::read(folder.join(NAME), &|_| ());
        let Ok(Seen::Unknown) = memory.look(&grey(value), &mut Vec::new()) else {
            panic!("nothing is open that could find it")
        };
        let numbers = std::array::from_fn(|at| f64::from(value) + at as f64 / 16.0);
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"grey").update(&8_u32.to_le_bytes()).update(&8_u32.to_le_bytes());
        let key = *hasher.update(&[value; 64]).finalize().as_bytes();
        memory.row(&grey(value), Seen::New(key, Box::new(numbers))).unwrap();
        memory.write().unwrap();
        (memory, numbers)
    }

    /// Prints where the points of a contour lie in the canonical face frame, in the mean over the pictures in the folder
    /// FER_LAB_PICTURES and over both sides of the face.
    #[test]
    #[ignore = "it is the source of CONTOUR_POINTS, not a test"]
    fn contour_points_in_the_mean() {
        let folder = std::env::var("FER_LAB_PICTURES").expect("FER_LAB_PICTURES names a folder");
        let landmarker = Landmarker::open(&landmarker::place()).unwrap();
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        let step = files.len().div_ceil(2400);
        let files: Vec<&PathBuf> = files.iter().step_by(step).collect();
        let placed: Vec<[Point; CONTOUR]> = files
            .into_par_iter()
            .filter_map(|file| {
                let image = image::open(file).ok()?.into_rgb8();
                let (width, height) = (image.width() as usize, image.height() as usize);
                let face = landmarker.find(RgbView::new(width, height, image.as_raw())?);
                let frame = face.five().frame()?.inverse()?;
                (face.presence >= landmarker::LEAST_PRESENCE)
                    .then(|| CONTOUR_POINTS.map(|known| frame.apply(face.points[known.mesh])))
            })
            .collect();
        let count = placed.len() as f64;
        println!("{count} faces");
        for (at, known) in CONTOUR_POINTS.iter().enumerate() {
            let x = placed.iter().map(|points| points[at].x).sum::<f64>() / count;
            let y = placed.iter().map(|points| points[at].y).sum::<f64>() / count;
            println!("{} {} {x:.4} {y:.4}", known.ibug, known.mesh);
        }
    }

    #[test]
    fn what_was_found_is_not_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let (_, numbers) = known(folder.path(), 3);
        // There may be no model: nothing needs one.
        let rows =
            find_all(&[&grey(3), &grey(3)], folder.path(), Watch::reporting(&|_| ())).unwrap();
        let [Ok(one), Ok(other)] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(one, other);
        assert_eq!(one.presence, numbers[0]);
        assert_eq!(one.points[4], Some(Point { x: numbers[9], y: numbers[10] }));
    }

    #[test]
    fn two_processes_lose_nothing_of_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let mut first = Memory::read(path.clone(), &|_| ());
        known(folder.path(), 5);
        first.row(&grey(6), Seen::New([6; HASH], Box::new([0.5; NUMBERS]))).unwrap();
        first.write().unwrap();
        assert_eq!(read(&path).unwrap().len(), 2);
    }

    #[test]
    fn a_picture_that_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, "").unwrap();
        known(folder.path(), 3);
        // Only a model could tell that a file is no picture, so that it is not asked for a missing one.
        let memory = Memory::read(folder.path().join(NAME), &|_| ());
        let missing = Picture::File(folder.path().join("b.png"));
        assert!(memory.look(&missing, &mut Vec::new()).is_err());
        assert!(matches!(memory.look(&Picture::File(path), &mut Vec::new()), Ok(Seen::Unknown)));
    }

    #[test]
    fn an_interruption_keeps_what_was_found() {
        let folder = tempfile::tempdir().unwrap();
        known(folder.path(), 3);
        let interrupted = AtomicBool::new(true);
        let watch = Watch { progress: &|_| (), interrupted: &interrupted };
        let stopped = find_all(&[&grey(3)], folder.path(), watch).unwrap_err();
        assert!(matches!(stopped, DatasetError::Interrupted));
        assert_eq!(read(&folder.path().join(NAME)).unwrap().len(), 1);
    }

    #[test]
    fn damage_is_reported_and_another_model_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        known(folder.path(), 3);
        let path = folder.path().join(NAME);
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(whole.len(), 8 + HASH + RECORD + HASH);
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        let said = RefCell::new(Vec::new());
        let report = |progress| said.borrow_mut().push(progress);
        let memory = Memory::read(path.clone(), &report);
        assert!(memory.known.is_empty());
        let why = "its checksum is wrong".to_owned();
        assert_eq!(said.into_inner(), [Progress::Rebuilding { path, why }]);
        let mut other = whole[..whole.len() - HASH].to_vec();
        other[10] ^= 1;
        let seal = blake3::hash(&other);
        other.extend(seal.as_bytes());
        assert_eq!(parse(&other), Ok(Known::new()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(parse(&bytes).is_err());
            let mut sealed = head();
            sealed.extend(&bytes);
            let seal = blake3::hash(&sealed);
            sealed.extend(seal.as_bytes());
            prop_assert_eq!(parse(&sealed).is_ok(), bytes.len().is_multiple_of(RECORD));
        }
    }

    /// Drawn faces, whose points the generator knows: what the model finds in them.
    mod with_the_model {
        use super::*;
        use crate::dataset::{Dataset, faces};
        use crate::experiment::{DatasetSpec, FacesSpec, Source};
        use crate::landmarker::Face;
        use crate::region::Landmarks;

        const SIDE: usize = 96;
        const FACES: usize = 6;

        /// `None`, with a notice, where the model is not there.
        fn model() -> Option<Landmarker> {
            match Landmarker::open(&landmarker::place()) {
                Ok(landmarker) => Some(landmarker),
                Err(why @ landmarker::LandmarkerError::Missing { .. }) => {
                    eprintln!("skipped: {why}");
                    None
                }
                Err(why) => panic!("{why}"),
            }
        }

        fn drawn() -> Dataset {
            let faces = FacesSpec {
                train: FACES,
                val: 1,
                test: 1,
                seed: 3,
                signal: vec!["mouth".to_owned()],
                together: Vec::new(),
                identity: 1.0,
                nuisance: 1.0,
            };
            let spec = DatasetSpec::new(
                Source::Faces(faces.clone()),
                [SIDE, SIDE, 1],
                &["neutral", "happiness"],
            );
            faces::generate(&spec, &faces)
        }

        /// The drawn face within a larger picture of grey, RGB.
        fn placed(grey: &[u8], [width, height]: [usize; 2], [left, top]: [usize; 2]) -> Vec<u8> {
            let mut pixels = vec![128; width * height * 3];
            for (at, value) in grey.iter().enumerate() {
                let (x, y) = (at % SIDE + left, at / SIDE + top);
                pixels[(y * width + x) * 3..][..3].fill(*value);
            }
            pixels
        }

        /// The mean distance of eyes and nose from where they were drawn, in distances of the eyes.
        fn distance(face: &Face, size: [usize; 2], place: [usize; 2], truth: &Landmarks) -> f64 {
            let [width, height] = size.map(|side| side as f64);
            let [left, top] = place.map(|side| side as f64);
            let drawn = |landmark| {
                let Point { x, y } = truth.get(landmark).unwrap();
                Point { x: x * SIDE as f64 + left, y: y * SIDE as f64 + top }
            };
            let stable = [Landmark::EyeLeft, Landmark::EyeRight, Landmark::NoseTip];
            let apart: f64 = stable
                .map(|landmark| {
                    let Point { x, y } = face.five().get(landmark).unwrap();
                    Point { x: x * width, y: y * height }.distance(drawn(landmark))
                })
                .iter()
                .sum();
            apart / 3.0 / drawn(Landmark::EyeLeft).distance(drawn(Landmark::EyeRight))
        }

        #[test]
        fn drawn_faces_are_found_where_they_were_drawn() {
            let Some(landmarker) = model() else { return };
            let dataset = drawn();
            let pixels = dataset.train.pixels.chunks_exact(SIDE * SIDE);
            let pictures = pixels.zip(&dataset.train.landmarks).collect::<Vec<_>>();
            // As they are; and in pictures that are not square, where they fill a part.
            let places = [([SIDE, SIDE], [0, 0]), ([200, 110], [96, 10]), ([120, 190], [4, 3])];
            for (size, place) in places {
                let found = pictures.par_iter().map(|(grey, truth)| {
                    let pixels = placed(grey, size, place);
                    let face = landmarker.find(RgbView::new(size[0], size[1], &pixels).unwrap());
                    assert!(face.is_found(), "{size:?}: {}", face.presence);
                    distance(&face, size, place, &truth.unwrap())
                });
                let found: Vec<f64> = found.collect();
                let mean = found.iter().sum::<f64>() / found.len() as f64;
                assert!(mean < 0.12, "{size:?}: {found:?}");
            }
            let flat = vec![128; SIDE * SIDE * 3];
            assert!(!landmarker.find(RgbView::new(SIDE, SIDE, &flat).unwrap()).is_found());
        }

        #[test]
        fn they_are_remembered_by_content_and_the_same_on_any_number_of_threads() {
            if model().is_none() {
                return;
            }
            let dataset = drawn();
            let side = SIDE as u32;
            let pictures: Vec<Picture> = dataset.train.pixels[..2 * SIDE * SIDE]
                .chunks_exact(SIDE * SIDE)
                .map(|grey| Picture::Grey { width: side, height: side, values: grey.into() })
                .collect();
            let pictures: Vec<&Picture> = pictures.iter().collect();
            let [one, other] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
            let find =
                |cache: &Path| find_all(&pictures, cache, Watch::reporting(&|_| ())).unwrap();
            let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
            let first = alone.install(|| find(one.path()));
            assert_eq!(first, find(other.path()));
            assert_eq!(first, find(one.path()), "from the file");
            let files = [one, other].map(|folder| std::fs::read(folder.path().join(NAME)).unwrap());
            assert_eq!(files[0], files[1]);
        }
    }
}
