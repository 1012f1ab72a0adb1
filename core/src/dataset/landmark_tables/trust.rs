//! Whether a row's points are those of a face that regions can be placed on.

use std::fmt;

use super::{Row, Unit};
use crate::dataset::placement::in_pixels;
use crate::experiment::{Fit, Shaping};
use crate::landmarker::LEAST_PRESENCE;
use crate::region::{Affine, Landmark, Landmarks, Point};

/// How large a face may be, against one that fills a square picture of the shorter side as the canonical frame says.
const SCALES: std::ops::RangeInclusive<f64> = 0.3..=3.0;

/// The least size of a face that a crop shows, pixels of the picture across the canonical frame.
const LEAST_PIXELS: f64 = 16.0;

/// Why points place no regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Untrusted {
    /// The table has no row for the image.
    NoRow,
    /// The picture cannot be read, so that its size is not known.
    NoPicture,
    Presence,
    /// Fewer than two points that stay when the face moves, or all in one place.
    TooFew,
    UpsideDown,
    TooSmall,
    TooLarge,
    Outside,
    /// Of the points that regions are to follow, some are missing.
    NoContour,
    /// Regions that follow the points would be turned over, as in a face that looks aside.
    Folded,
}

/// What is known of a picture's points before it is read.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Points {
    #[default]
    NotAsked,
    Row(Box<Row>, Unit),
    Untrusted(Untrusted),
}

impl Points {
    /// The trusted points of a picture of that width and height, in fractions of it; `None` where nothing was asked for.
    pub fn in_picture(
        &self,
        size: [u32; 2],
        shaping: Shaping,
        fit: Fit,
    ) -> Option<Result<Landmarks, Untrusted>> {
        match self {
            Points::NotAsked => None,
            Points::Row(row, unit) => Some(match fit {
                Fit::Similarity => trusted(row, *unit, size, shaping),
                Fit::Contour => trusted(row, *unit, size, shaping)
                    .and_then(|landmarks| with_contour(landmarks, row, *unit, size)),
            }),
            Points::Untrusted(why) => Some(Err(*why)),
        }
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Untrusted::NoRow => "not in the landmark table",
            Untrusted::NoPicture => "landmarks not trusted: the picture cannot be read",
            Untrusted::Presence => "landmarks not trusted: presence below 0.5",
            Untrusted::TooFew => {
                "landmarks not trusted: fewer than two of eye_left, eye_right, nose_tip"
            }
            Untrusted::UpsideDown => {
                "landmarks not trusted: the face is upside down, or left and right are exchanged"
            }
            Untrusted::TooSmall => "landmarks not trusted: the face is too small",
            Untrusted::TooLarge => "landmarks not trusted: the face is larger than three pictures",
            Untrusted::Outside => {
                "landmarks not trusted: the middle of the face lies outside the picture"
            }
            Untrusted::NoContour => {
                "landmarks not trusted: some of the 26 points are missing that regions are to follow"
            }
            Untrusted::Folded => {
                "landmarks not trusted: regions that follow them would be turned over, as in a face that looks aside"
            }
        })
    }
}

/// The points of a picture of `width` × `height` pixels, in fractions of it, where they can be trusted: enough of them, of
/// presence, upright (rolled by less than a right angle), of a plausible size, and with the face's middle in the picture.
fn trusted(
    row: &Row,
    unit: Unit,
    [width, height]: [u32; 2],
    shaping: Shaping,
) -> Result<Landmarks, Untrusted> {
    if row.presence < LEAST_PRESENCE {
        return Err(Untrusted::Presence);
    }
    let size = [f64::from(width), f64::from(height)];
    let mut landmarks = Landmarks::in_aspect(size[0] / size[1]);
    for (landmark, point) in Landmark::ALL.into_iter().zip(row.points) {
        let Some(Point { x, y }) = point else { continue };
        landmarks.set(landmark, in_fractions(Point { x, y }, unit, size));
    }
    let frame = in_pixels(&landmarks, size).ok_or(Untrusted::TooFew)?;
    plausible(&frame, size, shaping).map(|()| landmarks)
}

fn in_fractions(Point { x, y }: Point, unit: Unit, [width, height]: [f64; 2]) -> Point {
    match unit {
        Unit::Fractions => Point { x, y },
        Unit::Pixels => Point { x: x / width, y: y / height },
    }
}

