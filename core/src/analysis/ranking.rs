//! Rank probabilities of the regions.
//!
//! A rank is no mean over images, so that it has no closed form: seeds and images are drawn again, each
//! with replacement and apart from the other (the pigeonhole bootstrap, Owen 2007, "The pigeonhole
//! bootstrap", Ann. Appl. Stat. 1), and the regions are ranked again in every draw. All regions use the
//! same draw, because they share their seeds and images.
//!
//! S seeds drawn from S vary by (S − 1)/S of what they should; deviations of seeds from their mean are
//! stretched by √(S/(S − 1)) to make up for it. What neither seeds nor images explain is counted up to
//! three times by this bootstrap, so that ranks are given as rather less sure than they are. Of a single
//! seed only the images are drawn: the ranks are then those of these networks, and other seeds may order
//! the regions otherwise.

use std::collections::BTreeMap;

use rand::RngExt;
use rayon::prelude::*;

use super::cells::{Cell, EffectsError, Masked, Pair, cells, pair, same_images};
use super::crossed::Differences;
use super::metric::Metric;
use super::scores::RunScores;
use crate::random::generator;
use crate::region::Mode;
use crate::store::RankingRow;

/// A probability from so many draws has a standard error of at most 1.1 points.
pub(super) const DRAWS: usize = 2000;
/// Draws that pass over the table together.
pub(super) const BLOCK: usize = 8;

/// The probability of every rank of every region, among the regions that were masked alone in one
/// setting, mode, phase and fill; at least two are needed.
///
/// Rank 1 has the region that matters most: of `hide` the one with the largest effect, of `keep` the one
/// with the smallest, which loses least when nothing else is visible. Effects are paired as in
/// [`effects`](super::effects()), over the seeds that all these regions share with whole faces; where
/// they share none there are no rows. Regions that come out equal in a draw share its ranks. The rows of
/// one region sum to 1, and so do those of one rank.
///
/// # Errors
/// As of [`effects`](super::effects()).
pub fn ranking(runs: &[RunScores]) -> Result<Vec<RankingRow>, EffectsError> {
    let mut rows = Vec::new();
    for cell in &cells(runs)? {
        for regions in by_setting(cell) {
            let pairs = shared(cell, &regions)?;
            let Some(first) = pairs.first().and_then(|pairs| pairs.first()) else { continue };
            let images = first.whole.images();
            for metric in Metric::ALL {
                let sign = if regions[0].masking.mode == Mode::Keep { -1.0 } else { 1.0 };
                let worth = pairs.iter().map(|pairs| {
                    Differences::from_fn(pairs.len(), images, |seed, image| {
                        let Pair { whole, masked, .. } = &pairs[seed];
                        sign * (metric.part(whole, image) - metric.part(masked, image))
                    })
                });
                let Some(worth) = worth.collect::<Option<Vec<Differences>>>() else { continue };
                let probabilities = rank_probabilities(&worth);
                for (like, ranks) in regions.iter().zip(probabilities) {
                    rows.extend(rows_of(cell, like, metric, &worth[0], &ranks));
                }
            }
        }
    }
    Ok(rows)
}

fn rows_of(
    cell: &Cell,
    like: &Masked,
    metric: Metric,
    table: &Differences,
    ranks: &[f64],
) -> Vec<RankingRow> {
    let method = match table.seeds() {
        1 => "images only: one seed; bootstrap",
        _ => "seeds and images crossed: pigeonhole bootstrap",
    };
    let row = |(rank, probability): (u32, &f64)| RankingRow {
        condition: like.condition.to_owned(),
        mode: like.masking.mode,
        phase: like.masking.phase,
        fill: like.masking.fill,
        metric,
        region: like.regions[0].clone(),
        rank,
        probability: *probability,
        seeds: u32::try_from(table.seeds()).unwrap_or(u32::MAX),
        images: table.images() as u64,
        method: method.to_owned(),
        swept: cell.swept.clone(),
    };
    (1..).zip(ranks).map(row).collect()
}

/// The maskings of one region alone, by mode, phase and fill, where there are several.
fn by_setting<'a, 'b>(cell: &'b Cell<'a>) -> Vec<Vec<&'b Masked<'a>>> {
    let mut settings: Vec<Vec<&Masked>> = Vec::new();
    for masked in cell.masked.iter().filter(|masked| masked.regions.len() == 1) {
        let same = |regions: &&mut Vec<&Masked>| regions[0].masking == masked.masking;
        match settings.iter_mut().find(same) {
            Some(regions) => regions.push(masked),
            None => settings.push(vec![masked]),
        }
    }
    settings.retain(|regions| regions.len() > 1);
    settings
}

