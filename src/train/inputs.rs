//! A network's inputs: the one place where images are standardised, warped and masked, in training, in
//! evaluation, for sensitivity maps and for previews.
//!
//! In: a split on the device, and which of its images; the random warp in training; the masks. Out: the network's
//! inputs. The only random draw in this file is the noise of the fill.

use tch::{Device, Kind, Tensor};

use super::blur::blurred;
use super::inpaint::inpainted;
use super::loss::majority;
use super::masks::Masks;
use super::standardisation::Standardisation;
use super::warp::Warp;
use crate::dataset::{Dataset, Pixels, Split};
use crate::model::{channels_last, in_chunks, with_values, with_values_mut};
use crate::random;
use crate::region::Fill;

/// One split as tensors on the device.
#[derive(Debug)]
pub struct OnDevice {
    pixels: Stored,
    /// Label distributions `[N, K]`, f32.
    pub labels: Tensor,
    /// The class with most votes, `[N, K]`, f32: 1, or an equal share of 1 for each class that ties.
    pub majority: Tensor,
    /// `[C]` on the device, of values from 0 to 255.
    mean: Tensor,
    deviation: Tensor,
    standardisation: Standardisation,
}

/// The masking of images.
#[derive(Debug, Clone, Copy)]
pub struct FilledMask<'a> {
    /// The masked share of each pixel, `[B, 1, H, W]`, f32, 0 to 1.
    pub hidden: &'a Tensor,
    pub fill: Fill,
    /// Of the noise, where the fill is noise.
    pub seed: i64,
    /// Where the fill is objects: what is drawn on masked pixels, `[B, C, H, W]`, f32, 0 to 255.
    pub objects: Option<&'a Tensor>,
}

/// The pixels of a split, `[N, H, W, C]`, u8, only ever read.
///
/// On a CPU those of the cache's file are not copied but mapped, so that all processes share its pages, and a data set
/// may be larger than the memory.
#[derive(Debug)]
struct Stored {
    // Dropped before what it points into.
    tensor: Tensor,
    _mapped: Option<Pixels>,
}

impl Stored {
    fn of(pixels: &Pixels, size: [i64; 4], device: Device) -> Stored {
        match pixels {
            Pixels::Mapped { map, offset, len } if device == Device::Cpu && *len > 0 => {
                let bytes = &map[*offset..*offset + *len];
                assert_eq!(size.iter().product::<i64>() as usize, bytes.len());
                let strides = [size[1] * size[2] * size[3], size[2] * size[3], size[3], 1];
                // SAFETY: the tensor covers `bytes`, which the map beside it keeps where they are for as long as the
                // tensor lives; nothing writes to it. What `index_select` gives is a copy.
                let tensor = unsafe {
                    Tensor::from_blob(bytes.as_ptr(), &size, &strides, Kind::Uint8, Device::Cpu)
                };
                Stored { tensor, _mapped: Some(pixels.clone()) }
            }
            pixels => {
                let tensor = Tensor::from_data_size(pixels, &size, Kind::Uint8).to_device(device);
                Stored { tensor, _mapped: None }
            }
        }
    }
}

impl OnDevice {
    pub fn new(
        dataset: &Dataset,
        split: Split,
        standardisation: &Standardisation,
        device: Device,
    ) -> OnDevice {
        let images = dataset.split(split);
        let count = images.len() as i64;
        let size = [count, dataset.height as i64, dataset.width as i64, dataset.channels as i64];
        let channels = |values: &[f64]| {
            let values: Vec<f32> = values.iter().map(|value| (value * 255.0) as f32).collect();
            Tensor::from_slice(&values).to_device(device)
        };
        let labels = Tensor::from_slice(&images.labels)
            .view([count, dataset.classes.len() as i64])
            .to_device(device);
        OnDevice {
            pixels: Stored::of(&images.pixels, size, device),
            majority: majority(&labels),
            labels,
            mean: channels(&standardisation.mean),
            deviation: channels(&standardisation.deviation),
            standardisation: standardisation.clone(),
        }
    }

