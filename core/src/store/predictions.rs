//! The largest table, one run at a time.
//!
//! Predictions of a study can be millions of rows. They are stored per evaluation, collected into the
//! experiment's table file by file, and read back run by run: never more than one run is in memory.
//!
//! Beside the lists in class order the column `classes` names the classes, in that order. It is written for other
//! tools: this program has the classes of a run from its experiment, and reads files without it.

use std::path::{Path, PathBuf};

use super::table::{GroupedTable, TableWriter, read_groups};
use super::{PredictionRow, StoreError, read_table};
use crate::dataset::leaders;
use crate::metrics::{cross_entropy, cross_entropy_of_probabilities};

impl PredictionRow {
    /// The classes, by index, that share the credit of naming the image's class: those with most votes. A table of
    /// before numeric version 3 gave all of it to one, `actual`, in all of its numbers, and keeps to that.
    pub fn leaders(&self, actual: usize) -> Vec<usize> {
        match self.log_probabilities {
            Some(_) => leaders(&self.label),
            None => vec![actual],
        }
    }

    /// −Σ label · ln probability, nats.
    pub fn cross_entropy(&self) -> f64 {
        match &self.log_probabilities {
            Some(logarithms) => cross_entropy(logarithms, &self.label),
            None => cross_entropy_of_probabilities(&self.probabilities, &self.label),
        }
    }
}

/// The source of a run's predictions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredictionSource {
    pub run_id: String,
    /// The file of its evaluation, which may be shared with runs of other experiments.
    pub path: PathBuf,
    /// In class order.
    pub classes: Vec<String>,
}

/// Writes the predictions of one evaluation, with the names of its `classes` in class order.
pub fn write_predictions(
    path: &Path,
    rows: &[PredictionRow],
    classes: &[String],
) -> Result<(), StoreError> {
    let mut writer = TableWriter::new(path);
    writer.write(PredictionRow::columns_beside(rows, &classes.to_vec()))?;
    writer.finish()
}

/// Collects the predictions of runs into one table at `path`; the rows get the run's own id. `each` receives every run's
/// rows once, so that computations on them need no second reading. Without rows there is no table.
pub fn collect_predictions<E: From<StoreError>>(
    path: &Path,
    sources: impl IntoIterator<Item = PredictionSource>,
    mut each: impl FnMut(&[PredictionRow]) -> Result<(), E>,
) -> Result<(), E> {
    let columns =
        |rows: &[PredictionRow], classes: &_| PredictionRow::columns_beside(rows, classes);
    let mut table = GroupedTable::new(path, Vec::new(), columns);
    for PredictionSource { run_id, path, classes } in sources {
        let mut rows: Vec<PredictionRow> = read_evaluation(&path)?;
        for row in &mut rows {
            row.run_id.clone_from(&run_id);
        }
        each(&rows)?;
        table.add(rows, classes)?;
    }
    Ok(table.finish()?)
}

/// The predictions of one evaluation, checked against the id in their file name.
///
/// # Errors
/// [`StoreError::Foreign`] where they are another evaluation's.
pub fn read_evaluation(path: &Path) -> Result<Vec<PredictionRow>, StoreError> {
    let rows: Vec<PredictionRow> = read_table(path)?;
    let id = path.file_stem().unwrap_or_default();
    match rows.iter().find(|row| id != row.run_id.as_str()) {
        None => Ok(rows),
        Some(row) => {
            let reason = format!("it holds predictions of evaluation {}", row.run_id);
            Err(StoreError::Foreign { path: path.to_owned(), reason })
        }
    }
}

/// Reads a table of predictions and passes it on run by run, in the order of the table.
pub fn for_each_run<E: From<StoreError>>(
    path: &Path,
    mut each: impl FnMut(&[PredictionRow]) -> Result<(), E>,
) -> Result<(), E> {
    let mut run: Vec<PredictionRow> = Vec::new();
    read_groups(path, |group: Vec<PredictionRow>| {
        for row in group {
            if run.first().is_some_and(|first| first.run_id != row.run_id) {
                each(&run)?;
                run.clear();
            }
            run.push(row);
        }
        Ok::<(), E>(())
    })?;
    if run.is_empty() { Ok(()) } else { each(&run) }
}

#[cfg(test)]
mod tests {
    use polars_io::prelude::{ParquetReader, SerReader};

    use super::*;
    use crate::dataset::Split;
    use crate::store::table::GROUP_ROWS;
    use crate::store::{Table, column, write_table};

