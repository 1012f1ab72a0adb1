//! Small JSON files, whole and bounded.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{StoreError, write_whole};

/// Reads a JSON file of at most `limit` bytes: a longer one is an error, not a full memory.
pub fn read_json<T: DeserializeOwned>(path: &Path, limit: u64) -> Result<T, StoreError> {
    let failed = |reason| StoreError::read(path, reason);
    let damaged = |reason| StoreError::Damaged { path: path.to_owned(), reason };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(damaged(format!("it is longer than {limit} bytes")));
    }
    serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))
}

/// Writes a value as an indented JSON file.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), StoreError> {
    write_whole(path, |file| {
        file.write_all(&serde_json::to_vec_pretty(value)?)?;
        file.write_all(b"\n")
    })
}
