//! Finds the points of a face in a picture.
//!
//! In: a picture's pixels. Out: 478 points, and how probable it is that they lie on a face. Two networks do it, those of
//! MediaPipe's Face Landmarker (float16, version 1; Apache-2.0): a detector finds a box, in whose turned square the
//! other one finds the points (Kartynnik et al. 2019, arXiv 1907.06724). They are read from the file that
//! `scripts/setup --landmarks` fetches and run by the few operators that they need. This room does not depend on data
//! sets.
//!
//! The same picture gives the same bits on every machine: nothing here asks what the processor can do, and what the
//! standard library leaves to the system (sine, exponential) is not used. Else two machines would disagree on the
//! identity of a data set whose landmarks they found.

mod bundle;
mod detector;
#[cfg(test)]
mod fixture;
mod flatbuffer;
mod kernels;
mod network;
mod picture;
mod points;
mod tflite;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use self::bundle::{Bundle, Member};
pub use self::bundle::{LandmarkerError, PLACE, place};
use self::detector::{Detection, Detector};
use self::network::Workspace;
pub use self::picture::RgbView;
use self::picture::{Scaled, Square};
pub use self::points::POINTS;
use self::points::{EYES, Found, PointFinder};
use self::tflite::Refused;
use crate::region::{Landmark, Landmarks, Point};

/// Counts the changes of the steps that give other points. Beside [`MODEL`] it is part of what identifies found points.
pub const VERSION: u32 = 1;

/// The model, by a short name for identities: the beginnings of its files' hashes.
pub const MODEL: &str = "233480049ea2-6b99c671d448";

const DETECTOR: Member<'_> = Member {
    name: "face_detector.tflite",
    hash: "233480049ea28574824b3453ce2e296dd9498843cb7d0ace605353c46b92b307",
};
const POINT_FINDER: Member<'_> = Member {
    name: "face_landmarks_detector.tflite",
    hash: "6b99c671d448eb3fbd02dcbf949d0a607b2a3db0ae0abc6feaea5062c8641fe8",
};

/// Points of less presence are not trusted.
pub const LEAST_PRESENCE: f64 = 0.5;

/// A box of a smaller share of the picture's shorter side is seldom the face of a picture of one face, which is then
/// looked for in the whole picture.
const LEAST_BOX: f64 = 0.45;

/// The square in which a face is detected, by the picture's longer side: with a quarter of it around the picture, in
/// black, since faces that fill their picture are found so.
const REACH: f64 = 1.5;

/// A picture of one face, as the network for the points wants to see it: with an eighth of its longer side around it.
const WHOLE: f64 = 1.25;

/// The change of a square's side from one look to the next after which there is no further one, and the most looks
/// after the first.
const SETTLED: std::ops::RangeInclusive<f64> = 0.7..=1.4;
const MOST_LOOKS: usize = 4;

/// The tip of the nose and the corners of the mouth, left and right in the picture, among the points.
const NOSE_TIP: usize = 1;
const MOUTH: [usize; 2] = [61, 291];

/// Finds faces; many threads may share it.
#[derive(Debug)]
pub struct Landmarker {
    detector: Detector,
    points: PointFinder,
    /// The memory of runs that have ended.
    workspaces: Mutex<Vec<Workspace>>,
}

/// The face of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Face {
    /// In fractions of the picture's width and height from its top left; some may lie outside. Their numbers are those of
    /// MediaPipe's mesh of 468 points, followed by five for each iris.
    pub points: [Point; POINTS],
    /// The probability that they lie on a face, 0 to 1.
    pub presence: f64,
}

impl Landmarker {
    /// Reads the model, by default from its [`place`].
    ///
    /// # Errors
    ///
    /// Where it is not there, cannot be read, or is another one.
    pub fn open(path: &Path) -> Result<Landmarker, LandmarkerError> {
        let mut bundle = Bundle::open(path)?;
        let refused = |name| {
            move |why: Refused| LandmarkerError::Refused { path: path.to_owned(), name, why }
        };
        let detector = Detector::new(&bundle.read(&DETECTOR)?).map_err(refused(DETECTOR.name))?;
        let points = bundle.read(&POINT_FINDER)?;
        let points = PointFinder::new(&points).map_err(refused(POINT_FINDER.name))?;
        Ok(Landmarker { detector, points, workspaces: Mutex::default() })
    }

    /// The most probable face of a picture. Its points are only to be trusted where its [`presence`](Face::presence) is
    /// at least [`LEAST_PRESENCE`]: there is an answer for a picture without any face too.
    pub fn find(&self, picture: RgbView<'_>) -> Face {
        let mut workspace = self.workspaces().pop().unwrap_or_default();
        let found = self.search(picture, &mut workspace);
        self.workspaces().push(workspace);
        let (width, height) = (picture.width() as f64, picture.height() as f64);
        let fraction = |point: Point| Point { x: point.x / width, y: point.y / height };
        Face { points: found.points.map(fraction), presence: found.presence }
    }

