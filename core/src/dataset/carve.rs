//! Takes missing splits from the training images.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;

use crate::random;

/// Marks `share` of the images, class by class, at random.
///
/// `strata` is each image's class. Of n images of a class, n · `share` rounded are marked; at least one,
/// and at least one is not, where n is 2 or more and the share is above 0. The draw depends on `seed`,
/// `purpose` and the class alone, so that one class's images do not shift another's.
pub fn carve(strata: &[usize], share: f64, seed: u64, purpose: &str) -> Vec<bool> {
    let mut marked = vec![false; strata.len()];
    let classes = strata.iter().max().map_or(0, |&largest| largest + 1);
    for class in 0..classes {
        let mut members: Vec<usize> =
            (0..strata.len()).filter(|&image| strata[image] == class).collect();
        let count = aim(members.len(), share);
        members.shuffle(&mut random::generator(seed, purpose, &[class as u64]));
        for &image in &members[..count] {
            marked[image] = true;
        }
    }
    marked
}

/// How many of the images of a class are to be marked.
fn aim(images: usize, share: f64) -> usize {
    match images {
        0 | 1 => 0,
        _ if share <= 0.0 => 0,
        n => ((n as f64 * share).round() as usize).clamp(1, n - 1),
    }
}

/// Marks about `share` of the images of each class, group by group: no group is divided.
///
/// `strata` is each image's class, `groups` its group, from 0. The aim for each class is what [`carve`] marks. Groups are
/// visited in random order, again and again: one is marked, or taken back, where that brings the classes nearer to their
/// aims (by the sum of squared distances, each divided by its aim), until none does. A group that would take the last
/// image of a class is never marked. Then a class of which nothing is marked gets the group that disturbs the others
/// least. Of [`DRAWS`] such choices the one nearest to the aims is taken. It depends on `seed` and `purpose`.
pub fn carve_groups(
    strata: &[usize],
    groups: &[usize],
    share: f64,
    seed: u64,
    purpose: &str,
) -> Vec<bool> {
    let purpose = format!("{purpose}, by groups");
    let members = members(strata, groups);
    let draw = |number: u64| {
        let mut carving = Carving::new(&members, share);
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.shuffle(&mut random::generator(seed, &purpose, &[number]));
        carving.approach(&order);
        carving.fill(&order);
        carving
    };
    let nearest = (0..DRAWS).map(draw).min_by(|a, b| a.distance().total_cmp(&b.distance()));
    let marked = nearest.map(|carving| carving.marked).unwrap_or_default();
    groups.iter().map(|&group| marked[group]).collect()
}

/// How many choices of groups are compared.
const DRAWS: u64 = 20;

/// A group's images: classes with their counts.
type Members = BTreeMap<usize, f64>;

/// The images of each group.
fn members(strata: &[usize], groups: &[usize]) -> Vec<Members> {
    let count = groups.iter().max().map_or(0, |&largest| largest + 1);
    let mut members = vec![Members::new(); count];
    for (&class, &group) in strata.iter().zip(groups) {
        *members[group].entry(class).or_default() += 1.0;
    }
    members
}

/// A choice of groups on its way.
struct Carving<'a> {
    groups: &'a [Members],
    /// By class: all images, those to be marked, those marked.
    totals: Vec<f64>,
    aims: Vec<f64>,
    taken: Vec<f64>,
    /// By group.
    marked: Vec<bool>,
}

impl<'a> Carving<'a> {
    /// How often all groups are visited at most: each change brings the classes nearer, so that few rounds do.
    const MOST_ROUNDS: usize = 100;

