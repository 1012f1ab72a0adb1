//! Predictions for images of which a part has changed: only what depends on that part is recomputed
//! (Nakandala et al. 2019, "Incremental and approximate inference for faster occlusion-based deep CNN
//! explanations", the exact part of it).

use tch::{Device, Kind, Tensor};

use super::folded::Folded;
use super::network;

/// All intermediate results of a network for some images.
#[derive(Debug)]
pub struct Known {
    /// The input of each convolution, by block.
    inputs: Vec<Vec<Map>>,
    /// The input of each pool.
    pooled: Vec<Map>,
    /// The output of the last convolution.
    last: Map,
}

/// Parts of pictures that may have changed, each by itself: one size for all, and a place for each. A picture
/// may have several.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// Which of the pictures each is of.
    of: Vec<i64>,
    rows: Span,
    columns: Span,
}

/// Along one side of the pictures, pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The first of each part.
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

/// The border beyond an image's first and last pixel that a 3 × 3 convolution reads.
const CONVOLUTION: (i64, i64) = (1, 1);
/// Pools read nothing beyond; an incomplete last pool is kept separate.
const POOL: (i64, i64) = (0, 2);
const NOTHING: (i64, i64) = (0, 0);

impl Span {
    /// The pixels whose centres lie, for each part, between one place and another, in fractions of the
    /// images' side of this many pixels. A hundredth of a pixel more is included, against rounding.
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

    /// For each part from one pixel to another, the last left out, along a side of so many.
    pub fn between(ends: impl Iterator<Item = (i64, i64)> + Clone, pixels: usize) -> Span {
        let length = ends.clone().map(|(first, end)| end - first).max().unwrap_or(1).max(1);
        let first = ends.map(|(first, _)| first.min(pixels as i64 - length)).collect();
        Span { first, length }
    }

    /// How many pixels each part takes.
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

    /// All of a side of so many pixels, for each part.
    fn all(&self, side: i64) -> Span {
        Span { first: vec![0; self.first.len()], length: side }
    }

    /// Each first pixel at another place, and another length.
    fn with(&self, first: impl Fn(i64) -> i64, length: i64) -> Span {
        Span { first: self.first.iter().map(|&at| first(at)).collect(), length }
    }

    /// Where each begins, counted from where another begins.
    fn from(&self, other: &Span) -> Span {
        let first = self.first.iter().zip(&other.first).map(|(own, other)| own - other).collect();
        Span { first, length: self.length }
    }

    /// Where all begin, if that is the same.
    fn common(&self) -> Option<i64> {
        let first = *self.first.first()?;
        self.first.iter().all(|other| *other == first).then_some(first)
    }
}

impl Parts {
    /// Of each picture one part.
    pub fn of_each(rows: Span, columns: Span) -> Parts {
        Parts { of: (0..rows.first.len() as i64).collect(), rows, columns }
    }

    /// One part for each entry of `of`, which says of which picture it is.
    pub fn new(of: Vec<i64>, rows: Span, columns: Span) -> Parts {
        Parts { of, rows, columns }
    }

    /// Height and width, pixels.
    pub fn size(&self) -> (i64, i64) {
        (self.rows.length, self.columns.length)
    }

    /// What lies in each part, `[P, C, h, w]`, channels-last, of pictures `[B, C, H, W]`.
    pub fn cut(&self, pictures: &Tensor) -> Tensor {
        Map::new(pictures, NOTHING).cut(self).permute([0, 3, 1, 2])
    }

    /// Others of the same pictures.
    fn with(&self, rows: Span, columns: Span) -> Parts {
        Parts { of: self.of.clone(), rows, columns }
    }

    /// The same, as pictures of their own.
    fn by_themselves(self) -> Parts {
        Parts::of_each(self.rows, self.columns)
    }

    /// Where each begins, counted from where another begins.
    fn from(&self, other: &Parts) -> Parts {
        self.with(self.rows.from(&other.rows), self.columns.from(&other.columns))
    }

    /// Their places in a map with a border of this many rows and columns before it.
    fn bordered(&self, before: i64) -> Parts {
        let shifted = |span: &Span| span.with(|first| first + before, span.length);
        self.with(shifted(&self.rows), shifted(&self.columns))
    }

