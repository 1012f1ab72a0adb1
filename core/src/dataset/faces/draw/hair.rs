//! Hair on the head and on the chin.

use super::super::identity::{Beard, HairStyle, Person};
use super::Look;
use super::canvas::{At, Canvas, Rgb, Side, bezier, ellipse, through};
use super::head::chin_line;

/// What hangs or stands behind the head.
pub fn draw_behind(canvas: &mut Canvas, person: &Person) {
    let dark = person.hair.times(0.62, 0.60, 0.60);
    let wide = person.cheek_width;
    match person.hair_style {
        HairStyle::Long => {
            let right = through(
                &[
                    (50.0, -18.0),
                    (45.0 + wide, -6.0),
                    (56.0 + wide, 30.0),
                    (57.5 + wide, 70.0),
                    (53.0 + wide, 118.0),
                ],
                6,
            );
            let left = through(
                &[
                    (47.0 - wide, 118.0),
                    (42.5 - wide, 70.0),
                    (44.0 - wide, 30.0),
                    (55.0 - wide, -6.0),
                    (50.0, -18.0),
                ],
                6,
            );
            canvas.fill(&[right, left].concat(), dark, 1.0);
        }
        HairStyle::Curly => {
            for i in 0..15 {
                let angle = std::f32::consts::PI * (0.06 + 1.12 * (i as f32 + 0.0) / 14.0 + 0.91);
                let (sin, cos) = angle.sin_cos();
                let center = (50.0 + (wide + 2.5) * cos, 26.0 + 34.0 * sin);
                canvas.fill(&ellipse(center, (8.0, 8.0), 14), dark, 1.0);
            }
        }
        HairStyle::Bald => {}
        HairStyle::Short | HairStyle::Parted | HairStyle::TiedBack | HairStyle::Receding => {
            canvas.fill(
                &[skull(wide + 1.8), vec![(48.0 - wide, 44.0), (52.0 + wide, 44.0)]].concat(),
                dark,
                1.0,
            );
        }
    }
}

/// What lies over the forehead's edge and the temples.
pub fn draw_in_front(canvas: &mut Canvas, person: &Person) {
    let line = person.hairline;
    let wide = person.cheek_width;
    let light = person.hair.mix(Rgb(1.0, 0.95, 0.85), 0.22);
    let over = skull(wide + 1.8);
    match person.hair_style {
        HairStyle::Bald => return,
        HairStyle::Short | HairStyle::Receding | HairStyle::TiedBack => {
            let sideburn = if person.hair_style == HairStyle::TiedBack { 30.0 } else { 39.0 };
            let temple =
                if person.hair_style == HairStyle::Receding { line + 4.0 } else { line + 2.0 };
            let edge = through(
                &[
                    (48.0 - wide, sideburn),
                    (51.4 - wide, sideburn - 6.0),
                    (53.0 - wide, 19.0),
                    (57.5 - wide, temple + 3.5),
                    (40.0, line + 0.2),
                    (60.0, line + 0.2),
                    (42.5 + wide, temple + 3.5),
                    (47.0 + wide, 19.0),
                    (48.6 + wide, sideburn - 6.0),
                    (52.0 + wide, sideburn),
                ],
                5,
            );
            cap(canvas, person, &edge, &over);
        }
        HairStyle::Parted => {
            let mirror = |x: f32| if person.parted_left { x } else { 100.0 - x };
            let mut edge = through(
                &[
                    (48.0 - wide, 40.0),
                    (51.6 - wide, 33.0),
                    (53.6 - wide, 18.0),
                    (29.0, line + 3.6),
                    (33.0, line - 3.0),
                    (50.0, line + 2.4),
                    (66.0, line + 5.4),
                    (44.6 + wide, 17.5),
                    (48.4 + wide, 32.0),
                    (52.0 + wide, 40.0),
                ]
                .map(|(x, y)| (mirror(x), y)),
                5,
            );
            if !person.parted_left {
                edge.reverse();
            }
            cap(canvas, person, &edge, &over);
            for (from, to) in [(38.0, 58.0), (42.0, 68.0), (48.0, 76.0)] {
                let strand = bezier(
                    (mirror(from), -4.0),
                    (mirror(from + 8.0), line - 3.0),
                    (mirror(to), line - 1.0),
                    (mirror(to + 6.0), line + 7.0),
                    8,
                );
                canvas.line(&strand, 1.0, light, 0.35);
            }
            return;
        }
        HairStyle::Long => {
            let edge = through(
                &[
                    (40.0 - wide, 112.0),
                    (53.4 - wide, 92.0),
                    (52.4 - wide, 66.0),
                    (51.6 - wide, 40.0),
                    (54.6 - wide, 20.0),
                    (33.0, line + 4.0),
                    (49.0, line - 4.4),
                    (66.0, line + 4.0),
                    (45.4 + wide, 20.0),
                    (48.4 + wide, 40.0),
                    (47.6 + wide, 66.0),
                    (46.6 + wide, 92.0),
                    (60.0 + wide, 112.0),
                ],
                5,
            );
            let around = [
                &[(57.0 + wide, 112.0), (57.5 + wide, 70.0)],
                &skull(wide + 6.0)[..],
                &[(42.5 - wide, 70.0), (43.0 - wide, 112.0)],
            ]
            .concat();
            cap(canvas, person, &edge, &around);
            for side in Side::BOTH {
                for offset in [0.0, 2.2] {
                    let strand = bezier(
                        side.at(8.0 + offset, -6.0),
                        side.at(wide - 4.0 + offset, 2.0),
                        side.at(wide + 0.6 + offset, 24.0),
                        side.at(wide + 1.6 + offset, 86.0),
                        12,
                    );
                    canvas.line(&strand, 1.0, light, 0.30);
                }
            }
            return;
        }
        HairStyle::Curly => {
            for i in 0..9 {
                let t = i as f32 / 8.0 * 2.0 - 1.0;
                let center = (50.0 + t * (wide - 1.0), line - 6.0 + 11.0 * t.abs().powi(3));
                let curl = ellipse(center, (6.6, 6.4), 14);
                canvas.fill(&curl, person.hair, 1.0);
                canvas.line(&curl[8..13], 0.9, light, 0.45);
            }
            for side in Side::BOTH {
                for y in [13.0, 21.0, 29.0] {
                    canvas.fill(&ellipse(side.at(wide + 1.4, y), (4.4, 5.6), 12), person.hair, 1.0);
                }
            }
            return;
        }
    }
    for x in [30.0, 41.0, 52.0, 63.0] {
        let lean = (x - 50.0) * 0.25;
        let strand = bezier(
            (x, line - 1.0),
            (x + lean, line - 4.0),
            (x + lean, -4.0),
            (x + 2.0 * lean, -8.0),
            6,
        );
        canvas.line(&strand, 1.2, light, 0.30);
    }
}

