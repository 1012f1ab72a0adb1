//! Which charts a study has, and what each is of.
//!
//! Every chart is of one setting, and says which where there are several; the first setting of the file stands
//! open on the page, the others are folded.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::{MeanMap, mean_curves, mean_maps};
use crate::dataset::Split;
use crate::experiment::SensitivitySpec;
use crate::region::{Masking, Mode, Phase, Regions};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::charts::chart::{Chart, Topic};
use crate::report::charts::confusion::confusion;
use crate::report::charts::confusion_change::confusion_change;
use crate::report::charts::curves::curves;
use crate::report::charts::effects::effects;
use crate::report::charts::emotion_cells::emotion_cells;
use crate::report::charts::emotion_map::emotion_map;
use crate::report::charts::interplay::interplay;
use crate::report::charts::region_map::region_map;
use crate::report::charts::sensitivity::sensitivity;
use crate::report::charts::sensitivity_curves::sensitivity_curves;
use crate::report::charts::sweep::sweep;
use crate::report::charts::waterfall::waterfall;
use crate::report::findings::{Findings, Found};
use crate::store::{
    ConfusionRow, EpochRow, MapMethod, Metric, RunRow, SensitivityCurveRow, SensitivityRow, Worth,
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
        && let Some(figure) = drawn(sweep(&across, &findings.shown().facts))?
    {
        charts.push(Chart::new(Topic::Settings, "sweep", figure));
    }
    let mut names = Names::default();
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
    let mut charts = Vec::new();
    let mut push = |topic, name: &str, figure: Option<Figure>| {
        charts.extend(figure.map(|figure| Chart::new(topic, name, figure)));
    };
    let map = region_map(evidence, Metric::Accuracy, with.regions, facts);
    push(Topic::Regions, "region_map", drawn(map)?);
    let runs: Vec<RunRow> = setting.all_runs().cloned().collect();
    for (metric, name) in [(Metric::Accuracy, "effects"), (Metric::Bits, "effects_bits")] {
        push(Topic::Effects, name, drawn(effects(evidence, metric, &runs, facts))?);
    }
    let shares = waterfall(&evidence.shapley, Worth::Accuracy, facts);
    push(Topic::Shares, "shapley", drawn(shares)?);
    let pairs = interplay(evidence, Worth::Accuracy, facts);
    push(Topic::Shares, "interplay", drawn(pairs)?);
    if !with.epochs.is_empty() {
        push(Topic::Training, "curves", drawn(curves(&runs, with.epochs, facts))?);
    }
    charts.extend(confusions(setting, found, with.confusion, matrices, names)?);
    let mut push = |topic, name: &str, figure: Option<Figure>| {
        charts.extend(figure.map(|figure| Chart::new(topic, name, figure)));
    };
    if let Some(cells) = emotion_cells(evidence, facts.several) {
        push(Topic::Emotions, "emotions", drawn(emotion_map(&cells, with.regions, facts))?);
    }
    let trainings: BTreeSet<&str> = setting
        .whole()
        .into_iter()
        .flat_map(Condition::done)
        .map(|run| run.training_id.as_str())
        .collect();
    let own = with.maps.iter().filter(|row| trainings.contains(&*row.training_id));
    let maps = mean_maps(&own.cloned().collect::<Vec<SensitivityRow>>());
    for method in MapMethod::ALL {
        let maps: Vec<MeanMap> = maps.iter().filter(|map| map.method == method).cloned().collect();
        let spec = with.sensitivity.iter().find(|spec| MapMethod::from(spec.method) == method);
        let figure = drawn(sensitivity(&maps, spec, with.regions, facts))?;
        push(Topic::Sensitivity, &format!("sensitivity_{}", method.name()), figure);
    }
    let own = with.curves.iter().filter(|row| trainings.contains(&*row.training_id));
    let own = mean_curves(&own.cloned().collect::<Vec<SensitivityCurveRow>>());
    push(Topic::Sensitivity, "sensitivity_curves", drawn(sensitivity_curves(&own, facts))?);
    Ok(charts)
}

/// The confusion matrix of each condition; and for every single region masked under `retrain`, beside whole faces,
/// which confusions appear.
fn confusions(
    setting: &Setting,
    found: &Found,
    rows: &[ConfusionRow],
    most: usize,
    names: &mut Names,
) -> Result<Vec<Chart>, ReportError> {
    let Found { facts, evidence, .. } = found;
    let done = |condition: &Condition| condition.done().cloned().collect::<Vec<RunRow>>();
    let mut by_run: BTreeMap<&str, Vec<&ConfusionRow>> = BTreeMap::new();
    for row in rows {
        by_run.entry(&row.run_id).or_default().push(row);
    }
    let counts_of = |runs: &[RunRow]| -> Vec<&ConfusionRow> {
        runs.iter().filter_map(|run| by_run.get(&*run.run_id)).flatten().copied().collect()
    };
    let whole = setting.whole().map(done).filter(|whole| !whole.is_empty());
    let mut conditions: Vec<(&Condition, Vec<RunRow>)> = setting
        .conditions
        .iter()
        .map(|condition| (condition, done(condition)))
        .filter(|(_, runs)| !runs.is_empty())
        .collect();
    // Of a study of hundreds of conditions the plainest are drawn; confusion.parquet has them all.
    if conditions.len() > most {
        let phase_of = |condition: &Condition| condition.masking.map(|masking| masking.phase);
        let phase = conditions.iter().find_map(|(condition, _)| phase_of(condition));
        conditions.sort_by_key(|(condition, _)| {
            let masked = condition.masking.is_some();
            (condition.regions.len() > 1, masked && phase_of(condition) != phase)
        });
        conditions.truncate(most);
    }
    let (mut changes, mut matrices) = (Vec::new(), Vec::new());
    for (condition, runs) in &conditions {
        let name = names.of(&runs[0].condition);
        let own = counts_of(runs);
        let figure = confusion(runs, &own, Split::Test, facts)?;
        let chart = Chart::new(Topic::Confusions, &format!("confusion_{name}"), figure);
        matrices.push(chart.of(&runs[0].condition));
        let retrained =
            |masking: Masking| (masking.mode, masking.phase) == (Mode::Hide, Phase::Retrain);
        let alone = condition.regions.len() == 1 && condition.masking.is_some_and(retrained);
        if let Some(whole) = whole.as_ref().filter(|_| alone) {
            let both = [counts_of(whole), own].concat();
            let shifts = &evidence.confusions;
            let figure = confusion_change(whole, runs, &both, Split::Test, shifts, facts);
            let name = format!("confusion_change_{name}");
            let chart = |figure| Chart::new(Topic::Confusions, &name, figure);
            changes.extend(drawn(figure)?.map(|figure| chart(figure).of(&runs[0].condition)));
        }
    }
    changes.extend(matrices);
    Ok(changes)
}

/// A figure, where there is something to draw.
fn drawn(figure: Result<Figure, ReportError>) -> Result<Option<Figure>, ReportError> {
    match figure {
        Err(ReportError::Empty(_)) => Ok(None),
        other => Ok(Some(other?)),
    }
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
