//! What is doubtful about a data set, before anybody reads an answer off it.

use std::fmt;

use super::groups::{Likely, likely};
use super::pictures::UNREADABLE;
use super::{Dataset, Divided, FrameCheck, Peculiarity, Split, Twins};
use crate::experiment::{DatasetSpec, Shaping, Source, WithoutLandmarks};

/// A reason to look at the data before the results.
#[derive(Debug, Clone, PartialEq)]
pub enum Doubt {
    /// No landmarks place the regions, and nothing says that the faces are where the canonical frame has them.
    NoLandmarks,
    /// Of so many images of a split, most have no trusted landmarks.
    FewLandmarks { split: Split, trusted: usize, images: usize },
    /// The regions lie elsewhere than on the faces that are found in a sample of the images.
    OffFaces(FrameCheck),
    /// So many images were taken for no face by half of their annotators or more.
    HardlyFaces { images: usize },
    /// The data set has no images of its own for a split. Where it is known which images belong together (to one person,
    /// say), none of these groups is divided.
    Carved { split: Split, images: usize, by_groups: bool },
    /// The names of images that were drawn apart look like those of one person or one sequence.
    LookGrouped(Likely),
    /// Groups have images in two splits, as the data set brings them; `of` is the number of images in the second.
    Divided { groups: Divided, of: usize },
    /// So many images are in no group, though others are.
    Ungrouped { images: usize },
    /// So many pictures have another ratio of sides than the network's input and are stretched.
    Stretched { pictures: usize, images: usize, height: usize, width: usize },
    /// So many images of a split have an equal picture in the training images, and so many more a nearly equal one.
    Twins { split: Split, equal: usize, near: usize, images: usize },
    /// So many pairs of equal pictures have labels of different classes.
    Contradictions { pairs: usize, of: usize },
    /// So many pictures cannot be read.
    Unreadable { pictures: usize },
    /// So many pictures may not be meant as they are read; one of them.
    Peculiar { which: Peculiarity, pictures: usize, example: String },
}

impl Doubt {
    /// Its kind, in lower case with `_` between words.
    pub fn kind(&self) -> &'static str {
        match self {
            Doubt::NoLandmarks => "no_landmarks",
            Doubt::FewLandmarks { .. } => "few_landmarks",
            Doubt::OffFaces(_) => "off_faces",
            Doubt::HardlyFaces { .. } => "hardly_faces",
            Doubt::Carved { .. } => "carved",
            Doubt::LookGrouped(_) => "look_grouped",
            Doubt::Divided { .. } => "divided_groups",
            Doubt::Ungrouped { .. } => "ungrouped",
            Doubt::Stretched { .. } => "stretched",
            Doubt::Twins { .. } => "twins",
            Doubt::Contradictions { .. } => "contradictions",
            Doubt::Unreadable { .. } => "unreadable",
            Doubt::Peculiar { which, .. } => which.name(),
        }
    }

    /// The split that it concerns; `None` where it is all of them.
    pub fn split(&self) -> Option<Split> {
        match self {
            Doubt::FewLandmarks { split, .. }
            | Doubt::Carved { split, .. }
            | Doubt::Twins { split, .. } => Some(*split),
            Doubt::Divided { groups, .. } => Some(groups.splits[1]),
            Doubt::NoLandmarks
            | Doubt::OffFaces(_)
            | Doubt::HardlyFaces { .. }
            | Doubt::LookGrouped(_)
            | Doubt::Ungrouped { .. }
            | Doubt::Stretched { .. }
            | Doubt::Contradictions { .. }
            | Doubt::Unreadable { .. }
            | Doubt::Peculiar { .. } => None,
        }
    }

    /// How many images it concerns; `None` where it is all of them.
    pub fn images(&self) -> Option<usize> {
        match self {
            Doubt::NoLandmarks
            | Doubt::OffFaces(_)
            | Doubt::LookGrouped(_)
            | Doubt::Contradictions { .. } => None,
            Doubt::HardlyFaces { images } => Some(*images),
            Doubt::Divided { groups, .. } => Some(groups.images),
            Doubt::Ungrouped { images } => Some(*images),
            Doubt::Twins { equal, near, .. } => Some(equal + near),
            Doubt::FewLandmarks { trusted, images, .. } => Some(images - trusted),
            Doubt::Carved { images, .. } => Some(*images),
            Doubt::Stretched { pictures, .. }
            | Doubt::Unreadable { pictures }
            | Doubt::Peculiar { pictures, .. } => Some(*pictures),
        }
    }
}

