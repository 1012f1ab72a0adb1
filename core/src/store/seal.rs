//! A checksum in each table, so that damage is detected before decoding.
//!
//! Parquet's own page checksums are optional, and the reader used here neither writes nor checks them:
//! a flipped bit could be read as another number, and in trials it caused a panic or an allocation of 2^61
//! bytes. So a table is sealed: one entry of its footer's key-value metadata, which other tools ignore,
//! holds the file's length and its BLAKE3, computed with the hash's own digits set to 0.
//!
//! A tool that rewrites a table may copy the entry. Such a file has another length than its seal; it counts as unsealed,
//! not as damaged.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// The key of the entry.
pub const KEY: &str = "fer_lab.seal";

const MAGIC: &[u8] = b"PAR1";
const PREFIX: &str = "blake3 ";
const LENGTH_DIGITS: usize = 20;
const HASH_DIGITS: usize = 64;
/// `blake3 `, the length in decimal, a space, the hash in hexadecimal.
const SEAL_BYTES: usize = PREFIX.len() + LENGTH_DIGITS + 1 + HASH_DIGITS;
/// The footer's length and the magic end a Parquet file.
const TAIL_BYTES: usize = 4 + MAGIC.len();

/// The result of checking a table's seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seal {
    /// The bytes are unchanged.
    Whole,
    /// It has no seal, or that of another file: another tool wrote it.
    None,
    Broken(&'static str),
}

/// The entry's value until the file is sealed.
pub fn placeholder() -> String {
    text(0, &"0".repeat(HASH_DIGITS))
}

/// Seals a finished Parquet file that carries the [`placeholder`].
pub fn seal(file: &mut File) -> io::Result<()> {
    let length = file.seek(SeekFrom::End(0))?;
    let tail_start = length.saturating_sub(TAIL_BYTES as u64);
    file.seek(SeekFrom::Start(tail_start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let footer = footer_bytes(&tail).filter(|footer| *footer as u64 <= tail_start);
    let footer = footer.ok_or_else(|| io::Error::other("no Parquet file was written"))?;
    let footer_start = tail_start - footer as u64;
    file.seek(SeekFrom::Start(footer_start))?;
    let mut footer = vec![0; footer];
    file.read_exact(&mut footer)?;
    let at =
        find(&footer).ok_or_else(|| io::Error::other("the table has no place for its seal"))?;
    let at = footer_start + at as u64;

    let mut put = |seal: String| {
        file.seek(SeekFrom::Start(at))?;
        file.write_all(seal.as_bytes())
    };
    put(text(length, &"0".repeat(HASH_DIGITS)))?;
    let mut hasher = blake3::Hasher::new();
    file.seek(SeekFrom::Start(0))?;
    hasher.update_reader(&mut *file)?;
    file.seek(SeekFrom::Start(at))?;
    file.write_all(text(length, &hasher.finalize().to_hex()).as_bytes())
}

/// Checks a table's bytes against its seal.
pub fn check(bytes: &[u8]) -> Seal {
    if !bytes.starts_with(MAGIC) {
        return Seal::Broken("it does not begin as a Parquet file does");
    }
    let Some(footer) = footer_bytes(bytes) else {
        return Seal::Broken("it does not end as a Parquet file does; it may be cut short");
    };
    let Some(start) = (bytes.len() - TAIL_BYTES).checked_sub(footer) else {
        return Seal::Broken("its footer is longer than the file");
    };
    let Some(at) = find(&bytes[start..]).map(|at| start + at) else { return Seal::None };
    let hash_start = at + SEAL_BYTES - HASH_DIGITS;
    let length = &bytes[at + PREFIX.len()..hash_start - 1];
    if length != format!("{:020}", bytes.len()).as_bytes() {
        return Seal::None;
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[..hash_start]);
    hasher.update(&[b'0'; HASH_DIGITS]);
    hasher.update(&bytes[at + SEAL_BYTES..]);
    if hasher.finalize().to_hex().as_bytes() == &bytes[hash_start..at + SEAL_BYTES] {
        Seal::Whole
    } else {
        Seal::Broken("its content has changed since it was written")
    }
}

fn text(length: u64, hash: &str) -> String {
    format!("{PREFIX}{length:020} {hash}")
}

/// The length of the footer, from the last bytes of a Parquet file; `None` where they are none.
fn footer_bytes(bytes: &[u8]) -> Option<usize> {
    let (length, magic) = bytes.last_chunk::<TAIL_BYTES>()?.split_at(4);
    let length = u32::from_le_bytes(length.try_into().ok()?);
    (magic == MAGIC).then_some(length as usize)
}

/// The position of the last seal in a footer.
fn find(footer: &[u8]) -> Option<usize> {
    footer.windows(SEAL_BYTES).rposition(|window| {
        let (prefix, rest) = window.split_at(PREFIX.len());
        let (length, hash) = rest.split_at(LENGTH_DIGITS);
        prefix == PREFIX.as_bytes()
            && length.iter().all(u8::is_ascii_digit)
            && hash[0] == b' '
            && hash[1..].iter().all(u8::is_ascii_hexdigit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Magic, data, a footer that holds a seal's place, the footer's length, magic.
    fn sealed() -> Vec<u8> {
        let mut file = tempfile::tempfile().unwrap();
        let footer = format!("{{{KEY}: {}}}", placeholder());
        let length = (footer.len() as u32).to_le_bytes();
        let bytes = [MAGIC, &[7; 100], footer.as_bytes(), &length, MAGIC].concat();
        file.write_all(&bytes).unwrap();
        seal(&mut file).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let bytes = sealed();
        assert_eq!(check(&bytes), Seal::Whole);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(check(&flipped), Seal::Whole, "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(matches!(check(&bytes[..length]), Seal::Broken(_)), "{length} bytes");
        }
    }

    #[test]
    fn damage_outside_the_seal_is_never_taken_for_a_foreign_file() {
        let bytes = sealed();
        let mut flipped = bytes.clone();
        flipped[50] ^= 1;
        assert_eq!(check(&flipped), Seal::Broken("its content has changed since it was written"));
    }

    #[test]
    fn a_seal_that_another_tool_carried_along_does_not_count() {
        let mut bytes = sealed();
        bytes.splice(4..4, [7; 10]);
        assert_eq!(check(&bytes), Seal::None);
    }
}
