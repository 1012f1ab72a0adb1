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
    /// The input of the dense layer, `[B, C]`, f32.
    features: Tensor,
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

/// Along one side of the pictures, pixels. A part may begin before the first pixel or end beyond the last; there
/// everything is 0, as the borders that a convolution reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The first of each part.
    first: Vec<i64>,
    length: i64,
}

/// Features of some pictures, with a border of zeros around.
#[derive(Debug)]
struct Map {
    /// `[B, border + H + border, border + W + border, C]`.
    bordered: Tensor,
    border: i64,
    /// H and W.
    height: i64,
    width: i64,
}

/// How far the parts of [`Folded::aligned`] reach beyond their pictures at most, pixels.
const BEYOND: i64 = 2;

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

    /// A few pixels more, so that after so many convolutions each part is whole pools of 3, along a side of so
    /// many pixels.
    fn aligned(&self, convolutions: i64, side: i64) -> Span {
        let before = |first: i64| first - (first - convolutions).rem_euclid(3);
        let needed = self.first.iter().map(|&first| first + self.length - before(first)).max();
        let needed = needed.unwrap_or(self.length);
        let length = needed + (-(needed + 2 * convolutions)).rem_euclid(3);
        if length >= side {
            return self.clone();
        }
        let last = before(side + BEYOND - length);
        let first = self.first.iter().map(|&first| before(first).min(last)).collect();
        Span { first, length }
    }

    /// So many pixels more on either side.
    fn widened(&self, pixels: i64) -> Span {
        self.cut([-pixels, -pixels])
    }

    /// Without some pixels before and after.
    fn cut(&self, [before, after]: [i64; 2]) -> Span {
        let first = self.first.iter().map(|first| first + before).collect();
        Span { first, length: self.length - before - after }
    }

    /// How many pixels after a larger one each begins, the same for all.
    fn offset(&self, larger: &Span) -> i64 {
        self.first.iter().zip(&larger.first).map(|(own, larger)| own - larger).next().unwrap_or(0)
    }

    /// How many pixels, before and after, all parts have beyond a side of so many.
    fn outside(&self, side: i64) -> [i64; 2] {
        let least = |beyond: &dyn Fn(i64) -> i64| {
            self.first.iter().map(|&first| beyond(first).max(0)).min().unwrap_or(0)
        };
        let before = least(&|first| -first).min(self.length - 1);
        [before, least(&|first| first + self.length - side).min(self.length - 1 - before)]
    }

    /// After a pool of 3 with stride 3: every pool that reaches into it.
    fn pooled(&self) -> Span {
        let first: Vec<i64> = self.first.iter().map(|first| first.div_euclid(3)).collect();
        let whole = self.first.iter().all(|first| first % 3 == 0);
        let length = if whole { (self.length + 2) / 3 } else { (self.length + 4) / 3 };
        Span { first, length }
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

    /// Whether each is whole pools of 3.
    fn is_whole_pools(&self) -> bool {
        self.length % 3 == 0 && self.first.iter().all(|first| first % 3 == 0)
    }

    /// How far the parts reach beyond a side of so many pixels, at least 0.
    fn beyond(&self, side: i64) -> i64 {
        let beyond = self.first.iter().map(|first| (-first).max(first + self.length - side));
        beyond.max().unwrap_or(0).max(0)
    }

    /// The numbers of each part's pixels, `[P, length]`, i64.
    fn pixels(&self, device: Device) -> Tensor {
        let first = Tensor::from_slice(&self.first).unsqueeze(1).to_device(device);
        first + Tensor::arange(self.length, (Kind::Int64, device))
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
        let [_, _, height, width] = pictures.size()[..] else { unreachable!("[B, C, H, W]") };
        Map::new(pictures, self.beyond(height, width)).cut(self).permute([0, 3, 1, 2])
    }

    /// Others of the same pictures.
    fn with(&self, rows: Span, columns: Span) -> Parts {
        Parts { of: self.of.clone(), rows, columns }
    }

    fn widened(&self, pixels: i64) -> Parts {
        self.with(self.rows.widened(pixels), self.columns.widened(pixels))
    }

    fn area(&self) -> i64 {
        self.rows.length * self.columns.length
    }

    /// A view of these parts in `x` `[P, C, H, W]` of larger ones, which all lie alike around them.
    fn narrow(&self, x: &Tensor, larger: &Parts) -> Tensor {
        let rows = self.rows.offset(&larger.rows);
        let columns = self.columns.offset(&larger.columns);
        x.narrow(2, rows, self.rows.length).narrow(3, columns, self.columns.length)
    }

    /// Without what all have beyond pictures of a height and width.
    fn within(&self, height: i64, width: i64) -> Parts {
        let rows = self.rows.cut(self.rows.outside(height));
        self.with(rows, self.columns.cut(self.columns.outside(width)))
    }

    fn beyond(&self, height: i64, width: i64) -> i64 {
        self.rows.beyond(height).max(self.columns.beyond(width))
    }

    /// Which pixels of parts that reach beyond pictures of a height and width lie in them, `[P, 1, h, w]`, 0 or 1;
    /// `None` if all do.
    fn inside(&self, height: i64, width: i64, like: &Tensor) -> Option<Tensor> {
        if self.beyond(height, width) == 0 {
            return None;
        }
        let within = |span: &Span, side: i64| {
            let pixels = span.pixels(like.device());
            pixels.ge(0).logical_and(&pixels.lt(side))
        };
        let rows = within(&self.rows, height).unsqueeze(2);
        let inside = rows.logical_and(&within(&self.columns, width).unsqueeze(1));
        Some(inside.unsqueeze(1).to_kind(like.kind()))
    }
}

