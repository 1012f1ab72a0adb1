//! A network's predictions for a whole split.

use std::cell::OnceCell;
use std::ops::Range;

use tch::{Device, Kind, Tensor};

use super::inputs::{OnDevice, filled};
use super::masks::Masks;
use super::scaled::Scaled;
use crate::model::{Folded, Inference, Known, Parts};
use crate::random;
use crate::region::Fill;

/// Images of one batch. Noise is drawn batch by batch.
const ON_CPU: usize = 128;
/// Enough to keep it busy.
const ON_GPU: usize = 512;

/// Logits `[N, K]`, f32, on the device, of a split's images in their order, masked if `mask` is given.
/// `seed` is the training's: it draws the noise of a `noise` fill. `go_on` is asked before each batch: `None` once it
/// says no, since a large network may take longer for a split than a scheduler waits for a process to leave.
pub fn split_logits(
    network: &dyn Inference,
    data: &OnDevice,
    mask: Option<&Masks>,
    seed: u64,
    go_on: &dyn Fn() -> bool,
) -> Option<Tensor> {
    let _guard = tch::no_grad_guard();
    let all = Tensor::arange(data.len() as i64, (Kind::Int64, data.device()));
    let mut logits = Vec::new();
    for batch in batches(data) {
        if !go_on() {
            return None;
        }
        let index = all.narrow(0, batch.places.start as i64, batch.places.len() as i64);
        logits.push(network.logits(&data.evaluation_batch(&index, mask, batch.noise(seed))));
    }
    Some(Tensor::cat(&logits, 0))
}

/// As [`split_logits`], under several masks: if one masks only a part of the images, only what depends on that part is
/// recomputed from the results for whole images. The result for one mask does not depend on the others; a single one
/// takes longer than [`split_logits`].
pub fn split_logits_under(
    network: &dyn Inference,
    data: &OnDevice,
    masks: &[Option<&Masks>],
    seed: u64,
    go_on: &dyn Fn() -> bool,
) -> Option<Vec<Tensor>> {
    match network.in_parts() {
        Some(network) => in_parts(network, data, masks, seed, go_on),
        None => as_wholes(network, data, masks, seed, go_on),
    }
}

fn as_wholes(
    network: &dyn Inference,
    data: &OnDevice,
    masks: &[Option<&Masks>],
    seed: u64,
    go_on: &dyn Fn() -> bool,
) -> Option<Vec<Tensor>> {
    let _guard = tch::no_grad_guard();
    let mut logits: Vec<Vec<Tensor>> = masks.iter().map(|_| Vec::new()).collect();
    for batch in batches(data) {
        let mut covers = Covers::new(data, &batch, seed);
        match network.by_value(data.shape()).filter(|_| data.device() == Device::Cpu) {
            None => {
                for (mask, logits) in masks.iter().zip(&mut logits) {
                    if !go_on() {
                        return None;
                    }
                    logits.push(network.logits(&covers.under(*mask)));
                }
            }
            Some(network) => {
                let mut covers = Scaled::new(network, covers);
                for (mask, logits) in masks.iter().zip(&mut logits) {
                    if !go_on() {
                        return None;
                    }
                    covers.logits_under(*mask, logits);
                }
            }
        }
    }
    Some(logits.into_iter().map(|logits| Tensor::cat(&logits, 0)).collect())
}

/// The images of a batch, to be masked in several ways: what the masks have in common is computed once.
pub(super) struct Covers<'a> {
    pub data: &'a OnDevice,
    index: Tensor,
    /// Where they begin in their split.
    pub start: i64,
    /// Standardised and not masked, once it is asked for.
    whole: OnceCell<Tensor>,
    noise: i64,
    /// What fills masked pixels, of fills that the masks do not change.
    fillings: Vec<(Fill, Option<Tensor>)>,
}

