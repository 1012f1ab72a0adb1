//! Contrasts: differences between conditions.
//!
//! Overlapping intervals do not mean that conditions do not differ: conditions share seeds and images, so their common
//! variation cancels in the paired difference, which is often estimated far more precisely than either. So each pair
//! is tested, Holm-corrected over all pairs of a family.

use std::cmp::Ordering;

use super::cells::{Cell, EffectsError, Masked, cells, same_images};
use super::crossed::Differences;
use super::holm::{ALPHA, holm};
use super::metric::Metric;
use super::moderated::{Prior, Spread};
use super::scores::RunScores;
use super::shapley::pairs;
use crate::region::Mode;
use crate::store::ContrastRow;

/// Larger families, as of the 70 sets of four among eight regions, are not compared pair by pair: thousands of pairs
/// are not read, and after the correction none would be significant.
const MOST_CONDITIONS: usize = 64;

/// Every pair of conditions of each family, paired by seed and image over the seeds that both have: families in the
/// order of the runs, then metric by metric, then pairs in the order of the runs. Pairs without a seed in common
/// have no row, and families of more than 64 conditions none.
///
/// # Errors
/// As of [`effects`](super::effects()).
pub fn contrasts(runs: &[RunScores]) -> Result<Vec<ContrastRow>, EffectsError> {
    let mut rows = Vec::new();
    for cell in &cells(runs)? {
        for family in families(cell) {
            same_images(family.iter().flat_map(|masked| masked.by_seed.values().copied()))?;
            for metric in Metric::ALL {
                rows.extend(of_family(cell, &family, metric));
            }
        }
    }
    Ok(rows)
}

/// The maskings with the same mode, phase and fill and equally many regions, if there are several and not too many.
fn families<'a, 'b>(cell: &'b Cell<'a>) -> Vec<Vec<&'b Masked<'a>>> {
    let mut families: Vec<Vec<&Masked>> = Vec::new();
    for masked in cell.masked.iter().filter(|masked| !masked.by_seed.is_empty()) {
        let same = |family: &&mut Vec<&Masked>| {
            family[0].masking == masked.masking && family[0].regions.len() == masked.regions.len()
        };
        match families.iter_mut().find(same) {
            Some(family) => family.push(masked),
            None => families.push(vec![masked]),
        }
    }
    families.retain(|family| (2..=MOST_CONDITIONS).contains(&family.len()));
    families
}

fn of_family(cell: &Cell, family: &[&Masked], metric: Metric) -> Vec<ContrastRow> {
    let pairs =
        || pairs(family.len()).into_iter().map(|(first, second)| (family[first], family[second]));
    // The tables of all pairs at once would not fit.
    let spreads: Vec<Spread> = pairs()
        .filter_map(|(first, second)| Spread::of(&difference(first, second, metric)?))
        .collect();
    let prior = Prior::of(&spreads);
    let mut rows: Vec<ContrastRow> = pairs()
        .filter_map(|(first, second)| {
            let table = difference(first, second, metric)?;
            let estimate = table.estimate_among(prior.as_ref());
            let estimate = estimate.within(metric.difference_bounds());
            let (low, high) = estimate.interval.unzip();
            Some(ContrastRow {
                condition: first.condition.to_owned(),
                against_condition: second.condition.to_owned(),
                regions: first.regions.to_vec(),
                against: second.regions.to_vec(),
                mode: first.masking.mode,
                phase: first.masking.phase,
                fill: first.masking.fill,
                metric,
                difference: estimate.mean,
                low,
                high,
                p: estimate.p,
                p_adjusted: None,
                seeds: u32::try_from(table.seeds()).unwrap_or(u32::MAX),
                images: table.images() as u64,
                method: estimate.method.to_owned(),
                swept: cell.swept.clone(),
            })
        })
        .collect();
    let adjusted = holm(&rows.iter().map(|row| row.p).collect::<Vec<_>>());
    for (row, adjusted) in rows.iter_mut().zip(adjusted) {
        row.p_adjusted = adjusted;
    }
    rows
}

