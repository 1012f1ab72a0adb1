//! How FER+'s votes become label distributions.
//!
//! `votes` is the seed study's rule: the chosen classes' votes, divided by their sum. The other four are
//! those of FERPlus's own `src/ferplus.py` (Barsoum et al. 2016, arXiv 1608.01041), computed over all ten
//! columns and only then confined to the chosen classes.

use super::super::listing::{NO_CHOSEN_VOTE, restrict};
use super::EMOTIONS;
use crate::experiment::FerplusLabels;

/// The number of annotators who chose each emotion, then `unknown`, then `NF` (not a face).
pub type Votes = [u16; 10];

/// The place of `NF`.
const NF: usize = 9;

pub const NO_AGREEMENT: &str = "the annotators do not agree";
pub const NO_MAJORITY: &str = "no majority";
pub const NO_EMOTION: &str = "the annotators chose unknown or not a face";

/// The label distribution over `chosen` (columns of [`EMOTIONS`], in class order), or the reason why the
/// image is excluded.
///
/// With `multi_target`, every class above 0 is equally correct; the label holds their votes, so that the
/// class with most votes is still known.
pub fn label(
    rule: FerplusLabels,
    votes: &Votes,
    chosen: &[usize],
) -> Result<Vec<f32>, &'static str> {
    let counts = match rule {
        FerplusLabels::Votes => *votes,
        FerplusLabels::Majority => {
            agreed(majority(&without_single_votes(votes)).ok_or(NO_MAJORITY)?)?
        }
        FerplusLabels::CrossEntropy | FerplusLabels::Probability => {
            agreed(most_of_the_votes(&without_single_votes(votes)).ok_or(NO_AGREEMENT)?)?
        }
        FerplusLabels::MultiTarget => {
            agreed(well_supported(&without_single_votes(votes)).ok_or(NO_AGREEMENT)?)?
        }
    };
    restrict(&counts.map(f64::from), chosen).ok_or(NO_CHOSEN_VOTE)
}

/// Whether half of the annotators or more took it for no face.
pub fn is_hardly_a_face(votes: &Votes) -> bool {
    2 * u32::from(votes[NF]) >= sum(votes)
}

/// Refuses an image whose first column with most votes is `unknown` or `NF`.
fn agreed(counts: Votes) -> Result<Votes, &'static str> {
    if top(&counts) < EMOTIONS.len() { Ok(counts) } else { Err(NO_EMOTION) }
}

/// The first column with most votes.
fn top(counts: &Votes) -> usize {
    let most = counts.iter().max();
    counts.iter().position(|count| Some(count) == most).unwrap_or(0)
}

fn sum(counts: &Votes) -> u32 {
    counts.iter().map(|&count| u32::from(count)).sum()
}

/// A single vote counts as an outlier.
fn without_single_votes(votes: &Votes) -> Votes {
    votes.map(|count| if count == 1 { 0 } else { count })
}

/// The top column alone, where it holds more than half.
fn majority(counts: &Votes) -> Option<Votes> {
    let top = top(counts);
    let mut kept = Votes::default();
    kept[top] = counts[top];
    (2 * sum(&kept) > sum(counts)).then_some(kept)
}

/// From the most votes down, all columns that are equal one after another, until three quarters are
/// gathered, three columns are taken, or `unknown` or `NF` comes up: that ends it, and is itself kept
/// only where nothing came before. `None` where at most half is gathered or more than three columns are.
fn most_of_the_votes(counts: &Votes) -> Option<Votes> {
    let total = sum(counts);
    let mut rest = *counts;
    let mut kept = Votes::default();
    // What was gathered counts a column even where it is taken out again, as in `ferplus.py`.
    let (mut gathered, mut taken, mut ended) = (0, 0, false);
    while 4 * gathered < 3 * total && taken < 3 && !ended {
        let most = rest[top(&rest)];
        for column in 0..rest.len() {
            if rest[column] != most {
                continue;
            }
            kept[column] = most;
            rest[column] = 0;
            gathered += u32::from(most);
            taken += 1;
            if column >= EMOTIONS.len() {
                ended = true;
                if sum(&kept) > u32::from(most) {
                    kept[column] = 0;
                    taken -= 1;
                }
                break;
            }
        }
    }
    (2 * sum(&kept) > total && taken <= 3).then_some(kept)
}

/// Every column with at least 30 % of the votes; `None` where together they hold at most half.
fn well_supported(counts: &Votes) -> Option<Votes> {
    let total = sum(counts);
    let kept = counts.map(|count| if 10 * u32::from(count) >= 3 * total { count } else { 0 });
    (2 * sum(&kept) > total).then_some(kept)
}

#[cfg(test)]
mod tests {
    use FerplusLabels::{CrossEntropy, Majority, MultiTarget, Probability, Votes as AllVotes};
    use proptest::prelude::*;

    use super::*;

    // Columns: neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, NF.
    const ALL: [usize; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

    fn shares(pairs: &[(usize, f32)]) -> Result<Vec<f32>, &'static str> {
        let mut label = vec![0.0; 8];
        for &(column, share) in pairs {
            label[column] = share;
        }
        Ok(label)
    }

    #[test]
    fn half_of_the_annotators_decide_what_is_hardly_a_face() {
        assert!(is_hardly_a_face(&[5, 0, 0, 0, 0, 0, 0, 0, 0, 5]));
        assert!(!is_hardly_a_face(&[5, 0, 0, 0, 0, 0, 0, 0, 1, 5]));
        assert!(!is_hardly_a_face(&[0, 0, 0, 0, 0, 0, 0, 0, 10, 0]));
    }

