//! Content hashes: what determines a number names it.
//!
//! A result is found again by an id taken over everything that determines it and nothing else. So a new
//! title, another device, one more seed or one more region leaves all ids as they are and all results in
//! place, and a change of the learning rate, of a pixel or of a polygon's corner makes new ones.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::experiment::{
    DatasetSpec, FacesSpec, ModelSpec, Schedule, SensitivitySpec, Settings, Source, Statistics,
    TrainSpec,
};
use crate::region::{Fill, Lesson, Mode, Occlusion, Polygon, RandomSets};

use super::expand::{Examination, Plan, TrainingSpec};

/// Part of every id. To be raised whenever a change of the code changes the numbers that the same
/// experiment gives.
pub const NUMERIC_VERSION: u32 = 3;

/// The version of the embedded generator of faces. To be raised whenever the same settings give other
/// pictures or labels.
pub const FACES_VERSION: u32 = 1;

/// The version of the fill `inpaint`, part of the ids of what it covers and of no others. To be raised
/// whenever it gives other pictures: version 1 relaxed a fixed number of times and stayed up to a third of
/// the range short of the steady state, version 2 solves for it.
const INPAINT_VERSION: u32 = 2;

/// The version of adapted statistics, part of the ids of examinations with them and of no others. To be
/// raised whenever they are estimated in another way.
const ADAPTATION_VERSION: u32 = 1;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// 20 hexadecimal digits.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            fn of(key: &impl Serialize) -> $name {
                $name(digest(stringify!($name), key))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// Names all that determines a network's weights.
    TrainingId
}
id! {
    /// Names a training and how its network is examined.
    EvaluationId
}
id! {
    /// Names a training and all that determines a map of where its network looks.
    SensitivityId
}
id! {
    /// Names all that determines the numbers of a run.
    RunId
}

/// Whether text could be one of these ids.
pub fn is_id(text: &str) -> bool {
    text.len() == 20 && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// The ids of a plan's trainings and runs, in the plan's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Identified {
    pub trainings: Vec<TrainingIdentity>,
    pub runs: Vec<RunIdentity>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TrainingIdentity {
    pub id: TrainingId,
    /// The data were not at hand: the id stands for their settings, and will be another once they are
    /// read.
    pub provisional: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RunIdentity {
    pub run: RunId,
    pub training: TrainingId,
    pub evaluation: EvaluationId,
    /// As its training's.
    pub provisional: bool,
}

/// What stands for the content of a data set that its settings determine: the faces. `None` where the
/// data must be looked at.
pub fn source_content(spec: &DatasetSpec) -> Option<String> {
    #[derive(Serialize)]
    struct Faces<'a> {
        faces: &'a FacesSpec,
        height: usize,
        width: usize,
        channels: usize,
        classes: &'a [String],
    }
    let Source::Faces(faces) = &spec.source else { return None };
    let &DatasetSpec { height, width, channels, ref classes, .. } = spec;
    let json = to_json(&Faces { faces, height, width, channels, classes });
    Some(format!("faces:v{FACES_VERSION}:{json}"))
}

/// The id of a training. `content` is the hash of its data (`Dataset::content`) where they are on disk
/// and at hand; it is not looked at for `faces`.
pub fn training_id(training: &TrainingSpec, content: Option<&str>) -> TrainingId {
    let TrainingSpec { settings, lesson, seed } = training;
    let drawn = source_content(&settings.dataset);
    let content = drawn.as_deref().or(content);
    TrainingId::of(&TrainingKey::new(settings, content, lesson.as_ref(), *seed))
}

/// The id of an evaluation of a training's network.
pub fn evaluation_id(training: &TrainingId, examination: &Examination) -> EvaluationId {
    let occlusion = examination.occlusion.as_ref().map(OcclusionKey::new);
    match examination.statistics {
        Statistics::Trained => EvaluationId::of(&(NUMERIC_VERSION, training, &occlusion)),
        Statistics::Adapted => {
            let statistics = (Statistics::Adapted.name(), ADAPTATION_VERSION);
            EvaluationId::of(&(NUMERIC_VERSION, training, &occlusion, statistics))
        }
    }
}

/// The id of a map of a training's network.
pub fn sensitivity_id(training: &TrainingId, spec: &SensitivitySpec) -> SensitivityId {
    SensitivityId::of(&(NUMERIC_VERSION, training, spec))
}

impl Plan {
    /// The ids of all trainings and runs. `content` answers with the hash of a data set's content
    /// (`Dataset::content`), or `None` where the data are not at hand; it is asked once for each data
    /// set, and never for `faces`, whose settings determine them.
    pub fn identify(&self, content: &dyn Fn(&DatasetSpec) -> Option<String>) -> Identified {
        let mut contents: Vec<(&DatasetSpec, Option<String>)> = Vec::new();
        let mut trainings = Vec::new();
        for training in &self.trainings {
            let spec = &training.settings.dataset;
            let index =
                contents.iter().position(|(known, _)| *known == spec).unwrap_or_else(|| {
                    contents.push((spec, source_content(spec).or_else(|| content(spec))));
                    contents.len() - 1
                });
            let content = contents[index].1.as_deref();
            let (id, provisional) = (training_id(training, content), content.is_none());
            trainings.push(TrainingIdentity { id, provisional });
        }
        let runs = self
            .runs
            .iter()
            .map(|run| {
                let TrainingIdentity { id: training, provisional } = &trainings[run.training];
                let evaluation = evaluation_id(training, &run.evaluation);
                RunIdentity {
                    run: RunId::of(&(NUMERIC_VERSION, training, &evaluation)),
                    training: training.clone(),
                    evaluation,
                    provisional: *provisional,
                }
            })
            .collect();
        Identified { trainings, runs }
    }
}

/// All that determines a network's weights, and nothing else. The device is not in it, nor where the
/// data lie.
#[derive(Serialize)]
pub(crate) struct TrainingKey<'a> {
    version: u32,
    data: DataKey<'a>,
    model: &'a ModelSpec,
    /// Key by key, so that a new one is part of it by itself; where its default leaves old numbers as they
    /// are, serde leaves it out there, and so old ids stay.
    #[serde(flatten)]
    train: TrainSpec,
    schedule: Schedule,
    occlusion: Option<LessonKey>,
    seed: u64,
}

