//! `fer-lab man`

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::{Cli, Exit, output};
use crate::store::{FileKind, file_kind, write_whole};

/// Print the manual page, or write a page per command into a folder
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fer-lab man | man -l -                  read it now\n  \
    fer-lab man ~/.local/share/man/man1     then `man fer-lab-run`")]
pub struct Arguments {
    /// Folder for fer-lab.1, fer-lab-run.1 and so on; only such pages are replaced
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
    let mut pages = Vec::new();
    for command in std::iter::once(&program).chain(program.get_subcommands()) {
        let path = folder.join(Man::new(command.clone()).get_filename());
        check(&path)?;
        pages.push((path, page(command)?));
    }
    let mut written = String::new();
    for (path, page) in pages {
        write_whole(&path, |file| file.write_all(page.as_bytes()))?;
        written += &format!("{}\n", path.display());
    }
    output::text(&written)?;
    Ok(Exit::Done)
}

/// An error where something stands at `path` that is no manual page of this program.
fn check(path: &Path) -> anyhow::Result<()> {
    let stays =
        "it is not overwritten, and no page was written: name another folder, or remove it first";
    match file_kind(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => bail!("cannot read `{}`: {error}", path.display()),
        Ok(FileKind::File) => {
            let page = fs::read(path).unwrap_or_default();
            let title: &[u8] = b"\n.TH fer-lab";
            if page.windows(title.len()).any(|window| window == title) {
                return Ok(());
            }
            bail!("`{}` is not a manual page of fer-lab: {stays}", path.display())
        }
        Ok(kind) => bail!("`{}` is {kind}: {stays}", path.display()),
    }
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
