//! Predictions for images of which a part has changed: only what depends on that part is recomputed
//! (Nakandala et al. 2019, "Incremental and approximate inference for faster occlusion-based deep CNN
//! explanations", the exact part of it).
//!
//! What passes from layer to layer is the difference from the known results. A convolution of a difference needs
//! nothing from around the part, and the zeros that it finds there cost nothing.

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use super::chunks::in_chunks;
use super::folded::Folded;
use super::{network, vgg};

/// All intermediate results of a network for some images.
#[derive(Debug)]
pub struct Known {
    /// The input of each block, with zeros around.
    inputs: Vec<Map>,
    /// The output of each convolution before its ReLU, by block, with [`NOTHING`] around. Of one before a pool, only
    /// the pixels that a pool reads.
    outputs: Vec<Vec<Map>>,
    /// The input of the dense layer, `[B, C]`, f32.
    features: Tensor,
}

/// A ReLU makes 0 of it, whatever is added, and so does a pool.
const NOTHING: f64 = -1e30;

/// Parts of pictures that may have changed, each by itself: one size for all, and a place for each. A picture
/// may have several.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// Which of the pictures each is of.
    of: Vec<i64>,
    rows: Span,
    columns: Span,
}

/// Along one side of the pictures, pixels. Within a network a part may begin before the first pixel or end beyond the
/// last; nothing differs there.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The first of each part.
    first: Vec<i64>,
    length: i64,
}

