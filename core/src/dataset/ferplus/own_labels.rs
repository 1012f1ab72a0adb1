//! FER2013 with its own labels, one class an image, as its CSV files have them: `fer2013.csv` and `icml_face_data.csv` with
//! the columns `emotion`, `pixels` and `Usage` in any order, or `train.csv` without the last, of which the other splits are
//! carved.
//!
//! The emotions are numbered as in the challenge that the pictures come from (Goodfellow et al. 2013, arXiv 1307.0414).
//! The pictures have no names there: an image is named by the number of its row, from 1, in five digits.

use std::path::{Path, PathBuf};

use super::super::inputs::Inputs;
use super::super::listing::{Catalogue, Entry, Listing, Picture, columns};
use super::super::{DatasetError, Split};
use super::csv_form::{Rows, usage};
use super::{SIDE, split_of};
use crate::experiment::FerUsage;

/// The emotions in the order of their numbers, from 0.
const EMOTIONS: [&str; 7] =
    ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"];

/// The files, whichever is there first; some archives have them in a folder of their own.
const FILES: [&str; 6] = [
    "fer2013.csv",
    "icml_face_data.csv",
    "fer2013/fer2013.csv",
    "fer2013/icml_face_data.csv",
    "train.csv",
    "fer2013/train.csv",
];

/// The shares of the images that are drawn where the file does not say the split.
const SHARES: [f64; 2] = [0.1, 0.1];

/// FER2013's file, and which parts of it an experiment validates and tests on.
#[derive(Debug)]
pub struct Fer2013<'a> {
    root: &'a Path,
    val: FerUsage,
    test: FerUsage,
    split_seed: u64,
    file: PathBuf,
    inputs: Inputs,
}

impl<'a> Fer2013<'a> {
    pub fn find(
        root: &'a Path,
        val: FerUsage,
        test: FerUsage,
        split_seed: u64,
    ) -> Result<Fer2013<'a>, DatasetError> {
        let mut files = FILES.iter().map(|name| root.join(name));
        let Some(file) = files.find(|file| file.is_file()) else {
            let cure = match root.is_dir() {
                true => {
                    "point dataset.root at the folder that holds one of them (pictures in folders by class are \
                         kind = \"folder\")"
                }
                false => "the folder does not exist; correct dataset.root",
            };
            return Err(DatasetError::NotThere {
                what: "FER2013",
                root: root.to_owned(),
                looked_for: "fer2013.csv, icml_face_data.csv or train.csv".to_owned(),
                cure: cure.to_owned(),
            });
        };
        let mut inputs = Inputs::default();
        inputs.add(file.clone());
        Ok(Fer2013 { root, val, test, split_seed, file, inputs })
    }
}

impl Catalogue for Fer2013<'_> {
    fn root(&self) -> &Path {
        self.root
    }

    fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    fn list(&self, classes: &[String]) -> Result<Listing, DatasetError> {
        let chosen = columns(classes, &EMOTIONS, "FER2013")?;
        let says_split = Rows::header(&self.file)?.iter().any(|column| column == "Usage");
        let names: &[&str] = match says_split {
            true => &["emotion", "pixels", "Usage"],
            false => &["emotion", "pixels"],
        };
        let mut rows = Rows::open(&self.file, names)?;
        let mut listing = Listing::new();
        let mut row = 0_u32;
        while rows.next()? {
            row += 1;
            let split = match says_split {
                true => {
                    let part = usage(rows.field(2)).map_err(|what| rows.error(what))?;
                    split_of(part, self.val, self.test)
                }
                false => Some(Split::Train),
            };
            let emotion = emotion(rows.field(0)).map_err(|what| rows.error(what))?;
            let values = rows.pixels()?;
            let Some(split) = split else { continue };
            let Some(class) = chosen.iter().position(|column| *column == emotion) else {
                let class = EMOTIONS[emotion];
                listing.leave_out(split, format!("the class `{class}` is not chosen"));
                continue;
            };
            let mut label = vec![0.0; classes.len()];
            label[class] = 1.0;
            let side = SIDE as u32;
            let picture = Picture::Grey { width: side, height: side, values };
            listing.entries.push(Entry::new(split, format!("{row:05}"), picture, label));
        }
        if row == 0 {
            return Err(DatasetError::table(&self.file, "it holds no picture; fetch it again"));
        }
        listing.carve_missing(|_| says_split, SHARES, self.split_seed);
        Ok(listing)
    }
}

