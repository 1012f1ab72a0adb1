//! What the operators compute, on pictures `[H, W, C]` of f32 in row-major order.
//!
//! The sums of every output are taken in one order, and no multiplication is fused with an addition, so that the same
//! picture gives the same bits on every processor: the points are part of a data set's identity. (Libraries for
//! matrices choose the order, and fuse, by the processor.) The compiler computes several outputs at once, which does
//! not change their sums.

// Loops over indices: the compiler turns them into vectors where zipped iterators, which are not inlined across the
// units of a crate, cost ten times as much.
#![allow(clippy::needless_range_loop)]

use wide::f32x8;

use super::tflite::Window;

/// Height, width and channels of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

/// How a window of one size moves over a picture: its outputs, and the zeros around the picture that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    input: Extent,
    /// Height and width.
    size: [usize; 2],
    stride: [usize; 2],
    /// Zeros above and left of the picture, and on all sides together.
    before: [usize; 2],
    zeros: [usize; 2],
    /// Outputs down and across.
    outputs: [usize; 2],
}

impl Walk {
    /// `None` where the window does not fit into the picture. Zeros are placed as TensorFlow does for `SAME`: the odd one
    /// comes last.
    pub fn new(input: Extent, size: [usize; 2], window: Window) -> Option<Walk> {
        let sides = [input.height, input.width];
        let mut walk = Walk {
            input,
            size,
            stride: window.stride,
            before: [0; 2],
            zeros: [0; 2],
            outputs: [0; 2],
        };
        for axis in 0..2 {
            let (side, size, stride) = (sides[axis], size[axis], window.stride[axis]);
            if window.same {
                let outputs = side.div_ceil(stride);
                walk.outputs[axis] = outputs;
                walk.zeros[axis] = ((outputs.checked_sub(1)?) * stride + size).saturating_sub(side);
                walk.before[axis] = walk.zeros[axis] / 2;
            } else {
                walk.outputs[axis] = side.checked_sub(size)? / stride + 1;
            }
        }
        Some(walk)
    }

    pub fn outputs(&self) -> [usize; 2] {
        self.outputs
    }

    /// The picture with the zeros that the walk needs; the picture itself where it needs none.
    fn padded<'a>(&self, picture: &'a [f32], room: &'a mut Vec<f32>) -> (&'a [f32], usize) {
        let Extent { height, width, channels } = self.input;
        let row = (width + self.zeros[1]) * channels;
        if self.zeros == [0; 2] {
            return (picture, row);
        }
        room.clear();
        room.resize((height + self.zeros[0]) * row, 0.0);
        let first = self.before[0] * row + self.before[1] * channels;
        let rows = picture.chunks_exact(width * channels);
        for (into, from) in room[first..].chunks_mut(row).zip(rows) {
            into[..from.len()].copy_from_slice(from);
        }
        (room, row)
    }
}

/// Outputs that are computed at once.
const LANES: usize = 8;

/// A convolution's weights, in blocks of [`LANES`] output channels, `[blocks, kh · kw · in, LANES]`; the last block is
/// filled up with zeros.
#[derive(Debug)]
pub struct Weights {
    packed: Vec<f32x8>,
    bias: Vec<f32x8>,
    /// kh · kw · in.
    depth: usize,
    outputs: usize,
}

impl Weights {
    /// From `[out, kh · kw · in]`, and a bias for each output.
    pub fn new(weights: &[f32], bias: &[f32], depth: usize) -> Weights {
        let outputs = bias.len();
        let lane = |row: usize, column: usize| match row < outputs {
            true => weights[row * depth + column],
            false => 0.0,
        };
        let blocks = 0..outputs.div_ceil(LANES);
        let packed = blocks.clone().flat_map(|block| {
            (0..depth).map(move |column| {
                f32x8::new(std::array::from_fn(|at| lane(block * LANES + at, column)))
            })
        });
        let biases = blocks.clone().map(|block| {
            f32x8::new(std::array::from_fn(|at| {
                bias.get(block * LANES + at).copied().unwrap_or(0.0)
            }))
        });
        Weights { packed: packed.collect(), bias: biases.collect(), depth, outputs }
    }
}

/// Room that kernels need, kept from one to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    padded: Vec<f32>,
    patches: Vec<f32>,
}

