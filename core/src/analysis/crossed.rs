//! How far a mean difference can be trusted when every seed meets the same images.
//!
//! Seeds and images are both a sample: another seed would give another network, another draw of people
//! other pictures. The differences of one pair of conditions are a table, seeds × images, and their
//! mean has the variance of a two-way random-effects layout with one observation a cell
//! (Searle, Casella & McCulloch 1992, "Variance components", ch. 4; for networks and images the same
//! layout as readers and cases in Obuchowski & Rockette 1995). It is closed-form: two passes over the
//! table, nothing resampled, so the same table gives the same bits.
//!
//! `benches/coverage.rs` simulates how often the intervals hold the truth, beside those of other methods;
//! `benches/README.md` gives what it found.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The share of intervals that are meant to hold the true mean.
const LEVEL: f64 = 0.95;

/// Seeds count from this share on of the mean square that chance alone would give them. Counted from 1 on,
/// three seeds that happen to agree cover too little; always counted, seeds that do not differ cover too
/// much.
const SHOWN: f64 = 0.85;

/// One metric's differences between two conditions, seeds × images; neither is empty.
#[derive(Debug, Clone)]
pub struct Differences {
    seeds: usize,
    images: usize,
    /// `[S, I]`, row-major.
    values: Vec<f64>,
}

/// A mean with its interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    pub mean: f64,
    /// The 95 % interval; `None` where the differences do not show how much they vary.
    pub interval: Option<(f64, f64)>,
    /// Two-sided, of the mean against 0; `None` with the interval.
    pub p: Option<f64>,
    /// What was taken as a sample, in words.
    pub method: &'static str,
}

/// What a difference varies by from seed to seed, from image to image, and besides: variances.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Components {
    pub seeds: f64,
    pub images: f64,
    /// Interaction and noise.
    pub rest: f64,
}

/// Mean squares with their degrees of freedom.
struct MeanSquares {
    seeds: f64,
    images: f64,
    /// Interaction and noise, which one observation a cell cannot tell apart.
    rest: f64,
}

impl Differences {
    /// The table of `difference(seed, image)`; `None` without seeds or images.
    pub fn from_fn(
        seeds: usize,
        images: usize,
        mut difference: impl FnMut(usize, usize) -> f64,
    ) -> Option<Differences> {
        if seeds == 0 || images == 0 {
            return None;
        }
        let mut values = Vec::with_capacity(seeds * images);
        for seed in 0..seeds {
            values.extend((0..images).map(|image| difference(seed, image)));
        }
        Some(Differences { seeds, images, values })
    }

    pub fn seeds(&self) -> usize {
        self.seeds
    }

    pub fn images(&self) -> usize {
        self.images
    }

    /// One seed's differences, image by image.
    pub fn of_seed(&self, seed: usize) -> &[f64] {
        &self.values[seed * self.images..][..self.images]
    }

