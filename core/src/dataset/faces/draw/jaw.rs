//! The chin. (The outline that a dropped jaw lengthens belongs to the head.)

use super::super::actions::Unit;
use super::super::identity::Person;
use super::canvas::{At, Canvas, Side, bezier, ellipse};
use super::head::chin_line;
use super::{Look, Tones};

pub fn draw(canvas: &mut Canvas, person: &Person, tones: &Tones, look: &Look) {
    let boss = look.of(Unit::ChinRaiser);
    let drop = look.of(Unit::JawDrop);

    // The edge of the jaw turns away from the light.
    let line = chin_line(person, look);
    let edge: Vec<At> = line.iter().map(|&(x, y)| (x, y - 0.9)).collect();
    canvas.line(&edge, 2.4, tones.deep, 0.42);
    if drop > 0.0 {
        // A stretched chin is hollow at its sides.
        for side in Side::BOTH {
            canvas.spot(side.at(13.5, 93.0), (5.0, 3.0), tones.deep, 0.5 * drop);
        }
    }
    // The chin bunches into an apricot stone under its crease.
    if boss > 0.0 {
        let crease = bezier((39.0, 92.0), (43.0, 88.9), (57.0, 88.9), (61.0, 92.0), 12);
        canvas.spot((50.0, 92.4), (8.0, 3.2), tones.light, 0.55 * boss);
        canvas.line(&crease, 0.9 + 0.7 * boss, tones.fold, 0.15 + 0.4 * boss);
        for (dx, y) in [
            (-4.6, 93.0),
            (-1.6, 92.2),
            (1.6, 92.2),
            (4.6, 93.0),
            (-3.0, 94.6),
            (0.1, 94.2),
            (3.0, 94.6),
        ] {
            let dimple = ellipse((50.0 + dx, y), (0.9, 0.7), 8);
            canvas.fill(&dimple, tones.fold, 0.30 * boss);
        }
    }
}
