//! The specification of a worker's job: one training with its evaluations, in a file that needs only the data and the
//! results folder.

use std::io::Read;

use serde::{Deserialize, Serialize};

use super::error::EngineError;
use super::sensitivity::SensitivityMap;
use super::work::Work;
use crate::experiment::{self, DeviceChoice, Settings};
use crate::plan::{
    EvaluationId, EvaluationSpec, Identified, TrainingId, TrainingSpec, evaluation_id,
    sensitivity_id,
};
use crate::region::object::Objects;
use crate::region::{Fill, Mode, Occlusion, Polygon, RandomSets, TrainingMask, Tuned};

/// The version of this format.
const VERSION: u32 = 2;

/// The maximum size: an experiment's text and a few polygons take far less.
const LIMIT: u64 = 16 * 1024 * 1024;

/// The maximum of a specification and of the command line: threads per training, and a week between two
/// checkpoints.
pub const MOST_THREADS: u32 = 1024;
pub const MOST_CHECKPOINT_SECONDS: u32 = 7 * 24 * 3600;

/// The last GPU that can be named, as in an experiment file.
pub const MOST_GPU: usize = 99;

/// Larger than in any plan.
const MOST_NAME: usize = 10_000;
const MOST_EVALUATIONS: usize = 100_000;
const MOST_POLYGONS: usize = 10_000;
const MOST_TUNING_EPOCHS: u64 = 100_000;

/// One training and its evaluations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Specification {
    version: u32,
    /// The training's id. A worker recomputes it from its data and the fields below, and refuses the job if they
    /// differ.
    pub training: TrainingId,
    /// Its name for people.
    pub name: String,
    /// The experiment as run, as TOML, and which combination of its matrix this is.
    experiment: String,
    cell: usize,
    pub seed: u64,
    /// The masking of the training images; none if missing.
    pub occlusion: Option<TrainingMask>,
    pub evaluations: Vec<Evaluation>,
    /// Sensitivity maps of the network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub maps: Vec<SensitivityMap>,
    pub device: DeviceChoice,
    /// libtorch's threads.
    pub threads: u32,
    /// A checkpoint is written at the end of an epoch if the last one is at least this old.
    pub checkpoint_seconds: u32,
}

/// The part that every version has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// An evaluation of the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    pub id: EvaluationId,
    #[serde(rename = "examination")]
    pub spec: EvaluationSpec,
}

impl Specification {
    /// For a training of a plan, with the evaluations that `runs` name and the given maps.
    pub(super) fn new(
        work: &Work,
        identified: &Identified,
        training: usize,
        runs: &[usize],
        maps: Vec<SensitivityMap>,
        device: DeviceChoice,
    ) -> Specification {
        let spec = &work.plan.trainings[training];
        let evaluations = runs.iter().map(|run| Evaluation {
            id: identified.runs[*run].evaluation.clone(),
            spec: work.plan.runs[*run].evaluation.clone(),
        });
        Specification {
            version: VERSION,
            training: identified.trainings[training].id.clone(),
            name: work.name(training).to_owned(),
            experiment: work.experiment.merged.clone(),
            cell: work.plan.first_condition(training).cell,
            seed: spec.seed,
            occlusion: spec.mask.clone(),
            evaluations: evaluations.collect(),
            maps,
            device,
            threads: work.resources.threads,
            checkpoint_seconds: work.checkpoint_seconds,
        }
    }

    /// Reads a specification.
    ///
    /// # Errors
    /// Where it is none, has another version, or has an invalid value: the message names the field, its value and its
    /// bounds.
    pub fn read(source: impl Read) -> Result<Specification, EngineError> {
        let wrong = |why: String| EngineError::Specification(why);
        let mut bytes = Vec::new();
        source.take(LIMIT + 1).read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
        if bytes.len() as u64 > LIMIT {
            return Err(wrong(format!("it is longer than {LIMIT} bytes")));
        }
        // First: another version may have other fields.
        if let Ok(Versioned { version }) = serde_json::from_slice(&bytes)
            && version != VERSION
        {
            return Err(wrong(format!(
                "it has version {version}, and this program reads version {VERSION}"
            )));
        }
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let specification: Specification =
            serde_path_to_error::deserialize(&mut json).map_err(|error| {
                let (path, inner) = (error.path().to_string(), error.inner());
                wrong(if path == "." { inner.to_string() } else { format!("`{path}`: {inner}") })
            })?;
        json.end().map_err(|error| wrong(error.to_string()))?;
        specification.check().map_err(wrong)?;
        Ok(specification)
    }

