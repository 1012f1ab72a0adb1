//! The list of a source's images, before any picture is decoded.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use rand::seq::SliceRandom;

use super::carve::{carve, carve_groups};
use super::inputs::Inputs;
use super::landmark_tables::Points;
use super::{DatasetError, Remarks, Split, first_maximum, leaders};
use crate::random;

/// The number of images excluded from each split, by reason. Every split has an entry.
pub type LeftOut = BTreeMap<Split, BTreeMap<String, usize>>;

/// Why an image is excluded whose annotators chose other classes.
pub const NO_CHOSEN_VOTE: &str = "no vote for a chosen class";

/// Why an image is excluded where an experiment takes but a few.
pub const BEYOND_LIMIT: &str = "more than `dataset.limit`";

/// A data set whose files are found but not read.
pub trait Catalogue {
    fn root(&self) -> &Path;

    /// All files that the data set is made of.
    fn inputs(&self) -> &Inputs;

    /// Reads the labels; `classes` in class order.
    fn list(&self, classes: &[String]) -> Result<Listing, DatasetError>;
}

/// Every image to be kept, in the source's own order, and the excluded ones.
#[derive(Debug)]
pub struct Listing {
    pub entries: Vec<Entry>,
    pub left_out: LeftOut,
    /// The splits that are drawn from the training images.
    pub carved: Vec<Split>,
    pub remarks: Remarks,
}

/// One image: its name, where its pixels are, its label distribution in class order.
#[derive(Debug)]
pub struct Entry {
    pub split: Split,
    pub name: String,
    /// Its name in tables of landmarks: its own, except where a source repeats a name.
    pub listed_as: String,
    pub picture: Picture,
    /// Sums to 1.
    pub label: Vec<f32>,
    pub points: Points,
    /// Which images belong together: those of one person, say. `None`: it belongs to no other.
    pub group: Option<String>,
}

/// Pixels not yet in the experiment's size.
#[derive(Debug)]
pub enum Picture {
    File(PathBuf),
    /// A face in a picture with more around it.
    Part {
        path: PathBuf,
        place: Place,
    },
    /// Grey values in row-major order, as FER2013's CSV holds them.
    Grey {
        width: u32,
        height: u32,
        values: Box<[u8]>,
    },
}

/// A rectangle of a picture as it is shown, upright: pixels from its top left, `right` and `bottom` the first ones beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    pub left: u32,
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
}

impl Place {
    /// As much of it as lies in a picture of that width and height; `None` where nothing does.
    pub fn within(self, [width, height]: [u32; 2]) -> Option<Place> {
        let (right, bottom) = (self.right.min(width), self.bottom.min(height));
        (self.left < right && self.top < bottom).then_some(Place { right, bottom, ..self })
    }

    /// Width and height.
    pub fn size(self) -> [u32; 2] {
        [self.right - self.left, self.bottom - self.top]
    }
}

impl Picture {
    /// How messages name it; `None` where it has no file of its own.
    pub fn shown(&self) -> Option<PathBuf> {
        match self {
            Picture::File(path) => Some(path.clone()),
            Picture::Part { path, place: Place { left, top, right, bottom } } => {
                let place = format!(" (from {left}, {top} to {right}, {bottom})");
                let mut shown = path.as_os_str().to_owned();
                shown.push(place);
                Some(PathBuf::from(shown))
            }
            Picture::Grey { .. } => None,
        }
    }
}

impl Entry {
    pub fn new(split: Split, name: String, picture: Picture, label: Vec<f32>) -> Entry {
        Entry {
            split,
            listed_as: name.clone(),
            name,
            picture,
            label,
            points: Points::NotAsked,
            group: None,
        }
    }
}

impl Listing {
    pub fn new() -> Listing {
        let left_out = Split::ALL.into_iter().map(|split| (split, BTreeMap::new())).collect();
        Listing { entries: Vec::new(), left_out, carved: Vec::new(), remarks: Remarks::default() }
    }

    /// Counts one image of `split` as excluded.
    pub fn leave_out(&mut self, split: Split, reason: impl Into<String>) {
        *self.left_out.entry(split).or_default().entry(reason.into()).or_default() += 1;
    }

