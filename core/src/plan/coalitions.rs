//! Which regions are the players of a cooperative game: those of which every set is a condition.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

/// Regions that Shapley values are computed of, at most: 2^16 sets.
pub const MOST_PLAYERS: usize = 16;

/// Regions of which every set is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coalitions {
    /// The place of the set of all of them.
    pub players: usize,
    /// The place of each of their sets but the empty one, in the order of the numbers whose bit `i` says that player
    /// `i`, in the order of the set of all, is in it: `2^players − 1`.
    pub subsets: Vec<usize>,
}

/// The sets of at least two regions of which every subset (but the empty one) is among `sets`, the largest first. The
/// order of a set's regions means nothing.
pub fn coalitions<'a>(sets: &'a [&'a [String]]) -> impl Iterator<Item = Coalitions> + 'a {
    let places: HashMap<BTreeSet<&str>, usize> = sets
        .iter()
        .enumerate()
        .map(|(place, set)| (set.iter().map(String::as_str).collect(), place))
        .collect();
    let mut largest: Vec<usize> = (0..sets.len()).collect();
    largest.sort_by_key(|&place| Reverse(sets[place].len()));
    let possible =
        |players: usize| (2..=MOST_PLAYERS).contains(&players) && places.len() + 1 >= 1 << players;
    let candidates: Vec<usize> =
        largest.into_iter().filter(|&place| possible(sets[place].len())).collect();
    candidates.into_iter().filter_map(move |place| {
        let players = sets[place];
        let subset = |set: usize| {
            let members = players.iter().enumerate().filter(|(player, _)| set >> player & 1 == 1);
            places.get(&members.map(|(_, name)| name.as_str()).collect()).copied()
        };
        let subsets = (1..1_usize << players.len()).map(subset).collect::<Option<Vec<usize>>>()?;
        Some(Coalitions { players: place, subsets })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sets: &[&[&str]]) -> Vec<Coalitions> {
        let owned: Vec<Vec<String>> =
            sets.iter().map(|set| set.iter().map(|name| (*name).to_owned()).collect()).collect();
        let sets: Vec<&[String]> = owned.iter().map(Vec::as_slice).collect();
        coalitions(&sets).collect()
    }

    #[test]
    fn every_set_of_the_players_is_there_whatever_its_order() {
        let sets: [&[&str]; 8] = [
            &["a"],
            &["b"],
            &["c"],
            &["b", "a"],
            &["c", "a"],
            &["b", "c"],
            &["c", "b", "a"],
            &["d"],
        ];
        let found = found(&sets);
        // c = bit 0, b = bit 1, a = bit 2.
        assert_eq!(found[0], Coalitions { players: 6, subsets: vec![2, 1, 5, 0, 4, 3, 6] });
        let pairs: Vec<usize> = found[1..].iter().map(|of| of.players).collect();
        assert_eq!(pairs, [3, 4, 5]);
    }

    #[test]
    fn a_missing_set_leaves_only_smaller_games() {
        assert_eq!(found(&[&["a"], &["b"], &["a", "b", "c"], &["a", "b"]]).len(), 1);
        assert!(found(&[&["a"], &["a", "b"]]).is_empty());
        assert!(found(&[&["a"], &["b"]]).is_empty(), "one region is no game");
        assert!(found(&[]).is_empty());
    }
}
