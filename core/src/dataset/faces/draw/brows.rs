//! Brows, and the frown between them.

use super::super::actions::Unit;
use super::super::identity::{GREY, Person};
use super::canvas::{At, Canvas, Side, bezier, ribbon, through};
use super::{Look, Tones};

/// What a brow may reach, so that it stays in its region.
const HIGHEST: f32 = 19.6;
const LOWEST: f32 = 31.0;

pub fn draw(canvas: &mut Canvas, person: &Person, look: &Look, side: Side) {
    let inner_up = look.of(Unit::InnerBrowRaiser);
    let outer_up = look.of(Unit::OuterBrowRaiser);
    let down = look.of(Unit::BrowLowerer);
    // Raised and drawn together at once (as in grief), the inner ends go up and the rest comes down less.
    let inner_down = 3.0 * down * (1.0 - 0.75 * inner_up);
    let (rest, arch) = (27.6 + person.brow_height, person.brow_arch);
    let spine = [
        (9.2 - 2.4 * down, rest + 0.5 - 5.0 * inner_up + inner_down),
        (13.6 - 1.5 * down, rest - 0.7 * arch - 4.0 * inner_up - 1.2 * outer_up + 0.9 * inner_down),
        (22.5, rest - 1.6 * arch - 0.4 * inner_up - 4.6 * outer_up + 1.2 * down),
        (29.3, rest + 1.2 - 3.6 * outer_up - 0.2 * down),
    ];
    let thick = 1.35 * person.brow_thickness;
    let spine: Vec<At> = through(&spine.map(|(out, y)| side.at(out, y)), 5);
    let last = (spine.len() - 1) as f32;
    let width = |i: usize| {
        let t = i as f32 / last;
        2.0 * thick * (0.72 + 0.5 * t - 1.05 * t * t).max(0.14)
    };
    let spine: Vec<At> = spine
        .iter()
        .enumerate()
        .map(|(i, &(x, y))| (x, y.clamp(HIGHEST + width(i) / 2.0, LOWEST - width(i) / 2.0)))
        .collect();
    let color = person.hair.mix(person.skin, 0.16).times(0.70, 0.68, 0.68);
    let color =
        if person.hair.0 > 0.6 { color.mix(GREY, 0.2).times(0.8, 0.78, 0.76) } else { color };
    canvas.fill(&ribbon(&spine, |i| 1.35 * width(i)), color, 0.28);
    canvas.fill(&ribbon(&spine, width), color, 0.9);
}

/// The upright furrows of drawn brows.
pub fn draw_frown(canvas: &mut Canvas, tones: &Tones, look: &Look) {
    let down = look.of(Unit::BrowLowerer);
    if down == 0.0 {
        return;
    }
    canvas.spot((50.0, 26.0), (5.0, 5.2), tones.deep, 0.6 * down);
    for side in Side::BOTH {
        let furrow = bezier(
            side.at(3.2, 31.0),
            side.at(1.9, 28.6),
            side.at(1.9, 25.6),
            side.at(3.4, 27.0 - 5.4 * down),
            10,
        );
        canvas.line(&furrow, 0.8 + 0.5 * down, tones.fold, 0.15 + 0.5 * down);
    }
}
