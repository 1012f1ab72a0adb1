//! The report of an experiment in the results folder: the one place of this room that opens files.
//!
//! In: the tables of an experiment and its file. Out: the tables that follow from them, every chart as PNG and
//! SVG, the page, and a [`Report`] of which the command prints the words.

mod maps;
mod stored;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use thiserror::Error;

use crate::analysis::{EffectsError, Tables, TablesError};
use crate::experiment::Recovered;
use crate::store::{
    ClassEffectRow, ConfusionShiftRow, ContrastRow, EffectRow, InterplayRow, MaskLeakRow,
    RankingRow, Results, ShapleyRow, StoreError, write_table, write_whole,
};
use crate::study::Study;

use super::canvas::error::ReportError;
use super::charts::chart::Chart;
use super::charts::of_study::{MOST_SETTINGS, Supplements, of_study};
use super::findings::Findings;
use super::findings::evidence::Evidence;
use super::findings::facts::origin_words;
use super::page::Page;
use super::tables::study::{study_table, sweep_table};
use super::tables::table::{Format, Table};
use super::words::phrase::wrap;
use super::words::{answer, details, mask_leak_warnings, reach_warnings};

/// Characters in a line of prose.
const COLUMNS: usize = 80;

/// What was found, and where it lies.
#[derive(Debug)]
pub struct Report {
    findings: Findings,
    question: String,
    /// What is missing, and why: sentences.
    pub notes: Vec<String>,
    /// The PNGs of the charts, then the page.
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
pub fn report(results: &Results, name: &str) -> Result<Report, ReportingError> {
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
    notes.extend(lost.map(|lost| format!("{lost}. How the networks learned is not shown.")));
    let drawn = findings.settings().len().min(MOST_SETTINGS);
    let maps = maps::read(results, name, &findings.study, drawn, sensitivity, &mut notes)?;
    let supplements = Supplements {
        epochs: &epochs,
        confusion: &confusion,
        maps: &maps.maps,
        curves: &maps.curves,
        sensitivity,
        regions,
    };
    let charts = of_study(&findings, supplements)?;
    if drawn < findings.settings().len() {
        notes.push(format!(
            "charts are drawn of the first {drawn} of {} settings; the tables have all",
            findings.settings().len()
        ));
    }
    let page = Page {
        name,
        question,
        analysis,
        settings: stored.text.as_deref(),
        settings_whole: stored.note.is_none(),
        notes: &notes,
        findings: &findings,
        charts: &charts,
    };
    let page_path = folder.join("report.html");
    let (saved, written) = rayon::join(
        || save(&results.charts_dir(name)?, &charts),
        || -> Result<(), ReportingError> {
            let html = page.html()?;
            Ok(write_whole(&page_path, |file| file.write_all(html.as_bytes()))?)
        },
    );
    written?;
    let mut files = saved?;
    files.push(page_path);
    Ok(Report { findings, question: question.clone(), notes, files })
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
        warnings.extend(mask_leak_warnings(&evidence.mask_leaks));
        warnings.extend(self.notes.iter().map(|note| format!("Not whole: {note}")));
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
        text += &self.table().render(Format::Table, width)?;
        text += "\n";
        for run in study.runs.iter().filter(|run| !run.status.is_done()) {
            text += &format!("{}, seed {}: {}\n", run.condition, run.seed, run.status);
        }
        for path in &self.files {
            text += &format!("{}\n", path.display());
        }
        for origin in &study.origins {
            let origin = format!("trained by {}", origin_words(origin));
            text += &format!("\n{}\n", wrap(&origin, COLUMNS));
        }
        Ok(text)
    }
}

fn write_derived(results: &Results, name: &str, evidence: &Evidence) -> Result<(), StoreError> {
    write_table(&results.table_path::<EffectRow>(name)?, &evidence.effects)?;
    write_table(&results.table_path::<ClassEffectRow>(name)?, &evidence.class_effects)?;
    write_table(&results.table_path::<ContrastRow>(name)?, &evidence.contrasts)?;
    write_table(&results.table_path::<ShapleyRow>(name)?, &evidence.shapley)?;
    write_table(&results.table_path::<InterplayRow>(name)?, &evidence.interplay)?;
    write_table(&results.table_path::<RankingRow>(name)?, &evidence.ranking)?;
    write_table(&results.table_path::<ConfusionShiftRow>(name)?, &evidence.confusions)?;
    write_table(&results.table_path::<MaskLeakRow>(name)?, &evidence.mask_leaks)
}

/// Writes every chart as PNG and SVG, several at a time; gives back the paths of the PNGs in their order.
fn save(folder: &Path, charts: &[Chart]) -> Result<Vec<PathBuf>, ReportingError> {
    charts
        .par_iter()
        .map(|chart| {
            let path = folder.join(format!("{}.png", chart.name));
            chart.figure.save_png(&path)?;
            chart.figure.save_svg(&folder.join(format!("{}.svg", chart.name)))?;
            Ok(path)
        })
        .collect()
}
