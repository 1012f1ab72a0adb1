//! The mouth.
//!
//! Four curves run from corner to corner: the outer edge of the upper lip, the two edges of the opening
//! (one line where it is closed), the outer edge of the lower lip. Each action bends them; between them
//! lie lips, teeth and tongue.

use super::super::actions::Unit;
use super::super::identity::{Beard, Person};
use super::canvas::{At, Canvas, Rgb, Side, bezier, height_at};
use super::{Look, Tones};

const MIDDLE_Y: f32 = 76.5;

/// The lower edge of the mouth's region, less what anti-aliasing needs.
const LOWEST: f32 = 88.3;

/// A corner of the mouth, where it is now.
pub fn corner(person: &Person, look: &Look, side: Side) -> At {
    let smile = look.of(Unit::LipCornerPuller);
    let frown = look.of(Unit::LipCornerDepressor);
    let stretch = look.of(Unit::LipStretcher);
    let press = look.of(Unit::LipPressor);
    let drop = look.of(Unit::JawDrop);
    let out =
        person.mouth_width + 4.4 * smile + 3.6 * stretch - 1.8 * press - 3.0 * drop + 0.4 * frown;
    let y = MIDDLE_Y - 4.5 * smile + 3.9 * frown + 0.9 * stretch + 0.8 * drop;
    side.at(out.min(20.4), y.clamp(71.0, 82.0))
}

/// Heights of the four curves, over the same points along the mouth.
struct Curves {
    lip_top: Vec<At>,
    open_top: Vec<At>,
    open_bottom: Vec<At>,
    lip_bottom: Vec<At>,
    /// How far the opening gapes in the middle.
    gape: f32,
}

/// Points along each curve.
const POINTS: usize = 21;

fn curves(person: &Person, look: &Look) -> Curves {
    let sneer = look.of(Unit::UpperLipRaiser);
    let smile = look.of(Unit::LipCornerPuller);
    let frown = look.of(Unit::LipCornerDepressor);
    let pout = look.of(Unit::ChinRaiser);
    let stretch = look.of(Unit::LipStretcher);
    let press = look.of(Unit::LipPressor);
    let parted = look.of(Unit::LipsPart);
    let drop = look.of(Unit::JawDrop);

    let left = corner(person, look, Side::Left);
    let right = corner(person, look, Side::Right);
    let middle = MIDDLE_Y + 1.0 * smile - 0.6 * frown - 1.5 * pout - 1.0 * sneer + 0.5 * drop;

    // Pressed lips hold against parting, a dropped jaw opens them anyway.
    let apart = parted * (1.0 - 0.7 * press);
    let up = 0.9 * apart + 1.9 * sneer * (0.35 + 0.65 * apart) + 1.2 * drop;
    let down = (2.9 * apart + 7.2 * drop * (1.0 - 0.35 * press) - 1.0 * pout).max(0.0);
    let thin = (1.0 - 0.62 * press) * (1.0 - 0.18 * stretch) * (1.0 - 0.2 * smile);
    let upper = 2.5 * person.lip_fullness * thin * (1.0 + 0.25 * sneer);
    let lower = 3.5 * person.lip_fullness * thin * (1.0 - 0.25 * drop) * (1.0 + 0.18 * pout);
    // A stretched or sneering opening is square, a gaping one round.
    let square = 0.62 - 0.3 * stretch.max(sneer) - 0.1 * drop;

    let mut curves = Curves {
        lip_top: Vec::with_capacity(POINTS),
        open_top: Vec::with_capacity(POINTS),
        open_bottom: Vec::with_capacity(POINTS),
        lip_bottom: Vec::with_capacity(POINTS),
        gape: up + down,
    };
    for i in 0..POINTS {
        // Denser towards the corners, where the curves bend.
        let t = (std::f32::consts::PI * (i as f32 / (POINTS - 1) as f32 - 0.5)).sin();
        let x = 50.0 + t * (right.0 - left.0) / 2.0;
        let reach = t.abs().powf(1.7 + 0.9 * frown.max(pout));
        let line = middle + (left.1 - middle) * reach;
        let inside = (1.0 - t * t).max(0.0);
        let open = inside.powf(square);
        let bow = 1.0 - 0.22 * (-(t / 0.16).powi(2)).exp()
            + 0.06 * (-((t.abs() - 0.3) / 0.2).powi(2)).exp();
        let sneered = 1.2 * sneer * inside.powf(0.3);
        let top = line - up * open;
        let bottom = line + down * open;
        curves.open_top.push((x, top));
        curves.open_bottom.push((x, bottom.min(LOWEST - 1.0)));
        curves.lip_top.push((x, top - upper * bow * inside.powf(0.55) - sneered));
        curves.lip_bottom.push((x, (bottom + lower * inside.powf(0.6)).min(LOWEST)));
    }
    curves
}

fn between(above: &[At], below: &[At]) -> Vec<At> {
    above.iter().copied().chain(below.iter().rev().copied()).collect()
}

