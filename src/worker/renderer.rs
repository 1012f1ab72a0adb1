//! A network's inputs as pictures.

use tch::{Device, Kind, Tensor};

use super::data::mask;
use crate::dataset::{Dataset, Split};
use crate::engine::Renderer;
use crate::region::Occlusion;
use crate::train::{OnDevice, Standardisation};

/// Renders images of a split as an evaluation masks them.
#[derive(Debug)]
pub struct PictureRenderer<'a> {
    dataset: &'a Dataset,
    split: Split,
    data: OnDevice,
}

impl<'a> PictureRenderer<'a> {
    pub fn new(dataset: &'a Dataset, split: Split) -> PictureRenderer<'a> {
        let standardisation = Standardisation::of(&dataset.train, dataset.channels);
        let data = OnDevice::new(dataset, split, &standardisation, Device::Cpu);
        PictureRenderer { dataset, split, data }
    }
}

impl Renderer for PictureRenderer<'_> {
    fn pixels(&self, image: usize, occlusion: Option<&Occlusion>) -> Vec<u8> {
        let mask =
            occlusion.map(|occlusion| mask(self.dataset, self.split, occlusion, Device::Cpu).0);
        let index = Tensor::from_slice(&[image as i64]);
        let picture = self.data.evaluation_batch(&index, mask.as_ref(), 0);
        let values = self.data.as_seen(&picture).to_kind(Kind::Uint8).contiguous().view(-1);
        let mut pixels = vec![0u8; values.numel()];
        values.copy_data(&mut pixels, values.numel());
        pixels
    }
}
