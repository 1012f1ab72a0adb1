//! `fer-lab clean`

use std::io::{BufRead, IsTerminal};

use anyhow::bail;
use clap::Args;

use super::progress::duration;
use super::{Exit, Options, output};
use crate::report::{Cell, Column, Format, Table};
use crate::store::{Orphan, Orphans, Results};

/// Remove trainings and evaluations that no experiment in the results folder needs
///
/// They are left over when an experiment is removed or replaced. Everything that a run is working on or that an
/// experiment's plan names is kept; if the plan of an experiment cannot be read, nothing is removed. Incomplete
/// files of killed processes are removed too. The candidates are listed with the training time that they took, and
/// you are asked to confirm.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Remove without asking, as in a script
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Also remove the cache of decoded pictures; it is rebuilt when needed
    #[arg(long)]
    cache: bool,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let results = Results::open(&options.results)?;
    let Orphans { mut removable, foreign } = results.orphans(arguments.cache)?;
    for path in &foreign {
        output::warning(&format!(
            "`{}` is not fer-lab's, so that the training that it lies in stays",
            path.display()
        ));
    }
    let in_words = options.format == Format::Table;
    if removable.is_empty() && in_words {
        output::text(&format!("nothing to remove in {}\n", results.root().display()))?;
        return Ok(Exit::Done);
    }
    let removes = !arguments.dry_run && !removable.is_empty();
    if removes && !arguments.yes {
        output::error_text(&table(&removable).render(Format::Table, output::width())?);
        output::error_text(&format!("\n{} would be removed\n", sum(&removable)));
        if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
            bail!("nothing was removed: standard input is not a terminal, so confirm with --yes");
        }
        output::error_text("Remove all of this permanently? [y/N] ");
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if !["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) {
            output::text("nothing was removed\n")?;
            return Ok(Exit::Done);
        }
        // A run may have started to need some of it while the prompt was open.
        let now = results.orphans(arguments.cache)?.removable;
        removable.retain(|orphan| now.iter().any(|other| other.path == orphan.path));
    }
    if removes {
        for orphan in &removable {
            results.remove_orphan(orphan)?;
        }
    }
    if !in_words {
        output::table(&table(&removable), options.format)?;
        return Ok(Exit::Done);
    }
    let verb = if arguments.dry_run { "would be" } else { "were" };
    let mut text = String::new();
    if arguments.dry_run || arguments.yes {
        text += &table(&removable).render(Format::Table, output::width())?;
        text += "\n";
    }
    text += &format!("{} {verb} removed\n", sum(&removable));
    output::text(&text)?;
    Ok(Exit::Done)
}

/// `6 of these, 0.4 MB and 3 min of training,`
fn sum(orphans: &[Orphan]) -> String {
    let megabytes = orphans.iter().map(|orphan| orphan.bytes).sum::<u64>() as f64 / 1e6;
    let seconds: f64 = orphans.iter().filter_map(|orphan| orphan.seconds).sum();
    format!("{} of these, {megabytes:.1} MB and {} of training,", orphans.len(), duration(seconds))
}

fn table(orphans: &[Orphan]) -> Table {
    let mut table = Table::new(vec![
        Column::text("kind", "kind"),
        Column::text("path", "path"),
        Column::number("megabytes", "MB"),
        Column::number("training_seconds", "training, s"),
    ]);
    for orphan in orphans {
        table.push(vec![
            Cell::text(orphan.kind.name()),
            Cell::text(orphan.path.display().to_string()),
            Cell::number(orphan.bytes as f64 / 1e6, 1),
            orphan.seconds.map_or(Cell::Empty, |seconds| Cell::number(seconds, 1)),
        ]);
    }
    table
}
