//! A network that is ready to run: weights packed, shapes checked, and for each tensor known when it is needed last.
//!
//! In: a [`Graph`]. Out: the values of its outputs for a picture. Everything that could be wrong is found before it
//! runs.

use super::kernels::{self, DepthwiseWeights, Extent, Scratch, Walk, Weights};
use super::tflite::{Graph, Kind, Refused, Tensor, Values, Window, contradiction};

/// A network for one picture at a time.
#[derive(Debug)]
pub struct Network {
    steps: Vec<Step>,
    /// Elements of each tensor.
    lens: Vec<usize>,
    input: usize,
    outputs: Vec<usize>,
}

/// An operator with all that it needs but its inputs.
#[derive(Debug)]
struct Step {
    kernel: Kernel,
    /// The computed ones alone.
    inputs: Vec<usize>,
    output: usize,
    /// Tensors that no later step needs.
    last_used: Vec<usize>,
}

#[derive(Debug)]
enum Kernel {
    Conv(Walk, Weights),
    Depthwise(Walk, DepthwiseWeights),
    MaxPool(Walk),
    PadChannels {
        channels: usize,
        wanted: usize,
    },
    Prelu(Vec<f32>),
    Relu,
    Logistic,
    Add,
    /// The inputs one after the other.
    Join,
}

/// The memory of a run, kept from one to the next.
#[derive(Debug, Default)]
pub struct Workspace {
    /// By tensor; empty where it is not computed, or not needed any more.
    values: Vec<Vec<f32>>,
    free: Vec<Vec<f32>>,
    scratch: Scratch,
}

/// The most numbers that all weights of a network have together, as they are packed, with what their kernels need
/// beside them: 256 MiB.
const MOST_WEIGHTS: usize = 64 << 20;

impl Network {
    /// `input` is `[1, side, side, 3]`; `outputs` are the numbers of elements of the first outputs, of which alone
    /// something is computed.
    ///
    /// # Errors
    ///
    /// Where the graph computes something else, or contradicts itself.
    pub fn new(graph: &Graph, side: usize, outputs: &[usize]) -> Result<Network, Refused> {
        let [input] = graph.inputs[..] else { return Err(contradiction("not one input")) };
        if graph.tensors[input].shape != [1, side, side, 3] {
            return Err(contradiction("the input is no picture of the wanted size"));
        }
        let lens: Vec<usize> =
            graph.tensors.iter().map(|tensor| tensor.shape.iter().product()).collect();
        let found = graph.outputs.iter().take(outputs.len());
        if !found.clone().map(|output| lens[*output]).eq(outputs.iter().copied()) {
            return Err(contradiction("the outputs are not of the wanted size"));
        }
        let outputs: Vec<usize> = found.copied().collect();
        let mut steps = compile(graph, input)?;
        keep_needed(&mut steps, &outputs, lens.len());
        let computed = |tensor: &usize| steps.iter().any(|step| step.output == *tensor);
        match outputs.iter().all(computed) {
            true => Ok(Network { steps, lens, input, outputs }),
            false => Err(contradiction("an output that nothing computes")),
        }
    }

    /// The outputs for a picture, whose values `fill` writes: `[side, side, 3]`.
    pub fn run<'a>(
        &self,
        workspace: &'a mut Workspace,
        fill: impl FnOnce(&mut [f32]),
    ) -> Vec<&'a [f32]> {
        workspace.begin(self.lens.len());
        let mut input = workspace.take(self.lens[self.input]);
        fill(&mut input);
        workspace.values[self.input] = input;
        for step in &self.steps {
            workspace.compute(step, self.lens[step.output]);
        }
        self.outputs.iter().map(|output| workspace.values[*output].as_slice()).collect()
    }
}

impl Workspace {
    /// Room for so many tensors. What the last run left is free.
    fn begin(&mut self, tensors: usize) {
        let old = self.values.iter_mut().map(std::mem::take).filter(|values| values.capacity() > 0);
        self.free.extend(old);
        self.values.resize_with(tensors, Vec::new);
    }

