//! From tables to tables: effects, intervals, p-values.
//!
//! In: the rows of runs and predictions. Out: the rows of confusion matrices and effects, each with an
//! interval that says how far it can be trusted. Everything here is a pure function but for [`tables`],
//! which reads the rows; this room knows nothing of networks or charts.

pub mod compare;
pub mod confusion;
pub mod crossed;
pub mod effects;
pub mod holm;
pub mod metric;
pub mod people;
pub mod scores;
pub mod tables;

pub use compare::{Comparison, Pairing, Unpaired, compare};
pub use confusion::{ConfusionError, confusion};
pub use crossed::{Differences, Estimate};
pub use effects::{EffectsError, effects};
pub use holm::holm;
pub use metric::Metric;
pub use scores::{RunScores, ScoreError, Scorer};
pub use tables::{Tables, TablesError, read_scores};
