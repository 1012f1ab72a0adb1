//! RAF-DB (basic): aligned faces of 100 × 100 RGB, seven emotions.
//!
//! The pictures are `Image/aligned/<name>_aligned.jpg`, their classes stand in
//! `EmoLabel/list_patition_label.txt` (sic), one `train_00001.jpg 5` per line. Copies in circulation differ, and are read
//! too: see [`LISTS`] and [`PICTURES`]; in the list names may end in `_aligned`, columns be separated by commas, further
//! ones follow, and a byte order mark or a header come first. There is no
//! validation split: a share of the training images is carved out. The public list has one class per
//! image; if you have the annotators' shares, put them into `distribution.txt` beside the list, one
//! `train_00001.jpg 0.1 0 0 0.7 0 0 0.2` per line (seven numbers from 0 on, in the order of the classes'
//! numbers; counts will do), and images that it does not name keep their single class.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::inputs::Inputs;
use super::listing::{Catalogue, Entry, Listing, Picture, columns, restrict};
use super::{DatasetError, Split};

/// The classes in the order of their numbers, from 1.
pub const EMOTIONS: [&str; 7] =
    ["surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"];

/// The folders that RAF-DB may be in, under the root.
const FOLDERS: [&str; 2] = ["", "basic"];

/// The list of classes, whichever is there first.
const LISTS: [&str; 4] = [
    "EmoLabel/list_patition_label.txt",
    "EmoLabel/list_partition_label.txt",
    "list_patition_label.txt",
    "list_partition_label.txt",
];

/// The folders of the aligned pictures, whichever is there first. The last ones have a folder for each class.
const PICTURES: [&[&str]; 4] =
    [&["Image/aligned"], &["aligned"], &["train", "test"], &["DATASET/train", "DATASET/test"]];

/// What the names of aligned pictures end in.
const ALIGNED: &str = "_aligned";

/// The part of RAF-DB that an experiment uses, and its files.
#[derive(Debug)]
pub struct Rafdb<'a> {
    root: &'a Path,
    labels: &'a BTreeMap<String, String>,
    val: f64,
    split_seed: u64,
    list: PathBuf,
    inputs: Inputs,
}

