//! A table of landmarks for pictures without them: `image, presence, <point>_x, <point>_y …`.
//!
//! Coordinates are fractions of the picture's width and height from its top left; `presence` is the
//! probability that the points lie on a face (1 in a table without that column). The file
//! is CSV, gzipped or not.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use csv::StringRecord;
use flate2::read::MultiGzDecoder;

use super::DatasetError;
use super::error::quoted;
use super::listing::Listing;
use crate::experiment::WithoutLandmarks;
use crate::region::{Landmark, Landmarks, Point};

/// Points of less presence are not trusted.
const LEAST_PRESENCE: f64 = 0.5;

/// The points of a face may lie a little outside its picture; further out, they are no fractions.
const COORDINATES: std::ops::RangeInclusive<f64> = -2.0..=3.0;

/// How large a face may be, against one that fills its picture as the canonical frame says.
const SCALES: std::ops::RangeInclusive<f64> = 0.3..=3.0;

/// The most text that is read, unpacked: several times a table of a million images. A small file can
/// unpack to a thousand times its size, and all of it can be one field.
const LONGEST: u64 = 512 << 20;

/// The rows of a table by the image's name; `None` where a row's points are not to be trusted.
#[derive(Debug)]
pub struct LandmarkTable {
    rows: HashMap<String, Option<Landmarks>>,
    /// A name to show where none fits.
    example: String,
}

impl LandmarkTable {
    /// # Errors
    ///
    /// Where the file cannot be read, is longer than 512 MiB, or is no table of landmarks.
    pub fn read(path: &Path) -> Result<LandmarkTable, DatasetError> {
        LandmarkTable::read_at_most(LONGEST, path)
    }

    fn read_at_most(longest: u64, path: &Path) -> Result<LandmarkTable, DatasetError> {
        let text = Limited { source: open(path)?, longest, read: 0 };
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
        let header = reader.headers().map_err(|error| DatasetError::csv(path, &error))?.clone();
        let columns = Columns::of(&header).map_err(|what| DatasetError::row(path, 1, what))?;
        let mut table = LandmarkTable { rows: HashMap::new(), example: String::new() };
        let mut record = StringRecord::new();
        while reader.read_record(&mut record).map_err(|error| DatasetError::csv(path, &error))? {
            let line = record.position().map_or(0, csv::Position::line);
            let points = columns
                .points(&record, &header)
                .map_err(|what| DatasetError::row(path, line, what))?;
            let name = record[columns.image].to_owned();
            if table.rows.is_empty() {
                table.example.clone_from(&name);
            }
            if table.rows.insert(name, points).is_some() {
                let what = format!("a second row for `{}`; keep one", &record[columns.image]);
                return Err(DatasetError::row(path, line, what));
            }
        }
        Ok(table)
    }

    /// The landmarks of every entry of `listing`, in its order. With `Skip`, entries without trusted
    /// points leave the listing.
    ///
    /// # Errors
    ///
    /// Where not one name of the table is an image's: then the table belongs to other data.
    pub fn apply(
        &self,
        path: &Path,
        without: WithoutLandmarks,
        listing: &mut Listing,
    ) -> Result<Vec<Option<Landmarks>>, DatasetError> {
        if let Some(first) = listing.entries.first()
            && !listing.entries.iter().any(|entry| self.rows.contains_key(&entry.listed_as))
        {
            let what = format!(
                "no row is for an image of this data set: the table names `{}` and the like, the data set `{}`",
                self.example, first.name
            );
            return Err(DatasetError::table(path, what));
        }
        let mut landmarks = Vec::with_capacity(listing.entries.len());
        for entry in std::mem::take(&mut listing.entries) {
            let row = self.rows.get(&entry.listed_as);
            let points = row.copied().flatten();
            if points.is_none() && without == WithoutLandmarks::Skip {
                let reason = if row.is_some() {
                    "landmarks not trusted"
                } else {
                    "not in the landmark table"
                };
                listing.leave_out(entry.split, reason);
                continue;
            }
            landmarks.push(points);
            listing.entries.push(entry);
        }
        Ok(landmarks)
    }
}

