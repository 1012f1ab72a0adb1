//! One kind of row, one Parquet file.

use std::fs::File;
use std::io::{self, BufWriter, Cursor, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use polars::prelude::*;
use polars_io::prelude::{
    BatchedWriter, KeyValueMetadata, ParquetCompression, ParquetReader, ParquetWriter, SerReader,
};
use polars_parquet::read::FileMetadata;
use polars_parquet::write::schema_to_metadata_key;

use super::column::ColumnError;
use super::seal::{self, Seal};
use super::whole::{WholeFile, remove};
use super::{ColumnInfo, StoreError, read_plain, swept};

/// A row of a table: names, types and meanings of its columns, their order, and both ways between rows and
/// columns. Made by [`rows`](super::rows) alone.
pub trait Table: Sized {
    /// The file's name without `.parquet`.
    const NAME: &'static str;

    /// The meaning of a row, as written in the source.
    const ABOUT: &'static str;

    /// Whether a column for each swept key follows the others.
    const SWEPT: bool;

    /// The columns that every such table has, in order.
    fn columns() -> Vec<ColumnInfo>;

    /// Columns that are written after them for other tools, and never read.
    fn beside() -> Vec<ColumnInfo>;

    /// The columns of [`Table::columns`], then one for each swept key where such rows have them.
    fn to_columns(rows: &[Self]) -> Result<Vec<Column>, ColumnError>;

    /// Columns that are not part of the table are ignored.
    fn from_frame(frame: &DataFrame) -> Result<Vec<Self>, ColumnError>;
}

/// Writes a table atomically. The same rows give the same bytes. Without rows there is no file, and a former one is
/// removed.
pub fn write_table<T: Table>(path: &Path, rows: &[T]) -> Result<(), StoreError> {
    let mut writer = TableWriter::new(path);
    writer.write(T::to_columns(rows))?;
    writer.finish()
}

/// Reads a table. Rows come in the order in which they were written.
pub fn read_table<T: Table>(path: &Path) -> Result<Vec<T>, StoreError> {
    let mut rows = Vec::new();
    read_groups(path, |group: Vec<T>| {
        rows.extend(group);
        Ok(())
    })?;
    Ok(rows)
}

/// Reads a table and passes its rows on by groups, as they were written, so that only one group is in
/// memory at a time, beside the file.
pub fn read_groups<T: Table, E: From<StoreError>>(
    path: &Path,
    mut each: impl FnMut(Vec<T>) -> Result<(), E>,
) -> Result<(), E> {
    let bytes = read_plain(path, u64::MAX)?;
    let damaged = |reason: String| StoreError::damaged(path, reason);
    if let Seal::Broken(reason) = seal::check(&bytes) {
        return Err(damaged(reason.to_owned()).into());
    }
    let (metadata, groups) = guarded(|| groups(&bytes)).map_err(damaged)?;
    // A table without rows has no group, but its columns are checked too.
    let groups = if groups.is_empty() { vec![(0, 0)] } else { groups };
    for group in groups {
        let frame = guarded(|| {
            let mut reader = ParquetReader::new(Cursor::new(bytes.as_slice()));
            // The footer lists every group: reading it again for each would take quadratic time.
            reader.set_metadata(metadata.clone());
            let wanted = wanted::<T>(&*reader.schema()?);
            reader.with_slice(Some(group)).with_projection(Some(wanted)).finish()
        });
        let rows = T::from_frame(&frame.map_err(damaged)?).map_err(|error| {
            let (column, problem) = (error.column, error.problem);
            StoreError::Column { path: path.to_owned(), column, problem }
        })?;
        each(rows)?;
    }
    Ok(())
}

/// The positions of the columns of rows. Other columns are not decoded.
fn wanted<T: Table>(schema: &ArrowSchema) -> Vec<usize> {
    let columns = T::columns();
    let wanted = |name: &str| {
        (T::SWEPT && swept::is_key(name)) || columns.iter().any(|column| column.name == name)
    };
    let names = schema.iter_names().enumerate();
    names.filter(|(_, name)| wanted(name)).map(|(place, _)| place).collect()
}

/// First row and number of rows of a row group.
type Group = (usize, usize);

/// The footer with its row groups.
fn groups(bytes: &[u8]) -> PolarsResult<(Arc<FileMetadata>, Vec<Group>)> {
    let mut reader = ParquetReader::new(Cursor::new(bytes));
    let metadata = reader.get_metadata()?.clone();
    let mut start = 0;
    let groups = metadata
        .row_groups
        .iter()
        .map(|group| {
            let first = start;
            start += group.num_rows();
            (first, group.num_rows())
        })
        .collect();
    Ok((metadata, groups))
}

/// Runs the decoder. It may panic on a damaged file of another tool, which has no seal; damaged sealed files are refused
/// before.
fn guarded<T>(decode: impl FnOnce() -> PolarsResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(decoded) => decoded.map_err(|error| error.to_string()),
        Err(_) => Err("it cannot be decoded".to_owned()),
    }
}