/// A convolution; `out` is `[outputs down, outputs across, out]`.
pub fn conv(
    walk: &Walk,
    weights: &Weights,
    picture: &[f32],
    out: &mut [f32],
    scratch: &mut Scratch,
) {
    let channels = walk.input.channels;
    let [down, across] = walk.outputs;
    if walk.size == [1, 1] && walk.stride == [1, 1] {
        return multiply(picture, weights, out);
    }
    let Scratch { padded, patches } = scratch;
    let (picture, row) = walk.padded(picture, padded);
    let out_rows = out.chunks_exact_mut(across * weights.outputs);
    for (y, out) in (0..down).zip(out_rows) {
        patches.clear();
        for x in 0..across {
            for ky in 0..walk.size[0] {
                let at = (y * walk.stride[0] + ky) * row + x * walk.stride[1] * channels;
                patches.extend_from_slice(&picture[at..at + walk.size[1] * channels]);
            }
        }
        multiply(patches, weights, out);
    }
}

/// Rows that are computed at once: their sums stay in registers.
const ROWS: usize = 4;

/// The rows of `patches`, `[N, depth]`, times the weights, plus the bias: `[N, out]`.
fn multiply(patches: &[f32], weights: &Weights, out: &mut [f32]) {
    let (depth, outputs) = (weights.depth, weights.outputs);
    let groups = patches.chunks(depth * ROWS).zip(out.chunks_mut(outputs * ROWS));
    for (patches, out) in groups {
        // A last group of fewer rows computes its last one again.
        let last = patches.len() / depth - 1;
        let row = |row: usize| &patches[row.min(last) * depth..][..depth];
        let rows = [row(0), row(1), row(2), row(3)];
        let blocks = weights.packed.chunks_exact(depth).zip(&weights.bias);
        for (block, (columns, bias)) in blocks.enumerate() {
            let sums = sums(rows, columns, *bias);
            let first = block * LANES;
            let known = LANES.min(outputs - first);
            for row in 0..=last {
                let sums = sums[row].as_array();
                out[row * outputs + first..][..known].copy_from_slice(&sums[..known]);
            }
        }
    }
}

/// What all is about: for each row and lane, the bias and then one product after the other.
fn sums(rows: [&[f32]; ROWS], columns: &[f32x8], bias: f32x8) -> [f32x8; ROWS] {
    let depth = columns.len();
    let [a, b, c, d] = rows;
    // All of one length, so that no index needs a check.
    let (a, b, c, d) = (&a[..depth], &b[..depth], &c[..depth], &d[..depth]);
    let mut sums = [bias; ROWS];
    for k in 0..depth {
        let column = columns[k];
        sums[0] += f32x8::splat(a[k]) * column;
        sums[1] += f32x8::splat(b[k]) * column;
        sums[2] += f32x8::splat(c[k]) * column;
        sums[3] += f32x8::splat(d[k]) * column;
    }
    sums
}

/// A convolution of each channel by itself. `weights` is `[kh, kw, C]`.
pub fn depthwise(
    walk: &Walk,
    weights: &DepthwiseWeights,
    picture: &[f32],
    out: &mut [f32],
    scratch: &mut Scratch,
) {
    let channels = walk.input.channels;
    let [down, across] = walk.outputs;
    let [kh, kw] = walk.size;
    let (picture, row) = walk.padded(picture, &mut scratch.padded);
    // Where the window moves on by one picture element, the outputs of a row lie as their inputs do.
    let (pieces, piece) = match walk.stride[1] {
        1 => (1, across * channels),
        _ => (across, channels),
    };
    for (y, out) in (0..down).zip(out.chunks_exact_mut(across * channels)) {
        for (x, out) in (0..pieces).zip(out.chunks_exact_mut(piece)) {
            out.copy_from_slice(&weights.bias[..piece]);
            let out = &mut out[..piece];
            for ky in 0..kh {
                let at = (y * walk.stride[0] + ky) * row + x * walk.stride[1] * channels;
                for kx in 0..kw {
                    let inputs = &picture[at + kx * channels..][..piece];
                    let weights = &weights.taps[ky * kw + kx][..piece];
                    for at in 0..piece {
                        out[at] += inputs[at] * weights[at];
                    }
                }
            }
        }
    }
}

/// Weights of a [`depthwise`] convolution, each tap's channels repeated for the outputs of a row.
#[derive(Debug)]
pub struct DepthwiseWeights {
    taps: Vec<Vec<f32>>,
    bias: Vec<f32>,
}

impl DepthwiseWeights {
    /// From `[kh, kw, C]` and a bias for each channel.
    pub fn new(weights: &[f32], bias: &[f32], walk: &Walk) -> DepthwiseWeights {
        let times = if walk.stride[1] == 1 { walk.outputs[1] } else { 1 };
        let taps = weights.chunks_exact(bias.len()).map(|tap| tap.repeat(times));
        DepthwiseWeights { taps: taps.collect(), bias: bias.repeat(times) }
    }
}

