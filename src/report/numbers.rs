//! How numbers are written for people: a real minus sign, thousands apart, no minus before a zero.

/// A number with so many decimals; `–` for one that is no number.
pub fn decimal(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let written = format!("{value:.decimals$}");
    match written.strip_prefix('-') {
        None => written,
        Some(size) if size.chars().all(|sign| matches!(sign, '0' | '.')) => size.to_owned(),
        Some(size) => format!("−{size}"),
    }
}

/// `1,400`
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut written = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

/// `1 seed`, `1,400 images`: the noun is given in the singular.
pub fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(count))
}

/// `0.012`, or `< 0.001` where three decimals show nothing.
pub fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { decimal(p, 3) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_and_signs() {
        assert_eq!(decimal(11.44, 1), "11.4");
        assert_eq!(decimal(-0.6, 1), "−0.6");
        assert_eq!(decimal(-0.04, 1), "0.0");
        assert_eq!(decimal(-0.0, 0), "0");
        assert_eq!(decimal(f64::NAN, 1), "–");
    }

    #[test]
    fn counts() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1400), "1,400");
        assert_eq!(thousands(1234567), "1,234,567");
        assert_eq!(counted(1, "seed"), "1 seed");
        assert_eq!(counted(1400, "image"), "1,400 images");
    }

    #[test]
    fn small_p_values_are_bounded() {
        assert_eq!(p_value(0.0004), "< 0.001");
        assert_eq!(p_value(0.0123), "0.012");
        assert_eq!(p_value(1.0), "1.000");
    }
}