/// How much more the first one's regions carry.
fn difference(first: &Masked, second: &Masked, metric: Metric) -> Option<Differences> {
    let sign = match first.masking.mode {
        Mode::Hide => -1.0,
        Mode::Keep => 1.0,
    };
    let both: Vec<(&RunScores, &RunScores)> = first
        .by_seed
        .iter()
        .filter_map(|(seed, scores)| Some((*scores, *second.by_seed.get(seed)?)))
        .collect();
    // The constant of bits is the training's label entropy, which differs only between settings.
    let images = both.first()?.0.images();
    Differences::from_fn(both.len(), images, |seed, image| {
        let (first, second) = both[seed];
        sign * (metric.part(first, image) - metric.part(second, image))
    })
}

/// Which conditions of a family stand out.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing<'a> {
    /// The regions that carry most, by estimate.
    pub first: &'a [String],
    /// Those that do not differ significantly from the first, the strongest first.
    pub rivals: Vec<&'a [String]>,
    /// Those that carry significantly less, the strongest first.
    pub behind: Vec<&'a [String]>,
    /// Whether any two of the family differ significantly.
    pub any_differ: bool,
}

/// The standing in one family: `contrasts` are all of its rows of one metric. `None` without rows.
pub fn standing<'a>(contrasts: &[&'a ContrastRow]) -> Option<Standing<'a>> {
    let mut order: Vec<&[String]> = Vec::new();
    for regions in contrasts.iter().flat_map(|row| [&row.regions, &row.against]) {
        if !order.contains(&&regions[..]) {
            order.push(regions);
        }
    }
    // What each has beyond the others, summed: differences of means over the same seeds add up.
    let beyond = |regions: &[String]| -> f64 {
        let mut sum = 0.0;
        for row in contrasts.iter().filter(|row| row.difference.is_finite()) {
            if row.regions == regions {
                sum += row.difference;
            } else if row.against == regions {
                sum -= row.difference;
            }
        }
        sum
    };
    let mut sorted: Vec<(f64, &[String])> =
        order.into_iter().map(|regions| (beyond(regions), regions)).collect();
    // Stable: of equal ones the first among the runs stays first.
    sorted.sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap_or(Ordering::Equal));
    let (_, first) = *sorted.first()?;
    let differs = |row: &ContrastRow| row.p_adjusted.is_some_and(|p| p < ALPHA);
    let from_first = |other: &[String]| {
        contrasts.iter().any(|row| {
            let between = (row.regions == first && row.against == other)
                || (row.regions == other && row.against == first);
            between && differs(row)
        })
    };
    let (behind, rivals) =
        sorted[1..].iter().map(|(_, other)| *other).partition(|other| from_first(other));
    let any_differ = contrasts.iter().any(|row| differs(row));
    Some(Standing { first, rivals, behind, any_differ })
}

#[cfg(test)]
mod tests {
    use super::super::effects::fixture::{run, scored};
    use super::*;
    use crate::region::{Mode, Phase};
    use crate::store::RunRow;

    const IMAGES: usize = 60;

    /// Wrong about the first so many of 60 images, but of every seed about another one of the rest.
    fn wrong(row: RunRow, count: usize) -> RunScores {
        let seed = row.seed as usize;
        let predicted: Vec<usize> = (0..IMAGES)
            .map(|image| usize::from(image < count || image == IMAGES - 1 - seed))
            .collect();
        scored(row, &[0; IMAGES], &predicted)
    }

    fn study(mode: &str, wrongs: &[(&str, usize)]) -> Vec<RunScores> {
        let mut runs = Vec::new();
        for seed in 1..4 {
            runs.push(wrong(run(&format!("w{seed}"), &[], "none", seed), 0));
            for (region, count) in wrongs {
                let row = run(&format!("{region}{mode}{seed}"), &[*region], mode, seed);
                runs.push(wrong(row, *count));
            }
        }
        runs
    }

