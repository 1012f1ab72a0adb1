//! What `init` writes: every key is in it, and what its comments say of defaults is true.

use std::collections::BTreeSet;
use std::fs;

use fer_lab::experiment::{Experiment, dataset_kinds, load, parse, starter};
use toml::{Table, Value};

use super::probes::{Kinds, put, to_toml};

/// A line that may hold a key, in its section.
struct Line<'a> {
    /// Dotted; empty before the first header.
    section: &'a str,
    /// Without its comment signs.
    text: String,
    /// The comment lines right above.
    above: String,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Written,
    /// `#key = value`
    Default,
    /// `##key = value`
    Alternative,
}

impl Line<'_> {
    /// The key and its value.
    fn entry(&self) -> (String, Value) {
        let text = if self.text.ends_with("\"\"\"") { "analysis = \"\"" } else { &self.text };
        let table: Table = toml::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        table.into_iter().next().unwrap()
    }

    fn path(&self) -> String {
        match self.section {
            "" => self.entry().0,
            section => format!("{section}.{}", self.entry().0),
        }
    }

    /// What the comment beside it or above it calls its default.
    fn default(&self) -> Option<Value> {
        let beside = self.text.split_once("  # ").map_or("", |(_, comment)| comment);
        let comment = format!("{}{beside}", self.above);
        let (_, default) = comment.split_once("(default ")?;
        let (default, _) = default.rsplit_once(')').unwrap();
        Some(toml::from_str::<Table>(&format!("x = {default}")).unwrap()["x"].clone())
    }
}

/// How a line begins that goes on with a commented value.
const CONTINUED: &str = "#    ";

/// The lines that hold keys; a value that goes on for lines is joined.
fn lines(text: &str) -> Vec<Line<'_>> {
    let mut found: Vec<Line<'_>> = Vec::new();
    let (mut section, mut above, mut prose) = ("", String::new(), false);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if prose {
            prose = line != "\"\"\"";
            continue;
        }
        let state = match line {
            _ if line.starts_with("##") => State::Alternative,
            _ if line == "#" || line.starts_with("# ") => {
                above += &line[1..];
                continue;
            }
            _ if line.starts_with('#') => State::Default,
            _ => State::Written,
        };
        if line.starts_with('[') {
            section = &line[1..line.len() - 1];
        } else if !line.is_empty() {
            prose = line.ends_with("\"\"\"");
            let mut text = line.trim_start_matches('#').to_owned();
            while let Some(more) = lines.next_if(|next| next.starts_with(CONTINUED)) {
                text += &more[1..];
            }
            found.push(Line { section, text, above: above.clone(), state });
        }
        above.clear();
    }
    found
}

/// The file with its commented defaults in force.
fn uncommented(text: &str) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if line.starts_with(CONTINUED) => rest,
        Some(rest) if !rest.is_empty() && !rest.starts_with([' ', '#']) => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn read(text: &str) -> Experiment {
    let read = parse(text, "x.toml", &[]).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    Experiment { merged: String::new(), ..read }
}

fn starters() -> Vec<(&'static str, String)> {
    dataset_kinds().map(|kind| (kind, starter("my_study", kind))).collect()
}

#[test]
fn every_key_of_the_contract_stands_in_it() {
    for (dataset, text) in starters() {
        let mut keys = BTreeSet::new();
        for optimizer in ["adam", "adamw", "sgd"] {
            for schedule in ["plateau", "step", "cosine", "one_cycle", "constant"] {
                for model in ["vgg", "resnet", "mobilenet_v2", "onnx"] {
                    let rules = Kinds { dataset, model, optimizer, schedule }.keys();
                    // The table of a kind that is not the file's stands in a line, and what is filled in nowhere.
                    let in_line =
                        |key: &str| key.starts_with("model.input.") || key == "model.files";
                    let rules = rules.into_iter().filter(|key| key.rule != false);
                    let rules = rules
                        .filter(|key| !key.is_section() || key.path == "model.input")
                        .filter(|key| !in_line(&key.path));
                    keys.extend(rules.map(|key| key.path));
                }
            }
        }
        let lines = lines(&text);
        let free = ["regions", "matrix"];
        let found = lines.iter().filter(|line| !free.contains(&line.section)).map(Line::path);
        assert_eq!(found.collect::<BTreeSet<_>>(), keys, "{dataset}");
        assert!(free.iter().all(|section| lines.iter().any(|line| line.section == *section)));
    }
}

