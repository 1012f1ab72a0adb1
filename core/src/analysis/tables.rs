//! An experiment's tables, read for a report. The one place of this room that opens files.

use std::collections::{HashMap, HashSet};

use thiserror::Error;

use super::scores::{RunScores, ScoreError, Scorer};
use crate::store::{
    ConfusionRow, EpochRow, LookupError, PredictionRow, Results, RunRow, StoreError, Table,
    for_each_run, read_table,
};

/// The input of a report.
#[derive(Debug)]
pub struct Tables {
    pub runs: Vec<RunRow>,
    /// None where their table cannot be read.
    pub epochs: Vec<EpochRow>,
    pub confusion: Vec<ConfusionRow>,
    /// Of the runs that have predictions. Class indices are places among the classes of the run's setting, in
    /// class order.
    pub scores: Vec<RunScores>,
    /// Why the epochs cannot be read: a report is possible without them.
    pub lost: Option<StoreError>,
}

/// Why an experiment's tables cannot be used.
#[derive(Debug, Error)]
pub enum TablesError {
    #[error(transparent)]
    Lookup(#[from] LookupError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Score(#[from] ScoreError),
    #[error(
        "`{experiment}`: predictions.parquet holds the run {run_id}, which runs.parquet does not: run the experiment again"
    )]
    Stray { experiment: String, run_id: String },
}

impl Tables {
    /// Reads all tables of an experiment.
    pub fn read(results: &Results, experiment: &str) -> Result<Tables, TablesError> {
        let runs = results.runs(experiment)?;
        let (epochs, lost) = match epochs(results, experiment, &runs) {
            Ok(epochs) => (epochs, None),
            Err(lost) => (Vec::new(), Some(lost)),
        };
        let confusion = of_done(results, experiment, &runs)?;
        let scores =
            score(results, experiment, &runs, &classes(&confusion), Scorer::new, &|_| true)?;
        Ok(Tables { runs, epochs, confusion, scores, lost })
    }
}

/// The epochs of an experiment's trainings, checked against its runs.
fn epochs(
    results: &Results,
    experiment: &str,
    runs: &[RunRow],
) -> Result<Vec<EpochRow>, StoreError> {
    // Networks that were trained elsewhere have none.
    if runs.iter().all(|run| run.epochs == 0) {
        return Ok(Vec::new());
    }
    let epochs: Vec<EpochRow> = of_done(results, experiment, runs)?;
    let own: HashSet<&str> = runs.iter().map(|run| run.training_id.as_str()).collect();
    match epochs.iter().find(|epoch| !own.contains(epoch.training_id.as_str())) {
        None => Ok(epochs),
        Some(EpochRow { training_id, .. }) => {
            let reason =
                format!("it holds epochs of training {training_id}, which has no run beside it");
            let path = results.table_path::<EpochRow>(experiment)?;
            Err(StoreError::Foreign { path, reason })
        }
    }
}

/// The scores of those runs of an experiment that are wanted and have predictions; their class indices are
/// places among the sorted names.
pub fn read_scores(
    results: &Results,
    experiment: &str,
    wanted: &dyn Fn(&RunRow) -> bool,
) -> Result<Vec<RunScores>, TablesError> {
    let runs = results.runs(experiment)?;
    let confusion: Vec<ConfusionRow> = of_done(results, experiment, &runs)?;
    // Sorted, so that runs of two experiments can be paired whatever the class order of each.
    score(results, experiment, &runs, &classes(&confusion), Scorer::sorted, wanted)
}

/// A table of the finished runs; empty if the file does not exist.
fn of_done<T: Table>(
    results: &Results,
    experiment: &str,
    runs: &[RunRow],
) -> Result<Vec<T>, StoreError> {
    match read_table(&results.table_path::<T>(experiment)?) {
        Err(StoreError::NotFound { .. }) if !any_done(runs) => Ok(Vec::new()),
        read => read,
    }
}

fn any_done(runs: &[RunRow]) -> bool {
    runs.iter().any(|run| run.status.is_done())
}

/// The classes of each run by its id, as its rows name them in class order. Where a study sweeps the data, not
/// every run has the same.
fn classes(confusion: &[ConfusionRow]) -> HashMap<&str, Vec<String>> {
    let mut classes: HashMap<&str, Vec<String>> = HashMap::new();
    for row in confusion {
        let of_run = classes.entry(&row.run_id).or_default();
        if !of_run.contains(&row.actual) {
            of_run.push(row.actual.clone());
        }
    }
    classes
}

fn score(
    results: &Results,
    experiment: &str,
    runs: &[RunRow],
    classes: &HashMap<&str, Vec<String>>,
    scorer: fn(&[String]) -> Scorer,
    wanted: &dyn Fn(&RunRow) -> bool,
) -> Result<Vec<RunScores>, TablesError> {
    let by_id: HashMap<&str, &RunRow> = runs.iter().map(|run| (run.run_id.as_str(), run)).collect();
    let mut scorers: HashMap<&[String], Scorer> = HashMap::new();
    let mut scores = Vec::new();
    let read = for_each_run(&results.table_path::<PredictionRow>(experiment)?, |rows| {
        let Some(first) = rows.first() else { return Ok(()) };
        let run = by_id.get(first.run_id.as_str()).ok_or_else(|| TablesError::Stray {
            experiment: experiment.to_owned(),
            run_id: first.run_id.clone(),
        })?;
        if wanted(run) {
            let classes = classes.get(first.run_id.as_str()).map_or(&[][..], Vec::as_slice);
            let scorer = scorers.entry(classes).or_insert_with(|| scorer(classes));
            scores.push(scorer.score((*run).clone(), rows)?);
        }
        Ok(())
    });
    match read {
        Err(TablesError::Store(StoreError::NotFound { .. })) if !any_done(runs) => {}
        read => read?,
    }
    Ok(scores)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::effects::fixture::run;
    use crate::store::{RunStatus, write_table};

    #[test]
    fn only_where_no_run_is_done_may_its_tables_be_missing() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::create(folder.path()).unwrap();
        let write = |status| {
            let runs = [RunRow { status, ..run("w", &[], "none", 1) }];
            write_table(&results.table_path::<RunRow>("e").unwrap(), &runs).unwrap();
        };
        write(RunStatus::Failed("out of memory".to_owned()));
        let tables = Tables::read(&results, "e").unwrap();
        assert_eq!((tables.runs.len(), tables.scores.len(), tables.confusion.len()), (1, 0, 0));
        assert!(tables.lost.is_none());
        assert!(read_scores(&results, "e", &|_| true).unwrap().is_empty());

        write(RunStatus::Done);
        let message = Tables::read(&results, "e").unwrap_err().to_string();
        assert!(message.contains("confusion.parquet`: run the experiment first"), "{message}");
        let confusion = results.table_path::<ConfusionRow>("e").unwrap();
        let row = ConfusionRow {
            run_id: "w".to_owned(),
            split: crate::dataset::Split::Test,
            actual: "fear".to_owned(),
            predicted: "fear".to_owned(),
            count: 1.0,
        };
        write_table(&confusion, &[row]).unwrap();
        let message = Tables::read(&results, "e").unwrap_err().to_string();
        assert!(message.contains("predictions.parquet`: run the experiment first"), "{message}");
    }
}