    /// Memory for so many elements, whatever they are.
    fn take(&mut self, len: usize) -> Vec<f32> {
        // The smallest that suffices, or the largest, which grows.
        let fits = |values: &Vec<f32>| match values.capacity() >= len {
            true => (0, values.capacity()),
            false => (1, usize::MAX - values.capacity()),
        };
        let best = (0..self.free.len()).min_by_key(|at| fits(&self.free[*at]));
        let mut values = best.map(|at| self.free.swap_remove(at)).unwrap_or_default();
        values.resize(len, 0.0);
        values
    }

    fn compute(&mut self, step: &Step, len: usize) {
        let first = step.inputs[0];
        let in_place = step.kernel.keeps_places()
            && step.last_used.contains(&first)
            && !step.inputs[1..].contains(&first);
        let mut out = match in_place {
            true => std::mem::take(&mut self.values[first]),
            false => self.take(len),
        };
        if !in_place && step.kernel.keeps_places() {
            out.copy_from_slice(&self.values[first]);
        }
        let Workspace { values, scratch, .. } = self;
        let input = &values[first];
        match &step.kernel {
            Kernel::Conv(walk, weights) => kernels::conv(walk, weights, input, &mut out, scratch),
            Kernel::Depthwise(walk, weights) => {
                kernels::depthwise(walk, weights, input, &mut out, scratch);
            }
            Kernel::MaxPool(walk) => kernels::max_pool(walk, input, &mut out),
            Kernel::PadChannels { channels, wanted } => {
                kernels::pad_channels(*channels, *wanted, input, &mut out);
            }
            Kernel::Prelu(slopes) => kernels::prelu(slopes, &mut out),
            Kernel::Relu => kernels::relu(&mut out),
            Kernel::Logistic => out.iter_mut().for_each(|x| *x = kernels::logistic(*x)),
            Kernel::Add => kernels::add(&mut out, &values[step.inputs[1]]),
            Kernel::Join => {
                let joined = step.inputs.iter().flat_map(|input| &values[*input]);
                out.iter_mut().zip(joined).for_each(|(out, value)| *out = *value);
            }
        }
        self.values[step.output] = out;
        for tensor in &step.last_used {
            let used = std::mem::take(&mut self.values[*tensor]);
            if used.capacity() > 0 {
                self.free.push(used);
            }
        }
    }
}

impl Kernel {
    /// Whether each element of the output depends on that of the first input alone, and on what else is there.
    fn keeps_places(&self) -> bool {
        matches!(self, Kernel::Prelu(_) | Kernel::Relu | Kernel::Logistic | Kernel::Add)
    }
}

/// Drops steps whose output nobody needs, and says of each which tensors it is the last to need.
fn keep_needed(steps: &mut Vec<Step>, outputs: &[usize], tensors: usize) {
    let mut needed = vec![false; tensors];
    outputs.iter().for_each(|output| needed[*output] = true);
    let mut kept = Vec::new();
    while let Some(mut step) = steps.pop() {
        if !needed[step.output] {
            continue;
        }
        for input in &step.inputs {
            if !std::mem::replace(&mut needed[*input], true) {
                step.last_used.push(*input);
            }
        }
        kept.push(step);
    }
    kept.reverse();
    *steps = kept;
}