#[derive(Serialize)]
struct DataKey<'a> {
    height: usize,
    width: usize,
    channels: usize,
    classes: &'a [String],
    #[serde(flatten)]
    images: ImagesKey<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ImagesKey<'a> {
    Content(&'a str),
    Settings(&'a DatasetSpec),
}

#[derive(Serialize)]
#[serde(untagged)]
enum LessonKey {
    Fixed(OcclusionKey),
    /// Which region comes first decides what is drawn.
    Random {
        #[serde(flatten)]
        covering: CoveringKey,
        regions: Vec<Vec<Vec<[f64; 2]>>>,
    },
}

/// An occlusion, its polygons in an order of their own: which of two polygons is listed first covers
/// nothing more.
#[derive(Serialize)]
struct OcclusionKey {
    #[serde(flatten)]
    covering: CoveringKey,
    polygons: Vec<Vec<[f64; 2]>>,
}

#[derive(Serialize)]
struct CoveringKey {
    mode: &'static str,
    fill: &'static str,
    constant: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blur: Option<f64>,
    /// Left out for all other fills, whose ids stay what they were before it had versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    inpaint: Option<u32>,
}

impl<'a> TrainingKey<'a> {
    /// `content`: the hash of the data; where it is not known, their settings stand in.
    pub fn new(
        settings: &'a Settings,
        content: Option<&'a str>,
        lesson: Option<&Lesson>,
        seed: u64,
    ) -> TrainingKey<'a> {
        let Settings { dataset, model, train, schedule } = settings;
        let images = content.map_or(ImagesKey::Settings(dataset), ImagesKey::Content);
        TrainingKey {
            version: NUMERIC_VERSION,
            data: DataKey {
                height: dataset.height,
                width: dataset.width,
                channels: dataset.channels,
                classes: &dataset.classes,
                images,
            },
            model,
            train: train.on_any_device(),
            schedule: *schedule,
            occlusion: lesson.map(LessonKey::new),
            seed,
        }
    }

    /// Equal for two trainings that would give the same network.
    pub fn canonical(&self) -> String {
        to_json(self)
    }
}

/// Equal for two occlusions that cover the same.
pub(crate) fn canonical_occlusion(occlusion: Option<&Occlusion>) -> String {
    to_json(&occlusion.map(OcclusionKey::new))
}

/// Whether two occlusions cover the same.
pub fn covers_the_same(one: &Occlusion, other: &Occlusion) -> bool {
    canonical_occlusion(Some(one)) == canonical_occlusion(Some(other))
}

impl LessonKey {
    fn new(lesson: &Lesson) -> LessonKey {
        match lesson {
            Lesson::Fixed(occlusion) => LessonKey::Fixed(OcclusionKey::new(occlusion)),
            Lesson::Random(RandomSets { regions, mode, fill }) => LessonKey::Random {
                covering: CoveringKey::new(*mode, *fill),
                regions: regions.iter().map(|polygons| outlines(polygons)).collect(),
            },
        }
    }
}

impl OcclusionKey {
    fn new(occlusion: &Occlusion) -> OcclusionKey {
        let covering = CoveringKey::new(occlusion.mode, occlusion.fill);
        OcclusionKey { covering, polygons: outlines(&occlusion.polygons) }
    }
}

impl CoveringKey {
    fn new(mode: Mode, fill: Fill) -> CoveringKey {
        let (constant, blur) = match fill {
            Fill::Constant(grey) => (Some(grey), None),
            Fill::Blur(share) => (None, Some(share)),
            Fill::Mean | Fill::Noise | Fill::Inpaint | Fill::Silhouette => (None, None),
        };
        let inpaint = (fill == Fill::Inpaint).then_some(INPAINT_VERSION);
        CoveringKey { mode: mode.name(), fill: fill.name(), constant, blur, inpaint }
    }
}

/// The corners of polygons, sorted.
fn outlines(polygons: &[Polygon]) -> Vec<Vec<[f64; 2]>> {
    let corners = |polygon: &Polygon| -> Vec<[f64; 2]> {
        polygon.points().iter().map(|point| [point.x, point.y]).collect()
    };
    let mut outlines: Vec<Vec<[f64; 2]>> = polygons.iter().map(corners).collect();
    outlines.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    outlines
}

/// JSON writes each number by the shortest decimals that give it back, so equal text is equal bits.
fn to_json(key: &impl Serialize) -> String {
    serde_json::to_string(key)
        .expect("keys hold numbers, lists and text, and paths that came from text")
}

/// 80 bits of BLAKE3: among a million results, two share an id with a chance of one in 10¹².
fn digest(what: &str, key: &impl Serialize) -> String {
    let hash = blake3::hash(format!("{what} {}", to_json(key)).as_bytes());
    hash.to_hex()[..20].to_owned()
}
