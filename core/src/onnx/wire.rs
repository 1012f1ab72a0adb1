//! The protocol-buffer encoding, read without copies, and written.
//!
//! A file that its author made is small where it can be; a file that someone made to exhaust memory is not. So nothing is
//! allocated for a message that is read: its fields are walked over, one after the other.

use prost::DecodeError;
use prost::bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

/// A field of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Field<'a> {
    /// Of an integer type.
    Number(u64),
    /// Text, a message, bytes or packed numbers.
    Bytes(&'a [u8]),
    /// Of a type that is not needed here.
    Other,
}

/// The fields of a message in their order, each with its number.
#[derive(Debug, Clone)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub fn of(message: &'a [u8]) -> Fields<'a> {
        Fields(message)
    }

    fn read(&mut self) -> Result<(u32, Field<'a>), DecodeError> {
        let (number, kind) = decode_key(&mut self.0)?;
        let field = match kind {
            WireType::Varint => Field::Number(decode_varint(&mut self.0)?),
            WireType::LengthDelimited => {
                let length = decode_varint(&mut self.0)?;
                let all =
                    usize::try_from(length).ok().and_then(|length| self.0.split_at_checked(length));
                let (field, rest) = all.ok_or_else(cut_off)?;
                self.0 = rest;
                Field::Bytes(field)
            }
            WireType::SixtyFourBit => self.skip(8)?,
            WireType::ThirtyTwoBit => self.skip(4)?,
            // Deprecated before ONNX existed.
            WireType::StartGroup | WireType::EndGroup => return Err(cut_off()),
        };
        Ok((number, field))
    }

    fn skip(&mut self, bytes: usize) -> Result<Field<'a>, DecodeError> {
        if self.0.len() < bytes {
            return Err(cut_off());
        }
        self.0.advance(bytes);
        Ok(Field::Other)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Field<'a>), DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

/// A message that is being written: its fields, one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Message(Vec<u8>);

impl Message {
    /// A field of an integer type.
    pub fn number(mut self, field: u32, value: u64) -> Message {
        encode_key(field, WireType::Varint, &mut self.0);
        encode_varint(value, &mut self.0);
        self
    }

    /// A field of type float.
    pub fn float(mut self, field: u32, value: f32) -> Message {
        prost::encoding::float::encode(field, &value, &mut self.0);
        self
    }

    /// A field of text, bytes, or an encoded message.
    pub fn bytes(mut self, field: u32, bytes: impl AsRef<[u8]>) -> Message {
        self.push(field, bytes);
        self
    }

    /// As [`bytes`](Message::bytes), in place.
    pub fn push(&mut self, field: u32, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        encode_key(field, WireType::LengthDelimited, &mut self.0);
        encode_varint(bytes.len() as u64, &mut self.0);
        self.0.extend_from_slice(bytes);
    }

    /// The fields of another message after its own.
    pub fn append(&mut self, other: Message) {
        self.0.extend(other.0);
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The error of a message that ends too early. (`prost` makes its errors only by decoding.)
fn cut_off() -> DecodeError {
    decode_varint(&mut &[][..]).expect_err("nothing is no number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_by_hand() {
        // Field 1: 150; field 2: "ab"; field 3: a float; field 4: a double.
        let message =
            [&[0x08, 0x96, 0x01, 0x12, 2, b'a', b'b', 0x1d, 0, 0, 0, 0, 0x21][..], &[0; 8]]
                .concat();
        let fields: Result<Vec<_>, _> = Fields::of(&message).collect();
        let wanted = [
            (1, Field::Number(150)),
            (2, Field::Bytes(b"ab")),
            (3, Field::Other),
            (4, Field::Other),
        ];
        assert_eq!(fields.unwrap(), wanted);
    }

    #[test]
    fn what_is_written_by_hand_is_written() {
        let message = Message::default().number(1, 150).bytes(2, "ab").float(3, 0.5);
        let wanted = [0x08, 0x96, 0x01, 0x12, 2, b'a', b'b', 0x1d, 0, 0, 0, 0x3f];
        assert_eq!(message.into_bytes(), wanted);
    }

    #[test]
    fn what_is_cut_off_is_an_error_and_the_end() {
        for message in [&[0x12, 5, b'a'][..], &[0x08], &[0x0b], &[0x21, 1], &[0xff; 12]] {
            let fields: Vec<_> = Fields::of(message).collect();
            assert!(matches!(&fields[..], [Err(_)]), "{message:?}");
        }
        // A length that no memory has.
        let huge = [0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        assert!(Fields::of(&huge).next().unwrap().is_err());
    }
}