/// From the right temple over the crown to the left one, `half` to each side.
fn skull(half: f32) -> Vec<At> {
    let right = bezier(
        (50.0 + half, 34.0),
        (50.0 + half + 0.6, 8.0),
        (50.0 + 0.74 * half, -17.0),
        (50.0, -17.0),
        8,
    );
    let left = right.iter().rev().skip(1).map(|&(x, y)| (100.0 - x, y));
    right.iter().copied().chain(left).collect()
}

/// Hair between its edge on the face and a line around it.
fn cap(canvas: &mut Canvas, person: &Person, edge: &[At], around: &[At]) {
    let shadow: Vec<At> = edge.iter().map(|&(x, y)| (x, y + 0.8)).collect();
    canvas.fill(&[&shadow[..], around].concat(), person.hair.times(0.45, 0.42, 0.42), 0.35);
    canvas.fill_passage(
        &[edge, around].concat(),
        ((50.0, -14.0), person.hair.mix(Rgb(1.0, 0.95, 0.88), 0.10)),
        ((50.0, 30.0), person.hair.times(0.82, 0.80, 0.80)),
    );
}

/// The beard on cheeks and jaw, within the face's outline: layers that grow from the edge of the face
/// towards its middle, so that it thins out there.
pub fn draw_beard(canvas: &mut Canvas, person: &Person, jaw: &Look) {
    let layers: &[(f32, f32)] = match person.beard {
        Beard::Full => &[(1.4, 0.45), (0.0, 0.8)],
        Beard::Stubble => &[(1.5, 0.07), (0.0, 0.07), (-1.5, 0.08)],
        Beard::None | Beard::Moustache => return,
    };
    let chin = chin_line(person, jaw);
    for &(grown, alpha) in layers {
        // From the left end of the jaw up the cheek and back round the mouth.
        let edge =
            |out: f32, y: f32| [(50.0 - out + grown, y - grown), (50.0 + out - grown, y - grown)];
        let half = person.jaw_width;
        let (high, cheek) = (edge(half + 5.4, 63.0), edge(half - 0.5, 70.5));
        let (beside, under, below) = (edge(20.5, 77.0), edge(16.5, 85.0), edge(7.0, 88.6));
        let inner = through(
            &[
                (50.0 - half, chin[0].1),
                high[0],
                cheek[0],
                beside[0],
                under[0],
                below[0],
                below[1],
                under[1],
                beside[1],
                cheek[1],
                high[1],
            ],
            4,
        );
        let outline: Vec<At> = chin.iter().chain(&inner[1..]).copied().collect();
        canvas.fill(&outline, beard_color(person), alpha);
    }
}

/// Beards are darker than hair, and stubble is seen as a shadow even where it is grey.
fn beard_color(person: &Person) -> Rgb {
    let shade = if person.beard == Beard::Stubble { 0.55 } else { 0.85 };
    person.hair.times(shade, shade, shade)
}

/// A moustache, under the nose and beside the mouth.
pub fn draw_moustache(canvas: &mut Canvas, person: &Person) {
    for side in Side::BOTH {
        let upper = bezier(
            side.at(0.0, 68.2),
            side.at(6.0, 66.9),
            side.at(13.0, 69.0),
            side.at(17.0, 74.4),
            8,
        );
        let lower = bezier(
            side.at(16.0, 75.4),
            side.at(12.0, 72.6),
            side.at(6.0, 71.4),
            side.at(0.0, 71.8),
            8,
        );
        canvas.fill(&[upper, lower].concat(), beard_color(person), 0.9);
    }
}
