//! The variance between seeds, moderated over all conditions of a study (Smyth 2004).
//!
//! Two or three seeds give a poor estimate of the variance between networks: that of one condition may be ten times too
//! small or three times too large, and its interval with it. The conditions of a study estimate it
//! together. Their variances are taken as draws from one scaled inverse χ², whose degrees of freedom and
//! scale are fitted to them by the moments of their logarithms, and each condition's variance is shrunk towards
//! that scale, the more the less the variances differ beyond their sampling error
//! (Smyth 2004, "Linear models and empirical Bayes methods for assessing differential expression in microarray
//! experiments", § 6.2; `fitFDist` of R's limma, whose values the tests hold).
//!
//! limma's genes have residuals of their own. Conditions of a study share their whole-face networks, and in
//! `evaluate` and `amortised` all of their networks, so that together they have less than the sum of their
//! degrees of freedom: as many as the mean of their variances has, (S − 1) (tr Σ)² / tr Σ², with Σ the
//! covariance of the conditions' seed effects (Box 1954, "Some theorems on quadratic forms", § 3), but no more
//! than conditions have whose seed effects correlate by one half, since that is what one whole-face network in
//! two differences makes.

use statrs::function::gamma::digamma;

use super::crossed::Differences;

/// The correlation of two conditions' seed effects is not taken for less: both hold the same whole faces.
const SHARED: f64 = 0.5;

/// A variance below this share of the median counts as that: its logarithm would outweigh all others. limma's.
const LEAST: f64 = 1e-5;

/// One condition's estimate of the variance between seeds.
#[derive(Debug, Clone)]
pub struct Spread {
    /// The seeds' mean square.
    square: f64,
    /// The means of the seeds, less their mean.
    deviations: Vec<f64>,
}

/// The joint estimate of the conditions of a study.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior {
    fitted: Fitted,
    /// The degrees of freedom of all conditions together.
    together: f64,
}

/// A scaled F distribution fitted to variances: s₀² F(d, d₀).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fitted {
    /// s₀².
    pub variance: f64,
    /// d₀: 0 for a single variance, which gives no estimate of how they differ, infinite where they do not differ
    /// beyond chance.
    pub freedom: f64,
}

impl Spread {
    /// `None` with a single seed, or where no difference varies: a masking without any effect says
    /// nothing about the others.
    pub fn of(table: &Differences) -> Option<Spread> {
        let first = table.of_seed(0)[0];
        let varies = (0..table.seeds()).any(|seed| table.of_seed(seed).iter().any(|v| *v != first));
        if table.seeds() < 2 || !varies {
            return None;
        }
        let mean = table.mean();
        let images = table.images() as f64;
        let of_seed = |seed| table.of_seed(seed).iter().sum::<f64>() / images - mean;
        let deviations: Vec<f64> = (0..table.seeds()).map(of_seed).collect();
        let sum: f64 = deviations.iter().map(|deviation| deviation * deviation).sum();
        let square = images * sum / (deviations.len() - 1) as f64;
        square.is_finite().then_some(Spread { square, deviations })
    }

    pub(super) fn freedom(&self) -> f64 {
        (self.deviations.len() - 1) as f64
    }
}

impl Prior {
    /// Of the conditions of one family: differences of the same metric on the same images. `None` with fewer
    /// than two, which show nothing of each other.
    pub fn of(spreads: &[Spread]) -> Option<Prior> {
        if spreads.len() < 2 {
            return None;
        }
        let squares: Vec<(f64, f64)> =
            spreads.iter().map(|spread| (spread.square, spread.freedom())).collect();
        Some(Prior { fitted: Fitted::of(&squares)?, together: together(spreads) })
    }

    /// Of variances that share nothing, each with its degrees of freedom; of one alone, that one. `None` where all
    /// are 0.
    pub(super) fn apart(variances: &[(f64, f64)]) -> Option<Prior> {
        let together = variances.iter().map(|(_, freedom)| freedom).sum();
        Some(Prior { fitted: Fitted::of(variances)?, together })
    }

    /// Of a variance that all share.
    pub(super) fn known(variance: f64, freedom: f64) -> Prior {
        Prior { fitted: Fitted { variance, freedom: f64::INFINITY }, together: freedom }
    }

    /// The degrees of freedom that it adds to a condition's own, and how many all conditions have together.
    pub(super) fn freedom(&self) -> (f64, f64) {
        (self.fitted.freedom, self.together)
    }

    /// The variance of one that shows nothing of its own, with its degrees of freedom.
    pub(super) fn unseen(&self) -> (f64, f64) {
        let Prior { fitted, together } = self;
        // A single variance gives no estimate beyond itself.
        let freedom = if fitted.freedom > 0.0 { fitted.freedom.min(*together) } else { *together };
        (fitted.variance, freedom)
    }