/// The types that Arrow readers are to give the columns.
///
/// Polars would name its own (string views, lists with 64-bit offsets). In the file they are the same, but
/// pyarrow can neither compare nor sort string views, so the plain types are named.
fn arrow_schema(schema: &Schema) -> ArrowSchema {
    fn plain(mut field: ArrowField) -> ArrowField {
        field.dtype = match field.dtype {
            ArrowDataType::LargeUtf8 => ArrowDataType::Utf8,
            ArrowDataType::LargeList(inner) => ArrowDataType::List(Box::new(plain(*inner))),
            other => other,
        };
        field
    }
    let fields = schema.to_arrow(CompatLevel::oldest()).into_iter();
    fields.map(|(name, field)| (name, plain(field))).collect()
}

/// Writes a table group by group. Where no group has a row there is no file, and a former one is removed.
pub struct TableWriter {
    path: PathBuf,
    /// `None` as long as no row has come.
    begun: Option<Begun>,
}

/// A file that has rows.
struct Begun {
    parquet: BatchedWriter<BufWriter<Noting<File>>>,
    whole: WholeFile,
    failure: Failure,
}

/// The operating system's reason for a failed write.
type Failure = Arc<Mutex<Option<io::Error>>>;

/// Forwards writes and records why one fails: the encoder's own error describes its state, not a full
/// disk.
struct Noting<W> {
    to: W,
    failure: Failure,
}

impl<W> Noting<W> {
    fn note<T>(&self, written: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &written
            && error.kind() != io::ErrorKind::Interrupted
            && let Ok(mut failure) = self.failure.lock()
        {
            let same = error.raw_os_error().map(io::Error::from_raw_os_error);
            failure.get_or_insert_with(|| same.unwrap_or_else(|| error.kind().into()));
        }
        written
    }
}

impl<W: Write> Write for Noting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes);
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.to.flush();
        self.note(flushed)
    }
}

/// Why a table could not be written: the disk's error, or else the encoder's.
fn cause(path: &Path, failure: &Failure, error: PolarsError) -> StoreError {
    let noted = failure.lock().ok().and_then(|mut failure| failure.take());
    StoreError::write(path, noted.unwrap_or_else(|| io::Error::other(error)))
}

impl TableWriter {
    /// A table to be written to `path`.
    pub fn new(path: &Path) -> TableWriter {
        TableWriter { path: path.to_owned(), begun: None }
    }

    /// Adds a row group. All have the columns of the first.
    pub fn write(&mut self, columns: Result<Vec<Column>, ColumnError>) -> Result<(), StoreError> {
        let columns = columns.map_err(|error| self.refused(error))?;
        if columns.iter().all(Column::is_empty) {
            return Ok(());
        }
        let begun = match &mut self.begun {
            Some(begun) => begun,
            None => {
                let begun = self.begin(&columns)?;
                self.begun.insert(begun)
            }
        };
        DataFrame::new_infer_height(columns)
            .and_then(|frame| begun.parquet.write_batch(&frame))
            .map_err(|error| cause(&self.path, &begun.failure, error))
    }

