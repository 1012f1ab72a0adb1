//! A face in lines, in the canonical face frame: what regions are drawn on where there is no picture.

use crate::region::Point;

/// Steps of a curve.
const STEPS: usize = 24;

/// The lines of the face, each from point to point. Its eyes, nose and mouth lie where the canonical
/// landmarks do, so that the atlas covers them.
pub fn lines() -> Vec<Vec<Point>> {
    let mut lines = vec![head()];
    let mut both_sides = |line: Vec<Point>| {
        lines.push(line.iter().map(|point| Point { x: 1.0 - point.x, y: point.y }).collect());
        lines.push(line);
    };
    // An eye: the upper lid, the lower lid, the iris.
    both_sides(curve((0.245, 0.390), (0.320, 0.322), (0.395, 0.392)));
    both_sides(curve((0.245, 0.390), (0.320, 0.440), (0.395, 0.392)));
    both_sides(circle((0.320, 0.385), 0.026));
    both_sides(curve((0.205, 0.290), (0.300, 0.225), (0.420, 0.270)));
    // Half of the nose: a side of its bridge, and a wing.
    both_sides(curve((0.462, 0.420), (0.468, 0.520), (0.440, 0.585)));
    both_sides(curve((0.440, 0.585), (0.440, 0.650), (0.500, 0.640)));
    // Half of a closed mouth: upper lip, the line between the lips, lower lip.
    both_sides(curve((0.355, 0.765), (0.440, 0.715), (0.500, 0.738)));
    both_sides(curve((0.355, 0.765), (0.440, 0.775), (0.500, 0.768)));
    both_sides(curve((0.355, 0.765), (0.430, 0.832), (0.500, 0.825)));
    lines
}

/// An ellipse that narrows towards the chin.
fn head() -> Vec<Point> {
    around(|angle| {
        let y = 0.5 - 0.48 * angle.cos();
        let below = ((y - 0.5) / 0.48).max(0.0);
        Point { x: 0.5 + 0.41 * (1.0 - 0.2 * below * below) * angle.sin(), y }
    })
}

fn circle((x, y): (f64, f64), radius: f64) -> Vec<Point> {
    around(|angle| Point { x: x + radius * angle.sin(), y: y - radius * angle.cos() })
}

fn around(point: impl Fn(f64) -> Point) -> Vec<Point> {
    let steps = 3 * STEPS;
    (0..=steps).map(|step| point(step as f64 / steps as f64 * std::f64::consts::TAU)).collect()
}

/// A quadratic Bézier curve.
fn curve(from: (f64, f64), towards: (f64, f64), to: (f64, f64)) -> Vec<Point> {
    let at = |share: f64| {
        let (a, b, c) = ((1.0 - share).powi(2), 2.0 * share * (1.0 - share), share * share);
        Point { x: a * from.0 + b * towards.0 + c * to.0, y: a * from.1 + b * towards.1 + c * to.1 }
    };
    (0..=STEPS).map(|step| at(step as f64 / STEPS as f64)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Regions;

    #[test]
    fn the_atlas_covers_what_its_names_say() {
        let lines = lines();
        let regions = Regions::aligned();
        let within = |name: &str, lines: &[Vec<Point>]| {
            let polygons = &regions.get(name).unwrap().polygons;
            lines
                .iter()
                .flatten()
                .all(|&point| polygons.iter().any(|polygon| polygon.contains(point)))
        };
        assert!(within("eyes", &lines[1..7]));
        assert!(within("brows", &lines[7..9]));
        assert!(within("nose", &lines[9..13]));
        assert!(within("mouth", &lines[13..19]));
        assert_eq!(lines.len(), 19);
        let frame =
            |point: &Point| (0.0..=1.0).contains(&point.x) && (0.0..=1.0).contains(&point.y);
        assert!(lines.iter().flatten().all(frame));
    }
}
