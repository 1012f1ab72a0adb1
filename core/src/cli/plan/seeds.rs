//! Which effects an experiment can find, and how many seeds one needs, for `fer-lab plan`.

use serde::Serialize;

use crate::analysis::{
    Components, POWER, components_seen, read_scores, seeds_needed, smallest_effect,
};
use crate::experiment::Experiment;
use crate::report::counted;
use crate::store::{PredictionRow, Results, RunRow};

/// Measured with this program on drawn faces: 48 × 48, 1,400 test images, 7 emotions, a network that
/// reaches 31 %, 6 seeds; mean over mouth, eyes and jaw, hidden in training and test or in the test alone.
const TYPICAL: Components = Components { seeds: 2.7e-4, images: 0.0305, rest: 0.146 };

/// Where neither the file nor earlier runs say how many test images there are: those of FER+.
const TEST_IMAGES: usize = 3579;

/// Predictions of a larger study are not read for a line of advice, bytes.
const MOST_READ: u64 = 64 << 20;

/// What earlier runs show of how effects vary.
struct Seen {
    components: Components,
    images: usize,
    experiment: String,
}

/// What an experiment's seeds and test images can find.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Power {
    /// The smallest effect on accuracy that is found with a chance of `power`, in percentage points. `None` with
    /// one seed, which does not show how much seeds differ.
    pub minimum_detectable_effect_points: Option<f64>,
    /// A share.
    power: f64,
    /// The effect that was asked about.
    effect_points: f64,
    /// How many seeds find it with that chance; `None` where no number does with so many test images.
    seeds_needed: Option<usize>,
    #[serde(skip)]
    seeds: usize,
    /// The experiment whose runs tell how effects vary; `None` where typical variances stand for them.
    variances_from: Option<String>,
}

impl Power {
    /// `test` images, where their number is known; `points` of accuracy is the effect that is asked about.
    pub fn of(
        experiment: &Experiment,
        parameters: u64,
        test: Option<usize>,
        points: f64,
        results: Option<&Results>,
    ) -> anyhow::Result<Power> {
        let seen = match results {
            Some(results) => seen(results, experiment, parameters)?,
            None => None,
        };
        let components = seen.as_ref().map_or(TYPICAL, |seen| seen.components);
        let images = test.or(seen.as_ref().map(|seen| seen.images)).unwrap_or(TEST_IMAGES);
        let seeds = experiment.seeds.len();
        let smallest = smallest_effect(&components, seeds, images);
        Ok(Power {
            minimum_detectable_effect_points: smallest.map(|smallest| 100.0 * smallest),
            power: POWER,
            effect_points: points,
            seeds_needed: seeds_needed(points / 100.0, &components, images),
            seeds,
            variances_from: seen.map(|seen| seen.experiment),
        })
    }

    pub fn in_words(&self) -> String {
        let Power { power, effect_points: points, seeds, .. } = self;
        let found = match self.minimum_detectable_effect_points {
            Some(smallest) => format!(
                "minimum detectable effect: {smallest:.1} points of accuracy ({:.0} % power, {})",
                100.0 * power,
                counted(*seeds as u64, "seed")
            ),
            None => "1 seed cannot show how much seeds differ".to_owned(),
        };
        let needed = match self.seeds_needed {
            Some(needed) => format!("{points} points need {}", counted(needed as u64, "seed")),
            None => format!("{points} points need more test images, whatever the seeds"),
        };
        let basis = match &self.variances_from {
            Some(experiment) => format!("by the runs of `{experiment}`"),
            None => "by typical variances: no runs of this network here to go by".to_owned(),
        };
        format!("{found}; {needed} ({basis})")
    }
}

/// The components of this experiment's earlier runs, or of the first other experiment's with the same kind
/// of data and as many parameters.
fn seen(
    results: &Results,
    experiment: &Experiment,
    parameters: u64,
) -> anyhow::Result<Option<Seen>> {
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
        // Advice must not fail a plan: what cannot be read or compared is passed over.
        let Ok(scores) = read_scores(results, &name, &comparable) else { continue };
        if let Ok(Some(components)) = components_seen(&scores) {
            let images = scores[0].images();
            return Ok(Some(Seen { components, images, experiment: name }));
        }
    }
    Ok(None)
}