/// Features of some pictures.
#[derive(Debug)]
struct Map {
    /// `[B, 1 + H + 1, border + W + border, C]`.
    bordered: Tensor,
    border: i64,
    /// H and W.
    height: i64,
    width: i64,
}

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

    /// A pixel more on either side.
    fn widened(&self) -> Span {
        let first = self.first.iter().map(|first| first - 1).collect();
        Span { first, length: self.length + 2 }
    }

    /// How many pools of 3 with stride 3 one that begins there reaches into.
    fn pools(&self, first: i64) -> i64 {
        (first.rem_euclid(3) + self.length + 2) / 3
    }

    /// After a pool: every pool that one of them reaches into.
    fn pooled(&self) -> Span {
        let length = self.first.iter().map(|&first| self.pools(first)).max().unwrap_or(1);
        Span { first: self.first.iter().map(|first| first.div_euclid(3)).collect(), length }
    }

    /// The pixels that these pools reach.
    fn before_pool(&self) -> Span {
        let first = self.first.iter().map(|first| first * 3).collect();
        Span { first, length: self.length * 3 }
    }

    /// All of a side of so many pixels, for each part.
    fn all(&self, side: i64) -> Span {
        Span { first: vec![0; self.first.len()], length: side }
    }

    fn select(&self, parts: &[usize]) -> Span {
        Span { first: parts.iter().map(|&part| self.first[part]).collect(), length: self.length }
    }

    /// What one of the parts has in common with the same one of others: the first pixel in either, and how many.
    fn common(&self, other: &Span, part: usize) -> [i64; 3] {
        let (own, others) = (self.first[part], other.first[part]);
        let first = own.max(others);
        let end = (own + self.length).min(others + other.length);
        [first - own, first - others, end - first]
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

    /// Which share of a picture `[B, C, H, W]` each takes, from 0 to 1.
    pub fn share(&self, pictures: &Tensor) -> f64 {
        let [_, _, height, width] = pictures.size()[..] else { unreachable!("[B, C, H, W]") };
        self.area() as f64 / (height * width) as f64
    }

    /// Height and width, pixels.
    fn size(&self) -> (i64, i64) {
        (self.rows.length, self.columns.length)
    }

    /// What lies in each part, `[P, C, h, w]`, channels-last, of pictures `[B, C, H, W]`.
    pub fn cut(&self, pictures: &Tensor) -> Tensor {
        Map::new(pictures, 0, 0.0).cut(self)
    }

    /// Others of the same pictures.
    fn with(&self, rows: Span, columns: Span) -> Parts {
        Parts { of: self.of.clone(), rows, columns }
    }

    fn widened(&self) -> Parts {
        self.with(self.rows.widened(), self.columns.widened())
    }

    fn pooled(&self) -> Parts {
        self.with(self.rows.pooled(), self.columns.pooled())
    }

    fn before_pool(&self) -> Parts {
        self.with(self.rows.before_pool(), self.columns.before_pool())
    }

    fn area(&self) -> i64 {
        self.rows.length * self.columns.length
    }

    fn select(&self, parts: &[usize]) -> Parts {
        Parts {
            of: parts.iter().map(|&part| self.of[part]).collect(),
            rows: self.rows.select(parts),
            columns: self.columns.select(parts),
        }
    }

    /// Their numbers in groups. After so many convolutions those of a group reach into as many pools; those of one
    /// picture, and among them those that lie alike to the pools, follow each other.
    fn by_pools(&self, convolutions: i64) -> Vec<Vec<usize>> {
        let mut groups = BTreeMap::<_, Vec<usize>>::new();
        let widened = |span: &Span| Span { length: span.length + 2 * convolutions, ..span.clone() };
        let (rows, columns) = (widened(&self.rows), widened(&self.columns));
        let at = |span: &Span, part: usize| span.first[part] - convolutions;
        for part in 0..self.of.len() {
            let reached = (rows.pools(at(&rows, part)), columns.pools(at(&columns, part)));
            groups.entry(reached).or_default().push(part);
        }
        let alike = |&part: &usize| {
            let places = [at(&rows, part), at(&columns, part)];
            (self.of[part], places.map(|at| at.rem_euclid(3)), places.map(|at| at.rem_euclid(9)))
        };
        let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
        groups.iter_mut().for_each(|group| group.sort_by_key(alike));
        groups
    }

    /// Adds `x` `[P, C, h, w]`, of these parts, to `sums` of others of the same pictures, where they meet.
    fn add(&self, x: &Tensor, others: &Parts, sums: &Tensor) {
        let common = |part: usize| {
            (self.rows.common(&others.rows, part), self.columns.common(&others.columns, part))
        };
        let mut begin = 0;
        while begin < self.of.len() {
            let (rows, columns) = common(begin);
            let alike = (begin..self.of.len()).take_while(|&part| common(part) == (rows, columns));
            let end = begin + alike.count();
            if rows[2] > 0 && columns[2] > 0 {
                let view = |of: &Tensor, first: [i64; 2]| {
                    of.narrow(0, begin as i64, (end - begin) as i64)
                        .narrow(2, first[0], rows[2])
                        .narrow(3, first[1], columns[2])
                };
                let _ = view(sums, [rows[1], columns[1]]).g_add_(&view(x, [rows[0], columns[0]]));
            }
            begin = end;
        }
    }
}

impl Map {
    /// Of features `[B, C, H, W]`. Beyond them, above and below without end and `border` pixels to the left and
    /// right, lies a value.
    fn new(features: &Tensor, border: i64, value: f64) -> Map {
        let [_, _, height, width] = features.size()[..] else { unreachable!("[B, C, H, W]") };
        let features = features.permute([0, 2, 3, 1]);
        let sides = [0, 0, border, border, 1, 1];
        let bordered = features.pad(sides, "constant", value).contiguous();
        Map { bordered, border, height, width }
    }

    fn all(&self, parts: &Parts) -> Parts {
        parts.with(parts.rows.all(self.height), parts.columns.all(self.width))
    }

