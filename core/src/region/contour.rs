//! The points of a face that its parts lie between, and the map that follows them.
//!
//! The five landmarks carry the face frame into an image by a similarity: a mask lies where the part lies in a face of
//! mean proportions. With the 26 points of a [`Contour`] a region follows its part instead: the plane is divided into
//! triangles between the points, as they lie in the mean face, and each triangle is carried into the image by its own
//! affine map (Goshtasby 1986, Pattern Recognition 19(6): 459–466). Places and shapes of masks then depend on the
//! expression.

use std::sync::{LazyLock, OnceLock};

use spade::{DelaunayTriangulation, HasPosition, Point2, Triangulation};

use super::{Affine, Point, Polygon};

/// How many points a contour has.
pub const CONTOUR: usize = 26;

/// Points of a face in [`CONTOUR_POINTS`]' order, in fractions of an image's width and height.
pub type Contour = [Point; CONTOUR];

/// A point of a contour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContourPoint {
    /// Its number among iBUG's 68 (Sagonas et al. 2013), from 0.
    pub ibug: usize,
    /// Its number in MediaPipe's mesh of 468 or 478, from 0.
    pub mesh: usize,
    /// Where it lies in the canonical face frame, in the mean over 1,757 faces of FER+ and over both sides
    /// of the face (`contour_points_in_the_mean` in `dataset/found.rs`).
    pub canonical: (f64, f64),
}

const fn point(ibug: usize, mesh: usize, x: f64, y: f64) -> ContourPoint {
    ContourPoint { ibug, mesh, canonical: (x, y) }
}

/// The outline of the cheeks and the jaw, the brows, the nose, the corners of the eyes, and the mouth. The lids are none of
/// them: when an eye closes, the triangles between them vanish.
pub const CONTOUR_POINTS: [ContourPoint; CONTOUR] = [
    point(2, 93, 0.115, 0.525),
    point(4, 172, 0.187, 0.786),
    point(6, 149, 0.322, 0.930),
    point(8, 152, 0.500, 0.990),
    point(10, 378, 0.678, 0.930),
    point(12, 397, 0.813, 0.786),
    point(14, 323, 0.885, 0.525),
    point(17, 70, 0.176, 0.289),
    point(19, 105, 0.261, 0.248),
    point(21, 107, 0.414, 0.269),
    point(22, 336, 0.586, 0.269),
    point(24, 334, 0.739, 0.248),
    point(26, 300, 0.824, 0.289),
    point(27, 168, 0.500, 0.371),
    point(30, 4, 0.500, 0.579),
    point(31, 98, 0.408, 0.630),
    point(33, 2, 0.500, 0.644),
    point(35, 327, 0.592, 0.630),
    point(36, 33, 0.248, 0.381),
    point(39, 133, 0.399, 0.393),
    point(42, 362, 0.601, 0.393),
    point(45, 263, 0.752, 0.381),
    point(48, 61, 0.355, 0.765),
    point(51, 0, 0.500, 0.724),
    point(54, 291, 0.645, 0.765),
    point(57, 17, 0.500, 0.851),
];

/// Around the face frame, the points that the similarity carries: from this square outward the map is the similarity.
const BORDER: [(f64, f64); 8] = [
    (-0.5, -0.5),
    (0.5, -0.5),
    (1.5, -0.5),
    (1.5, 0.5),
    (1.5, 1.5),
    (0.5, 1.5),
    (-0.5, 1.5),
    (-0.5, 0.5),
];

/// A polygon's sides are divided into pieces no longer than this share of the frame, which the map bends.
const PIECE: f64 = 0.02;

/// A corner of the triangulation: its place, and its number, those of the border after those of the contour.
#[derive(Debug, Clone, Copy)]
struct Corner {
    place: Point,
    number: usize,
}

impl HasPosition for Corner {
    type Scalar = f64;

    fn position(&self) -> Point2<f64> {
        Point2::new(self.place.x, self.place.y)
    }
}

/// Delaunay's triangulation of the mean face and the border.
static MEAN_FACE: LazyLock<DelaunayTriangulation<Corner>> = LazyLock::new(|| {
    let places = CONTOUR_POINTS.iter().map(|point| point.canonical).chain(BORDER);
    let mut triangles = DelaunayTriangulation::new();
    for (number, (x, y)) in places.enumerate() {
        let corner = Corner { place: Point { x, y }, number };
        triangles.insert(corner).expect("places are finite");
    }
    triangles
});

