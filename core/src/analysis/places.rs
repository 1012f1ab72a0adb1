//! The places of controls as a random factor.
//!
//! Another draw of places would give other controls: two draws of one study have differed by as much as the signal. The
//! places of a condition are nested in it and crossed with its seeds, because every seed uses the same places. A place's
//! mean over seeds and images varies between places and by seeds and images; the latter is part of the variance of seeds
//! and images already, so only the excess is added,
//!
//! ```text
//! Var(signal) += max(MS_places − MS_rest, 0) / (S·K)
//! ```
//!
//! of the means over images, S seeds × K places. One condition has few places: their mean square is shrunk towards
//! those of its mode and phase as the seeds' is (`moderated`; Smyth 2004), with K − 1 degrees of freedom and theirs. Where every
//! condition has one place alone, how much the places of different conditions differ stands for it: too much, since
//! their areas differ too, so that the interval is wide; with one condition and one place there is no
//! estimate and no interval.

use std::collections::BTreeMap;

use super::cells::{Family, Masked, Pair, controlled, family};
use super::crossed::{Differences, Part};
use super::metric::mean;
use super::moderated::Prior;
use super::scores::RunScores;

/// The controls of one condition: means over images, places × seeds.
struct Shown {
    table: Differences,
}

impl Shown {
    /// Of the places that all of its seeds have. `None` without controls.
    fn of(pairs: &[Pair], mean_of: &dyn Fn(&RunScores) -> f64) -> Option<Shown> {
        let of_seeds: Vec<BTreeMap<Option<u32>, f64>> = controlled(pairs)
            .into_iter()
            .map(|pair| {
                let value = |control: &&RunScores| (control.run.draw, mean_of(control));
                pair.controls.iter().map(value).collect()
            })
            .collect();
        let met = |draw: &&Option<u32>| of_seeds.iter().all(|of_seed| of_seed.contains_key(*draw));
        let places: Vec<Option<u32>> = of_seeds.first()?.keys().filter(met).copied().collect();
        let table = Differences::from_fn(places.len(), of_seeds.len(), |place, seed| {
            of_seeds[seed][&places[place]]
        });
        Some(Shown { table: table? })
    }

    fn places(&self) -> f64 {
        self.table.seeds() as f64
    }

    fn seeds(&self) -> f64 {
        self.table.images() as f64
    }
}

/// The variance between places, in each mode and phase of a cell.
pub(super) struct Places(BTreeMap<Family, OfFamily>);

struct OfFamily {
    prior: Prior,
    /// What seeds make of each place, a mean square; 0 where no condition has several seeds and places.
    rest: f64,
}

impl Places {
    /// `mean_of` is the mean over the images in question.
    pub fn of(paired: &[(&Masked, Vec<Pair>)], mean_of: &dyn Fn(&RunScores) -> f64) -> Places {
        let mut families: BTreeMap<Family, Vec<Shown>> = BTreeMap::new();
        for (masked, pairs) in paired {
            families.entry(family(masked)).or_default().extend(Shown::of(pairs, mean_of));
        }
        let known = |(family, shown): (_, Vec<Shown>)| Some((family, OfFamily::of(&shown)?));
        Places(families.into_iter().filter_map(known).collect())
    }

    /// The contribution of a condition's places to the variance of its signal; `None` if it cannot be estimated.
    pub fn part(
        &self,
        masked: &Masked,
        pairs: &[Pair],
        mean_of: &dyn Fn(&RunScores) -> f64,
    ) -> Option<Part> {
        let OfFamily { prior, rest } = self.0.get(&family(masked))?;
        let shown = Shown::of(pairs, mean_of)?;
        let (square, freedom) = match shown.places() {
            1.0 => prior.unseen(),
            places => prior.moderate(shown.table.mean_squares().seeds, places - 1.0),
        };
        let variance = (square - rest).max(0.0) / (shown.seeds() * shown.places());
        Some(Part { variance, freedom })
    }
}

impl OfFamily {
    /// `None` if the variance between places cannot be estimated.
    fn of(shown: &[Shown]) -> Option<OfFamily> {
        let several: Vec<&Shown> = shown.iter().filter(|shown| shown.places() > 1.0).collect();
        if several.is_empty() {
            let means: Vec<f64> = shown.iter().map(|shown| shown.table.mean()).collect();
            if means.len() < 2 {
                return None;
            }
            // Over the conditions instead; as if of one place, S times as much.
            let freedom = means.len() as f64 - 1.0;
            let middle = mean(means.iter().copied());
            let square = means.iter().map(|mean| (mean - middle).powi(2)).sum::<f64>() / freedom;
            let seeds = mean(shown.iter().map(Shown::seeds));
            return Some(OfFamily {
                prior: Prior::apart(&[(seeds * square, freedom)])?,
                rest: 0.0,
            });
        }
        let squares: Vec<(f64, f64)> = several
            .iter()
            .map(|shown| (shown.table.mean_squares().seeds, shown.places() - 1.0))
            .collect();
        let (mut sum, mut freedom) = (0.0, 0.0);
        for shown in several.iter().filter(|shown| shown.seeds() > 1.0) {
            let of_shown = (shown.places() - 1.0) * (shown.seeds() - 1.0);
            sum += of_shown * shown.table.mean_squares().rest;
            freedom += of_shown;
        }
        let rest = if freedom > 0.0 { sum / freedom } else { 0.0 };
        // Places that do not differ at all, as where no control changes a prediction.
        let none = Prior::known(0.0, several.iter().map(|shown| shown.places() - 1.0).sum());
        Some(OfFamily { prior: Prior::apart(&squares).unwrap_or(none), rest })
    }
}

