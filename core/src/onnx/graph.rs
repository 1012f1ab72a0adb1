//! What an ONNX file says of its network, as far as it is needed: <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.

use std::collections::{BTreeMap, BTreeSet};

use prost::DecodeError;
use prost::encoding::decode_varint;

use super::number;
use super::wire::{Field, Fields};

/// The longest chain of graphs within graphs.
const DEEPEST: usize = 16;
/// A network has so many inputs, outputs and files beside it at most.
const MOST_PORTS: usize = 64;

/// The beginning of the keys of metadata that are read, and how long they and their values together may be.
const OWN_METADATA: &[u8] = b"fer_lab.";
const LONGEST_METADATA: usize = 1 << 20;

/// An input or output of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    pub name: String,
    pub element: Element,
    /// `None` for a dimension whose length is not fixed; empty where the file does not say the shape.
    pub shape: Vec<Option<u64>>,
}

/// The pictures of an input, as its shape tells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pictures {
    /// 1 or 3.
    pub channels: u64,
    /// Whether channels come after rows and columns.
    pub channels_last: bool,
    /// Rows and columns; `None` for a side that is not fixed.
    pub sides: [Option<u64>; 2],
}

impl Pictures {
    /// What a shape tells; `None` where it has not four dimensions, of which exactly one could be the channels.
    pub fn of(shape: &[Option<u64>]) -> Option<Pictures> {
        let [_, first, middle, last] = *shape else { return None };
        let channels = |side: Option<u64>| side.filter(|side| [1, 3].contains(side));
        match (channels(first), channels(last)) {
            (Some(channels), None) => {
                Some(Pictures { channels, channels_last: false, sides: [middle, last] })
            }
            (None, Some(channels)) => {
                Some(Pictures { channels, channels_last: true, sides: [first, middle] })
            }
            _ => None,
        }
    }
}

/// The type of a tensor's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    Float32,
    Float16,
    Float64,
    Uint8,
    /// With ONNX's number.
    Other(u64),
}

impl Element {
    fn of(number: u64) -> Element {
        match number {
            1 => Element::Float32,
            2 => Element::Uint8,
            10 => Element::Float16,
            11 => Element::Float64,
            other => Element::Other(other),
        }
    }

    /// As ONNX names it.
    pub fn name(self) -> String {
        let other = |number| {
            const NAMES: [&str; 17] = [
                "undefined",
                "float",
                "uint8",
                "int8",
                "uint16",
                "int16",
                "int32",
                "int64",
                "string",
                "bool",
                "float16",
                "double",
                "uint32",
                "uint64",
                "complex64",
                "complex128",
                "bfloat16",
            ];
            usize::try_from(number).ok().and_then(|number| NAMES.get(number)).copied()
        };
        match self {
            Element::Float32 => "float32".to_owned(),
            Element::Float16 => "float16".to_owned(),
            Element::Float64 => "float64".to_owned(),
            Element::Uint8 => "uint8".to_owned(),
            Element::Other(number) => {
                other(number).map_or_else(|| format!("type {number}"), str::to_owned)
            }
        }
    }
}

/// What a network's output is, as far as its last operator tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// A softmax: probabilities.
    Softmax,
    /// A product or sum: logits. Their logarithm of a softmax counts too, since its softmax is the same.
    Linear,
    Other,
}

/// A network, as its file describes it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    /// Those that have no default value.
    pub inputs: Vec<Port>,
    /// Each with the operator that makes it.
    pub outputs: Vec<(Port, Ending)>,
    /// The version of ONNX's own operators.
    pub opset: Option<u64>,
    /// Files with weights, beside it, as the file names them.
    pub external: BTreeSet<String>,
    /// Whether weights are whole numbers, with which answers differ between processors.
    pub quantised: bool,
    /// Its weights, with the running statistics of batch normalisation: numbers in tensors of floats.
    pub parameters: u64,
    /// The entries of its metadata whose keys begin with `fer_lab.`.
    pub metadata: BTreeMap<String, String>,
}

