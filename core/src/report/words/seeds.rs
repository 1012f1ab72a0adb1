//! What few seeds mean for the intervals.

use crate::report::words::numbers::counted;
use crate::study::Study;

/// From so many seeds on a condition's own variation between trainings counts for enough.
const ENOUGH: usize = 5;

/// What it means that a network was trained elsewhere.
pub const ONE_NETWORK: &str = "Intervals cover the sampling of images: this is one network, as it is, and another of the same \
                               architecture may rely on other regions.";

/// What it means that there are so few seeds; `None` where there are enough, or none.
pub fn few_seeds(seeds: usize) -> Option<String> {
    match seeds {
        1 => Some(
            "With one seed, intervals cover the sampling of images only, not the variation between trainings."
                .to_owned(),
        ),
        2..ENOUGH => Some(format!(
            "With {}, under five, how much trainings of a condition vary is hardly known from its own: its interval \
             draws on all conditions of its mode and phase (moderated), and is too short where it varies more than \
             they do.",
            counted(seeds as u64, "seed")
        )),
        _ => None,
    }
}

/// The same of the setting with the fewest, where anything is masked: of one seed the answer itself says it.
pub fn seed_notes(study: &Study) -> Vec<String> {
    let masked = study.settings.iter().filter(|setting| setting.masked().next().is_some());
    let fewest = masked.map(|setting| setting.seeds).min();
    fewest.filter(|seeds| *seeds > 1).and_then(few_seeds).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RunRow;
    use crate::study::tests::run;

    #[test]
    fn under_five_seeds_it_is_said_what_that_means() {
        let notes = |seeds: std::ops::RangeInclusive<u64>| {
            let of = |seed| [run(&[], "none", seed), run(&["eyes"], "hide", seed)];
            let runs: Vec<RunRow> = seeds.flat_map(of).collect();
            seed_notes(&Study::of(runs, &[]))
        };
        let [note] = &notes(1..=4)[..] else { panic!() };
        assert!(note.starts_with("With 4 seeds, under five, how much trainings"), "{note}");
        assert!(notes(1..=5).is_empty());
        assert!(notes(1..=1).is_empty(), "the answer says it");
        assert!(few_seeds(1).unwrap().starts_with("With one seed, intervals cover"));
        let whole = Study::of(vec![run(&[], "none", 1), run(&[], "none", 2)], &[]);
        assert!(seed_notes(&whole).is_empty(), "there are no intervals");
    }
}
