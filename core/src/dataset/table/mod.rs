//! Pictures with a table of their labels, of the user's own.
//!
//! The table is a [`Sheet`] whose columns are, in upper or lower case:
//!
//! - `image` (or what `dataset.image` says): a picture, as [`Named`] finds it under the root;
//! - `label` (or what `dataset.label` says): its class, as [`Classes`] understands labels; or in place of it a column for
//!   each chosen class, with the annotators' votes or shares. Votes for emotions that are not chosen are left out, and the
//!   others divided by their sum, as the rule `votes` does for FER+;
//! - `split`, if it is there (or what `dataset.split` says): see [`split_named`]. A split may have a table of its own
//!   instead. Without either, splits are carved out;
//! - `subject`, if it is there (or what `dataset.group` says, or finds in the names): no split that is carved out divides
//!   a group;
//! - `left`, `top`, `right` and `bottom`, if all are there: the pixels of a face in a picture with more around it, which is
//!   cut out. The faces of one picture are a group where nothing else is, and an image is named by `#left,top` too.
//!
//! An image is named by its path under the root.

mod columns;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use self::columns::{Columns, Label};
use super::folder::name_under;
use super::inputs::Inputs;
use super::labels::Classes;
use super::listing::{Catalogue, Entry, Listing, Picture, Place};
use super::named::{Found, Named};
use super::sheet::{Row, Sheet};
use super::splits::split_named;
use super::{DatasetError, Split, groups};
use crate::experiment::TableSpec;

/// How many folders may lie in each other.
const DEPTH: usize = 16;

/// Missing pictures named in a message at most.
const MOST_NAMED: usize = 10;

/// The part of a table that an experiment uses, and its files.
#[derive(Debug)]
pub struct Table<'a> {
    spec: &'a TableSpec,
    inputs: Inputs,
}

impl<'a> Table<'a> {
    pub fn find(spec: &'a TableSpec) -> Result<Table<'a>, DatasetError> {
        let TableSpec { root, .. } = spec;
        let mut found = Table { spec, inputs: Inputs::default() };
        let nothing = |cure: &str| DatasetError::NotThere {
            what: "pictures",
            root: root.to_owned(),
            looked_for: "the pictures that the table names".to_owned(),
            cure: cure.to_owned(),
        };
        if !root.is_dir() {
            return Err(nothing("the folder does not exist; correct dataset.root"));
        }
        for (key, table) in found.tables() {
            if !table.is_file() {
                let what = format!("there is no such file; correct dataset.{}", key.key());
                return Err(DatasetError::table(table, what));
            }
            found.inputs.add(table.to_owned());
        }
        found.inputs.add_pictures(root, DEPTH)?;
        if found.inputs.pictures_under(root).next().is_none() {
            return Err(nothing(
                "there is no picture; point dataset.root at the folder that holds them",
            ));
        }
        Ok(found)
    }

    /// The tables, with the part of the data that each lists.
    fn tables(&self) -> Vec<(Part, &'a Path)> {
        let TableSpec { table, val_table, test_table, .. } = self.spec;
        let others = [(Part::Val, val_table), (Part::Test, test_table)];
        let others = others.into_iter().filter_map(|(part, table)| Some((part, table.as_deref()?)));
        std::iter::once((Part::Main, table.as_path())).chain(others).collect()
    }
}

/// Which images a table lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// All, or all but those of the other tables.
    Main,
    Val,
    Test,
}

impl Part {
    fn key(self) -> &'static str {
        match self {
            Part::Main => "table",
            Part::Val => "val_table",
            Part::Test => "test_table",
        }
    }
}

/// A row that is understood.
struct Image {
    split: Option<Split>,
    picture: PathBuf,
    label: Label,
    group: Option<String>,
    /// Where the face is in a picture with more around it.
    face: Option<Place>,
}

