//! The training losses. All in nats, means over the batch.

use tch::{Device, Kind, Reduction, Tensor};

use crate::experiment::{ClassWeights, Target, TrainSpec};

/// The targets of one batch.
#[derive(Debug)]
pub struct Goal<'a> {
    /// Label distributions, `[B, K]`.
    pub labels: &'a Tensor,
    /// Of these the class with most votes, `[B, K]`, as [`majority`] makes them.
    pub majority: &'a Tensor,
}

/// What a training minimises.
///
/// `distribution`: Σ −p log q. `majority`: −log q of the class with most votes, the mean over those that tie: what
/// drawing one of them at every visit comes to, without the draw. `probability`: −log q of
/// a class drawn from p by the image's chance, `[B]`, from 0 to 1. `multi_target`: −log of the largest q
/// among the classes with p > 0 (Barsoum et al. 2016, arXiv 1608.01041, section 3).
///
/// With class weights w an image's loss is Σ −w p log q, and the loss their mean over images, not over weights.
#[derive(Debug)]
pub struct Loss {
    target: Target,
    /// The share of a training target that is spread over all classes.
    smoothing: f64,
    /// `[K]`, f32; all 1 where there are none.
    weights: Option<Tensor>,
}

/// A class without a share of the training targets has no balanced weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmptyClass(pub usize);

/// The other half of each image of a mixture: its place in the batch, `[B]`, i64, and its share, `[B]`, f32.
#[derive(Debug, Clone, Copy)]
pub struct Mixture<'a> {
    pub partner: &'a Tensor,
    pub share: &'a Tensor,
}

impl Loss {
    /// The loss of some settings, for training targets of the whole split.
    ///
    /// # Errors
    /// A class that has none of them, where weights are to balance the classes.
    pub fn new(settings: &TrainSpec, goal: &Goal) -> Result<Loss, EmptyClass> {
        let targets = match settings.target {
            Target::Majority => goal.majority,
            _ => goal.labels,
        };
        let weights = match &settings.class_weights {
            ClassWeights::None => None,
            rule => Some(class_weights(rule, &shares(targets))?),
        };
        let weights = weights.map(|weights| {
            let weights: Vec<f32> = weights.iter().map(|weight| *weight as f32).collect();
            Tensor::from_slice(&weights).to_device(targets.device())
        });
        Ok(Loss { target: settings.target, smoothing: settings.label_smoothing, weights })
    }

    /// Of a training batch, in nats. `logits` `[B, K]`, f32. The targets of mixed images are mixed as they are; smoothing
    /// comes last: (1 − ε) p + ε / K.
    pub fn training(
        &self,
        logits: &Tensor,
        goal: &Goal,
        chances: Option<&Tensor>,
        mixture: Option<Mixture<'_>>,
    ) -> Tensor {
        let classes = logits.size()[1];
        let drawn = match (self.target, chances) {
            (Target::Probability, Some(chances)) => Some(drawn_classes(goal.labels, chances)),
            _ => None,
        };
        let plain = mixture.is_none() && self.smoothing == 0.0 && self.weights.is_none();
        let targets = match (self.target, drawn) {
            (Target::MultiTarget, _) => return multi_target(logits, goal.labels),
            (_, Some(drawn)) if plain => drawn,
            (_, Some(drawn)) => drawn.one_hot(classes).to_kind(Kind::Float),
            (Target::Majority, None) => goal.majority.shallow_clone(),
            (_, None) => goal.labels.shallow_clone(),
        };
        let targets = match mixture {
            Some(mixture) => mixed(&targets, mixture),
            None => targets,
        };
        cross_entropy(logits, &targets, self.weights.as_ref(), self.smoothing)
    }

    /// The validation loss, by which epochs are compared: the same, but nothing is smoothed or mixed, and `probability`
    /// takes the whole distribution in the place of one draw, which is its expectation.
    pub fn evaluation(&self, logits: &Tensor, goal: &Goal) -> Tensor {
        let targets = match self.target {
            Target::MultiTarget => return multi_target(logits, goal.labels),
            Target::Majority => goal.majority,
            Target::Distribution | Target::Probability => goal.labels,
        };
        cross_entropy(logits, targets, self.weights.as_ref(), 0.0)
    }
}

/// Rows of `[B, …]`, each mixed with its partner's.
pub fn mixed(rows: &Tensor, Mixture { partner, share }: Mixture<'_>) -> Tensor {
    let share = share.view([-1, 1]);
    rows * (1.0 - &share) + rows.index_select(0, partner) * share
}

/// The mean of targets `[N, K]`, by class.
fn shares(targets: &Tensor) -> Vec<f64> {
    let shares = targets.mean_dim([0].as_slice(), false, Kind::Double).to_device(Device::Cpu);
    Vec::try_from(&shares).expect("one number for each class")
}

/// The weight of each class whose share of the targets is known: N / (K n) where they are to be balanced, which is
/// 1 / (K share); those of a list scaled. Their mean over the targets is 1.
fn class_weights(rule: &ClassWeights, shares: &[f64]) -> Result<Vec<f64>, EmptyClass> {
    let raw: Vec<f64> = match rule {
        ClassWeights::None => vec![1.0; shares.len()],
        ClassWeights::Each(weights) => weights.clone(),
        ClassWeights::Balanced => match shares.iter().position(|share| *share <= 0.0) {
            Some(empty) => return Err(EmptyClass(empty)),
            None => shares.iter().map(|share| 1.0 / share).collect(),
        },
    };
    let mean: f64 = raw.iter().zip(shares).map(|(weight, share)| weight * share).sum();
    Ok(raw.iter().map(|weight| weight / mean).collect())
}