    fn new(groups: &'a [Members], share: f64) -> Carving<'a> {
        let classes = groups.iter().filter_map(|members| members.last_key_value());
        let count = classes.map(|(class, _)| class + 1).max().unwrap_or(0);
        let mut totals = vec![0.0; count];
        for (&class, count) in groups.iter().flatten() {
            totals[class] += count;
        }
        let aims = totals.iter().map(|total| aim(*total as usize, share) as f64).collect();
        let (taken, marked) = (vec![0.0; totals.len()], vec![false; groups.len()]);
        Carving { groups, totals, aims, taken, marked }
    }

    fn distance(&self) -> f64 {
        let of_class = |(taken, aim): (&f64, &f64)| (taken - aim).powi(2) / aim.max(1.0);
        self.taken.iter().zip(&self.aims).map(of_class).sum()
    }

    /// By how much the distance from the aims grows where a group is marked, or taken back.
    fn growth(&self, group: usize) -> f64 {
        let sign = if self.marked[group] { -1.0 } else { 1.0 };
        let of_class = |(&class, count): (&usize, &f64)| {
            let (before, aim) = (self.taken[class], self.aims[class]);
            let after = before + sign * count;
            ((after - aim).powi(2) - (before - aim).powi(2)) / aim.max(1.0)
        };
        self.groups[group].iter().map(of_class).sum()
    }

    /// Whether a group that is not marked takes the last image of no class.
    fn leaves_all(&self, group: usize) -> bool {
        let mut classes = self.groups[group].iter();
        classes.all(|(&class, count)| self.taken[class] + count < self.totals[class])
    }

    fn turn(&mut self, group: usize) {
        let sign = if self.marked[group] { -1.0 } else { 1.0 };
        for (&class, count) in &self.groups[group] {
            self.taken[class] += sign * count;
        }
        self.marked[group] = !self.marked[group];
    }

    fn approach(&mut self, order: &[usize]) {
        /// Smaller changes are rounding.
        const LEAST: f64 = 1e-9;
        for _ in 0..Carving::MOST_ROUNDS {
            let mut turned = false;
            for &group in order {
                let may = self.marked[group] || self.leaves_all(group);
                if may && self.growth(group) < -LEAST {
                    self.turn(group);
                    turned = true;
                }
            }
            if !turned {
                return;
            }
        }
    }

    fn fill(&mut self, order: &[usize]) {
        for class in 0..self.totals.len() {
            if self.aims[class] == 0.0 || self.taken[class] > 0.0 {
                continue;
            }
            let of_class = order
                .iter()
                .copied()
                .filter(|&group| self.groups[group].contains_key(&class) && self.leaves_all(group));
            let least = of_class.min_by(|&a, &b| self.growth(a).total_cmp(&self.growth(b)));
            least.into_iter().for_each(|group| self.turn(group));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marked_of(strata: &[usize], marked: &[bool], class: usize) -> usize {
        strata.iter().zip(marked).filter(|&(&stratum, &mark)| stratum == class && mark).count()
    }

    #[test]
    fn every_class_gives_its_share() {
        let strata: Vec<usize> = (0..140).map(|image| if image < 100 { 0 } else { 1 }).collect();
        let marked = carve(&strata, 0.1, 3, "val");
        assert_eq!((marked_of(&strata, &marked, 0), marked_of(&strata, &marked, 1)), (10, 4));
    }

    #[test]
    fn the_seed_and_the_purpose_change_the_draw_and_nothing_else_does() {
        let strata = vec![0; 200];
        let marked = carve(&strata, 0.5, 1, "val");
        assert_eq!(marked, carve(&strata, 0.5, 1, "val"));
        assert_ne!(marked, carve(&strata, 0.5, 2, "val"));
        assert_ne!(marked, carve(&strata, 0.5, 1, "test"));
    }

    /// Ten people with three pictures of each of seven classes, as JAFFE has them.
    #[test]
    fn people_are_marked_whole() {
        let strata: Vec<usize> = (0..210).map(|image| image % 7).collect();
        let people: Vec<usize> = (0..210).map(|image| image / 21).collect();
        for (share, images) in [(0.1, 21), (0.2, 42), (0.01, 21)] {
            let marked = carve_groups(&strata, &people, share, 3, "val");
            assert_eq!(marked.iter().filter(|mark| **mark).count(), images, "{share}");
            for person in people.chunks(21).zip(marked.chunks(21)).map(|(_, marks)| marks) {
                assert!(person.iter().all(|mark| *mark == person[0]));
            }
            assert_eq!(marked, carve_groups(&strata, &people, share, 3, "val"));
        }
        let draws: Vec<Vec<bool>> =
            (0..20).map(|seed| carve_groups(&strata, &people, 0.1, seed, "val")).collect();
        assert!(draws.iter().any(|draw| *draw != draws[0]), "the seed decides who it is");
    }

    /// A hundred sequences of one class each, of one to six frames: each class gets its tenth.
    #[test]
    fn sequences_are_marked_class_by_class() {
        let (mut strata, mut sequences) = (Vec::new(), Vec::new());
        for sequence in 0..100 {
            for _ in 0..1 + sequence / 4 % 6 {
                strata.push(sequence % 4);
                sequences.push(sequence);
            }
        }
        let marked = carve_groups(&strata, &sequences, 0.1, 5, "test");
        for class in 0..4 {
            let n = strata.iter().filter(|stratum| **stratum == class).count();
            assert_eq!(marked_of(&strata, &marked, class), aim(n, 0.1), "of {n}");
        }
    }

    proptest! {
        #[test]
        fn no_group_is_divided_and_no_class_leaves(
            images in prop::collection::vec((0_usize..4, 0_usize..12), 0..80), share in 0.01_f64..0.99, seed: u64,
        ) {
            let (strata, groups): (Vec<usize>, Vec<usize>) = images.into_iter().unzip();
            let marked = carve_groups(&strata, &groups, share, seed, "val");
            for (image, group) in groups.iter().enumerate() {
                let first = groups.iter().position(|other| other == group).unwrap();
                prop_assert_eq!(marked[image], marked[first]);
            }
            for class in 0..4 {
                let n = strata.iter().filter(|&&stratum| stratum == class).count();
                prop_assert!(n == 0 || marked_of(&strata, &marked, class) < n);
            }
        }

        #[test]
        fn no_class_of_two_or_more_is_lost_on_either_side(
            strata in prop::collection::vec(0_usize..4, 0..60), share in 0.01_f64..0.99, seed: u64,
        ) {
            let marked = carve(&strata, share, seed, "val");
            for class in 0..4 {
                let n = strata.iter().filter(|&&stratum| stratum == class).count();
                let taken = marked_of(&strata, &marked, class);
                if n >= 2 {
                    prop_assert!(0 < taken && taken < n);
                } else {
                    prop_assert_eq!(taken, 0);
                }
            }
        }
    }
}
