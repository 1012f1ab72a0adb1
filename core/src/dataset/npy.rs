//! One value of a NumPy file (format 1.0 to 3.0, numpy.org/doc/stable/reference/generated/numpy.lib.format.html): a label of
//! AffectNet's annotations, which are text in some copies and numbers in others.

use std::fs;
use std::path::Path;

use super::DatasetError;

/// A file with one value has no more bytes.
const MOST_BYTES: u64 = 1 << 16;

/// The value as text; a whole number has no point, whatever its type.
pub fn scalar(path: &Path) -> Result<String, DatasetError> {
    let unreadable = |why: std::io::Error| DatasetError::unreadable(path, why);
    if fs::metadata(path).map_err(unreadable)?.len() > MOST_BYTES {
        return Err(DatasetError::table(path, "it holds more than one value"));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    parse(&bytes).map_err(|what| DatasetError::table(path, what))
}

fn parse(bytes: &[u8]) -> Result<String, String> {
    let broken = || "it is no file of NumPy, or cut off".to_owned();
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(broken)?;
    let (version, rest) = rest.split_at_checked(2).ok_or_else(broken)?;
    let width = if version[0] == 1 { 2 } else { 4 };
    let (length, rest) = rest.split_at_checked(width).ok_or_else(broken)?;
    let length = length.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
    let (header, data) = rest.split_at_checked(length).ok_or_else(broken)?;
    let header = String::from_utf8_lossy(header);
    let (_, kind) = header.split_once("'descr':").ok_or_else(broken)?;
    let kind = kind.trim_start().strip_prefix('\'').and_then(|kind| kind.split_once('\''));
    let (kind, _) = kind.ok_or_else(|| "it holds several values, or none".to_owned())?;
    value(kind, data)
        .ok_or_else(|| format!("it holds {} bytes of the type `{kind}`, not one value", data.len()))
}

/// The one value of a type such as `<U1` or `<i8`; `None` where the data are not one, or not of a type of labels.
fn value(kind: &str, data: &[u8]) -> Option<String> {
    let (order, kind) = kind.split_at_checked(1)?;
    let (letter, size) = kind.split_at_checked(1)?;
    let size: usize = size.parse().ok()?;
    let size = if letter == "U" { size.checked_mul(4)? } else { size };
    if data.len() != size || !matches!(size, 1..=1024) {
        return None;
    }
    let mut bytes = data.to_vec();
    if order == ">" && letter != "S" {
        let unit = if letter == "U" { 4 } else { size };
        bytes.chunks_mut(unit).for_each(<[u8]>::reverse);
    }
    match (letter, bytes.as_slice()) {
        ("U", bytes) => {
            let signs =
                bytes.as_chunks().0.iter().map(|sign| char::from_u32(u32::from_le_bytes(*sign)));
            let text: String = signs.collect::<Option<_>>()?;
            Some(text.trim_end_matches('\0').trim().to_owned())
        }
        ("S", bytes) => {
            let text = String::from_utf8_lossy(bytes);
            Some(text.trim_end_matches('\0').trim().to_owned())
        }
        ("i", [byte]) => Some(i8::from_le_bytes([*byte]).to_string()),
        ("u", [byte]) => Some(byte.to_string()),
        ("i", bytes) => {
            // The last byte has the sign.
            let fill = if bytes.last()? & 0x80 == 0 { 0 } else { 0xff };
            let mut whole = [fill; 8];
            whole.get_mut(..size)?.copy_from_slice(bytes);
            Some(i64::from_le_bytes(whole).to_string())
        }
        ("u", bytes) => {
            let mut whole = [0; 8];
            whole.get_mut(..size)?.copy_from_slice(bytes);
            Some(u64::from_le_bytes(whole).to_string())
        }
        ("f", bytes) => match *bytes {
            [a, b, c, d] => Some(f32::from_le_bytes([a, b, c, d]).to_string()),
            _ => Some(f64::from_le_bytes(bytes.try_into().ok()?).to_string()),
        },
        _ => None,
    }
}

#[cfg(test)]
pub mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A file of format 1.0 with one value.
    pub fn file(kind: &str, data: &[u8]) -> Vec<u8> {
        let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': (), }}");
        while (10 + header.len()) % 64 != 63 {
            header.push(' ');
        }
        header.push('\n');
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), data].concat()
    }

    #[test]
    fn texts_and_numbers_of_any_width_are_read() {
        let read = |kind: &str, data: &[u8]| parse(&file(kind, data));
        assert_eq!(read("<U1", &[b'7', 0, 0, 0]).as_deref(), Ok("7"));
        assert_eq!(read(">U2", &[0, 0, 0, b'1', 0, 0, 0, b'0']).as_deref(), Ok("10"));
        assert_eq!(read("|S2", b"3\0").as_deref(), Ok("3"));
        assert_eq!(read("<i8", &3_i64.to_le_bytes()).as_deref(), Ok("3"));
        assert_eq!(read("<i4", &(-2_i32).to_le_bytes()).as_deref(), Ok("-2"));
        assert_eq!(read(">i4", &5_i32.to_be_bytes()).as_deref(), Ok("5"));
        assert_eq!(read("|u1", &[6]).as_deref(), Ok("6"));
        assert_eq!(read("<f8", &4_f64.to_le_bytes()).as_deref(), Ok("4"));
        assert_eq!(read("<f4", &4_f32.to_le_bytes()).as_deref(), Ok("4"));
    }

    #[test]
    fn what_is_not_one_value_is_refused() {
        let two = file("<i8", &[0; 16]);
        assert_eq!(parse(&two).unwrap_err(), "it holds 16 bytes of the type `<i8`, not one value");
        assert_eq!(
            parse(&file("|O", &[0; 8])).unwrap_err(),
            "it holds 8 bytes of the type `|O`, not one value"
        );
        for length in 0..two.len() - 16 {
            assert!(parse(&two[..length]).is_err(), "{length}");
        }
        assert_eq!(parse(b"0").unwrap_err(), "it is no file of NumPy, or cut off");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(kind in "[<>|=]?[A-Za-z][0-9]{0,4}", data in prop::collection::vec(any::<u8>(), 0..40), cut in 0_usize..200) {
            let file = file(&kind, &data);
            let _ = parse(&file[..cut.min(file.len())]);
            let _ = parse(&data);
        }
    }
}
