//! The interaction of two regions: exact Shapley interaction indices (Grabisch & Roubens 1999,
//! "An axiomatic approach to the concept of interaction among players in cooperative games", eq. 7).
//!
//! Over every set T of the other regions, visible besides, the pair's interaction is
//!
//! ```text
//! I(a, b) = Σ_T |T|! (n − |T| − 2)! / (n − 1)! · (v(T ∪ ab) − v(T ∪ a) − v(T ∪ b) + v(T))
//! ```
//!
//! Above 0 the two are synergistic: each is worth more where the other is visible. Below 0 they are redundant. With a
//! `keep` condition for every set of regions it is exact, and because it is linear in the worths like a Shapley value,
//! it has an interval like any other mean over seeds and images.

use super::cells::{Cell, EffectsError, cells};
use super::crossed::{Differences, Estimate};
use super::holm::holm;
use super::metric::Metric;
use super::scores::RunScores;
use super::shapley::{Game, Stake, estimates, games, pairs};
use crate::store::{InterplayRow, Worth};

/// The interaction of every pair of regions in the games of [`shapley`](super::shapley()), for accuracy and bits.
///
/// # Errors
/// As of [`effects`](super::effects()).
pub fn interplay(runs: &[RunScores]) -> Result<Vec<InterplayRow>, EffectsError> {
    let mut rows = Vec::new();
    for cell in &cells(runs)? {
        for game in games(cell)? {
            for (metric, worth) in
                [(Metric::Accuracy, Worth::Accuracy), (Metric::Bits, Worth::Bits)]
            {
                rows.extend(of_game(cell, &game, metric, worth)?);
            }
        }
    }
    Ok(rows)
}

fn of_game(
    cell: &Cell,
    game: &Game,
    metric: Metric,
    worth: Worth,
) -> Result<Vec<InterplayRow>, EffectsError> {
    let players = game.players.len();
    let pairs = pairs(players);
    let shares = game.shares(Stake::Of(metric), pairs.len(), &|pair: usize, set| {
        let (a, b) = pairs[pair];
        coefficient(players, a, b, set)
    })?;
    let tables: Vec<Differences> = shares
        .iter()
        .filter_map(|of_seeds| {
            let images = of_seeds.first()?.len();
            Differences::from_fn(of_seeds.len(), images, |seed, image| of_seeds[seed][image])
        })
        .collect();
    let estimates = estimates(&tables);
    let adjusted = holm(&estimates.iter().map(|estimate| estimate.p).collect::<Vec<_>>());
    let row = |(((a, b), table), (estimate, p_adjusted)): (((usize, usize), &Differences), _)| {
        let Estimate { mean, interval, p, method }: Estimate = estimate;
        let (low, high) = interval.unzip();
        InterplayRow {
            pair: [a, b].map(|player| game.players[player].clone()).to_vec(),
            metric: worth,
            phase: game.masking.phase,
            fill: game.masking.fill,
            value: mean,
            low,
            high,
            p,
            p_adjusted,
            seeds: u32::try_from(table.seeds()).unwrap_or(u32::MAX),
            images: table.images() as u64,
            method: game.method(method),
            swept: cell.swept.clone(),
        }
    };
    let estimated = estimates.into_iter().zip(adjusted);
    Ok(pairs.iter().copied().zip(&tables).zip(estimated).map(row).collect())
}

/// The interaction index of every pair of players, in the order (0, 1), (0, 2) … (1, 2) …, in the game in which set
/// `T` is worth `worths[T]`, where bit `i` of `T` says that player `i` is in it.
///
/// # Panics
/// Where the number of worths is no power of two.
pub fn interactions(worths: &[f64]) -> Vec<((usize, usize), f64)> {
    assert!(worths.len().is_power_of_two(), "{} worths", worths.len());
    let players = worths.len().trailing_zeros() as usize;
    let index = |(a, b): (usize, usize)| {
        let shares = worths.iter().enumerate();
        ((a, b), shares.map(|(set, worth)| coefficient(players, a, b, set) * worth).sum())
    };
    pairs(players).into_iter().map(index).collect()
}

