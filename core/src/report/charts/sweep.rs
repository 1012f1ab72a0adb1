//! Every effect under every setting of a sweep, on one scale.

use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::charts::comparison::{ComparisonPanel, ComparisonRow, Words, differences};
use crate::report::findings::comparison::Difference;
use crate::report::findings::finding::interval;
use crate::report::findings::sweep::{Change, Line, Sweep};
use crate::report::words::capital;
use crate::report::words::measure::Measure;
use crate::report::words::numbers::counted;

/// A panel for each condition that two settings have, in it a row for each setting: what it costs relative to the
/// whole faces of that setting, with its interval.
///
/// # Errors
/// [`ReportError::Empty`] where no condition has an effect under two settings.
pub fn sweep(sweep: &Sweep<'_>) -> Result<Figure, ReportError> {
    let measure = Measure::of(sweep.metric);
    let panels: Vec<ComparisonPanel> = sweep.lines.iter().map(|line| panel(sweep, line)).collect();
    let settings = counted(sweep.settings.len() as u64, "setting");
    let words = Words {
        title: title(sweep),
        subtitle: vec![
            sweep.dataset.to_owned(),
            format!("{settings}, each relative to its own whole faces"),
            "lines: 95\u{a0}% CI".to_owned(),
        ],
        axis: format!("loss of {}, {}", measure.name, measure.unit),
        missing: "no run",
    };
    differences(&panels, measure, words)
}

fn panel(sweep: &Sweep<'_>, line: &Line<'_>) -> ComparisonPanel {
    let rows = sweep.settings.iter().zip(&line.effects).map(|(of, row)| ComparisonRow {
        name: of.name.to_owned(),
        difference: row.map(|row| Difference::of(row.effect, interval(row))),
    });
    ComparisonPanel { heading: capital(&sweep.several.label(line.name())), rows: rows.collect() }
}

/// Whether any effect differs between settings.
fn title(sweep: &Sweep<'_>) -> String {
    let apart = |line: &&Line<'_>| matches!(line.change, Change::Apart(..));
    let most = sweep.lines.iter().filter(apart).max_by(|a, b| a.size().total_cmp(&b.size()));
    match most {
        Some(line) => format!(
            "The effect of {} differs most between settings",
            sweep.several.sentence(line.name())
        ),
        None if sweep.lines.iter().all(|line| line.change == Change::Unknown) => {
            "Effects by setting; no two intervals to compare".to_owned()
        }
        None => "Effects by setting; their 95 % CIs overlap".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, words};
    use crate::report::findings::Findings;
    use crate::report::findings::evidence::Evidence;
    use crate::report::findings::finding::tests::row;
    use crate::study::Study;
    use crate::study::tests::{run, swept};

    #[test]
    fn settings_stand_side_by_side_in_the_order_of_the_file() {
        let (mut runs, mut effects) = (Vec::new(), Vec::new());
        for (epochs, cost) in [("20", 21.0), ("5", 12.0), ("100", 30.0)] {
            runs.push(swept(run(&[], "none", 1), "train.epochs", epochs));
            let run = swept(run(&["mouth"], "hide", 1), "train.epochs", epochs);
            let mut row = row("mouth", "hide", cost, Some((cost - 2.0, cost + 2.0)));
            row.swept = run.swept.clone();
            runs.push(run);
            effects.push(row);
        }
        effects.reverse();
        let evidence = Evidence { effects, ..Evidence::default() };
        let findings = Findings::of(Study::of(runs, &[]), evidence);
        let across = findings.sweep().unwrap();
        assert_eq!(across.lines[0].change, Change::Apart(1, 2));
        let figure = sweep(&across).unwrap();
        assert_labels_are_apart(&figure);
        assert_eq!(figure.title, "The effect of masking the mouth differs most between settings");
        let words = words(&figure);
        let place = |text: &str| words.lines().position(|line| line == text).unwrap();
        assert!(place("epochs 20") < place("epochs 5") && place("epochs 5") < place("epochs 100"));
        assert!(words.contains("21.0") && words.contains("Mouth masked"), "{words}");
    }

    #[test]
    fn one_setting_is_no_sweep() {
        let findings = Findings::of(Study::of(vec![run(&[], "none", 1)], &[]), Evidence::default());
        assert!(findings.sweep().is_none());
    }
}
