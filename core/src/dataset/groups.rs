//! Which images belong together: those of one person, or the frames of one sequence.
//!
//! A group is what `dataset.group` finds in an image's name, or what the table of labels says. Carved splits divide no
//! group. Where nobody says which images belong together, names may show that some do.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::listing::Listing;
use super::pattern::Pattern;
use super::remarks::Divided;
use super::{DatasetError, Split};

/// Gives each image the group that a pattern finds in its name.
///
/// # Errors
///
/// Where it finds none at all.
pub fn by_pattern(listing: &mut Listing, pattern: &Pattern) -> Result<(), DatasetError> {
    let entries = &mut listing.entries;
    for entry in entries.iter_mut() {
        entry.group = pattern.find(&entry.name).map(str::to_owned);
    }
    match entries.first() {
        Some(first) if entries.iter().all(|entry| entry.group.is_none()) => {
            Err(DatasetError::NoMatch { key: "group", name: first.name.clone() })
        }
        _ => Ok(()),
    }
}

/// Notes how many groups there are, how many images are in none, and which groups have images in two splits.
pub fn remark(listing: &mut Listing) {
    let mut splits: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for entry in &listing.entries {
        if let Some(group) = &entry.group {
            splits.entry(group).or_default()[entry.split as usize] += 1;
        }
    }
    if splits.is_empty() {
        return;
    }
    let pairs =
        [(Split::Train, Split::Val), (Split::Train, Split::Test), (Split::Val, Split::Test)];
    let divided = pairs.into_iter().filter_map(|(one, other)| {
        let both = |counts: &[usize; 3]| counts[one as usize] > 0 && counts[other as usize] > 0;
        let divided: Vec<_> = splits.iter().filter(|(_, counts)| both(counts)).collect();
        let example = (*divided.first()?.0).to_owned();
        let images = divided.iter().map(|(_, counts)| counts[other as usize]).sum();
        Some(Divided { splits: [one, other], groups: divided.len(), images, example })
    });
    let divided = divided.collect();
    let groups = splits.len();
    let ungrouped = listing.entries.iter().filter(|entry| entry.group.is_none()).count();
    listing.remarks.groups = groups;
    listing.remarks.ungrouped = ungrouped;
    listing.remarks.divided = divided;
}

/// A pattern whose groups names show, without anybody saying so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Likely {
    pub pattern: &'static str,
    pub groups: usize,
    /// Two names of one group.
    pub examples: [String; 2],
}

/// What the names of one person's pictures, or one sequence's frames, may have in common: how a file's name begins, up to
/// the first sign that separates; and what comes before its last digits.
const PATTERNS: [&str; 2] = [r"([^/_.\-]+)[_.\-][^/]*$", r"([^/]*[^/0-9])[0-9]+\.[^./]*$"];