    #[test]
    fn votes_are_divided_by_those_for_chosen_classes() {
        assert_eq!(
            label(AllVotes, &[4, 0, 0, 1, 3, 2, 0, 0, 0, 0], &[0, 4, 3]),
            Ok(vec![0.5, 0.375, 0.125])
        );
        assert_eq!(label(AllVotes, &[1, 0, 0, 0, 0, 0, 0, 0, 4, 5], &ALL), shares(&[(0, 1.0)]));
        assert_eq!(label(AllVotes, &[0, 0, 0, 0, 0, 0, 0, 6, 4, 0], &[0, 1]), Err(NO_CHOSEN_VOTE));
    }

    #[test]
    fn majority_needs_more_than_half_of_the_votes_that_are_not_single() {
        // 5 of 10 is no majority; with two single votes gone it is 5 of 8.
        assert_eq!(label(Majority, &[5, 3, 2, 0, 0, 0, 0, 0, 0, 0], &ALL), Err(NO_MAJORITY));
        assert_eq!(label(Majority, &[5, 3, 1, 1, 0, 0, 0, 0, 0, 0], &ALL), shares(&[(0, 1.0)]));
        assert_eq!(label(Majority, &[0, 3, 0, 0, 0, 0, 0, 0, 7, 0], &ALL), Err(NO_EMOTION));
        assert_eq!(label(Majority, &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1], &ALL), Err(NO_MAJORITY));
        assert_eq!(label(Majority, &[0, 0, 0, 0, 0, 0, 0, 9, 1, 0], &[0, 1]), Err(NO_CHOSEN_VOTE));
    }

    #[test]
    fn cross_entropy_takes_columns_until_three_quarters_are_gathered() {
        // 6 + 2 of 10 reach three quarters; the next 2 is taken too, since it equals the current maximum.
        let votes = [6, 2, 2, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(label(CrossEntropy, &votes, &ALL), shares(&[(0, 0.6), (1, 0.2), (2, 0.2)]));
        assert_eq!(label(Probability, &votes, &ALL), label(CrossEntropy, &votes, &ALL));
        // 8 of 10 is enough alone.
        assert_eq!(label(CrossEntropy, &[8, 2, 0, 0, 0, 0, 0, 0, 0, 0], &ALL), shares(&[(0, 1.0)]));
        // A column after three quarters is cut, and the chosen classes of the rest are normalised again.
        assert_eq!(
            label(CrossEntropy, &[5, 3, 2, 0, 0, 0, 0, 0, 0, 0], &[2, 1]),
            Ok(vec![0.0, 1.0])
        );
    }

    #[test]
    fn cross_entropy_stops_at_unknown_and_takes_it_out_again() {
        assert_eq!(label(CrossEntropy, &[6, 0, 0, 0, 0, 0, 0, 0, 4, 0], &ALL), shares(&[(0, 1.0)]));
        // Exactly half is too little.
        assert_eq!(label(CrossEntropy, &[5, 0, 0, 0, 0, 0, 0, 0, 5, 0], &ALL), Err(NO_AGREEMENT));
        assert_eq!(label(CrossEntropy, &[0, 3, 0, 0, 0, 0, 0, 0, 7, 0], &ALL), Err(NO_EMOTION));
        assert_eq!(label(CrossEntropy, &[4, 0, 0, 0, 0, 0, 0, 0, 6, 0], &ALL), Err(NO_EMOTION));
    }

    #[test]
    fn cross_entropy_leaves_out_more_than_three_columns() {
        assert_eq!(label(CrossEntropy, &[4, 2, 2, 2, 0, 0, 0, 0, 0, 0], &ALL), Err(NO_AGREEMENT));
        assert_eq!(label(CrossEntropy, &[2, 2, 2, 2, 2, 0, 0, 0, 0, 0], &ALL), Err(NO_AGREEMENT));
        assert_eq!(label(CrossEntropy, &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1], &ALL), Err(NO_AGREEMENT));
    }

    #[test]
    fn multi_target_keeps_classes_with_three_tenths_of_the_votes() {
        assert_eq!(
            label(MultiTarget, &[4, 3, 3, 0, 0, 0, 0, 0, 0, 0], &ALL),
            shares(&[(0, 0.4), (1, 0.3), (2, 0.3)])
        );
        // 2 of 10 is too little.
        assert_eq!(
            label(MultiTarget, &[5, 3, 2, 0, 0, 0, 0, 0, 0, 0], &ALL),
            shares(&[(0, 0.625), (1, 0.375)])
        );
        assert_eq!(label(MultiTarget, &[4, 2, 2, 2, 0, 0, 0, 0, 0, 0], &ALL), Err(NO_AGREEMENT));
        assert_eq!(label(MultiTarget, &[3, 0, 0, 0, 0, 0, 0, 0, 7, 0], &ALL), Err(NO_EMOTION));
        // `unknown` is cut off where an emotion has more.
        assert_eq!(label(MultiTarget, &[6, 0, 0, 0, 0, 0, 0, 0, 4, 0], &ALL), shares(&[(0, 1.0)]));
    }

    proptest! {
        #[test]
        fn every_label_sums_to_one_and_stays_within_the_votes(
            votes in prop::array::uniform10(0_u16..11),
            chosen in prop::sample::subsequence(ALL.to_vec(), 2..8),
        ) {
            for rule in [AllVotes, Majority, CrossEntropy, Probability, MultiTarget] {
                if let Ok(label) = label(rule, &votes, &chosen) {
                    prop_assert!((label.iter().sum::<f32>() - 1.0).abs() < 1e-6);
                    for (share, &column) in label.iter().zip(&chosen) {
                        prop_assert!(*share == 0.0 || votes[column] > 0);
                    }
                }
            }
        }
    }
}
