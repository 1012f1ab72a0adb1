//! The accuracy of an ideal observer for any set of visible regions.
//!
//! P(signs | emotion) is known, so the best possible prediction from any set of signs is exact; only the average over
//! faces is simulated. No picture is drawn: the observer reads every
//! visible sign without error, which bounds what any network can get from the pixels.

use rayon::prelude::*;

use crate::dataset::leaders;
use crate::experiment::{DatasetSpec, FacesSpec};

use super::actions::PartSet;
use super::expression::draw_confined_signs;
use super::votes::{vote, vote_shares};
use super::{Cast, generator};

/// Simulated faces.
const FACES: u64 = 24_000;
/// Faces per work item: sums are added in this order whatever the number of threads.
const CHUNK: u64 = 500;

/// The ideal observer under one set of visible regions.
#[derive(Debug, Clone, PartialEq)]
pub struct IdealObserver {
    /// The visible regions, in the order of the atlas; empty if none is.
    pub regions: Vec<String>,
    /// The share of faces where the most probable class is the one with most votes, or its share of a tie.
    pub accuracy: f64,
    /// Standard error of `accuracy`, from the simulation.
    pub accuracy_error: f64,
    /// Usable information in bits: the entropy of the mean label less the mean cross-entropy of the
    /// observer's predictions against the labels.
    pub bits: f64,
    /// For each class, the share of its faces (by most votes) that are predicted correctly.
    pub recall: Vec<f64>,
    /// The names of these classes, in their order.
    pub classes: Vec<String>,
}

/// Sums over some faces.
struct Tally {
    /// Of the faces by their class of most votes, `[K]`; classes that tie share a face.
    faces: Vec<f64>,
    /// Faces predicted as `predicted` that have `actual`, for each set: `[sets, actual, predicted]`, over faces where
    /// the most probable class is unique.
    predictions: Vec<f64>,
    /// Faces where all classes are equally probable, for each set and actual class.
    undecided: Vec<f64>,
    /// Sum of the entropies of the observer's predicted vote distribution, bits, for each set.
    entropy: Vec<f64>,
}

/// The ideal observer's accuracy and information under every set of visible regions, the empty one first
/// and the whole face last.
///
/// A vote's distribution given everything visible to an annotator is `vote_shares(posterior)`; given less,
/// it is the mean of that, which by the law of total probability is `vote_shares` of the posterior given
/// less. So the observer's best forecast of the label distribution is known exactly, its mean
/// cross-entropy is its own mean entropy, and `bits` has no error but that of averaging over faces.
///
/// # Panics
///
/// As [`generate`](super::generate).
pub fn truth(spec: &DatasetSpec, faces: &FacesSpec) -> Vec<IdealObserver> {
    let cast = Cast::new(spec, faces);
    let classes = cast.emotions.len();
    let sets: Vec<PartSet> = PartSet::every().collect();

    let tallies: Vec<Tally> = (0..FACES / CHUNK)
        .into_par_iter()
        .map(|chunk| {
            let mut tally = Tally::new(sets.len(), classes);
            for index in chunk * CHUNK..(chunk + 1) * CHUNK {
                tally.add_face(&cast, &sets, faces.seed, index);
            }
            tally
        })
        .collect();
    let mut total = Tally::new(sets.len(), classes);
    tallies.iter().for_each(|tally| total.add(tally));

    sets.iter().enumerate().map(|(index, &set)| total.row(index, set, &spec.classes)).collect()
}

impl Tally {
    fn new(sets: usize, classes: usize) -> Tally {
        Tally {
            faces: vec![0.0; classes],
            predictions: vec![0.0; sets * classes * classes],
            undecided: vec![0.0; sets * classes],
            entropy: vec![0.0; sets],
        }
    }