    pub fn len(&self) -> usize {
        self.pixels.tensor.size()[0] as usize
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn standardisation(&self) -> &Standardisation {
        &self.standardisation
    }

    pub fn device(&self) -> Device {
        self.pixels.tensor.device()
    }

    /// Images `[B, C, H, W]` converted back to whole values from 0 to 255, `[B, H, W, C]`.
    pub fn as_seen(&self, pictures: &Tensor) -> Tensor {
        let values = pictures.permute([0, 2, 3, 1]) * &self.deviation + &self.mean;
        values.round().clamp(0.0, 255.0)
    }

    /// Standardised pictures `[B, C, H, W]`, f32, channels-last in memory.
    pub fn pictures(&self, index: &Tensor) -> Tensor {
        self.standardise(&self.pixels.tensor.index_select(0, index))
    }

    /// Of pixels `[B, H, W, C]`, u8: `[B, C, H, W]`.
    fn standardise(&self, pixels: &Tensor) -> Tensor {
        let mut values = pixels.to_kind(Kind::Float);
        let _ = values.g_sub_(&self.mean).g_div_(&self.deviation);
        values.permute([0, 3, 1, 2])
    }

    /// Channels, height and width.
    pub fn shape(&self) -> [i64; 3] {
        let [_, height, width, channels] = self.pixels.tensor.size()[..] else {
            unreachable!("[N, H, W, C]")
        };
        [channels, height, width]
    }

    /// A picture of one pixel for each value that a pixel may have, standardised: `[256, C, 1, 1]`.
    pub(super) fn each_value(&self) -> Tensor {
        let bytes: Vec<u8> = (0..=u8::MAX).collect();
        let values = Tensor::from_slice(&bytes).to_device(self.device()).view([-1, 1, 1, 1]);
        self.standardise(&values.expand([-1, 1, 1, self.shape()[0]], false))
    }

    /// Some images, from one on, whose channels are made of the data's one by one: for each its place among the data's and
    /// what each value becomes. `[N, channels, H, W]`, f32; on a CPU.
    pub(super) fn looked_up(
        &self,
        first: i64,
        length: i64,
        channels: &[(usize, [f32; 256])],
    ) -> Tensor {
        let [own, height, width] = self.shape();
        let (own, pixels) = (own as usize, (height * width) as usize);
        let size = [length, channels.len() as i64, height, width];
        let mut images = Tensor::empty(size, (Kind::Float, Device::Cpu));
        with_values(&self.pixels.tensor.narrow(0, first, length), |bytes: &[u8]| {
            with_values_mut(&mut images, |images: &mut [f32]| {
                let images = images.chunks_exact_mut(pixels * channels.len());
                let images = images.zip(bytes.chunks_exact(pixels * own)).collect();
                in_chunks(images, |(image, bytes): (&mut [f32], &[u8])| {
                    let planes = image.chunks_exact_mut(pixels).zip(channels);
                    for (plane, (channel, table)) in planes {
                        let look = |value: &u8| table[usize::from(*value)];
                        match bytes.as_chunks::<3>() {
                            (colours, []) if own == 3 => {
                                plane
                                    .iter_mut()
                                    .zip(colours)
                                    .for_each(|(out, c)| *out = look(&c[*channel]));
                            }
                            _ => {
                                let values = bytes[*channel..].iter().step_by(own);
                                plane
                                    .iter_mut()
                                    .zip(values)
                                    .for_each(|(out, value)| *out = look(value));
                            }
                        }
                    }
                });
            });
        });
        images
    }

    /// The network's inputs for some images in evaluation, `[B, C, H, W]`: masked if there is a mask. `seed` is that
    /// of the noise, if the fill is noise.
    pub fn evaluation_batch(&self, index: &Tensor, mask: Option<&Masks>, seed: i64) -> Tensor {
        let masked = mask.map(|mask| mask.of(index, None));
        let filled_mask = masked.as_ref().map(|masked| masked.filled(seed));
        self.met(self.pictures(index), None, filled_mask)
    }

    /// The network's inputs from standardised images `[B, C, H, W]`: warped if there is a warp, and then masked if
    /// there is a mask; channels-last in memory.
    ///
    /// No masked pixel leaks through the warp: a visible pixel is interpolated from visible pixels alone, each with
    /// its interpolation weight. (A `blur` keeps some of the masked content by its nature.) An object is warped with the
    /// image that it covers, and interpolated from its own pixels alone.
    pub fn met(
        &self,
        pictures: Tensor,
        warp: Option<&Warp>,
        filled_mask: Option<FilledMask<'_>>,
    ) -> Tensor {
        match (warp, filled_mask) {
            (None, None) => pictures,
            (Some(warp), None) => warp.pictures(&pictures),
            (None, Some(filled_mask)) => {
                self.masked(&pictures, filled_mask, &|| pictures.shallow_clone())
            }
            (Some(warp), Some(filled_mask)) => {
                let (seen, hidden) = warp.seen(&pictures, filled_mask.hidden);
                let drawn = |objects: &Tensor| warp.seen(objects, &(1.0 - filled_mask.hidden)).0;
                let objects = filled_mask.objects.map(drawn);
                let filled_mask =
                    FilledMask { hidden: &hidden, objects: objects.as_ref(), ..filled_mask };
                self.masked(&seen, filled_mask, &|| warp.pictures(&pictures))
            }
        }
    }

    /// The fully masked images, `[B, C, H, W]`; `None` if the fill depends on the mask around a pixel. With it,
    /// [`filled`] masks any part of them as [`met`](OnDevice::met) does.
    pub fn all_hidden(&self, pictures: &Tensor, fill: Fill, seed: i64) -> Option<Tensor> {
        let filling = match fill {
            Fill::Mean => pictures.zeros_like(),
            _ => self.filling(pictures.size()[0], fill, seed, &|| pictures.shallow_clone())?,
        };
        Some(channels_last(&filling.expand_as(pictures)))
    }

    /// Images in which the masked share of each pixel is replaced by the fill. `whole` gives the unmasked images, for
    /// a fill that is computed from them.
    fn masked(
        &self,
        pictures: &Tensor,
        filled_mask: FilledMask<'_>,
        whole: &dyn Fn() -> Tensor,
    ) -> Tensor {
        let FilledMask { hidden, fill, seed, objects } = filled_mask;
        match (fill, self.filling(pictures.size()[0], fill, seed, whole)) {
            (_, Some(filling)) => filled(pictures, &filling, hidden),
            (Fill::Object, None) => {
                let objects = objects.expect("masks with this fill have objects");
                filled(pictures, &channels_last(&self.as_pictures(objects)), hidden)
            }
            (Fill::Inpaint, None) => inpainted(pictures, hidden),
            (Fill::Silhouette, None) => channels_last(&(hidden * 2.0 - 1.0).expand_as(pictures)),
            (_, None) => pictures * (1.0 - hidden),
        }
    }

    /// The fill's values for masked pixels of so many images, in a shape that expands to the images'; `None` if they are 0, or
    /// if they depend on other pixels. `whole` gives the unmasked images, for a fill that is computed from them.
    pub(super) fn filling(
        &self,
        images: i64,
        fill: Fill,
        seed: i64,
        whole: &dyn Fn() -> Tensor,
    ) -> Option<Tensor> {
        let [channels, height, width] = self.shape();
        match fill {
            Fill::Noise => {
                let size = [images, height, width, channels];
                let noise = random::normal(&size, self.device(), seed);
                Some(noise.permute([0, 3, 1, 2]))
            }
            Fill::Constant(value) => Some(self.standardised(value)),
            Fill::Blur(share) => Some(blurred(&whole(), share * height as f64)),
            Fill::Mean | Fill::Inpaint | Fill::Object | Fill::Silhouette => None,
        }
    }

    /// Values from 0 to 255, `[B, C, H, W]`, standardised as images are.
    fn as_pictures(&self, values: &Tensor) -> Tensor {
        let by_channel = |numbers: &Tensor| numbers.view([1, -1, 1, 1]);
        (values - by_channel(&self.mean)) / by_channel(&self.deviation)
    }

    /// One grey value (0 to 1) in each channel after standardisation, `[1, C, 1, 1]`.
    fn standardised(&self, value: f64) -> Tensor {
        let above: Tensor = value * 255.0 - &self.mean;
        (above / &self.deviation).view([1, -1, 1, 1])
    }
}

/// Images `[B, C, H, W]` under a fill, where a share `[B, 1, H, W]` of each pixel is masked.
pub fn filled(pictures: &Tensor, filling: &Tensor, hidden: &Tensor) -> Tensor {
    pictures * (1.0 - hidden) + filling * hidden
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dataset::{self, Images, Pixels, Watch, faces};
    use crate::experiment::Augment;
    use crate::experiment::{self, Source};
    use crate::region::{Affine, FaceMap, Mode, Occlusion, Regions};
    use crate::train::Objects;

    /// So many images of one channel, of two classes.
    fn on_device(pixels: Vec<u8>, height: usize, width: usize) -> OnDevice {
        let count = pixels.len() / (height * width);
        let images = || Images {
            names: (0..count).map(|image| image.to_string()).collect(),
            pixels: Pixels::Owned(pixels.clone()),
            labels: [0.5, 0.5].repeat(count),
            landmarks: vec![None; count],
        };
        let dataset = crate::train::fixture::in_memory(
            ["x", "y"],
            (height, width),
            [images(), images(), images()],
        );
        let standardisation = Standardisation::of(&dataset.train, 1);
        OnDevice::new(&dataset, Split::Test, &standardisation, Device::Cpu)
    }

    /// Two images of 2 × 2 pixels.
    fn tiny() -> OnDevice {
        on_device(vec![0, 255, 0, 255, 0, 255, 255, 0], 2, 2)
    }

    fn values(tensor: &Tensor) -> Vec<f32> {
        Vec::try_from(&tensor.contiguous().view(-1)).unwrap()
    }

    /// What is mapped from the cache is what was put into it, for as long as the tensor is there.
    #[test]
    fn pixels_of_the_cache_are_mapped_and_those_of_the_data_set() {
        let text = "name = \"x\"\n[dataset]\nkind = \"faces\"\nsize = [16, 16]\ntrain = 64\nval = 3\ntest = 5";
        let spec = experiment::parse(text, "x", &[]).unwrap().settings.dataset;
        let Source::Faces(drawn) = &spec.source else { panic!("they are drawn") };
        let owned = faces::generate(&spec, drawn);
        let folder = tempfile::tempdir().unwrap();
        let mapped = dataset::load(&spec, folder.path(), Watch::reporting(&|_| ())).unwrap();
        assert!(matches!(mapped.test.pixels, Pixels::Mapped { .. }));
        let standardisation = Standardisation::of(&owned.train, 1);
        let of =
            |dataset: &Dataset| OnDevice::new(dataset, Split::Test, &standardisation, Device::Cpu);
        let (owned, from_cache) = (of(&owned), of(&mapped));
        // The file and the data set are gone; the map is not.
        drop((mapped, folder));
        let index = Tensor::from_slice(&[4i64, 0, 2]);
        assert_eq!(values(&from_cache.pictures(&index)), values(&owned.pictures(&index)));
        assert_eq!(from_cache.len(), 5);
    }

    #[test]
    fn classes_that_tie_share_an_image() {
        assert_eq!(values(&tiny().majority), [0.5; 4]);
    }

    #[test]
    fn each_fill_replaces_masked_pixels_and_nothing_else() {
        let data = tiny();
        let index = Tensor::from_slice(&[1i64]);
        let batch = |fill| {
            let mask = Masks::new(&[0, 0, 0, 0, 1, 1, 0, 0], 2, 2, fill, Device::Cpu);
            values(&data.evaluation_batch(&index, Some(&mask), 1))
        };
        assert_eq!(values(&data.evaluation_batch(&index, None, 1)), [-1.0, 1.0, 1.0, -1.0]);
        assert_eq!(batch(Fill::Mean), [0.0, 0.0, 1.0, -1.0]);
        assert_eq!(batch(Fill::Constant(0.0)), [-1.0, -1.0, 1.0, -1.0]);
        assert_eq!(batch(Fill::Silhouette), [1.0, 1.0, -1.0, -1.0]);
        let noise = batch(Fill::Noise);
        assert_eq!(noise[2..], [1.0, -1.0]);
        assert!(noise[0] != noise[1]);
    }

    /// The warped and masked images of a split, and the same of other images: the results must be bit-identical if the
    /// two differ in masked pixels alone.
    fn met_of_both(
        region: &str,
        mode: Mode,
        fill: Fill,
        augment: &Augment,
        seed: u64,
    ) -> [Tensor; 2] {
        const SIDE: usize = 48;
        let polygons = Regions::aligned().get(region).unwrap().polygons.clone();
        let frame = Affine { a: 0.95, b: -0.1, c: 0.08, d: 0.1, e: 0.95, f: -0.03 };
        let frames = [Affine::IDENTITY, frame];
        let masks = Occlusion { polygons, mode, fill }.masks(&frames, SIDE, SIDE);
        let mask = Masks::new(&masks, SIDE, SIDE, fill, Device::Cpu);
        let index = Tensor::from_slice(&[0i64, 1]).repeat([32]);
        let hidden = mask.hidden(&index, None);
        // 0 everywhere; and 0 everywhere but 1 where it is masked.
        let data = on_device([vec![0; SIDE * SIDE], vec![255; SIDE * SIDE]].concat(), SIDE, SIDE);
        let mut generator = crate::random::generator(seed, "test", &[]);
        let warp = Warp::draw(augment, 64, (SIDE, SIDE), Device::Cpu, &mut generator);
        let blank = hidden.zeros_like();
        [blank, hidden.copy()].map(|pictures| {
            let filled_mask = FilledMask { hidden: &hidden, fill, seed: 1, objects: None };
            data.met(pictures, warp.as_ref(), Some(filled_mask))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn nothing_that_is_hidden_survives_augmentation(
            region in prop::sample::select(vec!["mouth", "eyes", "eyes_left", "brows", "jaw"]),
            keep in any::<bool>(),
            rotate in prop::sample::select(vec![0.0, 10.0, 45.0, 180.0]),
            scale in prop::sample::select(vec![0.0, 0.1, 0.5]),
            flip in any::<bool>(),
            seed in 0u64..1000,
        ) {
            let mode = if keep { Mode::Keep } else { Mode::Hide };
            let fills = [Fill::Mean, Fill::Constant(0.5), Fill::Noise, Fill::Inpaint, Fill::Silhouette];
            for fill in fills {
                let augment = Augment { rotate, scale, flip, erasing: 0.0 };
                let [blank, hidden] = met_of_both(region, mode, fill, &augment, seed);
                prop_assert_eq!(blank, hidden, "{:?} {:?} {}", fill, mode, region);
            }
        }
    }

    /// Two images that differ under the mask alone, under an occluder's object, warped: as [`met_of_both`].
    fn under_objects(occluder: &str, augment: &Augment, seed: u64) -> ([Tensor; 2], Tensor) {
        const SIDE: usize = 48;
        let polygons = Regions::aligned().get(occluder).unwrap().polygons.clone();
        let frame = Affine { a: 0.9, b: -0.1, c: 0.1, d: 0.1, e: 0.9, f: 0.02 };
        let maps = [FaceMap::from(frame)];
        let masks = Occlusion { polygons: polygons.clone(), mode: Mode::Hide, fill: Fill::Object };
        let masks = masks.masks(&maps, SIDE, SIDE);
        let objects = Objects::new(&[&polygons], &maps, (SIDE, SIDE, 1), Device::Cpu);
        let mask = Masks::new(&masks, SIDE, SIDE, Fill::Object, Device::Cpu).with_objects(objects);
        // Its values have the mean 127.5 and as much for a deviation.
        let data = on_device([vec![0; SIDE * SIDE], vec![255; SIDE * SIDE]].concat(), SIDE, SIDE);
        let index = Tensor::zeros([16], (Kind::Int64, Device::Cpu));
        let masked = mask.of(&index, None);
        let mut generator = crate::random::generator(seed, "test", &[]);
        let warp = Warp::draw(augment, 16, (SIDE, SIDE), Device::Cpu, &mut generator);
        let filled_mask = masked.filled(1);
        let hidden = filled_mask.hidden;
        let drawn = filled_mask.objects.unwrap().shallow_clone();
        let met = [hidden.zeros_like(), hidden * 3.0]
            .map(|pictures| data.met(pictures, warp.as_ref(), Some(masked.filled(1))));
        (met, hidden * ((drawn - 127.5) / 127.5))
    }

    /// Outside of the mask the image is untouched, inside stands the object, standardised as the image is.
    #[test]
    fn an_object_replaces_masked_pixels_and_nothing_else() {
        let still = Augment { rotate: 0.0, scale: 0.0, flip: false, erasing: 0.0 };
        for occluder in ["surgical_mask", "sunglasses", "phone"] {
            let ([blank, hidden], objects) = under_objects(occluder, &still, 1);
            assert_eq!(blank, hidden);
            assert!((&blank - objects).abs().max().double_value(&[]) < 1e-5, "{occluder}");
            let spread = blank.std(false).double_value(&[]);
            assert!(spread > 0.1, "{occluder}: {spread}");
        }
    }

    /// Nor does a pixel of the image, or of what is not drawn, get into a warped object.
    #[test]
    fn a_warped_object_is_made_of_the_object_alone() {
        for (seed, occluder) in ["scarf", "sunglasses", "beanie"].into_iter().enumerate() {
            let warped = Augment { rotate: 30.0, scale: 0.2, flip: true, erasing: 0.0 };
            let ([blank, hidden], objects) = under_objects(occluder, &warped, seed as u64);
            assert_eq!(blank, hidden, "{occluder}");
            // The image is 0 where it is visible: its mean.
            let is_drawn = blank.not_equal(0.0);
            let range = |values: &Tensor, mask: &Tensor| {
                let values = values.masked_select(mask);
                (values.min().double_value(&[]), values.max().double_value(&[]))
            };
            let (low, high) = range(&objects, &objects.not_equal(0.0));
            let (least, most) = range(&blank, &is_drawn);
            assert!(least > low - 1e-4 && most < high + 1e-4, "{occluder}: {least} to {most}");
        }
    }

    /// A blur keeps some of the masked content, as intended; and the test above can fail.
    #[test]
    fn a_blur_keeps_some_of_the_masked_content() {
        let augment = Augment { rotate: 10.0, scale: 0.1, flip: true, erasing: 0.0 };
        let [blank, hidden] = met_of_both("mouth", Mode::Hide, Fill::Blur(0.1), &augment, 1);
        assert_eq!(blank.abs().max().double_value(&[]), 0.0);
        assert!(hidden.abs().max().double_value(&[]) > 0.1);
    }

    /// The mask is warped with the image, and none of it is lost.
    #[test]
    fn as_much_is_hidden_after_a_warp_as_before() {
        let augment = Augment { rotate: 10.0, scale: 0.0, flip: true, erasing: 0.0 };
        let [_, met] = met_of_both("mouth", Mode::Hide, Fill::Constant(1.0), &augment, 3);
        let covered = met.not_equal(0.0).to_kind(Kind::Float).mean(Kind::Float).double_value(&[]);
        let region = Regions::aligned().get("mouth").unwrap().area();
        assert!((covered / region - 1.0).abs() < 0.1, "{covered} {region}");
    }
}
