//! What the mask-only baseline of a setting shows: whether masks alone tell the emotion.

use crate::plan::Swept;
use crate::report::findings::beyond::AboveChance;
use crate::report::findings::finding::known;
use crate::store::MaskLeakRow;

/// The metrics of one setting's baseline, by what their tests say.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskLeak<'a> {
    pub swept: &'a Swept,
    /// Significantly above chance: evidence that masks tell something.
    pub above: Vec<&'a MaskLeakRow>,
    /// Not significantly above it: no evidence, which is none of the contrary.
    pub not_above: Vec<&'a MaskLeakRow>,
    /// Without an interval: not tested.
    pub untested: Vec<&'a MaskLeakRow>,
}

/// The baseline of each setting, whose rows lie together.
pub fn mask_leaks(rows: &[MaskLeakRow]) -> Vec<MaskLeak<'_>> {
    rows.chunk_by(|a, b| a.swept == b.swept).map(mask_leak).collect()
}

/// Of one setting, which has a row at least.
fn mask_leak(rows: &[MaskLeakRow]) -> MaskLeak<'_> {
    let of = |told: AboveChance| {
        rows.iter().filter(|row| AboveChance::of(known(row.low, row.high)) == told).collect()
    };
    MaskLeak {
        swept: &rows[0].swept,
        above: of(AboveChance::Told),
        not_above: of(AboveChance::NotTold),
        untested: of(AboveChance::Unknown),
    }
}
