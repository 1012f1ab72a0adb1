//! What is made of glass and plastic: sunglasses, VR headset, phone.

use super::Spot;
use super::colour::{Colour, light, mixed, peak, ramp, under};

const BLACK: Colour = [0.05, 0.05, 0.06];
const SKY: Colour = [0.86, 0.91, 0.96];

/// Dark lenses that grow lighter downwards, with a reflection across each, in a black frame.
pub(super) fn sunglasses(Spot { x, y, edge }: Spot, part: usize) -> Colour {
    const PLASTIC: Colour = [0.08, 0.07, 0.07];
    let middle = match part {
        0 => 29.0,
        1 => 71.0,
        // The bridge and the two sides: light on their upper edges.
        _ => {
            let top = if part == 2 { 32.5 } else { 32.2 };
            return mixed(PLASTIC, [0.50, 0.50, 0.52], 0.7 * peak(y - top - 1.2, 0.9));
        }
    };
    let down = (y - 31.0) / 19.0;
    let glass = mixed([0.06, 0.07, 0.09], [0.36, 0.31, 0.27], down.max(0.0).powf(1.4));
    let aslant = (x - middle) + 0.8 * (y - 40.0);
    let streak = 0.62 * peak(aslant + 4.5, 2.8) + 0.38 * peak(aslant - 2.8, 1.2);
    let glass = mixed(glass, SKY, streak * ramp(3.0, 5.0, edge + 2.0) * (1.0 - 0.45 * down));
    let rim = mixed(PLASTIC, [0.45, 0.45, 0.47], 0.7 * peak(edge - 0.9, 0.5) * ramp(36.0, 32.0, y));
    mixed(rim, glass, ramp(1.5, 2.1, edge))
}

/// A pale shell around a glossy black front with two cameras; cloth straps at the sides.
pub(super) fn vr_headset(Spot { x, y, edge }: Spot) -> Colour {
    const SHELL: Colour = [0.83, 0.84, 0.86];
    const STRAP: Colour = [0.20, 0.20, 0.22];
    let across = (x - 50.0) / 46.0;
    let side = (x - 50.0).abs();
    let lit = light(0.5 * across, (y - 39.0) / 24.0);
    let shell = under(1.05 * lit * (1.0 - 0.4 * peak(edge, 0.7)), SHELL);
    let shell = mixed(shell, under(lit, STRAP), ramp(41.5, 42.5, side));
    let down = (y - 26.0) / 26.0;
    let mut front = mixed([0.20, 0.21, 0.25], BLACK, 1.4 * down);
    // The sky along its upper edge, and a window.
    let sky = peak(y - 28.4 - 2.5 * across * across, 1.5) * ramp(38.0, 30.0, side);
    front = mixed(front, SKY, 0.55 * sky);
    let aslant = (x - 70.0) + 0.8 * (y - 40.0);
    front = mixed(front, SKY, 0.20 * ramp(5.0, 3.5, aslant.abs()));
    for (ring, tone) in [(3.3, 0.42), (2.4, 0.02)] {
        let from = (side - 31.0).hypot(y - 47.5);
        front = mixed(front, [tone, tone, tone + 0.02], ramp(ring + 0.4, ring - 0.4, from));
    }
    let glint = (side - 30.3).hypot(y - 46.8);
    front = mixed(front, SKY, 0.9 * ramp(0.9, 0.4, glint));
    mixed(shell, front, ramp(3.6, 4.4, edge) * ramp(39.5, 38.7, side))
}

/// A dark phone from behind, with a metal edge and two lenses at its upper end.
pub(super) fn phone(Spot { x, y, edge }: Spot) -> Colour {
    const METAL: Colour = [0.70, 0.71, 0.74];
    // Along the phone from its upper end, and across it from its middle.
    const ALONG: (f64, f64) = (-0.1896, 0.9819);
    let (right, below) = (x - 91.5, y - 24.5);
    let along = right * ALONG.0 + below * ALONG.1;
    let across = right * ALONG.1 - below * ALONG.0;
    let mut colour = mixed([0.17, 0.19, 0.23], [0.08, 0.09, 0.11], along / 58.0);
    let gloss = across + 0.45 * (along - 34.0);
    colour = mixed(colour, SKY, 0.22 * ramp(5.5, 4.0, gloss.abs()));
    let (camera_along, camera_across) = ((along - 9.2).abs(), (across + 1.4).abs());
    let plate = ramp(4.9, 4.3, camera_along) * ramp(3.5, 2.9, camera_across);
    colour = mixed(colour, [0.34, 0.36, 0.40], plate);
    for lens in [6.9, 11.5] {
        let from = (along - lens).hypot(across + 1.4);
        colour = mixed(colour, [0.62, 0.63, 0.66], ramp(2.2, 1.8, from));
        colour = mixed(colour, [0.02, 0.02, 0.04], ramp(1.7, 1.3, from));
    }
    let metal = under(light(0.0, 0.9 * (along / 29.0 - 1.0)), METAL);
    mixed(metal, colour, ramp(1.2, 1.7, edge))
}