/// A point of the plane by the triangle that it lies in; one outside of the border by itself.
#[derive(Debug, Clone, Copy)]
enum Anchored {
    Within { corners: [usize; 3], weights: [f64; 3] },
    Outside(Point),
}

impl Anchored {
    fn of(place: Point) -> Anchored {
        match triangle_at(place, |corner| corner.place) {
            Some((corners, weights)) => {
                Anchored::Within { corners: corners.map(|corner| corner.number), weights }
            }
            None => Anchored::Outside(place),
        }
    }
}

/// The corners of the triangle that a place lies in, where they lie `at` such places, and their shares in it; `None`
/// outside of all triangles.
fn triangle_at(place: Point, at: impl Fn(&Corner) -> Point) -> Option<([Corner; 3], [f64; 3])> {
    MEAN_FACE.inner_faces().find_map(|face| {
        let corners = face.vertices().map(|vertex| *vertex.data());
        Some((corners, weights(place, corners.map(|corner| at(&corner)))?))
    })
}

/// The mean of three points by their shares.
fn weighted(points: [Point; 3], weights: [f64; 3]) -> Point {
    let mut sum = Point { x: 0.0, y: 0.0 };
    for (point, weight) in points.into_iter().zip(weights) {
        sum.x += weight * point.x;
        sum.y += weight * point.y;
    }
    sum
}

/// The map from the canonical face frame into an image.
#[derive(Debug, Clone, PartialEq)]
pub struct FaceMap {
    frame: Affine,
    /// The images of the triangulation's corners.
    corners: Option<Box<[Point; CONTOUR + BORDER.len()]>>,
}

impl From<Affine> for FaceMap {
    fn from(frame: Affine) -> FaceMap {
        FaceMap { frame, corners: None }
    }
}

impl FaceMap {
    pub const IDENTITY: FaceMap = FaceMap { frame: Affine::IDENTITY, corners: None };

    /// The map that carries each point of the mean face to that of `contour`, and what is far from the face by `frame`.
    /// `None` where it would fold: where a triangle comes out turned over, as in a face that looks aside.
    pub fn through(frame: Affine, contour: &Contour) -> Option<FaceMap> {
        let mut corners = [Point { x: 0.0, y: 0.0 }; CONTOUR + BORDER.len()];
        corners[..CONTOUR].copy_from_slice(contour);
        for (corner, (x, y)) in corners[CONTOUR..].iter_mut().zip(BORDER) {
            *corner = frame.apply(Point { x, y });
        }
        // An image is never a mirror image of the frame.
        let is_upright = MEAN_FACE.inner_faces().all(|face| {
            let vertices = face.vertices();
            let mean = turn(vertices.map(|vertex| vertex.data().place));
            let here = turn(vertices.map(|vertex| corners[vertex.data().number]));
            here * mean > 0.0
        });
        is_upright.then(|| FaceMap { frame, corners: Some(Box::new(corners)) })
    }

    /// The similarity of the five landmarks.
    pub fn frame(&self) -> &Affine {
        &self.frame
    }

    /// Where a point of the face frame lies in the image.
    pub fn apply(&self, point: Point) -> Point {
        match self.bends() {
            true => self.place(&Anchored::of(point)),
            false => self.frame.apply(point),
        }
    }

    /// Which point of the face frame lies at a place of the image: [`FaceMap::apply`]'s inverse. `None` where the map has
    /// none.
    pub fn back(&self, place: Point) -> Option<Point> {
        let through = |places: &[Point; CONTOUR + BORDER.len()]| {
            let (corners, weights) = triangle_at(place, |corner| places[corner.number])?;
            Some(weighted(corners.map(|corner| corner.place), weights))
        };
        let within = self.corners.as_deref().and_then(through);
        within.or_else(|| Some(self.frame.inverse()?.apply(place)))
    }

    fn place(&self, anchored: &Anchored) -> Point {
        match (anchored, &self.corners) {
            (Anchored::Within { corners, weights }, Some(places)) => {
                weighted(corners.map(|corner| places[corner]), *weights)
            }
            (Anchored::Outside(point), _) => self.frame.apply(*point),
            (Anchored::Within { .. }, None) => unreachable!("only a map that bends has anchors"),
        }
    }
}