    /// A condition's mean square shrunk towards the others', with its degrees of freedom: no more than all have
    /// together, no fewer than its own.
    pub(super) fn moderate(&self, square: f64, freedom: f64) -> (f64, f64) {
        let known = (self.fitted.freedom + freedom).min(self.together).max(freedom);
        (self.fitted.draw(square, freedom), known)
    }
}

impl Fitted {
    /// By the moments of the logarithms (Smyth 2004, § 6.2). Each variance comes with its degrees of freedom, above
    /// 0. `None` without a variance, or where all are 0.
    pub fn of(variances: &[(f64, f64)]) -> Option<Fitted> {
        let mut sorted: Vec<f64> = variances.iter().map(|(variance, _)| *variance).collect();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (*sorted.get((sorted.len().max(1) - 1) / 2)?, sorted[sorted.len() / 2]);
        let median = f64::midpoint(low, high);
        // Where more than half are 0 the scale is lost: limma takes 1, which here would be the largest by far.
        let scale = if median > 0.0 { median } else { *sorted.last()? };
        if !(scale.is_finite() && scale > 0.0) {
            return None;
        }
        let at_least = |variance: f64| variance.max(LEAST * scale);
        if let [(variance, _)] = *variances {
            return Some(Fitted { variance, freedom: 0.0 });
        }
        let count = variances.len() as f64;
        let over = |value: &dyn Fn(f64, f64) -> f64| {
            variances.iter().map(|&(variance, freedom)| value(variance, freedom)).sum::<f64>()
                / count
        };
        let logarithm = |variance: f64, freedom: f64| {
            at_least(variance).ln() - digamma(freedom / 2.0) + (freedom / 2.0).ln()
        };
        let mean = over(&logarithm);
        let spread = over(&|variance, freedom| (logarithm(variance, freedom) - mean).powi(2));
        let beyond = spread * count / (count - 1.0) - over(&|_, freedom| trigamma(freedom / 2.0));
        if beyond <= 0.0 {
            // The pooled variance, the likeliest where all are the same.
            let variance = over(&|variance, _| at_least(variance));
            return Some(Fitted { variance, freedom: f64::INFINITY });
        }
        let half = trigamma_inverse(beyond);
        Some(Fitted { variance: (mean + digamma(half) - half.ln()).exp(), freedom: 2.0 * half })
    }

    /// A variance shrunk towards the scale: (d₀ s₀² + d s²) / (d₀ + d).
    pub(super) fn draw(&self, variance: f64, freedom: f64) -> f64 {
        if self.freedom.is_infinite() {
            return self.variance;
        }
        (self.freedom * self.variance + freedom * variance) / (self.freedom + freedom)
    }
}

/// The degrees of freedom of the mean of the conditions' variances. Conditions that lack a seed are counted as
/// if they were as alike as the others.
fn together(spreads: &[Spread]) -> f64 {
    let count = spreads.len() as f64;
    let freedom = spreads.iter().map(Spread::freedom).fold(0.0, f64::max);
    let whole: Vec<&Spread> = spreads.iter().filter(|one| one.freedom() == freedom).collect();
    // Of so many conditions with variances alike and one correlation: tr Σ² / (tr Σ)².
    let alike = |correlation: f64| (1.0 + (count - 1.0) * correlation * correlation) / count;
    freedom / share(&whole, freedom).unwrap_or(0.0).clamp(alike(SHARED), 1.0)
}

/// tr Σ² / (tr Σ)², from estimates of both without bias (of normal deviations: Srivastava 2005, "Some tests
/// concerning the covariance matrix in high dimensional data", lemma 2.1). `None` where one degree of freedom
/// leaves it open, or nothing varies.
fn share(spreads: &[&Spread], freedom: f64) -> Option<f64> {
    if freedom < 2.0 {
        return None;
    }
    // tr G² of the conditions' covariance, by way of the seeds': there are fewer of them.
    let seeds = spreads.first()?.deviations.len();
    let (mut trace, mut of_square) = (0.0, 0.0);
    for a in 0..seeds {
        for b in 0..seeds {
            let products = spreads.iter().map(|one| one.deviations[a] * one.deviations[b]);
            let product = products.sum::<f64>() / freedom;
            of_square += product * product;
            if a == b {
                trace += product;
            }
        }
    }
    let squares = freedom * freedom / ((freedom - 1.0) * (freedom + 2.0))
        * (of_square - trace * trace / freedom);
    let square = trace * trace - 2.0 * squares / freedom;
    (square > 0.0).then(|| squares / square)
}

/// ψ′(x), x above 0: by recurrence to x ≥ 10, then the asymptotic series (Abramowitz & Stegun 6.4.12).
fn trigamma(x: f64) -> f64 {
    let (mut x, mut sum) = (x, 0.0);
    while x < 10.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    let series =
        y * (1.0 / 6.0 - y * (1.0 / 30.0 - y * (1.0 / 42.0 - y * (1.0 / 30.0 - y * 5.0 / 66.0))));
    sum + 1.0 / x + y / 2.0 + series / x
}

