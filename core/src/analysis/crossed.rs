//! Confidence intervals of mean differences where seeds and images are crossed.
//!
//! Seeds and images are both a sample: another seed would give another network, another draw of people
//! other pictures. The differences of one pair of conditions are a table, seeds × images, and their
//! mean has the variance of a two-way random-effects layout with one observation per cell
//! (Searle, Casella & McCulloch 1992, "Variance components", ch. 4; for networks and images the same
//! layout as readers and cases in Obuchowski & Rockette 1995). It is closed-form: two passes over the
//! table, nothing resampled, so the same table gives the same bits. The variance between seeds is estimated
//! from all conditions of a study (`moderated`; Smyth 2004).
//!
//! `benches/coverage.rs` simulates the coverage of the intervals, beside those of other methods;
//! `docs/coverage.md` has the results.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::moderated::Prior;

/// The nominal coverage.
const LEVEL: f64 = 0.95;

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
    /// The 95 % interval; `None` where the variance cannot be estimated.
    pub interval: Option<(f64, f64)>,
    /// Two-sided, of the mean against 0; `None` with the interval.
    pub p: Option<f64>,
    /// The random factors and the method, in words.
    pub method: &'static str,
}

impl Estimate {
    /// The same of a number that cannot lie outside of these bounds: its interval is cut there, which takes nothing from
    /// what it covers. The test is the same.
    pub fn within(mut self, bounds: Option<(f64, f64)>) -> Estimate {
        if let (Some((low, high)), Some((least, most))) = (self.interval, bounds) {
            self.interval = Some((low.clamp(least, most), high.clamp(least, most)));
        }
        self
    }
}

/// Variance components of a difference: between seeds, between images, and the rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Components {
    pub seeds: f64,
    pub images: f64,
    /// Interaction and noise.
    pub rest: f64,
}

/// Mean squares.
pub(super) struct MeanSquares {
    pub seeds: f64,
    pub images: f64,
    /// Interaction and noise, which one observation per cell cannot separate.
    pub rest: f64,
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

    /// The mean, its 95 % interval and its p-value, by this table alone.
    pub fn estimate(&self) -> Estimate {
        self.estimate_among(None)
    }

    /// The mean, its 95 % interval and its p-value.
    ///
    /// With S seeds, I images and the mean squares MS of seeds, images and the rest,
    ///
    /// ```text
    /// Var(mean) = (MS_S + max(MS_I − MS_R, 0) + max(MS_R − MS_S, 0)) / (S·I)
    /// ```
    ///
    /// where MS_S is shrunk towards those of the `others` of its family (Smyth 2004), with S − 1 degrees of freedom
    /// and theirs; alone it is its own. What neither seeds nor images explain is at least MS_R, which is known
    /// closely: where MS_S falls below it, the third term makes up for that with the images' degrees of
    /// freedom, so that seeds that agree leave images alone, and no interval jumps on the way there.
    /// The quantile is that of Cochran and Cox (1957, "Experimental designs", § 4.14): the mean of
    /// Student's t with the seeds' and with I − 1 degrees of freedom, weighted by the terms of the sum. Seeds and
    /// images change places in the formula where the images are fewer. With one seed only images are a sample
    /// (and with one image only seeds), and the method says so.
    ///
    /// Differences that are all the same give no estimate of their variance, which is no sign that there is none: the
    /// interval is `None`. Where all are 0 (two conditions with equal predictions) p is 1, as of every test of signs that has
    /// no sign to count; else it is `None` too. So they are for a single value.
    pub fn estimate_among(&self, others: Option<&Prior>) -> Estimate {
        let mean = self.mean();
        let method = match (self.seeds, self.images) {
            (1, 1) => "none: one seed, one image",
            (1, _) => "images only: one seed; Student t",
            (_, 1) if others.is_some() => "seeds only: one image; moderated over conditions",
            (_, 1) => "seeds only: one image; Student t",
            _ if others.is_some() => {
                "seeds and images crossed: seeds' variance moderated over conditions, Cochran-Cox t"
            }
            _ => "seeds and images crossed: two-way variance components, Cochran-Cox t",
        };
        if self.constant() {
            let nothing = self.values[0] == 0.0 && self.values.len() > 1;
            let method = match self.values.len() {
                1 => method,
                _ if nothing => "no interval: all differences are 0",
                _ => "none: all differences are the same",
            };
            return Estimate {
                mean: self.values[0],
                interval: None,
                p: nothing.then_some(1.0),
                method,
            };
        }
        self.variance(others).judge(mean, method)
    }