impl Catalogue for Table<'_> {
    fn root(&self) -> &Path {
        &self.spec.root
    }

    fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    fn list(&self, classes: &[String]) -> Result<Listing, DatasetError> {
        let known = Classes::new(classes, &self.spec.labels);
        let mut listing = Listing::new();
        let mut images = Vec::new();
        let mut named: HashMap<(PathBuf, Option<Place>), String> = HashMap::new();
        for (part, path) in self.tables() {
            let sheet = Sheet::open(path)?;
            let columns = Columns::of(&sheet, part, self.spec, &known)?;
            self.remark(&sheet, &columns, &mut listing);
            let found = self.read(sheet, part, &columns)?;
            for (at, image) in found {
                let here = format!("{}, {at}", path.display());
                let face = (image.picture.clone(), image.face);
                if let Some(first) = named.insert(face, here.clone()) {
                    // Lists of faces are known to have some lines twice.
                    if image.face.is_some() {
                        listing.leave_out(
                            image.split.unwrap_or(Split::Train),
                            "a second row of the same face",
                        );
                        continue;
                    }
                    let name = self.name(&image.picture);
                    return Err(DatasetError::table(
                        path,
                        format!("`{name}` is named twice, in {first} and in {here}; keep one row"),
                    ));
                }
                images.push(image);
            }
        }
        self.check_splits(&images)?;
        let labels: BTreeSet<&str> = images
            .iter()
            .filter_map(|image| match &image.label {
                Label::Class(label) => Some(label.as_str()),
                _ => None,
            })
            .collect();
        if images.iter().all(|image| !matches!(image.label, Label::Shares(_))) {
            known.check(&labels)?;
        }
        let present: Vec<Split> = images.iter().filter_map(|image| image.split).collect();
        for image in images {
            let split = image.split.unwrap_or(Split::Train);
            let label = match image.label {
                Label::Shares(label) => label,
                Label::None(reason) => {
                    listing.leave_out(split, reason);
                    continue;
                }
                Label::Class(label) => match known.place(&label) {
                    Some(class) => one_hot(class, classes.len()),
                    None => {
                        let class = known.of(&label);
                        listing.leave_out(split, format!("the class `{class}` is not chosen"));
                        continue;
                    }
                },
            };
            let whole = self.name(&image.picture);
            let (name, picture) = match image.face {
                None => (whole, Picture::File(image.picture)),
                Some(place) => {
                    let Place { left, top, .. } = place;
                    (format!("{whole}#{left},{top}"), Picture::Part { path: image.picture, place })
                }
            };
            let entry = Entry::new(split, name, picture, label);
            listing.entries.push(Entry { group: image.group, ..entry });
        }
        let named: HashSet<&Path> = named.keys().map(|(picture, _)| picture.as_path()).collect();
        for _ in self.inputs.pictures_under(&self.spec.root).filter(|path| !named.contains(*path)) {
            listing.leave_out(Split::Train, "not in the table of labels");
        }
        let TableSpec { val, test, split_seed, ref group, .. } = *self.spec;
        if let (Some(_), Some(first)) = (group, listing.entries.first())
            && listing.entries.iter().all(|entry| entry.group.is_none())
        {
            return Err(DatasetError::NoMatch { key: "group", name: first.name.clone() });
        }
        listing.carve_missing(|split| present.contains(&split), [val, test], split_seed);
        groups::remark(&mut listing);
        Ok(listing)
    }
}

fn one_hot(class: usize, classes: usize) -> Vec<f32> {
    let mut label = vec![0.0; classes];
    label[class] = 1.0;
    label
}

