//! Pictures of the user's own, in folders by class.
//!
//! Three layouts are read, whichever the root holds:
//!
//! - `<split>/<class>/*`, where the splits are `train`, `val` (or `valid`, `validation`) and `test`;
//!   one that is not there is carved out of `train`;
//! - `<class>/*` alone: `val` and `test` are carved out;
//! - as the first, with the classes in `train_labels.csv`, `test_labels.csv` (`image,label`) beside the
//!   split folders or the folder `DATASET` around them, as one copy of RAF-DB has it.
//!
//! A class is named as its folder. Where all folders are RAF-DB's numbers 1 to 7, RAF-DB's names may be
//! used as well. An image is named by its path under the root.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use super::carve::carve;
use super::inputs::Inputs;
use super::listing::{Catalogue, Entry, Listing, Picture};
use super::{DatasetError, Split, first_maximum, rafdb};

/// The part of a folder that an experiment uses, and its files.
#[derive(Debug)]
pub struct Folder<'a> {
    root: &'a Path,
    val: f64,
    test: f64,
    split_seed: u64,
    parts: BTreeMap<Split, Part>,
    inputs: Inputs,
}

/// The folder of a split, and the table of its classes where there is one.
#[derive(Debug)]
struct Part {
    folder: PathBuf,
    labels: Option<PathBuf>,
}

/// A picture and the data set's own name of its class.
struct Found {
    split: Split,
    picture: PathBuf,
    label: String,
}

impl<'a> Folder<'a> {
    /// Finds the layout of `root`; `val` and `test` are shares of each class's images, for a split that
    /// has no folder.
    pub fn find(
        root: &'a Path,
        val: f64,
        test: f64,
        split_seed: u64,
    ) -> Result<Folder<'a>, DatasetError> {
        let nested = root.join("DATASET");
        let base = if nested.join("train").is_dir() { nested.as_path() } else { root };
        let mut parts = BTreeMap::new();
        if base.join("train").is_dir() {
            for (split, names) in [
                (Split::Train, ["train"].as_slice()),
                (Split::Val, &["val", "valid", "validation"]),
                (Split::Test, &["test"]),
            ] {
                if let Some(name) = names.iter().find(|name| base.join(name).is_dir()) {
                    let table = format!("{name}_labels.csv");
                    let labels = [root.join(&table), base.join(&table)]
                        .into_iter()
                        .find(|path| path.is_file());
                    parts.insert(split, Part { folder: base.join(name), labels });
                }
            }
        } else {
            parts.insert(Split::Train, Part { folder: root.to_owned(), labels: None });
        }
        let mut inputs = Inputs::default();
        if root.is_dir() {
            for part in parts.values() {
                inputs.add_pictures(&part.folder, 2)?;
            }
        }
        if inputs.pictures_under(root).next().is_none() {
            let cure = if root.is_dir() {
                "there is no PNG or JPEG; point dataset.root at the folder that holds them"
            } else {
                "the folder does not exist; correct dataset.root"
            };
            return Err(DatasetError::NotThere {
                what: "pictures in folders by class",
                root: root.to_owned(),
                looked_for: "train/<class>/*, or <class>/*, PNG or JPEG".to_owned(),
                cure: cure.to_owned(),
            });
        }
        for part in parts.values() {
            part.labels.iter().for_each(|labels| inputs.add(labels.clone()));
        }
        Ok(Folder { root, val, test, split_seed, parts, inputs })
    }
}

impl Catalogue for Folder<'_> {
    fn root(&self) -> &Path {
        self.root
    }

    fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    fn list(&self, classes: &[String]) -> Result<Listing, DatasetError> {
        let mut listing = Listing::new();
        let mut found = Vec::new();
        for (&split, part) in &self.parts {
            match &part.labels {
                Some(labels) => {
                    from_table(split, part, labels, &self.inputs, &mut found, &mut listing)?
                }
                None => from_folders(split, part, &self.inputs, &mut found, &mut listing),
            }
        }
        let labels: BTreeSet<&str> = found.iter().map(|image| image.label.as_str()).collect();
        let names = Names::of(&labels, classes);
        for class in classes {
            if !labels.iter().any(|label| names.class(label) == class) {
                let known: Vec<&str> = labels.iter().map(|label| names.class(label)).collect();
                let known = known.join(", ");
                return Err(DatasetError::UnknownClass {
                    class: class.clone(),
                    kind: "the folder",
                    known,
                });
            }
        }
        for image in &found {
            let class = names.class(&image.label);
            let Some(index) = classes.iter().position(|chosen| chosen == class) else {
                listing.leave_out(image.split, format!("the class `{class}` is not chosen"));
                continue;
            };
            let mut label = vec![0.0; classes.len()];
            label[index] = 1.0;
            let picture = Picture::File(image.picture.clone());
            listing.entries.push(Entry::new(
                image.split,
                self.name(&image.picture),
                picture,
                label,
            ));
        }
        self.carve_missing(&mut listing);
        Ok(listing)
    }
}

