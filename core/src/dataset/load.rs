//! Loading of an experiment's data set.
//!
//! The order of things keeps a second load under a second: files are listed and their stamps taken; where
//! the cache remembers those stamps, the data set is mapped and nothing else is read. Otherwise, where it has a data set of
//! these settings, the files' contents are hashed, which finds it after a mere copy or `touch`; and only then are labels
//! read and pictures decoded, once each.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::cache::{self, Building, Cache, Facts, Found, SplitFacts};
use super::ckplus::Ckplus;
use super::decode::Shape;
use super::doubts::{Doubt, doubts};
use super::error::BadPicture;
use super::faces;
use super::ferplus::{Fer2013, Ferplus};
use super::folder::Folder;
use super::found;
use super::inputs::{Inputs, Stamps};
use super::landmark_tables::{self, LandmarkTable, Points, Row, Unit, Untrusted};
use super::listing::{Catalogue, Listing, Picture};
use super::paths::on_disk;
use super::pictures::{self, ReadPictures, all_are_read};
use super::progress::go_on;
use super::rafdb::Rafdb;
use super::table::Table;
use super::{Dataset, DatasetError, Progress, Seen, Split, Watch, unread};
use crate::disk;
use crate::experiment::{
    DatasetSpec, FacesSpec, Fit, LandmarkSource, OnError, Source, WithoutLandmarks,
};
use crate::landmarker::{self, LandmarkerError};
use crate::machine;
use crate::plan::{ImageCounts, source_content};
use crate::region::CONTOUR;

/// Tables of fewer points a face have no contour.
const LEAST_OF_A_CONTOUR: usize = 68;

/// Loads the data set that `spec` describes, from the folder `cache` if it is there already.
///
/// The same files and `spec` give the same data set, whatever the number of threads and the state of the
/// cache.
///
/// # Errors
///
/// Where files are missing, cannot be read or contradict each other, where a class has no image in a
/// split, where the cache folder cannot be written, and where `watch` interrupts it.
pub fn load(spec: &DatasetSpec, cache: &Path, watch: Watch<'_>) -> Result<Dataset, DatasetError> {
    let spec = &on_disk(spec)?;
    let catalogue = match find(spec)? {
        Where::Generated(faces) => return drawn(spec, faces, cache, watch),
        Where::OnDisk(catalogue) => catalogue,
    };
    if spec.without_landmarks == WithoutLandmarks::Skip && spec.landmarks.is_none() {
        return Err(DatasetError::NothingButSkipped);
    }
    let inputs = inputs(spec, catalogue.as_ref())?;
    let cache = Cache::open(cache)?;
    let began = SystemTime::now();
    go_on(watch.interrupted)?;
    let stamps = inputs.stamps()?;
    go_on(watch.interrupted)?;
    let stamp = stamp(spec, &stamps);
    let recalled = cache.recall(&stamp);
    if let Some(key) = &recalled
        && let Some(dataset) = cached(&cache, key, watch.progress)
    {
        return Ok(dataset);
    }
    let settings = half(settings_hasher(spec).finalize());
    let key = |contents: &HashMap<PathBuf, blake3::Hash>| {
        let content = inputs.content(catalogue.root(), contents, watch)?;
        Ok(format!("{settings}{}", half(content)))
    };
    // Contents need be read beforehand only where that may save the decoding.
    let known_key = match cache.has_any(&settings) {
        true => Some(key(&HashMap::new())?),
        false => None,
    };
    // A damaged file is not opened, and reported, again.
    let known = match &known_key {
        Some(key) if recalled.as_ref() != Some(key) => cached(&cache, key, watch.progress),
        _ => None,
    };
    let (dataset, key) = match (known, known_key) {
        (Some(dataset), Some(key)) => (dataset, key),
        (_, known_key) => {
            let key = |contents: &HashMap<PathBuf, blake3::Hash>| match known_key {
                Some(key) => Ok(key),
                None => key(contents),
            };
            let building = build(&cache, spec, catalogue.as_ref(), watch, key)?;
            if inputs.stamps()? != stamps {
                return Err(DatasetError::Changed { root: catalogue.root().to_owned() });
            }
            let key = building.key().to_owned();
            (building.finish()?, key)
        }
    };
    if stamps.at_rest(began) {
        cache.remember(&stamp, &key)?;
    }
    Ok(dataset)
}

