//! Reading of a table of landmarks from one file.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use csv::StringRecord;
use flate2::read::MultiGzDecoder;

use super::columns::Columns;
use super::names::Names;
use super::{ReadRows, Row, json};
use crate::dataset::DatasetError;

/// The most text that is read, unpacked: several times a table of a million images. A small file can
/// unpack to a thousand times its size, and all of it can be one field.
const LONGEST: u64 = 512 << 20;

/// Rows by image.
pub fn read(path: &Path) -> Result<ReadRows, DatasetError> {
    read_at_most(LONGEST, path)
}

fn read_at_most(longest: u64, path: &Path) -> Result<ReadRows, DatasetError> {
    let mut text = Limited { source: open(path)?, longest, read: 0 };
    let mut start = [0; 1];
    let failed = |why: std::io::Error| DatasetError::unreadable(path, why);
    let begins = match text.read(&mut start).map_err(failed)? {
        0 => &start[..0],
        _ => &start[..],
    };
    let mut text = begins.chain(text);
    if matches!(begins, b"{" | b"[") {
        return json::read(path, text);
    }
    let (header, mut rows) = table(path, &mut text)?;
    let columns = Columns::of(&header, false).map_err(|what| DatasetError::row(path, 1, what))?;
    let mut read = ReadRows { names: Names::default(), rows: Vec::new(), points: columns.count() };
    let image = columns.image.unwrap_or_default();
    let mut record = StringRecord::new();
    while rows.read_record(&mut record).map_err(|error| DatasetError::csv(path, &error))? {
        let line = record.position().map_or(0, csv::Position::line);
        let row = columns.row(&record, &header, line);
        read.rows.push(row.map_err(|what| DatasetError::row(path, line, what))?);
        if !read.names.push(record[image].to_owned()) {
            let what = format!("a second row for `{}`; keep one", &record[image]);
            return Err(DatasetError::row(path, line, what));
        }
    }
    Ok(read)
}

/// The only row of a file that is one picture's, and how many points it has. `None` where the file has no row.
pub fn read_one(path: &Path) -> Result<Option<(Row, usize)>, DatasetError> {
    let text = Limited { source: open(path)?, longest: LONGEST, read: 0 };
    let (header, mut rows) = table(path, text)?;
    let columns = Columns::of(&header, true).map_err(|what| DatasetError::row(path, 1, what))?;
    let mut record = StringRecord::new();
    let mut only = None;
    while rows.read_record(&mut record).map_err(|error| DatasetError::csv(path, &error))? {
        let line = record.position().map_or(0, csv::Position::line);
        if only.is_some() {
            let what =
                "a second face in the file of one picture; keep the row of the face that is meant";
            return Err(DatasetError::row(path, line, what));
        }
        let row = columns.row(&record, &header, line);
        only = Some((row.map_err(|what| DatasetError::row(path, line, what))?, columns.count()));
    }
    Ok(only)
}

/// The header and the rows of a text whose columns are divided by commas, tabs or semicolons, whichever its first line has
/// most of.
fn table<R: Read>(
    path: &Path,
    mut text: R,
) -> Result<(StringRecord, csv::Reader<impl Read>), DatasetError> {
    /// Longer than any header of known points.
    const HEADER: u64 = 64 << 10;
    let mut start = Vec::new();
    let failed = |why: std::io::Error| DatasetError::unreadable(path, why);
    Read::by_ref(&mut text).take(HEADER).read_to_end(&mut start).map_err(failed)?;
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| line.iter().filter(|byte| **byte == delimiter).count();
    let delimiter = [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter));
    let mut rows = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .delimiter(delimiter.unwrap_or(b','))
        .from_reader(std::io::Cursor::new(start).chain(text));
    let header = rows.headers().map_err(|error| DatasetError::csv(path, &error))?.clone();
    Ok((header, rows))
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

    use super::*;

    const HEADER: &str = "image,eye_left_x,eye_left_y,eye_right_x,eye_right_y";

    fn packed(path: &Path, text: &[u8]) {
        let file = File::create(path).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap();
    }

    fn message(read: Result<ReadRows, DatasetError>) -> String {
        read.err().expect("the table is refused").to_string()
    }

    /// Three kilobytes that unpack to three megabytes, all of them one field.
    #[test]
    fn a_file_that_unpacks_to_too_much_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("points.csv.gz");
        packed(&path, &[HEADER.as_bytes(), &[b'a'; 3 << 20]].concat());
        let error = message(read_at_most(1 << 20, &path));
        assert!(
            error.ends_with("longer than 1048576 bytes, so it is not a table of landmarks"),
            "{error}"
        );
        let error = message(read_at_most(4 << 20, &path));
        assert!(error.contains("line 1: "), "{}", &error[..200]);
    }

    #[test]
    fn commas_tabs_and_semicolons_divide_columns_gzipped_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("{HEADER}\na,1,2,3,4\n");
        for delimiter in [",", "\t", ";"] {
            let path = folder.path().join("points.csv");
            let text = text.replace(',', delimiter);
            std::fs::write(&path, &text).unwrap();
            let plain = read(&path).unwrap().rows;
            packed(&path, text.as_bytes());
            assert_eq!(read(&path).unwrap().rows, plain);
            assert_eq!((plain.len(), plain[0].line), (1, 2));
        }
    }
}
