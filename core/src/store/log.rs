//! The log of a training: one line per epoch, to follow it while it runs.

/// An epoch's line in a log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogLine {
    /// From 1.
    pub epoch: u32,
    pub learning_rate: f64,
    pub train_loss: f64,
    /// Shares.
    pub train_accuracy: f64,
    pub val_loss: f64,
    pub val_accuracy: f64,
    pub seconds: f64,
}

impl std::fmt::Display for LogLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let LogLine { epoch, train_loss, train_accuracy, val_loss, val_accuracy, seconds, .. } =
            self;
        write!(
            f,
            "epoch {epoch} rate {} loss {train_loss:.4} accuracy {train_accuracy:.4} val_loss {val_loss:.4} \
             val_accuracy {val_accuracy:.4} seconds {seconds:.1}",
            rate(self.learning_rate)
        )
    }
}

/// The seconds of all epochs in a log; `None` if it has none.
pub(super) fn logged_seconds(log: &str) -> Option<f64> {
    let seconds: Vec<f64> =
        log.lines().filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
    (!seconds.is_empty()).then(|| seconds.iter().sum())
}

/// A learning rate for people: three digits, no exponent.
pub fn rate(learning_rate: f64) -> String {
    let decimals = rate_decimals(learning_rate);
    format!("{learning_rate:.decimals$}")
}

/// The decimals of three digits of a learning rate, or of fewer where those are all that it has; 0 to 12.
pub fn rate_decimals(learning_rate: f64) -> usize {
    if learning_rate == 0.0 || !learning_rate.is_finite() {
        return 0;
    }
    let decimals = (2.0 - learning_rate.abs().log10().floor()).clamp(0.0, 12.0) as usize;
    let digits = format!("{learning_rate:.decimals$}");
    let zeros = digits.bytes().rev().take_while(|digit| *digit == b'0').count();
    decimals.saturating_sub(zeros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_three_digits() {
        for (learning_rate, words) in [
            (0.004629668872723119, "0.00463"),
            (9.346333666749232e-3, "0.00935"),
            (0.01, "0.01"),
            (0.1, "0.1"),
            (0.0999999, "0.1"),
            (1.0, "1"),
            (12.345, "12.3"),
            (1e-8, "0.00000001"),
            (0.000123456, "0.000123"),
            (0.0, "0"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(rate(learning_rate), words);
        }
    }

    #[test]
    fn a_line_is_read_back() {
        let line = LogLine {
            epoch: 3,
            learning_rate: 0.004629668872723119,
            train_loss: 1.25,
            train_accuracy: 0.5,
            val_loss: 1.5,
            val_accuracy: 0.25,
            seconds: 2.5,
        };
        let expected = "epoch 3 rate 0.00463 loss 1.2500 accuracy 0.5000 val_loss 1.5000 \
                        val_accuracy 0.2500 seconds 2.5";
        assert_eq!(line.to_string(), expected);
        assert_eq!(logged_seconds(&format!("{line}\n{line}\n")), Some(5.0));
        assert_eq!(logged_seconds("nothing of the kind\n"), None);
    }
}
