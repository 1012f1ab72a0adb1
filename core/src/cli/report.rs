//! `fer-lab report`

mod sensitivity;
mod stored;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::{Exit, Options, output};
use crate::analysis::{self, Tables};
use crate::dataset::Split;
use crate::experiment::Recovered;
use crate::region::{Mode, Phase, Regions};
use crate::report::{
    self, Chart, Evidence, Facts, Figure, Format, Page, ReportError, Several, Topic,
};
use crate::store::{
    ClassEffectRow, ConfusionRow, ConfusionShiftRow, ContrastRow, EffectRow, EpochRow,
    InterplayRow, MaskLeakRow, Metric, RankingRow, Results, RunRow, ShapleyRow, Worth, read_table,
    write_table, write_whole,
};

/// So many conditions have their confusion matrix drawn.
const MOST_MATRICES: usize = 60;

/// Tables, charts and answer again, from the Parquet files alone
#[derive(Debug, Args)]
pub struct Arguments {
    /// Names of experiments in the results folder
    #[arg(required = true, value_name = "NAME")]
    pub(super) names: Vec<String>,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let results = Results::open(&options.results)?;
    let mut exit = Exit::Done;
    for name in &arguments.names {
        output::answer(&regenerate(&results, name, options, Depth::Details)?)?;
        let runs: Vec<RunRow> = read_table(&results.table_path::<RunRow>(name)?)?;
        if runs.iter().any(|run| !run.status.is_done()) {
            exit = Exit::SomeFailed;
        }
    }
    Ok(exit)
}

/// How much is said in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// The answer.
    Answer,
    /// Then each emotion's losses and confusions.
    Details,
}

/// Computes the effects, draws the charts, and gives back the words and the table under them.
pub(super) fn regenerate(
    results: &Results,
    name: &str,
    options: &Options,
    depth: Depth,
) -> anyhow::Result<String> {
    let tables = Tables::read(results, name)?;
    // Nothing is left out without a word.
    let mut notes = Vec::new();
    let evidence = analyse(results, name, &tables)?;
    let Tables { runs, epochs, confusion, lost, .. } = tables;
    let evidence = evidence.in_order_of(&runs);
    let facts = Facts::gather(&runs, &confusion);
    let folder = results.experiment_dir(name)?;
    let stored = stored::read(&folder.join("experiment.toml"))?;
    let Recovered { question, analysis, regions, sensitivity, .. } = &stored.read;
    notes.extend(stored.note.clone());
    notes.extend(lost.map(|lost| format!("{lost}. How the networks learned is not shown.")));
    let mut charts = charts(&runs, &epochs, &confusion, &evidence, regions, &facts)?;
    let found = sensitivity::Found::read(results, name, &runs, sensitivity, &mut notes)?;
    charts.extend(sensitivity::charts(&found, sensitivity, regions, &facts)?);
    for note in &notes {
        output::warning(note);
    }
    let page = Page {
        name,
        question,
        analysis,
        settings: stored.text.as_deref(),
        settings_whole: stored.note.is_none(),
        notes: &notes,
        runs: &runs,
        evidence: &evidence,
        facts: &facts,
        charts: &charts,
    };
    let mut files = save(results, name, &charts)?;
    let html = page.html()?;
    files.push(folder.join("report.html"));
    write_whole(&folder.join("report.html"), |file| file.write_all(html.as_bytes()))?;
    let table = report::study_table(&runs, &evidence.effects);
    if options.format != Format::Table {
        return Ok(table.render(options.format, output::width())?);
    }
    let mut text = String::new();
    if !question.is_empty() {
        text += &format!("\n{question}\n\n");
    }
    text += &report::answer(&evidence, &facts);
    text += "\n";
    let mut warnings = report::reach_warnings(&runs);
    warnings.extend(report::mask_leak_warnings(&evidence.mask_leaks));
    warnings.extend(notes.iter().map(|note| format!("Not whole: {note}")));
    for warning in warnings {
        text += &format!("{}\n", report::wrap(&warning, 80));
    }
    text += "\n";
    let details = report::details(&evidence, &facts);
    if depth == Depth::Details && !details.is_empty() {
        text += &format!("{details}\n\n");
    }
    text += &table.render(Format::Table, output::width().min(100))?;
    text += "\n";
    for run in runs.iter().filter(|run| !run.status.is_done()) {
        text += &format!("{}, seed {}: {}\n", run.condition, run.seed, run.status);
    }
    for path in files {
        text += &format!("{}\n", path.display());
    }
    for origin in &facts.origins {
        text += &format!("\n{}\n", report::wrap(&format!("trained by {origin}"), 80));
    }
    Ok(text)
}