    /// The same where places were drawn as well, which add `places` to the variance: of what a region carries
    /// beyond its controls. Without interval and p where it cannot be estimated.
    pub(super) fn estimate_with_places(
        &self,
        others: Option<&Prior>,
        places: Option<Part>,
    ) -> Estimate {
        let Some(places) = places else {
            let method = "none: a single place";
            return Estimate { interval: None, p: None, method, ..self.estimate_among(others) };
        };
        let fixed = self.estimate_among(others);
        // Places do not differ, or there is nothing to add to: nothing varies.
        if places.variance == 0.0 || (self.constant() && self.values.len() == 1) {
            return fixed;
        }
        let variance = if self.constant() { Variance::default() } else { self.variance(others) };
        Variance { places, ..variance }.judge(fixed.mean, fixed.method)
    }

    /// Whether all differences are the same.
    pub(super) fn constant(&self) -> bool {
        self.values.iter().all(|value| *value == self.values[0])
    }

    /// The components of variance, those below 0 as 0; `None` with a single seed or image.
    pub fn components(&self) -> Option<Components> {
        if self.seeds < 2 || self.images < 2 {
            return None;
        }
        let MeanSquares { seeds, images, rest } = self.mean_squares();
        Some(Components {
            seeds: ((seeds - rest) / self.images as f64).max(0.0),
            images: ((images - rest) / self.seeds as f64).max(0.0),
            rest,
        })
    }

    /// Of the mean.
    pub(super) fn variance(&self, others: Option<&Prior>) -> Variance {
        let (s, i) = (self.seeds as f64, self.images as f64);
        let MeanSquares { seeds, images, rest } = self.mean_squares();
        let part = |square: f64, freedom: f64| Part { variance: square / (s * i), freedom };
        if self.seeds == 1 {
            return Variance { images: part(images, i - 1.0), ..Variance::default() };
        }
        let (seeds, freedom) = match others {
            Some(others) => others.moderate(seeds, s - 1.0),
            None => (seeds, s - 1.0),
        };
        if self.images == 1 {
            return Variance { seeds: part(seeds, freedom), ..Variance::default() };
        }
        let beyond = |few: f64, many: f64| (many - rest).max(0.0) + (rest - few).max(0.0);
        let (seeds, images) =
            if s <= i { (seeds, beyond(seeds, images)) } else { (beyond(images, seeds), images) };
        Variance {
            seeds: part(seeds, freedom),
            images: part(images, i - 1.0),
            ..Variance::default()
        }
    }

    pub(super) fn mean_squares(&self) -> MeanSquares {
        let mean = self.mean();
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

/// A part of Var(mean), with its degrees of freedom.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Part {
    /// 0 or more.
    pub variance: f64,
    pub freedom: f64,
}

/// Var(mean) by random factor.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Variance {
    /// What neither seeds nor images explain is counted where they are fewer.
    pub seeds: Part,
    pub images: Part,
    /// Of controls, where they were put.
    pub places: Part,
}

impl Variance {
    pub fn sum(&self) -> f64 {
        self.seeds.variance + self.images.variance + self.places.variance
    }

    /// What a mean passes, in standard errors and to either side, with this probability; `None` where
    /// there is no variance.
    pub fn quantile(&self, probability: f64) -> Option<f64> {
        Tails::of(self).map(|tails| tails.quantile(probability))
    }

    /// A mean with this variance. Without interval and p for differences that are no numbers, or whose spread
    /// is lost to rounding.
    pub fn judge(&self, mean: f64, method: &'static str) -> Estimate {
        let error = self.sum().sqrt();
        let tails = Tails::of(self).filter(|_| mean.is_finite() && error.is_finite());
        let half = tails.as_ref().map(|tails| tails.quantile(1.0 - LEVEL) * error);
        Estimate {
            mean,
            interval: half.map(|half| (mean - half, mean + half)),
            p: tails.map(|tails| tails.p((mean / error).abs())),
            method,
        }
    }
}

/// The weighted mean of some Student's t.
struct Tails {
    /// With their weights, the largest first; the weights sum to 1.
    parts: Vec<(f64, StudentsT)>,
}

impl Tails {
    /// `None` where there is no variance, or a part has no degrees of freedom.
    fn of(variance: &Variance) -> Option<Tails> {
        let sum = variance.sum();
        let Variance { seeds, images, places } = variance;
        let mut parts = Vec::new();
        for part in [seeds, images, places].into_iter().filter(|part| part.variance > 0.0) {
            parts.push((part.variance / sum, StudentsT::new(0.0, 1.0, part.freedom).ok()?));
        }
        parts.sort_by(|a, b| b.0.total_cmp(&a.0));
        (!parts.is_empty()).then_some(Tails { parts })
    }

    /// What |t| passes with this probability.
    fn quantile(&self, probability: f64) -> f64 {
        self.parts
            .iter()
            .map(|(weight, student)| weight * student.inverse_cdf(1.0 - probability / 2.0))
            .sum()
    }

