//! Results in the folder that no experiment needs.
//!
//! The needs of an experiment are listed in its plan. So nothing is an orphan unless every experiment's plan can be read:
//! a folder that was renamed, moved deeper, replaced by a link or has lost its plan may still need trainings that took
//! days. Only files that this program wrote and named can be orphans.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::log::logged_seconds;
use super::needs::{Needed, PLAN};
use super::results::{LOCKS, SENSITIVITY, SESSIONS, TRAINING_FILES, TRAININGS};
use super::whole::{is_stale, is_unfinished};
use super::{CACHE, Manifest, Results, StoreError, read_text};
use crate::plan::is_id;

/// A removable file or folder, and its size.
#[derive(Debug, Clone, PartialEq)]
pub struct Orphan {
    pub path: PathBuf,
    pub kind: OrphanKind,
    pub bytes: u64,
    /// How long its training took, if known.
    pub seconds: Option<f64>,
}

/// The result of a search for orphans.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Orphans {
    pub removable: Vec<Orphan>,
    /// Files that this program did not write, in trainings that would otherwise be orphans. They are kept, and so
    /// are those trainings.
    pub foreign: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrphanKind {
    /// A training that is in no experiment's plan.
    Training,
    /// An evaluation that is in no experiment's plan.
    Evaluation,
    /// A sensitivity map that is in no experiment's plan.
    Map,
    /// The temporary file of a killed process.
    Unfinished,
    /// The cache of decoded pictures, which is rebuilt when needed.
    Cache,
}

impl OrphanKind {
    pub fn name(self) -> &'static str {
        match self {
            OrphanKind::Training => "training",
            OrphanKind::Evaluation => "evaluation",
            OrphanKind::Map => "sensitivity map",
            OrphanKind::Unfinished => "unfinished file",
            OrphanKind::Cache => "cache",
        }
    }
}

impl Results {
    /// Everything that can be removed without loss to any experiment in the folder; with `cache`, the cache too.
    /// Excludes what a process is working on.
    ///
    /// # Errors
    /// Where the needs of some experiment are unknown: [`StoreError::Stray`], or that its plan cannot be read.
    pub fn orphans(&self, cache: bool) -> Result<Orphans, StoreError> {
        self.refuse_strays()?;
        let needed = self.needed()?;
        let mut found = Orphans::default();
        for id in self.trainings()?.into_iter().filter(|id| is_id(id)) {
            // Without locks active work cannot be detected, so nothing is removed.
            if !matches!(self.is_claimed(&id), Ok(false)) {
                continue;
            }
            let folder = self.training_dir(&id)?;
            let orphans = &mut found.removable;
            match needed.get(&id) {
                None => {
                    let foreign = foreign_files(&folder)?;
                    if foreign.is_empty() {
                        let seconds = self.training_seconds(&id)?;
                        let orphan = Orphan::weigh(folder.clone(), OrphanKind::Training)?;
                        orphans.push(Orphan { seconds, ..orphan });
                    }
                    found.foreign.extend(foreign);
                }
                Some(Needed { whole: true, .. }) => {}
                Some(Needed { evaluations, maps, .. }) => {
                    let kind = OrphanKind::Evaluation;
                    orphans.extend(unneeded(&folder.join(EVALUATIONS), evaluations, kind)?);
                    orphans.extend(unneeded(&folder.join(SENSITIVITY), maps, OrphanKind::Map)?);
                }
            }
            if needed.contains_key(&id) {
                for folder in [&folder, &folder.join(EVALUATIONS), &folder.join(SENSITIVITY)] {
                    found.removable.extend(unfinished(folder)?);
                }
            }
        }
        for experiment in self.experiments()? {
            found.removable.extend(unfinished(&self.experiment_dir(&experiment)?)?);
            found.removable.extend(unfinished(&self.charts_dir(&experiment)?)?);
            found.removable.extend(unfinished(&self.examples_dir(&experiment)?)?);
        }
        for folder in [self.root().to_owned(), self.sessions_dir(), self.cache_dir()] {
            found.removable.extend(unfinished(&folder)?);
        }
        if cache && self.cache_dir().exists() {
            found.removable.push(Orphan::weigh(self.cache_dir(), OrphanKind::Cache)?);
            found.removable.retain(|orphan| orphan.path.parent() != Some(&self.cache_dir()));
        }
        found.removable.sort_by(|a, b| (a.kind, &a.path).cmp(&(b.kind, &b.path)));
        Ok(found)
    }

