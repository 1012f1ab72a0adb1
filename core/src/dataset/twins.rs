//! Pictures that are there twice.
//!
//! A picture of the test that networks have learned from is no test. Pictures are *equal* where all their pixels are, as
//! they come into the network, and *nearly equal* where a difference hash (Krawetz 2013: whether each of 8 × 8 cells is
//! darker than the one to its right) differs in few bits and small copies of both correlate.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::decode::Shape;
use super::listing::Entry;
use super::{Split, leaders};

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
    /// Of all its pixels; BLAKE3.
    pixels: [u8; 16],
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
    /// The names of both pictures of the first pairs.
    pub first: Vec<[String; 2]>,
}

/// So many pairs are named.
const NAMED: usize = 100;

impl Fingerprint {
    /// Of a picture's pixels, `[height, width, channels]`.
    pub fn of(pixels: &[u8], shape: Shape) -> Fingerprint {
        let mut hash = [0; 16];
        hash.copy_from_slice(&blake3::hash(pixels).as_bytes()[..16]);
        let small: Vec<f64> = cells(pixels, shape, SIDE, SIDE);
        let coarse = cells(pixels, shape, 8, 9);
        let mut differences = 0;
        for row in coarse.chunks_exact(9) {
            for pair in row.windows(2) {
                differences = differences << 1 | u64::from(pair[0] < pair[1]);
            }
        }
        let mut copy = [0; SIDE * SIDE];
        for (cell, value) in copy.iter_mut().zip(small) {
            *cell = value.round() as u8;
        }
        Fingerprint { pixels: hash, differences, small: copy }
    }
}

/// The mean grey value of each of `rows` × `columns` cells of a picture; a cell has at least one pixel.
fn cells(pixels: &[u8], shape: Shape, rows: usize, columns: usize) -> Vec<f64> {
    let range = |cell: usize, cells: usize, pixels: usize| {
        let start = cell * pixels / cells;
        start..((cell + 1) * pixels / cells).max(start + 1)
    };
    let mut means = Vec::with_capacity(rows * columns);
    for row in 0..rows {
        for column in 0..columns {
            let (mut sum, mut count) = (0_u32, 0_u32);
            for y in range(row, rows, shape.height) {
                let x = range(column, columns, shape.width);
                let line = y * shape.width;
                let values =
                    &pixels[(line + x.start) * shape.channels..(line + x.end) * shape.channels];
                sum += values.iter().map(|value| u32::from(*value)).sum::<u32>();
                count += values.len() as u32;
            }
            means.push(f64::from(sum) / f64::from(count));
        }
    }
    means
}

/// Pearson's correlation of two small copies; 0 where one is flat.
fn correlation(one: &[u8], other: &[u8]) -> f64 {
    let count = one.len() as f64;
    let mean = |values: &[u8]| values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let (of_one, of_other) = (mean(one), mean(other));
    let (mut both, mut ones, mut others) = (0.0, 0.0, 0.0);
    for (a, b) in one.iter().zip(other) {
        let (a, b) = (f64::from(*a) - of_one, f64::from(*b) - of_other);
        both += a * b;
        ones += a * a;
        others += b * b;
    }
    if ones == 0.0 || others == 0.0 { 0.0 } else { both / (ones * others).sqrt() }
}

/// Which training pictures are equal to one of the validation or test split.
pub fn in_training(entries: &[Entry], prints: &[Fingerprint]) -> Vec<Option<Split>> {
    let mut held_out: HashMap<[u8; 16], Split> = HashMap::new();
    for (entry, print) in entries.iter().zip(prints) {
        if entry.split != Split::Train {
            let split = held_out.entry(print.pixels).or_insert(entry.split);
            *split = (*split).max(entry.split);
        }
    }
    let mut found = Vec::with_capacity(entries.len());
    for (entry, print) in entries.iter().zip(prints) {
        let of = (entry.split == Split::Train).then(|| held_out.get(&print.pixels).copied());
        found.push(of.flatten());
    }
    found
}

/// Counts pictures that are there twice.
pub fn twins(entries: &[Entry], prints: &[Fingerprint]) -> Twins {
    let leaders: Vec<Vec<usize>> = entries.iter().map(|entry| leaders(&entry.label)).collect();
    let classes = leaders.as_slice();
    let (equal, counted) = count_groups(entries, classes, &equal(prints));
    Twins { equal, near: count_pairs(entries, classes, &near(prints), &counted) }
}

