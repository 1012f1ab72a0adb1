//! What a folder of data holds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::dataset::labels::Classes;
use crate::experiment::EMOTIONS;

/// Folders of classes lie no deeper: in a folder around everything and one of the split.
const DEEPEST: usize = 3;

/// The kind of a folder of data, as far as its files tell, and the classes that it has.
#[derive(Debug, Clone, PartialEq)]
pub struct DataFolder {
    pub root: PathBuf,
    /// As `dataset.kind` has it.
    pub kind: &'static str,
    /// In the order of an experiment file.
    pub classes: Vec<String>,
}

/// Why a folder of data is not understood.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    #[error("`{}` is no folder", root.display())]
    NoFolder { root: PathBuf },
    #[error(
        "`{}` holds no data that fer-lab knows, and no folders with the names of emotions: write an experiment file, with \
         `dataset.kind` and `dataset.labels` (`fer-lab init` makes one; docs/layouts.md has lines for the data sets in \
         circulation), and `[model] kind = \"onnx\"`", root.display()
    )]
    Unknown { root: PathBuf },
}

impl DataFolder {
    /// Looks at a folder.
    ///
    /// # Errors
    /// Where it is none, and where nothing in it is known.
    pub fn of(root: &Path) -> Result<DataFolder, DataFolderError> {
        if !root.is_dir() {
            return Err(DataFolderError::NoFolder { root: root.to_owned() });
        }
        let has = |name: &str| root.join(name).exists();
        let seven = || EMOTIONS.map(str::to_owned).to_vec();
        let with_contempt = || [&seven()[..], &["contempt".to_owned()]].concat();
        let of = |kind, classes| Ok(DataFolder { root: root.to_owned(), kind, classes });
        if has("fer2013new.csv") || has("FER2013Train") {
            return of("ferplus", with_contempt());
        }
        if ["fer2013.csv", "icml_face_data.csv"].into_iter().any(has) {
            return of("fer2013", seven());
        }
        if has("EmoLabel") {
            return of("rafdb", seven());
        }
        if has("cohn-kanade-images") {
            return of("ckplus", with_contempt());
        }
        let classes = named_folders(root);
        match classes.len() {
            0 | 1 => Err(DataFolderError::Unknown { root: root.to_owned() }),
            _ => of("folder", classes),
        }
    }

    /// Without the classes that a network has no column for, if there are so few columns.
    pub fn for_columns(mut self, columns: usize) -> DataFolder {
        if self.classes.len() > columns {
            self.classes.retain(|class| class != "contempt");
        }
        self
    }
}

/// The emotions that folders are named after.
fn named_folders(root: &Path) -> Vec<String> {
    let known = [&EMOTIONS[..], &["contempt"]].concat();
    let known: Vec<String> = known.into_iter().map(str::to_owned).collect();
    let classes = Classes::unsaid(&known);
    let walk = WalkDir::new(root).min_depth(1).max_depth(DEEPEST).into_iter();
    let folders = walk.filter_map(Result::ok).filter(|entry| entry.file_type().is_dir());
    let found: BTreeSet<usize> =
        folders.filter_map(|entry| classes.place(&entry.file_name().to_string_lossy())).collect();
    found.into_iter().map(|place| known[place].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_known_by_what_they_hold() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert!(matches!(DataFolder::of(root), Err(DataFolderError::Unknown { .. })));
        for class in ["data/train/Happy", "data/train/sad", "data/test/2_neutral"] {
            std::fs::create_dir_all(root.join(class)).unwrap();
        }
        let found = DataFolder::of(root).unwrap();
        assert_eq!(
            (found.kind, found.classes.join(" ").as_str()),
            ("folder", "neutral happiness sadness")
        );
        std::fs::write(root.join("fer2013new.csv"), "").unwrap();
        let found = DataFolder::of(root).unwrap();
        assert_eq!((found.kind, found.classes.len()), ("ferplus", 8));
        assert_eq!(found.for_columns(7).classes.len(), 7);
        assert!(DataFolder::of(&root.join("fer2013new.csv")).is_err());
    }
}
