//! Where a face is: BlazeFace (Bazarevsky et al. 2019, arXiv 1907.05047), short range.
//!
//! In: a square of a picture. Out: the box of the most probable face and the points of its eyes, in pixels.

use super::network::{Network, Workspace};
use super::picture::{Scaled, Square};
use super::tflite::{Graph, Refused};
use crate::region::Point;

/// The network's input is so many pixels wide and high.
const SIDE: usize = 128;

/// Numbers of a row: the box's centre and size, and six points, of which the first two are the eyes.
const COLUMNS: usize = 16;

/// Boxes that share more than this of their union are one face.
const MOST_OVERLAP: f64 = 0.3;

/// A face, in one unit for x and y.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    pub centre: Point,
    pub width: f64,
    pub height: f64,
    /// The left one in the picture first, unless the face stands on its head.
    pub eyes: [Point; 2],
    /// The probability that it is a face.
    pub score: f64,
}

#[derive(Debug)]
pub struct Detector {
    network: Network,
    anchors: Vec<Point>,
}

impl Detector {
    pub fn new(file: &[u8]) -> Result<Detector, Refused> {
        let anchors = anchors();
        let outputs = [anchors.len() * COLUMNS, anchors.len()];
        let network = Network::new(&Graph::read(file)?, SIDE, &outputs)?;
        Ok(Detector { network, anchors })
    }

    /// The most probable face in a square of a picture, in pixels of the picture; `None` where none is more probable than not.
    /// The square is upright.
    pub fn find(
        &self,
        square: &Square,
        scaled: &mut Scaled<'_>,
        workspace: &mut Workspace,
    ) -> Option<Detection> {
        let outputs = self.network.run(workspace, |input| {
            scaled.sample(square, SIDE, input, |value| value / 127.5 - 1.0);
        });
        let [rows, logits] = outputs[..] else { return None };
        strongest(candidates(rows, logits, &self.anchors)).map(|found| Detection {
            centre: square.place(found.centre),
            width: found.width * square.side,
            height: found.height * square.side,
            eyes: found.eyes.map(|eye| square.place(eye)),
            score: found.score,
        })
    }
}

/// The middle of each cell from which a box is measured: 16 × 16 cells twice, then 8 × 8 cells six times.
fn anchors() -> Vec<Point> {
    let grid = |(cells, times): (usize, usize)| {
        let middle = move |at: usize| (at as f64 + 0.5) / cells as f64;
        let rows = (0..cells).flat_map(move |y| (0..cells).map(move |x| (x, y)));
        let points = rows.map(move |(x, y)| Point { x: middle(x), y: middle(y) });
        points.flat_map(move |point| std::iter::repeat_n(point, times))
    };
    [(16, 2), (8, 6)].into_iter().flat_map(grid).collect()
}

/// All rows that are more probable than not, as fractions of the network's input.
fn candidates(rows: &[f32], logits: &[f32], anchors: &[Point]) -> Vec<Detection> {
    let likely = rows.chunks_exact(COLUMNS).zip(logits).zip(anchors);
    let likely = likely.filter(|((row, logit), _)| {
        **logit > 0.0 && row.iter().chain([*logit]).all(|number| number.is_finite())
    });
    likely
        .map(|((row, logit), anchor)| {
            let number = |at: usize| f64::from(row[at]) / SIDE as f64;
            let point =
                |at: usize| Point { x: anchor.x + number(at), y: anchor.y + number(at + 1) };
            Detection {
                centre: point(0),
                width: number(2),
                height: number(3),
                eyes: [point(4), point(6)],
                score: 1.0 / (1.0 + libm::exp(-f64::from(*logit))),
            }
        })
        .collect()
}

/// The face of the highest score: the mean of all that overlap it, weighted by their scores.
fn strongest(candidates: Vec<Detection>) -> Option<Detection> {
    // Of equal scores the first.
    let best = candidates.iter().rev().max_by(|one, other| one.score.total_cmp(&other.score))?;
    let same = candidates.iter().filter(|other| overlap(best, other) > MOST_OVERLAP);
    let mut sum = Detection { score: 0.0, ..Detection::NOTHING };
    for other in same {
        sum.add(other);
    }
    Some(match sum.score > 0.0 {
        true => Detection { score: best.score, ..sum.divided(sum.score) },
        false => *best,
    })
}

impl Detection {
    const NOTHING: Detection = {
        let zero = Point { x: 0.0, y: 0.0 };
        Detection { centre: zero, width: 0.0, height: 0.0, eyes: [zero; 2], score: 0.0 }
    };

    /// Adds another, weighted by its score.
    fn add(&mut self, other: &Detection) {
        let weight = other.score;
        let [left, right] = &mut self.eyes;
        let points = [other.centre, other.eyes[0], other.eyes[1]];
        for (sum, point) in [&mut self.centre, left, right].into_iter().zip(points) {
            sum.x += weight * point.x;
            sum.y += weight * point.y;
        }
        self.width += weight * other.width;
        self.height += weight * other.height;
        self.score += weight;
    }

