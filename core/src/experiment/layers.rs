//! From files and `--set` arguments to one tree: reading, the chain of bases, merging.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::argument;
use super::error::{Document, DocumentOrigin, Place, Problem};
use super::suggest::closest;
use super::tree::{Entry, Table, Value};

/// The largest experiment file, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// The section whose keys are paths.
const MATRIX: &str = "matrix";
/// The longest chain of files, each the base of the one before it.
const MAX_FILES: usize = 16;

/// An experiment's settings as one tree.
#[derive(Debug)]
pub(crate) struct Merged {
    /// Everything but `base`, which is used up.
    pub table: Table,
    /// The start of the experiment file, for what is missing from it.
    pub start: Place,
    /// Whether no other file is opened for it.
    pub closed: bool,
}

/// Reads the file at `path` and all its bases, and merges the `--set` arguments over them.
pub(crate) fn load(path: &Path, sets: &[String]) -> Result<Merged, Vec<Problem>> {
    let text = read(path).map_err(|(reason, help)| {
        vec![Problem::nowhere(format!("cannot read `{}`: {reason}", path.display()), help)]
    })?;
    let own = Layer { path: Some(path.to_owned()), origin: path.display().to_string(), text };
    merge(own, sets)
}

/// As [`load`], for text that does not come from a file; its `base` is relative to the working folder.
pub(crate) fn from_text(text: &str, name: &str, sets: &[String]) -> Result<Merged, Vec<Problem>> {
    merge(Layer { path: None, origin: name.to_owned(), text: text.to_owned() }, sets)
}

/// As [`load`], for the text of a file that is to lie at `path`.
pub(crate) fn from_text_at(
    text: &str,
    path: &Path,
    sets: &[String],
) -> Result<Merged, Vec<Problem>> {
    let (path, origin) = (Some(path.to_owned()), path.display().to_string());
    merge(Layer { path, origin, text: text.to_owned() }, sets)
}

/// The complete text of an experiment: if it names a base, that is an error and no file is opened, because the text
/// may come from someone else.
pub(crate) fn from_whole(text: &str, name: &str) -> Result<Merged, Vec<Problem>> {
    let own = Layer { path: None, origin: name.to_owned(), text: text.to_owned() };
    let document = own.document(0);
    let start = Place { document: Arc::clone(&document), span: 0..0 };
    let mut table = Table::parse(&document)?;
    if let Some(base) = table.remove("base") {
        return Err(vec![base_of_whole(&base.key_place)]);
    }
    table.flatten_at(MATRIX);
    Ok(Merged { table, start, closed: true })
}

/// The error that a complete experiment names a base.
pub(super) fn base_of_whole(place: &Place) -> Problem {
    Problem::new("an experiment that was run has no base", place, "not read")
        .help("the stored file already contains the settings of its base")
}

/// A file's text before it is parsed.
struct Layer {
    path: Option<PathBuf>,
    origin: String,
    text: String,
}

fn merge(own: Layer, sets: &[String]) -> Result<Merged, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut arguments = Table::default();
    for (index, argument) in sets.iter().enumerate() {
        match argument::parse(argument, MAX_FILES + index) {
            Ok(mut table) => {
                table.flatten_at(MATRIX);
                arguments.unite(table);
            }
            Err(found) => problems.extend(found),
        }
    }
    // A base given as an argument replaces the file's own, and is relative to the working folder.
    let argument_base = arguments.remove("base").map(|entry| (entry, PathBuf::new()));

    let document = own.document(0);
    let start = Place { document: Arc::clone(&document), span: 0..0 };
    let mut table = Table::parse(&document).map_err(|found| [&problems[..], &found].concat())?;
    let own_base = table.remove("base").map(|entry| (entry, folder(own.path.as_deref())));
    let base = argument_base.or(own_base);
    let has_base = base.is_some();

    let mut seen: Vec<PathBuf> =
        own.path.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let mut tables = vec![];
    let mut next = base;
    while let Some((entry, folder)) = next.take() {
        match read_base(&entry, &folder, &mut seen) {
            Ok((mut base, path)) => {
                next = base.remove("base").map(|entry| (entry, self::folder(Some(&path))));
                tables.push(base);
            }
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    if has_base {
        // The folder in results/ has this name, so two experiments must not share it by accident.
        for base in &mut tables {
            base.remove("name");
        }
    }
    let mut merged = Table::default();
    for mut layer in tables.into_iter().rev().chain([table, arguments]) {
        layer.flatten_at(MATRIX);
        merged.merge(layer);
    }
    Ok(Merged { table: merged, start, closed: false })
}

impl Layer {
    fn document(&self, order: usize) -> Arc<Document> {
        Arc::new(Document {
            origin: DocumentOrigin::File(self.origin.clone()),
            text: self.text.clone(),
            start: 0,
            folder: self.path.as_deref().map(|path| folder(Some(path))),
            order,
        })
    }
}

fn folder(path: Option<&Path>) -> PathBuf {
    path.and_then(Path::parent).map(Path::to_owned).unwrap_or_default()
}

/// The text of a file, or why it cannot be read and what to do.
fn read(path: &Path) -> Result<String, (String, Option<String>)> {
    let io = |error: std::io::Error| {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
            _ => error.to_string(),
        };
        (reason, neighbour(path))
    };
    let file = fs::File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_BYTES {
        let help = "an experiment file has at most 1 MiB".to_owned();
        return Err(("it is too large".to_owned(), Some(help)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        let help = "save the file as UTF-8".to_owned();
        (format!("line {line} is not UTF-8"), Some(help))
    })
}

/// A file of a similar name beside the one that could not be read.
fn neighbour(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let folder = match path.parent()? {
        folder if folder.as_os_str().is_empty() => Path::new("."),
        folder => folder,
    };
    let mut names: Vec<String> = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    let name = closest(wanted, names.iter().map(String::as_str))?;
    Some(format!("did you mean `{}`?", path.with_file_name(name).display()))
}

fn read_base(
    entry: &Entry,
    folder: &Path,
    seen: &mut Vec<PathBuf>,
) -> Result<(Table, PathBuf), Vec<Problem>> {
    let place = &entry.node.place;
    let Value::Text(base) = &entry.node.value else {
        let title = "`base` must be a string";
        let label = format!("this is {}", entry.node.type_name());
        return Err(vec![
            Problem::new(title, place, label).help("give the path of an experiment file"),
        ]);
    };
    let path = folder.join(base);
    let text = read(&path).map_err(|(reason, help)| {
        let title = format!("cannot read the base `{}`", path.display());
        vec![Problem { help, ..Problem::new(title, place, reason) }]
    })?;
    let canonical = path.canonicalize().unwrap_or_else(|_| path.clone());
    if seen.contains(&canonical) {
        let title = format!("the base `{base}` leads back to itself");
        return Err(vec![
            Problem::new(title, place, "this file is already part of the chain")
                .help("leave out one `base` of the chain"),
        ]);
    }
    seen.push(canonical);
    if seen.len() > MAX_FILES {
        let title = format!("more than {MAX_FILES} files, each the base of another");
        return Err(vec![Problem::new(title, place, "the chain is too long")]);
    }
    let order = seen.len();
    let layer = Layer { origin: path.display().to_string(), path: Some(path.clone()), text };
    let table = Table::parse(&layer.document(order))?;
    Ok((table, path))
}
