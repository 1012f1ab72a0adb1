//! Which numbers stand for what each region is worth for each emotion.

use std::collections::BTreeMap;

use crate::plan::Several;
use crate::region::{FillKind, Mode, Phase};
use crate::store::{ClassEffectRow, ShapleyRow};

use crate::report::findings::evidence::Evidence;
use crate::report::findings::finding::ALPHA;
use crate::report::findings::game::value_significant;

/// An order of fewer regions says nothing.
const FEWEST_REGIONS: usize = 3;
/// The phases whose networks are evaluated under masks, with the words for them. Networks trained on whole faces come
/// last: they never met masked ones.
const NETWORKS: [(Phase, &str); 4] = [
    (Phase::Retrain, "Retrained networks"),
    (Phase::Tuned, "Tuned networks"),
    (Phase::Amortised, "Amortised network"),
    (Phase::Evaluate, "Whole-face networks"),
];

/// How much one region matters to a network for one emotion.
#[derive(Debug, Clone, PartialEq)]
pub struct EmotionCell {
    pub emotion: String,
    pub region: String,
    /// A change of recall, a share; larger where the region matters more.
    pub value: f64,
    /// Whether it differs significantly from 0, Holm-corrected.
    pub significant: bool,
}

/// The cells of an emotion × region map.
#[derive(Debug, Clone, PartialEq)]
pub struct EmotionCells {
    /// Whose numbers they are, and in which unit: `Retrained networks: loss of recall, points`.
    pub heading: String,
    pub cells: Vec<EmotionCell>,
}

/// What an experiment can best compare with humans, who saw random tiles of a face and nothing else: of the first
/// phase that has them, the Shapley values of each emotion's recall; else the recall with only one region visible;
/// else what is lost when it is masked. Networks trained on whole faces predict nearly the same whichever region alone
/// is visible, so that of them what is lost comes first. `None` where fewer than three regions have any.
///
/// Of several fills and swept settings the first is taken, and named.
pub fn emotion_cells(evidence: &Evidence, several: Several) -> Option<EmotionCells> {
    for (phase, network) in NETWORKS {
        let mut candidates = [
            ("Shapley value of recall, points", of_shapley(&evidence.shapley, phase)),
            (
                "recall alone minus whole face, points",
                of_effects(&evidence.class_effects, phase, Mode::Keep, -1.0),
            ),
            ("loss of recall, points", of_effects(&evidence.class_effects, phase, Mode::Hide, 1.0)),
        ];
        if phase == Phase::Evaluate {
            candidates.rotate_right(1);
        }
        for (what, found) in candidates {
            let Some((choice, cells)) = found else { continue };
            let mut regions: Vec<&str> = cells.iter().map(|cell| cell.region.as_str()).collect();
            regions.sort_unstable();
            regions.dedup();
            if regions.len() >= FEWEST_REGIONS {
                let heading = format!("{network}: {what}");
                let heading = several.title(heading, choice.0, &choice.1);
                return Some(EmotionCells { heading, cells });
            }
        }
    }
    None
}

/// A fill and swept settings, and the cells under them.
type Chosen = ((FillKind, BTreeMap<String, String>), Vec<EmotionCell>);

fn of_shapley(rows: &[ShapleyRow], phase: Phase) -> Option<Chosen> {
    let rows: Vec<&ShapleyRow> =
        rows.iter().filter(|row| row.phase == phase && row.emotion.is_some()).collect();
    let &first = rows.first()?;
    let cells =
        rows.iter().filter(|row| row.fill == first.fill && row.swept == first.swept).map(|row| {
            EmotionCell {
                emotion: row.emotion.clone().unwrap_or_default(),
                region: row.region.clone(),
                value: row.value,
                significant: value_significant(row),
            }
        });
    Some(((first.fill, first.swept.clone()), cells.collect()))
}

