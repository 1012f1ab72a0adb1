//! Estimates for a plan from earlier runs in the results folder: the speed of trainings and the variance of
//! effects. Beside [`tables`](super::tables) this file reads the results folder.

use super::cells::EffectsError;
use super::crossed::Components;
use super::power::{components_seen, seeds_needed, smallest_effect};
use super::tables::read_scores;
use crate::experiment::{Experiment, Settings};
use crate::store::{PredictionRow, Results, RunRow, StoreError, TrainingStatus};

/// Measured with this program on drawn faces: 48 × 48, 1,400 test images, 7 emotions, a network that
/// reaches 31 %, 6 seeds; mean over mouth, eyes and jaw, hidden in training and test or in the test alone.
const TYPICAL: Components = Components { seeds: 2.7e-4, images: 0.0305, rest: 0.146 };

/// The number of test images if neither the data nor earlier runs give it: that of FER+.
const TEST_IMAGES: usize = 3579;

/// Larger tables of predictions are not read for this estimate, bytes.
const MOST_READ: u64 = 64 << 20;

/// The statistical power of an experiment's seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Power {
    pub seeds: usize,
    /// The minimum detectable effect on accuracy, a share, at a power of
    /// [`POWER`](super::POWER); `None` for one seed, which
    /// has no variance between seeds.
    pub smallest: Option<f64>,
    /// The target effect, points of accuracy.
    pub points: f64,
    /// The seeds needed to detect it; `None` if more images are needed, whatever the seeds.
    pub needed: Option<usize>,
    /// The experiment whose runs give the variance of effects; `None` if typical variances are used.
    pub basis: Option<String>,
}

/// The variance of effects in earlier runs.
struct Seen {
    components: Components,
    images: usize,
    experiment: String,
}

/// The minimum detectable effect of the experiment's seeds, and the seeds needed for a target effect in points of
/// accuracy. `test` is the number of test images, if known.
///
/// # Errors
/// Where the results folder cannot be read.
pub fn power(
    experiment: &Experiment,
    parameters: u64,
    test: Option<usize>,
    points: f64,
    results: Option<&Results>,
) -> Result<Power, StoreError> {
    let seen = match results {
        Some(results) => seen(results, experiment, parameters)?,
        None => None,
    };
    let components = seen.as_ref().map_or(TYPICAL, |seen| seen.components);
    let images = test.or(seen.as_ref().map(|seen| seen.images)).unwrap_or(TEST_IMAGES);
    let seeds = experiment.seeds.len();
    Ok(Power {
        seeds,
        smallest: smallest_effect(&components, seeds, images),
        points,
        needed: seeds_needed(points / 100.0, &components, images),
        basis: seen.map(|seen| seen.experiment),
    })
}

/// The components of this experiment's earlier runs, or of the first other experiment's with the same kind
/// of data and as many parameters.
fn seen(
    results: &Results,
    experiment: &Experiment,
    parameters: u64,
) -> Result<Option<Seen>, StoreError> {
    let kind = experiment.settings.dataset.source.kind();
    let fits = |run: &RunRow| {
        run.status.is_done() && run.dataset == kind && run.parameters == parameters && !run.control
    };
    let mut studies = results.all_runs()?.by_experiment;
    studies.sort_by_key(|(name, _)| *name != experiment.name);
    for (name, runs) in studies {
        let Some(whole) = runs.iter().find(|run| fits(run) && run.mode.is_none()) else { continue };
        let comparable = |run: &RunRow| fits(run) && run.swept == whole.swept;
        let other_seed =
            |run: &RunRow| comparable(run) && run.mode.is_some() && run.seed != whole.seed;
        if !runs.iter().any(other_seed) {
            continue;
        }
        let path = results.table_path::<PredictionRow>(&name)?;
        if !std::fs::metadata(&path).is_ok_and(|data| data.len() <= MOST_READ) {
            continue;
        }
        // This estimate must not fail a plan: whatever cannot be read or compared is skipped.
        let Ok(scores) = read_scores(results, &name, &comparable) else { continue };
        let components: Result<Option<Components>, EffectsError> = components_seen(&scores);
        if let Ok(Some(components)) = components {
            let images = scores[0].images();
            return Ok(Some(Seen { components, images, experiment: name }));
        }
    }
    Ok(None)
}

/// The median images per second of finished trainings with the same network, size and precision; `None` if there
/// are none.
///
/// # Errors
/// Where the results folder cannot be read.
pub fn speed(results: &Results, settings: &Settings) -> Result<Option<f64>, StoreError> {
    const LOOKED_AT: usize = 100;
    // Settings are plain data, so that they always are a value.
    let value = |settings: serde_json::Result<serde_json::Value>| settings.unwrap_or_default();
    let model = value(serde_json::to_value(&settings.model));
    let dataset = value(serde_json::to_value(&settings.dataset));
    let mut speeds = Vec::new();
    for id in results.trainings()?.iter().take(LOOKED_AT) {
        let Ok(manifest) = results.manifest(id) else { continue };
        let same = ["height", "width", "channels"]
            .iter()
            .all(|key| manifest.settings["dataset"][*key] == dataset[*key])
            && manifest.settings["model"] == model
            && manifest.precision == settings.train.precision.name();
        if same && manifest.status == TrainingStatus::Done {
            speeds.push(manifest.train_images_per_second);
        }
    }
    speeds.sort_by(f64::total_cmp);
    Ok(speeds.get(speeds.len() / 2).copied())
}
