//! The standardisation of images.

use crate::dataset::Images;

/// Per-channel mean and standard deviation of the training split, of values from 0 to 1, before
/// augmentation and before occlusion.
#[derive(Debug, Clone, PartialEq)]
pub struct Standardisation {
    pub mean: Vec<f64>,
    /// Never 0: a channel without variation is only centred.
    pub deviation: Vec<f64>,
}

impl Standardisation {
    /// Exact sums of whole numbers, so that the result depends on nothing but the pixels.
    pub fn of(images: &Images, channels: usize) -> Standardisation {
        let mut counts = vec![[0u64; 256]; channels];
        for pixel in images.pixels.chunks_exact(channels) {
            for (channel, value) in pixel.iter().enumerate() {
                counts[channel][*value as usize] += 1;
            }
        }
        let mut standardisation = Standardisation { mean: Vec::new(), deviation: Vec::new() };
        for histogram in counts {
            let moment = |power: i32| -> f64 {
                let weighted = histogram.iter().enumerate();
                weighted
                    .map(|(value, count)| (value as f64 / 255.0).powi(power) * *count as f64)
                    .sum()
            };
            let pixels = moment(0).max(1.0);
            let mean = moment(1) / pixels;
            let deviation = (moment(2) / pixels - mean * mean).max(0.0).sqrt();
            standardisation.mean.push(mean);
            standardisation.deviation.push(if deviation > 1e-6 { deviation } else { 1.0 });
        }
        standardisation
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Pixels;

    fn images(pixels: Vec<u8>) -> Images {
        let landmarks = vec![None];
        Images {
            names: vec!["a".to_owned()],
            pixels: Pixels::Owned(pixels),
            labels: vec![1.0],
            landmarks,
        }
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_training_split() {
        let standardisation = Standardisation::of(&images(vec![0, 255, 0, 255]), 1);
        assert_eq!(standardisation, Standardisation { mean: vec![0.5], deviation: vec![0.5] });
    }

    #[test]
    fn a_black_channel_is_only_centred() {
        assert_eq!(Standardisation::of(&images(vec![0; 4]), 1).deviation, [1.0]);
    }
}
