//! What each single region of a face is worth, as far as faces can show it: one region at a place.

use crate::plan::Several;
use crate::region::{Mode, Region, Regions};
use crate::store::{EffectRow, Metric};

use crate::report::words::measure::Measure;

use super::evidence::Evidence;
use super::facts::Facts;
use super::finding::{
    Slice, effect_significant, excess_interval, excess_significant, excludes_zero, interval,
    signal_interval, signal_significant, slices,
};

/// The worths of regions for a metric, under the first phase, fill and setting.
#[derive(Debug, Clone)]
pub struct RegionWorths<'a> {
    /// Of the setting.
    pub facts: &'a Facts,
    pub metric: Metric,
    /// Of all effects of the metric; the faces are of the first phase and fill. Never empty.
    pub slices: Vec<Slice<'a>>,
    /// What of a choice is to be named.
    pub several: Several,
    /// One a mode; none is empty.
    pub faces: Vec<Face<'a>>,
    /// The largest worth that is significant, in the metric's own number; never less than what the decimals show.
    pub extreme: f64,
}

/// The regions of one mode.
#[derive(Debug, Clone)]
pub struct Face<'a> {
    pub mode: Mode,
    /// Whether the same area elsewhere is taken off.
    pub controlled: bool,
    /// In the order of the atlas.
    pub worths: Vec<RegionWorth<'a>>,
    /// Names of regions that lie over others.
    pub left_out: Vec<&'a str>,
}

/// What one region is worth, in the metric's own number.
#[derive(Debug, Clone)]
pub struct RegionWorth<'a> {
    pub region: &'a Region,
    pub value: f64,
    /// 95 %.
    pub interval: Option<(f64, f64)>,
    /// Whether it differs significantly from zero, by the test of the face's question.
    pub significant: bool,
}

impl<'a> RegionWorths<'a> {
    /// Masked, what is lost; alone visible, what is reached above chance; each beyond the same area elsewhere where
    /// there are controls. Only single regions count, and of overlapping regions the first of the atlas. `None` where no
    /// single region has a result.
    pub fn of(
        evidence: &'a Evidence,
        metric: Metric,
        regions: &'a Regions,
        facts: &'a Facts,
    ) -> Option<RegionWorths<'a>> {
        let slices = slices(&evidence.effects, &evidence.contrasts, metric);
        let first = slices.first()?;
        let alike = |slice: &&Slice<'_>| {
            (slice.phase, slice.fill, slice.swept) == (first.phase, first.fill, first.swept)
        };
        let measure = Measure::of(metric);
        let chance = facts.chance.filter(|_| measure.has_chance).unwrap_or(0.0);
        let mut faces: Vec<Face<'_>> =
            slices.iter().filter(alike).map(|slice| face(slice, regions, chance)).collect();
        faces.retain(|face| !face.worths.is_empty());
        if faces.is_empty() {
            return None;
        }
        let least = 5.0 * 10f64.powi(-(measure.decimals as i32)) / measure.factor;
        let extreme = faces
            .iter()
            .flat_map(|face| &face.worths)
            .filter(|worth| worth.significant)
            .map(|worth| worth.value.abs())
            .fold(least, f64::max);
        let several = facts.several.or(first.several);
        Some(RegionWorths { facts, metric, several, faces, extreme, slices })
    }

    /// Of all faces.
    pub fn worths(&self) -> impl Iterator<Item = &RegionWorth<'a>> {
        self.faces.iter().flat_map(|face| &face.worths)
    }
}

fn face<'a>(slice: &Slice<'_>, regions: &'a Regions, chance: f64) -> Face<'a> {
    let controlled = slice.rows.iter().all(|row| row.signal.is_some());
    let mut worths: Vec<RegionWorth<'a>> = Vec::new();
    let mut left_out = Vec::new();
    // In the order of the atlas, so that of a region and its halves the region stays.
    for region in regions.iter().filter(|region| !regions.background().contains(region)) {
        let alone = |row: &&&EffectRow| row.regions == [region.name.as_str()];
        let Some(row) = slice.rows.iter().find(alone) else { continue };
        let worth = worth(row, region, slice.mode, controlled, chance);
        if !worth.value.is_finite() {
            continue;
        }
        if worths.iter().any(|known| overlap(region, known.region)) {
            left_out.push(region.name.as_str());
        } else {
            worths.push(worth);
        }
    }
    Face { mode: slice.mode, controlled, worths, left_out }
}

fn worth<'a>(
    row: &EffectRow,
    region: &'a Region,
    mode: Mode,
    controlled: bool,
    chance: f64,
) -> RegionWorth<'a> {
    let reached = |lost: f64| row.baseline - chance - lost;
    let (value, interval, significant) = match (row.signal.filter(|_| controlled), mode) {
        (Some(signal), _) => (signal, signal_interval(row), signal_significant(row)),
        (None, Mode::Hide) => (row.effect, interval(row), effect_significant(row)),
        (None, Mode::Keep) => match row.excess {
            Some(excess) => (excess, excess_interval(row), excess_significant(row)),
            None => {
                let range = interval(row).map(|(low, high)| (reached(high), reached(low)));
                (reached(row.effect), range, range.map(excludes_zero))
            }
        },
    };
    RegionWorth { region, value, interval, significant: significant == Some(true) }
}

fn overlap(a: &Region, b: &Region) -> bool {
    a.polygons.iter().any(|one| b.polygons.iter().any(|other| one.overlaps(other)))
}
