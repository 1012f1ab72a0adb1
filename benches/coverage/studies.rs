//! Studies of several conditions, whose intervals may share the estimate of the variance between seeds.

use fer_lab::analysis::{Differences, Prior, Spread};
use fer_lab::random::generator;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use super::candidates::{Judged, kept_among, limma, shown};

/// Test images of a study, unless it is asked for others.
pub const IMAGES: usize = 500;

/// The simulation of conditions that share networks.
#[derive(Debug, Clone, Copy)]
pub struct Study {
    pub name: &'static str,
    /// The correlation of two conditions' seed effects: one half where they share their whole faces alone
    /// (`retrain`), more where one network is evaluated under every mask (`evaluate`, `amortised`).
    pub shared: f64,
    /// How the spread of seeds varies between conditions: the standard deviation of the logarithm of their variance.
    /// 1 makes the tenth largest spread of seeds 3.6 times the tenth smallest.
    pub varies: f64,
}

/// Seeds, images and the rest vary as in `accuracy, usual` of `worlds.rs`.
const SEEDS: f64 = 0.019;
const BY_IMAGE: f64 = 0.13;
const REST: f64 = 0.42;

pub const STUDIES: [Study; 5] = [
    Study { name: "retrain, seeds alike", shared: 0.5, varies: 0.0 },
    Study { name: "retrain, seeds unlike", shared: 0.5, varies: 1.0 },
    Study { name: "evaluate, seeds alike", shared: 0.8, varies: 0.0 },
    Study { name: "evaluate, seeds unlike", shared: 0.8, varies: 1.0 },
    // Where a seed shifts all conditions nearly alike, which the sum of their degrees of freedom takes for agreement.
    Study { name: "evaluate, networks nearly alike", shared: 0.95, varies: 0.0 },
];

type Rule = (&'static str, fn(&[Differences]) -> Vec<Judged>);

/// Candidate intervals for all conditions of a study.
pub const RULES: [Rule; 4] = [
    ("from 0.85 on", |tables| tables.iter().map(shown).collect()),
    ("each alone", |tables| tables.iter().map(|table| kept_among(table, None)).collect()),
    ("limma", limma),
    ("kept", |tables| {
        let spreads: Vec<Spread> = tables.iter().filter_map(Spread::of).collect();
        let prior = Prior::of(&spreads);
        tables.iter().map(|table| kept_among(table, prior.as_ref())).collect()
    }),
];

impl Study {
    /// The differences of so many conditions; all true means are 0.
    pub fn draw(
        &self,
        [seeds, conditions, images]: [usize; 3],
        experiment: u64,
    ) -> Vec<Differences> {
        let mut random = generator(experiment, self.name, &[seeds as u64, conditions as u64]);
        let (shared, own) = (self.shared.sqrt(), (1.0 - self.shared).sqrt());
        let common = many(&mut random, seeds * (images + 1));
        (0..conditions)
            .map(|_| {
                let spread = SEEDS * (self.varies * normal(&mut random) / 2.0).exp();
                let of_images = many(&mut random, images);
                let of_seeds: Vec<f64> = (0..seeds)
                    .map(|seed| spread * (shared * common[seed] + own * normal(&mut random)))
                    .collect();
                let table = Differences::from_fn(seeds, images, |seed, image| {
                    let noise =
                        shared * common[seeds + seed * images + image] + own * normal(&mut random);
                    of_seeds[seed] + BY_IMAGE * of_images[image] + REST * noise
                });
                table.expect("seeds and images")
            })
            .collect()
    }
}

fn many(random: &mut impl Rng, count: usize) -> Vec<f64> {
    (0..count).map(|_| normal(random)).collect()
}

fn normal(random: &mut impl Rng) -> f64 {
    StandardNormal.sample(random)
}
