//! What is made of cloth: surgical mask, scarf, beanie.

use std::f64::consts::{PI, TAU};

use super::Spot;
use super::colour::{Colour, light, mixed, peak, phase, ramp, under};

/// A pale blue pleated mask with a white hem, a wire over the nose and white loops at its sides.
pub(super) fn surgical_mask(Spot { x, y, edge }: Spot) -> Colour {
    const CLOTH: Colour = [0.55, 0.75, 0.86];
    const HEM: Colour = [0.93, 0.95, 0.96];
    let across = (x - 50.0) / 38.0;
    let side = (x - 50.0).abs();
    let mut lit = light(0.85 * across, (y - 68.0) / 46.0);
    // The bridge and the tip of the nose under it.
    lit += 0.07 * peak(x - 50.0, 6.0) * peak(y - 56.0, 10.0);
    // Three pleats that open downwards: light on a fold, its shadow below.
    for fold in [64.0, 73.0, 82.0] {
        let below = y - fold - 4.0 * (1.0 - across * across);
        lit += match below < 0.0 {
            true => 0.06 * (below / 2.5).exp(),
            false => -0.26 * (-below / 1.8).exp(),
        };
    }
    let mut colour = under(1.06 * lit, CLOTH);
    let top = if side < 14.0 { 45.0 + side / 3.5 } else { 49.0 + (side - 14.0) / 6.0 };
    let under_top = y - top;
    let hem = ramp(3.8, 3.0, under_top).max(ramp(2.0, 1.4, edge));
    colour = mixed(colour, under(lit, HEM), 0.85 * hem);
    // The wire, and the seam under it.
    colour = mixed(
        colour,
        [0.66, 0.72, 0.76],
        0.8 * peak(under_top - 1.9, 0.7) * ramp(17.0, 14.0, side),
    );
    colour = mixed(colour, [0.40, 0.55, 0.65], 0.6 * peak(under_top - 4.2, 0.6));
    for loops in [55.5, 79.0] {
        let from = (side - 36.5).hypot(y - loops);
        colour = mixed(colour, [0.97, 0.97, 0.97], ramp(4.0, 2.6, from));
    }
    colour
}

/// A thick red scarf in wraps, knitted, with an end that hangs down.
pub(super) fn scarf(Spot { x, y, edge }: Spot) -> Colour {
    const WOOL: Colour = [0.66, 0.15, 0.17];
    const WRAP: f64 = 13.0;
    let across = (x - 50.0) / 50.0;
    // Wraps hang lowest in the middle, and each is wound a little aslant.
    let down = y - 64.0 - 6.0 * (1.0 - across * across);
    let turn = (down / WRAP).floor();
    let aslant = if turn.rem_euclid(2.0) < 1.0 { 1.6 } else { -1.6 };
    let place = phase(down + aslant * across, WRAP);
    let mut lit = light(0.7 * across, 1.5 * (place - 0.5));
    lit *= 1.0 - 0.45 * (-place / 0.12).exp();
    lit *= stitches(x, down);
    // The end, over the wraps.
    let from_middle = x - 67.0 - 0.06 * (y - 84.0);
    let shadow = ramp(84.0, 88.0, y) * peak((from_middle.abs() - 10.5).max(0.0), 2.0);
    lit *= 1.0 - 0.35 * shadow;
    if y > 85.0 && from_middle.abs() < 10.5 {
        lit = light(from_middle / 12.0, 0.1) * stitches(y, from_middle);
        lit *= 1.0 - 0.3 * peak(10.5 - from_middle.abs(), 0.9);
        // A fringe.
        lit *= 1.0 - ramp(119.0, 121.0, y) * 0.5 * peak(phase(from_middle, 2.6) - 0.5, 0.2);
    }
    let stripe =
        if y > 85.0 && from_middle.abs() < 10.5 { ramp(2.6, 2.0, (y - 112.0).abs()) } else { 0.0 };
    let wool = mixed(WOOL, [0.90, 0.84, 0.74], stripe);
    under(1.12 * lit * (1.0 - 0.35 * peak(edge, 0.8)), wool)
}

/// The light on knitted stitches: rows of small V.
fn stitches(across: f64, along: f64) -> f64 {
    const WIDE: f64 = 3.0;
    const LONG: f64 = 2.6;
    let column = phase(across, WIDE);
    let arm = (2.0 * column - 1.0).abs();
    let row = phase(along + 1.1 * arm, LONG);
    (0.88 + 0.2 * (PI * row).sin()) * (1.0 - 0.14 * peak(1.0 - arm, 0.25))
}

/// A ribbed blue beanie with a turned-up cuff.
pub(super) fn beanie(Spot { x, y, edge }: Spot) -> Colour {
    const WOOL: Colour = [0.17, 0.27, 0.44];
    const CUFF: Colour = [0.22, 0.34, 0.53];
    /// How high the cuff is, and how wide a rib, as an angle around the head.
    const HIGH: f64 = 12.0;
    const RIB: f64 = 0.16;
    let side = (x - 50.0).abs();
    let around = ((x - 50.0) / half_width(y)).clamp(-1.0, 1.0).asin();
    // The rim is straight on either side, the crease over it round.
    let above_rim = 17.0 + side / 11.5 - y;
    let above_cuff = 17.0 + 4.0 * (side / 46.0).powi(2) - HIGH - y;
    let rib = (TAU * around / RIB).cos();
    if above_cuff < 0.0 {
        let bulge = 1.1 * (0.5 - above_rim / HIGH);
        let mut lit = light(0.8 * around.sin(), bulge) * (1.0 + 0.17 * rib);
        lit *= 1.0 - 0.3 * peak(above_rim, 0.9);
        return under(1.1 * lit, CUFF);
    }
    let mut lit = light(0.8 * around.sin(), (y - 4.0) / 42.0) * (1.0 + 0.14 * rib);
    lit *= 1.0 - 0.5 * (-above_cuff / 1.3).exp();
    lit *= 1.0 + 0.05 * (TAU * y / 2.2).cos();
    under(1.1 * lit * (1.0 - 0.2 * peak(edge, 0.8)), WOOL)
}

/// Half of the beanie's width at a height.
fn half_width(y: f64) -> f64 {
    const OUTLINE: [(f64, f64); 5] =
        [(-32.0, 4.0), (-27.0, 26.0), (-13.0, 42.0), (6.0, 48.0), (21.0, 46.0)];
    let between = OUTLINE.windows(2).find(|pair| y < pair[1].0);
    let Some([(from, narrow), (to, wide)]) = between else { return OUTLINE[4].1 };
    let share = ((y - from) / (to - from)).max(0.0);
    narrow + share * (wide - narrow)
}
