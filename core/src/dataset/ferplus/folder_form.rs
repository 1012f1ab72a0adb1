//! FER+ as FERPlus's scripts leave it: for each part a folder of PNGs with `label.csv`.
//!
//! A row of `label.csv` is `name,"(0, 0, 48, 48)",` and the ten counts; there is no header.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use csv::StringRecord;

use super::super::Split;
use super::super::listing::{Listing, Picture};
use super::{DatasetError, Ferplus, SIDE, votes};

const FIELDS: usize = 12;

pub fn list(source: &Ferplus, chosen: &[usize]) -> Result<Listing, DatasetError> {
    let mut listing = Listing::new();
    for (folder, split) in source.folders() {
        list_folder(source, &folder, split, chosen, &mut listing)?;
    }
    Ok(listing)
}

fn list_folder(
    source: &Ferplus,
    folder: &Path,
    split: Split,
    chosen: &[usize],
    listing: &mut Listing,
) -> Result<(), DatasetError> {
    let path = folder.join("label.csv");
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_path(&path)
        .map_err(|error| DatasetError::csv(&path, &error))?;
    let mut listed: HashSet<PathBuf> = HashSet::new();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| DatasetError::csv(&path, &error))? {
        let wrong = |what: String| {
            DatasetError::row(&path, record.position().map_or(0, csv::Position::line), what)
        };
        if record.len() != FIELDS {
            return Err(wrong(format!(
                "{} fields where {FIELDS} belong: name, \"(0, 0, {SIDE}, {SIDE})\", ten counts of votes",
                record.len()
            )));
        }
        let whole = format!("(0,0,{SIDE},{SIDE})");
        if record[1].replace(' ', "") != whole {
            return Err(wrong(format!(
                "the face's box is `{}`; only whole pictures are read, `(0, 0, {SIDE}, {SIDE})`: crop it first",
                &record[1]
            )));
        }
        let votes = votes(record.iter().skip(2)).map_err(wrong)?;
        let name = &record[0];
        let picture = folder.join(name);
        if !name.is_empty() && !source.inputs.contains(&picture) {
            return Err(wrong(format!("there is no picture {}", picture.display())));
        }
        source.add(listing, split, name, &votes, chosen, || Picture::File(picture.clone()));
        if !name.is_empty() && !listed.insert(picture) {
            return Err(DatasetError::DuplicateName { name: name.to_owned() });
        }
    }
    for _ in source.inputs.pictures_under(folder).filter(|file| !listed.contains(*file)) {
        listing.leave_out(split, "not in label.csv");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::dataset::listing::Catalogue;
    use crate::experiment::{FerUsage, FerplusLabels};

    fn listed(rows: &str, pictures: &[&str]) -> Result<Listing, DatasetError> {
        let root = tempfile::tempdir().unwrap();
        for folder in ["FER2013Train", "FER2013Valid", "FER2013Test"] {
            let folder = root.path().join(folder);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("label.csv"), "").unwrap();
        }
        // Votes that must not be used: they belong to the other form.
        fs::write(root.path().join("fer2013new.csv"), "Usage,Image name\n").unwrap();
        let folder = root.path().join("FER2013Train");
        fs::write(folder.join("label.csv"), rows).unwrap();
        for picture in pictures {
            fs::write(folder.join(picture), "").unwrap();
        }
        let (val, test) = (FerUsage::PublicTest, FerUsage::PrivateTest);
        let source = Ferplus::find(root.path(), [FerplusLabels::Majority; 2], val, test)?;
        source.list(&["neutral".to_owned(), "fear".to_owned()])
    }

    fn message(rows: &str) -> String {
        let message = listed(rows, &["a.png"]).unwrap_err().to_string();
        message.split_once("FER2013Train/").map_or(message.clone(), |(_, rest)| rest.to_owned())
    }

    #[test]
    fn rows_and_pictures_are_joined_and_what_is_left_out_is_counted() {
        let listing = listed(
            "a.png,\"(0, 0, 48, 48)\",8,0,0,0,0,0,2,0,0,0\nb.png,\"(0, 0, 48, 48)\",4,0,0,0,0,0,4,0,0,0\n",
            &["a.png", "b.png", "c.png"],
        )
        .unwrap();
        assert_eq!(listing.entries.len(), 1);
        assert_eq!(
            (listing.entries[0].name.as_str(), &listing.entries[0].label),
            ("a.png", &vec![1.0, 0.0])
        );
        let reasons = &listing.left_out[&Split::Train];
        assert_eq!((reasons["no majority"], reasons["not in label.csv"], reasons.len()), (1, 1, 2));
    }

    /// FERPlus trains on distributions and evaluates by the majority: without one an image leaves the test, not training.
    #[test]
    fn validation_and_test_images_may_have_a_rule_of_their_own() {
        let root = tempfile::tempdir().unwrap();
        for (folder, name) in [("FER2013Train", "a"), ("FER2013Valid", "b"), ("FER2013Test", "c")] {
            let folder = root.path().join(folder);
            fs::create_dir(&folder).unwrap();
            let clear = format!("{name}.png,\"(0, 0, 48, 48)\",8,0,0,0,0,0,2,0,0,0\n");
            let open = format!("{name}2.png,\"(0, 0, 48, 48)\",5,0,0,0,0,0,5,0,0,0\n");
            fs::write(folder.join("label.csv"), clear + &open).unwrap();
            fs::write(folder.join(format!("{name}.png")), "").unwrap();
            fs::write(folder.join(format!("{name}2.png")), "").unwrap();
        }
        let rules = [FerplusLabels::Votes, FerplusLabels::Majority];
        let (val, test) = (FerUsage::PublicTest, FerUsage::PrivateTest);
        let source = Ferplus::find(root.path(), rules, val, test).unwrap();
        let listing = source.list(&["neutral".to_owned(), "fear".to_owned()]).unwrap();
        let of = |name: &str| {
            listing.entries.iter().find(|entry| entry.name == name).map(|entry| entry.label.clone())
        };
        assert_eq!((of("a.png"), of("a2.png")), (Some(vec![0.8, 0.2]), Some(vec![0.5, 0.5])));
        assert_eq!((of("b.png"), of("b2.png")), (Some(vec![1.0, 0.0]), None));
        assert_eq!((of("c.png"), of("c2.png")), (Some(vec![1.0, 0.0]), None));
        assert_eq!(listing.left_out[&Split::Test]["no majority"], 1);
    }

    #[test]
    fn a_bad_row_is_named_by_file_and_line() {
        let good = "a.png,\"(0, 0, 48, 48)\",8,0,0,0,0,0,2,0,0,0\n";
        assert_eq!(
            message(&format!("{good}b.png,\"(0, 0, 48, 48)\",8,0\n")),
            "label.csv, line 2: 4 fields where 12 belong: name, \"(0, 0, 48, 48)\", ten counts of votes"
        );
        assert_eq!(
            message(&good.replace(",2,", ",two,")),
            "label.csv, line 1: the votes for fear are `two`, not a whole number from 0 on"
        );
        assert_eq!(
            message(&good.replace("48)", "24)")),
            "label.csv, line 1: the face's box is `(0, 0, 48, 24)`; only whole pictures are read, `(0, 0, 48, 48)`: \
             crop it first"
        );
        let absent = message(&good.replace("a.png", "z.png"));
        assert!(
            absent.starts_with("label.csv, line 1: there is no picture ")
                && absent.ends_with("z.png"),
            "{absent}"
        );
        assert_eq!(
            message(&good.repeat(2)),
            "two images are named `a.png`; a name must point at one image, so rename or remove one"
        );
    }
}
