//! How many seeds an effect needs, for `fer-lab plan`.

use crate::analysis::{Components, components_seen, read_scores, seeds_needed, smallest_effect};
use crate::experiment::{Experiment, Source};
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

/// A line on what the experiment's seeds can find, and how many an effect of so many points of accuracy
/// needs.
pub(super) fn advice(
    experiment: &Experiment,
    parameters: u64,
    points: f64,
    results: Option<&Results>,
) -> anyhow::Result<String> {
    let seen = match results {
        Some(results) => seen(results, experiment, parameters)?,
        None => None,
    };
    let components = seen.as_ref().map_or(TYPICAL, |seen| seen.components);
    let planned = match &experiment.settings.dataset.source {
        Source::Faces(faces) => Some(faces.test),
        _ => None,
    };
    let images = planned.or(seen.as_ref().map(|seen| seen.images)).unwrap_or(TEST_IMAGES);
    let basis = match &seen {
        Some(seen) => format!("by the runs of `{}`", seen.experiment),
        None => "by typical variances: no runs of this network here to go by".to_owned(),
    };
    let seeds = experiment.seeds.len();
    let found = match smallest_effect(&components, seeds, images) {
        Some(smallest) => {
            format!(
                "{seeds} seeds find effects from {:.1} points of accuracy on, 4 times in 5",
                100.0 * smallest
            )
        }
        None => "1 seed cannot show how much seeds differ".to_owned(),
    };
    let needed = match seeds_needed(points / 100.0, &components, images) {
        Some(needed) => format!("{points} points need {needed} seeds"),
        None => format!("{points} points need more test images, whatever the seeds"),
    };
    Ok(format!("{found}; {needed} ({basis})"))
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
