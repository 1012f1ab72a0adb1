//! The experiment file.
//!
//! In: TOML text, a base file, `--set` arguments. Out: an [`Experiment`], which cannot be invalid: every
//! default is filled in, every name resolved, every number in range. All errors are reported at once, each
//! with its line. This room reads experiment files and nothing else: it never opens a
//! data set.
//!
//! The flow: [`layers`] reads the texts ([`argument`] those of the command line) and merges them into one
//! [`tree`] whose values keep their source position; [`decode`] reads that tree key by key through a
//! [`reader`], which collects every mistake; [`error`] renders them. Later texts win: the base of the base, the base, the file, then
//! the `--set` arguments in their order, then a combination of the matrix. Tables merge, lists and all
//! else are replaced; where a later text changes a `kind`, the keys of the earlier kind are dropped.
//! The name is the one key that a file does not take from its base.
//!
//! Paths in a file are relative to the file that names them, those in an argument or in a text of a stored experiment to the
//! working folder ([`paths`]).

mod argument;
mod dataset;
mod decode;
mod describe;
mod error;
mod keys;
mod layers;
mod matrix;
mod model;
mod network_files;
mod paths;
mod reader;
mod recover;
mod regions;
mod schema;
mod sensitivity;
mod shape;
pub mod spec;
mod starter;
mod study;
pub(crate) mod suggest;
mod table;
mod training;
mod tree;

use std::path::Path;

pub use dataset::EMOTIONS;
pub use decode::{NETWORK_LABEL, is_name};
pub use error::ExperimentErrors;
pub use keys::{Decides, Form, Item, Key, Only, Takes, Word, dataset_kinds, keys};
pub(crate) use model::network_words;
pub use reader::Bounds;
pub use recover::{Recovered, recover};
pub use schema::schema;
pub use spec::*;
pub use starter::starter;

/// As [`load`], of the text of a file that is to lie at `path`.
///
/// # Errors
/// As [`load`].
pub fn parse_at(text: &str, path: &Path, sets: &[String]) -> Result<Experiment, ExperimentErrors> {
    layers::from_text_at(text, path, sets)
        .and_then(|merged| decode::decode(&merged))
        .map_err(ExperimentErrors::new)
}

/// Reads the experiment file at `path` with its bases, and merges `sets` (`key=value`, the value as TOML or
/// as typed in a shell) over it.
///
/// # Errors
/// Everything that is wrong: files that cannot be read, syntax, unknown keys and names, values out of
/// range, settings that contradict each other.
pub fn load(path: &Path, sets: &[String]) -> Result<Experiment, ExperimentErrors> {
    layers::load(path, sets)
        .and_then(|merged| decode::decode(&merged))
        .map_err(ExperimentErrors::new)
}

/// As [`load`], for text that does not come from a file. Errors call it `name`; a `base` in it is
/// relative to the working folder.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, name: &str, sets: &[String]) -> Result<Experiment, ExperimentErrors> {
    layers::from_text(text, name, sets)
        .and_then(|merged| decode::decode(&merged))
        .map_err(ExperimentErrors::new)
}

/// Reads an experiment as it was run, from the results folder or a worker's specification. Errors call the
/// text `name`.
///
/// # Errors
/// As [`load`], and an error if it names a base: a stored experiment is complete.
pub fn parse_whole(text: &str, name: &str) -> Result<Experiment, ExperimentErrors> {
    layers::from_whole(text, name)
        .and_then(|merged| decode::decode(&merged))
        .map_err(ExperimentErrors::new)
}

#[cfg(test)]
mod tests;