/// The pairs of each region over the seeds that all of them have.
pub(super) fn shared<'a>(
    cell: &Cell<'a>,
    regions: &[&Masked<'a>],
) -> Result<Vec<Vec<Pair<'a>>>, EffectsError> {
    let mut pairs =
        regions.iter().map(|masked| pair(cell, masked)).collect::<Result<Vec<_>, _>>()?;
    let mut count: BTreeMap<u64, usize> = BTreeMap::new();
    for pair in pairs.iter().flatten() {
        *count.entry(pair.whole.run.seed).or_default() += 1;
    }
    for pairs in &mut pairs {
        pairs.retain(|pair| count[&pair.whole.run.seed] == regions.len());
    }
    same_images(pairs.iter().flatten().map(|pair| pair.whole))?;
    Ok(pairs)
}

/// The probability of each rank, the largest mean first, of tables over the same seeds and images:
/// `[tables][rank]`.
pub(super) fn rank_probabilities(tables: &[Differences]) -> Vec<Vec<f64>> {
    let count = tables.len();
    let stretched: Vec<Vec<f64>> = tables.iter().map(stretch).collect();
    let (seeds, images) = (tables[0].seeds(), tables[0].images());
    let sums = (0..DRAWS / BLOCK)
        .into_par_iter()
        .map(|block| {
            let (seed_counts, image_counts) = draw(block, seeds, images);
            let means: Vec<[f64; BLOCK]> = stretched
                .iter()
                .map(|table| {
                    let mut mean = [0.0; BLOCK];
                    for (row, counts) in table.chunks_exact(images).zip(&seed_counts) {
                        let row = weighted_sums(row, &image_counts);
                        for ((mean, row), count) in mean.iter_mut().zip(row).zip(counts) {
                            *mean += count * row;
                        }
                    }
                    mean
                })
                .collect();
            let mut ranks = vec![0.0; count * count];
            for draw in 0..BLOCK {
                let drawn: Vec<f64> = means.iter().map(|mean| mean[draw]).collect();
                add_ranks(&drawn, &mut ranks);
            }
            ranks
        })
        // Halves and thirds of ties may round otherwise in another order: the blocks keep theirs.
        .collect::<Vec<Vec<f64>>>();
    let mut ranks = vec![0.0; count * count];
    for block in sums {
        for (rank, more) in ranks.iter_mut().zip(block) {
            *rank += more;
        }
    }
    let share = |ranks: &[f64]| ranks.iter().map(|rank| rank / DRAWS as f64).collect();
    ranks.chunks_exact(count).map(share).collect()
}

/// The table with the seeds' deviations from the mean of each image stretched by √(S/(S − 1)), `[S, I]`.
pub(super) fn stretch(table: &Differences) -> Vec<f64> {
    let (seeds, images) = (table.seeds(), table.images());
    let factor = if seeds > 1 { (seeds as f64 / (seeds as f64 - 1.0)).sqrt() } else { 1.0 };
    let mut means = vec![0.0; images];
    for seed in 0..seeds {
        for (mean, value) in means.iter_mut().zip(table.of_seed(seed)) {
            *mean += value / seeds as f64;
        }
    }
    (0..seeds)
        .flat_map(|seed| {
            let values = means.iter().zip(table.of_seed(seed));
            values.map(move |(mean, value)| mean + factor * (value - mean))
        })
        .collect()
}

/// How often each seed and each image was drawn, in each draw of a block.
fn draw(block: usize, seeds: usize, images: usize) -> (Vec<[f64; BLOCK]>, Vec<[f64; BLOCK]>) {
    let mut seed_counts = vec![[0.0; BLOCK]; seeds];
    let mut image_counts = vec![[0.0; BLOCK]; images];
    for draw in 0..BLOCK {
        let mut random = generator(0, "ranks", &[(block * BLOCK + draw) as u64]);
        for _ in 0..seeds {
            seed_counts[random.random_range(0..seeds)][draw] += 1.0;
        }
        for _ in 0..images {
            image_counts[random.random_range(0..images)][draw] += 1.0;
        }
    }
    (seed_counts, image_counts)
}

pub(super) fn weighted_sums(values: &[f64], counts: &[[f64; BLOCK]]) -> [f64; BLOCK] {
    let mut sums = [0.0; BLOCK];
    for (value, counts) in values.iter().zip(counts) {
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += value * count;
        }
    }
    sums
}