impl Table<'_> {
    fn name(&self, picture: &Path) -> String {
        name_under(&self.spec.root, picture)
    }

    /// Notes the columns that are not read.
    fn remark(&self, sheet: &Sheet, columns: &Columns, listing: &mut Listing) {
        let read = columns.places();
        for (column, name) in sheet.columns().iter().enumerate() {
            let known = &mut listing.remarks.columns_not_read;
            if !read.contains(&column) && !name.is_empty() && !known.contains(name) {
                known.push(name.clone());
            }
        }
    }

    /// The rows of a table whose pictures are there, each with its place in words.
    fn read(
        &self,
        sheet: Sheet,
        part: Part,
        columns: &Columns,
    ) -> Result<Vec<(String, Image)>, DatasetError> {
        let (path, rows) = (sheet.path().to_owned(), sheet.places());
        let names = sheet.columns().to_vec();
        let pictures = Named::new(&self.spec.root, &path, &self.inputs);
        let mut images = Vec::new();
        let mut missing: Vec<String> = Vec::new();
        for Row { at, cells } in sheet.rows(&columns.places())? {
            let [name, split, group, left, top, right, bottom, label @ ..] = cells.as_slice()
            else {
                continue;
            };
            let picture = match pictures.find(name) {
                Some(Found::One(picture)) => picture,
                Some(Found::Several(one, other)) => {
                    let (one, other) = (self.name(&one), self.name(&other));
                    let what = format!("`{name}` can be {one} or {other}; write which");
                    return Err(rows.wrong(at, what));
                }
                None => {
                    missing.push(format!("{}: `{name}`", rows.name(at)));
                    continue;
                }
            };
            let split = match (part, columns.split) {
                (Part::Val, _) => Some(Split::Val),
                (Part::Test, _) => Some(Split::Test),
                (Part::Main, None) => None,
                (Part::Main, Some(_)) => Some(split_named(split).ok_or_else(|| {
                    rows.wrong(at, format!("the split is `{split}`, not train, val or test"))
                })?),
            };
            // Beside tables of other splits, what says nothing else is for training.
            let split = split.or_else(|| self.has_others().then_some(Split::Train));
            let label = columns.label.label(&names, &rows, at, label)?;
            let group = columns.group.of_picture(&self.name(&picture), group);
            let sides = [left, top, right, bottom].map(String::clone);
            let face = columns.face(&sides).map_err(|what| rows.wrong(at, what))?;
            // The faces of one picture belong together.
            let group = group.or_else(|| {
                let alone = face.is_none() || self.spec.group.is_some();
                (!alone).then(|| self.name(&picture))
            });
            images.push((rows.name(at), Image { split, picture, label, group, face }));
        }
        match missing.is_empty() {
            true => Ok(images),
            false => Err(self.missing(&path, &missing, images.len())),
        }
    }

    fn has_others(&self) -> bool {
        self.spec.val_table.is_some() || self.spec.test_table.is_some()
    }

    fn missing(&self, table: &Path, missing: &[String], there: usize) -> DatasetError {
        let beside = match table.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut lines: String =
            missing.iter().take(MOST_NAMED).map(|line| format!("\n  {line}")).collect();
        if missing.len() > MOST_NAMED {
            lines += &format!("\n  and {} more", missing.len() - MOST_NAMED);
        }
        let cure = match there {
            0 => "point dataset.root at the folder that the names are relative to",
            _ => "add the pictures, or remove their rows",
        };
        let what = format!(
            "{} of the {} pictures that it names are not under {} (looked for relative to that folder and to {}):{lines}\n\
             {cure}",
            missing.len(),
            missing.len() + there,
            self.spec.root.display(),
            beside.display(),
        );
        DatasetError::table(table, what)
    }

    /// Refuses splits without training images, and a table without rows.
    fn check_splits(&self, images: &[Image]) -> Result<(), DatasetError> {
        let trains = images.iter().any(|image| matches!(image.split, None | Some(Split::Train)));
        match (images.is_empty(), trains) {
            (true, _) => Err(DatasetError::table(&self.spec.table, "it lists no picture")),
            (_, false) => {
                let what = "no row is of the training split; write `train` in the column of splits";
                Err(DatasetError::table(&self.spec.table, what))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