    /// What is wrong with the values of a well-formed specification.
    fn check(&self) -> Result<(), String> {
        let Specification { training, seed, threads, checkpoint_seconds, .. } = self;
        within("threads", u64::from(*threads), 1, u64::from(MOST_THREADS))?;
        let most = u64::from(MOST_CHECKPOINT_SECONDS);
        within("checkpoint_seconds", u64::from(*checkpoint_seconds), 0, most)?;
        if let DeviceChoice::Cuda(index) = self.device {
            within("device.cuda", index as u64, 0, MOST_GPU as u64)?;
        }
        // As those of an experiment file.
        within("seed", *seed, 0, i64::MAX as u64)?;
        within("the length of name", self.name.len() as u64, 0, MOST_NAME as u64)?;
        let evaluations = self.evaluations.len() as u64;
        within("the number of evaluations", evaluations, 0, MOST_EVALUATIONS as u64)?;
        match &self.occlusion {
            Some(TrainingMask::Fixed(occlusion)) => check_occlusion("occlusion", occlusion)?,
            Some(TrainingMask::Random(sets)) => {
                check_sets("occlusion", sets)?;
            }
            Some(TrainingMask::Tuned(tuned)) => {
                let Tuned { from, tuning, .. } = tuned;
                check_sets("occlusion.from", from)?;
                check_occlusion("occlusion", &tuned.occlusion())?;
                let epochs = u64::from(tuning.epochs);
                within("occlusion.tuning.epochs", epochs, 1, MOST_TUNING_EPOCHS)?;
                if !(tuning.rate > 0.0 && tuning.rate <= 1.0) {
                    let rate = tuning.rate;
                    return Err(format!(
                        "`occlusion.tuning.rate` cannot be {rate}: must be above 0, up to 1"
                    ));
                }
            }
            None => {}
        }
        for (index, evaluation) in self.evaluations.iter().enumerate() {
            let path = format!("evaluations[{index}]");
            let Evaluation { id, spec } = evaluation;
            if let Some(occlusion) = &spec.occlusion {
                check_occlusion(&format!("{path}.examination.occlusion"), occlusion)?;
            }
            is_id(&path, id.as_str(), evaluation_id(training, spec).as_str())?;
        }
        for (index, map) in self.maps.iter().enumerate() {
            let id = sensitivity_id(training, &map.spec);
            is_id(&format!("maps[{index}]"), map.id.as_str(), id.as_str())?;
        }
        Ok(())
    }

    /// The training, its settings validated as those of any experiment file.
    pub fn training(&self) -> Result<TrainingSpec, EngineError> {
        let wrong = |why: String| EngineError::Specification(why);
        let experiment = experiment::parse_whole(&self.experiment, "specification")
            .map_err(|errors| wrong(errors.to_string()))?;
        let cell = experiment.cells.get(self.cell);
        let cell =
            cell.ok_or_else(|| wrong(format!("its experiment has no cell {}", self.cell)))?;
        let settings: Settings = cell.settings.clone();
        let asked = |map: &SensitivityMap| experiment.sensitivity.contains(&map.spec);
        if let Some(map) = self.maps.iter().position(|map| !asked(map)) {
            return Err(wrong(format!(
                "`maps[{map}].spec` is not a map that `sensitivity` in its experiment asks for"
            )));
        }
        Ok(TrainingSpec { settings, mask: self.occlusion.clone(), seed: self.seed })
    }
}

/// A whole number within its bounds.
fn within(what: &str, value: u64, low: u64, high: u64) -> Result<(), String> {
    match (low..=high).contains(&value) {
        true => Ok(()),
        false => Err(format!("`{what}` cannot be {value}: must be from {low} to {high}")),
    }
}

fn check_occlusion(path: &str, occlusion: &Occlusion) -> Result<(), String> {
    let Occlusion { polygons, mode, fill } = occlusion;
    check_polygons(&format!("{path}.polygons"), polygons.len())?;
    check_fill(&format!("{path}.fill"), *fill)?;
    check_object(path, *mode, *fill, std::iter::once((format!("{path}.polygons"), &polygons[..])))
}

fn check_sets(path: &str, sets: &RandomSets) -> Result<(), String> {
    let regions = sets.regions.len() as u64;
    within(&format!("the number of {path}.regions"), regions, 1, RandomSets::MOST as u64)?;
    check_polygons(&format!("{path}.regions"), sets.regions.iter().map(Vec::len).sum())?;
    check_fill(&format!("{path}.fill"), sets.fill)?;
    let regions = sets.regions.iter().enumerate();
    let regions =
        regions.map(|(index, polygons)| (format!("{path}.regions[{index}]"), &polygons[..]));
    check_object(path, sets.mode, sets.fill, regions)
}

/// Objects are drawn on the polygons of occluders alone, and cover them.
fn check_object<'a>(
    path: &str,
    mode: Mode,
    fill: Fill,
    mut polygons: impl Iterator<Item = (String, &'a [Polygon])>,
) -> Result<(), String> {
    if fill != Fill::Object {
        return Ok(());
    }
    if mode == Mode::Keep {
        return Err(format!("`{path}.mode` cannot be `keep` with the fill `object`"));
    }
    polygons.try_for_each(|(path, polygons)| {
        Objects::on(polygons).map(|_| ()).map_err(|error| format!("`{path}`: {error}"))
    })
}