/// A kernel for each operator, in their order.
fn compile(graph: &Graph, input: usize) -> Result<Vec<Step>, Refused> {
    let mut known = vec![false; graph.tensors.len()];
    known[input] = true;
    let mut compiler = Compiler { weights: 0 };
    let mut steps = Vec::new();
    for operator in &graph.operators {
        let output = operator.output;
        let constant = |tensor: &usize| graph.tensors[*tensor].values != Values::Computed;
        if known[output] || constant(&output) {
            return Err(contradiction("a tensor that is computed twice"));
        }
        let inputs: Vec<usize> =
            operator.inputs.iter().copied().filter(|tensor| !constant(tensor)).collect();
        if inputs.is_empty() || !inputs.iter().all(|tensor| known[*tensor]) {
            return Err(contradiction("an operator before its inputs"));
        }
        let shapes: Vec<&[usize]> =
            inputs.iter().map(|tensor| &*graph.tensors[*tensor].shape).collect();
        let constants: Vec<&Tensor> = operator
            .inputs
            .iter()
            .filter(|tensor| constant(tensor))
            .map(|tensor| &graph.tensors[*tensor])
            .collect();
        let out = &graph.tensors[output].shape;
        let kernel = compiler.kernel(operator.kind, &shapes, &constants, out)?;
        known[output] = true;
        steps.push(Step { kernel, inputs, output, last_used: Vec::new() });
    }
    Ok(steps)
}

struct Compiler {
    /// Numbers packed so far.
    weights: usize,
}

impl Compiler {
    /// From the shapes of the computed inputs, the constant inputs, and the shape of the output.
    fn kernel(
        &mut self,
        kind: Kind,
        shapes: &[&[usize]],
        constants: &[&Tensor],
        out: &[usize],
    ) -> Result<Kernel, Refused> {
        match (kind, shapes, constants) {
            (Kind::Conv(window), [shape], [weights, bias]) => {
                let input = extent(shape)?;
                let (values, [outputs, kh, kw, channels]) = weights_of(weights)?;
                let bias = floats(bias)?;
                if channels != input.channels || bias.len() != outputs {
                    return Err(contradiction("a convolution of other channels"));
                }
                let walk = walk(input, [kh, kw], window, outputs, out)?;
                let depth = kh * kw * channels;
                // Beside the weights, filled up to whole lanes, the inputs of a row of outputs.
                self.count(outputs.next_multiple_of(8) + walk.outputs()[1], depth)?;
                Ok(Kernel::Conv(walk, Weights::new(values, bias, depth)))
            }
            (Kind::Depthwise(window), [shape], [weights, bias]) => {
                let input = extent(shape)?;
                let (values, [one, kh, kw, channels]) = weights_of(weights)?;
                let bias = floats(bias)?;
                if one != 1 || channels != input.channels || bias.len() != channels {
                    return Err(contradiction("a convolution of other channels"));
                }
                let walk = walk(input, [kh, kw], window, channels, out)?;
                self.count(walk.outputs()[1] * channels, kh * kw)?;
                Ok(Kernel::Depthwise(walk, DepthwiseWeights::new(values, bias, &walk)))
            }
            (Kind::MaxPool { window, size }, [shape], []) => {
                let input = extent(shape)?;
                Ok(Kernel::MaxPool(walk(input, size, window, input.channels, out)?))
            }
            (Kind::Pad, [shape], [paddings]) => pad_channels(shape, paddings, out),
            (Kind::Prelu, [shape], [slopes]) => {
                let slopes = floats(slopes)?;
                if shape != &out || shape.last() != Some(&slopes.len()) || slopes.is_empty() {
                    return Err(contradiction("slopes of other channels"));
                }
                Ok(Kernel::Prelu(slopes.to_vec()))
            }
            (Kind::Relu, [shape], []) if *shape == out => Ok(Kernel::Relu),
            (Kind::Logistic, [shape], []) if *shape == out => Ok(Kernel::Logistic),
            (Kind::Add, [one, other], []) if *one == out && *other == out => Ok(Kernel::Add),
            (Kind::Reshape, [_], [] | [_]) | (Kind::Concat { .. }, [_, ..], []) => {
                join(kind, shapes, out)
            }
            _ => Err(Refused::Unknown(format!("{kind:?} of {shapes:?}, giving {out:?}"))),
        }
    }

    /// Counts numbers that are to be packed.
    fn count(&mut self, rows: usize, columns: usize) -> Result<(), Refused> {
        let more = rows.checked_mul(columns).and_then(|more| self.weights.checked_add(more));
        self.weights = more.filter(|all| *all <= MOST_WEIGHTS).ok_or(Refused::TooLarge)?;
        Ok(())
    }
}

