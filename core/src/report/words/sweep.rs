//! What changes between the settings of a sweep, and what does not.

use crate::report::findings::finding::interval;
use crate::report::findings::sweep::{Change, Line, OfSetting, Sweep};
use crate::report::words::measure::Measure;
use crate::report::words::numbers::{counted, mean};
use crate::report::words::phrase::list;
use crate::store::{EffectRow, Metric};

use super::MOST_NAMED;
use super::scope::bounds;

/// More settings than this are counted, not named one by one.
const MOST_SETTINGS: usize = 4;

/// Whole faces under every setting, each beside its chance; then which effects differ between settings, as far as
/// their intervals tell, and which may.
pub fn sweep(sweep: &Sweep<'_>) -> String {
    let mut sentences: Vec<String> = whole_faces(sweep).into_iter().collect();
    sentences.extend(changes(sweep));
    sentences.join(" ")
}

fn whole_faces(sweep: &Sweep<'_>) -> Option<String> {
    let measure = Measure::of(Metric::Accuracy);
    let reached: Vec<(&OfSetting<'_>, f64)> = sweep
        .settings
        .iter()
        .filter(|of| !of.whole.is_empty())
        .map(|of| (of, mean(&of.whole)))
        .collect();
    let amount = |(of, reached): &(&OfSetting<'_>, f64)| {
        let chance = of
            .setting
            .chance
            .map_or(String::new(), |chance| format!(" (chance {})", measure.amount(chance)));
        format!("{} with {}{chance}", measure.amount(*reached), of.name)
    };
    let settings = counted(sweep.settings.len() as u64, "setting");
    match reached.len() {
        0 => None,
        1..=MOST_SETTINGS => {
            let amounts = list(reached.iter().map(amount).collect(), "and");
            Some(format!("Across the {settings}, accuracy on whole faces is {amounts}."))
        }
        _ => {
            let by_size =
                |a: &&(&OfSetting<'_>, f64), b: &&(&OfSetting<'_>, f64)| a.1.total_cmp(&b.1);
            let (least, most) = (reached.iter().min_by(by_size)?, reached.iter().max_by(by_size)?);
            Some(format!(
                "Across the {settings}, accuracy on whole faces ranges from {} to {}.",
                amount(least),
                amount(most)
            ))
        }
    }
}

fn changes(sweep: &Sweep<'_>) -> Option<String> {
    if sweep.lines.is_empty() {
        return None;
    }
    let mut apart: Vec<&Line<'_>> =
        sweep.lines.iter().filter(|line| matches!(line.change, Change::Apart(..))).collect();
    apart.sort_by(|a, b| b.size().total_cmp(&a.size()));
    let count = |change: Change| sweep.lines.iter().filter(|line| line.change == change).count();
    let (overlap, unknown) = (count(Change::Overlap), count(Change::Unknown));
    let mut parts = Vec::new();
    let measure = Measure::of(sweep.metric);
    let named: Vec<String> =
        apart.iter().take(MOST_NAMED).map(|line| changed(sweep, line, measure)).collect();
    if !named.is_empty() {
        parts.push(format!(
            "The effect of {} differs between settings{}",
            named.join("; that of "),
            more(apart.len() - named.len())
        ));
    }
    let names = |change: Change| -> Vec<String> {
        let lines = sweep.lines.iter().filter(|line| line.change == change);
        lines.map(|line| sweep.several.sentence(line.name())).collect()
    };
    let of = |count: usize, change: Change| match count {
        1..=MOST_NAMED => list(names(change), "and"),
        _ => counted(count as u64, "condition"),
    };
    if overlap > 0 {
        let conditions = of(overlap, Change::Overlap);
        let several = if overlap == 1 { "effect" } else { "effects" };
        parts.push(format!(
            "for the {several} of {conditions} the intervals overlap, which neither shows nor rules out a difference"
        ));
    }
    if unknown > 0 {
        let conditions = of(unknown, Change::Unknown);
        parts.push(format!(
            "whether the effect of {conditions} differs is unknown: fewer than two settings have an interval"
        ));
    }
    let said = super::capital(&parts.join("; "));
    Some(format!("{said}. Settings are compared by their 95\u{a0}% CIs, uncorrected."))
}

/// `masking the mouth (21.0 points with epochs 5, 95 % CI 18.9 to 23.1; 12.0 with epochs 10, 10.0 to 14.0)`
fn changed(sweep: &Sweep<'_>, line: &Line<'_>, measure: Measure) -> String {
    let Change::Apart(a, b) = line.change else { return String::new() };
    let side = |place: usize, first: bool| -> Option<String> {
        let row: &EffectRow = line.effects[place]?;
        let unit = if first { format!(" {}", measure.unit) } else { String::new() };
        let range = interval(row)
            .map_or(String::new(), |range| format!(", {}", bounds(range, measure, first)));
        let name = sweep.settings[place].name;
        Some(format!("{}{unit} with {name}{range}", measure.number(row.effect)))
    };
    let sides: Vec<String> = [side(a, true), side(b, false)].into_iter().flatten().collect();
    format!("{} ({})", sweep.several.sentence(line.name()), sides.join("; "))
}

fn more(count: usize) -> String {
    match count {
        0 => String::new(),
        count => format!(", and so do {} more", counted(count as u64, "effect")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::Findings;
    use crate::report::findings::evidence::Evidence;
    use crate::report::findings::finding::tests::{paired, row};
    use crate::report::words::answer;
    use crate::study::Study;
    use crate::study::tests::{counts, run, swept};

    /// The mouth's and the eyes' cost after 5 and after 10 epochs.
    fn findings(mouth: [f64; 2], eyes: [f64; 2]) -> Findings {
        let (mut runs, mut effects, mut confusion) = (Vec::new(), Vec::new(), Vec::new());
        for (place, epochs) in ["5", "10"].into_iter().enumerate() {
            let whole = swept(run(&[], "none", 1), "train.epochs", epochs);
            confusion.extend(counts(&whole.run_id, &["sad", "glad"], &[&[3, 1], &[0, 4]]));
            runs.push(whole);
            for (region, cost) in [("mouth", mouth[place]), ("eyes", eyes[place])] {
                let run = swept(run(&[region], "hide", 1), "train.epochs", epochs);
                let mut row = row(region, "hide", cost, Some((cost - 2.0, cost + 2.0)));
                row.swept = run.swept.clone();
                runs.push(run);
                effects.push(row);
            }
        }
        // As another order of the rows would have them.
        effects.reverse();
        let contrasts = paired(&effects);
        let evidence = Evidence { effects, contrasts, ..Evidence::default() };
        Findings::of(Study::of(runs, &confusion), evidence)
    }

    #[test]
    fn what_changes_is_said_with_both_sides_and_what_does_not_too() {
        let findings = findings([21.0, 12.0], [10.0, 11.0]);
        assert_eq!(
            sweep(&findings.sweep().unwrap()).replace('\u{a0}', " "),
            "Across the 2 settings, accuracy on whole faces is 83.0 % with epochs 5 (chance 50.0 %) and 83.0 % with \
             epochs 10 (chance 50.0 %). The effect of masking the mouth (21.0 points with epochs 5, 95 % CI 19.0 to \
             23.0; 12.0 with epochs 10, 10.0 to 14.0) differs between settings; for the effect of masking the eyes \
             the intervals overlap, which neither shows nor rules out a difference. Settings are compared by their \
             95 % CIs, uncorrected."
        );
        let said = answer(&findings).replace('\n', " ");
        assert!(said.starts_with("Masking the mouth costs most: 21.0 points"), "{said}");
        assert!(
            said.contains(
                "These results are for epochs 5; the table lists the other settings. Across"
            ),
            "{said}"
        );
    }

    #[test]
    fn without_intervals_nothing_is_claimed() {
        let mut findings = findings([21.0, 12.0], [10.0, 11.0]);
        for row in &mut findings.evidence.effects {
            (row.effect_low, row.effect_high) = (None, None);
        }
        let findings = Findings::of(findings.study, findings.evidence);
        let said = sweep(&findings.sweep().unwrap());
        assert!(said.contains("is unknown: fewer than two settings have an interval"), "{said}");
        assert!(!said.contains("differs between settings"), "{said}");
    }
}
