//! Layers and their tensors.

/// A network of convolutions with batch normalisation, in blocks with or without a shortcut, then global average
/// pooling and one dense layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    pub stem: Convolution,
    /// Whether a 3 × 3 max pool with stride 2 and padding 1 follows the stem.
    pub pool: bool,
    pub blocks: Vec<Block>,
    pub head: Head,
}

/// A convolution without bias, k × k with a padding of k / 2, batch normalisation, and an activation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Convolution {
    /// Of its filter, without `.weight`.
    pub name: String,
    /// Of its batch normalisation, without `.weight` and the others.
    pub norm: String,
    pub input: usize,
    pub output: usize,
    /// Pixels of a side of the filter; odd.
    pub kernel: usize,
    pub stride: usize,
    /// 1, or as many as there are channels.
    pub groups: usize,
    pub activation: Activation,
}

/// Convolutions, what is added to their result, and an activation after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub body: Vec<Convolution>,
    pub shortcut: Shortcut,
    pub activation: Activation,
}

/// What a block adds to its convolutions' result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shortcut {
    Nothing,
    /// Its input.
    Identity,
    /// Its input after a 1 × 1 convolution, where sides or channels change.
    Projection(Convolution),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    None,
    Relu,
    /// Of values from 0 to 6.
    Relu6,
}

/// The dense layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Without `.weight` and `.bias`.
    pub name: String,
    pub input: usize,
    pub classes: usize,
}

/// What a tensor of a network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Of a convolution, `[O, I / groups, k, k]`.
    Filter,
    /// The bias of a convolution, `[O]`.
    FilterBias,
    /// Of batch normalisation, `[O]`.
    Gain,
    Shift,
    RunningMean,
    RunningVariance,
    /// Of the dense layer, `[K, C]` and `[K]`.
    HeadWeight,
    HeadBias,
}

impl Role {
    /// Whether it is a parameter that training can move.
    pub fn is_trainable(self) -> bool {
        !matches!(self, Role::RunningMean | Role::RunningVariance)
    }

    /// Whether it depends on the number of classes.
    pub fn is_of_head(self) -> bool {
        matches!(self, Role::HeadWeight | Role::HeadBias)
    }
}

/// A tensor of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorShape {
    pub name: String,
    pub shape: Vec<usize>,
    pub role: Role,
}

impl TensorShape {
    fn new(name: String, shape: &[usize], role: Role) -> TensorShape {
        TensorShape { name, shape: shape.to_vec(), role }
    }

    /// How many numbers it has.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Convolution {
    /// Pixels of zeros around the picture.
    pub fn padding(&self) -> usize {
        self.kernel / 2
    }

    fn tensors(&self) -> [TensorShape; 5] {
        let Convolution { name, norm, input, output, kernel, groups, .. } = self;
        let of_norm = |part: &str, role| {
            TensorShape::new(format!("{norm}.{part}"), std::slice::from_ref(output), role)
        };
        let filter = [*output, input / groups, *kernel, *kernel];
        [
            TensorShape::new(format!("{name}.weight"), &filter, Role::Filter),
            of_norm("weight", Role::Gain),
            of_norm("bias", Role::Shift),
            of_norm("running_mean", Role::RunningMean),
            of_norm("running_var", Role::RunningVariance),
        ]
    }

    /// The side of its result, of a side.
    fn side(&self, side: usize) -> usize {
        side.div_ceil(self.stride)
    }
}

impl Architecture {
    /// All convolutions with the sides of their results, for pictures of a height and width; in the order of the
    /// tensors.
    pub fn convolutions(&self, height: usize, width: usize) -> Vec<(&Convolution, [usize; 2])> {
        let mut sides = [height, width].map(|side| self.stem.side(side));
        let mut found = vec![(&self.stem, sides)];
        if self.pool {
            sides = sides.map(|side| side.div_ceil(2));
        }
        for block in &self.blocks {
            let before = sides;
            for convolution in &block.body {
                sides = sides.map(|side| convolution.side(side));
                found.push((convolution, sides));
            }
            if let Shortcut::Projection(projection) = &block.shortcut {
                found.push((projection, before.map(|side| projection.side(side))));
            }
        }
        found
    }

    /// Whether any activation is of values from 0 to 6.
    pub fn has_relu6(&self) -> bool {
        let mut convolutions = self.convolutions(1, 1).into_iter();
        convolutions.any(|(convolution, _)| convolution.activation == Activation::Relu6)
    }

    /// Every tensor, in torchvision's order.
    pub fn tensors(&self) -> Vec<TensorShape> {
        let Head { name, input, classes } = &self.head;
        let convolutions = self.convolutions(1, 1);
        let of_convolutions =
            convolutions.iter().flat_map(|(convolution, _)| convolution.tensors());
        of_convolutions.chain(head_tensors(name, *input, *classes)).collect()
    }

    /// Height and width of the features that are averaged.
    pub fn last_features(&self, height: usize, width: usize) -> (usize, usize) {
        let last = self.blocks.last().and_then(|block| block.body.last());
        let convolutions = self.convolutions(height, width);
        let found = convolutions.iter().rfind(|(convolution, _)| Some(*convolution) == last);
        let [height, width] = found.map_or([height, width], |(_, sides)| *sides);
        (height, width)
    }

    /// Multiply-adds of the convolutions for one picture, forward.
    pub fn multiply_adds(&self, height: usize, width: usize) -> u64 {
        let of_one = |(convolution, [height, width]): &(&Convolution, [usize; 2])| {
            let Convolution { input, output, kernel, groups, .. } = convolution;
            (height * width * kernel * kernel * (input / groups) * output) as u64
        };
        self.convolutions(height, width).iter().map(of_one).sum()
    }

    /// How many numbers each convolution gives for one picture.
    pub fn outputs(&self, height: usize, width: usize) -> impl Iterator<Item = u64> {
        let of_one = |(convolution, [height, width]): (&Convolution, [usize; 2])| {
            (convolution.output * height * width) as u64
        };
        self.convolutions(height, width).into_iter().map(of_one)
    }
}

/// The tensors of the VGG-like network of fer-lab, by its blocks.
pub fn vgg_tensors(blocks: &[Vec<i64>], channels: usize, classes: usize) -> Vec<TensorShape> {
    let mut input = channels;
    let mut tensors = Vec::new();
    for (b, block) in blocks.iter().enumerate() {
        for (c, width) in block.iter().map(|width| *width as usize).enumerate() {
            let mut push = |part: &str, shape: &[usize], role| {
                tensors.push(TensorShape::new(format!("blocks.{b}.{c}.{part}"), shape, role));
            };
            push("conv.weight", &[width, input, 3, 3], Role::Filter);
            push("conv.bias", &[width], Role::FilterBias);
            push("norm.weight", &[width], Role::Gain);
            push("norm.bias", &[width], Role::Shift);
            push("norm.running_mean", &[width], Role::RunningMean);
            push("norm.running_var", &[width], Role::RunningVariance);
            input = width;
        }
    }
    tensors.extend(head_tensors("head", input, classes));
    tensors
}

fn head_tensors(name: &str, input: usize, classes: usize) -> [TensorShape; 2] {
    [
        TensorShape::new(format!("{name}.weight"), &[classes, input], Role::HeadWeight),
        TensorShape::new(format!("{name}.bias"), &[classes], Role::HeadBias),
    ]
}
