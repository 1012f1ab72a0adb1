//! What the columns of a table of landmarks mean.

use csv::StringRecord;

use super::super::error::quoted;
use super::Row;
use super::scheme::{KNOWN, NAMES, PRESENCES, Scheme};
use crate::region::{Landmark, Point};

/// Names of the column with the image's name, in lower case.
const IMAGES: [&str; 11] = [
    "image",
    "image_name",
    "image name",
    "image_path",
    "image_id",
    "img",
    "filename",
    "file_name",
    "file",
    "name",
    "path",
];

/// The column in which OpenFace says whether it found the face at all, 0 or 1.
const SUCCESS: &str = "success";

/// Texts that stand for a missing number, in lower case. OpenFace and others write −1 for one, too.
const MISSING: [&str; 7] = ["", "na", "n/a", "nan", "null", "none", "-"];

/// Where each value lies in a row.
#[derive(Debug)]
pub struct Columns {
    /// `None` where the file is one picture's.
    pub image: Option<usize>,
    presence: Option<usize>,
    success: Option<usize>,
    points: Points,
}

#[derive(Debug)]
enum Points {
    /// In [`Landmark::ALL`]'s order: the columns of x and y.
    Named([Option<(usize, usize)>; 5]),
    /// Every point's columns of x and y.
    Numbered(Scheme, Vec<(usize, usize)>),
}

impl Columns {
    /// `one_picture`: the file is one picture's, and needs no column for its name.
    pub fn of(header: &StringRecord, one_picture: bool) -> Result<Columns, String> {
        let lower: Vec<String> = header.iter().map(str::to_lowercase).collect();
        let find = |names: &[&str]| {
            names.iter().find_map(|name| lower.iter().position(|column| column == name))
        };
        let there = || format!("(there are {})", quoted(header.iter()));
        let image = find(&IMAGES);
        if image.is_none() && !one_picture {
            return Err(format!("no column for the image's name: call it `image` {}", there()));
        }
        let named = named(&lower)?;
        let stable = Landmark::ALL.into_iter().filter(|landmark| landmark.is_stable());
        let known = stable.clone().filter(|landmark| named[*landmark as usize].is_some()).count();
        let points = match (known >= 2, numbered(header)?) {
            (true, _) => Points::Named(named),
            (false, Some(columns)) => {
                let scheme = Scheme::of(columns.len())
                    .ok_or_else(|| format!("it has {} numbered points; {KNOWN}", columns.len()))?;
                Points::Numbered(scheme, columns)
            }
            (false, None) => {
                let names = quoted(stable.map(Landmark::name));
                return Err(format!(
                    "regions are placed by at least two of {names}; add their columns {}",
                    there()
                ));
            }
        };
        Ok(Columns { image, presence: find(&PRESENCES), success: find(&[SUCCESS]), points })
    }

    /// How many points a face has.
    pub fn count(&self) -> usize {
        match &self.points {
            Points::Named(columns) => columns.iter().flatten().count(),
            Points::Numbered(scheme, _) => scheme.points,
        }
    }

    pub fn row(
        &self,
        record: &StringRecord,
        header: &StringRecord,
        line: u64,
    ) -> Result<Row, String> {
        let number = |column: usize| {
            number(&record[column])
                .map_err(|()| format!("{} is `{}`, not a number", &header[column], &record[column]))
        };
        let point = |(x, y): (usize, usize)| -> Result<Option<Point>, String> {
            Ok(match (number(x)?, number(y)?) {
                (Some(x), Some(y)) if (x, y) != (-1.0, -1.0) => Some(Point { x, y }),
                _ => None,
            })
        };
        let (points, contour) = match &self.points {
            Points::Named(columns) => {
                let mut points = [None; 5];
                for (at, columns) in columns.iter().enumerate() {
                    points[at] = columns.map(point).transpose()?.flatten();
                }
                (points, None)
            }
            Points::Numbered(scheme, columns) => {
                let all = columns.iter().map(|columns| point(*columns));
                let all = all.collect::<Result<Vec<_>, _>>()?;
                (scheme.five(&all), scheme.contour(&all))
            }
        };
        // A row whose presence is not known is not trusted.
        let said = |column: Option<usize>| match column {
            Some(column) => Ok(number(column)?.unwrap_or(0.0)),
            None => Ok::<f64, String>(1.0),
        };
        let presence = said(self.presence)?.min(said(self.success)?).clamp(0.0, 1.0);
        Ok(Row { points, presence, line, contour })
    }
}

/// `None` for what is missing.
pub fn number(text: &str) -> Result<Option<f64>, ()> {
    if MISSING.contains(&text.to_lowercase().as_str()) {
        return Ok(None);
    }
    match text.parse::<f64>() {
        Ok(value) => Ok(Some(value).filter(|value| value.is_finite())),
        Err(_) => Err(()),
    }
}

