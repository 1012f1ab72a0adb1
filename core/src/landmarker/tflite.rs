//! The part of the `.tflite` format that the two networks use: float tensors, their constants, and ten operators.
//!
//! In: a file's bytes. Out: a [`Graph`], in which every number is checked and every constant is f32. Field numbers
//! and codes are those of TensorFlow Lite's schema, version 3.

use std::ops::Range;

use half::f16;

use super::flatbuffer::{OutOfBounds, Table, Tables};

/// Why a file is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("it is damaged: {0}")]
    Damaged(#[from] OutOfBounds),
    #[error("it is not a TensorFlow Lite network")]
    Foreign,
    #[error("it has {0}, which is not known here")]
    Unknown(String),
    #[error("it contradicts itself: {0}")]
    Contradiction(String),
    #[error("it needs too much memory")]
    TooLarge,
}

/// The most elements that all tensors of a network have together: 256 MiB.
const MOST_ELEMENTS: usize = 64 << 20;

/// A network's operators in the order of their computation, on numbered tensors.
#[derive(Debug)]
pub struct Graph {
    pub tensors: Vec<Tensor>,
    pub inputs: Vec<usize>,
    pub outputs: Vec<usize>,
    pub operators: Vec<Operator>,
}

/// A tensor's dimensions, outermost first; `[N, H, W, C]` for pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub values: Values,
}

/// What is known of a tensor's elements before the network runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// They are computed.
    Computed,
    Constant(Vec<f32>),
    /// Paddings and shapes.
    Integers(Vec<i32>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Operator {
    pub kind: Kind,
    pub inputs: Vec<usize>,
    pub output: usize,
}

/// What an operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Add,
    /// Along this axis.
    Concat {
        axis: i32,
    },
    /// Weights `[out, kh, kw, in]`.
    Conv(Window),
    /// Weights `[1, kh, kw, C]`.
    Depthwise(Window),
    Logistic,
    /// Over windows of this height and width.
    MaxPool {
        window: Window,
        size: [usize; 2],
    },
    Pad,
    Prelu,
    Relu,
    Reshape,
}

/// How a window moves over a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// With zeros around the picture, so that each stride has an output; otherwise only within it.
    pub same: bool,
    /// Down, then across.
    pub stride: [usize; 2],
}

/// TensorFlow Lite's numbers for operators.
mod code {
    pub const ADD: i32 = 0;
    pub const CONCATENATION: i32 = 2;
    pub const CONV_2D: i32 = 3;
    pub const DEPTHWISE_CONV_2D: i32 = 4;
    pub const DEQUANTIZE: i32 = 6;
    pub const LOGISTIC: i32 = 14;
    pub const MAX_POOL_2D: i32 = 17;
    pub const RELU: i32 = 19;
    pub const RESHAPE: i32 = 22;
    pub const PAD: i32 = 34;
    pub const PRELU: i32 = 54;
}

/// TensorFlow Lite's numbers for types of elements.
mod element {
    pub const FLOAT32: u8 = 0;
    pub const FLOAT16: u8 = 1;
    pub const INT32: u8 = 2;
}

impl Graph {
    /// # Errors
    ///
    /// Where the bytes are no such file, or hold what this reader does not know.
    pub fn read(file: &[u8]) -> Result<Graph, Refused> {
        if file.get(4..8) != Some(b"TFL3") {
            return Err(Refused::Foreign);
        }
        let model = Table::root(file)?;
        let codes = codes(model.tables(1)?)?;
        let [graph] = tables(model.tables(2)?)?;
        let mut tensors = tensors(graph.tables(0)?, model.tables(4)?)?;
        let mut operators = Vec::new();
        for operator in graph.tables(3)?.iter() {
            let operator = operator?;
            let code = at(&codes, operator.int(0, 0)?)?;
            let inputs = indices(&operator.ints(1)?, tensors.len())?;
            let outputs = indices(&operator.ints(2)?, tensors.len())?;
            let [output] = outputs[..] else {
                return Err(contradiction("an operator without one output"));
            };
            match code {
                code::DEQUANTIZE => dequantize(&mut tensors, &inputs, output)?,
                code => {
                    let kind = kind(code, operator.table(4)?)?;
                    operators.push(Operator { kind, inputs, output });
                }
            }
        }
        let count = tensors.len();
        let inputs = indices(&graph.ints(1)?, count)?;
        let outputs = indices(&graph.ints(2)?, count)?;
        Ok(Graph { tensors, inputs, outputs, operators })
    }
}