fn emotion(field: &str) -> Result<usize, String> {
    let number = field.parse::<usize>().ok().filter(|number| *number < EMOTIONS.len());
    number.ok_or_else(|| format!("the emotion is `{field}`, not a number from 0 to 6"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn grey(value: u8) -> String {
        vec![value.to_string(); SIDE * SIDE].join(" ")
    }

    fn listed(name: &str, text: &str) -> Result<Listing, DatasetError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        let (val, test) = (FerUsage::PublicTest, FerUsage::PrivateTest);
        let classes = ["neutral".to_owned(), "anger".to_owned()];
        Fer2013::find(folder.path(), val, test, 1)?.list(&classes)
    }

    fn shown(listing: &Listing) -> Vec<String> {
        let show = |entry: &Entry| {
            let Picture::Grey { values, .. } = &entry.picture else { panic!("it is in the file") };
            format!("{} {} {:?} {}", entry.split, entry.name, entry.label, values[77])
        };
        listing.entries.iter().map(show).collect()
    }

    #[test]
    fn every_order_of_the_columns_gives_the_same() {
        let rows = [
            (0, "Training", 3),
            (6, "PublicTest", 4),
            (3, "PrivateTest", 5),
            (0, "PrivateTest", 6),
        ];
        let table = |header: &str, line: fn(u8, &str, String) -> String| {
            let lines = rows.map(|(emotion, usage, value)| line(emotion, usage, grey(value)));
            format!("{header}\n{}", lines.concat())
        };
        let kaggle = table("emotion,pixels,Usage", |emotion, usage, pixels| {
            format!("{emotion},{pixels},{usage}\n")
        });
        // With blanks after the commas of its header.
        let challenge = table("emotion, Usage, pixels", |emotion, usage, pixels| {
            format!("{emotion},{usage},{pixels}\n")
        });
        let wanted =
            ["train 00001 [0.0, 1.0] 3", "val 00002 [1.0, 0.0] 4", "test 00004 [0.0, 1.0] 6"];
        for (name, text) in [("fer2013.csv", kaggle), ("fer2013/icml_face_data.csv", challenge)] {
            let listing = listed(name, &text).unwrap();
            assert_eq!(shown(&listing), wanted, "{name}");
            assert_eq!(listing.left_out[&Split::Test]["the class `happiness` is not chosen"], 1);
            assert_eq!(listing.carved, []);
        }
    }

    #[test]
    fn without_usage_splits_are_carved() {
        let rows: Vec<String> =
            (0..40).map(|row| format!("{},{}\n", row % 2 * 6, grey(row))).collect();
        let listing = listed("train.csv", &format!("emotion,pixels\n{}", rows.concat())).unwrap();
        let count = |split| listing.entries.iter().filter(|entry| entry.split == split).count();
        assert_eq!(Split::ALL.map(count), [32, 4, 4]);
        assert_eq!(listing.carved, [Split::Test, Split::Val]);
    }

    #[test]
    fn wrong_files_are_named() {
        let message = |name: &str, text: &str| {
            let message = listed(name, text).unwrap_err().to_string();
            message.rsplit_once('/').unwrap().1.to_owned()
        };
        let row = format!("7,{},Training\n", grey(1));
        assert_eq!(
            message("fer2013.csv", &format!("emotion,pixels,Usage\n{row}")),
            "fer2013.csv, line 2: the emotion is `7`, not a number from 0 to 6"
        );
        let row = row.replacen('7', "0", 1).replace("Training", "Test");
        assert_eq!(
            message("fer2013.csv", &format!("emotion,pixels,Usage\n{row}")),
            "fer2013.csv, line 2: Usage is `Test`, not Training, PublicTest or PrivateTest"
        );
        assert_eq!(
            message("train.csv", "emotion,pixels\n"),
            "train.csv: it holds no picture; fetch it again"
        );
        let absent = listed("test.csv", "pixels\n").unwrap_err().to_string();
        assert!(absent.starts_with("no FER2013 in "), "{absent}");
        assert!(
            absent.contains("looked for fer2013.csv, icml_face_data.csv or train.csv; point"),
            "{absent}"
        );
    }
}
