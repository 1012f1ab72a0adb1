//! The effects of a metric under one setting: which conditions stand beside each other, and what is known of each.

use crate::plan::Several;
use crate::region::Mode;
use crate::store::{EffectRow, Metric};
use crate::study::Setting;

use crate::report::words::measure::Measure;

use super::evidence::Evidence;
use super::facts::Facts;
use super::finding::{
    Slice, effect_significant, excess_interval, excess_significant, interval, slices,
};
use super::seeds::Spread;

/// More conditions than this are not a picture any more; the rest are counted.
const MOST_ROWS: usize = 14;

/// The effects of a metric, a panel for each phase, fill and mode.
#[derive(Debug, Clone)]
pub struct Effects<'a> {
    /// Of the setting.
    pub facts: &'a Facts,
    pub metric: Metric,
    /// As they can be compared with each other, in the order of the experiment file; never empty.
    pub slices: Vec<Slice<'a>>,
    /// What of a choice is to be named.
    pub several: Several,
    /// One for each slice.
    pub panels: Vec<EffectPanel<'a>>,
}

/// One phase, fill and mode.
#[derive(Debug, Clone)]
pub struct EffectPanel<'a> {
    pub question: Question,
    /// What it shows, and under which conditions.
    pub heading: String,
    /// In the one order of regions.
    pub conditions: Vec<Estimated<'a>>,
    /// Larger sets of regions that have no row.
    pub left_out: usize,
    /// What every condition is compared with, in the metric's own number.
    pub references: Vec<Reference>,
}

/// What the conditions of a panel are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// What is lost when the regions are masked?
    Loss,
    /// What is reached when they alone are visible?
    Reached,
}

/// What is known of a condition, as its panel asks; numbers are the metric's own.
#[derive(Debug, Clone)]
pub struct Estimated<'a> {
    pub regions: &'a [String],
    /// Not finite where there is no result.
    pub value: f64,
    /// 95 %, where it is known. Of what is reached it is that of the difference from chance, placed on the line of
    /// chance, so that it crosses that line where the difference may be none.
    pub interval: Option<(f64, f64)>,
    /// The same area elsewhere.
    pub control: Option<f64>,
    /// Holm's.
    pub p_adjusted: Option<f64>,
    /// What is tested against 0: the loss, or the difference from chance.
    pub tested: f64,
    /// Whether it differs significantly from no loss, or from chance; `None` where no interval is known.
    pub significant: Option<bool>,
    /// Whether the test is against chance.
    pub against_chance: bool,
    /// Each seed, and each place of the control.
    pub spread: Spread,
    pub seeds: u32,
    pub method: &'a str,
}

/// A level that conditions are compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reference {
    /// The best constant prediction.
    Chance(f64),
    WholeFace(f64),
}

impl Estimated<'_> {
    /// Whether it is significantly on the other side: masking makes the metric better, or regions alone reach less than
    /// chance.
    pub fn is_below(&self) -> bool {
        self.significant == Some(true) && self.tested < 0.0
    }
}

impl Reference {
    pub fn level(self) -> f64 {
        match self {
            Reference::Chance(level) | Reference::WholeFace(level) => level,
        }
    }
}

impl<'a> Effects<'a> {
    /// `setting` has the runs, so that each seed and each place of a control can be told. `None` where no row has that
    /// metric.
    pub fn of(
        evidence: &'a Evidence,
        metric: Metric,
        setting: Option<&Setting>,
        facts: &'a Facts,
    ) -> Option<Effects<'a>> {
        let slices = slices(&evidence.effects, &evidence.contrasts, metric);
        let several = facts.several.or(slices.first()?.several);
        let panels =
            slices.iter().map(|slice| panel(slice, metric, setting, facts, several)).collect();
        Some(Effects { facts, metric, slices, several, panels })
    }
}

fn panel<'a>(
    slice: &Slice<'a>,
    metric: Metric,
    setting: Option<&Setting>,
    facts: &Facts,
    several: Several,
) -> EffectPanel<'a> {
    let (question, what) = match slice.mode {
        Mode::Hide => (Question::Loss, "Region masked"),
        Mode::Keep => (Question::Reached, "Only the region visible"),
    };
    let mut rows = slice.rows.clone();
    thin_out(&mut rows);
    rows.sort_by_key(|row| facts.place(&row.regions));
    let mut references = Vec::new();
    if question == Question::Reached {
        let of_rows = rows.iter().find_map(|row| row.chance);
        let chance = of_rows.or(facts.chance).filter(|_| Measure::of(metric).has_chance);
        references.extend(chance.map(Reference::Chance));
        let mut baselines = rows.iter().map(|row| row.baseline);
        references.extend(baselines.find(|level| level.is_finite()).map(Reference::WholeFace));
    }
    EffectPanel {
        question,
        heading: several.heading(what, (slice.phase, slice.fill, slice.swept)),
        left_out: slice.rows.len() - rows.len(),
        conditions: rows.iter().map(|row| estimated(row, question, setting)).collect(),
        references,
    }
}

