//! A table of labels on disk: CSV or TSV, gzipped or not, or Parquet; its columns by name, its cells as text.
//!
//! What separates the cells of a text is read off its header: a comma, a tab or a semicolon, whichever is there most.
//! `label.lst` is ExpW's. Rows of text are known by their line, rows of Parquet by their number, both from 1.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use csv::StringRecord;
use flate2::read::MultiGzDecoder;
use polars::prelude::{AnyValue, Column, DataFrame};
use polars_io::prelude::{ParquetReader, SerReader};

use super::DatasetError;
use super::error::quoted;

/// The most text that is read, unpacked: a list of a million pictures with all that is said of each.
const LONGEST: u64 = 2 << 30;

/// The most rows of a Parquet file, whose columns can be packed a thousandfold.
const MOST_ROWS: usize = 20_000_000;

/// The longest header that the separator is looked for in.
const HEADER: usize = 1 << 16;

/// The columns of ExpW's `label.lst` (Zhang et al. 2018), which has no header and blanks between the cells.
const EXPW: [&str; 8] = ["image", "face", "top", "left", "right", "bottom", "confidence", "label"];

/// A table, opened: its columns are known, its rows are not read.
pub struct Sheet {
    path: PathBuf,
    columns: Vec<String>,
    form: Form,
}

enum Form {
    Text(Box<csv::Reader<Box<dyn Read>>>),
    Parquet(File),
}

/// A row's cells, of the columns that were asked for.
#[derive(Debug, PartialEq)]
pub struct Row {
    /// The line of a text (the header is line 1), the row of a Parquet file.
    pub at: u64,
    pub cells: Vec<String>,
}

impl Sheet {
    /// # Errors
    ///
    /// Where the file cannot be read, is no table, or has two columns of one name.
    pub fn open(path: &Path) -> Result<Sheet, DatasetError> {
        let failed = |why: std::io::Error| DatasetError::unreadable(path, why);
        let mut file = File::open(path).map_err(failed)?;
        let mut start = Vec::new();
        Read::by_ref(&mut file).take(4).read_to_end(&mut start).map_err(failed)?;
        file.rewind().map_err(failed)?;
        let path = path.to_owned();
        let sheet = match start.as_slice() {
            b"PAR1" => {
                let columns = parquet_columns(&path, &file)?;
                Sheet { path, columns, form: Form::Parquet(file) }
            }
            [0x1f, 0x8b, ..] => Sheet::of_text(path, MultiGzDecoder::new(BufReader::new(file)))?,
            _ => Sheet::of_text(path, file)?,
        };
        let lower: Vec<String> = sheet.columns.iter().map(|column| column.to_lowercase()).collect();
        let twice = (0..lower.len()).find(|&at| lower[..at].contains(&lower[at]));
        match twice.filter(|&at| !lower[at].is_empty()) {
            Some(at) => {
                let what = format!("the column `{}` is there twice", sheet.columns[at]);
                Err(sheet.wrong_header(what))
            }
            None => Ok(sheet),
        }
    }

