//! RAF-DB (basic): aligned faces of 100 × 100 RGB, seven emotions.
//!
//! The pictures are `Image/aligned/<name>_aligned.jpg`, their classes stand in
//! `EmoLabel/list_patition_label.txt` (sic), one `train_00001.jpg 5` per line. There is no
//! validation split: a share of the training images is carved out. The public list has one class per
//! image; if you have the annotators' shares, put them into `EmoLabel/distribution.txt`, one
//! `train_00001.jpg 0.1 0 0 0.7 0 0 0.2` per line (seven numbers from 0 on, in the order of the classes'
//! numbers; counts will do), and images that it does not name keep their single class.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::inputs::Inputs;
use super::listing::{Catalogue, Entry, Listing, Picture, columns, restrict};
use super::{DatasetError, Split};

/// The classes in the order of their numbers, from 1.
pub const EMOTIONS: [&str; 7] =
    ["surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"];

/// The part of RAF-DB that an experiment uses, and its files.
#[derive(Debug)]
pub struct Rafdb<'a> {
    root: &'a Path,
    val: f64,
    split_seed: u64,
    inputs: Inputs,
}

impl<'a> Rafdb<'a> {
    /// `val` is the share of each class's training images that becomes the validation split.
    pub fn find(root: &'a Path, val: f64, split_seed: u64) -> Result<Rafdb<'a>, DatasetError> {
        let mut found = Rafdb { root, val, split_seed, inputs: Inputs::default() };
        let (list, aligned) = (found.list_path(), root.join("Image/aligned"));
        if !list.is_file() || !aligned.is_dir() {
            return Err(DatasetError::NotThere {
                what: "RAF-DB",
                root: root.to_owned(),
                looked_for: "EmoLabel/list_patition_label.txt and the folder Image/aligned".to_owned(),
                cure: "point dataset.root at RAF-DB's folder `basic` (pictures in folders by class are \
                       kind = \"folder\")"
                    .to_owned(),
            });
        }
        found.inputs.add(list);
        let distribution = found.distribution_path();
        if distribution.is_file() {
            found.inputs.add(distribution);
        }
        found.inputs.add_pictures(&aligned, 1)?;
        Ok(found)
    }
}

impl Catalogue for Rafdb<'_> {
    fn root(&self) -> &Path {
        self.root
    }

    fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    fn list(&self, classes: &[String]) -> Result<Listing, DatasetError> {
        let chosen = columns(classes, &EMOTIONS, "RAF-DB")?;
        let path = self.list_path();
        let mut distributions = self.distributions()?;
        let mut listing = Listing::new();
        let mut seen = 0_usize;
        for (line, text) in lines(&path)? {
            let wrong = |what: String| DatasetError::row(&path, line, what);
            let (name, class) = row(&text).map_err(wrong)?;
            let split = match name {
                _ if name.starts_with("train_") => Split::Train,
                _ if name.starts_with("test_") => Split::Test,
                _ => {
                    return Err(wrong(format!(
                        "`{name}` begins with neither `train_` nor `test_`"
                    )));
                }
            };
            let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy();
            let picture = self.root.join("Image/aligned").join(format!("{stem}_aligned.jpg"));
            if !self.inputs.contains(&picture) {
                return Err(wrong(format!("there is no picture {}", picture.display())));
            }
            seen += 1;
            let weights = distributions.remove(name).unwrap_or_else(|| {
                let mut single = [0.0; 7];
                single[class] = 1.0;
                single
            });
            match restrict(&weights, &chosen) {
                Some(label) => {
                    listing.entries.push(Entry::new(
                        split,
                        name.to_owned(),
                        Picture::File(picture),
                        label,
                    ));
                }

                None => listing
                    .leave_out(split, format!("the class `{}` is not chosen", EMOTIONS[class])),
            }
        }
        if let Some(name) = distributions.keys().min() {
            let what = format!(
                "`{name}` is not in {}; correct the name or remove its line",
                path.display()
            );
            return Err(DatasetError::table(&self.distribution_path(), what));
        }
        if seen == 0 {
            return Err(DatasetError::table(&path, "it lists no image; fetch it again"));
        }
        listing.carve(Split::Val, self.val, self.split_seed);
        Ok(listing)
    }
}

impl Rafdb<'_> {
    fn list_path(&self) -> PathBuf {
        self.root.join("EmoLabel/list_patition_label.txt")
    }

    fn distribution_path(&self) -> PathBuf {
        self.root.join("EmoLabel/distribution.txt")
    }

    /// The annotators' shares by image, if the file exists.
    fn distributions(&self) -> Result<HashMap<String, [f64; 7]>, DatasetError> {
        let path = self.distribution_path();
        let mut distributions = HashMap::new();
        if !self.inputs.contains(&path) {
            return Ok(distributions);
        }
        for (line, text) in lines(&path)? {
            let wrong = |what: String| DatasetError::row(&path, line, what);
            let mut words = text.split_whitespace();
            let name = words.next().unwrap_or_default();
            let shares: Vec<f64> = words
                .map(|word| match word.parse::<f64>() {
                    Ok(share) if share.is_finite() && share >= 0.0 => Ok(share),
                    _ => Err(wrong(format!("`{word}` is not a share: a number from 0 on"))),
                })
                .collect::<Result<_, _>>()?;
            let shares: [f64; 7] = shares.try_into().map_err(|found: Vec<f64>| {
                wrong(format!("{} shares where 7 belong", found.len()))
            })?;
            if shares.iter().sum::<f64>() <= 0.0 {
                return Err(wrong("the shares are all 0".to_owned()));
            }
            if distributions.insert(name.to_owned(), shares).is_some() {
                return Err(wrong(format!("a second line for `{name}`; keep one")));
            }
        }
        Ok(distributions)
    }
}

