//! Occluders as objects, in a split's images.
//!
//! In: the occluders' polygons and the frames of the images. Out: the objects at every pixel, which a mask then confines.
//! Each region's objects are one texture in the canonical face frame ([`region::object`](crate::region::object)), sampled
//! at the places of an image's pixels, so that they lie in it, and bend where the map does, as its mask.

use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

use super::masks::Moves;
use crate::region::object::{self, Texture};
use crate::region::{Affine, Carry, FaceMap, Point, Polygon};

/// As libtorch numbers them.
const BILINEAR: i64 = 0;
const BORDER: i64 = 1;

/// Texels to a pixel's side, where the face frame is as large as the image: bilinear interpolation between them then
/// neither blurs nor leaves out.
const DENSITY: usize = 2;

/// A map that bends is known at so many places along each side of an image, and interpolated between them.
const NODES: usize = 17;

/// What carries the places of each image into the canonical face frame, both in fractions.
#[derive(Debug)]
enum Back {
    /// Affine maps, `[N, 6]`, f32.
    Affine(Tensor),
    /// At the nodes of a grid from border to border, x and y: `[N, 2, NODES, NODES]`, f32.
    Nodes(Tensor),
}

/// The objects of a split's images.
#[derive(Debug)]
pub struct Objects {
    back: Back,
    device: Device,
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
    /// Of images of a height, a width and this many channels, into which `maps` carry the canonical face frame. `regions`:
    /// the polygons of each region; where regions overlap the order of the occluders decides which is on top.
    ///
    /// # Panics
    /// Where a polygon is none of an occluder's: experiment files and specifications with such polygons are refused.
    pub fn new(
        regions: &[&[Polygon]],
        maps: &[FaceMap],
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
            back: Back::of(maps, device),
            device,
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
        Tensor::zeros(size, (Kind::Float, self.device))
    }