/// Why bytes are not the description of a network.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    #[error("it is no ONNX file, or is cut off ({0})")]
    Damaged(#[from] DecodeError),
    #[error("it is no ONNX file: it describes no network")]
    NoGraph,
    #[error("its graphs lie in one another more than {DEEPEST} deep")]
    TooDeep,
    #[error("it has more than {MOST_PORTS} {0}")]
    TooMany(&'static str),
    #[error("its metadata for fer-lab has more than {LONGEST_METADATA} bytes")]
    LongMetadata,
}

impl Graph {
    /// Reads the bytes of an ONNX file; weights are passed over.
    pub fn read(model: &[u8]) -> Result<Graph, GraphError> {
        let mut graph = Graph::default();
        let mut found = None;
        for field in Fields::of(model) {
            match field? {
                (number::MODEL_GRAPH, Field::Bytes(bytes)) => found = Some(bytes),
                (number::MODEL_OPSET, Field::Bytes(bytes)) => graph.read_opset(bytes)?,
                (number::MODEL_METADATA, Field::Bytes(bytes)) => graph.read_metadata(bytes)?,
                (number::MODEL_FUNCTION, Field::Bytes(bytes)) => {
                    for field in Fields::of(bytes) {
                        if let (number::FUNCTION_NODE, Field::Bytes(node)) = field? {
                            graph.read_node(node, 0)?;
                        }
                    }
                }
                _ => {}
            }
        }
        let main = found.ok_or(GraphError::NoGraph)?;
        graph.read_graph(main, 0)?;
        graph.read_ports(main)?;
        Ok(graph)
    }

    fn read_opset(&mut self, opset: &[u8]) -> Result<(), GraphError> {
        let (mut own, mut version) = (true, None);
        for field in Fields::of(opset) {
            match field? {
                (number::OPSET_DOMAIN, Field::Bytes(domain)) => {
                    own = domain.is_empty() || domain == b"ai.onnx";
                }
                (number::OPSET_VERSION, Field::Number(number)) => version = Some(number),
                _ => {}
            }
        }
        if own {
            self.opset = version.or(self.opset);
        }
        Ok(())
    }

    fn read_metadata(&mut self, entry: &[u8]) -> Result<(), GraphError> {
        let (key, value) = read_entry(entry)?;
        if key.starts_with(OWN_METADATA) {
            self.metadata.insert(text(key), text(value));
            let all = self.metadata.iter().map(|(key, value)| key.len() + value.len());
            if all.sum::<usize>() > LONGEST_METADATA {
                return Err(GraphError::LongMetadata);
            }
        }
        Ok(())
    }

    /// Files and operators of a graph and of all graphs within it.
    fn read_graph(&mut self, graph: &[u8], depth: usize) -> Result<(), GraphError> {
        if depth > DEEPEST {
            return Err(GraphError::TooDeep);
        }
        for field in Fields::of(graph) {
            match field? {
                (number::GRAPH_NODE, Field::Bytes(node)) => self.read_node(node, depth)?,
                (number::GRAPH_INITIALIZER, Field::Bytes(tensor)) => self.read_tensor(tensor)?,
                (number::GRAPH_SPARSE, Field::Bytes(tensor)) => self.read_sparse(tensor)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn read_node(&mut self, node: &[u8], depth: usize) -> Result<(), GraphError> {
        for field in Fields::of(node) {
            match field? {
                (number::NODE_OPERATOR, Field::Bytes(name)) => {
                    const QUANTISED: [&[u8]; 5] = [
                        b"ConvInteger",
                        b"MatMulInteger",
                        b"QLinearConv",
                        b"QLinearMatMul",
                        b"DequantizeLinear",
                    ];
                    self.quantised |= QUANTISED.contains(&name);
                }
                (number::NODE_ATTRIBUTE, Field::Bytes(attribute)) => {
                    for field in Fields::of(attribute) {
                        match field? {
                            (
                                number::ATTRIBUTE_TENSOR | number::ATTRIBUTE_TENSORS,
                                Field::Bytes(tensor),
                            ) => self.read_tensor(tensor)?,
                            (
                                number::ATTRIBUTE_GRAPH | number::ATTRIBUTE_GRAPHS,
                                Field::Bytes(graph),
                            ) => self.read_graph(graph, depth + 1)?,
                            (number, Field::Bytes(tensor))
                                if number::ATTRIBUTE_SPARSE.contains(&number) =>
                            {
                                self.read_sparse(tensor)?;
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn read_sparse(&mut self, tensor: &[u8]) -> Result<(), GraphError> {
        for field in Fields::of(tensor) {
            if let (number, Field::Bytes(tensor)) = field?
                && number::SPARSE_TENSORS.contains(&number)
            {
                self.read_tensor(tensor)?;
            }
        }
        Ok(())
    }

    /// How many numbers a tensor has, and the file that holds them, where they lie beside this one.
    fn read_tensor(&mut self, tensor: &[u8]) -> Result<(), GraphError> {
        let (mut numbers, mut float) = (1_u64, false);
        for field in Fields::of(tensor) {
            let field = field?;
            match field {
                (number::TENSOR_DIMENSIONS, Field::Number(length)) => {
                    numbers = numbers.saturating_mul(length);
                }
                (number::TENSOR_DIMENSIONS, Field::Bytes(mut packed)) => {
                    while !packed.is_empty() {
                        numbers = numbers.saturating_mul(decode_varint(&mut packed)?);
                    }
                }
                (number::TENSOR_KIND, Field::Number(kind)) => {
                    // float, float16, double, bfloat16
                    float = matches!(kind, 1 | 10 | 11 | 16);
                }
                _ => {}
            }
            if let (number::TENSOR_EXTERNAL, Field::Bytes(entry)) = field {
                let (key, value) = read_entry(entry)?;
                if key == b"location" {
                    self.external.insert(text(value));
                }
                if self.external.len() > MOST_PORTS {
                    return Err(GraphError::TooMany("files of weights"));
                }
            }
        }
        if float {
            self.parameters = self.parameters.saturating_add(numbers);
        }
        Ok(())
    }

    /// Inputs and outputs of the main graph.
    fn read_ports(&mut self, graph: &[u8]) -> Result<(), GraphError> {
        let mut inputs = Vec::new();
        let mut outputs = Vec::new();
        for field in Fields::of(graph) {
            match field? {
                (number::GRAPH_INPUT, Field::Bytes(port)) => inputs.push(port),
                (number::GRAPH_OUTPUT, Field::Bytes(port)) => outputs.push(port),
                _ => {}
            }
        }
        if outputs.len() > MOST_PORTS {
            return Err(GraphError::TooMany("outputs"));
        }
        let outputs: Vec<Port> = outputs.into_iter().map(read_port).collect::<Result<_, _>>()?;
        let mut endings = vec![Ending::Other; outputs.len()];
        // Old files list their weights among the inputs.
        let mut weights: BTreeSet<&[u8]> = BTreeSet::new();
        for field in Fields::of(graph) {
            match field? {
                (number::GRAPH_INITIALIZER, Field::Bytes(tensor)) => {
                    for field in Fields::of(tensor) {
                        if let (number::TENSOR_NAME, Field::Bytes(name)) = field? {
                            weights.insert(name);
                        }
                    }
                }
                (number::GRAPH_NODE, Field::Bytes(node)) => {
                    note_ending(node, &outputs, &mut endings)?;
                }
                _ => {}
            }
        }
        for port in inputs {
            let port = read_port(port)?;
            if !weights.contains(port.name.as_bytes()) {
                self.inputs.push(port);
            }
            if self.inputs.len() > MOST_PORTS {
                return Err(GraphError::TooMany("inputs"));
            }
        }
        self.outputs = outputs.into_iter().zip(endings).collect();
        Ok(())
    }
}

/// Notes what a node makes of an output.
fn note_ending(node: &[u8], outputs: &[Port], endings: &mut [Ending]) -> Result<(), GraphError> {
    let mut ending = Ending::Other;
    let mut made = Vec::new();
    for field in Fields::of(node) {
        match field? {
            (number::NODE_OPERATOR, Field::Bytes(name)) => {
                ending = match name {
                    b"Softmax" => Ending::Softmax,
                    b"Gemm" | b"MatMul" | b"Add" | b"LogSoftmax" | b"FusedMatMul" => Ending::Linear,
                    _ => Ending::Other,
                };
            }
            (number::NODE_OUTPUT, Field::Bytes(name)) => {
                made.extend(outputs.iter().position(|port| port.name.as_bytes() == name));
            }
            _ => {}
        }
    }
    for output in made {
        endings[output] = ending;
    }
    Ok(())
}

/// The key and the value of an entry.
fn read_entry(entry: &[u8]) -> Result<(&[u8], &[u8]), GraphError> {
    let (mut key, mut value) = (&[][..], &[][..]);
    for field in Fields::of(entry) {
        match field? {
            (number::ENTRY_KEY, Field::Bytes(bytes)) => key = bytes,
            (number::ENTRY_VALUE, Field::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    Ok((key, value))
}

fn read_port(port: &[u8]) -> Result<Port, GraphError> {
    let mut read = Port { name: String::new(), element: Element::Other(0), shape: Vec::new() };
    for field in Fields::of(port) {
        match field? {
            (number::VALUE_NAME, Field::Bytes(name)) => read.name = text(name),
            (number::VALUE_TYPE, Field::Bytes(kind)) => {
                for field in Fields::of(kind) {
                    if let (number::TYPE_TENSOR, Field::Bytes(tensor)) = field? {
                        (read.element, read.shape) = read_tensor_type(tensor)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(read)
}

fn read_tensor_type(tensor: &[u8]) -> Result<(Element, Vec<Option<u64>>), GraphError> {
    let (mut element, mut shape) = (Element::Other(0), Vec::new());
    for field in Fields::of(tensor) {
        match field? {
            (number::TENSOR_ELEMENT, Field::Number(number)) => element = Element::of(number),
            (number::TENSOR_SHAPE, Field::Bytes(bytes)) => {
                for field in Fields::of(bytes) {
                    if let (number::SHAPE_DIMENSION, Field::Bytes(dimension)) = field? {
                        let mut length = None;
                        for field in Fields::of(dimension) {
                            // An exporter may write 0 or −1 for what is not fixed.
                            if let (number::DIMENSION_VALUE, Field::Number(number)) = field? {
                                length =
                                    Some(number).filter(|length| (1..1 << 31).contains(length));
                            }
                        }
                        shape.push(length);
                    }
                    if shape.len() > MOST_PORTS {
                        return Err(GraphError::TooMany("dimensions"));
                    }
                }
            }
            _ => {}
        }
    }
    Ok((element, shape))
}

/// Names are UTF-8; what is not is shown as it can be.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
