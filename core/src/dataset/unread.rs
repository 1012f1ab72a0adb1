//! What lies in a data set's folder and is not read: nothing vanishes without a word.

use std::collections::BTreeMap;
use std::path::Path;

use walkdir::WalkDir;

use super::inputs::{Inputs, is_hidden, is_picture};

/// Formats of pictures that are not read, by their extensions.
const FORMATS: [&str; 17] = [
    "gif", "heic", "heif", "avif", "jxl", "jp2", "j2k", "psd", "svg", "ico", "tga", "exr", "dds",
    "raw", "dng", "cr2", "nef",
];
const VIDEOS: [&str; 10] = ["mp4", "avi", "mov", "mkv", "webm", "wmv", "mpg", "mpeg", "m4v", "flv"];
const ARCHIVES: [&str; 8] = ["zip", "tar", "gz", "tgz", "7z", "rar", "bz2", "xz"];

/// What systems leave in folders, in lower case; beside what is hidden.
const LEFT_BY_SYSTEMS: [&str; 4] = ["thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir"];

/// How many files under `root` are none of `inputs`, by what they are.
pub fn not_read(root: &Path, inputs: &Inputs) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let walk = WalkDir::new(root).follow_links(true).min_depth(1);
    // What cannot be walked is no part of the data either.
    let files = walk.into_iter().filter_entry(|entry| !is_left_over(entry.path())).flatten();
    for entry in files.filter(|entry| entry.file_type().is_file()) {
        if !inputs.contains(entry.path()) {
            *counts.entry(what_it_is(entry.path())).or_default() += 1;
        }
    }
    counts
}

fn is_left_over(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    is_hidden(path) || LEFT_BY_SYSTEMS.contains(&name.as_str())
}

fn what_it_is(file: &Path) -> String {
    if is_picture(file) {
        return "pictures in folders that are not read".to_owned();
    }
    let Some(extension) = file.extension() else { return "without extension".to_owned() };
    let extension = extension.to_string_lossy().to_lowercase();
    let is_one = |known: &[&str]| known.contains(&extension.as_str());
    let what = match () {
        () if is_one(&FORMATS) => " (pictures of a format that is not read: convert them to PNG)",
        () if is_one(&VIDEOS) => " (videos: take their frames out)",
        () if is_one(&ARCHIVES) => " (archives: unpack them)",
        () => "",
    };
    format!(".{extension}{what}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::folder::tests::laid_out;

    #[test]
    fn what_is_not_read_is_counted_by_what_it_is() {
        let root = laid_out(&[
            ("a/1.png", ""),
            ("a/2.GIF", ""),
            ("a/3.gif", ""),
            ("a/clip.mp4", ""),
            ("elsewhere/b/4.jpg", ""),
            ("readme", ""),
            ("labels.csv", ""),
            ("other.csv", ""),
            ("Thumbs.db", ""),
            (".DS_Store", ""),
            ("__MACOSX/a/1.png", ""),
            ("@eaDir/1.gif", ""),
        ]);
        let mut inputs = Inputs::default();
        inputs.add_pictures(&root.path().join("a"), 1).unwrap();
        inputs.add(root.path().join("labels.csv"));
        let counts = not_read(root.path(), &inputs);
        let counts: Vec<(&str, usize)> =
            counts.iter().map(|(what, count)| (what.as_str(), *count)).collect();
        assert_eq!(
            counts,
            [
                (".csv", 1),
                (".gif (pictures of a format that is not read: convert them to PNG)", 2),
                (".mp4 (videos: take their frames out)", 1),
                ("pictures in folders that are not read", 1),
                ("without extension", 1),
            ]
        );
    }
}