impl Map {
    /// Of features `[B, C, H, W]`.
    fn new(features: &Tensor, border: i64) -> Map {
        let [_, _, height, width] = features.size()[..] else { unreachable!("[B, C, H, W]") };
        let features = features.permute([0, 2, 3, 1]);
        let bordered = match border {
            0 => features.contiguous(),
            _ => features.constant_pad_nd([0, 0, border, border, border, border]).contiguous(),
        };
        Map { bordered, border, height, width }
    }

    fn area(&self) -> i64 {
        self.height * self.width
    }

    fn all(&self, parts: &Parts) -> Parts {
        parts.with(parts.rows.all(self.height), parts.columns.all(self.width))
    }

    /// The numbers of the parts' pixels in the whole map, `[P, h, w]`, from their rows `[P, h]` and columns `[P, w]`.
    fn numbers(&self, parts: &Parts, rows: &Tensor, columns: &Tensor) -> Tensor {
        let [_, height, width, _] = self.bordered.size()[..] else { unreachable!("4") };
        let of = Tensor::from_slice(&parts.of).view([-1, 1, 1]).to_device(rows.device());
        let rows = of * height + rows.unsqueeze(2) + self.border;
        rows * width + columns.unsqueeze(1) + self.border
    }

    /// Cuts parts: a copy, `[P, h, w, C]`.
    fn cut(&self, parts: &Parts) -> Tensor {
        debug_assert!(parts.beyond(self.height, self.width) <= self.border);
        let channels = self.bordered.size()[3];
        let (height, width) = parts.size();
        // A row of a part lies in one piece.
        let pieces = self.bordered.numel() as i64 / channels - width + 1;
        let pieces = self.bordered.as_strided([pieces, width * channels], [channels, 1], None);
        let device = self.bordered.device();
        let first = Tensor::from_slice(&parts.columns.first).unsqueeze(1).to_device(device);
        let rows = self.numbers(parts, &parts.rows.pixels(device), &first).view(-1);
        pieces.index_select(0, &rows).view([-1, height, width, channels])
    }