    /// Keeps so many images of each split, drawn at random, of each class its share and at least one; the others are counted
    /// as excluded.
    pub fn keep(&mut self, most: usize) {
        let mut excluded = vec![false; self.entries.len()];
        for split in Split::ALL {
            let entries = || {
                let entries = self.entries.iter().enumerate();
                entries.filter(|(_, entry)| entry.split == split)
            };
            let all = entries().count();
            if all <= most {
                continue;
            }
            let mut by_class: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
            for (place, entry) in entries() {
                by_class.entry(first_maximum(&entry.label)).or_default().push(place);
            }
            let mut left_out = 0;
            for (class, places) in &mut by_class {
                // Always the same ones, whatever the machine: the images are part of what is stored.
                places.shuffle(&mut random::generator(0, "limit", &[split as u64, *class as u64]));
                let share = (places.len() * most / all).max(1);
                for place in places.split_off(share.min(places.len())) {
                    excluded[place] = true;
                    left_out += 1;
                }
            }
            for _ in 0..left_out {
                self.leave_out(split, BEYOND_LIMIT);
            }
        }
        let mut excluded = excluded.into_iter();
        self.entries.retain(|_| !excluded.next().unwrap_or(false));
    }

    /// Draws a missing split from the training images: a share of each class's, by [`carve`], or by
    /// [`carve_groups`] where images have groups.
    pub fn carve(&mut self, split: Split, share: f64, seed: u64) {
        self.carved.push(split);
        let train: Vec<&mut Entry> =
            self.entries.iter_mut().filter(|entry| entry.split == Split::Train).collect();
        let strata: Vec<usize> = train.iter().map(|entry| first_maximum(&entry.label)).collect();
        let groups = numbered(train.iter().map(|entry| entry.group.as_deref()));
        let marked = match train.iter().any(|entry| entry.group.is_some()) {
            true => carve_groups(&strata, &groups, share, seed, split.name()),
            false => carve(&strata, share, seed, split.name()),
        };
        for (entry, marked) in train.into_iter().zip(marked) {
            if marked {
                entry.split = split;
            }
        }
    }

    /// Draws the validation and the test split, as far as they are not there, by their shares `[val, test]` of all images
    /// that are not split already: test first, then validation from what is left.
    pub fn carve_missing(
        &mut self,
        is_there: impl Fn(Split) -> bool,
        [val, test]: [f64; 2],
        seed: u64,
    ) {
        let no_test = !is_there(Split::Test);
        if no_test {
            self.carve(Split::Test, test, seed);
        }
        if !is_there(Split::Val) {
            let left = if no_test { 1.0 - test } else { 1.0 };
            self.carve(Split::Val, val / left, seed);
        }
    }

    /// Refuses two images of one name, and a class that no image of a split is of (where there are votes: has
    /// as its class with most votes, or as one of those that tie): its recall there could not be told.
    pub fn check(&self, classes: &[String]) -> Result<(), DatasetError> {
        let mut names = HashSet::with_capacity(self.entries.len());
        if let Some(twice) = self.entries.iter().find(|entry| !names.insert(entry.name.as_str())) {
            return Err(DatasetError::DuplicateName { name: twice.name.clone() });
        }
        for split in Split::ALL {
            let mut counts = vec![0_usize; classes.len()];
            for entry in self.entries.iter().filter(|entry| entry.split == split) {
                leaders(&entry.label).into_iter().for_each(|class| counts[class] += 1);
            }
            if let Some(empty) = counts.iter().position(|&count| count == 0) {
                let mut found: Vec<String> = classes
                    .iter()
                    .zip(&counts)
                    .map(|(class, count)| format!("{class}: {count}"))
                    .collect();
                let left_out: usize =
                    self.left_out.get(&split).map_or(0, |reasons| reasons.values().sum());
                found.push(format!("excluded: {left_out}"));
                let class = classes[empty].clone();
                let found = found.join(", ");
                // If any image has shares of several classes, the labels come from annotators' votes.
                let several =
                    |entry: &Entry| entry.label.iter().filter(|share| **share > 0.0).count() > 1;
                let votes = self.entries.iter().any(several);
                return Err(DatasetError::EmptyClass { class, split, found, votes });
            }
        }
        Ok(())
    }
}

/// Groups by number, in the order in which they come; what is in none is one of its own.
fn numbered<'a>(groups: impl Iterator<Item = Option<&'a str>>) -> Vec<usize> {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut next = 0;
    let mut number = || {
        next += 1;
        next - 1
    };
    let numbers = groups.map(|group| match group {
        Some(group) => *known.entry(group).or_insert_with(&mut number),
        None => number(),
    });
    numbers.collect()
}