fn multi_target(logits: &Tensor, labels: &Tensor) -> Tensor {
    let wrong = labels.le(0.0);
    let log_q = logits.log_softmax(-1, Kind::Float);
    -log_q.masked_fill(&wrong, f64::NEG_INFINITY).amax(-1, false).mean(Kind::Float)
}

/// What is largest in each row of `[B, K]`: 1 for its class, an equal share of 1 for each of several. f32.
pub fn majority(rows: &Tensor) -> Tensor {
    let largest = rows.eq_tensor(&rows.amax(-1, true)).to_kind(Kind::Float);
    &largest / largest.sum_dim_intlist(-1, true, Kind::Float)
}

/// Of logits `[B, K]`, against shares `[B, K]` or, without weights, classes `[B]`.
fn cross_entropy(
    logits: &Tensor,
    goal: &Tensor,
    weights: Option<&Tensor>,
    smoothing: f64,
) -> Tensor {
    logits.cross_entropy_loss(goal, weights, Reduction::Mean, -100, smoothing)
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
    use super::*;

    /// Two images, three classes; the predictions are (1/2, 1/4, 1/4) for both.
    fn loss(target: Target, labels: [[f32; 3]; 2]) -> f64 {
        let logits = Tensor::from_slice(&[0.5f32, 0.25, 0.25, 0.5, 0.25, 0.25]).log().view([2, 3]);
        let labels = Tensor::from_slice(labels.as_flattened()).view([2, 3]);
        let majority = majority(&labels);
        let goal = Goal { labels: &labels, majority: &majority };
        let chances = Tensor::from_slice(&[0.3f32, 0.6]);
        let loss = Loss { target, smoothing: 0.0, weights: None };
        loss.training(&logits, &goal, Some(&chances), None).double_value(&[])
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

    /// Of the predictions (1/2, 1/4, 1/4) for both images: with log 2 as the unit, −log q is 1, 2, 2.
    fn in_log_two(loss: &Loss, labels: [[f32; 3]; 2], mixture: Option<Mixture<'_>>) -> [f64; 2] {
        let logits = Tensor::from_slice(&[0.5f32, 0.25, 0.25, 0.5, 0.25, 0.25]).log().view([2, 3]);
        let labels = Tensor::from_slice(labels.as_flattened()).view([2, 3]);
        let majority = majority(&labels);
        let goal = Goal { labels: &labels, majority: &majority };
        let chances = Tensor::from_slice(&[0.3f32, 0.6]);
        let training = loss.training(&logits, &goal, Some(&chances), mixture);
        [training, loss.evaluation(&logits, &goal)]
            .map(|loss| loss.double_value(&[]) / std::f64::consts::LN_2)
    }

    const CERTAIN: [[f32; 3]; 2] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];

    #[test]
    fn smoothing_spreads_a_share_over_all_classes_in_training_only() {
        for target in [Target::Distribution, Target::Majority, Target::Probability] {
            let loss = Loss { target, smoothing: 0.3, weights: None };
            let [training, evaluation] = in_log_two(&loss, CERTAIN, None);
            // (0.8, 0.1, 0.1) and (0.1, 0.8, 0.1).
            assert_close(training, (1.2 + 1.9) / 2.0);
            assert_close(evaluation, 1.5);
        }
    }

    #[test]
    fn targets_are_mixed_as_images_are() {
        let (partner, share) =
            (Tensor::from_slice(&[1i64, 0]), Tensor::from_slice(&[0.25f32, 0.5]));
        let mixture = Some(Mixture { partner: &partner, share: &share });
        for target in [Target::Distribution, Target::Majority, Target::Probability] {
            let loss = Loss { target, smoothing: 0.0, weights: None };
            let [training, evaluation] = in_log_two(&loss, CERTAIN, mixture);
            assert_close(training, (0.75 + 0.25 * 2.0 + 0.5 * 2.0 + 0.5) / 2.0);
            assert_close(evaluation, 1.5);
        }
    }

    #[test]
    fn weighted_losses_are_means_over_images() {
        let weights = || Some(Tensor::from_slice(&[3.0f32, 0.5, 1.0]));
        for target in [Target::Distribution, Target::Majority, Target::Probability] {
            let loss = Loss { target, smoothing: 0.0, weights: weights() };
            let expected = (3.0 + 0.5 * 2.0) / 2.0;
            for found in in_log_two(&loss, CERTAIN, None) {
                assert_close(found, expected);
            }
        }
        let loss = Loss { target: Target::Distribution, smoothing: 0.0, weights: weights() };
        let soft = [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]];
        assert_close(in_log_two(&loss, soft, None)[0], (1.5 + 0.5 + 2.0) / 2.0);
    }

    #[test]
    fn class_weights_have_the_mean_one_over_the_targets() {
        let balanced = class_weights(&ClassWeights::Balanced, &[0.5, 0.25, 0.25]).unwrap();
        // 8 targets: N / (K n) = 8 / (3 × 4) and 8 / (3 × 2).
        for (found, expected) in balanced.iter().zip([2.0 / 3.0, 4.0 / 3.0, 4.0 / 3.0]) {
            assert_close(*found, expected);
        }
        let given = ClassWeights::Each(vec![1.0, 2.0, 4.0]);
        let given = class_weights(&given, &[0.5, 0.25, 0.25]).unwrap();
        for (found, expected) in given.iter().zip([0.5, 1.0, 2.0]) {
            assert_close(*found, expected);
        }
        let empty = class_weights(&ClassWeights::Balanced, &[0.5, 0.0, 0.5]);
        assert_eq!(empty, Err(EmptyClass(1)));
        let soft = Tensor::from_slice(&[0.5f32, 0.5, 0.0, 0.0, 0.5, 0.5]).view([2, 3]);
        assert_eq!(shares(&soft), [0.25, 0.5, 0.25]);
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