/// The largest value of each channel in each window; what lies outside of the picture does not count.
pub fn max_pool(walk: &Walk, picture: &[f32], out: &mut [f32]) {
    let Extent { height, width, channels } = walk.input;
    let [down, across] = walk.outputs;
    let reach = |at: usize, axis: usize, side: usize| {
        let first = at * walk.stride[axis];
        let last = (first + walk.size[axis]).saturating_sub(walk.before[axis]).min(side);
        first.saturating_sub(walk.before[axis])..last
    };
    let places = (0..down).flat_map(|y| (0..across).map(move |x| (y, x)));
    for ((y, x), out) in places.zip(out.chunks_exact_mut(channels)) {
        out.fill(f32::NEG_INFINITY);
        for y in reach(y, 0, height) {
            for x in reach(x, 1, width) {
                let pixel = &picture[(y * width + x) * channels..][..channels];
                for channel in 0..channels {
                    out[channel] = out[channel].max(pixel[channel]);
                }
            }
        }
    }
}

/// Channels of zeros after those of the picture.
pub fn pad_channels(channels: usize, wanted: usize, picture: &[f32], out: &mut [f32]) {
    for (out, pixel) in out.chunks_exact_mut(wanted).zip(picture.chunks_exact(channels)) {
        let (kept, new) = out.split_at_mut(channels);
        kept.copy_from_slice(pixel);
        new.fill(0.0);
    }
}

/// Each channel's slope where a value is below 0.
pub fn prelu(slopes: &[f32], values: &mut [f32]) {
    for pixel in values.chunks_exact_mut(slopes.len()) {
        for channel in 0..slopes.len() {
            let value = pixel[channel];
            pixel[channel] = value.max(0.0) + slopes[channel] * value.min(0.0);
        }
    }
}

pub fn relu(values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value = value.max(0.0));
}

pub fn add(values: &mut [f32], other: &[f32]) {
    let other = &other[..values.len()];
    for at in 0..values.len() {
        values[at] += other[at];
    }
}

