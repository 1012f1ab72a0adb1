//! How long the open trainings of a plan take, for `fer-lab plan`.

use super::{ImageCounts, Planned};
use crate::cli::progress::duration;
use crate::experiment::Settings;
use crate::plan::multiply_adds;
use crate::report::counted;
use crate::store::{Results, TrainingStatus};

/// Multiply-adds a second and thread of a small network in training, f32.
const GUESS: f64 = 1.0e10;

/// The time that open trainings take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    pub seconds: f64,
    /// By trainings of the same network on the same size of pictures; else by a guess from its arithmetic.
    pub measured: bool,
    at_once: u32,
}

impl Estimate {
    /// `open` are places among the plan's trainings. `None` where it is not known how many images they have.
    pub fn of(
        planned: &Planned,
        open: &[usize],
        results: Option<&Results>,
    ) -> anyhow::Result<Option<Estimate>> {
        let Planned { plan, crew, images, .. } = planned;
        let at_once = crew.jobs().min(open.len() as u32).max(1);
        let mut estimate = Estimate { seconds: 0.0, measured: true, at_once };
        for training in open {
            let settings = &plan.trainings[*training].settings;
            let Some(ImageCounts { train, val, test }) = images(&settings.dataset) else {
                return Ok(None);
            };
            let runs = plan.runs.iter().filter(|run| run.training == *training).count();
            let epochs = settings.train.epochs as usize;
            // A picture that is only answered goes forward, one that is learned from backward too, which is
            // twice as much.
            let answered = val * epochs + test * runs;
            let visits = (train * epochs) as f64 + answered as f64 / 3.0;
            let seen = match results {
                Some(results) => speed_seen(results, settings)?,
                None => None,
            };
            estimate.measured &= seen.is_some();
            let dataset = &settings.dataset;
            let cost =
                multiply_adds(&settings.model, dataset.height, dataset.width, dataset.channels);
            let guess = GUESS * f64::from(crew.threads) / (3.0 * cost as f64);
            estimate.seconds += visits / seen.unwrap_or(guess);
        }
        estimate.seconds /= f64::from(at_once);
        Ok(Some(estimate))
    }

    pub fn in_words(&self, seeds: usize) -> String {
        let basis = if self.measured {
            "by the speed of such trainings here"
        } else {
            "a rough guess: none of this network has been timed here"
        };
        format!(
            "about {} for {}, {} at once\n({basis})\n",
            duration(self.seconds),
            counted(seeds as u64, "seed"),
            counted(u64::from(self.at_once), "training")
        )
    }
}

/// Images a second of done trainings with the same network, size and precision.
fn speed_seen(results: &Results, settings: &Settings) -> anyhow::Result<Option<f64>> {
    const LOOKED_AT: usize = 100;
    let model = serde_json::to_value(&settings.model)?;
    let dataset = serde_json::to_value(&settings.dataset)?;
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
