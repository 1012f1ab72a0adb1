//! Images on the scale of a network that brings each value there by itself, under many masks.
//!
//! Whole images and fillings are brought there once. A mask then paints the fewer of its pixels, the masked ones over whole
//! images or the visible ones over the filling, and they are painted back once the network has looked: nothing is copied
//! that the mask leaves as it is.

use std::ops::Range;

use tch::{Device, Kind, Tensor};

use super::inputs::OnDevice;
use super::masks::Masks;
use super::split_logits::Covers;
use crate::model::{ByValue, in_chunks, values, with_values, with_values_mut};
use crate::region::{Fill, runs};

/// The images of a batch, to be masked in several ways.
pub(super) struct Scaled<'a> {
    network: &'a dyn ByValue,
    covers: Covers<'a>,
    whole: Tensor,
    /// As `whole`, to paint on.
    shown: Tensor,
    /// Of fills that the masks do not change.
    fillings: Vec<(Fill, Option<Filling>)>,
}

/// Images of nothing but a fill.
struct Filling {
    paint: Paint,
    /// To paint on, `[N, C, H, W]`.
    shown: Tensor,
}

/// Where the values of pixels come from.
enum Paint {
    /// One value for each channel.
    Flat(Vec<f32>),
    /// `[N, C, H, W]`.
    Images(Tensor),
}

impl Paint {
    /// Of some of the images, from one on.
    fn narrow(&self, first: i64, length: i64) -> Paint {
        match self {
            Paint::Flat(values) => Paint::Flat(values.clone()),
            Paint::Images(images) => Paint::Images(images.narrow(0, first, length)),
        }
    }
}

impl<'a> Scaled<'a> {
    pub fn new(network: &'a dyn ByValue, covers: Covers<'a>) -> Scaled<'a> {
        let whole =
            covers.data.looked_up(covers.start, covers.len(), &tables(network, covers.data));
        let shown = whole.copy();
        Scaled { network, covers, whole, shown, fillings: Vec::new() }
    }

    /// Adds the logits of the images under a mask.
    pub fn logits_under(&mut self, mask: Option<&Masks>, logits: &mut Vec<Tensor>) {
        let Some(mask) = mask else {
            logits.push(self.network.logits_of_scaled(&self.whole));
            return;
        };
        let fill = mask.fill();
        if !self.fillings.iter().any(|(known, _)| *known == fill) {
            self.fillings.push((fill, self.filling(fill)));
        }
        let known = self.fillings.iter().find(|(known, _)| *known == fill);
        let Some(filling) = known.and_then(|(_, filling)| filling.as_ref()) else {
            let images = self.network.scaled(&self.covers.under(Some(mask)));
            logits.push(self.network.logits_of_scaled(&images));
            return;
        };
        // So few at once that they are still in the processor's caches when the network takes them.
        let (images, at_once) = (self.whole.size()[0], self.network.at_once() as i64);
        let turns = (0..images).step_by(at_once as usize).map(|first| {
            let length = at_once.min(images - first);
            Turn {
                masks: mask.places(self.covers.start + first, length),
                whole: Paint::Images(self.whole.narrow(0, first, length)),
                shown: self.shown.narrow(0, first, length),
                filling: filling.paint.narrow(first, length),
                filled: filling.shown.narrow(0, first, length),
            }
        });
        let network = self.network;
        logits.extend(in_chunks(turns.collect(), |turn| {
            let _guard = tch::no_grad_guard();
            turn.logits(network)
        }));
    }

    fn filling(&self, fill: Fill) -> Option<Filling> {
        let filling = match fill {
            Fill::Mean => {
                Tensor::zeros([1, self.covers.data.shape()[0], 1, 1], (Kind::Float, Device::Cpu))
            }
            _ => self.covers.filling(fill)?,
        };
        let scaled = self.network.scaled(&filling);
        let shown = scaled.expand_as(&self.whole).copy();
        let paint = match scaled.size()[..] {
            [1, _, 1, 1] => Paint::Flat(values(&scaled)),
            _ => Paint::Images(scaled),
        };
        Some(Filling { paint, shown })
    }
}

/// For each channel of the network its place among the data's, and what each value of a pixel becomes.
fn tables(network: &dyn ByValue, data: &OnDevice) -> Vec<(usize, [f32; 256])> {
    let scaled = network.scaled(&data.each_value());
    let (channels, own) = (scaled.size()[1] as usize, data.shape()[0] as usize);
    let numbers: Vec<f32> = values(&scaled);
    let table = |channel: usize| std::array::from_fn(|value| numbers[value * channels + channel]);
    (0..channels).map(|channel| (network.source(channel, own), table(channel))).collect()
}

/// Some of the images, one after the other, and their masks, `[B, H, W]`, u8.
struct Turn {
    masks: Tensor,
    whole: Paint,
    /// Whole images and images of nothing but the fill, `[B, C, H, W]`, to paint on.
    shown: Tensor,
    filling: Paint,
    filled: Tensor,
}

impl Turn {
    /// The logits of the images, filled where their masks are.
    fn logits(self, network: &dyn ByValue) -> Tensor {
        let Turn { masks, whole, shown, filling, filled } = self;
        let hidden: usize = with_values(&masks, |masks: &[u8]| {
            // So few at once that a byte holds their sum.
            masks.chunks(255).map(|some| usize::from(some.iter().sum::<u8>())).sum()
        });
        let masked = 2 * hidden <= masks.numel();
        let (mut canvas, over, under) =
            if masked { (shown, filling, whole) } else { (filled, whole, filling) };
        paint(&mut canvas, &masks, masked, &over);
        let logits = network.logits_of_scaled(&canvas);
        paint(&mut canvas, &masks, masked, &under);
        logits
    }
}

/// Paints the masked, or the visible, pixels of images `[B, C, H, W]` whose masks are `[B, H, W]`, u8.
fn paint(images: &mut Tensor, masks: &Tensor, masked: bool, from: &Paint) {
    let [_, channels, height, width] = images.size()[..] else { unreachable!("[B, C, H, W]") };
    let (channels, pixels) = (channels as usize, (height * width) as usize);
    let image = channels * pixels;
    let in_channel = |channel: usize, run: &Range<usize>| {
        channel * pixels + run.start..channel * pixels + run.end
    };
    with_values(masks, |masks: &[u8]| {
        with_values_mut(images, |images: &mut [f32]| {
            let images = images.chunks_exact_mut(image).zip(masks.chunks_exact(pixels));
            match from {
                Paint::Flat(values) => {
                    for (image, mask) in images {
                        for run in runs(mask, masked) {
                            for (channel, value) in values.iter().enumerate() {
                                image[in_channel(channel, &run)].fill(*value);
                            }
                        }
                    }
                }
                Paint::Images(others) => with_values(others, |others: &[f32]| {
                    for ((image, mask), other) in images.zip(others.chunks_exact(image)) {
                        for run in runs(mask, masked) {
                            for channel in 0..channels {
                                let at = in_channel(channel, &run);
                                image[at.clone()].copy_from_slice(&other[at]);
                            }
                        }
                    }
                }),
            }
        });
    });
}
