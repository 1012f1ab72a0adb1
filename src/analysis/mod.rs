//! From tables to tables: effects, intervals, p-values.
//!
//! In: the rows of runs and predictions. Out: the rows of confusion matrices and effects, each with an
//! interval that says how far it can be trusted. Everything here is a pure function; this room knows
//! nothing of files, networks or charts.

pub mod compare;
pub mod confusion;
pub mod crossed;
pub mod effects;
pub mod holm;
pub mod scores;

pub use compare::difference;
pub use confusion::{ConfusionError, confusion};
pub use crossed::{Differences, Estimate};
pub use effects::{EffectsError, effects};
pub use holm::holm;
pub use scores::{RunScores, ScoreError, Scorer};