    fn workspaces(&self) -> std::sync::MutexGuard<'_, Vec<Workspace>> {
        self.workspaces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The points in the box that the detector finds in the whole picture. Without a plausible box, or where it held no
    /// face, those of the picture as one face, of the box all the same, and at last of boxes in the picture's parts.
    fn search(&self, picture: RgbView<'_>, workspace: &mut Workspace) -> Found {
        let mut looks = Looks { landmarker: self, scaled: Scaled::new(picture), workspace };
        let (width, height) = (picture.width() as f64, picture.height() as f64);
        let (shorter, longer) = (width.min(height), width.max(height));
        let middle = Point { x: width / 2.0, y: height / 2.0 };
        let box_of_all = looks.detect(&Square::upright(middle, REACH * longer));
        let is_large = |face: &Detection| face.width >= LEAST_BOX * shorter;
        if let Some(face) = box_of_all.filter(is_large) {
            let found = looks.once(&points::square_of(&face));
            if found.presence >= LEAST_PRESENCE {
                return found;
            }
        }
        let mut best = looks.settled(&Square::upright(middle, WHOLE * longer));
        let mut boxes: Vec<Detection> = box_of_all.into_iter().collect();
        if boxes.is_empty() && best.presence < LEAST_PRESENCE {
            boxes.extend(parts(width, height).iter().filter_map(|part| looks.detect(part)));
        }
        for face in boxes {
            let found = looks.settled(&points::square_of(&face));
            if found.presence > best.presence {
                best = found;
            }
        }
        best
    }
}

/// Squares as high or wide as the picture's shorter side: its first, middle and last, of which neighbours overlap in
/// pictures that are no longer than twice as long as they are wide.
fn parts(width: f64, height: f64) -> Vec<Square> {
    let side = width.min(height);
    let half = side / 2.0;
    let all = [half, 0.5 * width.max(height), width.max(height) - half];
    let centres = if width == height { &all[..1] } else { &all[..] };
    let place = |at: &f64| match width > height {
        true => Point { x: *at, y: half },
        false => Point { x: half, y: *at },
    };
    centres.iter().map(|at| Square::upright(place(at), side)).collect()
}

/// Looks at parts of one picture.
struct Looks<'a> {
    landmarker: &'a Landmarker,
    scaled: Scaled<'a>,
    workspace: &'a mut Workspace,
}

impl Looks<'_> {
    fn detect(&mut self, square: &Square) -> Option<Detection> {
        self.landmarker.detector.find(square, &mut self.scaled, self.workspace)
    }

    fn once(&mut self, square: &Square) -> Found {
        self.landmarker.points.find(&mut self.scaled, square, self.workspace)
    }

    /// Looks again at what was found: once, and on while the face is much smaller or larger than it was taken for.
    fn settled(&mut self, square: &Square) -> Found {
        let mut square = *square;
        let mut found = self.once(&square);
        for _ in 0..MOST_LOOKS {
            let next = found.square();
            let change = next.side / square.side;
            square = next;
            found = self.once(&square);
            if SETTLED.contains(&change) {
                break;
            }
        }
        found
    }
}

impl Face {
    /// The points that place regions. An eye is at the mean of the ring around it, which does not move with the gaze.
    pub fn five(&self) -> Landmarks {
        let mut five = Landmarks::default();
        let [left, right] = EYES.map(|ring| {
            let sum = ring.iter().fold([0.0; 2], |[x, y], point| {
                let point = self.points[*point];
                [x + point.x, y + point.y]
            });
            let [x, y] = sum.map(|sum| sum / ring.len() as f64);
            Point { x, y }
        });
        five.set(Landmark::EyeLeft, left);
        five.set(Landmark::EyeRight, right);
        five.set(Landmark::NoseTip, self.points[NOSE_TIP]);
        five.set(Landmark::MouthLeft, self.points[MOUTH[0]]);
        five.set(Landmark::MouthRight, self.points[MOUTH[1]]);
        five
    }

    /// Whether the points are to be trusted.
    pub fn is_found(&self) -> bool {
        self.presence >= LEAST_PRESENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_eye_is_the_mean_of_its_ring() {
        let mut points = [Point { x: 0.0, y: 0.0 }; POINTS];
        for (ring, middle) in EYES.into_iter().zip([0.3, 0.7]) {
            for (at, point) in ring.into_iter().enumerate() {
                let aside = if at % 2 == 0 { 0.05 } else { -0.05 };
                points[point] = Point { x: middle + aside, y: 0.4 - aside };
            }
        }
        points[NOSE_TIP] = Point { x: 0.5, y: 0.6 };
        points[MOUTH[0]] = Point { x: 0.35, y: 0.75 };
        points[MOUTH[1]] = Point { x: 0.65, y: 0.75 };
        let face = Face { points, presence: 0.5 };
        let five = face.five();
        let wanted = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.75), (0.65, 0.75)];
        for (landmark, (x, y)) in Landmark::ALL.into_iter().zip(wanted) {
            let found = five.get(landmark).unwrap();
            assert!(found.distance(Point { x, y }) < 1e-12, "{landmark:?}: {found:?}");
        }
        assert!(face.is_found() && !Face { presence: 0.499, ..face }.is_found());
    }
}