/// The drawn faces, cached because drawing them for every training would take long.
fn drawn(
    spec: &DatasetSpec,
    faces: &FacesSpec,
    cache: &Path,
    watch: Watch<'_>,
) -> Result<Dataset, DatasetError> {
    let cache = Cache::open(cache)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&cache::VERSION.to_le_bytes());
    hasher.update(source_content(spec).unwrap_or_default().as_bytes());
    let key = hasher.finalize().to_hex().to_string();
    if let Some(dataset) = cached(&cache, &key, watch.progress) {
        return Ok(dataset);
    }
    let dataset = faces::generate_watched(spec, faces, watch.interrupted)?;
    let splits = [dataset.train, dataset.val, dataset.test];
    let pixels = splits.each_ref().map(|images| images.pixels.to_vec());
    let facts = Facts {
        classes: dataset.classes,
        shape: Shape { height: spec.height, width: spec.width, channels: spec.channels },
        left_out: dataset.left_out,
        carved: dataset.carved,
        seen: dataset.seen,
        splits: splits.map(|images| SplitFacts {
            names: images.names,
            labels: images.labels,
            landmarks: images.landmarks,
        }),
    };
    let mut writing = cache.begin()?;
    pixels.iter().try_for_each(|split| writing.write(split))?;
    writing.complete(&key, facts)?.finish()
}

/// The landmarks that are found in an image of a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundImage {
    pub split: Split,
    /// The image's name in tables of landmarks.
    pub name: String,
    pub points: Row,
}

/// Finds the landmarks of every image of a data set on disk, whatever its own landmarks are; those that were found before are
/// taken from the folder `cache`. In the source's order, and with the pictures that cannot be read.
///
/// # Errors
///
/// As [`load`]; where the model is not there; and where pictures cannot be read, unless the experiment leaves them out.
pub fn find_landmarks(
    spec: &DatasetSpec,
    cache: &Path,
    watch: Watch<'_>,
) -> Result<(Vec<FoundImage>, Vec<BadPicture>), DatasetError> {
    let spec = &on_disk(spec)?;
    let Where::OnDisk(catalogue) = find(spec)? else { return Err(DatasetError::Drawn) };
    let listing = list(spec, catalogue.as_ref())?;
    go_on(watch.interrupted)?;
    let rows = find_rows(&listing, cache, watch)?;
    let (mut found, mut bad) = (Vec::new(), Vec::new());
    for (entry, row) in listing.entries.into_iter().zip(rows) {
        match row {
            Ok(points) => {
                found.push(FoundImage { split: entry.split, name: entry.listed_as, points });
            }
            Err(why) => bad.push(why),
        }
    }
    match spec.on_error {
        OnError::Stop => all_are_read(bad.into_iter()).map(|()| (found, Vec::new())),
        OnError::Skip => Ok((found, bad)),
    }
}

/// The missing part of the data, in words; `None` if complete.
pub fn missing(spec: &DatasetSpec) -> Option<String> {
    let spec = &match on_disk(spec) {
        Ok(spec) => spec,
        Err(error) => return Some(error.to_string()),
    };
    let pictures = find(spec).err().map(|error| error.to_string());
    let landmarks = match &spec.landmarks {
        Some(LandmarkSource::Table(path)) if !path.exists() => {
            Some(DatasetError::NoLandmarks { path: path.clone() }.to_string())
        }
        Some(LandmarkSource::Find) if !landmarker::place().exists() => {
            Some(LandmarkerError::Missing { path: landmarker::place() }.to_string())
        }
        _ => None,
    };
    pictures.or(landmarks)
}

/// The cached facts of a data set on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownData {
    /// [`Dataset::content`].
    pub content: String,
    pub images: ImageCounts,
    pub doubts: Vec<Doubt>,
}

/// The cached facts of a data set on disk, if the folder `cache` has them; no picture is read.
pub fn known(spec: &DatasetSpec, cache: &Path) -> Option<KnownData> {
    let spec = &on_disk(spec).ok()?;
    let Ok(Where::OnDisk(catalogue)) = find(spec) else { return None };
    let cache = Cache::existing(cache);
    let stamps = inputs(spec, catalogue.as_ref()).ok()?.stamps().ok()?;
    let key = cache.recall(&stamp(spec, &stamps))?;
    match cache.get(&key) {
        Found::Dataset(dataset) => {
            let [train, val, test] = Split::ALL.map(|split| dataset.split(split).len());
            let doubts = doubts(spec, &dataset);
            let images = ImageCounts { train, val, test };
            Some(KnownData { content: dataset.content, images, doubts })
        }
        Found::Nothing | Found::Damaged { .. } => None,
    }
}

