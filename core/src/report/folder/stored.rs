//! The experiment file in the results folder, for what of it the tables do not hold.

use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use crate::experiment::{Recovered, recover};
use crate::report::words::numbers::counted;
use crate::store::{Results, StoreError, open_plain};

/// An experiment file is never longer, bytes.
const LIMIT: u64 = 1 << 20;
/// So many of its errors are told; the page has the file itself.
const MOST_TOLD: usize = 5;

/// The experiment as it was run, as far as it can be had.
pub struct Stored {
    /// As it lies there; `None` where it cannot be read at all.
    pub text: Option<String>,
    pub read: Recovered,
    /// What is wrong with it, in a sentence.
    pub note: Option<String>,
}

/// Reads the experiment file of an experiment in a results folder. Whatever it is like, a report can be made.
///
/// # Errors
/// Where it is no file but a link or a pipe.
pub fn read(results: &Results, name: &str) -> Result<Stored, StoreError> {
    let path = &results.experiment_dir(name)?.join("experiment.toml");
    let (text, damage) = match read_text(path) {
        Ok(read) => read,
        Err(error @ (StoreError::Link { .. } | StoreError::NoFile { .. })) => return Err(error),
        Err(error) => {
            let note = format!(
                "{}: question, prose and regions of its own are not shown",
                match error {
                    StoreError::NotFound { path } =>
                        format!("the experiment as run, `{}`, is missing", path.display()),
                    other => other.to_string(),
                }
            );
            return Ok(Stored { text: None, read: recover("", ""), note: Some(note) });
        }
    };
    let read = recover(&text, &path.display().to_string());
    let mut wrong: Vec<String> = damage.into_iter().collect();
    wrong.extend(read.errors.iter().flat_map(|errors| errors.in_short()));
    let more = wrong.len().saturating_sub(MOST_TOLD);
    wrong.truncate(MOST_TOLD);
    if more > 0 {
        wrong.push(format!("and {} more", counted(more as u64, "error")));
    }
    let note = (!wrong.is_empty()).then(|| {
        format!(
            "`{}` is no longer the experiment as it was run, or is of another version of fer-lab ({}). What \
             can be read of it is shown, the rest is left out; every number is from the tables.",
            path.display(),
            wrong.join("; ")
        )
    });
    let note = note.or_else(|| {
        edited(results, name, &text).then(|| {
            format!(
                "`{}` was changed after the run. What is shown of it is not what was run; every number is from \
                 the tables.",
                path.display()
            )
        })
    });
    Ok(Stored { text: Some(text), read, note })
}

/// Whether a text is another than the plan beside it was made of, as far as that is known.
fn edited(results: &Results, name: &str, text: &str) -> bool {
    #[derive(Deserialize)]
    struct Plan {
        experiment_blake3: String,
    }
    let hash = blake3::hash(text.as_bytes()).to_hex();
    results.plan::<Plan>(name).is_ok_and(|plan| plan.experiment_blake3 != hash.as_str())
}

/// The text, and what had to be done to it to be one.
fn read_text(path: &Path) -> Result<(String, Option<String>), StoreError> {
    let failed = |reason| StoreError::read(path, reason);
    let mut bytes = Vec::new();
    open_plain(path)?.take(LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    let longer = bytes.len() as u64 > LIMIT;
    bytes.truncate(LIMIT as usize);
    let (text, garbled) = match String::from_utf8(bytes) {
        Ok(text) => (text, false),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
    };
    let damage = match (longer, garbled) {
        (true, _) => Some("it is longer than 1 MiB".to_owned()),
        (false, true) => Some("it is not UTF-8".to_owned()),
        (false, false) => None,
    };
    Ok((text, damage))
}