impl<'a> Covers<'a> {
    fn new(data: &'a OnDevice, batch: &Batch, seed: u64) -> Covers<'a> {
        let all = Tensor::arange(data.len() as i64, (Kind::Int64, data.device()));
        let start = batch.places.start as i64;
        let index = all.narrow(0, start, batch.places.len() as i64);
        let noise = batch.noise(seed);
        Covers { data, index, start, whole: OnceCell::new(), noise, fillings: Vec::new() }
    }

    /// How many they are.
    pub fn len(&self) -> i64 {
        self.index.size()[0]
    }

    /// Standardised and not masked.
    pub fn whole(&self) -> &Tensor {
        self.whole.get_or_init(|| self.data.pictures(&self.index))
    }

    /// As [`OnDevice::evaluation_batch`], to the bit.
    pub fn under(&mut self, mask: Option<&Masks>) -> Tensor {
        let Some(mask) = mask else { return self.whole().shallow_clone() };
        let masked = mask.of(&self.index, None);
        let filled_mask = masked.filled(self.noise);
        let fill = filled_mask.fill;
        if !self.fillings.iter().any(|(known, _)| *known == fill) {
            self.fillings.push((fill, self.filling(fill)));
        }
        let known = self.fillings.iter().find(|(known, _)| *known == fill);
        match known.and_then(|(_, filling)| filling.as_ref()) {
            Some(filling) => filled(self.whole(), filling, filled_mask.hidden),
            None => self.data.met(self.whole().shallow_clone(), None, Some(filled_mask)),
        }
    }

    /// As [`OnDevice::filling`].
    pub fn filling(&self, fill: Fill) -> Option<Tensor> {
        self.data.filling(self.len(), fill, self.noise, &|| self.whole().shallow_clone())
    }
}

fn in_parts(
    network: &Folded,
    data: &OnDevice,
    masks: &[Option<&Masks>],
    seed: u64,
    go_on: &dyn Fn() -> bool,
) -> Option<Vec<Tensor>> {
    let _guard = tch::no_grad_guard();
    let mut logits: Vec<Vec<Tensor>> = masks.iter().map(|_| Vec::new()).collect();
    for batch in batches(data) {
        let start = batch.places.start;
        let mut covers = Covers::new(data, &batch, seed);
        let whole = covers.whole().shallow_clone();
        let at_once = network.at_once(&whole) as usize;
        let mut known: Vec<Option<(Tensor, Known)>> = Vec::new();
        known.resize_with(batch.places.len().div_ceil(at_once), || None);
        for (mask, logits) in masks.iter().zip(&mut logits) {
            if !go_on() {
                return None;
            }
            let covered = covers.under(*mask);
            for (known, first) in known.iter_mut().zip((0..batch.places.len()).step_by(at_once)) {
                let length = at_once.min(batch.places.len() - first);
                let part = |tensor: &Tensor| tensor.narrow(0, first as i64, length as i64);
                let places = start + first..start + first + length;
                let hidden = mask.and_then(|mask| mask.part(places));
                let pays = |parts: &Parts| network.pays_in_parts(parts.share(&whole));
                logits.push(match hidden.filter(pays) {
                    None => network.logits(&part(&covered)),
                    Some(hidden) => {
                        let (_, known) = known.get_or_insert_with(|| network.known(&part(&whole)));
                        network.changed(known, &hidden.cut(&part(&covered)), &hidden)
                    }
                });
            }
        }
    }
    Some(logits.into_iter().map(|logits| Tensor::cat(&logits, 0)).collect())
}

/// Some of a split's images, one after the other.
struct Batch {
    number: u64,
    places: Range<usize>,
}

impl Batch {
    /// The seed of the noise that may mask them.
    fn noise(&self, seed: u64) -> i64 {
        random::torch_seed(seed, "evaluation noise", &[self.number])
    }
}

fn batches(data: &OnDevice) -> impl Iterator<Item = Batch> {
    let (size, images) = (batch_size(data.device()), data.len());
    (0..images).step_by(size).enumerate().map(move |(number, start)| Batch {
        number: number as u64,
        places: start..(start + size).min(images),
    })
}

fn batch_size(device: Device) -> usize {
    if device.is_cuda() { ON_GPU } else { ON_CPU }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Dataset, Images, Pixels, Split};
    use crate::experiment::{ModelSpec, Precision};
    use crate::model::{ByValue, Network};
    use crate::region::{Affine, Mode, Occlusion, Regions};
    use crate::train::Standardisation;

