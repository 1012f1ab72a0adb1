//! Which masks change nothing, or leave nothing visible, in words.

use crate::region::Mode;
use crate::report::words::numbers::decimal;
use crate::report::words::phrase::list;
use crate::store::RunRow;
use crate::study::{Condition, Study};

/// So many conditions are named.
const MOST_NAMED: usize = 6;

/// Warnings of conditions whose masks take no pixel of the test images, or every one: their effect is zero, or
/// their accuracy chance, whatever the networks do. And of those that miss some images.
pub fn reach_warnings(study: &Study) -> Vec<String> {
    let masked = || study.runs.iter().filter(|run| run.status.is_done() && !run.regions.is_empty());
    let of = |area: f64| -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in
            masked().filter(|run| run.area == area).map(|run| study.several.label(run.into()))
        {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    };
    let warning = |names: Vec<String>, what: &str| {
        let verb = if names.len() == 1 { "masks" } else { "mask" };
        let names: Vec<String> = names.into_iter().map(|name| format!("“{name}”")).collect();
        (!names.is_empty()).then(|| format!("Warning: {} {verb} {what}", list(names, "and")))
    };
    let changes_nothing = "no pixel of the test images, so that the effect is zero whatever the \
                           network needs: regions (or controls) are too small for the images, or lie \
                           outside them.";
    let leaves_nothing = "every pixel of the test images, so that nothing of them is visible.";
    let mut partly: Vec<String> = Vec::new();
    for run in masked().filter(|run| run.area > 0.0) {
        let Some(missed) = run.missed.filter(|missed| *missed > 0.0) else { continue };
        let missed =
            format!("“{}” ({} %)", study.several.label(run.into()), decimal(100.0 * missed, 1));
        if !partly.contains(&missed) {
            partly.push(missed);
        }
    }
    let more = partly.len().saturating_sub(MOST_NAMED);
    partly.truncate(MOST_NAMED);
    if more > 0 {
        partly.push(format!("{more} more"));
    }
    let partly = (!partly.is_empty()).then(|| {
        format!(
            "Warning: in some test images the regions of {} lie outside or between the pixels: there nothing is \
             masked, or nothing visible, and the effect of the others is diluted.",
            list(partly, "and")
        )
    });
    let all = [
        warning(of(0.0), changes_nothing),
        warning(of(1.0), leaves_nothing),
        partly,
        other_areas(study),
    ];
    all.into_iter().flatten().collect()
}

/// A mean difference in area up to this share goes without saying.
const TOLERATED: f64 = 0.02;

/// Whose controls are larger or smaller than the regions in the mean over the test images, since a border cuts off a
/// part of one of the two, or an image has few pixels.
fn other_areas(study: &Study) -> Option<String> {
    let mut off: Vec<(Vec<String>, f64)> = Vec::new();
    let (mut larger, mut smaller) = (false, false);
    for condition in study.settings.iter().flat_map(|setting| setting.masked()) {
        let Some(differs) = largest_area_off(condition) else { continue };
        if differs.abs() > TOLERATED {
            // What a larger control shows or hides more, and so the region less: in the signal either mode has it so.
            *(if differs > 0.0 { &mut larger } else { &mut smaller }) = true;
        }
        match off.iter_mut().find(|(regions, _)| *regions == condition.regions) {
            Some((_, most)) if most.abs() >= differs.abs() => {}
            Some((_, most)) => *most = differs,
            None => off.push((condition.regions.clone(), differs)),
        }
    }
    off.retain(|(_, most)| most.abs() > TOLERATED);
    off.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let more = off.len().saturating_sub(MOST_NAMED);
    let named = off.iter().take(MOST_NAMED).map(|(regions, most)| {
        let sign = if *most > 0.0 { "+" } else { "" };
        format!("{} ({sign}{} %)", regions.join(" + "), decimal(100.0 * most, 1))
    });
    let mut named: Vec<String> = named.collect();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    (!named.is_empty()).then(|| {
        let meaning = match (larger, smaller) {
            (true, false) => "A larger control hides or shows more, which takes from its region's signal",
            (false, _) => "A smaller control hides or shows less, which adds to its region's signal",
            (true, true) => {
                "A larger control hides or shows more, which takes from its region's signal; a smaller one less, which adds \
                 to it"
            }
        };
        format!(
            "Warning: not all controls are as large as their regions, by the mean area over the test images: at most \
             {}. {meaning}.",
            list(named, "and")
        )
    })
}

