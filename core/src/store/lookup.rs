//! Lookup of a name on the command line: an experiment, a training or a run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rayon::prelude::*;
use thiserror::Error;

use super::{Results, RunRow, StoreError, read_table};
use crate::experiment::suggest;

/// The result of a lookup.
#[derive(Debug, Clone, PartialEq)]
pub enum Named {
    Experiment(String),
    /// A training's id in full.
    Training(String),
    /// A run, with its row in the first experiment that has it.
    Run(Box<RunRow>),
}

/// Why a lookup failed.
#[derive(Debug, Error)]
pub enum LookupError {
    #[error("no experiment `{name}` in `{root}`; {help}", root = root.display())]
    Experiment { name: String, root: PathBuf, help: String },
    #[error(
        "`{root}` has a folder of the experiment `{name}`, without tables, which are written at the end of a run. Run the experiment; for a run in progress, see `fer-lab status`",
        root = root.display()
    )]
    NoTables { name: String, root: PathBuf },
    #[error(
        "nothing in `{root}` is called `{word}`: neither an experiment nor a training or run; {help}",
        root = root.display()
    )]
    Nothing { word: String, root: PathBuf, help: String },
    #[error("`{word}` is the beginning of {count} ids: {listed}. Give more digits")]
    Ambiguous { word: String, count: usize, listed: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The runs of every experiment, and what could not be read.
#[derive(Debug, Default)]
pub struct AllRuns {
    /// By experiment, in the order of their names.
    pub by_experiment: Vec<(String, Vec<RunRow>)>,
    /// Damaged tables; the rest is complete.
    pub damaged: Vec<StoreError>,
    /// Experiments that were started and have no table of runs: still running, interrupted before it was written,
    /// or lost.
    pub without_runs: Vec<String>,
}

impl AllRuns {
    pub fn runs(&self) -> impl Iterator<Item = &RunRow> {
        self.by_experiment.iter().flat_map(|(_, runs)| runs)
    }
}

/// At most this many candidates are listed for an ambiguous prefix.
const MOST_LISTED: usize = 8;

impl Results {
    /// The runs of every experiment that has tables. A folder with nothing but pictures of `preview`
    /// is skipped.
    ///
    /// # Errors
    /// Where the folder cannot be listed. An unreadable table is part of the result.
    pub fn all_runs(&self) -> Result<AllRuns, StoreError> {
        let names = self.experiments()?;
        let read: Vec<(String, Result<Vec<RunRow>, StoreError>)> = names
            .into_par_iter()
            .map(|name| {
                let runs = self.read_runs(&name);
                (name, runs)
            })
            .collect();
        let mut all = AllRuns::default();
        for (name, runs) in read {
            match runs {
                Ok(runs) => all.by_experiment.push((name, runs)),
                Err(StoreError::NotFound { .. }) => {
                    let folder = self.experiment_dir(&name)?;
                    if folder.join("plan.json").exists() || folder.join("experiment.toml").exists()
                    {
                        all.without_runs.push(name);
                    }
                }
                Err(error) => all.damaged.push(error),
            }
        }
        Ok(all)
    }

    /// The runs of one experiment.
    ///
    /// # Errors
    /// Where there is no such experiment, or it has no tables yet.
    pub fn runs(&self, experiment: &str) -> Result<Vec<RunRow>, LookupError> {
        self.check_experiment(experiment)?;
        match self.read_runs(experiment) {
            Err(StoreError::NotFound { .. }) => {
                let (name, root) = (experiment.to_owned(), self.root().to_owned());
                Err(LookupError::NoTables { name, root })
            }
            other => Ok(other?),
        }
    }

    /// A folder that was renamed, by the user or because another study took its name, has its present
    /// name.
    fn read_runs(&self, experiment: &str) -> Result<Vec<RunRow>, StoreError> {
        let mut runs: Vec<RunRow> = read_table(&self.table_path::<RunRow>(experiment)?)?;
        for run in &mut runs {
            experiment.clone_into(&mut run.experiment);
        }
        Ok(runs)
    }

    /// An error that lists the existing experiments, if there is no such one.
    pub fn check_experiment(&self, experiment: &str) -> Result<(), LookupError> {
        if self.experiments()?.iter().any(|name| name == experiment) {
            return Ok(());
        }
        let (name, root) = (experiment.to_owned(), self.root().to_owned());
        Err(LookupError::Experiment { help: self.help(experiment)?, name, root })
    }

    /// Looks up `word`: the name of an experiment, the id of a training or run, or an unambiguous beginning of
    /// an id.
    ///
    /// # Errors
    /// Where nothing or several things match.
    pub fn find(&self, word: &str) -> Result<Named, LookupError> {
        if self.experiments()?.iter().any(|name| name == word) {
            return Ok(Named::Experiment(word.to_owned()));
        }
        let trainings = self.trainings()?;
        if trainings.binary_search_by(|id| id.as_str().cmp(word)).is_ok() {
            return Ok(Named::Training(word.to_owned()));
        }
        // Runs by id: the same run may belong to several experiments.
        let mut runs: BTreeMap<String, RunRow> = BTreeMap::new();
        let mut damaged = Vec::new();
        if !word.is_empty() {
            let all = self.all_runs()?;
            damaged = all.damaged;
            for (_, of_experiment) in all.by_experiment {
                for run in of_experiment.into_iter().filter(|run| run.run_id.starts_with(word)) {
                    runs.entry(run.run_id.clone()).or_insert(run);
                }
            }
        }
        if let Some(run) = runs.remove(word) {
            return Ok(Named::Run(Box::new(run)));
        }
        let mut found: Vec<Named> = trainings
            .into_iter()
            .filter(|id| !word.is_empty() && id.starts_with(word))
            .map(Named::Training)
            .collect();
        found.extend(runs.into_values().map(|run| Named::Run(Box::new(run))));
        match found.len() {
            0 => Err(LookupError::Nothing {
                word: word.to_owned(),
                root: self.root().to_owned(),
                // It may be a run of a table that cannot be read.
                help: damaged.iter().fold(self.help(word)?, |help, why| format!("{help}. {why}")),
            }),
            1 => Ok(found.remove(0)),
            count => {
                let mut listed: Vec<String> =
                    found.iter().take(MOST_LISTED).map(Named::words).collect();
                if count > MOST_LISTED {
                    listed.push("…".to_owned());
                }
                let (word, listed) = (word.to_owned(), listed.join(", "));
                Err(LookupError::Ambiguous { word, count, listed })
            }
        }
    }

    /// The existing experiments, the most similar first.
    fn help(&self, word: &str) -> Result<String, StoreError> {
        let names = self.experiments()?;
        if names.is_empty() {
            return Ok("it holds no experiment yet".to_owned());
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(suggest::help(word, "the experiments are", &names))
    }
}

impl Named {
    fn words(&self) -> String {
        match self {
            Named::Experiment(name) => format!("experiment {name}"),
            Named::Training(id) => format!("training {id}"),
            Named::Run(run) => {
                let RunRow { run_id, experiment, condition, seed, .. } = &**run;
                format!("run {run_id} ({experiment}, {condition}, seed {seed})")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::effects::fixture::run;
    use crate::store::write_table;

    fn folder() -> (tempfile::TempDir, Results) {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::create(folder.path()).unwrap();
        for id in ["aa11", "aa22", "bb33"] {
            std::fs::create_dir_all(results.training_dir(id).unwrap()).unwrap();
        }
        for (name, ids) in [("mask", ["aa44", "cc55"]), ("other", ["cc55", "aa22x"])] {
            let mut runs = ids.map(|id| run(id, &[], "none", 1));
            for run in &mut runs {
                run.experiment = name.to_owned();
            }
            write_table(&results.table_path::<RunRow>(name).unwrap(), &runs).unwrap();
        }
        (folder, results)
    }

    #[test]
    fn words_are_names_ids_or_beginnings() {
        let (_folder, results) = folder();
        let find = |word: &str| results.find(word);
        assert_eq!(find("mask").unwrap(), Named::Experiment("mask".to_owned()));
        assert_eq!(find("bb").unwrap(), Named::Training("bb33".to_owned()));
        // A complete id wins over a prefix.
        assert_eq!(find("aa22").unwrap(), Named::Training("aa22".to_owned()));
        // A run that two experiments have is one run.
        let Named::Run(run) = find("cc").unwrap() else { panic!("no run") };
        assert_eq!((run.run_id.as_str(), run.experiment.as_str()), ("cc55", "mask"));
        let message = find("aa").unwrap_err().to_string();
        assert_eq!(
            message,
            "`aa` is the beginning of 4 ids: training aa11, training aa22, run aa22x (other, c, seed 1), \
             run aa44 (mask, c, seed 1). Give more digits"
        );
        for word in ["", "zz", "../mask", "trainings"] {
            let message = find(word).unwrap_err().to_string();
            assert!(message.contains("he experiments are: mask, other"), "{word}: {message}");
        }
        let message = find("maks").unwrap_err().to_string();
        assert!(message.ends_with("did you mean `mask`? The experiments are: mask, other"));
    }

    #[test]
    fn a_damaged_table_does_not_hide_the_others() {
        let (_folder, results) = folder();
        std::fs::write(results.table_path::<RunRow>("mask").unwrap(), "PAR1").unwrap();
        let all = results.all_runs().unwrap();
        assert_eq!(all.runs().count(), 2);
        assert!(all.damaged[0].to_string().contains("mask/runs.parquet` is damaged"));
        let message = results.runs("masc").unwrap_err().to_string();
        assert!(message.starts_with("no experiment `masc` in `"), "{message}");
    }
}