    fn of_text(path: PathBuf, text: impl Read + 'static) -> Result<Sheet, DatasetError> {
        let lines = Lines { source: text, left: LONGEST, last: 0 };
        let mut text = BufReader::with_capacity(HEADER, lines);
        let start = text.fill_buf().map_err(|why| DatasetError::unreadable(&path, why))?;
        let is_expw = is_expw(&path, start);
        let delimiter = if is_expw { b' ' } else { separator(start) };
        let text: Box<dyn Read> = Box::new(text);
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .delimiter(delimiter)
            .has_headers(!is_expw)
            .from_reader(text);
        let header = reader.headers().map_err(|error| DatasetError::csv(&path, &error))?;
        let columns = match is_expw {
            true => EXPW.map(str::to_owned).to_vec(),
            false => header.iter().map(str::to_owned).collect(),
        };
        Ok(Sheet { path, columns, form: Form::Text(Box::new(reader)) })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names as they stand in the file.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The place of a column, whatever the case of its name.
    pub fn column(&self, name: &str) -> Option<usize> {
        let name = name.to_lowercase();
        self.columns.iter().position(|column| column.to_lowercase() == name)
    }

    /// An error of the header; a text's stands in line 1.
    pub fn wrong_header(&self, what: impl Into<String>) -> DatasetError {
        match self.form {
            Form::Text(_) => DatasetError::row(&self.path, 1, what),
            Form::Parquet(_) => DatasetError::table(&self.path, what),
        }
    }

    /// How a message names the columns.
    pub fn listed(&self) -> String {
        format!("the columns are {}", quoted(self.columns.iter().map(String::as_str)))
    }

    /// How errors of this table's rows are made.
    pub fn places(&self) -> Rows {
        Rows { path: self.path.clone(), parquet: matches!(self.form, Form::Parquet(_)) }
    }

    /// All rows' cells of the columns at these places, in that order. An empty cell, or a missing value, is empty.
    pub fn rows(self, columns: &[usize]) -> Result<Vec<Row>, DatasetError> {
        let Sheet { path, columns: names, form } = self;
        match form {
            Form::Text(reader) => text_rows(&path, *reader, columns),
            Form::Parquet(file) => parquet_rows(file, columns)
                .map_err(|what| DatasetError::table(&path, what))
                .and_then(|frame| {
                    let names: Vec<&str> =
                        columns.iter().map(|&column| names[column].as_str()).collect();
                    frame_rows(&path, &frame, &names)
                }),
        }
    }
}

/// The rows of a table, as messages name them.
#[derive(Debug, Clone)]
pub struct Rows {
    path: PathBuf,
    parquet: bool,
}

impl Rows {
    /// `line 7`, or `row 7` of a Parquet file.
    pub fn name(&self, at: u64) -> String {
        format!("{} {at}", if self.parquet { "row" } else { "line" })
    }

    pub fn wrong(&self, at: u64, what: impl Into<String>) -> DatasetError {
        match self.parquet {
            false => DatasetError::row(&self.path, at, what),
            true => DatasetError::table(&self.path, format!("row {at}: {}", what.into())),
        }
    }
}

/// Whether a text is ExpW's list of faces, by its name and its first line.
fn is_expw(path: &Path, start: &[u8]) -> bool {
    let is_list = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("lst"));
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let cells = line.split(u8::is_ascii_whitespace).filter(|cell| !cell.is_empty());
    is_list && cells.count() == EXPW.len()
}

/// The separator of a text, by its first line.
fn separator(start: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0_usize), (b'\t', 0), (b';', 0)];
    for &byte in start.iter().take_while(|byte| **byte != b'\n') {
        quoted ^= byte == b'"';
        for (separator, count) in counts.iter_mut().filter(|_| !quoted) {
            *count += usize::from(*separator == byte);
        }
    }
    // Of equals the first.
    counts
        .into_iter()
        .rev()
        .max_by_key(|(_, count)| *count)
        .map_or(b',', |(separator, _)| separator)
}

fn text_rows(
    path: &Path,
    mut reader: csv::Reader<Box<dyn Read>>,
    columns: &[usize],
) -> Result<Vec<Row>, DatasetError> {
    let mut rows = Vec::new();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| DatasetError::csv(path, &error))? {
        let at = record.position().map_or(0, csv::Position::line);
        let cells = columns.iter().map(|&column| record[column].to_owned()).collect();
        rows.push(Row { at, cells });
    }
    Ok(rows)
}

/// Runs the decoder, which may panic on a damaged file.
fn guarded<T>(decode: impl FnOnce() -> polars::prelude::PolarsResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(decoded) => decoded.map_err(|error| format!("it cannot be decoded: {error}")),
        Err(_) => Err("it cannot be decoded: it is damaged, or of an unusual kind".to_owned()),
    }
}

