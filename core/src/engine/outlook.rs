//! Estimates for a plan before anything is trained: images and steps, time, and the minimum detectable effect.

use serde::Serialize;

use super::outline::{Outline, Status};
use crate::analysis::{POWER, Power, power, speed};
use crate::experiment::{DatasetSpec, Experiment, Settings};
use crate::machine::Resources;
use crate::plan::{Estimate, ImageCounts, Plan, steps_per_epoch};
use crate::store::{Results, StoreError};

/// A plan with its estimates. `plan --format json` prints it.
#[derive(Debug, Serialize)]
pub struct Outlook {
    #[serde(flatten)]
    pub outline: Outline,
    /// Of the first training's data; `None` where they are on disk and were not read yet.
    pub images: Option<ImageCounts>,
    /// Steps of the optimiser in the first training, where no early stopping ends it.
    pub steps_per_training: Option<u64>,
    /// Seconds for the open trainings; `None` where the number of images is unknown.
    pub estimated_seconds: Option<f64>,
    /// How many of them run in parallel.
    pub trainings_at_once: u32,
    /// Whether that rests on measured trainings; otherwise on the network's arithmetic.
    pub estimate_is_measured: Option<bool>,
    /// The minimum detectable effect on accuracy at this `power`, percentage points. `None` for one seed, which has
    /// no variance between seeds, where nothing is masked or trained, and where the number of test images is unknown.
    pub minimum_detectable_effect_points: Option<f64>,
    /// A share.
    pub power: f64,
    /// The target effect, percentage points of accuracy.
    pub effect_points: f64,
    /// The seeds needed to detect it; `None` if no number suffices with this many test images, if that is unknown,
    /// and where nothing is masked.
    pub seeds_needed: Option<usize>,
    /// The details of these; `None` where nothing is masked or trained.
    #[serde(skip)]
    pub found: Option<Power>,
}

impl Outlook {
    /// `images` gives the number of a data set's images, where it is known; `effect` is the target effect in points of
    /// accuracy.
    ///
    /// # Errors
    /// Where the results folder cannot be read.
    pub fn of(
        (experiment, plan, outline): (&Experiment, &Plan, Outline),
        resources: &Resources,
        effect: f64,
        images: impl Fn(&DatasetSpec) -> Option<ImageCounts>,
        results: Option<&Results>,
    ) -> Result<Outlook, StoreError> {
        let open = outline.open();
        let at_once = resources.jobs().min(open.len() as u32).max(1);
        let speed_of = |settings: &Settings| -> Result<Option<f64>, StoreError> {
            Ok(results.map(|results| speed(results, settings)).transpose()?.flatten())
        };
        let estimate = plan.estimate(&open, (at_once, resources.threads), &images, speed_of)?;
        let settings = plan.trainings.first().map(|training| &training.settings);
        let images = settings.and_then(|settings| images(&settings.dataset));
        let trained = settings.filter(|settings| settings.model.is_trained());
        let steps = trained.zip(images).map(|(Settings { train, .. }, images)| {
            u64::from(train.epochs) * steps_per_epoch(images.train, train.batch_size) as u64
        });
        let masks = plan.conditions.iter().any(|condition| condition.occlusion.is_some());
        let found = (masks && trained.is_some()).then(|| {
            let test = images.map(|images| images.test);
            power(experiment, outline.parameters.total, test, effect, results)
        });
        let found = found.transpose()?;
        let smallest = found.as_ref().and_then(|power| power.smallest);
        Ok(Outlook {
            outline,
            images,
            steps_per_training: steps,
            trainings_at_once: at_once,
            estimated_seconds: estimate.map(|Estimate { seconds, .. }| seconds),
            estimate_is_measured: estimate.map(|Estimate { measured, .. }| measured),
            minimum_detectable_effect_points: smallest.map(|share| 100.0 * share),
            power: POWER,
            effect_points: effect,
            seeds_needed: found.as_ref().and_then(|power| power.needed),
            found,
        })
    }
}

impl Outline {
    /// The indices of the trainings that are not done.
    pub fn open(&self) -> Vec<usize> {
        let trainings = self.trainings.iter().enumerate();
        let open = trainings.filter(|(_, training)| training.status != Status::Done);
        open.map(|(place, _)| place).collect()
    }
}
