//! Cheeks: the folds beside nose and mouth, and the swelling of raised cheeks.

use super::super::actions::Unit;
use super::super::identity::Person;
use super::canvas::{At, Canvas, Side, through};
use super::{Look, Tones};

pub fn draw(canvas: &mut Canvas, person: &Person, tones: &Tones, look: &Look) {
    let raised = look.of(Unit::CheekRaiser);
    let smile = look.of(Unit::LipCornerPuller);
    let sneer = look.of(Unit::UpperLipRaiser);
    let wrinkle = look.of(Unit::NoseWrinkler);
    let lines = 0.28 * (person.age - 0.3).max(0.0) + 0.05;

    for side in Side::BOTH {
        // A raised cheek is a ball: lit above, shaded below, with a crease under the eye.
        if raised > 0.0 {
            canvas.spot(side.at(22.5, 60.8), (9.0, 3.8), tones.deep, 0.6 * raised);
            canvas.spot(side.at(22.0, 54.8), (8.6, 5.4), tones.light, 0.45 * raised);
            canvas.spot(side.at(22.5, 56.8), (6.6, 4.0), tones.blush, 0.5 * raised);
            let crease: Vec<At> = through(
                &[
                    side.at(10.6, 49.2),
                    side.at(15.5, 50.8),
                    side.at(22.0, 50.9),
                    side.at(28.0, 48.6),
                ],
                4,
            );
            canvas.line(&crease, 0.7 + 0.6 * raised, tones.fold, 0.1 + 0.35 * raised);
        }
        // Smiling pushes the cheek up and out, and folds it from the nose round the mouth's corner.
        if smile > 0.0 {
            canvas.spot(side.at(27.0, 62.6), (5.4, 4.6), tones.light, 0.6 * smile);
            let round: Vec<At> = through(
                &[
                    side.at(13.4, 61.0),
                    side.at(18.6, 63.4),
                    side.at(23.6, 67.6),
                    side.at(26.4, 74.0),
                ],
                5,
            );
            let inside: Vec<At> = round.iter().map(|&at| outward(at, side, 1.5)).collect();
            canvas.line(&inside, 2.6, tones.light, 0.45 * smile);
            canvas.line(&round, 0.8 + 0.7 * smile, tones.fold, 0.12 + 0.42 * smile);
        }
        // Sneering deepens the fold's upper end; wrinkling the nose bunches the cheek beside it.
        let upper: Vec<At> = through(
            &[side.at(11.6, 54.8), side.at(14.6, 58.4), side.at(15.6, 62.0), side.at(15.2, 64.8)],
            5,
        );
        canvas.line(&upper, 0.9 + 0.8 * sneer, tones.fold, (lines + 0.5 * sneer).min(0.6));
        let fold: Vec<At> =
            through(&[side.at(15.2, 63.0), side.at(19.5, 66.2), side.at(23.8, 69.8)], 4);
        canvas.line(&fold, 0.8, tones.fold, lines);
        if wrinkle > 0.0 {
            canvas.spot(side.at(14.4, 51.6), (5.0, 3.4), tones.light, 0.6 * wrinkle);
            let bunch: Vec<At> = through(
                &[
                    side.at(8.6, 49.0),
                    side.at(11.4, 50.4),
                    side.at(15.0, 53.6),
                    side.at(19.0, 54.8),
                ],
                4,
            );
            canvas.line(&bunch, 0.8 + 0.5 * wrinkle, tones.fold, 0.1 + 0.38 * wrinkle);
        }
    }
}

fn outward((x, y): At, side: Side, by: f32) -> At {
    match side {
        Side::Left => (x - by, y),
        Side::Right => (x + by, y),
    }
}
