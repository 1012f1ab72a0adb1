//! A network's inputs as pictures.

use std::cell::RefCell;

use tch::{Device, Kind, Tensor};

use super::data::mask;
use crate::dataset::{Dataset, Split};
use crate::engine::Renderer;
use crate::model::values;
use crate::region::Occlusion;
use crate::train::{Masks, OnDevice, Standardisation};

/// Renders images of a split as an evaluation masks them.
#[derive(Debug)]
pub struct PictureRenderer<'a> {
    dataset: &'a Dataset,
    split: Split,
    data: OnDevice,
    /// The last one, and its masks: images come one after the other, many under one occlusion.
    masked: RefCell<Option<(Occlusion, Masks)>>,
}

impl<'a> PictureRenderer<'a> {
    pub fn new(dataset: &'a Dataset, split: Split) -> PictureRenderer<'a> {
        let standardisation = Standardisation::of(&dataset.train, dataset.channels);
        let data = OnDevice::new(dataset, split, &standardisation, Device::Cpu);
        PictureRenderer { dataset, split, data, masked: RefCell::new(None) }
    }
}

impl Renderer for PictureRenderer<'_> {
    fn pixels(&self, image: usize, occlusion: Option<&Occlusion>) -> Vec<u8> {
        let mut masked = self.masked.borrow_mut();
        let mask = occlusion.map(|occlusion| {
            let known = masked.take().filter(|(known, _)| known == occlusion);
            let made = || {
                let masks = mask(self.dataset, self.split, occlusion, Device::Cpu).0;
                (occlusion.clone(), masks)
            };
            &masked.insert(known.unwrap_or_else(made)).1
        });
        let index = Tensor::from_slice(&[image as i64]);
        let picture = self.data.evaluation_batch(&index, mask, 0);
        values(&self.data.as_seen(&picture).to_kind(Kind::Uint8))
    }
}
