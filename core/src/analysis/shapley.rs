//! Shapley attribution to the regions: exact Shapley values (Shapley 1953, "A value for
//! n-person games").
//!
//! The worth of a set of regions is the metric with only these regions visible, as the `keep` conditions measure it: with
//! a set hidden instead, hair and background are visible too, and that is another game. A value is linear in the worths,
//! so that it can be computed for every seed and image separately; its interval is that of any other mean over seeds
//! and images, and the probability that it is the largest is computed like other ranks.

use super::cells::{Cell, EffectsError, Masked, cells, same_images};
use super::chance::{recall_without_looking, without_looking};
use super::crossed::{Differences, Estimate};
use super::holm::{ALPHA, holm};
use super::metric::Metric;
use super::moderated::{Prior, Spread};
use super::ranking::rank_probabilities;
use super::scores::{OfClass, RunScores};
use crate::plan::{Coalitions, coalitions};
use crate::region::{Masking, Mode, Phase};
use crate::store::{NoneSeen, ShapleyContrastRow, ShapleyRow, Worth};

/// The phases in which the network is evaluated on masked images.
const PHASES: [Phase; 4] = [Phase::Retrain, Phase::Evaluate, Phase::Amortised, Phase::Tuned];

/// What the games of a study give.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Divided {
    /// Every region's value.
    pub values: Vec<ShapleyRow>,
    /// The differences of every two regions' values.
    pub contrasts: Vec<ShapleyContrastRow>,
}

/// Every region's Shapley value, for accuracy, bits and each class's recall, and the differences of the values.
///
/// There is a game for each setting, phase and fill of `keep`, over the largest set of regions (at least two) of which
/// every subset was measured, and over the seeds that have all subsets. The empty set's worth is what the
/// network itself predicts where all of the face is masked, in `evaluate` and `amortised`; in `retrain`, where each set
/// has a network of its own and that one would learn the best constant prediction, and in studies of before nothing visible
/// was evaluated, it is that prediction's ([`chance`](super::chance())). Each row says which. It enters every value of a
/// game alike, divided by the number of regions, so that no order depends on it.
///
/// The values sum to the worth of all regions less that of none. p is corrected by Holm within a metric of a game: over its
/// regions, over its pairs of regions, and of recall over those of all classes.
///
/// # Errors
/// As of [`effects`](super::effects()).
pub fn shapley(runs: &[RunScores]) -> Result<Divided, EffectsError> {
    let mut divided = Divided::default();
    for cell in &cells(runs)? {
        for game in games(cell)? {
            game.divide(cell, &mut divided)?;
        }
    }
    Ok(divided)
}

/// The games of one setting, by phase and fill.
pub(super) fn games<'a>(cell: &Cell<'a>) -> Result<Vec<Game<'a>>, EffectsError> {
    let games = by_setting(cell);
    games.iter().filter_map(|sets| Game::of(sets).transpose()).collect()
}

/// The Shapley values of the game in which set `T` is worth `worths[T]`, where bit `i` of `T` says that
/// player `i` is in it.
///
/// # Panics
/// Where the number of worths is no power of two.
pub fn shapley_values(worths: &[f64]) -> Vec<f64> {
    assert!(worths.len().is_power_of_two(), "{} worths", worths.len());
    let players = worths.len().trailing_zeros() as usize;
    let value = |player| {
        let shares = worths.iter().enumerate();
        shares.map(|(set, worth)| coefficient(players, player, set) * worth).sum()
    };
    (0..players).map(value).collect()
}

/// The weight of the worth of `set` in the value of `player`: the share of the orders of all players in
/// which the player completes the set, or (less) is the next to join it.
fn coefficient(players: usize, player: usize, set: usize) -> f64 {
    let size = set.count_ones() as usize;
    let member = set >> player & 1 == 1;
    let before = if member { size - 1 } else { size };
    // before! (players − before − 1)! / players!
    let mut share = 1.0 / players as f64;
    for k in 0..before {
        share *= (k + 1) as f64 / (players - 1 - k) as f64;
    }
    if member { share } else { -share }
}