/// The operators' codes. The second field took over when the first, a byte, was full.
fn codes(tables: Tables<'_>) -> Result<Vec<i32>, Refused> {
    let code = |table: Result<Table<'_>, OutOfBounds>| {
        let table = table?;
        Ok(i32::from(table.byte(0, 0)?).max(table.int(3, 0)?))
    };
    tables.iter().map(code).collect()
}

/// A vector of exactly so many tables.
fn tables<const N: usize>(tables: Tables<'_>) -> Result<[Table<'_>; N], Refused> {
    if tables.len() != N {
        return Err(Refused::Unknown(format!("{} subgraphs", tables.len())));
    }
    let found = tables.iter().collect::<Result<Vec<_>, _>>()?;
    found.try_into().map_err(|_| Refused::Damaged(OutOfBounds))
}

fn tensors(tables: Tables<'_>, buffers: Tables<'_>) -> Result<Vec<Tensor>, Refused> {
    let mut elements = 0_usize;
    let mut tensors = Vec::new();
    for table in tables.iter() {
        let table = table?;
        let shape = shape(&table.ints(0)?)?;
        let count = shape.iter().try_fold(1, |product: usize, side| product.checked_mul(*side));
        elements = count
            .and_then(|count| elements.checked_add(count))
            .filter(|elements| *elements <= MOST_ELEMENTS)
            .ok_or(Refused::TooLarge)?;
        let buffer = usize::try_from(table.int(2, 0)?).map_err(|_| OutOfBounds)?;
        let bytes = buffers.get(buffer)?.bytes(0)?;
        let values = values(bytes, table.byte(1, 0)?)?;
        let known = match &values {
            Values::Computed => count,
            Values::Constant(values) => Some(values.len()),
            Values::Integers(values) => Some(values.len()),
        };
        if known != count {
            return Err(contradiction("a constant whose length is not its shape's"));
        }
        tensors.push(Tensor { shape, values });
    }
    Ok(tensors)
}

fn shape(sides: &[i32]) -> Result<Vec<usize>, Refused> {
    let side = |side: &i32| {
        usize::try_from(*side).map_err(|_| contradiction("a side of less than nothing"))
    };
    sides.iter().map(side).collect()
}

/// A constant's elements.
fn values(bytes: &[u8], element: u8) -> Result<Values, Refused> {
    if bytes.is_empty() {
        return Ok(Values::Computed);
    }
    Ok(match element {
        element::FLOAT32 => {
            Values::Constant(bytes.as_chunks().0.iter().map(|x| f32::from_le_bytes(*x)).collect())
        }
        element::FLOAT16 => Values::Constant(
            bytes.as_chunks().0.iter().map(|x| f16::from_le_bytes(*x).to_f32()).collect(),
        ),
        element::INT32 => {
            Values::Integers(bytes.as_chunks().0.iter().map(|x| i32::from_le_bytes(*x)).collect())
        }
        other => return Err(Refused::Unknown(format!("elements of type {other}"))),
    })
}

/// Constants are stored as f16, and a `DEQUANTIZE` makes f32 of each: here they are f32 already, and move.
fn dequantize(tensors: &mut [Tensor], inputs: &[usize], output: usize) -> Result<(), Refused> {
    let [input] = inputs[..] else {
        return Err(contradiction("DEQUANTIZE takes one tensor"));
    };
    if tensors[input].shape != tensors[output].shape {
        return Err(contradiction("DEQUANTIZE keeps the shape"));
    }
    match std::mem::replace(&mut tensors[input].values, Values::Computed) {
        values @ Values::Constant(_) => tensors[output].values = values,
        _ => return Err(Refused::Unknown("a DEQUANTIZE of what is no constant".to_owned())),
    }
    Ok(())
}

