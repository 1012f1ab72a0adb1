//! The nose, and the folds that wrinkle it.

use super::super::actions::Unit;
use super::super::identity::Person;
use super::canvas::{At, Canvas, Side, bezier, ellipse};
use super::{Look, Tones};

/// The tip, which no action moves.
pub const TIP: At = (50.0, 61.0);

pub fn draw(canvas: &mut Canvas, person: &Person, tones: &Tones, look: &Look) {
    let wrinkle = look.of(Unit::NoseWrinkler);
    let flare = look.of(Unit::UpperLipRaiser);
    let bridge = person.bridge_width;
    let up = 1.3 * wrinkle + 0.9 * flare;
    let wing = person.nose_width + 0.9 * wrinkle + 0.9 * flare;

    // The lit ridge between its shaded flanks.
    for (side, alpha) in [(Side::Left, 0.20), (Side::Right, 0.42)] {
        let flank = [
            bezier(
                side.at(bridge + 0.6, 34.0),
                side.at(bridge - 0.4, 42.0),
                side.at(bridge + 0.2, 50.0),
                side.at(person.nose_width - 1.6, 60.0),
                10,
            ),
            bezier(
                side.at(2.6, 60.0),
                side.at(1.4, 54.0),
                side.at(1.4, 44.0),
                side.at(1.8, 35.0),
                10,
            ),
        ]
        .concat();
        canvas.fill(&flank, tones.shade, alpha);
        canvas.spot(side.at(bridge + 1.4, 37.0), (2.6, 5.0), tones.deep, alpha);
    }
    let ridge = bezier((49.6, 35.0), (49.4, 44.0), (49.5, 52.0), (49.7, 59.0), 10);
    canvas.line(&ridge, 2.0, tones.light, 0.6);
    canvas.spot((50.0, 64.2), (person.nose_width + 1.0, 2.0), tones.deep, 0.6);
    canvas.spot((49.4, 60.4), (3.4, 3.0), tones.light, 0.85);

    for side in Side::BOTH {
        let nostril = ellipse(
            side.at(wing * 0.46, 63.6 - 0.5 * up),
            (1.5 + 0.35 * (wrinkle + flare), 0.8 + 0.25 * (wrinkle + flare)),
            12,
        );
        canvas.fill(&nostril, tones.fold.times(0.5, 0.45, 0.45), 0.85);
        let rim = bezier(
            side.at(wing * 0.80, 58.4 - up),
            side.at(wing * 1.16, 59.6 - up),
            side.at(wing * 1.14, 64.4 - up),
            side.at(wing * 0.66, 64.5 - 0.7 * up),
            10,
        );
        canvas.line(
            &rim,
            1.1 + 0.2 * (wrinkle + flare),
            tones.fold,
            0.5 + 0.1 * flare.max(wrinkle),
        );
        if flare > 0.0 {
            let beside_wing = (wing + 2.6).min(11.6);
            let beside = bezier(
                side.at(beside_wing - 1.4, 58.2),
                side.at(beside_wing - 0.4, 59.0),
                side.at(beside_wing, 61.0),
                side.at(beside_wing - 0.2, 62.6),
                6,
            );
            canvas.line(&beside, 1.2, tones.fold, 0.45 * flare);
        }
    }
    if wrinkle > 0.0 {
        draw_wrinkles(canvas, tones, wrinkle);
    }
}

/// Furrows across the bridge and down its flanks.
fn draw_wrinkles(canvas: &mut Canvas, tones: &Tones, strength: f32) {
    let alpha = 0.15 + 0.45 * strength;
    let width = 0.8 + 0.6 * strength;
    canvas.spot((50.0, 41.0), (4.6, 6.4), tones.deep, 0.5 * strength);
    for y in [37.4_f32, 40.6, 43.8] {
        let reach = 3.6 + 0.05 * (y - 37.0);
        let across = bezier(
            (50.0 - reach, y - 1.0),
            (50.0 - 1.6, y + 0.9),
            (50.0 + 1.6, y + 0.9),
            (50.0 + reach, y - 1.0),
            10,
        );
        let below: Vec<At> = across.iter().map(|&(x, y)| (x, y + 1.3)).collect();
        canvas.line(&below, 1.4, tones.light, 0.6 * strength);
        canvas.line(&across, width, tones.fold, alpha);
    }
    for side in Side::BOTH {
        for (top, foot) in [((3.6, 45.2), (5.4, 50.6)), ((4.8, 49.4), (7.6, 55.0))] {
            let furrow = bezier(
                side.at(top.0, top.1),
                side.at(top.0 + 1.0, top.1 + 1.4),
                side.at(foot.0 - 0.2, foot.1 - 2.4),
                side.at(foot.0, foot.1),
                8,
            );
            let beside: Vec<At> =
                furrow.iter().map(|&(x, y)| (x + 1.2 * (x - 50.0).signum(), y - 0.3)).collect();
            canvas.line(&beside, 1.3, tones.light, 0.5 * strength);
            canvas.line(&furrow, width, tones.fold, alpha);
        }
    }
}
