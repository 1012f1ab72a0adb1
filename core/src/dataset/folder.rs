//! Pictures of the user's own, in folders by class.
//!
//! These layouts are read, whichever the root holds, itself or in one folder that wraps it:
//!
//! - `<split>/<class>/**`, where the splits are `train`, `val` and `test`, in the spellings of [`split_named`], upper or
//!   lower case; one that is not there is carved out of `train`;
//! - `<class>/**` alone: `val` and `test` are carved out;
//! - as the first, with the classes in `train_labels.csv`, `test_labels.csv` (`image,label`) beside the
//!   split folders or the folder around them, as one copy of RAF-DB has it; or in AffectNet's [`annotations`].
//!
//! A class's pictures may lie in folders of their own under it. Which class a folder's name means, [`labels`] says. An
//! image is named by its path under the root. In place of a folder, a pattern over these names may find the label
//! (`dataset.label`), in the first two layouts with any folders or none below the splits. Hidden folders are no part of a data set.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::inputs::{Inputs, is_hidden, is_picture};
use super::labels::Classes;
use super::listing::{Catalogue, Entry, Listing, Picture};
use super::pattern::Pattern;
use super::splits::split_named;
use super::{DatasetError, Split, annotations, groups};
use crate::experiment::FolderSpec;

/// How many folders may lie in each other.
const DEPTH: usize = 16;

/// The part of a folder that an experiment uses, and its files.
#[derive(Debug)]
pub struct Folder<'a> {
    spec: &'a FolderSpec,
    parts: BTreeMap<Split, Part>,
    /// Folders beside the splits' that are none of theirs.
    others: Vec<PathBuf>,
    inputs: Inputs,
}

/// The folder of a split, and what says its pictures' classes where their folders do not.
#[derive(Debug)]
struct Part {
    folder: PathBuf,
    labels: Option<Labels>,
}

#[derive(Debug)]
enum Labels {
    Table(PathBuf),
    /// The files of AffectNet's annotations.
    Annotations(Vec<PathBuf>),
}

impl Labels {
    fn files(&self) -> &[PathBuf] {
        match self {
            Labels::Table(table) => std::slice::from_ref(table),
            Labels::Annotations(files) => files,
        }
    }
}

/// A picture and the data set's own name of its class.
struct Found {
    split: Split,
    picture: PathBuf,
    label: String,
}

impl<'a> Folder<'a> {
    /// Finds the layout of the root.
    pub fn find(spec: &'a FolderSpec) -> Result<Folder<'a>, DatasetError> {
        let root = spec.root.as_path();
        let nothing = |cure: &str| DatasetError::NotThere {
            what: "pictures in folders by class",
            root: root.to_owned(),
            looked_for: "train/<class>/*, or <class>/*, PNG, JPEG, BMP, WebP, TIFF or PNM"
                .to_owned(),
            cure: cure.to_owned(),
        };
        if !root.is_dir() {
            return Err(nothing("the folder does not exist; correct dataset.root"));
        }
        let base = unwrapped(root)?;
        let mut parts: BTreeMap<Split, Part> = BTreeMap::new();
        let mut others = Vec::new();
        for folder in folders(&base)? {
            let Some(split) = split_of(&folder) else {
                others.push(folder);
                continue;
            };
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            let table = format!("{name}_labels.csv");
            let tables = [root.join(&table), base.join(&table)];
            let table = tables.into_iter().find(|path| path.is_file()).map(Labels::Table);
            let annotations = annotations::files(&folder)?;
            let annotations = (!annotations.is_empty()).then_some(Labels::Annotations(annotations));
            let labels = table.or(annotations);
            if let Some(Part { folder: one, .. }) = parts.get(&split) {
                let (one, other) = (one.clone(), folder);
                return Err(DatasetError::TwoFolders { split, one, other });
            }
            parts.insert(split, Part { folder, labels });
        }
        if parts.is_empty() {
            parts.insert(Split::Train, Part { folder: base, labels: None });
            others.clear();
        } else if !parts.contains_key(&Split::Train) {
            let cure =
                "there are folders of other splits, but none of training pictures: name it `train`";
            return Err(nothing(cure));
        }
        let mut inputs = Inputs::default();
        for folder in parts.values().map(|part| &part.folder).chain(&others) {
            inputs.add_pictures(folder, DEPTH)?;
        }
        if inputs.pictures_under(root).next().is_none() {
            return Err(nothing(
                "there is no such picture; point dataset.root at the folder that holds them",
            ));
        }
        for part in parts.values() {
            let files = part.labels.iter().flat_map(Labels::files);
            files.for_each(|file| inputs.add(file.clone()));
        }
        Ok(Folder { spec, parts, others, inputs })
    }
}

/// The folder that holds the splits or classes: the root, or one that it wraps alone, without pictures beside it.
fn unwrapped(root: &Path) -> Result<PathBuf, DatasetError> {
    let mut base = root.to_owned();
    for _ in 0..DEPTH {
        let inner = folders(&base)?;
        let [only] = inner.as_slice() else { break };
        let wraps = split_of(only).is_none()
            && !folders(only)?.is_empty()
            && !entries(&base)?.iter().any(|file| is_picture(file));
        if !wraps {
            break;
        }
        base = only.clone();
    }
    Ok(base)
}

/// The split whose folder this is, by its name.
fn split_of(folder: &Path) -> Option<Split> {
    split_named(&folder.file_name()?.to_string_lossy())
}

/// The folders in one, sorted, but hidden ones.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let visible = |path: &PathBuf| path.is_dir() && !is_hidden(path);
    Ok(entries(folder)?.into_iter().filter(visible).collect())
}

