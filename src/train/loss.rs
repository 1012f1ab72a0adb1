//! The training losses. All in nats, means over the batch.

use tch::{Kind, Reduction, Tensor};

use crate::experiment::Target;

/// The targets of one batch.
#[derive(Debug)]
pub struct Goal<'a> {
    /// Label distributions, `[B, K]`.
    pub labels: &'a Tensor,
    /// Of these the class with most votes, `[B, K]`, as [`majority`] makes them.
    pub majority: &'a Tensor,
}

/// The loss of a training batch. `logits` `[B, K]`, f32.
///
/// `distribution`: Σ −p log q. `majority`: −log q of the class with most votes, the mean over those that tie: what
/// drawing one of them at every visit comes to, without the draw. `probability`: −log q of
/// a class drawn from p by the image's chance, `[B]`, from 0 to 1. `multi_target`: −log of the largest q
/// among the classes with p > 0 (Barsoum et al. 2016, arXiv 1608.01041, section 3).
pub fn training(target: Target, logits: &Tensor, goal: &Goal, chances: Option<&Tensor>) -> Tensor {
    match (target, chances) {
        (Target::Probability, Some(chances)) => {
            cross_entropy(logits, &drawn_classes(goal.labels, chances))
        }
        _ => evaluation(target, logits, goal),
    }
}

/// The validation loss, by which epochs are compared: the same, but `probability` takes the whole distribution in
/// the place of one draw, which is its expectation.
pub fn evaluation(target: Target, logits: &Tensor, goal: &Goal) -> Tensor {
    match target {
        Target::Distribution | Target::Probability => cross_entropy(logits, goal.labels),
        Target::Majority => cross_entropy(logits, goal.majority),
        Target::MultiTarget => {
            let wrong = goal.labels.le(0.0);
            let log_q = logits.log_softmax(-1, Kind::Float);
            -log_q.masked_fill(&wrong, f64::NEG_INFINITY).amax(-1, false).mean(Kind::Float)
        }
    }
}

/// What is largest in each row of `[B, K]`: 1 for its class, an equal share of 1 for each of several. f32.
pub fn majority(rows: &Tensor) -> Tensor {
    let largest = rows.eq_tensor(&rows.amax(-1, true)).to_kind(Kind::Float);
    &largest / largest.sum_dim_intlist(-1, true, Kind::Float)
}

/// Of logits `[B, K]`, against shares `[B, K]` or classes `[B]`.
fn cross_entropy(logits: &Tensor, goal: &Tensor) -> Tensor {
    logits.cross_entropy_loss(goal, None::<&Tensor>, Reduction::Mean, -100, 0.0)
}

/// One class an image, drawn from its label distribution by a chance from 0 to 1. `[B]`, i64.
fn drawn_classes(labels: &Tensor, chances: &Tensor) -> Tensor {
    let below = labels.cumsum(-1, Kind::Float).le_tensor(&chances.unsqueeze(1));
    // Rounding can leave the last sum just under a draw: the last class with a vote stands in.
    let last = labels.gt(0.0).to_kind(Kind::Int64)
        * Tensor::arange(labels.size()[1], (Kind::Int64, labels.device()));
    below
        .to_kind(Kind::Int64)
        .sum_dim_intlist(-1, false, Kind::Int64)
        .minimum(&last.amax(-1, false))
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    /// Two images, three classes; the predictions are (1/2, 1/4, 1/4) for both.
    fn loss(target: Target, labels: [[f32; 3]; 2]) -> f64 {
        let logits = Tensor::from_slice(&[0.5f32, 0.25, 0.25, 0.5, 0.25, 0.25]).log().view([2, 3]);
        let labels = Tensor::from_slice(labels.as_flattened()).view([2, 3]);
        let majority = majority(&labels);
        let goal = Goal { labels: &labels, majority: &majority };
        let chances = Tensor::from_slice(&[0.3f32, 0.6]);
        training(target, &logits, &goal, Some(&chances)).double_value(&[])
    }

    fn assert_close(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-6, "{left} {right}");
    }

    #[test]
    fn known_losses() {
        let ln2 = std::f64::consts::LN_2;
        let labels = [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]];
        assert_close(loss(Target::Distribution, labels), (1.5 * ln2 + 2.0 * ln2) / 2.0);
        // The classes that tie are worth 1/2 and 1/4, in either order.
        assert_close(loss(Target::Majority, labels), (1.5 * ln2 + 2.0 * ln2) / 2.0);
        let turned = [[0.0, 0.6, 0.4], [0.4, 0.4, 0.2]];
        assert_close(loss(Target::Majority, turned), (2.0 * ln2 + 1.5 * ln2) / 2.0);
        assert_close(loss(Target::MultiTarget, labels), (ln2 + 2.0 * ln2) / 2.0);
        let certain = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        assert_close(loss(Target::Probability, certain), (ln2 + 2.0 * ln2) / 2.0);
    }

    #[test]
    fn classes_are_drawn_in_proportion() {
        let labels = Tensor::from_slice(&[0.0f32, 0.3, 0.7]).repeat([10_000, 1]);
        let chances = (Tensor::arange(10_000, (Kind::Float, Device::Cpu)) + 0.5) / 10_000.0;
        let drawn = drawn_classes(&labels, &chances);
        let share =
            |class: i64| drawn.eq(class).to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
        assert_eq!(share(0), 0.0);
        assert!((share(1) - 0.3).abs() < 0.015, "{}", share(1));
        assert!((share(1) + share(2) - 1.0).abs() < 1e-12);
    }
}