    /// Whether there is one part for each of this many images, in their order.
    fn is_one_each(&self, pictures: i64) -> bool {
        self.of.len() as i64 == pictures && self.of.iter().zip(0..).all(|(of, own)| *of == own)
    }
}

impl Map {
    /// Of features `[B, C, H, W]`.
    fn new(features: &Tensor, (before, after): (i64, i64)) -> Map {
        let [_, _, height, width] = features.size()[..] else { unreachable!("[B, C, H, W]") };
        let features = features.permute([0, 2, 3, 1]);
        let bordered = match (before, after) {
            NOTHING => features.contiguous(),
            _ => features.constant_pad_nd([0, 0, before, after, before, after]).contiguous(),
        };
        Map { bordered, height, width }
    }

    /// The rows of `[B × H × W, C]` that hold the parts, their places counted with the border.
    fn places(&self, parts: &Parts) -> Tensor {
        let [_, rows, columns, _] = self.bordered.size()[..] else { unreachable!("4") };
        let (height, width) = parts.size();
        let firsts = parts.rows.first.iter().zip(&parts.columns.first);
        let first =
            |(of, (row, column)): (&i64, (&i64, &i64))| (of * rows + row) * columns + column;
        let firsts: Vec<i64> = parts.of.iter().zip(firsts).map(first).collect();
        let along = |count: i64| Tensor::arange(count, (Kind::Int64, Device::Cpu));
        let within = along(height).unsqueeze(1) * columns + along(width);
        let places = Tensor::from_slice(&firsts).unsqueeze(1) + within.view([1, -1]);
        places.view(-1).to_device(self.bordered.device())
    }

    /// The parts as a view, where each picture has one and it lies at the same place.
    fn view(&self, parts: &Parts) -> Option<Tensor> {
        if !parts.is_one_each(self.bordered.size()[0]) {
            return None;
        }
        let (row, column) = (parts.rows.common()?, parts.columns.common()?);
        let (height, width) = parts.size();
        Some(self.bordered.narrow(1, row, height).narrow(2, column, width))
    }

    /// Cuts parts, their places counted with the border: a copy, `[P, h, w, C]`.
    fn cut(&self, parts: &Parts) -> Tensor {
        if let Some(view) = self.view(parts) {
            return view.copy();
        }
        let channels = self.bordered.size()[3];
        let (height, width) = parts.size();
        let cut = self.bordered.view([-1, channels]).index_select(0, &self.places(parts));
        cut.view([-1, height, width, channels])
    }

    /// Puts features `[B, C, h, w]` to their places, one part for each picture, counted with the border.
    fn put(&mut self, changed: &Tensor, parts: &Parts) {
        let changed = changed.permute([0, 2, 3, 1]);
        match self.view(parts) {
            Some(mut view) => view.copy_(&changed),
            None => {
                let channels = changed.size()[3];
                let rows = changed.reshape([-1, channels]);
                let mut all = self.bordered.view([-1, channels]);
                let _ = all.index_copy_(0, &self.places(parts), &rows);
            }
        }
    }

    /// Cuts parts with `changed` `[P, C, h, w]` put to their places in them, both counted with the border:
    /// `[P, C, H, W]`, channels-last.
    fn cut_with(&self, parts: &Parts, changed: &Tensor, at: &Parts) -> Tensor {
        let (height, width) = parts.size();
        let mut cut = Map { bordered: self.cut(parts), height, width };
        cut.put(changed, &at.from(parts).by_themselves());
        cut.bordered.permute([0, 3, 1, 2])
    }
}

impl Folded {
    /// Logits `[B, K]` of images `[B, C, H, W]`, with all intermediate results.
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

    /// Logits `[P, K]` of images that differ from known ones, each in one part alone: equal to
    /// [`Folded::logits`] of them, to rounding. `changed` has the pixels of the parts, `[P, C, h, w]`.
    pub fn changed(&self, known: &Known, changed: &Tensor, parts: &Parts) -> Tensor {
        let _guard = tch::no_grad_guard();
        let mut x = network::input(changed, self.precision);
        let mut parts = parts.clone();
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 {
                (x, parts) = pool(&known.pooled[index - 1], &x, &parts);
            }
            for (layer, input) in block.iter().zip(&known.inputs[index]) {
                if parts.size() == (input.height, input.width) {
                    x = layer.forward(&x, 1);
                    continue;
                }
                let next = parts
                    .with(parts.rows.convolved(input.height), parts.columns.convolved(input.width));
                // With the border, the pixel before the first of a part has the first's number.
                let seen = next.with(
                    next.rows.with(|first| first, next.rows.length + 2),
                    next.columns.with(|first| first, next.columns.length + 2),
                );
                x = layer.forward(&input.cut_with(&seen, &x, &parts.bordered(1)), 0);
                parts = next;
            }
        }
        let (height, width) = (known.last.height, known.last.width);
        if parts.size() != (height, width) {
            let all = parts.with(parts.rows.all(height), parts.columns.all(width));
            x = known.last.cut_with(&all, &x, &parts);
        }
        self.answer(&x)
    }
}

