//! The report of an experiment in the results folder: the one place of this room that opens files.
//!
//! In: the tables of an experiment, its file and its example pictures. Out: the tables that follow from them, every
//! chart and its numbers, the page, and a [`Report`] of which the command prints the words.

mod examples;
mod maps;
mod splice;
mod stored;
mod tensorboard;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use thiserror::Error;

use crate::analysis::{EffectsError, Tables, TablesError};
use crate::experiment::Recovered;
use crate::store::{
    ClassEffectRow, ConfusionShiftRow, ContrastRow, DoubtRow, EffectRow, EpochRow, InterplayRow,
    MaskLeakRow, NetworkAgreementRow, NetworkMeanRow, RankingRow, Results, SettingContrastRow,
    ShapleyContrastRow, ShapleyRow, StoreError, read_table, write_table, write_whole,
};
use crate::study::Study;

use super::canvas::error::ReportError;
use super::canvas::figure::FigureFormat;
use super::charts::chart::Chart;
use super::charts::of_study::{MOST_SETTINGS, Supplements, of_study};
use super::findings::Findings;
use super::findings::evidence::Evidence;
use super::findings::facts::origin_words;
use super::page::Page;
use super::tables::study::{answer_tables, study_table, sweep_table};
use super::tables::table::{Format, Table};
use super::words::numbers::counted;
use super::words::phrase::wrap;
use super::words::{
    answer, chance_warnings, details, doubt_warnings, mask_leak_warnings, reach_warnings,
    seed_notes, undertrained_warnings,
};

pub use self::splice::SpliceError;

/// Characters in a line of prose.
const COLUMNS: usize = 80;

/// What was found, and where it lies.
#[derive(Debug)]
pub struct Report {
    /// The experiment's.
    name: String,
    findings: Findings,
    /// Of its trainings.
    epochs: Vec<EpochRow>,
    question: String,
    doubts: Vec<DoubtRow>,
    /// What is missing, and why: sentences.
    pub notes: Vec<String>,
    /// A file of each chart, then the page.
    files: Vec<PathBuf>,
}

/// How much is said in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The answer.
    Answer,
    /// Then each emotion's losses and confusions.
    Details,
}

/// What is drawn beside the tables, and how.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// The files that each chart becomes.
    pub figures: Vec<FigureFormat>,
    /// Whether those go without title and conditions, which lie beside them as a caption.
    pub untitled: bool,
    /// Whether the page shows pictures of the data set, where the folder has them.
    pub examples: bool,
}