/// How many files in the folder of data on disk are not read, by what they are; leftovers of systems do not count.
///
/// # Errors
///
/// Where the data are not there.
pub fn not_read(spec: &DatasetSpec) -> Result<BTreeMap<String, usize>, DatasetError> {
    let spec = &on_disk(spec)?;
    Ok(match find(spec)? {
        Where::Generated(_) => BTreeMap::new(),
        Where::OnDisk(catalogue) => {
            unread::not_read(catalogue.root(), &inputs(spec, catalogue.as_ref())?)
        }
    })
}

/// Half of a hash, which is enough to tell data sets from each other.
fn half(hash: blake3::Hash) -> String {
    hash.to_hex()[..32].to_owned()
}

/// A hash of the files' stamps and of the decoding settings.
fn stamp(spec: &DatasetSpec, stamps: &Stamps) -> String {
    let mut hasher = settings_hasher(spec);
    stamps.update(&mut hasher);
    hasher.finalize().to_hex().to_string()
}

/// The files that a data set is made of.
fn inputs(spec: &DatasetSpec, catalogue: &dyn Catalogue) -> Result<Inputs, DatasetError> {
    let mut inputs = catalogue.inputs().clone();
    if let Some(LandmarkSource::Table(landmarks)) = &spec.landmarks {
        landmark_tables::files_of(landmarks)?.into_iter().for_each(|file| inputs.add(file));
    }
    Ok(inputs)
}

/// Where a data set comes from.
enum Where<'a> {
    Generated(&'a FacesSpec),
    /// The files are found, but not read.
    OnDisk(Box<dyn Catalogue + 'a>),
}

fn find(spec: &DatasetSpec) -> Result<Where<'_>, DatasetError> {
    Ok(Where::OnDisk(match spec.source {
        Source::Faces(ref faces) => return Ok(Where::Generated(faces)),
        Source::Ferplus { ref root, labels, test_labels, val, test } => {
            let labels = [labels, test_labels.unwrap_or(labels)];
            Box::new(Ferplus::find(root, labels, val, test)?)
        }
        Source::Fer2013 { ref root, val, test, split_seed } => {
            Box::new(Fer2013::find(root, val, test, split_seed)?)
        }
        Source::Rafdb { ref root, ref labels, val, split_seed } => {
            Box::new(Rafdb::find(root, labels, val, split_seed)?)
        }
        Source::Ckplus { ref root, frames, val, test, split_seed } => {
            Box::new(Ckplus::find(root, frames, [val, test], split_seed)?)
        }
        Source::Folder(ref spec) => Box::new(Folder::find(spec)?),
        Source::Table(ref spec) => Box::new(Table::find(spec)?),
    }))
}

/// The listing of data on disk; for tests of layouts.
#[cfg(test)]
pub fn listing(spec: &DatasetSpec) -> Result<Listing, DatasetError> {
    match find(spec)? {
        Where::Generated(_) => panic!("not on disk"),
        Where::OnDisk(catalogue) => catalogue.list(&spec.classes),
    }
}

/// Starts a hash with all settings that affect the decoding of a source's files, except their path.
fn settings_hasher(spec: &DatasetSpec) -> blake3::Hasher {
    let mut spec = spec.clone();
    let finder = match &mut spec.landmarks {
        Some(LandmarkSource::Table(path)) => {
            *path = PathBuf::new();
            None
        }
        Some(LandmarkSource::Find) => Some(found::finder()),
        None => None,
    };
    without_root(&mut spec.source);
    let settings = serde_json::to_vec(&spec).expect("names and numbers can be written as JSON");
    let mut hasher = blake3::Hasher::new();
    hasher.update(&cache::VERSION.to_le_bytes());
    hasher.update(&(settings.len() as u64).to_le_bytes()).update(&settings);
    if let Some(finder) = finder {
        hasher.update(&(finder.len() as u64).to_le_bytes()).update(finder.as_bytes());
    }
    hasher
}

/// Takes the folder out of the paths of data on disk: a copy of them is the same data. Tables of labels in other places
/// keep theirs, because the path says what each is for.
fn without_root(source: &mut Source) {
    let mut paths = source.paths_mut().into_iter();
    let Some(root) = paths.next() else { return };
    for path in paths {
        if let Ok(under) = path.strip_prefix(&*root) {
            *path = under.to_owned();
        }
    }
    *root = PathBuf::new();
}

