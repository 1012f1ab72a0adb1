//! One file a chart: from a finding to a figure.
//!
//! In: one typed value of [`findings`](super::findings), which has its setting, its scale and what is significant. Out: a
//! [`Figure`](super::canvas::figure::Figure) whose title says what may be said, with its description for those
//! who cannot see it. Nothing is estimated or judged here, no rows are grouped, and nothing of SVG is known.

pub(in crate::report) mod atlas;
pub(in crate::report) mod chart;
pub(in crate::report) mod comparison;
pub(in crate::report) mod confusion;
pub(in crate::report) mod confusion_change;
pub(in crate::report) mod contact_sheet;
pub(in crate::report) mod curves;
pub(in crate::report) mod effects;
pub(in crate::report) mod emotion_map;
pub(in crate::report) mod interplay;
pub(in crate::report) mod networks;
pub(in crate::report) mod of_study;
pub(in crate::report) mod region_map;
pub(in crate::report) mod sensitivity;
pub(in crate::report) mod sensitivity_curves;
pub(in crate::report) mod sweep;
pub(in crate::report) mod waterfall;