    fn add_face(&mut self, cast: &Cast, sets: &[PartSet], seed: u64, index: u64) {
        let classes = cast.emotions.len();
        let mut rng = generator(seed, "truth", "", index);
        let emotion = index as usize % classes;
        let signs = draw_confined_signs(emotion, &cast.emotions, &cast.signal, &mut rng);
        let shares = vote_shares(&cast.posterior(&signs, PartSet::EVERYTHING));
        let tied = leaders(&vote(&shares, &mut rng));
        let share = 1.0 / tied.len() as f64;
        tied.iter().for_each(|&actual| self.faces[actual] += share);
        for (place, &set) in sets.iter().enumerate() {
            let posterior = cast.posterior(&signs, set);
            let predicted = favourite(&posterior);
            for &actual in &tied {
                match predicted {
                    Some(predicted) => {
                        self.predictions[(place * classes + actual) * classes + predicted] += share;
                    }
                    None => self.undecided[place * classes + actual] += share,
                }
            }
            let entropy = |share: f64| if share > 0.0 { -share * share.log2() } else { 0.0 };
            self.entropy[place] += vote_shares(&posterior).into_iter().map(entropy).sum::<f64>();
        }
    }

    fn add(&mut self, other: &Tally) {
        self.faces.iter_mut().zip(&other.faces).for_each(|(a, b)| *a += b);
        self.predictions.iter_mut().zip(&other.predictions).for_each(|(a, b)| *a += b);
        self.undecided.iter_mut().zip(&other.undecided).for_each(|(a, b)| *a += b);
        self.entropy.iter_mut().zip(&other.entropy).for_each(|(a, b)| *a += b);
    }

    fn row(&self, place: usize, set: PartSet, names: &[String]) -> IdealObserver {
        let classes = names.len();
        // Without evidence the best prediction is the class that most often has most votes.
        let fallback = (0..classes)
            .rev()
            .max_by(|&a, &b| self.faces[a].total_cmp(&self.faces[b]))
            .unwrap_or(0);
        let right = |actual: usize| -> f64 {
            let undecided =
                if actual == fallback { self.undecided[place * classes + actual] } else { 0.0 };
            self.predictions[(place * classes + actual) * classes + actual] + undecided
        };
        let faces = FACES as f64;
        let accuracy = (0..classes).map(right).sum::<f64>() / faces;
        // Every class is shown and voted for equally often, so the mean label is even.
        let prior = (classes as f64).log2();
        IdealObserver {
            regions: set.iter().map(|part| part.name().to_owned()).collect(),
            accuracy,
            accuracy_error: (accuracy * (1.0 - accuracy) / faces).sqrt(),
            bits: prior - self.entropy[place] / faces,
            recall: (0..classes)
                .map(|class| right(class) / self.faces[class].max(f64::MIN_POSITIVE))
                .collect(),
            classes: names.to_vec(),
        }
    }
}

