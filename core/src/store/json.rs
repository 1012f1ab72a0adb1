//! Small JSON files, read with a size limit, with a checksum where they hold results.

use std::io::Write;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{StoreError, read_plain, write_whole};

/// Reads a JSON file of at most `limit` bytes: a longer one is an error instead of exhausting memory.
pub fn read_json<T: DeserializeOwned>(path: &Path, limit: u64) -> Result<T, StoreError> {
    let bytes = read_plain(path, limit)?;
    serde_json::from_slice(&bytes).map_err(|error| StoreError::damaged(path, error))
}

/// The key that holds the BLAKE3 of the rest, written without spaces and with its keys sorted.
const SEAL: &str = "blake3";

/// Reads what [`write_sealed_json`] wrote.
///
/// # Errors
/// [`StoreError::Damaged`] where the content has changed: a flipped bit in a digit leaves valid
/// JSON. A file of an earlier version has no checksum and is accepted.
pub fn read_sealed_json<T: DeserializeOwned>(path: &Path, limit: u64) -> Result<T, StoreError> {
    let damaged = |error: serde_json::Error| StoreError::damaged(path, error);
    let mut value: Value = read_json(path, limit)?;
    let seal = value.as_object_mut().and_then(|object| object.remove(SEAL));
    if seal.is_some_and(|seal| seal != hash(&value)) {
        return Err(StoreError::damaged(path, "its content has changed since it was written"));
    }
    serde_json::from_value(value).map_err(damaged)
}

/// Writes a value, which must be a struct or a map, as an indented JSON file with a checksum.
pub fn write_sealed_json(path: &Path, value: &impl Serialize) -> Result<(), StoreError> {
    let failed = |error: serde_json::Error| StoreError::write(path, error.into());
    let mut value = serde_json::to_value(value).map_err(failed)?;
    let seal = hash(&value);
    if let Some(object) = value.as_object_mut() {
        object.insert(SEAL.to_owned(), seal.into());
    }
    write_json(path, &value)
}

/// Every number is written by the shortest decimals that parse to the same bits, so the hash survives reading and
/// writing.
fn hash(value: &Value) -> String {
    blake3::hash(value.to_string().as_bytes()).to_hex().to_string()
}

/// Writes a value as an indented JSON file.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), StoreError> {
    write_whole(path, |file| {
        file.write_all(&serde_json::to_vec_pretty(value)?)?;
        file.write_all(b"\n")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_digit_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let value = serde_json::json!({"b": [0.1, 1e-300, 0.30000000000000004], "a": u64::MAX});
        write_sealed_json(&path, &value).unwrap();
        assert_eq!(read_sealed_json::<Value>(&path, 1000).unwrap(), value);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("0.1", "0.3")).unwrap();
        let message = read_sealed_json::<Value>(&path, 1000).unwrap_err().to_string();
        assert!(message.contains("its content has changed since it was written"), "{message}");
        std::fs::write(&path, r#"{"a": 1}"#).unwrap();
        let unsealed: Value = read_sealed_json(&path, 1000).unwrap();
        assert_eq!(unsealed, serde_json::json!({"a": 1}));
    }
}