    fn accuracy(rows: &[ContrastRow]) -> Vec<&ContrastRow> {
        rows.iter().filter(|row| row.metric == Metric::Accuracy).collect()
    }

    #[test]
    fn pairs_by_hand() {
        let rows = contrasts(&study("hide", &[("eyes", 12), ("mouth", 30), ("nose", 9)])).unwrap();
        assert_eq!(rows.len(), 3 * 3);
        let rows = accuracy(&rows);
        let found: Vec<(&str, &str, f64)> = rows
            .iter()
            .map(|row| (&row.regions[0][..], &row.against[0][..], (60.0 * row.difference).round()))
            .collect();
        // Hidden, the mouth costs 18 images more than the eyes.
        assert_eq!(
            found,
            [("eyes", "mouth", -18.0), ("eyes", "nose", 3.0), ("mouth", "nose", 21.0)]
        );
        let p: Vec<Option<f64>> = rows.iter().map(|row| row.p).collect();
        let adjusted: Vec<Option<f64>> = rows.iter().map(|row| row.p_adjusted).collect();
        assert_eq!(adjusted, holm(&p));
        assert_eq!((rows[0].seeds, rows[0].images), (3, IMAGES as u64));
        let (low, high) = rows[0].low.zip(rows[0].high).unwrap();
        assert!(low < -0.3 && -0.3 < high && high < 0.0, "{low} to {high}");
        // In keep mode, a region with fewer errors carries more.
        let rows = contrasts(&study("keep", &[("eyes", 12), ("mouth", 30)])).unwrap();
        assert!((accuracy(&rows)[0].difference - 0.3).abs() < 1e-12);
    }

    /// Both cost 20 points or so and their intervals overlap by far; but in every seed the mouth costs all that
    /// the eyes do, and more.
    #[test]
    fn intervals_that_overlap_may_differ() {
        let runs = study("hide", &[("eyes", 12), ("mouth", 21)]);
        let effects = super::super::effects(&runs).unwrap();
        let [eyes, mouth] = [&effects[0], &effects[3]];
        assert!(eyes.effect_high > mouth.effect_low, "{eyes:?} {mouth:?}");
        let rows = contrasts(&runs).unwrap();
        let standing = standing(&accuracy(&rows)).unwrap();
        assert_eq!((standing.first, standing.behind.len()), (&["mouth".to_owned()][..], 1));
        assert!(standing.any_differ && standing.rivals.is_empty());
    }

    #[test]
    fn what_does_not_differ_is_a_rival() {
        let rows = contrasts(&study("hide", &[("eyes", 12), ("mouth", 30), ("nose", 29)])).unwrap();
        let found = standing(&accuracy(&rows)).unwrap();
        assert_eq!(found.first, ["mouth"]);
        assert_eq!(
            (found.rivals, found.behind),
            (vec![&["nose".to_owned()][..]], vec![&["eyes".to_owned()][..]])
        );
        let rows = contrasts(&study("hide", &[("eyes", 12), ("mouth", 12)])).unwrap();
        let found = standing(&accuracy(&rows)).unwrap();
        assert!(!found.any_differ && found.behind.is_empty(), "{found:?}");
        assert_eq!(standing(&[]), None);
    }

    #[test]
    fn families_are_compared_apart() {
        let mut runs = study("hide", &[("eyes", 12), ("mouth", 30)]);
        runs.extend(
            study("keep", &[("eyes", 12), ("mouth", 30)])
                .into_iter()
                .filter(|scores| scores.run.mode == Some(Mode::Keep)),
        );
        for seed in 1..4 {
            let both = run(&format!("both{seed}"), &["eyes", "mouth"], "hide", seed);
            runs.push(wrong(both, 40));
            let row = run(&format!("e{seed}"), &["eyes"], "hide", seed);
            runs.push(wrong(RunRow { phase: Some(Phase::Evaluate), ..row }, 50));
        }
        let rows = contrasts(&runs).unwrap();
        assert_eq!(accuracy(&rows).len(), 2);
        assert!(rows.iter().all(|row| row.regions.len() == 1));
    }
}