    fn split_logits(
        network: &dyn Inference,
        data: &OnDevice,
        mask: Option<&Masks>,
        seed: u64,
    ) -> Tensor {
        super::split_logits(network, data, mask, seed, &|| true).unwrap()
    }

    fn split_logits_under(
        network: &dyn Inference,
        data: &OnDevice,
        masks: &[Option<&Masks>],
        seed: u64,
    ) -> Vec<Tensor> {
        super::split_logits_under(network, data, masks, seed, &|| true).unwrap()
    }

    const SIDE: usize = 24;
    const IMAGES: usize = 150;

    fn data(channels: usize) -> OnDevice {
        let pixels = (0..IMAGES * SIDE * SIDE * channels).map(|at| (at * 7919 % 251) as u8);
        let pixels: Vec<u8> = pixels.collect();
        let images = || Images {
            names: (0..IMAGES).map(|image| image.to_string()).collect(),
            pixels: Pixels::Owned(pixels.clone()),
            labels: [1.0, 0.0].repeat(IMAGES),
            landmarks: vec![None; IMAGES],
        };
        let classes = ["x", "y"].map(str::to_owned).to_vec();
        let dataset = Dataset::new(classes, [SIDE, SIDE, channels], [images(), images(), images()]);
        let standardisation = Standardisation::of(&dataset.train, channels);
        OnDevice::new(&dataset, Split::Test, &standardisation, Device::Cpu)
    }

    fn mask(region: &str, mode: Mode, fill: Fill) -> Masks {
        let frame = |image: usize| {
            let (sin, cos) = (0.01 * (image % 40) as f64).sin_cos();
            Affine { a: cos, b: -sin, c: 0.02, d: sin, e: cos, f: -0.01 * (image % 7) as f64 }
        };
        let frames: Vec<Affine> = (0..IMAGES).map(frame).collect();
        let polygons = Regions::aligned().get(region).unwrap().polygons.clone();
        let masks = Occlusion { polygons, mode, fill }.masks(&frames, SIDE, SIDE);
        Masks::new(&masks, SIDE, SIDE, fill, Device::Cpu)
    }

    #[test]
    fn several_masks_give_the_predictions_of_each_alone() {
        let data = data(1);
        let model = ModelSpec::of_blocks(&[&[8, 8], &[12]], 0.9);
        let network = Network::new(&model, 1, 2, Precision::F32, Device::Cpu, 4).folded();
        let masks = [
            Some(mask("mouth", Mode::Hide, Fill::Mean)),
            None,
            Some(mask("eyes_left", Mode::Hide, Fill::Noise)),
            Some(mask("mouth", Mode::Keep, Fill::Mean)),
            Some(mask("brows", Mode::Hide, Fill::Inpaint)),
        ];
        let masks = masks.each_ref().map(Option::as_ref);
        let together = split_logits_under(&network, &data, &masks, 3);
        for (mask, together) in masks.iter().zip(&together) {
            let alone = split_logits(&network, &data, *mask, 3);
            let apart = (&alone - together).abs().max().double_value(&[]);
            assert!(apart < 1e-5 * alone.abs().max().double_value(&[]), "{apart}");
            // The result is bit-identical whatever else is computed with it.
            assert_eq!(&split_logits_under(&network, &data, &[*mask], 3)[0], together);
        }
        assert_eq!(together[1], split_logits(&network, &data, None, 3));
        let picture = data.pictures(&Tensor::from_slice(&[0i64]));
        let folded = network.in_parts().unwrap();
        let pays = |parts: Parts| folded.pays_in_parts(parts.share(&picture));
        let in_parts = masks.iter().flatten().filter(|mask| mask.part(0..14).is_some_and(pays));
        assert_eq!(in_parts.count(), 3);
    }

