//! From tables to tables: effects, Shapley values, ranks, intervals, p-values.
//!
//! In: the rows of runs and predictions. Out: the rows of confusion matrices, and of the effects of masking on metrics,
//! recalls and confusions, each with a confidence interval. Everything here is a pure function except [`tables`],
//! [`sides`] and [`earlier`], which read the rows; this room does not depend on networks or charts.

pub mod cells;
pub mod chance;
pub mod class_effects;
pub mod compare;
pub mod confusion;
pub mod confusion_shifts;
pub mod contrasts;
pub mod crossed;
pub mod earlier;
pub mod effects;
pub mod holm;
pub mod interplay;
pub mod kendall;
pub mod mask_leaks;
pub mod metric;
pub mod moderated;
pub mod networks;
pub mod people;
mod places;
pub mod power;
pub mod ranking;
pub mod scores;
pub mod sensitivity;
pub mod setting_contrasts;
pub mod shapley;
pub mod sides;
pub mod tables;

pub use cells::EffectsError;
pub use chance::chance;
pub use class_effects::class_effects;
pub use compare::{Comparison, Pairing, Unpaired, compare};
pub use confusion::{ConfusionError, confusion};
pub use confusion_shifts::confusion_shifts;
pub use contrasts::{Standing, contrasts, standing};
pub use crossed::{Components, Differences, Estimate};
pub use earlier::{Power, power, speed};
pub use effects::effects;
pub use holm::holm;
pub use interplay::{interactions, interplay};
pub use mask_leaks::{BeyondChance, mask_leaks, whole_faces};
pub use metric::Metric;
pub use moderated::{Prior, Spread};
pub use networks::{AcrossNetworks, across_networks};
pub use power::{POWER, Variances, seeds_needed, smallest_effect, variances_seen};
pub use ranking::ranking;
pub use scores::{RunScores, ScoreError, Scorer};
pub use sensitivity::{MeanCurve, MeanMap, by_region, curve_area, mean_curves, mean_maps};
pub use setting_contrasts::{assignments, setting_contrasts};
pub use shapley::{Divided, shapley, shapley_values};
pub use sides::{Side, SideError, scores_of};
pub use tables::{Tables, TablesError, read_scores};

#[cfg(test)]
mod reference;