    pub fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len() as f64
    }

    /// The mean, its 95 % interval and its p-value.
    ///
    /// With S seeds, I images and the mean squares MS of seeds, images and the rest,
    ///
    /// ```text
    /// Var(mean) = (MS_S + max(MS_I − MS_R, 0)) / (S·I)
    /// ```
    ///
    /// and the quantile is that of Cochran and Cox (1957, "Experimental designs", § 4.14): the mean of
    /// Student's t with S − 1 and with I − 1 degrees of freedom, weighted by the two terms of the sum.
    /// Where MS_S is no more than [`SHOWN`] of MS_R, images alone make the interval: MS_I, or MS_R where
    /// that is larger, with I − 1. Seeds and images change places where the images are fewer. With one
    /// seed only images are a sample (and with one image only seeds), and the method says so.
    ///
    /// Differences that are all 0 (two conditions that answer alike) give an interval of [0, 0] and
    /// p = 1. Differences that are all the same and not 0 hold no sign of how much they could vary: the
    /// interval and p are `None`. So they are for a single value.
    pub fn estimate(&self) -> Estimate {
        let mean = self.mean();
        let method = match (self.seeds, self.images) {
            (1, 1) => "none: one seed, one image",
            (1, _) => "images only: one seed; Student t",
            (_, 1) => "seeds only: one image; Student t",
            _ => "seeds and images crossed: two-way variance components, Cochran-Cox t",
        };
        let first = self.values[0];
        if self.values.iter().all(|value| *value == first) {
            let nothing = first == 0.0 && self.values.len() > 1;
            return Estimate {
                mean: first,
                interval: nothing.then_some((0.0, 0.0)),
                p: nothing.then_some(1.0),
                method,
            };
        }
        let judged = self.variance_of_mean(mean).judge(mean);
        let interval = judged.map(|(half, _)| (mean - half, mean + half));
        Estimate { mean, interval, p: judged.map(|(_, p)| p), method }
    }

    /// The components of variance, those below 0 as 0; `None` with a single seed or image.
    pub fn components(&self) -> Option<Components> {
        if self.seeds < 2 || self.images < 2 {
            return None;
        }
        let MeanSquares { seeds, images, rest } = self.mean_squares(self.mean());
        Some(Components {
            seeds: ((seeds - rest) / self.images as f64).max(0.0),
            images: ((images - rest) / self.seeds as f64).max(0.0),
            rest,
        })
    }

    fn variance_of_mean(&self, mean: f64) -> Variance {
        let (s, i) = (self.seeds as f64, self.images as f64);
        let MeanSquares { seeds, images, rest } = self.mean_squares(mean);
        let part = |square: f64, freedom: f64| Part { variance: square / (s * i), freedom };
        if self.images == 1 {
            return Variance { few: part(seeds, s - 1.0), many: None };
        }
        if self.seeds == 1 {
            return Variance { few: part(images, i - 1.0), many: None };
        }
        let (seeds, images) = ((seeds, s - 1.0), (images, i - 1.0));
        let (few, many) = if s <= i { (seeds, images) } else { (images, seeds) };
        if few.0 > SHOWN * rest {
            let excess = part((many.0 - rest).max(0.0), many.1);
            Variance { few: part(few.0, few.1), many: Some(excess) }
        } else {
            Variance { few: part(many.0.max(rest), many.1), many: None }
        }
    }

    fn mean_squares(&self, mean: f64) -> MeanSquares {
        let (s, i) = (self.seeds as f64, self.images as f64);
        let mut by_image = vec![0.0; self.images];
        let mut by_seed = Vec::with_capacity(self.seeds);
        for row in self.values.chunks_exact(self.images) {
            by_seed.push(row.iter().sum::<f64>() / i);
            for (sum, value) in by_image.iter_mut().zip(row) {
                *sum += value / s;
            }
        }
        let squares = |means: &[f64]| means.iter().map(|m| (m - mean) * (m - mean)).sum::<f64>();
        let rest: f64 = self
            .values
            .chunks_exact(self.images)
            .zip(&by_seed)
            .flat_map(|(row, seed)| {
                row.iter().zip(&by_image).map(move |(v, image)| v - seed - image)
            })
            .map(|residual| (residual + mean) * (residual + mean))
            .sum();
        MeanSquares {
            seeds: i * squares(&by_seed) / (s - 1.0).max(1.0),
            images: s * squares(&by_image) / (i - 1.0).max(1.0),
            rest: rest / ((s - 1.0) * (i - 1.0)).max(1.0),
        }
    }
}

/// A part of Var(mean), and how well it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    pub variance: f64,
    pub freedom: f64,
}

/// Var(mean) as the sum of one or two parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Variance {
    /// Of whichever there are fewer, seeds or images, with the rest.
    pub few: Part,
    /// What the others add; 0 or more.
    pub many: Option<Part>,
}

impl Variance {
    pub fn sum(&self) -> f64 {
        self.few.variance + self.many.map_or(0.0, |many| many.variance)
    }

    /// What a mean passes, in standard errors and to either side, with this probability; `None` where
    /// there is no variance.
    pub fn quantile(&self, probability: f64) -> Option<f64> {
        Tails::of(self).filter(|_| self.sum() > 0.0).map(|tails| tails.quantile(probability))
    }

    /// Half the interval of a mean, and its two-sided p-value; `None` for differences that are no numbers,
    /// or whose spread is lost to rounding.
    fn judge(&self, mean: f64) -> Option<(f64, f64)> {
        let error = self.sum().sqrt();
        let known = mean.is_finite() && error.is_finite() && self.few.variance > 0.0;
        let tails = Tails::of(self).filter(|_| known)?;
        Some((tails.quantile(1.0 - LEVEL) * error, tails.p((mean / error).abs())))
    }
}

