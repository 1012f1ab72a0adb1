//! A person with an expression, as a picture.
//!
//! Each part of the face is drawn by a file of its own from the person and that part's [`Look`] alone,
//! and what depends on the look stays inside the part's region of the atlas. So what a region's pixels
//! can tell of the emotion is what its signs tell, which is what [`truth`](super::truth()) counts.

mod brows;
pub mod canvas;
mod cheeks;
mod eyes;
mod forehead;
mod glasses;
mod hair;
mod head;
mod jaw;
mod mouth;
mod nose;

use rand::{Rng, RngExt};
use tiny_skia::{Pixmap, Transform};

use crate::experiment::DatasetSpec;
use crate::region::{Landmark, Landmarks, Point};

use super::actions::{Part, SIGNS, Unit};
use super::expression::Signs;
use super::identity::Person;
use super::nuisance::{Pose, Shot};

use self::canvas::{At, Canvas, Rgb, Side};

/// What is seen of each unit in one part of the face: 0 (rest) to 1 (as far as it goes), by unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look([f32; Unit::COUNT]);

impl Look {
    pub const REST: Look = Look([0.0; Unit::COUNT]);

    pub fn of(&self, unit: Unit) -> f32 {
        self.0[unit as usize]
    }
}

/// The look of every part.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression([Look; Part::ALL.len()]);

impl Expression {
    /// The looks that show `signs`; the strength within a level is drawn, so that no two grins are alike.
    pub fn of(signs: &Signs, rng: &mut impl Rng) -> Expression {
        let mut expression = Expression([Look::REST; Part::ALL.len()]);
        for (sign, level) in SIGNS.iter().zip(signs.0) {
            let within: f32 = rng.random_range(-0.3..0.3);
            if level > 0 {
                let strength = ((f32::from(level) + within) / 5.0).min(1.0).powf(0.85);
                expression.0[sign.part as usize].0[sign.unit as usize] = strength;
            }
        }
        expression
    }

    fn look(&self, part: Part) -> &Look {
        &self.0[part as usize]
    }
}

/// The colours of a person's skin in light and shade.
pub(super) struct Tones {
    pub light: Rgb,
    pub base: Rgb,
    pub shade: Rgb,
    pub deep: Rgb,
    /// Folds and wrinkles.
    pub fold: Rgb,
    pub blush: Rgb,
    pub lip: Rgb,
}

impl Tones {
    fn of(person: &Person) -> Tones {
        let base = person.skin;
        let darkness = ((0.97 - base.0) / 0.55).clamp(0.0, 1.0);
        Tones {
            light: base.mix(Rgb(1.0, 0.95, 0.86), 0.42 - 0.16 * darkness),
            base,
            shade: base.times(0.84, 0.76, 0.72),
            deep: base.times(0.62, 0.50, 0.46),
            fold: base.times(0.46, 0.33, 0.30),
            blush: base.mix(Rgb(0.86, 0.32, 0.28), 0.30),
            lip: base
                .mix(Rgb(0.66, 0.20, 0.22), 0.42 + 0.14 * person.femininity)
                .times(0.96, 0.92, 0.92),
        }
    }
}

/// Draws and photographs a face. Returns the pixels, `[H, W, C]`, and the landmarks in fractions of
/// width and height.
pub fn draw_face(
    person: &Person,
    expression: &Expression,
    shot: &Shot,
    spec: &DatasetSpec,
    rng: &mut impl Rng,
) -> (Vec<u8>, Landmarks) {
    let pixmap = Pixmap::new(spec.width as u32, spec.height as u32)
        .expect("a validated size is neither empty nor beyond what memory can address");
    let to_pixels = to_pixels(&shot.pose, spec.width as f64, spec.height as f64);
    let mut canvas = Canvas::new(pixmap, to_pixels);
    paint(&mut canvas, person, expression, shot.backdrop);
    let pixels = shot.develop(&canvas.into_pixmap(), spec.channels, rng);
    (pixels, landmarks(person, expression, &shot.pose))
}