fn parquet_columns(path: &Path, file: &File) -> Result<Vec<String>, DatasetError> {
    let known = guarded(|| {
        let mut reader = ParquetReader::new(file.try_clone()?);
        let columns = reader.schema()?.iter_names().map(ToString::to_string).collect();
        Ok((columns, reader.num_rows()?))
    });
    match known {
        Ok((_, rows)) if rows > MOST_ROWS => {
            let what = format!("it has {rows} rows, more than {MOST_ROWS}; divide it");
            Err(DatasetError::table(path, what))
        }
        Ok((columns, _)) => Ok(columns),
        Err(what) => Err(DatasetError::table(path, what)),
    }
}

fn parquet_rows(file: File, columns: &[usize]) -> Result<DataFrame, String> {
    let mut wanted = columns.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    guarded(|| ParquetReader::new(file).with_projection(Some(wanted)).finish())
}

fn frame_rows(path: &Path, frame: &DataFrame, names: &[&str]) -> Result<Vec<Row>, DatasetError> {
    let failed = |what: String| DatasetError::table(path, what);
    let columns: Vec<&Column> = names
        .iter()
        .map(|name| frame.column(name).map_err(|error| failed(error.to_string())))
        .collect::<Result<_, _>>()?;
    let mut rows = Vec::with_capacity(frame.height());
    for index in 0..frame.height() {
        let cells = columns.iter().zip(names).map(|(column, name)| {
            let value = column.get(index).map_err(|error| failed(error.to_string()))?;
            cell(&value).ok_or_else(|| {
                let holds = column.dtype();
                failed(format!("the column `{name}` holds {holds}, neither text nor numbers"))
            })
        });
        rows.push(Row { at: index as u64 + 1, cells: cells.collect::<Result<_, _>>()? });
    }
    Ok(rows)
}

/// A value as a CSV file would have it; a whole number has no point, whatever its type. `None` for lists and the like.
fn cell(value: &AnyValue<'_>) -> Option<String> {
    Some(match value {
        AnyValue::Null => String::new(),
        AnyValue::String(text) => text.trim().to_owned(),
        AnyValue::StringOwned(text) => text.trim().to_owned(),
        AnyValue::Boolean(flag) => flag.to_string(),
        AnyValue::UInt8(number) => number.to_string(),
        AnyValue::UInt16(number) => number.to_string(),
        AnyValue::UInt32(number) => number.to_string(),
        AnyValue::UInt64(number) => number.to_string(),
        AnyValue::Int8(number) => number.to_string(),
        AnyValue::Int16(number) => number.to_string(),
        AnyValue::Int32(number) => number.to_string(),
        AnyValue::Int64(number) => number.to_string(),
        AnyValue::Float32(number) => number.to_string(),
        AnyValue::Float64(number) => number.to_string(),
        _ => return None,
    })
}

/// A text with `\n` at the end of each line, whatever the source has there (lines are counted by it), which fails if it
/// is longer than allowed.
struct Lines<R> {
    source: R,
    left: u64,
    /// The last byte of the source.
    last: u8,
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut kept = 0;
        // Where all that is read is the second half of a line's end, there may be more.
        while kept == 0 {
            let count = self.read_some(buffer)?;
            if count == 0 {
                return Ok(0);
            }
            for at in 0..count {
                let (last, byte) = (std::mem::replace(&mut self.last, buffer[at]), buffer[at]);
                if (last, byte) != (b'\r', b'\n') {
                    buffer[kept] = if byte == b'\r' { b'\n' } else { byte };
                    kept += 1;
                }
            }
        }
        Ok(kept)
    }
}