/// The columns of the five points by their names.
fn named(columns: &[String]) -> Result<[Option<(usize, usize)>; 5], String> {
    let mut named = [None; 5];
    for (landmark, names) in NAMES {
        for name in names {
            let [x, y] = ["x", "y"].map(|axis| format!("{name}_{axis}"));
            let find = |wanted: &str| -> Result<Option<usize>, String> {
                let mut at = (0..columns.len()).filter(|&at| columns[at] == wanted);
                match (at.next(), at.next()) {
                    (_, Some(_)) => Err(format!("the column `{wanted}` is there twice")),
                    (at, None) => Ok(at),
                }
            };
            match (find(&x)?, find(&y)?) {
                (Some(_), Some(_)) if named[landmark as usize].is_some() => {
                    return Err(format!(
                        "`{}` is there by two names, `{x}` the second; remove one",
                        landmark.name()
                    ));
                }
                (Some(x), Some(y)) => named[landmark as usize] = Some((x, y)),
                (None, None) => {}
                (Some(_), None) => return Err(format!("`{x}` without `{y}`")),
                (None, Some(_)) => return Err(format!("`{y}` without `{x}`")),
            }
        }
    }
    Ok(named)
}

/// The columns of numbered points in the order of their numbers, which begin at 0 or 1; `None` where no column is one.
///
/// OpenFace's `x_0` are pixels of the picture, its `X_0` millimetres in space: small letters go before capital ones.
fn numbered(header: &StringRecord) -> Result<Option<Vec<(usize, usize)>>, String> {
    for capital in [false, true] {
        let mut axes: [Vec<(usize, usize)>; 2] = [Vec::new(), Vec::new()];
        for (at, column) in header.iter().enumerate() {
            if let Some((axis, number)) = axis_and_number(column, capital) {
                axes[axis].push((number, at));
            }
        }
        let [x, y] = &mut axes;
        if x.is_empty() && y.is_empty() {
            continue;
        }
        x.sort_unstable();
        y.sort_unstable();
        let first = x.first().map_or(0, |(number, _)| *number);
        let in_order = |axis: &[(usize, usize)]| {
            axis.iter().enumerate().all(|(at, (number, _))| *number == first + at)
        };
        if first > 1 || x.len() != y.len() || !in_order(x) || !in_order(y) {
            return Err(format!(
                "the numbered points are not complete: {} columns of x, {} of y, numbered from 0 or 1 without a gap \
                 are wanted",
                x.len(),
                y.len()
            ));
        }
        return Ok(Some(x.iter().zip(y.iter()).map(|(x, y)| (x.1, y.1)).collect()));
    }
    Ok(None)
}

/// 0 for x, 1 for y, and the number, of a column such as `x_12`, `x12`, `12_x` or `landmark_12_x`.
fn axis_and_number(column: &str, capital: bool) -> Option<(usize, usize)> {
    const WORDS: [&str; 9] =
        ["landmark", "landmarks", "lm", "lmk", "kp", "keypoint", "point", "pt", "p"];
    let (mut axis, mut number) = (None, None);
    for word in words(column) {
        let is_axis = word.len() == 1 && word.chars().all(|c| c.is_uppercase() == capital);
        match (is_axis.then(|| word.to_lowercase()).as_deref(), word.parse::<usize>()) {
            (Some("x"), _) if axis.is_none() => axis = Some(0),
            (Some("y"), _) if axis.is_none() => axis = Some(1),
            (_, Ok(n)) if number.is_none() => number = Some(n),
            _ if WORDS.contains(&word.to_lowercase().as_str()) => {}
            _ => return None,
        }
    }
    Some((axis?, number?))
}

/// The runs of letters and the runs of digits in a name.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let of_one_kind = |a: char, b: char| {
        a.is_alphanumeric() && b.is_alphanumeric() && a.is_ascii_digit() == b.is_ascii_digit()
    };
    let mut rest = name;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        let first = rest.chars().next()?;
        let end = rest.char_indices().find(|(_, c)| !of_one_kind(first, *c));
        let (word, after) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
        rest = after;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_columns_are_known_by_axis_and_number() {
        let read = |column| axis_and_number(column, false);
        assert_eq!(
            ["x_12", "x12", "12_x", "landmark_12_x", "p12.x", "lm12x"].map(read),
            [Some((0, 12)); 6]
        );
        assert_eq!(read("y_0"), Some((1, 0)));
        for other in [
            "z_1",
            "X_1",
            "eye_lmk_x_0",
            "p_rx",
            "p_3",
            "AU01_r",
            "pose_Tx",
            "x",
            "x_1_2",
            "gaze_0_x",
            "",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
        assert_eq!(axis_and_number("X_1", true), Some((0, 1)));
    }

    #[test]
    fn openfaces_millimetres_are_no_pixels() {
        let mut header = vec!["image".to_owned()];
        for axis in ["X", "Y", "Z", "x", "y"] {
            header.extend((0..68).map(|n| format!("{axis}_{n}")));
        }
        let header = StringRecord::from(header);
        let Points::Numbered(_, columns) = Columns::of(&header, false).unwrap().points else {
            panic!()
        };
        assert_eq!((&header[columns[3].0], &header[columns[3].1]), ("x_3", "y_3"));
    }

    #[test]
    fn a_gap_in_the_numbers_is_said() {
        let header = StringRecord::from(vec!["image", "x_0", "y_0", "x_2", "y_2"]);
        assert!(
            Columns::of(&header, false)
                .unwrap_err()
                .starts_with("the numbered points are not complete: 2")
        );
    }

    #[test]
    fn what_stands_for_a_missing_number() {
        for text in ["", "NA", "NaN", "null", "inf", "-"] {
            assert_eq!(number(text), Ok(None), "{text}");
        }
        assert_eq!(number("-1"), Ok(Some(-1.0)));
        assert_eq!(number("one"), Err(()));
    }
}