/// What an operator of this code does, with its options.
fn kind(code: i32, options: Option<Table<'_>>) -> Result<Kind, Refused> {
    let option = |index: usize, default: i32| match &options {
        Some(options) => Ok(options.int(index, default)?),
        None => Err(contradiction("an operator without its options")),
    };
    let plain = |index: usize| match option(index, 0)? {
        0 => Ok(()),
        other => Err(Refused::Unknown(format!("a fused activation {other}"))),
    };
    let dilated = |index: usize| match [option(index, 1)?, option(index + 1, 1)?] {
        [1, 1] => Ok(()),
        other => Err(Refused::Unknown(format!("a dilation of {other:?}"))),
    };
    let window = || {
        let same = match options.map_or(Ok(0), |options| options.byte(0, 0))? {
            0 => true,
            1 => false,
            other => return Err(Refused::Unknown(format!("a padding {other}"))),
        };
        // The width stands first.
        let [across, down] = [option(1, 0)?, option(2, 0)?].map(positive);
        Ok(Window { same, stride: [down?, across?] })
    };
    Ok(match code {
        code::ADD => {
            options.map_or(Ok(()), |_| plain(0))?;
            Kind::Add
        }
        code::CONCATENATION => {
            plain(1)?;
            Kind::Concat { axis: option(0, 0)? }
        }
        code::CONV_2D => {
            plain(3)?;
            dilated(4)?;
            Kind::Conv(window()?)
        }
        code::DEPTHWISE_CONV_2D => {
            plain(4)?;
            dilated(5)?;
            if option(3, 0)? != 1 {
                return Err(Refused::Unknown("a depth multiplier".to_owned()));
            }
            Kind::Depthwise(window()?)
        }
        code::LOGISTIC => Kind::Logistic,
        code::MAX_POOL_2D => {
            plain(5)?;
            let [across, down] = [option(3, 0)?, option(4, 0)?].map(positive);
            Kind::MaxPool { window: window()?, size: [down?, across?] }
        }
        code::RELU => Kind::Relu,
        code::RESHAPE => Kind::Reshape,
        code::PAD => Kind::Pad,
        code::PRELU => Kind::Prelu,
        other => return Err(Refused::Unknown(format!("the operator {other}"))),
    })
}

/// A window's side or stride.
fn positive(number: i32) -> Result<usize, Refused> {
    const PLAUSIBLE: Range<i32> = 1..64;
    match PLAUSIBLE.contains(&number) {
        true => Ok(number as usize),
        false => Err(contradiction("a window's size or stride is not plausible")),
    }
}

fn indices(numbers: &[i32], count: usize) -> Result<Vec<usize>, Refused> {
    let index = |number: &i32| {
        let index = usize::try_from(*number).ok().filter(|index| *index < count);
        index.ok_or(contradiction("a tensor that is not there"))
    };
    numbers.iter().map(index).collect()
}

fn at<T: Copy>(list: &[T], index: i32) -> Result<T, Refused> {
    let found = usize::try_from(index).ok().and_then(|index| list.get(index));
    found.copied().ok_or(contradiction("an operator of no kind"))
}

pub(super) fn contradiction(what: &str) -> Refused {
    Refused::Contradiction(what.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixture::{network_ending_in, small_network};
    use super::super::network::{Network, Workspace};
    use super::*;

    #[test]
    fn a_file_is_read_with_its_constants_as_f32() {
        let graph = Graph::read(&small_network()).unwrap();
        assert_eq!((graph.inputs, graph.outputs), (vec![0], vec![6]));
        assert_eq!(graph.tensors[2].values, Values::Constant(vec![1.0, 0.0, -1.0, 0.0, 2.0, 0.0]));
        let window = Window { same: false, stride: [1, 1] };
        let kinds: Vec<Kind> = graph.operators.iter().map(|operator| operator.kind).collect();
        assert_eq!(kinds, [Kind::Conv(window), Kind::Prelu]);
        assert_eq!(graph.operators[0].inputs, [0, 2, 3]);
    }

    #[test]
    fn what_is_no_network_is_refused() {
        assert_eq!(Graph::read(b"").unwrap_err(), Refused::Foreign);
        assert_eq!(Graph::read(b"\x08\0\0\0TFL4").unwrap_err(), Refused::Foreign);
        assert_eq!(Graph::read(b"\x08\0\0\0TFL3").unwrap_err(), Refused::Damaged(OutOfBounds));
        let refused = Graph::read(&network_ending_in(55)).unwrap_err();
        assert_eq!(refused.to_string(), "it has the operator 55, which is not known here");
    }

    #[test]
    fn every_file_that_is_cut_off_is_refused() {
        let file = small_network();
        for length in 0..file.len() {
            assert!(Graph::read(&file[..length]).is_err(), "{length}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Whatever a file claims, it is read or refused; and what is read runs, or is refused.
        #[test]
        fn damage_never_panics(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            length in any::<prop::sample::Index>(),
        ) {
            let mut file = small_network();
            for (at, byte) in changes {
                let at = at.index(file.len());
                file[at] = byte;
            }
            if length.index(4) == 0 {
                file.truncate(length.index(file.len()));
            }
            let network = Graph::read(&file).and_then(|graph| Network::new(&graph, 2, &[8]));
            if let Ok(network) = network {
                let mut workspace = Workspace::default();
                let outputs = network.run(&mut workspace, |input| input.fill(0.5));
                prop_assert_eq!(outputs[0].len(), 8);
            }
        }

        #[test]
        fn noise_never_panics(mut file in prop::collection::vec(any::<u8>(), 8..200)) {
            file[4..8].copy_from_slice(b"TFL3");
            file[1..4].fill(0);
            let _ = Graph::read(&file);
        }
    }
}
