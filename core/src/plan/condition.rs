//! One cell of the study.

use crate::experiment::{Cell, Experiment};
use crate::region::{Masking, Occlusion, Phase};

use super::naming::{ConditionName, Several};

/// An occlusion (or none) and one choice of every swept key.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The name as typed; unique in a plan. As short as the experiment allows: phase, fill and swept keys are named
    /// only where there are several.
    pub name: String,
    /// Index into the experiment's `cells`.
    pub cell: usize,
    /// Sorted; empty for whole faces, and where nothing is seen (`keep`). A control has the regions that it is compared with.
    pub regions: Vec<String>,
    /// `None` for whole faces.
    pub occlusion: Option<Occlusion>,
    /// `None` for whole faces.
    pub phase: Option<Phase>,
    /// The number of a control's placement, from 0; `None` if it is no control.
    pub control: Option<u32>,
}

/// Of a condition's controls the first ones are shown in pictures; numbers are of them all.
pub const SHOWN_CONTROLS: u32 = 4;

impl Condition {
    /// Whether pictures of it are shown: of a control by its number.
    pub fn is_shown(&self) -> bool {
        self.control.is_none_or(|draw| draw < SHOWN_CONTROLS)
    }

    /// The condition with its name set.
    pub(super) fn named(self, several: Several, cell: &Cell) -> Condition {
        let masking = self.occlusion.as_ref().zip(self.phase).map(|(occlusion, phase)| Masking {
            mode: occlusion.mode,
            phase,
            fill: occlusion.fill.kind(),
        });
        let name = several.typed(ConditionName {
            regions: &self.regions,
            masking,
            control: self.control.is_some(),
            draw: self.control,
            swept: &cell.swept,
        });
        Condition { name, ..self }
    }
}

impl Several {
    /// The parts of a condition of which an experiment has several.
    pub(super) fn of_experiment(experiment: &Experiment) -> Several {
        Several {
            phases: experiment.occlusion.phases.len() > 1,
            fills: experiment.occlusion.fills.len() > 1,
            settings: experiment.cells.len() > 1,
        }
    }
}
