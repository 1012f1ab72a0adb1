//! `faces`: drawn faces with known emotions.
//!
//! In: how many faces, of what size, how varied, and which regions carry the emotion. Out: pictures,
//! label distributions and exact landmarks ([`generate`]), and how well an ideal observer could read
//! them ([`truth`]). It exists so that the program runs without any data on disk, and so that its
//! results can be compared with a known truth.
//!
//! The steps, one file each: an emotion activates action units, which cause signs in the parts of the face ([`actions`],
//! [`expression`]); annotators vote on the signs ([`votes`]); a person ([`identity`]) with these signs is drawn
//! ([`draw`]), posed, lit and photographed ([`nuisance`]). Identity and photograph are independent of the emotion; pixels
//! inside a region of the atlas depend on that region's signs alone.

pub mod actions;
pub mod draw;
pub mod expression;
pub mod identity;
pub mod nuisance;
pub mod truth;
pub mod votes;

use std::sync::atomic::AtomicBool;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::experiment::{DatasetSpec, FacesSpec};
use crate::region::Landmarks;

use self::actions::{Emotion, Part, PartSet};
use self::draw::{Expression, draw_face};
use self::expression::{Observer, Signal, Signs, draw_confined_signs};
use self::identity::Person;
use self::nuisance::Shot;
use self::votes::{vote, vote_shares};

use super::progress::go_on;
use super::{Dataset, DatasetError, Images, Pixels, Split};

pub use self::truth::{IdealObserver, truth};

/// The emotions, the parts that show them, and an observer who reads them.
struct Cast {
    emotions: Vec<Emotion>,
    signal: Signal,
    observer: Observer,
}

/// One picture with its label and landmarks.
struct Face {
    pixels: Vec<u8>,
    label: Vec<f32>,
    landmarks: Landmarks,
}

/// As [`generate_watched`], to the end.
///
/// # Panics
///
/// Where a class is none of the seven emotions or a `signal` region none of the atlas's; a validated
/// experiment has neither.
pub fn generate(spec: &DatasetSpec, faces: &FacesSpec) -> Dataset {
    generate_watched(spec, faces, &AtomicBool::new(false)).expect("nothing interrupts it")
}

/// Draws a data set. Image i of a split is the same whatever the counts and the number of threads.
///
/// # Errors
///
/// [`DatasetError::Interrupted`] once the flag is raised.
///
/// # Panics
///
/// As [`generate`].
pub fn generate_watched(
    spec: &DatasetSpec,
    faces: &FacesSpec,
    interrupted: &AtomicBool,
) -> Result<Dataset, DatasetError> {
    let cast = Cast::new(spec, faces);
    let draw = |split, count| draw_split(spec, faces, &cast, split, count, interrupted);
    let train = draw(Split::Train, faces.train)?;
    let val = draw(Split::Val, faces.val)?;
    let test = draw(Split::Test, faces.test)?;
    let splits = [&train, &val, &test];
    let content =
        super::content::hash(&spec.classes, spec.height, spec.width, spec.channels, splits);
    let shape = [spec.height, spec.width, spec.channels];
    Ok(Dataset { content, ..Dataset::new(spec.classes.clone(), shape, [train, val, test]) })
}

impl Cast {
    fn new(spec: &DatasetSpec, faces: &FacesSpec) -> Cast {
        let emotions: Vec<Emotion> = spec
            .classes
            .iter()
            .map(|name| {
                Emotion::named(name).expect("a validated class of `faces` is one of its emotions")
            })
            .collect();
        let part =
            |name: &String| Part::named(name).expect("a validated signal region is of the atlas");
        let signal = Signal {
            alone: faces.signal.iter().map(part).collect(),
            together: faces.together.iter().map(|[one, other]| [part(one), part(other)]).collect(),
        };
        let observer = Observer::new(&emotions);
        Cast { emotions, signal, observer }
    }

    /// P(class | visible signs).
    fn posterior(&self, signs: &Signs, seen: PartSet) -> Vec<f64> {
        self.observer.confined_posterior(signs, &self.signal, seen)
    }
}

fn draw_split(
    spec: &DatasetSpec,
    faces: &FacesSpec,
    cast: &Cast,
    split: Split,
    count: usize,
    interrupted: &AtomicBool,
) -> Result<Images, DatasetError> {
    let drawn: Vec<Face> = (0..count as u64)
        .into_par_iter()
        .map(|index| {
            go_on(interrupted)?;
            Ok(draw_image(spec, faces, cast, split, index))
        })
        .collect::<Result<_, DatasetError>>()?;
    let mut pixels = Vec::with_capacity(count * spec.height * spec.width * spec.channels);
    let mut labels = Vec::with_capacity(count * spec.classes.len());
    let mut landmarks = Vec::with_capacity(count);
    for face in drawn {
        pixels.extend_from_slice(&face.pixels);
        labels.extend_from_slice(&face.label);
        landmarks.push(Some(face.landmarks));
    }
    let names = (0..count).map(|index| format!("{split}_{index:05}")).collect();
    Ok(Images { names, pixels: Pixels::Owned(pixels), labels, landmarks })
}

