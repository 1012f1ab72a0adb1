//! Where the points of a face are: 478 of them, of the mesh of MediaPipe's Face Landmarker.
//!
//! In: a picture, and the square of it that holds a face. Out: the points in pixels, and how sure the network is that it
//! saw a face.

use super::detector::Detection;
use super::network::{Network, Workspace};
use super::picture::{Scaled, Square};
use super::tflite::{Graph, Refused};
use crate::region::Point;

/// The points of a face.
pub const POINTS: usize = 478;

/// The network's input is so many pixels wide and high.
const SIDE: usize = 256;

/// The ring around each eye, along its lids from its outer corner: the left eye in the picture, then the right one.
pub const EYES: [[usize; 16]; 2] = [
    [33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246],
    [263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466],
];

/// How much larger than a face's box, or its points' box, the square is that the network sees.
const MARGIN: f64 = 1.5;

#[derive(Debug)]
pub struct PointFinder {
    network: Network,
}

/// What the network says of a square.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// In pixels of the picture.
    pub points: [Point; POINTS],
    /// The probability that the square holds a face, 0 to 1.
    pub presence: f64,
}

impl PointFinder {
    pub fn new(file: &[u8]) -> Result<PointFinder, Refused> {
        // Each point has a depth too, which nothing here needs.
        let network = Network::new(&Graph::read(file)?, SIDE, &[POINTS * 3, 1])?;
        Ok(PointFinder { network })
    }

    /// The points of the face in a square.
    pub fn find(
        &self,
        scaled: &mut Scaled<'_>,
        square: &Square,
        workspace: &mut Workspace,
    ) -> Found {
        let outputs = self.network.run(workspace, |input| {
            scaled.sample(square, SIDE, input, |value| value / 255.0);
        });
        let (numbers, logit) = (outputs[0], outputs[1][0]);
        let points = std::array::from_fn(|point| {
            let fraction = |axis: usize| f64::from(numbers[3 * point + axis]) / SIDE as f64;
            square.place(Point { x: fraction(0), y: fraction(1) })
        });
        Found { points, presence: 1.0 / (1.0 + libm::exp(-f64::from(logit))) }
    }
}

/// The square that the network wants to see of a detected face.
pub fn square_of(face: &Detection) -> Square {
    square(face.centre, face.width, face.height, face.eyes)
}

/// Around the middle of a box, half as large again as its longer side, turned so that the eyes lie level.
fn square(centre: Point, width: f64, height: f64, [left, right]: [Point; 2]) -> Square {
    Square::along(centre, MARGIN * width.max(height), left, right)
}

impl Found {
    /// The upright box of all points: its least and its greatest x and y.
    pub fn bounds(&self) -> (Point, Point) {
        let infinite = f64::INFINITY;
        let start = (Point { x: infinite, y: infinite }, Point { x: -infinite, y: -infinite });
        self.points.iter().fold(start, |(least, most), point| {
            (
                Point { x: least.x.min(point.x), y: least.y.min(point.y) },
                Point { x: most.x.max(point.x), y: most.y.max(point.y) },
            )
        })
    }

    /// The square for another look at the same face.
    pub fn square(&self) -> Square {
        let (least, most) = self.bounds();
        let centre = Point { x: (least.x + most.x) / 2.0, y: (least.y + most.y) / 2.0 };
        let outer = EYES.map(|ring| self.points[ring[0]]);
        square(centre, most.x - least.x, most.y - least.y, outer)
    }
}
