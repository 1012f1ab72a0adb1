//! An ONNX file that is being written: operators in their order, tensors, and what else the file says.

use super::number;
use super::wire::Message;

/// The version of ONNX's operators, and that of the file's format which came with it (ONNX 1.12, 2022).
pub const OPSET: u64 = 17;
const IR_VERSION: u64 = 8;

/// The numbers of ONNX's types: of tensors, and of attributes.
const FLOAT_TENSOR: u64 = 1;
const FLOAT: u64 = 1;
const INTEGER: u64 = 2;
const INTEGERS: u64 = 7;

/// A network that is being written.
#[derive(Debug, Default)]
pub struct GraphWriter {
    nodes: Message,
    tensors: Message,
}

/// A setting of an operator.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    Float(f32),
    Integer(i64),
    Integers(Vec<i64>),
}

/// An input or output, of float32 numbers, of any number of pictures.
#[derive(Debug, Clone, Copy)]
pub struct FloatPort<'a> {
    pub name: &'a str,
    /// The sides of what one picture has.
    pub sides: &'a [usize],
}

/// What a file says of itself.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    pub name: &'a str,
    pub version: &'a str,
    /// Keys and values.
    pub metadata: &'a [(String, String)],
}

impl GraphWriter {
    /// Adds an operator, named after its one output.
    pub fn operator(
        &mut self,
        kind: &str,
        inputs: &[&str],
        output: &str,
        attributes: &[(&str, Attribute)],
    ) {
        let mut node = Message::default();
        for input in inputs {
            node.push(number::NODE_INPUT, input);
        }
        node.push(number::NODE_OUTPUT, output);
        node.push(number::NODE_NAME, output);
        node.push(number::NODE_OPERATOR, kind);
        for (name, attribute) in attributes {
            node.push(number::NODE_ATTRIBUTE, attribute.encoded(name));
        }
        self.nodes.push(number::GRAPH_NODE, node);
    }

    /// Adds a tensor of float32 numbers, in row-major order, little-endian.
    pub fn tensor(&mut self, name: &str, sides: &[usize], bytes: &[u8]) {
        let tensor = Message::default();
        let tensor = sides
            .iter()
            .fold(tensor, |tensor, side| tensor.number(number::TENSOR_DIMENSIONS, *side as u64));
        let tensor = tensor
            .number(number::TENSOR_KIND, FLOAT_TENSOR)
            .bytes(number::TENSOR_NAME, name)
            .bytes(number::TENSOR_RAW, bytes);
        self.tensors.push(number::GRAPH_INITIALIZER, tensor);
    }

    /// As [`tensor`](GraphWriter::tensor), of numbers.
    pub fn numbers(&mut self, name: &str, sides: &[usize], numbers: &[f32]) {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.tensor(name, sides, &bytes);
    }

    /// The bytes of the file.
    pub fn finish(self, input: FloatPort<'_>, output: FloatPort<'_>, about: About<'_>) -> Vec<u8> {
        let GraphWriter { nodes: mut graph, tensors } = self;
        graph.push(number::GRAPH_NAME, about.name);
        graph.append(tensors);
        graph.push(number::GRAPH_INPUT, input.encoded());
        graph.push(number::GRAPH_OUTPUT, output.encoded());
        let mut model = Message::default()
            .number(number::MODEL_IR_VERSION, IR_VERSION)
            .bytes(number::MODEL_PRODUCER, "fer-lab")
            .bytes(number::MODEL_PRODUCER_VERSION, about.version)
            .bytes(number::MODEL_GRAPH, graph)
            .bytes(number::MODEL_OPSET, Message::default().number(number::OPSET_VERSION, OPSET));
        for (key, value) in about.metadata {
            let entry = Message::default();
            let entry = entry.bytes(number::ENTRY_KEY, key).bytes(number::ENTRY_VALUE, value);
            model.push(number::MODEL_METADATA, entry);
        }
        model.into_bytes()
    }
}

impl Attribute {
    fn encoded(&self, name: &str) -> Message {
        let message = Message::default().bytes(number::ATTRIBUTE_NAME, name);
        // Negative numbers are written as those of 64 bits.
        let (message, kind) = match self {
            Attribute::Float(value) => (message.float(number::ATTRIBUTE_FLOAT, *value), FLOAT),
            Attribute::Integer(value) => {
                (message.number(number::ATTRIBUTE_INTEGER, *value as u64), INTEGER)
            }
            Attribute::Integers(values) => {
                let one = |message: Message, value: &i64| {
                    message.number(number::ATTRIBUTE_INTEGERS, *value as u64)
                };
                (values.iter().fold(message, one), INTEGERS)
            }
        };
        message.number(number::ATTRIBUTE_TYPE, kind)
    }
}

impl FloatPort<'_> {
    fn encoded(&self) -> Message {
        let batch = Message::default().bytes(number::DIMENSION_NAME, "batch");
        let mut shape = Message::default().bytes(number::SHAPE_DIMENSION, batch);
        for side in self.sides {
            let side = Message::default().number(number::DIMENSION_VALUE, *side as u64);
            shape.push(number::SHAPE_DIMENSION, side);
        }
        let tensor = Message::default().number(number::TENSOR_ELEMENT, FLOAT_TENSOR);
        let tensor = tensor.bytes(number::TENSOR_SHAPE, shape);
        Message::default()
            .bytes(number::VALUE_NAME, self.name)
            .bytes(number::VALUE_TYPE, Message::default().bytes(number::TYPE_TENSOR, tensor))
    }
}