/// Those that an experiment's settings show before any picture is read.
pub fn doubts_before_reading(spec: &DatasetSpec) -> Vec<Doubt> {
    // RAF-DB's pictures are aligned by its authors; drawn faces know where they are.
    let aligned = matches!(spec.source, Source::Faces(_) | Source::Rafdb { .. });
    match spec.landmarks.is_none() && !aligned {
        true => vec![Doubt::NoLandmarks],
        false => Vec::new(),
    }
}

/// All of a data set.
pub fn doubts(spec: &DatasetSpec, dataset: &Dataset) -> Vec<Doubt> {
    let mut doubts = doubts_before_reading(spec);
    if spec.landmarks.is_some() && spec.without_landmarks == WithoutLandmarks::Identity {
        for split in Split::ALL {
            let images = dataset.split(split).len();
            let without = dataset.without_landmarks.get(&split).copied().unwrap_or(0);
            if 2 * without > images {
                let trusted = images - without;
                doubts.push(Doubt::FewLandmarks { split, trusted, images });
            }
        }
    }
    let check = dataset.seen.frame_check.filter(|check| check.off > FrameCheck::TOLERATED);
    doubts.extend(check.map(Doubt::OffFaces));
    let images = dataset.seen.remarks.hardly_faces;
    doubts.extend((images > 0).then_some(Doubt::HardlyFaces { images }));
    doubts.extend(of_splits(dataset));
    let pictures = dataset.seen.reshaped;
    if pictures > 0 && spec.shape == Shaping::Stretch {
        let images = Split::ALL.iter().map(|&split| dataset.split(split).len()).sum();
        let (height, width) = (dataset.height, dataset.width);
        doubts.push(Doubt::Stretched { pictures, images, height, width });
    }
    for (which, names) in &dataset.seen.peculiar {
        let example = names.first().cloned().unwrap_or_default();
        doubts.push(Doubt::Peculiar { which: *which, pictures: names.len(), example });
    }
    let Twins { equal, near } = &dataset.seen.twins;
    for (split, equal, near) in [
        (Split::Val, equal.val_in_train, near.val_in_train),
        (Split::Test, equal.test_in_train, near.test_in_train),
    ] {
        if equal + near > 0 {
            let images = dataset.split(split).len();
            doubts.push(Doubt::Twins { split, equal, near, images });
        }
    }
    if equal.pairs_of_other_class > 0 {
        doubts.push(Doubt::Contradictions { pairs: equal.pairs_of_other_class, of: equal.pairs });
    }
    let reasons = dataset.left_out.values().flatten();
    let unreadable = reasons.filter(|(reason, _)| reason.starts_with(UNREADABLE));
    let pictures = unreadable.map(|(_, count)| count).sum();
    if pictures > 0 {
        doubts.push(Doubt::Unreadable { pictures });
    }
    doubts
}

