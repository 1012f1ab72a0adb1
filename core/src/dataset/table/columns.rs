//! Which of a table's columns are read, and what a row's cells say of its picture.

use super::super::DatasetError;
use super::super::labels::{Classes, is_emotion};
use super::super::listing::{NO_CHOSEN_VOTE, Place, restrict};
use super::super::pattern::Pattern;
use super::super::sheet::{Rows, Sheet};
use super::Part;
use crate::experiment::TableSpec;

/// The column of the people, where the experiment file names no other.
const SUBJECT: &str = "subject";

/// The columns of a face in a picture with more around it, pixels.
const FACE: [&str; 4] = ["left", "top", "right", "bottom"];

/// Which columns are read.
pub struct Columns {
    pub image: usize,
    pub label: LabelColumns,
    pub split: Option<usize>,
    pub group: Group,
    /// Left, top, right and bottom of a face, where the pictures show more than it.
    pub face: Option<[usize; 4]>,
}

pub enum LabelColumns {
    One(usize),
    /// A column for each class, in class order, and those of emotions that are not chosen.
    Shares {
        chosen: Vec<usize>,
        others: Vec<usize>,
    },
}

/// What says whom a picture shows.
pub enum Group {
    Nothing,
    Column(usize),
    Pattern(Pattern),
}

/// What a row says of its picture.
pub enum Label {
    Class(String),
    /// In class order; sums to 1.
    Shares(Vec<f32>),
    /// The reason why the image is excluded.
    None(&'static str),
}

impl Columns {
    pub fn of(
        sheet: &Sheet,
        part: Part,
        spec: &TableSpec,
        classes: &Classes<'_>,
    ) -> Result<Columns, DatasetError> {
        let missing = |name: &str, key: &str| {
            let what = format!("no column `{name}`; {}: name it by dataset.{key}", sheet.listed());
            sheet.wrong_header(what)
        };
        let image = sheet.column(&spec.image).ok_or_else(|| missing(&spec.image, "image"))?;
        let split = sheet.column(&spec.split).filter(|_| part == Part::Main);
        let label = LabelColumns::of(sheet, spec, classes)?;
        let sides = FACE.map(|side| sheet.column(side));
        let face = match sides {
            [Some(left), Some(top), Some(right), Some(bottom)] => Some([left, top, right, bottom]),
            _ => None,
        };
        Ok(Columns { image, label, split, group: Group::of(sheet, spec)?, face })
    }

    /// The places of all that is read: the picture, the split, the group, the four sides of the face, then the label or the shares.
    pub fn places(&self) -> Vec<usize> {
        let labels = match &self.label {
            LabelColumns::One(label) => vec![*label],
            LabelColumns::Shares { chosen, others } => [chosen.as_slice(), others].concat(),
        };
        let group = match self.group {
            Group::Column(group) => group,
            Group::Nothing | Group::Pattern(_) => self.image,
        };
        // Without a column of splits or of groups, the picture's stands in its place.
        let face = self.face.unwrap_or([self.image; 4]).to_vec();
        [vec![self.image, self.split.unwrap_or(self.image), group], face, labels].concat()
    }

    /// The face in the cells of a row; `None` where it is the whole picture.
    pub fn face(&self, cells: &[String]) -> Result<Option<Place>, String> {
        if self.face.is_none() {
            return Ok(None);
        }
        let mut sides = [0; 4];
        for ((side, cell), name) in sides.iter_mut().zip(cells).zip(FACE) {
            let number =
                cell.parse::<f64>().ok().filter(|number| number.abs() <= f64::from(i32::MAX));
            let number =
                number.ok_or_else(|| format!("{name} is `{cell}`, not a number of pixels"))?;
            // What lies beyond the picture's border is cut off.
            *side = number.round().max(0.0) as u32;
        }
        let [left, top, right, bottom] = sides;
        match left < right && top < bottom {
            true => Ok(Some(Place { left, top, right, bottom })),
            false => Err(format!(
                "the face has no pixels: left {left}, top {top}, right {right}, bottom {bottom}"
            )),
        }
    }
}

impl Group {
    fn of(sheet: &Sheet, spec: &TableSpec) -> Result<Group, DatasetError> {
        let Some(group) = &spec.group else {
            return Ok(sheet.column(SUBJECT).map_or(Group::Nothing, Group::Column));
        };
        if let Some(column) = sheet.column(group) {
            return Ok(Group::Column(column));
        }
        match Pattern::new(group) {
            Ok(pattern) if pattern.captures() => Ok(Group::Pattern(pattern)),
            other => {
                let why = other.err().unwrap_or_else(|| "it captures nothing".to_owned());
                let what = format!(
                    "dataset.group is `{group}`, but no column; {}. Nor is it a pattern over the names: {why}",
                    sheet.listed()
                );
                Err(sheet.wrong_header(what))
            }
        }
    }

