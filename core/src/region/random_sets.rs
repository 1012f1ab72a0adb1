//! Random sets of regions, and the masking of training images.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rayon::prelude::*;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::geometry::mirrored;
use super::mask::rasterise;
use super::{Carry, Fill, Mode, Occlusion, Outlines, Polygon};

/// The masking of training images.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TrainingMask {
    /// The same polygons in every image.
    Fixed(Occlusion),
    /// A random set of regions for each image and epoch.
    Random(RandomSets),
    /// Random sets first, then one fixed masking.
    Tuned(Tuned),
}

/// The masking of a network that is trained on under one masking, after random sets of regions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tuned {
    /// The masking of the network that it starts from; mode and fill are those of both.
    pub from: RandomSets,
    /// The polygons of the one masking, in the canonical face frame.
    pub polygons: Vec<Polygon>,
    pub tuning: Tuning,
}

/// The length and learning rate of training on under one masking.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tuning {
    /// Passes over the training images, from 1.
    pub epochs: u32,
    /// The full learning rate here, as a share of the training's own: above 0, up to 1. It falls to 0 along half
    /// a cosine.
    pub rate: f64,
}

impl Tuned {
    /// The masking that training ends with.
    pub fn occlusion(&self) -> Occlusion {
        let RandomSets { mode, fill, .. } = self.from;
        Occlusion { polygons: self.polygons.clone(), mode, fill }
    }
}

impl TrainingMask {
    /// The fixed masking that training ends with, and that the network is validated under; `None` for random sets.
    pub fn last_occlusion(&self) -> Option<Occlusion> {
        match self {
            TrainingMask::Fixed(occlusion) => Some(occlusion.clone()),
            TrainingMask::Tuned(tuned) => Some(tuned.occlusion()),
            TrainingMask::Random(_) => None,
        }
    }

    pub fn fill(&self) -> Fill {
        match self {
            TrainingMask::Fixed(occlusion) => occlusion.fill,
            TrainingMask::Random(sets) => sets.fill,
            TrainingMask::Tuned(tuned) => tuned.from.fill,
        }
    }
}

impl<'de> Deserialize<'de> for TrainingMask {
    /// Chooses the variant by its fields, so that an error concerns that variant alone.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TrainingMask, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let has = |field| value.get(field).is_some();
        let mask = if has("from") {
            Tuned::deserialize(value).map(TrainingMask::Tuned)
        } else if has("regions") {
            RandomSets::deserialize(value).map(TrainingMask::Random)
        } else {
            Occlusion::deserialize(value).map(TrainingMask::Fixed)
        };
        mask.map_err(D::Error::custom)
    }
}

/// Regions of which a random set is masked, or visible, each time (Covert et al. 2021, "Explaining by
/// removing"; Jethani et al. 2022, "FastSHAP").
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomSets {
    /// The polygons of each region, in the canonical face frame; at most [`RandomSets::MOST`].
    pub regions: Vec<Vec<Polygon>>,
    /// Whether the drawn set is masked or everything else.
    pub mode: Mode,
    pub fill: Fill,
    /// Whether one image in [`RandomSets::ELSEWHERE`] has each region of its set at another place, drawn at random: so
    /// the network learns from masks like those of controls, which else were new to it. Skipped where it does not, so
    /// that ids of such trainings stay.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub elsewhere: bool,
}

impl RandomSets {
    /// A set is a word of 31 bits.
    pub const MOST: usize = 31;

    /// Of so many images one has its regions elsewhere.
    pub const ELSEWHERE: usize = 4;

    /// The regions that contain each pixel, `[N, height, width]`, row-major: bit i stands for region i.
    /// `frames` carry the canonical face frame into each image.
    pub fn members(&self, frames: &[impl Carry], height: usize, width: usize) -> Vec<i32> {
        let pixels = height * width;
        let mut members = vec![0; frames.len() * pixels];
        if pixels == 0 {
            return members;
        }
        let regions: Vec<Outlines<'_>> =
            self.regions.iter().map(|polygons| Outlines::of(polygons)).collect();
        let shares = members.par_chunks_exact_mut(pixels).zip(frames).with_min_len(100);
        shares.for_each_init(
            || vec![0; pixels],
            |mask, (members, frame)| {
                for (index, outlines) in regions.iter().enumerate() {
                    rasterise(outlines, frame, height, width, mask);
                    for (member, masked) in members.iter_mut().zip(&*mask) {
                        *member |= i32::from(*masked) << index;
                    }
                }
            },
        );
        members
    }