/// What is doubtful about who is in which split.
fn of_splits(dataset: &Dataset) -> Vec<Doubt> {
    let by_groups = dataset.seen.remarks.groups > 0;
    let carved = |&split: &Split| {
        let images = dataset.split(split).len();
        Doubt::Carved { split, images, by_groups }
    };
    let mut doubts: Vec<Doubt> = dataset.carved.iter().map(carved).collect();
    if !dataset.carved.is_empty() && !by_groups {
        let mut images: Vec<(&str, usize)> = Vec::new();
        for split in Split::ALL {
            let names = dataset.split(split).names.iter().map(String::as_str);
            images.extend(names.zip(dataset.actual(split)));
        }
        doubts.extend(likely(&images).map(Doubt::LookGrouped));
    }
    let divided = dataset.seen.remarks.divided.iter();
    doubts.extend(divided.map(|groups| {
        let of = dataset.split(groups.splits[1]).len();
        Doubt::Divided { groups: groups.clone(), of }
    }));
    let images = dataset.seen.remarks.ungrouped;
    doubts.extend((images > 0).then_some(Doubt::Ungrouped { images }));
    doubts
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doubt::NoLandmarks => f.write_str(
                "no landmarks place the regions, which lie as on aligned faces: look at `fer-lab preview`, and where they miss \
                 set `dataset.landmarks` to \"find\", or to a table of them",
            ),
            Doubt::FewLandmarks { split, trusted, images } => write!(
                f,
                "only {trusted} of {images} {split} images have trusted landmarks; the regions of the others lie as on \
                 aligned faces: look at `fer-lab preview`, or leave them out by `dataset.without_landmarks = \"skip\"`"
            ),
            Doubt::OffFaces(FrameCheck { images, faces, off }) => write!(
                f,
                "the regions do not lie on the faces: in {faces} of {images} images looked at a face is found, from which \
                 the regions are off by {:.2} of the distance between the eyes in the median; look at `fer-lab preview`, \
                 and set `dataset.landmarks` to \"find\" or to the right table",
                *off as f64 / 1000.0
            ),
            Doubt::HardlyFaces { images: 1 } => f.write_str(
                "1 image was taken for no face by half of its annotators or more, and its label is what the others chose",
            ),
            Doubt::HardlyFaces { images } => write!(
                f,
                "{images} images were taken for no face by half of their annotators or more, and their labels are what \
                 the others chose"
            ),
            Doubt::Carved { split, images, by_groups } => write!(
                f,
                "the data have no {split} split: {images} of their training images are drawn for it, {}",
                match by_groups {
                    true => "in whole groups of `dataset.group`",
                    false => "whoever is on them",
                }
            ),
            Doubt::LookGrouped(Likely { pattern, groups, examples: [one, other] }) => write!(
                f,
                "names look as if several images were of one person or one sequence (`{one}`, `{other}`; {groups} such \
                 groups), and the splits are drawn across them: set `dataset.group = '{pattern}'`, or another pattern"
            ),
            Doubt::Divided { groups: Divided { splits: [one, other], groups, images, example }, of } => write!(
                f,
                "{} in {one} and in {other}, with {images} of the {of} {other} images: networks are evaluated on \
                 people, or sequences, that they were fitted to",
                match groups {
                    1 => format!("the group `{example}` is"),
                    _ => format!("{groups} groups (`{example}` and others) are"),
                }
            ),
            Doubt::Ungrouped { images } => write!(
                f,
                "{images} images are in no group of `dataset.group`: each is taken for a group of its own"
            ),
            Doubt::Stretched { pictures, images, height, width } => write!(
                f,
                "{pictures} of {images} pictures are stretched to {height} × {width} pixels, and their faces with them, \
                 since their sides have another ratio: see `dataset.shape`"
            ),
            Doubt::Twins { split, equal: 0, near, images } => write!(
                f,
                "{near} of {images} {split} images {} a nearly equal picture among the training images",
                have(*near)
            ),
            Doubt::Twins { split, equal, near, images } => write!(
                f,
                "{equal} of {images} {split} images {} an equal picture among the training images{}: \
                 `dataset.duplicates = \"drop\"` takes equal ones out of training",
                have(*equal),
                match near {
                    0 => String::new(),
                    near => format!(" and {near} more a nearly equal one"),
                }
            ),
            Doubt::Contradictions { pairs, of } => write!(
                f,
                "{pairs} of {of} pairs of equal pictures have labels of different classes"
            ),
            Doubt::Peculiar { which, pictures: 1, example } => {
                write!(f, "1 picture (`{example}`) is {which}")
            }
            Doubt::Peculiar { which, pictures, example } => {
                write!(f, "{pictures} pictures (`{example}` and others) are {which}")
            }
            Doubt::Unreadable { pictures: 1 } => {
                f.write_str("1 picture cannot be read and is excluded: `fer-lab data` has the reason")
            }
            Doubt::Unreadable { pictures } => write!(
                f,
                "{pictures} pictures cannot be read and are excluded: `fer-lab data` has the reasons"
            ),
        }
    }
}

