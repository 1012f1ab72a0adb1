//! `fer-lab keys`

use anyhow::bail;
use clap::Args;

use super::{Exit, Options, output};
use crate::experiment::{Key, keys};
use crate::report::{Cell, Column, Format, Table, wrap};

/// List every key of the experiment file: values, default and purpose
///
/// `decides` says which stored results stay valid: changing a key that decides the weights needs new trainings,
/// changing one that decides the evaluation needs new evaluations of the same trainings. Both kinds can be swept in
/// `[matrix]`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fer-lab keys                       all of them\n  \
    fer-lab keys train.optimizer       those of a section, or one key\n  \
    fer-lab keys --format markdown     a page of reference")]
pub struct Arguments {
    /// A section or a key; all if omitted
    #[arg(value_name = "KEY")]
    key: Option<String>,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let asked = |key: &&Key| match &arguments.key {
        None => true,
        Some(asked) => key
            .path
            .strip_prefix(asked.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
    };
    let asked: Vec<&Key> = keys().iter().filter(asked).collect();
    if let (Some(key), true) = (&arguments.key, asked.is_empty()) {
        bail!(
            "there is no key `{key}`: {}",
            crate::experiment::suggest::with_listing(
                key,
                keys().iter().map(|key| key.path),
                "`fer-lab keys` lists all"
            )
        );
    }
    if options.format == Format::Table {
        output::text(&listing(&asked))?;
    } else {
        output::table(&table(&asked), options.format)?;
    }
    Ok(Exit::Done)
}

/// For people: a paragraph a key, under the header of its section.
fn listing(keys: &[&Key]) -> String {
    let mut text = String::new();
    let mut section = "";
    let width = output::width().min(100);
    let indented = |text: &str| {
        let lines = wrap(text, width.saturating_sub(4));
        lines.lines().map(|line| format!("    {line}\n")).collect::<String>()
    };
    for key in keys {
        if key.is_section() {
            text += &format!("\n[{}]\n{}", key.path, indented(key.help));
            section = key.path;
            continue;
        }
        if key.section() != section {
            text += &format!("\n[{}]\n", key.section());
            section = key.section();
        }
        let default = match key.default {
            "" => String::new(),
            default => format!(" = {default}"),
        };
        let only = match key.only.to_string() {
            only if only.is_empty() => only,
            only => format!("  ({only})"),
        };
        let key_line = format!("{}{default}{only}", key.name());
        match key_line.chars().count() <= width {
            true => text += &format!("{key_line}\n"),
            false => {
                let given = wrap(&format!("{}{default}", key.name()), width.saturating_sub(4));
                text += &format!("{}\n", given.replace('\n', "\n    "));
                if !only.is_empty() {
                    text += &format!("    {}\n", only.trim_start());
                }
            }
        }
        text += &indented(&format!("{}. {}: {}", key.help, key.type_name(), key.says()));
    }
    text.trim_start().to_owned()
}

fn table(keys: &[&Key]) -> Table {
    let mut table = Table::new(
        [
            ("key", "key"),
            ("type", "type"),
            ("default", "default"),
            ("takes", "takes"),
            ("goes_with", "goes with"),
            ("decides", "decides"),
            ("swept", "can be swept"),
            ("what", "what it is"),
        ]
        .map(|(key, header)| Column::text(key, header))
        .to_vec(),
    );
    for key in keys {
        table.push(vec![
            Cell::text(key.path),
            Cell::text(key.type_name()),
            Cell::text(key.default),
            Cell::text(key.says()),
            Cell::text(key.only.to_string()),
            Cell::text(key.decides.to_string()),
            Cell::Flag(key.can_be_swept()),
            Cell::text(key.help),
        ]);
    }
    table
}