fn check_polygons(path: &str, polygons: usize) -> Result<(), String> {
    within(&format!("the number of {path}"), polygons as u64, 0, MOST_POLYGONS as u64)
}

/// As `occlusion.constant` and `occlusion.blur` of an experiment file.
fn check_fill(path: &str, fill: Fill) -> Result<(), String> {
    let (name, value, low) = match fill {
        Fill::Constant(grey) => ("constant", grey, 0.0),
        Fill::Blur(deviation) => ("blur", deviation, 0.001),
        Fill::Mean | Fill::Noise | Fill::Inpaint | Fill::Object | Fill::Silhouette => return Ok(()),
    };
    match (low..=1.0).contains(&value) {
        true => Ok(()),
        false => Err(format!("`{path}.{name}` cannot be {value}: must be from {low} to 1")),
    }
}

/// An id must match the fields beside it: otherwise its result would be stored under a wrong id.
fn is_id(path: &str, id: &str, expected: &str) -> Result<(), String> {
    match id == expected {
        true => Ok(()),
        false => Err(format!(
            "`{path}.id` is {id}, but its fields give {expected}: plan the experiment again"
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::experiment::Statistics;
    use crate::region::Regions;

    fn occlusion(fill: Fill) -> Occlusion {
        let polygons = Regions::aligned().get("mouth").unwrap().polygons.clone();
        Occlusion { polygons, mode: Mode::Hide, fill }
    }

    /// Of an experiment with a map, as JSON.
    fn specification() -> Value {
        let experiment = "name = \"x\"\n[dataset]\nkind = \"faces\"\n\
                          [sensitivity]\nmethods = [\"window\"]\n";
        let parsed = experiment::parse(experiment, "x", &[]).unwrap();
        let training: TrainingId = serde_json::from_str("\"0123456789abcdef0123\"").unwrap();
        let masked = occlusion(Fill::Blur(0.1));
        let evaluations = [(None, Statistics::Trained), (Some(masked), Statistics::Adapted)];
        let evaluations = evaluations.map(|(occlusion, statistics)| {
            let spec = EvaluationSpec { occlusion, statistics };
            Evaluation { id: evaluation_id(&training, &spec), spec }
        });
        let spec = parsed.sensitivity[0];
        let specification = Specification {
            version: VERSION,
            name: "mouth hidden".to_owned(),
            experiment: experiment.to_owned(),
            cell: 0,
            seed: 1,
            occlusion: Some(TrainingMask::Fixed(occlusion(Fill::Constant(0.5)))),
            evaluations: evaluations.to_vec(),
            maps: vec![SensitivityMap { id: sensitivity_id(&training, &spec), spec }],
            device: DeviceChoice::Auto,
            threads: 2,
            checkpoint_seconds: 20,
            training,
        };
        serde_json::to_value(specification).unwrap()
    }

    fn read(value: &Value) -> Result<Specification, EngineError> {
        let specification = Specification::read(value.to_string().as_bytes())?;
        specification.training().map(|_| specification)
    }

    #[test]
    fn a_specification_survives_json() {
        let value = specification();
        assert_eq!(serde_json::to_value(read(&value).unwrap()).unwrap(), value);
    }

    #[test]
    fn every_number_has_bounds_and_is_named_with_them() {
        let random = |regions: usize| {
            let polygons = occlusion(Fill::Mean).polygons;
            json!({"regions": vec![polygons; regions], "mode": "hide", "fill": "mean"})
        };
        let corners = |corner: Value| json!([[[0.1, 0.1], corner, [0.5, 0.9]]]);
        let many: Vec<[f64; 2]> = (0..5000).map(|index| [f64::from(index) / 1e4, 0.0]).collect();
        for (pointer, value, message) in [
            ("/threads", json!(0), "`threads` cannot be 0: must be from 1 to 1024"),
            ("/threads", json!(1_000_000), "`threads` cannot be 1000000: must be from 1 to 1024"),
            ("/threads", json!(-1), "`threads`: invalid value: integer `-1`, expected u32"),
            ("/threads", json!(1.5), "`threads`: invalid type: floating point `1.5`"),
            (
                "/checkpoint_seconds",
                json!(u32::MAX),
                "`checkpoint_seconds` cannot be 4294967295: must be from 0 to 604800",
            ),
            ("/seed", json!(u64::MAX), "`seed` cannot be 18446744073709551615: must be from 0 to"),
            ("/cell", json!(7), "no cell 7"),
            ("/cell", json!(-1), "`cell`: invalid value"),
            ("/version", json!(1), "it has version 1, and this program reads version 2"),
            ("/name", json!("x".repeat(20_000)), "`the length of name` cannot be 20000"),
            (
                "/occlusion/fill/constant",
                json!(1.5),
                "`occlusion.fill.constant` cannot be 1.5: must be from 0 to 1",
            ),
            ("/occlusion/fill/constant", json!(-1e300), "must be from 0 to 1"),
            (
                "/evaluations/1/examination/occlusion/fill/blur",
                json!(0.0),
                "`evaluations[1].examination.occlusion.fill.blur` cannot be 0: must be from 0.001 to 1",
            ),
            (
                "/evaluations/1/examination/occlusion/fill/blur",
                json!(0.2),
                "`evaluations[1].id` is",
            ),
            (
                "/evaluations/1/examination/statistics",
                json!("tested"),
                "`evaluations[1].examination.statistics`: unknown variant `tested`",
            ),
            ("/evaluations/1/examination/statistics", json!("trained"), "`evaluations[1].id` is"),
            (
                "/evaluations/1/examination",
                json!({"occlusion": null}),
                "missing field `statistics`",
            ),
            (
                "/evaluations/1/examination/occlusion/polygons",
                corners(json!([9, 0.5])),
                "far outside of the face",
            ),
            (
                "/evaluations/1/examination/occlusion/polygons",
                corners(json!([1e300, 0.5])),
                "far outside of the face",
            ),
            (
                "/evaluations/1/examination/occlusion/polygons",
                corners(json!([null, 0.5])),
                "`evaluations[1].examination.occlusion.polygons[0]",
            ),
            (
                "/occlusion/polygons",
                json!([many]),
                "a polygon can have 2000 corners, this one has 5000",
            ),
            (
                "/occlusion",
                random(0),
                "`the number of occlusion.regions` cannot be 0: must be from 1 to 31",
            ),
            ("/occlusion", random(32), "cannot be 32: must be from 1 to 31"),
            (
                "/occlusion/fill",
                json!("object"),
                "`occlusion.polygons`: polygon 1 is none of an occluder's",
            ),
            (
                "/occlusion",
                json!({"polygons": [], "mode": "keep", "fill": "object"}),
                "`occlusion.mode` cannot be `keep` with the fill `object`",
            ),
            (
                "/occlusion",
                json!({"regions": [occlusion(Fill::Mean).polygons], "mode": "hide", "fill": "object"}),
                "`occlusion.regions[0]`: polygon 1 is none of an occluder's",
            ),
            ("/occlusion/mode", json!("seek"), "`occlusion`: unknown variant `seek`"),
            ("/maps/0/spec/method/window/side", json!(0.0), "`maps[0].id` is"),
            ("/maps/0/spec/steps", json!(4_000_000_000u32), "`maps[0].id` is"),
            ("/device", json!({"cuda": -1}), "`device"),
            ("/device", json!({"cuda": u64::MAX}), "`device.cuda` cannot be 18446744073709551615"),
        ] {
            let mut changed = specification();
            *changed.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
            let error = read(&changed).expect_err(pointer).to_string();
            assert!(error.starts_with("not a valid training specification: "), "{error}");
            assert!(error.contains(message), "{pointer}: {error}");
        }
        for text in ["", "{", "[]", "null", "1e999", "{\"threads\": 1e999}"] {
            assert!(Specification::read(text.as_bytes()).is_err(), "{text}");
        }
        let twice = format!("{} {{}}", specification());
        assert!(Specification::read(twice.as_bytes()).is_err());
    }

    #[test]
    fn the_version_is_checked_before_the_fields() {
        let mut former = specification();
        former["version"] = json!(1);
        for evaluation in former["evaluations"].as_array_mut().unwrap() {
            let occlusion = evaluation["examination"]["occlusion"].take();
            *evaluation = json!({"id": evaluation["id"], "occlusion": occlusion});
        }
        let error = read(&former).unwrap_err().to_string();
        assert!(error.contains("it has version 1, and this program reads version 2"), "{error}");
        former["version"] = json!(VERSION);
        let error = read(&former).unwrap_err().to_string();
        assert!(error.contains("`evaluations[0]"), "{error}");
    }

    #[test]
    fn a_map_that_the_experiment_does_not_ask_for_is_refused_even_with_its_right_id() {
        let mut value = specification();
        value["maps"][0]["spec"]["steps"] = json!(4_000_000_000u32);
        let training = serde_json::from_value(value["training"].clone()).unwrap();
        let spec = serde_json::from_value(value["maps"][0]["spec"].clone()).unwrap();
        value["maps"][0]["id"] = json!(sensitivity_id(&training, &spec));
        let error = read(&value).unwrap_err().to_string();
        assert!(error.contains("`maps[0].spec` is not a map that `sensitivity`"), "{error}");
    }
}
