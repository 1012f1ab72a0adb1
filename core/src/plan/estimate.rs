//! The estimated time of the open trainings of a plan.

use crate::experiment::{DatasetSpec, Settings};

use super::{ImageCounts, Plan, multiply_adds};

/// Multiply-adds per second and thread of a small network in training, f32.
const GUESS: f64 = 1.0e10;

/// The estimated time of trainings, several in parallel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub seconds: f64,
    /// Whether all of it is based on measured trainings; otherwise on the network's arithmetic.
    pub measured: bool,
}

impl Plan {
    /// The time of the `open` trainings (indices into the plan's), `at_once` at a time, each on so many `threads`.
    /// `speed` gives the images per second of stored trainings of the same network and image size, if there are
    /// any. `None` if `images` does not know a training's number of images, or nothing is known of its network.
    ///
    /// # Errors
    /// Those of `speed`.
    pub fn estimate<E>(
        &self,
        open: &[usize],
        (at_once, threads): (u32, u32),
        images: impl Fn(&DatasetSpec) -> Option<ImageCounts>,
        speed: impl Fn(&Settings) -> Result<Option<f64>, E>,
    ) -> Result<Option<Estimate>, E> {
        let each = self.estimates(open, threads, images, speed)?;
        Ok(each.map(|each| Estimate {
            seconds: each.iter().map(|estimate| estimate.seconds).sum::<f64>() / f64::from(at_once),
            measured: each.iter().all(|estimate| estimate.measured),
        }))
    }

    /// As [`Plan::estimate`], of each training alone.
    ///
    /// # Errors
    /// Those of `speed`.
    pub fn estimates<E>(
        &self,
        open: &[usize],
        threads: u32,
        images: impl Fn(&DatasetSpec) -> Option<ImageCounts>,
        speed: impl Fn(&Settings) -> Result<Option<f64>, E>,
    ) -> Result<Option<Vec<Estimate>>, E> {
        // Trainings of one setting follow one another, and what is stored of each setting is looked up once.
        let mut known: Vec<(&Settings, Option<f64>)> = Vec::new();
        let mut estimates = Vec::with_capacity(open.len());
        for training in open {
            let settings = &self.trainings[*training].settings;
            let Some(images) = images(&settings.dataset) else { return Ok(None) };
            let runs = self.runs_of(*training).len();
            let epochs = match settings.model.is_trained() {
                true => self.trainings[*training].own_settings().train.epochs as usize,
                false => 0,
            };
            // Prediction needs a forward pass; training also a backward pass, which costs twice as much.
            let predicted = images.val * epochs + images.test * runs;
            let visits = (images.train * epochs) as f64 + predicted as f64 / 3.0;
            let speed = match known.iter().rev().find(|(known, _)| *known == settings) {
                Some((_, speed)) => *speed,
                None => {
                    known.push((settings, speed(settings)?));
                    known[known.len() - 1].1
                }
            };
            let images_per_second = match speed {
                Some(speed) => speed,
                None => {
                    let Settings { dataset, model, .. } = settings;
                    let DatasetSpec { height, width, channels, .. } = *dataset;
                    let Some(cost) = multiply_adds(model, height, width, channels) else {
                        return Ok(None);
                    };
                    GUESS * f64::from(threads) / (3.0 * cost as f64)
                }
            };
            let measured = speed.is_some();
            estimates.push(Estimate { seconds: visits / images_per_second, measured });
        }
        Ok(Some(estimates))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::experiment;

    #[test]
    fn seconds_by_hand() {
        let text = "name = \"x\"\n[dataset]\nkind = \"faces\"\ntrain = 900\nval = 30\ntest = 60\n[train]\n\
                    epochs = 2\n[seeds]\ncount = 2\n";
        let plan = Plan::new(&experiment::parse(text, "x", &[]).unwrap()).unwrap();
        let images = |_: &DatasetSpec| Some(ImageCounts { train: 900, val: 30, test: 60 });
        // (900 · 2 + (30 · 2 + 60) / 3) pictures at 92 a second, twice, two at once.
        let measured = |_: &Settings| Ok::<_, Infallible>(Some(92.0));
        let estimate = plan.estimate(&[0, 1], (2, 1), images, measured).unwrap().unwrap();
        assert_eq!(estimate, Estimate { seconds: 20.0, measured: true });
        assert_eq!(plan.estimate(&[0], (1, 1), |_| None, measured).unwrap(), None);
        let unknown = |_: &Settings| Ok::<_, Infallible>(None);
        let estimate = plan.estimate(&[0], (1, 1), images, unknown).unwrap().unwrap();
        assert!(!estimate.measured && estimate.seconds > 0.0, "{estimate:?}");
    }
}
