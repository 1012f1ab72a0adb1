//! Files read back, field by field, and walked through operator by operator.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, TensorView};

use super::*;
use crate::experiment;
use crate::network::NOTE;
use crate::onnx::{self, Element, Ending, Field, Fields, Graph, number};
use crate::plan::ParameterCount;

const ID: &str = "3f2a";

fn training(model: &str, dataset: &str) -> TrainingSpec {
    let text = format!(
        "name = \"x\"\n[dataset]\nkind = \"faces\"\nsize = [48, 40]\nclasses = [\"neutral\", \"happiness\", \
         \"surprise\"]\n{dataset}\n[model]\n{model}\n"
    );
    let experiment =
        experiment::parse(&text, "x.toml", &[]).unwrap_or_else(|error| panic!("{error}"));
    TrainingSpec { settings: experiment.settings, mask: None, seed: 1 }
}

fn note(channels: usize) -> ModelNote {
    ModelNote {
        classes: ["neutral", "happiness", "surprise"].map(str::to_owned).to_vec(),
        deviation: [0.25, 0.5, 0.125][..channels].to_vec(),
        mean: [0.5, 0.375, 0.75][..channels].to_vec(),
        training_id: ID.to_owned(),
    }
}

/// A file of weights: the number of a tensor and of the value in it, in each value.
fn weights(training: &TrainingSpec, note: &ModelNote) -> Vec<u8> {
    let Settings { dataset, model, .. } = &training.settings;
    let shapes = model.tensors(dataset.channels, dataset.classes.len());
    let raw: Vec<(String, Vec<usize>, Vec<u8>)> = (0_u16..)
        .zip(shapes)
        .map(|(number, shape)| {
            let values = (0..shape.len()).map(|place| f32::from(number) + place as f32 / 1024.0);
            (shape.name, shape.shape, values.flat_map(f32::to_le_bytes).collect())
        })
        .collect();
    let views = raw.iter().map(|(name, shape, bytes)| {
        (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    let note = serde_json::to_string(note).unwrap();
    safetensors::serialize(views, Some([(NOTE.to_owned(), note)].into())).unwrap()
}

fn written(training: &TrainingSpec, note: &ModelNote) -> Result<Vec<u8>, TrainedNetworkError> {
    let bytes = weights(training, note);
    file(training, ID, &TrainedNetwork::read(&bytes)?)
}

/// The fields of a message with this number.
fn all(message: &[u8], field: u32) -> Vec<&[u8]> {
    let fields = Fields::of(message).map(Result::unwrap);
    fields
        .filter_map(|(found, value)| match value {
            Field::Bytes(bytes) if found == field => Some(bytes),
            _ => None,
        })
        .collect()
}

fn one(message: &[u8], field: u32) -> &[u8] {
    let [bytes] = all(message, field)[..] else { panic!("one field {field}") };
    bytes
}

fn numbers(message: &[u8], field: u32) -> Vec<usize> {
    let fields = Fields::of(message).map(Result::unwrap);
    fields
        .filter_map(|(found, value)| match value {
            Field::Number(number) if found == field => Some(number as usize),
            _ => None,
        })
        .collect()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

struct Node<'a> {
    kind: &'a str,
    inputs: Vec<&'a str>,
    output: &'a str,
    /// Attributes of whole numbers, by name.
    attributes: HashMap<&'a str, Vec<usize>>,
}

fn nodes(file: &[u8]) -> Vec<Node<'_>> {
    all(one(file, number::MODEL_GRAPH), number::GRAPH_NODE)
        .into_iter()
        .map(|node| Node {
            kind: text(one(node, number::NODE_OPERATOR)),
            inputs: all(node, number::NODE_INPUT).into_iter().map(text).collect(),
            output: text(one(node, number::NODE_OUTPUT)),
            attributes: all(node, number::NODE_ATTRIBUTE)
                .into_iter()
                .map(|attribute| {
                    let single = numbers(attribute, number::ATTRIBUTE_INTEGER);
                    let list = numbers(attribute, number::ATTRIBUTE_INTEGERS);
                    (text(one(attribute, number::ATTRIBUTE_NAME)), [single, list].concat())
                })
                .collect(),
        })
        .collect()
}

/// The sides of the file's tensors, by name.
fn tensors(file: &[u8]) -> HashMap<&str, Vec<usize>> {
    all(one(file, number::MODEL_GRAPH), number::GRAPH_INITIALIZER)
        .into_iter()
        .map(|tensor| {
            let sides = numbers(tensor, number::TENSOR_DIMENSIONS);
            let bytes = one(tensor, number::TENSOR_RAW).len();
            assert_eq!(bytes, 4 * sides.iter().product::<usize>());
            assert_eq!(numbers(tensor, number::TENSOR_KIND), [1]);
            (text(one(tensor, number::TENSOR_NAME)), sides)
        })
        .collect()
}

/// Sides of a convolution's or a pool's result (ONNX's rule for explicit padding, rounded down).
fn slid(node: &Node<'_>, [height, width]: [usize; 2]) -> [usize; 2] {
    let of = |name: &str| &node.attributes[name];
    let [top, left, bottom, right] = of("pads")[..] else { panic!("{}", node.output) };
    let side = |side: usize, place: usize, pads: usize| {
        (side + pads - of("kernel_shape")[place]) / of("strides")[place] + 1
    };
    [side(height, 0, top + bottom), side(width, 1, left + right)]
}

/// Walks through the file as a runtime would, and returns the sides of the features that are averaged. Every operator takes
/// what is there, in sides that fit, and every tensor is taken once.
fn walked(file: &[u8], picture: [usize; 3], classes: usize) -> [usize; 2] {
    let tensors = tensors(file);
    let mut taken: HashMap<&str, usize> = HashMap::new();
    let mut made: HashMap<&str, [usize; 3]> = [(INPUT, picture)].into();
    let mut averaged = None;
    let nodes = nodes(file);
    for node in &nodes {
        let x @ [channels, height, width] = made[node.inputs[0]];
        for input in node.inputs[1..].iter().filter(|input| tensors.contains_key(*input)) {
            *taken.entry(input).or_default() += 1;
        }
        let of_tensor = |place: usize| &tensors[node.inputs[place]];
        let output = match node.kind {
            "Sub" | "Div" => {
                assert_eq!(*of_tensor(1), [1, channels, 1, 1]);
                x
            }
            "Conv" => {
                let [output, input, rows, columns] = of_tensor(1)[..] else { panic!("a filter") };
                let groups = node.attributes.get("group").map_or(1, |groups| groups[0]);
                assert_eq!(
                    (input * groups, vec![rows, columns]),
                    (channels, node.attributes["kernel_shape"].clone())
                );
                assert!(node.inputs.len() == 2 || *of_tensor(2) == [output]);
                let [height, width] = slid(node, [height, width]);
                [output, height, width]
            }
            "BatchNormalization" => {
                assert!((1..5).all(|place| *of_tensor(place) == [channels]), "{}", node.output);
                x
            }
            "MaxPool" => {
                let [height, width] = slid(node, [height, width]);
                [channels, height, width]
            }
            "Add" => {
                assert_eq!(made[node.inputs[1]], x, "{}", node.output);
                x
            }
            "Relu" | "Flatten" => x,
            "Clip" => {
                assert!((1..3).all(|place| of_tensor(place).is_empty()));
                x
            }
            "GlobalAveragePool" => {
                averaged = Some([height, width]);
                [channels, 1, 1]
            }
            "Gemm" => {
                assert_eq!(node.attributes["transB"], [1]);
                assert_eq!(
                    (&of_tensor(1)[..], &of_tensor(2)[..]),
                    (&[classes, channels][..], &[classes][..])
                );
                [classes, 1, 1]
            }
            other => panic!("{other}"),
        };
        assert!(made.insert(node.output, output).is_none(), "{} is made twice", node.output);
    }
    assert_eq!(nodes.last().unwrap().output, OUTPUT);
    for name in tensors.keys() {
        let shared = name.starts_with("relu6.");
        assert!(taken.get(name).is_some_and(|times| shared || *times == 1), "{name}: {taken:?}");
    }
    averaged.unwrap()
}

#[test]
fn every_network_is_whole_and_each_layer_fits_the_next() {
    for (model, channels) in [
        ("blocks = [[4, 6], [8], [5]]", 1),
        ("kind = \"resnet\"\ndepth = 18\nstem = \"imagenet\"", 3),
        ("kind = \"resnet\"\ndepth = 34\nstem = \"small\"", 1),
        ("kind = \"resnet\"\ndepth = 50\nstem = \"small\"", 3),
        ("kind = \"mobilenet_v2\"\nstem = \"small\"", 1),
        ("kind = \"mobilenet_v2\"\nstem = \"imagenet\"\ndropout = 0.2", 3),
    ] {
        let training = training(model, &format!("channels = {channels}"));
        let file = written(&training, &note(channels)).unwrap();
        let network = &training.settings.model;
        let features = walked(&file, [channels, 48, 40], 3);
        assert_eq!(Some(features.into()), network.last_features(48, 40), "{model}");
        let own = network.tensors(channels, 3);
        let tensors = tensors(&file);
        assert!(own.iter().all(|own| tensors[own.name.as_str()] == own.shape), "{model}");
    }
}

#[test]
fn the_file_says_what_it_takes_and_answers() {
    let training = training("blocks = [[4], [8]]", "channels = 1");
    let file = written(&training, &note(1)).unwrap();
    let graph = Graph::read(&file).unwrap();
    assert_eq!((graph.opset, graph.quantised, graph.external.len()), (Some(onnx::OPSET), false, 0));
    let [input] = &graph.inputs[..] else { panic!("{:?}", graph.inputs) };
    assert_eq!((input.name.as_str(), input.element), (INPUT, Element::Float32));
    assert_eq!(input.shape, [None, Some(1), Some(48), Some(40)]);
    let [(output, ending)] = &graph.outputs[..] else { panic!("{:?}", graph.outputs) };
    assert_eq!((output.name.as_str(), *ending), (OUTPUT, Ending::Linear));
    assert_eq!(output.shape, [None, Some(3)]);
    let parameters = ParameterCount::of(&training.settings.model, 1, 3).total;
    // With a mean and a deviation.
    assert_eq!(graph.parameters, parameters + 2);
    let said = onnx::said(&graph).unwrap();
    let wanted = json!({
        "model.classes": ["neutral", "happiness", "surprise"],
        "model.output": "logits",
        "model.input.color": "grey",
        "model.input.layout": "nchw",
        "model.input.range": 1.0,
        "model.input.mean": [0.0],
        "model.input.std": [1.0],
    });
    assert_eq!(json!(said), wanted);
    assert_eq!(graph.metadata["fer_lab.train_mean"], "[0.5]");
    assert_eq!(graph.metadata["fer_lab.training"], "\"3f2a\"");
    assert_eq!(graph.metadata["fer_lab.model.input.size"], "[48,40]");
    // The same network gives the same bytes.
    assert_eq!(written(&training, &note(1)).unwrap(), file);
}

#[test]
fn tensors_and_standardisation_are_those_of_the_training() {
    let of = |file: &[u8], name: &str| -> Vec<f32> {
        let found = all(one(file, number::MODEL_GRAPH), number::GRAPH_INITIALIZER)
            .into_iter()
            .find(|tensor| one(tensor, number::TENSOR_NAME) == name.as_bytes());
        let bytes = one(found.unwrap(), number::TENSOR_RAW);
        bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
    };
    let own = training("blocks = [[4], [8]]", "channels = 3");
    let file = written(&own, &note(3)).unwrap();
    assert_eq!(of(&file, "standardise.mean"), [0.5, 0.375, 0.75]);
    assert_eq!(of(&file, "standardise.std"), [0.25, 0.5, 0.125]);
    // The fourth of the tensors.
    let wanted = [3.0, 3.0 + 1.0 / 1024.0, 3.0 + 2.0 / 1024.0, 3.0 + 3.0 / 1024.0];
    assert_eq!(of(&file, "blocks.0.0.norm.bias"), wanted);
    let imagenet = training("blocks = [[4], [8]]", "channels = 3\nstandardise = \"imagenet\"");
    let file = written(&imagenet, &note(3)).unwrap();
    assert_eq!(of(&file, "standardise.mean"), [0.485, 0.456, 0.406]);
    assert_eq!(of(&file, "standardise.std"), [0.229, 0.224, 0.225]);
}

#[test]
fn a_file_of_weights_that_is_another_s_is_refused() {
    let own = training("blocks = [[4], [8]]", "channels = 1");
    let message = |note: ModelNote| written(&own, &note).unwrap_err().to_string();
    let other = ModelNote { training_id: "77".to_owned(), ..note(1) };
    assert_eq!(message(other), "it is the network of training 77");
    assert!(message(note(3)).starts_with("its note is of other classes or channels"));
    let mut classes = note(1);
    classes.classes.swap(0, 1);
    assert!(message(classes).starts_with("its note is of other classes"));

    let other = weights(&training("blocks = [[4], [9]]", "channels = 1"), &note(1));
    let network = TrainedNetwork::read(&other).unwrap();
    let message = file(&own, ID, &network).unwrap_err().to_string();
    assert_eq!(message, "it holds no `blocks.1.0.conv.weight` of the shape that its network needs");
    let view = TensorView::new(Dtype::F32, vec![0], &[]).unwrap();
    let bare = safetensors::serialize([("a", view)], None).unwrap();
    assert!(TrainedNetwork::read(&bare).unwrap_err().to_string().starts_with("no training"));
    assert!(TrainedNetwork::read(&other[..40]).is_err());
}