/// Of single regions; `sign` makes what matters more larger.
fn of_effects(rows: &[ClassEffectRow], phase: Phase, mode: Mode, sign: f64) -> Option<Chosen> {
    let single = |row: &&ClassEffectRow| {
        row.regions.len() == 1 && row.phase == phase && row.mode == mode && row.effect.is_finite()
    };
    let rows: Vec<&ClassEffectRow> = rows.iter().filter(single).collect();
    let &first = rows.first()?;
    let cells =
        rows.iter().filter(|row| row.fill == first.fill && row.swept == first.swept).map(|row| {
            EmotionCell {
                emotion: row.emotion.clone(),
                region: row.regions[0].clone(),
                value: sign * row.effect,
                significant: row.p_adjusted.is_some_and(|p| p < ALPHA),
            }
        });
    Some(((first.fill, first.swept.clone()), cells.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::evidence::tests::loss;
    use crate::report::findings::game::tests::value;
    use crate::store::Term;

    const REGIONS: [&str; 3] = ["brows", "eyes", "mouth"];

    fn losses(mode: &str, phase: &str) -> Vec<ClassEffectRow> {
        REGIONS
            .map(|region| {
                let mut row = loss(region, "fear", 20.0, (15.0, 25.0), 0.001);
                (row.mode, row.phase) = (Mode::of(mode).unwrap(), Phase::of(phase).unwrap());
                row
            })
            .to_vec()
    }

    fn shares(phase: &str) -> Vec<ShapleyRow> {
        REGIONS
            .map(|region| {
                let mut row = value(region, 7.0, (5.0, 9.0), &[]);
                (row.phase, row.emotion) = (Phase::of(phase).unwrap(), Some("fear".to_owned()));
                row
            })
            .to_vec()
    }

    fn chosen(class_effects: Vec<ClassEffectRow>, shapley: Vec<ShapleyRow>) -> EmotionCells {
        emotion_cells(
            &Evidence { class_effects, shapley, ..Evidence::default() },
            Several::default(),
        )
        .unwrap()
    }

    #[test]
    fn what_is_nearest_to_the_human_task_is_chosen() {
        let hidden = losses("hide", "retrain");
        let mut all = hidden.clone();
        let of_hidden = chosen(all.clone(), vec![]);
        assert_eq!(of_hidden.heading, "Retrained networks: loss of recall, points");
        assert_eq!(of_hidden.cells[0].value, 0.2);
        assert!(of_hidden.cells[0].significant);
        all.extend(losses("keep", "retrain"));
        let seen = chosen(all.clone(), shares("amortised"));
        assert_eq!(seen.heading, "Retrained networks: recall alone minus whole face, points");
        assert_eq!(seen.cells[0].value, -0.2);
        let divided = chosen(all, shares("retrain"));
        assert_eq!(divided.heading, "Retrained networks: Shapley value of recall, points");
        assert_eq!(divided.cells.len(), 3);
        assert_eq!((divided.cells[2].region.as_str(), divided.cells[2].value), ("mouth", 0.07));
    }

    #[test]
    fn a_network_that_saw_such_pictures_comes_before_one_that_did_not() {
        let mut both = losses("keep", "evaluate");
        both.extend(losses("hide", "evaluate"));
        let evaluated = chosen(both.clone(), vec![]);
        assert_eq!(evaluated.heading, "Whole-face networks: loss of recall, points");
        both.extend(losses("keep", "amortised"));
        let amortised = chosen(both, shares("evaluate"));
        assert!(amortised.heading.starts_with("Amortised network: recall alone"));
    }

    #[test]
    fn two_regions_and_those_without_a_number_are_no_order() {
        let mut rows = losses("hide", "retrain");
        rows[2].effect = f64::NAN;
        let evidence = Evidence { class_effects: rows, ..Evidence::default() };
        assert_eq!(emotion_cells(&evidence, Several::default()), None);
        assert_eq!(emotion_cells(&Evidence::default(), Several::default()), None);
    }

    #[test]
    fn of_several_settings_the_first_is_taken() {
        let mut rows = losses("hide", "retrain");
        for mut row in losses("hide", "retrain") {
            row.fill = FillKind::Noise;
            rows.push(row);
        }
        assert_eq!(chosen(rows, vec![]).cells.len(), 3);
    }
}
