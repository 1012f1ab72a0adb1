//! The exponential moving average of a network's weights.

use tch::Tensor;

use crate::model::Network;

/// A network whose tensors are moving averages of another's (Polyak and Juditsky 1992), batch normalisation's running
/// statistics among them.
#[derive(Debug)]
pub(super) struct Average {
    /// From 0 to below 1.
    decay: f64,
    pub network: Network,
    /// Of each tensor, its average and what is averaged; they share the two networks' storage.
    pairs: Vec<(Tensor, Tensor)>,
}

impl Average {
    /// The average of `network` before its first step, which is itself; `own` is another network of the same settings, to
    /// hold it.
    ///
    /// # Errors
    /// A tensor that `own` does not have.
    pub fn new(decay: f64, network: &Network, own: Network) -> Result<Average, String> {
        own.restore(&network.snapshot())?;
        let averages = own.parameters().into_iter().map(|parameter| parameter.tensor);
        let averaged = network.parameters().into_iter().map(|parameter| parameter.tensor);
        Ok(Average { decay, pairs: averages.zip(averaged).collect(), network: own })
    }

    /// Moves the average after a step, from 1: it keeps min(decay, (1 + step) / (10 + step)) of itself, as TensorFlow's
    /// ExponentialMovingAverage does with a number of updates, so that it soon forgets the weights at the start.
    pub fn step(&mut self, step: u64) {
        let kept = self.decay.min((1 + step) as f64 / (10 + step) as f64);
        tch::no_grad(|| {
            for (average, averaged) in &mut self.pairs {
                let _ = average.g_add_(&((&*averaged - &*average) * (1.0 - kept)));
            }
        });
    }
}
