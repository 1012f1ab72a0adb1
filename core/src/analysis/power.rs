//! Statistical power: the seeds needed for an effect of a given size with a number of test images.

use super::cells::{EffectsError, cells, pair};
use super::crossed::{Components, Differences, Part, Variance};
use super::metric::{Metric, mean};
use super::moderated::{Prior, Spread};
use super::scores::RunScores;
use crate::region::{Masking, Mode};

/// The target power.
pub const POWER: f64 = 0.8;

/// More than this is not proposed.
const MOST_SEEDS: usize = 1000;

/// What is known of the variance of effects before they are measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variances {
    pub components: Components,
    /// What the other conditions of a family add to the degrees of freedom of a condition's own variance between seeds
    /// ([`moderated`](super::moderated)): d₀. 0 of one alone.
    pub added: f64,
    /// How many times a condition's own degrees of freedom all conditions have together: no more than so many are used.
    pub together: f64,
}

impl Variances {
    /// Of a condition alone.
    pub const fn alone(components: Components) -> Variances {
        Variances { components, added: 0.0, together: 1.0 }
    }

    /// The degrees of freedom of the variance between so many seeds.
    fn freedom(&self, seeds: usize) -> f64 {
        let own = seeds as f64 - 1.0;
        (self.added + own).min(self.together * own).max(own)
    }
}

/// The minimum detectable effect of a number of seeds and images at a power of [`POWER`] and 5 % two-sided, of a single test
/// without a correction for others: the quantiles of both errors times the standard error that the components give,
///
/// ```text
/// Var(mean) = (σ²_seeds + σ²_rest / I) / S + σ²_images / I
/// ```
///
/// with the degrees of freedom that the seeds' variance has beside the other conditions of its family (`moderated`; Smyth
/// 2004). `None` with fewer than two seeds or images, which have no variance.
pub fn smallest_effect(variances: &Variances, seeds: usize, images: usize) -> Option<f64> {
    if seeds < 2 || images < 2 {
        return None;
    }
    let components = &variances.components;
    let (s, i) = (seeds as f64, images as f64);
    let variance = Variance {
        seeds: Part {
            variance: (components.seeds + components.rest / i) / s,
            freedom: variances.freedom(seeds),
        },
        images: Part { variance: components.images / i, freedom: i - 1.0 },
        ..Variance::default()
    };
    // One-sided for the power, so that twice its complement is the two-sided level.
    let quantiles = variance.quantile(0.05)? + variance.quantile(2.0 * (1.0 - POWER))?;
    Some(quantiles * variance.sum().sqrt())
}

/// The fewest seeds that detect a true difference of `effect` at a power of [`POWER`]. `None` if 1,000 are too few: more
/// seeds do not reduce the variance between images.
pub fn seeds_needed(effect: f64, variances: &Variances, images: usize) -> Option<usize> {
    (2..=MOST_SEEDS).find(|&seeds| {
        smallest_effect(variances, seeds, images).is_some_and(|smallest| smallest <= effect)
    })
}

