//! Adam, AdamW and SGD, with their state in the open so that a checkpoint can hold it.

use tch::Tensor;

use crate::experiment;
use crate::model::{Network, Parameter};

/// Moves a network's trainable parameters along their gradients.
#[derive(Debug)]
pub struct Optimizer {
    kind: experiment::Optimizer,
    slots: Vec<Slot>,
    /// Steps done.
    steps: u64,
}

/// A parameter and what the optimiser remembers of its gradients.
#[derive(Debug)]
struct Slot {
    name: String,
    parameter: Tensor,
    /// Adam: the running mean of gradients. SGD: the velocity.
    first: Tensor,
    /// Adam: the running mean of squared gradients. SGD: unused, empty.
    second: Tensor,
}

impl Optimizer {
    pub fn new(kind: experiment::Optimizer, network: &Network) -> Optimizer {
        let with_second = !matches!(kind, experiment::Optimizer::Sgd { .. });
        let slot = |parameter: Parameter| {
            let first = parameter.tensor.detach().zeros_like();
            let second = if with_second {
                first.zeros_like()
            } else {
                Tensor::zeros([0], (first.kind(), first.device()))
            };
            Slot { name: parameter.name, parameter: parameter.tensor, first, second }
        };
        let trainable = network.parameters().into_iter().filter(|parameter| parameter.trainable);
        Optimizer { kind, slots: trainable.map(slot).collect(), steps: 0 }
    }

    pub fn zero_gradients(&mut self) {
        for slot in &mut self.slots {
            slot.parameter.zero_grad();
        }
    }

    /// One step along the gradients that lie in the parameters.
    ///
    /// Adam as TensorFlow has it (Kingma and Ba 2015, the form at the end of section 2): the corrections
    /// for the start go into the rate, and epsilon is added to the uncorrected root. AdamW decays the
    /// weights by rate × decay beside that (Loshchilov and Hutter 2019). SGD adds decay × weight to the
    /// gradient; v ← momentum × v + gradient; the step is rate × v, or with Nesterov's momentum
    /// rate × (gradient + momentum × v).
    pub fn step(&mut self, rate: f64) {
        self.steps += 1;
        let steps = self.steps as f64;
        let kind = self.kind;
        tch::no_grad(|| {
            for slot in &mut self.slots {
                let gradient = slot.parameter.grad();
                match kind {
                    experiment::Optimizer::Adam { beta1, beta2, epsilon, .. } => {
                        let rate =
                            rate * (1.0 - beta2.powf(steps)).sqrt() / (1.0 - beta1.powf(steps));
                        slot.adam(&gradient, rate, beta1, beta2, epsilon);
                    }
                    experiment::Optimizer::Adamw {
                        beta1, beta2, epsilon, weight_decay, ..
                    } => {
                        let _ = slot.parameter.g_mul_scalar_(1.0 - rate * weight_decay);
                        let rate =
                            rate * (1.0 - beta2.powf(steps)).sqrt() / (1.0 - beta1.powf(steps));
                        slot.adam(&gradient, rate, beta1, beta2, epsilon);
                    }
                    experiment::Optimizer::Sgd { momentum, nesterov, weight_decay, .. } => {
                        let gradient = gradient + &slot.parameter * weight_decay;
                        let _ = slot.first.g_mul_scalar_(momentum).g_add_(&gradient);
                        let direction = if nesterov {
                            gradient + &slot.first * momentum
                        } else {
                            slot.first.shallow_clone()
                        };
                        let _ = slot.parameter.g_sub_(&(direction * rate));
                    }
                }
            }
        });
    }

    /// How many steps were done.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Everything that is remembered, by name, sharing its storage.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        self.slots
            .iter()
            .flat_map(|slot| {
                [
                    (format!("{}.first", slot.name), slot.first.shallow_clone()),
                    (format!("{}.second", slot.name), slot.second.shallow_clone()),
                ]
            })
            .collect()
    }

    /// Counts on from `steps`, after [`state`](Optimizer::state)'s tensors were filled.
    pub fn resume(&mut self, steps: u64) {
        self.steps = steps;
    }
}

impl Slot {
    fn adam(&mut self, gradient: &Tensor, rate: f64, beta1: f64, beta2: f64, epsilon: f64) {
        let _ = self.first.lerp_(gradient, 1.0 - beta1);
        let _ = self.second.g_mul_scalar_(beta2).g_add_(&(gradient.square() * (1.0 - beta2)));
        let root = self.second.sqrt() + epsilon;
        let _ = self.parameter.g_sub_(&(&self.first / root * rate));
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::experiment::{ModelSpec, Precision};

    /// Steps of the head's bias under the gradients 1, then −2, from 0.
    fn walk(kind: experiment::Optimizer) -> Vec<f64> {
        let model = ModelSpec { blocks: vec![vec![2]], batch_norm_momentum: 0.99 };
        let network = Network::new(&model, 1, 2, Precision::F32, Device::Cpu, 0);
        let mut optimizer = Optimizer::new(kind, &network);
        let bias = optimizer.slots.last().unwrap().parameter.shallow_clone();
        let mut places = Vec::new();
        for gradient in [1.0, -2.0] {
            optimizer.zero_gradients();
            let everything: Tensor =
                optimizer.slots.iter().map(|slot| slot.parameter.sum(Kind::Float)).sum();
            (everything * gradient).backward();
            optimizer.step(0.1);
            places.push(bias.double_value(&[0]));
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
