//! Estimates for a plan from earlier runs in the results folder: the speed of trainings and the variance of
//! effects. Beside [`tables`](super::tables) this file reads the results folder.

use super::crossed::Components;
use super::power::{Variances, seeds_needed, smallest_effect, variances_seen};
use super::tables::read_scores;
use crate::experiment::{Experiment, Settings};
use crate::region::Mode;
use crate::store::{PredictionRow, Results, RunRow, StoreError, TrainingStatus};

/// Measured with this program on drawn faces: 48 × 48, 1,400 test images, 7 emotions, a network that
/// reaches 31 %, 6 seeds; mean over mouth, eyes and jaw, hidden in training and test or in the test alone.
const TYPICAL: Components = Components { seeds: 2.7e-4, images: 0.0305, rest: 0.146 };

/// Predictions of a larger study are not read for a line of advice, bytes.
const MOST_READ: u64 = 64 << 20;

/// The statistical power of an experiment's seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Power {
    pub seeds: usize,
    /// Test images; `None` before the images were read, when nothing can be said: with 40 an effect has to be several
    /// times as large as with 3,579.
    pub images: Option<usize>,
    /// The minimum detectable effect on accuracy, a share, at a power of [`POWER`](super::POWER); `None` for one
    /// seed, which has no variance between seeds, and where the number of images is unknown.
    pub smallest: Option<f64>,
    /// In which mode the regions are whose effect that is.
    pub mode: Mode,
    /// The target effect, points of accuracy.
    pub points: f64,
    /// The seeds needed to detect it; `None` if more images are needed, whatever the seeds, and where their number
    /// is unknown.
    pub needed: Option<usize>,
    /// The experiment whose runs give the variance of effects; `None` if typical variances are used.
    pub basis: Option<String>,
}

/// The variance of effects in earlier runs.
struct Seen {
    variances: Variances,
    experiment: String,
}

/// The minimum detectable effect of the experiment's seeds, and the seeds needed for a target effect in points of
/// accuracy. `test` is the number of test images, if known; that of other experiments does not stand in for it.
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
    let variances = seen.as_ref().map_or(Variances::alone(TYPICAL), |seen| seen.variances);
    let seeds = experiment.seeds.len();
    Ok(Power {
        seeds,
        images: test,
        mode: asked(experiment),
        smallest: test.and_then(|images| smallest_effect(&variances, seeds, images)),
        points,
        needed: test.and_then(|images| seeds_needed(points / 100.0, &variances, images)),
        basis: seen.map(|seen| seen.experiment),
    })
}

/// The mode that a minimum detectable effect is given for: `hide`, where there is such a condition, since what matters of
/// `keep` is not what it loses.
fn asked(experiment: &Experiment) -> Mode {
    match experiment.occlusion.modes.contains(&Mode::Hide) {
        true => Mode::Hide,
        false => Mode::Keep,
    }
}

/// The variances of this experiment's earlier runs, or of the first other experiment's with the same kind
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
        let mode = Some(asked(experiment));
        let other_seed =
            |run: &RunRow| comparable(run) && run.mode == mode && run.seed != whole.seed;
        if !runs.iter().any(other_seed) {
            continue;
        }
        let path = results.table_path::<PredictionRow>(&name)?;
        if !std::fs::metadata(&path).is_ok_and(|data| data.len() <= MOST_READ) {
            continue;
        }
        // This estimate must not fail a plan: whatever cannot be read or compared is skipped.
        let Ok(scores) = read_scores(results, &name, &comparable) else { continue };
        if let Ok(Some(variances)) = variances_seen(&scores, asked(experiment)) {
            return Ok(Some(Seen { variances, experiment: name }));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::parse;

    #[test]
    fn what_is_found_depends_on_images_and_seeds_and_is_not_guessed_without() {
        let of = |test: Option<usize>, seeds: u32| {
            let text = format!(
                "name = \"x\"\n[dataset]\nkind = \"faces\"\n[occlusion]\nregions = [\"eyes\"]\n[seeds]\n\
                 count = {seeds}\n"
            );
            let experiment = parse(&text, "x.toml", &[]).unwrap();
            power(&experiment, 1000, test, 5.0, None).unwrap()
        };
        let smallest = |test, seeds| of(Some(test), seeds).smallest.unwrap();
        assert!(smallest(40, 3) > 3.0 * smallest(3579, 3));
        assert!(smallest(3579, 3) > 1.2 * smallest(3579, 10));
        // What 40 images leave open no seed can tell.
        assert_eq!(of(Some(40), 3).needed, None);
        assert!(of(Some(3579), 3).needed.is_some());
        let unknown = of(None, 3);
        assert_eq!((unknown.images, unknown.smallest, unknown.needed), (None, None, None));
    }
}