impl<'a> Rafdb<'a> {
    /// `labels` has classes by what the list calls them, where these are not RAF-DB's numbers; `val` is the share of each
    /// class's training images that becomes the validation split.
    pub fn find(
        root: &'a Path,
        labels: &'a BTreeMap<String, String>,
        val: f64,
        split_seed: u64,
    ) -> Result<Rafdb<'a>, DatasetError> {
        let folders = FOLDERS.map(|folder| root.join(folder));
        let list = folders.iter().find_map(|folder| {
            LISTS.iter().map(|list| folder.join(list)).find(|list| list.is_file())
        });
        let pictures = folders.iter().find_map(|folder| {
            let sets = PICTURES.iter().map(|set| set.iter().map(|name| folder.join(name)));
            sets.map(Iterator::collect::<Vec<PathBuf>>)
                .find(|set| set.iter().all(|one| one.is_dir()))
        });
        let (Some(list), Some(pictures)) = (list, pictures) else {
            return Err(DatasetError::NotThere {
                what: "RAF-DB",
                root: root.to_owned(),
                looked_for: "EmoLabel/list_patition_label.txt and the folder Image/aligned".to_owned(),
                cure: "point dataset.root at RAF-DB's folder `basic` (pictures in folders by class are \
                       kind = \"folder\")"
                    .to_owned(),
            });
        };
        let mut inputs = Inputs::default();
        inputs.add(list.clone());
        let found = Rafdb { root, labels, val, split_seed, list, inputs };
        let distribution = found.distribution_path();
        let mut found = found;
        if distribution.is_file() {
            found.inputs.add(distribution);
        }
        for folder in pictures {
            found.inputs.add_pictures(&folder, 2)?;
        }
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
        let path = &self.list;
        let pictures = self.pictures()?;
        let mut distributions = self.distributions()?;
        let mut listing = Listing::new();
        let mut listed: HashSet<&Path> = HashSet::new();
        for (line, text) in lines(path)? {
            let wrong = |what: String| DatasetError::row(path, line, what);
            let row = Row::of(&text).map_err(wrong)?;
            if listed.is_empty() && row.is_header() {
                continue;
            }
            let name = row.name;
            let split = split(name).ok_or_else(|| {
                wrong(format!("`{name}` begins with neither `train_` nor `test_`"))
            })?;
            let class = self.class(row.class).map_err(wrong)?;
            let Some(picture) = pictures.get(stem(Path::new(name)).as_str()) else {
                let place = self
                    .root
                    .join(PICTURES[0][0])
                    .join(format!("{}{ALIGNED}.jpg", stem(Path::new(name))));
                return Err(wrong(format!("there is no picture {}", place.display())));
            };
            self.check_folder(picture, row.class, class).map_err(wrong)?;
            if row.has_more && listing.remarks.columns_not_read.is_empty() {
                listing
                    .remarks
                    .columns_not_read
                    .push("the third and further ones of the list".to_owned());
            }
            listed.insert(picture);
            let weights = distributions.remove(name).unwrap_or_else(|| {
                let mut single = [0.0; 7];
                single[class] = 1.0;
                single
            });
            match restrict(&weights, &chosen) {
                Some(label) => {
                    let picture = Picture::File((*picture).to_owned());
                    listing.entries.push(Entry::new(split, name.to_owned(), picture, label));
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
        if listed.is_empty() {
            return Err(DatasetError::table(path, "it lists no image; fetch it again"));
        }
        for picture in pictures.values().filter(|picture| !listed.contains(**picture)) {
            let split = split(&stem(picture)).unwrap_or(Split::Train);
            listing.leave_out(split, "not in the list of classes");
        }
        listing.carve(Split::Val, self.val, self.split_seed);
        Ok(listing)
    }
}

impl Rafdb<'_> {
    /// The annotators' shares, beside the list.
    fn distribution_path(&self) -> PathBuf {
        self.list.with_file_name("distribution.txt")
    }

    /// The pictures by name, without extension and `_aligned`. Where a picture lies there as it was too, the aligned one
    /// counts.
    fn pictures(&self) -> Result<HashMap<String, &Path>, DatasetError> {
        let is_aligned = |picture: &Path| {
            picture.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with(ALIGNED))
        };
        let mut pictures: HashMap<String, &Path> = HashMap::new();
        for picture in self.inputs.pictures_under(self.root) {
            let other = pictures.get(&stem(picture)).copied();
            match other.map(|other| (other, is_aligned(other), is_aligned(picture))) {
                Some((_, true, false)) => {}
                Some((other, one, two)) if one == two => {
                    let what = format!(
                        "{} and {} are one picture; keep one",
                        other.display(),
                        picture.display()
                    );
                    return Err(DatasetError::table(&self.list, what));
                }
                _ => {
                    pictures.insert(stem(picture), picture);
                }
            }
        }
        Ok(pictures)
    }

    /// The class, from 0, that the list calls so.
    fn class(&self, label: &str) -> Result<usize, String> {
        if !self.labels.is_empty() {
            let class = self.labels.get(label);
            let class =
                class.ok_or_else(|| format!("dataset.labels does not say what `{label}` is"))?;
            let place = EMOTIONS.iter().position(|emotion| emotion == class);
            return place.ok_or_else(|| {
                format!(
                    "dataset.labels calls `{label}` {class}; the classes are {}",
                    EMOTIONS.join(", ")
                )
            });
        }
        match label.parse::<usize>() {
            Ok(class @ 1..=7) => Ok(class - 1),
            Ok(0) => {
                let pairs: Vec<String> = (0..)
                    .zip(EMOTIONS)
                    .map(|(number, emotion)| format!("\"{number}\" = \"{emotion}\""))
                    .collect();
                Err(format!(
                    "the class is `0`, but RAF-DB's begin with 1. If this list begins with 0, say so: under [dataset], \
                     labels = {{ {} }}",
                    pairs.join(", ")
                ))
            }
            _ => Err(format!("the class is `{label}`, not a number from 1 to 7")),
        }
    }

