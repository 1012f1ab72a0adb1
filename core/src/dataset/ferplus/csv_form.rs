//! FER+ as `fer2013.csv` (the pictures) and `fer2013new.csv` (the votes): the same images, row for row.
//!
//! The published votes give four names to two rows each. All rows count, as in the studies that read this
//! form; the second of such rows is called `<name>#2`, and shares the first one's landmarks.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::path::Path;

use csv::{Reader, StringRecord};
use rayon::prelude::*;

use super::super::listing::{Listing, Picture};
use super::{DatasetError, EMOTIONS, Ferplus, SIDE, votes};
use crate::experiment::FerUsage;

pub fn list(
    source: &Ferplus,
    pictures: &Path,
    counts: &Path,
    chosen: &[usize],
) -> Result<Listing, DatasetError> {
    let mut picture_rows = Rows::open(pictures, &["pixels", "Usage"])?;
    let vote_columns: Vec<&str> =
        ["Usage", "Image name"].into_iter().chain(EMOTIONS).chain(["unknown", "NF"]).collect();
    let mut vote_rows = Rows::open(counts, &vote_columns)?;
    let mut listing = Listing::new();
    let mut times_named: HashMap<String, u32> = HashMap::new();
    let mut order = Order::default();
    loop {
        match (picture_rows.next()?, vote_rows.next()?) {
            (true, true) => {}
            (false, false) => {
                order.check(counts)?;
                return Ok(listing);
            }
            _ => {
                let (of_pictures, of_votes) = (picture_rows.count_all()?, vote_rows.count_all()?);
                let what = format!(
                    "it has {of_pictures} rows and {} has {of_votes}; they must hold the same images row for \
                     row, so fetch the incomplete one again",
                    counts.display()
                );
                return Err(DatasetError::table(pictures, what));
            }
        }
        let usage = picture_rows.field(1);
        if usage != vote_rows.field(0) {
            return Err(vote_rows.error(format!(
                "Usage is `{}`, but `{usage}` in the same row of {}; the files do not belong together",
                vote_rows.field(0),
                pictures.display()
            )));
        }
        let part = self::usage(usage).map_err(|what| picture_rows.error(what))?;
        order.add(part, vote_rows.field(1), vote_rows.line());
        let values = picture_rows.pixels()?;
        let votes = votes((2..12).map(|field| vote_rows.field(field)))
            .map_err(|what| vote_rows.error(what))?;
        let Some(split) = source.split(part) else { continue };
        let listed_as = vote_rows.field(1);
        let times = times_named.entry(listed_as.to_owned()).or_default();
        *times += 1;
        let name = match *times {
            2.. if !listed_as.is_empty() => format!("{listed_as}#{times}"),
            _ => listed_as.to_owned(),
        };
        let side = SIDE as u32;
        let picture = || Picture::Grey { width: side, height: side, values };
        if let Some(entry) = source.add(&mut listing, split, &name, &votes, chosen, picture) {
            listed_as.clone_into(&mut entry.listed_as);
        }
    }
}

/// The order of the votes' rows. In the original, names ascend within each part, but beside those that are given to two
/// rows.
#[derive(Default)]
struct Order {
    last: HashMap<FerUsage, String>,
    times: HashMap<String, u32>,
    /// Each row that comes after a later name: its line, its name, that name.
    back: Vec<(u64, [String; 2])>,
}

impl Order {
    fn add(&mut self, part: FerUsage, name: &str, line: u64) {
        if name.is_empty() {
            return;
        }
        *self.times.entry(name.to_owned()).or_default() += 1;
        if let Some(last) = self.last.insert(part, name.to_owned()).filter(|last| *name < **last) {
            self.back.push((line, [name.to_owned(), last]));
        }
    }

    /// Refuses names in another order: their votes would be other pictures'.
    fn check(&self, path: &Path) -> Result<(), DatasetError> {
        let once = |name: &String| self.times.get(name) == Some(&1);
        let Some((line, [name, last])) = self.back.iter().find(|(_, names)| names.iter().all(once))
        else {
            return Ok(());
        };
        let what = format!(
            "`{name}` comes after `{last}`, but in the original the names ascend: the rows are in another order, so that \
             votes and pictures do not belong together; fetch the file again"
        );
        Err(DatasetError::row(path, *line, what))
    }
}

