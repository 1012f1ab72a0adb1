//! The strip that says which colour stands for which number.

use crate::report::canvas::drawing::{Anchor, Drawing};
use crate::report::canvas::scale::{Scale, decimals};
use crate::report::canvas::theme::{Colour, HAIRLINE, INK, NOTE, RULE, TICK};
use crate::report::words::numbers::decimal;

/// Height of the strip, mm.
const HEIGHT: f64 = 3.0;
const STEPS: usize = 80;

/// Draws the colours of a scale with its numbers and, in the middle of the figure, what they count; returns
/// the y below.
pub fn colour_bar(
    drawing: &mut Drawing,
    scale: Scale,
    colour: &dyn Fn(f64) -> Colour,
    unit: &str,
    top: f64,
) -> f64 {
    let Scale { from, to, start, end } = scale;
    let step = (to - from) / STEPS as f64;
    for index in 0..STEPS {
        let value = from + (index as f64 + 0.5) * step;
        let (left, right) = (scale.at(value - step / 2.0), scale.at(value + step / 2.0));
        drawing.rectangle((left, top), (right - left, HEIGHT), colour(value));
    }
    let bottom = top + HEIGHT;
    let edge = [(start, top), (end, top), (end, bottom), (start, bottom), (start, top)];
    drawing.path(edge.to_vec(), HAIRLINE, RULE, 1.0);
    let ticks = scale.ticks(6);
    let places = decimals(&ticks);
    for &tick in &ticks {
        let x = scale.at(tick);
        drawing.line((x, bottom), (x, bottom + 0.8), HAIRLINE, INK);
        let number = decimal(tick, places);
        drawing.text(x, bottom + 1.2 + TICK.em(), Anchor::Middle, TICK, &number);
    }
    let y = bottom + 1.8 + 2.0 * TICK.line();
    drawing.text(drawing.width / 2.0, y, Anchor::Middle, NOTE, unit);
    y + 0.8
}
