//! How each metric is named and written.

use crate::report::words::numbers::decimal;
use crate::store::{Metric, Worth};

/// A metric as readers meet it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    /// As in `test accuracy`.
    pub name: &'static str,
    /// What a difference is counted in: `points`, `bits`.
    pub unit: &'static str,
    /// What a difference is counted in, in full.
    pub long_unit: &'static str,
    /// From the table's number to the written one: 100 for shares.
    pub factor: f64,
    pub decimals: usize,
    /// Whether the best constant prediction has a known, positive worth.
    pub has_chance: bool,
}

const SHARE: Measure = Measure {
    name: "test accuracy",
    unit: "points",
    long_unit: "points of test accuracy",
    factor: 100.0,
    decimals: 1,
    has_chance: true,
};

impl Measure {
    pub fn of(metric: Metric) -> Measure {
        match metric {
            Metric::Accuracy => SHARE,
            Metric::BalancedAccuracy => Measure {
                name: "balanced test accuracy",
                long_unit: "points of balanced test accuracy",
                has_chance: false,
                ..SHARE
            },
            Metric::Bits => Measure {
                name: "usable information",
                unit: "bits",
                long_unit: "bits of usable information",
                factor: 1.0,
                decimals: 2,
                has_chance: false,
            },
        }
    }

    /// Of what is divided among regions; a recall is written as an accuracy.
    pub fn of_worth(worth: Worth) -> Measure {
        match worth {
            Worth::Accuracy | Worth::Recall => SHARE,
            Worth::Bits => Measure::of(Metric::Bits),
        }
    }

    /// As in `accuracy`, where that it is on the test split goes without saying.
    pub fn short_name(&self) -> String {
        self.name.replace("test ", "")
    }

    /// A difference or an amount as a bare number: `11.4`.
    pub fn number(&self, value: f64) -> String {
        decimal(value * self.factor, self.decimals)
    }

    /// What a difference is as [`number`](Measure::number) writes it, so that sums of written numbers come out.
    pub fn as_written(&self, value: f64) -> f64 {
        let steps = self.factor * 10_f64.powi(self.decimals as i32);
        (value * steps).round() / steps
    }

    /// What an amount is counted in: `%`, `bits`.
    pub fn amount_unit(&self) -> &'static str {
        if self.factor == 100.0 { "%" } else { self.unit }
    }

    /// An amount with its unit, which a line break does not part: `41.2 %`, `1.42 bits`.
    pub fn amount(&self, value: f64) -> String {
        let unit = self.amount_unit();
        format!("{}\u{a0}{unit}", self.number(value))
    }

    /// A difference with its unit as a title has it: no decimals where two digits stand before the
    /// point: `21 points`, `3.4 points`.
    pub fn rounded(&self, value: f64) -> String {
        self.rounded_alike(vec![value]).concat()
    }

    /// Several that stand beside each other, with the same number of decimals: `13.1 and 9.2`.
    pub fn rounded_alike(&self, values: Vec<f64>) -> Vec<String> {
        let large = values.iter().all(|value| (value * self.factor).abs() >= 10.0);
        let decimals = if large { 0 } else { self.decimals };
        values.into_iter().map(|value| decimal(value * self.factor, decimals)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_points_and_bits_are_bits() {
        let accuracy = Measure::of(Metric::Accuracy);
        assert_eq!(accuracy.number(0.1144), "11.4");
        assert_eq!(accuracy.amount(0.412), "41.2\u{a0}%");
        assert_eq!(accuracy.rounded(0.2129), "21");
        assert_eq!(accuracy.rounded(0.034), "3.4");
        assert_eq!(accuracy.rounded_alike(vec![0.131, 0.092]), ["13.1", "9.2"]);
        assert_eq!(Measure::of(Metric::Bits).amount(1.418), "1.42\u{a0}bits");
    }
}