/// Computes and writes every table that follows from others.
fn analyse(results: &Results, name: &str, tables: &Tables) -> anyhow::Result<Evidence> {
    let Tables { scores, .. } = tables;
    let effects = analysis::effects(scores)?;
    write_table(&results.table_path::<EffectRow>(name)?, &effects)?;
    let class_effects = analysis::class_effects(scores)?;
    write_table(&results.table_path::<ClassEffectRow>(name)?, &class_effects)?;
    write_table(&results.table_path::<ContrastRow>(name)?, &analysis::contrasts(scores)?)?;
    let shapley = analysis::shapley(scores)?;
    write_table(&results.table_path::<ShapleyRow>(name)?, &shapley)?;
    write_table(&results.table_path::<InterplayRow>(name)?, &analysis::interplay(scores)?)?;
    let ranking = analysis::ranking(scores)?;
    write_table(&results.table_path::<RankingRow>(name)?, &ranking)?;
    let confusions = analysis::confusion_shifts(scores)?;
    write_table(&results.table_path::<ConfusionShiftRow>(name)?, &confusions)?;
    let mask_leaks = analysis::mask_leaks(scores)?;
    write_table(&results.table_path::<MaskLeakRow>(name)?, &mask_leaks)?;
    Ok(Evidence { effects, class_effects, shapley, ranking, confusions, mask_leaks })
}

/// The charts of an experiment, in the order in which their files are listed.
fn charts(
    runs: &[RunRow],
    epochs: &[EpochRow],
    confusion: &[ConfusionRow],
    evidence: &Evidence,
    regions: &Regions,
    facts: &Facts,
) -> anyhow::Result<Vec<Chart>> {
    let effects = &evidence.effects;
    let mut charts = Vec::new();
    if let Some(figure) = drawn(report::region_map(effects, Metric::Accuracy, regions, facts))? {
        charts.push(Chart::new(Topic::Regions, "region_map", figure));
    }
    if !effects.is_empty() {
        let mut push = |metric, name| -> anyhow::Result<()> {
            let figure = report::effects(effects, metric, facts)?;
            charts.push(Chart::new(Topic::Effects, name, figure));
            Ok(())
        };
        push(Metric::Accuracy, "effects")?;
        push(Metric::Bits, "effects_bits")?;
    }
    if let Some(figure) = drawn(report::waterfall(&evidence.shapley, Worth::Accuracy, facts))? {
        charts.push(Chart::new(Topic::Shares, "shapley", figure));
    }
    if !epochs.is_empty() {
        let figure = report::curves(runs, epochs, facts)?;
        charts.push(Chart::new(Topic::Training, "curves", figure));
    }
    charts.extend(confusions(runs, confusion, &evidence.confusions, facts.several)?);
    if let Some(cells) = report::emotion_cells(evidence, facts.several)
        && let Some(figure) = drawn(report::emotion_map(&cells, regions, facts))?
    {
        charts.push(Chart::new(Topic::Emotions, "emotions", figure));
    }
    Ok(charts)
}

