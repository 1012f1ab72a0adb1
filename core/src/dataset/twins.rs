//! Pictures that are there twice.
//!
//! A picture of the test that networks have learned from is no test. Pictures are *equal* where all their pixels are, as
//! they come into the network, and *nearly equal* where a difference hash (Krawetz 2013: whether each of 8 × 8 cells is
//! darker than the one to its right) differs in few bits and small copies of both correlate.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicBool;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::decode::Shape;
use super::listing::Entry;
use super::progress::go_on;
use super::{DatasetError, Split, leaders};

/// A side of the small copy, in cells.
const SIDE: usize = 16;

/// Difference hashes of nearly equal pictures differ in so many bits at most. The search is exact up to it: of
/// [`BANDS`] parts of a hash at least one is the same.
const MOST_BITS: u32 = 7;
const BANDS: u32 = 8;

/// The least correlation of the small copies of nearly equal pictures.
const LEAST_CORRELATION: f64 = 0.985;

/// What is compared of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fingerprint {
    /// Of all its pixels; XXH3. Nobody gains by two pictures that only seem equal, so that a fast hash does.
    pixels: u128,
    differences: u64,
    small: [u8; SIDE * SIDE],
}

/// Pictures that are there twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Twins {
    pub equal: TwinCounts,
    /// Of nearly equal ones; a picture of which an equal one is in a split is not counted in that split again.
    pub near: TwinCounts,
}

/// How many pictures have another like them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwinCounts {
    /// Pairs of such pictures.
    pub pairs: usize,
    /// Pairs that have no class in common among those with most votes.
    pub pairs_of_other_class: usize,
    /// Pictures of the validation split with one like them in training.
    pub val_in_train: usize,
    /// Pictures of the test split with one like them in training.
    pub test_in_train: usize,
    /// Pictures of the test split with one like them in the validation split.
    pub test_in_val: usize,
    /// The names of both pictures of the first pairs, of equal pictures one with each other.
    pub first: Vec<[String; 2]>,
}

/// So many pairs are named.
const NAMED: usize = 100;

impl Fingerprint {
    /// Of a picture's pixels, `[height, width, channels]`.
    pub fn of(pixels: &[u8], shape: Shape) -> Fingerprint {
        let fine = row_sums(pixels, shape, SIDE);
        let mut differences = 0;
        for row in half_as_many(&fine, pixels, shape) {
            for pair in row.means(shape, 9).collect::<Vec<f64>>().windows(2) {
                differences = differences << 1 | u64::from(pair[0] < pair[1]);
            }
        }
        let mut small = [0; SIDE * SIDE];
        let means = fine.iter().flat_map(|row| row.means(shape, SIDE));
        for (cell, mean) in small.iter_mut().zip(means) {
            *cell = mean.round() as u8;
        }
        Fingerprint { pixels: xxh3_128(pixels), differences, small }
    }
}

/// A row of cells of a picture: at each place of a line the sum down the row's height.
struct RowSums {
    /// In pixels.
    height: usize,
    /// `[width, channels]`.
    sums: Vec<u32>,
}

impl RowSums {
    fn plus(&self, other: &RowSums) -> RowSums {
        let sums = self.sums.iter().zip(&other.sums).map(|(one, other)| one + other).collect();
        RowSums { height: self.height + other.height, sums }
    }

    /// The mean value of each of the row's cells.
    fn means(&self, shape: Shape, cells: usize) -> impl Iterator<Item = f64> {
        (0..cells).map(move |cell| {
            let x = place(cell, cells, shape.width);
            let sums = &self.sums[x.start * shape.channels..x.end * shape.channels];
            f64::from(sums.iter().sum::<u32>()) / (sums.len() * self.height) as f64
        })
    }
}

/// So many bytes of 255 can be added in 16 bits.
const SUMMED_IN_16_BITS: usize = 257;

/// The rows of a grid of so many over a picture.
fn row_sums(pixels: &[u8], shape: Shape, rows: usize) -> Vec<RowSums> {
    let line = shape.width * shape.channels;
    let mut part = vec![0_u16; line];
    let row = |row: usize| {
        let y = place(row, rows, shape.height);
        let mut sums = vec![0; line];
        // Whole lines at a time, in as few bits as do: many neighbours are added at once.
        for lines in pixels[y.start * line..y.end * line].chunks(line * SUMMED_IN_16_BITS) {
            part.fill(0);
            for values in lines.chunks_exact(line) {
                for (sum, value) in part.iter_mut().zip(values) {
                    *sum += u16::from(*value);
                }
            }
            for (sum, part) in sums.iter_mut().zip(&part) {
                *sum += u32::from(*part);
            }
        }
        RowSums { height: y.len(), sums }
    };
    (0..rows).map(row).collect()
}