/// The weighted mean of one or two Student's t.
struct Tails {
    few: StudentsT,
    many: StudentsT,
    /// That of `few`; the other's is the rest.
    weight: f64,
}

impl Tails {
    fn of(variance: &Variance) -> Option<Tails> {
        let t = |part: &Part| StudentsT::new(0.0, 1.0, part.freedom).ok();
        let few = t(&variance.few)?;
        let many = match &variance.many {
            Some(many) => t(many)?,
            None => few,
        };
        Some(Tails { few, many, weight: variance.few.variance / variance.sum() })
    }

    /// What |t| passes with this probability.
    fn quantile(&self, probability: f64) -> f64 {
        let t = |student: &StudentsT| student.inverse_cdf(1.0 - probability / 2.0);
        match self.weight {
            1.0 => t(&self.few),
            weight => weight * t(&self.few) + (1.0 - weight) * t(&self.many),
        }
    }

    /// The probability whose quantile `t` is: that of the two values, x of one distribution and y of the
    /// other, which either passes with the same probability and whose weighted mean is `t`.
    fn p(&self, t: f64) -> f64 {
        let of_few = |y: f64| (t - (1.0 - self.weight) * y) / self.weight;
        if self.weight == 1.0 {
            return (2.0 * self.few.sf(t)).min(1.0);
        }
        // The larger y, the smaller x and the larger its probability: halving finds where they meet.
        let (mut low, mut high) = (0.0, t);
        for _ in 0..60 {
            let y = f64::midpoint(low, high);
            if self.few.sf(of_few(y)) < self.many.sf(y) { low = y } else { high = y }
        }
        let y = f64::midpoint(low, high);
        // The one with more weight is known more closely.
        let tail = if self.weight < 0.5 { self.many.sf(y) } else { self.few.sf(of_few(y)) };
        (2.0 * tail).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;

    fn table<const I: usize>(rows: &[[f64; I]]) -> Differences {
        Differences::from_fn(rows.len(), I, |seed, image| rows[seed][image]).unwrap()
    }

    fn close(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() < tolerance, "{a} is not {b}");
    }

    /// Seeds 2 and 5, images 2, 3 and 5.5, mean 3.5: MS_S = 3·(2.25 + 2.25)/1 = 13.5,
    /// MS_I = 2·(2.25 + 0.25 + 4)/2 = 6.5, MS_R = 2·(0.25 + 0.25 + 1)/2 = 1.5.
    const BY_HAND: [[f64; 3]; 2] = [[1.0, 2.0, 3.0], [3.0, 4.0, 8.0]];

    #[test]
    fn mean_squares_by_hand() {
        let squares = table(&BY_HAND).mean_squares(3.5);
        close(squares.seeds, 13.5, 1e-12);
        close(squares.images, 6.5, 1e-12);
        close(squares.rest, 1.5, 1e-12);
    }

    #[test]
    fn variance_by_hand() {
        let variance = table(&BY_HAND).variance_of_mean(3.5);
        close(variance.few.variance, 13.5 / 6.0, 1e-12);
        let many = variance.many.unwrap();
        close(many.variance, 5.0 / 6.0, 1e-12);
        assert_eq!((variance.few.freedom, many.freedom), (1.0, 2.0));
        // t(0.975, 1) = tan(0.475 π) and t(0.975, 2) = 0.95 √(2 / (1 − 0.95²)), weighted 13.5 to 5.
        let (one, two) = ((0.475 * PI).tan(), 0.95 * (2.0f64 / (1.0 - 0.95 * 0.95)).sqrt());
        let half = (13.5 * one + 5.0 * two) / 18.5 * (18.5f64 / 6.0).sqrt();
        let (low, high) = table(&BY_HAND).estimate().interval.unwrap();
        close(low, 3.5 - half, 1e-8);
        close(high, 3.5 + half, 1e-8);
    }

    #[test]
    fn components_by_hand() {
        let found = table(&BY_HAND).components().unwrap();
        close(found.seeds, (13.5 - 1.5) / 3.0, 1e-12);
        close(found.images, (6.5 - 1.5) / 2.0, 1e-12);
        close(found.rest, 1.5, 1e-12);
        assert_eq!(table(&[[1.0, 2.0]]).components(), None);
    }

