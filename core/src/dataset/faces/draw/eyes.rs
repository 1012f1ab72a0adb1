//! Eyes, lids, and the effect of raised cheeks on their corners.

use super::super::actions::Unit;
use super::super::identity::Person;
use super::canvas::{At, Canvas, Rgb, Side, bezier, ellipse, height_at};
use super::{Look, Tones};

const CENTER_OUT: f32 = 18.0;
const CENTER_Y: f32 = 38.5;

/// The upper edge of the eyes' region, less what anti-aliasing needs.
const HIGHEST: f32 = 32.3;

/// The eye's centre, which no action moves.
pub fn center(person: &Person, side: Side) -> At {
    side.at(CENTER_OUT + person.eye_distance, CENTER_Y)
}

pub fn draw(canvas: &mut Canvas, person: &Person, tones: &Tones, look: &Look, side: Side) {
    let wide = look.of(Unit::UpperLidRaiser);
    let cheek = look.of(Unit::CheekRaiser);
    let tight = look.of(Unit::LidTightener);

    let middle = CENTER_OUT + person.eye_distance;
    let place = |along: f32, y: f32| side.at(middle + along, CENTER_Y + y);
    let half = person.eye_width;
    let above = (3.5 * person.eye_opening + 2.0 * wide - 1.3 * tight).max(0.9);
    let below = (2.5 * person.eye_opening + 0.3 * wide - 1.5 * tight - 1.1 * cheek).max(0.25);
    let inner = place(-half, 0.8);
    let outer = place(half, 0.3 - person.eye_tilt);
    // A cubic with both handles at one height rises to three quarters of it.
    let upper = bezier(
        inner,
        place(-0.62 * half, -above / 0.75),
        place(0.45 * half, -above / 0.75 - 0.3 * person.eye_tilt),
        outer,
        14,
    );
    let lower = bezier(
        inner,
        place(-0.40 * half, below / 0.75),
        place(0.60 * half, below / 0.75 - 0.2 * person.eye_tilt),
        outer,
        14,
    );

    draw_lids(canvas, person, tones, look, side, &upper, &lower);
    let opening: Vec<At> = upper.iter().copied().chain(lower.iter().rev().copied()).collect();
    canvas.fill(&opening, Rgb(0.95, 0.94, 0.92).mix(tones.base, 0.10), 1.0);

    // Iris and pupil, cut where the lids cover them.
    let seat = place(-0.2, -0.15);
    let within = |radius: f32, center: At| -> Vec<At> {
        ellipse(center, (radius, radius), 20)
            .into_iter()
            .map(|(x, y)| (x, y.min(height_at(&lower, x)).max(height_at(&upper, x))))
            .collect()
    };
    canvas.fill(&within(3.7, seat), person.iris.times(0.45, 0.45, 0.45), 1.0);
    canvas.fill(&within(3.1, seat), person.iris, 1.0);
    canvas.fill(
        &within(2.0, (seat.0, seat.1 + 0.9)),
        person.iris.mix(Rgb(1.0, 0.95, 0.8), 0.35),
        0.6,
    );
    canvas.fill(&within(1.5, seat), Rgb(0.04, 0.03, 0.03), 1.0);
    // The upper lid's shadow on the eye, then the lash line over both.
    let shadow: Vec<At> =
        upper.iter().map(|&(x, y)| (x, (y + 1.1).min(height_at(&lower, x)))).collect();
    let shadow: Vec<At> = upper.iter().copied().chain(shadow.into_iter().rev()).collect();
    canvas.fill(&shadow, Rgb(0.16, 0.10, 0.10), 0.42);
    canvas.fill(&within(0.75, (seat.0 - 1.1, seat.1 - 1.2)), Rgb(1.0, 1.0, 1.0), 0.95);

    let lashes = Rgb(0.10, 0.07, 0.07);
    let heavy = 0.9 + 0.7 * person.femininity;
    let tail =
        place(half + 0.6 + 0.8 * person.femininity, -person.eye_tilt - 0.7 * person.femininity);
    let lash_line: Vec<At> = upper.iter().copied().chain([tail]).collect();
    canvas.line(&lash_line, heavy, lashes, 0.92);
    canvas.line(&lower, 0.6, tones.fold, 0.55);
}

/// Creases above the eye, and below it the folds of raised cheeks and tightened lids.
fn draw_lids(
    canvas: &mut Canvas,
    person: &Person,
    tones: &Tones,
    look: &Look,
    side: Side,
    upper: &[At],
    lower: &[At],
) {
    let cheek = look.of(Unit::CheekRaiser);
    let tight = look.of(Unit::LidTightener);
    let gap = 1.9 - 0.9 * look.of(Unit::UpperLidRaiser) + 0.3 * tight;
    let crease: Vec<At> = upper.iter().map(|&(x, y)| (x, (y - gap).max(HIGHEST))).collect();
    let lid: Vec<At> = upper.iter().copied().chain(crease.iter().rev().copied()).collect();
    canvas.fill(&lid, tones.shade.mix(tones.light, 0.25), 0.8);
    canvas.line(&crease, 0.75, tones.fold, 0.6);

    let middle = CENTER_OUT + person.eye_distance;
    let place = |along: f32, y: f32| side.at(middle + along, CENTER_Y + y);
    let half = person.eye_width;
    // The pouch under the eye: age, raised cheeks and tightened lids all deepen it.
    let pouch = (0.10 + 0.45 * (person.age - 0.3).max(0.0) + 0.35 * cheek + 0.35 * tight).min(0.85);
    let drop = 2.9 - 0.7 * tight - 0.5 * cheek;
    let under: Vec<At> = lower[1..lower.len() - 2].iter().map(|&(x, y)| (x, y + drop)).collect();
    canvas.line(&under, 0.9 + 0.5 * cheek, tones.fold, pouch);
    if tight + cheek > 0.0 {
        let roll: Vec<At> = under.iter().map(|&(x, y)| (x, y - 1.4)).collect();
        canvas.line(&roll, 1.2, tones.light, 0.5 * (tight + cheek).min(1.0));
    }
    // Crow's feet.
    for (dy, reach, rise) in [(-0.6, 4.4, -2.6), (1.0, 5.0, -0.1), (2.4, 4.4, 2.5)] {
        let foot = bezier(
            place(half + 1.5, dy),
            place(half + 3.0, dy + 0.1 * rise),
            place(half + 4.0, dy + 0.5 * rise),
            place(half + 1.5 + reach, dy + rise),
            6,
        );
        let lines = 0.25 * (person.age - 0.5).max(0.0);
        canvas.line(&foot, 0.6 + 0.5 * cheek, tones.fold, (lines + 0.55 * cheek).min(0.7));
    }
}
