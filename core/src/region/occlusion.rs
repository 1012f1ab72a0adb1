//! Occlusions: which regions are masked, and how.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::geometry::mirrored;
use super::mask::rasterise;
use super::{Carry, Outlines, Polygon};

/// Whether the regions are masked or the rest of the image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The regions are masked, the rest is visible.
    Hide,
    /// Only the regions are visible.
    Keep,
}

/// What replaces masked pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// The training mean of each channel: 0 after standardisation.
    Mean,
    /// One grey value, from 0 (black) to 1 (white).
    Constant(f64),
    /// Standard normal noise, independent per pixel and channel (after standardisation).
    Noise,
    /// The image under a Gaussian blur whose standard deviation is this share of its height.
    Blur(f64),
    /// The steady state of diffusion inward from the visible pixels.
    Inpaint,
    /// What the region is a shape of: an occluder as a plausible object ([`Objects`](super::object::Objects)). Only
    /// occluders have it, and only hidden.
    Object,
    /// The mask itself instead of the image: 1 where masked, −1 elsewhere (after standardisation).
    Silhouette,
}

/// A [`Fill`] without its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FillKind {
    Mean,
    Constant,
    Noise,
    Blur,
    Inpaint,
    Object,
    Silhouette,
}

/// When faces are masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// In training and evaluation: is the information there at all? (ROAR, Hooker et al. 2019)
    Retrain,
    /// At test time only: does a network trained on whole faces rely on it?
    Evaluate,
    /// In training only, evaluated on whole faces.
    Train,
    /// The amortised network, trained on for a few epochs under each set and evaluated under it.
    Tuned,
    /// One network is trained while random sets of regions are masked, and is evaluated under each set
    /// (Covert et al. 2021; Jethani et al. 2022).
    Amortised,
    /// The mask-only baseline: only the masks are visible in training and evaluation. Do they leak the label?
    Masks,
}

/// How faces are masked in a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Masking {
    pub mode: Mode,
    pub phase: Phase,
    pub fill: FillKind,
}

/// A masking of every image of a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Occlusion {
    /// The polygons in the canonical face frame: the regions', or a control's.
    pub polygons: Vec<Polygon>,
    pub mode: Mode,
    pub fill: Fill,
}

impl Occlusion {
    /// The masks of many images, `[N, height, width]`, row-major: 1 is masked, 0 is visible. `frames`
    /// carry the canonical face frame into each image, in fractions of its width and height. Where
    /// only the regions are visible, everything around the face is masked too.
    pub fn masks(&self, frames: &[impl Carry], height: usize, width: usize) -> Vec<u8> {
        let pixels = height * width;
        let mut masks = vec![0; frames.len() * pixels];
        if pixels == 0 {
            return masks;
        }
        let outlines = Outlines::of(&self.polygons);
        // A mask takes microseconds, so each task has several of them.
        let shares = masks.par_chunks_exact_mut(pixels).zip(frames).with_min_len(16);
        shares.for_each(|(mask, frame)| {
            rasterise(&outlines, frame, height, width, mask);
            if self.mode == Mode::Keep {
                mask.iter_mut().for_each(|masked| *masked = 1 - *masked);
            }
        });
        masks
    }
}

impl Occlusion {
    /// The occlusion of the same places of an image before it is flipped: `eyes_left` is on the right then.
    /// `None` if the mask is symmetric.
    pub fn mirrored(&self) -> Option<Occlusion> {
        let polygons = mirrored(&self.polygons)?;
        Some(Occlusion { polygons, ..*self })
    }
}

/// The share of masked pixels, from 0 to 1; 0 if there are no pixels.
pub fn area(masks: &[u8]) -> f64 {
    if masks.is_empty() {
        return 0.0;
    }
    let masked: u64 = masks.iter().map(|&masked| u64::from(masked)).sum();
    masked as f64 / masks.len() as f64
}

impl Mode {
    pub const ALL: [Mode; 2] = [Mode::Hide, Mode::Keep];

    pub fn name(self) -> &'static str {
        match self {
            Mode::Hide => "hide",
            Mode::Keep => "keep",
        }
    }
}

impl Fill {
    pub fn kind(self) -> FillKind {
        match self {
            Fill::Mean => FillKind::Mean,
            Fill::Constant(_) => FillKind::Constant,
            Fill::Noise => FillKind::Noise,
            Fill::Blur(_) => FillKind::Blur,
            Fill::Inpaint => FillKind::Inpaint,
            Fill::Object => FillKind::Object,
            Fill::Silhouette => FillKind::Silhouette,
        }
    }

    pub fn name(self) -> &'static str {
        self.kind().name()
    }
}

impl FillKind {
    pub const ALL: [FillKind; 7] = [
        FillKind::Mean,
        FillKind::Constant,
        FillKind::Noise,
        FillKind::Blur,
        FillKind::Inpaint,
        FillKind::Object,
        FillKind::Silhouette,
    ];