/// Whether the points are plausible for a face: the fit to its stable points exists, its size is 0.3 to 3 times the
/// canonical one, it is upright (rolled by less than a right angle; swapped eyes are not), and its middle
/// lies in the picture.
fn plausible(landmarks: &Landmarks) -> bool {
    landmarks.frame().is_some_and(|frame| {
        let middle = (0.5 * (frame.a + frame.b) + frame.c, 0.5 * (frame.d + frame.e) + frame.f);
        let inside = |value: f64| (0.0..=1.0).contains(&value);
        SCALES.contains(&frame.a.hypot(frame.d))
            && frame.a > 0.0
            && inside(middle.0)
            && inside(middle.1)
    })
}

/// Where each value lies in a row.
struct Columns {
    image: usize,
    presence: Option<usize>,
    /// Each known point's columns for x and y.
    points: Vec<(Landmark, usize, usize)>,
}

impl Columns {
    fn of(header: &StringRecord) -> Result<Columns, String> {
        let find = |name: &str| header.iter().position(|column| column == name);
        let axes: Vec<(Landmark, [String; 2])> = Landmark::ALL
            .into_iter()
            .map(|landmark| {
                (landmark, ["x", "y"].map(|axis| format!("{}_{axis}", landmark.name())))
            })
            .collect();
        let known = || {
            let points = quoted(Landmark::ALL.map(Landmark::name));
            format!(
                "the columns are `image`, `presence`, and `<point>_x`, `<point>_y` for the points {points}"
            )
        };
        for (index, column) in header.iter().enumerate() {
            let is_axis = axes.iter().any(|(_, names)| names.iter().any(|name| name == column));
            if !is_axis && column != "image" && column != "presence" {
                return Err(format!("unknown column `{column}`; {}", known()));
            }
            if find(column) != Some(index) {
                return Err(format!("the column `{column}` is there twice"));
            }
        }
        let image = find("image").ok_or_else(|| format!("no column `image`; {}", known()))?;
        let mut points = Vec::new();
        for (landmark, [x, y]) in &axes {
            match (find(x), find(y)) {
                (Some(x), Some(y)) => points.push((*landmark, x, y)),
                (None, None) => {}
                (Some(_), None) => return Err(format!("`{x}` without `{y}`")),
                (None, Some(_)) => return Err(format!("`{y}` without `{x}`")),
            }
        }
        if points.iter().filter(|(landmark, ..)| landmark.is_stable()).count() < 2 {
            let stable = Landmark::ALL
                .into_iter()
                .filter(|landmark| landmark.is_stable())
                .map(Landmark::name);
            return Err(format!(
                "regions are placed by at least two of {}; add their columns",
                quoted(stable)
            ));
        }
        Ok(Columns { image, presence: find("presence"), points })
    }

    /// `None` where the row's points are not to be trusted.
    fn points(
        &self,
        record: &StringRecord,
        header: &StringRecord,
    ) -> Result<Option<Landmarks>, String> {
        let number = |column: usize| -> Result<Option<f64>, String> {
            match &record[column] {
                "" => Ok(None),
                text => match text.parse::<f64>() {
                    Ok(value) => Ok(Some(value).filter(|value| value.is_finite())),
                    Err(_) => Err(format!("{} is `{text}`, not a number", &header[column])),
                },
            }
        };
        let mut trusted = match self.presence {
            Some(column) => number(column)?.is_some_and(|presence| presence >= LEAST_PRESENCE),
            None => true,
        };
        let mut landmarks = Landmarks::default();
        for &(landmark, x_column, y_column) in &self.points {
            let (Some(x), Some(y)) = (number(x_column)?, number(y_column)?) else {
                trusted = false;
                continue;
            };
            for (column, value) in [(x_column, x), (y_column, y)] {
                if trusted && !COORDINATES.contains(&value) {
                    return Err(format!(
                        "{} is {value}; coordinates are fractions of the width or height, so divide pixels by it",
                        &header[column]
                    ));
                }
            }
            landmarks.set(landmark, Point { x, y });
        }
        Ok((trusted && plausible(&landmarks)).then_some(landmarks))
    }
}