    fn begin(&self, columns: &[Column]) -> Result<Begun, StoreError> {
        let failure = Failure::default();
        let mut whole = WholeFile::begin(&self.path)?;
        let file = whole.file().try_clone();
        let file = file.map_err(|reason| StoreError::write(&self.path, reason))?;
        let mut schema = Schema::with_capacity(columns.len());
        for column in columns {
            let before = schema.insert(column.name().clone(), column.dtype().clone());
            if before.is_some() {
                let column = column.name().to_string();
                let problem = "a swept key cannot have the name of another column".to_owned();
                return Err(self.refused(ColumnError { column, problem }));
            }
        }
        let mut metadata = vec![(seal::KEY.to_owned(), seal::placeholder())];
        let arrow = schema_to_metadata_key(&arrow_schema(&schema));
        metadata.extend(arrow.value.map(|value| (arrow.key, value)));
        let file = Noting { to: file, failure: failure.clone() };
        let parquet = ParquetWriter::new(BufWriter::new(file))
            .with_compression(ParquetCompression::Zstd(None))
            .with_key_value_metadata(Some(KeyValueMetadata::from_static(metadata)))
            .batched(&schema)
            .map_err(|error| cause(&self.path, &failure, error))?;
        Ok(Begun { parquet, whole, failure })
    }

    fn refused(&self, ColumnError { column, problem }: ColumnError) -> StoreError {
        StoreError::Unstorable { path: self.path.clone(), column, problem }
    }

    /// Seals the table and puts it in its place.
    pub fn finish(self) -> Result<(), StoreError> {
        let failed = |reason| StoreError::write(&self.path, reason);
        let Some(Begun { parquet, mut whole, failure }) = self.begun else {
            return remove(&self.path);
        };
        parquet.finish().map_err(|error| cause(&self.path, &failure, error))?;
        drop(parquet);
        seal::seal(whole.file()).map_err(failed)?;
        whole.finish()
    }
}

/// Rows of a table together: each group of a Parquet file takes memory until the file ends, and time whenever it is read.
pub(super) const GROUP_ROWS: usize = 20_000;

/// Writes a table whose rows come a few at a time, as those of one training, and keeps no more than a group of them.
pub struct GroupedTable<R, S> {
    writer: TableWriter,
    rows: Vec<R>,
    /// What the rows of a group share.
    shared: S,
    columns: fn(&[R], &S) -> Result<Vec<Column>, ColumnError>,
}

impl<R: Table> GroupedTable<R, ()> {
    /// A table to be written to `path`.
    pub fn plain(path: &Path) -> GroupedTable<R, ()> {
        GroupedTable::new(path, (), |rows, ()| R::to_columns(rows))
    }
}

impl<R, S: PartialEq> GroupedTable<R, S> {
    /// A table to be written to `path`, whose columns follow from rows and what those of a group share; the first group
    /// shares `shared`, unless other rows come first.
    pub fn new(
        path: &Path,
        shared: S,
        columns: fn(&[R], &S) -> Result<Vec<Column>, ColumnError>,
    ) -> GroupedTable<R, S> {
        GroupedTable { writer: TableWriter::new(path), rows: Vec::new(), shared, columns }
    }

    /// Adds rows that share `shared`; they stay together in one group.
    pub fn add(&mut self, rows: Vec<R>, shared: S) -> Result<(), StoreError> {
        if self.shared != shared || self.rows.len() + rows.len() > GROUP_ROWS {
            self.write()?;
        }
        self.shared = shared;
        self.rows.extend(rows);
        Ok(())
    }

    fn write(&mut self) -> Result<(), StoreError> {
        self.writer.write((self.columns)(&self.rows, &self.shared))?;
        self.rows.clear();
        Ok(())
    }

    /// Writes the last group, seals the table and puts it in its place.
    pub fn finish(mut self) -> Result<(), StoreError> {
        self.write()?;
        self.writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk without room.
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from_raw_os_error(libc::ENOSPC))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_called_one() {
        let failure = Failure::default();
        let to = BufWriter::with_capacity(1, Noting { to: Full, failure: failure.clone() });
        let column = Column::new("a".into(), [1_i64, 2]);
        let frame = DataFrame::new_infer_height(vec![column]).unwrap();
        let written = ParquetWriter::new(to)
            .batched(frame.schema())
            .and_then(|mut parquet| parquet.write_batch(&frame).and_then(|()| parquet.finish()));
        let error = cause(Path::new("a.parquet"), &failure, written.unwrap_err());
        let StoreError::Write { ref reason, .. } = error else { panic!("{error}") };
        assert!(crate::disk::is_full(reason), "{error}");
        assert!(error.to_string().contains("No space left on device"), "{error}");
        // Without a disk error the encoder's own is reported.
        let own = PolarsError::ComputeError("of the encoder".into());
        let error = cause(Path::new("a.parquet"), &failure, own).to_string();
        assert!(error.contains("of the encoder"), "{error}");
    }
}
