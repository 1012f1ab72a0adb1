//! CK+ (Lucey et al. 2010, doi:10.1109/CVPRW.2010.5543262) as it is handed out: sequences of frames from a neutral face to
//! the peak of an emotion.
//!
//! `cohn-kanade-images/S005/001/S005_001_00000011.png` is a frame, and `Emotion/S005/001/S005_001_00000011_emotion.txt` holds
//! the number of its sequence's emotion; both are found by their names, in any folders under the root. As is the custom,
//! the last frames of a sequence show its emotion, and its first one is neutral. Sequences without a file have no emotion.
//! There are no splits: they are carved out, and no person is in two of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::folder::name_under;
use super::inputs::{Inputs, is_hidden};
use super::listing::{Catalogue, Entry, Listing, Picture, columns};
use super::{DatasetError, Split, groups};

/// The classes in the order of their numbers, from 0.
const EMOTIONS: [&str; 8] =
    ["neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"];

/// How the names of the files with an emotion end.
const EMOTION: &str = "_emotion.txt";

/// How many folders may lie in each other.
const DEPTH: usize = 16;

/// The part of CK+ that an experiment uses, and its files.
#[derive(Debug)]
pub struct Ckplus<'a> {
    root: &'a Path,
    frames: usize,
    shares: [f64; 2],
    split_seed: u64,
    /// The files with an emotion.
    emotions: Vec<PathBuf>,
    inputs: Inputs,
}

impl<'a> Ckplus<'a> {
    /// `frames` of each sequence's end show its emotion; the shares are those of the validation and of the test images.
    pub fn find(
        root: &'a Path,
        frames: usize,
        shares: [f64; 2],
        split_seed: u64,
    ) -> Result<Ckplus<'a>, DatasetError> {
        let walk =
            WalkDir::new(root).follow_links(true).min_depth(1).max_depth(DEPTH).sort_by_file_name();
        let walk = walk.into_iter().filter_entry(|entry| !is_hidden(entry.path()));
        let files = walk.flatten().filter(|entry| entry.file_type().is_file());
        let is_emotion = |path: &PathBuf| path.to_string_lossy().ends_with(EMOTION);
        let emotions: Vec<PathBuf> =
            files.map(walkdir::DirEntry::into_path).filter(is_emotion).collect();
        if emotions.is_empty() {
            let cure = match root.is_dir() {
                true => {
                    "unpack both below one folder, and point dataset.root there (pictures in folders by class, as \
                         of CK+48, are kind = \"folder\")"
                }
                false => "the folder does not exist; correct dataset.root",
            };
            return Err(DatasetError::NotThere {
                what: "CK+",
                root: root.to_owned(),
                looked_for: "cohn-kanade-images with the frames and Emotion with S005_001_00000011_emotion.txt and so on"
                    .to_owned(),
                cure: cure.to_owned(),
            });
        }
        let mut inputs = Inputs::default();
        inputs.add_pictures(root, DEPTH)?;
        emotions.iter().for_each(|file| inputs.add(file.clone()));
        Ok(Ckplus { root, frames, shares, split_seed, emotions, inputs })
    }

    /// The emotion of each sequence that has one, and its file.
    fn emotions(&self) -> Result<BTreeMap<String, (usize, &Path)>, DatasetError> {
        let mut emotions = BTreeMap::new();
        for file in &self.emotions {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let frame = name.strip_suffix(EMOTION).and_then(frame);
            let Some((sequence, _)) = frame else {
                let what = "the name is not that of a frame, such as S005_001_00000011_emotion.txt";
                return Err(DatasetError::table(file, what));
            };
            let text =
                fs::read_to_string(file).map_err(|why| DatasetError::unreadable(file, why))?;
            let number = text.trim().parse::<f64>().ok();
            let class =
                number.and_then(|number| (0..EMOTIONS.len()).find(|class| *class as f64 == number));
            let Some(class) = class else {
                let what = format!("it holds `{}`, not a number from 0 to 7", text.trim());
                return Err(DatasetError::table(file, what));
            };
            match emotions.insert(sequence.to_owned(), (class, file.as_path())) {
                Some((other, path)) if other != class => {
                    let what =
                        format!("{} says another emotion of the same sequence", path.display());
                    return Err(DatasetError::table(file, what));
                }
                _ => {}
            }
        }
        Ok(emotions)
    }

    /// The frames of each sequence by number, and the pictures that are none.
    fn sequences(&self) -> Result<(Sequences<'_>, usize), DatasetError> {
        let mut sequences = Sequences::new();
        let mut others = 0;
        for picture in self.inputs.pictures_under(self.root) {
            let stem = picture.file_stem().unwrap_or_default().to_string_lossy();
            let Some((sequence, number)) = frame(&stem) else {
                others += 1;
                continue;
            };
            if let Some(twice) =
                sequences.entry(sequence.to_owned()).or_default().insert(number, picture)
            {
                let what = format!("the frame is there twice: {} too; keep one", twice.display());
                return Err(DatasetError::table(picture, what));
            }
        }
        Ok((sequences, others))
    }
}

