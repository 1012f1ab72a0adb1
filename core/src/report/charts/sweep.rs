//! Every condition under every setting of a sweep, on one scale.

use crate::region::Mode;
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::charts::comparison::{ComparisonPanel, ComparisonRow, Words, differences};
use crate::report::findings::comparison::Difference;
use crate::report::findings::sweep::{Line, Sweep};
use crate::report::words::measure::Measure;
use crate::report::words::numbers::counted;
use crate::report::words::{asked_of_settings, capital};

/// A panel for each condition that two settings have, in it a row for each setting with its interval: masked, what it
/// costs relative to the whole faces of that setting; alone visible, what it reaches above the chance of that setting.
///
/// # Errors
/// [`ReportError::Empty`] where no condition has a number under two settings.
pub fn sweep(sweep: &Sweep<'_>) -> Result<Figure, ReportError> {
    let measure = Measure::of(sweep.metric);
    let (name, unit) = (measure.name, measure.unit);
    let (own, axis) = match (sweep.has(Mode::Hide), sweep.has(Mode::Keep)) {
        (true, true) => (
            "its own whole faces where regions are masked, to its own chance where they alone are visible",
            measure.long_unit.to_owned(),
        ),
        (false, true) => ("its own chance", format!("{name} above chance, {unit}")),
        _ => ("its own whole faces", format!("loss of {name}, {unit}")),
    };
    let panels: Vec<ComparisonPanel> = sweep.lines.iter().map(|line| panel(sweep, line)).collect();
    let settings = counted(sweep.settings.len() as u64, "setting");
    let words = Words {
        title: title(sweep),
        subtitle: vec![
            sweep.dataset.to_owned(),
            format!("{settings}, each relative to {own}"),
            "lines: 95\u{a0}% CI".to_owned(),
        ],
        axis,
        missing: "no run",
    };
    differences(&panels, measure, words)
}

fn panel(sweep: &Sweep<'_>, line: &Line<'_>) -> ComparisonPanel {
    let rows = sweep.settings.iter().zip(&line.effects).map(|(of, row)| ComparisonRow {
        name: of.name.to_owned(),
        difference: row.and_then(Difference::asked),
    });
    let what = match (sweep.has(Mode::Hide) && sweep.has(Mode::Keep), line.masking.mode) {
        (false, _) => "",
        (true, Mode::Hide) => ": loss",
        (true, Mode::Keep) => ": gain over chance",
    };
    let heading = capital(&sweep.several.label(line.name())) + what;
    ComparisonPanel { heading, rows: rows.collect() }
}

/// Whether any condition differs significantly between settings.
fn title(sweep: &Sweep<'_>) -> String {
    let measure = Measure::of(sweep.metric);
    let (differing, others) = (sweep.differing(), sweep.not_shown());
    let estimate = |line: &Line<'_>, size: f64| {
        let asked = asked_of_settings(sweep, line);
        format!("largest difference: {asked}, {} {}", measure.rounded(size), measure.unit)
    };
    match (&differing[..], others.first()) {
        ([], None) => "Settings side by side; whether they differ was not tested".to_owned(),
        ([], Some((line, between))) => format!(
            "No difference between settings is significant; {}",
            estimate(line, between.size())
        ),
        ([(line, _)], _) => {
            capital(&format!("{} differs between settings", asked_of_settings(sweep, line)))
        }
        ([(line, between), ..], _) => format!(
            "{} of {} differ between settings; {}",
            differing.len(),
            counted(sweep.lines.len() as u64, "condition"),
            estimate(line, between.size())
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, words};
    use crate::report::findings::Findings;
    use crate::report::findings::evidence::Evidence;
    use crate::report::findings::finding::tests::{row, with_chance};
    use crate::report::findings::sweep::Change;
    use crate::report::findings::sweep::tests::between;
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
        let setting_contrasts = between(&effects);
        let evidence = Evidence { effects, setting_contrasts, ..Evidence::default() };
        let findings = Findings::of(Study::of(runs, &[]), evidence);
        let across = findings.sweep().unwrap();
        let Change::Differs(largest) = across.lines[0].change() else { panic!() };
        assert_eq!(largest.places, (2, 1));
        let figure = sweep(&across).unwrap();
        assert_labels_are_apart(&figure);
        assert_eq!(figure.title, "The cost of masking the mouth differs between settings");
        let words = words(&figure);
        let place = |text: &str| words.lines().position(|line| line == text).unwrap();
        assert!(place("epochs 20") < place("epochs 5") && place("epochs 5") < place("epochs 100"));
        assert!(words.contains("21.0") && words.contains("Mouth masked"), "{words}");
    }

    /// Whole faces alone got better: the eyes alone reach what they reached, close to chance, and lose more against them.
    #[test]
    fn alone_visible_is_held_against_chance() {
        let (mut runs, mut effects) = (Vec::new(), Vec::new());
        for (epochs, whole) in [("5", 29.1), ("10", 48.2)] {
            runs.push(swept(run(&[], "none", 1), "train.epochs", epochs));
            let run = swept(run(&["eyes"], "keep", 1), "train.epochs", epochs);
            let lost = whole - 15.9;
            let mut row = row("eyes", "keep", lost, Some((lost - 2.0, lost + 2.0)));
            row.baseline = whole / 100.0;
            row.covered = 0.159;
            row.swept = run.swept.clone();
            effects.push(with_chance(row, 15.6));
            runs.push(run);
        }
        let setting_contrasts = between(&effects);
        let evidence = Evidence { effects, setting_contrasts, ..Evidence::default() };
        let findings = Findings::of(Study::of(runs, &[]), evidence);
        let figure = sweep(&findings.sweep().unwrap()).unwrap();
        assert_eq!(
            figure.title,
            "No difference between settings is significant; largest difference: the gain over chance from leaving \
             only the eyes visible, 0.0 points"
        );
        let words = words(&figure);
        assert_eq!(words.lines().filter(|line| *line == "0.3").count(), 2, "{words}");
        assert!(words.contains("test accuracy above chance, points"), "{words}");
        assert!(!words.contains("13.2"), "{words}");
        assert!(words.contains("grey: not significant"), "{words}");
    }

    /// A corrected p decides, as in the chart of effects.
    #[test]
    fn colours_are_those_of_the_corrected_test() {
        let (mut runs, mut effects) = (Vec::new(), Vec::new());
        for epochs in ["5", "10"] {
            runs.push(swept(run(&[], "none", 1), "train.epochs", epochs));
            let run = swept(run(&["mouth"], "hide", 1), "train.epochs", epochs);
            let mut row = row("mouth", "hide", -1.7, Some((-3.3, -0.1)));
            (row.p, row.p_adjusted) = (Some(0.039), Some(0.157));
            row.swept = run.swept.clone();
            effects.push(row);
            runs.push(run);
        }
        let evidence = Evidence { effects, ..Evidence::default() };
        let findings = Findings::of(Study::of(runs, &[]), evidence);
        let figure = sweep(&findings.sweep().unwrap()).unwrap();
        let blue = crate::report::canvas::theme::BLUE.hex();
        assert!(!figure.svg.contains(&blue) && words(&figure).contains("grey: not significant"));
        assert_eq!(figure.title, "Settings side by side; whether they differ was not tested");
    }

    #[test]
    fn one_setting_is_no_sweep() {
        let findings = Findings::of(Study::of(vec![run(&[], "none", 1)], &[]), Evidence::default());
        assert!(findings.sweep().is_none());
    }
}
