//! Reads FlatBuffers, the binary format of `.tflite` files, without trust in what they hold.
//!
//! A file is a tree of tables. A table starts with the distance back to its vtable, which holds for each field the
//! distance from the table's start, 0 where the field has its default
//! (<https://flatbuffers.dev/internals/>). Every distance is checked against the file's end, and a vector's length
//! before anything is allocated for it.

/// A place outside of the file: it is cut off or damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a place beyond its end is referred to")]
pub struct OutOfBounds;

type Read<T> = Result<T, OutOfBounds>;

/// A table within a file.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    file: &'a [u8],
    start: usize,
    vtable: &'a [u8],
}

/// The elements of a vector of tables.
#[derive(Debug, Clone, Copy)]
pub struct Tables<'a> {
    file: &'a [u8],
    /// Where the vector's first element lies.
    start: usize,
    len: usize,
}

impl<'a> Table<'a> {
    /// The outermost table of a file.
    pub fn root(file: &'a [u8]) -> Read<Table<'a>> {
        Table::at(file, follow(file, 0)?)
    }

    fn at(file: &'a [u8], start: usize) -> Read<Table<'a>> {
        let back = i64::from(i32::from_le_bytes(bytes(file, start)?));
        let vtable = i64::try_from(start).ok().and_then(|start| start.checked_sub(back));
        let vtable = vtable.and_then(|at| usize::try_from(at).ok()).ok_or(OutOfBounds)?;
        let len = usize::from(u16::from_le_bytes(bytes(file, vtable)?));
        let end = vtable.checked_add(len).ok_or(OutOfBounds)?;
        Ok(Table { file, start, vtable: file.get(vtable..end).ok_or(OutOfBounds)? })
    }

    /// Where a field lies; `None` where it has its default.
    fn field(&self, index: usize) -> Option<usize> {
        // The vtable begins with its own length and the table's.
        let distance = u16::from_le_bytes(bytes(self.vtable, 4 + 2 * index).ok()?);
        (distance > 0).then(|| self.start + usize::from(distance))
    }

    /// A byte, or `default`.
    pub fn byte(&self, index: usize, default: u8) -> Read<u8> {
        let Some(at) = self.field(index) else { return Ok(default) };
        Ok(bytes::<1>(self.file, at)?[0])
    }

    /// A number of 32 bits, or `default`.
    pub fn int(&self, index: usize, default: i32) -> Read<i32> {
        let Some(at) = self.field(index) else { return Ok(default) };
        Ok(i32::from_le_bytes(bytes(self.file, at)?))
    }

    /// A table that the field holds.
    pub fn table(&self, index: usize) -> Read<Option<Table<'a>>> {
        let Some(at) = self.field(index) else { return Ok(None) };
        Table::at(self.file, follow(self.file, at)?).map(Some)
    }

    /// A vector of tables; an empty one where the field is not there.
    pub fn tables(&self, index: usize) -> Read<Tables<'a>> {
        let (start, len) = self.vector(index, 4)?;
        Ok(Tables { file: self.file, start, len })
    }

    /// A vector of numbers of 32 bits; an empty one where the field is not there.
    pub fn ints(&self, index: usize) -> Read<Vec<i32>> {
        let (start, len) = self.vector(index, 4)?;
        let (numbers, _) = self.file[start..start + 4 * len].as_chunks();
        Ok(numbers.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect())
    }

    /// A vector of bytes; an empty one where the field is not there.
    pub fn bytes(&self, index: usize) -> Read<&'a [u8]> {
        let (start, len) = self.vector(index, 1)?;
        Ok(&self.file[start..start + len])
    }

    /// Where the elements of a vector begin, and their number. They lie within the file.
    fn vector(&self, index: usize, size: usize) -> Read<(usize, usize)> {
        let Some(at) = self.field(index) else { return Ok((0, 0)) };
        let at = follow(self.file, at)?;
        let len = u32::from_le_bytes(bytes(self.file, at)?) as usize;
        let start = at + 4;
        let end = len.checked_mul(size).and_then(|bytes| bytes.checked_add(start));
        match end.is_some_and(|end| end <= self.file.len()) {
            true => Ok((start, len)),
            false => Err(OutOfBounds),
        }
    }
}

impl<'a> Tables<'a> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn get(&self, index: usize) -> Read<Table<'a>> {
        if index >= self.len {
            return Err(OutOfBounds);
        }
        Table::at(self.file, follow(self.file, self.start + 4 * index)?)
    }

    pub fn iter(self) -> impl Iterator<Item = Read<Table<'a>>> {
        (0..self.len).map(move |index| self.get(index))
    }
}

/// The place that the distance at `at` leads to.
fn follow(file: &[u8], at: usize) -> Read<usize> {
    let distance = u32::from_le_bytes(bytes(file, at)?) as usize;
    at.checked_add(distance).ok_or(OutOfBounds)
}

fn bytes<const N: usize>(file: &[u8], at: usize) -> Read<[u8; N]> {
    let rest = file.get(at..).ok_or(OutOfBounds)?;
    rest.first_chunk().copied().ok_or(OutOfBounds)
}
