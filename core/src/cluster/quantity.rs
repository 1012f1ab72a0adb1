//! Time limits and amounts of memory, as Slurm reads them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A time limit in whole minutes, at least 1: Slurm rounds up to minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Quantity", into = "String")]
pub struct TimeLimit {
    minutes: u32,
}

/// The most that is accepted, a year.
const MOST_MINUTES: u64 = 366 * 24 * 60;

impl TimeLimit {
    /// At least these seconds; from one minute to a year.
    pub fn of_seconds(seconds: f64) -> TimeLimit {
        let minutes = (seconds / 60.0).ceil().clamp(1.0, MOST_MINUTES as f64);
        TimeLimit { minutes: minutes as u32 }
    }

    pub fn seconds(self) -> f64 {
        f64::from(self.minutes) * 60.0
    }
}

impl fmt::Display for TimeLimit {
    /// `days-hours:minutes:00`, which no reader takes for minutes and seconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, rest) = (self.minutes / 1440, self.minutes % 1440);
        write!(f, "{days}-{:02}:{:02}:00", rest / 60, rest % 60)
    }
}

impl FromStr for TimeLimit {
    type Err = String;

    /// `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours`, `days-hours:minutes` and
    /// `days-hours:minutes:seconds`, as sbatch(1) has them.
    fn from_str(text: &str) -> Result<TimeLimit, String> {
        let wrong = || {
            format!(
                "`{text}` is no time limit: give minutes, or `hours:minutes:seconds`, or `days-hours:minutes`, up to a year"
            )
        };
        let number = |part: &str| match part.bytes().all(|digit| digit.is_ascii_digit()) {
            true => part.parse::<u64>().ok(),
            false => None,
        };
        let (days, rest) = match text.split_once('-') {
            Some((days, rest)) => (Some(number(days).ok_or_else(wrong)?), rest),
            None => (None, text),
        };
        let parts: Option<Vec<u64>> = rest.split(':').map(number).collect();
        let parts = parts.ok_or_else(wrong)?;
        let seconds = match (days, parts.as_slice()) {
            (None, [minutes]) => minutes.checked_mul(60),
            (None, [minutes, seconds]) => {
                minutes.checked_mul(60).and_then(|m| m.checked_add(*seconds))
            }
            (Some(_), [hours]) => hours.checked_mul(3600),
            (Some(_), [hours, minutes]) => {
                hours.checked_mul(3600).and_then(|h| h.checked_add(minutes.checked_mul(60)?))
            }
            (_, [hours, minutes, seconds]) => hours
                .checked_mul(3600)
                .and_then(|h| h.checked_add(minutes.checked_mul(60)?)?.checked_add(*seconds)),
            _ => None,
        };
        let days = days.unwrap_or(0).checked_mul(86_400);
        let seconds = days.zip(seconds).and_then(|(days, rest)| days.checked_add(rest));
        let minutes = seconds.ok_or_else(wrong)?.div_ceil(60);
        match minutes {
            1..=MOST_MINUTES => Ok(TimeLimit { minutes: minutes as u32 }),
            _ => Err(wrong()),
        }
    }
}

/// Memory in whole MiB, at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Quantity", into = "String")]
pub struct Memory {
    mebibytes: u64,
}

impl Memory {
    /// At least these bytes.
    pub fn of_bytes(bytes: u64) -> Memory {
        Memory { mebibytes: bytes.div_ceil(1 << 20).max(1) }
    }

    pub fn bytes(self) -> u64 {
        self.mebibytes << 20
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}M", self.mebibytes)
    }
}

impl FromStr for Memory {
    type Err = String;

    /// A number of MiB, or one with `K`, `M`, `G` or `T`, each 1,024 of the one before.
    fn from_str(text: &str) -> Result<Memory, String> {
        let wrong = || {
            format!(
                "`{text}` is no amount of memory: give MiB, or a number with K, M, G or T, as in `8G`"
            )
        };
        let (digits, unit) = match text.char_indices().next_back() {
            Some((at, unit)) if unit.is_ascii_alphabetic() => {
                (&text[..at], unit.to_ascii_uppercase())
            }
            _ => (text, 'M'),
        };
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(wrong());
        }
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        let kibibytes = match unit {
            'K' => Some(number),
            'M' => number.checked_mul(1 << 10),
            'G' => number.checked_mul(1 << 20),
            'T' => number.checked_mul(1 << 30),
            _ => None,
        };
        match kibibytes {
            Some(kibibytes @ 1..=0xFF_FFFF_FFFF) => {
                Ok(Memory { mebibytes: kibibytes.div_ceil(1 << 10) })
            }
            _ => Err(wrong()),
        }
    }
}

/// As a file gives it: a number or a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Quantity {
    Number(u64),
    Text(String),
}

impl Quantity {
    fn text(self) -> String {
        match self {
            Quantity::Number(number) => number.to_string(),
            Quantity::Text(text) => text,
        }
    }
}

impl TryFrom<Quantity> for TimeLimit {
    type Error = String;

    fn try_from(value: Quantity) -> Result<TimeLimit, String> {
        value.text().parse()
    }
}

impl TryFrom<Quantity> for Memory {
    type Error = String;

    fn try_from(value: Quantity) -> Result<Memory, String> {
        value.text().parse()
    }
}

impl From<TimeLimit> for String {
    fn from(limit: TimeLimit) -> String {
        limit.to_string()
    }
}

impl From<Memory> for String {
    fn from(memory: Memory) -> String {
        memory.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_limits_are_read_as_slurm_reads_them() {
        for (text, written) in [
            ("90", "0-01:30:00"),
            ("1:30", "0-00:02:00"),
            ("4:00:00", "0-04:00:00"),
            ("2-0", "2-00:00:00"),
            ("1-12:30", "1-12:30:00"),
            ("1-00:00:01", "1-00:01:00"),
        ] {
            assert_eq!(text.parse::<TimeLimit>().unwrap().to_string(), written, "{text}");
        }
        for text in [
            "",
            "0",
            "-1",
            "1-",
            "x",
            "1:2:3:4",
            "INFINITE",
            "+5",
            "400-0",
            "99999999999999999999",
            "18446744073709551615",
        ] {
            let error = text.parse::<TimeLimit>().unwrap_err();
            assert!(error.starts_with(&format!("`{text}` is no time limit")), "{error}");
        }
        assert_eq!(TimeLimit::of_seconds(0.0).to_string(), "0-00:01:00");
        assert_eq!(TimeLimit::of_seconds(3601.0).to_string(), "0-01:01:00");
    }

    #[test]
    fn memory_is_read_as_slurm_reads_it() {
        for (text, written) in
            [("800", "800M"), ("8G", "8192M"), ("1t", "1048576M"), ("1500K", "2M")]
        {
            assert_eq!(text.parse::<Memory>().unwrap().to_string(), written, "{text}");
        }
        for text in ["", "G", "0", "-1G", "1.5G", "8 G", "8P", "99999999999999T"] {
            assert!(text.parse::<Memory>().is_err(), "{text}");
        }
        assert_eq!(Memory::of_bytes((1 << 20) + 1).to_string(), "2M");
    }
}