/// The groups of two or more equal pictures, in order.
fn equal(prints: &[Fingerprint]) -> Vec<Vec<usize>> {
    let mut places: HashMap<[u8; 16], Vec<usize>> = HashMap::new();
    for (at, print) in prints.iter().enumerate() {
        places.entry(print.pixels).or_default().push(at);
    }
    let mut groups: Vec<Vec<usize>> =
        places.into_values().filter(|group| group.len() > 1).collect();
    groups.sort_unstable();
    groups
}

/// All pairs of pictures that are nearly equal and not equal, in order.
fn near(prints: &[Fingerprint]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for band in 0..BANDS {
        let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
        for (at, print) in prints.iter().enumerate() {
            places.entry(part_of(print.differences, band)).or_default().push(at);
        }
        for places in places.values() {
            for (first, &one) in places.iter().enumerate() {
                for &other in &places[first + 1..] {
                    let (a, b) = (&prints[one], &prints[other]);
                    let differs = a.differences ^ b.differences;
                    // Each pair once: in the first band that both share.
                    let earlier = (0..band).any(|band| part_of(differs, band) == 0);
                    if !earlier
                        && differs.count_ones() <= MOST_BITS
                        && a.pixels != b.pixels
                        && correlation(&a.small, &b.small) >= LEAST_CORRELATION
                    {
                        pairs.push((one, other));
                    }
                }
            }
        }
    }
    pairs.sort_unstable();
    pairs
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

/// `counted`: where a picture has an equal one, and is counted already.
fn count_pairs(
    entries: &[Entry],
    classes: &[Vec<usize>],
    pairs: &[(usize, usize)],
    counted: &Partners,
) -> TwinCounts {
    let mut counts = TwinCounts { pairs: pairs.len(), ..TwinCounts::default() };
    let mut partners: Partners = vec![[false; 3]; entries.len()];
    for &(one, other) in pairs {
        partners[one][entries[other].split as usize] = true;
        partners[other][entries[one].split as usize] = true;
        counts.pairs_of_other_class += usize::from(are_apart(&classes[one], &classes[other]));
    }
    counts.first = names(entries, pairs.iter().copied());
    for (partner, counted) in partners.iter_mut().zip(counted) {
        for (partner, counted) in partner.iter_mut().zip(counted) {
            *partner &= !counted;
        }
    }
    counts.count_splits(entries, &partners);
    counts
}

/// As of all pairs within each group; a thousand black pictures are half a million pairs, of which none is listed.
fn count_groups(
    entries: &[Entry],
    classes: &[Vec<usize>],
    groups: &[Vec<usize>],
) -> (TwinCounts, Partners) {
    let mut counts = TwinCounts::default();
    let mut partners: Partners = vec![[false; 3]; entries.len()];
    for group in groups {
        let mut by_class: BTreeMap<&[usize], usize> = BTreeMap::new();
        let mut by_split = [0_usize; 3];
        for &member in group {
            *by_class.entry(&classes[member]).or_default() += 1;
            by_split[entries[member].split as usize] += 1;
        }
        counts.pairs += group.len() * (group.len() - 1) / 2;
        let by_class: Vec<(&[usize], usize)> = by_class.into_iter().collect();
        for (at, (one, of_one)) in by_class.iter().enumerate() {
            let apart = by_class[at..].iter().filter(|(other, _)| are_apart(one, other));
            counts.pairs_of_other_class +=
                apart.map(|(_, of_other)| of_one * of_other).sum::<usize>();
        }
        for &member in group {
            for (split, count) in by_split.iter().enumerate() {
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

    use super::*;
    use crate::dataset::listing::Picture;
    use crate::random;
    use rand::RngExt;

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
        let found = twins(&entries, &prints);
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
            first: vec![names("a", "d"), names("c", "d")],
            ..TwinCounts::default()
        };
        assert_eq!(found.near, near);
        assert_eq!(
            in_training(&entries, &prints),
            [Some(Split::Test), None, None, None, None, None]
        );
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
            let mut pixels = [0; 16];
            pixels[..8].copy_from_slice(&at.to_le_bytes());
            prints.push(Fingerprint { pixels, differences, small });
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
        assert_eq!(near(&prints), wanted);
    }

    #[test]
    fn pictures_of_a_single_pixel_have_a_fingerprint() {
        let shape = Shape { height: 1, width: 1, channels: 3 };
        let print = Fingerprint::of(&[1, 2, 3], shape);
        assert_eq!((print.differences, print.small[0]), (0, 2));
    }
}