#[test]
fn what_is_commented_out_is_the_default() {
    for (dataset, text) in starters() {
        let rules =
            Kinds { dataset, model: "vgg", optimizer: "adam", schedule: "one_cycle" }.keys();
        let mut count = 0;
        for line in lines(&text).iter().filter(|line| line.state == State::Default) {
            let rule = rules.iter().find(|key| key.path == line.path()).unwrap();
            assert_eq!(line.entry().1, to_toml(&rule.rule["default"]), "{dataset}: {}", line.text);
            count += 1;
        }
        assert!(count > 15, "{dataset}: {count}");
        assert_ne!(uncommented(&text), text);
        assert_eq!(read(&uncommented(&text)), read(&text), "{dataset}");
    }
}

/// With each value that is written replaced by the default that its comment names, the file says no more
/// than one without them.
#[test]
fn what_is_written_tells_its_default() {
    for (dataset, text) in starters() {
        let mut file: Table = toml::from_str(&text).unwrap();
        let mut smallest = Table::new();
        let mut differ = 0;
        for line in lines(&text).iter().filter(|line| line.state == State::Written) {
            let path = line.path();
            match line.default() {
                Some(default) => {
                    differ += usize::from(default != line.entry().1);
                    put(&mut file, &path, default);
                }
                None => {
                    let needed = [
                        "name",
                        "question",
                        "analysis",
                        "dataset.kind",
                        "dataset.root",
                        "dataset.table",
                    ];
                    assert!(needed.contains(&path.as_str()), "{dataset}: no default at {path}");
                    let given =
                        path.split('.').fold(Value::Table(file.clone()), |at, key| at[key].clone());
                    put(&mut smallest, &path, given);
                }
            }
        }
        assert!(differ > 8, "{dataset}: {differ}");
        assert_eq!(read(&file.to_string()), read(&smallest.to_string()), "{dataset}");
    }
}

/// Whether it names a file of the user's.
fn is_own_file(line: &Line<'_>) -> bool {
    line.path() == "model.weights"
}

#[test]
fn every_alternative_can_take_its_place() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("other.toml"), "name = \"y\"\n[seeds]\ncount = 7\n").unwrap();
    let path = folder.path().join("my_study.toml");
    let read = |file: &Table| {
        fs::write(&path, file.to_string()).unwrap();
        let read = load(&path, &[]).unwrap_or_else(|errors| panic!("{errors}\n{file}"));
        Experiment { merged: String::new(), ..read }
    };
    for (dataset, text) in starters() {
        let plain: Table = toml::from_str(&text).unwrap();
        let lines = lines(&text);
        let mut count = 0;
        let mut alternatives =
            lines.iter().filter(|line| line.state == State::Alternative).peekable();
        while let Some(line) = alternatives.next() {
            let mut file = plain.clone();
            let (key, value) = line.entry();
            if is_own_file(line) {
                continue;
            }
            if value.as_str() == Some("onnx") {
                // It needs a file of the user's.
                while alternatives.next_if(|next| next.section == line.section).is_some() {}
                continue;
            }
            if key == "kind" {
                put(&mut file, line.section, Table::from_iter([(key, value)]).into());
                let defaults = read(&file);
                let same_block =
                    |next: &&Line<'_>| next.section == line.section && next.entry().0 != "kind";
                while let Some(more) = alternatives.next_if(same_block) {
                    if is_own_file(more) {
                        continue;
                    }
                    put(&mut file, &more.path(), more.entry().1);
                }
                assert_eq!(read(&file), defaults, "{dataset}: {}", line.text);
            } else {
                let section = match line.section {
                    "" => &mut file,
                    section => file[section].as_table_mut().unwrap(),
                };
                section.insert(key, value);
                let read = read(&file);
                let base = line.text.starts_with("base");
                assert_eq!(read.seeds.len(), if base { 7 } else { 3 }, "{dataset}: {}", line.text);
            }
            count += 1;
        }
        assert!(count >= 14, "{dataset}: {count}");
    }
}

#[test]
fn it_fits_a_terminal() {
    for (dataset, text) in starters() {
        for line in text.lines() {
            assert!(line.is_ascii() && line.len() <= 80, "{dataset}: {line}");
        }
        let mut lines = text
            .lines()
            .filter(|line| !line.starts_with("##labels = { ") && !line.starts_with("##input = { "));
        assert!(!lines.any(|line| line.contains(['{', '}'])), "{dataset}: a gap is left open");
    }
}