fn paint(canvas: &mut Canvas, person: &Person, expression: &Expression, backdrop: Rgb) {
    let tones = Tones::of(person);
    let look = |part| expression.look(part);
    head::draw_backdrop(canvas, backdrop);
    hair::draw_behind(canvas, person);
    head::draw_neck(canvas, person, &tones);
    head::draw_ears(canvas, person, &tones);
    head::draw_skin(canvas, person, &tones, look(Part::Jaw));
    hair::draw_beard(canvas, person, look(Part::Jaw));
    forehead::draw(canvas, person, &tones, look(Part::Forehead));
    cheeks::draw(canvas, person, &tones, look(Part::Cheeks));
    jaw::draw(canvas, person, &tones, look(Part::Jaw));
    mouth::draw(canvas, person, &tones, look(Part::Mouth));
    nose::draw(canvas, person, &tones, look(Part::Nose));
    for side in Side::BOTH {
        eyes::draw(canvas, person, &tones, look(Part::Eyes), side);
        brows::draw(canvas, person, look(Part::Brows), side);
    }
    brows::draw_frown(canvas, &tones, look(Part::Brows));
    hair::draw_in_front(canvas, person);
    if let Some(shape) = person.glasses {
        glasses::draw(canvas, person, shape);
    }
}

/// Where the points lie in the picture. The mouth's are where the corners are, moved or not.
fn landmarks(person: &Person, expression: &Expression, pose: &Pose) -> Landmarks {
    let mut landmarks = Landmarks::default();
    let mut set = |landmark, (x, y): At| {
        let point = Point { x: f64::from(x) / 100.0, y: f64::from(y) / 100.0 };
        landmarks.set(landmark, pose.place(point));
    };
    let mouth = expression.look(Part::Mouth);
    set(Landmark::EyeLeft, eyes::center(person, Side::Left));
    set(Landmark::EyeRight, eyes::center(person, Side::Right));
    set(Landmark::NoseTip, nose::TIP);
    set(Landmark::MouthLeft, mouth::corner(person, mouth, Side::Left));
    set(Landmark::MouthRight, mouth::corner(person, mouth, Side::Right));
    landmarks
}