/// The verb of so many.
fn have(number: usize) -> &'static str {
    if number == 1 { "has" } else { "have" }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::dataset::{Images, Pixels, folder};
    use crate::experiment::{Duplicates, Fit, OnError};

    fn spec(landmarks: Option<&str>) -> DatasetSpec {
        let source = Source::Folder(folder::tests::spec(Path::new("")));
        DatasetSpec {
            source,
            height: 1,
            width: 1,
            channels: 1,
            classes: Vec::new(),
            landmarks: landmarks.map(Into::into),
            without_landmarks: WithoutLandmarks::Identity,
            limit: None,
            standardise: crate::experiment::Standardise::default(),
            on_error: OnError::Skip,
            shape: Shaping::Stretch,
            duplicates: Duplicates::Keep,
            fit: Fit::Similarity,
        }
    }

    fn dataset(images: usize) -> Dataset {
        let images = || Images {
            names: (0..images).map(|image| image.to_string()).collect(),
            pixels: Pixels::Owned(vec![0; images]),
            labels: vec![1.0; images],
            landmarks: vec![None; images],
        };
        Dataset::new(vec!["joy".to_owned()], [1, 1, 1], [images(), images(), images()])
    }

    #[test]
    fn twins_are_counted_in_a_sentence() {
        let said =
            |equal, near| Doubt::Twins { split: Split::Test, equal, near, images: 57 }.to_string();
        assert_eq!(
            said(1, 0),
            "1 of 57 test images has an equal picture among the training images: `dataset.duplicates = \"drop\"` takes equal \
             ones out of training"
        );
        assert!(said(3, 1).starts_with(
            "3 of 57 test images have an equal picture among the training images and 1 more a nearly equal one: "
        ));
        assert_eq!(
            said(0, 2),
            "2 of 57 test images have a nearly equal picture among the training images"
        );
    }

    #[test]
    fn aligned_data_with_their_own_splits_leave_no_doubt() {
        assert_eq!(doubts(&spec(Some("points.csv")), &dataset(4)), []);
        assert_eq!(doubts(&spec(None), &dataset(4)), [Doubt::NoLandmarks]);
        let (root, labels) = (PathBuf::new(), BTreeMap::new());
        let source = Source::Rafdb { root, labels, val: 0.1, split_seed: 0 };
        assert_eq!(doubts(&DatasetSpec { source, ..spec(None) }, &dataset(4)), []);
    }

    #[test]
    fn few_landmarks_carved_splits_and_unreadable_pictures_are_said() {
        let mut dataset = dataset(200);
        dataset.without_landmarks = [(Split::Train, 197), (Split::Val, 100)].into();
        dataset.carved = vec![Split::Test];
        let reason = "unreadable: it is empty".to_owned();
        dataset.left_out = [(Split::Train, [(reason, 2)].into())].into();
        dataset.seen.reshaped = 7;
        let found = doubts(&spec(Some("points.csv")), &dataset);
        let said: Vec<String> = found.iter().map(Doubt::to_string).collect();
        assert_eq!(said.len(), 4, "{said:?}");
        assert!(
            said[0].starts_with("only 3 of 200 train images have trusted landmarks"),
            "{said:?}"
        );
        assert!(said[1].starts_with("the data have no test split: 200 of"), "{said:?}");
        assert!(said[2].starts_with("7 of 600 pictures are stretched to 1 × 1 pixels"), "{said:?}");
        let cropped = DatasetSpec { shape: Shaping::Crop, ..spec(Some("points.csv")) };
        assert_eq!(doubts(&cropped, &dataset).len(), 3);
        assert!(said[3].starts_with("2 pictures cannot be read"), "{said:?}");
    }

    #[test]
    fn who_is_in_which_split_is_said() {
        let named = |split: &str| Images {
            names: (0..100).map(|image| format!("{split}/S{}_{image}.png", image / 5)).collect(),
            pixels: Pixels::Owned(vec![0; 100]),
            labels: vec![1.0; 100],
            landmarks: vec![None; 100],
        };
        let splits = ["a", "b", "c"].map(named);
        let mut dataset = Dataset::new(vec!["joy".to_owned()], [1, 1, 1], splits);
        dataset.carved = vec![Split::Val, Split::Test];
        let said = |dataset: &Dataset| -> Vec<String> {
            doubts(&spec(Some("points.csv")), dataset).iter().map(Doubt::to_string).collect()
        };
        let found = said(&dataset);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[1].ends_with("drawn for it, whoever is on them"), "{found:?}");
        assert!(found[2].contains("(`a/S0_0.png`, `a/S0_1.png`; 20 such groups)"), "{found:?}");
        assert!(found[2].contains(r"set `dataset.group = '([^/_.\-]+)[_.\-][^/]*$'`"), "{found:?}");

        dataset.seen.remarks.groups = 20;
        dataset.seen.remarks.ungrouped = 2;
        let found = said(&dataset);
        assert!(found[0].ends_with("in whole groups of `dataset.group`"), "{found:?}");
        assert!(found[2].starts_with("2 images are in no group"), "{found:?}");
        assert_eq!(found.len(), 3, "{found:?}");

        dataset.carved.clear();
        dataset.seen.remarks.ungrouped = 0;
        let splits = [Split::Train, Split::Test];
        let example = "S7".to_owned();
        dataset.seen.remarks.divided = vec![Divided { splits, groups: 12, images: 40, example }];
        assert_eq!(
            said(&dataset),
            [
                "12 groups (`S7` and others) are in train and in test, with 40 of the 100 test images: networks are \
              evaluated on people, or sequences, that they were fitted to"
            ]
        );
    }
}