    /// An error if the files of an experiment are in a place that [`Results::needed`] does not read.
    fn refuse_strays(&self) -> Result<(), StoreError> {
        let own = [TRAININGS, CACHE, LOCKS, SESSIONS].map(|name| self.root().join(name));
        let listed = self.experiments()?;
        let entries =
            WalkDir::new(self.root()).min_depth(1).follow_links(false).sort_by_file_name();
        let entries = entries.into_iter().filter_entry(|entry| {
            // A results folder within this one has trainings of its own.
            !own.iter().any(|own| own == entry.path()) && !is_results(entry.path())
        });
        for entry in entries {
            let entry = entry.map_err(|error| unlistable(self.root(), error))?;
            let (path, kind) = (entry.path(), entry.file_type());
            let stray = |problem: &'static str, cure: &'static str| StoreError::Stray {
                path: path.to_owned(),
                problem,
                cure,
            };
            if kind.is_symlink() {
                if leads_to_experiment(path)? {
                    return Err(stray(
                        "is a link to a folder",
                        "Put the folder itself there, or remove the link",
                    ));
                }
            } else if kind.is_dir() && holds_experiment(path)? {
                let name = path.file_name().unwrap_or_default();
                if entry.depth() > 1 {
                    return Err(stray(
                        "is in a deeper folder than an experiment can be",
                        "Move it up into the results folder, out of it, or delete it",
                    ));
                }
                if !listed.iter().any(|listed| name == listed.as_str()) {
                    return Err(stray(
                        "has a name that no experiment can have",
                        "Give it one of letters, digits, `_` and `-`, move it out of the results folder, or \
                         delete it",
                    ));
                }
                // Its table of runs has the same information.
                if fs::symlink_metadata(path.join(PLAN)).is_err()
                    && self.runs_if_any(&name.to_string_lossy())?.is_none()
                {
                    return Err(stray(
                        "has neither a plan.json nor a runs.parquet that can be read",
                        "Run just this experiment again, by its experiment.toml, which writes both; or move \
                         it out of the results folder, or delete it",
                    ));
                }
            }
        }
        Ok(())
    }

    /// How long a training took, or has taken so far.
    fn training_seconds(&self, id: &str) -> Result<Option<f64>, StoreError> {
        match Manifest::read(&self.manifest_path(id)?) {
            Ok(manifest) => return Ok(Some(manifest.wall_seconds)),
            Err(error @ StoreError::Link { .. }) => return Err(error),
            Err(_) => {}
        }
        // A running one has a line for each epoch that ends with its seconds.
        let log = read_text(&self.log_path(id)?, LOG_LIMIT).ok();
        Ok(log.and_then(|log| logged_seconds(&log)))
    }

    /// Removes an orphan; a training only if no process has claimed it since.
    pub fn remove_orphan(&self, orphan: &Orphan) -> Result<(), StoreError> {
        let failed = |reason| StoreError::write(&orphan.path, reason);
        let claim = match orphan.kind {
            OrphanKind::Training => {
                let id = orphan.path.file_name().unwrap_or_default().to_string_lossy();
                let Some(claim) = self.claim(&id)? else { return Ok(()) };
                Some((claim, self.lock_path(&id)?))
            }
            _ => None,
        };
        match orphan.path.is_dir() {
            true => fs::remove_dir_all(&orphan.path).map_err(failed)?,
            false => fs::remove_file(&orphan.path).map_err(failed)?,
        }
        if let Some((claim, lock_path)) = claim {
            fs::remove_file(&lock_path).map_err(failed)?;
            drop(claim);
        }
        Ok(())
    }
}

/// A log of a hundred thousand epochs fits.
const LOG_LIMIT: u64 = 16 * 1024 * 1024;

/// The folder of a training's evaluations.
const EVALUATIONS: &str = "evaluations";

/// The maximum depth searched behind a link.
const BEHIND_LINK: usize = 3;

/// Whether a folder holds files of an experiment. Pictures of `preview` do not count.
pub(super) fn holds_experiment(folder: &Path) -> Result<bool, StoreError> {
    let is_one = |name: &str| {
        [PLAN, "experiment.toml", "report.html"].contains(&name) || name.ends_with(".parquet")
    };
    Ok(entries(folder)?.iter().any(|path| name(path).is_some_and(is_one)))
}