/// The maskings that leave only regions visible, by phase and fill in order of first occurrence.
fn by_setting<'a, 'b>(cell: &'b Cell<'a>) -> Vec<Vec<&'b Masked<'a>>> {
    let mut settings: Vec<Vec<&Masked>> = Vec::new();
    let played = |masking: Masking| masking.mode == Mode::Keep && PHASES.contains(&masking.phase);
    let all = cell.masked.iter().chain(&cell.nothing);
    for masked in all.filter(|masked| played(masked.masking)) {
        let same = |sets: &&mut Vec<&Masked>| sets[0].masking == masked.masking;
        match settings.iter_mut().find(same) {
            Some(sets) => sets.push(masked),
            None => settings.push(vec![masked]),
        }
    }
    settings
}

/// The worths of every set of some regions.
pub(super) struct Game<'a> {
    pub masking: Masking,
    pub players: &'a [String],
    /// By seed, then by set; the empty set is `None` if it has no run.
    worths: Vec<Vec<Option<&'a RunScores>>>,
}

/// What is divided.
#[derive(Clone, Copy)]
pub(super) enum Stake<'a> {
    Of(Metric),
    /// Of a class, over its images.
    Recall(u16, &'a OfClass),
}

/// The value of each player, seed by seed and image by image, and the total.
struct Division {
    /// `[players][seeds][images]`
    values: Vec<Vec<Vec<f64>>>,
    /// The worth of no player and of all, `[seeds][images]`.
    none: Vec<Vec<f64>>,
    all: Vec<Vec<f64>>,
}