    #[test]
    fn seeds_that_agree_leave_images_alone() {
        // Seeds do not differ at all (MS_S = 0): images, with their I − 1 degrees of freedom.
        let agree = table(&[[1.0, 2.0, 6.0], [2.0, 1.0, 6.0]]);
        let images = 2.0 * (1.5f64.powi(2) * 2.0 + 9.0) / 2.0;
        let expected = Part { variance: images / 6.0, freedom: 2.0 };
        assert_eq!(agree.variance_of_mean(3.0), Variance { few: expected, many: None });
        let half = 0.95 * (2.0f64 / (1.0 - 0.95 * 0.95)).sqrt() * (images / 6.0).sqrt();
        close(agree.estimate().interval.unwrap().0, 3.0 - half, 1e-8);
        // Neither seeds nor images differ: the rest.
        let only_noise = table(&[[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0]]).variance_of_mean(0.0);
        let expected = Part { variance: 4.0 / 2.0 / 6.0, freedom: 2.0 };
        assert_eq!(only_noise, Variance { few: expected, many: None });
        // Images differ no more than chance: seeds alone, the t test over their means.
        let (low, high) = table(&[[1.0, 2.0, 3.0], [6.0, 5.0, 4.0]]).estimate().interval.unwrap();
        let half = (0.475 * PI).tan() * (2.0 * 1.5f64.powi(2) / 2.0).sqrt();
        close(low, 3.5 - half, 1e-8);
        close(high, 3.5 + half, 1e-8);
    }

    #[test]
    fn seeds_and_images_change_places_where_images_are_fewer() {
        let rows = [[1.0, 3.0], [2.0, 4.0], [3.0, 8.0]];
        let swapped = table(&rows).estimate();
        let plain = table(&BY_HAND).estimate();
        close(swapped.interval.unwrap().0, plain.interval.unwrap().0, 1e-12);
        close(swapped.p.unwrap(), plain.p.unwrap(), 1e-12);
    }

    #[test]
    fn one_seed_is_the_one_sample_t_test() {
        let estimate = table(&[[1.0, 2.0, 3.0, 4.0, 5.0]]).estimate();
        // t(0.975, 4) = 2.776445; the distribution function for 4 degrees of freedom is closed-form.
        let (low, high) = estimate.interval.unwrap();
        close(low, 3.0 - 2.776_445_1 * 0.5f64.sqrt(), 1e-6);
        close(high, 3.0 + 2.776_445_1 * 0.5f64.sqrt(), 1e-6);
        let half = 0.375 * (18.0f64 / 5.5).sqrt() * (1.0 - 18.0 / 66.0);
        close(estimate.p.unwrap(), 1.0 - 2.0 * half, 1e-9);
        assert!(estimate.method.starts_with("images only: one seed"));
    }

    #[test]
    fn one_image_is_the_t_test_over_seeds() {
        let estimate = table(&[[1.0], [2.0], [3.0], [4.0], [5.0]]).estimate();
        close(estimate.interval.unwrap().0, 3.0 - 2.776_445_1 * 0.5f64.sqrt(), 1e-6);
        assert!(estimate.method.starts_with("seeds only"));
    }

    /// Half the interval and the p-value of a mean with a variance of 1 in all.
    fn judged(mean: f64, few: f64, many: Option<(f64, f64)>) -> (f64, f64) {
        let share = many.map_or(0.0, |(share, _)| share);
        let few = Part { variance: 1.0 - share, freedom: few };
        let many = many.map(|(variance, freedom)| Part { variance, freedom });
        Variance { few, many }.judge(mean).unwrap()
    }

    #[test]
    fn many_degrees_of_freedom_are_normal() {
        for freedom in [1e4, 1e6] {
            let (half, p) = judged(0.0, freedom, None);
            close(half, 1.959_964, 1e-3);
            close(p, 1.0, 1e-9);
        }
        // t(0.975, 2) and t(0.975, 1), which three and two seeds come down to.
        close(judged(0.0, 2.0, None).0, 4.302_653, 1e-5);
        close(judged(0.0, 1.0, Some((0.0, 99.0))).0, 12.706_205, 1e-4);
        // Half and half of t(0.975, 2) and t(0.975, 10) = 2.228139.
        close(judged(0.0, 2.0, Some((0.5, 10.0))).0, (4.302_653 + 2.228_139) / 2.0, 1e-5);
    }

