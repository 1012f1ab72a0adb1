//! Residual networks and MobileNet V2, as torchvision builds and names them.

use serde::{Deserialize, Serialize};

use super::architecture::{Activation, Architecture, Block, Convolution, Head, Shortcut};

/// What batch normalisation adds to the variance: PyTorch's default, and that of the VGG-like network, which is
/// TensorFlow's.
pub const EPSILON: f64 = 1e-5;
pub const VGG_EPSILON: f64 = 1e-3;

/// ImageNet's means and standard deviations by channel, of values from 0 to 1, as torchvision's networks are trained with.
pub const IMAGENET: ([f64; 3], [f64; 3]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

/// The first layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stem {
    /// For small pictures: 3 × 3, stride 1, and no pool (He et al. 2016, section 4.2, for pictures of 32 × 32).
    Small,
    /// As for ImageNet: sides are divided by 4 (residual networks: 7 × 7 with stride 2 and a pool) or by 2
    /// (MobileNet V2: 3 × 3 with stride 2).
    Imagenet,
}

impl Stem {
    /// As in the experiment file.
    pub fn name(self) -> &'static str {
        match self {
            Stem::Small => "small",
            Stem::Imagenet => "imagenet",
        }
    }
}

/// The number of layers with weights of a residual network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub enum Depth {
    Eighteen,
    ThirtyFour,
    Fifty,
}

impl Depth {
    pub fn layers(self) -> u64 {
        match self {
            Depth::Eighteen => 18,
            Depth::ThirtyFour => 34,
            Depth::Fifty => 50,
        }
    }
}

impl From<Depth> for u64 {
    fn from(depth: Depth) -> u64 {
        depth.layers()
    }
}

impl TryFrom<u64> for Depth {
    type Error = String;

    fn try_from(layers: u64) -> Result<Depth, String> {
        let all = [Depth::Eighteen, Depth::ThirtyFour, Depth::Fifty];
        let found = all.into_iter().find(|depth| depth.layers() == layers);
        found.ok_or_else(|| format!("{layers} is none of 18, 34 and 50"))
    }
}

/// A residual network (He et al. 2016, arXiv 1512.03385, table 1; of 50 layers with the stride in the 3 × 3
/// convolution, as torchvision has it).
pub fn resnet(depth: Depth, stem: Stem, channels: usize, classes: usize) -> Architecture {
    let (counts, expansion) = match depth {
        Depth::Eighteen => ([2, 2, 2, 2], 1),
        Depth::ThirtyFour => ([3, 4, 6, 3], 1),
        Depth::Fifty => ([3, 4, 6, 3], 4),
    };
    let (kernel, stride, pool) = match stem {
        Stem::Small => (3, 1, false),
        Stem::Imagenet => (7, 2, true),
    };
    let mut input = 64;
    let mut blocks = Vec::new();
    for (stage, count) in counts.into_iter().enumerate() {
        let width = 64 << stage;
        for place in 0..count {
            let stride = if stage > 0 && place == 0 { 2 } else { 1 };
            let name = format!("layer{}.{place}", stage + 1);
            let output = width * expansion;
            let body = match expansion {
                1 => basic(&name, input, width, stride),
                _ => bottleneck(&name, input, width, stride),
            };
            let shortcut = match stride == 1 && input == output {
                true => Shortcut::Identity,
                false => Shortcut::Projection(Convolution {
                    name: format!("{name}.downsample.0"),
                    norm: format!("{name}.downsample.1"),
                    stride,
                    ..convolution(input, output, 1, Activation::None)
                }),
            };
            blocks.push(Block { body, shortcut, activation: Activation::Relu });
            input = output;
        }
    }
    let stem = Convolution {
        name: "conv1".to_owned(),
        norm: "bn1".to_owned(),
        stride,
        ..convolution(channels, 64, kernel, Activation::Relu)
    };
    Architecture { stem, pool, blocks, head: Head { name: "fc".to_owned(), input, classes } }
}

fn basic(block: &str, input: usize, width: usize, stride: usize) -> Vec<Convolution> {
    numbered(
        block,
        [
            Convolution { stride, ..convolution(input, width, 3, Activation::Relu) },
            convolution(width, width, 3, Activation::None),
        ],
    )
}

fn bottleneck(block: &str, input: usize, width: usize, stride: usize) -> Vec<Convolution> {
    numbered(
        block,
        [
            convolution(input, width, 1, Activation::Relu),
            Convolution { stride, ..convolution(width, width, 3, Activation::Relu) },
            convolution(width, 4 * width, 1, Activation::None),
        ],
    )
}

/// Convolutions of a block with torchvision's names: `conv1` and `bn1`, and so on.
fn numbered<const N: usize>(block: &str, convolutions: [Convolution; N]) -> Vec<Convolution> {
    let named = |(number, convolution): (usize, Convolution)| Convolution {
        name: format!("{block}.conv{number}"),
        norm: format!("{block}.bn{number}"),
        ..convolution
    };
    (1..).zip(convolutions).map(named).collect()
}