/// The shares of a triangle's corners in a point; `None` of a point outside of it.
fn weights(point: Point, [a, b, c]: [Point; 3]) -> Option<[f64; 3]> {
    let whole = turn([a, b, c]);
    let weights = [[point, b, c], [a, point, c], [a, b, point]].map(|part| turn(part) / whole);
    // A point on a side between two triangles is in both.
    weights.iter().all(|weight| *weight >= -1e-9).then_some(weights)
}

/// Twice the signed area of a triangle.
fn turn([a, b, c]: [Point; 3]) -> f64 {
    (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
}

/// Polygons of the face frame that are carried into many images.
#[derive(Debug)]
pub struct Outlines<'a> {
    polygons: &'a [Polygon],
    /// Along each polygon, in small pieces; made when a map that bends first needs them.
    anchored: OnceLock<Vec<Vec<Anchored>>>,
}

impl<'a> Outlines<'a> {
    pub fn of(polygons: &'a [Polygon]) -> Outlines<'a> {
        Outlines { polygons, anchored: OnceLock::new() }
    }

    /// The number of polygons.
    pub fn count(&self) -> usize {
        self.polygons.len()
    }

    fn anchored(&self, polygon: usize) -> &[Anchored] {
        let all = || self.polygons.iter().map(anchored).collect();
        &self.anchored.get_or_init(all)[polygon]
    }
}

/// What carries polygons of the canonical face frame into an image.
pub trait Carry: Sync {
    /// Writes the corners of one of the polygons in the image, in fractions of its width and height, into `corners`.
    fn carry(&self, outlines: &Outlines<'_>, polygon: usize, corners: &mut Vec<Point>);

    /// Whether it bends straight lines, and changes one area more than another.
    fn bends(&self) -> bool;
}

impl Carry for Affine {
    fn carry(&self, outlines: &Outlines<'_>, polygon: usize, corners: &mut Vec<Point>) {
        corners.clear();
        let points = outlines.polygons[polygon].points().iter();
        corners.extend(points.map(|point| self.apply(*point)));
    }

    fn bends(&self) -> bool {
        false
    }
}

impl Carry for FaceMap {
    fn carry(&self, outlines: &Outlines<'_>, polygon: usize, corners: &mut Vec<Point>) {
        match self.bends() {
            true => {
                corners.clear();
                corners.extend(outlines.anchored(polygon).iter().map(|point| self.place(point)));
            }
            false => self.frame.carry(outlines, polygon, corners),
        }
    }

    fn bends(&self) -> bool {
        self.corners.is_some()
    }
}

/// The points along a polygon's sides.
fn anchored(polygon: &Polygon) -> Vec<Anchored> {
    let points = polygon.points();
    let next = points.iter().cycle().skip(1);
    let side = |(from, to): (&Point, &Point)| {
        let pieces = (from.distance(*to) / PIECE).ceil().max(1.0);
        let (from, to) = (*from, *to);
        (0..pieces as usize).map(move |piece| {
            let share = piece as f64 / pieces;
            Point { x: from.x + share * (to.x - from.x), y: from.y + share * (to.y - from.y) }
        })
    };
    points.iter().zip(next).flat_map(side).map(Anchored::of).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::region::mask::rasterise;
    use crate::region::{Landmark, Regions};

    /// Turned, smaller, moved.
    const FACE: Affine = Affine { a: 0.6, b: -0.2, c: 0.2, d: 0.2, e: 0.6, f: 0.05 };

    fn mean_face() -> Contour {
        CONTOUR_POINTS.map(|point| Point { x: point.canonical.0, y: point.canonical.1 })
    }

    fn carried(by: impl FnMut(Point) -> Point) -> Contour {
        mean_face().map(by)
    }

    fn number(ibug: usize) -> usize {
        CONTOUR_POINTS.iter().position(|point| point.ibug == ibug).unwrap()
    }

    #[test]
    fn points_stand_once_and_lie_as_in_a_face() {
        let at = |ibug: usize| mean_face()[number(ibug)];
        // An eye is the middle between its corners; the tip of the nose and the corners of the mouth are landmarks.
        let middle = |one: Point, other: Point| Point {
            x: 0.5 * (one.x + other.x),
            y: 0.5 * (one.y + other.y),
        };
        for (landmark, place) in [
            (Landmark::EyeLeft, middle(at(36), at(39))),
            (Landmark::EyeRight, middle(at(42), at(45))),
            (Landmark::MouthLeft, at(48)),
            (Landmark::MouthRight, at(54)),
        ] {
            assert!(place.distance(landmark.canonical()) < 0.03, "{landmark:?} at {place:?}");
        }
        for (left, right) in [(2, 14), (4, 12), (6, 10), (17, 26), (21, 22), (31, 35), (36, 45)] {
            let (left, right) = (at(left), at(right));
            assert!((left.x + right.x - 1.0).abs() < 1e-9 && (left.y - right.y).abs() < 1e-9);
            assert!(left.x < right.x);
        }
        assert!(at(27).y < at(30).y && at(30).y < at(51).y && at(57).y < at(8).y);
        for key in [|point: &ContourPoint| point.ibug, |point: &ContourPoint| point.mesh] {
            let mut numbers: Vec<usize> = CONTOUR_POINTS.iter().map(key).collect();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), CONTOUR);
        }
    }

