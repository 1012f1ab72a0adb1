//! Small `.tflite` files for tests.

/// A value of a FlatBuffers table.
#[derive(Debug, Clone)]
pub enum Value {
    Byte(u8),
    Int(i32),
    Table(Vec<Option<Value>>),
    Tables(Vec<Value>),
    Ints(Vec<i32>),
    Bytes(Vec<u8>),
}

use Value::{Byte, Bytes, Int, Ints, Table, Tables};

/// The file whose outermost table that is.
pub fn file(root: &[Option<Value>]) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    bytes.extend(b"TFL3");
    let at = table(&mut bytes, root);
    bytes[..4].copy_from_slice(&(at as u32).to_le_bytes());
    bytes
}

/// Writes a table behind its vtable, and then what its fields refer to; returns its place.
fn table(bytes: &mut Vec<u8>, fields: &[Option<Value>]) -> usize {
    let mut slots = Vec::new();
    let mut end = 4_u16;
    for field in fields {
        slots.push(if field.is_some() { end } else { 0 });
        end += if field.is_some() { 4 } else { 0 };
    }
    let vtable = bytes.len();
    for number in [4 + 2 * fields.len() as u16, end].into_iter().chain(slots.iter().copied()) {
        bytes.extend(number.to_le_bytes());
    }
    let start = bytes.len();
    bytes.extend(((start - vtable) as i32).to_le_bytes());
    bytes.resize(start + usize::from(end), 0);
    for (field, slot) in fields.iter().zip(slots) {
        let at = start + usize::from(slot);
        match field {
            None => {}
            Some(Byte(value)) => bytes[at] = *value,
            Some(Int(value)) => bytes[at..at + 4].copy_from_slice(&value.to_le_bytes()),
            Some(value) => refer(bytes, at, value),
        }
    }
    start
}

/// Writes a table or vector at the end, and the distance to it at `at`.
fn refer(bytes: &mut Vec<u8>, at: usize, value: &Value) {
    let mut place = bytes.len();
    match value {
        Byte(_) | Int(_) => unreachable!("these stand in the table itself"),
        Table(fields) => place = table(bytes, fields),
        Ints(numbers) => {
            bytes.extend((numbers.len() as u32).to_le_bytes());
            bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        }
        Bytes(content) => {
            bytes.extend((content.len() as u32).to_le_bytes());
            bytes.extend(content);
        }
        Tables(tables) => {
            bytes.extend((tables.len() as u32).to_le_bytes());
            let first = bytes.len();
            bytes.resize(first + 4 * tables.len(), 0);
            for (index, inner) in tables.iter().enumerate() {
                refer(bytes, first + 4 * index, inner);
            }
        }
    }
    bytes[at..at + 4].copy_from_slice(&((place - at) as u32).to_le_bytes());
}

/// A network of a picture of 2 × 2 pixels: two channels, 1 + r − b and 2 · g − 1, of which what is below 0 is halved and
/// quartered. Its weights are f16, the rest is f32.
pub fn small_network() -> Vec<u8> {
    network_ending_in(54)
}

/// The same, but for the code of its last operator; 54 is PRELU.
pub fn network_ending_in(last: u8) -> Vec<u8> {
    let half = |values: &[f32]| {
        values.iter().flat_map(|value| half::f16::from_f32(*value).to_le_bytes()).collect()
    };
    let float = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let buffer = |bytes: Vec<u8>| Table(vec![Some(Bytes(bytes))]);
    let tensor = |shape: &[i32], element: u8, buffer: i32| {
        Table(vec![Some(Ints(shape.to_vec())), Some(Byte(element)), Some(Int(buffer))])
    };
    let operator = |code: i32, inputs: &[i32], output: i32, options: Option<Value>| {
        let (inputs, outputs) = (Ints(inputs.to_vec()), Ints(vec![output]));
        Table(vec![Some(Int(code)), Some(inputs), Some(outputs), None, options])
    };
    let code = |code: u8| Table(vec![Some(Byte(code)), None, None, Some(Int(i32::from(code)))]);
    // Padding VALID, strides of 1.
    let window = Table(vec![Some(Byte(1)), Some(Int(1)), Some(Int(1))]);
    let graph = Table(vec![
        Some(Tables(vec![
            tensor(&[1, 2, 2, 3], 0, 0),
            tensor(&[2, 1, 1, 3], 1, 1),
            tensor(&[2, 1, 1, 3], 0, 0),
            tensor(&[2], 0, 2),
            tensor(&[1, 2, 2, 2], 0, 0),
            tensor(&[1, 1, 2], 0, 3),
            tensor(&[1, 2, 2, 2], 0, 0),
        ])),
        Some(Ints(vec![0])),
        Some(Ints(vec![6])),
        Some(Tables(vec![
            operator(1, &[1], 2, None),
            operator(0, &[0, 2, 3], 4, Some(window)),
            operator(2, &[4, 5], 6, None),
        ])),
    ]);
    file(&[
        Some(Int(3)),
        Some(Tables(vec![code(3), code(6), code(last)])),
        Some(Tables(vec![graph])),
        None,
        Some(Tables(vec![
            Table(vec![None]),
            buffer(half(&[1.0, 0.0, -1.0, 0.0, 2.0, 0.0])),
            buffer(float(&[1.0, -1.0])),
            buffer(float(&[0.5, 0.25])),
        ])),
    ])
}
