//! Overlaps of polygons and their area.

use super::geometry::{crossing, crossing_at};
use super::{Point, Polygon};

/// An overlap of a smaller area than this is rounding, as along a shared side.
const NO_AREA: f64 = 1e-9;

impl Polygon {
    /// Whether the insides of the two meet; a shared corner or side does not count, nor does an overlap
    /// of less than a billionth of the face frame.
    pub fn overlaps(&self, other: &Polygon) -> bool {
        self.overlap_area(other) > NO_AREA
    }

    /// The area that lies inside both.
    pub fn overlap_area(&self, other: &Polygon) -> f64 {
        let ((low, high), (other_low, other_high)) = (self.bounds(), other.bounds());
        if low.x >= other_high.x
            || other_low.x >= high.x
            || low.y >= other_high.y
            || other_low.y >= high.y
        {
            return 0.0;
        }
        slabs(&[self, other])
            .map(|(y, thickness)| {
                let mut shared = 0.0;
                for (from, to) in self.spans(y) {
                    for (other_from, other_to) in other.spans(y) {
                        shared += (to.min(other_to) - from.max(other_from)).max(0.0);
                    }
                }
                shared * thickness
            })
            .sum()
    }

    /// The stretches of the horizontal line at `y` that lie inside, from left to right.
    fn spans(&self, y: f64) -> Vec<(f64, f64)> {
        let mut crossings: Vec<f64> =
            self.sides().filter_map(|side| crossing_at(side, y)).collect();
        crossings.sort_by(f64::total_cmp);
        crossings.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    }
}

/// The area that lies inside any of the polygons, which may overlap.
pub fn union_area(polygons: &[Polygon]) -> f64 {
    let all: Vec<&Polygon> = polygons.iter().collect();
    slabs(&all)
        .map(|(y, thickness)| {
            let mut spans: Vec<(f64, f64)> =
                all.iter().flat_map(|polygon| polygon.spans(y)).collect();
            spans.sort_by(|one, other| one.0.total_cmp(&other.0));
            let (mut length, mut reached) = (0.0, f64::NEG_INFINITY);
            for (from, to) in spans {
                length += (to - from.max(reached)).max(0.0);
                reached = reached.max(to);
            }
            length * thickness
        })
        .sum()
}

/// The share of the canonical face frame that lies inside any of the polygons, which may extend beyond it.
pub fn area_in_frame(polygons: &[Polygon]) -> f64 {
    let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
    let corners = corners.map(|(x, y)| Point { x, y }).to_vec();
    let frame = Polygon::new(corners).expect("the frame is a square");
    let with_frame: Vec<Polygon> = polygons.iter().cloned().chain([frame]).collect();
    union_area(polygons) + 1.0 - union_area(&with_frame)
}

/// The plane cut into horizontal slabs at every corner and every crossing of sides, as (middle,
/// thickness). Within a slab no side begins, ends or meets another, so every stretch between two sides
/// is a trapezium, and its width at the middle times the thickness is its area, exactly.
fn slabs(polygons: &[&Polygon]) -> impl Iterator<Item = (f64, f64)> + use<> {
    let sides: Vec<(Point, Point)> = polygons.iter().flat_map(|polygon| polygon.sides()).collect();
    let mut levels: Vec<f64> = sides.iter().map(|(from, _)| from.y).collect();
    for (index, &one) in sides.iter().enumerate() {
        levels.extend(sides[index + 1..].iter().filter_map(|&other| Some(crossing(one, other)?.y)));
    }
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    let pairs = levels.into_iter().scan(None, |previous, level| {
        let from = previous.replace(level);
        Some(from.map(|from: f64| ((from + level) / 2.0, level - from)))
    });
    pairs.flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::region::geometry::tests::{polygon, star};

    fn square(x: f64, y: f64, size: f64) -> Polygon {
        polygon(&[(x, y), (x + size, y), (x + size, y + size), (x, y + size)])
    }

    #[test]
    fn overlap_of_known_shapes() {
        let one = square(0.0, 0.0, 0.2);
        assert!(!one.overlaps(&square(0.2, 0.0, 0.2)), "a shared side is no overlap");
        assert!(!one.overlaps(&square(0.2, 0.2, 0.2)), "a shared corner is no overlap");
        assert!((one.overlap_area(&square(0.1, 0.1, 0.2)) - 0.01).abs() < 1e-15);
        assert!(
            (one.overlap_area(&one) - 0.04).abs() < 1e-15,
            "equal shapes overlap, though no side crosses"
        );
        assert!(
            (one.overlap_area(&square(0.05, 0.05, 0.1)) - 0.01).abs() < 1e-15,
            "one within the other"
        );
        // A bar in the notch of a U: their bounds overlap, they do not.
        let notched = [
            (0.0, 0.0),
            (0.1, 0.0),
            (0.1, 0.2),
            (0.3, 0.2),
            (0.3, 0.0),
            (0.4, 0.0),
            (0.4, 0.3),
            (0.0, 0.3),
        ];
        assert!(!polygon(&notched).overlaps(&square(0.1, 0.0, 0.2)));
        assert!(polygon(&notched).overlaps(&square(0.1, 0.01, 0.2)));
    }

    #[test]
    fn a_union_counts_overlaps_once() {
        assert_eq!(union_area(&[]), 0.0);
        let area =
            union_area(&[square(0.0, 0.0, 0.2), square(0.1, 0.1, 0.2), square(0.5, 0.0, 0.1)]);
        assert!((area - 0.08).abs() < 1e-15, "{area}");
    }

    proptest! {
        #[test]
        fn union_overlap_and_areas_agree(one in star(), other in star()) {
            let sum = one.area() + other.area() - one.overlap_area(&other);
            prop_assert!((union_area(&[one.clone(), other.clone()]) - sum).abs() < 1e-12);
            prop_assert!((one.overlap_area(&other) - other.overlap_area(&one)).abs() < 1e-12);
            prop_assert!((one.overlap_area(&one) - one.area()).abs() < 1e-12);
        }

        #[test]
        fn overlap_agrees_with_counting_points(one in star(), other in star()) {
            let side = 200;
            let centres = (0..side * side).map(|index| Point {
                x: (f64::from(index % side) + 0.5) / f64::from(side),
                y: (f64::from(index / side) + 0.5) / f64::from(side),
            });
            let both = centres.filter(|&centre| one.contains(centre) && other.contains(centre)).count();
            let counted = both as f64 / f64::from(side * side);
            prop_assert!((one.overlap_area(&other) - counted).abs() < 0.01);
        }
    }
}
