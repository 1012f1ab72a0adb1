//! Small JSON files, whole and bounded.

use std::io::Write;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{StoreError, read_plain, write_whole};

/// Reads a JSON file of at most `limit` bytes: a longer one is an error, not a full memory.
pub fn read_json<T: DeserializeOwned>(path: &Path, limit: u64) -> Result<T, StoreError> {
    let bytes = read_plain(path, limit)?;
    serde_json::from_slice(&bytes).map_err(|error| StoreError::damaged(path, error))
}

/// Writes a value as an indented JSON file.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), StoreError> {
    write_whole(path, |file| {
        file.write_all(&serde_json::to_vec_pretty(value)?)?;
        file.write_all(b"\n")
    })
}
