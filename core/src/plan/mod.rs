//! From an experiment to the trainings and evaluations that it needs.
//!
//! In: a valid [`Experiment`](crate::experiment::Experiment). Out: a [`Plan`]: its conditions, the
//! trainings that they need, each listed once however many conditions share it, and a run for each
//! condition and seed; with [`Plan::identify`] also the identities under which results are stored. All of
//! it is a pure function of the experiment: this room opens no file and does not depend on stored
//! results.

mod coalitions;
mod condition;
mod count;
mod estimate;
mod expand;
mod identity;
mod naming;
mod reach;
mod sensitivity;
mod steps;

pub use coalitions::{Coalitions, MOST_PLAYERS, coalitions};
pub use condition::{Condition, SHOWN_CONTROLS};
pub use count::{ParameterCount, multiply_adds};
pub use estimate::Estimate;
pub(crate) use expand::in_lines;
pub use expand::{EvaluationSpec, Plan, PlanError, PlanWarning, Run, TrainingSpec};
pub use identity::{
    EvaluationId, FACES_VERSION, Identified, NUMERIC_VERSION, RunId, RunIdentity, SensitivityId,
    TrainingId, TrainingIdentity, evaluation_id, is_id, same_occlusion, sensitivity_id,
    source_content, training_id,
};
pub use naming::{
    ConditionName, PhaseWords, Several, Swept, is_of_network, network_names, swept_words,
    typed_seen,
};
pub use reach::{AreaOff, MasksNothing, Parts, Pictures, Reach, masks_nothing};
pub use sensitivity::{
    CURVE_KINDS, RANDOM_ORDERS, curve_predictions, map_predictions, window_starts,
};
pub use steps::{ImageCounts, steps_per_epoch};

#[cfg(test)]
mod tests;
