//! Where the data of an experiment file lie.
//!
//! Paths are relative to the file that names them, as its base is. What is not there, but is relative to the working
//! folder, is taken from there, and said. A path that begins with `~` or a variable, or that an argument gives, has nothing
//! to do with the file's place.

use std::path::{Path, PathBuf};

use super::LandmarkSource;
use super::tree::{Node, Table, Value};

/// The keys whose values are paths, by section.
const PATHS: [(&str, &[&str]); 2] = [
    ("dataset", &["root", "table", "val_table", "test_table", "landmarks"]),
    ("model", &["path", "weights"]),
];

/// Turns the paths of the merged table into those that are relative to the working folder. Returns what is to be said.
pub(super) fn settle(table: &mut Table) -> Vec<String> {
    let mut said = Vec::new();
    for (section, keys) in PATHS {
        if let Some(Value::Table(values)) = table.node_mut(section).map(|node| &mut node.value) {
            said.extend(settle_section(section, keys, values));
        }
        let Some(Value::Table(matrix)) = table.node_mut("matrix").map(|node| &mut node.value)
        else {
            continue;
        };
        for key in keys {
            let path = format!("{section}.{key}");
            let values = matrix.node_mut(&path).map(|node| &mut node.value);
            if let Some(Value::Array(items)) = values {
                said.extend(items.iter_mut().filter_map(|node| settle_one(&path, node)));
            }
        }
        // Whole sections can be swept.
        if let Some(Value::Array(items)) = matrix.node_mut(section).map(|node| &mut node.value) {
            for item in items {
                if let Value::Table(values) = &mut item.value {
                    said.extend(settle_section(section, keys, values));
                }
            }
        }
    }
    said
}

fn settle_section(section: &str, keys: &[&str], values: &mut Table) -> Vec<String> {
    let settled = keys.iter().filter_map(|key| {
        let path = format!("{section}.{key}");
        values.node_mut(key).and_then(|node| settle_one(&path, node))
    });
    settled.collect()
}

/// `path`: of the key, dotted.
fn settle_one(path: &str, node: &mut Node) -> Option<String> {
    let folder = node.place.document.folder.as_deref()?;
    let Value::Text(text) = &mut node.value else { return None };
    if path == "dataset.landmarks" && text == LandmarkSource::FIND {
        return None;
    }
    let beside = beside(folder, text)?;
    if !beside.exists() && Path::new(text).exists() {
        return Some(format!(
            "`{path}` is found in the working folder, but not beside the experiment file, where it is looked for \
             first: there is no {}",
            beside.display()
        ));
    }
    *text = beside.to_str()?.to_owned();
    None
}

/// A path that is relative to `folder`; `None` where it depends on no folder, or `folder` is the working folder.
fn beside(folder: &Path, path: &str) -> Option<PathBuf> {
    let depends =
        !path.is_empty() && !path.starts_with(['~', '$']) && Path::new(path).is_relative();
    (depends && !folder.as_os_str().is_empty()).then(|| folder.join(path))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::experiment::{DatasetSpec, LandmarkSource, Source, load, parse};

    fn root(spec: &DatasetSpec) -> String {
        let Source::Folder(folder) = &spec.source else { panic!("it is a folder") };
        folder.root.display().to_string()
    }

    #[test]
    fn paths_are_relative_to_the_file_that_names_them() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("studies");
        fs::create_dir_all(place.join("more")).unwrap();
        fs::create_dir(place.join("pictures")).unwrap();
        let base = "name = \"b\"\n[dataset]\nkind = \"folder\"\nroot = \"pictures\"\nlandmarks = \"find\"\n";
        fs::write(place.join("base.toml"), base).unwrap();
        fs::write(place.join("more/x.toml"), "name = \"x\"\nbase = \"../base.toml\"\n").unwrap();
        let file = place.join("more/x.toml");
        let experiment = load(&file, &[]).unwrap_or_else(|errors| panic!("{errors}"));
        let wanted = place.join("more").join("..").join("pictures").display().to_string();
        let dataset = &experiment.settings.dataset;
        assert_eq!((root(dataset), experiment.notes.len()), (wanted.clone(), 0));
        assert_eq!(dataset.landmarks, Some(LandmarkSource::Find));
        // As it is stored, it is read without its place.
        let stored =
            parse(&experiment.merged, "stored", &[]).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(root(&stored.settings.dataset), wanted);

        // An argument is relative to the working folder, and so is what is there but not beside the file.
        let set = load(&file, &["dataset.root=Cargo.toml".to_owned()]).unwrap();
        assert_eq!((root(&set.settings.dataset), set.notes.len()), ("Cargo.toml".to_owned(), 0));
        fs::write(place.join("base.toml"), base.replace("pictures", "Cargo.toml")).unwrap();
        let old = load(&file, &[]).unwrap();
        assert_eq!(root(&old.settings.dataset), "Cargo.toml");
        assert_eq!(old.notes.len(), 1);
        assert!(
            old.notes[0].starts_with(
                "`dataset.root` is found in the working folder, but not beside the experiment file"
            ),
            "{:?}",
            old.notes
        );

        // What depends on no folder stays; what is nowhere is looked for beside the file.
        for (written, wanted) in [
            ("$DATA/faces", "$DATA/faces".to_owned()),
            ("~/faces", "~/faces".to_owned()),
            ("/faces", "/faces".to_owned()),
            ("nowhere", place.join("more").join("..").join("nowhere").display().to_string()),
        ] {
            fs::write(place.join("base.toml"), base.replace("pictures", written)).unwrap();
            let experiment = load(&file, &[]).unwrap();
            assert_eq!((root(&experiment.settings.dataset), experiment.notes.len()), (wanted, 0));
        }
    }

    #[test]
    fn swept_paths_too() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.toml");
        fs::create_dir(folder.path().join("a")).unwrap();
        let text = "name = \"x\"\n[dataset]\nkind = \"folder\"\nroot = \"a\"\n[matrix]\n\"dataset.root\" = [\"a\", \"Cargo.toml\"]\n";
        fs::write(&file, text).unwrap();
        let experiment = load(&file, &[]).unwrap_or_else(|errors| panic!("{errors}"));
        let roots: Vec<String> =
            experiment.cells.iter().map(|cell| root(&cell.settings.dataset)).collect();
        assert_eq!(roots, [folder.path().join("a").display().to_string(), "Cargo.toml".to_owned()]);
        assert_eq!(experiment.notes.len(), 1);
    }
}