    fn rows(run_id: &str, images: usize) -> Vec<PredictionRow> {
        (0..images)
            .map(|image| PredictionRow {
                run_id: run_id.into(),
                split: if image % 2 == 0 { Split::Val } else { Split::Test },
                image: format!("{image}.png"),
                actual: "fear".into(),
                predicted: "anger".into(),
                credit: Some(0.0),
                probabilities: vec![0.25, 0.75],
                log_probabilities: Some(vec![-1.386_294_4, -0.287_682_1]),
                label: vec![1.0, 0.0],
            })
            .collect()
    }

    #[test]
    fn runs_come_back_one_by_one_under_their_own_ids() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a.parquet"), folder.path().join("b.parquet"));
        // Written by a version that did not name the classes.
        write_table(&a, &rows("a", 5)).unwrap();
        write_predictions(&b, &rows("b", 3), &["fear".into(), "anger".into()]).unwrap();
        let all = folder.path().join("predictions.parquet");
        let classes = ["fear", "anger"].map(str::to_owned).to_vec();
        let sources = [("r1", &a), ("r2", &b), ("r3", &a)].map(|(run_id, path)| {
            let (run_id, path, classes) = (run_id.to_owned(), path.clone(), classes.clone());
            PredictionSource { run_id, path, classes }
        });
        let mut passed = Vec::new();
        collect_predictions(&all, sources, |run| {
            passed.push(run.to_vec());
            Ok::<(), StoreError>(())
        })
        .unwrap();
        assert_eq!(passed, [rows("r1", 5), rows("r2", 3), rows("r3", 5)]);
        let mut read = Vec::new();
        for_each_run(&all, |run| {
            read.push(run.to_vec());
            Ok::<(), StoreError>(())
        })
        .unwrap();
        assert_eq!(read, passed);
        assert_eq!(read_table::<PredictionRow>(&all).unwrap(), passed.concat());

        let file = std::fs::File::open(&all).unwrap();
        let frame = ParquetReader::new(file).finish().unwrap();
        let named: Vec<Vec<String>> = column::read(&frame, "classes").unwrap();
        assert_eq!(named, vec![classes; 13]);
    }

    #[test]
    fn runs_share_a_group_up_to_its_size_where_their_classes_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (small, large) = (folder.path().join("a.parquet"), folder.path().join("b.parquet"));
        let all = folder.path().join("predictions.parquet");
        write_table(&small, &rows("a", 5)).unwrap();
        write_table(&large, &rows("b", GROUP_ROWS - 9)).unwrap();
        let sources = [(&small, "x"), (&small, "x"), (&large, "x"), (&small, "x"), (&small, "y")];
        let sources = sources.into_iter().enumerate().map(|(run, (path, class))| {
            let classes = vec![class.to_owned(), "other".to_owned()];
            PredictionSource { run_id: run.to_string(), path: path.clone(), classes }
        });
        collect_predictions(&all, sources, |_| Ok::<(), StoreError>(())).unwrap();
        let mut sizes = Vec::new();
        read_groups(&all, |group: Vec<PredictionRow>| {
            sizes.push(group.len());
            Ok::<(), StoreError>(())
        })
        .unwrap();
        assert_eq!(sizes, [10, GROUP_ROWS - 4, 5]);
    }

    #[test]
    fn predictions_of_another_evaluation_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        write_table(&path, &rows("b", 3)).unwrap();
        let message = read_evaluation(&path).unwrap_err().to_string();
        assert!(message.contains("it holds predictions of evaluation b"), "{message}");
    }

    #[test]
    fn a_run_split_over_groups_is_one_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.parquet");
        let mut writer = TableWriter::new(&path);
        for group in rows("r1", 7).chunks(3) {
            writer.write(PredictionRow::to_columns(group)).unwrap();
        }
        writer.finish().unwrap();
        let mut calls = 0;
        for_each_run(&path, |run| {
            calls += 1;
            assert_eq!(run, rows("r1", 7));
            Ok::<(), StoreError>(())
        })
        .unwrap();
        assert_eq!(calls, 1);
    }

    #[test]
    fn a_missing_evaluation_leaves_no_table() {
        let folder = tempfile::tempdir().unwrap();
        let all = folder.path().join("predictions.parquet");
        let path = folder.path().join("gone.parquet");
        let sources = [PredictionSource { run_id: "r1".to_owned(), path, classes: Vec::new() }];
        let error = collect_predictions(&all, sources, |_| Ok::<(), StoreError>(())).unwrap_err();
        assert!(error.to_string().contains("gone.parquet"), "{error}");
        assert!(!all.exists());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
