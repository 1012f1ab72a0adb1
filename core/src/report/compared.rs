//! Experiments, conditions or runs compared with each other: the table of their differences, and what is drawn and
//! said of it.
//!
//! In: the scores of each side. Out: a [`Compared`]. What differs is a finding, of which table, words and chart are
//! functions.

use std::collections::BTreeSet;

use crate::analysis::RunScores;
use crate::store::Metric;

use super::canvas::error::ReportError;
use super::canvas::figure::Figure;
use super::charts::comparison::comparison;
use super::findings::comparison::Comparisons;
use super::tables::comparison::{comparison_table, few_columns, naming_column};
use super::tables::table::Table;
use super::words::comparison_notes;

/// A table of differences, and what is drawn and said of them.
#[derive(Debug)]
pub struct Compared {
    found: Comparisons,
    pub table: Table,
    /// The columns that people are shown; all where there are none.
    pub few: Vec<&'static str>,
    /// What the table does not say.
    pub notes: BTreeSet<String>,
}

impl Compared {
    /// Experiments, compared with the first condition by condition.
    pub fn experiments(names: &[String], scores: &[Vec<RunScores>], metric: Metric) -> Compared {
        Compared::of(Comparisons::of_experiments(names, scores, metric))
    }

    /// Conditions, trainings or runs, compared with the first: a row each.
    pub fn rows(names: &[String], scores: &[Vec<RunScores>], metric: Metric) -> Compared {
        Compared::of(Comparisons::of_each(names, scores, metric))
    }

    fn of(found: Comparisons) -> Compared {
        let (table, few) = (comparison_table(&found), few_columns(&found));
        Compared { table, few, notes: comparison_notes(&found), found }
    }

    /// The names of the rows of the table, as they stand now.
    ///
    /// # Errors
    /// Where the table lost its names.
    pub fn shown(&self) -> Result<Vec<String>, ReportError> {
        let names = self.table.texts(naming_column(&self.found))?;
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    /// The differences of the `shown` rows, in their order.
    ///
    /// # Errors
    /// [`ReportError::Empty`] where none of them is paired.
    pub fn chart(&self, shown: &[String]) -> Result<Figure, ReportError> {
        comparison(&self.found, shown)
    }
}
