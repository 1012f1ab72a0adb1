//! The horizontal axis under rows of dots.

use crate::report::canvas::drawing::{Anchor, Drawing};
use crate::report::canvas::scale::{Scale, decimals};
use crate::report::canvas::theme::{FAINT, HAIRLINE, NOTE, RULE, TICK};
use crate::report::words::numbers::decimal;

/// Under the axis: ticks, their numbers, the axis title, mm.
pub const AXIS_HEIGHT: f64 = 9.0;

/// Grid lines, tick numbers and title of a horizontal axis.
pub fn horizontal_axis(
    drawing: &mut Drawing,
    scale: &Scale,
    (top, bottom): (f64, f64),
    title: &str,
) {
    horizontal_grid(drawing, scale, (top, bottom));
    let ticks = ticks(scale);
    let places = decimals(&ticks);
    for &tick in &ticks {
        let x = scale.at(tick);
        drawing.line((x, bottom), (x, bottom + 0.8), HAIRLINE, RULE);
        let number = decimal(tick, places);
        drawing.text(x, bottom + 1.2 + TICK.em(), Anchor::Middle, TICK, &number);
    }
    drawing.line((scale.start, bottom), (scale.end, bottom), HAIRLINE, RULE);
    let middle = (scale.start + scale.end) / 2.0;
    drawing.text(middle, bottom + 1.8 + 2.0 * TICK.line(), Anchor::Middle, NOTE, title);
}

/// The grid lines alone, above a panel that has the same axis.
pub fn horizontal_grid(drawing: &mut Drawing, scale: &Scale, (top, bottom): (f64, f64)) {
    for tick in ticks(scale) {
        let x = scale.at(tick);
        drawing.line((x, top), (x, bottom), HAIRLINE, FAINT);
    }
}

fn ticks(scale: &Scale) -> Vec<f64> {
    let most = ((scale.end - scale.start) / 9.0) as usize;
    scale.ticks(most.clamp(2, 7))
}