    /// With its parameter, if it has one: a grey from 0 to 1, a share of the height.
    pub fn with(self, constant: f64, blur: f64) -> Fill {
        match self {
            FillKind::Mean => Fill::Mean,
            FillKind::Constant => Fill::Constant(constant),
            FillKind::Noise => Fill::Noise,
            FillKind::Blur => Fill::Blur(blur),
            FillKind::Inpaint => Fill::Inpaint,
            FillKind::Object => Fill::Object,
            FillKind::Silhouette => Fill::Silhouette,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            FillKind::Mean => "mean",
            FillKind::Constant => "constant",
            FillKind::Noise => "noise",
            FillKind::Blur => "blur",
            FillKind::Inpaint => "inpaint",
            FillKind::Object => "object",
            FillKind::Silhouette => "silhouette",
        }
    }
}

impl Phase {
    pub const ALL: [Phase; 6] = [
        Phase::Retrain,
        Phase::Evaluate,
        Phase::Train,
        Phase::Amortised,
        Phase::Tuned,
        Phase::Masks,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Phase::Retrain => "retrain",
            Phase::Evaluate => "evaluate",
            Phase::Train => "train",
            Phase::Amortised => "amortised",
            Phase::Tuned => "tuned",
            Phase::Masks => "masks",
        }
    }

    /// Whether every condition has networks that were trained for it alone.
    pub fn is_trained_for(self) -> bool {
        !matches!(self, Phase::Evaluate | Phase::Amortised)
    }

    /// Whether the network is evaluated on masked images.
    pub fn evaluates_masked(self) -> bool {
        !matches!(self, Phase::Train)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::{Affine, Regions};

    fn occlusion(region: &str, mode: Mode) -> Occlusion {
        let polygons = Regions::aligned().get(region).unwrap().polygons.clone();
        Occlusion { polygons, mode, fill: Fill::Mean }
    }

    fn frames(count: usize) -> Vec<Affine> {
        let frame = |index| Affine {
            c: 0.001 * index as f64,
            f: -0.0005 * index as f64,
            ..Affine::IDENTITY
        };
        (0..count).map(frame).collect()
    }

    #[test]
    fn keep_masks_what_hide_leaves_visible() {
        let frames = frames(350);
        let hide = occlusion("mouth", Mode::Hide).masks(&frames, 48, 40);
        let keep = occlusion("mouth", Mode::Keep).masks(&frames, 48, 40);
        assert_eq!(hide.len(), 350 * 48 * 40);
        assert!(hide.iter().zip(&keep).all(|(hidden, kept)| hidden + kept == 1));
        assert!((area(&hide) + area(&keep) - 1.0).abs() < 1e-12);
        // The corner of the picture lies outside of the face.
        assert_eq!((hide[0], keep[0]), (0, 1));
    }

    #[test]
    fn each_image_has_its_own_place_in_the_order_of_the_frames() {
        let frames = frames(350);
        let occlusion = occlusion("eyes", Mode::Hide);
        let together = occlusion.masks(&frames, 48, 48);
        for (mask, frame) in together.chunks_exact(48 * 48).zip(&frames) {
            assert_eq!(mask, occlusion.masks(std::slice::from_ref(frame), 48, 48));
        }
    }

    #[test]
    fn the_share_of_pixels_is_near_the_share_of_the_area() {
        for region in Regions::aligned().built_in() {
            let occlusion =
                Occlusion { polygons: region.polygons.clone(), mode: Mode::Hide, fill: Fill::Mean };
            let share = area(&occlusion.masks(&[Affine::IDENTITY], 400, 400));
            assert!((share - region.area()).abs() < 0.002, "{}: {share}", region.name);
        }
    }

    /// The mirrored mask, flipped, is the mask itself.
    #[test]
    fn a_mirrored_mask_is_the_mask_flipped() {
        let canonical = [Affine::IDENTITY];
        for region in Regions::aligned().iter() {
            let mask = occlusion(&region.name, Mode::Hide);
            let lateral = ["_left", "_right", "phone"];
            let symmetric = !lateral.iter().any(|end| region.name.ends_with(end));
            assert_eq!(mask.mirrored().is_none(), symmetric, "{}", region.name);
            let Some(mirrored) = mask.mirrored() else { continue };
            let (own, other) = (mask.masks(&canonical, 48, 48), mirrored.masks(&canonical, 48, 48));
            let flipped: Vec<u8> =
                other.chunks_exact(48).flat_map(|row| row.iter().rev().copied()).collect();
            let differ = own.iter().zip(&flipped).filter(|(a, b)| a != b).count();
            // A centre on an outline belongs to the polygon on its right, flipped or not.
            assert!(differ * 20 <= own.iter().filter(|masked| **masked == 1).count(), "{differ}");
            assert_ne!(own, other);
        }
    }

    #[test]
    fn nothing_to_mask_is_no_error() {
        assert!(occlusion("jaw", Mode::Hide).masks(&[] as &[Affine], 48, 48).is_empty());
        assert!(occlusion("jaw", Mode::Hide).masks(&frames(2), 0, 48).is_empty());
        assert_eq!(area(&[]), 0.0);
        let nothing = Occlusion { polygons: Vec::new(), mode: Mode::Keep, fill: Fill::Mean };
        assert_eq!(nothing.masks(&frames(1), 1, 3), [1, 1, 1]);
    }
}
