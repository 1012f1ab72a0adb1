//! The section `[evaluate]`: how trained networks are examined.

use super::reader::Section;
use super::spec::{EvaluateSpec, Statistics};

/// Reads `[evaluate]`.
pub(crate) fn read(root: &Section<'_>) -> EvaluateSpec {
    let section = root.section("evaluate");
    let statistics = Statistics::ALL.map(|statistics| (statistics.name(), statistics));
    let statistics = section.choice("statistics", &statistics, Statistics::default());
    section.finish(&[]);
    EvaluateSpec { statistics }
}
