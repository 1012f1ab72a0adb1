//! Seeds × images whose true mean difference is known.

use fer_lab::analysis::Differences;
use fer_lab::random::generator;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use statrs::distribution::{ContinuousCDF, Normal};

/// Test images of every simulated experiment.
pub const IMAGES: usize = 1000;

/// The model of the differences.
#[derive(Debug, Clone, Copy)]
pub struct World {
    pub name: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Sums of independent normals: standard deviations of seeds, images, and the rest.
    Normal { seeds: f64, images: f64, rest: f64 },
    /// Right or wrong, so that differences are −1, 0 and 1. A network is right about an image where
    /// `level + image + seed + interaction > 0`, the interaction standard normal; whole and masked faces
    /// share the image's part, and each has a training, and so a seed's part and an interaction, of its
    /// own.
    Answers {
        /// Of whole and of masked faces.
        levels: [f64; 2],
        images: f64,
        seeds: f64,
        /// How much the effect of masking varies between images.
        covering: f64,
    },
}

/// Normal worlds have the variances of runs, as `fer-lab` measured them in a study of drawn faces (48 × 48,
/// 1,400 test images, 7 emotions, accuracy 31 %, 6 seeds; mouth, eyes and jaw hidden in `retrain` and
/// `evaluate`): seeds 0 to 2.1 points, images 5 to 30, the rest 30 to 45 in accuracy; in bits seeds up to
/// 0.05, images 0.09 to 0.67, the rest 0.11 to 0.25. Without seeds and without images are limiting
/// cases that an interval must handle too.
pub fn worlds() -> [World; 10] {
    let normal =
        |name, seeds, images, rest| World { name, kind: Kind::Normal { seeds, images, rest } };
    // World names seed the draws: another name gives another table.
    let predictions = |name, levels, images, seeds, covering| World {
        name,
        kind: Kind::Answers { levels, images, seeds, covering },
    };
    [
        normal("accuracy, usual", 0.019, 0.13, 0.42),
        normal("accuracy, few images differ", 0.014, 0.05, 0.34),
        normal("accuracy, images differ much", 0.016, 0.30, 0.36),
        normal("bits, usual", 0.024, 0.19, 0.24),
        normal("bits, images differ much", 0.053, 0.67, 0.20),
        normal("no seeds", 0.0, 0.13, 0.42),
        normal("no images", 0.019, 0.0, 0.42),
        predictions("answers, no effect", [0.6, 0.6], 1.5, 0.08, 0.0),
        predictions("answers, no effect, 2 % wrong", [4.5, 4.5], 2.0, 0.08, 0.0),
        predictions("answers, effect of 8 points", [0.6, 0.2], 1.5, 0.08, 0.6),
    ]
}

impl World {
    /// One experiment: the differences less their true mean.
    pub fn draw(&self, seeds: usize, experiment: u64) -> Differences {
        let mut random = generator(experiment, self.name, &[seeds as u64]);
        let mut many =
            |count: usize| -> Vec<f64> { (0..count).map(|_| normal(&mut random)).collect() };
        match self.kind {
            Kind::Normal { seeds: by_seed, images: by_image, rest } => {
                let (s, i) = (many(seeds), many(IMAGES));
                Differences::from_fn(seeds, IMAGES, |seed, image| {
                    by_seed * s[seed] + by_image * i[image] + rest * normal(&mut random)
                })
            }
            Kind::Answers { levels, images, seeds: by_seed, covering } => {
                let truth = self.truth();
                let (whole, covered) = (many(seeds), many(seeds));
                let (shared, apart) = (many(IMAGES), many(IMAGES));
                Differences::from_fn(seeds, IMAGES, |seed, image| {
                    let image_part = levels.map(|level| level + images * shared[image]);
                    let whole = image_part[0] + by_seed * whole[seed] + normal(&mut random);
                    let covered = image_part[1]
                        + covering * apart[image]
                        + by_seed * covered[seed]
                        + normal(&mut random);
                    f64::from(u8::from(whole > 0.0)) - f64::from(u8::from(covered > 0.0)) - truth
                })
            }
        }
        .expect("seeds and images")
    }

    /// The mean over all seeds and images that could be drawn.
    fn truth(&self) -> f64 {
        let Kind::Answers { levels, images, seeds, covering } = self.kind else { return 0.0 };
        let standard = Normal::standard();
        let variance = images * images + seeds * seeds + 1.0;
        let whole = standard.cdf(levels[0] / variance.sqrt());
        whole - standard.cdf(levels[1] / (variance + covering * covering).sqrt())
    }
}

fn normal(random: &mut impl Rng) -> f64 {
    StandardNormal.sample(random)
}
