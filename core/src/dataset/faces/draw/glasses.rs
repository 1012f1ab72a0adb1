//! Glasses.

use super::super::identity::{Glasses, Person};
use super::canvas::{At, Canvas, Rgb, Side, ellipse, through};

pub fn draw(canvas: &mut Canvas, person: &Person, shape: Glasses) {
    let frame = Rgb(0.13, 0.11, 0.12);
    let middle = 18.4 + 0.5 * person.eye_distance;
    for side in Side::BOTH {
        let center = side.at(middle, 40.0);
        let (outer, inner) = match shape {
            Glasses::Round => (ellipse(center, (12.2, 10.4), 28), ellipse(center, (11.0, 9.3), 28)),
            Glasses::Square => (soft_square(center, 13.0, 9.4), soft_square(center, 11.7, 8.2)),
        };
        canvas.fill(&inner, Rgb(0.90, 0.95, 1.0), 0.10);
        // The rim is the area between the two outlines: out one way round, back the other.
        let mut rim = outer.clone();
        rim.push(outer[0]);
        rim.extend(inner.iter().rev().copied().chain([inner[inner.len() - 1]]));
        canvas.fill(&rim, frame, 0.92);
        let glare = [(-5.5, -5.6), (-2.6, -6.4), (-7.4, 1.6), (-8.6, -0.6)]
            .map(|(dx, dy)| (center.0 + dx, center.1 + dy));
        canvas.fill(&glare, Rgb(1.0, 1.0, 1.0), 0.20);
        let temple = [side.at(middle + 11.5, 38.0), side.at(person.cheek_width + 2.5, 39.6)];
        canvas.fill(&super::canvas::ribbon(&temple, |_| 1.4), frame, 0.9);
    }
    let bridge =
        through(&[(50.0 - middle + 11.6, 39.4), (50.0, 37.2), (50.0 + middle - 11.6, 39.4)], 5);
    canvas.fill(&super::canvas::ribbon(&bridge, |_| 1.3), frame, 0.92);
}

/// A rectangle with round corners (a superellipse).
fn soft_square(center: At, half_width: f32, half_height: f32) -> Vec<At> {
    ellipse((0.0, 0.0), (1.0, 1.0), 32)
        .into_iter()
        .map(|(x, y)| {
            let bend = |value: f32| value.abs().powf(0.45).copysign(value);
            (center.0 + half_width * bend(x), center.1 + half_height * bend(y))
        })
        .collect()
}
