//! `fer-lab report`

use std::path::PathBuf;

use clap::Args;

use super::{Exit, Options, output};
use crate::analysis::{Tables, effects};
use crate::experiment;
use crate::report::{self, Facts, Figure, Format};
use crate::store::{ConfusionRow, EffectRow, EpochRow, Results, RunRow, read_table, write_table};

/// Tables, charts and answer again, from the Parquet files alone
#[derive(Debug, Args)]
pub struct Arguments {
    /// Names of experiments in the results folder
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let results = Results::open(&options.results)?;
    let mut exit = Exit::Done;
    for name in &arguments.names {
        output::answer(&regenerate(&results, name, options)?)?;
        let runs: Vec<RunRow> = read_table(&results.table_path::<RunRow>(name)?)?;
        if runs.iter().any(|run| run.status != "done") {
            exit = Exit::SomeFailed;
        }
    }
    Ok(exit)
}

/// Computes the effects, draws the charts, and gives back the words and the table under them.
pub(super) fn regenerate(
    results: &Results,
    name: &str,
    options: &Options,
) -> anyhow::Result<String> {
    let Tables { runs, epochs, confusion, scores } = Tables::read(results, name)?;
    let effects = effects(&scores)?;
    write_table(&results.table_path::<EffectRow>(name)?, &effects)?;
    let facts = Facts::gather(&runs, &confusion);
    let charts = charts(results, name, &runs, &epochs, &confusion, &effects, &facts)?;
    let table = report::study_table(&runs, &effects);
    if options.format != Format::Table {
        return Ok(table.render(options.format, output::width())?);
    }
    let mut text = String::new();
    let folder = results.experiment_dir(name)?;
    if let Some(question) = question(&folder.join("experiment.toml")) {
        text += &format!("\n{question}\n\n");
    }
    text += &report::answer(&effects, &facts);
    text += "\n\n";
    text += &table.render(Format::Table, output::width().min(100))?;
    text += "\n";
    for run in runs.iter().filter(|run| run.status != "done") {
        text += &format!("{}, seed {}: {}\n", run.condition, run.seed, run.status);
    }
    for path in charts {
        text += &format!("{}\n", path.display());
    }
    for origin in &facts.origins {
        text += &format!("\n{}\n", report::wrap(&format!("trained by {origin}"), 80));
    }
    Ok(text)
}

fn charts(
    results: &Results,
    name: &str,
    runs: &[RunRow],
    epochs: &[EpochRow],
    confusion: &[ConfusionRow],
    effects: &[EffectRow],
    facts: &Facts,
) -> anyhow::Result<Vec<PathBuf>> {
    let folder = results.charts_dir(name)?;
    let mut saved = Vec::new();
    let mut save = |figure: Figure, name: &str| -> anyhow::Result<()> {
        let path = folder.join(format!("{name}.png"));
        figure.save_png(&path)?;
        figure.save_svg(&folder.join(format!("{name}.svg")))?;
        saved.push(path);
        Ok(())
    };
    if !effects.is_empty() {
        save(report::effects(effects, "accuracy", facts)?, "effects")?;
        save(report::effects(effects, "bits", facts)?, "effects_bits")?;
    }
    if !epochs.is_empty() {
        save(report::curves(runs, epochs, facts)?, "curves")?;
    }
    let mut seen = Vec::new();
    for run in runs.iter().filter(|run| !run.control && run.status == "done") {
        if seen.contains(&&run.condition) {
            continue;
        }
        seen.push(&run.condition);
        let of_condition: Vec<RunRow> =
            runs.iter().filter(|other| other.condition == run.condition).cloned().collect();
        let figure = report::confusion(&of_condition, confusion, "test")?;
        save(figure, &format!("confusion_{}", file_name(&run.condition)))?;
    }
    Ok(saved)
}

/// A condition's name as part of a file's: `hide eyes + mouth` → `hide_eyes_mouth`.
fn file_name(condition: &str) -> String {
    let words = condition.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

fn question(path: &std::path::Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let experiment = experiment::parse(&text, &path.display().to_string(), &[]).ok()?;
    (!experiment.question.is_empty()).then_some(experiment.question)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_become_file_names() {
        assert_eq!(file_name("hide eyes + mouth (evaluate)"), "hide_eyes_mouth_evaluate");
        assert_eq!(file_name("whole, learning_rate = 0.01"), "whole_learning_rate_0.01");
    }
}