pub fn draw(canvas: &mut Canvas, person: &Person, tones: &Tones, look: &Look) {
    let curves = curves(person, look);
    let pout = look.of(Unit::ChinRaiser);

    // The hollow under the nose and the shade under the lower lip.
    canvas.line(&[(50.0, 66.4), (50.0, 68.6), (50.0, 71.0)], 2.0, tones.shade, 0.35);
    let under: Vec<At> =
        curves.lip_bottom[4..POINTS - 4].iter().map(|&(x, y)| (x, (y + 0.9).min(LOWEST))).collect();
    canvas.line(&under, 1.7 + 0.6 * pout, tones.deep, 0.5 + 0.2 * pout);

    if person.beard == Beard::Moustache || person.beard == Beard::Full {
        super::hair::draw_moustache(canvas, person);
    }
    canvas.fill(
        &between(&curves.lip_top, &curves.open_top),
        tones.lip.times(0.88, 0.84, 0.84),
        1.0,
    );
    canvas.fill(&between(&curves.open_bottom, &curves.lip_bottom), tones.lip, 1.0);
    let glow_y = curves.open_bottom[POINTS / 2].1;
    let glow = (curves.lip_bottom[POINTS / 2].1 - glow_y) * 0.45;
    canvas.spot(
        (49.0, glow_y + glow),
        (6.0, glow.max(0.3)),
        tones.lip.mix(Rgb(1.0, 0.9, 0.85), 0.55),
        0.6,
    );

    draw_inside(canvas, &curves);
    // The seam of closed lips, and the corners.
    canvas.line(&curves.open_top, 1.15, tones.fold.times(0.55, 0.42, 0.42), 0.9);
    for side in Side::BOTH {
        draw_corner(canvas, person, tones, look, side);
    }
    let press = look.of(Unit::LipPressor);
    if press > 0.0 {
        // Pressed lips bulge above and below their edges.
        let above: Vec<At> =
            curves.lip_top[4..POINTS - 4].iter().map(|&(x, y)| (x, y - 1.3)).collect();
        let below: Vec<At> = curves.lip_bottom[4..POINTS - 4]
            .iter()
            .map(|&(x, y)| (x, (y + 1.4).min(LOWEST)))
            .collect();
        canvas.line(&above, 1.6, tones.light, 0.55 * press);
        canvas.line(&below, 1.6, tones.light, 0.45 * press);
    }
}

fn draw_inside(canvas: &mut Canvas, curves: &Curves) {
    if curves.gape < 0.15 {
        return;
    }
    canvas.fill(&between(&curves.open_top, &curves.open_bottom), Rgb(0.20, 0.05, 0.06), 1.0);
    // Upper teeth hang from the lip, lower ones show in a wide gape only.
    let teeth = 0.25 + curves.gape.min(4.2) * 0.75;
    let inner = &curves.open_top[2..POINTS - 2];
    let edge: Vec<At> = inner
        .iter()
        .map(|&(x, y)| {
            let inset = (1.0 - ((x - 50.0) / (inner[0].0 - 50.0)).powi(4)).max(0.0);
            (x, (y + teeth * inset).min(height_at(&curves.open_bottom, x)))
        })
        .collect();
    canvas.fill(&between(inner, &edge), Rgb(0.95, 0.93, 0.89), 1.0);
    if curves.gape > 5.0 {
        let wide = ((curves.gape - 5.0) / 4.0).min(1.0);
        let floor = &curves.open_bottom[4..POINTS - 4];
        let tongue: Vec<At> = floor
            .iter()
            .map(|&(x, y)| {
                let hump = 1.0 - ((x - 50.0) / (floor[0].0 - 50.0)).powi(2);
                (x, (y - 2.6 * wide * hump).max(height_at(&edge, x)))
            })
            .collect();
        canvas.fill(&between(&tongue, floor), Rgb(0.66, 0.28, 0.29), 1.0);
    }
}

fn draw_corner(canvas: &mut Canvas, person: &Person, tones: &Tones, look: &Look, side: Side) {
    let (x, y) = corner(person, look, side);
    let out = (x - 50.0).abs();
    let smile = look.of(Unit::LipCornerPuller);
    let frown = look.of(Unit::LipCornerDepressor);
    let stretch = look.of(Unit::LipStretcher);
    canvas.spot((x, y), (1.9, 1.7), tones.fold, 0.5);
    if smile > 0.0 {
        let dimple = bezier(
            side.at(out + 0.2, y + 0.9),
            side.at(out + 1.2, y + 0.2),
            side.at(out + 1.5, y - 0.8),
            side.at(out + 1.1, y - 1.8),
            6,
        );
        canvas.line(&dimple, 1.1, tones.fold, 0.7 * smile);
    }
    if frown > 0.0 {
        let droop = bezier(
            side.at(out - 0.6, y - 0.2),
            side.at(out + 0.9, y + 0.7),
            side.at(out + 1.3, y + 1.8),
            side.at(out + 0.9, y + 3.0),
            6,
        );
        canvas.line(&droop, 1.3, tones.fold, 0.25 + 0.6 * frown);
    }
    if stretch > 0.0 {
        let bracket = bezier(
            side.at(out + 1.2, y - 2.4),
            side.at(out + 2.3, y - 0.8),
            side.at(out + 2.3, y + 1.0),
            side.at(out + 1.2, y + 2.8),
            6,
        );
        canvas.line(&bracket, 1.1, tones.fold, 0.7 * stretch);
    }
}
