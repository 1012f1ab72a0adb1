//! Content hashes: a result's id is a hash of its inputs.
//!
//! A result is stored under an id that hashes everything that determines it and nothing else. So a new title, another
//! device, one more seed or one more region changes no id and keeps all results, and a change of the learning rate, of
//! a pixel or of a polygon's corner gives new ids.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::experiment::{
    DatasetSpec, FacesSpec, ModelSpec, OnnxInput, OnnxOutput, OnnxSpec, Schedule, SensitivitySpec,
    Settings, Source, Standardise, Statistics, TrainSpec,
};
use crate::onnx;
use crate::region::{Fill, Mode, Occlusion, Polygon, RandomSets, TrainingMask, Tuned, Tuning};

use super::expand::{EvaluationSpec, Plan, TrainingSpec};

/// Part of every id. To be raised whenever a change of the code changes the numbers that the same
/// experiment gives.
pub const NUMERIC_VERSION: u32 = 5;

/// The version of the embedded generator of faces. To be raised whenever the same settings give other
/// pictures or labels.
pub const FACES_VERSION: u32 = 1;

/// The version of the fill `inpaint`, part of the ids of conditions with this fill only. To be raised whenever it gives
/// other images: version 1 ran a fixed number of relaxation steps and stayed up to a third of the range short of the
/// steady state, version 2 solves for it.
const INPAINT_VERSION: u32 = 2;

/// The version of what occluders look like, part of the ids of conditions with the fill `object` only. To be raised whenever
/// one looks different.
const OBJECT_VERSION: u32 = 1;

/// The version of how a network is tuned, part of the ids of tuned networks and of no others. To be raised
/// whenever it gives other weights.
const TUNED_VERSION: u32 = 1;

/// The version of how random sets of regions are moved elsewhere, part of the ids of amortised and tuned networks whose
/// study has controls of `amortised`, and of no others. To be raised whenever it gives other weights.
const ELSEWHERE_VERSION: u32 = 1;