/// All that lies in a folder, sorted.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let unreadable = |why| DatasetError::unreadable(folder, why);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    Ok(paths)
}

impl Catalogue for Folder<'_> {
    fn root(&self) -> &Path {
        &self.spec.root
    }

    fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    fn list(&self, classes: &[String]) -> Result<Listing, DatasetError> {
        let mut listing = Listing::new();
        let mut found = Vec::new();
        let pattern = |key, text: &String| {
            Pattern::new(text).map_err(|why| DatasetError::NoPattern { key, why })
        };
        let in_names = self.spec.label.as_ref().map(|text| pattern("label", text)).transpose()?;
        for (&split, part) in &self.parts {
            match (&in_names, &part.labels) {
                (Some(pattern), _) => {
                    self.find_in_names(split, part, pattern, &mut found, &mut listing);
                }
                (None, Some(Labels::Table(labels))) => {
                    from_table(split, part, labels, &self.inputs, &mut found, &mut listing)?;
                }
                (None, Some(Labels::Annotations(_))) => {
                    for (picture, label) in annotations::labels(&part.folder, &self.inputs)? {
                        let picture = picture.to_owned();
                        match label {
                            Some(label) => found.push(Found { split, picture, label }),
                            None => listing.leave_out(split, "it has no annotation"),
                        }
                    }
                }
                (None, None) => from_folders(split, part, &self.inputs, &mut found, &mut listing),
            }
        }
        if let (Some(_), true) = (&in_names, found.is_empty()) {
            let mut pictures = self.inputs.pictures_under(&self.spec.root);
            let name = pictures.next().map(|picture| self.name(picture)).unwrap_or_default();
            return Err(DatasetError::NoMatch { key: "label", name });
        }
        for folder in &self.others {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            for _ in self.inputs.pictures_under(folder) {
                listing.leave_out(Split::Train, format!("in `{name}`, which is no split"));
            }
        }
        let labels: BTreeSet<&str> = found.iter().map(|image| image.label.as_str()).collect();
        let named = Classes::new(classes, &self.spec.labels);
        named.check(&labels)?;
        for image in &found {
            let Some(index) = named.place(&image.label) else {
                let class = named.of(&image.label);
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
        if let Some(group) = &self.spec.group {
            groups::by_pattern(&mut listing, &pattern("group", group)?)?;
        }
        let FolderSpec { val, test, split_seed, .. } = *self.spec;
        listing.carve_missing(|split| self.parts.contains_key(&split), [val, test], split_seed);
        groups::remark(&mut listing);
        Ok(listing)
    }
}

impl Folder<'_> {
    fn name(&self, picture: &Path) -> String {
        name_under(&self.spec.root, picture)
    }

    /// Labels that a pattern finds in the names.
    fn find_in_names(
        &self,
        split: Split,
        part: &Part,
        pattern: &Pattern,
        found: &mut Vec<Found>,
        listing: &mut Listing,
    ) {
        for picture in self.inputs.pictures_under(&part.folder) {
            match pattern.find(&self.name(picture)) {
                Some(label) => {
                    let label = label.to_owned();
                    found.push(Found { split, picture: picture.to_owned(), label });
                }
                None => listing.leave_out(split, "dataset.label finds nothing in its name"),
            }
        }
    }
}

