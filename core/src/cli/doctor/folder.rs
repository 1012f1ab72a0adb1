//! The results folder: whether it can be written, its free space, its locks.

use std::io;
use std::path::Path;

use serde_json::json;

use super::check::{Check, State};
use crate::disk::{self, cure, file_system, gigabytes};
use crate::store::{Locks, Results, try_locks};

/// A study of many networks and predictions takes some hundred MB.
const LEAST_SPACE: u64 = 1_000_000_000;

const OTHER: &str = "name another folder with --results DIR";

/// Of the folder, or, where it is not there yet, of the one that it would be made in.
pub(super) fn checks(results: &Path) -> Vec<Check> {
    let absolute = std::path::absolute(results).unwrap_or_else(|_| results.to_owned());
    let there = absolute.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let found = describe(&absolute, there);
    let state = match there == absolute {
        true => Results::create_is_possible(&absolute).map_err(|error| error.to_string()),
        false => Ok(()),
    };
    let facts = [
        ("path", json!(absolute.to_string_lossy())),
        ("exists", json!(there == absolute)),
        ("file_system", json!(file_system(there))),
        ("free_bytes", json!(disk::free(there))),
    ];
    let folder = |check: Check| check.with(facts.clone());
    if let Err(error) = state {
        return vec![folder(Check::problem("results", &format!("{found}: {error}"), OTHER))];
    }
    match try_locks(there) {
        Ok(locks) => vec![folder(space(found, disk::free(there))), of_locks(&locks)],
        Err(error) => {
            let found = format!("{found}: nothing can be written there ({error})");
            vec![folder(Check::problem("results", &found, &format!("{}{OTHER}", cure(&error))))]
        }
    }
}

fn describe(folder: &Path, there: &Path) -> String {
    let kind = file_system(there).map(|kind| format!(", {kind}")).unwrap_or_default();
    let free = disk::free(there).map(|free| format!(", {} free", gigabytes(free)));
    let made = if there == folder { "" } else { " (not there yet)" };
    format!("{}{made}{kind}{}", folder.display(), free.unwrap_or_default())
}

fn space(found: String, free: Option<u64>) -> Check {
    match free.is_some_and(|free| free < LEAST_SPACE) {
        true => Check::note("results", &found, &format!("free some space there, or {OTHER}")),
        false => Check::ok("results", found),
    }
}

fn of_locks(locks: &Locks) -> Check {
    let check = match locks {
        Locks::Kept => Check::ok("locks", "tried in that folder, and kept"),
        Locks::NotKept => Check::problem(
            "locks",
            "the file system grants the same lock twice, so two runs could do the same training at once",
            &unlocked(),
        ),
        Locks::None(error) => Check::problem("locks", &refused(error), &unlocked()),
    };
    let kept = check.state == State::Ok;
    check.with([("kept", json!(kept))])
}

fn refused(error: &io::Error) -> String {
    format!("the file system of that folder has no file locks ({error})")
}

fn unlocked() -> String {
    format!("{OTHER}, on another file system; or use `run --no-locks` if no other run uses it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_is_judged_by_the_one_around_it() {
        let around = tempfile::tempdir().unwrap();
        let checks = checks(&around.path().join("a/results"));
        assert_eq!(checks.iter().map(|check| check.state).collect::<Vec<_>>(), [State::Ok; 2]);
        assert!(checks[0].found.contains("results (not there yet)"), "{}", checks[0].found);
        assert_eq!(checks[0].facts["exists"], json!(false));
        assert_eq!(std::fs::read_dir(around.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_in_its_place_is_a_problem() {
        let around = tempfile::tempdir().unwrap();
        let file = around.path().join("results");
        std::fs::write(&file, "").unwrap();
        let checks = checks(&file);
        assert_eq!(checks.len(), 1);
        assert_eq!(checks[0].state, State::Problem, "{checks:?}");
        assert_eq!(checks[0].cure.as_deref(), Some(OTHER));
    }

    #[test]
    fn a_file_system_without_locks_is_a_problem_with_a_cure() {
        for locks in [Locks::None(io::Error::from_raw_os_error(libc::ENOLCK)), Locks::NotKept] {
            let check = of_locks(&locks);
            assert_eq!(check.state, State::Problem);
            assert!(check.cure.unwrap().contains("--no-locks"));
        }
        assert_eq!(of_locks(&Locks::Kept).state, State::Ok);
    }

    #[test]
    fn little_space_is_noted() {
        assert_eq!(space(String::new(), Some(LEAST_SPACE - 1)).state, State::Note);
        assert_eq!(space(String::new(), None).state, State::Ok);
    }
}