/// A source that fails if it is longer than allowed.
struct Limited<R> {
    source: R,
    longest: u64,
    read: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.read += count as u64;
        if self.read > self.longest {
            let longest = self.longest;
            let what =
                format!("it is longer than {longest} bytes, so it is not a table of landmarks");
            return Err(std::io::Error::other(what));
        }
        Ok(count)
    }
}

/// The file's text, unpacked where it begins with gzip's two bytes.
fn open(path: &Path) -> Result<Box<dyn Read>, DatasetError> {
    let failed = |why: std::io::Error| DatasetError::unreadable(path, why);
    let mut file = File::open(path).map_err(failed)?;
    let mut start = Vec::new();
    Read::by_ref(&mut file).take(2).read_to_end(&mut start).map_err(failed)?;
    file.rewind().map_err(failed)?;
    if start == [0x1f, 0x8b] {
        Ok(Box::new(MultiGzDecoder::new(BufReader::new(file))))
    } else {
        Ok(Box::new(file))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::PathBuf;

    use super::*;
    use crate::dataset::Split;
    use crate::dataset::listing::{Entry, Picture};

    const HEADER: &str = "image,presence,eye_left_x,eye_left_y,eye_right_x,eye_right_y";
    const GOOD: &str = "0.32,0.385,0.68,0.385";

    fn read(text: &str) -> Result<LandmarkTable, DatasetError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("points.csv");
        std::fs::write(&path, text).unwrap();
        LandmarkTable::read(&path)
    }

    /// Three kilobytes that unpack to three megabytes, all of them one field.
    #[test]
    fn a_file_that_unpacks_to_too_much_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("points.csv.gz");
        let file = File::create(&path).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::best());
        encoder.write_all(HEADER.as_bytes()).unwrap();
        encoder.write_all(&[b'a'; 3 << 20]).unwrap();
        encoder.finish().unwrap();
        let error = LandmarkTable::read_at_most(1 << 20, &path).unwrap_err().to_string();
        assert!(
            error.ends_with("longer than 1048576 bytes, so it is not a table of landmarks"),
            "{error}"
        );
        let error = LandmarkTable::read_at_most(4 << 20, &path).unwrap_err().to_string();
        assert!(error.contains("line 1: "), "{error}");
    }

    fn message(text: &str) -> String {
        let message = read(text).unwrap_err().to_string();
        message.split_once("points.csv, ").expect("the message names the file").1.to_owned()
    }

    fn trusted(row: &str) -> bool {
        read(&format!("{HEADER}\na,{row}\n")).unwrap().rows["a"].is_some()
    }

    fn listing(names: &[&str]) -> Listing {
        let mut listing = Listing::new();
        listing.entries.extend(names.iter().map(|name| {
            let picture = Picture::File(PathBuf::new());
            Entry::new(Split::Train, (*name).to_owned(), picture, vec![1.0])
        }));
        listing
    }

    #[test]
    fn points_are_read_by_name_from_plain_and_from_gzipped_text() {
        let text = format!("{HEADER}\na.png,0.9,{GOOD}\n");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("points.csv.gz");
        let mut packed = flate2::write::GzEncoder::new(
            File::create(&path).unwrap(),
            flate2::Compression::fast(),
        );
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap();
        for table in [read(&text).unwrap(), LandmarkTable::read(&path).unwrap()] {
            let points = table.rows["a.png"].unwrap();
            assert_eq!(points.get(Landmark::EyeRight), Some(Point { x: 0.68, y: 0.385 }));
            assert_eq!(points.get(Landmark::NoseTip), None);
        }
    }

    #[test]
    fn a_table_without_presence_vouches_for_its_rows() {
        let header = HEADER.replace("presence,", "");
        assert!(read(&format!("{header}\na,{GOOD}\n")).unwrap().rows["a"].is_some());
    }

    #[test]
    fn rows_without_presence_or_points_are_not_trusted() {
        assert!(trusted(&format!("0.5,{GOOD}")));
        assert!(!trusted(&format!("0.49,{GOOD}")));
        assert!(!trusted(&format!(",{GOOD}")));
        assert!(!trusted(&format!("nan,{GOOD}")));
        assert!(!trusted("0.9,,,,"));
        assert!(!trusted("0.9,0.32,0.385,inf,0.385"));
    }

    #[test]
    fn faces_that_cannot_lie_so_are_not_trusted() {
        assert!(!trusted("0.9,0.68,0.385,0.32,0.385"), "eyes swapped");
        assert!(!trusted("0.9,0.45,0.4,0.55,0.4"), "less than 0.3 of the canonical size");
        assert!(!trusted("0.9,0.5,0.4,0.5,0.4"), "both eyes in one place");
        assert!(!trusted("0.9,1.32,0.385,1.68,0.385"), "the middle is outside the picture");
    }

    #[test]
    fn invalid_tables_give_errors() {
        assert_eq!(
            message("image,presence,ear_x,ear_y\n"),
            "line 1: unknown column `ear_x`; the columns are `image`, `presence`, and `<point>_x`, `<point>_y` for \
             the points `eye_left`, `eye_right`, `nose_tip`, `mouth_left`, `mouth_right`"
        );
        assert_eq!(message("image,eye_left_x\n"), "line 1: `eye_left_x` without `eye_left_y`");
        assert_eq!(
            message("image,eye_left_x,eye_left_y\n"),
            "line 1: regions are placed by at least two of `eye_left`, `eye_right`, `nose_tip`; add their columns"
        );
        assert!(message("name\n").starts_with("line 1: unknown column `name`"));
        assert!(message(&HEADER["image,".len()..]).starts_with("line 1: no column `image`"));
        assert_eq!(
            message(&format!("{HEADER}\na,0.9,x,1,1,1\n")),
            "line 2: eye_left_x is `x`, not a number"
        );
        assert_eq!(
            message(&format!("{HEADER}\na,0.9,1,1\n")),
            "line 2: 4 fields where the header has 6"
        );
        assert_eq!(
            message(&format!("{HEADER}\na,0.9,16,18,32,18\n")),
            "line 2: eye_left_x is 16; coordinates are fractions of the width or height, so divide pixels by it"
        );
        assert_eq!(
            message(&format!("{HEADER}\na,0.9,{GOOD}\na,0.9,{GOOD}\n")),
            "line 3: a second row for `a`; keep one"
        );
    }

    #[test]
    fn images_without_points_are_kept_or_left_out_with_a_reason() {
        let table = read(&format!("{HEADER}\na,0.9,{GOOD}\nb,0.1,{GOOD}\n")).unwrap();
        let path = Path::new("points.csv");

        let mut kept = listing(&["a", "b", "c"]);
        let landmarks = table.apply(path, WithoutLandmarks::Identity, &mut kept).unwrap();
        assert_eq!(landmarks.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, false]);
        assert_eq!(kept.entries.len(), 3);

        let mut skipped = listing(&["a", "b", "c"]);
        assert_eq!(table.apply(path, WithoutLandmarks::Skip, &mut skipped).unwrap().len(), 1);
        assert_eq!(skipped.entries.len(), 1);
        let reasons = &skipped.left_out[&Split::Train];
        assert_eq!(
            (reasons["landmarks not trusted"], reasons["not in the landmark table"]),
            (1, 1)
        );
    }

    #[test]
    fn a_table_of_other_data_is_refused() {
        let table = read(&format!("{HEADER}\na,0.9,{GOOD}\n")).unwrap();
        let error = table.apply(
            Path::new("points.csv"),
            WithoutLandmarks::Identity,
            &mut listing(&["z.png"]),
        );
        assert_eq!(
            error.unwrap_err().to_string(),
            "points.csv: no row is for an image of this data set: the table names `a` and the like, the data set `z.png`"
        );
    }
}
