//! Candidate intervals for the mean of seeds × images. All are given a table whose true mean is 0.

use fer_lab::analysis::moderated::Fitted;
use fer_lab::analysis::{Differences, Prior};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// A 95 % interval and a two-sided p-value.
pub struct Judged {
    pub low: f64,
    pub high: f64,
    pub p: f64,
}

type Candidate = (&'static str, fn(&Differences) -> Judged);

pub const CANDIDATES: [Candidate; 5] = [
    ("images t", images_only),
    ("seeds t", seeds_only),
    ("pigeonhole", pigeonhole),
    ("Satterthwaite", satterthwaite),
    ("kept", kept),
];

/// The program's method for a single table.
fn kept(table: &Differences) -> Judged {
    kept_among(table, None)
}

/// The program's method for a table of a family.
pub fn kept_among(table: &Differences, others: Option<&Prior>) -> Judged {
    let estimate = table.estimate_among(others);
    match estimate.interval.zip(estimate.p) {
        Some(((low, high), p)) => Judged { low, high, p },
        None => Judged { low: f64::NEG_INFINITY, high: f64::INFINITY, p: 1.0 },
    }
}

/// Student's t over the mean of each image: assumes that another training gives the same.
fn images_only(table: &Differences) -> Judged {
    let means: Vec<f64> = (0..table.images())
        .map(|image| {
            (0..table.seeds()).map(|seed| table.of_seed(seed)[image]).sum::<f64>()
                / table.seeds() as f64
        })
        .collect();
    over(&means)
}

/// Student's t over the mean of each seed: assumes that other images give the same.
fn seeds_only(table: &Differences) -> Judged {
    let means: Vec<f64> = (0..table.seeds()).map(|seed| average(table.of_seed(seed))).collect();
    over(&means)
}

/// The program's former rule: seeds count where their mean square is more than 0.85 of the rest.
pub fn shown(table: &Differences) -> Judged {
    let (s, i) = (table.seeds() as f64, table.images() as f64);
    let [seeds, images, rest] = mean_squares(table);
    if seeds > 0.85 * rest {
        return cochran_cox(table, (seeds, s - 1.0), ((images - rest).max(0.0), i - 1.0));
    }
    cochran_cox(table, (0.0, s - 1.0), (images.max(rest), i - 1.0))
}

/// limma's rule as it stands: seeds' mean squares shrunk towards each other with the sum of the degrees of freedom, but
/// not below the rest.
pub fn limma(tables: &[Differences]) -> Vec<Judged> {
    let freedom = tables[0].seeds() as f64 - 1.0;
    let squares: Vec<[f64; 3]> = tables.iter().map(mean_squares).collect();
    let of_seeds: Vec<(f64, f64)> = squares.iter().map(|square| (square[0], freedom)).collect();
    let fitted = Fitted::of(&of_seeds).expect("variances");
    let judge = |(table, [seeds, images, rest]): (&Differences, [f64; 3])| {
        let (prior, all) = (fitted.freedom, freedom * tables.len() as f64);
        let drawn = match prior.is_infinite() {
            true => fitted.variance,
            false => (prior * fitted.variance + freedom * seeds) / (prior + freedom),
        };
        let of_images = table.images() as f64 - 1.0;
        let seeds = (drawn.max(rest), (prior + freedom).min(all));
        cochran_cox(table, seeds, ((images - rest).max(0.0), of_images))
    };
    tables.iter().zip(squares).map(judge).collect()
}

/// The interval from two mean squares with their degrees of freedom; p is left out.
fn cochran_cox(table: &Differences, seeds: (f64, f64), images: (f64, f64)) -> Judged {
    let t = |freedom| StudentsT::new(0.0, 1.0, freedom).expect("freedom").inverse_cdf(0.975);
    let sum = seeds.0 + images.0;
    let quantile = (seeds.0 * t(seeds.1) + images.0 * t(images.1)) / sum;
    let half = quantile * (sum / (table.seeds() * table.images()) as f64).sqrt();
    let mean = table.mean();
    Judged { low: mean - half, high: mean + half, p: f64::NAN }
}

/// Two-way variance components with Satterthwaite's (1946) degrees of freedom; components below 0 are 0.
fn satterthwaite(table: &Differences) -> Judged {
    let (s, i) = (table.seeds() as f64, table.images() as f64);
    let [seeds, images, rest] = mean_squares(table);
    let mean = table.mean();
    let rest_freedom = (s - 1.0) * (i - 1.0);
    let (seeds_show, images_show) = (seeds > rest, images > rest);
    let (mut sum, mut spread) = (0.0, 0.0);
    let mut add = |sign: f64, square: f64, freedom: f64| {
        sum += sign * square;
        spread += square * square / freedom;
    };
    if seeds_show {
        add(1.0, seeds, s - 1.0);
    }
    if images_show {
        add(1.0, images, i - 1.0);
    }
    if seeds_show == images_show {
        add(if seeds_show { -1.0 } else { 1.0 }, rest, rest_freedom);
    }
    student(mean, sum / (s * i), sum * sum / spread)
}

/// Of seeds, images and the rest.
fn mean_squares(table: &Differences) -> [f64; 3] {
    let (s, i) = (table.seeds() as f64, table.images() as f64);
    let mean = table.mean();
    let by_seed: Vec<f64> = (0..table.seeds()).map(|seed| average(table.of_seed(seed))).collect();
    let mut by_image = vec![0.0; table.images()];
    for seed in 0..table.seeds() {
        for (sum, value) in by_image.iter_mut().zip(table.of_seed(seed)) {
            *sum += value / s;
        }
    }
    let squares = |means: &[f64]| means.iter().map(|m| (m - mean).powi(2)).sum::<f64>();
    let seeds = i * squares(&by_seed) / (s - 1.0);
    let images = s * squares(&by_image) / (i - 1.0);
    let mut rest = 0.0;
    for (seed, of_seed) in by_seed.iter().enumerate() {
        for (value, of_image) in table.of_seed(seed).iter().zip(&by_image) {
            rest += (value - of_seed - of_image + mean).powi(2);
        }
    }
    [seeds, images, rest / ((s - 1.0) * (i - 1.0))]
}

/// Owen's (2007) pigeonhole bootstrap, percentiles of 199 draws, with the deviations of seeds stretched by
/// √(S/(S − 1)).
fn pigeonhole(table: &Differences) -> Judged {
    const DRAWS: usize = 199;
    let (seeds, images) = (table.seeds(), table.images());
    let mean = table.mean();
    let stretch = (seeds as f64 / (seeds as f64 - 1.0)).sqrt();
    let mut random = ChaCha8Rng::seed_from_u64(mean.to_bits());
    let mut counts = vec![0.0; images];
    let mut drawn: Vec<f64> = (0..DRAWS)
        .map(|_| {
            counts.fill(0.0);
            for _ in 0..images {
                counts[random.random_range(0..images)] += 1.0;
            }
            let means: Vec<f64> = (0..seeds)
                .map(|seed| {
                    let weighted = table.of_seed(seed).iter().zip(&counts);
                    weighted.map(|(value, count)| value * count).sum::<f64>() / images as f64
                })
                .collect();
            let middle = average(&means);
            let again = (0..seeds).map(|_| means[random.random_range(0..seeds)]).sum::<f64>();
            middle + stretch * (again / seeds as f64 - middle)
        })
        .collect();
    drawn.sort_by(f64::total_cmp);
    let below = drawn.iter().filter(|value| **value <= 0.0).count();
    let above = drawn.iter().filter(|value| **value >= 0.0).count();
    let p = 2.0 * (below.min(above) + 1) as f64 / (DRAWS + 1) as f64;
    Judged { low: drawn[4], high: drawn[194], p: p.min(1.0) }
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn over(means: &[f64]) -> Judged {
    let count = means.len() as f64;
    let mean = average(means);
    let variance = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (count - 1.0);
    student(mean, variance / count, count - 1.0)
}

fn student(mean: f64, variance: f64, freedom: f64) -> Judged {
    let error = variance.sqrt();
    let Ok(t) = StudentsT::new(0.0, 1.0, freedom) else {
        return Judged { low: mean, high: mean, p: 0.0 };
    };
    if error == 0.0 {
        return Judged { low: mean, high: mean, p: f64::from(u8::from(mean == 0.0)) };
    }
    let half = t.inverse_cdf(0.975) * error;
    Judged { low: mean - half, high: mean + half, p: (2.0 * t.sf((mean / error).abs())).min(1.0) }
}