    /// Cuts larger parts, a copy with `x` `[P, C, h, w]` in the place of the parts that they contain: `[P, C, H, W]`,
    /// channels-last. With `rectified`, `x` goes through a ReLU.
    fn around(&self, larger: &Parts, x: &Tensor, parts: &Parts, rectified: bool) -> Tensor {
        let cut = self.cut(larger).permute([0, 3, 1, 2]);
        let mut within = parts.narrow(&cut, larger);
        if rectified {
            let _ = x.clamp_min_out(&within, 0.0);
        } else {
            within.copy_(x);
        }
        if let Some(inside) = parts.inside(self.height, self.width, x) {
            let _ = within.g_mul_(&inside);
        }
        cut
    }

    /// Cuts some of the parts' pictures, with `x` `[P, C, h, w]` where the parts lie: `[P, C, H, W]`, channels-last. Beyond
    /// the pictures is any of their pixels.
    fn with(&self, cut: &Parts, x: &Tensor, parts: &Parts) -> Tensor {
        let channels = self.bordered.size()[3];
        let (height, width) = cut.size();
        let device = x.device();
        let offset = |cut: &Span, parts: &Span| {
            let first = Tensor::from_slice(&parts.first).unsqueeze(1).to_device(device);
            let at = cut.pixels(device) - first;
            (at.ge(0).logical_and(&at.lt(parts.length)), at)
        };
        let (in_rows, row) = offset(&cut.rows, &parts.rows);
        let (in_columns, column) = offset(&cut.columns, &parts.columns);
        let pixels = |span: &Span, side: i64| span.pixels(device).clamp(0, side - 1);
        let (rows, columns) = (pixels(&cut.rows, self.height), pixels(&cut.columns, self.width));
        let known = self.numbers(cut, &rows, &columns);
        let number = Tensor::arange(parts.of.len() as i64, (Kind::Int64, device)).view([-1, 1, 1]);
        let own = (number * parts.rows.length + row.unsqueeze(2)) * parts.columns.length
            + column.unsqueeze(1)
            + self.bordered.numel() as i64 / channels;
        let within = in_rows.unsqueeze(2).logical_and(&in_columns.unsqueeze(1));
        let from = own.where_self(&within, &known).view(-1);
        let x = x.permute([0, 2, 3, 1]).reshape([-1, channels]);
        let both = Tensor::cat(&[self.bordered.view([-1, channels]), x], 0);
        both.index_select(0, &from).view([-1, height, width, channels]).permute([0, 3, 1, 2])
    }
}

impl Folded {
    /// Parts that contain these, of pictures of a height and width, for which [`changed`](Folded::changed) is
    /// faster. They may reach beyond the pictures.
    pub fn aligned(&self, parts: &Parts, (height, width): (i64, i64)) -> Parts {
        if self.blocks.len() == 1 {
            return parts.clone();
        }
        let convolutions = self.blocks[0].len() as i64;
        let rows = parts.rows.aligned(convolutions, height);
        parts.with(rows, parts.columns.aligned(convolutions, width))
    }

