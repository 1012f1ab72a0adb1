//! Folds that raised brows leave on the forehead.

use super::super::actions::Unit;
use super::super::identity::Person;
use super::canvas::{At, Canvas, bezier};
use super::{Look, Tones};

pub fn draw(canvas: &mut Canvas, person: &Person, tones: &Tones, look: &Look) {
    let inner = look.of(Unit::InnerBrowRaiser);
    let outer = look.of(Unit::OuterBrowRaiser);
    let lines = 0.22 * (person.age - 0.35).max(0.0);
    for (row, y) in [9.4_f32, 12.8, 16.4].into_iter().enumerate() {
        let share = [0.6, 1.0, 0.8][row];
        // Unit 1 folds the middle, unit 2 the sides.
        let middle = bezier((37.0, y + 0.8), (44.0, y - 1.0), (56.0, y - 1.0), (63.0, y + 0.8), 12);
        fold(canvas, tones, &middle, share * inner);
        canvas.line(&middle, 0.8, tones.fold, lines * share);
        for (a, b) in [(22.0 - 0.6 * row as f32, 38.0), (78.0 + 0.6 * row as f32, 62.0)] {
            let m = (a + b) / 2.0;
            let side = bezier((a, y + 1.6), (m, y - 1.4), (m, y - 1.0), (b, y + 0.9), 10);
            fold(canvas, tones, &side, share * outer);
        }
    }
}

/// A dark furrow with a lit edge above.
fn fold(canvas: &mut Canvas, tones: &Tones, spine: &[At], strength: f32) {
    if strength > 0.0 {
        let above: Vec<At> = spine.iter().map(|&(x, y)| (x, y - 1.3)).collect();
        canvas.line(&above, 1.5, tones.light, 0.6 * strength);
        canvas.line(spine, 0.8 + 0.6 * strength, tones.fold, 0.12 + 0.42 * strength);
    }
}
