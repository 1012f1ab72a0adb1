//! Whether what an experiment covers reaches the pixels of the pictures that it is asked on.

use super::data::frames;
use super::error::EngineError;
use super::event::{Event, Observer};
use crate::dataset::{Dataset, Split};
use crate::plan::{MasksNothing, Parts, Pictures};

/// So many parts are named in a warning.
const MOST_NAMED: usize = 6;

/// What the pictures of a data set show of an experiment's regions and controls.
#[derive(Debug, Default)]
pub struct Reached {
    /// What covers no pixel of any picture of a split: an experiment on it asks nothing.
    pub nothing: Vec<MasksNothing>,
    /// What a researcher should know, in sentences.
    pub warnings: Vec<String>,
}

/// Holds regions and controls against every picture of a data set.
pub fn reached(parts: &Parts, dataset: &Dataset) -> Reached {
    let size = (dataset.height, dataset.width);
    let mut reached = Reached::default();
    for split in Split::ALL {
        let frames = frames(dataset, split);
        let name = format!("{split} picture");
        let found = parts.reach(Pictures { name: &name, frames: &frames, size });
        for nothing in found.nothing {
            // Once is enough, of whichever split.
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
                "of the {} {split} pictures some have no pixel of {}: there it changes nothing",
                frames.len(),
                named.join(", "),
            ));
        }
        reached.warnings.extend(found.everything.iter().map(|set| {
            format!(
                "{set} covers every pixel of every {split} picture: hidden, it leaves nothing to be seen, \
                 and kept, the whole picture"
            )
        }));
    }
    reached
}

/// Tells what is to be known, and refuses to begin where something covers nothing.
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
