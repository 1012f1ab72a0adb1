//! `fer-lab doctor`

mod check;
mod folder;
mod libtorch;
mod machine;
mod others;

use clap::Args;
use serde_json::json;

use self::check::{Check, State};
use super::{Exit, Options, Program, output};
use crate::report::{Cell, Column, Format, Table};

/// Say what this machine has, and what is missing with its cure
///
/// Processor, memory, GPUs, libtorch and ONNX Runtime (which are loaded for it), the results folder with its locks (which are tried), the
/// model that finds landmarks, fonts. It is the first thing that a bug report needs. Nothing is changed.
///
/// Exit codes: 0 `fer-lab run` can work here, 1 something that it needs is missing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fer-lab doctor\n  \
    fer-lab doctor --results /scratch/me/results --format json")]
pub struct Arguments {
    /// Print what the libtorch of this program says of itself, as JSON: how the program asks its partner
    #[arg(long, hide = true)]
    pub(super) libtorch: bool,
}

pub fn run(arguments: &Arguments, options: &Options, program: &Program) -> anyhow::Result<Exit> {
    if arguments.libtorch {
        let facts = program.libtorch()?.facts();
        output::data(&(serde_json::to_string(&facts)? + "\n"))?;
        return Ok(Exit::Done);
    }
    let checks = examine(options, program);
    let works = checks.iter().all(|check| check.state != State::Problem);
    match options.format {
        Format::Table => output::text(&in_words(&checks, works))?,
        Format::Json => {
            let all = json!({ "run_can_work": works, "checks": checks });
            output::data(&(serde_json::to_string_pretty(&all)? + "\n"))?;
        }
        other => output::table(&table(&checks), other)?,
    }
    Ok(if works { Exit::Done } else { Exit::SomeFailed })
}

fn examine(options: &Options, program: &Program) -> Vec<Check> {
    let mut checks = vec![others::program(), machine::system(), machine::processor()];
    checks.push(machine::memory());
    checks.extend(libtorch::checks(program));
    checks.extend([machine::gpus(), machine::precision(), machine::environment()]);
    checks.extend(folder::checks(&options.results));
    checks.extend([others::landmarks(), others::fonts()]);
    checks
}

/// The columns before what is found: a mark and the check's name.
const MARGIN: usize = 14;

fn in_words(checks: &[Check], works: bool) -> String {
    let width = output::width().min(100);
    let mut text = checks.iter().map(|check| paragraph(check, width)).collect::<String>();
    text += match works {
        true => "\n`fer-lab run` can work here.\n",
        false => "\n`fer-lab run` cannot work here: see `!` above.\n",
    };
    text
}

/// `  memory      24.6 GB, …`; below it, where there is one, the cure.
fn paragraph(check: &Check, width: usize) -> String {
    let mark = match check.state {
        State::Ok => ' ',
        State::Note => '-',
        State::Problem => '!',
    };
    let wrapped = |text: &str| crate::report::wrap(text, width.saturating_sub(MARGIN).max(20));
    let mut lines = wrapped(&check.found);
    if let Some(cure) = &check.cure {
        lines += &format!("\n→ {}", wrapped(cure).replace('\n', "\n  "));
    }
    let mut head = format!("{mark} {:<1$}", check.name, MARGIN - 2);
    let mut text = String::new();
    for line in lines.lines() {
        text += &format!("{head}{line}\n");
        head = " ".repeat(MARGIN);
    }
    text
}

/// A row a check.
fn table(checks: &[Check]) -> Table {
    let names = ["check", "state", "found", "cure"];
    let mut rows = Table::new(names.map(|name| Column::text(name, name)).to_vec());
    for check in checks {
        rows.push(vec![
            Cell::text(check.name),
            Cell::text(check.state.name()),
            Cell::text(check.found.as_str()),
            check.cure.as_deref().map_or(Cell::Empty, Cell::text),
        ]);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_stands_out_with_its_cure() {
        let checks = [
            Check::ok("memory", "24.6 GB"),
            Check::problem("locks", "none on nfs (not supported)", "name another folder"),
        ];
        assert_eq!(
            in_words(&checks, false),
            "  memory      24.6 GB\n\
             ! locks       none on nfs (not supported)\n              → name another folder\n\n\
             `fer-lab run` cannot work here: see `!` above.\n"
        );
        let long = Check::note("memory", &"word ".repeat(8), &"cure ".repeat(8));
        assert_eq!(
            paragraph(&long, 36),
            "- memory      word word word word\n              word word word word\n              \
             → cure cure cure cure\n                cure cure cure cure\n"
        );
    }
}
