//! Landmarks as JSON: an object of points by image, or a list of images with points.

use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};

use super::names::Names;
use super::scheme::{KNOWN, PRESENCES, Scheme};
use super::{ReadRows, Row};
use crate::dataset::DatasetError;
use crate::region::Point;

/// Keys under which an image's name and points are found.
const IMAGES: [&str; 6] = ["image", "file", "filename", "file_name", "path", "name"];
const POINTS: [&str; 4] = ["landmarks", "points", "keypoints", "face_landmarks"];

pub fn read(path: &Path, text: impl Read) -> Result<ReadRows, DatasetError> {
    let value: Value = serde_json::from_reader(std::io::BufReader::new(text))
        .map_err(|why| DatasetError::table(path, format!("it is no JSON: {why}")))?;
    let failed = |what: String| DatasetError::table(path, what);
    let mut read = ReadRows { names: Names::default(), rows: Vec::new(), points: 0 };
    match value {
        Value::Object(images) => {
            for (name, face) in images {
                read.add(name, &face).map_err(failed)?;
            }
        }
        Value::Array(images) => {
            for (at, face) in images.into_iter().enumerate() {
                let name =
                    face.as_object().and_then(|face| get(face, &IMAGES)).and_then(Value::as_str);
                let Some(name) = name.map(str::to_owned) else {
                    return Err(failed(format!("entry {at} of the list has no `image`, a text")));
                };
                read.add(name, &face).map_err(failed)?;
            }
        }
        _ => return Err(failed("it is neither an object of images nor a list of them".to_owned())),
    }
    Ok(read)
}

/// The points of a file that is one picture's, and how many there are.
pub fn read_one(path: &Path) -> Result<(Row, usize), DatasetError> {
    let file = std::fs::File::open(path).map_err(|why| DatasetError::unreadable(path, why))?;
    let value: Value = serde_json::from_reader(std::io::BufReader::new(file))
        .map_err(|why| DatasetError::table(path, format!("it is no JSON: {why}")))?;
    row(&value).map_err(|what| DatasetError::table(path, format!("it {what}")))
}

impl ReadRows {
    fn add(&mut self, name: String, face: &Value) -> Result<(), String> {
        let (row, points) = row(face).map_err(|what| format!("`{name}` {what}"))?;
        if self.points != 0 && points != self.points {
            return Err(format!(
                "`{name}` has {points} points, the images before it {}; all must have the same",
                self.points
            ));
        }
        self.points = points;
        self.rows.push(row);
        match self.names.push(name.clone()) {
            true => Ok(()),
            false => Err(format!("`{name}` is there twice; keep one")),
        }
    }
}

/// A face's points, and how many there are; what is wrong, after the face's name.
fn row(face: &Value) -> Result<(Row, usize), String> {
    let (points, presence) = match face {
        Value::Array(points) => (points.as_slice(), 1.0),
        Value::Object(face) => {
            let points = get(face, &POINTS).and_then(Value::as_array);
            let points = points.ok_or("has no list `landmarks` of points")?;
            let presence = get(face, &PRESENCES).map(|presence| {
                presence.as_f64().map(|presence| presence.clamp(0.0, 1.0)).unwrap_or(0.0)
            });
            (points.as_slice(), presence.unwrap_or(1.0))
        }
        _ => return Err("is neither a list of points nor an object with one".to_owned()),
    };
    let all: Vec<Option<Point>> = match points.first() {
        // x and y in turns.
        Some(Value::Number(_)) => points.chunks(2).map(pair_of).collect(),
        _ => points.iter().map(point).collect(),
    };
    let scheme =
        Scheme::of(all.len()).ok_or_else(|| format!("has {} points; {KNOWN}", all.len()))?;
    let (points, contour) = (scheme.five(&all), scheme.contour(&all));
    Ok((Row { points, presence, line: 0, contour }, all.len()))
}

/// `[x, y]`, with further coordinates or without, or `{"x": …, "y": …}`; `None` where it is neither, or missing (null, or −1
/// in both).
fn point(value: &Value) -> Option<Point> {
    match value {
        Value::Array(pair) => pair_of(pair),
        Value::Object(point) => finite(point.get("x")?.as_f64()?, point.get("y")?.as_f64()?),
        _ => None,
    }
}

fn pair_of(pair: &[Value]) -> Option<Point> {
    let [x, y, ..] = pair else { return None };
    finite(x.as_f64()?, y.as_f64()?)
}

fn finite(x: f64, y: f64) -> Option<Point> {
    (x.is_finite() && y.is_finite() && (x, y) != (-1.0, -1.0)).then_some(Point { x, y })
}

fn get<'a>(object: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| object.get(*name))
}
