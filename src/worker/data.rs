//! A data set on the device, and its masks there.

use tch::Device;

use crate::dataset::{Dataset, DatasetError, Split};
use crate::engine::{Observer, face_maps, load_with_progress};
use crate::experiment::DatasetSpec;
use crate::region::{self, FaceMap, Fill, Occlusion, Polygon, RandomSets, TrainingMask};
use crate::store::Results;
use crate::train::{Masks, Objects, OnDevice, RandomMasks, Standardisation, TrainMasks};

/// The masks of a split of a data set, and their share of its pixels.
pub(super) fn mask(
    dataset: &Dataset,
    split: Split,
    occlusion: &Occlusion,
    device: Device,
) -> (Masks, f64) {
    let maps = face_maps(dataset, split);
    let masks = occlusion.masks(&maps, dataset.height, dataset.width);
    let area = region::occlusion::area(&masks);
    let masks = Masks::new(&masks, dataset.height, dataset.width, occlusion.fill, device);
    match occlusion.fill {
        Fill::Object => {
            let objects = objects(dataset, &[&occlusion.polygons], &maps, device);
            (masks.with_objects(objects), area)
        }
        _ => (masks, area),
    }
}

/// What is drawn on the masked regions of a split with these face maps.
fn objects(dataset: &Dataset, regions: &[&[Polygon]], maps: &[FaceMap], device: Device) -> Objects {
    let &Dataset { height, width, channels, .. } = dataset;
    Objects::new(regions, maps, (height, width, channels), device)
}

/// The data set that a worker keeps for its next training.
#[derive(Debug, Default)]
pub struct KeptData(Option<Ready>);

impl KeptData {
    /// A data set on a device: the kept one, if it is the same. Data that were read once are not checked again; a
    /// training's id contains the hash of its data.
    pub(super) fn ready(
        &mut self,
        spec: &DatasetSpec,
        device: Device,
        results: &Results,
        observer: &mut dyn Observer,
    ) -> Result<&Ready, DatasetError> {
        let kept = self.0.take().filter(|kept| kept.spec == *spec && kept.device() == device);
        let ready = match kept {
            Some(kept) => kept,
            None => Ready::new(spec.clone(), load_with_progress(spec, results, observer)?, device),
        };
        Ok(self.0.insert(ready))
    }
}

/// The data set that trainings are working on.
#[derive(Debug)]
pub(super) struct Ready {
    pub spec: DatasetSpec,
    pub dataset: Dataset,
    pub train: OnDevice,
    pub val: OnDevice,
    pub test: OnDevice,
}

impl Ready {
    pub fn new(spec: DatasetSpec, dataset: Dataset, device: Device) -> Ready {
        let standardisation = Standardisation::of(&dataset.train, dataset.channels);
        let on_device = |split| OnDevice::new(&dataset, split, &standardisation, device);
        let (train, val, test) =
            (on_device(Split::Train), on_device(Split::Val), on_device(Split::Test));
        Ready { spec, dataset, train, val, test }
    }

    pub fn device(&self) -> Device {
        self.train.device()
    }

    /// The masks of a split, and their share of its pixels.
    pub fn mask(&self, occlusion: &Occlusion, split: Split) -> (Masks, f64) {
        mask(&self.dataset, split, occlusion, self.device())
    }

    /// The masks of the training images, and the same for those that are flipped: in a flipped image `eyes_left` is
    /// on the left as in any other.
    pub fn training_masks(&self, mask: &TrainingMask, flips: bool) -> TrainMasks {
        let Dataset { height, width, .. } = self.dataset;
        let maps = face_maps(&self.dataset, Split::Train);
        let fixed = |occlusion: &Occlusion| -> TrainMasks {
            let mask = self.mask(occlusion, Split::Train).0;
            let mirrored = occlusion.mirrored().filter(|_| flips);
            match mirrored {
                Some(mirrored) => mask.with_flipped(&mirrored.masks(&maps, height, width)).into(),
                None => mask.into(),
            }
        };
        match mask {
            TrainingMask::Fixed(occlusion) => fixed(occlusion),
            TrainingMask::Tuned(tuned) => fixed(&tuned.occlusion()),
            TrainingMask::Random(sets) => {
                let members = |sets: &RandomSets| sets.members(&maps, height, width);
                let flipped = sets.mirrored().filter(|_| flips).map(|sets| members(&sets));
                self.drawn(sets, &members(sets), flipped.as_deref(), &maps).into()
            }
        }
    }

    /// Regions of a split, of which random sets are masked, if no image is flipped.
    pub fn random_masks(&self, sets: &RandomSets, split: Split) -> RandomMasks {
        let Dataset { height, width, .. } = self.dataset;
        let maps = face_maps(&self.dataset, split);
        self.drawn(sets, &sets.members(&maps, height, width), None, &maps)
    }

    /// Random sets of a split with these face maps; `members` and `flipped` as for [`RandomMasks::new`].
    fn drawn(
        &self,
        sets: &RandomSets,
        members: &[i32],
        flipped: Option<&[i32]>,
        maps: &[FaceMap],
    ) -> RandomMasks {
        let (Dataset { height, width, .. }, device) = (&self.dataset, self.device());
        let masks = RandomMasks::new(sets, members, flipped, *height, *width, device);
        match sets.fill {
            Fill::Object => {
                let regions: Vec<&[Polygon]> = sets.regions.iter().map(Vec::as_slice).collect();
                masks.with_objects(objects(&self.dataset, &regions, maps, device))
            }
            _ => masks,
        }
    }

    /// The mean label distribution of the training split.
    pub fn prior(&self) -> Vec<f64> {
        let classes = self.dataset.classes.len();
        let mut prior = vec![0.0; classes];
        for label in self.dataset.train.labels.chunks_exact(classes) {
            for (sum, share) in prior.iter_mut().zip(label) {
                *sum += f64::from(*share);
            }
        }
        let images = self.dataset.train.len() as f64;
        prior.into_iter().map(|sum| sum / images).collect()
    }
}