/// Of a condition's controls the largest difference of the area from that of the regions, as a share of the latter;
/// `None` without either.
pub fn largest_area_off(condition: &Condition) -> Option<f64> {
    // Where all else is masked, the visible area is compared.
    let keep = condition.masking?.mode == Mode::Keep;
    let of = |run: &RunRow| if keep { 1.0 - run.area } else { run.area };
    let own = of(condition.done().next()?);
    let done = condition.controls.iter().filter(|run| run.status.is_done());
    let off = done.map(|run| of(run) / own - 1.0).filter(|off| off.is_finite());
    off.max_by(|a, b| a.abs().total_cmp(&b.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{RunRow, RunStatus};
    use crate::study::tests::run;

    #[test]
    fn controls_of_another_area_are_named() {
        let with_area = |mode: &str, control: Option<u32>, area| RunRow {
            area,
            control: control.is_some(),
            draw: control,
            ..run(&["jaw"], mode, 1)
        };
        let of = |runs: &[RunRow]| reach_warnings(&Study::of(runs.to_vec(), &[]));
        let own = with_area("hide", None, 0.2);
        let near = with_area("hide", Some(0), 0.197);
        assert!(of(&[own.clone(), near.clone()]).is_empty(), "1.5 % is tolerated");
        let warnings = of(&[own, near, with_area("hide", Some(1), 0.162)]);
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("at most jaw (−19.0 %). A smaller"), "{warnings:?}");
        // Kept, it is the visible area that counts.
        let kept = [with_area("keep", None, 0.9), with_area("keep", Some(0), 0.89)];
        assert!(of(&kept)[0].contains("jaw (+10.0 %)"));
    }

    #[test]
    fn what_masks_nothing_or_everything_is_said_once() {
        let with_area =
            |regions: &[&str], mode: &str, seed, area| RunRow { area, ..run(regions, mode, seed) };
        let mut failed = with_area(&["nose"], "hide", 1, 0.0);
        failed.status = RunStatus::Failed("it was not trained".to_owned());
        let runs = [with_area(&[], "none", 1, 0.0), with_area(&["eyes"], "hide", 1, 0.1), failed];
        assert!(reach_warnings(&Study::of(runs.to_vec(), &[])).is_empty());
        let runs = [
            with_area(&["dot"], "hide", 1, 0.0),
            with_area(&["dot"], "hide", 2, 0.0),
            with_area(&["dot"], "keep", 1, 1.0),
        ];
        let warnings = reach_warnings(&Study::of(runs.to_vec(), &[]));
        assert_eq!(warnings.len(), 2);
        assert!(warnings[0].starts_with("Warning: “dot masked” masks no pixel"), "{warnings:?}");
        assert!(warnings[1].starts_with("Warning: “only dot visible” masks every pixel"));
        let missing = |seed, missed| RunRow {
            missed: Some(missed),
            ..with_area(&["dot"], "hide", seed, 0.01)
        };
        let warnings = reach_warnings(&Study::of(vec![missing(1, 0.825), missing(2, 0.825)], &[]));
        assert_eq!(warnings.len(), 1);
        assert!(
            warnings[0].contains("the regions of “dot masked” (82.5 %) lie outside"),
            "{warnings:?}"
        );
        assert!(reach_warnings(&Study::of(vec![missing(1, 0.0)], &[])).is_empty());
    }
}
