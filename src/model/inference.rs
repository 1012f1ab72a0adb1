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

    /// The network, if it brings each value of pictures on the CPU with so many channels, rows and columns to its own scale by
    /// itself.
    fn by_value(&self, _shape: [i64; 3]) -> Option<&dyn ByValue> {
        None
    }
}

/// A network that brings each value of a picture to its own scale without a look at the others: a picture that is put together
/// from two others can then be put together from what these are on its scale, to the same bits.
pub trait ByValue: Sync {
    /// Standardised pictures, or one value a channel, `[N, C, H, W]`, on the network's scale: a tensor of its own, channel by
    /// channel in memory.
    fn scaled(&self, pictures: &Tensor) -> Tensor;

    /// Which of the pictures' so many channels becomes one of the network's.
    fn source(&self, channel: usize, channels: usize) -> usize;

    /// Logits `[N, K]`, f32, of pictures on the network's scale, `[N, C, H, W]`; they share no memory with these.
    fn logits_of_scaled(&self, scaled: &Tensor) -> Tensor;

    /// How many pictures it takes at once; more come in turns of so many, several at a time by [`in_chunks`].
    ///
    /// [`in_chunks`]: super::in_chunks
    fn at_once(&self) -> usize;
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

    fn by_value(&self, shape: [i64; 3]) -> Option<&dyn ByValue> {
        (**self).by_value(shape)
    }
}

impl Inference for Box<dyn Inference> {
    fn logits(&self, pictures: &Tensor) -> Tensor {
        (**self).logits(pictures)
    }

    fn in_parts(&self) -> Option<&Folded> {
        (**self).in_parts()
    }

    fn by_value(&self, shape: [i64; 3]) -> Option<&dyn ByValue> {
        (**self).by_value(shape)
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
