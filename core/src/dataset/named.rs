//! Pictures by the names that a table gives them.
//!
//! Tables name their pictures relative to the pictures' folder or to themselves, with `/` or `\`, with `./` before it or
//! not, with an extension or without, or by the file's name alone. What is meant must be one picture under the root:
//! nothing outside of it is ever read.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::inputs::{Inputs, is_picture};

/// Finds pictures under a folder.
pub struct Named {
    /// The folders that names may be relative to, absolute.
    folders: Vec<PathBuf>,
    /// Each picture as the inputs have it, by its absolute path.
    whole: HashMap<PathBuf, PathBuf>,
    /// By its absolute path without the extension.
    without_extension: HashMap<PathBuf, Found>,
    /// By its file's name.
    by_name: HashMap<String, Found>,
}

/// The only picture of a kind, or two of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    One(PathBuf),
    Several(PathBuf, PathBuf),
}

impl Named {
    /// The pictures of `inputs` under `root`; `table` is a file that names some.
    pub fn new(root: &Path, table: &Path, inputs: &Inputs) -> Named {
        let beside = table.parent().unwrap_or(Path::new(""));
        let mut named = Named {
            folders: [root, beside].map(absolute).to_vec(),
            whole: HashMap::new(),
            without_extension: HashMap::new(),
            by_name: HashMap::new(),
        };
        for picture in inputs.pictures_under(root) {
            let path = absolute(picture);
            add(&mut named.without_extension, path.with_extension(""), picture);
            let name = picture.file_name().unwrap_or_default().to_string_lossy().into_owned();
            add(&mut named.by_name, name, picture);
            named.whole.insert(path, picture.to_owned());
        }
        named
    }

    /// The picture that a name means; `None` where there is none.
    ///
    /// The name as it stands comes first, relative to the root and then to the table; then with another extension, or
    /// without one; then, if it names no folder, the only file of that name in any folder under the root.
    pub fn find(&self, name: &str) -> Option<Found> {
        let name = name.replace('\\', "/");
        let paths: Vec<PathBuf> =
            self.folders.iter().map(|folder| normal(&folder.join(&name))).collect();
        if let Some(picture) = paths.iter().find_map(|path| self.whole.get(path)) {
            return Some(Found::One(picture.clone()));
        }
        let bare = |path: &PathBuf| match is_picture(path) {
            true => path.with_extension(""),
            false => path.clone(),
        };
        let other = paths.iter().find_map(|path| self.without_extension.get(&bare(path)));
        other.or_else(|| self.by_name.get(&name)).cloned()
    }
}

fn add<K: std::hash::Hash + Eq>(known: &mut HashMap<K, Found>, key: K, picture: &Path) {
    let found = known.entry(key).or_insert_with(|| Found::One(picture.to_owned()));
    if let Found::One(first) = found
        && first != picture
    {
        *found = Found::Several(first.clone(), picture.to_owned());
    }
}

fn absolute(path: &Path) -> PathBuf {
    // An empty path is the working folder.
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    normal(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// Without `.` and `..`, as far as these are there to be taken back.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            component => normal.push(component),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn names_are_understood_as_tables_have_them() {
        let folder = tempfile::tempdir().unwrap();
        let (root, table) =
            (folder.path().join("pictures"), folder.path().join("lists/labels.csv"));
        for path in ["a.png", "b/c.jpg", "b/d.jpg", "e/d.jpg", "f.png", "f.jpg", "g.ha.1.tiff"] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::write(folder.path().join("outside.png"), "").unwrap();
        let mut inputs = Inputs::default();
        inputs.add_pictures(&root, 9).unwrap();
        let named = Named::new(&root, &table, &inputs);
        let one = |path: &str| Some(Found::One(root.join(path)));
        let whole = root.join("b/c.jpg").display().to_string();
        for (name, path) in [
            ("a.png", "a.png"),
            ("./a.png", "a.png"),
            ("a", "a.png"),
            ("a.jpeg", "a.png"),
            (r"b\c.jpg", "b/c.jpg"),
            (r".\b\c", "b/c.jpg"),
            ("../pictures/b/c.jpg", "b/c.jpg"),
            ("c.jpg", "b/c.jpg"),
            (&whole, "b/c.jpg"),
            ("b/d", "b/d.jpg"),
            ("f.png", "f.png"),
            ("g.ha.1", "g.ha.1.tiff"),
        ] {
            assert_eq!(named.find(name), one(path), "{name}");
        }
        let several =
            |one: &str, other: &str| Some(Found::Several(root.join(one), root.join(other)));
        assert_eq!(named.find("f"), several("f.jpg", "f.png"));
        assert_eq!(named.find("d.jpg"), several("b/d.jpg", "e/d.jpg"));
        for name in ["", "z.png", "b", "x/a.png", "../outside.png", "/etc/passwd", "../../a.png"] {
            assert_eq!(named.find(name), None, "{name}");
        }
    }
}