impl Folder<'_> {
    fn name(&self, picture: &Path) -> String {
        let path = picture.strip_prefix(self.root).unwrap_or(picture);
        let parts: Vec<_> =
            path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        parts.join("/")
    }

    /// Test first, then validation, each by its share of what the training folder held.
    fn carve_missing(&self, listing: &mut Listing) {
        let missing = |split| !self.parts.contains_key(&split);
        if missing(Split::Test) {
            self.carve_one(listing, Split::Test, self.test);
        }
        if missing(Split::Val) {
            let left = if missing(Split::Test) { 1.0 - self.test } else { 1.0 };
            self.carve_one(listing, Split::Val, self.val / left);
        }
    }

    fn carve_one(&self, listing: &mut Listing, split: Split, share: f64) {
        let train: Vec<&mut Entry> =
            listing.entries.iter_mut().filter(|entry| entry.split == Split::Train).collect();
        let strata: Vec<usize> = train.iter().map(|entry| first_maximum(&entry.label)).collect();
        for (entry, marked) in
            train.into_iter().zip(carve(&strata, share, self.split_seed, split.name()))
        {
            if marked {
                entry.split = split;
            }
        }
    }
}

fn from_folders(
    split: Split,
    part: &Part,
    inputs: &Inputs,
    found: &mut Vec<Found>,
    listing: &mut Listing,
) {
    for picture in inputs.pictures_under(&part.folder) {
        match picture.parent().filter(|folder| *folder != part.folder).and_then(Path::file_name) {
            Some(class) => {
                let label = class.to_string_lossy().into_owned();
                found.push(Found { split, picture: picture.to_owned(), label });
            }
            None => listing.leave_out(split, "not in a class's folder"),
        }
    }
}

fn from_table(
    split: Split,
    part: &Part,
    path: &Path,
    inputs: &Inputs,
    found: &mut Vec<Found>,
    listing: &mut Listing,
) -> Result<(), DatasetError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|error| DatasetError::csv(path, &error))?;
    let header = reader.headers().map_err(|error| DatasetError::csv(path, &error))?;
    let find = |name: &str| header.iter().position(|column| column == name);
    let (Some(image), Some(label)) = (find("image"), find("label")) else {
        return Err(DatasetError::row(path, 1, "the columns must be `image` and `label`"));
    };
    let mut listed = HashSet::new();
    for record in reader.records() {
        let record = record.map_err(|error| DatasetError::csv(path, &error))?;
        let (name, label) = (&record[image], &record[label]);
        let places = [part.folder.join(label).join(name), part.folder.join(name)];
        let Some(picture) = places.iter().find(|place| inputs.contains(place)) else {
            let line = record.position().map_or(0, csv::Position::line);
            let [first, second] = places.map(|place| place.display().to_string());
            return Err(DatasetError::row(
                path,
                line,
                format!("no picture at {first} or {second}"),
            ));
        };
        listed.insert(picture.clone());
        found.push(Found { split, picture: picture.clone(), label: label.to_owned() });
    }
    for _ in inputs.pictures_under(&part.folder).filter(|picture| !listed.contains(*picture)) {
        listing.leave_out(split, "not in the table of labels");
    }
    Ok(())
}

/// The data set's own names of its classes.
enum Names {
    AsTheyAre,
    RafDb,
}

impl Names {
    fn of(labels: &BTreeSet<&str>, classes: &[String]) -> Names {
        let number =
            |label: &str| label.parse::<usize>().is_ok_and(|number| (1..=7).contains(&number));
        let named = classes.iter().any(|class| labels.contains(class.as_str()));
        if !named && labels.iter().all(|label| number(label)) {
            Names::RafDb
        } else {
            Names::AsTheyAre
        }
    }