/// One of FER2013's parts, by its name.
pub fn usage(name: &str) -> Result<FerUsage, String> {
    match name {
        "Training" => Ok(FerUsage::Training),
        "PublicTest" => Ok(FerUsage::PublicTest),
        "PrivateTest" => Ok(FerUsage::PrivateTest),
        _ => Err(format!("Usage is `{name}`, not Training, PublicTest or PrivateTest")),
    }
}

const COUNT: usize = SIDE * SIDE;

/// 48 × 48 grey values, separated by spaces.
fn pixels(text: &str) -> Result<Box<[u8]>, String> {
    match plain(text.as_bytes()) {
        Some(values) => Ok(values.into()),
        None => spelled_out(text),
    }
}

/// The values where they are digits with a space between them, as nearly always; of anything else `None`.
fn plain(text: &[u8]) -> Option<Vec<u8>> {
    let mut values = Vec::with_capacity(COUNT);
    // Above 255 once it is no grey value; the number of its digits.
    let (mut value, mut digits) = (0_u16, 0);
    for byte in text.iter().chain(b" ") {
        match byte {
            b'0'..=b'9' => {
                value = (10 * value + u16::from(byte - b'0')).min(1000);
                digits += 1;
            }
            b' ' if digits > 0 && values.len() < COUNT => {
                values.push(u8::try_from(value).ok()?);
                (value, digits) = (0, 0);
            }
            _ => return None,
        }
    }
    (values.len() == COUNT).then_some(values)
}

/// The values, or what is wrong with them.
fn spelled_out(text: &str) -> Result<Box<[u8]>, String> {
    let mut values = Vec::with_capacity(COUNT);
    for (index, word) in text.split_ascii_whitespace().enumerate() {
        let number = index + 1;
        match word.parse::<u32>() {
            Ok(value) => values.push(u8::try_from(value).map_err(|_| {
                format!("pixel {number} is {value}; grey values run from 0 to 255")
            })?),
            Err(_) => {
                return Err(format!(
                    "pixel {number} is `{word}`, not a whole number from 0 to 255"
                ));
            }
        }
    }
    if values.len() == COUNT {
        Ok(values.into())
    } else {
        Err(format!(
            "{} pixels where {SIDE} × {SIDE} = {COUNT} belong; fetch the file again",
            values.len()
        ))
    }
}

/// So many rows are read ahead, whose pixels are then parsed on all cores.
const AHEAD: usize = 512;

/// The rows of a CSV file with a header, of which named columns are read.
pub struct Rows<'a> {
    path: &'a Path,
    reader: Reader<File>,
    /// Where the named columns lie.
    columns: Vec<usize>,
    /// Which of the named columns holds pixels.
    pixels: Option<usize>,
    current: Row,
    parsed: VecDeque<Row>,
    /// Not yet parsed.
    unparsed: Vec<StringRecord>,
    /// Why no more can be read.
    failed: Option<csv::Error>,
    read: u64,
}

#[derive(Default)]
struct Row {
    record: StringRecord,
    pixels: Option<Result<Box<[u8]>, String>>,
}