/// The data set of that key; a damaged file is reported.
fn cached(cache: &Cache, key: &str, progress: &dyn Fn(Progress)) -> Option<Dataset> {
    match cache.get(key) {
        Found::Dataset(dataset) => Some(*dataset),
        Found::Nothing => None,
        Found::Damaged { path, why } => {
            progress(Progress::Rebuilding { path, why });
            None
        }
    }
}

/// Reads labels and landmarks, decodes the pictures, and leaves the whole in the cache's folder, not
/// yet under its name. `key` gives that, when the contents of the files that were read are known.
fn build(
    cache: &Cache,
    spec: &DatasetSpec,
    catalogue: &dyn Catalogue,
    watch: Watch<'_>,
    key: impl FnOnce(&HashMap<PathBuf, blake3::Hash>) -> Result<String, DatasetError>,
) -> Result<Building, DatasetError> {
    let mut listing = list(spec, catalogue)?;
    let mut seen = Seen::default();
    set_points(&mut listing, spec, cache.folder(), &mut seen, watch)?;
    go_on(watch.interrupted)?;
    let shape = Shape { height: spec.height, width: spec.width, channels: spec.channels };
    let images = listing.entries.len();
    if images.checked_mul(shape.bytes()).is_none_or(|bytes| bytes > isize::MAX as usize) {
        let (height, width, channels) = (spec.height, spec.width, spec.channels);
        return Err(DatasetError::TooLarge { images, height, width, channels });
    }
    check_room(images as u64 * shape.bytes() as u64, cache, watch.progress)?;
    let mut writing = cache.begin()?;
    let ReadPictures { decoded, contents } =
        pictures::read(&mut listing, spec, &mut writing, &mut seen, watch)?;
    let mut splits: [SplitFacts; 3] = Default::default();
    for (entry, decoded) in std::mem::take(&mut listing.entries).into_iter().zip(decoded) {
        let split = &mut splits[entry.split as usize];
        split.names.push(entry.name);
        split.labels.extend(entry.label);
        split.landmarks.push(decoded.landmarks.ok().flatten());
    }
    let Listing { left_out, carved, remarks, .. } = listing;
    seen.remarks = remarks;
    let facts = Facts { classes: spec.classes.clone(), shape, left_out, carved, seen, splits };
    writing.complete(&key(&contents)?, facts)
}

/// Says where decoded pictures take more than half of the memory.
///
/// # Errors
/// Where they do not fit onto the disk of the cache.
fn check_room(
    bytes: u64,
    cache: &Cache<'_>,
    progress: &dyn Fn(Progress),
) -> Result<(), DatasetError> {
    if let Some(free) = disk::free(cache.folder()).filter(|free| *free < bytes) {
        return Err(DatasetError::NoRoom { folder: cache.folder().to_owned(), bytes, free });
    }
    let memory = machine::memory();
    if bytes > memory / 2 {
        progress(Progress::Large { bytes, memory });
    }
    Ok(())
}

/// The images of a data set, as many as the experiment takes.
fn list(spec: &DatasetSpec, catalogue: &dyn Catalogue) -> Result<Listing, DatasetError> {
    let mut listing = catalogue.list(&spec.classes)?;
    if let Some(most) = spec.limit {
        listing.keep(most);
    }
    Ok(listing)
}

/// What is found in the picture of each entry.
fn find_rows(
    listing: &Listing,
    cache: &Path,
    watch: Watch<'_>,
) -> Result<Vec<Result<Row, BadPicture>>, DatasetError> {
    let pictures: Vec<&Picture> = listing.entries.iter().map(|entry| &entry.picture).collect();
    found::find_all(&pictures, cache, watch)
}

