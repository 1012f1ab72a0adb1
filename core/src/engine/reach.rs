//! Whether an experiment's masks contain pixels of the images of its data set.

use super::data::face_maps;
use super::error::EngineError;
use super::event::{Event, Observer};
use crate::dataset::{Dataset, Split};
use crate::plan::{AreaOff, MasksNothing, Parts, Pictures};
use crate::region::FaceMap;

/// At most this many parts are named in a warning.
const MOST_NAMED: usize = 6;

/// The result of checking an experiment's regions and controls on the images of a data set.
#[derive(Debug, Default)]
pub struct Reached {
    /// Masks without a pixel in any image of a split: masking them has no effect.
    pub nothing: Vec<MasksNothing>,
    /// Warnings for the researcher, in sentences.
    pub warnings: Vec<String>,
}

/// Checks regions and controls on every image of a data set.
pub fn reached(parts: &Parts, dataset: &Dataset) -> Reached {
    let size = (dataset.height, dataset.width);
    let mut reached = Reached::default();
    for split in Split::ALL {
        let frames = face_maps(dataset, split);
        let name = format!("{split} image");
        let found = parts.reach(Pictures { name: &name, frames: &frames, size });
        for nothing in found.nothing {
            // Reported once, for the first split.
            if reached.nothing.iter().all(|known| known.part != nothing.part) {
                reached.nothing.push(nothing);
            }
        }
        let named = found.partly.iter().take(MOST_NAMED);
        let mut named: Vec<String> =
            named.map(|(part, count)| format!("{part} ({count})")).collect();
        if found.partly.len() > MOST_NAMED {
            named.push(format!("and {} more", found.partly.len() - MOST_NAMED));
        }
        if !named.is_empty() {
            reached.warnings.push(format!(
                "some of the {} {split} images have no pixel of {}: masking it has no effect there",
                frames.len(),
                named.join(", "),
            ));
        }
        reached.warnings.extend(found.everything.iter().map(|set| {
            format!(
                "{set} contains every pixel of every {split} image: hidden, it leaves nothing visible, \
                 and kept, the whole image"
            )
        }));
        if split == Split::Test {
            reached.warnings.extend(areas_off(parts, &frames));
        }
    }
    reached
}

/// How far controls are from the area of their regions on the test images, where that is more than is tolerated.
fn areas_off(parts: &Parts, frames: &[FaceMap]) -> Option<String> {
    let off = parts.areas_off(frames);
    let first = off.first()?;
    let AreaOff { control, mean, most, images } = first;
    let per_cent = |share: f64| format!("{:+.1} %", 100.0 * share).replace('-', "−");
    let others = match off.len() - 1 {
        0 => String::new(),
        others => format!(", and {others} more by less"),
    };
    Some(format!(
        "the border of some test images cuts off part of a control or of its regions, so that their areas differ: \
         {control} by {} of its regions' area in the mean, by {} at most, by more than {:.0} % on {:.1} % of the \
         images{others}",
        per_cent(*mean),
        per_cent(*most),
        100.0 * AreaOff::TOLERATED,
        100.0 * images,
    ))
}

/// Emits the warnings, and refuses to start if a mask contains no pixel.
pub(super) fn check(
    parts: &Parts,
    dataset: &Dataset,
    observer: &mut dyn Observer,
) -> Result<(), EngineError> {
    let Reached { nothing, warnings } = reached(parts, dataset);
    for text in warnings {
        observer.event(&Event::Warning { text });
    }
    match nothing.is_empty() {
        true => Ok(()),
        false => Err(EngineError::MasksNothing { nothing }),
    }
}
