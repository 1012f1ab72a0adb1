//! Errors of data on disk; messages name the file, the line and what to do.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use super::Split;
use crate::disk::{cure, gigabytes, is_full};
use crate::landmarker::LandmarkerError;

/// Why a data set cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    #[error("no {what} in {}: looked for {looked_for}; {cure}", whole(root).display())]
    NotThere { what: &'static str, root: PathBuf, looked_for: String, cure: String },

    #[error(
        "there is no table of landmarks {}, which `dataset.landmarks` names; `landmarks = \"find\"` finds them in the pictures",
        whole(path).display()
    )]
    NoLandmarks { path: PathBuf },

    #[error("cannot read {}: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },

    /// A line of a text file; counted from 1, the header included.
    #[error("{}, line {line}: {what}", path.display())]
    Row { path: PathBuf, line: u64, what: String },

    /// A whole text file.
    #[error("{}: {what}", path.display())]
    Table { path: PathBuf, what: String },

    #[error("cannot use the picture {}: {}", .0.path.display(), .0.why)]
    Picture(BadPicture),

    #[error("{} pictures cannot be used:{}\n{SKIP}", bad.len(), each(bad))]
    Pictures { bad: Vec<BadPicture> },

    #[error("the class `{class}` is not one of {kind}'s: {known}; correct dataset.classes")]
    UnknownClass { class: String, kind: &'static str, known: String },

    /// No label of the user's own data means a chosen class; the cure has the line to paste.
    #[error("nothing is of the class `{class}`; the labels are {found}; {cure}")]
    UnknownLabels { class: String, found: String, cure: String },

    #[error(
        "dataset.labels speaks of `{label}`, which is no label of these data: {found}; correct it"
    )]
    NoSuchLabel { label: String, found: String },

    /// Two folders are one split's.
    #[error(
        "{} and {} are both for {split}; merge them, or move one out of the folder", one.display(), other.display()
    )]
    TwoFolders { split: Split, one: PathBuf, other: PathBuf },

    /// `votes`: an image is of the class that most annotators chose; otherwise it has one class.
    #[error(
        "empty class: no image in {split} {} ({found}); take it out of dataset.classes or add images",
        match votes {
            true => format!("has `{class}` as the class with most votes"),
            false => format!("is of the class `{class}`"),
        }
    )]
    EmptyClass { class: String, split: Split, found: String, votes: bool },

    #[error(
        "two images are named `{name}`; a name must point at one image, so rename or remove one"
    )]
    DuplicateName { name: String },

    /// A path names a variable of the environment that is not there.
    #[error("the variable {name} is not set, which `{path}` names; set it, or write the path out")]
    Unset { name: String, path: String },

    /// A pattern of the experiment file fits no name.
    #[error("dataset.{key} finds nothing in the names, such as `{name}`; correct the pattern")]
    NoMatch { key: &'static str, name: String },

    #[error("dataset.{key} is no pattern: {why}; correct it")]
    NoPattern { key: &'static str, why: String },

    #[error(
        "without_landmarks = \"skip\" would leave out every image, since no table gives their \
         landmarks; set dataset.landmarks, or without_landmarks = \"identity\""
    )]
    NothingButSkipped,

    #[error("cannot use the cache folder {}: {why}; {}name another folder", path.display(), cure(why))]
    Cache { path: PathBuf, why: io::Error },

    #[error(
        "the decoded pictures take {}, and {} has {} left; free some, put the results folder elsewhere (--results), or make \
         the pictures smaller (dataset.size)",
        gigabytes(*bytes), folder.display(), gigabytes(*free)
    )]
    NoRoom { folder: PathBuf, bytes: u64, free: u64 },

    #[error(
        "drawn faces have no pictures to find landmarks in: the generator knows where their points are"
    )]
    Drawn,

    #[error(transparent)]
    Landmarker(#[from] LandmarkerError),

    #[error("the loading was interrupted")]
    Interrupted,

    #[error("the files under {} changed while they were read; run again when nothing writes to them", root.display())]
    Changed { root: PathBuf },

    #[error(
        "the data set is too large: {images} images of {height} × {width} × {channels} do not fit into memory addresses"
    )]
    TooLarge { images: usize, height: usize, width: usize, channels: usize },
}

/// The path from the root of the file system on, as far as that is known.
fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A picture that cannot be used, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPicture {
    pub path: PathBuf,
    pub why: String,
}

const SKIP: &str = "repair or remove them, or leave them out by dataset.on_error = \"skip\"";

/// A line a picture, as many as a screen holds.
fn each(bad: &[BadPicture]) -> String {
    const MOST: usize = 20;
    let line = |BadPicture { path, why }: &BadPicture| format!("\n  {}: {why}", path.display());
    let mut lines: String = bad.iter().take(MOST).map(line).collect();
    if bad.len() > MOST {
        lines += &format!("\n  and {} more", bad.len() - MOST);
    }
    lines
}

impl DatasetError {
    pub(super) fn unreadable(path: &Path, why: impl Display) -> DatasetError {
        DatasetError::Unreadable { path: path.to_owned(), why: why.to_string() }
    }

    pub(super) fn row(path: &Path, line: u64, what: impl Into<String>) -> DatasetError {
        DatasetError::Row { path: path.to_owned(), line, what: what.into() }
    }

    pub(super) fn table(path: &Path, what: impl Into<String>) -> DatasetError {
        DatasetError::Table { path: path.to_owned(), what: what.into() }
    }

    pub(super) fn cache(path: &Path, why: io::Error) -> DatasetError {
        DatasetError::Cache { path: path.to_owned(), why }
    }

    /// Whether the data set is valid but could not be stored.
    pub fn is_about_storing(&self) -> bool {
        matches!(self, DatasetError::Cache { why, .. } if is_full(why))
    }

    /// An error of the `csv` crate, with its line.
    pub(super) fn csv(path: &Path, error: &csv::Error) -> DatasetError {
        match (error.kind(), error.position()) {
            (csv::ErrorKind::Io(why), _) => DatasetError::unreadable(path, why),
            (csv::ErrorKind::UnequalLengths { expected_len, len, .. }, Some(position)) => {
                let what = format!("{len} fields where the header has {expected_len}");
                DatasetError::row(path, position.line(), what)
            }
            (_, Some(position)) => DatasetError::row(path, position.line(), "not UTF-8 text"),
            (_, None) => DatasetError::table(path, error.to_string()),
        }
    }
}

/// Names in backquotes, separated by commas, for messages.
pub(super) fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