/// A picture's extent, from `[1, H, W, C]`.
fn extent(shape: &[usize]) -> Result<Extent, Refused> {
    match *shape {
        [1, height, width, channels] if height * width * channels > 0 => {
            Ok(Extent { height, width, channels })
        }
        _ => Err(Refused::Unknown(format!("a picture of the shape {shape:?}"))),
    }
}

fn floats(tensor: &Tensor) -> Result<&[f32], Refused> {
    match &tensor.values {
        Values::Constant(values) => Ok(values),
        _ => Err(contradiction("weights that are no numbers")),
    }
}

/// Weights of four dimensions, none of them 0.
fn weights_of(tensor: &Tensor) -> Result<(&[f32], [usize; 4]), Refused> {
    match <[usize; 4]>::try_from(tensor.shape.as_slice()) {
        Ok(sides) if !sides.contains(&0) => Ok((floats(tensor)?, sides)),
        _ => Err(contradiction("weights of other dimensions")),
    }
}

/// A walk whose outputs are those that the file says.
fn walk(
    input: Extent,
    size: [usize; 2],
    window: Window,
    channels: usize,
    out: &[usize],
) -> Result<Walk, Refused> {
    let walk = Walk::new(input, size, window).filter(|walk| {
        let [down, across] = walk.outputs();
        out == [1, down, across, channels]
    });
    walk.ok_or(contradiction("a window's outputs are not those of its shape"))
}

/// Zeros after the channels; no other padding is known.
fn pad_channels(shape: &[usize], paddings: &Tensor, out: &[usize]) -> Result<Kernel, Refused> {
    let Extent { height, width, channels } = extent(shape)?;
    let Values::Integers(paddings) = &paddings.values else {
        return Err(contradiction("paddings that are no integers"));
    };
    let wanted = match paddings[..] {
        [0, 0, 0, 0, 0, 0, 0, after] => {
            usize::try_from(after).ok().and_then(|after| after.checked_add(channels))
        }
        _ => return Err(Refused::Unknown(format!("a padding by {paddings:?}"))),
    };
    match wanted {
        Some(wanted) if out == [1, height, width, wanted] => {
            Ok(Kernel::PadChannels { channels, wanted })
        }
        _ => Err(contradiction("a padding to another shape")),
    }
}