/// The variances of a study's accuracy effects in one mode, whose maskings cost far less in `hide` than in `keep` and vary as
/// much less: the means of their components over all that share two seeds or more with whole faces. `None` without such.
///
/// # Errors
/// As of [`effects`](super::effects()).
pub fn variances_seen(runs: &[RunScores], mode: Mode) -> Result<Option<Variances>, EffectsError> {
    let mut seen: Vec<Components> = Vec::new();
    // By phase and fill, whose maskings are moderated together.
    let mut families: Vec<(Masking, Vec<Spread>)> = Vec::new();
    for cell in &cells(runs)? {
        for masked in cell.masked.iter().filter(|masked| masked.masking.mode == mode) {
            let pairs = pair(cell, masked)?;
            let images = pairs.first().map_or(0, |pair| pair.whole.images());
            let differences = Differences::from_fn(pairs.len(), images, |seed, image| {
                let of = |run| Metric::Accuracy.part(run, image);
                of(pairs[seed].whole) - of(pairs[seed].masked)
            });
            let Some(differences) = differences else { continue };
            seen.extend(differences.components());
            let spread = Spread::of(&differences);
            match families.iter_mut().find(|(masking, _)| *masking == masked.masking) {
                Some((_, spreads)) => spreads.extend(spread),
                None => families.push((masked.masking, spread.into_iter().collect())),
            }
        }
    }
    if seen.is_empty() {
        return Ok(None);
    }
    let over = |part: fn(&Components) -> f64| mean(seen.iter().map(part));
    let components = Components {
        seeds: over(|components| components.seeds),
        images: over(|components| components.images),
        rest: over(|components| components.rest),
    };
    // The family that adds least.
    let freedoms = families.iter().filter_map(|(_, spreads)| {
        let (added, together) = Prior::of(spreads)?.freedom();
        let own = spreads.iter().map(Spread::freedom).fold(1.0, f64::max);
        Some((added, together / own))
    });
    let least = freedoms.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    Ok(Some(match least {
        Some((added, together)) => Variances { components, added, together },
        None => Variances::alone(components),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::effects::fixture::{run, scored};
    use super::*;

    fn close(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() < tolerance, "{a} is not {b}");
    }

    #[test]
    fn seeds_alone_are_the_t_test() {
        // t(0.975, 2) = 4.302653 and t(0.8, 2) = 1.060660 of a standard error of 0.03/√3.
        let seeds = Variances::alone(Components { seeds: 0.0009, images: 0.0, rest: 0.0 });
        let smallest = smallest_effect(&seeds, 3, 500).unwrap();
        close(smallest, (4.302_653 + 1.060_660) * 0.03 / 3.0f64.sqrt(), 1e-6);
        // So many are just enough.
        let exactly = smallest_effect(&seeds, 7, 500).unwrap();
        assert_eq!(seeds_needed(exactly, &seeds, 500), Some(7));
        assert_eq!(seeds_needed(exactly * 0.999, &seeds, 500), Some(8));
    }

    /// Moderation adds degrees of freedom, up to those of all conditions together.
    #[test]
    fn other_conditions_make_smaller_effects_detectable() {
        let components = Components { seeds: 0.0009, images: 0.0, rest: 0.0 };
        let smallest = |added, together| {
            smallest_effect(&Variances { components, added, together }, 3, 500).unwrap()
        };
        // t(0.975, 6) = 2.446912 and t(0.8, 6) = 0.905703.
        let with_six = (2.446_912 + 0.905_703) * 0.03 / 3.0f64.sqrt();
        close(smallest(4.0, 10.0), with_six, 1e-6);
        close(smallest(f64::INFINITY, 3.0), with_six, 1e-6);
        let alone = (4.302_653 + 1.060_660) * 0.03 / 3.0f64.sqrt();
        close(smallest(0.0, 5.0), alone, 1e-6);
        close(smallest(9.0, 0.5), alone, 1e-6);
    }

    #[test]
    fn images_limit_what_seeds_can_find() {
        let images = Variances::alone(Components { seeds: 0.0, images: 0.04, rest: 0.0 });
        // Normal quantiles 1.96 and 0.84 of a standard error of 0.2/100: 0.56 points.
        close(smallest_effect(&images, 2, 10_000).unwrap(), 2.8015 * 0.002, 1e-5);
        assert_eq!(seeds_needed(0.0056, &images, 10_000), None);
        assert_eq!(seeds_needed(0.0057, &images, 10_000), Some(2));
    }

    /// Variances of drawn faces: with 40 pictures an effect has to be three times as large as with 3,579.
    #[test]
    fn few_pictures_find_large_effects_alone() {
        let components = Components { seeds: 2.7e-4, images: 0.0305, rest: 0.146 };
        let alone = Variances::alone(components);
        let smallest = |images| smallest_effect(&alone, 3, images).unwrap();
        assert!(smallest(40) > 3.0 * smallest(3579), "{} {}", smallest(40), smallest(3579));
    }

    #[test]
    fn one_seed_shows_nothing_of_seeds() {
        let components = Components { seeds: 0.0001, images: 0.01, rest: 0.1 };
        let alone = Variances::alone(components);
        assert_eq!(smallest_effect(&alone, 1, 500), None);
        assert_eq!(smallest_effect(&alone, 5, 1), None);
    }

    #[test]
    fn components_are_averaged_over_masks() {
        let actual = [0; 4];
        let mut runs = vec![
            scored(run("w1", &[], "none", 1), &actual, &[0; 4]),
            scored(run("w2", &[], "none", 2), &actual, &[0; 4]),
        ];
        assert_eq!(variances_seen(&runs, Mode::Hide).unwrap(), None);
        // Seed 1 loses nothing, seed 2 every image: a variance of 1/2 over seeds.
        runs.push(scored(run("m1", &["mouth"], "hide", 1), &actual, &[0; 4]));
        runs.push(scored(run("m2", &["mouth"], "hide", 2), &actual, &[1; 4]));
        let found = variances_seen(&runs, Mode::Hide).unwrap().unwrap();
        assert_eq!(found.components, Components { seeds: 0.5, images: 0.0, rest: 0.0 });
        assert_eq!(variances_seen(&runs, Mode::Keep).unwrap(), None);
        // A masking without effect has no variance.
        runs.push(scored(run("n1", &["nose"], "hide", 1), &actual, &[0; 4]));
        runs.push(scored(run("n2", &["nose"], "hide", 2), &actual, &[0; 4]));
        let found = variances_seen(&runs, Mode::Hide).unwrap().unwrap();
        assert_eq!(found.components.seeds, 0.25);
    }
}