/// Whether a link may lead to an experiment: a broken link, as to a disk that is not mounted,
/// may.
fn leads_to_experiment(link: &Path) -> Result<bool, StoreError> {
    let Ok(target) = fs::metadata(link) else { return Ok(true) };
    if !target.is_dir() {
        return Ok(false);
    }
    let behind = WalkDir::new(link).follow_root_links(true).max_depth(BEHIND_LINK);
    for entry in behind {
        let entry = entry.map_err(|error| unlistable(link, error))?;
        if entry.path().is_dir() && holds_experiment(entry.path())? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_results(folder: &Path) -> bool {
    fs::symlink_metadata(folder.join("format.json")).is_ok_and(|data| data.is_file())
}

fn unlistable(root: &Path, error: walkdir::Error) -> StoreError {
    let path = error.path().unwrap_or(root).to_owned();
    StoreError::read(path, error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into()))
}

/// The files in an orphaned training's folder that this program did not write.
fn foreign_files(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut foreign = Vec::new();
    for entry in WalkDir::new(folder).min_depth(1).follow_links(false) {
        let entry = entry.map_err(|error| unlistable(folder, error))?;
        let path = entry.path();
        let name = name(path).unwrap_or_default();
        let within = path.parent().and_then(Path::file_name).unwrap_or_default();
        let own = match (entry.depth(), entry.file_type().is_file()) {
            (1, true) => TRAINING_FILES.contains(&name),
            (1, false) => entry.file_type().is_dir() && [EVALUATIONS, SENSITIVITY].contains(&name),
            (2, true) => {
                within == EVALUATIONS && is_result(name) || within == SENSITIVITY && is_result(name)
            }
            _ => false,
        };
        if !(own || entry.file_type().is_file() && is_unfinished(path)) {
            foreign.push(path.to_owned());
        }
    }
    Ok(foreign)
}

/// Whether a file of this name could be an evaluation's or a map's.
fn is_result(name: &str) -> bool {
    let (id, ending) = name.split_once('.').unwrap_or_default();
    is_id(id) && ["parquet", "json", "curves.parquet"].contains(&ending)
}

/// The results in a folder whose ids are not needed.
fn unneeded(
    folder: &Path,
    needed: &BTreeSet<String>,
    kind: OrphanKind,
) -> Result<Vec<Orphan>, StoreError> {
    let is_unneeded = |path: &&PathBuf| {
        name(path).is_some_and(|name| {
            let id = name.split('.').next().unwrap_or_default();
            is_result(name) && !needed.contains(id)
        })
    };
    let entries = entries(folder)?;
    entries.iter().filter(is_unneeded).map(|path| Orphan::weigh(path.clone(), kind)).collect()
}

/// Temporary files in a folder that no process writes to any more.
fn unfinished(folder: &Path) -> Result<Vec<Orphan>, StoreError> {
    let in_cache = folder.file_name().is_some_and(|name| name == CACHE);
    let is_left = |path: &&PathBuf| {
        let known = is_unfinished(path)
            || in_cache && name(path).is_some_and(|name| name.starts_with("building-"));
        known && is_stale(path)
    };
    let entries = entries(folder)?;
    let left = entries.iter().filter(is_left);
    left.map(|path| Orphan::weigh(path.clone(), OrphanKind::Unfinished)).collect()
}

/// The entries of a folder, sorted; empty if it does not exist.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |reason| StoreError::read(folder, reason);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(failed)?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

impl Orphan {
    fn weigh(path: PathBuf, kind: OrphanKind) -> Result<Orphan, StoreError> {
        let mut bytes = 0;
        for entry in WalkDir::new(&path).follow_links(false) {
            let data = entry.and_then(|entry| entry.metadata());
            bytes += data.map_err(|error| unlistable(&path, error))?.len();
        }
        Ok(Orphan { path, kind, bytes, seconds: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::effects::fixture::run;
    use crate::store::{RunRow, write_table};

    /// An id that begins with these digits.
    fn id(digits: &str) -> String {
        format!("{digits:0<20}")
    }

    struct Folder {
        _folder: tempfile::TempDir,
        results: Results,
    }

    impl Folder {
        /// An experiment `x` that needs training a1 with evaluation e1 and map 51.
        fn new() -> Folder {
            let folder = tempfile::tempdir().unwrap();
            let results = Results::create(folder.path().join("results")).unwrap();
            let made = Folder { _folder: folder, results };
            made.write(
                "x/plan.json",
                &format!(
                    r#"{{"runs": [{{"run_id": "r1", "training_id": "{a}", "evaluation_id": "{e}"}}],
                        "sensitivity": [{{"training_id": "{a}", "sensitivity_id": "{s}"}}]}}"#,
                    a = id("a1"),
                    e = id("e1"),
                    s = id("51")
                ),
            );
            for training in ["a1", "a2", "a3"] {
                made.write(&format!("trainings/{}/manifest.json", id(training)), "1234");
            }
            made
        }

        fn path(&self, name: &str) -> PathBuf {
            self.results.root().join(name)
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn write_runs(&self, experiment: &str, ids: &[&str]) {
            let rows: Vec<RunRow> = ids.iter().map(|id| run(id, &[], "none", 1)).collect();
            write_table(&self.results.table_path::<RunRow>(experiment).unwrap(), &rows).unwrap();
        }

        fn orphans(&self, cache: bool) -> Vec<String> {
            let relative = |orphan: &Orphan| {
                orphan.path.strip_prefix(self.results.root()).unwrap().display().to_string()
            };
            self.results.orphans(cache).unwrap().removable.iter().map(relative).collect()
        }
    }

    #[test]
    fn what_an_experiment_needs_stays() {
        let folder = Folder::new();
        let (needed, evaluation, map) = (id("a1"), id("e1"), id("51"));
        for name in [
            format!("evaluations/{evaluation}.parquet"),
            format!("evaluations/{}.parquet", id("e2")),
            format!("sensitivity/{map}.parquet"),
            format!("sensitivity/{map}.curves.parquet"),
            format!("sensitivity/{}.curves.parquet", id("52")),
            "evaluations/notes.txt".to_owned(),
        ] {
            folder.write(&format!("trainings/{needed}/{name}"), "1234");
        }
        folder.write(".cache/a.ferlab", "1234");
        let claim = folder.results.claim(&id("a3")).unwrap();
        let expected = [
            format!("trainings/{}", id("a2")),
            format!("trainings/{needed}/evaluations/{}.parquet", id("e2")),
            format!("trainings/{needed}/sensitivity/{}.curves.parquet", id("52")),
        ];
        assert_eq!(folder.orphans(false), expected);
        assert_eq!(folder.orphans(true).last().unwrap(), ".cache");
        for orphan in folder.results.orphans(true).unwrap().removable {
            assert!(orphan.bytes >= 4);
            folder.results.remove_orphan(&orphan).unwrap();
        }
        assert_eq!(folder.orphans(true), [""; 0]);
        drop(claim);
        assert_eq!(folder.orphans(false), [format!("trainings/{}", id("a3"))]);
        for kept in
            [format!("evaluations/{evaluation}.parquet"), "evaluations/notes.txt".to_owned()]
        {
            assert!(folder.path(&format!("trainings/{needed}/{kept}")).exists(), "{kept}");
        }
    }

    #[test]
    fn a_study_without_a_plan_needs_the_trainings_of_its_table() {
        let folder = Folder::new();
        fs::remove_file(folder.path("x/plan.json")).unwrap();
        let mut row = run("r1", &[], "none", 1);
        row.training_id = id("a3");
        write_table(&folder.results.table_path::<RunRow>("x").unwrap(), &[row]).unwrap();
        folder.write(&format!("trainings/{}/evaluations/{}.json", id("a3"), id("e9")), "{}");
        let expected = [format!("trainings/{}", id("a1")), format!("trainings/{}", id("a2"))];
        assert_eq!(folder.orphans(false), expected);
    }

    #[test]
    fn only_what_this_program_made_and_named_is_an_orphan() {
        let folder = Folder::new();
        let (second, third) = (id("a2"), id("a3"));
        folder.write("trainings/my-notes/readme", "mine");
        folder.write("trainings/deadbeef/manifest.json", "1234");
        folder.write(&format!("trainings/{second}/notes.txt"), "mine");
        folder.write(&format!("trainings/{third}/evaluations/mine.parquet"), "mine");
        folder.write("building-blocks/mine", "mine");
        folder.write("mine/.draft.tmp", "mine");
        let found = folder.results.orphans(true).unwrap();
        assert_eq!(found.removable, []);
        let foreign: Vec<PathBuf> = [
            format!("trainings/{second}/notes.txt"),
            format!("trainings/{third}/evaluations/mine.parquet"),
        ]
        .iter()
        .map(|name| folder.path(name))
        .collect();
        assert_eq!(found.foreign, foreign);
    }

    #[test]
    fn the_time_of_a_training_is_known_from_its_manifest_or_its_log() {
        let folder = Folder::new();
        let mut manifest = super::super::manifest::tests::manifest();
        manifest.wall_seconds = 12.5;
        let path = folder.path(&format!("trainings/{}/manifest.json", id("a2")));
        manifest.write(&path).unwrap();
        let log =
            "epoch 1 rate 1e-2 loss 1.0 seconds 2.5\nepoch 2 rate 1e-2 loss 0.9 seconds 3.0\n";
        folder.write(&format!("trainings/{}/log", id("a3")), log);
        let orphans = folder.results.orphans(false).unwrap().removable;
        let seconds: Vec<Option<f64>> = orphans.iter().map(|orphan| orphan.seconds).collect();
        assert_eq!(seconds, [Some(12.5), Some(5.5)]);
    }

    /// Renamed, moved, linked, without a plan: the needs of such an experiment are unknown.
    #[cfg(unix)]
    #[test]
    fn an_experiment_that_cannot_be_read_stops_everything_by_name() {
        use std::os::unix::fs::symlink;
        let stopped_by = |change: &dyn Fn(&Folder), named: &str, problem: &str| {
            let folder = Folder::new();
            change(&folder);
            let message = folder.results.orphans(false).unwrap_err().to_string();
            let path = folder.path(named).display().to_string();
            assert!(message.contains(&path) && message.contains(problem), "{message}");
        };
        let rename = |folder: &Folder, to: &str| {
            fs::create_dir_all(folder.path(to).parent().unwrap()).unwrap();
            fs::rename(folder.path("x"), folder.path(to)).unwrap();
        };
        stopped_by(
            &|folder| rename(folder, "x.bak"),
            "x.bak",
            "a name that no experiment can have",
        );
        stopped_by(&|folder| rename(folder, ".x"), ".x", "a name that no experiment can have");
        stopped_by(&|folder| rename(folder, "old/x"), "old/x", "is in a deeper folder");
        stopped_by(
            &|folder| {
                rename(folder, "../elsewhere-x");
                symlink(folder.path("../elsewhere-x"), folder.path("x")).unwrap();
            },
            "x",
            "is a link",
        );
        stopped_by(&|folder| symlink("nowhere", folder.path("y")).unwrap(), "y", "is a link");
        stopped_by(
            &|folder| {
                fs::rename(folder.path("x/plan.json"), folder.path("x/plan.old")).unwrap();
                folder.write("x/runs.parquet", "");
            },
            "x",
            "has neither a plan.json nor a runs.parquet",
        );
        stopped_by(&|folder| folder.write("x/plan.json", "{"), "x/plan.json", "is damaged");

        let own = "name = 'x'\n";
        stopped_by(
            &|folder| {
                folder.write("x/experiment.toml", own);
                let plan = fs::read_to_string(folder.path("x/plan.json")).unwrap();
                folder.write("x/plan.json", &plan.replacen('{', r#"{"experiment": "y", "#, 1));
            },
            "x/plan.json",
            "it is the plan of `y`, and the experiment.toml beside it that of `x`",
        );
        stopped_by(
            &|folder| folder.write_runs("x", &["r1", "r2", "r3"]),
            "x/plan.json",
            "2 of the 3 runs in the runs.parquet beside it are not in it",
        );

        let folder = Folder::new();
        rename(&folder, "y");
        folder.write("y/experiment.toml", own);
        folder.write_runs("y", &["r1"]);
        folder.write("x/preview.png", "a picture");
        folder.write("inner/format.json", "{}");
        folder.write("inner/z/plan.json", "{}");
        symlink(folder.path("trainings"), folder.path("pictures")).unwrap();
        let expected = [format!("trainings/{}", id("a2")), format!("trainings/{}", id("a3"))];
        assert_eq!(folder.orphans(false), expected, "another name, and what is no experiment");
    }
}