    /// The places of some images' pixels in the canonical face frame, x and y, each `[B, H, W]`.
    fn places(&self, index: &Tensor, flipped: Option<&Tensor>) -> [Tensor; 2] {
        let centres =
            |count: i64| (Tensor::arange(count, (Kind::Float, self.device)) + 0.5) / count as f64;
        let [x, y] = self.back.at(index, &centres(self.width), &centres(self.height));
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

impl Back {
    /// Of a map that has no inverse the canonical frame's: nothing of its image is masked.
    fn of(maps: &[FaceMap], device: Device) -> Back {
        if !maps.iter().any(Carry::bends) {
            let numbers = maps.iter().flat_map(|map| {
                let Affine { a, b, c, d, e, f } = map.frame().inverse().unwrap_or(Affine::IDENTITY);
                [a, b, c, d, e, f].map(|number| number as f32)
            });
            let numbers = Tensor::from_slice(&numbers.collect::<Vec<f32>>());
            return Back::Affine(numbers.view([-1, 6]).to_device(device));
        }
        let mut numbers = vec![0.0f32; maps.len() * 2 * NODES * NODES];
        let images = numbers.par_chunks_exact_mut(2 * NODES * NODES).zip(maps);
        images.for_each(|(numbers, map)| {
            let (across, down) = numbers.split_at_mut(NODES * NODES);
            for (node, (across, down)) in across.iter_mut().zip(down).enumerate() {
                let along = |node: usize| node as f64 / (NODES - 1) as f64;
                let place = Point { x: along(node % NODES), y: along(node / NODES) };
                let Point { x, y } = map.back(place).unwrap_or(place);
                (*across, *down) = (x as f32, y as f32);
            }
        });
        let size = [maps.len() as i64, 2, NODES as i64, NODES as i64];
        Back::Nodes(Tensor::from_slice(&numbers).view(size).to_device(device))
    }

    /// Places of some images, x and y, each `[B, H, W]`, from columns `[W]` and rows `[H]`.
    fn at(&self, index: &Tensor, columns: &Tensor, rows: &Tensor) -> [Tensor; 2] {
        match self {
            Back::Affine(maps) => {
                let maps = maps.index_select(0, index);
                let number = |place: i64| maps.select(1, place).view([-1, 1, 1]);
                let (u, v) = (columns.view([1, 1, -1]), rows.view([1, -1, 1]));
                let x = number(0) * &u + number(1) * &v + number(2);
                [x, number(3) * &u + number(4) * &v + number(5)]
            }
            Back::Nodes(nodes) => {
                let (height, width) = (rows.size()[0], columns.size()[0]);
                let whole = |places: &Tensor, size: [i64; 3]| {
                    (places * 2.0 - 1.0).view(size).expand([1, height, width], false)
                };
                let (u, v) = (whole(columns, [1, 1, width]), whole(rows, [1, height, 1]));
                let places = Tensor::stack(&[u, v], -1);
                let places = places.expand([index.size()[0], -1, -1, -1], false);
                let nodes = nodes.index_select(0, index);
                let both = nodes.grid_sampler(&places, BILINEAR, BORDER, true);
                [both.select(1, 0), both.select(1, 1)]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Regions;
    use crate::region::contour::CONTOUR_POINTS;

    const SIDE: usize = 32;
    const TURNED: Affine = Affine { a: 0.0, b: -1.0, c: 1.0, d: 1.0, e: 0.0, f: 0.0 };

    fn polygons(occluder: &str) -> Vec<Polygon> {
        Regions::aligned().get(occluder).unwrap().polygons.clone()
    }

    /// In an image that is the face frame, and in one that is turned clockwise by a quarter.
    fn objects(regions: &[&str], channels: usize) -> Objects {
        let regions: Vec<Vec<Polygon>> = regions.iter().map(|name| polygons(name)).collect();
        let regions: Vec<&[Polygon]> = regions.iter().map(Vec::as_slice).collect();
        let maps = [Affine::IDENTITY, TURNED].map(FaceMap::from);
        Objects::new(&regions, &maps, (SIDE, SIDE, channels), Device::Cpu)
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

    /// The mouth opens and the brows rise: a mask follows its parts, and the object with it.
    #[test]
    fn an_object_bends_with_the_map_of_its_mask() {
        let frame = Affine { a: 0.8, b: -0.1, c: 0.15, d: 0.1, e: 0.8, f: 0.05 };
        let contour = CONTOUR_POINTS.map(|point| {
            let (x, y) = point.canonical;
            let moved = if y > 0.8 {
                0.05
            } else if y < 0.3 {
                -0.03
            } else {
                0.0
            };
            frame.apply(Point { x, y: y + moved })
        });
        let bent = FaceMap::through(frame, &contour).unwrap();
        let maps = [bent.clone(), frame.into()];
        let back = Back::of(&maps, Device::Cpu);
        assert!(matches!(back, Back::Nodes(_)));
        let centres = (Tensor::arange(48, (Kind::Float, Device::Cpu)) + 0.5) / 48.0;
        let [x, y] = back.at(&both(), &centres, &centres);
        let mut errors = Vec::new();
        for (image, map) in (0..).zip(&maps) {
            for place in 0..48 * 48i64 {
                let (row, column) = (place / 48, place % 48);
                let at = |index: i64| (index as f64 + 0.5) / 48.0;
                let expected = map.back(Point { x: at(column), y: at(row) }).unwrap();
                let value = |tensor: &Tensor| tensor.double_value(&[image, row, column]);
                let error = expected.distance(Point { x: value(&x), y: value(&y) });
                // Between nodes an affine map is itself, and a side of two triangles is rounded off.
                assert!(error < if image == 0 { 0.02 } else { 1e-5 }, "{image} {row} {column}");
                errors.push(error);
            }
        }
        let mean = errors[..48 * 48].iter().sum::<f64>() / (48.0 * 48.0);
        assert!(mean < 0.002, "{mean}");
        // An unbent neighbour changes nothing.
        let alone = Back::of(&maps[1..], Device::Cpu);
        let [straight, _] = alone.at(&Tensor::from_slice(&[0i64]), &centres, &centres);
        assert!(largest(straight.get(0) - x.get(1)) < 1e-5);
    }
}