/// The first pattern by which images that are drawn apart look like belonging together: five groups or more, at least
/// twice as many as classes or across classes, four images in five in a group of several, and no group with more than a
/// fifth of all. `images` are names with their classes.
pub fn likely<'n>(images: &[(&'n str, usize)]) -> Option<Likely> {
    PATTERNS.into_iter().find_map(|text| {
        let pattern = Pattern::new(text).ok()?;
        let mut groups: HashMap<&'n str, Vec<(&'n str, usize)>> = HashMap::new();
        for &(name, class) in images {
            if let Some(group) = pattern.find(name) {
                groups.entry(group).or_default().push((name, class));
            }
        }
        let classes = images.iter().map(|(_, class)| class).collect::<BTreeSet<_>>().len();
        let several = groups.values().filter(|members| members.len() > 1);
        let together: usize = several.clone().map(Vec::len).sum();
        let across =
            |members: &&Vec<(&str, usize)>| members.iter().any(|(_, class)| *class != members[0].1);
        let mixed = 2 * several.clone().filter(across).count() >= several.clone().count();
        let most = groups.values().map(Vec::len).max().unwrap_or(0);
        let looks_so = groups.len() >= 5
            && (mixed || groups.len() >= 2 * classes)
            && 5 * together >= 4 * images.len()
            && 5 * most <= images.len();
        let names = several.map(|members| {
            let mut names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
            names.sort_unstable();
            names
        });
        let first = names.min().filter(|_| looks_so)?;
        let examples = [first[0].to_owned(), first[1].to_owned()];
        Some(Likely { pattern: text, groups: groups.len(), examples })
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::dataset::listing::{Entry, Picture};

    fn listing(images: &[(Split, &str)]) -> Listing {
        let mut listing = Listing::new();
        listing.entries.extend(images.iter().map(|(split, name)| {
            Entry::new(*split, (*name).to_owned(), Picture::File(PathBuf::new()), vec![1.0])
        }));
        listing
    }

    #[test]
    fn groups_in_two_splits_are_counted_with_their_images() {
        let mut listing = listing(&[
            (Split::Train, "S1_1.png"),
            (Split::Train, "S2_1.png"),
            (Split::Test, "S2_2.png"),
            (Split::Test, "S2_3.png"),
            (Split::Test, "S3_1.png"),
            (Split::Test, "other.png"),
        ]);
        by_pattern(&mut listing, &Pattern::new(r"(S\d)_").unwrap()).unwrap();
        remark(&mut listing);
        let remarks = &listing.remarks;
        assert_eq!((remarks.groups, remarks.ungrouped), (3, 1));
        let wanted = Divided {
            splits: [Split::Train, Split::Test],
            groups: 1,
            images: 2,
            example: "S2".to_owned(),
        };
        assert_eq!(remarks.divided, [wanted]);
        let refused = by_pattern(&mut listing, &Pattern::new("nobody").unwrap()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "dataset.group finds nothing in the names, such as `S1_1.png`; correct the pattern"
        );
    }

    /// Names made of a person, or of a sequence, and a number; each with its class.
    fn named(make: impl Fn(usize, usize) -> (String, usize)) -> Option<Likely> {
        let names: Vec<(String, usize)> = (0..20)
            .flat_map(|group| (0..6).map(move |image| (group, image)))
            .map(|(group, image)| make(group, image))
            .collect();
        likely(&names.iter().map(|(name, class)| (name.as_str(), *class)).collect::<Vec<_>>())
    }

    #[test]
    fn names_of_sequences_and_of_people_show_what_belongs_together() {
        let sequences = named(|group, image| {
            (format!("{}/S{group:03}_001_{image:08}.png", group % 3), group % 3)
        });
        let sequences = sequences.unwrap();
        assert_eq!((sequences.pattern, sequences.groups), (PATTERNS[0], 20));
        assert_eq!(sequences.examples, ["0/S000_001_00000000.png", "0/S000_001_00000001.png"]);
        // JAFFE: a person shows all classes.
        let people = named(|group, image| {
            let letter = |at: usize| char::from(b'A' + at as u8);
            (
                format!(
                    "{}{}.HA{image}.{}.tiff",
                    letter(group),
                    letter(image % 2),
                    group * 6 + image
                ),
                image % 5,
            )
        });
        assert_eq!(people.unwrap().pattern, PATTERNS[0]);
        let frames =
            named(|group, image| (format!("{}/clip{}x{image}.jpg", group % 3, group), group % 3));
        assert_eq!(frames.unwrap().pattern, PATTERNS[1]);
        // The pattern finds the file's name, whatever the folders are called.
        let pattern = Pattern::new(PATTERNS[0]).unwrap();
        assert_eq!(pattern.find("a_b/c-d/S010_004.png"), Some("S010"));
    }

    #[test]
    fn names_that_only_count_show_nothing() {
        assert_eq!(
            named(|group, image| (format!("{}/{}.png", group % 3, group * 6 + image), group % 3)),
            None
        );
        assert_eq!(
            named(|group, image| (format!("img_{:05}.png", group * 6 + image), group % 3)),
            None
        );
        // By the class.
        let by_class = |group: usize, image: usize| {
            (format!("class{}_{}.png", group % 5, group * 6 + image), group % 5)
        };
        assert_eq!(named(by_class), None);
        assert_eq!(
            named(|group, image| (format!("{:x}.png", (group * 6 + image) * 7919), 0)),
            None
        );
        assert_eq!(likely(&[]), None);
    }
}