/// What each condition's answers are taken for; and for every region hidden from the start, beside whole
/// faces, which confusions appear.
fn confusions(
    runs: &[RunRow],
    confusion: &[ConfusionRow],
    shifts: &[ConfusionShiftRow],
    several: Several,
) -> anyhow::Result<Vec<Chart>> {
    let mut conditions: Vec<Vec<RunRow>> = Vec::new();
    for run in runs.iter().filter(|run| !run.control && run.status.is_done()) {
        match conditions.iter_mut().find(|runs| runs[0].condition == run.condition) {
            Some(runs) => runs.push(run.clone()),
            None => conditions.push(vec![run.clone()]),
        }
    }
    // Of a study of hundreds of conditions the plainest are drawn; confusion.parquet has them all.
    if conditions.len() > MOST_MATRICES {
        let covered = conditions.iter().find(|runs| !runs[0].regions.is_empty());
        let phase = covered.and_then(|runs| runs[0].phase);
        conditions.sort_by_key(|runs| {
            let first = &runs[0];
            (first.regions.len() > 1, !first.regions.is_empty() && first.phase != phase)
        });
        conditions.truncate(MOST_MATRICES);
    }
    let (mut changes, mut matrices) = (Vec::new(), Vec::new());
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for covered in &conditions {
        let first = &covered[0];
        let name = unique(file_name(&first.condition), &mut names);
        let figure = report::confusion(covered, confusion, Split::Test, several)?;
        matrices.push(Chart::new(Topic::Confusions, &format!("confusion_{name}"), figure));
        let whole = conditions
            .iter()
            .find(|runs| runs[0].regions.is_empty() && runs[0].swept == first.swept);
        let alone = first.regions.len() == 1
            && (first.mode, first.phase) == (Some(Mode::Hide), Some(Phase::Retrain));
        if let Some(whole) = whole.filter(|_| alone)
            && let Some(figure) = drawn(report::confusion_change(
                whole,
                covered,
                confusion,
                Split::Test,
                shifts,
                several,
            ))?
        {
            let name = format!("confusion_change_{name}");
            changes.push(Chart::new(Topic::Confusions, &name, figure));
        }
    }
    // Each matrix by itself stands folded where the comparisons show it.
    if !changes.is_empty() {
        matrices = matrices.into_iter().map(Chart::folded).collect();
    }
    changes.extend(matrices);
    Ok(changes)
}

/// The name, with a number where it is taken: two conditions may differ in nothing but signs.
fn unique(name: String, taken: &mut BTreeMap<String, usize>) -> String {
    let count = taken.entry(name.clone()).or_default();
    *count += 1;
    if *count == 1 { name } else { format!("{name}_{count}") }
}

/// A figure, where there is something to draw.
fn drawn(figure: Result<Figure, ReportError>) -> anyhow::Result<Option<Figure>> {
    match figure {
        Err(ReportError::Empty(_)) => Ok(None),
        other => Ok(Some(other?)),
    }
}

/// Writes every chart as PNG and SVG; gives back the paths of the PNGs.
fn save(results: &Results, name: &str, charts: &[Chart]) -> anyhow::Result<Vec<PathBuf>> {
    let folder = results.charts_dir(name)?;
    let mut saved = Vec::new();
    for chart in charts {
        let path = folder.join(format!("{}.png", chart.name));
        chart.figure.save_png(&path)?;
        chart.figure.save_svg(&folder.join(format!("{}.svg", chart.name)))?;
        saved.push(path);
    }
    Ok(saved)
}

/// A condition's name as part of a file's: `hide eyes + mouth` → `hide_eyes_mouth`.
fn file_name(condition: &str) -> String {
    let words = condition.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_become_file_names() {
        assert_eq!(file_name("hide eyes + mouth (evaluate)"), "hide_eyes_mouth_evaluate");
        assert_eq!(file_name("whole, learning_rate = 0.01"), "whole_learning_rate_0.01");
        let mut taken = BTreeMap::new();
        let names = ["a", "b", "a"].map(|name| unique(name.to_owned(), &mut taken));
        assert_eq!(names, ["a", "b", "a_2"]);
    }
}