/// [`Pose::place`] from hundredths to pixels.
fn to_pixels(pose: &Pose, width: f64, height: f64) -> Transform {
    let origin = pose.place(Point { x: 0.0, y: 0.0 });
    let right = pose.place(Point { x: 1.0, y: 0.0 });
    let down = pose.place(Point { x: 0.0, y: 1.0 });
    let x = |value: f64| (value * width) as f32;
    let y = |value: f64| (value * height) as f32;
    Transform::from_row(
        x((right.x - origin.x) / 100.0),
        y((right.y - origin.y) / 100.0),
        x((down.x - origin.x) / 100.0),
        y((down.y - origin.y) / 100.0),
        x(origin.x),
        y(origin.y),
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::specs;
    use super::*;
    use crate::region::atlas::ALIGNED;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn rest() -> Expression {
        Expression([Look::REST; Part::ALL.len()])
    }

    fn with(mut expression: Expression, part: Part, unit: Unit, strength: f32) -> Expression {
        expression.0[part as usize].0[unit as usize] = strength;
        expression
    }

    fn plain(person: &Person, expression: &Expression, size: usize) -> Vec<u8> {
        let (mut spec, _) = specs();
        (spec.height, spec.width, spec.channels) = (size, size, 3);
        draw_face(person, expression, &Shot::PLAIN, &spec, &mut ChaCha8Rng::seed_from_u64(0)).0
    }

    fn people() -> impl Iterator<Item = Person> {
        let crowd = (0..8).map(|seed| Person::draw(&mut ChaCha8Rng::seed_from_u64(seed), 2.0));
        std::iter::once(Person::average()).chain(crowd)
    }

    /// Whether a pixel of a square picture lies in the region or within `reach` pixels of it.
    fn near(part: Part, (x, y): (usize, usize), size: usize, reach: isize) -> bool {
        let inside = |x: f64, y: f64| {
            ALIGNED[part as usize].1.iter().any(|corners| {
                let mut odd = false;
                for (i, &(ax, ay)) in corners.iter().enumerate() {
                    let (bx, by) = corners[(i + 1) % corners.len()];
                    odd ^= (ay > y) != (by > y) && x < ax + (y - ay) / (by - ay) * (bx - ax);
                }
                odd
            })
        };
        let hundredths =
            |pixel: usize, step: isize| (pixel as f64 + step as f64 + 0.5) / size as f64 * 100.0;
        (-reach..=reach)
            .any(|dx| (-reach..=reach).any(|dy| inside(hundredths(x, dx), hundredths(y, dy))))
    }

    fn assert_within(part: Part, a: &[u8], b: &[u8], size: usize, what: &str) {
        for index in 0..size * size {
            let at = (index % size, index / size);
            let difference = (0..3).map(|c| a[index * 3 + c].abs_diff(b[index * 3 + c])).max();
            if difference > Some(2) {
                assert!(near(part, at, size, 1), "{what} leaves {} at {at:?}", part.name());
            }
        }
    }

    #[test]
    fn a_sign_changes_pixels_of_its_own_region_only() {
        let size = 100;
        for (who, person) in people().enumerate() {
            let before = plain(&person, &rest(), size);
            for sign in SIGNS {
                let after = plain(&person, &with(rest(), sign.part, sign.unit, 1.0), size);
                assert_within(
                    sign.part,
                    &before,
                    &after,
                    size,
                    &format!("{:?} of {who}", sign.unit),
                );
            }
        }
    }

    #[test]
    fn signs_together_stay_within_their_regions_too() {
        let size = 100;
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for (who, person) in people().enumerate() {
            let before = plain(&person, &rest(), size);
            for part in Part::ALL {
                for _ in 0..4 {
                    let looks =
                        SIGNS.iter().filter(|sign| sign.part == part).fold(rest(), |all, sign| {
                            let strength = [0.0, 0.5, 1.0][rng.random_range(0..3)];
                            with(all, part, sign.unit, strength)
                        });
                    let after = plain(&person, &looks, size);
                    assert_within(part, &before, &after, size, &format!("{who}"));
                }
            }
        }
    }

    #[test]
    fn every_sign_shows_at_the_size_of_a_thumbnail() {
        let person = Person::average();
        let before = plain(&person, &rest(), 48);
        for sign in SIGNS {
            let after = plain(&person, &with(rest(), sign.part, sign.unit, 0.6), 48);
            let difference = before.iter().zip(&after).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(
                difference > Some(12),
                "{:?} in {}: {difference:?}",
                sign.unit,
                sign.part.name()
            );
        }
    }

    #[test]
    fn stable_landmarks_stay_and_the_mouths_move() {
        let person = Person::average();
        let smile = with(rest(), Part::Mouth, Unit::LipCornerPuller, 1.0);
        let open = with(smile.clone(), Part::Eyes, Unit::UpperLidRaiser, 1.0);
        let before = landmarks(&person, &rest(), &Pose::CANONICAL);
        let after = landmarks(&person, &open, &Pose::CANONICAL);
        for landmark in Landmark::ALL {
            let (a, b) = (before.get(landmark).unwrap(), after.get(landmark).unwrap());
            let canonical = landmark.canonical();
            assert!(
                (a.x - canonical.x).abs() < 1e-6 && (a.y - canonical.y).abs() < 1e-6,
                "{landmark:?}"
            );
            assert_eq!(a == b, landmark.is_stable(), "{landmark:?}");
        }
        assert!(
            after.get(Landmark::MouthLeft).unwrap().y < before.get(Landmark::MouthLeft).unwrap().y
        );
    }

    /// The pupil is drawn where the landmark says, whatever the pose.
    #[test]
    fn landmarks_point_at_what_is_drawn() {
        let (mut spec, _) = specs();
        (spec.height, spec.width, spec.channels) = (200, 160, 1);
        let pose = Pose { roll: 0.2, scale: 0.9, shift: (0.03, -0.02) };
        let shot = Shot { pose, ..Shot::PLAIN };
        let rng = &mut ChaCha8Rng::seed_from_u64(0);
        let (pixels, points) = draw_face(&Person::average(), &rest(), &shot, &spec, rng);
        for landmark in [Landmark::EyeLeft, Landmark::EyeRight] {
            let point = points.get(landmark).unwrap();
            let (x, y) = ((point.x * 160.0) as usize, (point.y * 200.0) as usize);
            assert!(pixels[y * 160 + x] < 40, "{landmark:?}: {}", pixels[y * 160 + x]);
        }
    }
}
