//! One name, one study: which run may write into an experiment's folder.
//!
//! A run of a study may replace the tables of an earlier run of it, because the new tables hold at least as much. If the
//! folder holds another study of the same name, that study is renamed and kept; if a run is working on it, this run
//! refuses to start.

use std::collections::BTreeSet;

use super::error::EngineError;
use super::event::{Event, Observer};
use super::state::State;
use super::work::Work;
use crate::plan::Identified;
use crate::store::{Former, Live, sessions};

/// The ids of all results that belong to a study: its runs and its maps.
pub(super) fn results_of(identified: &Identified, state: &State) -> BTreeSet<String> {
    let runs = identified.runs.iter().map(|run| run.run.to_string());
    let maps = state.maps.iter().flatten().map(|(map, _)| map.id.to_string());
    runs.chain(maps).collect()
}

/// Makes sure that nothing is lost when this run writes into the folder of its experiment; `own` are the
/// [`results_of`] its study. To be called with the folder's lock held.
///
/// # Errors
/// [`EngineError::NameTaken`] if another run is working on another study of this name.
pub(super) fn take(
    work: &Work,
    own: &BTreeSet<String>,
    observer: &mut dyn Observer,
) -> Result<(), EngineError> {
    let (name, live) = (&work.experiment.name, other_run(work)?);
    let Some(what) = left_out(work, own, live.is_some())? else { return Ok(()) };
    refuse_live(work, live, &what)?;
    let folder = work.results.experiment_dir(name)?;
    let folder = folder.display();
    let text = if work.replace {
        format!("`{folder}` held another study of this name, {what}; its tables are replaced")
    } else {
        let kept = work.results.rename_former(name)?;
        format!(
            "`{folder}` held another study of this name, {what}. It was renamed to `{kept}`; \
             `fer-lab diff {kept} {name}` shows the differences. To choose the names yourself, set \
             `name`; `--replace` replaces the tables"
        )
    };
    observer.event(&Event::Warning { text });
    Ok(())
}

/// Makes sure that the folder is still this study's before its tables are written.
///
/// # Errors
/// [`EngineError::NameTaken`] if another study of this name was written there meanwhile.
pub(super) fn still_own(work: &Work, own: &BTreeSet<String>) -> Result<(), EngineError> {
    let live = other_run(work)?;
    match left_out(work, own, live.is_some())? {
        None => Ok(()),
        Some(what) => {
            refuse_live(work, live, &what)?;
            Err(EngineError::NameTaken { name: work.experiment.name.clone(), what })
        }
    }
}

/// The results of the study in the folder that this one lacks, in words.
fn left_out(
    work: &Work,
    own: &BTreeSet<String>,
    live: bool,
) -> Result<Option<String>, EngineError> {
    let (name, text) = (&work.experiment.name, &work.experiment.merged);
    Ok(match work.results.former(name, text, own, live)? {
        Former::Kept => None,
        Former::LeftOut { results, of } if results == of => {
            Some(format!("none of whose {of} runs is part of this one"))
        }
        Former::LeftOut { results, of } => {
            Some(format!("{results} of whose {of} runs are not part of this one"))
        }
        Former::Unknown => Some("whose plan is missing or damaged".to_owned()),
    })
}

/// Another process that runs an experiment of this name.
fn other_run(work: &Work) -> Result<Option<Live>, EngineError> {
    let name = &work.experiment.name;
    let other = |live: &Live| live.experiment == *name && live.pid != std::process::id();
    Ok(sessions(work.results)?.into_iter().find(other))
}

fn refuse_live(work: &Work, live: Option<Live>, what: &str) -> Result<(), EngineError> {
    let name = &work.experiment.name;
    match live {
        None => Ok(()),
        Some(Live { pid, host, .. }) => {
            let what = format!("{what}, and process {pid} on {host} is running it");
            Err(EngineError::NameTaken { name: name.clone(), what })
        }
    }
}