    fn class<'a>(&self, label: &'a str) -> &'a str {
        match self {
            Names::AsTheyAre => label,
            Names::RafDb => {
                let emotion = label
                    .parse::<usize>()
                    .ok()
                    .and_then(|number| rafdb::EMOTIONS.get(number.wrapping_sub(1)));
                emotion.copied().unwrap_or(label)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Writes empty files, and `(path, text)` as they are.
    fn laid_out(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn listed(root: &Path, classes: &[&str]) -> Result<Listing, DatasetError> {
        let classes: Vec<String> = classes.iter().map(|&class| class.to_owned()).collect();
        Folder::find(root, 0.25, 0.25, 1)?.list(&classes)
    }

    fn shown(listing: &Listing) -> Vec<String> {
        let show = |entry: &Entry| format!("{} {} {:?}", entry.split, entry.name, entry.label);
        listing.entries.iter().map(show).collect()
    }

    #[test]
    fn split_and_class_folders_are_taken_as_they_are() {
        let root = laid_out(&[
            ("train/joy/a.png", ""),
            ("train/rage/b.jpg", ""),
            ("train/other/c.png", ""),
            ("train/d.png", ""),
            ("valid/joy/a.png", ""),
            ("test/rage/b.jpg", ""),
        ]);
        let listing = listed(root.path(), &["rage", "joy"]).unwrap();
        assert_eq!(
            shown(&listing),
            [
                "train train/joy/a.png [0.0, 1.0]",
                "train train/rage/b.jpg [1.0, 0.0]",
                "val valid/joy/a.png [0.0, 1.0]",
                "test test/rage/b.jpg [1.0, 0.0]",
            ]
        );
        let reasons = &listing.left_out[&Split::Train];
        assert_eq!(
            (reasons["the class `other` is not chosen"], reasons["not in a class's folder"]),
            (1, 1)
        );
    }

    #[test]
    fn class_folders_alone_are_split_class_by_class() {
        let files: Vec<String> = (0..16)
            .flat_map(|image| [format!("joy/{image}.png"), format!("rage/{image}.png")])
            .collect();
        let files: Vec<(&str, &str)> = files.iter().map(|path| (path.as_str(), "")).collect();
        let root = laid_out(&files);
        let listing = listed(root.path(), &["joy", "rage"]).unwrap();
        let count = |split, class: &str| {
            listing
                .entries
                .iter()
                .filter(|entry| entry.split == split && entry.name.starts_with(class))
                .count()
        };
        for class in ["joy", "rage"] {
            assert_eq!(Split::ALL.map(|split| count(split, class)), [8, 4, 4]);
        }
    }

    #[test]
    fn the_copy_of_rafdb_with_tables_is_read_by_number_and_by_name() {
        let root = laid_out(&[
            ("DATASET/train/1/train_1_aligned.jpg", ""),
            ("DATASET/train/4/train_2_aligned.jpg", ""),
            ("DATASET/train/4/train_3_aligned.jpg", ""),
            ("DATASET/test/4/test_1_aligned.jpg", ""),
            ("train_labels.csv", "image,label\ntrain_1_aligned.jpg,1\ntrain_2_aligned.jpg,4\n"),
            ("test_labels.csv", "image,label\ntest_1_aligned.jpg,4\n"),
        ]);
        let by_name = listed(root.path(), &["happiness", "surprise"]).unwrap();
        assert_eq!(
            shown(&by_name),
            [
                "train DATASET/train/1/train_1_aligned.jpg [0.0, 1.0]",
                "train DATASET/train/4/train_2_aligned.jpg [1.0, 0.0]",
                "test DATASET/test/4/test_1_aligned.jpg [1.0, 0.0]",
            ]
        );
        assert_eq!(by_name.left_out[&Split::Train]["not in the table of labels"], 1);
        assert_eq!(shown(&listed(root.path(), &["4", "1"]).unwrap()), shown(&by_name));
        // Without the tables the folders give the same classes, and every picture counts.
        fs::remove_file(root.path().join("train_labels.csv")).unwrap();
        assert_eq!(listed(&root.path().join("DATASET"), &["4", "1"]).unwrap().entries.len(), 4);
    }

    #[test]
    fn invalid_folders_give_errors() {
        let root = laid_out(&[
            ("train/1/a.png", ""),
            ("train/x/b.png", ""),
            ("train_labels.csv", "image,label\na.png,1\nz.png,1\n"),
        ]);
        let place = root.path().display();
        let message = |classes: &[&str]| listed(root.path(), classes).unwrap_err().to_string();
        assert_eq!(
            message(&["1", "x"]),
            format!(
                "{place}/train_labels.csv, line 3: no picture at {place}/train/1/z.png or {place}/train/z.png"
            )
        );
        fs::write(root.path().join("train_labels.csv"), "name,label\n").unwrap();
        assert!(
            message(&["1", "x"])
                .ends_with("train_labels.csv, line 1: the columns must be `image` and `label`")
        );
        fs::remove_file(root.path().join("train_labels.csv")).unwrap();
        assert_eq!(
            message(&["1", "joy"]),
            "the class `joy` is not one of the folder's: 1, x; correct dataset.classes"
        );
        let empty = tempfile::tempdir().unwrap();
        assert!(listed(empty.path(), &["a"]).unwrap_err().to_string().contains(
            "looked for train/<class>/*, or <class>/*, PNG or JPEG; there is no PNG or JPEG; point dataset.root"
        ));
    }
}
