//! Adam, AdamW and SGD, with accessible state for checkpoints.

use tch::Tensor;

use crate::experiment;

/// Moves numbers along their gradient. All numbers of a network lie in one tensor, so that a step is a
/// handful of operations.
#[derive(Debug)]
pub struct Optimizer {
    kind: experiment::Optimizer,
    /// The parameters, `[M]`, f32.
    moving: Tensor,
    /// `[M]`. Adam: the running mean of gradients. SGD: the velocity.
    first: Tensor,
    /// Adam: the running mean of squared gradients, `[M]`. SGD: unused, empty.
    second: Tensor,
    /// Steps done.
    steps: u64,
}

impl Optimizer {
    /// `moving` shares the storage of the parameters.
    pub fn new(kind: experiment::Optimizer, moving: Tensor) -> Optimizer {
        let first = moving.zeros_like();
        let second = match kind {
            experiment::Optimizer::Sgd { .. } => Tensor::zeros([0], (first.kind(), first.device())),
            _ => first.zeros_like(),
        };
        Optimizer { kind, moving, first, second, steps: 0 }
    }

    /// One step along a gradient, `[M]`.
    ///
    /// Adam as TensorFlow has it (Kingma and Ba 2015, the form at the end of section 2): the corrections
    /// for the start go into the rate, and epsilon is added to the uncorrected root. AdamW decays the
    /// weights by rate × decay beside that (Loshchilov and Hutter 2019). SGD adds decay × weight to the
    /// gradient; v ← momentum × v + gradient; the step is rate × v, or with Nesterov's momentum
    /// rate × (gradient + momentum × v).
    pub fn step(&mut self, gradient: &Tensor, rate: f64) {
        let _guard = tch::no_grad_guard();
        self.steps += 1;
        match self.kind {
            experiment::Optimizer::Adam { beta1, beta2, epsilon, .. } => {
                self.adam(gradient, rate, (beta1, beta2), epsilon);
            }
            experiment::Optimizer::Adamw { beta1, beta2, epsilon, weight_decay, .. } => {
                let _ = self.moving.g_mul_scalar_(1.0 - rate * weight_decay);
                self.adam(gradient, rate, (beta1, beta2), epsilon);
            }
            experiment::Optimizer::Sgd { momentum, nesterov, weight_decay, .. } => {
                let gradient = match weight_decay {
                    0.0 => gradient.shallow_clone(),
                    decay => gradient + &self.moving * decay,
                };
                let _ = self.first.g_mul_scalar_(momentum).g_add_(&gradient);
                let direction = match nesterov {
                    true => gradient + &self.first * momentum,
                    false => self.first.shallow_clone(),
                };
                let _ = self.moving.g_sub_(&(direction * rate));
            }
        }
    }

    fn adam(&mut self, gradient: &Tensor, rate: f64, (beta1, beta2): (f64, f64), epsilon: f64) {
        let steps = self.steps as f64;
        let rate = rate * (1.0 - beta2.powf(steps)).sqrt() / (1.0 - beta1.powf(steps));
        let _ = self.first.lerp_(gradient, 1.0 - beta1);
        let _ = self.second.lerp_(&gradient.square(), 1.0 - beta2);
        let mut root = self.second.sqrt();
        let _ = root.g_add_scalar_(epsilon);
        let mut change = &self.first / root;
        let _ = self.moving.g_sub_(&change.g_mul_scalar_(rate));
    }

    /// How many steps were done.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The optimiser's state by name, sharing its storage.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let named = [("first", &self.first), ("second", &self.second)];
        named.map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone())).into()
    }

    /// Counts on from `steps`, after [`state`](Optimizer::state)'s tensors were filled.
    pub fn resume(&mut self, steps: u64) {
        self.steps = steps;
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    /// The places of a number under the gradients 1, then −2, from 0.
    fn walk(kind: experiment::Optimizer) -> Vec<f64> {
        let place = Tensor::zeros([1], (Kind::Float, Device::Cpu));
        let mut optimizer = Optimizer::new(kind, place.shallow_clone());
        let mut places = Vec::new();
        for gradient in [1.0f32, -2.0] {
            optimizer.step(&Tensor::from_slice(&[gradient]), 0.1);
            places.push(place.double_value(&[0]));
        }
        places
    }

    fn assert_close(actual: &[f64], expected: &[f64]) {
        let close = actual.iter().zip(expected).all(|(a, e)| (a - e).abs() < 1e-6);
        assert!(close, "{actual:?} {expected:?}");
    }

    #[test]
    fn adam_by_hand() {
        // First step: m = 0.1, v = 0.001, rate √0.001 / 0.1: −0.1 × 1. Second: m = −0.11, v = 0.004999.
        let kind = experiment::Optimizer::Adam {
            learning_rate: 0.1,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 0.0,
        };
        let second = 0.1 * (1.0f64 - 0.998001).sqrt() / 0.19 * 0.11 / 0.004999f64.sqrt();
        assert_close(&walk(kind), &[-0.1, -0.1 + second]);
    }

    #[test]
    fn adamw_decays_the_weights_beside_the_step() {
        let kind = experiment::Optimizer::Adamw {
            learning_rate: 0.1,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 0.0,
            weight_decay: 0.5,
        };
        let second = 0.1 * (1.0f64 - 0.998001).sqrt() / 0.19 * 0.11 / 0.004999f64.sqrt();
        assert_close(&walk(kind), &[-0.1, -0.1 * (1.0 - 0.1 * 0.5) + second]);
    }

    #[test]
    fn sgd_by_hand() {
        let sgd = |momentum, nesterov, weight_decay| {
            walk(experiment::Optimizer::Sgd {
                learning_rate: 0.1,
                momentum,
                nesterov,
                weight_decay,
            })
        };
        assert_close(&sgd(0.0, false, 0.0), &[-0.1, 0.1]);
        assert_close(&sgd(0.5, false, 0.0), &[-0.1, 0.05]);
        assert_close(&sgd(0.5, true, 0.0), &[-0.15, 0.125]);
        assert_close(&sgd(0.0, false, 1.0), &[-0.1, 0.11]);
    }
}
