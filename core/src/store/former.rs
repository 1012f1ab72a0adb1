//! One name, one study: what is in an experiment's folder before another run writes there.
//!
//! Every run of a study rewrites its tables. If another study has the same name (two files, `--set` on one of them,
//! changed settings), its run would overwrite the former's tables and its plan, which protects its trainings from
//! `clean`.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::needs::Planned;
use super::orphans::holds_experiment;
use super::{Results, RunRow, StoreError};

/// What a new plan lacks of the study in its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Former {
    /// Nothing: the folder is new, or all former results are part of the new plan.
    Kept,
    /// This many of its runs and maps, of all.
    LeftOut { results: usize, of: usize },
    /// There is a study without a readable description.
    Unknown,
}

impl Results {
    /// The part of the study in the experiment's folder that is not in `wanted`, the ids of a new plan's runs and
    /// maps. If the study has tables or an active run (`live`), all of it counts, otherwise what was started.
    ///
    /// A study without its plan is identified by its table of runs, or else by its experiment file: `text` is the
    /// new one's.
    pub fn former(
        &self,
        experiment: &str,
        text: &str,
        wanted: &BTreeSet<String>,
        live: bool,
    ) -> Result<Former, StoreError> {
        let folder = self.experiment_dir(experiment)?;
        let has_table = self.table_path::<RunRow>(experiment)?.exists();
        // Ids, each with its training.
        let study: Vec<(String, String)> = match self.plan::<Planned>(experiment) {
            Ok(plan) => {
                let runs = plan.runs.into_iter().map(|run| (run.run_id, run.training_id));
                let maps = plan.sensitivity.into_iter();
                runs.chain(maps.map(|map| (map.sensitivity_id, map.training_id))).collect()
            }
            Err(StoreError::NotFound { .. } | StoreError::Damaged { .. }) => {
                let same = || self.experiment_text(experiment).is_ok_and(|there| there == text);
                match self.runs_if_any(experiment)? {
                    Some(rows) => {
                        rows.into_iter().map(|row| (row.run_id, row.training_id)).collect()
                    }
                    None if !folder.is_dir() || !holds_experiment(&folder)? || same() => {
                        return Ok(Former::Kept);
                    }
                    None => return Ok(Former::Unknown),
                }
            }
            Err(error) => return Err(error),
        };
        let (mut results, mut of) = (0, 0);
        for (id, training) in &study {
            let has = |path: PathBuf| path.exists();
            if live
                || has_table
                || has(self.manifest_path(training)?)
                || has(self.checkpoint_path(training)?)
            {
                of += 1;
                results += usize::from(!wanted.contains(id.as_str()));
            }
        }
        Ok(if results == 0 { Former::Kept } else { Former::LeftOut { results, of } })
    }

    /// Renames the study in the experiment's folder and returns the new name: `smoke` becomes
    /// `smoke-1`, or the next that is free.
    pub fn rename_former(&self, experiment: &str) -> Result<String, StoreError> {
        let from = self.experiment_dir(experiment)?;
        for number in 1_u64.. {
            let name = format!("{experiment}-{number}");
            let to = self.experiment_dir(&name)?;
            if fs::symlink_metadata(&to).is_err() {
                fs::rename(&from, &to).map_err(|reason| StoreError::write(&to, reason))?;
                return Ok(name);
            }
        }
        unreachable!("some number is free")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::effects::fixture::run;
    use crate::store::write_table;

    #[test]
    fn what_a_new_plan_leaves_out() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::create(folder.path()).unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let former = |wanted: &[&str]| {
            results
                .former(
                    "x",
                    "name = 'x'",
                    &wanted.iter().map(|id| (*id).to_owned()).collect(),
                    false,
                )
                .unwrap()
        };
        assert_eq!(former(&[]), Former::Kept);
        write("x/preview.png", "a picture");
        assert_eq!(former(&[]), Former::Kept);
        write("x/runs.parquet", "rows");
        assert_eq!(former(&["r1"]), Former::Unknown);
        let plan = r#"{"runs": [{"run_id": "r1", "training_id": "t1", "evaluation_id": "e1"},
                                {"run_id": "r2", "training_id": "t2", "evaluation_id": "e1"},
                                {"run_id": "r3", "training_id": "t3", "evaluation_id": "e1"}],
                       "sensitivity": [{"sensitivity_id": "s1", "training_id": "t1"}]}"#;
        write("x/plan.json", plan);
        assert_eq!(former(&["r1"]), Former::LeftOut { results: 3, of: 4 }, "there are tables");
        fs::remove_file(folder.path().join("x/runs.parquet")).unwrap();
        assert_eq!(former(&[]), Former::Kept, "nothing has begun");
        let live = results.former("x", "", &BTreeSet::new(), true).unwrap();
        assert_eq!(live, Former::LeftOut { results: 4, of: 4 });
        write("trainings/t1/manifest.json", "{}");
        write("trainings/t2/checkpoint.safetensors", "");
        assert_eq!(former(&["r1", "s1"]), Former::LeftOut { results: 1, of: 3 });
        assert_eq!(former(&["r1", "r2"]), Former::LeftOut { results: 1, of: 3 });
        assert_eq!(former(&["r1", "r2", "s1", "r9"]), Former::Kept);
        write("x/plan.json", "{");
        assert_eq!(former(&["r1", "r2", "s1"]), Former::Unknown);
        write("x/experiment.toml", "name = 'y'");
        assert_eq!(former(&["r1"]), Former::Unknown);
        write("x/experiment.toml", "name = 'x'");
        assert_eq!(former(&["r1"]), Former::Kept, "it is the same study");
        fs::remove_file(folder.path().join("x/plan.json")).unwrap();
        let rows = ["r1", "r2"].map(|id| run(id, &[], "none", 1));
        write_table(&results.table_path::<RunRow>("x").unwrap(), &rows).unwrap();
        assert_eq!(former(&["r1"]), Former::LeftOut { results: 1, of: 2 }, "by its table");
        assert_eq!(former(&["r1", "r2", "r3"]), Former::Kept);

        write("x-1/notes", "");
        assert_eq!(results.rename_former("x").unwrap(), "x-2");
        assert!(!folder.path().join("x").exists());
        assert!(folder.path().join("x-2/preview.png").exists());
    }
}