impl<'a> Rows<'a> {
    /// The names of all columns.
    pub fn header(path: &Path) -> Result<Vec<String>, DatasetError> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::Headers)
            .from_path(path)
            .map_err(|error| DatasetError::csv(path, &error))?;
        let header = reader.headers().map_err(|error| DatasetError::csv(path, &error))?;
        Ok(header.iter().map(str::to_owned).collect())
    }

    /// The columns of these names; the one called `pixels`, if it is among them, for [`Rows::pixels`].
    pub fn open(path: &'a Path, names: &[&str]) -> Result<Rows<'a>, DatasetError> {
        let file = File::open(path).map_err(|why| DatasetError::unreadable(path, why))?;
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::Headers)
            .buffer_capacity(1 << 20)
            .from_reader(file);
        let header = reader.headers().map_err(|error| DatasetError::csv(path, &error))?;
        let columns = names
            .iter()
            .map(|name| {
                header.iter().position(|column| column == *name).ok_or_else(|| {
                    let found: Vec<&str> = header.iter().collect();
                    let what = format!(
                        "no column `{name}`; the header must be the original's, and is `{}`",
                        found.join(",")
                    );
                    DatasetError::row(path, 1, what)
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Rows {
            path,
            reader,
            columns,
            pixels: names.iter().position(|name| *name == "pixels"),
            current: Row::default(),
            parsed: VecDeque::new(),
            unparsed: Vec::new(),
            failed: None,
            read: 0,
        })
    }

    /// Goes to the next row; `false` at the end.
    pub fn next(&mut self) -> Result<bool, DatasetError> {
        if self.parsed.is_empty() {
            self.fill();
        }
        match self.parsed.pop_front() {
            Some(row) => {
                self.current = row;
                self.read += 1;
                Ok(true)
            }
            None => match self.failed.take() {
                Some(error) => Err(DatasetError::csv(self.path, &error)),
                None => Ok(false),
            },
        }
    }

    /// Parses what was read while the rows after it are read.
    fn fill(&mut self) {
        if self.unparsed.is_empty() {
            self.unparsed = read_some(&mut self.reader, &mut self.failed);
        }
        let rows = std::mem::take(&mut self.unparsed);
        let column = self.pixels.map(|pixels| self.columns[pixels]);
        let parse = |record: StringRecord| {
            let pixels = column.map(|column| pixels(record[column].trim()));
            Row { record, pixels }
        };
        let (reader, failed) = (&mut self.reader, &mut self.failed);
        let (parsed, unparsed) = rayon::join(
            || rows.into_par_iter().map(parse).collect::<Vec<Row>>(),
            || read_some(reader, failed),
        );
        self.parsed = parsed.into();
        self.unparsed = unparsed;
    }

    pub fn field(&self, column: usize) -> &str {
        self.current.record[self.columns[column]].trim()
    }

    /// The row's 48 × 48 grey values; an empty column's where none is called `pixels`, or they were asked for before.
    pub fn pixels(&mut self) -> Result<Box<[u8]>, DatasetError> {
        let pixels = self.current.pixels.take().unwrap_or_else(|| pixels(""));
        pixels.map_err(|what| self.error(what))
    }

    /// The line of the row.
    fn line(&self) -> u64 {
        self.current.record.position().map_or(0, csv::Position::line)
    }

    pub fn error(&self, what: String) -> DatasetError {
        DatasetError::row(self.path, self.line(), what)
    }

    /// How many rows the file has, the header aside.
    fn count_all(&mut self) -> Result<u64, DatasetError> {
        while self.next()? {}
        Ok(self.read)
    }
}

/// The next rows; fewer than [`AHEAD`] at the end, and where one cannot be read, which `failed` then tells.
fn read_some(reader: &mut Reader<File>, failed: &mut Option<csv::Error>) -> Vec<StringRecord> {
    let mut rows = Vec::new();
    while rows.len() < AHEAD && failed.is_none() {
        let mut record = StringRecord::new();
        match reader.read_record(&mut record) {
            Ok(true) => rows.push(record),
            Ok(false) => break,
            Err(error) => *failed = Some(error),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;
    use crate::dataset::Split;
    use crate::dataset::listing::Catalogue;
    use crate::experiment::FerplusLabels;

    const VOTES: &str = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n";

    fn row(value: u8, usage: &str) -> String {
        format!("0,{},{usage}\n", vec![value.to_string(); SIDE * SIDE].join(" "))
    }

    fn listed(pictures: &str, counts: &str) -> Result<Listing, DatasetError> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::write(root.join("fer2013.csv"), format!("emotion,pixels,Usage\n{pictures}")).unwrap();
        fs::write(root.join("fer2013new.csv"), counts).unwrap();
        let source = Ferplus::find(
            root,
            [FerplusLabels::Votes; 2],
            FerUsage::PrivateTest,
            FerUsage::PublicTest,
        )?;
        source.list(&["happiness".to_owned(), "neutral".to_owned()])
    }

    fn message(pictures: &str, counts: &str) -> String {
        let message = listed(pictures, counts).unwrap_err().to_string();
        let root = message
            .split('/')
            .take_while(|part| !part.starts_with("fer2013"))
            .collect::<Vec<_>>()
            .join("/");
        message.replace(&format!("{root}/"), "")
    }

    proptest! {
        /// The quick way gives what the slow one does, or leaves it to that.
        #[test]
        fn values_are_read_the_quick_way_as_the_slow_one(
            values in proptest::collection::vec(0_u16..300, COUNT - 1..=COUNT + 1),
            (at, other) in (0..COUNT, "[0-9 x]{0,5}"),
            changed: bool,
        ) {
            let mut words: Vec<String> = values.iter().map(u16::to_string).collect();
            if changed {
                words[at] = other;
            }
            let text = words.join(" ");
            if let Some(plain) = plain(text.as_bytes()) {
                prop_assert_eq!(Ok(plain.into()), spelled_out(&text));
            }
            prop_assert_eq!(pixels(&text), spelled_out(&text));
        }

        #[test]
        fn grey_values_are_read_the_quick_way(values in proptest::collection::vec(any::<u8>(), COUNT)) {
            let words: Vec<String> = values.iter().map(u8::to_string).collect();
            prop_assert_eq!(plain(words.join(" ").as_bytes()), Some(values));
        }
    }

    #[test]
    fn more_rows_than_are_read_ahead_come_in_their_order_and_a_broken_one_in_its_turn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fer2013.csv");
        let count = 2 * AHEAD + 3;
        let mut text = "emotion, pixels\n".to_owned();
        for row in 0..count {
            let value = (row % 256).to_string();
            text += &format!("{row},{}\n", vec![value.as_str(); COUNT].join(" "));
        }
        fs::write(&path, text.clone() + "1,2,3\n").unwrap();
        let mut rows = Rows::open(&path, &["emotion", "pixels"]).unwrap();
        for row in 0..count {
            assert!(rows.next().unwrap());
            assert_eq!(rows.field(0), row.to_string());
            assert_eq!(rows.pixels().unwrap()[7], row as u8);
        }
        let message = rows.next().unwrap_err().to_string();
        assert!(message.contains(&format!("line {}", count + 2)), "{message}");
    }

    #[test]
    fn rows_become_images_in_order_with_their_splits_labels_and_pixels() {
        let usages = ["Training", "PublicTest", "PrivateTest", "Training", "Training"];
        let pictures: String = (1..).zip(usages).map(|(value, usage)| row(value, usage)).collect();
        let counts = format!(
            "{VOTES}Training,a.png,2,6,0,0,0,0,0,0,2,0\nPublicTest,b.png,9,0,0,0,1,0,0,0,0,0\n\
             PrivateTest,c.png,0,0,5,0,5,0,0,0,0,0\nTraining,,0,0,0,0,0,0,0,0,0,10\n\
             Training,a.png,1,0,0,0,0,0,0,0,0,0\n"
        );
        let listing = listed(&pictures, &counts).unwrap();
        let found: Vec<_> = listing
            .entries
            .iter()
            .map(|entry| (entry.name.as_str(), entry.split, entry.label.clone()))
            .collect();
        assert_eq!(
            found,
            [
                ("a.png", Split::Train, vec![0.75, 0.25]),
                ("b.png", Split::Test, vec![0.0, 1.0]),
                ("a.png#2", Split::Train, vec![0.0, 1.0])
            ]
        );
        assert_eq!(listing.entries[2].listed_as, "a.png");
        let Picture::Grey { values, .. } = &listing.entries[1].picture else {
            panic!("a CSV row holds its pixels")
        };
        assert_eq!(**values, [2; SIDE * SIDE]);
        assert_eq!(listing.left_out[&Split::Train]["no picture name (not a face)"], 1);
        assert_eq!(listing.left_out[&Split::Val]["no vote for a chosen class"], 1);
    }

    #[test]
    fn files_that_do_not_match_are_refused() {
        let counts = format!("{VOTES}Training,a.png,2,6,0,0,0,0,0,0,2,0\n");
        assert_eq!(
            message(
                &[row(1, "Training"), row(2, "Training"), row(3, "Training")].concat(),
                &counts
            ),
            "fer2013.csv: it has 3 rows and fer2013new.csv has 1; they must hold the same images row for row, so \
             fetch the incomplete one again"
        );
        assert_eq!(
            message(&row(1, "PublicTest"), &counts),
            "fer2013new.csv, line 2: Usage is `Training`, but `PublicTest` in the same row of fer2013.csv; the \
             files do not belong together"
        );
    }

    #[test]
    fn shuffled_votes_are_refused() {
        let pictures: String = (0..6)
            .map(|value| row(value, if value < 4 { "Training" } else { "PublicTest" }))
            .collect();
        let votes = |names: [&str; 6]| {
            let rows = (0..).zip(names).map(|(row, name)| {
                let part = if row < 4 { "Training" } else { "PublicTest" };
                format!("{part},{name},2,6,0,0,0,0,0,0,2,0\n")
            });
            format!("{VOTES}{}", rows.collect::<String>())
        };
        // As the original: names ascend in each part, one row has none; a name that is there twice may come early, or late.
        for names in [
            ["fer3.png", "", "fer5.png", "fer3.png", "fer1.png", "fer2.png"],
            ["fer3.png", "", "fer9.png", "fer4.png", "fer1.png", "fer9.png"],
        ] {
            assert_eq!(listed(&pictures, &votes(names)).unwrap().entries.len(), 5);
        }
        let names = ["fer3.png", "", "fer6.png", "fer5.png", "fer1.png", "fer2.png"];
        assert_eq!(
            message(&pictures, &votes(names)),
            "fer2013new.csv, line 5: `fer5.png` comes after `fer6.png`, but in the original the names ascend: the rows \
             are in another order, so that votes and pictures do not belong together; fetch the file again"
        );
    }

    #[test]
    fn pixels_are_counted_and_bounded() {
        let counts = format!("{VOTES}Training,a.png,2,6,0,0,0,0,0,0,2,0\n");
        let short = format!("0,{},Training\n", vec!["7"; SIDE * SIDE - 1].join(" "));
        assert_eq!(
            message(&short, &counts),
            "fer2013.csv, line 2: 2303 pixels where 48 × 48 = 2304 belong; fetch the file again"
        );
        assert_eq!(
            message(&row(1, "Training").replacen("0,1 1 ", "0,1 256 ", 1), &counts),
            "fer2013.csv, line 2: pixel 2 is 256; grey values run from 0 to 255"
        );
        assert_eq!(
            message(&row(1, "Training").replacen("0,1 1 ", "0,1 x ", 1), &counts),
            "fer2013.csv, line 2: pixel 2 is `x`, not a whole number from 0 to 255"
        );
    }

    #[test]
    fn headers_usages_and_votes_are_checked() {
        let counts = format!("{VOTES}Training,a.png,2,6,0,0,0,0,0,0,2,0\n");
        assert_eq!(
            message(&row(1, "Test"), &counts.replace("Training,", "Test,")),
            "fer2013.csv, line 2: Usage is `Test`, not Training, PublicTest or PrivateTest"
        );
        assert_eq!(
            message(&row(1, "Training"), &counts.replace(",6,", ",6.5,")),
            "fer2013new.csv, line 2: the votes for happiness are `6.5`, not a whole number from 0 on"
        );
        assert_eq!(
            message(&row(1, "Training"), "Usage,Image name,neutral\n"),
            "fer2013new.csv, line 1: no column `happiness`; the header must be the original's, and is \
             `Usage,Image name,neutral`"
        );
        assert_eq!(
            message(&row(1, "Training"), &counts.replace(",2,0\n", ",2\n")),
            "fer2013new.csv, line 2: 11 fields where the header has 12"
        );
    }
}
