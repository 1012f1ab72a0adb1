//! The random number generators.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A separate generator for each purpose, so that an additional draw in one place shifts none elsewhere.
///
/// `seed` is the run's (or the data set's), `purpose` says what is drawn, `index` which one (an epoch,
/// an image).
pub fn generator(seed: u64, purpose: &str, index: &[u64]) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(digest(seed, purpose, index))
}

/// A seed for libtorch's own generator, by the same rule as [`generator`].
pub fn torch_seed(seed: u64, purpose: &str, index: &[u64]) -> i64 {
    let digest = digest(seed, purpose, index);
    i64::from_le_bytes(digest[..8].try_into().expect("a digest has 32 bytes"))
}

fn digest(seed: u64, purpose: &str, index: &[u64]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("fer-lab random draws");
    hasher.update(&seed.to_le_bytes());
    hasher.update(purpose.as_bytes());
    for value in index {
        hasher.update(&value.to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;

    #[test]
    fn each_purpose_and_index_draws_on_its_own() {
        let draw = |seed, purpose, index: &[u64]| generator(seed, purpose, index).random::<u64>();
        assert_eq!(draw(1, "order", &[3]), draw(1, "order", &[3]));
        let others = [draw(2, "order", &[3]), draw(1, "angle", &[3]), draw(1, "order", &[4])];
        assert!(others.iter().all(|other| *other != draw(1, "order", &[3])));
    }
}
