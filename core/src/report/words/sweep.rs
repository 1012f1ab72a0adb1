//! What changes between the settings of a sweep, and what does not.

use crate::region::Mode;
use crate::report::findings::finding::known;
use crate::report::findings::sweep::{Between, Change, Line, OfSetting, Sweep};
use crate::report::words::measure::Measure;
use crate::report::words::numbers::{counted, mean, p_value, thousands};
use crate::report::words::phrase::list;
use crate::store::Metric;

use super::MOST_NAMED;
use super::scope::bounds;

/// More settings than this are counted, not named one by one.
const MOST_SETTINGS: usize = 4;

/// Whole faces under every setting, each beside its chance; then which conditions differ significantly between settings,
/// by the tests of their pairs, and which do not.
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

/// What of a condition is compared between settings, within a sentence: `the cost of masking the mouth`, `the gain over
/// chance from leaving only the eyes visible`.
pub fn asked_of_settings(sweep: &Sweep<'_>, line: &Line<'_>) -> String {
    let condition = sweep.several.sentence(line.name());
    match line.masking.mode {
        Mode::Hide => format!("the cost of {condition}"),
        Mode::Keep => format!("the gain over chance from {condition}"),
    }
}

fn changes(sweep: &Sweep<'_>) -> Option<String> {
    if sweep.lines.is_empty() {
        return None;
    }
    let (differing, others) = (sweep.differing(), sweep.not_shown());
    let mut parts = Vec::new();
    let named: Vec<String> = differing
        .iter()
        .take(MOST_NAMED)
        .enumerate()
        .map(|(place, (line, between))| {
            let (asked, sides) =
                (asked_of_settings(sweep, line), sides(sweep, between, place == 0));
            match place {
                0 => format!("{asked} differs between settings: {sides}"),
                _ => format!("so does {asked}: {sides}"),
            }
        })
        .collect();
    if !named.is_empty() {
        parts.push(named.join("; ") + &more(differing.len() - named.len()));
    }
    if let Some((line, between)) = others.first() {
        let (asked, sides) =
            (asked_of_settings(sweep, line), sides(sweep, between, parts.is_empty()));
        parts.push(match others.len() {
            1 => format!("for {asked} no difference between settings is significant: {sides}"),
            count => format!(
                "for {} no difference between settings is significant; largest difference: {asked}, {sides}",
                counted(count as u64, "condition"),
            ),
        });
    }
    let untested: Vec<String> = sweep
        .lines
        .iter()
        .filter(|line| line.change() == Change::Untested)
        .map(|line| asked_of_settings(sweep, line))
        .collect();
    if !untested.is_empty() {
        let what = match untested.len() {
            1..=MOST_NAMED => list(untested, "or"),
            count => format!("any of {}", counted(count as u64, "condition")),
        };
        parts.push(format!(
            "whether {what} differs between settings was not tested: no two have an interval, or there are more than \
             two thousand pairs"
        ));
    }
    let said = super::capital(&parts.join("; "));
    Some(format!("{said}.{}", compared(sweep)))
}

/// `21.0 points with epochs 5, 12.0 with epochs 10 (difference 9.0, 95 % CI 6.0 to 12.0; p < 0.001)`
fn sides(sweep: &Sweep<'_>, between: &Between<'_>, first: bool) -> String {
    let (measure, row) = (Measure::of(sweep.metric), between.row);
    let (one, other) =
        (sweep.settings[between.places.0].name, sweep.settings[between.places.1].name);
    let unit = if first { format!(" {}", measure.unit) } else { String::new() };
    let mut inner = format!("difference {}", measure.number(row.difference));
    if let Some(range) = known(row.low, row.high) {
        inner += &format!(", {}", bounds(range, measure, first));
    }
    if let Some(p) = row.p_adjusted {
        let p = p_value(p);
        let sign = if p.starts_with('<') { "p\u{a0}" } else { "p\u{a0}=\u{a0}" };
        inner += &format!("; {sign}{}", p.replace(' ', "\u{a0}"));
    }
    let (value, against) = (measure.number(row.value), measure.number(row.against));
    format!("{value}{unit} with {one}, {against} with {other} ({inner})")
}