    /// Cuts parts: a copy, `[P, C, h, w]`, channels-last.
    fn cut(&self, parts: &Parts) -> Tensor {
        let [_, tall, wide, channels] = self.bordered.size()[..] else { unreachable!("4") };
        let (height, width) = parts.size();
        let mut pieces = Vec::with_capacity(parts.of.len() * height as usize);
        for (part, of) in parts.of.iter().enumerate() {
            let column = parts.columns.first[part] + self.border;
            debug_assert!(column >= 0 && column + width <= wide);
            let first = parts.rows.first[part];
            let row = |row: i64| (first + row).clamp(-1, self.height) + 1;
            pieces.extend((0..height).map(|at| (of * tall + row(at)) * wide + column));
        }
        // A row of a part lies in one piece.
        let count = self.bordered.numel() as i64 / channels - width + 1;
        let all = self.bordered.as_strided([count, width * channels], [channels, 1], None);
        let pieces = Tensor::from_slice(&pieces).to_device(self.bordered.device());
        let cut = all.index_select(0, &pieces).view([-1, height, width, channels]);
        cut.permute([0, 3, 1, 2])
    }
}

impl Folded {
    /// Logits `[B, K]` of images `[B, C, H, W]`, with all intermediate results.
    pub fn known(&self, pictures: &Tensor) -> (Tensor, Known) {
        let _guard = tch::no_grad_guard();
        let mut x = network::input(pictures, self.precision);
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        // How far parts may reach beyond the pictures.
        let mut beyond = 0;
        for block in &self.blocks {
            inputs.push(Map::new(&x, beyond, 0.0));
            let mut of_block = Vec::new();
            for layer in block {
                x = layer.convolve(&x, 1);
                beyond += 1;
                if layer.pooled {
                    let [_, _, height, width] = x.size()[..] else { unreachable!("[B, C, H, W]") };
                    let read = x.narrow(2, 0, height / 3 * 3).narrow(3, 0, width / 3 * 3);
                    // Up to two pixels more to a whole pool, and a pool more to as many as others reach; the pixels
                    // that no pool reads lie beyond.
                    of_block.push(Map::new(&read, beyond + 2 + 5, NOTHING));
                    beyond = (beyond + 2 + 5) / 3;
                    x = vgg::pool(&x);
                } else {
                    of_block.push(Map::new(&x, beyond, NOTHING));
                }
                x = x.relu_();
            }
            outputs.push(of_block);
        }
        let features = network::features(&x);
        let logits = self.answer(&features);
        (logits, Known { inputs, outputs, features })
    }

    /// Logits `[P, K]` of images that differ from known ones, each in one part alone: equal to
    /// [`Folded::logits`] of them, to rounding. `changed` has the pixels of the parts, `[P, C, h, w]`. The more parts at
    /// once, the faster.
    pub fn changed(&self, known: &Known, changed: &Tensor, parts: &Parts) -> Tensor {
        let _guard = tch::no_grad_guard();
        let convolutions = if self.blocks.len() > 1 { self.blocks[0].len() as i64 } else { 0 };
        let at_once = match changed.device() {
            Device::Cpu => self.parts_at_once(parts.size()),
            _ => usize::MAX,
        };
        let groups = parts.by_pools(convolutions);
        let chunks: Vec<&[usize]> = groups.iter().flat_map(|group| group.chunks(at_once)).collect();
        let mut back = vec![0; parts.of.len()];
        chunks.concat().iter().enumerate().for_each(|(place, &part)| back[part] = place as i64);
        let work = Work { network: self, known, changed, parts };
        // A reference to the whole, which may go to other threads; its fields may not.
        let work = &work;
        let of_chunk = |chunk: &[usize]| work.logits(chunk);
        let logits: Vec<Tensor> = match changed.device() {
            Device::Cpu => in_chunks(chunks, of_chunk),
            _ => chunks.into_iter().map(of_chunk).collect(),
        };
        let back = Tensor::from_slice(&back).to_device(changed.device());
        Tensor::cat(&logits, 0).index_select(0, &back)
    }