/// The version of adapted statistics, part of the ids of evaluations with them only. To be raised whenever they are
/// estimated in another way.
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
    /// The id of a training: a hash of everything that determines its weights.
    TrainingId
}
id! {
    /// The id of an evaluation: of a training and how its network is evaluated.
    EvaluationId
}
id! {
    /// The id of a sensitivity map: of a training and everything that determines the map.
    SensitivityId
}
id! {
    /// The id of a run: a hash of everything that determines its numbers.
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
    /// The data were not read: the id is taken from their settings, and will change once they are
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

/// The content key of a data set that its settings determine: the faces. `None` if the data must be
/// read.
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
/// and available; it is ignored for `faces`.
pub fn training_id(training: &TrainingSpec, content: Option<&str>) -> TrainingId {
    let TrainingSpec { settings, mask, seed } = training;
    let drawn = source_content(&settings.dataset);
    let content = drawn.as_deref().or(content);
    TrainingId::of(&TrainingKey::new(settings, content, mask.as_ref(), *seed))
}

/// The id of an evaluation of a training's network.
pub fn evaluation_id(training: &TrainingId, spec: &EvaluationSpec) -> EvaluationId {
    let occlusion = spec.occlusion.as_ref().map(OcclusionKey::new);
    match spec.statistics {
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
    /// The ids of all trainings and runs. `content` returns the hash of a data set's content
    /// (`Dataset::content`), or `None` if the data are not available; it is called once for each data
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

/// Everything that determines a network's weights, and nothing else: neither the device nor the path of the
/// data.
#[derive(Serialize)]
pub(crate) struct TrainingKey<'a> {
    version: u32,
    data: DataKey<'a>,
    model: ModelKey<'a>,
    /// How it is trained; `None` for a network that is not. Flattened, so that a new key is included automatically; if its
    /// default changes no result, serde skips that value, so that old ids stay.
    #[serde(flatten)]
    train: Option<TrainSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<Schedule>,
    occlusion: Option<TrainingMaskKey>,
    seed: u64,
}

/// A network without the place of its file.
#[derive(Serialize)]
#[serde(untagged)]
enum ModelKey<'a> {
    Onnx {
        onnx: &'a str,
        runtime: &'a str,
        input: &'a OnnxInput,
        output: &'a OnnxOutput,
        classes: &'a [String],
    },
    /// Its weights' file without its place.
    Trained(ModelSpec),
}

impl<'a> ModelKey<'a> {
    fn new(model: &'a ModelSpec) -> ModelKey<'a> {
        match model {
            ModelSpec::Onnx(OnnxSpec { hash, input, output, classes, path: _, parameters: _ }) => {
                ModelKey::Onnx { onnx: hash, runtime: onnx::RUNTIME, input, output, classes }
            }
            trained => {
                let mut trained = trained.clone();
                let common = trained.common_mut();
                if let Some(weights) = common.and_then(|common| common.weights.as_mut()) {
                    weights.path = PathBuf::new();
                }
                ModelKey::Trained(trained)
            }
        }
    }
}

#[derive(Serialize)]
struct DataKey<'a> {
    height: usize,
    width: usize,
    channels: usize,
    classes: &'a [String],
    #[serde(skip_serializing_if = "Standardise::is_train")]
    standardise: Standardise,
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
enum TrainingMaskKey {
    Fixed(OcclusionKey),
    Random(RandomKey),
    Tuned {
        #[serde(flatten)]
        from: RandomKey,
        polygons: Vec<Vec<[f64; 2]>>,
        tuning: Tuning,
        tuned: u32,
    },
}

/// Random sets of regions, in order: the order of regions affects the random draws.
#[derive(Serialize)]
struct RandomKey {
    #[serde(flatten)]
    masking: MaskingKey,
    regions: Vec<Vec<Vec<[f64; 2]>>>,
    /// Skipped where regions stay in their places, so that ids of such trainings do not depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    elsewhere: Option<u32>,
}

/// An occlusion with sorted polygons: their order does not change the mask.
#[derive(Serialize)]
struct OcclusionKey {
    #[serde(flatten)]
    masking: MaskingKey,
    polygons: Vec<Vec<[f64; 2]>>,
}

#[derive(Serialize)]
struct MaskingKey {
    mode: &'static str,
    fill: &'static str,
    constant: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blur: Option<f64>,
    /// Skipped for all other fills, so that their ids do not depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    inpaint: Option<u32>,
    /// As `inpaint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<u32>,
}

impl<'a> TrainingKey<'a> {
    /// `content`: the hash of the data; if unknown, their settings are used.
    pub fn new(
        settings: &'a Settings,
        content: Option<&'a str>,
        mask: Option<&TrainingMask>,
        seed: u64,
    ) -> TrainingKey<'a> {
        let Settings { dataset, model, train, schedule } = settings;
        let images = content.map_or(ImagesKey::Settings(dataset), ImagesKey::Content);
        TrainingKey {
            version: NUMERIC_VERSION,
            data: DataKey {
                height: dataset.height,
                width: dataset.width,
                standardise: dataset.standardise,
                channels: dataset.channels,
                classes: &dataset.classes,
                images,
            },
            model: ModelKey::new(model),
            train: model.is_trained().then(|| train.on_any_device()),
            schedule: model.is_trained().then_some(*schedule),
            occlusion: mask.map(TrainingMaskKey::new),
            seed,
        }
    }

    /// Equal for two trainings that would give the same network.
    pub fn canonical(&self) -> String {
        to_json(self)
    }
}

/// Equal for two occlusions with the same mask and fill.
pub(crate) fn canonical_occlusion(occlusion: Option<&Occlusion>) -> String {
    to_json(&occlusion.map(OcclusionKey::new))
}

/// Whether two occlusions have the same mask and fill.
pub fn same_occlusion(one: &Occlusion, other: &Occlusion) -> bool {
    canonical_occlusion(Some(one)) == canonical_occlusion(Some(other))
}

impl TrainingMaskKey {
    fn new(mask: &TrainingMask) -> TrainingMaskKey {
        let random = |RandomSets { regions, mode, fill, elsewhere }: &RandomSets| {
            let regions = regions.iter().map(|polygons| outlines(polygons)).collect();
            let elsewhere = elsewhere.then_some(ELSEWHERE_VERSION);
            RandomKey { masking: MaskingKey::new(*mode, *fill), regions, elsewhere }
        };
        match mask {
            TrainingMask::Fixed(occlusion) => TrainingMaskKey::Fixed(OcclusionKey::new(occlusion)),
            TrainingMask::Random(sets) => TrainingMaskKey::Random(random(sets)),
            TrainingMask::Tuned(Tuned { from, polygons, tuning }) => {
                let (from, polygons) = (random(from), outlines(polygons));
                TrainingMaskKey::Tuned { from, polygons, tuning: *tuning, tuned: TUNED_VERSION }
            }
        }
    }
}

impl OcclusionKey {
    fn new(occlusion: &Occlusion) -> OcclusionKey {
        let masking = MaskingKey::new(occlusion.mode, occlusion.fill);
        OcclusionKey { masking, polygons: outlines(&occlusion.polygons) }
    }
}

impl MaskingKey {
    fn new(mode: Mode, fill: Fill) -> MaskingKey {
        let (constant, blur) = match fill {
            Fill::Constant(grey) => (Some(grey), None),
            Fill::Blur(share) => (None, Some(share)),
            Fill::Mean | Fill::Noise | Fill::Inpaint | Fill::Object | Fill::Silhouette => {
                (None, None)
            }
        };
        let inpaint = (fill == Fill::Inpaint).then_some(INPAINT_VERSION);
        let object = (fill == Fill::Object).then_some(OBJECT_VERSION);
        MaskingKey { mode: mode.name(), fill: fill.name(), constant, blur, inpaint, object }
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
