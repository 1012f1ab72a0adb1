//! Batch normalisation with statistics adapted to the evaluated images.
//!
//! A network keeps running means and variances of its training images. Evaluated on images with other masks, it loses
//! accuracy by this mismatch too, not only by the masked information. With the statistics of training images under the
//! same mask, only the rest of the loss is left (Li et al. 2016, arXiv 1603.04779; Schneider et al. 2020, arXiv
//! 2006.16971). The evaluated images are not used.

use std::cell::Cell;

use tch::Tensor;

use crate::model::Network;
use crate::random;
use crate::train::{Masks, OnDevice};

/// Some thousands of images are many batches: more would change the statistics little.
const MOST_PICTURES: usize = 4096;
/// The maximum batch size, which affects the statistics.
const BATCH: usize = 128;

/// The network with batch normalisation's statistics of training images, not augmented, under the mask:
/// at most 4,096 of them, evenly spaced over the split. `seed` is the training's: it draws the noise of a
/// `noise` fill. `go_on` is asked before each batch: `None` once it says no.
pub fn adapted(
    network: &Network,
    train: &OnDevice,
    mask: Option<&Masks>,
    seed: u64,
    go_on: &dyn Fn() -> bool,
) -> Option<Network> {
    let stopped = Cell::new(false);
    let wanted = batches(train.len()).into_iter().enumerate().take_while(|_| {
        stopped.set(!go_on());
        !stopped.get()
    });
    let mut batches = wanted.map(|(number, batch)| {
        let index = Tensor::from_slice(&batch).to_device(train.device());
        let noise = random::torch_seed(seed, "adaptation noise", &[number as u64]);
        train.evaluation_batch(&index, mask, noise)
    });
    let adapted = network.adapted(&mut batches);
    (!stopped.get()).then_some(adapted)
}

/// The numbers of the pictures, batch by batch. They are distributed round-robin: each batch is spread over the
/// whole split, which may be sorted by class, and no batch has more than one picture more than another.
fn batches(images: usize) -> Vec<Vec<i64>> {
    let chosen = images.min(MOST_PICTURES);
    let count = chosen.div_ceil(BATCH);
    let picture = |place: usize| (place * images / chosen) as i64;
    (0..count).map(|batch| (batch..chosen).step_by(count).map(picture).collect()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tch::{Device, Kind};

    use super::*;
    use crate::dataset::{Dataset, Images, Pixels, Split};
    use crate::experiment::{ModelSpec, Precision};
    use crate::region::Fill;
    use crate::train::Standardisation;

    const SIDE: usize = 6;

    #[test]
    fn every_batch_is_spread_over_the_split() {
        for images in [1, 2, 127, 128, 129, 257, 3500, 4096, 4097, 28_709] {
            let batches = batches(images);
            let sizes = || batches.iter().map(Vec::len);
            let (least, most) = (sizes().min().unwrap(), sizes().max().unwrap());
            assert!(most <= BATCH && most - least <= 1, "{images}: {least} to {most}");
            let all: BTreeSet<i64> = batches.concat().into_iter().collect();
            assert_eq!(all.len(), images.min(MOST_PICTURES), "{images}");
            assert!(all.iter().all(|picture| (0..images as i64).contains(picture)));
            let spread = |batch: &Vec<i64>| {
                batch[0] * 10 <= images as i64
                    && batch[batch.len() - 1] * 10 >= 9 * images as i64 - 20
            };
            assert!(images < 257 || batches.iter().all(spread), "{images}");
        }
        assert_eq!(batches(3), [[0, 1, 2]]);
        assert!(batches(0).is_empty());
    }

    /// Pictures sorted by class: the first half is dark above, the second half below.
    fn sorted() -> Dataset {
        let images = |count: usize| {
            let pixel = |number: usize| {
                let (image, row) = (number / (SIDE * SIDE), number / SIDE % SIDE);
                let bright = (row < SIDE / 2) == (image < count / 2);
                (number * 37 % 60) as u8 + if bright { 150 } else { 20 }
            };
            let label = |image| if image < count / 2 { [1.0, 0.0] } else { [0.0, 1.0] };
            Images {
                names: (0..count).map(|image| image.to_string()).collect(),
                pixels: Pixels::Owned((0..count * SIDE * SIDE).map(pixel).collect()),
                labels: (0..count).flat_map(label).collect(),
                landmarks: vec![None; count],
            }
        };
        crate::train::fixture::in_memory(
            ["x", "y"],
            (SIDE, SIDE),
            [images(300), images(2), images(2)],
        )
    }

    fn data() -> OnDevice {
        let dataset = sorted();
        let standardisation = Standardisation::of(&dataset.train, 1);
        OnDevice::new(&dataset, Split::Train, &standardisation, Device::Cpu)
    }

    fn network() -> Network {
        let model = ModelSpec::of_blocks(&[&[4, 4]], 0.9);
        Network::new(&model, 1, 2, Precision::F32, Device::Cpu, 3)
    }

    #[test]
    fn whoever_says_no_waits_for_one_batch_at_most() {
        let (data, network) = (data(), network());
        for most in [0, 2] {
            let asked = Cell::new(0);
            let go_on = || {
                asked.set(asked.get() + 1);
                asked.get() <= most
            };
            // Three batches.
            assert!(adapted(&network, &data, None, 1, &go_on).is_none());
            assert_eq!(asked.get(), most + 1);
        }
    }

    fn probabilities(network: &Network, pictures: &Tensor) -> Tensor {
        network.folded().logits(pictures).softmax(-1, Kind::Float)
    }

    #[test]
    fn adapted_to_the_pictures_it_learned_from_a_network_predicts_as_before() {
        let (data, network) = (data(), network());
        // What a training does to the running statistics, batch by batch.
        tch::no_grad(|| {
            for step in 0..200 {
                let index: Vec<i64> = (0..64).map(|place| (place * 47 + step * 13) % 300).collect();
                let _ = network.forward(&data.pictures(&Tensor::from_slice(&index)));
            }
        });
        let all = data.pictures(&Tensor::arange(300, (Kind::Int64, Device::Cpu)));
        let difference = |other: &Network| {
            let change = probabilities(other, &all) - probabilities(&network, &all);
            change.abs().max().double_value(&[])
        };
        let same = difference(&adapted(&network, &data, None, 1, &|| true).unwrap());
        assert!(same < 0.02, "{same}");
        // Under a mask they are other statistics.
        let masks = vec![1; 300 * SIDE * SIDE / 2];
        let masks = [masks, vec![0; 300 * SIDE * SIDE / 2]].concat();
        let mask = Masks::new(&masks, SIDE, SIDE, Fill::Constant(1.0), Device::Cpu);
        let other = difference(&adapted(&network, &data, Some(&mask), 1, &|| true).unwrap());
        assert!(other > 2.0 * same, "{other}, {same}");
    }

    #[test]
    fn noise_is_the_same_every_time() {
        let (data, network) = (data(), network());
        let mask = Masks::new(&[1; 300 * SIDE * SIDE], SIDE, SIDE, Fill::Noise, Device::Cpu);
        let once = |seed| adapted(&network, &data, Some(&mask), seed, &|| true).unwrap().encode("");
        assert_eq!(once(1), once(1));
        assert_ne!(once(1), once(2));
    }
}