/// The logistic function 1 / (1 + e^−x), the same on every system.
pub fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-x))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn walk(input: [usize; 3], size: [usize; 2], same: bool, stride: usize) -> Walk {
        let [height, width, channels] = input;
        let window = Window { same, stride: [stride, stride] };
        Walk::new(Extent { height, width, channels }, size, window).unwrap()
    }

    fn convolved(walk: &Walk, weights: &[f32], bias: &[f32], picture: &[f32]) -> Vec<f32> {
        let depth = walk.size[0] * walk.size[1] * walk.input.channels;
        let weights = Weights::new(weights, bias, depth);
        let mut out = vec![f32::NAN; walk.outputs[0] * walk.outputs[1] * bias.len()];
        conv(walk, &weights, picture, &mut out, &mut Scratch::default());
        out
    }

    fn by_channel(walk: &Walk, weights: &[f32], bias: &[f32], picture: &[f32]) -> Vec<f32> {
        let weights = DepthwiseWeights::new(weights, bias, walk);
        let mut out = vec![f32::NAN; walk.outputs[0] * walk.outputs[1] * bias.len()];
        depthwise(walk, &weights, picture, &mut out, &mut Scratch::default());
        out
    }

    /// The numbers from 1 on.
    fn counting(count: usize) -> Vec<f32> {
        (1..=count).map(|number| number as f32).collect()
    }

    #[test]
    fn zeros_are_placed_as_tensorflow_does() {
        let zeros = |side, size, stride| {
            let walk = walk([side, side, 1], [size, size], true, stride);
            (walk.before[0], walk.zeros[0], walk.outputs[0])
        };
        assert_eq!(zeros(64, 3, 1), (1, 2, 64));
        // The odd one comes last: a window of 3 that moves by 2 over 64 has none before.
        assert_eq!(zeros(64, 3, 2), (0, 1, 32));
        assert_eq!(zeros(128, 5, 2), (1, 3, 64));
        assert_eq!(zeros(64, 2, 2), (0, 0, 32));
        assert_eq!(zeros(5, 2, 2), (0, 1, 3));
        let valid = walk([5, 4, 1], [2, 3], false, 2);
        assert_eq!((valid.outputs, valid.zeros), ([2, 1], [0, 0]));
        let window = Window { same: false, stride: [1, 1] };
        let small = Extent { height: 1, width: 1, channels: 1 };
        assert_eq!(Walk::new(small, [2, 2], window), None);
    }

    #[test]
    fn a_window_of_three_sums_its_neighbours() {
        // 1 2 3 / 4 5 6 / 7 8 9, all weights 1, a bias of 100.
        let walk = walk([3, 3, 1], [3, 3], true, 1);
        let out = convolved(&walk, &[1.0; 9], &[100.0], &counting(9));
        assert_eq!(out, [112.0, 121.0, 116.0, 127.0, 145.0, 133.0, 124.0, 139.0, 128.0]);
        assert_eq!(by_channel(&walk, &[1.0; 9], &[100.0], &counting(9)), out);
    }

    #[test]
    fn a_window_that_moves_by_two_begins_at_the_picture() {
        // On 4 × 4 the zeros are below and to the right.
        let walk = walk([4, 4, 1], [3, 3], true, 2);
        let first_of_window = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(
            convolved(&walk, &first_of_window, &[0.0], &counting(16)),
            [1.0, 3.0, 9.0, 11.0]
        );
        assert_eq!(
            by_channel(&walk, &first_of_window, &[0.0], &counting(16)),
            [1.0, 3.0, 9.0, 11.0]
        );
        let last_of_window = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        assert_eq!(convolved(&walk, &last_of_window, &[0.0], &counting(16)), [11.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn channels_stay_apart_where_each_is_convolved_by_itself() {
        let walk = walk([1, 2, 2], [1, 2], false, 1);
        // (1, 2), (3, 4); the taps' weights (1, 10), (100, 1000).
        assert_eq!(
            by_channel(&walk, &[1.0, 10.0, 100.0, 1000.0], &[0.5, 0.0], &counting(4)),
            [1.0 + 300.5, 20.0 + 4000.0]
        );
    }

    #[test]
    fn the_largest_of_each_window_and_channel() {
        let walk = walk([2, 3, 2], [2, 2], true, 2);
        let picture = [-1.0, 5.0, -3.0, 1.0, -7.0, 2.0, -2.0, 4.0, -4.0, 9.0, -8.0, 3.0];
        let mut out = vec![f32::NAN; 4];
        max_pool(&walk, &picture, &mut out);
        // What lies beyond the third column does not count as 0.
        assert_eq!(out, [-1.0, 9.0, -7.0, 3.0]);
    }

    #[test]
    fn functions_of_single_values() {
        let mut values = vec![-2.0, -2.0, 3.0, 0.0];
        prelu(&[0.5, 0.25], &mut values);
        assert_eq!(values, [-1.0, -0.5, 3.0, 0.0]);
        relu(&mut values);
        assert_eq!(values, [0.0, 0.0, 3.0, 0.0]);
        add(&mut values, &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(values, [1.0, 2.0, 6.0, 4.0]);
        let mut out = vec![f32::NAN; 6];
        pad_channels(1, 3, &[7.0, 8.0], &mut out);
        assert_eq!(out, [7.0, 0.0, 0.0, 8.0, 0.0, 0.0]);
        assert_eq!(logistic(0.0), 0.5);
        assert!((logistic(2.0) - 0.880_797).abs() < 1e-6);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// Against the definition, on small whole numbers, where every sum is exact: all sizes of the blocks that are
        /// computed at once.
        #[test]
        fn a_convolution_is_its_definition(
            height in 1_usize..7, width in 1_usize..7, channels in 1_usize..4, outputs in 1_usize..19,
            size in 1_usize..4, stride in 1_usize..3, same: bool, seed: u32,
        ) {
            prop_assume!(same || (size <= height && size <= width));
            let walk = walk([height, width, channels], [size, size], same, stride);
            let mut state = seed;
            let mut numbers = |count: usize| -> Vec<f32> {
                (0..count).map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 28) as f32 - 8.0
                }).collect()
            };
            let picture = numbers(height * width * channels);
            let weights = numbers(outputs * size * size * channels);
            let bias = numbers(outputs);
            let [down, across] = walk.outputs;
            let value = |y: usize, x: usize, channel: usize| {
                let (y, x) = (y.checked_sub(walk.before[0]), x.checked_sub(walk.before[1]));
                match (y, x) {
                    (Some(y), Some(x)) if y < height && x < width => picture[(y * width + x) * channels + channel],
                    _ => 0.0,
                }
            };
            let mut wanted = Vec::new();
            for (y, x) in (0..down).flat_map(|y| (0..across).map(move |x| (y, x))) {
                for out in 0..outputs {
                    let mut sum = bias[out];
                    for (ky, kx) in (0..size).flat_map(|y| (0..size).map(move |x| (y, x))) {
                        for channel in 0..channels {
                            let weight = weights[((out * size + ky) * size + kx) * channels + channel];
                            sum += weight * value(y * stride + ky, x * stride + kx, channel);
                        }
                    }
                    wanted.push(sum);
                }
            }
            prop_assert_eq!(convolved(&walk, &weights, &bias, &picture), wanted);
        }
    }
}