/// The layers between two blocks, for parts: a pool and a ReLU.
fn pool(input: &Map, x: &Tensor, parts: &Parts) -> (Tensor, Parts) {
    let (height, width) = (input.height / 3, input.width / 3);
    if parts.size() == (input.height, input.width) {
        let all = parts.with(parts.rows.all(height), parts.columns.all(width));
        return (network::pool(x).relu_(), all);
    }
    let next = parts.with(parts.rows.pooled(height), parts.columns.pooled(width));
    // Two more, so that a part which ends beyond the last pool has room.
    let pooled = |span: &Span| span.with(|first| first * 3, span.length * 3 + 2);
    let seen = next.with(pooled(&next.rows), pooled(&next.columns));
    let (height, width) = next.size();
    let seen = input.cut_with(&seen, x, parts);
    let seen = seen.narrow(2, 0, height * 3).narrow(3, 0, width * 3);
    (network::pool(&seen).relu_(), next)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::experiment::{ModelSpec, Precision};
    use crate::model::Network;
    use crate::random;

    fn folded(blocks: &[&[i64]]) -> Folded {
        let blocks = blocks.iter().map(|block| block.to_vec()).collect();
        let model = ModelSpec { blocks, batch_norm_momentum: 0.5 };
        let network = Network::new(&model, 2, 3, Precision::F32, Device::Cpu, 3);
        for mut parameter in network.parameters() {
            // Nothing stays at 0, so that a border used as a pixel is detected.
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
        fn changed_parts_give_the_predictions_of_whole_images(
            blocks in prop::sample::select(vec![
                vec![&[4i64][..]],
                vec![&[4, 3][..], &[5][..]],
                vec![&[3][..], &[4, 4, 4][..], &[5, 2][..]],
            ]),
            (height, width) in (9i64..40, 9i64..40),
            (part_height, part_width) in (1i64..40, 1i64..40),
            places in prop::collection::vec((0.0..1.0f64, 0.0..1.0f64), 7),
            seed in 0i64..1000,
            of in prop::sample::select(vec![vec![0, 1, 2], vec![2, 0, 0, 1, 2, 1, 0]]),
        ) {
            let network = folded(&blocks);
            let before = pictures(height, width, seed);
            let (logits, known) = network.known(&before);
            prop_assert!((&logits - network.logits(&before)).abs().max().double_value(&[]) == 0.0);
            let (part_height, part_width) = (part_height.min(height), part_width.min(width));
            let first = |side: i64, part: i64, at: f64| ((side - part) as f64 * at).round() as i64;
            let places = &places[..of.len()];
            let rows: Vec<i64> = places.iter().map(|at| first(height, part_height, at.0)).collect();
            let columns: Vec<i64> = places.iter().map(|at| first(width, part_width, at.1)).collect();
            let after = before.index_select(0, &Tensor::from_slice(&of));
            for (image, (row, column)) in rows.iter().zip(&columns).enumerate() {
                let part = after.get(image as i64).narrow(1, *row, part_height).narrow(2, *column, part_width);
                let other = random::normal(&[2, part_height, part_width], Device::Cpu, seed + 1);
                part.shallow_clone().copy_(&other);
            }
            let rows = Span { first: rows, length: part_height };
            let columns = Span { first: columns, length: part_width };
            let cut = Parts::of_each(rows.clone(), columns.clone()).cut(&after);
            let parts = Parts::new(of, rows, columns);
            let (whole, changed) = (network.logits(&after), network.changed(&known, &cut, &parts));
            let apart = (&whole - &changed).abs().max().double_value(&[]);
            prop_assert!(apart < 1e-5 * (1.0 + whole.abs().max().double_value(&[])), "{}", apart);
        }
    }
}