/// Gives every entry the points that its picture is to have.
fn set_points(
    listing: &mut Listing,
    spec: &DatasetSpec,
    cache: &Path,
    seen: &mut Seen,
    watch: Watch<'_>,
) -> Result<(), DatasetError> {
    let points: Vec<Points> = match &spec.landmarks {
        None => return Ok(()),
        Some(LandmarkSource::Table(path)) => {
            let table = LandmarkTable::read(path)?;
            let facts = table.facts();
            if spec.fit == Fit::Contour && facts.points < LEAST_OF_A_CONTOUR {
                let what = format!(
                    "it has {} points a face, and dataset.fit = \"contour\" follows {CONTOUR} of 68 or more: give a table \
                     with as many, or set dataset.landmarks = \"find\"",
                    facts.points
                );
                return Err(DatasetError::table(path, what));
            }
            seen.landmarks = Some(facts);
            let points = |row: Option<&Row>| {
                row.map_or(Points::Untrusted(Untrusted::NoRow), |row| {
                    Points::Row(Box::new(*row), facts.unit)
                })
            };
            table.rows_of(path, listing)?.into_iter().map(points).collect()
        }
        Some(LandmarkSource::Find) => {
            let points = |row: Result<Row, BadPicture>| {
                let row = row.map(|row| Points::Row(Box::new(row), Unit::Fractions));
                row.unwrap_or(Points::Untrusted(Untrusted::NoPicture))
            };
            find_rows(listing, cache, watch)?.into_iter().map(points).collect()
        }
    };
    for (entry, points) in listing.entries.iter_mut().zip(points) {
        entry.points = points;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::fs;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use image::{GrayImage, Luma};

    use super::*;
    use crate::dataset::{Stage, summary};
    use crate::experiment::{Duplicates, FerUsage, FerplusLabels};
    use crate::region::CONTOUR_POINTS;

    /// FER+ in its second form: two classes, two images a split, 3 × 2 pixels each.
    fn ferplus() -> (tempfile::TempDir, DatasetSpec) {
        let root = tempfile::tempdir().unwrap();
        for (folder, first) in [("FER2013Train", 0_u8), ("FER2013Valid", 10), ("FER2013Test", 20)] {
            let folder = root.path().join(folder);
            fs::create_dir(&folder).unwrap();
            let mut labels = String::new();
            for (image, votes) in [(first, "6,2"), (first + 1, "1,9")] {
                let name = format!("fer{image:07}.png");
                GrayImage::from_pixel(3, 2, Luma([image])).save(folder.join(&name)).unwrap();
                labels += &format!("{name},\"(0, 0, 48, 48)\",{votes},0,0,0,0,0,0,0,0\n");
            }
            fs::write(folder.join("label.csv"), labels).unwrap();
        }
        let source = Source::Ferplus {
            root: root.path().to_owned(),
            labels: FerplusLabels::Votes,
            test_labels: None,
            val: FerUsage::PublicTest,
            test: FerUsage::PrivateTest,
        };
        let spec = DatasetSpec::new(source, [4, 5, 3], &["neutral", "happiness"]);
        (root, spec)
    }

    /// The data set, the stages of its loading, and the rebuilt files.
    fn loaded(spec: &DatasetSpec, cache: &Path) -> (Dataset, Vec<Stage>, Vec<String>) {
        let stages = RefCell::new(Vec::new());
        let rebuilt = RefCell::new(Vec::new());
        let report = |progress| match progress {
            Progress::Step { stage, .. } => stages.borrow_mut().push(stage),
            Progress::Rebuilding { why, .. } => rebuilt.borrow_mut().push(why),
            Progress::Large { .. } => {}
        };
        let dataset = load(spec, cache, Watch::reporting(&report));
        let mut stages = stages.into_inner();
        stages.dedup();
        (dataset.unwrap(), stages, rebuilt.into_inner())
    }

    #[test]
    fn pictures_labels_and_names_arrive_in_order() {
        let (_root, spec) = ferplus();
        let cache = tempfile::tempdir().unwrap();
        let (dataset, ..) = loaded(&spec, cache.path());
        let valid = &dataset.val;
        assert_eq!(valid.names, ["fer0000010.png", "fer0000011.png"]);
        assert_eq!(valid.labels, [0.75, 0.25, 0.1, 0.9]);
        let picture = 4 * 5 * 3;
        assert_eq!(
            (&valid.pixels[..picture], &valid.pixels[picture..]),
            (&[10; 60][..], &[11; 60][..])
        );
        assert_eq!(dataset.train.pixels.len(), 2 * picture);
        assert_eq!(dataset.without_landmarks[&Split::Test], 2);
        assert_eq!(summary(&dataset).splits[&Split::Train].by_class["happiness"], 1);
    }

    #[test]
    fn a_data_set_is_decoded_once_hashed_while_fresh_and_then_only_looked_up() {
        let (root, spec) = ferplus();
        let cache = tempfile::tempdir().unwrap();
        let (first, stages, _) = loaded(&spec, cache.path());
        assert_eq!(stages, [Stage::Decode, Stage::Hash]);
        std::thread::sleep(Duration::from_millis(1100));
        let (second, stages, _) = loaded(&spec, cache.path());
        assert_eq!(stages, [Stage::Hash]);
        let (third, stages, _) = loaded(&spec, cache.path());
        assert_eq!(stages, []);
        assert_eq!([&second.content, &third.content], [&first.content; 2]);

        // One pixel of one picture: another data set.
        GrayImage::from_pixel(3, 2, Luma([99]))
            .save(root.path().join("FER2013Train/fer0000000.png"))
            .unwrap();
        let (changed, stages, _) = loaded(&spec, cache.path());
        assert_eq!(stages, [Stage::Hash, Stage::Decode]);
        assert_ne!(changed.content, first.content);
        assert_eq!(changed.train.pixels[0], 99);
        assert_eq!(first.train.pixels[0], 0, "the older one stays as it was");
    }

    #[test]
    fn an_interruption_ends_a_load_at_any_stage_and_leaves_nothing() {
        let (_root, spec) = ferplus();
        for wanted in [Stage::Hash, Stage::Decode] {
            let cache = tempfile::tempdir().unwrap();
            let interrupted = AtomicBool::new(false);
            let progress = |progress| {
                if matches!(progress, Progress::Step { stage, done: 0, .. } if stage == wanted) {
                    interrupted.store(true, Ordering::SeqCst);
                }
            };
            let watch = Watch { progress: &progress, interrupted: &interrupted };
            let error = load(&spec, cache.path(), watch).unwrap_err();
            assert!(matches!(error, DatasetError::Interrupted), "{wanted:?}: {error}");
            assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0, "{wanted:?}");
        }
        let (drawn, faces) = faces::tests::specs();
        let raised = AtomicBool::new(true);
        let error = faces::generate_watched(&drawn, &faces, &raised).unwrap_err();
        assert!(matches!(error, DatasetError::Interrupted), "{error}");
    }

    #[test]
    fn settings_have_data_sets_of_their_own_and_a_copy_has_the_same() {
        let (root, spec) = ferplus();
        let cache = tempfile::tempdir().unwrap();
        let content = |spec: &DatasetSpec| {
            let (dataset, stages, _) = loaded(spec, cache.path());
            (dataset.content, stages.contains(&Stage::Decode))
        };
        let (first, _) = content(&spec);
        let (grey, decoded) = content(&DatasetSpec { channels: 1, ..spec.clone() });
        assert!(decoded && grey != first);
        let (flipped, decoded) = content(&DatasetSpec {
            classes: vec!["happiness".into(), "neutral".into()],
            ..spec.clone()
        });
        assert!(decoded && flipped != first);

        let copy = tempfile::tempdir().unwrap();
        for folder in ["FER2013Train", "FER2013Valid", "FER2013Test"] {
            fs::rename(root.path().join(folder), copy.path().join(folder)).unwrap();
        }
        let mut source = spec.source.clone();
        let Source::Ferplus { root, .. } = &mut source else { panic!("it is FER+") };
        *root = copy.path().to_owned();
        assert_eq!(content(&DatasetSpec { source, ..spec }), (first, false));
    }

    #[test]
    fn a_damaged_cache_file_is_reported_and_rebuilt() {
        let (_root, spec) = ferplus();
        let cache = tempfile::tempdir().unwrap();
        let (first, ..) = loaded(&spec, cache.path());
        let file = fs::read_dir(cache.path()).unwrap().next().unwrap().unwrap().path();
        let mut bytes = fs::read(&file).unwrap();
        bytes[4096 + 17] ^= 1;
        drop(first);
        fs::write(&file, &bytes).unwrap();
        let (again, stages, rebuilt) = loaded(&spec, cache.path());
        assert_eq!(rebuilt, ["its pixels have changed since they were written"]);
        assert_eq!((stages, again.train.pixels[17]), (vec![Stage::Hash, Stage::Decode], 0));
        fs::write(&file, &bytes[..5000.min(bytes.len() - 1)]).unwrap();
        assert_eq!(
            loaded(&spec, cache.path()).2,
            ["its length differs from the length in its header"]
        );
        assert_eq!(loaded(&spec, cache.path()).2, [""; 0]);
    }

    #[test]
    fn landmarks_come_with_the_images_or_the_images_go() {
        let (root, mut spec) = ferplus();
        let table = root.path().join("points.csv");
        let mut text = "image,presence,eye_left_x,eye_left_y,eye_right_x,eye_right_y\n".to_owned();
        for image in [0, 1, 10, 11, 20, 21] {
            text += &format!("fer{image:07}.png,0.9,0.3,0.4,0.7,0.4\n");
        }
        fs::write(&table, &text).unwrap();
        spec.landmarks = Some(table.clone().into());
        let cache = tempfile::tempdir().unwrap();
        let (whole, ..) = loaded(&spec, cache.path());
        assert!(whole.train.landmarks.iter().all(Option::is_some));

        fs::write(&table, text.replace("fer0000001.png,0.9", "fer0000001.png,0.1")).unwrap();
        let (kept, ..) = loaded(&spec, cache.path());
        assert_eq!((kept.without_landmarks[&Split::Train], kept.train.len()), (1, 2));
        assert_ne!(kept.content, whole.content);

        spec.without_landmarks = WithoutLandmarks::Skip;
        let message = load(&spec, cache.path(), Watch::reporting(&|_| ())).unwrap_err().to_string();
        assert_eq!(
            message,
            "empty class: no image in train has `happiness` as the class with most votes (neutral: 1, happiness: 0, \
             excluded: 1); take it out of dataset.classes or add images"
        );
        spec.landmarks = None;
        let message = load(&spec, cache.path(), Watch::reporting(&|_| ())).unwrap_err().to_string();
        assert!(
            message.starts_with("without_landmarks = \"skip\" would leave out every image"),
            "{message}"
        );
    }

    #[test]
    fn contours_come_with_the_images_where_the_experiment_asks_for_them() {
        let (root, mut spec) = ferplus();
        let table = root.path().join("points.csv");
        let columns: Vec<String> = (0..68).map(|number| format!("x_{number},y_{number}")).collect();
        let mut text = format!("image,{}\n", columns.join(","));
        for image in [0, 1, 10, 11, 20, 21] {
            let mut points = vec![(0.5, 0.5); 68];
            for known in CONTOUR_POINTS {
                points[known.ibug] = known.canonical;
            }
            if image == 11 {
                // One side of the outline comes before the nose.
                points[2] = (0.6, 0.6);
            }
            let row: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
            text += &format!("fer{image:07}.png,{}\n", row.join(","));
        }
        fs::write(&table, text).unwrap();
        spec.landmarks = Some(table.clone().into());
        let cache = tempfile::tempdir().unwrap();
        let (without, ..) = loaded(&spec, cache.path());
        assert!(without.val.landmarks[0].unwrap().contour().is_none());

        spec.fit = Fit::Contour;
        let (first, ..) = loaded(&spec, cache.path());
        let (second, stages, _) = loaded(&spec, cache.path());
        assert!(!stages.contains(&Stage::Decode));
        for dataset in [&first, &second] {
            let contour = *dataset.val.landmarks[0].unwrap().contour().unwrap();
            let (x, y) = CONTOUR_POINTS[0].canonical;
            assert!((contour[0].x - x).abs() < 1e-12 && (contour[0].y - y).abs() < 1e-12);
            assert_eq!(dataset.val.landmarks[1], None);
            let reasons = &dataset.seen.untrusted[&Split::Val];
            let (why, names) = reasons.iter().next().unwrap();
            assert!(why.contains("looks aside"), "{why}");
            assert_eq!(names, &["fer0000011.png"]);
        }
        assert_eq!(first.content, second.content);
        assert_ne!(first.content, without.content);

        fs::write(
            &table,
            "image,eye_left_x,eye_left_y,eye_right_x,eye_right_y\nfer0000000.png,0.3,0.4,0.7,0.4\n",
        )
        .unwrap();
        let message = load(&spec, cache.path(), Watch::reporting(&|_| ())).unwrap_err().to_string();
        assert!(
            message.contains("it has 2 points a face, and dataset.fit = \"contour\""),
            "{message}"
        );
    }

    #[test]
    fn a_picture_that_cannot_be_read_leaves_nothing_in_the_cache() {
        let (root, spec) = ferplus();
        let cache = tempfile::tempdir().unwrap();
        fs::write(root.path().join("FER2013Test/fer0000021.png"), "no picture").unwrap();
        let message = load(&spec, cache.path(), Watch::reporting(&|_| ())).unwrap_err().to_string();
        let path = root.path().join("FER2013Test/fer0000021.png");
        assert!(
            message.starts_with(&format!("cannot use the picture {}: ", path.display())),
            "{message}"
        );
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
    }

    #[test]
    fn all_unreadable_pictures_are_named_or_left_out() {
        let (root, mut spec) = ferplus();
        let cache = tempfile::tempdir().unwrap();
        let place = |name: &str| root.path().join(name);
        let two = [place("FER2013Train/fer0000002.png"), place("FER2013Test/fer0000022.png")];
        let more = ["FER2013Train", "FER2013Test"];
        for ((path, folder), text) in two.iter().zip(more).zip(["<html>", ""]) {
            fs::write(path, text).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap();
            let labels = place(folder).join("label.csv");
            let text = fs::read_to_string(&labels).unwrap();
            let row = format!("{name},\"(0, 0, 48, 48)\",9,1,0,0,0,0,0,0,0,0\n");
            fs::write(&labels, text + &row).unwrap();
        }
        let message = load(&spec, cache.path(), Watch::reporting(&|_| ())).unwrap_err().to_string();
        let [first, second] = two.map(|path| path.display().to_string());
        assert_eq!(
            message,
            format!(
                "2 pictures cannot be used:\n  {first}: it is a web page, not a picture\n  {second}: it is empty\n\
                 repair or remove them, or leave them out by dataset.on_error = \"skip\""
            )
        );
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);

        spec.on_error = OnError::Skip;
        let (kept, ..) = loaded(&spec, cache.path());
        assert_eq!((kept.train.len(), kept.test.len()), (2, 2));
        // The pictures after those that went are still in their places.
        let first = |images: &crate::dataset::Images| [images.pixels[0], images.pixels[60]];
        assert_eq!([&kept.train, &kept.val, &kept.test].map(first), [[0, 1], [10, 11], [20, 21]]);
        let reason = "unreadable: it is a web page, not a picture";
        assert_eq!(kept.left_out[&Split::Train][reason], 1);
        assert_eq!(kept.left_out[&Split::Test]["unreadable: it is empty"], 1);
    }

    #[test]
    fn an_equal_picture_leaves_the_training_images_with_its_pixels() {
        let (root, mut spec) = ferplus();
        let train = root.path().join("FER2013Train");
        for (image, pixel) in [(2, 20), (3, 3)] {
            let name = format!("fer{image:07}.png");
            GrayImage::from_pixel(3, 2, Luma([pixel])).save(train.join(&name)).unwrap();
            let labels = train.join("label.csv");
            let text = fs::read_to_string(&labels).unwrap();
            let row = format!("{name},\"(0, 0, 48, 48)\",9,1,0,0,0,0,0,0,0,0\n");
            fs::write(&labels, text + &row).unwrap();
        }
        let cache = tempfile::tempdir().unwrap();
        assert_eq!(loaded(&spec, cache.path()).0.seen.twins.equal.test_in_train, 1);
        spec.duplicates = Duplicates::Drop;
        let (kept, ..) = loaded(&spec, cache.path());
        assert_eq!(kept.train.names, ["fer0000000.png", "fer0000001.png", "fer0000003.png"]);
        assert_eq!([0, 1, 2].map(|at| kept.train.pixels[60 * at]), [0, 1, 3]);
        assert_eq!([kept.val.pixels[0], kept.test.pixels[60]], [10, 21]);
        assert_eq!(kept.left_out[&Split::Train]["equal to a picture of test"], 1);
        assert_eq!(kept.seen.twins.equal.pairs, 0);
    }

    #[test]
    fn a_missing_table_of_landmarks_is_named() {
        let (_root, mut spec) = ferplus();
        spec.landmarks = Some("absent.csv".into());
        let cache = tempfile::tempdir().unwrap();
        let message = load(&spec, cache.path(), Watch::reporting(&|_| ())).unwrap_err().to_string();
        assert!(message.starts_with("there is no table of landmarks "), "{message}");
        assert!(message.contains("absent.csv, which"), "{message}");
    }

    #[test]
    fn two_loads_at_once_get_the_same() {
        let (_root, spec) = ferplus();
        let cache = tempfile::tempdir().unwrap();
        let contents: Vec<String> = std::thread::scope(|scope| {
            let load = || load(&spec, cache.path(), Watch::reporting(&|_| ())).unwrap().content;
            let loads: Vec<_> = (0..4).map(|_| scope.spawn(load)).collect();
            loads.into_iter().map(|load| load.join().unwrap()).collect()
        });
        assert!(contents.iter().all(|content| *content == contents[0]), "{contents:?}");
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1);
    }
}
