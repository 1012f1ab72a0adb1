//! `fer-lab logs`

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Exit, Options, output};
use crate::report::Format;
use crate::store::{Named, Results, StoreError, open_plain};

/// Print the log of a training, one line per epoch
///
/// `--format csv` gives each line with its training and line number; for the metrics of each epoch use
/// `show ID --format csv`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The id (or its beginning) of a training or run, or the name of an experiment for all its trainings
    #[arg(value_name = "ID")]
    id: String,
    /// Print new lines until the training ends
    #[arg(long)]
    pub(super) follow: bool,
}

/// The poll interval of a log that is followed.
const PAUSE: Duration = Duration::from_millis(500);

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let results = Results::open(&options.results)?;
    let (trainings, several) = match results.find(&arguments.id)? {
        Named::Training(id) => (vec![id], false),
        Named::Run(run) => (vec![run.training_id], false),
        Named::Experiment(name) => (of_experiment(&results, &name)?, true),
    };
    if options.format != Format::Table {
        let lines =
            trainings.iter().map(|id| lines(&results, id)).collect::<Result<Vec<_>, _>>()?;
        let keys = ["training_id", "line", "text"];
        output::records(&keys, &lines.concat(), options.format)?;
        return Ok(Exit::Done);
    }
    if !several {
        return print(&results, &trainings[0], arguments.follow);
    }
    for (index, id) in trainings.iter().enumerate() {
        let gap = if index > 0 { "\n" } else { "" };
        output::text(&format!("{gap}training {id}\n"))?;
        print(&results, id, arguments.follow)?;
    }
    Ok(Exit::Done)
}

/// The trainings of an experiment, each once, in the order of its plan.
fn of_experiment(results: &Results, name: &str) -> anyhow::Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Plan {
        trainings: Vec<Training>,
    }
    #[derive(Deserialize)]
    struct Training {
        training_id: String,
    }
    let plan: Plan = results.plan(name)?;
    Ok(plan.trainings.into_iter().map(|training| training.training_id).collect())
}

/// The lines of a training's log, from 1; none where it has no log yet.
fn lines(results: &Results, id: &str) -> anyhow::Result<Vec<Value>> {
    let log = read_from(&results.log_path(id)?, 0)?;
    let text = String::from_utf8_lossy(&log);
    let line = |(index, text): (usize, &str)| json!({ "training_id": id, "line": index + 1, "text": text });
    Ok(text.lines().enumerate().map(line).collect())
}

/// Prints a training's log, and what is added to it until the training has its manifest.
fn print(results: &Results, id: &str, follow: bool) -> anyhow::Result<Exit> {
    let path = results.log_path(id)?;
    let manifest = results.manifest_path(id)?;
    if !results.training_dir(id)?.is_dir() {
        if follow {
            bail!("training {id} has not started");
        }
        output::text("it has not started\n")?;
        return Ok(Exit::Done);
    }
    let mut printed = 0;
    loop {
        // Checked before the log is read, so that no line is missed between the two.
        let ended = manifest.exists();
        printed += print_from(&path, printed, !follow || ended)?;
        if !follow || ended {
            break;
        }
        sleep(PAUSE);
    }
    if printed == 0 {
        output::text("it has no log\n")?;
    }
    Ok(Exit::Done)
}

/// Prints a log from a byte on, whole lines only unless it is `complete`. Returns how many bytes were
/// printed.
fn print_from(path: &Path, from: u64, complete: bool) -> anyhow::Result<u64> {
    let mut bytes = read_from(path, from)?;
    if !complete {
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        bytes.truncate(whole);
    }
    output::text(&String::from_utf8_lossy(&bytes))?;
    Ok(bytes.len() as u64)
}

/// A log from a byte on; nothing where there is none.
fn read_from(path: &Path, from: u64) -> Result<Vec<u8>, StoreError> {
    let read = |mut file: File| -> std::io::Result<Vec<u8>> {
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match open_plain(path) {
        Err(StoreError::NotFound { .. }) => Ok(Vec::new()),
        file => read(file?).map_err(|error| StoreError::read(path, error)),
    }
}
