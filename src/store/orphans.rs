//! What in the results folder no experiment needs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::results::SENSITIVITY;
use super::whole::is_unfinished;
use super::{CACHE, Results, StoreError, map_needs, needs};

/// Something that can go, and how large it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    pub path: PathBuf,
    pub kind: OrphanKind,
    pub bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrphanKind {
    /// A training that is in no experiment's plan.
    Training,
    /// An evaluation that is in no experiment's plan.
    Evaluation,
    /// A map of where a network looks that is in no experiment's plan.
    Map,
    /// What a killed process was writing.
    Unfinished,
    /// Decoded pictures, which are made again when they are needed.
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
    /// Everything that could be removed without a loss to any experiment in the folder; `cache` too, if
    /// that is wanted. What a process is working on is not among it.
    ///
    /// # Errors
    /// Where an experiment's plan cannot be read: what it needs is not known then.
    pub fn orphans(&self, cache: bool) -> Result<Vec<Orphan>, StoreError> {
        let mut needed: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for need in needs(self)? {
            needed.entry(need.training_id).or_default().push(need.evaluation_id);
        }
        let mut maps: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for need in map_needs(self)? {
            maps.entry(need.training_id).or_default().push(need.sensitivity_id);
        }
        let mut orphans = Vec::new();
        for id in self.trainings()? {
            let folder = self.training_dir(&id)?;
            match needed.get(&id) {
                None => orphans.extend(orphan(folder, OrphanKind::Training)),
                Some(evaluations) => {
                    let needed = maps.get(&id).map_or(&[][..], Vec::as_slice);
                    for (name, needed, kind) in [
                        ("evaluations", evaluations.as_slice(), OrphanKind::Evaluation),
                        (SENSITIVITY, needed, OrphanKind::Map),
                    ] {
                        orphans.extend(orphaned(&folder.join(name), needed, kind));
                    }
                }
            }
        }
        orphans.extend(unfinished(self.root()));
        orphans.retain(|orphan| {
            let within = orphan.path.strip_prefix(self.root().join("trainings")).ok();
            let training = within.and_then(|path| path.iter().next()?.to_str());
            // Without locks nothing is known of who is at what, and nothing is removed.
            training.is_none_or(|id| matches!(self.is_claimed(id), Ok(false)))
        });
        if cache {
            orphans.extend(orphan(self.root().join(CACHE), OrphanKind::Cache));
        }
        orphans.sort_by(|a, b| (a.kind, &a.path).cmp(&(b.kind, &b.path)));
        Ok(orphans)
    }

    /// Removes an orphan; a training only where nobody has begun to work on it since.
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

/// What in a folder does not begin with an id that is needed and a dot.
fn orphaned(folder: &Path, needed: &[String], kind: OrphanKind) -> Vec<Orphan> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            let id = name.and_then(|name| name.split('.').next());
            id.is_some_and(|id| !id.is_empty() && !needed.iter().any(|need| need == id))
        })
        .filter_map(|path| orphan(path, kind))
        .collect()
}

/// Temporary files that nothing has written to for an hour: those of a living process are seconds old.
fn unfinished(root: &Path) -> Vec<Orphan> {
    let stale = |path: &Path| {
        let modified = fs::symlink_metadata(path).and_then(|data| data.modified());
        modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age.as_secs() > 3600))
    };
    WalkDir::new(root)
        .follow_links(false)
        .into_iter()
        .flatten()
        .map(walkdir::DirEntry::into_path)
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            (is_unfinished(path) || name.starts_with("building-")) && stale(path)
        })
        .filter_map(|path| orphan(path, OrphanKind::Unfinished))
        .collect()
}

fn orphan(path: PathBuf, kind: OrphanKind) -> Option<Orphan> {
    let files = WalkDir::new(&path).follow_links(false).into_iter();
    let mut bytes = 0;
    for entry in files {
        bytes += entry.ok()?.metadata().ok()?.len();
    }
    Some(Orphan { path, kind, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_experiment_needs_stays() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::create(folder.path()).unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "x/plan.json",
            r#"{"runs": [{"run_id": "r1", "training_id": "t1", "evaluation_id": "e1"}],
                "sensitivity": [{"training_id": "t1", "sensitivity_id": "s1"}]}"#,
        );
        for name in [
            "manifest.json",
            "evaluations/e1.parquet",
            "evaluations/e2.parquet",
            "sensitivity/s1.parquet",
            "sensitivity/s1.curves.parquet",
            "sensitivity/s2.curves.parquet",
        ] {
            write(&format!("trainings/t1/{name}"), "1234");
        }
        write("trainings/t2/manifest.json", "1234");
        write("trainings/t3/manifest.json", "1234");
        write(".cache/a.ferlab", "1234");
        let claim = results.claim("t3").unwrap();
        let names = |cache| -> Vec<String> {
            let orphans = results.orphans(cache).unwrap();
            let relative = |orphan: &Orphan| {
                orphan.path.strip_prefix(folder.path()).unwrap().display().to_string()
            };
            orphans.iter().map(relative).collect()
        };
        assert_eq!(
            names(false),
            [
                "trainings/t2",
                "trainings/t1/evaluations/e2.parquet",
                "trainings/t1/sensitivity/s2.curves.parquet",
            ]
        );
        assert_eq!(names(true).last().unwrap(), ".cache");
        for orphan in results.orphans(true).unwrap() {
            assert!(orphan.bytes >= 4);
            results.remove_orphan(&orphan).unwrap();
        }
        assert_eq!(names(true), [""; 0]);
        drop(claim);
        assert_eq!(names(false), ["trainings/t3"]);
        assert!(folder.path().join("trainings/t1/evaluations/e1.parquet").exists());
        assert!(folder.path().join("trainings/t1/sensitivity/s1.curves.parquet").exists());

        write("x/plan.json", "{");
        assert!(results.orphans(false).is_err(), "what x needs is not known");
    }
}
