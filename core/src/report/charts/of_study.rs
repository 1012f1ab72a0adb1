//! Which charts a study has, and what each is of.
//!
//! Every chart is of one setting, and says which where there are several; the first setting of the file stands
//! open on the page, the others are folded.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::{mean_curves, mean_maps};
use crate::experiment::SensitivitySpec;
use crate::region::Regions;
use crate::report::canvas::error::ReportError;
use crate::report::charts::chart::{Chart, Topic};
use crate::report::charts::confusion::confusion;
use crate::report::charts::confusion_change::confusion_change;
use crate::report::charts::curves::curves;
use crate::report::charts::effects::effects;
use crate::report::charts::emotion_map::emotion_map;
use crate::report::charts::interplay::interplay;
use crate::report::charts::networks::networks;
use crate::report::charts::region_map::region_map;
use crate::report::charts::sensitivity::sensitivity;
use crate::report::charts::sensitivity_curves::sensitivity_curves;
use crate::report::charts::sweep::sweep;
use crate::report::charts::waterfall::waterfall;
use crate::report::findings::agreement::Agreement;
use crate::report::findings::attribution::Attribution;
use crate::report::findings::confusions::Confusions;
use crate::report::findings::effects::Effects;
use crate::report::findings::emotion_cells::emotion_cells;
use crate::report::findings::facts::Facts;
use crate::report::findings::interplay::interplays;
use crate::report::findings::networks::networks as networks_of;
use crate::report::findings::region_worths::RegionWorths;
use crate::report::findings::sensitivity::{Curves, Maps};
use crate::report::findings::training::Trainings;
use crate::report::findings::{Findings, Found};
use crate::store::{
    ConfusionRow, EpochRow, MapMethod, Metric, SensitivityCurveRow, SensitivityRow, Worth,
};
use crate::study::{Condition, Setting};

/// Of more settings than these the tables alone tell.
pub const MOST_SETTINGS: usize = 6;
/// So many conditions have their confusion matrix drawn, over all settings.
const MOST_MATRICES: usize = 30;

/// What is drawn beside the findings.
#[derive(Debug, Clone, Copy)]
pub struct Supplements<'a> {
    pub epochs: &'a [EpochRow],
    pub confusion: &'a [ConfusionRow],
    /// Of networks trained on whole faces, of every setting.
    pub maps: &'a [SensitivityRow],
    pub curves: &'a [SensitivityCurveRow],
    /// How the maps were made, where that is known.
    pub sensitivity: &'a [SensitivitySpec],
    pub regions: &'a Regions,
}

/// The charts of a study, in the order in which their files are listed.
///
/// # Errors
/// Where a picture cannot be drawn.
pub fn of_study(findings: &Findings, with: Supplements<'_>) -> Result<Vec<Chart>, ReportError> {
    let mut charts = Vec::new();
    if let Some(across) = findings.sweep()
        && !across.lines.is_empty()
    {
        charts.push(Chart::new(Topic::Settings, "sweep", sweep(&across)?));
    }
    let mut names = Names::default();
    let across = networks_of(&findings.study, &findings.evidence, Metric::Accuracy);
    for (place, found) in across.iter().enumerate() {
        let figure = networks(found, &findings.shown().facts)?;
        let chart = Chart::new(Topic::Settings, &names.unique("networks".to_owned()), figure);
        charts.push(if place == 0 { chart } else { chart.folded() });
    }
    let settings = findings.study.settings.iter().zip(findings.settings()).take(MOST_SETTINGS);
    let shares = settings.len();
    for (place, (setting, found)) in settings.enumerate() {
        let of_setting = of_setting(setting, found, with, MOST_MATRICES / shares, &mut names)?;
        // The first stands open.
        charts.extend(of_setting.into_iter().map(|chart| match place {
            0 => chart,
            _ => Chart {
                name: names.in_setting(&chart.name, &found.facts.setting),
                ..chart.folded()
            },
        }));
    }
    Ok(charts)
}