#[cfg(test)]
mod tests {
    use super::super::cells::{cells, paired};
    use super::super::effects::fixture::{run, scored};
    use super::super::metric::Metric;
    use super::*;
    use crate::store::RunRow;

    const IMAGES: usize = 20;

    /// Of 20 images of one class, this many are predicted correctly, the first ones.
    fn right(row: RunRow, count: usize) -> RunScores {
        let predicted: Vec<usize> = (0..IMAGES).map(|image| usize::from(image >= count)).collect();
        scored(row, &[0; IMAGES], &predicted)
    }

    /// A region whose controls have this many correct predictions, `[seed][place]`.
    fn condition(region: &str, controls: &[&[usize]]) -> Vec<RunScores> {
        let mut runs = Vec::new();
        for (seed, of_seed) in (1..).zip(controls) {
            let row = |id: String, control| RunRow {
                control,
                ..run(&format!("{region}{id}"), &[region], "hide", seed)
            };
            runs.push(right(row(format!("{seed}"), false), 5));
            for (draw, count) in (0..).zip(*of_seed) {
                let row = RunRow { draw: Some(draw), ..row(format!("{seed}-{draw}"), true) };
                runs.push(right(row, *count));
            }
        }
        runs
    }

    fn study(conditions: &[(&str, &[&[usize]])]) -> Vec<RunScores> {
        let whole = (1..4).map(|seed| right(run(&format!("w{seed}"), &[], "none", seed), IMAGES));
        let covered = conditions.iter().flat_map(|(region, controls)| condition(region, controls));
        whole.chain(covered).collect()
    }

    /// The contribution of the places of each condition.
    fn parts(runs: &[RunScores]) -> Vec<Option<Part>> {
        let cells = cells(runs).unwrap();
        let paired = paired(&cells[0]).unwrap();
        let share = |run: &RunScores| Metric::Accuracy.mean(run);
        let places = Places::of(&paired, &share);
        paired.iter().map(|(covered, pairs)| places.part(covered, pairs, &share)).collect()
    }

    fn close(found: Part, variance: f64, freedom: f64) {
        assert!((found.variance - variance).abs() < 1e-12, "{} is not {variance}", found.variance);
        assert_eq!(found.freedom, freedom);
    }

    /// Means of 0.5 and 0.7: MS of places 2·2·0.01, and of the rest (0.05²·4)/1 = 0.01, over 2 seeds × 2 places.
    #[test]
    fn places_add_what_lies_beyond_seeds_and_images() {
        let [Some(part)] = parts(&study(&[("mouth", &[&[11, 13], &[9, 15]])]))[..] else {
            panic!()
        };
        close(part, (0.04 - 0.01) / 4.0, 1.0);
        // Places that differ no more than the seeds of each make them.
        let [Some(part)] = parts(&study(&[("mouth", &[&[10, 14], &[14, 10]])]))[..] else {
            panic!()
        };
        close(part, 0.0, 1.0);
        let [Some(part)] = parts(&study(&[("mouth", &[&[10, 10], &[10, 10]])]))[..] else {
            panic!()
        };
        close(part, 0.0, 1.0);
    }

    #[test]
    fn a_single_place_learns_from_other_conditions() {
        // Of one seed: nothing is taken off. The eyes' places differ by 0.2, a mean square of 0.02.
        let found = parts(&study(&[("mouth", &[&[10]]), ("eyes", &[&[8, 12]])]));
        close(found[0].unwrap(), 0.02, 1.0);
        close(found[1].unwrap(), 0.01, 1.0);
        // No condition has two places: the variance between conditions, 0.1.
        let found = parts(&study(&[("mouth", &[&[10]]), ("eyes", &[&[12]])]));
        close(found[0].unwrap(), 0.005, 1.0);
        assert_eq!(parts(&study(&[("mouth", &[&[10], &[12]])])), [None]);
        assert_eq!(parts(&study(&[("mouth", &[&[], &[]])])), [None]);
    }
}