    /// Refuses a picture in the folder of another class.
    fn check_folder(&self, picture: &Path, label: &str, class: usize) -> Result<(), String> {
        let folder =
            picture.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        let is_class = folder.parse::<usize>().is_ok_and(|number| number <= EMOTIONS.len());
        match is_class && folder != label && folder != (class + 1).to_string() {
            true => {
                Err(format!("the class is `{label}`, but the picture is {}", picture.display()))
            }
            false => Ok(()),
        }
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

/// The split that a name begins with.
fn split(name: &str) -> Option<Split> {
    match () {
        () if name.starts_with("train_") => Some(Split::Train),
        () if name.starts_with("test_") => Some(Split::Test),
        () => None,
    }
}

/// A picture's name without extension and `_aligned`.
fn stem(picture: &Path) -> String {
    let stem = picture.file_stem().unwrap_or_default().to_string_lossy();
    stem.strip_suffix(ALIGNED).unwrap_or(&stem).to_owned()
}

/// The lines of a text file that hold something, with their numbers from 1.
fn lines(path: &Path) -> Result<Vec<(u64, String)>, DatasetError> {
    let text = fs::read_to_string(path).map_err(|why| DatasetError::unreadable(path, why))?;
    let text = text.trim_start_matches('\u{feff}');
    let numbered = (1..).zip(text.lines().map(|line| line.trim().to_owned()));
    Ok(numbered.filter(|(_, line)| !line.is_empty()).collect())
}

/// A line of the list such as `train_00001.jpg 5`.
struct Row<'a> {
    name: &'a str,
    class: &'a str,
    has_more: bool,
}

impl<'a> Row<'a> {
    fn of(line: &'a str) -> Result<Row<'a>, String> {
        let mut words = line.split([' ', '\t', ',', ';']).filter(|word| !word.is_empty());
        match (words.next(), words.next()) {
            (Some(name), Some(class)) => Ok(Row { name, class, has_more: words.next().is_some() }),
            _ => Err(format!("`{line}` is not a name, a blank and a class")),
        }
    }

    /// `image,label` and the like.
    fn is_header(&self) -> bool {
        split(self.name).is_none() && self.class.parse::<usize>().is_err()
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
        Rafdb::find(root, &BTreeMap::new(), 0.25, 1)?.list(&classes)
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
        let error = Rafdb::find(folder.path(), &BTreeMap::new(), 0.1, 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "no RAF-DB in {}: looked for EmoLabel/list_patition_label.txt and the folder Image/aligned; point \
                 dataset.root at RAF-DB's folder `basic` (pictures in folders by class are kind = \"folder\")",
                folder.path().display()
            )
        );
    }

    /// Each image of a copy with these files, of which the list is the first, as `name class`.
    fn copied(
        files: &[&str],
        list: &str,
        labels: &[(&str, &str)],
    ) -> Result<Vec<String>, DatasetError> {
        let folder = tempfile::tempdir().unwrap();
        for (place, file) in files.iter().enumerate() {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, if place == 0 { list } else { "" }).unwrap();
        }
        let labels = labels
            .iter()
            .map(|(label, class)| ((*label).to_owned(), (*class).to_owned()))
            .collect();
        let rafdb = Rafdb::find(folder.path(), &labels, 0.25, 1)?;
        let listing = rafdb.list(&["anger".to_owned(), "fear".to_owned()])?;
        let show = |entry: &Entry| {
            let Picture::File(path) = &entry.picture else { panic!("it is a file") };
            assert!(path.ends_with(path.file_name().unwrap()) && path.is_file());
            format!("{} {}", entry.name, if entry.label[0] == 1.0 { "anger" } else { "fear" })
        };
        Ok(listing.entries.iter().map(show).collect())
    }