/// MobileNet V2 (Sandler et al. 2018, arXiv 1801.04381, table 2), of width 1.
pub fn mobilenet_v2(stem: Stem, channels: usize, classes: usize) -> Architecture {
    // Expansion, output channels, repeats, stride of the first.
    const STAGES: [(usize, usize, usize, usize); 7] = [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ];
    const FEATURES: usize = 1280;
    let mut input = 32;
    let mut blocks = Vec::new();
    for (expansion, output, repeats, stride) in STAGES {
        for place in 0..repeats {
            let stride = if place == 0 { stride } else { 1 };
            let name = format!("features.{}.conv", blocks.len() + 1);
            blocks.push(inverted_residual(&name, input, output, expansion, stride));
            input = output;
        }
    }
    let last = format!("features.{}", blocks.len() + 1);
    blocks.push(Block {
        body: vec![Convolution {
            name: format!("{last}.0"),
            norm: format!("{last}.1"),
            ..convolution(input, FEATURES, 1, Activation::Relu6)
        }],
        shortcut: Shortcut::Nothing,
        activation: Activation::None,
    });
    let stem = Convolution {
        name: "features.0.0".to_owned(),
        norm: "features.0.1".to_owned(),
        stride: if stem == Stem::Small { 1 } else { 2 },
        ..convolution(channels, 32, 3, Activation::Relu6)
    };
    let head = Head { name: "classifier.1".to_owned(), input: FEATURES, classes };
    Architecture { stem, pool: false, blocks, head }
}

fn inverted_residual(
    name: &str,
    input: usize,
    output: usize,
    expansion: usize,
    stride: usize,
) -> Block {
    let wide = input * expansion;
    let mut body = Vec::new();
    if expansion > 1 {
        body.push(Convolution {
            name: format!("{name}.0.0"),
            norm: format!("{name}.0.1"),
            ..convolution(input, wide, 1, Activation::Relu6)
        });
    }
    let place = body.len();
    body.push(Convolution {
        name: format!("{name}.{place}.0"),
        norm: format!("{name}.{place}.1"),
        stride,
        groups: wide,
        ..convolution(wide, wide, 3, Activation::Relu6)
    });
    body.push(Convolution {
        name: format!("{name}.{}", place + 1),
        norm: format!("{name}.{}", place + 2),
        ..convolution(wide, output, 1, Activation::None)
    });
    let shortcut = match stride == 1 && input == output {
        true => Shortcut::Identity,
        false => Shortcut::Nothing,
    };
    Block { body, shortcut, activation: Activation::None }
}

/// With stride 1, of one group, still without names.
fn convolution(input: usize, output: usize, kernel: usize, activation: Activation) -> Convolution {
    let (name, norm) = (String::new(), String::new());
    Convolution { name, norm, input, output, kernel, stride: 1, groups: 1, activation }
}

#[cfg(test)]
mod tests {
    use super::super::TensorShape;
    use super::*;

    fn trainable(architecture: &Architecture) -> usize {
        let tensors = architecture.tensors();
        tensors.iter().filter(|tensor| tensor.role.is_trainable()).map(TensorShape::len).sum()
    }

    /// As torchvision's documentation counts them.
    #[test]
    fn parameters_are_as_many_as_torchvision_s() {
        let of = |depth| trainable(&resnet(depth, Stem::Imagenet, 3, 1000));
        assert_eq!(of(Depth::Eighteen), 11_689_512);
        assert_eq!(of(Depth::ThirtyFour), 21_797_672);
        assert_eq!(of(Depth::Fifty), 25_557_032);
        assert_eq!(trainable(&mobilenet_v2(Stem::Imagenet, 3, 1000)), 3_504_872);
    }

    /// In GFLOPS as torchvision's documentation gives them, for 224 × 224: 1.81, 3.66, 4.09 and 0.30, with the dense
    /// layer.
    #[test]
    fn multiply_adds_are_as_many_as_torchvision_s() {
        let giga = |architecture: Architecture| {
            let head = architecture.head.input * architecture.head.classes;
            (architecture.multiply_adds(224, 224) + head as u64) as f64 / 1e9
        };
        for (architecture, expected) in [
            (resnet(Depth::Eighteen, Stem::Imagenet, 3, 1000), 1.81),
            (resnet(Depth::ThirtyFour, Stem::Imagenet, 3, 1000), 3.66),
            (resnet(Depth::Fifty, Stem::Imagenet, 3, 1000), 4.09),
            (mobilenet_v2(Stem::Imagenet, 3, 1000), 0.30),
        ] {
            let found = giga(architecture);
            assert!((found - expected).abs() < 0.006, "{found} {expected}");
        }
    }

    #[test]
    fn names_are_torchvision_s() {
        let names = |architecture: Architecture| -> Vec<String> {
            architecture.tensors().into_iter().map(|tensor| tensor.name).collect()
        };
        let resnet = names(resnet(Depth::Eighteen, Stem::Imagenet, 3, 7));
        assert_eq!(resnet.len(), 102);
        for name in [
            "conv1.weight",
            "bn1.running_var",
            "layer2.0.downsample.0.weight",
            "layer4.1.bn2.bias",
            "fc.bias",
        ] {
            assert!(resnet.iter().any(|other| other == name), "{name}");
        }
        let mobilenet = names(mobilenet_v2(Stem::Imagenet, 3, 7));
        for name in [
            "features.0.0.weight",
            "features.1.conv.0.0.weight",
            "features.1.conv.1.weight",
            "features.1.conv.2.running_mean",
            "features.17.conv.1.0.weight",
            "features.17.conv.3.bias",
            "features.18.1.weight",
            "classifier.1.weight",
        ] {
            assert!(mobilenet.iter().any(|other| other == name), "{name}");
        }
    }

    #[test]
    fn sides_are_halved_where_a_stride_says_so() {
        let last = |stem, side| resnet(Depth::Fifty, stem, 1, 7).last_features(side, side);
        assert_eq!(last(Stem::Imagenet, 224), (7, 7));
        assert_eq!(last(Stem::Imagenet, 48), (2, 2));
        assert_eq!(last(Stem::Small, 48), (6, 6));
        assert_eq!(mobilenet_v2(Stem::Small, 1, 7).last_features(48, 40), (3, 3));
    }

    #[test]
    fn a_depth_is_one_of_three() {
        assert_eq!(Depth::try_from(34), Ok(Depth::ThirtyFour));
        assert!(Depth::try_from(101).is_err());
    }
}