/// An image's name: its path under the root, with `/`.
pub fn name_under(root: &Path, picture: &Path) -> String {
    let path = picture.strip_prefix(root).unwrap_or(picture);
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

fn from_folders(
    split: Split,
    part: &Part,
    inputs: &Inputs,
    found: &mut Vec<Found>,
    listing: &mut Listing,
) {
    for picture in inputs.pictures_under(&part.folder) {
        let under = picture.strip_prefix(&part.folder).unwrap_or(picture);
        let mut components = under.components();
        match components.next().filter(|_| components.next().is_some()) {
            Some(class) => {
                let label = class.as_os_str().to_string_lossy().into_owned();
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

#[cfg(test)]
pub mod tests {
    use std::fs;

    use super::*;

    /// Writes empty files, and `(path, text)` as they are.
    pub fn laid_out(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    pub fn spec(root: &Path) -> FolderSpec {
        FolderSpec {
            root: root.to_owned(),
            label: None,
            labels: BTreeMap::new(),
            group: None,
            val: 0.25,
            test: 0.25,
            split_seed: 1,
        }
    }

    fn listed(root: &Path, classes: &[&str]) -> Result<Listing, DatasetError> {
        let classes: Vec<String> = classes.iter().map(|&class| class.to_owned()).collect();
        Folder::find(&spec(root))?.list(&classes)
    }

    /// Each image with its split and label.
    pub fn shown(listing: &Listing) -> Vec<String> {
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
    fn the_copy_of_rafdb_with_tables_is_read_by_number_and_by_what_the_file_says() {
        let root = laid_out(&[
            ("DATASET/train/1/train_1_aligned.jpg", ""),
            ("DATASET/train/4/train_2_aligned.jpg", ""),
            ("DATASET/train/4/train_3_aligned.jpg", ""),
            ("DATASET/test/4/test_1_aligned.jpg", ""),
            ("train_labels.csv", "image,label\ntrain_1_aligned.jpg,1\ntrain_2_aligned.jpg,4\n"),
            ("test_labels.csv", "image,label\ntest_1_aligned.jpg,4\n"),
        ]);
        let said = [("1", "surprise"), ("4", "happiness")];
        let said = said.map(|(label, class)| (label.to_owned(), class.to_owned())).into();
        let classes = ["happiness", "surprise"].map(str::to_owned);
        let spec = FolderSpec { labels: said, ..spec(root.path()) };
        let by_name = Folder::find(&spec).unwrap().list(&classes).unwrap();
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
            "nothing is of the class `joy`; the labels are 1, x; correct dataset.classes, or say which labels mean \
             which class: under [dataset], labels = { \"x\" = \"...\" }"
        );
        let empty = tempfile::tempdir().unwrap();
        assert!(listed(empty.path(), &["a"]).unwrap_err().to_string().contains(
            "looked for train/<class>/*, or <class>/*, PNG, JPEG, BMP, WebP, TIFF or PNM; there is no such picture; point dataset.root"
        ));
    }

    #[test]
    fn splits_are_known_in_any_case_and_in_one_folder_around_them() {
        let root = laid_out(&[
            ("FER/Train/Happy/a.png", ""),
            ("FER/Train/Angry/s01/b.png", ""),
            ("FER/TEST/happiness/c.png", ""),
            ("FER/Validation/3_anger/d.png", ""),
            ("FER/extra/anger/e.png", ""),
            ("FER/Train/.ipynb_checkpoints/f.png", ""),
            ("FER/.hidden/train/x/g.png", ""),
            ("__MACOSX/FER/Train/Happy/h.png", ""),
            ("readme.txt", ""),
        ]);
        let listing = listed(root.path(), &["happiness", "anger"]).unwrap();
        assert_eq!(
            shown(&listing),
            [
                "train FER/Train/Angry/s01/b.png [0.0, 1.0]",
                "train FER/Train/Happy/a.png [1.0, 0.0]",
                "val FER/Validation/3_anger/d.png [0.0, 1.0]",
                "test FER/TEST/happiness/c.png [1.0, 0.0]",
            ]
        );
        assert_eq!(listing.left_out[&Split::Train]["in `extra`, which is no split"], 1);
    }

    #[test]
    fn labels_and_people_are_found_in_names() {
        let mut files: Vec<String> = Vec::new();
        for person in ["KA", "KL", "MK", "NA"] {
            for (place, class) in ["HA", "AN", "NE"].iter().enumerate() {
                files.extend(
                    (1..3).map(|take| format!("jaffe/{person}.{class}{take}.{}.tiff", 7 + place)),
                );
            }
        }
        files.push("jaffe/README.png".to_owned());
        let files: Vec<(&str, &str)> = files.iter().map(|path| (path.as_str(), "")).collect();
        let root = laid_out(&files);
        let labels = [("HA", "joy"), ("AN", "rage")];
        let labels = labels.map(|(label, class)| (label.to_owned(), class.to_owned())).into();
        let mut spec = FolderSpec {
            label: Some(r"\.([A-Z]{2})\d\.".to_owned()),
            group: Some(r"([A-Z]{2})\.[A-Z]{2}\d".to_owned()),
            labels,
            ..spec(root.path())
        };
        let classes = ["joy", "rage"].map(str::to_owned);
        let listing = Folder::find(&spec).unwrap().list(&classes).unwrap();
        assert_eq!(listing.entries.len(), 16);
        let reasons = &listing.left_out[&Split::Train];
        assert_eq!(
            (
                reasons["the class `NE` is not chosen"],
                reasons["dataset.label finds nothing in its name"]
            ),
            (8, 1)
        );
        for split in [Split::Val, Split::Test] {
            let of_split: Vec<&Entry> =
                listing.entries.iter().filter(|entry| entry.split == split).collect();
            assert_eq!(of_split.len(), 4, "one of the four people");
            assert!(of_split.iter().all(|entry| entry.group == of_split[0].group));
        }
        assert_eq!((listing.remarks.groups, listing.remarks.divided.len()), (4, 0));
        for key in ["group", "label"] {
            match key {
                "group" => spec.group = Some("nothing".to_owned()),
                _ => spec.label = Some("nothing".to_owned()),
            }
            let refused = Folder::find(&spec).unwrap().list(&classes).unwrap_err().to_string();
            assert!(
                refused.starts_with(&format!(
                    "dataset.{key} finds nothing in the names, such as `jaffe/"
                )),
                "{refused}"
            );
        }
    }

    #[test]
    fn two_folders_of_one_split_and_none_of_training_are_refused() {
        let root = laid_out(&[("train/a/1.png", ""), ("val/a/2.png", ""), ("VALID/a/3.png", "")]);
        let place = root.path().display();
        assert_eq!(
            listed(root.path(), &["a", "b"]).unwrap_err().to_string(),
            format!(
                "{place}/VALID and {place}/val are both for val; merge them, or move one out of the folder"
            )
        );
        let root = laid_out(&[("test/a/1.png", ""), ("val/a/2.png", "")]);
        let message = listed(root.path(), &["a", "b"]).unwrap_err().to_string();
        assert!(message.ends_with("but none of training pictures: name it `train`"), "{message}");
    }
}