    #[test]
    fn copies_in_circulation_are_read() {
        let original = "EmoLabel/list_patition_label.txt";
        let pictures = ["Image/aligned/train_1_aligned.jpg", "Image/aligned/test_1_aligned.jpg"];
        let wanted = ["train_1.jpg anger", "test_1.jpg fear"];
        for list in [
            "train_1.jpg 6\ntest_1.jpg 2\n",
            "\u{feff}train_1.jpg 6\r\ntest_1.jpg 2\r\n",
            "image,label\ntrain_1.jpg,6\ntest_1.jpg,2\n",
            "train_1.jpg\t6\t0\ntest_1.jpg\t2\t1\n",
        ] {
            let found = copied(&[original, pictures[0], pictures[1]], list, &[]).unwrap();
            assert_eq!(found, wanted, "{list:?}");
        }
        let list = "train_1.jpg 6\ntest_1.jpg 2\n";
        for files in [
            [
                "basic/EmoLabel/list_partition_label.txt",
                "basic/Image/aligned/train_1_aligned.jpg",
                "basic/Image/aligned/test_1_aligned.jpg",
            ],
            ["list_partition_label.txt", "aligned/train_1_aligned.jpg", "aligned/test_1.png"],
            ["list_patition_label.txt", "train/6/train_1_aligned.jpg", "test/2/test_1_aligned.jpg"],
            [original, "DATASET/train/6/train_1_aligned.jpg", "DATASET/test/2/test_1_aligned.jpg"],
        ] {
            assert_eq!(copied(&files, list, &[]).unwrap(), wanted, "{files:?}");
        }
        let aligned = "train_1_aligned.jpg 6\ntest_1_aligned.jpg 2\n";
        assert_eq!(
            copied(&[original, pictures[0], pictures[1]], aligned, &[]).unwrap(),
            ["train_1_aligned.jpg anger", "test_1_aligned.jpg fear"]
        );
        // Where a picture lies beside the aligned one as it was, or not in the list.
        let more = [
            original,
            pictures[0],
            pictures[1],
            "Image/aligned/train_1.jpg",
            "Image/aligned/train_7_aligned.jpg",
        ];
        assert_eq!(copied(&more, list, &[]).unwrap(), wanted);
    }

    #[test]
    fn a_list_from_0_is_refused_with_the_line_to_paste_and_read_with_it() {
        let files = ["list_patition_label.txt", "aligned/train_1.jpg", "aligned/train_2.jpg"];
        let list = "train_1.jpg 5\ntrain_2.jpg 0\n";
        let refused = copied(&files, list, &[]).unwrap_err().to_string();
        assert!(
            refused.ends_with(
                "line 2: the class is `0`, but RAF-DB's begin with 1. If this list begins with 0, say so: under \
                 [dataset], labels = { \"0\" = \"surprise\", \"1\" = \"fear\", \"2\" = \"disgust\", \"3\" = \
                 \"happiness\", \"4\" = \"sadness\", \"5\" = \"anger\", \"6\" = \"neutral\" }"
            ),
            "{refused}"
        );
        let labels = [("0", "surprise"), ("1", "fear"), ("5", "anger")];
        assert_eq!(copied(&files, list, &labels).unwrap(), ["train_1.jpg anger"]);
        let unsaid = copied(&files, "train_1.jpg 6\n", &labels).unwrap_err().to_string();
        assert!(unsaid.ends_with("line 1: dataset.labels does not say what `6` is"), "{unsaid}");
    }

    #[test]
    fn a_picture_in_the_folder_of_another_class_is_refused() {
        let files =
            ["list_patition_label.txt", "train/4/train_1_aligned.jpg", "test/2/test_1_aligned.jpg"];
        let refused = copied(&files, "train_1.jpg 5\ntest_1.jpg 2\n", &[]).unwrap_err().to_string();
        assert!(refused.contains("line 1: the class is `5`, but the picture is "), "{refused}");
    }
}
