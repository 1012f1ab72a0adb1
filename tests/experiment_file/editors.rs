//! The JSON Schema in the tools that editors use, each where it is installed: tombi (`TOMBI` names another
//! program) and Taplo (`TAPLO`). Both are silent about files that are right and mark those that are wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use fer_lab::experiment::{dataset_kinds, schema, starter};
use serde_json::Value as Json;

use super::schema::{probes, shipped};

/// Runs a tool in a folder; `None`, with a notice, where it is not there.
fn tool(variable: &str, name: &str, arguments: &[&str], folder: &Path) -> Option<Output> {
    let program = std::env::var(variable).unwrap_or_else(|_| name.to_owned());
    let output = Command::new(&program).args(arguments).current_dir(folder).output();
    if output.is_err() {
        let notice =
            format!("notice: `{program}` does not start; the JSON Schema is not checked with it\n");
        std::io::stderr().write_all(notice.as_bytes()).unwrap();
    }
    output.ok()
}

/// Files with the schema beside them, and whether each is right.
fn files() -> (tempfile::TempDir, BTreeMap<String, bool>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("fer-lab.schema.json"), schema()).unwrap();
    let mut right = BTreeMap::new();
    let mut write = |name: String, text: &str, is_right: bool| {
        let text = format!("#:schema ./fer-lab.schema.json\n{text}\n");
        fs::write(folder.path().join(&name), text).unwrap();
        right.insert(name, is_right);
    };
    for (number, probe) in probes().iter().enumerate() {
        write(format!("{number:04}.toml"), &probe.text, probe.right);
    }
    for kind in dataset_kinds() {
        write(format!("starter_{kind}.toml"), &starter("x", kind), true);
    }
    for path in shipped() {
        let name = Path::new(&path).file_name().unwrap().to_str().unwrap().to_owned();
        write(name, &fs::read_to_string(&path).unwrap(), true);
    }
    (folder, right)
}

/// Whether each file is marked as it should be.
fn agree(tool: &str, folder: &Path, right: &BTreeMap<String, bool>, marked: &BTreeSet<String>) {
    assert!(marked.iter().all(|name| right.contains_key(name)), "{marked:?}");
    let wrong: Vec<String> = right
        .iter()
        .filter(|(name, right)| marked.contains(*name) == **right)
        .map(|(name, right)| {
            let text = fs::read_to_string(folder.join(name)).unwrap();
            format!("{name}, right: {right}\n{text}\n")
        })
        .collect();
    assert!(wrong.is_empty(), "{tool} disagrees about {}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn tombi_agrees_with_the_parser() {
    let (folder, right) = files();
    // Warnings count: what it says of a file that is right is one too many.
    let arguments = [
        "lint",
        "--offline",
        "--diagnostics-format",
        "json",
        "--diagnostics-file",
        "found.json",
        ".",
    ];
    let Some(output) = tool("TOMBI", "tombi", &arguments, folder.path()) else { return };
    let found = fs::read(folder.path().join("found.json"));
    let found = found.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let found: Vec<Json> = serde_json::from_slice(&found).unwrap();
    let name = |found: &Json| found["path"].as_str().unwrap().trim_start_matches("./").to_owned();
    agree("tombi", folder.path(), &right, &found.iter().map(name).collect());
}

#[test]
fn taplo_agrees_with_the_parser() {
    let (folder, right) = files();
    let names: Vec<&str> = right.keys().map(String::as_str).collect();
    let arguments = [&["lint", "--colors", "never"], &names[..]].concat();
    let Some(output) = tool("TAPLO", "taplo", &arguments, folder.path()) else { return };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let marked = said.lines().filter_map(|line| {
        let (_, path) = line.split_once("invalid file")?.1.split_once("path=\"")?;
        Some(Path::new(path.strip_suffix('"')?).file_name()?.to_str()?.to_owned())
    });
    let marked: BTreeSet<String> = marked.collect();
    assert!(!marked.is_empty(), "{said}");
    agree("taplo", folder.path(), &right, &marked);
}