    /// The group of a picture; `None` where it is in none.
    pub fn of_picture(&self, name: &str, cell: &str) -> Option<String> {
        let group = match self {
            Group::Nothing => None,
            Group::Column(_) => Some(cell).filter(|cell| !cell.is_empty()),
            Group::Pattern(pattern) => pattern.find(name),
        };
        group.map(str::to_owned)
    }
}

impl LabelColumns {
    pub fn of(
        sheet: &Sheet,
        spec: &TableSpec,
        classes: &Classes<'_>,
    ) -> Result<LabelColumns, DatasetError> {
        if let Some(name) = &spec.label {
            let column = sheet.column(name).ok_or_else(|| {
                let what = format!("no column `{name}`; {}: correct dataset.label", sheet.listed());
                sheet.wrong_header(what)
            })?;
            return Ok(LabelColumns::One(column));
        }
        let names = sheet.columns();
        let label = sheet.column("label");
        let of_class = |class: usize| -> Vec<usize> {
            let is_its = |column: &usize| classes.place(&names[*column]) == Some(class);
            (0..names.len()).filter(is_its).collect()
        };
        let columns: Vec<Vec<usize>> = (0..classes.chosen().len()).map(of_class).collect();
        let wrong = |what: String| Err(sheet.wrong_header(what));
        let missing = columns.iter().position(Vec::is_empty);
        match (label, missing) {
            (Some(label), Some(_)) => return Ok(LabelColumns::One(label)),
            (Some(_), None) => {
                return wrong(
                    "there is a column `label`, and one for each class: to take the former, say so by \
                     dataset.label = \"label\"; to take the latter, give the former another name"
                        .to_owned(),
                );
            }
            (None, Some(_)) if columns.iter().all(Vec::is_empty) => {
                return wrong(format!(
                    "no column `label`, and none for each class; {}: name it by dataset.label",
                    sheet.listed()
                ));
            }
            (None, Some(class)) => {
                let class = &classes.chosen()[class];
                return wrong(format!(
                    "no column for the class `{class}`; {}: correct dataset.classes, or say by dataset.labels which \
                     column it is",
                    sheet.listed()
                ));
            }
            (None, None) => {}
        }
        let mut chosen = Vec::new();
        for (class, columns) in columns.iter().enumerate() {
            match columns[..] {
                [column] => chosen.push(column),
                _ => {
                    let (one, other) = (&names[columns[0]], &names[columns[1]]);
                    let class = &classes.chosen()[class];
                    return wrong(format!(
                        "`{one}` and `{other}` are both columns of the class `{class}`; give one another name"
                    ));
                }
            }
        }
        let is_other = |&column: &usize| !chosen.contains(&column) && is_emotion(&names[column]);
        let others = (0..names.len()).filter(is_other).collect();
        Ok(LabelColumns::Shares { chosen, others })
    }

    /// The label in the cells of a row.
    pub fn label(
        &self,
        sheet: &[String],
        rows: &Rows,
        at: u64,
        cells: &[String],
    ) -> Result<Label, DatasetError> {
        let LabelColumns::Shares { chosen, others } = self else {
            return Ok(match cells[0].as_str() {
                "" => Label::None("no label"),
                label => Label::Class(label.to_owned()),
            });
        };
        let places = chosen.iter().chain(others);
        let shares: Vec<f64> = places
            .zip(cells)
            .map(|(&column, cell)| match cell.parse::<f64>() {
                Ok(share) if share.is_finite() && share >= 0.0 => Ok(share),
                _ => {
                    let name = &sheet[column];
                    let what =
                        format!("{name} is `{cell}`, not a count or a share: a number from 0 on");
                    Err(rows.wrong(at, what))
                }
            })
            .collect::<Result<_, _>>()?;
        if shares.iter().all(|share| *share == 0.0) {
            let what = "the votes or shares are all 0; correct the row, or remove it";
            return Err(rows.wrong(at, what));
        }
        let chosen: Vec<usize> = (0..chosen.len()).collect();
        Ok(restrict(&shares, &chosen).map_or(Label::None(NO_CHOSEN_VOTE), Label::Shares))
    }
}