/// Half as many rows as these are: each is two of them, unless the picture is so low that they overlap.
fn half_as_many(rows: &[RowSums], pixels: &[u8], shape: Shape) -> Vec<RowSums> {
    match shape.height < rows.len() {
        true => row_sums(pixels, shape, rows.len() / 2),
        false => rows.chunks_exact(2).map(|two| two[0].plus(&two[1])).collect(),
    }
}

/// Where one of `cells` lies along so many pixels; it has at least one.
fn place(cell: usize, cells: usize, pixels: usize) -> std::ops::Range<usize> {
    let start = cell * pixels / cells;
    start..((cell + 1) * pixels / cells).max(start + 1)
}

/// A small copy with what its correlations need: the sum of its cells, and the square root of the sum of squared
/// differences from their mean, times the number of cells. All but the root is exact in whole numbers.
struct Copy<'a> {
    cells: &'a [u8; SIDE * SIDE],
    sum: u32,
    spread: f64,
}

impl Copy<'_> {
    fn of(cells: &[u8; SIDE * SIDE]) -> Copy<'_> {
        let sum = cells.iter().map(|cell| u32::from(*cell)).sum();
        let mut copy = Copy { cells, sum, spread: 0.0 };
        copy.spread = f64::from(copy.covariance(&copy)).sqrt();
        copy
    }

    /// n Σ ab − Σ a Σ b; below 2³¹.
    fn covariance(&self, other: &Copy<'_>) -> i32 {
        let products =
            self.cells.iter().zip(other.cells).map(|(a, b)| u32::from(*a) * u32::from(*b));
        let both = (SIDE * SIDE) as i64 * i64::from(products.sum::<u32>());
        // At most 256² · 255² / 4.
        (both - i64::from(self.sum) * i64::from(other.sum)) as i32
    }

    /// Pearson's correlation; not a number where one is flat.
    fn correlation(&self, other: &Copy<'_>) -> f64 {
        f64::from(self.covariance(other)) / (self.spread * other.spread)
    }
}

/// Which training pictures are equal to one of the validation or test split.
pub fn in_training(prints: &[(Split, Fingerprint)]) -> Vec<Option<Split>> {
    let mut held_out: HashMap<u128, Split> = HashMap::new();
    for (split, print) in prints.iter().filter(|(split, _)| *split != Split::Train) {
        let known = held_out.entry(print.pixels).or_insert(*split);
        *known = (*known).max(*split);
    }
    let of = |(split, print): &(Split, Fingerprint)| {
        held_out.get(&print.pixels).copied().filter(|_| *split == Split::Train)
    };
    prints.iter().map(of).collect()
}

/// Counts pictures that are there twice.
///
/// # Errors
///
/// Where it is interrupted: of very many pictures that are alike, the search takes long.
pub fn twins(
    entries: &[Entry],
    prints: &[Fingerprint],
    interrupted: &AtomicBool,
) -> Result<Twins, DatasetError> {
    let leaders: Vec<Vec<usize>> = entries.iter().map(|entry| leaders(&entry.label)).collect();
    let groups = equal(prints);
    let (equal, counted) = count_groups(entries, &leaders, &groups);
    let pairs = near(prints, &groups, interrupted)?;
    Ok(Twins { equal, near: count_pairs(entries, &leaders, &groups, &pairs, &counted) })
}

/// The pictures in groups of equal ones, of which most are of one picture, in order.
fn equal(prints: &[Fingerprint]) -> Vec<Vec<usize>> {
    let mut places: HashMap<u128, Vec<usize>> = HashMap::new();
    for (at, print) in prints.iter().enumerate() {
        places.entry(print.pixels).or_default().push(at);
    }
    let mut groups: Vec<Vec<usize>> = places.into_values().collect();
    groups.sort_unstable();
    groups
}

