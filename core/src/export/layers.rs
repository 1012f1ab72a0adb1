//! The operators of a network's layers.
//!
//! Batch normalisation stays an operator of its own and is not folded into the filters: every tensor of the file has the
//! name and the numbers that it has in the training's file of weights, torchvision's names for the standard networks, so
//! that whoever opens the file finds what was trained. ONNX Runtime folds it when it loads the file.

use crate::experiment::ModelSpec;
use crate::network::{
    Activation, Architecture, Block, Convolution, EPSILON, Shortcut, VGG_EPSILON,
};
use crate::onnx::{Attribute, GraphWriter};

/// The names of the input, `[N, C, H, W]`, and of the output, `[N, K]`.
pub const INPUT: &str = "images";
pub const OUTPUT: &str = "logits";

/// The names of the numbers by which pictures are standardised, and of the bounds of MobileNet's activation.
const MEAN: &str = "standardise.mean";
const DEVIATION: &str = "standardise.std";
const LOW: &str = "relu6.low";
const HIGH: &str = "relu6.high";

/// All operators of a network that takes pictures of values from 0 to 1 and standardises them by these means and
/// deviations, one for each channel. The tensors that were trained are not among what is written.
///
/// # Panics
/// For a network from a file.
pub fn operators(
    model: &ModelSpec,
    (mean, deviation): (&[f64], &[f64]),
    classes: usize,
) -> GraphWriter {
    let mut layers = Layers { graph: GraphWriter::default(), last: INPUT.to_owned() };
    layers.standardise(mean, deviation);
    match (model, model.architecture(mean.len(), classes)) {
        (_, Some(architecture)) => layers.standard(&architecture),
        (ModelSpec::Vgg(spec), None) => layers.vgg(&spec.blocks),
        (_, None) => unreachable!("a network from a file is not trained here"),
    }
    layers.graph
}

/// Operators that are added one after the other, each to what the last one gave.
struct Layers {
    graph: GraphWriter,
    last: String,
}

/// Filter and stride, of a convolution or a pool; pixels of padding around.
#[derive(Debug, Clone, Copy)]
struct Window {
    kernel: usize,
    stride: usize,
    padding: usize,
}

impl Window {
    fn attributes(self) -> Vec<(&'static str, Attribute)> {
        let twice = |number: usize| Attribute::Integers(vec![number as i64; 2]);
        vec![
            ("kernel_shape", twice(self.kernel)),
            ("strides", twice(self.stride)),
            ("pads", Attribute::Integers(vec![self.padding as i64; 4])),
        ]
    }
}

impl Layers {
    /// Adds an operator that takes `last` first; its result is `last` from then on.
    fn push(&mut self, kind: &str, more: &[&str], output: &str, attributes: &[(&str, Attribute)]) {
        let inputs = [&[self.last.as_str()], more].concat();
        self.graph.operator(kind, &inputs, output, attributes);
        output.clone_into(&mut self.last);
    }

    fn standardise(&mut self, mean: &[f64], deviation: &[f64]) {
        for (name, numbers) in [(MEAN, mean), (DEVIATION, deviation)] {
            let numbers: Vec<f32> = numbers.iter().map(|number| *number as f32).collect();
            self.graph.numbers(name, &[1, numbers.len(), 1, 1], &numbers);
        }
        self.push("Sub", &[MEAN], "standardise.centred", &[]);
        self.push("Div", &[DEVIATION], "standardise.scaled", &[]);
    }

    /// The VGG-like network: as `model::vgg` computes it.
    fn vgg(&mut self, blocks: &[Vec<i64>]) {
        let window = Window { kernel: 3, stride: 1, padding: 1 };
        for (b, block) in blocks.iter().enumerate() {
            if b > 0 {
                let pool = Window { kernel: 3, stride: 3, padding: 0 };
                self.push("MaxPool", &[], &format!("blocks.{b}.pool"), &pool.attributes());
            }
            for c in 0..block.len() {
                let name = format!("blocks.{b}.{c}");
                let filter = format!("{name}.conv");
                let tensors = ["weight", "bias"].map(|part| format!("{filter}.{part}"));
                self.push(
                    "Conv",
                    &tensors.each_ref().map(String::as_str),
                    &filter,
                    &window.attributes(),
                );
                let norm = format!("{name}.norm");
                self.normalise(&norm, VGG_EPSILON);
                self.activate(Activation::Relu, &norm);
            }
        }
        self.answer("head");
    }

    fn standard(&mut self, architecture: &Architecture) {
        let Architecture { stem, pool, blocks, head } = architecture;
        self.convolution(stem);
        if *pool {
            let pool = Window { kernel: 3, stride: 2, padding: 1 };
            self.push("MaxPool", &[], "pool", &pool.attributes());
        }
        if architecture.has_relu6() {
            self.graph.numbers(LOW, &[], &[0.0]);
            self.graph.numbers(HIGH, &[], &[6.0]);
        }
        for block in blocks {
            self.block(block);
        }
        self.answer(&head.name);
    }

    fn block(&mut self, Block { body, shortcut, activation }: &Block) {
        let input = self.last.clone();
        for convolution in body {
            self.convolution(convolution);
        }
        let shortcut = match shortcut {
            Shortcut::Nothing => return,
            Shortcut::Identity => input,
            Shortcut::Projection(projection) => {
                let body = std::mem::replace(&mut self.last, input);
                self.convolution(projection);
                std::mem::replace(&mut self.last, body)
            }
        };
        let sum = format!("{}.sum", self.last);
        self.push("Add", &[&shortcut], &sum, &[]);
        self.activate(*activation, &sum);
    }

    fn convolution(&mut self, convolution: &Convolution) {
        let Convolution { name, norm, kernel, stride, groups, activation, .. } = convolution;
        let window = Window { kernel: *kernel, stride: *stride, padding: convolution.padding() };
        let mut attributes = window.attributes();
        attributes.push(("group", Attribute::Integer(*groups as i64)));
        self.push("Conv", &[&format!("{name}.weight")], name, &attributes);
        self.normalise(norm, EPSILON);
        self.activate(*activation, norm);
    }

    /// By the running statistics.
    fn normalise(&mut self, norm: &str, epsilon: f64) {
        let tensors = ["weight", "bias", "running_mean", "running_var"];
        let tensors = tensors.map(|part| format!("{norm}.{part}"));
        let attributes = [("epsilon", Attribute::Float(epsilon as f32))];
        self.push("BatchNormalization", &tensors.each_ref().map(String::as_str), norm, &attributes);
    }

    fn activate(&mut self, activation: Activation, of: &str) {
        match activation {
            Activation::None => {}
            Activation::Relu => self.push("Relu", &[], &format!("{of}.relu"), &[]),
            Activation::Relu6 => self.push("Clip", &[LOW, HIGH], &format!("{of}.relu6"), &[]),
        }
    }

    /// The mean over each channel, and the dense layer.
    fn answer(&mut self, head: &str) {
        self.push("GlobalAveragePool", &[], "averaged", &[]);
        self.push("Flatten", &[], "features", &[]);
        let tensors = ["weight", "bias"].map(|part| format!("{head}.{part}"));
        // As [K, C].
        let attributes = [("transB", Attribute::Integer(1))];
        self.push("Gemm", &tensors.each_ref().map(String::as_str), OUTPUT, &attributes);
    }
}