/// How settings were compared, as a sentence; nothing where none were.
fn compared(sweep: &Sweep<'_>) -> String {
    let rows = || sweep.lines.iter().flat_map(|line| &line.between).map(|between| between.row);
    let apart = "on other test images or share no seed cannot be compared pair by pair";
    match (rows().any(|row| row.paired), rows().any(|row| !row.paired)) {
        (false, false) => String::new(),
        (true, false) => {
            " Settings are compared by differences paired on their seeds and test images, \
                          Holm-corrected."
                .to_owned()
        }
        (true, true) => format!(
            " Settings are compared by differences paired on their seeds and test images, Holm-corrected; those that were \
             tested {apart}, and are taken as independent samples."
        ),
        (false, true) => format!(
            " Settings are compared as independent samples, Holm-corrected: those that were tested {apart}."
        ),
    }
}

fn more(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "; and so does 1 more condition".to_owned(),
        count => format!("; and so do {} more conditions", thousands(count as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::Findings;
    use crate::report::findings::evidence::Evidence;
    use crate::report::findings::finding::tests::{paired, row};
    use crate::report::findings::sweep::tests::between;
    use crate::report::words::answer;
    use crate::store::SettingContrastRow;
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
        let (contrasts, setting_contrasts) = (paired(&effects), between(&effects));
        let evidence = Evidence { effects, contrasts, setting_contrasts, ..Evidence::default() };
        Findings::of(Study::of(runs, &confusion), evidence)
    }

    #[test]
    fn what_changes_is_said_with_both_sides_and_what_does_not_too() {
        let findings = findings([21.0, 12.0], [10.0, 11.0]);
        assert_eq!(
            sweep(&findings.sweep().unwrap()).replace('\u{a0}', " "),
            "Across the 2 settings, accuracy on whole faces is 83.0 % with epochs 5 (chance 50.0 %) and 83.0 % with \
             epochs 10 (chance 50.0 %). The cost of masking the mouth differs between settings: 12.0 points with epochs \
             10, 21.0 with epochs 5 (difference −9.0, 95 % CI −13.5 to −4.5; p = 0.004); for the cost of masking the \
             eyes no difference between settings is significant: 11.0 with epochs 10, 10.0 with epochs 5 (difference \
             1.0, −1.0 to 3.0; p = 0.400). Settings are compared by differences paired on their seeds and test images, \
             Holm-corrected."
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
    fn without_a_test_nothing_is_claimed() {
        let mut findings = findings([21.0, 12.0], [10.0, 11.0]);
        findings.evidence.setting_contrasts.clear();
        let findings = Findings::of(findings.study, findings.evidence);
        let said = sweep(&findings.sweep().unwrap());
        assert!(said.contains("was not tested: no two have an interval"), "{said}");
        assert!(!said.contains("Settings are compared"), "{said}");
    }

    /// Intervals overlap by far, and still the two differ: they are paired.
    #[test]
    fn the_test_decides_and_not_the_overlap() {
        let mut findings = findings([21.0, 20.0], [10.0, 11.0]);
        let mouth = |row: &&mut SettingContrastRow| row.regions == ["mouth"];
        let row = findings.evidence.setting_contrasts.iter_mut().find(mouth).unwrap();
        (row.low, row.high, row.p_adjusted) = (Some(-0.015), Some(-0.005), Some(0.01));
        let findings = Findings::of(findings.study, findings.evidence);
        let said = sweep(&findings.sweep().unwrap());
        assert!(said.contains("The cost of masking the mouth differs between settings"), "{said}");
    }

    #[test]
    fn settings_on_other_images_are_said_to_be_independent_samples() {
        let mut findings = findings([21.0, 12.0], [10.0, 11.0]);
        findings.evidence.setting_contrasts.iter_mut().for_each(|row| row.paired = false);
        let findings = Findings::of(findings.study, findings.evidence);
        let said = sweep(&findings.sweep().unwrap());
        assert!(
            said.ends_with(
                "Settings are compared as independent samples, Holm-corrected: those that were tested on other test \
                 images or share no seed cannot be compared pair by pair."
            ),
            "{said}"
        );
    }
}