/// All pairs of groups whose pictures are nearly equal, in order.
fn near(
    prints: &[Fingerprint],
    groups: &[Vec<usize>],
    interrupted: &AtomicBool,
) -> Result<Vec<(usize, usize)>, DatasetError> {
    let print = |group: usize| &prints[groups[group][0]];
    // A flat picture correlates with nothing.
    let compared: Vec<usize> =
        (0..groups.len()).filter(|&group| !is_flat(&print(group).small)).collect();
    let copies: Vec<Copy<'_>> =
        (0..groups.len()).map(|group| Copy::of(&print(group).small)).collect();
    let mut pairs = Vec::new();
    for band in 0..BANDS {
        let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
        for &group in &compared {
            places.entry(part_of(print(group).differences, band)).or_default().push(group);
        }
        let is_pair = |one: usize, other: usize| {
            let differs = print(one).differences ^ print(other).differences;
            // Each pair once: in the first band that both share.
            differs.count_ones() <= MOST_BITS
                && !(0..band).any(|band| part_of(differs, band) == 0)
                && copies[one].correlation(&copies[other]) >= LEAST_CORRELATION
        };
        let of_place = |places: Vec<usize>| {
            let mut found = Vec::new();
            for (first, &one) in places.iter().enumerate() {
                go_on(interrupted)?;
                let later = places[first + 1..].iter().filter(|&&other| is_pair(one, other));
                found.extend(later.map(|&other| (one, other)));
            }
            Ok(found)
        };
        let found: Vec<Vec<(usize, usize)>> = places
            .into_par_iter()
            .map(|(_, places)| of_place(places))
            .collect::<Result<_, DatasetError>>()?;
        pairs.extend(found.into_iter().flatten());
    }
    pairs.sort_unstable();
    Ok(pairs)
}

fn is_flat(small: &[u8]) -> bool {
    small.iter().all(|value| *value == small[0])
}

/// Whether two sets of classes share none.
fn are_apart(one: &[usize], other: &[usize]) -> bool {
    !one.iter().any(|class| other.contains(class))
}

/// One of the parts of a hash.
fn part_of(hash: u64, band: u32) -> u64 {
    let width = u64::BITS / BANDS;
    hash >> (band * width) & ((1 << width) - 1)
}

/// In which splits each picture has one like it, by [`Split`].
type Partners = Vec<[bool; 3]>;

/// Of a group of equal pictures: how many have each set of leading classes, and how many are in each split.
struct Tally<'a> {
    by_class: BTreeMap<&'a [usize], usize>,
    by_split: [usize; 3],
}

