//! `fer-lab clean`

use clap::Args;

use super::{Exit, Options, output};
use crate::report::{Cell, Column, Format, Table};
use crate::store::{Orphan, Results};

/// Remove trainings and evaluations that no experiment in the results folder needs
///
/// They are left when an experiment's settings change. What a run is working on stays, and so does
/// everything that an experiment's plan names. Files that a killed process left half written go too.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// The decoded pictures too; they are made again when they are needed
    #[arg(long)]
    cache: bool,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let results = Results::open(&options.results)?;
    let orphans = results.orphans(arguments.cache)?;
    if !arguments.dry_run {
        for orphan in &orphans {
            results.remove_orphan(orphan)?;
        }
    }
    if options.format != Format::Table {
        output::table(&table(&orphans), options.format)?;
        return Ok(Exit::Done);
    }
    if orphans.is_empty() {
        output::answer(&format!("nothing to remove in {}\n", results.root().display()))?;
        return Ok(Exit::Done);
    }
    let megabytes = orphans.iter().map(|orphan| orphan.bytes).sum::<u64>() as f64 / 1e6;
    let mut text = table(&orphans).render(Format::Table, output::width())?;
    let verb = if arguments.dry_run { "would be" } else { "were" };
    text += &format!("\n{} of these, {megabytes:.1} MB, {verb} removed\n", orphans.len());
    output::answer(&text)?;
    Ok(Exit::Done)
}

fn table(orphans: &[Orphan]) -> Table {
    let mut table = Table::new(vec![
        Column::text("kind", "kind"),
        Column::text("path", "path"),
        Column::number("megabytes", "MB"),
    ]);
    for orphan in orphans {
        table.push(vec![
            Cell::text(orphan.kind.name()),
            Cell::text(orphan.path.display().to_string()),
            Cell::number(orphan.bytes as f64 / 1e6, 1),
        ]);
    }
    table
}
