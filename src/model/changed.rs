//! Answers to pictures of which a part has changed: only what depends on that part is computed anew
//! (Nakandala et al. 2019, "Incremental and approximate inference for faster occlusion-based deep CNN
//! explanations", the exact part of it).

use tch::Tensor;

use super::folded::Folded;
use super::network;

/// All that a network computed for some pictures.
#[derive(Debug)]
pub struct Known {
    /// The input of each convolution, by block.
    inputs: Vec<Vec<Map>>,
    /// The input of each pool.
    pooled: Vec<Map>,
    /// The output of the last convolution.
    last: Map,
}

/// The part of each of some pictures that may have changed: one size for all, and a place for each.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub rows: Span,
    pub columns: Span,
}

/// Along one side of the pictures, pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The first of each picture.
    first: Vec<i64>,
    length: i64,
}

/// Features of some pictures, with a border of zeros around.
#[derive(Debug)]
struct Map {
    /// `[B, before + H + after, before + W + after, C]`.
    bordered: Tensor,
    /// H and W.
    height: i64,
    width: i64,
}

/// What lies beyond a picture's first and last pixel: what a convolution of 3 × 3 sees.
const CONVOLUTION: (i64, i64) = (1, 1);
/// Pools see nothing beyond; but what does not fill the last pool is kept apart from it.
const POOL: (i64, i64) = (0, 2);
const NOTHING: (i64, i64) = (0, 0);

impl Span {
    /// The pixels whose centres lie in each of some pictures between one place and another, in fractions of
    /// their side of so many pixels. What lies a hundredth of a pixel outside counts too, against rounding.
    pub fn over(reaches: impl Iterator<Item = (f64, f64)>, pixels: usize) -> Span {
        const ROUNDING: f64 = 0.01;
        let side = pixels as f64;
        let pixel = |at: f64| at.clamp(0.0, side) as i64;
        let ends: Vec<(i64, i64)> = reaches
            .map(|(from, to)| {
                let first = (from * side - 0.5 - ROUNDING).ceil();
                (pixel(first), pixel((to * side - 0.5 + ROUNDING).floor() + 1.0))
            })
            .collect();
        Span::between(ends.into_iter(), pixels)
    }

    /// From one pixel of each of some pictures to another, the last left out, along a side of so many.
    pub fn between(ends: impl Iterator<Item = (i64, i64)> + Clone, pixels: usize) -> Span {
        let length = ends.clone().map(|(first, end)| end - first).max().unwrap_or(1).max(1);
        let first = ends.map(|(first, _)| first.min(pixels as i64 - length)).collect();
        Span { first, length }
    }

    /// How many pixels it takes of each picture.
    pub fn length(&self) -> i64 {
        self.length
    }

    /// As long as another of each picture, from where `first` carries its first pixel.
    fn moved(&self, length: i64, side: i64, first: impl Fn(i64) -> i64) -> Span {
        let first = self.first.iter().map(|&at| first(at).clamp(0, side - length)).collect();
        Span { first, length }
    }

    /// After a convolution one more on either side, within the picture.
    fn convolved(&self, side: i64) -> Span {
        self.moved((self.length + 2).min(side), side, |first| first - 1)
    }

    /// After a pool of 3 with stride 3: every pool that reaches into it.
    fn pooled(&self, side: i64) -> Span {
        self.moved(((self.length + 4) / 3).min(side), side, |first| first / 3)
    }

    /// All of a side of so many pixels, of as many pictures.
    fn all(&self, side: i64) -> Span {
        Span { first: vec![0; self.first.len()], length: side }
    }

    /// Each first pixel at another place, and another length.
    fn with(&self, first: impl Fn(i64) -> i64, length: i64) -> Span {
        Span { first: self.first.iter().map(|&at| first(at)).collect(), length }
    }

    /// Where it begins in each picture, counted from where another begins.
    fn from(&self, other: &Span) -> Span {
        let first = self.first.iter().zip(&other.first).map(|(own, other)| own - other).collect();
        Span { first, length: self.length }
    }

    /// Where it begins in every picture, if that is the same.
    fn common(&self) -> Option<i64> {
        let first = *self.first.first()?;
        self.first.iter().all(|other| *other == first).then_some(first)
    }
}

impl Part {
    fn size(&self) -> (i64, i64) {
        (self.rows.length, self.columns.length)
    }

    /// Where it begins in each picture, counted from where another begins.
    fn from(&self, other: &Part) -> Part {
        Part { rows: self.rows.from(&other.rows), columns: self.columns.from(&other.columns) }
    }