/// The charts of one setting.
fn of_setting(
    setting: &Setting,
    found: &Found,
    with: Supplements<'_>,
    matrices: usize,
    names: &mut Names,
) -> Result<Vec<Chart>, ReportError> {
    let Found { facts, evidence, .. } = found;
    let regions = with.regions;
    let mut charts = Vec::new();
    if let Some(found) = RegionWorths::of(evidence, Metric::Accuracy, regions, facts) {
        charts.push(Chart::new(Topic::Regions, "region_map", region_map(&found)?));
    }
    for (metric, name) in [(Metric::Accuracy, "effects"), (Metric::Bits, "effects_bits")] {
        if let Some(found) = Effects::of(evidence, metric, Some(setting), facts) {
            charts.push(Chart::new(Topic::Effects, name, effects(&found)?));
        }
    }
    if let Some(found) = Attribution::of(&evidence.shapley, Worth::Accuracy, facts) {
        charts.push(Chart::new(Topic::Shares, "shapley", waterfall(&found)?));
    }
    let found = interplays(evidence, Worth::Accuracy);
    if !found.is_empty() {
        let figure = interplay(&found, Worth::Accuracy, facts)?;
        charts.push(Chart::new(Topic::Shares, "interplay", figure));
    }
    if let Some(found) = Trainings::of(setting, with.epochs, facts) {
        charts.push(Chart::new(Topic::Training, "curves", curves(&found)?));
    }
    let found = Confusions::of(setting, with.confusion, &evidence.confusions, matrices, facts);
    charts.extend(confusions(&found, names)?);
    let cells = emotion_cells(evidence, facts.several);
    if let Some(found) = cells.as_ref().and_then(|cells| Agreement::of(cells, regions, facts)) {
        charts.push(Chart::new(Topic::Emotions, "emotions", emotion_map(&found)?));
    }
    charts.extend(of_maps(setting, facts, with)?);
    Ok(charts)
}

/// The confusion matrix of each condition, after what masking changes in it.
fn confusions(found: &Confusions<'_>, names: &mut Names) -> Result<Vec<Chart>, ReportError> {
    let files: BTreeMap<&str, String> =
        found.each.iter().map(|of| (&*of.condition, names.of(&of.condition))).collect();
    let chart = |kind: &str, condition: &str, figure| {
        let name = format!("{kind}_{}", files.get(condition).map_or("", String::as_str));
        Chart::new(Topic::Confusions, &name, figure).of(condition)
    };
    let mut charts = Vec::new();
    for of in &found.changes {
        let figure = confusion_change(of, found.extreme)?;
        charts.push(chart("confusion_change", &of.condition, figure));
    }
    for of in &found.each {
        charts.push(chart("confusion", &of.condition, confusion(of)?));
    }
    Ok(charts)
}

/// The sensitivity maps of networks trained on whole faces, and their curves.
fn of_maps(
    setting: &Setting,
    facts: &Facts,
    with: Supplements<'_>,
) -> Result<Vec<Chart>, ReportError> {
    let trainings: BTreeSet<&str> = setting
        .whole()
        .into_iter()
        .flat_map(Condition::done)
        .map(|run| run.training_id.as_str())
        .collect();
    let mut charts = Vec::new();
    let own = with.maps.iter().filter(|row| trainings.contains(&*row.training_id));
    let maps = mean_maps(&own.cloned().collect::<Vec<SensitivityRow>>());
    for method in MapMethod::ALL {
        let spec = with.sensitivity.iter().find(|spec| MapMethod::from(spec.method) == method);
        if let Some(found) = Maps::of(&maps, method, spec, with.regions, facts) {
            let name = format!("sensitivity_{}", method.name());
            charts.push(Chart::new(Topic::Sensitivity, &name, sensitivity(&found)?));
        }
    }
    let own = with.curves.iter().filter(|row| trainings.contains(&*row.training_id));
    let own = mean_curves(&own.cloned().collect::<Vec<SensitivityCurveRow>>());
    if let Some(found) = Curves::of(&own, facts) {
        let figure = sensitivity_curves(&found)?;
        charts.push(Chart::new(Topic::Sensitivity, "sensitivity_curves", figure));
    }
    Ok(charts)
}

/// Names of files, no two equal: two conditions may differ in nothing but signs.
#[derive(Debug, Default)]
struct Names(BTreeMap<String, usize>);

impl Names {
    /// A condition's name as part of a file's: `hide eyes + mouth` → `hide_eyes_mouth`.
    fn of(&mut self, condition: &str) -> String {
        self.unique(file_name(condition))
    }

    /// A chart's of a setting that is not the first; those of conditions have the setting in their name.
    fn in_setting(&mut self, chart: &str, setting: &str) -> String {
        match chart.starts_with("confusion_") {
            true => chart.to_owned(),
            false => self.unique(format!("{chart}_{}", file_name(setting))),
        }
    }

    fn unique(&mut self, name: String) -> String {
        let count = self.0.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name}_{count}") }
    }
}

fn file_name(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_become_file_names() {
        assert_eq!(file_name("hide eyes + mouth (evaluate)"), "hide_eyes_mouth_evaluate");
        assert_eq!(file_name("whole, learning_rate = 0.01"), "whole_learning_rate_0.01");
        let mut names = Names::default();
        assert_eq!(["a", "b", "a"].map(|name| names.of(name)), ["a", "b", "a_2"]);
        assert_eq!(names.in_setting("effects", "epochs 10"), "effects_epochs_10");
        assert_eq!(
            names.in_setting("confusion_whole_epochs_10", "epochs 10"),
            "confusion_whole_epochs_10"
        );
    }
}