/// The frames of each sequence, by their numbers.
type Sequences<'a> = BTreeMap<String, BTreeMap<u64, &'a Path>>;

/// The sequence and the number of a frame such as `S005_001_00000011`.
fn frame(stem: &str) -> Option<(&str, u64)> {
    let (sequence, number) = stem.rsplit_once('_')?;
    let (person, _) = sequence.split_once('_')?;
    let is_person = person.strip_prefix('S')?.bytes().all(|byte| byte.is_ascii_digit());
    Some((sequence, number.parse().ok()?)).filter(|_| is_person)
}

impl Catalogue for Ckplus<'_> {
    fn root(&self) -> &Path {
        self.root
    }

    fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    fn list(&self, classes: &[String]) -> Result<Listing, DatasetError> {
        let chosen = columns(classes, &EMOTIONS, "CK+")?;
        let place = |class: usize| chosen.iter().position(|column| *column == class);
        let emotions = self.emotions()?;
        let (sequences, others) = self.sequences()?;
        if let Some((_, (_, file))) =
            emotions.iter().find(|(name, _)| !sequences.contains_key(*name))
        {
            let what = format!("there are no frames of its sequence under {}", self.root.display());
            return Err(DatasetError::table(file, what));
        }
        let mut listing = Listing::new();
        (0..others).for_each(|_| listing.leave_out(Split::Train, "not the name of a frame"));
        for (name, frames) in &sequences {
            let Some((emotion, _)) = emotions.get(name) else {
                frames
                    .iter()
                    .for_each(|_| listing.leave_out(Split::Train, "its sequence has no emotion"));
                continue;
            };
            // The first frame is neutral, so it never shows the emotion.
            let last = frames.len().saturating_sub(self.frames).max(1);
            for (at, picture) in frames.values().enumerate() {
                let class = match at {
                    0 => 0,
                    at if at >= last => *emotion,
                    _ => {
                        listing.leave_out(Split::Train, "between the first and the last frames");
                        continue;
                    }
                };
                let Some(class) = place(class) else {
                    let class = EMOTIONS[class];
                    listing.leave_out(Split::Train, format!("the class `{class}` is not chosen"));
                    continue;
                };
                let mut label = vec![0.0; classes.len()];
                label[class] = 1.0;
                let image = name_under(self.root, picture);
                let entry =
                    Entry::new(Split::Train, image, Picture::File((*picture).to_owned()), label);
                let group = name.split_once('_').map(|(person, _)| person.to_owned());
                listing.entries.push(Entry { group, ..entry });
            }
        }
        listing.carve_missing(|_| false, self.shares, self.split_seed);
        groups::remark(&mut listing);
        Ok(listing)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::dataset::folder::tests::laid_out;

    /// Sequences of six frames: person, number of the sequence, emotion.
    fn copy(sequences: &[(u32, u32, Option<u32>)]) -> tempfile::TempDir {
        let mut files = Vec::new();
        for (person, number, emotion) in sequences {
            let folder = format!("S{person:03}/{number:03}");
            let name = |frame: u32| format!("S{person:03}_{number:03}_{frame:08}");
            for frame in 1..7 {
                files.push((
                    format!("cohn-kanade-images/{folder}/{}.png", name(frame)),
                    String::new(),
                ));
            }
            if let Some(emotion) = emotion {
                let file = format!("Emotion/{folder}/{}_emotion.txt", name(6));
                files.push((file, format!("   {emotion}.0000000e+00\n")));
            }
        }
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        laid_out(&files)
    }

    fn listed(root: &Path, frames: usize, classes: &[&str]) -> Result<Listing, DatasetError> {
        let classes: Vec<String> = classes.iter().map(|&class| class.to_owned()).collect();
        Ckplus::find(root, frames, [0.25, 0.25], 1)?.list(&classes)
    }

    #[test]
    fn the_last_frames_show_the_emotion_and_the_first_is_neutral() {
        let root = copy(&[(5, 1, Some(3)), (5, 2, None), (10, 1, Some(5))]);
        let listing = listed(root.path(), 3, &["disgust", "neutral", "happiness"]).unwrap();
        let of = |sequence: &str| -> Vec<(String, usize)> {
            let entries = listing.entries.iter().filter(|entry| entry.name.contains(sequence));
            let class = |entry: &Entry| entry.label.iter().position(|share| *share == 1.0).unwrap();
            let last = |entry: &Entry| entry.name[entry.name.len() - 5..].to_owned();
            entries.map(|entry| (last(entry), class(entry))).collect()
        };
        let frames =
            |class: usize| [("1.png", 1), ("4.png", class), ("5.png", class), ("6.png", class)];
        assert_eq!(of("S005_001"), frames(0).map(|(name, class)| (name.to_owned(), class)));
        assert_eq!(of("S010_001"), frames(2).map(|(name, class)| (name.to_owned(), class)));
        let reasons = &listing.left_out[&Split::Train];
        assert_eq!(reasons["between the first and the last frames"], 4);
        assert_eq!(reasons["its sequence has no emotion"], 6);

        // Without neutral faces, with more frames than there are.
        let listing = listed(root.path(), 9, &["disgust", "happiness"]).unwrap();
        assert_eq!(listing.entries.len(), 10);
        assert_eq!(listing.left_out[&Split::Train]["the class `neutral` is not chosen"], 2);
    }

    #[test]
    fn no_person_is_in_two_splits() {
        let sequences: Vec<_> =
            (0..12).flat_map(|person| [(person, 1, Some(3)), (person, 2, Some(7))]).collect();
        let root = copy(&sequences);
        let listing = listed(root.path(), 3, &["disgust", "surprise"]).unwrap();
        let people = Split::ALL.map(|split| -> BTreeSet<&str> {
            let entries = listing.entries.iter().filter(|entry| entry.split == split);
            entries.filter_map(|entry| entry.group.as_deref()).collect()
        });
        assert_eq!(people.each_ref().map(BTreeSet::len), [6, 3, 3]);
        assert_eq!(people.iter().flatten().collect::<BTreeSet<_>>().len(), 12);
    }

    #[test]
    fn what_is_no_copy_is_said() {
        let message = |root: &Path| listed(root, 3, &["fear", "anger"]).unwrap_err().to_string();
        let empty = tempfile::tempdir().unwrap();
        assert!(
            message(empty.path()).contains("unpack both below one folder"),
            "{}",
            message(empty.path())
        );
        let root = copy(&[(5, 1, Some(9))]);
        assert!(
            message(root.path())
                .ends_with("_emotion.txt: it holds `9.0000000e+00`, not a number from 0 to 7"),
            "{}",
            message(root.path())
        );
        let root = copy(&[(5, 1, Some(1))]);
        fs::remove_dir_all(root.path().join("cohn-kanade-images")).unwrap();
        assert!(
            message(root.path())
                .contains("_emotion.txt: there are no frames of its sequence under")
        );
    }
}
