//! The minimum detectable effect of a plan.

use crate::analysis::{POWER, Power};
use crate::region::Mode;
use crate::report::words::numbers::counted;
use crate::report::words::seeds::few_seeds;

/// `minimum detectable effect of masking a region: 5.5 points of accuracy (80 % power, 3 seeds, 1,400 test images, one test); 2
/// points need 12 seeds (variances of the runs of `mask_eyes`)`
pub fn advice(power: &Power) -> String {
    let Power { seeds, images, mode, smallest, points, needed, basis } = power;
    let of = match mode {
        Mode::Hide => "masking a region",
        Mode::Keep => "masking all but a region",
    };
    let Some(images) = images else {
        return format!(
            "minimum detectable effect of {of}: not known before the pictures are read, for it depends on the number \
             of test images"
        );
    };
    let found = match smallest {
        Some(smallest) => format!(
            "minimum detectable effect of {of}: {:.1} points of accuracy ({:.0} % power, {}, {}, one test)",
            100.0 * smallest,
            100.0 * POWER,
            counted(*seeds as u64, "seed"),
            counted(*images as u64, "test image")
        ),
        None => "no minimum detectable effect: 1 seed does not show the variance between seeds"
            .to_owned(),
    };
    let needed = match needed {
        Some(needed) => format!("{points} points need {}", counted(*needed as u64, "seed")),
        None => format!("{points} points need more test images, whatever the number of seeds"),
    };
    let basis = match basis {
        Some(experiment) => format!("variances of the runs of `{experiment}`"),
        None => "typical variances: there are no runs of this network yet".to_owned(),
    };
    let few = few_seeds(*seeds).map_or(String::new(), |few| format!(". {few}"));
    format!("{found}; {needed} ({basis}){few}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_seeds_find_and_what_they_go_by() {
        let power = Power {
            seeds: 3,
            images: Some(1400),
            mode: Mode::Hide,
            smallest: Some(0.0551),
            points: 2.0,
            needed: Some(12),
            basis: Some("mask_eyes".to_owned()),
        };
        let said = advice(&power);
        let (found, few) = said.split_once(". ").unwrap();
        assert_eq!(
            found,
            "minimum detectable effect of masking a region: 5.5 points of accuracy (80 % power, 3 seeds, 1,400 test \
             images, one test); 2 points need 12 seeds (variances of the runs of `mask_eyes`)"
        );
        assert!(few.starts_with("With 3 seeds, under five, how much trainings"), "{few}");
        assert!(advice(&Power { seeds: 5, ..power.clone() }).ends_with("`mask_eyes`)"));
        let unread = Power { images: None, smallest: None, needed: None, ..power.clone() };
        assert!(advice(&unread).contains("not known before the pictures are read"));
        let one = Power { seeds: 1, smallest: None, needed: None, basis: None, ..power };
        assert!(advice(&one).starts_with(
            "no minimum detectable effect: 1 seed does not show the variance between seeds; 2"
        ));
    }
}