    #[test]
    fn whoever_says_no_waits_for_one_batch_at_most() {
        let data = data(1);
        let model = ModelSpec::of_blocks(&[&[8], &[12]], 0.9);
        let network = Network::new(&model, 1, 2, Precision::F32, Device::Cpu, 4).folded();
        let mask = mask("mouth", Mode::Hide, Fill::Mean);
        let masks = [Some(&mask), None, Some(&mask)];
        let seen = Seen { by_value: false };
        let asked = |answer: &dyn Fn(&dyn Fn() -> bool) -> bool, most: u32| {
            let asked = std::cell::Cell::new(0);
            let go_on = || {
                asked.set(asked.get() + 1);
                asked.get() < most
            };
            (answer(&go_on), asked.get())
        };
        // Two batches; under three masks, six.
        let alone = |go_on: &dyn Fn() -> bool| {
            super::split_logits(&network, &data, Some(&mask), 3, go_on).is_some()
        };
        assert_eq!((asked(&alone, 2), asked(&alone, 9)), ((false, 2), (true, 2)));
        let parts = |go_on: &dyn Fn() -> bool| {
            super::split_logits_under(&network, &data, &masks, 3, go_on).is_some()
        };
        assert_eq!((asked(&parts, 4), asked(&parts, 9)), ((false, 4), (true, 6)));
        let wholes = |go_on: &dyn Fn() -> bool| {
            super::split_logits_under(&seen, &data, &masks, 3, go_on).is_some()
        };
        assert_eq!((asked(&wholes, 5), asked(&wholes, 9)), ((false, 5), (true, 6)));
    }

    /// Of networks that take whole images: its answers are the images that it is shown, on its scale.
    struct Seen {
        by_value: bool,
    }

    impl Inference for Seen {
        fn logits(&self, pictures: &Tensor) -> Tensor {
            self.logits_of_scaled(&self.scaled(pictures))
        }

        fn by_value(&self, _: [i64; 3]) -> Option<&dyn ByValue> {
            self.by_value.then_some(self)
        }
    }

    impl ByValue for Seen {
        fn scaled(&self, pictures: &Tensor) -> Tensor {
            let of_channels = |numbers: [f32; 3]| Tensor::from_slice(&numbers).view([1, 3, 1, 1]);
            let values = pictures.contiguous() * of_channels([1.3, 0.7, 1.1]);
            (values + of_channels([0.3, 0.0, -0.2])).flip([1])
        }

        fn source(&self, channel: usize, _: usize) -> usize {
            2 - channel
        }

        fn logits_of_scaled(&self, scaled: &Tensor) -> Tensor {
            scaled.view([scaled.size()[0], -1]).copy()
        }

        fn at_once(&self) -> usize {
            24
        }
    }

    #[test]
    fn several_masks_cover_as_each_alone_to_the_bit() {
        let data = data(3);
        let fills = [
            Fill::Noise,
            Fill::Mean,
            Fill::Blur(0.1),
            Fill::Constant(0.25),
            Fill::Constant(0.75),
            Fill::Inpaint,
            Fill::Silhouette,
        ];
        // Under some most pixels are masked, under others few.
        let shown = [("mouth", Mode::Hide), ("mouth", Mode::Keep), ("eyes", Mode::Hide)];
        let masks =
            shown.iter().flat_map(|(region, mode)| fills.map(|fill| mask(region, *mode, fill)));
        let masks: Vec<Masks> = masks.collect();
        let masks: Vec<Option<&Masks>> = masks.iter().map(Some).chain([None]).collect();
        for seen in [Seen { by_value: false }, Seen { by_value: true }] {
            let together = split_logits_under(&seen, &data, &masks, 3);
            for (mask, together) in masks.iter().zip(&together) {
                assert_eq!(&split_logits(&seen, &data, *mask, 3), together);
            }
        }
    }
}
