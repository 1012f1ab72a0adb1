//! Which class most annotators chose, where several may tie.
//!
//! No class gets anything by its place in the class order. Where a number is taken, tied classes share the image's
//! credit; where a single name is needed (a column, an example, the group of a map), a hash of the image's and the
//! class's name picks one of them, so that it is the same for every order of the classes and for every study.

/// The classes with the largest share, by index: several where they tie exactly; none of an empty list.
pub fn leaders(shares: &[f32]) -> Vec<usize> {
    let most = shares.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    (0..shares.len()).filter(|&class| shares[class] == most).collect()
}

/// One of [`leaders`], by a hash of the names of the image and of the tied `classes`. The first class where no share
/// is a number.
pub fn one_of_leaders(shares: &[f32], image: &str, classes: &[String]) -> usize {
    match leaders(shares)[..] {
        [] => 0,
        [only] => only,
        ref tied => {
            tied.iter().copied().min_by_key(|&class| lot(image, &classes[class])).unwrap_or(0)
        }
    }
}

/// A number that follows from both names alone.
fn lot(image: &str, class: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    // The length keeps `a` + `bc` and `ab` + `c` apart.
    hasher.update(&(image.len() as u64).to_le_bytes());
    hasher.update(image.as_bytes());
    hasher.update(class.as_bytes());
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn leaders_are_all_that_tie() {
        assert_eq!(leaders(&[0.4, 0.2, 0.4]), [0, 2]);
        assert_eq!(leaders(&[0.1, 0.9]), [1]);
        assert!(leaders(&[]).is_empty());
    }

    #[test]
    fn the_one_that_is_picked_depends_on_names_alone_and_favours_no_class() {
        let (one, other) = (names(&["sad", "glad", "wild"]), names(&["wild", "sad", "glad"]));
        let mut picked = [0; 3];
        for image in 0..3000 {
            let image = format!("{image}.png");
            let class = one_of_leaders(&[1.0 / 3.0; 3], &image, &one);
            assert_eq!(one[class], other[one_of_leaders(&[1.0 / 3.0; 3], &image, &other)]);
            picked[class] += 1;
        }
        // A thousand each; the standard deviation is 26.
        assert!(picked.iter().all(|count| (900..1100).contains(count)), "{picked:?}");
        assert_eq!(one_of_leaders(&[0.2, 0.5, 0.3], "a.png", &one), 1);
    }
}
