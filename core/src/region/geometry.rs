//! Points and polygons in the plane.
//!
//! Everything that this project draws on a face is a polygon in the canonical face frame. Polygons are validated here
//! once, so that no later code has to handle crossing sides.

use serde::{Deserialize, Serialize};

use super::Affine;

/// A point; in the canonical face frame and in images, x and y run from 0 to 1 from the top left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// A simple polygon: at least three corners, finite, with an area, no side crossing or touching
/// another. The corners may run either way round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<[f64; 2]>", into = "Vec<[f64; 2]>")]
pub struct Polygon {
    points: Vec<Point>,
}

/// Why a list of points is no polygon. Corners and sides count from 1; side n runs from corner n to
/// the next one, the last side back to corner 1.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PolygonError {
    #[error("a polygon needs at least 3 corners, this one has {0}")]
    TooFewCorners(usize),
    #[error("a polygon can have {most} corners, this one has {0}", most = Polygon::MOST_CORNERS)]
    TooManyCorners(usize),
    #[error("corner {corner} is ({x}, {y}): both numbers must be finite")]
    NotFinite { corner: usize, x: f64, y: f64 },
    #[error(
        "corner {corner} is ({x}, {y}), far outside of the face: x and y are fractions of the face \
         frame, 0 to 1 from the top left, and may reach from -0.5 to 1.5"
    )]
    FarOutside { corner: usize, x: f64, y: f64 },
    #[error(
        "corners {first} and {second} are the same point, ({x}, {y}): leave one out (the outline \
         closes by itself)"
    )]
    RepeatedCorner { first: usize, second: usize, x: f64, y: f64 },
    #[error(
        "sides {first} and {second} cross near ({x:.3}, {y:.3}): list the corners in their order \
         around the outline, or split it into several polygons"
    )]
    Crossing { first: usize, second: usize, x: f64, y: f64 },
    #[error(
        "sides {first} and {second} touch near ({x:.3}, {y:.3}): an outline may meet itself nowhere; \
         move a corner, or split it into several polygons"
    )]
    Touching { first: usize, second: usize, x: f64, y: f64 },
    #[error("the corners lie on one line, so the polygon has no area")]
    NoArea,
}

/// Points nearer than this count as one. Far under a pixel's width, far over the rounding of decimals.
const NEAR: f64 = 1e-9;

impl TryFrom<Vec<[f64; 2]>> for Polygon {
    type Error = PolygonError;

    fn try_from(corners: Vec<[f64; 2]>) -> Result<Polygon, PolygonError> {
        Polygon::new(corners.into_iter().map(|[x, y]| Point { x, y }).collect())
    }
}

impl From<Polygon> for Vec<[f64; 2]> {
    fn from(polygon: Polygon) -> Vec<[f64; 2]> {
        polygon.points.iter().map(|point| [point.x, point.y]).collect()
    }
}

/// Polygons mirrored left to right; `None` if that is the same.
pub fn mirrored(polygons: &[Polygon]) -> Option<Vec<Polygon>> {
    let mirrored: Vec<Polygon> = polygons.iter().map(Polygon::mirrored).collect();
    let there = |polygon: &Polygon| polygons.iter().any(|other| polygon.same_corners(other));
    if mirrored.iter().all(there) { None } else { Some(mirrored) }
}

impl Polygon {
    /// The maximum distance of a corner from the unit square: half its width on either side.
    const REACH: std::ops::RangeInclusive<f64> = -0.5..=1.5;

    /// The check compares every side with every other.
    const MOST_CORNERS: usize = 2000;

    /// Checks the corners, in their order around the outline; the first flaw found is the error.
    pub fn new(points: Vec<Point>) -> Result<Polygon, PolygonError> {
        if points.len() < 3 {
            return Err(PolygonError::TooFewCorners(points.len()));
        }
        if points.len() > Self::MOST_CORNERS {
            return Err(PolygonError::TooManyCorners(points.len()));
        }
        for (index, &Point { x, y }) in points.iter().enumerate() {
            let corner = index + 1;
            if !(x.is_finite() && y.is_finite()) {
                return Err(PolygonError::NotFinite { corner, x, y });
            }
            if !(Self::REACH.contains(&x) && Self::REACH.contains(&y)) {
                return Err(PolygonError::FarOutside { corner, x, y });
            }
        }
        let polygon = Polygon { points };
        polygon.check_corners()?;
        polygon.check_sides()?;
        Ok(polygon)
    }