/// Why there is no report.
#[derive(Debug, Error)]
pub enum ReportingError {
    #[error(transparent)]
    Tables(#[from] TablesError),
    #[error(transparent)]
    Effects(#[from] EffectsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Report(#[from] ReportError),
}

impl ReportingError {
    /// Whether all was right and what came of it could not be stored.
    pub fn is_about_storing(&self) -> bool {
        use ReportingError::{Report, Store};
        matches!(
            self,
            Store(StoreError::Write { .. }) | Report(ReportError::Write(StoreError::Write { .. }))
        )
    }
}

/// Computes what follows from an experiment's tables, and writes it: tables, charts and page.
///
/// # Errors
/// Where its tables are missing or damaged, its runs cannot be paired, or something cannot be written.
pub fn report(results: &Results, name: &str, drawn: &Drawn) -> Result<Report, ReportingError> {
    let Tables { runs, epochs, confusion, scores, lost } = Tables::read(results, name)?;
    // Nothing is left out without a word.
    let mut notes = Vec::new();
    let evidence = Evidence::of(&scores)?;
    drop(scores);
    write_derived(results, name, &evidence)?;
    let findings = Findings::of(Study::of(runs, &confusion), evidence);
    let folder = results.experiment_dir(name)?;
    let stored = stored::read(results, name)?;
    let Recovered { question, analysis, regions, sensitivity, .. } = &stored.read;
    notes.extend(stored.note.clone());
    let doubts = match read_table::<DoubtRow>(&results.table_path::<DoubtRow>(name)?) {
        Ok(doubts) => doubts,
        Err(StoreError::NotFound { .. }) => Vec::new(),
        Err(why) => {
            notes.push(format!("{why}. What is doubtful about the data is not shown."));
            Vec::new()
        }
    };
    notes.extend(lost.map(|lost| format!("{lost}. Training curves are not shown.")));
    let shown = findings.settings().len().min(MOST_SETTINGS);
    let maps = maps::read(results, name, &findings.study, shown, sensitivity, &mut notes)?;
    let supplements = Supplements {
        epochs: &epochs,
        confusion: &confusion,
        maps: &maps.maps,
        curves: &maps.curves,
        sensitivity,
        regions,
    };
    let charts = of_study(&findings, supplements)?;
    if shown < findings.settings().len() {
        notes.push(format!(
            "charts are drawn of the first {shown} of {} settings; the tables have all",
            findings.settings().len()
        ));
    }
    let examples = match drawn.examples {
        true => examples::read(results, name, &findings.study.runs)?,
        false => Vec::new(),
    };
    let formats: Vec<&str> = drawn.figures.iter().map(|format| format.ending()).collect();
    let page = Page {
        name,
        question,
        analysis,
        settings: stored.text.as_deref(),
        settings_whole: stored.note.is_none(),
        notes: &notes,
        doubts: &doubts,
        findings: &findings,
        charts: &charts,
        examples: &examples,
        formats: &formats,
    };
    let page_path = folder.join("report.html");
    let (saved, written) = rayon::join(
        || save(&results.charts_dir(name)?, &charts, drawn),
        || -> Result<(), ReportingError> {
            let html = page.html()?;
            Ok(write_whole(&page_path, |file| file.write_all(html.as_bytes()))?)
        },
    );
    written?;
    let mut files = saved?;
    files.push(page_path);
    let (name, question) = (name.to_owned(), question.clone());
    Ok(Report { name, findings, epochs, question, doubts, notes, files })
}

impl Report {
    /// Whether every run has its result.
    pub fn is_whole(&self) -> bool {
        self.findings.study.runs.iter().all(|run| run.status.is_done())
    }

    /// A row a condition.
    pub fn table(&self) -> Table {
        study_table(&self.findings.study, &self.findings.evidence.effects)
    }

    /// Question, answer, warnings and tables, what failed, where the files are and what trained it. Tables are at
    /// most `width` characters wide.
    ///
    /// # Errors
    /// Where a table cannot be written.
    pub fn text(&self, depth: Depth, width: usize) -> Result<String, ReportError> {
        let Findings { study, evidence, .. } = &self.findings;
        let mut text = String::new();
        if !self.question.is_empty() {
            text += &format!("\n{}\n\n", self.question);
        }
        text += &answer(&self.findings);
        text += "\n";
        let mut warnings = reach_warnings(study);
        warnings.extend(chance_warnings(evidence));
        warnings.extend(undertrained_warnings(evidence));
        warnings.extend(mask_leak_warnings(&evidence.mask_leaks));
        warnings.extend(seed_notes(study));
        warnings.extend(doubt_warnings(&self.doubts, self.findings.settings().len()));
        warnings.extend(self.notes.iter().map(|note| format!("Incomplete: {note}")));
        for warning in warnings {
            text += &format!("{}\n", wrap(&warning, COLUMNS));
        }
        text += "\n";
        let details = details(&self.findings);
        if depth == Depth::Details && !details.is_empty() {
            text += &format!("{details}\n\n");
        }
        if let Some(sweep) = self.findings.sweep() {
            text += &sweep_table(&sweep).render(Format::Table, width)?;
            text += "\n";
        }
        let (tables, left_out) = answer_tables(study, &evidence.effects)?;
        for table in tables {
            text += &table.render(Format::Table, width)?;
            text += "\n";
        }
        if left_out > 0 {
            let sets = counted(left_out as u64, "condition");
            let line = format!(
                "{sets} of larger sets not listed: see report.html, or `--format\u{a0}csv`."
            );
            text += &format!("{}\n\n", wrap(&line, COLUMNS));
        }
        for run in study.runs.iter().filter(|run| !run.status.is_done()) {
            text += &format!("{}, seed {}: {}\n", run.condition, run.seed, run.status);
        }
        for path in &self.files {
            text += &format!("{}\n", path.display());
        }
        for origin in &study.origins {
            let did = if study.trains() { "trained" } else { "evaluated" };
            let origin = format!("{did} by {}", origin_words(origin));
            text += &format!("\n{}\n", wrap(&origin, COLUMNS));
        }
        Ok(text)
    }
}

fn write_derived(results: &Results, name: &str, evidence: &Evidence) -> Result<(), StoreError> {
    write_table(&results.table_path::<EffectRow>(name)?, &evidence.effects)?;
    write_table(&results.table_path::<ClassEffectRow>(name)?, &evidence.class_effects)?;
    write_table(&results.table_path::<ContrastRow>(name)?, &evidence.contrasts)?;
    write_table(&results.table_path::<SettingContrastRow>(name)?, &evidence.setting_contrasts)?;
    write_table(&results.table_path::<ShapleyRow>(name)?, &evidence.shapley)?;
    let contrasts = &evidence.shapley_contrasts;
    write_table(&results.table_path::<ShapleyContrastRow>(name)?, contrasts)?;
    write_table(&results.table_path::<InterplayRow>(name)?, &evidence.interplay)?;
    write_table(&results.table_path::<RankingRow>(name)?, &evidence.ranking)?;
    write_table(&results.table_path::<ConfusionShiftRow>(name)?, &evidence.confusions)?;
    write_table(&results.table_path::<MaskLeakRow>(name)?, &evidence.mask_leaks)?;
    write_table(&results.table_path::<NetworkAgreementRow>(name)?, &evidence.network_agreement)?;
    write_table(&results.table_path::<NetworkMeanRow>(name)?, &evidence.network_means)
}

/// Writes every chart, several at a time, and its numbers as CSV beside it; gives back a path for each.
fn save(folder: &Path, charts: &[Chart], drawn: &Drawn) -> Result<Vec<PathBuf>, ReportingError> {
    let save = |chart: &Chart| -> Result<Option<PathBuf>, ReportingError> {
        let path = |ending: &str| folder.join(format!("{}.{ending}", chart.name));
        let write =
            |ending: &str, bytes: &[u8]| write_whole(&path(ending), |file| file.write_all(bytes));
        let untitled = drawn.untitled.then(|| chart.figure.untitled());
        let figure = untitled.as_ref().unwrap_or(&chart.figure);
        for format in &drawn.figures {
            write(format.ending(), &format.of(figure)?)?;
        }
        if drawn.untitled {
            write("txt", figure.caption().as_bytes())?;
        }
        if let Some(data) = &figure.data {
            write("csv", data.render(Format::Csv, 0)?.as_bytes())?;
        }
        Ok(drawn.figures.first().map(|format| path(format.ending())))
    };
    let saved = charts.par_iter().map(save).collect::<Result<Vec<_>, _>>()?;
    Ok(saved.into_iter().flatten().collect())
}