impl<R: Read> Lines<R> {
    fn read_some(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => {
                let what =
                    format!("it is longer than {LONGEST} bytes, so it is no table of labels");
                return Err(std::io::Error::other(what));
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use polars::prelude::{NamedFrom, Series};
    use polars_io::prelude::ParquetWriter;
    use proptest::prelude::*;

    use super::*;

    fn opened(name: &str, bytes: &[u8]) -> (tempfile::TempDir, Result<Sheet, DatasetError>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let sheet = Sheet::open(&path);
        (folder, sheet)
    }

    fn read(bytes: &[u8], columns: &[&str]) -> Vec<(u64, Vec<String>)> {
        let (_folder, sheet) = opened("labels", bytes);
        let sheet = sheet.unwrap();
        let columns: Vec<usize> =
            columns.iter().map(|column| sheet.column(column).unwrap()).collect();
        sheet.rows(&columns).unwrap().into_iter().map(|row| (row.at, row.cells)).collect()
    }

    fn rows(rows: &[(u64, [&str; 2])]) -> Vec<(u64, Vec<String>)> {
        rows.iter().map(|(at, cells)| (*at, cells.map(str::to_owned).to_vec())).collect()
    }

    #[test]
    fn texts_are_read_whatever_separates_their_cells() {
        let wanted = rows(&[(2, ["1", "a b.png"]), (3, ["2", "c,d.png"])]);
        let texts: [&[u8]; 4] = [
            b"Image,age,LABEL\na b.png,3,1\n\"c,d.png\",4,2\n",
            b"\xef\xbb\xbfimage\tage\tlabel\r\na b.png\t3\t1\r\nc,d.png\t4\t2\r\n",
            b" image ; age ; label\na b.png;3; 1\nc,d.png;4;2",
            b"\"age, years\",label,image\n3,1,a b.png\n4,2,\"c,d.png\"\n",
        ];
        for text in texts {
            assert_eq!(
                read(text, &["label", "image"]),
                wanted,
                "{}",
                String::from_utf8_lossy(text)
            );
        }
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(texts[0]).unwrap();
        assert_eq!(read(&packed.finish().unwrap(), &["label", "image"]), wanted);
    }

    #[test]
    fn parquet_gives_the_same_text_as_csv_would() {
        let columns = vec![
            Series::new("image".into(), ["a.png", "b.png"]).into(),
            Series::new("label".into(), [Some(4.0), None]).into(),
            Series::new("votes".into(), [7_i64, 2]).into(),
        ];
        let mut frame = DataFrame::new(2, columns).unwrap();
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
        assert_eq!(
            read(&bytes, &["label", "image"]),
            rows(&[(1, ["4", "a.png"]), (2, ["", "b.png"])])
        );
        assert_eq!(read(&bytes, &["votes", "image"])[0].1, ["7", "a.png"]);
        let (_folder, sheet) = opened("labels.parquet", &bytes);
        let places = sheet.unwrap().places();
        assert!(places.wrong(2, "no").to_string().ends_with("labels.parquet: row 2: no"));
        // Cut off anywhere, it is an error and no panic.
        for length in (4..bytes.len()).step_by(97) {
            let (_folder, sheet) = opened("labels.parquet", &bytes[..length]);
            assert!(sheet.is_err(), "{length}");
        }
    }

    #[test]
    fn bad_tables_are_named_with_their_line() {
        let message = |bytes: &[u8]| {
            let (_folder, sheet) = opened("labels.csv", bytes);
            let error = sheet.and_then(|sheet| sheet.rows(&[0])).unwrap_err().to_string();
            error.rsplit_once("/").unwrap().1.to_owned()
        };
        assert_eq!(
            message(b"image,label,Image\n"),
            "labels.csv, line 1: the column `Image` is there twice"
        );
        assert_eq!(
            message(b"image,label\na.png,1\nb.png\n"),
            "labels.csv, line 3: 1 fields where the header has 2"
        );
        assert_eq!(message(b"image,label\na\xff.png,1\n"), "labels.csv, line 2: not UTF-8 text");
        assert!(message(b"PAR1 and nothing else").starts_with("labels.csv: it cannot be decoded"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Quotes, separators and ends of lines in any order, behind bytes that name a format or not.
        #[test]
        fn no_bytes_make_it_panic(start in "(PAR1|\u{1f}|image,label\n)?", rest in "[a-c\",;\t\r\n\u{feff}é]{0,60}") {
            let (_folder, sheet) = opened("labels", format!("{start}{rest}").as_bytes());
            if let Ok(sheet) = sheet {
                let columns: Vec<usize> = (0..sheet.columns().len()).collect();
                if let Ok(rows) = sheet.rows(&columns) {
                    prop_assert!(rows.iter().all(|row| row.cells.len() == columns.len()));
                }
            }
        }
    }
}
