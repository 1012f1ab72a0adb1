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

    /// Whether pictures `[N, C, H, W]` had better come channel by channel in memory than pixel by pixel. The answers are
    /// the same.
    fn takes_planes(&self, _pictures: &Tensor) -> bool {
        false
    }
}

/// About this many numbers stay in a CPU's caches.
pub(super) const IN_CACHE: i64 = 5 << 20;

/// How many pictures a CPU takes at once, so that a layer's output, of so many numbers a picture at most, stays in its
/// caches.
pub(super) fn at_once_on_cpu(largest: i64) -> i64 {
    (IN_CACHE / largest / 8 * 8).clamp(8, 128)
}

/// What `logits` gives of pictures `[N, C, H, W]`, of at most so many at once.
pub(super) fn in_turns(
    pictures: &Tensor,
    at_once: i64,
    logits: &dyn Fn(&Tensor) -> Tensor,
) -> Tensor {
    if pictures.size()[0] <= at_once {
        return logits(pictures);
    }
    let parts: Vec<Tensor> = pictures.split(at_once, 0).iter().map(logits).collect();
    Tensor::cat(&parts, 0)
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

    fn takes_planes(&self, pictures: &Tensor) -> bool {
        (**self).takes_planes(pictures)
    }
}

impl Inference for Box<dyn Inference> {
    fn logits(&self, pictures: &Tensor) -> Tensor {
        (**self).logits(pictures)
    }

    fn in_parts(&self) -> Option<&Folded> {
        (**self).in_parts()
    }

    fn takes_planes(&self, pictures: &Tensor) -> bool {
        (**self).takes_planes(pictures)
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