    /// Logits `[B, K]` of images `[B, C, H, W]`, with all intermediate results.
    pub fn known(&self, pictures: &Tensor) -> (Tensor, Known) {
        let _guard = tch::no_grad_guard();
        let mut x = network::input(pictures, self.precision);
        let (mut inputs, mut pooled) = (Vec::new(), Vec::new());
        // How far parts may reach beyond the pictures.
        let mut beyond = BEYOND;
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 {
                pooled.push(Map::new(&x, 0));
                x = network::pool(&x).relu_();
                beyond = beyond / 3 + 2;
            }
            let mut of_block = Vec::new();
            for layer in block {
                of_block.push(Map::new(&x, beyond + 2));
                x = layer.forward(&x, 1);
                beyond += 1;
            }
            inputs.push(of_block);
        }
        let features = network::features(&x);
        let logits = self.answer(&features);
        (logits, Known { inputs, pooled, last: Map::new(&x, beyond), features })
    }

    /// Logits `[P, K]` of images that differ from known ones, each in one part alone: equal to
    /// [`Folded::logits`] of them, to rounding. `changed` has the pixels of the parts, `[P, C, h, w]`, 0 beyond the
    /// images.
    pub fn changed(&self, known: &Known, changed: &Tensor, parts: &Parts) -> Tensor {
        let _guard = tch::no_grad_guard();
        let mut x = network::input(changed, self.precision);
        // `None` as soon as a part is no smaller than the image.
        let mut parts = Some(parts.clone());
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 {
                (x, parts) = pool(&known.pooled[index - 1], x, parts);
            }
            for (place, (layer, input)) in block.iter().zip(&known.inputs[index]).enumerate() {
                // ReLU is applied in copying.
                let rectified = index + place > 0;
                let next = parts.as_ref().map(|parts| {
                    let next = parts.widened(1);
                    // In the first block that would take whole pools apart.
                    if index > 0 { next.within(input.height, input.width) } else { next }
                });
                (x, parts) = match (parts, next) {
                    (Some(parts), Some(next)) if next.area() < input.area() => {
                        let around = input.around(&next.widened(1), &x, &parts, rectified);
                        (layer.convolve(&around, 0), Some(next))
                    }
                    (parts, _) => {
                        if rectified {
                            x = x.relu_();
                        }
                        if let Some(parts) = parts {
                            x = input.with(&input.all(&parts), &x, &parts);
                        }
                        (layer.convolve(&x, 1), None)
                    }
                };
            }
        }
        let x = x.relu_();
        let Some(parts) = parts else { return self.answer(&network::features(&x)) };
        let (height, width) = (known.last.height, known.last.width);
        let sum = |x: &Tensor, sides: [i64; 2]| {
            x.sum_dim_intlist(sides.as_slice(), false, Kind::Float) / (height * width) as f64
        };
        let inside = parts.inside(height, width, &x);
        let own = sum(&inside.map_or_else(|| x.shallow_clone(), |inside| &x * inside), [2, 3]);
        let before = sum(&known.last.cut(&parts), [1, 2]);
        let of = Tensor::from_slice(&parts.of).to_device(x.device());
        self.answer(&(known.features.index_select(0, &of) + own - before))
    }
}

/// The pool between two blocks, for parts or, without them, for whole pictures.
fn pool(input: &Map, x: Tensor, parts: Option<Parts>) -> (Tensor, Option<Parts>) {
    let Some(parts) = parts else { return (network::pool(&x), None) };
    let (rows, columns) = (parts.rows.pooled(), parts.columns.pooled());
    let (height, width) = (input.height / 3, input.width / 3);
    if parts.rows.is_whole_pools() && parts.columns.is_whole_pools() {
        let next = parts.with(rows, columns);
        let within = next.within(height, width);
        return (within.narrow(&network::pool(&x), &next), Some(within));
    }
    if rows.length * columns.length < height * width {
        let next = parts.with(rows, columns).within(height, width);
        let cut = parts.with(next.rows.before_pool(), next.columns.before_pool());
        return (network::pool(&input.with(&cut, &x, &parts)), Some(next));
    }
    let cut = parts.with(parts.rows.all(height * 3), parts.columns.all(width * 3));
    (network::pool(&input.with(&cut, &x, &parts)), None)
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
            aligned in prop::bool::ANY,
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
            let parts = if aligned { network.aligned(&parts, (height, width)) } else { parts };
            let each = Parts { of: (0..of.len() as i64).collect(), ..parts.clone() };
            let cut = each.cut(&after);
            let (whole, changed) = (network.logits(&after), network.changed(&known, &cut, &parts));
            let apart = (&whole - &changed).abs().max().double_value(&[]);
            prop_assert!(apart < 1e-5 * (1.0 + whole.abs().max().double_value(&[])), "{}", apart);
        }
    }
}
