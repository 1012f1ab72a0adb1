//! Tables of landmarks for pictures that come without them, as they circulate.
//!
//! | what | whose points |
//! | --- | --- |
//! | CSV or TSV with `<point>_x`, `<point>_y` | five named points (`eye_left`, …) |
//! | CSV or TSV with numbered columns (`x_0`, `y_0`, …) | OpenFace's 68, MediaPipe's 468 or 478, MTCNN's 5 |
//! | JSON: points by image, or a list of images with points | any of them |
//! | a folder with a `.pts`, `.csv` or `.json` for each picture | iBUG's 68, OpenFace's output |
//!
//! Text may be gzipped. Coordinates are fractions of the picture's width and height from its top left, or pixels; which,
//! the values say. Left and right are as seen in the picture, in every scheme.

mod columns;
mod folder;
mod json;
mod names;
mod scheme;
mod text;
mod trust;

use std::path::Path;

use serde::{Deserialize, Serialize};

use self::names::Names;
use super::DatasetError;
use super::listing::Listing;
use crate::landmarker::LEAST_PRESENCE;
use crate::region::{Contour, Landmark, Point};

pub use self::folder::files as files_of;
pub(super) use self::trust::Points;
pub use self::trust::Untrusted;

/// Coordinates of a table in fractions lie here: a face may lie a little outside its picture. Further out, they are pixels.
const FRACTIONS: std::ops::RangeInclusive<f64> = -2.0..=3.0;

/// What the points of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableFacts {
    /// How many points a face has there.
    pub points: usize,
    pub unit: Unit,
}

/// What coordinates count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Of the picture's width and height.
    Fractions,
    Pixels,
}

/// The points of one picture as the table has them, of which the regions need five.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// In [`Landmark::ALL`]'s order, in the table's unit; `None` where the table has none.
    pub points: [Option<Point>; 5],
    /// The probability that they lie on a face, 0 to 1; 1 in a table that does not say.
    pub presence: f64,
    /// Of the file, from 1; 0 where a row is no line.
    pub line: u64,
    /// In the table's unit; `None` of a table with fewer than 68 points, or where one of them is missing.
    pub contour: Option<Contour>,
}

/// A table of landmarks.
#[derive(Debug)]
pub struct LandmarkTable {
    names: Names,
    rows: Vec<Row>,
    facts: TableFacts,
}

impl LandmarkTable {
    /// Reads a file, or a folder with a file for each picture.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, is longer than 512 MiB, is no table of landmarks, or where left and right are exchanged in
    /// most of its rows.
    pub fn read(path: &Path) -> Result<LandmarkTable, DatasetError> {
        let read = match path.is_dir() {
            true => folder::read(path)?,
            false => text::read(path)?,
        };
        LandmarkTable::of(path, read)
    }

    fn of(path: &Path, read: ReadRows) -> Result<LandmarkTable, DatasetError> {
        let ReadRows { names, rows, points } = read;
        let unit = unit_of(&rows);
        if unit == Unit::Fractions
            && let Some((row, point)) = first_outside(&rows)
        {
            let what = format!(
                "a point at ({}, {}), where most rows of the table have fractions of the width and height; correct it",
                point.x, point.y
            );
            return Err(DatasetError::row(path, row.line, what));
        }
        if let Some(what) = exchanged(&rows) {
            return Err(DatasetError::table(path, what));
        }
        Ok(LandmarkTable { names, rows, facts: TableFacts { points, unit } })
    }

    /// What its points are.
    pub fn facts(&self) -> TableFacts {
        self.facts
    }

    /// The row of each entry of `listing`, in its order.
    ///
    /// # Errors
    ///
    /// Where not one name of the table is an image's: then the table belongs to other data.
    pub fn rows_of(
        &self,
        path: &Path,
        listing: &Listing,
    ) -> Result<Vec<Option<&Row>>, DatasetError> {
        let wanted: Vec<&str> =
            listing.entries.iter().map(|entry| entry.listed_as.as_str()).collect();
        let found = self.names.find(&wanted);
        if let Some(first) = listing.entries.first()
            && found.iter().all(Option::is_none)
        {
            let what = format!(
                "no row is for an image of this data set: the table names `{}` and the like, the data set `{}`",
                self.names.example(),
                first.name
            );
            return Err(DatasetError::table(path, what));
        }
        Ok(found.into_iter().map(|row| Some(&self.rows[row?])).collect())
    }
}