/// Elements that follow one another in the output as in the inputs: a reshape, or a joining along the first axis that
/// is not of one element.
fn join(kind: Kind, shapes: &[&[usize]], out: &[usize]) -> Result<Kernel, Refused> {
    if let Kind::Concat { axis } = kind {
        let axis = usize::try_from(axis).ok().filter(|axis| *axis < out.len());
        let axis = axis.ok_or(contradiction("an axis that is not there"))?;
        let fits = |shape: &&[usize]| {
            shape.len() == out.len()
                && (0..out.len()).all(|at| at == axis || shape[at] == out[at])
                && out[..axis].iter().all(|side| *side == 1)
        };
        if !shapes.iter().all(fits) {
            return Err(Refused::Unknown(format!("a joining of {shapes:?} along axis {axis}")));
        }
    }
    let elements: usize = shapes.iter().map(|shape| shape.iter().product::<usize>()).sum();
    match elements == out.iter().product::<usize>() {
        true => Ok(Kernel::Join),
        false => Err(contradiction("elements get lost")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::small_network;
    use super::*;

    fn tensor(shape: &[usize], values: Values) -> Tensor {
        Tensor { shape: shape.to_vec(), values }
    }

    /// An operator on a picture of one channel, and more tensors.
    fn graph(kind: Kind, inputs: &[usize], out: &[usize], more: Vec<Tensor>) -> Graph {
        let mut tensors =
            vec![tensor(&[1, 2, 2, 3], Values::Computed), tensor(out, Values::Computed)];
        tensors.extend(more);
        let operator = super::super::tflite::Operator { kind, inputs: inputs.to_vec(), output: 1 };
        Graph { tensors, inputs: vec![0], outputs: vec![1], operators: vec![operator] }
    }

    fn run(graph: &Graph, outputs: usize, input: &[f32]) -> Result<Vec<f32>, Refused> {
        let network = Network::new(graph, 2, &[outputs])?;
        let mut workspace = Workspace::default();
        let mut run =
            || network.run(&mut workspace, |into| into.copy_from_slice(input))[0].to_vec();
        let first = run();
        assert_eq!(run(), first, "memory that was used before changes nothing");
        Ok(first)
    }

    const PICTURE: [f32; 12] = [1.0, 2.0, 3.0, 0.0, 0.0, 2.0, -1.0, 1.0, 0.5, 4.0, -4.0, 4.0];

    #[test]
    fn a_small_network_gives_what_was_computed_by_hand() {
        let graph = Graph::read(&small_network()).unwrap();
        // Pixel by pixel: 1 + r − b, and 2 · g − 1; where below 0, the half and a quarter.
        let wanted = [-0.5, 3.0, -0.5, -0.25, -0.25, 1.0, 1.0, -2.25];
        assert_eq!(run(&graph, 8, &PICTURE).unwrap(), wanted);
    }

    #[test]
    fn a_picture_plus_itself_is_twice_the_picture() {
        let graph = graph(Kind::Add, &[0, 0], &[1, 2, 2, 3], Vec::new());
        assert_eq!(run(&graph, 12, &PICTURE).unwrap(), PICTURE.map(|value| 2.0 * value));
    }

    #[test]
    fn channels_are_padded_and_elements_joined() {
        let paddings = tensor(&[4, 2], Values::Integers(vec![0, 0, 0, 0, 0, 0, 0, 1]));
        let pad = graph(Kind::Pad, &[0, 2], &[1, 2, 2, 4], vec![paddings]);
        let padded = run(&pad, 16, &PICTURE).unwrap();
        assert_eq!(padded[..8], [1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 2.0, 0.0]);
        let reshape = graph(Kind::Reshape, &[0], &[4, 3], Vec::new());
        assert_eq!(run(&reshape, 12, &PICTURE).unwrap(), PICTURE);
        let concat = graph(Kind::Concat { axis: 1 }, &[0, 0], &[1, 4, 2, 3], Vec::new());
        assert_eq!(run(&concat, 24, &PICTURE).unwrap(), [PICTURE, PICTURE].concat());
    }

    #[test]
    fn contradictions_are_refused() {
        let message =
            |graph: &Graph, outputs| run(graph, outputs, &PICTURE).unwrap_err().to_string();
        let add = graph(Kind::Add, &[0, 0], &[1, 2, 2, 4], Vec::new());
        assert!(
            message(&add, 16).starts_with("it has Add of [[1, 2, 2, 3], "),
            "{}",
            message(&add, 16)
        );
        let wrong = graph(Kind::Relu, &[0], &[1, 2, 2, 3], Vec::new());
        assert_eq!(
            message(&wrong, 13),
            "it contradicts itself: the outputs are not of the wanted size"
        );
        let concat = graph(Kind::Concat { axis: 3 }, &[0, 0], &[1, 2, 2, 6], Vec::new());
        assert!(
            message(&concat, 24).starts_with("it has a joining of "),
            "{}",
            message(&concat, 24)
        );
        let late = graph(Kind::Relu, &[1], &[1, 2, 2, 3], Vec::new());
        assert_eq!(message(&late, 12), "it contradicts itself: an operator before its inputs");
        let large = tensor(&[1 << 20, 1, 1, 3], Values::Constant(Vec::new()));
        let bias = tensor(&[1 << 20], Values::Constant(Vec::new()));
        let window = Window { same: true, stride: [1, 1] };
        let conv = graph(Kind::Conv(window), &[0, 2, 3], &[1, 2, 2, 1 << 20], vec![large, bias]);
        assert!(run(&conv, 4 << 20, &PICTURE).is_err());
    }
}