/// The lines of a text file that hold something, with their numbers from 1.
fn lines(path: &Path) -> Result<Vec<(u64, String)>, DatasetError> {
    let text = fs::read_to_string(path).map_err(|why| DatasetError::unreadable(path, why))?;
    let numbered = (1..).zip(text.lines().map(|line| line.trim().to_owned()));
    Ok(numbered.filter(|(_, line)| !line.is_empty()).collect())
}

/// The name and the class, from 0, of a line such as `train_00001.jpg 5`.
fn row(line: &str) -> Result<(&str, usize), String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let &[name, number] = words.as_slice() else {
        return Err(format!("`{line}` is not a name, a blank and a class"));
    };
    match number.parse::<usize>() {
        Ok(class @ 1..=7) => Ok((name, class - 1)),
        _ => Err(format!("the class is `{number}`, not a number from 1 to 7")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(
        list: &str,
        distribution: Option<&str>,
        classes: &[&str],
    ) -> Result<Listing, DatasetError> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("EmoLabel")).unwrap();
        fs::create_dir_all(root.join("Image/aligned")).unwrap();
        fs::write(root.join("EmoLabel/list_patition_label.txt"), list).unwrap();
        if let Some(text) = distribution {
            fs::write(root.join("EmoLabel/distribution.txt"), text).unwrap();
        }
        for name in list.lines().filter_map(|line| line.split('.').next()) {
            fs::write(root.join(format!("Image/aligned/{name}_aligned.jpg")), "").unwrap();
        }
        fs::remove_file(root.join("Image/aligned/train_absent_aligned.jpg")).ok();
        let classes: Vec<String> = classes.iter().map(|&class| class.to_owned()).collect();
        Rafdb::find(root, 0.25, 1)?.list(&classes)
    }

    fn message(list: &str, distribution: Option<&str>) -> String {
        let message = listed(list, distribution, &["anger", "fear"]).unwrap_err().to_string();
        message.split_once("EmoLabel/").expect("the message names the file").1.to_owned()
    }

    #[test]
    fn numbers_are_classes_and_validation_is_carved_out_by_class() {
        let mut list = String::new();
        for image in 0..8 {
            list += &format!("train_a{image}.jpg 6\ntrain_f{image}.jpg 2\n");
        }
        list += "test_1.jpg 2\ntest_2.jpg 4\n";
        let listing = listed(&list, None, &["anger", "fear"]).unwrap();
        let count = |split, label: [f32; 2]| {
            listing
                .entries
                .iter()
                .filter(|entry| entry.split == split && entry.label == label)
                .count()
        };
        assert_eq!((count(Split::Train, [1.0, 0.0]), count(Split::Val, [1.0, 0.0])), (6, 2));
        assert_eq!((count(Split::Train, [0.0, 1.0]), count(Split::Val, [0.0, 1.0])), (6, 2));
        assert_eq!(count(Split::Test, [0.0, 1.0]), 1);
        assert_eq!(listing.left_out[&Split::Test]["the class `happiness` is not chosen"], 1);
        let named_a = |entry: &&Entry| entry.name.starts_with("train_a");
        assert!(listing.entries.iter().filter(named_a).all(|entry| entry.label == [1.0, 0.0]));
    }

    #[test]
    fn shares_replace_the_single_class_where_they_are_given() {
        let listing = listed(
            "train_1.jpg 6\ntrain_2.jpg 6\n",
            Some("train_1.jpg 0 0.3 0.4 0 0 0.1 0.2\n"),
            &["anger", "fear"],
        )
        .unwrap();
        assert_eq!(listing.entries[0].label, [0.25, 0.75]);
        assert_eq!(listing.entries[1].label, [1.0, 0.0]);
    }

    #[test]
    fn a_bad_line_is_named() {
        assert_eq!(
            message("train_1.jpg 8\n", None),
            "list_patition_label.txt, line 1: the class is `8`, not a number from 1 to 7"
        );
        assert_eq!(
            message("\ntrain_1.jpg\n", None),
            "list_patition_label.txt, line 2: `train_1.jpg` is not a name, a blank and a class"
        );
        assert_eq!(
            message("face.jpg 1\n", None),
            "list_patition_label.txt, line 1: `face.jpg` begins with neither `train_` nor `test_`"
        );
        assert!(
            message("train_absent.jpg 1\n", None)
                .starts_with("list_patition_label.txt, line 1: there is no picture ")
        );
        let list = "train_1.jpg 6\n";
        assert_eq!(
            message(list, Some("train_1.jpg 1 2\n")),
            "distribution.txt, line 1: 2 shares where 7 belong"
        );
        assert_eq!(
            message(list, Some("train_1.jpg 0 0 0 -1 0 0 2\n")),
            "distribution.txt, line 1: `-1` is not a share: a number from 0 on"
        );
        assert_eq!(
            message(list, Some("train_1.jpg 0 0 0 0 0 0 0\n")),
            "distribution.txt, line 1: the shares are all 0"
        );
        assert!(
            message(list, Some("train_9.jpg 1 0 0 0 0 0 0\n"))
                .starts_with("distribution.txt: `train_9.jpg` is not in ")
        );
    }

    #[test]
    fn missing_files_give_an_error_with_the_expected_ones() {
        let folder = tempfile::tempdir().unwrap();
        let error = Rafdb::find(folder.path(), 0.1, 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "no RAF-DB in {}: looked for EmoLabel/list_patition_label.txt and the folder Image/aligned; point \
                 dataset.root at RAF-DB's folder `basic` (pictures in folders by class are kind = \"folder\")",
                folder.path().display()
            )
        );
    }
}