    fn divided(self, by: f64) -> Detection {
        let point = |point: Point| Point { x: point.x / by, y: point.y / by };
        Detection {
            centre: point(self.centre),
            width: self.width / by,
            height: self.height / by,
            eyes: self.eyes.map(point),
            score: self.score,
        }
    }
}

/// The share of their union that two boxes have in common.
fn overlap(one: &Detection, other: &Detection) -> f64 {
    let shared = |one: (f64, f64), other: (f64, f64)| {
        let end = (one.0 + one.1 / 2.0).min(other.0 + other.1 / 2.0);
        (end - (one.0 - one.1 / 2.0).max(other.0 - other.1 / 2.0)).max(0.0)
    };
    let common = shared((one.centre.x, one.width), (other.centre.x, other.width))
        * shared((one.centre.y, one.height), (other.centre.y, other.height));
    let union = one.width * one.height + other.width * other.height - common;
    if union > 0.0 { common / union } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-12
    }

    fn boxed(x: f64, y: f64, side: f64, score: f64) -> Detection {
        let centre = Point { x, y };
        let eyes = [Point { x: x - 0.1, y }, Point { x: x + 0.1, y }];
        Detection { centre, width: side, height: side, eyes, score }
    }

    #[test]
    fn anchors_lie_in_the_middle_of_their_cells() {
        let anchors = anchors();
        assert_eq!(anchors.len(), 896);
        let at = |index: usize| (anchors[index].x, anchors[index].y);
        assert_eq!(
            [at(0), at(1), at(2)],
            [(1.0 / 32.0, 1.0 / 32.0), (1.0 / 32.0, 1.0 / 32.0), (3.0 / 32.0, 1.0 / 32.0)]
        );
        assert_eq!(at(32), (1.0 / 32.0, 3.0 / 32.0));
        assert_eq!(
            [at(511), at(512), at(517)],
            [(31.0 / 32.0, 31.0 / 32.0), (1.0 / 16.0, 1.0 / 16.0), (1.0 / 16.0, 1.0 / 16.0)]
        );
        assert_eq!([at(518), at(895)], [(3.0 / 16.0, 1.0 / 16.0), (15.0 / 16.0, 15.0 / 16.0)]);
    }

    #[test]
    fn a_row_is_measured_from_its_anchor() {
        let anchors = [Point { x: 0.25, y: 0.5 }, Point { x: 0.75, y: 0.5 }];
        let mut rows = vec![0.0; 2 * COLUMNS];
        rows[COLUMNS..COLUMNS + 8]
            .copy_from_slice(&[12.8, -6.4, 64.0, 32.0, -12.8, 0.0, 12.8, 25.6]);
        let found = candidates(&rows, &[-0.1, 3.0_f32.ln()], &anchors);
        let [face] = found[..] else { panic!("the first is less probable than a half: {found:?}") };
        for (one, other) in [
            (face.centre.x, 0.85),
            (face.centre.y, 0.45),
            (face.width, 0.5),
            (face.height, 0.25),
            (face.eyes[0].x, 0.65),
            (face.eyes[0].y, 0.5),
            (face.eyes[1].x, 0.85),
            (face.eyes[1].y, 0.7),
            (face.score, 0.75),
        ] {
            assert!((one - other).abs() < 1e-6, "{face:?}");
        }
        assert!(candidates(&[f32::NAN; COLUMNS], &[1.0], &anchors).is_empty());
    }

    #[test]
    fn overlap_is_the_share_of_the_union() {
        let one = boxed(0.5, 0.5, 0.2, 1.0);
        assert!(near(overlap(&one, &one), 1.0));
        assert!(near(overlap(&one, &boxed(0.6, 0.5, 0.2, 1.0)), 1.0 / 3.0));
        assert!(near(overlap(&one, &boxed(0.5, 0.5, 0.1, 1.0)), 0.25));
        assert!(near(overlap(&one, &boxed(0.8, 0.5, 0.2, 1.0)), 0.0));
        assert!(near(overlap(&boxed(0.5, 0.5, 0.0, 1.0), &boxed(0.5, 0.5, 0.0, 1.0)), 0.0));
    }

    #[test]
    fn boxes_of_one_face_are_averaged_by_their_scores() {
        assert_eq!(strongest(Vec::new()), None);
        // The second overlaps the best by a third, the third by less than 0.3.
        let faces =
            vec![boxed(0.6, 0.5, 0.2, 0.6), boxed(0.5, 0.5, 0.2, 0.9), boxed(0.39, 0.5, 0.2, 0.8)];
        let found = strongest(faces).unwrap();
        assert!(near(found.centre.x, (0.6 * 0.6 + 0.5 * 0.9) / 1.5), "{found:?}");
        assert!(near(found.eyes[1].x, found.centre.x + 0.1) && near(found.width, 0.2), "{found:?}");
        assert!(near(found.score, 0.9));
    }
}