    /// As it lies in a map with a border of so many rows and columns before it.
    fn bordered(&self, before: i64) -> Part {
        let shifted = |span: &Span| span.with(|first| first + before, span.length);
        Part { rows: shifted(&self.rows), columns: shifted(&self.columns) }
    }
}

impl Map {
    /// Of features `[B, C, H, W]`.
    fn new(features: &Tensor, (before, after): (i64, i64)) -> Map {
        let [_, _, height, width] = features.size()[..] else { unreachable!("[B, C, H, W]") };
        let border = [0, 0, before, after, before, after];
        let bordered = features.permute([0, 2, 3, 1]).constant_pad_nd(border).contiguous();
        Map { bordered, height, width }
    }

    /// The rows of `[B × H × W, C]` that hold a part, its place counted with the border.
    fn places(&self, part: &Part) -> Tensor {
        let [_, rows, columns, _] = self.bordered.size()[..] else { unreachable!("4") };
        let (height, width) = part.size();
        let firsts = part.rows.first.iter().zip(&part.columns.first).enumerate();
        let places: Vec<i64> = firsts
            .flat_map(|(image, (row, column))| {
                let start = (image as i64 * rows + row) * columns + column;
                (0..height).flat_map(move |row| {
                    let start = start + row * columns;
                    start..start + width
                })
            })
            .collect();
        Tensor::from_slice(&places).to_device(self.bordered.device())
    }

    /// The part as a view, where it lies at the same place in every picture.
    fn view(&self, part: &Part) -> Option<Tensor> {
        let (row, column) = (part.rows.common()?, part.columns.common()?);
        let (height, width) = part.size();
        Some(self.bordered.narrow(1, row, height).narrow(2, column, width))
    }

    /// Cuts a part, its place counted with the border: a copy, `[B, h, w, C]`.
    fn cut(&self, part: &Part) -> Tensor {
        if let Some(view) = self.view(part) {
            return view.copy();
        }
        let [images, _, _, channels] = self.bordered.size()[..] else { unreachable!("4") };
        let (height, width) = part.size();
        let cut = self.bordered.view([-1, channels]).index_select(0, &self.places(part));
        cut.view([images, height, width, channels])
    }

    /// Puts features `[B, C, h, w]` to their place, counted with the border.
    fn put(&mut self, changed: &Tensor, part: &Part) {
        let changed = changed.permute([0, 2, 3, 1]);
        match self.view(part) {
            Some(mut view) => view.copy_(&changed),
            None => {
                let channels = changed.size()[3];
                let rows = changed.reshape([-1, channels]);
                let _ =
                    self.bordered.view([-1, channels]).index_copy_(0, &self.places(part), &rows);
            }
        }
    }

    /// Cuts a part with `changed` `[B, C, h, w]` put to its place in it, both counted with the border:
    /// `[B, C, H, W]`, channels-last.
    fn cut_with(&self, part: &Part, changed: &Tensor, at: &Part) -> Tensor {
        let (height, width) = part.size();
        let mut cut = Map { bordered: self.cut(part), height, width };
        cut.put(changed, &at.from(part));
        cut.bordered.permute([0, 3, 1, 2])
    }
}

impl Folded {
    /// Answers to pictures `[B, C, H, W]` and keeps all that was computed: logits `[B, K]` and the rest.
    pub fn known(&self, pictures: &Tensor) -> (Tensor, Known) {
        let _guard = tch::no_grad_guard();
        let mut x = network::input(pictures, self.precision);
        let (mut inputs, mut pooled) = (Vec::new(), Vec::new());
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 {
                pooled.push(Map::new(&x, POOL));
                x = network::pool(&x).relu_();
            }
            let mut of_block = Vec::new();
            for layer in block {
                of_block.push(Map::new(&x, CONVOLUTION));
                x = layer.forward(&x, 1);
            }
            inputs.push(of_block);
        }
        let logits = self.answer(&x);
        (logits, Known { inputs, pooled, last: Map::new(&x, NOTHING) })
    }

    /// Logits `[B, K]` of pictures `[B, C, H, W]` that differ from those that are known in a part alone: as
    /// [`Folded::logits`], to rounding.
    pub fn changed(&self, known: &Known, pictures: &Tensor, part: &Part) -> Tensor {
        let _guard = tch::no_grad_guard();
        let cut = Map::new(&network::input(pictures, self.precision), NOTHING).cut(part);
        let mut x = cut.permute([0, 3, 1, 2]);
        let mut part = part.clone();
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 {
                (x, part) = pool(&known.pooled[index - 1], &x, &part);
            }
            for (layer, input) in block.iter().zip(&known.inputs[index]) {
                if part.size() == (input.height, input.width) {
                    x = layer.forward(&x, 1);
                    continue;
                }
                let next = Part {
                    rows: part.rows.convolved(input.height),
                    columns: part.columns.convolved(input.width),
                };
                // With the border, the pixel before the first of a part has the first's number.
                let seen = Part {
                    rows: next.rows.with(|first| first, next.rows.length + 2),
                    columns: next.columns.with(|first| first, next.columns.length + 2),
                };
                x = layer.forward(&input.cut_with(&seen, &x, &part.bordered(1)), 0);
                part = next;
            }
        }
        if part.size() != (known.last.height, known.last.width) {
            let mut last = Map { bordered: known.last.bordered.copy(), ..known.last };
            last.put(&x, &part);
            x = last.bordered.permute([0, 3, 1, 2]);
        }
        self.answer(&x)
    }
}