    /// The same sets in an image before it is flipped, as [`Occlusion::mirrored`]; `None` if all regions are
    /// symmetric.
    pub fn mirrored(&self) -> Option<RandomSets> {
        let sides: Vec<Option<Vec<Polygon>>> =
            self.regions.iter().map(|polygons| mirrored(polygons)).collect();
        if sides.iter().all(Option::is_none) {
            return None;
        }
        let regions = sides.into_iter().zip(&self.regions);
        let regions = regions.map(|(side, own)| side.unwrap_or_else(|| own.clone())).collect();
        Some(RandomSets { regions, ..*self })
    }

    /// Draws a set: its size uniform from none to all regions, then uniform among the sets of that size, as
    /// the Shapley value weights sets.
    pub fn draw(&self, generator: &mut impl Rng) -> i32 {
        let mut order: Vec<usize> = (0..self.regions.len()).collect();
        order.shuffle(generator);
        let size = generator.random_range(0..=order.len());
        order[..size].iter().fold(0, |set, region| set | 1 << region)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::region::{Affine, Regions};

    fn sets(names: &[&str]) -> RandomSets {
        let polygons = |name: &&str| Regions::aligned().get(name).unwrap().polygons.clone();
        let regions = names.iter().map(polygons).collect();
        RandomSets { regions, mode: Mode::Hide, fill: Fill::Mean, elsewhere: false }
    }

    #[test]
    fn each_pixel_lists_the_regions_that_contain_it() {
        let sets = sets(&["eyes", "eyes_left", "mouth"]);
        let frames = [Affine::IDENTITY, Affine { c: 0.03, ..Affine::IDENTITY }];
        let members = sets.members(&frames, 40, 48);
        for (index, polygons) in sets.regions.iter().enumerate() {
            let occlusion =
                Occlusion { polygons: polygons.clone(), mode: Mode::Hide, fill: Fill::Mean };
            let mask = occlusion.masks(&frames, 40, 48);
            let bits = members.iter().map(|member| (member >> index & 1) as u8);
            assert!(bits.eq(mask));
        }
        assert!(members.contains(&0b011) && members.contains(&0b100) && !members.contains(&0b010));
    }

    /// Each size as often as any other, and each set of a size too.
    #[test]
    fn sets_are_drawn_with_shapley_weights() {
        let sets = sets(&["eyes", "nose", "mouth"]);
        let mut generator = ChaCha8Rng::seed_from_u64(5);
        let mut counts = [0; 8];
        (0..12_000).for_each(|_| counts[sets.draw(&mut generator) as usize] += 1);
        for (set, count) in counts.into_iter().enumerate() {
            let of_its_size = [1, 3, 3, 1][set.count_ones() as usize];
            let expected = 3000 / of_its_size;
            assert!((expected * 9 / 10..=expected * 11 / 10).contains(&count), "{set}: {count}");
        }
    }

    #[test]
    fn a_fixed_training_mask_is_stored_as_its_occlusion() {
        let regions = Regions::aligned();
        let polygons = regions.get("mouth").unwrap().polygons.clone();
        let occlusion = Occlusion { polygons, mode: Mode::Keep, fill: Fill::Noise };
        let fixed = TrainingMask::Fixed(occlusion.clone());
        assert_eq!(
            serde_json::to_value(&fixed).unwrap(),
            serde_json::to_value(&occlusion).unwrap()
        );
        let tuned = Tuned {
            from: sets(&["eyes", "mouth"]),
            polygons: occlusion.polygons,
            tuning: Tuning { epochs: 3, rate: 0.1 },
        };
        assert_eq!(tuned.occlusion().mode, Mode::Hide);
        let random = TrainingMask::Random(sets(&["eyes", "jaw"]));
        for mask in [fixed, random, TrainingMask::Tuned(tuned)] {
            let json = serde_json::to_string(&mask).unwrap();
            assert_eq!(serde_json::from_str::<TrainingMask>(&json).unwrap(), mask);
        }
    }
}
