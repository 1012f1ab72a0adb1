//! A network that gives predictions, wherever it was trained.

use tch::Tensor;

use super::folded::Folded;
use super::network::Rescale;

/// A network for inference.
pub trait Inference {
    /// Logits `[N, K]`, f32, of standardised pictures `[N, C, H, W]`.
    fn logits(&self, pictures: &Tensor) -> Tensor;

    /// The network, if it can recompute only what depends on a part of the pictures that has changed.
    fn in_parts(&self) -> Option<&Folded> {
        None
    }
}

/// A network that takes pictures in other numbers.
pub(super) struct Rescaled {
    pub rescale: Rescale,
    pub network: Box<dyn Inference>,
}

impl Inference for Rescaled {
    fn logits(&self, pictures: &Tensor) -> Tensor {
        let _guard = tch::no_grad_guard();
        self.network.logits(&self.rescale.of(pictures))
    }
}

impl<N: Inference + ?Sized> Inference for &N {
    fn logits(&self, pictures: &Tensor) -> Tensor {
        (**self).logits(pictures)
    }

    fn in_parts(&self) -> Option<&Folded> {
        (**self).in_parts()
    }
}

impl Inference for Box<dyn Inference> {
    fn logits(&self, pictures: &Tensor) -> Tensor {
        (**self).logits(pictures)
    }

    fn in_parts(&self) -> Option<&Folded> {
        (**self).in_parts()
    }
}

impl Inference for Folded {
    fn logits(&self, pictures: &Tensor) -> Tensor {
        Folded::logits(self, pictures)
    }

    fn in_parts(&self) -> Option<&Folded> {
        Some(self)
    }
}
