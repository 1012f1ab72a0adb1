//! What can be said of a plan before anything is trained: how many images and steps, how long it takes, which
//! effects it can find.

use serde::Serialize;

use super::outline::{Outline, Status};
use crate::analysis::{POWER, Power, power, speed};
use crate::experiment::{DatasetSpec, Experiment, Settings};
use crate::machine::Resources;
use crate::plan::{Estimate, ImageCounts, Plan, steps_per_epoch};
use crate::store::{Results, StoreError};

/// A plan with its outlook. `plan --format json` prints it.
#[derive(Debug, Serialize)]
pub struct Outlook {
    #[serde(flatten)]
    pub outline: Outline,
    /// Of the first training's data; `None` where they lie on disk and were not read yet.
    pub images: Option<ImageCounts>,
    /// Steps of the optimiser in the first training, where no early stopping ends it.
    pub steps_per_training: Option<u64>,
    /// What the open trainings take; `None` where the number of images is not known.
    pub estimated_seconds: Option<f64>,
    /// How many of them are done at once.
    pub trainings_at_once: u32,
    /// Whether that rests on such trainings; a guess from the network's arithmetic else.
    pub estimate_is_measured: Option<bool>,
    /// The smallest effect on accuracy that is found with a chance of `power`, percentage points. `None` of one
    /// seed, which does not show how much seeds differ, where nothing is masked, and where the number of test images is
    /// not known yet.
    pub minimum_detectable_effect_points: Option<f64>,
    /// A share.
    pub power: f64,
    /// The effect that was asked about, percentage points of accuracy.
    pub effect_points: f64,
    /// How many seeds find it; `None` where no number does with so many test images, where that number is not known
    /// yet, and where nothing is masked.
    pub seeds_needed: Option<usize>,
    /// The rest of that; `None` where nothing is masked.
    #[serde(skip)]
    pub found: Option<Power>,
}

impl Outlook {
    /// `images` gives the number of a data set's images, where it is known; `effect` are points of accuracy that
    /// are asked about.
    ///
    /// # Errors
    /// Where the results folder cannot be looked through.
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
        let steps = settings.zip(images).map(|(Settings { train, .. }, images)| {
            u64::from(train.epochs) * steps_per_epoch(images.train, train.batch_size) as u64
        });
        let masks = plan.conditions.iter().any(|condition| condition.occlusion.is_some());
        let found = masks.then(|| {
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
    /// The trainings that are not done, by their places.
    pub fn open(&self) -> Vec<usize> {
        let trainings = self.trainings.iter().enumerate();
        let open = trainings.filter(|(_, training)| training.status != Status::Done);
        open.map(|(place, _)| place).collect()
    }
}
