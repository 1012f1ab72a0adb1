//! What the parts of the face lie on: backdrop, neck, ears, the head and its shading.

use super::super::actions::Unit;
use super::super::identity::Person;
use super::canvas::{At, Canvas, Rgb, Side, bezier, ellipse};
use super::{Look, Tones};

/// Where the outline passes from cheek into jaw. The jaw's region begins here, so a dropped jaw moves
/// the outline below this height only.
const JAW_TOP: f32 = 79.4;

/// How far a dropped jaw lengthens the chin.
const JAW_DROP: f32 = 3.9;

pub fn draw_backdrop(canvas: &mut Canvas, color: Rgb) {
    let (above, below) = (color.mix(Rgb(1.0, 1.0, 1.0), 0.10), color.times(0.82, 0.82, 0.82));
    canvas.fill_everything(((50.0, 0.0), above), ((50.0, 100.0), below));
}

pub fn draw_neck(canvas: &mut Canvas, person: &Person, tones: &Tones) {
    let half = person.jaw_width * 0.80;
    let clothes: Vec<At> = [
        bezier((-70.0, 150.0), (-40.0, 108.0), (10.0, 106.0), (50.0 - half, 99.0), 8),
        bezier((50.0 + half, 99.0), (90.0, 106.0), (140.0, 108.0), (170.0, 150.0), 8),
    ]
    .concat();
    canvas.fill(&clothes, person.clothes, 1.0);
    let neck: Vec<At> = [
        bezier(
            (50.0 - half, 70.0),
            (49.0 - half, 92.0),
            (50.0 - half, 100.0),
            (44.0 - half, 107.0),
            6,
        ),
        bezier(
            (56.0 + half, 107.0),
            (50.0 + half, 100.0),
            (51.0 + half, 92.0),
            (50.0 + half, 70.0),
            6,
        ),
    ]
    .concat();
    canvas.fill_passage(&neck, ((50.0, 90.0), tones.deep), ((50.0, 112.0), tones.shade));
}

pub fn draw_ears(canvas: &mut Canvas, person: &Person, tones: &Tones) {
    for side in Side::BOTH {
        let out = person.cheek_width + 1.2;
        canvas.fill(&ellipse(side.at(out, 47.0), (4.2, 8.6), 16), tones.shade, 1.0);
        canvas.fill(&ellipse(side.at(out + 0.6, 46.6), (2.2, 5.4), 12), tones.deep, 0.55);
    }
}

/// The outline of the head, from the left jaw over the crown to the right one, and back over the chin.
fn outline(person: &Person, jaw: &Look) -> Vec<At> {
    let crown = side_above_jaw(person, Side::Left).into_iter().rev();
    let right = side_above_jaw(person, Side::Right).into_iter().skip(1);
    let chin = chin_line(person, jaw);
    let (_, below) = chin.split_at(1);
    crown.chain(right).chain(below[..below.len() - 1].iter().copied()).collect()
}

/// From the crown down to the jaw on one side.
fn side_above_jaw(person: &Person, side: Side) -> Vec<At> {
    let (cheek, jaw) = (person.cheek_width, person.jaw_width);
    let temple = cheek - 0.4;
    let skull = bezier(
        side.at(0.0, -13.0),
        side.at(temple * 0.62, -13.0),
        side.at(temple, 4.0),
        side.at(temple, 24.0),
        8,
    );
    let temple_to_cheek = bezier(
        side.at(temple, 24.0),
        side.at(temple, 34.0),
        side.at(cheek, 40.0),
        side.at(cheek, 49.0),
        5,
    );
    let cheek_to_jaw = bezier(
        side.at(cheek, 49.0),
        side.at(cheek, 60.0),
        side.at(jaw + 4.2, JAW_TOP - 8.0),
        side.at(jaw, JAW_TOP),
        8,
    );
    [&skull[..], &temple_to_cheek[1..], &cheek_to_jaw[1..]].concat()
}

/// The outline of the jaw from its right end over the chin to its left end.
pub fn chin_line(person: &Person, jaw: &Look) -> Vec<At> {
    let drop = JAW_DROP * jaw.of(Unit::JawDrop);
    let chin = person.chin_height + drop;
    let half = |side: Side| {
        bezier(
            side.at(person.jaw_width, JAW_TOP),
            side.at(person.jaw_width - 4.0 - 0.15 * drop, JAW_TOP + 7.6 + 0.5 * drop),
            side.at(person.chin_width, chin),
            side.at(0.0, chin),
            10,
        )
    };
    let left = half(Side::Left);
    half(Side::Right).into_iter().chain(left.into_iter().rev().skip(1)).collect()
}

pub fn draw_skin(canvas: &mut Canvas, person: &Person, tones: &Tones, jaw: &Look) {
    let outline = outline(person, jaw);
    // Light from the upper left.
    let lit = tones.base.mix(tones.light, 0.45);
    canvas.fill_round(&outline, (42.0, 40.0), (48.0, 68.0), lit, tones.shade.mix(tones.deep, 0.25));
    canvas.spot((44.0, 13.0), (25.0, 11.0), tones.light, 0.5);
    canvas.spot((49.0, 91.0), (9.0, 4.5), tones.light, 0.35);
    for side in Side::BOTH {
        canvas.spot(side.at(22.0, 55.0), (9.5, 7.0), tones.light, 0.40);
        canvas.spot(side.at(22.0, 62.0), (9.5, 8.0), tones.blush, 0.45);
        canvas.spot(side.at(16.0, 36.0), (14.5, 9.0), tones.deep, 0.34);
    }
}