impl<'a> Tally<'a> {
    fn of(group: &[usize], entries: &[Entry], classes: &'a [Vec<usize>]) -> Tally<'a> {
        let mut tally = Tally { by_class: BTreeMap::new(), by_split: [0; 3] };
        for &member in group {
            *tally.by_class.entry(&classes[member]).or_default() += 1;
            tally.by_split[entries[member].split as usize] += 1;
        }
        tally
    }

    /// How many pairs of one picture of this group and one of the other have no leading class in common; of one group,
    /// each pair counts twice.
    fn apart(&self, other: &Tally<'_>) -> usize {
        let pairs =
            self.by_class.iter().flat_map(|one| other.by_class.iter().map(move |two| (one, two)));
        let apart = pairs.filter(|((one, _), (other, _))| are_apart(one, other));
        apart.map(|((_, of_one), (_, of_other))| of_one * of_other).sum()
    }
}

/// Of pairs of groups; `counted`: where a picture has an equal one, and is counted already.
fn count_pairs(
    entries: &[Entry],
    classes: &[Vec<usize>],
    groups: &[Vec<usize>],
    pairs: &[(usize, usize)],
    counted: &Partners,
) -> TwinCounts {
    let mut counts = TwinCounts::default();
    let mut partners: Partners = vec![[false; 3]; entries.len()];
    let tallies: Vec<Tally<'_>> =
        groups.iter().map(|group| Tally::of(group, entries, classes)).collect();
    for &(one, other) in pairs {
        let (of_one, of_other) = (&tallies[one], &tallies[other]);
        counts.pairs += groups[one].len() * groups[other].len();
        counts.pairs_of_other_class += of_one.apart(of_other);
        for (group, others) in [(one, of_other), (other, of_one)] {
            for &member in &groups[group] {
                for split in (0..3).filter(|split| others.by_split[*split] > 0) {
                    partners[member][split] = !counted[member][split];
                }
            }
        }
    }
    let first = |(one, other): &(usize, usize)| (groups[*one][0], groups[*other][0]);
    counts.first = names(entries, pairs.iter().map(first));
    counts.count_splits(entries, &partners);
    counts
}

/// Of the pairs within each group.
fn count_groups(
    entries: &[Entry],
    classes: &[Vec<usize>],
    groups: &[Vec<usize>],
) -> (TwinCounts, Partners) {
    let mut counts = TwinCounts::default();
    let mut partners: Partners = vec![[false; 3]; entries.len()];
    for group in groups.iter().filter(|group| group.len() > 1) {
        let tally = Tally::of(group, entries, classes);
        counts.pairs += group.len() * (group.len() - 1) / 2;
        counts.pairs_of_other_class += tally.apart(&tally) / 2;
        for &member in group {
            for (split, count) in tally.by_split.iter().enumerate() {
                let own = usize::from(entries[member].split as usize == split);
                partners[member][split] = count - own > 0;
            }
        }
    }
    let pairs = groups.iter().flat_map(|group| group[1..].iter().map(|&other| (group[0], other)));
    counts.first = names(entries, pairs);
    counts.count_splits(entries, &partners);
    (counts, partners)
}

fn names(entries: &[Entry], pairs: impl Iterator<Item = (usize, usize)>) -> Vec<[String; 2]> {
    let name = |at: usize| entries[at].name.clone();
    pairs.take(NAMED).map(|(one, other)| [name(one), name(other)]).collect()
}

impl TwinCounts {
    /// Counts the pictures of a split with one like them in another; `partners` says in which splits each has one.
    fn count_splits(&mut self, entries: &[Entry], partners: &[[bool; 3]]) {
        for (entry, [in_train, in_val, _]) in entries.iter().zip(partners) {
            match entry.split {
                Split::Train => {}
                Split::Val => self.val_in_train += usize::from(*in_train),
                Split::Test => {
                    self.test_in_train += usize::from(*in_train);
                    self.test_in_val += usize::from(*in_val);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;
    use rand::RngExt;

    use super::*;
    use crate::dataset::listing::Picture;
    use crate::random;

    const SHAPE: Shape = Shape { height: 48, width: 48, channels: 1 };

    /// A picture of soft blobs, different for each number.
    fn picture(number: u64) -> Vec<u8> {
        let mut generator = random::generator(number, "picture", &[]);
        let waves: Vec<[f64; 4]> =
            (0..8).map(|_| [(); 4].map(|()| generator.random_range(-1.0..1.0))).collect();
        let mut pixels = Vec::new();
        for y in 0..48 {
            for x in 0..48 {
                let wave = |w: &[f64; 4]| {
                    w[0] * (0.3 * w[1] * f64::from(x) + 0.3 * w[2] * f64::from(y) + 6.0 * w[3])
                        .sin()
                };
                let value = waves.iter().map(wave).sum::<f64>();
                pixels.push((128.0 + 30.0 * value).clamp(0.0, 255.0) as u8);
            }
        }
        pixels
    }

    fn entry(split: Split, name: &str, label: [f32; 2]) -> Entry {
        Entry::new(split, name.to_owned(), Picture::File(PathBuf::new()), label.to_vec())
    }

    #[test]
    fn a_tall_white_picture_is_white() {
        // More lines than can be added in 16 bits.
        let shape = Shape { height: 3 * SUMMED_IN_16_BITS + 1, width: 2, channels: 1 };
        let rows = row_sums(&vec![255; shape.bytes()], shape, 1);
        assert_eq!(rows[0].means(shape, 2).collect::<Vec<f64>>(), [255.0, 255.0]);
    }

    proptest! {
        /// A cell's pixels are those that its share of the lines and columns begins with, or the one it lies in.
        #[test]
        fn a_cell_is_the_mean_of_its_pixels(
            (height, width, channels) in (1..40usize, 1..40usize, prop_oneof![Just(1usize), Just(3)]),
            (rows, columns, halved) in (1..17usize, 1..17usize, any::<bool>()),
            seed in any::<u64>(),
        ) {
            let mut generator = random::generator(seed, "cells", &[]);
            let pixels: Vec<u8> =
                (0..height * width * channels).map(|_| generator.random()).collect();
            let shape = Shape { height, width, channels };
            let sums = match halved {
                true => half_as_many(&row_sums(&pixels, shape, 2 * rows), &pixels, shape),
                false => row_sums(&pixels, shape, rows),
            };
            let found: Vec<f64> = sums.iter().flat_map(|row| row.means(shape, columns)).collect();
            prop_assert_eq!(found.len(), rows * columns);
            for (cell, mean) in found.into_iter().enumerate() {
                let ends = |cell: usize, cells: usize, pixels: usize| {
                    let first = cell * pixels / cells;
                    (first, ((cell + 1) * pixels / cells).max(first + 1))
                };
                let (top, bottom) = ends(cell / columns, rows, height);
                let (left, right) = ends(cell % columns, columns, width);
                let inside = |at: &usize| {
                    let (y, x) = (at / channels / width, at / channels % width);
                    (top..bottom).contains(&y) && (left..right).contains(&x)
                };
                let values: Vec<f64> =
                    (0..pixels.len()).filter(inside).map(|at| f64::from(pixels[at])).collect();
                prop_assert_eq!(mean, values.iter().sum::<f64>() / values.len() as f64);
            }
        }
    }

    #[test]
    fn equal_and_nearly_equal_pictures_are_counted_by_split_and_class() {
        let one = picture(1);
        let brighter: Vec<u8> = one.iter().map(|value| value.saturating_add(6)).collect();
        let pictures = [one.clone(), picture(2), one, brighter, picture(3), picture(4)];
        let splits = [Split::Train, Split::Train, Split::Test, Split::Val, Split::Val, Split::Test];
        // The one in the test split is of another class than its equal; a tie has a class in common with either.
        let labels = [[0.9, 0.1], [1.0, 0.0], [0.2, 0.8], [0.5, 0.5], [1.0, 0.0], [1.0, 0.0]];
        let entries: Vec<Entry> = (splits.iter().zip('a'..).zip(labels))
            .map(|((split, name), label)| entry(*split, &name.to_string(), label))
            .collect();
        let prints: Vec<Fingerprint> =
            pictures.iter().map(|pixels| Fingerprint::of(pixels, SHAPE)).collect();
        let found = twins(&entries, &prints, &AtomicBool::new(false)).unwrap();
        let names = |one: &str, other: &str| [one.to_owned(), other.to_owned()];
        let equal = TwinCounts {
            pairs: 1,
            pairs_of_other_class: 1,
            test_in_train: 1,
            first: vec![names("a", "c")],
            ..TwinCounts::default()
        };
        assert_eq!(found.equal, equal);
        let near = TwinCounts {
            pairs: 2,
            val_in_train: 1,
            test_in_val: 1,
            // A pair of each two groups of equal pictures.
            first: vec![names("a", "d")],
            ..TwinCounts::default()
        };
        assert_eq!(found.near, near);
        let splits = entries.iter().map(|entry| entry.split);
        let held_out = in_training(&splits.zip(prints).collect::<Vec<_>>());
        assert_eq!(held_out, [Some(Split::Test), None, None, None, None, None]);
    }

    /// Every pair within the distance is found, and once, although hashes are only compared where a part is the same.
    #[test]
    fn the_search_finds_what_comparing_all_pairs_finds() {
        let mut generator = random::generator(7, "hashes", &[]);
        let small: [u8; SIDE * SIDE] = std::array::from_fn(|cell| cell as u8);
        let mut prints = Vec::new();
        for at in 0..400_u64 {
            let mut differences = at % 20 * 0x0123_4567_89ab_cdef;
            for _ in 0..generator.random_range(0..10) {
                differences ^= 1 << generator.random_range(0..64);
            }
            prints.push(Fingerprint { pixels: at.into(), differences, small });
        }
        let mut wanted = Vec::new();
        for one in 0..prints.len() {
            for other in one + 1..prints.len() {
                let differs = prints[one].differences ^ prints[other].differences;
                if differs.count_ones() <= MOST_BITS {
                    wanted.push((one, other));
                }
            }
        }
        assert!(wanted.len() > 1_000);
        let groups: Vec<Vec<usize>> = (0..prints.len()).map(|at| vec![at]).collect();
        assert_eq!(near(&prints, &groups, &AtomicBool::new(false)).unwrap(), wanted);
        let stopped = near(&prints, &groups, &AtomicBool::new(true));
        assert!(matches!(stopped, Err(DatasetError::Interrupted)));
    }

    /// A hundred thousand flat pictures of 256 greys: five thousand million pairs.
    #[test]
    fn many_flat_pictures_are_counted_at_once() {
        let shape = Shape { height: 2, width: 2, channels: 1 };
        let count = 100_000;
        let entries: Vec<Entry> =
            (0..count).map(|at| entry(Split::Train, &at.to_string(), [1.0, 0.0])).collect();
        let prints: Vec<Fingerprint> =
            (0..count).map(|at| Fingerprint::of(&[(at % 256) as u8; 4], shape)).collect();
        let found = twins(&entries, &prints, &AtomicBool::new(false)).unwrap();
        assert_eq!((found.near.pairs, found.equal.pairs_of_other_class), (0, 0));
        let pairs = |of: usize| of * (of - 1) / 2;
        assert_eq!(found.equal.pairs, 160 * pairs(391) + 96 * pairs(390));
        assert_eq!(found.equal.first.len(), NAMED);
    }

    #[test]
    fn pictures_of_a_single_pixel_have_a_fingerprint() {
        let shape = Shape { height: 1, width: 1, channels: 3 };
        let print = Fingerprint::of(&[1, 2, 3], shape);
        assert_eq!((print.differences, print.small[0]), (0, 2));
    }
}
