//! What stands in a table, and how people see it.

use crate::report::words::measure::Measure;
use crate::report::words::numbers::{decimal, p_value, thousands};
use crate::report::words::visible::visible;

/// Characters of an identity that people see: 40 bits tell ten thousand apart.
const ID_SHOWN: usize = 10;

/// One value. All cells of a column should be of one kind, or empty.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Empty,
    Text(String),
    /// An identity: people see its beginning, which every command understands.
    Id(String),
    /// Whether something is so.
    Flag(bool),
    /// Why there is no number: people read it, programs get none.
    Missing(String),
    Count(u64),
    /// A number in the table's own unit. People see it times `factor`, with so many decimals, and with
    /// its spread (`83.0 ± 0.6`) or interval (`11.4 [8.9, 13.9]`).
    Number {
        value: f64,
        spread: Option<f64>,
        interval: Option<(f64, f64)>,
        factor: f64,
        decimals: usize,
    },
    /// A probability under the hypothesis of no effect.
    P(f64),
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Cell {
        Cell::Text(text.into())
    }

    /// A plain number.
    pub fn number(value: f64, decimals: usize) -> Cell {
        Cell::Number { value, spread: None, interval: None, factor: 1.0, decimals }
    }

    /// A share, which people see as per cent with one decimal.
    pub fn share(value: f64) -> Cell {
        Cell::Number { value, spread: None, interval: None, factor: 100.0, decimals: 1 }
    }

    /// The same with a spread.
    pub fn with_spread(self, spread: Option<f64>) -> Cell {
        match self {
            Cell::Number { value, interval, factor, decimals, .. } => {
                Cell::Number { value, spread, interval, factor, decimals }
            }
            other => other,
        }
    }

    /// The same with an interval.
    pub fn with_interval(self, interval: Option<(f64, f64)>) -> Cell {
        match self {
            Cell::Number { value, spread, factor, decimals, .. } => {
                Cell::Number { value, spread, interval, factor, decimals }
            }
            other => other,
        }
    }

    /// Mean and standard deviation of a metric over seeds; `None` without a value.
    pub fn over_seeds(values: &[f64], metric: Measure) -> Option<Cell> {
        if values.is_empty() {
            return None;
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let spread = (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
        Some(Cell::of(mean, metric).with_spread(spread))
    }

    /// A value of a metric, as that metric is written.
    pub fn of(value: f64, metric: Measure) -> Cell {
        let Measure { factor, decimals, .. } = metric;
        Cell::Number { value, spread: None, interval: None, factor, decimals }
    }

    /// A number with all its decimals.
    pub fn exact(value: f64) -> Cell {
        const MOST: usize = 12;
        let decimals = value.to_string().split_once('.').map_or(0, |(_, after)| after.len());
        Cell::number(value, decimals.min(MOST))
    }

    /// A value of settings; lists and tables as JSON text.
    pub fn setting(value: &serde_json::Value) -> Cell {
        use serde_json::Value;
        match value {
            Value::Null => Cell::Empty,
            Value::Bool(flag) => Cell::Flag(*flag),
            Value::String(text) => Cell::text(text.as_str()),
            Value::Number(number) => match (number.as_u64(), number.as_f64()) {
                (Some(count), _) => Cell::Count(count),
                (None, Some(value)) => Cell::exact(value),
                (None, None) => Cell::text(number.to_string()),
            },
            Value::Array(_) | Value::Object(_) => Cell::Text(spaced(value)),
        }
    }
}

/// A list as JSON text with a space after each comma, where a line can break.
fn spaced(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Array(values) => {
            let values: Vec<String> = values.iter().map(spaced).collect();
            format!("[{}]", values.join(", "))
        }
        other => other.to_string(),
    }
}

/// What people see of a cell, in parts that a column aligns one by one.
pub(in crate::report) struct Parts {
    pub numeric: bool,
    pub value: String,
    pub spread: String,
    pub low: String,
    pub high: String,
}

impl Parts {
    pub fn of(cell: &Cell) -> Parts {
        let only = |value: String, numeric: bool| Parts {
            numeric,
            value,
            spread: String::new(),
            low: String::new(),
            high: String::new(),
        };
        match cell {
            Cell::Empty => only(String::new(), false),
            Cell::Text(text) | Cell::Missing(text) => only(visible(text).into_owned(), false),
            Cell::Id(id) => only(visible(id).chars().take(ID_SHOWN).collect(), false),
            Cell::Flag(flag) => only(if *flag { "yes" } else { "no" }.to_owned(), false),
            Cell::Count(count) => only(thousands(*count), true),
            Cell::P(p) => only(p_value(*p), true),
            Cell::Number { value, spread, interval, factor, decimals } => {
                let write = |number: f64| decimal(number * factor, *decimals);
                Parts {
                    numeric: true,
                    value: write(*value),
                    spread: spread.map(write).unwrap_or_default(),
                    low: interval.map(|(low, _)| write(low)).unwrap_or_default(),
                    high: interval.map(|(_, high)| write(high)).unwrap_or_default(),
                }
            }
        }
    }

    /// The cell's text, its parts padded to these widths (value, spread, low, high).
    pub fn padded(&self, [value, spread, low, high]: [usize; 4]) -> String {
        if !self.numeric {
            return self.value.clone();
        }
        let mut text = format!("{:>value$}", self.value);
        if !self.spread.is_empty() {
            text.push_str(&format!(" ± {:>spread$}", self.spread));
        } else if spread > 0 {
            text.push_str(&" ".repeat(spread + 3));
        }
        if !self.low.is_empty() {
            text.push_str(&format!(" [{:>low$}, {:>high$}]", self.low, self.high));
        } else if low > 0 {
            text.push_str(&" ".repeat(low + high + 5));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Metric;

    fn seen(cell: &Cell) -> String {
        Parts::of(cell).padded([0; 4])
    }

    #[test]
    fn settings_are_written_with_all_their_decimals() {
        let value = serde_json::json!([0.001, 30, true, null, "adam", [[8], [24, 24]], 1e-8, -1]);
        let cells: Vec<String> =
            value.as_array().unwrap().iter().map(|value| seen(&Cell::setting(value))).collect();
        let expected = ["0.001", "30", "yes", "", "adam", "[[8], [24, 24]]", "0.00000001", "−1"];
        assert_eq!(cells, expected);
    }

    #[test]
    fn seeds_have_a_mean_and_a_spread() {
        let accuracy = Measure::of(Metric::Accuracy);
        assert_eq!(Cell::over_seeds(&[], accuracy), None);
        assert_eq!(Cell::over_seeds(&[0.83], accuracy), Some(Cell::share(0.83)));
        let cell = Cell::over_seeds(&[0.5, 0.75, 1.0], accuracy).unwrap();
        assert_eq!(seen(&cell), "75.0 ± 25.0");
        assert_eq!(
            seen(&Cell::over_seeds(&[1.5, 1.75], Measure::of(Metric::Bits)).unwrap()),
            "1.62 ± 0.18"
        );
    }

    #[test]
    fn people_see_the_beginning_of_an_id() {
        assert_eq!(seen(&Cell::Id("0123456789abcdef0123".to_owned())), "0123456789");
    }
}