impl<'a> Game<'a> {
    fn of(sets: &[&Masked<'a>]) -> Result<Option<Game<'a>>, EffectsError> {
        let regions: Vec<&[String]> = sets.iter().map(|masked| masked.regions).collect();
        let nothing = sets.iter().find(|masked| masked.regions.is_empty()).copied();
        for Coalitions { players, subsets } in coalitions(&regions) {
            let candidate = sets[players];
            let members: Vec<&Masked> = subsets.into_iter().map(|place| sets[place]).collect();
            let worths: Vec<Vec<Option<&RunScores>>> = candidate
                .by_seed
                .keys()
                .filter_map(|seed| {
                    let empty = match nothing {
                        Some(nothing) => Some(*nothing.by_seed.get(seed)?),
                        None => None,
                    };
                    let seen = members.iter().map(|set| set.by_seed.get(seed).copied().map(Some));
                    std::iter::once(Some(empty)).chain(seen).collect()
                })
                .collect();
            if worths.is_empty() {
                continue;
            }
            same_images(worths.iter().flatten().flatten().copied())?;
            return Ok(Some(Game {
                masking: candidate.masking,
                players: candidate.regions,
                worths,
            }));
        }
        Ok(None)
    }

    /// The rows of accuracy, bits, and the recalls.
    fn divide(&self, cell: &Cell, divided: &mut Divided) -> Result<(), EffectsError> {
        let test = &self.worths[0].last().and_then(|all| *all).expect("all are seen").test;
        for (metric, worth) in [(Metric::Accuracy, Worth::Accuracy), (Metric::Bits, Worth::Bits)] {
            let of_metric = self.rows(cell, worth, None, &self.division(Stake::Of(metric))?);
            divided.add(of_metric);
        }
        let mut recalls = Divided::default();
        for (class, images) in test.by_class() {
            let emotion = Some(test.classes[usize::from(class)].clone());
            let recall = self.division(Stake::Recall(class, &images))?;
            let Divided { values, contrasts } = self.rows(cell, Worth::Recall, emotion, &recall);
            recalls.values.extend(values);
            recalls.contrasts.extend(contrasts);
        }
        divided.add(recalls);
        Ok(())
    }

    /// Every player's value in the game of one seed and image.
    fn division(&self, stake: Stake) -> Result<Division, EffectsError> {
        let players = self.players.len();
        let values =
            self.shares(stake, players, &|player, set| coefficient(players, player, set))?;
        let of_set = |set| {
            self.worths.iter().map(|sets| self.worth(stake, sets, set)).collect::<Result<_, _>>()
        };
        Ok(Division { values, none: of_set(0)?, all: of_set((1 << players) - 1)? })
    }

    /// Weighted sums over the worths of all sets, seed by seed and image by image: `[count][seeds][images]`, with
    /// the `weight` of each set in each sum.
    pub(super) fn shares(
        &self,
        stake: Stake,
        count: usize,
        weight: &dyn Fn(usize, usize) -> f64,
    ) -> Result<Vec<Vec<Vec<f64>>>, EffectsError> {
        let mut shares = vec![Vec::new(); count];
        for sets in &self.worths {
            let mut of_seed = vec![Vec::new(); count];
            for set in 0..sets.len() {
                let worth = self.worth(stake, sets, set)?;
                for (index, share) in of_seed.iter_mut().enumerate() {
                    share.resize(worth.len(), 0.0);
                    let weight = weight(index, set);
                    for (share, worth) in share.iter_mut().zip(&worth) {
                        *share += weight * worth;
                    }
                }
            }
            for (shares, of_seed) in shares.iter_mut().zip(of_seed) {
                shares.push(of_seed);
            }
        }
        Ok(shares)
    }

    /// The worth of a set for one seed, image by image; for an empty set without a run, the best constant prediction's.
    fn worth(
        &self,
        stake: Stake,
        sets: &[Option<&RunScores>],
        set: usize,
    ) -> Result<Vec<f64>, EffectsError> {
        match (stake, sets[set]) {
            (Stake::Of(metric), Some(scores)) => {
                let missing = || EffectsError::NoBits { run_id: scores.run.run_id.clone() };
                metric.worths(scores).ok_or_else(missing)
            }
            (Stake::Of(metric), None) => {
                let Some(seen) = sets.iter().flatten().next() else { return Ok(Vec::new()) };
                let worth = |image| without_looking(metric, &seen.test, image);
                Ok((0..seen.images()).map(worth).collect())
            }
            (Stake::Recall(class, OfClass { images, weights }), Some(scores)) => {
                let named = |image: &usize| f64::from(u8::from(scores.predicted[*image] == class));
                Ok(images
                    .iter()
                    .zip(weights)
                    .map(|(image, weight)| named(image) * weight)
                    .collect())
            }
            (Stake::Recall(class, OfClass { weights, .. }), None) => {
                let Some(seen) = sets.iter().flatten().next() else { return Ok(Vec::new()) };
                let named = recall_without_looking(&seen.test, class);
                Ok(weights.iter().map(|weight| named * weight).collect())
            }
        }
    }

    /// The method of a number computed from all sets, with an interval by `interval`.
    pub(super) fn method(&self, interval: &str) -> String {
        let nothing = match self.worths[0][0] {
            Some(_) => "; with none visible the network's predictions for masked faces",
            None => "; with none visible the commonest class and 0 bits, by definition",
        };
        format!("exact over {} sets; {interval}{nothing}", self.worths[0].len())
    }

    /// Without correction, and with nothing decided.
    fn rows(
        &self,
        cell: &Cell,
        metric: Worth,
        emotion: Option<String>,
        division: &Division,
    ) -> Divided {
        let images = division.all.first().map_or(0, Vec::len);
        let over = |worths: &Vec<Vec<f64>>| {
            Differences::from_fn(worths.len(), images, |seed, image| worths[seed][image])
        };
        let Some((none, all)) = over(&division.none).zip(over(&division.all)) else {
            return Divided::default();
        };
        let tables: Vec<Differences> = division.values.iter().filter_map(over).collect();
        let ranks = rank_probabilities(&tables);
        let seeds = u32::try_from(all.seeds()).unwrap_or(u32::MAX);
        let Masking { phase, fill, .. } = self.masking;
        // The players of a game are a family, like its maskings.
        let value = |((region, estimate), ranks): ((&String, Estimate), Vec<f64>)| {
            let Estimate { mean, interval, p, method } = estimate;
            let (low, high) = interval.unzip();
            ShapleyRow {
                region: region.clone(),
                metric,
                emotion: emotion.clone(),
                phase,
                fill,
                value: mean,
                low,
                high,
                p,
                p_adjusted: None,
                undecided: Vec::new(),
                first: ranks[0],
                none_seen: none.mean(),
                none_by: match self.worths[0][0] {
                    Some(_) => NoneSeen::Network,
                    None => NoneSeen::Constant,
                },
                all_seen: all.mean(),
                seeds,
                images: images as u64,
                method: self.method(method),
                swept: cell.swept.clone(),
            }
        };
        let pairs = pairs(self.players.len());
        let less = |(one, other): &(usize, usize)| {
            let (one, other) = (&tables[*one], &tables[*other]);
            Differences::from_fn(one.seeds(), images, |seed, image| {
                one.of_seed(seed)[image] - other.of_seed(seed)[image]
            })
        };
        let differences: Vec<Differences> = pairs.iter().filter_map(less).collect();
        let contrast = |((one, other), estimate): (&(usize, usize), Estimate)| {
            let Estimate { mean, interval, p, method } = estimate;
            let (low, high) = interval.unzip();
            ShapleyContrastRow {
                region: self.players[*one].clone(),
                against: self.players[*other].clone(),
                metric,
                emotion: emotion.clone(),
                phase,
                fill,
                difference: mean,
                low,
                high,
                p,
                p_adjusted: None,
                seeds,
                images: images as u64,
                method: method.to_owned(),
                swept: cell.swept.clone(),
            }
        };
        let values = self.players.iter().zip(estimates(&tables)).zip(ranks).map(value).collect();
        let contrasts = pairs.iter().zip(estimates(&differences)).map(contrast).collect();
        Divided { values, contrasts }
    }
}

impl Divided {
    /// Adds the rows of one metric of one game, which are corrected together.
    fn add(&mut self, mut of_metric: Divided) {
        let Divided { values, contrasts } = &mut of_metric;
        let adjusted = holm(&contrasts.iter().map(|row| row.p).collect::<Vec<_>>());
        for (row, adjusted) in contrasts.iter_mut().zip(adjusted) {
            row.p_adjusted = adjusted;
        }
        let adjusted = holm(&values.iter().map(|row| row.p).collect::<Vec<_>>());
        for (row, adjusted) in values.iter_mut().zip(adjusted) {
            row.p_adjusted = adjusted;
            for contrast in contrasts.iter().filter(|contrast| contrast.emotion == row.emotion) {
                let other = match &row.region {
                    own if *own == contrast.region => &contrast.against,
                    own if *own == contrast.against => &contrast.region,
                    _ => continue,
                };
                if !contrast.p_adjusted.is_some_and(|p| p < ALPHA) {
                    row.undecided.push(other.clone());
                }
            }
        }
        self.values.append(values);
        self.contrasts.append(contrasts);
    }
}

/// The estimates of a family of tables, whose seeds' variance is moderated together.
pub(super) fn estimates(tables: &[Differences]) -> Vec<Estimate> {
    let spreads: Vec<Spread> = tables.iter().filter_map(Spread::of).collect();
    let prior = Prior::of(&spreads);
    tables.iter().map(|table| table.estimate_among(prior.as_ref())).collect()
}

/// Every two of so many players, in the order (0, 1), (0, 2) … (1, 2) …
pub(super) fn pairs(players: usize) -> Vec<(usize, usize)> {
    (0..players).flat_map(|a| (a + 1..players).map(move |b| (a, b))).collect()
}

#[cfg(test)]
mod tests;