/// The weight of the worth of `set` in the interaction of two players: the share of the orders of all players, the
/// two as one, in which what else is in the set comes before them; less where one of the two alone is in it.
fn coefficient(players: usize, a: usize, b: usize, set: usize) -> f64 {
    let of_pair = (set >> a & 1) + (set >> b & 1);
    let before = set.count_ones() as usize - of_pair;
    // before! (players − before − 2)! / (players − 1)!
    let mut share = 1.0 / (players - 1) as f64;
    for k in 0..before {
        share *= (k + 1) as f64 / (players - 2 - k) as f64;
    }
    if of_pair == 1 { -share } else { share }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::effects::fixture::{run, scored};
    use super::super::shapley_values;
    use super::*;

    fn game(players: u32, worth: impl Fn(usize) -> f64) -> Vec<f64> {
        let worths: Vec<f64> = (0..1 << players).map(worth).collect();
        interactions(&worths).into_iter().map(|(_, value)| value).collect()
    }

    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 1e-12, "{found:?} is not {expected:?}");
        }
    }

    fn has(set: usize, players: usize) -> f64 {
        f64::from(u8::from(set & players == players))
    }

    #[test]
    fn games_with_known_answers() {
        // Additive: no interaction.
        close(&game(3, |set| 0.5 * has(set, 1) + 0.25 * has(set, 2)), &[0.0; 3]);
        // Both of two: only together. Either of two: one is enough.
        close(&game(2, |set| has(set, 3)), &[1.0]);
        close(&game(2, |set| has(set, 1).max(has(set, 2))), &[-1.0]);
        // Both of the first two, beside a third that adds its own.
        close(&game(3, |set| has(set, 3) + 0.25 * has(set, 4)), &[1.0, 0.0, 0.0]);
        // All three: each pair only where the third is visible, half of the orders.
        close(&game(3, |set| has(set, 7)), &[0.5; 3]);
        // A majority of three: the pair without the third makes it, with the third either is enough.
        close(&game(3, |set| f64::from(u8::from(set.count_ones() > 1))), &[0.0; 3]);
        // The square of how many: 2 whatever else is visible.
        close(&game(4, |set| f64::from(set.count_ones()).powi(2)), &[2.0; 6]);
        assert!(game(1, |set| has(set, 1)).is_empty());
    }

    proptest! {
        /// I(a, b) is the value of a where b is always visible, less where it never is (Grabisch & Roubens 1999).
        #[test]
        fn an_interplay_is_what_the_other_changes(worths in prop::collection::vec(-1.0f64..1.0, 16)) {
            for ((a, b), value) in interactions(&worths) {
                // The games of the others and a, with b visible and without.
                let without: Vec<usize> = (0..16).filter(|set| set >> b & 1 == 0).collect();
                let of = |seen: usize| {
                    let game: Vec<f64> = without.iter().map(|set| worths[set | seen]).collect();
                    shapley_values(&game)[a - usize::from(a > b)]
                };
                prop_assert!((value - (of(1 << b) - of(0))).abs() < 1e-12);
            }
        }
    }

    /// Four images are correct only if both are visible, four if either is, and nine show the class that is the
    /// constant prediction.
    #[test]
    fn a_study_of_two_regions() {
        let actual: Vec<usize> = (0..17).map(|image| usize::from(image >= 8)).collect();
        let mut runs = Vec::new();
        for seed in [1, 2] {
            for (set, right) in
                [(&["eyes"][..], 4..8), (&["mouth"], 4..8), (&["eyes", "mouth"], 0..8)]
            {
                let predicted: Vec<usize> =
                    (0..17).map(|image| usize::from(!right.contains(&image))).collect();
                let row = run(&format!("{}{seed}", set.join("+")), set, "keep", seed);
                runs.push(scored(row, &actual, &predicted));
            }
        }
        let rows = interplay(&runs).unwrap();
        let [accuracy, bits] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(accuracy.pair, ["eyes", "mouth"]);
        assert_eq!((accuracy.metric, bits.metric), (Worth::Accuracy, Worth::Bits));
        // 1 for four images, −1 for four.
        assert!(accuracy.value.abs() < 1e-12, "{accuracy:?}");
        assert_eq!((accuracy.seeds, accuracy.images, accuracy.p_adjusted), (2, 17, accuracy.p));
        let (low, high) = accuracy.low.zip(accuracy.high).unwrap();
        assert!(low < -0.3 && high > 0.3, "{low} to {high}");
        assert!(accuracy.method.starts_with("exact over 4 sets; "), "{}", accuracy.method);
    }
}
