//! AffectNet's annotations beside its pictures: `images/17.jpg` with `annotations/17_exp.npy`, which holds the number of its
//! expression, in the folder of each split.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::inputs::Inputs;
use super::{DatasetError, npy};

const PICTURES: &str = "images";
const ANNOTATIONS: &str = "annotations";
/// How the name of a file with an expression ends.
const EXPRESSION: &str = "_exp.npy";

/// The files with an expression in the folder of a split; none where it is laid out otherwise.
pub fn files(split: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let folder = split.join(ANNOTATIONS);
    if !folder.is_dir() || !split.join(PICTURES).is_dir() {
        return Ok(Vec::new());
    }
    let unreadable = |why| DatasetError::unreadable(&folder, why);
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.to_string_lossy().ends_with(EXPRESSION) {
            files.push(path);
        }
    }
    Ok(files)
}

/// The pictures in the folder of a split, each with its label if it has one.
pub fn labels<'i>(
    split: &'i Path,
    inputs: &'i Inputs,
) -> Result<Vec<(&'i Path, Option<String>)>, DatasetError> {
    let (pictures, annotations) = (split.join(PICTURES), split.join(ANNOTATIONS));
    let all = inputs.pictures_under(split);
    let pictures: Vec<&Path> = all.filter(|picture| picture.starts_with(&pictures)).collect();
    let label = |picture: &'i Path| {
        let stem = picture.file_stem().unwrap_or_default().to_string_lossy();
        let file = annotations.join(format!("{stem}{EXPRESSION}"));
        let label = inputs.contains(&file).then(|| npy::scalar(&file)).transpose()?;
        Ok((picture, label))
    };
    pictures.into_par_iter().map(label).collect()
}