    #[test]
    fn p_is_where_the_interval_would_end_at_zero() {
        for (few, many) in [(2.0, 0.1), (2.0, 0.5), (2.0, 0.9), (9.0, 0.5), (1.0, 0.999)] {
            let half = judged(0.0, few, Some((many, 3578.0))).0;
            close(judged(half, few, Some((many, 3578.0))).1, 0.05, 1e-9);
        }
        // Between those of the two alone; the probability of the one may be too small for a number.
        let p = judged(60.0, 2.0, Some((0.5, 3578.0))).1;
        assert!(p > 0.0 && p < judged(60.0, 2.0, None).1, "{p}");
        close(judged(0.0, 2.0, Some((0.5, 10.0))).1, 1.0, 1e-12);
    }

    #[test]
    fn differences_that_do_not_vary() {
        let nothing = table(&[[0.0; 4]; 3]).estimate();
        assert_eq!((nothing.interval, nothing.p), (Some((0.0, 0.0)), Some(1.0)));
        let same = table(&[[0.1; 4]; 3]).estimate();
        assert_eq!((same.mean, same.interval, same.p), (0.1, None, None));
        assert_eq!(table(&[[0.0]]).estimate().interval, None);
        assert!(Differences::from_fn(0, 3, |_, _| 0.0).is_none());
        assert!(Differences::from_fn(3, 0, |_, _| 0.0).is_none());
    }

    #[test]
    fn no_number_gives_no_interval() {
        assert_eq!(table(&[[1.0, f64::NAN], [0.0, 2.0]]).estimate().interval, None);
    }

    /// 500 experiments with a true effect of 0 for each number of seeds and kind of spread.
    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for seeds in [3, 5, 10] {
            for (seed_spread, image_spread) in [(0.0, 0.3), (0.01, 0.3), (0.02, 0.1)] {
                let covered = (0..500)
                    .filter(|_| {
                        let mut normal = || -> f64 { StandardNormal.sample(&mut random) };
                        let by_seed: Vec<f64> =
                            (0..seeds).map(|_| seed_spread * normal()).collect();
                        let by_image: Vec<f64> =
                            (0..200).map(|_| image_spread * normal()).collect();
                        let differences = Differences::from_fn(seeds, 200, |seed, image| {
                            by_seed[seed] + by_image[image] + 0.4 * normal()
                        });
                        let (low, high) = differences.unwrap().estimate().interval.unwrap();
                        low <= 0.0 && 0.0 <= high
                    })
                    .count();
                assert!(
                    (460..=492).contains(&covered),
                    "{seeds} seeds, spread {seed_spread}: {covered} of 500"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn the_interval_follows_shift_scale_and_order(
            values in prop::collection::vec(-1.0f64..1.0, 12),
            shift in -2.0f64..2.0,
            scale in 0.1f64..10.0,
        ) {
            let from = |f: &dyn Fn(usize, usize) -> f64| {
                Differences::from_fn(3, 4, f).unwrap().estimate()
            };
            let plain = from(&|s, i| values[s * 4 + i]);
            let moved = from(&|s, i| values[(2 - s) * 4 + (3 - i)] * scale + shift);
            let (low, high) = plain.interval.unwrap();
            let (moved_low, moved_high) = moved.interval.unwrap();
            prop_assert!((moved_low - (low * scale + shift)).abs() < 1e-6 * scale);
            prop_assert!((moved_high - (high * scale + shift)).abs() < 1e-6 * scale);
            let p = plain.p.unwrap();
            // The interval leaves 0 out exactly where p is below 0.05.
            prop_assert!((p - 0.05).abs() < 1e-6 || (p < 0.05) == (low > 0.0 || high < 0.0));
        }

        #[test]
        fn no_interval_is_narrower_than_images_alone_give(
            values in prop::collection::vec(-1.0f64..1.0, 15),
        ) {
            let crossed = Differences::from_fn(3, 5, |s, i| values[s * 5 + i]).unwrap().estimate();
            let means = |i: usize| (0..3).map(|s| values[s * 5 + i] / 3.0).sum();
            let alone = Differences::from_fn(1, 5, |_, i| means(i)).unwrap().estimate();
            prop_assert!((alone.mean - crossed.mean).abs() < 1e-12);
            prop_assert!(crossed.interval.unwrap().1 >= alone.interval.unwrap().1 - 1e-9);
        }
    }
}
