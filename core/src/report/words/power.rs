//! What a plan's seeds can find.

use crate::analysis::Power;

/// `3 seeds find effects from 5.5 points of accuracy on, 4 times in 5; 2 points need 12 seeds (by the runs of
/// `mask_eyes`)`
pub fn advice(power: &Power) -> String {
    let Power { seeds, smallest, points, needed, basis } = power;
    let found = match smallest {
        Some(smallest) => format!(
            "{seeds} seeds find effects from {:.1} points of accuracy on, 4 times in 5",
            100.0 * smallest
        ),
        None => "1 seed cannot show how much seeds differ".to_owned(),
    };
    let needed = match needed {
        Some(needed) => format!("{points} points need {needed} seeds"),
        None => format!("{points} points need more test images, whatever the seeds"),
    };
    let basis = match basis {
        Some(experiment) => format!("by the runs of `{experiment}`"),
        None => "by typical variances: no runs of this network here to go by".to_owned(),
    };
    format!("{found}; {needed} ({basis})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_seeds_find_and_what_they_go_by() {
        let power = Power {
            seeds: 3,
            smallest: Some(0.0551),
            points: 2.0,
            needed: Some(12),
            basis: Some("mask_eyes".to_owned()),
        };
        assert_eq!(
            advice(&power),
            "3 seeds find effects from 5.5 points of accuracy on, 4 times in 5; 2 points need 12 seeds (by \
             the runs of `mask_eyes`)"
        );
        let one = Power { seeds: 1, smallest: None, needed: None, basis: None, ..power };
        assert!(
            advice(&one)
                .starts_with("1 seed cannot show how much seeds differ; 2 points need more")
        );
    }
}
