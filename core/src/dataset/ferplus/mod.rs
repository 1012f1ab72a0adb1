//! FER2013's pictures with FER+'s ten votes per image.
//!
//! They exist in two forms, recognised by the files in the root: two CSV files (`csv_form`), or
//! the folders of PNGs that FERPlus's scripts make (`folder_form`). Where both are complete, the CSV
//! files are read; the votes are never mixed across forms, since the two differ in places.

mod csv_form;
mod folder_form;
mod labels;
mod own_labels;

use std::path::{Path, PathBuf};

use self::labels::Votes;
pub use self::own_labels::Fer2013;
use super::DatasetError;
use super::Split;
use super::inputs::Inputs;
use super::listing::{Catalogue, Entry, Listing, Picture, columns};
use crate::experiment::{FerUsage, FerplusLabels};

/// The emotions, in the order of FER+'s columns.
pub const EMOTIONS: [&str; 8] =
    ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"];

/// The width and height of FER2013's pictures.
const SIDE: usize = 48;

/// The part of FER+ that an experiment uses, and its files.
#[derive(Debug)]
pub struct Ferplus<'a> {
    root: &'a Path,
    labels: FerplusLabels,
    test_labels: FerplusLabels,
    val: FerUsage,
    test: FerUsage,
    form: Form,
    inputs: Inputs,
}

#[derive(Debug)]
enum Form {
    Csv { pictures: PathBuf, votes: PathBuf },
    Folders,
}

impl Catalogue for Ferplus<'_> {
    fn root(&self) -> &Path {
        self.root
    }

    fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    fn list(&self, classes: &[String]) -> Result<Listing, DatasetError> {
        let chosen = columns(classes, &EMOTIONS, "FER+")?;
        match &self.form {
            Form::Csv { pictures, votes } => csv_form::list(self, pictures, votes, &chosen),
            Form::Folders => folder_form::list(self, &chosen),
        }
    }
}

impl<'a> Ferplus<'a> {
    /// Finds the form in `root`; `val` and `test` are the parts of FER2013 that become those splits, and the second rule
    /// is that of their labels.
    pub fn find(
        root: &'a Path,
        [labels, test_labels]: [FerplusLabels; 2],
        val: FerUsage,
        test: FerUsage,
    ) -> Result<Ferplus<'a>, DatasetError> {
        let (form, inputs) = (Form::Folders, Inputs::default());
        let mut found = Ferplus { root, labels, test_labels, val, test, form, inputs };
        found.find_files()?;
        Ok(found)
    }

    fn find_files(&mut self) -> Result<(), DatasetError> {
        let pictures = self.root.join("fer2013.csv");
        let votes = self.root.join("fer2013new.csv");
        if pictures.is_file() && votes.is_file() {
            self.inputs.add(pictures.clone());
            self.inputs.add(votes.clone());
            self.form = Form::Csv { pictures, votes };
            return Ok(());
        }
        let folders: Vec<PathBuf> = self.folders().into_iter().map(|(folder, _)| folder).collect();
        if folders.iter().any(|folder| folder.is_dir()) {
            for folder in folders {
                let list = folder.join("label.csv");
                if !list.is_file() {
                    return Err(self.not_there(&format!("{} is missing", list.display())));
                }
                self.inputs.add(list);
                self.inputs.add_pictures(&folder, 1)?;
            }
            return Ok(());
        }
        let cure = match (pictures.is_file(), votes.is_file(), self.root.is_dir()) {
            (true, false, _) => "fer2013new.csv (the votes, from FERPlus) is missing; with FER2013's own labels it is \
                                 kind = \"fer2013\""
                .to_owned(),
            (false, true, _) => "fer2013.csv (the pictures, from Kaggle) is missing".to_owned(),
            (_, _, true) => {
                "neither is there; point dataset.root at the folder that holds them".to_owned()
            }
            (_, _, false) => "the folder does not exist; correct dataset.root".to_owned(),
        };
        Err(self.not_there(&cure))
    }

    fn not_there(&self, cure: &str) -> DatasetError {
        DatasetError::NotThere {
            what: "FER+",
            root: self.root.to_owned(),
            looked_for:
                "fer2013.csv with fer2013new.csv, or the folders FER2013Train, FER2013Valid and \
                         FER2013Test, each with label.csv and PNGs"
                    .to_owned(),
            cure: cure.to_owned(),
        }
    }

    /// The split that one of FER2013's parts is for this experiment.
    fn split(&self, usage: FerUsage) -> Option<Split> {
        split_of(usage, self.val, self.test)
    }

    /// The folders of the second form that the experiment reads, with their splits.
    fn folders(&self) -> Vec<(PathBuf, Split)> {
        [
            (FerUsage::Training, "FER2013Train"),
            (FerUsage::PublicTest, "FER2013Valid"),
            (FerUsage::PrivateTest, "FER2013Test"),
        ]
        .into_iter()
        .filter_map(|(usage, folder)| Some((self.root.join(folder), self.split(usage)?)))
        .collect()
    }

    /// Adds an image to the listing and gives its entry, or counts the reason why it is excluded.
    fn add<'l>(
        &self,
        listing: &'l mut Listing,
        split: Split,
        name: &str,
        votes: &Votes,
        chosen: &[usize],
        picture: impl FnOnce() -> Picture,
    ) -> Option<&'l mut Entry> {
        if name.is_empty() {
            listing.leave_out(split, "no picture name (not a face)");
            return None;
        }
        let rule = match split {
            Split::Train => self.labels,
            Split::Val | Split::Test => self.test_labels,
        };
        match labels::label(rule, votes, chosen) {
            Ok(label) => {
                listing.remarks.hardly_faces += usize::from(labels::is_hardly_a_face(votes));
                listing.entries.push(Entry::new(split, name.to_owned(), picture(), label));
                listing.entries.last_mut()
            }
            Err(reason) => {
                listing.leave_out(split, reason);
                None
            }
        }
    }
}