/// The most probable class; of equal ones the first; `None` where all are equal.
fn favourite(posterior: &[f64]) -> Option<usize> {
    let best = (0..posterior.len()).rev().max_by(|&a, &b| posterior[a].total_cmp(&posterior[b]))?;
    posterior.iter().any(|&share| share < posterior[best]).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::super::tests::specs;
    use super::*;
    use std::sync::OnceLock;

    /// The truth of the usual settings, worked out once for all tests.
    fn usual() -> &'static [IdealObserver] {
        static ROWS: OnceLock<Vec<IdealObserver>> = OnceLock::new();
        ROWS.get_or_init(|| {
            let (spec, faces) = specs();
            truth(&spec, &faces)
        })
    }

    fn row<'a>(rows: &'a [IdealObserver], regions: &[&str]) -> &'a IdealObserver {
        rows.iter().find(|row| row.regions == regions).expect("every set has a row")
    }

    #[test]
    fn nothing_seen_is_chance_and_more_seen_is_never_worse() {
        let rows = usual();
        assert_eq!(rows.len(), 128);
        let nothing = row(rows, &[]);
        assert!(nothing.bits.abs() < 1e-9, "{}", nothing.bits);
        assert!((nothing.accuracy - 1.0 / 7.0).abs() < 0.03);
        assert_eq!(nothing.recall.iter().filter(|&&recall| recall == 1.0).count(), 1);
        assert_eq!(nothing.recall.iter().filter(|&&recall| recall == 0.0).count(), 6);
        for (smaller, a) in rows.iter().enumerate() {
            for (larger, b) in rows.iter().enumerate() {
                if smaller & larger == smaller && smaller != larger {
                    assert!(b.bits > a.bits - 0.01, "{:?} {:?}", a.regions, b.regions);
                    assert!(b.accuracy > a.accuracy - 4.0 * a.accuracy_error);
                }
            }
        }
    }

    /// Properties of the data set: most whole faces can be read; upper and lower face are both informative.
    #[test]
    fn whole_faces_are_readable_and_parts_are_partly() {
        let rows = usual();
        let whole = &rows[127];
        assert!((0.82..0.95).contains(&whole.accuracy), "{}", whole.accuracy);
        for (part, low, high) in [("mouth", 0.5, 0.85), ("brows", 0.3, 0.7), ("eyes", 0.3, 0.6)] {
            let alone = row(rows, &[part]).accuracy;
            assert!((low..high).contains(&alone), "{part} {alone}");
        }
        for part in ["forehead", "nose", "cheeks", "jaw"] {
            let alone = row(rows, &[part]).accuracy;
            assert!((0.2..0.5).contains(&alone), "{part} {alone}");
        }
        let mean = whole.recall.iter().sum::<f64>() / 7.0;
        assert!((mean - whole.accuracy).abs() < 0.05);
    }

    #[test]
    fn signal_in_the_mouth_is_seen_with_the_mouth_only() {
        let (spec, mut faces) = specs();
        faces.signal = vec!["mouth".to_owned()];
        let rows = truth(&spec, &faces);
        let mouth = row(&rows, &["mouth"]).clone();
        let nothing = row(&rows, &[]).clone();
        assert!(mouth.accuracy > 0.5 && mouth.bits > 0.5);
        for row in &rows {
            let like =
                if row.regions.iter().any(|name| name == "mouth") { &mouth } else { &nothing };
            assert_eq!((row.accuracy, row.bits), (like.accuracy, like.bits), "{:?}", row.regions);
        }
    }

    #[test]
    fn worlds_are_as_they_are_called() {
        let (mut spec, faces) = specs();
        spec.classes = vec!["surprise".to_owned(), "anger".to_owned()];
        let accuracies = |signal: &[&str], together: &[[&str; 2]]| {
            let faces = FacesSpec {
                signal: signal.iter().map(|&name| name.to_owned()).collect(),
                together: together.iter().map(|pair| pair.map(str::to_owned)).collect(),
                ..faces.clone()
            };
            let rows = truth(&spec, &faces);
            [&[][..], &["brows"], &["mouth"], &["brows", "mouth"]]
                .map(|set| row(&rows, set).accuracy)
        };
        let [_, brows, mouth, both] = accuracies(&["brows", "mouth"], &[]);
        assert!(brows > 0.85 && mouth > 0.85 && both - brows.max(mouth) < 0.1, "redundant");
        let [nothing, brows, mouth, both] = accuracies(&[], &[["brows", "mouth"]]);
        assert!(nothing < 0.6 && brows == nothing && mouth == nothing, "{nothing} {brows} {mouth}");
        assert!(both > nothing + 0.25, "interacting: {both}");
        let none = accuracies(&[], &[]);
        // Ten annotators who guess disagree for a quarter of the faces, which neither class has.
        assert!((none[0] - 0.5).abs() < 0.01, "{none:?}");
        assert!(none.iter().all(|same| *same == none[0]), "{none:?}");
    }

    #[test]
    fn a_subset_of_classes_is_easier() {
        let (mut spec, faces) = specs();
        spec.classes = vec!["surprise".to_owned(), "happiness".to_owned()];
        let rows = truth(&spec, &faces);
        assert!(rows[127].accuracy > 0.95);
        assert!((rows[0].accuracy - 0.5).abs() < 0.02);
        assert_eq!(rows[127].recall.len(), 2);
    }

    #[test]
    fn truth_is_the_same_twice() {
        let (spec, faces) = specs();
        assert_eq!(truth(&spec, &faces), usual());
    }
}
