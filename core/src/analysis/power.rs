//! Statistical power: the seeds needed for an effect of a given size with a number of test images.

use super::cells::{EffectsError, cells, pair};
use super::crossed::{Components, Differences, Part, Variance};
use super::metric::{Metric, mean};
use super::scores::RunScores;

/// The target power.
pub const POWER: f64 = 0.8;

/// More than this is not proposed.
const MOST_SEEDS: usize = 1000;

/// The minimum detectable effect of a number of seeds and images at a power of [`POWER`] and 5 % two-sided: the
/// quantiles of both errors times the standard error that the components give,
///
/// ```text
/// Var(mean) = (σ²_seeds + σ²_rest / I) / S + σ²_images / I
/// ```
///
/// This is for a single condition: with others of its mode and phase the variance between seeds is moderated
/// (`moderated`; Smyth 2004), so smaller effects are detected with two or three seeds. `None` with fewer than two seeds or
/// images, which have no variance.
pub fn smallest_effect(components: &Components, seeds: usize, images: usize) -> Option<f64> {
    if seeds < 2 || images < 2 {
        return None;
    }
    let (s, i) = (seeds as f64, images as f64);
    let variance = Variance {
        seeds: Part { variance: (components.seeds + components.rest / i) / s, freedom: s - 1.0 },
        images: Part { variance: components.images / i, freedom: i - 1.0 },
        ..Variance::default()
    };
    // One-sided for the power, so that twice its complement is the two-sided level.
    let quantiles = variance.quantile(0.05)? + variance.quantile(2.0 * (1.0 - POWER))?;
    Some(quantiles * variance.sum().sqrt())
}

/// The fewest seeds that detect a true difference of `effect` at a power of [`POWER`]. `None` if 1,000 are too few: more
/// seeds do not reduce the variance between images.
pub fn seeds_needed(effect: f64, components: &Components, images: usize) -> Option<usize> {
    (2..=MOST_SEEDS).find(|&seeds| {
        smallest_effect(components, seeds, images).is_some_and(|smallest| smallest <= effect)
    })
}

/// The components of the accuracy effects of a study, their means over all maskings that share two seeds or
/// more with whole faces. `None` without such.
///
/// # Errors
/// As of [`effects`](super::effects()).
pub fn components_seen(runs: &[RunScores]) -> Result<Option<Components>, EffectsError> {
    let mut seen: Vec<Components> = Vec::new();
    for cell in &cells(runs)? {
        for masked in &cell.masked {
            let pairs = pair(cell, masked)?;
            let images = pairs.first().map_or(0, |pair| pair.whole.images());
            let differences = Differences::from_fn(pairs.len(), images, |seed, image| {
                let of = |run| Metric::Accuracy.part(run, image);
                of(pairs[seed].whole) - of(pairs[seed].masked)
            });
            seen.extend(differences.and_then(|differences| differences.components()));
        }
    }
    let over = |part: fn(&Components) -> f64| mean(seen.iter().map(part));
    Ok((!seen.is_empty()).then(|| Components {
        seeds: over(|components| components.seeds),
        images: over(|components| components.images),
        rest: over(|components| components.rest),
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
        let seeds = Components { seeds: 0.0009, images: 0.0, rest: 0.0 };
        let smallest = smallest_effect(&seeds, 3, 500).unwrap();
        close(smallest, (4.302_653 + 1.060_660) * 0.03 / 3.0f64.sqrt(), 1e-6);
        // So many are just enough.
        let exactly = smallest_effect(&seeds, 7, 500).unwrap();
        assert_eq!(seeds_needed(exactly, &seeds, 500), Some(7));
        assert_eq!(seeds_needed(exactly * 0.999, &seeds, 500), Some(8));
    }

    #[test]
    fn images_limit_what_seeds_can_find() {
        let images = Components { seeds: 0.0, images: 0.04, rest: 0.0 };
        // Normal quantiles 1.96 and 0.84 of a standard error of 0.2/100: 0.56 points.
        close(smallest_effect(&images, 2, 10_000).unwrap(), 2.8015 * 0.002, 1e-5);
        assert_eq!(seeds_needed(0.0056, &images, 10_000), None);
        assert_eq!(seeds_needed(0.0057, &images, 10_000), Some(2));
    }

    /// Variances of drawn faces: with 40 pictures an effect has to be three times as large as with 3,579.
    #[test]
    fn few_pictures_find_large_effects_alone() {
        let components = Components { seeds: 2.7e-4, images: 0.0305, rest: 0.146 };
        let smallest = |images| smallest_effect(&components, 3, images).unwrap();
        assert!(smallest(40) > 3.0 * smallest(3579), "{} {}", smallest(40), smallest(3579));
    }

    #[test]
    fn one_seed_shows_nothing_of_seeds() {
        let components = Components { seeds: 0.0001, images: 0.01, rest: 0.1 };
        assert_eq!(smallest_effect(&components, 1, 500), None);
        assert_eq!(smallest_effect(&components, 5, 1), None);
    }

    #[test]
    fn components_are_averaged_over_masks() {
        let actual = [0; 4];
        let mut runs = vec![
            scored(run("w1", &[], "none", 1), &actual, &[0; 4]),
            scored(run("w2", &[], "none", 2), &actual, &[0; 4]),
        ];
        assert_eq!(components_seen(&runs).unwrap(), None);
        // Seed 1 loses nothing, seed 2 every image: a variance of 1/2 over seeds.
        runs.push(scored(run("m1", &["mouth"], "hide", 1), &actual, &[0; 4]));
        runs.push(scored(run("m2", &["mouth"], "hide", 2), &actual, &[1; 4]));
        let found = components_seen(&runs).unwrap().unwrap();
        assert_eq!(found, Components { seeds: 0.5, images: 0.0, rest: 0.0 });
        // A masking without effect has no variance.
        runs.push(scored(run("n1", &["nose"], "hide", 1), &actual, &[0; 4]));
        runs.push(scored(run("n2", &["nose"], "hide", 2), &actual, &[0; 4]));
        assert_eq!(components_seen(&runs).unwrap().unwrap().seeds, 0.25);
    }
}