/// Leaves as many rows as a picture holds: the sets of fewest regions, which say most about each region; where
/// even these are too many, the largest effects.
fn thin_out(rows: &mut Vec<&EffectRow>) {
    if rows.len() <= MOST_ROWS {
        return;
    }
    let of_at_most = |size: usize| rows.iter().filter(|row| row.regions.len() <= size).count();
    let size = (1..).take_while(|&size| of_at_most(size) <= MOST_ROWS).last();
    match size.filter(|&size| of_at_most(size) > 0) {
        Some(size) => rows.retain(|row| row.regions.len() <= size),
        None => rows.truncate(MOST_ROWS),
    }
}

fn estimated<'a>(
    row: &'a EffectRow,
    question: Question,
    setting: Option<&Setting>,
) -> Estimated<'a> {
    let control = row.control.filter(|control| control.is_finite());
    let shared = Estimated {
        regions: &row.regions,
        value: row.effect,
        interval: interval(row),
        control: control.map(|control| row.baseline - control),
        p_adjusted: row.p_adjusted,
        tested: row.effect,
        significant: effect_significant(row),
        against_chance: false,
        spread: setting.map(|setting| Spread::of(row, setting)).unwrap_or_default(),
        seeds: row.seeds,
        method: &row.method,
    };
    let reached = |(low, high)| (row.baseline - high, row.baseline - low);
    match (question, row.excess) {
        (Question::Loss, _) => shared,
        (Question::Reached, None) => Estimated {
            value: row.covered,
            interval: shared.interval.map(reached),
            control,
            ..shared
        },
        (Question::Reached, Some(excess)) => Estimated {
            value: row.covered,
            tested: excess,
            interval: match row.chance {
                None => shared.interval.map(reached),
                Some(chance) => {
                    excess_interval(row).map(|(low, high)| (chance + low, chance + high))
                }
            },
            control,
            p_adjusted: row.excess_p_adjusted,
            significant: excess_significant(row),
            against_chance: true,
            ..shared
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::Findings;
    use crate::report::findings::finding::tests::{row, with_chance, with_control};
    use crate::study::Study;
    use crate::study::tests::{run, swept};

    /// The eyes cost most under the second setting alone.
    #[test]
    fn all_settings_have_the_order_of_the_first_effects() {
        let (mut runs, mut effects) = (Vec::new(), Vec::new());
        for (epochs, mouth, eyes) in [("5", 20.0, 10.0), ("10", 5.0, 15.0)] {
            runs.push(swept(run(&[], "none", 1), "train.epochs", epochs));
            for (region, cost) in [("eyes", eyes), ("mouth", mouth)] {
                let run = swept(run(&[region], "hide", 1), "train.epochs", epochs);
                effects.push(EffectRow {
                    swept: run.swept.clone(),
                    ..row(region, "hide", cost, None)
                });
                runs.push(run);
            }
        }
        let findings =
            Findings::of(Study::of(runs, &[]), Evidence { effects, ..Evidence::default() });
        for found in findings.settings() {
            let effects = Effects::of(&found.evidence, Metric::Accuracy, None, &found.facts);
            let effects = effects.unwrap();
            let order: Vec<&str> =
                effects.panels[0].conditions.iter().map(|one| one.regions[0].as_str()).collect();
            assert_eq!(order, ["mouth", "eyes"], "{}", found.facts.setting);
        }
    }

    #[test]
    fn what_alone_is_visible_is_tested_against_chance_and_stands_on_its_line() {
        let lost = row("eyes", "keep", 43.0, Some((40.0, 46.0)));
        let kept = with_control(with_chance(lost, 20.0), 10.0, (8.0, 12.0));
        let evidence = Evidence { effects: vec![kept.clone()], ..Evidence::default() };
        let facts = Facts::default();
        let effects = Effects::of(&evidence, Metric::Accuracy, None, &facts).unwrap();
        let panel = &effects.panels[0];
        assert_eq!(panel.question, Question::Reached);
        let whole = Reference::WholeFace(kept.baseline);
        assert_eq!(panel.references, [Reference::Chance(0.2), whole]);
        let eyes = &panel.conditions[0];
        assert!(eyes.against_chance && eyes.significant == excess_significant(&kept));
        assert_eq!((eyes.value, eyes.p_adjusted), (kept.covered, kept.excess_p_adjusted));
        let (low, high) = excess_interval(&kept).unwrap();
        assert_eq!(eyes.interval, Some((0.2 + low, 0.2 + high)));
        assert_eq!(eyes.control, kept.control);
        // Masked, the control is a loss too.
        let hidden = with_control(row("eyes", "hide", 11.0, None), 10.0, (8.0, 12.0));
        let evidence = Evidence { effects: vec![hidden.clone()], ..Evidence::default() };
        let effects = Effects::of(&evidence, Metric::Accuracy, None, &facts).unwrap();
        let panel = &effects.panels[0];
        assert!(panel.question == Question::Loss && panel.references.is_empty());
        let loss = hidden.baseline - hidden.control.unwrap();
        assert_eq!(panel.conditions[0].control, Some(loss));
    }
}
