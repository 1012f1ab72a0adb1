//! Takes missing splits from the training images.

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
        let count = match members.len() {
            0 | 1 => 0,
            _ if share <= 0.0 => 0,
            n => ((n as f64 * share).round() as usize).clamp(1, n - 1),
        };
        members.shuffle(&mut random::generator(seed, purpose, &[class as u64]));
        for &image in &members[..count] {
            marked[image] = true;
        }
    }
    marked
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

    proptest! {
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