/// Adds one draw to `[tables, ranks]`: 1 where a table has a rank, or its share of the ranks that equal
/// ones have together.
fn add_ranks(means: &[f64], ranks: &mut [f64]) {
    let count = means.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| means[*b].total_cmp(&means[*a]));
    let mut first = 0;
    while first < count {
        let equal = |table: &&usize| means[**table] == means[order[first]];
        let ties = order[first..].iter().take_while(equal).count().max(1);
        for table in &order[first..first + ties] {
            for rank in first..first + ties {
                ranks[table * count + rank] += 1.0 / ties as f64;
            }
        }
        first += ties;
    }
}

#[cfg(test)]
mod tests {
    use super::super::effects::fixture::{run, scored};
    use super::*;

    fn table(rows: &[&[f64]]) -> Differences {
        Differences::from_fn(rows.len(), rows[0].len(), |seed, image| rows[seed][image]).unwrap()
    }

    fn close(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() < tolerance, "{found} is not {expected}");
    }

    #[test]
    fn equal_regions_share_their_ranks() {
        let mut ranks = vec![0.0; 9];
        add_ranks(&[0.5, 2.0, 0.5], &mut ranks);
        assert_eq!(ranks, [0.0, 0.5, 0.5, 1.0, 0.0, 0.0, 0.0, 0.5, 0.5]);
        let same = table(&[&[0.0, 1.0], &[1.0, 1.0]]);
        assert_eq!(rank_probabilities(&[same.clone(), same]), [[0.5; 2], [0.5; 2]]);
    }

    #[test]
    fn a_difference_in_every_seed_and_image_is_sure() {
        let (small, large) = (table(&[&[0.0; 3], &[0.1; 3]]), table(&[&[1.0; 3], &[0.9; 3]]));
        assert_eq!(rank_probabilities(&[small, large]), [[0.0, 1.0], [1.0, 0.0]]);
    }

    /// One seed; a region helps on one of two images and another on the other: whichever image is drawn
    /// twice decides, and half of the time both are drawn.
    #[test]
    fn images_are_drawn_again() {
        let probabilities = rank_probabilities(&[table(&[&[1.0, 0.0]]), table(&[&[0.0, 1.0]])]);
        close(probabilities[0][0], 0.5, 0.04);
        let shifted = rank_probabilities(&[table(&[&[1.0, 0.0]]), table(&[&[0.0, 0.5]])]);
        // First unless the second image is drawn twice.
        close(shifted[0][0], 0.75, 0.04);
    }

    /// Images agree; two seeds of which the second reverses the order.
    #[test]
    fn seeds_are_drawn_again() {
        let even =
            rank_probabilities(&[table(&[&[3.0; 4], &[-1.0; 4]]), table(&[&[0.0; 4], &[0.0; 4]])]);
        close(even[0][0], 0.75, 0.04);
    }

    #[test]
    fn stretching_leaves_means_and_widens_seeds() {
        let stretched = stretch(&table(&[&[1.0, 5.0], &[3.0, 5.0]]));
        let root = 2.0f64.sqrt();
        assert_eq!(stretched, [2.0 - root, 5.0, 2.0 + root, 5.0]);
    }

    #[test]
    fn what_keeps_most_is_first_and_what_costs_most() {
        let actual = [0; 8];
        let mut runs = Vec::new();
        for seed in [1, 2, 3] {
            runs.push(scored(run(&format!("w{seed}"), &[], "none", seed), &actual, &[0; 8]));
            for (region, mode, wrong) in [
                ("eyes", "hide", 2),
                ("mouth", "hide", 8),
                ("eyes", "keep", 8),
                ("mouth", "keep", 2),
            ] {
                let row = run(&format!("{region}{mode}{seed}"), &[region], mode, seed);
                let predicted: Vec<usize> =
                    (0..8).map(|image| usize::from(image < wrong)).collect();
                runs.push(scored(row, &actual, &predicted));
            }
        }
        // A seed that only one region has is left out.
        runs.push(scored(run("w4", &[], "none", 4), &actual, &[0; 8]));
        runs.push(scored(run("eyeshide4", &["eyes"], "hide", 4), &actual, &[1; 8]));
        let rows = ranking(&runs).unwrap();
        assert_eq!(rows.len(), 2 * 3 * 2 * 2);
        for mode in Mode::ALL {
            let of = |region: &str| -> Vec<&RankingRow> {
                let wanted = |row: &&RankingRow| {
                    row.mode == mode && row.metric == Metric::Accuracy && row.region == region
                };
                rows.iter().filter(wanted).collect()
            };
            let mouth = of("mouth");
            assert_eq!((mouth[0].rank, mouth[0].seeds, mouth[0].images), (1, 3, 8));
            assert!(mouth[0].probability > 0.99, "{mouth:?}");
            close(of("eyes").iter().map(|row| row.probability).sum(), 1.0, 1e-12);
        }
        assert_eq!(ranking(&runs).unwrap(), rows);
    }
}