/// What a reader finds in a file.
struct ReadRows {
    names: Names,
    rows: Vec<Row>,
    /// How many points a face has.
    points: usize,
}

/// Fractions, unless most rows have a point that cannot be one.
fn unit_of(rows: &[Row]) -> Unit {
    let known = rows.iter().filter(|row| row.points.iter().flatten().next().is_some());
    let (mut all, mut outside) = (0_usize, 0_usize);
    for row in known {
        all += 1;
        outside += usize::from(row.points.iter().flatten().any(is_outside));
    }
    if 2 * outside > all { Unit::Pixels } else { Unit::Fractions }
}

fn first_outside(rows: &[Row]) -> Option<(&Row, Point)> {
    let mut outside = rows.iter().filter_map(|row| {
        let point = row.points.iter().flatten().find(|point| is_outside(point))?;
        (row.presence >= LEAST_PRESENCE).then_some((row, *point))
    });
    outside.next()
}

fn is_outside(point: &Point) -> bool {
    !FRACTIONS.contains(&point.x) || !FRACTIONS.contains(&point.y)
}

/// What is wrong where the points called left lie to the right in most rows: everybody's left is another's.
fn exchanged(rows: &[Row]) -> Option<String> {
    let of = |row: &Row, landmark: Landmark| row.points[landmark as usize];
    let eyes = rows.iter().filter(|row| row.presence >= LEAST_PRESENCE);
    let eyes =
        eyes.filter_map(|row| Some((of(row, Landmark::EyeLeft)?, of(row, Landmark::EyeRight)?)));
    let (mut all, mut exchanged) = (0_usize, 0_usize);
    for (left, right) in eyes {
        all += 1;
        exchanged += usize::from(left.x > right.x);
    }
    (2 * exchanged > all).then(|| {
        format!(
            "left and right are exchanged in {exchanged} of {all} rows: `eye_left` and `mouth_left` are the points on the \
             left of the picture, not of the person; exchange the points' names (or the pictures are mirrored)"
        )
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::dataset::Split;
    use crate::dataset::listing::{Entry, Picture};

    const FIVE: &str = "image,eye_left_x,eye_left_y,eye_right_x,eye_right_y,nose_tip_x,nose_tip_y";

    fn read_as(name: &str, text: &str) -> Result<LandmarkTable, DatasetError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        LandmarkTable::read(&path)
    }

    fn read(text: &str) -> LandmarkTable {
        read_as("points.csv", text).unwrap()
    }

    fn message(text: &str) -> String {
        let message = read_as("points.csv", text).unwrap_err().to_string();
        message.split_once("points.csv").unwrap().1.to_owned()
    }

    fn listing(names: &[&str]) -> Listing {
        let mut listing = Listing::new();
        listing.entries.extend(names.iter().map(|name| {
            let picture = Picture::File(PathBuf::new());
            Entry::new(Split::Train, (*name).to_owned(), picture, vec![1.0])
        }));
        listing
    }

    fn found(table: &LandmarkTable, names: &[&str]) -> Vec<bool> {
        let listing = listing(names);
        let rows = table.rows_of(Path::new("points.csv"), &listing).unwrap();
        rows.iter().map(Option::is_some).collect()
    }

    /// `x_0 … y_67` of 68 points, where number `n` lies at (n, 100 + n).
    fn openface(header: &str) -> String {
        let columns = |axis: &str| (0..68).map(|n| format!(", {axis}_{n}")).collect::<String>();
        let values =
            |from: usize| (from..from + 68).map(|n| format!(", {n}.5")).collect::<String>();
        format!(
            "{header}{}{}\n\"a.jpg\", 0.98, 1{}{}\n",
            columns("x"),
            columns("y"),
            values(0),
            values(100)
        )
    }

    #[test]
    fn fractions_and_pixels_are_told_apart_by_the_values() {
        let fractions = read(&format!("{FIVE}\na,0.3,0.4,0.7,0.4,0.5,0.6\n"));
        assert_eq!(fractions.facts(), TableFacts { points: 3, unit: Unit::Fractions });
        let pixels = read(&format!(
            "{FIVE}\na,190,180,300,182,250,240\nb,1,2,3,2,2,3\nc,50,50,90,52,70,70\n"
        ));
        assert_eq!(pixels.facts().unit, Unit::Pixels);
        assert_eq!(
            message(&format!("{FIVE}\na,0.3,0.4,0.7,0.4,0.5,0.6\nb,0.3,0.4,0.7,0.4,50,0.6\n")),
            ", line 3: a point at (50, 0.6), where most rows of the table have fractions of the width and height; correct \
             it"
        );
    }

    #[test]
    fn points_whose_left_is_anothers_are_refused() {
        let text = format!(
            "{FIVE}\na,0.7,0.4,0.3,0.4,0.5,0.6\nb,0.7,0.4,0.3,0.4,0.5,0.6\nc,0.3,0.4,0.7,0.4,0.5,0.6\n"
        );
        let message = message(&text);
        assert!(
            message.starts_with(": left and right are exchanged in 2 of 3 rows: `eye_left`"),
            "{message}"
        );
    }

    #[test]
    fn openface_gives_the_means_of_its_eyes_ends() {
        let table = read(&openface("image, confidence, success"));
        assert_eq!(table.facts(), TableFacts { points: 68, unit: Unit::Pixels });
        let points = table.rows[0].points.map(Option::unwrap);
        let wanted = [(38.0, 138.0), (44.0, 144.0), (30.5, 130.5), (48.5, 148.5), (54.5, 154.5)];
        assert_eq!(points.map(|point| (point.x, point.y)), wanted);
    }

    #[test]
    fn what_a_tracker_lost_is_not_trusted() {
        let lost = openface("image, confidence, success").replace("0.98, 1", "0.98, 0");
        assert_eq!(read(&lost).rows[0].presence, 0.0);
    }

    #[test]
    fn names_are_matched_as_people_write_them() {
        let table = read(&format!(
            "{FIVE}\ntrain\\a.png,0.3,0.4,0.7,0.4,0.5,0.6\n./test/b.jpg,0.3,0.4,0.7,0.4,0.5,0.6\nc,0.3,0.4,0.7,0.4,0.5,0.6\n"
        ));
        assert_eq!(
            found(&table, &["train/a.png", "test/b.png", "val/c.png", "d.png"]),
            [true, true, true, false]
        );
        // Two pictures of one file name: the row may be either's.
        assert_eq!(
            found(&table, &["train/a.png", "val/c.png", "test/c.png"]),
            [true, false, false]
        );
    }

    #[test]
    fn missing_points_are_no_points() {
        let table = read(&format!(
            "{FIVE}\na,0.3,0.4,0.7,0.4,-1,-1\nb,NA,NA,0.7,0.4,0.5,0.6\nc,nan,0.4,0.7,0.4,0.5,\nd,0.3,0.4,0.7,0.4,0.5,0.6\n"
        ));
        let known = |row: usize| table.rows[row].points.iter().flatten().count();
        assert_eq!([known(0), known(1), known(2), known(3)], [2, 2, 1, 3]);
    }

    #[test]
    fn a_table_of_other_data_is_refused() {
        let table = read(&format!("{FIVE}\na,0.3,0.4,0.7,0.4,0.5,0.6\n"));
        assert_eq!(
            table.rows_of(Path::new("points.csv"), &listing(&["z.png"])).unwrap_err().to_string(),
            "points.csv: no row is for an image of this data set: the table names `a` and the like, the data set `z.png`"
        );
    }

    #[test]
    fn json_points_come_by_image_or_in_a_list() {
        let five = "[[30, 40], [70, 40], [50, 60], [36, 77], [64, 77]]";
        for text in [
            format!("{{\"a.png\": {five}}}"),
            format!("{{\"a.png\": {{\"landmarks\": {five}, \"score\": 0.9}}}}"),
            format!("[{{\"image\": \"a.png\", \"points\": {five}}}]"),
            "[{\"file\": \"a.png\", \"keypoints\": [30,40,70,40,50,60,36,77,64,77]}]".to_owned(),
        ] {
            let table = read_as("points.json", &text).unwrap();
            assert_eq!(table.facts(), TableFacts { points: 5, unit: Unit::Pixels }, "{text}");
            assert_eq!(table.rows[0].points[2], Some(Point { x: 50.0, y: 60.0 }), "{text}");
            assert_eq!(found(&table, &["a.png"]), [true]);
        }
        let meshed: Vec<String> = (0..478)
            .map(|n| format!("{{\"x\": {}, \"y\": 0.5, \"z\": 0}}", n as f64 / 478.0))
            .collect();
        let text = format!("{{\"a.png\": [{}]}}", meshed.join(","));
        let table = read_as("points.json", &text).unwrap();
        assert_eq!(table.facts(), TableFacts { points: 478, unit: Unit::Fractions });
        let error =
            read_as("points.json", "{\"a.png\": [[1, 2], [3, 4]]}").unwrap_err().to_string();
        assert!(
            error.ends_with("`a.png` has 2 points; faces of 5, 68, 468 or 478 points are known"),
            "{error}"
        );
        let error = read_as("points.json", "{\"a.png\": ").unwrap_err().to_string();
        assert!(error.contains("is no JSON"), "{error}");
    }

    #[test]
    fn a_folder_has_a_file_for_each_picture() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("train")).unwrap();
        let points: String = (1..=68).map(|n| format!("{n}.0 {}.0\n", 100 + n)).collect();
        let text = format!("version: 1\nn_points: 68\n{{\n{points}}}\n");
        std::fs::write(folder.path().join("train/a.pts"), text).unwrap();
        let single =
            openface("confidence, success, face").replace("\"a.jpg\", 0.98, 1", "0.98, 1, 0");
        std::fs::write(folder.path().join("b.csv"), single).unwrap();
        std::fs::write(folder.path().join("readme.txt"), "text").unwrap();
        let table = LandmarkTable::read(folder.path()).unwrap();
        assert_eq!(table.facts(), TableFacts { points: 68, unit: Unit::Pixels });
        assert_eq!(found(&table, &["train/a.jpg", "b.png", "c.png"]), [true, true, false]);
        // iBUG counts pixels from 1.
        let a = table.rows_of(folder.path(), &listing(&["train/a.jpg"])).unwrap()[0].unwrap();
        assert_eq!(a.points[2], Some(Point { x: 30.0, y: 130.0 }));
    }

    #[test]
    fn invalid_tables_give_errors() {
        assert_eq!(
            message("picture,eye_left_x\n"),
            ", line 1: no column for the image's name: call it `image` (there are `picture`, `eye_left_x`)"
        );
        assert_eq!(message("image,eye_left_x\n"), ", line 1: `eye_left_x` without `eye_left_y`");
        assert_eq!(
            message("image,eye_left_x,eye_left_y,ear_x,ear_y\n"),
            ", line 1: regions are placed by at least two of `eye_left`, `eye_right`, `nose_tip`; add their columns \
             (there are `image`, `eye_left_x`, `eye_left_y`, `ear_x`, `ear_y`)"
        );
        assert_eq!(
            message(&format!("{FIVE}\na,x,1,1,1,1,1\n")),
            ", line 2: eye_left_x is `x`, not a number"
        );
        assert_eq!(
            message(&format!("{FIVE}\na,1,1\n")),
            ", line 2: 3 fields where the header has 7"
        );
        let row = "0.3,0.4,0.7,0.4,0.5,0.6";
        assert_eq!(
            message(&format!("{FIVE}\na,{row}\na,{row}\n")),
            ", line 3: a second row for `a`; keep one"
        );
        let numbered: String = (0..7).map(|n| format!(",x_{n},y_{n}")).collect();
        assert_eq!(
            message(&format!("image{numbered}\n")),
            ", line 1: it has 7 numbered points; faces of 5, 68, 468 or 478 points are known"
        );
    }
}