    fn changed_at_once(&self, known: &Known, changed: &Tensor, parts: &Parts) -> Tensor {
        // The difference of the features; it is 0 beyond the images.
        let mut x = network::input(changed, self.precision);
        x = network::channels_last(&(x - known.inputs[0].cut(parts)));
        let mut parts = parts.clone();
        let mut input = &known.inputs[0];
        for (index, (block, outputs)) in self.blocks.iter().zip(&known.outputs).enumerate() {
            for (layer, output) in block.iter().zip(outputs) {
                let all = input.all(&parts);
                if parts != all && parts.widened().area() >= all.area() {
                    x = placed(&x, &parts, &all);
                    parts = all.clone();
                }
                let padding = if parts == all { 1 } else { 2 };
                x = layer.difference(&x, padding);
                if padding == 2 {
                    parts = parts.widened();
                }
                if layer.pooled {
                    let pooled = parts.pooled();
                    let before = pooled.before_pool();
                    let sums = output.cut(&before);
                    parts.add(&x, &before, &sums);
                    input = &known.inputs[index + 1];
                    x = vgg::pool(&sums).relu_().g_sub_(&input.cut(&pooled));
                    parts = pooled;
                } else {
                    let mut before = output.cut(&parts);
                    x = x.g_add_(&before).relu_().g_sub_(&before.relu_());
                }
            }
        }
        let Map { height, width, .. } =
            known.outputs[known.outputs.len() - 1].last().expect("a layer");
        let sum = x.sum_dim_intlist([2, 3].as_slice(), false, Kind::Float);
        let of = Tensor::from_slice(&parts.of).to_device(x.device());
        let features = known.features.index_select(0, &of);
        self.answer(&(features + sum / (height * width) as f64))
    }
}

/// What [`Folded::changed`] is given.
struct Work<'a> {
    network: &'a Folded,
    known: &'a Known,
    changed: &'a Tensor,
    parts: &'a Parts,
}

// SAFETY: its tensors are only read, which libtorch allows from several threads at once.
unsafe impl Sync for Work<'_> {}

impl Work<'_> {
    /// Logits `[P, K]` of some of the parts, by their numbers.
    fn logits(&self, some: &[usize]) -> Tensor {
        let _guard = tch::no_grad_guard();
        let numbers: Vec<i64> = some.iter().map(|&part| part as i64).collect();
        let numbers = Tensor::from_slice(&numbers).to_device(self.changed.device());
        let pixels = self.changed.index_select(0, &numbers);
        self.network.changed_at_once(self.known, &pixels, &self.parts.select(some))
    }
}

/// The difference for other parts of the same pictures, 0 where these are not.
fn placed(x: &Tensor, parts: &Parts, others: &Parts) -> Tensor {
    let (height, width) = others.size();
    let size = [x.size()[0], height, width, x.size()[1]];
    let placed = Tensor::zeros(size, (x.kind(), x.device())).permute([0, 3, 1, 2]);
    parts.add(x, others, &placed);
    placed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::experiment::{ModelSpec, Precision};
    use crate::model::Network;
    use crate::random;

    fn folded(blocks: &[&[i64]]) -> Folded {
        let model = ModelSpec::of_blocks(blocks, 0.5);
        let network = Network::new(&model, 2, 3, Precision::F32, Device::Cpu, 3);
        for mut parameter in network.parameters() {
            // Nothing stays at 0, so that a border used as a pixel is detected.
            let _ = parameter.tensor.g_add_scalar_(0.05);
        }
        let (layers, head) = network.vgg();
        Folded::new(layers, head, Precision::F32)
    }

    fn pictures(height: i64, width: i64, seed: i64) -> Tensor {
        random::normal(&[3, height, width, 2], Device::Cpu, seed).permute([0, 3, 1, 2])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]

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
            let parts = Parts::new(of.clone(), rows, columns);
            let each = Parts { of: (0..of.len() as i64).collect(), ..parts.clone() };
            let cut = each.cut(&after);
            let (whole, changed) = (network.logits(&after), network.changed(&known, &cut, &parts));
            let apart = (&whole - &changed).abs().max().double_value(&[]);
            prop_assert!(apart < 1e-5 * (1.0 + whole.abs().max().double_value(&[])), "{}", apart);
        }
    }
}
