//! Occluders as objects, in a split's images.
//!
//! In: the occluders' polygons and the frames of the images. Out: the objects at every pixel, which a mask then confines.
//! Each region's objects are one texture in the canonical face frame ([`region::object`](crate::region::object)), sampled
//! at the places of an image's pixels, so that they lie in it as its mask does.

use tch::{Device, Kind, Tensor};

use super::masks::Moves;
use crate::region::object::{self, Texture};
use crate::region::{Affine, Point, Polygon};

/// As libtorch numbers them.
const BILINEAR: i64 = 0;
const BORDER: i64 = 1;

/// Texels to a pixel's side, where the face frame is as large as the image: bilinear interpolation between them then
/// neither blurs nor leaves out.
const DENSITY: usize = 2;

/// The objects of a split's images.
#[derive(Debug)]
pub struct Objects {
    /// Of every image, the map that carries its places into the canonical face frame, both in fractions: `[N, 6]`, f32.
    back: Tensor,
    height: i64,
    width: i64,
    /// The lowest first.
    layers: Vec<Layer>,
}

/// The objects of one region, `[1, C, h, w]`, f32, 0 to 255, in the part of the face frame between two corners.
#[derive(Debug)]
struct Layer {
    region: i64,
    texels: Tensor,
    low: Point,
    high: Point,
}

impl Objects {
    /// Of images of a height, a width and this many channels, into which `frames` carry the canonical face frame. `regions`:
    /// the polygons of each region; where regions overlap the order of the occluders decides which is on top.
    ///
    /// # Panics
    /// Where a polygon is none of an occluder's: experiment files and specifications with such polygons are refused.
    pub fn new(
        regions: &[&[Polygon]],
        frames: &[Affine],
        (height, width, channels): (usize, usize, usize),
        device: Device,
    ) -> Objects {
        let objects = regions.iter().enumerate().map(|(region, polygons)| {
            let objects = object::Objects::on(polygons);
            (region, objects.expect("objects are asked for on occluders alone"))
        });
        let mut objects: Vec<(usize, object::Objects)> = objects.collect();
        objects.sort_by_key(|(_, objects)| objects.height());
        let layer = |(region, objects): &(usize, object::Objects)| {
            let texture = objects.texture(DENSITY * height.max(width), channels);
            Layer::new(*region as i64, &texture, channels, device)
        };
        Objects {
            back: maps_back(frames).to_device(device),
            height: height as i64,
            width: width as i64,
            layers: objects.iter().map(layer).collect(),
        }
    }

    /// The objects of a single region at every pixel of some images, `[B, C, H, W]`, f32, 0 to 255. An image that
    /// `flipped` `[B]`, bool, names has them as they lie before the flip, mirrored.
    pub(super) fn everywhere(&self, index: &Tensor, flipped: Option<&Tensor>) -> Tensor {
        let places = self.places(index, flipped);
        self.layers.first().map_or_else(|| self.none(index), |layer| layer.at(&places))
    }

    /// As [`everywhere`](Objects::everywhere), of the topmost of several regions: `each` `[B, R, H, W]`, bool, says which
    /// of them contain each pixel, where they are moved after the move. 0 where none does.
    pub(super) fn topmost(
        &self,
        index: &Tensor,
        flipped: Option<&Tensor>,
        each: &Tensor,
        moves: Option<&Moves>,
    ) -> Tensor {
        let places = self.places(index, flipped);
        self.layers.iter().fold(self.none(index), |below, layer| {
            let objects = layer.at(&places);
            let objects = match moves {
                Some(moves) => moves.of_region(&objects, layer.region),
                None => objects,
            };
            objects.where_self(&each.narrow(1, layer.region, 1), &below)
        })
    }

    /// Of how many regions.
    pub(super) fn regions(&self) -> i64 {
        self.layers.len() as i64
    }

    fn none(&self, index: &Tensor) -> Tensor {
        let channels = self.layers.first().map_or(1, |layer| layer.texels.size()[1]);
        let size = [index.size()[0], channels, self.height, self.width];
        Tensor::zeros(size, (Kind::Float, self.back.device()))
    }

    /// The places of some images' pixels in the canonical face frame, x and y, each `[B, H, W]`.
    fn places(&self, index: &Tensor, flipped: Option<&Tensor>) -> [Tensor; 2] {
        let device = self.back.device();
        let centres =
            |count: i64| (Tensor::arange(count, (Kind::Float, device)) + 0.5) / count as f64;
        let (u, v) = (centres(self.width).view([1, 1, -1]), centres(self.height).view([1, -1, 1]));
        let back = self.back.index_select(0, index);
        let number = |place: i64| back.select(1, place).view([-1, 1, 1]);
        let x = number(0) * &u + number(1) * &v + number(2);
        let y = number(3) * &u + number(4) * &v + number(5);
        match flipped {
            Some(flipped) => {
                let mirrored: Tensor = 1.0 - &x;
                [mirrored.where_self(&flipped.view([-1, 1, 1]), &x), y]
            }
            None => [x, y],
        }
    }
}

impl Layer {
    fn new(region: i64, texture: &Texture, channels: usize, device: Device) -> Layer {
        let Texture { low, high, height, width, ref values } = *texture;
        let size = [1, height as i64, width as i64, channels as i64];
        let texels = Tensor::from_slice(values).view(size).permute([0, 3, 1, 2]).contiguous();
        Layer { region, texels: texels.to_device(device), low, high }
    }