fn draw_image(
    spec: &DatasetSpec,
    faces: &FacesSpec,
    cast: &Cast,
    split: Split,
    index: u64,
) -> Face {
    let rng = |purpose| generator(faces.seed, purpose, split.name(), index);

    let mut expression_rng = rng("expression");
    let emotion = expression_rng.random_range(0..cast.emotions.len());
    let signs = draw_confined_signs(emotion, &cast.emotions, &cast.signal, &mut expression_rng);
    let posterior = cast.posterior(&signs, PartSet::EVERYTHING);
    let label = vote(&vote_shares(&posterior), &mut rng("votes"));

    let person = Person::draw(&mut rng("identity"), faces.identity);
    let shot = Shot::draw(&mut rng("nuisance"), faces.nuisance);
    let expression = Expression::of(&signs, &mut rng("strength"));
    let (pixels, landmarks) = draw_face(&person, &expression, &shot, spec, &mut rng("noise"));
    Face { pixels, label, landmarks }
}

/// A generator for one purpose and one image, so that an additional draw in one place shifts none elsewhere.
fn generator(seed: u64, purpose: &str, split: &str, index: u64) -> ChaCha8Rng {
    let name = format!("faces/{seed}/{purpose}/{split}/{index}");
    ChaCha8Rng::from_seed(*blake3::hash(name.as_bytes()).as_bytes())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::experiment::{Duplicates, Fit, OnError, Shaping, Source, WithoutLandmarks};
    use crate::region::Landmark;

    /// A small data set of all emotions, lifelike.
    pub fn specs() -> (DatasetSpec, FacesSpec) {
        let faces = FacesSpec {
            train: 40,
            val: 6,
            test: 6,
            seed: 1,
            signal: Part::ALL.map(|part| part.name().to_owned()).into(),
            together: Vec::new(),
            identity: 1.0,
            nuisance: 1.0,
        };
        let spec = DatasetSpec {
            limit: None,
            standardise: crate::experiment::Standardise::default(),
            source: Source::Faces(faces.clone()),
            height: 48,
            width: 48,
            channels: 1,
            classes: Emotion::ALL.map(|emotion| emotion.name().to_owned()).into(),
            landmarks: None,
            without_landmarks: WithoutLandmarks::Identity,
            on_error: OnError::Stop,
            shape: Shaping::Stretch,
            duplicates: Duplicates::Keep,
            fit: Fit::Similarity,
        };
        (spec, faces)
    }

    #[test]
    fn a_data_set_is_as_asked() {
        let (mut spec, faces) = specs();
        (spec.height, spec.width, spec.channels) = (32, 40, 3);
        let dataset = generate(&spec, &faces);
        for (split, count) in [(Split::Train, 40), (Split::Val, 6), (Split::Test, 6)] {
            let images = dataset.split(split);
            assert_eq!(images.len(), count);
            assert_eq!(images.pixels.len(), count * 32 * 40 * 3);
            assert_eq!(images.labels.len(), count * 7);
            assert!(
                images.labels.chunks(7).all(|label| (label.iter().sum::<f32>() - 1.0).abs() < 1e-6)
            );
            let known = |landmarks: &Option<Landmarks>| {
                landmarks.is_some_and(|all| {
                    Landmark::ALL.iter().all(|&landmark| all.get(landmark).is_some())
                })
            };
            assert!(images.landmarks.iter().all(known));
        }
        assert_eq!(dataset.train.names[7], "train_00007");
        assert_eq!(dataset.content.len(), 64);
    }

    #[test]
    fn an_image_is_the_same_whatever_the_counts() {
        let (spec, faces) = specs();
        let few = FacesSpec { train: 8, ..faces.clone() };
        let (many, few) = (generate(&spec, &faces), generate(&spec, &few));
        let size = 48 * 48;
        assert_eq!(many.train.pixels[7 * size..8 * size], few.train.pixels[7 * size..8 * size]);
        assert_eq!(many.train.labels[7 * 7..8 * 7], few.train.labels[7 * 7..8 * 7]);
        assert_ne!(many.content, few.content);
        assert_ne!(many.train.pixels[..size], many.test.pixels[..size]);
    }

    #[test]
    fn one_seed_is_one_data_set_on_any_number_of_threads() {
        let (spec, faces) = specs();
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let content = alone.install(|| generate(&spec, &faces).content);
        assert_eq!(content, generate(&spec, &faces).content);
        let other = FacesSpec { seed: 2, ..faces };
        assert_ne!(content, generate(&spec, &other).content);
    }

    /// Identity and photograph do not depend on the emotion: the same image index gives the same
    /// person and pose whatever the classes, and so do the landmarks that place the regions.
    #[test]
    fn pose_and_person_do_not_depend_on_the_emotion() {
        let (mut spec, faces) = specs();
        let all = generate(&spec, &faces);
        spec.classes = vec!["fear".to_owned(), "happiness".to_owned()];
        let two = generate(&spec, &faces);
        for (a, b) in all.train.landmarks.iter().zip(&two.train.landmarks) {
            let (a, b) = (a.unwrap(), b.unwrap());
            for landmark in Landmark::ALL.into_iter().filter(|landmark| landmark.is_stable()) {
                assert_eq!(a.get(landmark), b.get(landmark));
            }
        }
    }

    #[test]
    fn most_faces_have_a_clear_majority() {
        let (spec, mut faces) = specs();
        faces.train = 400;
        let labels = generate(&spec, &faces).train.labels;
        let clear =
            labels.chunks(7).filter(|label| label.iter().any(|&share| share >= 0.6)).count();
        assert!((260..390).contains(&clear), "{clear}");
    }
}
