//! `fer-lab man`

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::{Cli, Exit, output};

/// The manual page; with a folder, a page for every command
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fer-lab man | man -l -                  read it now\n  \
    fer-lab man ~/.local/share/man/man1     then `man fer-lab-run`")]
pub struct Arguments {
    /// Where the pages go: fer-lab.1, fer-lab-run.1 and so on
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    // `help` shows the pages' own text.
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let Some(folder) = &arguments.folder else {
        output::data(&page(&program)?)?;
        return Ok(Exit::Done);
    };
    let cannot = |path: &Path| format!("cannot write `{}`", path.display());
    fs::create_dir_all(folder).with_context(|| cannot(folder))?;
    let mut written = String::new();
    for command in std::iter::once(&program).chain(program.get_subcommands()) {
        let path = folder.join(Man::new(command.clone()).get_filename());
        fs::write(&path, page(command)?).with_context(|| cannot(&path))?;
        written += &format!("{}\n", path.display());
    }
    output::answer(&written)?;
    Ok(Exit::Done)
}

/// A command's page. The text after its help keeps its lines, under the headings that it has.
fn page(command: &Command) -> anyhow::Result<String> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut after = Roff::new();
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for line in text.lines() {
        match line.strip_suffix(':').filter(|heading| !heading.starts_with(' ')) {
            Some(heading) => {
                after.control("fi", []);
                after.control("SH", [heading.to_uppercase().as_str()]);
                after.control("nf", []);
            }
            None => {
                after.text([roman(line)]);
            }
        }
    }
    after.control("fi", []);
    after.to_writer(&mut page)?;
    Ok(String::from_utf8(page)?)
}
