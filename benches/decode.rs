//! How fast pictures come into a data set, against a bare loop over the same decoder.
//!
//! `FER_LAB_PICTURES` (30,000) JPEGs of 100 × 100 pixels are written into a temporary folder, drawn faces with
//! noise. Turn by turn, all cores: each is read and decoded, and nothing else; and the folder is loaded as a data set of
//! that size. Of that the pass over the pictures is timed apart (read, checked, decoded, hashed, fingerprints taken, written into
//! the cache), from what comes before and after it: files listed, pictures compared with each other, the cache flushed and opened.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use fer_lab::dataset::{self, Progress, Stage, Watch, faces};
use fer_lab::experiment::{self, DatasetSpec, Source};
use image::codecs::jpeg::JpegEncoder;
use rayon::prelude::*;

const SIDE: usize = 100;
const ROUNDS: usize = 5;

fn main() {
    let count = match std::env::var("FER_LAB_PICTURES") {
        Ok(text) => text.parse().expect("FER_LAB_PICTURES is a number"),
        Err(_) => 30_000,
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = write(folder.path(), count);
    let bytes: u64 = files.iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    println!("{count} pictures of {} bytes in the mean", bytes / count as u64);
    println!("round   bare loop   pictures decoded   rate of the bare loop   whole load");
    for round in 1..=ROUNDS {
        let start = Instant::now();
        let decoded: usize = files.par_iter().map(|file| bare(file)).sum();
        let bare = start.elapsed().as_secs_f64();
        assert_eq!(decoded, count * SIDE * SIDE * 3);
        let cache = tempfile::tempdir().expect("a temporary folder");
        let spec = spec(folder.path());
        let start = Instant::now();
        // When the pass over the pictures began and ended, in seconds after the start.
        let pass = Cell::new((f64::NAN, f64::NAN));
        let report = |progress| {
            let Progress::Step { stage: Stage::Decode, done, total } = progress else { return };
            let now = start.elapsed().as_secs_f64();
            let (begun, _) = pass.get();
            if done == 0 {
                pass.set((now, f64::NAN));
            } else if done == total {
                pass.set((begun, now));
            }
        };
        let loaded = dataset::load(&spec, cache.path(), Watch::reporting(&report)).unwrap();
        let whole = start.elapsed().as_secs_f64();
        assert_eq!(loaded.train.len() + loaded.val.len() + loaded.test.len(), count);
        let (begun, ended) = pass.get();
        let decoded = ended - begun;
        println!(
            "{round:>5} {bare:>9.2} s {decoded:>16.2} s {:>23.2} {whole:>10.2} s",
            bare / decoded
        );
    }
}

/// Reads and decodes a file; the number of its values.
fn bare(file: &Path) -> usize {
    let bytes = fs::read(file).unwrap();
    image::load_from_memory(&bytes).unwrap().into_rgb8().as_raw().len()
}

/// Writes pictures of two classes.
fn write(folder: &Path, count: usize) -> Vec<PathBuf> {
    const FACES: usize = 256;
    let drawn = parsed(&format!(
        "kind = \"faces\"\nsize = [{SIDE}, {SIDE}]\nchannels = 3\ntrain = {FACES}\nval = 1\ntest = 1"
    ));
    let Source::Faces(spec) = &drawn.source else { panic!("they are drawn") };
    let faces = faces::generate(&drawn, spec).train.pixels.to_vec();
    let files: Vec<PathBuf> = (0..count)
        .map(|at| folder.join(["joy", "rage"][at % 2]).join(format!("{at}.jpg")))
        .collect();
    for class in ["joy", "rage"] {
        fs::create_dir(folder.join(class)).unwrap();
    }
    files.par_iter().enumerate().for_each(|(at, file)| {
        let size = SIDE * SIDE * 3;
        let mut pixels = faces[at % FACES * size..][..size].to_vec();
        // Each picture is another one: its face lies elsewhere, in another light, with noise.
        let mut state = at as u32;
        let mut draw = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 24
        };
        pixels.rotate_right((draw() as usize % 20 * SIDE + draw() as usize % 20) * 3);
        let (along, across) = (draw() as usize, draw() as usize);
        for (place, value) in pixels.iter_mut().enumerate() {
            let (y, x) = (place / 3 / SIDE, place / 3 % SIDE);
            let light = 96 + (along * y + across * x) / SIDE / 2;
            *value = (usize::from(*value) * light / 255 + draw() as usize / 32).min(255) as u8;
        }
        let mut bytes = Vec::new();
        let side = SIDE as u16;
        JpegEncoder::new_with_quality(&mut bytes, 90)
            .encode(&pixels, side.into(), side.into(), image::ExtendedColorType::Rgb8)
            .unwrap();
        fs::write(file, bytes).unwrap();
    });
    files
}

fn spec(root: &Path) -> DatasetSpec {
    let root = root.display();
    parsed(&format!(
        "kind = \"folder\"\nroot = \"{root}\"\nsize = [{SIDE}, {SIDE}]\nclasses = [\"joy\", \"rage\"]"
    ))
}

fn parsed(dataset: &str) -> DatasetSpec {
    let text = format!("name = \"decode\"\n[dataset]\n{dataset}");
    experiment::parse(&text, "decode", &[]).unwrap().settings.dataset
}
