//! From numbers to millimetres, and where an axis has its ticks.

use plotters::coord::ranged1d::{BoldPoints, Ranged};
use plotters::coord::types::RangedCoordf64;

/// A linear axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    pub from: f64,
    pub to: f64,
    /// Where `from` and `to` lie on the page, mm.
    pub start: f64,
    pub end: f64,
}

impl Scale {
    /// An axis over these values (and a little more on both sides, a share of their range); values
    /// that are no numbers are passed over.
    pub fn around(values: impl Iterator<Item = f64>, margin: f64, start: f64, end: f64) -> Scale {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        let range = if high > low { high - low } else { high.abs().max(1.0) };
        Scale { from: low - margin * range, to: high + margin * range, start, end }
    }

    /// Where a value lies on the page, mm.
    pub fn at(&self, value: f64) -> f64 {
        self.start + (value - self.from) / (self.to - self.from) * (self.end - self.start)
    }

    /// At most so many round values on the axis.
    pub fn ticks(&self, most: usize) -> Vec<f64> {
        let range: RangedCoordf64 = (self.from..self.to).into();
        let mut ticks = range.key_points(BoldPoints(most.max(2)));
        ticks.retain(|tick| (self.from..=self.to).contains(tick));
        ticks
    }
}

/// Decimals that tell these ticks apart, at most 3.
pub fn decimals(ticks: &[f64]) -> usize {
    let step = ticks.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(f64::INFINITY, f64::min);
    if !step.is_finite() || step <= 0.0 {
        return 0;
    }
    (0..3)
        .find(|&decimals| {
            let scaled = step * 10f64.powi(decimals as i32);
            (scaled - scaled.round()).abs() < 1e-6 && scaled.round() >= 1.0
        })
        .unwrap_or(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_places() {
        let scale = Scale { from: 0.0, to: 10.0, start: 20.0, end: 70.0 };
        assert_eq!(scale.at(0.0), 20.0);
        assert_eq!(scale.at(5.0), 45.0);
    }

    #[test]
    fn ranges_without_values_or_width_are_still_ranges() {
        let scale = Scale::around([f64::NAN].into_iter(), 0.0, 0.0, 1.0);
        assert_eq!((scale.from, scale.to), (0.0, 1.0));
        let scale = Scale::around([0.0, 0.0].into_iter(), 0.1, 0.0, 1.0);
        assert!(scale.from < 0.0 && scale.to > 0.0);
    }

    #[test]
    fn ticks_are_few_round_and_inside() {
        let scale = Scale { from: -1.3, to: 23.0, start: 0.0, end: 50.0 };
        let ticks = scale.ticks(6);
        assert!((3..=6).contains(&ticks.len()), "{ticks:?}");
        assert!(ticks.contains(&0.0));
        assert_eq!(decimals(&ticks), 0);
        assert_eq!(decimals(&[0.0, 0.5, 1.0]), 1);
        assert_eq!(decimals(&[0.0]), 0);
    }
}
