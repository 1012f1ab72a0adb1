//! Whether networks of whole faces fall behind networks of a part of them, in words.

use std::collections::BTreeMap;

use crate::plan::Swept;
use crate::region::{Mode, Phase};
use crate::report::findings::evidence::Evidence;
use crate::report::findings::finding::effect_significant;
use crate::report::words::measure::Measure;
use crate::report::words::phrase::subject;
use crate::store::{EffectRow, Metric};

use super::scope::with_setting;

/// A warning for each setting in which networks that were trained under a mask are significantly better than those of whole
/// faces, which hold all that a masked face does; it names the condition that is best by most.
pub fn undertrained_warnings(evidence: &Evidence) -> Vec<String> {
    let better = evidence.effects.iter().filter(|row| {
        row.metric == Metric::Accuracy
            && row.phase == Phase::Retrain
            && row.effect < 0.0
            && effect_significant(row) == Some(true)
    });
    let mut best: BTreeMap<&Swept, &EffectRow> = BTreeMap::new();
    for row in better {
        let known = best.entry(&row.swept).or_insert(row);
        if row.effect < known.effect {
            *known = row;
        }
    }
    best.into_values().map(warning).collect()
}

fn warning(row: &EffectRow) -> String {
    let measure = Measure::of(row.metric);
    let setting = with_setting(&row.swept);
    let regions = subject(&row.regions).words;
    let visible = match row.mode {
        Mode::Hide => format!("faces without {regions}"),
        Mode::Keep => format!("faces with only {regions} visible"),
    };
    format!(
        "Warning: networks of whole faces{setting} are significantly worse than networks of {visible}: {} and {}. Whole faces \
         hold all that these do, so the former have not learned what they could (more epochs or images may help), and what \
         masking costs them is too small.",
        measure.amount(row.baseline),
        measure.amount(row.covered),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::finding::tests::row;

    #[test]
    fn networks_of_whole_faces_that_fall_behind_are_warned_of() {
        let warned = |rows: &[EffectRow]| {
            let evidence = Evidence { effects: rows.to_vec(), ..Evidence::default() };
            undertrained_warnings(&evidence).join(" ").replace('\u{a0}', " ")
        };
        let worse = |effect: f64, range: (f64, f64)| {
            let mut row = row("mouth", "keep", effect, Some(range));
            row.covered = row.baseline - row.effect;
            row
        };
        let found = worse(-13.0, (-19.5, -6.4));
        let said = warned(&[worse(-7.0, (-9.0, -5.0)), found.clone()]);
        assert!(
            said.starts_with(
                "Warning: networks of whole faces are significantly worse than networks of faces with only the mouth \
                 visible: 83.0 % and 96.0 %. Whole faces"
            ),
            "{said}"
        );
        assert_eq!(warned(&[worse(-13.0, (-30.0, 4.0)), worse(13.0, (6.4, 19.5))]), "");
        // A network of whole faces may well do better on masked ones.
        let examined = EffectRow { phase: Phase::Evaluate, ..found };
        assert_eq!(warned(&[examined]), "");
    }
}