    /// The probability whose quantile `t` is: that of the values, one of each distribution, which are passed
    /// with the same probability and whose weighted mean is `t`.
    fn p(&self, t: f64) -> f64 {
        let [(weight, first), others @ ..] = &self.parts[..] else { return 1.0 };
        let Some(((last_weight, last), between)) = others.split_last() else {
            return (2.0 * first.sf(t)).min(1.0);
        };
        // The larger the first's value, the less likely it is passed, the larger are the others', and the less
        // is left for the last: halving finds where that is passed as often.
        let high = |value: f64| {
            let passed = first.sf(value);
            let other = |(weight, student): &(f64, StudentsT)| {
                weight * halve(t / weight, |other| student.sf(other) < passed)
            };
            let left = t - weight * value - between.iter().map(other).sum::<f64>();
            last.sf(left / last_weight) > passed
        };
        (2.0 * first.sf(halve(t / weight, high))).min(1.0)
    }
}

/// The value, from 0 to `most`, from which on it is too high.
fn halve(most: f64, too_high: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, most);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if too_high(middle) { high = middle } else { low = middle }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    use super::super::moderated::Spread;
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
    fn an_interval_holds_nothing_impossible() {
        // One degree of freedom: t is 12.7.
        let table = Differences::from_fn(2, 4, |seed, _| [0.1, 0.7][seed]).unwrap();
        let wide = table.estimate();
        let (low, high) = wide.interval.unwrap();
        assert!(low < -1.0 && high > 1.0, "{low} {high}");
        let cut = wide.clone().within(Some((-1.0, 1.0)));
        assert_eq!((cut.interval, cut.p, cut.mean), (Some((-1.0, 1.0)), wide.p, wide.mean));
        assert_eq!(wide.clone().within(None), wide);
        let half = wide.clone().within(Some((-1e3, 1.0)));
        assert_eq!(half.interval, Some((low, 1.0)));
    }

    #[test]
    fn mean_squares_by_hand() {
        let squares = table(&BY_HAND).mean_squares();
        close(squares.seeds, 13.5, 1e-12);
        close(squares.images, 6.5, 1e-12);
        close(squares.rest, 1.5, 1e-12);
    }

    #[test]
    fn variance_by_hand() {
        let Variance { seeds, images, .. } = table(&BY_HAND).variance(None);
        close(seeds.variance, 13.5 / 6.0, 1e-12);
        close(images.variance, 5.0 / 6.0, 1e-12);
        assert_eq!((seeds.freedom, images.freedom), (1.0, 2.0));
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
        let variance = agree.variance(None);
        assert_eq!(variance.images, Part { variance: images / 6.0, freedom: 2.0 });
        assert_eq!(variance.seeds.variance, 0.0);
        let half = 0.95 * (2.0f64 / (1.0 - 0.95 * 0.95)).sqrt() * (images / 6.0).sqrt();
        close(agree.estimate().interval.unwrap().0, 3.0 - half, 1e-8);
        // Neither seeds nor images differ: the rest.
        let only_noise = table(&[[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0]]).variance(None);
        assert_eq!(only_noise.images, Part { variance: 4.0 / 2.0 / 6.0, freedom: 2.0 });
        assert_eq!(only_noise.seeds.variance, 0.0);
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

    /// Half the interval and the p-value of a mean with a variance of 1 in all, in shares with degrees of
    /// freedom.
    fn judged<const N: usize>(mean: f64, parts: [(f64, f64); N]) -> (f64, f64) {
        let part = |index: usize| {
            let (variance, freedom) = parts.get(index).copied().unwrap_or_default();
            Part { variance, freedom }
        };
        let variance = Variance { seeds: part(0), images: part(1), places: part(2) };
        let estimate = variance.judge(mean, "");
        (estimate.interval.unwrap().1 - mean, estimate.p.unwrap())
    }

    #[test]
    fn many_degrees_of_freedom_are_normal() {
        for freedom in [1e4, 1e6] {
            let (half, p) = judged(0.0, [(1.0, freedom)]);
            close(half, 1.959_964, 1e-3);
            close(p, 1.0, 1e-9);
        }
        // t(0.975, 2) and t(0.975, 1), which three and two seeds come down to.
        close(judged(0.0, [(1.0, 2.0)]).0, 4.302_653, 1e-5);
        close(judged(0.0, [(1.0, 1.0), (0.0, 99.0)]).0, 12.706_205, 1e-4);
        // Half and half of t(0.975, 2) and t(0.975, 10) = 2.228139; then a quarter of t(0.975, 1).
        close(judged(0.0, [(0.5, 2.0), (0.5, 10.0)]).0, (4.302_653 + 2.228_139) / 2.0, 1e-5);
        let three = judged(0.0, [(0.25, 2.0), (0.5, 10.0), (0.25, 1.0)]).0;
        close(three, 4.302_653 / 4.0 + 2.228_139 / 2.0 + 12.706_205 / 4.0, 1e-4);
    }

    #[test]
    fn p_is_where_the_interval_would_end_at_zero() {
        for (few, many) in [(2.0, 0.1), (2.0, 0.5), (2.0, 0.9), (9.0, 0.5), (1.0, 0.999)] {
            let parts = [(1.0 - many, few), (many, 3578.0)];
            close(judged(judged(0.0, parts).0, parts).1, 0.05, 1e-9);
        }
        for parts in
            [[(0.2, 2.0), (0.5, 300.0), (0.3, 1.0)], [(0.7, 8.0), (0.2, 300.0), (0.1, 3.0)]]
        {
            close(judged(judged(0.0, parts).0, parts).1, 0.05, 1e-9);
            close(judged(0.0, parts).1, 1.0, 1e-9);
        }
        // Between those of the two alone; the probability of the one may be too small for a number.
        let p = judged(60.0, [(0.5, 2.0), (0.5, 3578.0)]).1;
        assert!(p > 0.0 && p < judged(60.0, [(1.0, 2.0)]).1, "{p}");
        close(judged(0.0, [(0.5, 2.0), (0.5, 10.0)]).1, 1.0, 1e-12);
    }

    /// A small change of one prediction changes the interval as little.
    #[test]
    fn no_interval_jumps() {
        let length = |shift: f64| {
            let rows = [[1.0, -1.0, 0.2, -0.2], [-1.0, 1.0, -0.2, 0.2]];
            let table =
                Differences::from_fn(2, 4, |seed, image| rows[seed][image] + seed as f64 * shift);
            let (low, high) = table.unwrap().estimate().interval.unwrap();
            high - low
        };
        for step in 0..2000 {
            let shift = f64::from(step) / 1000.0;
            let (here, there) = (length(shift), length(shift + 0.001));
            assert!((here - there).abs() < 0.05, "{shift}: {here}, {there}");
        }
    }

    #[test]
    fn differences_that_do_not_vary() {
        let nothing = table(&[[0.0; 4]; 3]).estimate();
        assert_eq!((nothing.mean, nothing.interval, nothing.p), (0.0, None, Some(1.0)));
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

    /// 100 studies of five conditions with a true effect of 0 for each number of seeds and kind of spread. The
    /// conditions share their whole faces, whose seeds vary as the masked ones' do. Alone, three seeds that
    /// hardly differ cover too much.
    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        const CONDITIONS: usize = 5;
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for seeds in [3, 5, 10] {
            for (seed_spread, image_spread) in [(0.0, 0.3), (0.01, 0.3), (0.02, 0.1)] {
                let (mut alone, mut among) = (0, 0);
                for _ in 0..100 {
                    let mut normal = || -> f64 { StandardNormal.sample(&mut random) };
                    let mut network = || -> Vec<Vec<f64>> {
                        let of_seed = |normal: &mut dyn FnMut() -> f64| {
                            let seed = seed_spread * normal();
                            (0..200).map(|_| (seed + 0.4 * normal()) / 2.0f64.sqrt()).collect()
                        };
                        (0..seeds).map(|_| of_seed(&mut normal)).collect()
                    };
                    let whole = network();
                    let covered: Vec<_> = (0..CONDITIONS).map(|_| network()).collect();
                    let tables = covered.iter().map(|covered| {
                        let images: Vec<f64> = (0..200).map(|_| image_spread * normal()).collect();
                        Differences::from_fn(seeds, 200, |seed, image| {
                            whole[seed][image] - covered[seed][image] + images[image]
                        })
                    });
                    let tables: Vec<Differences> = tables.map(Option::unwrap).collect();
                    let spreads: Vec<Spread> = tables.iter().filter_map(Spread::of).collect();
                    let prior = Prior::of(&spreads);
                    let holds = |estimate: Estimate| {
                        let (low, high) = estimate.interval.unwrap();
                        usize::from(low <= 0.0 && 0.0 <= high)
                    };
                    alone += tables.iter().map(|table| holds(table.estimate())).sum::<usize>();
                    let estimates = tables.iter().map(|table| table.estimate_among(prior.as_ref()));
                    among += estimates.map(holds).sum::<usize>();
                }
                let which = format!("{seeds} seeds, spread {seed_spread}");
                assert!((460..=498).contains(&alone), "{which}: {alone} of 500 alone");
                assert!((460..=494).contains(&among), "{which}: {among} of 500 among others");
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