/// What lies between two blocks, of a part: a pool and a ReLU.
fn pool(input: &Map, x: &Tensor, part: &Part) -> (Tensor, Part) {
    let (height, width) = (input.height / 3, input.width / 3);
    if part.size() == (input.height, input.width) {
        let all = Part { rows: part.rows.all(height), columns: part.columns.all(width) };
        return (network::pool(x).relu_(), all);
    }
    let next = Part { rows: part.rows.pooled(height), columns: part.columns.pooled(width) };
    // Two more, so that a part which ends beyond the last pool has room.
    let pooled = |span: &Span| span.with(|first| first * 3, span.length * 3 + 2);
    let seen = Part { rows: pooled(&next.rows), columns: pooled(&next.columns) };
    let (height, width) = next.size();
    let seen = input.cut_with(&seen, x, part);
    let seen = seen.narrow(2, 0, height * 3).narrow(3, 0, width * 3);
    (network::pool(&seen).relu_(), next)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tch::Device;

    use super::*;
    use crate::experiment::{ModelSpec, Precision};
    use crate::model::Network;
    use crate::random;

    fn folded(blocks: &[&[i64]]) -> Folded {
        let blocks = blocks.iter().map(|block| block.to_vec()).collect();
        let model = ModelSpec { blocks, batch_norm_momentum: 0.5 };
        let network = Network::new(&model, 2, 3, Precision::F32, Device::Cpu, 3);
        for mut parameter in network.parameters() {
            // Nothing stays at 0, so that a border taken for a pixel shows.
            let _ = parameter.tensor.g_add_scalar_(0.05);
        }
        network.folded()
    }

    fn pictures(height: i64, width: i64, seed: i64) -> Tensor {
        random::normal(&[3, height, width, 2], Device::Cpu, seed).permute([0, 3, 1, 2])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn changed_parts_are_answered_as_whole_pictures(
            blocks in prop::sample::select(vec![
                vec![&[4i64][..]],
                vec![&[4, 3][..], &[5][..]],
                vec![&[3][..], &[4, 4, 4][..], &[5, 2][..]],
            ]),
            (height, width) in (9i64..40, 9i64..40),
            (part_height, part_width) in (1i64..40, 1i64..40),
            places in prop::collection::vec((0.0..1.0f64, 0.0..1.0f64), 3),
            seed in 0i64..1000,
        ) {
            let network = folded(&blocks);
            let before = pictures(height, width, seed);
            let (logits, known) = network.known(&before);
            prop_assert!((&logits - network.logits(&before)).abs().max().double_value(&[]) == 0.0);
            let (part_height, part_width) = (part_height.min(height), part_width.min(width));
            let first = |side: i64, part: i64, at: f64| ((side - part) as f64 * at).round() as i64;
            let rows: Vec<i64> = places.iter().map(|at| first(height, part_height, at.0)).collect();
            let columns: Vec<i64> = places.iter().map(|at| first(width, part_width, at.1)).collect();
            let after = before.copy();
            for (image, (row, column)) in rows.iter().zip(&columns).enumerate() {
                let part = after.get(image as i64).narrow(1, *row, part_height).narrow(2, *column, part_width);
                let other = random::normal(&[2, part_height, part_width], Device::Cpu, seed + 1);
                part.shallow_clone().copy_(&other);
            }
            let part = Part {
                rows: Span { first: rows, length: part_height },
                columns: Span { first: columns, length: part_width },
            };
            let (whole, changed) = (network.logits(&after), network.changed(&known, &after, &part));
            let apart = (&whole - &changed).abs().max().double_value(&[]);
            prop_assert!(apart < 1e-5 * (1.0 + whole.abs().max().double_value(&[])), "{}", apart);
        }
    }
}