/// Trusted points, and those that regions are to follow.
fn with_contour(
    mut landmarks: Landmarks,
    row: &Row,
    unit: Unit,
    size: [u32; 2],
) -> Result<Landmarks, Untrusted> {
    let contour = row.contour.ok_or(Untrusted::NoContour)?;
    landmarks.set_contour(contour.map(|point| in_fractions(point, unit, size.map(f64::from))));
    landmarks.face_map().map(|_| landmarks).ok_or(Untrusted::Folded)
}

fn plausible(frame: &Affine, [width, height]: [f64; 2], shaping: Shaping) -> Result<(), Untrusted> {
    let pixels = frame.a.hypot(frame.d);
    let scale = pixels / width.min(height);
    let too_small = match shaping {
        Shaping::Crop => pixels < LEAST_PIXELS.min(width.min(height)),
        Shaping::Stretch | Shaping::Pad => scale < *SCALES.start(),
    };
    let middle = frame.apply(Point { x: 0.5, y: 0.5 });
    let inside = (0.0..=width).contains(&middle.x) && (0.0..=height).contains(&middle.y);
    match () {
        () if frame.a <= 0.0 => Err(Untrusted::UpsideDown),
        () if too_small => Err(Untrusted::TooSmall),
        () if scale > *SCALES.end() => Err(Untrusted::TooLarge),
        () if !inside => Err(Untrusted::Outside),
        () => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eyes(left: (f64, f64), right: (f64, f64)) -> Row {
        let point = |(x, y)| Some(Point { x, y });
        let points = [point(left), point(right), None, None, None];
        Row { points, presence: 0.9, line: 2, contour: None }
    }

    fn of(row: &Row) -> Result<(), Untrusted> {
        trusted(row, Unit::Fractions, [48, 48], Shaping::Stretch).map(|_| ())
    }

    #[test]
    fn a_face_in_its_place_is_trusted() {
        assert_eq!(of(&eyes((0.32, 0.385), (0.68, 0.385))), Ok(()));
    }

    #[test]
    fn points_of_little_presence_and_too_few_are_not_trusted() {
        let good = eyes((0.32, 0.385), (0.68, 0.385));
        assert_eq!(of(&Row { presence: 0.5, ..good }), Ok(()));
        assert_eq!(of(&Row { presence: 0.49, ..good }), Err(Untrusted::Presence));
        assert_eq!(of(&Row { points: [None; 5], ..good }), Err(Untrusted::TooFew));
        let mut one = good;
        one.points[1] = None;
        assert_eq!(of(&one), Err(Untrusted::TooFew));
        assert_eq!(of(&eyes((0.5, 0.4), (0.5, 0.4))), Err(Untrusted::TooFew));
    }

    #[test]
    fn faces_that_cannot_lie_so_are_not_trusted() {
        assert_eq!(of(&eyes((0.68, 0.385), (0.32, 0.385))), Err(Untrusted::UpsideDown));
        assert_eq!(of(&eyes((0.45, 0.4), (0.55, 0.4))), Err(Untrusted::TooSmall));
        assert_eq!(of(&eyes((-0.8, 0.4), (1.8, 0.4))), Err(Untrusted::TooLarge));
        assert_eq!(of(&eyes((1.32, 0.385), (1.68, 0.385))), Err(Untrusted::Outside));
    }

    /// The same face in a picture of 640 × 490, in pixels and in fractions: the same points.
    #[test]
    fn pixels_and_fractions_are_the_same_points() {
        let (size, shaping) = ([640, 490], Shaping::Stretch);
        let pixels = trusted(&eyes((256.0, 196.0), (384.0, 196.0)), Unit::Pixels, size, shaping);
        let fractions = trusted(&eyes((0.4, 0.4), (0.6, 0.4)), Unit::Fractions, size, shaping);
        assert_eq!(pixels, fractions);
        assert!((pixels.unwrap().aspect() - 640.0 / 490.0).abs() < 1e-12);
    }

    #[test]
    fn a_small_face_is_trusted_where_the_crop_follows_it() {
        let small = eyes((300.0, 200.0), (320.0, 200.0));
        let size = [640, 490];
        assert_eq!(trusted(&small, Unit::Pixels, size, Shaping::Stretch), Err(Untrusted::TooSmall));
        assert!(trusted(&small, Unit::Pixels, size, Shaping::Crop).is_ok());
        let tiny = eyes((300.0, 200.0), (303.0, 200.0));
        assert_eq!(trusted(&tiny, Unit::Pixels, size, Shaping::Crop), Err(Untrusted::TooSmall));
    }
}
