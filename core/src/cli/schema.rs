//! `fer-lab schema`

use clap::Args;

use super::{Exit, output};
use crate::experiment::schema;

/// Print the JSON Schema of the experiment file, for editors
///
/// With it, an editor completes the keys of an experiment file, explains them and marks mistakes. Put it
/// beside the files and name it in their first line; tombi, Taplo and what builds on it (Even Better TOML in VS
/// Code, Helix, Neovim) read that line.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fer-lab schema > experiments/fer-lab.schema.json\n\n\
First line of each experiment file beside it:\n  \
    #:schema ./fer-lab.schema.json")]
pub struct Arguments {}

pub fn run(_: &Arguments) -> anyhow::Result<Exit> {
    output::data(&schema())?;
    Ok(Exit::Done)
}