    /// The polygon mirrored left to right.
    pub fn mirrored(&self) -> Polygon {
        let mirrored = |point: &Point| Point { x: 1.0 - point.x, y: point.y };
        Polygon { points: self.points.iter().map(mirrored).collect() }
    }

    /// Whether two polygons have the same corners, to rounding, whichever comes first and whichever way
    /// round they run.
    fn same_corners(&self, other: &Polygon) -> bool {
        let near = |point: &Point| other.points.iter().any(|corner| point.distance(*corner) < NEAR);
        self.points.len() == other.points.len() && self.points.iter().all(near)
    }

    fn check_corners(&self) -> Result<(), PolygonError> {
        for (index, (from, to)) in self.sides().enumerate() {
            if from.distance(to) < NEAR {
                let (first, second) = (index + 1, (index + 1) % self.points.len() + 1);
                let (first, second) = (first.min(second), first.max(second));
                return Err(PolygonError::RepeatedCorner { first, second, x: to.x, y: to.y });
            }
        }
        let origin = self.points[0];
        let far = self.points.iter().copied().fold(origin, |far, point| {
            if point.distance(origin) > far.distance(origin) { point } else { far }
        });
        let off_line =
            |point: &Point| cross(origin, far, *point).abs() >= NEAR * far.distance(origin);
        if self.points.iter().any(off_line) { Ok(()) } else { Err(PolygonError::NoArea) }
    }

    fn check_sides(&self) -> Result<(), PolygonError> {
        let sides: Vec<(Point, Point)> = self.sides().collect();
        let count = sides.len();
        for first in 0..count {
            for second in first + 1..count {
                let (one, other) = (sides[first], sides[second]);
                let meeting = if second == first + 1 {
                    fold(one.0, one.1, other.1)
                } else if first == 0 && second == count - 1 {
                    fold(other.0, other.1, one.1)
                } else if let Some(Point { x, y }) = crossing(one, other) {
                    return Err(PolygonError::Crossing {
                        first: first + 1,
                        second: second + 1,
                        x,
                        y,
                    });
                } else {
                    touch(one, other)
                };
                if let Some(Point { x, y }) = meeting {
                    return Err(PolygonError::Touching {
                        first: first + 1,
                        second: second + 1,
                        x,
                        y,
                    });
                }
            }
        }
        Ok(())
    }

    /// The corners in their order around the outline.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The sides, from corner to corner, the last one back to the first corner.
    pub fn sides(&self) -> impl Iterator<Item = (Point, Point)> + '_ {
        let next = self.points.iter().cycle().skip(1);
        self.points.iter().copied().zip(next.copied())
    }

    /// The corners of the smallest upright rectangle around it: top left, bottom right.
    pub fn bounds(&self) -> (Point, Point) {
        bounds(std::slice::from_ref(self)).expect("a polygon has corners")
    }

    /// The enclosed area; the unit square has area 1.
    pub fn area(&self) -> f64 {
        self.signed_area().abs()
    }

    /// Half the sum of the cross products of neighbouring corners (the shoelace formula), taken
    /// relative to the first corner so that nothing is lost to cancellation.
    fn signed_area(&self) -> f64 {
        let origin = self.points[0];
        self.sides().map(|(from, to)| cross(origin, from, to)).sum::<f64>() / 2.0
    }

    pub fn translate(&self, dx: f64, dy: f64) -> Polygon {
        self.map(&Affine { c: dx, f: dy, ..Affine::IDENTITY })
    }

    /// Every corner carried by the map; the result may lie anywhere in the plane. A map that cannot be
    /// inverted flattens the polygon.
    pub fn map(&self, affine: &Affine) -> Polygon {
        Polygon { points: self.points.iter().map(|&point| affine.apply(point)).collect() }
    }

    /// Whether the point lies inside. A point on an outline belongs to one of two polygons that share
    /// it: the one below, or to the right of it.
    pub fn contains(&self, point: Point) -> bool {
        let left =
            self.sides().filter_map(|side| crossing_at(side, point.y)).filter(|&x| x <= point.x);
        left.count() % 2 == 1
    }
}