/// ψ″(x), x above 0, in the same way (6.4.13).
fn tetragamma(x: f64) -> f64 {
    let (mut x, mut sum) = (x, 0.0);
    while x < 10.0 {
        sum -= 2.0 / (x * x * x);
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    let series = y * (0.5 - y * (1.0 / 6.0 - y * (1.0 / 6.0 - y * (0.3 - y * 5.0 / 6.0))));
    sum - y - y / x - y * series
}

/// Where ψ′ is `value`, above 0: Newton's steps on 1/ψ′, which is convex and nearly straight (Smyth 2004,
/// appendix).
fn trigamma_inverse(value: f64) -> f64 {
    if value > 1e7 {
        return 1.0 / value.sqrt();
    }
    if value < 1e-6 {
        return 1.0 / value;
    }
    let mut x = 0.5 + 1.0 / value;
    for _ in 0..50 {
        let found = trigamma(x);
        let step = found * (1.0 - found / value) / tetragamma(x);
        x += step;
        if -step / x < 1e-12 {
            break;
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-10 * expected.abs().max(1.0), "{found}, {expected}");
    }

    fn spread(deviations: &[f64]) -> Spread {
        let rows: Vec<f64> = deviations.to_vec();
        // Two images that differ by 1, so that a condition whose seeds agree varies all the same.
        let table = Differences::from_fn(rows.len(), 2, |seed, image| rows[seed] + image as f64);
        Spread::of(&table.unwrap()).unwrap()
    }

    #[test]
    fn polygamma_functions_of_known_arguments() {
        close(trigamma(0.5), PI * PI / 2.0);
        close(trigamma(1.0), PI * PI / 6.0);
        close(trigamma(1.5), PI * PI / 2.0 - 4.0);
        // scipy's polygamma.
        close(trigamma(25.0), 0.040_810_663_257_225_58);
        close(tetragamma(0.5), -16.828_796_644_234_316);
        close(tetragamma(3.7), -0.095_395_308_728_554_05);
        // limma's trigammaInverse, which stops at a relative 1e-8.
        for (value, expected) in [
            (1e-8, 1e8),
            (0.001, 1_000.499_916_666_68),
            (0.5, 2.459_952_948_352_31),
            (2.0, 0.876_664_077_464_26),
            (1000.0, 0.031_647_661_051_196_4),
            (1e8, 1e-4),
        ] {
            close(trigamma_inverse(value), expected);
        }
    }

    #[test]
    fn a_spread_is_the_mean_square_of_seeds() {
        // Seeds −1, 0 and 1 over 2 images: 2 · 2 / 2.
        close(spread(&[1.0, 2.0, 3.0]).square, 2.0);
        let one = Differences::from_fn(1, 5, |_, image| image as f64).unwrap();
        assert!(Spread::of(&one).is_none());
        let nothing = Differences::from_fn(3, 5, |_, _| 0.5).unwrap();
        assert!(Spread::of(&nothing).is_none(), "a masking that changes nothing");
    }

    #[test]
    fn one_condition_shows_nothing_of_others() {
        assert_eq!(Prior::of(&[spread(&[0.0, 1.0, 5.0])]), None);
        assert_eq!(Prior::of(&[spread(&[0.0; 3]), spread(&[0.0; 3])]), None);
    }

    /// However many conditions are perfectly correlated, they have the information of one.
    #[test]
    fn conditions_that_move_together_know_as_much_as_one() {
        let same: Vec<Spread> = (0..20).map(|_| spread(&[0.0, 1.0, 5.0])).collect();
        let prior = Prior::of(&same).unwrap();
        let (square, freedom) = prior.moderate(same[0].square, 2.0);
        close(square, same[0].square);
        close(freedom, 2.0);
    }

    /// Seed effects at right angles: 2 degrees of freedom each would be 4, of which the whole faces that they
    /// share leave (1 + 1) / (1 + ¼) of 2.
    #[test]
    fn conditions_that_share_whole_faces_know_less_than_their_sum() {
        let apart = [spread(&[1.0, -1.0, 0.0]), spread(&[1.0, 1.0, -2.0])];
        close(together(&apart), 2.0 * 2.0 / 1.25);
        // One degree of freedom gives no estimate of the correlation: that of the design is used.
        let two_seeds = [spread(&[1.0, -1.0]), spread(&[2.0, -2.0]), spread(&[0.0, 1.0])];
        close(together(&two_seeds), 3.0 / 1.5);
    }

    #[test]
    fn no_condition_knows_less_than_alone() {
        let many = [spread(&[0.0, 1.0, 5.0]), spread(&[0.0, 9.0, 1.0]), spread(&[0.1, 0.0, 0.2])];
        let prior = Prior::of(&many).unwrap();
        for one in &many {
            let (square, freedom) = prior.moderate(one.square, one.freedom());
            assert!(freedom >= 2.0);
            let (low, high) =
                (one.square.min(prior.fitted.variance), one.square.max(prior.fitted.variance));
            assert!((low..=high).contains(&square), "{low} ≤ {square} ≤ {high}");
        }
    }
}
