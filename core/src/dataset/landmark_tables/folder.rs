//! Landmarks in a folder, a file for each picture: iBUG's `.pts`, OpenFace's `.csv`, `.json`.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::names::Names;
use super::scheme::{KNOWN, Scheme};
use super::{ReadRows, Row, json, text};
use crate::dataset::DatasetError;
use crate::region::Point;

/// The extensions of files with a picture's points.
const EXTENSIONS: [&str; 3] = ["pts", "csv", "json"];

/// A longer file is no picture's points.
const LONGEST: u64 = 1 << 20;

/// The files of a picture each under `folder`, sorted; a file that is a table itself is the only one.
///
/// # Errors
/// [`DatasetError::NoLandmarks`] where there is nothing, and where a folder cannot be read.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    if !path.exists() {
        return Err(DatasetError::NoLandmarks { path: path.to_owned() });
    }
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in WalkDir::new(path).sort_by_file_name() {
        let entry = entry.map_err(|why| DatasetError::unreadable(path, why))?;
        let is_one = entry.path().extension().is_some_and(|extension| {
            EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
        });
        if is_one && entry.file_type().is_file() {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

pub fn read(folder: &Path) -> Result<ReadRows, DatasetError> {
    let files = files(folder)?;
    if files.is_empty() {
        let what = "no file in the folder is a picture's points (.pts, .csv, .json)";
        return Err(DatasetError::table(folder, what));
    }
    let mut read = ReadRows { names: Names::default(), rows: Vec::new(), points: 0 };
    for file in files {
        let Some((row, points)) = read_one(&file)? else { continue };
        if read.points != 0 && points != read.points {
            let what = format!("it has {points} points, the files before it {}", read.points);
            return Err(DatasetError::table(&file, what));
        }
        read.points = points;
        let name = file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().into_owned();
        // Paths of files differ.
        let _ = read.names.push(name);
        read.rows.push(row);
    }
    Ok(read)
}

/// The points of a picture and how many there are; `None` where the file says that it has no face.
fn read_one(file: &Path) -> Result<Option<(Row, usize)>, DatasetError> {
    let failed = |why| DatasetError::unreadable(file, why);
    let length = std::fs::metadata(file).map_err(failed)?.len();
    if length > LONGEST {
        let what = format!("it has {length} bytes, too many for the points of one picture");
        return Err(DatasetError::table(file, what));
    }
    let is = |wanted: &str| {
        file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
    };
    if is("json") {
        return json::read_one(file).map(Some);
    }
    if is("csv") {
        return text::read_one(file);
    }
    let text = std::fs::read_to_string(file).map_err(failed)?;
    pts(&text).map(Some).map_err(|what| DatasetError::table(file, what))
}

/// iBUG's format: `version: 1`, `n_points: 68`, and the points between braces, pixels counted from 1.
fn pts(text: &str) -> Result<(Row, usize), String> {
    let wrong =
        || "it is no .pts file: `version`, `n_points` and points between { } are wanted".to_owned();
    let (_, rest) = text.split_once('{').ok_or_else(wrong)?;
    let (points, _) = rest.split_once('}').ok_or_else(wrong)?;
    let mut all = Vec::new();
    for line in points.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut numbers = line.split_whitespace().map(str::parse::<f64>);
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(Ok(x)), Some(Ok(y)), None) if x.is_finite() && y.is_finite() => {
                let missing = (x, y) == (-1.0, -1.0);
                all.push((!missing).then_some(Point { x: x - 1.0, y: y - 1.0 }));
            }
            _ => return Err(format!("`{line}` is no point, two numbers")),
        }
    }
    let scheme =
        Scheme::of(all.len()).ok_or_else(|| format!("it has {} points; {KNOWN}", all.len()))?;
    let (points, contour) = (scheme.five(&all), scheme.contour(&all));
    Ok((Row { points, presence: 1.0, line: 0, contour }, all.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pts_file_says_so() {
        assert!(pts("text").unwrap_err().starts_with("it is no .pts file"));
        assert_eq!(pts("version: 1\n{\n1 2\n3\n}").unwrap_err(), "`3` is no point, two numbers");
        assert!(pts("{\n1 2\n}").unwrap_err().starts_with("it has 1 points; "));
    }
}