/// The corners of the smallest upright rectangle around all polygons; `None` where there are none.
pub fn bounds(polygons: &[Polygon]) -> Option<(Point, Point)> {
    let points = polygons.iter().flat_map(|polygon| polygon.points.iter().copied());
    points.map(|point| (point, point)).reduce(|(low, high), (point, _)| {
        (
            Point { x: low.x.min(point.x), y: low.y.min(point.y) },
            Point { x: high.x.max(point.x), y: high.y.max(point.y) },
        )
    })
}

impl Point {
    pub fn distance(self, other: Point) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

/// Twice the signed area of a triangle; its sign says on which side of the line `a`→`b` the point lies.
fn cross(a: Point, b: Point, point: Point) -> f64 {
    (b.x - a.x) * (point.y - a.y) - (b.y - a.y) * (point.x - a.x)
}

/// Where a side meets the horizontal line at `y`: none where it lies above or below, and none where it
/// is horizontal. A side holds its upper end and not its lower one, so that a line through a corner
/// counts it once; and it is always followed from its upper end, so that two polygons which share a
/// side agree on the last bit.
pub(super) fn crossing_at((from, to): (Point, Point), y: f64) -> Option<f64> {
    let (upper, lower) = if from.y <= to.y { (from, to) } else { (to, from) };
    let meets = upper.y <= y && y < lower.y;
    meets.then(|| upper.x + (y - upper.y) * (lower.x - upper.x) / (lower.y - upper.y))
}

/// Where two sides cross, each passing from one side of the other to its other side.
pub(super) fn crossing((a, b): (Point, Point), (c, d): (Point, Point)) -> Option<Point> {
    let (of_a, of_b) = (cross(c, d, a), cross(c, d, b));
    let (of_c, of_d) = (cross(a, b, c), cross(a, b, d));
    if of_a * of_b >= 0.0 || of_c * of_d >= 0.0 {
        return None;
    }
    let share = of_a / (of_a - of_b);
    Some(Point { x: a.x + share * (b.x - a.x), y: a.y + share * (b.y - a.y) })
}

/// An end of one of two sides that lies on the other.
fn touch(one: (Point, Point), other: (Point, Point)) -> Option<Point> {
    let of_one = [one.0, one.1].into_iter().find(|&end| distance_to(end, other) < NEAR);
    of_one.or_else(|| [other.0, other.1].into_iter().find(|&end| distance_to(end, one) < NEAR))
}

/// Whether two sides that meet at `corner` fold back onto each other there.
fn fold(before: Point, corner: Point, after: Point) -> Option<Point> {
    let folded =
        distance_to(before, (corner, after)) < NEAR || distance_to(after, (before, corner)) < NEAR;
    folded.then_some(corner)
}

/// From a point to the nearest point of a side.
pub(super) fn distance_to(point: Point, (from, to): (Point, Point)) -> f64 {
    let (x, y) = (to.x - from.x, to.y - from.y);
    let along = ((point.x - from.x) * x + (point.y - from.y) * y) / (x * x + y * y);
    let along = along.clamp(0.0, 1.0);
    point.distance(Point { x: from.x + along * x, y: from.y + along * y })
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub fn polygon(corners: &[(f64, f64)]) -> Polygon {
        Polygon::new(points(corners)).unwrap()
    }

    fn points(corners: &[(f64, f64)]) -> Vec<Point> {
        corners.iter().map(|&(x, y)| Point { x, y }).collect()
    }

    fn refusal(corners: &[(f64, f64)]) -> String {
        Polygon::new(points(corners)).unwrap_err().to_string()
    }

    /// A star around a centre: simple whatever the radii, and concave for most of them.
    pub fn star() -> impl Strategy<Value = Polygon> {
        let radii = prop::collection::vec(0.05..0.4, 3..12);
        (radii, 0.4..0.6, 0.4..0.6, 0.0..1.0).prop_map(
            |(radii, x, y, turn): (Vec<f64>, f64, f64, f64)| {
                let count = radii.len() as f64;
                let corner = |(index, radius): (usize, &f64)| {
                    let angle = std::f64::consts::TAU * (index as f64 + turn) / count;
                    (x + radius * angle.cos(), y + radius * angle.sin())
                };
                polygon(&radii.iter().enumerate().map(corner).collect::<Vec<_>>())
            },
        )
    }

    #[test]
    fn each_flaw_is_named_with_its_place() {
        assert_eq!(
            refusal(&[(0.1, 0.1), (0.2, 0.2)]),
            "a polygon needs at least 3 corners, this one has 2"
        );
        let message = refusal(&[(0.1, 0.1), (f64::NAN, 0.2), (0.3, 0.1)]);
        assert_eq!(message, "corner 2 is (NaN, 0.2): both numbers must be finite");
        let message = refusal(&[(0.1, 0.1), (0.5, 0.2), (30.0, 0.1)]);
        assert!(message.starts_with("corner 3 is (30, 0.1), far outside of the face"), "{message}");
        let message = refusal(&[(0.1, 0.1), (0.5, 0.2), (0.5, 0.2), (0.3, 0.9)]);
        assert!(message.starts_with("corners 2 and 3 are the same point, (0.5, 0.2)"), "{message}");
        let message = refusal(&[(0.1, 0.1), (0.5, 0.2), (0.3, 0.9), (0.1, 0.1)]);
        assert!(message.starts_with("corners 1 and 4 are the same point"), "{message}");
        let message = refusal(&[(0.1, 0.1), (0.3, 0.3), (0.7, 0.7), (0.5, 0.5)]);
        assert_eq!(message, "the corners lie on one line, so the polygon has no area");
    }

    #[test]
    fn an_outline_that_touches_itself_is_refused() {
        // A bow tie, whose two halves cancel in the shoelace formula.
        let message = refusal(&[(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)]);
        assert!(message.starts_with("sides 1 and 3 cross near (0.500, 0.500)"), "{message}");
        // Corner 5 lies on side 1.
        let message = refusal(&[
            (0.0, 0.0),
            (1.0, 0.0),
            (1.0, 1.0),
            (0.6, 1.0),
            (0.5, 0.0),
            (0.4, 1.0),
            (0.0, 1.0),
        ]);
        assert!(message.starts_with("sides 1 and 4 touch near (0.500, 0.000)"), "{message}");
        // A spike: the outline goes to corner 2 and comes back the same way.
        let message = refusal(&[(0.0, 0.0), (0.9, 0.0), (0.5, 0.0), (0.5, 0.5)]);
        assert!(message.starts_with("sides 1 and 2 touch near (0.900, 0.000)"), "{message}");
        // A spike at corner 1.
        let message = refusal(&[(0.9, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5), (0.0, 0.0)]);
        assert!(message.starts_with("sides 1 and 5 touch near (0.900, 0.000)"), "{message}");
    }

    #[test]
    fn a_corner_on_a_straight_line_is_allowed() {
        let with_corner = polygon(&[(0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]);
        assert_eq!(with_corner.area(), 1.0);
    }

    #[test]
    fn areas_of_known_shapes() {
        let triangle = polygon(&[(0.0, 0.0), (0.6, 0.0), (0.0, 0.3)]);
        assert!((triangle.area() - 0.09).abs() < 1e-15);
        // An L of three unit squares a tenth wide, the other way round.
        let corner =
            polygon(&[(0.0, 0.0), (0.0, 0.2), (0.2, 0.2), (0.2, 0.1), (0.1, 0.1), (0.1, 0.0)]);
        assert!((corner.area() - 0.03).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn a_shift_keeps_the_area(shape in star(), dx in -0.5..0.5, dy in -0.5..0.5) {
            let moved = shape.translate(dx, dy);
            prop_assert!((moved.area() - shape.area()).abs() < 1e-12);
        }
    }
}
