//! One kind of row, one Parquet file.

use std::fs::File;
use std::io::{BufWriter, Cursor};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use polars::prelude::*;
use polars_io::prelude::{
    BatchedWriter, KeyValueMetadata, ParquetCompression, ParquetReader, ParquetWriter, SerReader,
};
use polars_parquet::read::FileMetadata;
use polars_parquet::write::schema_to_metadata_key;

use super::column::ColumnError;
use super::seal::{self, Seal};
use super::whole::WholeFile;
use super::{StoreError, read_plain};

/// A row of a table: names and types of its columns, their order, and both ways between rows and columns.
pub trait Table: Sized {
    /// The file's name, without `.parquet`.
    const NAME: &'static str;

    /// The columns that every such table has, in order.
    fn schema() -> Vec<(&'static str, DataType)>;

    /// The columns of [`Table::schema`], then one for each swept key where such rows have them.
    fn to_columns(rows: &[Self]) -> Vec<Column>;

    /// Columns that the schema does not name are passed over.
    fn from_frame(frame: &DataFrame) -> Result<Vec<Self>, ColumnError>;
}

/// Writes a table whole. The same rows give the same bytes.
pub fn write_table<T: Table>(path: &Path, rows: &[T]) -> Result<(), StoreError> {
    let columns = T::to_columns(rows);
    let mut writer = TableWriter::begin(path, &columns)?;
    writer.write(columns)?;
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

/// Reads a table and hands its rows on by groups, as they were written, so that only one group is in
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
    // A table without rows has no group, but its columns are looked at all the same.
    let groups = if groups.is_empty() { vec![(0, 0)] } else { groups };
    for group in groups {
        let frame = guarded(|| {
            let mut reader = ParquetReader::new(Cursor::new(bytes.as_slice()));
            // The footer names every group: read again for each, it would cost the square of them.
            reader.set_metadata(metadata.clone());
            reader.with_slice(Some(group)).finish()
        });
        let rows = T::from_frame(&frame.map_err(damaged)?).map_err(|error| {
            let (column, problem) = (error.column, error.problem);
            StoreError::Column { path: path.to_owned(), column, problem }
        })?;
        each(rows)?;
    }
    Ok(())
}

/// First row and number of rows of a row group.
type Group = (usize, usize);

/// The footer, and what it says of the row groups.
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

/// Runs the decoder. It may panic on a file that is damaged and carries no seal, having been written by
/// another tool; a sealed file that is damaged never comes here.
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

/// Writes a table group by group.
pub struct TableWriter {
    path: std::path::PathBuf,
    parquet: BatchedWriter<BufWriter<File>>,
    whole: WholeFile,
}

impl TableWriter {
    /// Begins a table with columns like `columns`.
    pub fn begin(path: &Path, columns: &[Column]) -> Result<TableWriter, StoreError> {
        let failed = |error: PolarsError| StoreError::write(path, std::io::Error::other(error));
        let mut whole = WholeFile::begin(path)?;
        let file = whole.file().try_clone().map_err(|reason| StoreError::write(path, reason))?;
        let mut schema = Schema::with_capacity(columns.len());
        for column in columns {
            let before = schema.insert(column.name().clone(), column.dtype().clone());
            if before.is_some() {
                let column = column.name().to_string();
                let problem = "a swept key cannot have the name of another column".to_owned();
                return Err(StoreError::Column { path: path.to_owned(), column, problem });
            }
        }
        let mut metadata = vec![(seal::KEY.to_owned(), seal::placeholder())];
        let arrow = schema_to_metadata_key(&arrow_schema(&schema));
        metadata.extend(arrow.value.map(|value| (arrow.key, value)));
        let parquet = ParquetWriter::new(BufWriter::new(file))
            .with_compression(ParquetCompression::Zstd(None))
            .with_key_value_metadata(Some(KeyValueMetadata::from_static(metadata)))
            .batched(&schema)
            .map_err(failed)?;
        Ok(TableWriter { path: path.to_owned(), parquet, whole })
    }

    /// Adds a row group.
    pub fn write(&mut self, columns: Vec<Column>) -> Result<(), StoreError> {
        DataFrame::new_infer_height(columns)
            .and_then(|frame| self.parquet.write_batch(&frame))
            .map_err(|error| StoreError::write(&self.path, std::io::Error::other(error)))
    }

    /// Seals the table and puts it in its place.
    pub fn finish(mut self) -> Result<(), StoreError> {
        let failed = |reason| StoreError::write(&self.path, reason);
        self.parquet.finish().map_err(|error| failed(std::io::Error::other(error)))?;
        drop(self.parquet);
        seal::seal(self.whole.file()).map_err(failed)?;
        self.whole.finish()
    }
}