/// The split that one of FER2013's parts is, where `val` and `test` are those splits.
fn split_of(usage: FerUsage, val: FerUsage, test: FerUsage) -> Option<Split> {
    match usage {
        _ if usage == val => Some(Split::Val),
        _ if usage == test => Some(Split::Test),
        FerUsage::Training => Some(Split::Train),
        FerUsage::PublicTest | FerUsage::PrivateTest => None,
    }
}

/// The ten counts of a row.
fn votes<'a>(fields: impl IntoIterator<Item = &'a str>) -> Result<Votes, String> {
    let mut votes = Votes::default();
    let mut fields = fields.into_iter();
    for (column, count) in votes.iter_mut().enumerate() {
        let field = fields.next().unwrap_or_default().trim();
        *count = field.parse().map_err(|_| {
            let name = EMOTIONS.iter().chain(&["unknown", "NF"]).nth(column).unwrap_or(&"");
            format!("the votes for {name} are `{field}`, not a whole number from 0 on")
        })?;
    }
    Ok(votes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn message(root: &Path) -> String {
        let found = Ferplus::find(
            root,
            [FerplusLabels::Votes; 2],
            FerUsage::PublicTest,
            FerUsage::PrivateTest,
        );
        found.unwrap_err().to_string()
    }

    #[test]
    fn missing_files_give_an_error_with_the_expected_ones() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert_eq!(
            message(root),
            format!(
                "no FER+ in {}: looked for fer2013.csv with fer2013new.csv, or the folders FER2013Train, \
                 FER2013Valid and FER2013Test, each with label.csv and PNGs; neither is there; point \
                 dataset.root at the folder that holds them",
                root.display()
            )
        );
        assert!(
            message(&root.join("absent"))
                .ends_with("the folder does not exist; correct dataset.root")
        );
        fs::write(root.join("fer2013new.csv"), "").unwrap();
        assert!(message(root).ends_with("fer2013.csv (the pictures, from Kaggle) is missing"));
        fs::create_dir(root.join("FER2013Train")).unwrap();
        assert!(message(root).ends_with("FER2013Train/label.csv is missing"));
    }

    #[test]
    fn unknown_and_not_a_face_are_no_classes() {
        let root = tempfile::tempdir().unwrap();
        for file in ["fer2013.csv", "fer2013new.csv"] {
            fs::write(root.path().join(file), "").unwrap();
        }
        let (val, test) = (FerUsage::PublicTest, FerUsage::PrivateTest);
        let source = Ferplus::find(root.path(), [FerplusLabels::Votes; 2], val, test).unwrap();
        let classes = ["neutral".to_owned(), "unknown".to_owned()];
        assert_eq!(
            source.list(&classes).unwrap_err().to_string(),
            "the class `unknown` is not one of FER+'s: neutral, happiness, surprise, sadness, anger, disgust, \
             fear, contempt; correct dataset.classes"
        );
    }
}
