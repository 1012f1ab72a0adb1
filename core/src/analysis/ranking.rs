//! Rank probabilities of the regions.
//!
//! A rank is no mean over images, so that it has no closed form: the means of the regions are drawn again, as often as it
//! takes, and ranked in every draw. Images are drawn with replacement (the bootstrap). Two or three seeds cannot be: their
//! part of the means is drawn from the Student's t that their variance gives, moderated over the regions as in their
//! effects ([`moderated`](super::moderated); a resampling of so few seeds would make ranks far too sure). All regions use the
//! same draw, because they share their seeds and images.
//!
//! What neither seeds nor images explain is counted twice, so that ranks are given as rather less sure than they are. Of a
//! single seed only the images are drawn: the ranks are then those of these networks, and other seeds may order the regions
//! otherwise. A probability of a rank is no test: whether regions differ is the matter of
//! [`contrasts`](super::contrasts()).

use std::collections::BTreeMap;

use rand::RngExt;
use rand_distr::{ChiSquared, Distribution, StandardNormal};
use rayon::prelude::*;

use super::cells::{Cell, EffectsError, Masked, Pair, cells, pair, same_images};
use super::crossed::Differences;
use super::metric::Metric;
use super::moderated::{Prior, Spread};
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
        _ => "seeds and images crossed: images by bootstrap, seeds by moderated Student t",
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
    let (parted, freedom) = parted(tables);
    let (seeds, images) = (tables[0].seeds(), tables[0].images());
    let sums = (0..DRAWS / BLOCK)
        .into_par_iter()
        .map(|block| {
            let Draws { seeds: seed_weights, images: image_counts } =
                Draws::of(block, seeds, freedom, images);
            let means: Vec<[f64; BLOCK]> = parted
                .iter()
                .map(|Parted { mean, deviations }| {
                    let mut sums = weighted_sums(mean, &image_counts);
                    for (row, weights) in deviations.chunks_exact(images).zip(&seed_weights) {
                        let row = weighted_sums(row, &image_counts);
                        for ((sum, row), weight) in sums.iter_mut().zip(row).zip(weights) {
                            *sum += weight * row;
                        }
                    }
                    sums
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

/// A table as the mean over its seeds and what each of them differs by.
struct Parted {
    /// `[I]`
    mean: Vec<f64>,
    /// `[S, I]`, scaled so that their mean over images has the moderated variance; empty of a single seed.
    deviations: Vec<f64>,
}

/// The tables in their parts, and the degrees of freedom of the seeds' variance.
fn parted(tables: &[Differences]) -> (Vec<Parted>, f64) {
    let spreads: Vec<Spread> = tables.iter().filter_map(Spread::of).collect();
    let prior = Prior::of(&spreads);
    let own = (tables[0].seeds() as f64 - 1.0).max(1.0);
    let mut freedom = own;
    let of_table = |table: &Differences| {
        let (seeds, mean) = (table.seeds(), over_seeds(table));
        if seeds == 1 {
            return Parted { mean, deviations: Vec::new() };
        }
        let square = table.mean_squares().seeds;
        let mut scale = 1.0;
        if let Some(prior) = prior.as_ref().filter(|_| square > 0.0) {
            let (moderated, together) = prior.moderate(square, own);
            (scale, freedom) = ((moderated / square).sqrt(), together);
        }
        let deviations = (0..seeds).flat_map(|seed| {
            let values = table.of_seed(seed).iter().zip(&mean);
            values.map(|(value, mean)| scale * (value - mean)).collect::<Vec<f64>>()
        });
        Parted { deviations: deviations.collect(), mean }
    };
    let parted = tables.iter().map(of_table).collect();
    (parted, freedom)
}

/// The mean of each image over the seeds, `[I]`.
fn over_seeds(table: &Differences) -> Vec<f64> {
    let mut means = vec![0.0; table.images()];
    for seed in 0..table.seeds() {
        for (mean, value) in means.iter_mut().zip(table.of_seed(seed)) {
            *mean += value / table.seeds() as f64;
        }
    }
    means
}

/// The draws of a block.
struct Draws {
    /// What each seed's deviation is multiplied by: for all seeds of a draw, a draw from Student's t with the seeds' degrees of
    /// freedom and the covariance of the mean of their deviations.
    seeds: Vec<[f64; BLOCK]>,
    /// How often each image was drawn.
    images: Vec<[f64; BLOCK]>,
}

impl Draws {
    fn of(block: usize, seeds: usize, freedom: f64, images: usize) -> Draws {
        let mut draws =
            Draws { seeds: vec![[0.0; BLOCK]; seeds], images: vec![[0.0; BLOCK]; images] };
        // Infinite degrees of freedom are the normal distribution's.
        let chi_squared = ChiSquared::new(freedom).ok();
        for draw in 0..BLOCK {
            let mut random = generator(0, "ranks", &[(block * BLOCK + draw) as u64]);
            for _ in 0..images {
                draws.images[random.random_range(0..images)][draw] += 1.0;
            }
            if seeds > 1 {
                let heavier = chi_squared
                    .map_or(1.0, |chi_squared| (freedom / chi_squared.sample(&mut random)).sqrt());
                let share = ((seeds * (seeds - 1)) as f64).sqrt();
                for weights in &mut draws.seeds {
                    let normal: f64 = StandardNormal.sample(&mut random);
                    weights[draw] = heavier * normal / share;
                }
            }
        }
        draws
    }
}

/// The table with the seeds' deviations from the mean of each image stretched by √(S/(S − 1)), `[S, I]`.
pub(super) fn stretch(table: &Differences) -> Vec<f64> {
    let (seeds, means) = (table.seeds(), over_seeds(table));
    let factor = if seeds > 1 { (seeds as f64 / (seeds as f64 - 1.0)).sqrt() } else { 1.0 };
    (0..seeds)
        .flat_map(|seed| {
            let values = means.iter().zip(table.of_seed(seed));
            values.map(move |(mean, value)| mean + factor * (value - mean))
        })
        .collect()
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

    /// As far as two seeds can be: a difference of 0.9 with a standard error of 0.1 on one degree of freedom.
    #[test]
    fn a_difference_in_every_seed_and_image_is_nearly_sure() {
        let (small, large) = (table(&[&[0.0; 3], &[0.1; 3]]), table(&[&[1.0; 3], &[0.9; 3]]));
        let found = rank_probabilities(&[small, large]);
        assert!(found[1][0] > 0.95 && found[0][0] < 0.05, "{found:?}");
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

    /// Images agree; two seeds of which the second reverses the order: a difference of 1 with a standard error of 2 on one
    /// degree of freedom. P(t > −1/2) = 1/2 + arctan(1/2) / π.
    #[test]
    fn two_seeds_are_a_student_s_t_with_one_degree_of_freedom() {
        let even =
            rank_probabilities(&[table(&[&[3.0; 4], &[-1.0; 4]]), table(&[&[0.0; 4], &[0.0; 4]])]);
        close(even[0][0], 0.5 + 0.5f64.atan() / std::f64::consts::PI, 0.04);
    }

    /// Of two regions that differ by nothing but their seeds, P(first) is the p of a one-sided t-test of three seeds, and
    /// so is 0.95 or more one time in twenty for each.
    #[test]
    fn three_seeds_that_agree_do_not_make_a_rank_sure() {
        // t = 3.02 on two degrees of freedom.
        let rows: [&[f64]; 3] = [&[0.0119; 4], &[0.0089; 4], &[0.0030; 4]];
        let zeros: [&[f64]; 3] = [&[0.0; 4]; 3];
        let mean = (0.0119 + 0.0089 + 0.0030) / 3.0;
        let squares: f64 = [0.0119, 0.0089, 0.0030].iter().map(|x: &f64| (x - mean).powi(2)).sum();
        let t = mean / (squares / 2.0 / 3.0).sqrt();
        // Student's t with 2 degrees of freedom: 1/2 + t / (2 √(2 + t²)).
        let expected = 0.5 + t / (2.0 * (2.0 + t * t).sqrt());
        close(rank_probabilities(&[table(&rows), table(&zeros)])[0][0], expected, 0.02);
        assert!(expected < 0.96, "{expected}");
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