    #[test]
    fn the_mean_face_is_carried_as_by_its_similarity() {
        let map = FaceMap::through(FACE, &carried(|point| FACE.apply(point))).unwrap();
        let atlas = Regions::aligned();
        for region in atlas.iter() {
            let mut masks = [vec![0; 64 * 48], vec![0; 64 * 48]];
            let outlines = Outlines::of(&region.polygons);
            rasterise(&outlines, &FACE, 64, 48, &mut masks[0]);
            rasterise(&outlines, &map, 64, 48, &mut masks[1]);
            let differing = masks[0].iter().zip(&masks[1]).filter(|(a, b)| a != b).count();
            // Rounding moves a centre over an outline.
            assert!(differing <= 1, "{}: {differing} pixels", region.name);
        }
    }

    #[test]
    fn a_region_follows_its_part() {
        let mut contour = carried(|point| FACE.apply(point));
        // The mouth opens: the lower lip and the chin move down by a tenth of the frame.
        let down = |point: &mut Point| *point = FACE.apply(Point { y: point.y + 0.1, ..*point });
        for ibug in [57, 8, 6, 10] {
            let place = number(ibug);
            contour[place] = mean_face()[place];
            down(&mut contour[place]);
        }
        let map = FaceMap::through(FACE, &contour).unwrap();
        for (place, point) in mean_face().into_iter().enumerate() {
            assert!(map.apply(point).distance(contour[place]) < 1e-12, "{place}");
        }
        let height = |region: &str| {
            let regions = Regions::aligned();
            let region = regions.iter().find(|known| known.name == region).unwrap();
            let mut mask = vec![0; 200 * 200];
            rasterise(&Outlines::of(&region.polygons), &map, 200, 200, &mut mask);
            let mut still = vec![0; 200 * 200];
            rasterise(&Outlines::of(&region.polygons), &FACE, 200, 200, &mut still);
            let count = |mask: &[u8]| mask.iter().filter(|masked| **masked == 1).count() as f64;
            count(&mask) / count(&still)
        };
        assert!(height("mouth") > 1.15, "{}", height("mouth"));
        assert!((height("brows") - 1.0).abs() < 0.01, "{}", height("brows"));
        assert!((height("eyes") - 1.0).abs() < 0.01, "{}", height("eyes"));
    }

    #[test]
    fn a_face_that_looks_aside_folds() {
        let mut contour = carried(|point| FACE.apply(point));
        // One side of the outline comes before the nose.
        for ibug in [2, 4] {
            contour[number(ibug)] = FACE.apply(Point { x: 0.55, y: 0.6 });
        }
        assert_eq!(FaceMap::through(FACE, &contour), None);
    }

    proptest! {
        /// Neighbours stay neighbours, within triangles and across their sides.
        #[test]
        fn the_map_is_continuous(
            (x, y) in (-0.7_f64..1.7, -0.7_f64..1.7),
            moves in proptest::collection::vec((-0.02_f64..0.02, -0.02_f64..0.02), CONTOUR),
        ) {
            let mut moves = moves.into_iter();
            let contour = carried(|point| {
                let (x, y) = moves.next().unwrap_or_default();
                FACE.apply(Point { x: point.x + x, y: point.y + y })
            });
            let map = FaceMap::through(FACE, &contour);
            prop_assume!(map.is_some());
            let map = map.unwrap();
            let here = map.apply(Point { x, y });
            let back = map.back(here).unwrap().distance(Point { x, y });
            prop_assert!(back < 1e-7, "{}", back);
            for (x, y) in [(x + 1e-6, y), (x, y + 1e-6)] {
                let moved = map.apply(Point { x, y }).distance(here);
                prop_assert!(moved < 1e-4, "{}", moved);
            }
        }
    }
}