/// The chosen classes' part of `weights` as a label distribution; `None` where they hold nothing.
///
/// `chosen` gives, in class order, each class's place in `weights`.
pub fn restrict(weights: &[f64], chosen: &[usize]) -> Option<Vec<f32>> {
    let sum: f64 = chosen.iter().map(|&column| weights[column]).sum();
    (sum > 0.0).then(|| chosen.iter().map(|&column| (weights[column] / sum) as f32).collect())
}

/// Where each of `classes` lies in `known`.
pub fn columns(
    classes: &[String],
    known: &[&str],
    kind: &'static str,
) -> Result<Vec<usize>, DatasetError> {
    classes
        .iter()
        .map(|class| {
            known.iter().position(|name| name == class).ok_or_else(|| DatasetError::UnknownClass {
                class: class.clone(),
                kind,
                known: known.join(", "),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(split: Split, name: &str, label: &[f32]) -> Entry {
        Entry::new(split, name.to_owned(), Picture::File(PathBuf::new()), label.to_vec())
    }

    fn classes() -> Vec<String> {
        vec!["joy".to_owned(), "anger".to_owned()]
    }

    fn full() -> Listing {
        let mut listing = Listing::new();
        for split in Split::ALL {
            listing.entries.push(entry(split, &format!("{split} a"), &[1.0, 0.0]));
            listing.entries.push(entry(split, &format!("{split} b"), &[0.2, 0.8]));
        }
        listing
    }

    #[test]
    fn a_listing_with_every_class_in_every_split_passes() {
        full().check(&classes()).unwrap();
    }

    #[test]
    fn a_class_that_no_image_has_is_named_with_its_split() {
        let mut listing = full();
        listing.entries.retain(|entry| entry.name != "val b");
        listing.leave_out(Split::Val, "no majority");
        assert_eq!(
            listing.check(&classes()).unwrap_err().to_string(),
            "empty class: no image in val has `anger` as the class with most votes (joy: 1, anger: 0, \
             excluded: 1); take it out of dataset.classes or add images"
        );
    }

    #[test]
    fn images_of_one_class_each_have_no_votes() {
        let mut listing = Listing::new();
        for split in Split::ALL {
            listing.entries.push(entry(split, &format!("{split} a"), &[1.0, 0.0]));
        }
        assert_eq!(
            listing.check(&classes()).unwrap_err().to_string(),
            "empty class: no image in train is of the class `anger` (joy: 1, anger: 0, excluded: 0); \
             take it out of dataset.classes or add images"
        );
    }

    #[test]
    fn two_images_of_one_name_are_refused() {
        let mut listing = full();
        listing.entries.push(entry(Split::Test, "train a", &[1.0, 0.0]));
        assert_eq!(
            listing.check(&classes()).unwrap_err().to_string(),
            "two images are named `train a`; a name must point at one image, so rename or remove one"
        );
    }

    #[test]
    fn restriction_divides_by_what_is_kept() {
        assert_eq!(restrict(&[1.0, 5.0, 3.0], &[2, 0]), Some(vec![0.75, 0.25]));
        assert_eq!(restrict(&[0.0, 5.0, 0.0], &[2, 0]), None);
    }

    #[test]
    fn few_images_are_drawn_from_each_split_in_their_order() {
        let listing = || {
            let mut listing = Listing::new();
            for number in 0..30 {
                let split = if number % 3 == 0 { Split::Test } else { Split::Train };
                let picture = Picture::File(PathBuf::new());
                let label = if number % 10 < 9 { vec![1.0, 0.0] } else { vec![0.0, 1.0] };
                listing.entries.push(Entry::new(split, number.to_string(), picture, label));
            }
            listing
        };
        let kept = |most: usize| {
            let mut listing = listing();
            listing.keep(most);
            listing
        };
        let some = kept(6);
        let numbers: Vec<usize> =
            some.entries.iter().map(|entry| entry.name.parse().unwrap()).collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
        let of = |split| some.entries.iter().filter(|entry| entry.split == split).count();
        // Of 18 and 2 training images 5 and 1, of 9 and 1 test images as many.
        assert_eq!((of(Split::Train), of(Split::Test)), (6, 6));
        assert_eq!(some.left_out[&Split::Train][BEYOND_LIMIT], 14);
        let rare = some.entries.iter().filter(|entry| entry.label[1] == 1.0).count();
        assert_eq!(rare, 2);
        let again: Vec<usize> =
            kept(6).entries.iter().map(|entry| entry.name.parse().unwrap()).collect();
        assert_eq!(again, numbers);
        assert_eq!(kept(20).entries.len(), 30);
    }
}
