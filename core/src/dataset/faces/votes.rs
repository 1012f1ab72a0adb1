//! Ten annotators vote on each face, from its visible signs.

use rand_chacha::ChaCha8Rng;

use super::expression::pick;

/// The number of annotators per face, as in FER+.
pub const TAGGERS: usize = 10;

/// The share of votes that are random: any class, whatever the face shows.
pub const LAPSES: f64 = 0.02;

/// P(a vote for each class), of an annotator with this `posterior` who votes for each class with its posterior
/// probability.
pub fn vote_shares(posterior: &[f64]) -> Vec<f64> {
    let anything = LAPSES / posterior.len() as f64;
    posterior.iter().map(|share| (1.0 - LAPSES) * share + anything).collect()
}

/// The label distribution of a face: the share of the ten votes for each class.
pub fn vote(shares: &[f64], rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut counts = vec![0u8; shares.len()];
    (0..TAGGERS).for_each(|_| counts[pick(shares, rng)] += 1);
    counts.into_iter().map(|count| f32::from(count) / TAGGERS as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn the_certain_slip_seldom() {
        let shares = vote_shares(&[1.0, 0.0, 0.0, 0.0]);
        assert!((shares[0] - 0.985).abs() < 1e-12);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mean = (0..2000).map(|_| vote(&shares, &mut rng)[0]).sum::<f32>() / 2000.0;
        assert!((mean - 0.985).abs() < 0.005);
    }

    #[test]
    fn labels_sum_to_one() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for _ in 0..100 {
            let label = vote(&vote_shares(&[0.5, 0.3, 0.2]), &mut rng);
            assert!((label.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        }
    }
}