    /// At places of the canonical face frame.
    fn at(&self, [x, y]: &[Tensor; 2]) -> Tensor {
        // From −1 to 1, edge to edge.
        let within =
            |places: &Tensor, low: f64, high: f64| (places - low) * (2.0 / (high - low)) - 1.0;
        let (low, high) = (self.low, self.high);
        let places = Tensor::stack(&[within(x, low.x, high.x), within(y, low.y, high.y)], -1);
        let texels = self.texels.expand([places.size()[0], -1, -1, -1], false);
        texels.grid_sampler(&places, BILINEAR, BORDER, false)
    }
}

/// The inverses of frames, `[N, 6]`; of one that has none the canonical frame's, as nothing of its image is masked.
fn maps_back(frames: &[Affine]) -> Tensor {
    let numbers = frames.iter().flat_map(|frame| {
        let Affine { a, b, c, d, e, f } = frame.inverse().unwrap_or(Affine::IDENTITY);
        [a, b, c, d, e, f].map(|number| number as f32)
    });
    Tensor::from_slice(&numbers.collect::<Vec<f32>>()).view([-1, 6])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Regions;

    const SIDE: usize = 32;
    const TURNED: Affine = Affine { a: 0.0, b: -1.0, c: 1.0, d: 1.0, e: 0.0, f: 0.0 };

    fn polygons(occluder: &str) -> Vec<Polygon> {
        Regions::aligned().get(occluder).unwrap().polygons.clone()
    }

    /// In an image that is the face frame, and in one that is turned clockwise by a quarter.
    fn objects(regions: &[&str], channels: usize) -> Objects {
        let regions: Vec<Vec<Polygon>> = regions.iter().map(|name| polygons(name)).collect();
        let regions: Vec<&[Polygon]> = regions.iter().map(Vec::as_slice).collect();
        let frames = [Affine::IDENTITY, TURNED];
        Objects::new(&regions, &frames, (SIDE, SIDE, channels), Device::Cpu)
    }

    fn both() -> Tensor {
        Tensor::from_slice(&[0i64, 1])
    }

    fn largest(difference: Tensor) -> f64 {
        difference.abs().max().double_value(&[])
    }

    /// Each pixel is the mean of its four texels, in grey and in RGB.
    #[test]
    fn an_image_has_the_texels_of_its_frame() {
        for (name, channels) in [("sunglasses", 3), ("surgical_mask", 1), ("phone", 3)] {
            let found = objects(&[name], channels).everywhere(&both(), None).get(0);
            assert_eq!(found.size(), [channels as i64, SIDE as i64, SIDE as i64]);
            let texture =
                object::Objects::on(&polygons(name)).unwrap().texture(DENSITY * SIDE, channels);
            let first = |low: f64| (low * (DENSITY * SIDE) as f64).round() as i64;
            let (left, top) = (first(texture.low.x), first(texture.low.y));
            let mut compared = 0;
            for place in 0..(SIDE * SIDE) as i64 {
                let (row, column) = (place / SIDE as i64, place % SIDE as i64);
                let (down, across) = (2 * row - top, 2 * column - left);
                let (bottom, right) = (texture.height as i64 - 1, texture.width as i64 - 1);
                if down < 0 || across < 0 || down >= bottom || across >= right {
                    continue;
                }
                for channel in 0..channels {
                    let texel = |row: i64, column: i64| {
                        let place = (row * texture.width as i64 + column) as usize;
                        f64::from(texture.values[channels * place + channel])
                    };
                    let four = texel(down, across)
                        + texel(down, across + 1)
                        + texel(down + 1, across)
                        + texel(down + 1, across + 1);
                    let pixel = found.double_value(&[channel as i64, row, column]);
                    assert!((pixel - four / 4.0).abs() < 0.05, "{name} {row} {column}: {pixel}");
                }
                compared += 1;
            }
            assert!(compared > 100, "{name}: {compared}");
        }
    }

    #[test]
    fn an_object_is_turned_with_its_frame_and_mirrored_before_a_flip() {
        let objects = objects(&["phone"], 3);
        let plain = objects.everywhere(&both(), None);
        let turned = plain.get(0).rot90(-1, [1, 2]);
        assert!(largest(&turned - plain.get(1)) < 0.5);
        assert!(largest(plain.get(0) - plain.get(1)) > 50.0, "the test can fail");
        let flipped = objects.everywhere(&both(), Some(&Tensor::from_slice(&[true, false])));
        assert!(largest(flipped.get(0).flip([2]) - plain.get(0)) < 0.5);
        assert!(flipped.get(1).equal(&plain.get(1)));
    }

    #[test]
    fn of_regions_that_overlap_the_topmost_is_seen() {
        // The scarf comes first here, and lies over the mask all the same.
        let (scarf, mask) = (objects(&["scarf"], 3), objects(&["surgical_mask"], 3));
        let together = objects(&["scarf", "surgical_mask"], 3);
        let index = Tensor::from_slice(&[0i64]);
        let each = Tensor::zeros([1, 2, SIDE as i64, SIDE as i64], (Kind::Bool, Device::Cpu));
        // Rows from the top: neither, the scarf, the mask, both.
        for (region, rows) in [(0, [8, 24]), (1, [16, 24])] {
            for start in rows {
                let _ = each.select(1, region).narrow(1, start, 8).fill_(1.0);
            }
        }
        let found = together.topmost(&index, None, &each, None);
        let rows = |tensor: &Tensor, start: i64| tensor.narrow(2, start, 8);
        let scarf = scarf.everywhere(&index, None);
        let mask = mask.everywhere(&index, None);
        assert_eq!(largest(rows(&found, 0)), 0.0);
        assert!(rows(&found, 8).equal(&rows(&scarf, 8)));
        assert!(rows(&found, 16).equal(&rows(&mask, 16)));
        assert!(rows(&found, 24).equal(&rows(&scarf, 24)));
    }
}
