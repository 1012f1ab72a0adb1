//! Which of many points are the five that place regions.

use crate::region::{CONTOUR_POINTS, Contour, Landmark, Point};

/// A way to number the points of a face, known by how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    /// How many points a face has.
    pub points: usize,
    /// For each of [`Landmark::ALL`], the points whose mean it is.
    pub means: [&'static [usize]; 5],
}

impl Scheme {
    pub const ALL: [Scheme; 4] = [
        // MTCNN, RetinaFace, SCRFD: eyes, nose, mouth corners, the picture's left first.
        Scheme { points: 5, means: [&[0], &[1], &[2], &[3], &[4]] },
        // iBUG 300-W (Sagonas et al. 2013), of OpenFace and dlib: an eye's ends, the nose's tip, the mouth's corners.
        Scheme { points: 68, means: [&[36, 39], &[42, 45], &[30], &[48], &[54]] },
        // MediaPipe's face mesh, without the irises and with them.
        Scheme { points: 468, means: MESH },
        Scheme { points: 478, means: MESH },
    ];

    /// `None` where so many points are no known scheme's.
    pub fn of(points: usize) -> Option<Scheme> {
        Scheme::ALL.into_iter().find(|scheme| scheme.points == points)
    }

    /// The five points of a face with all of them.
    pub fn five(&self, all: &[Option<Point>]) -> [Option<Point>; 5] {
        self.means.map(|means| {
            let mut sum = Point { x: 0.0, y: 0.0 };
            for &point in means {
                let point = all.get(point).copied().flatten()?;
                sum = Point { x: sum.x + point.x, y: sum.y + point.y };
            }
            let count = means.len() as f64;
            Some(Point { x: sum.x / count, y: sum.y / count })
        })
    }
}

impl Scheme {
    /// The contour of a face with all points; `None` where the scheme has too few, or one is missing.
    pub fn contour(&self, all: &[Option<Point>]) -> Option<Contour> {
        let mut contour = [Point { x: 0.0, y: 0.0 }; _];
        for (point, known) in contour.iter_mut().zip(CONTOUR_POINTS) {
            let number = match self.points {
                68 => known.ibug,
                468 | 478 => known.mesh,
                _ => return None,
            };
            *point = all.get(number).copied().flatten()?;
        }
        Some(contour)
    }
}

const MESH: [&[usize]; 5] = [&[33, 133], &[263, 362], &[1], &[61], &[291]];

/// The schemes by their numbers of points, in words.
pub const KNOWN: &str = "faces of 5, 68, 468 or 478 points are known";

/// Names of the probability that the points lie on a face, as a column and as a key.
pub const PRESENCES: [&str; 3] = ["presence", "confidence", "score"];

/// The names that columns give the five points, in lower case with `_` between words; ours first. All are the picture's
/// left and right: CelebA's `lefteye` is, for example.
pub const NAMES: [(Landmark, &[&str]); 5] = [
    (Landmark::EyeLeft, &["eye_left", "left_eye", "lefteye", "eyeleft"]),
    (Landmark::EyeRight, &["eye_right", "right_eye", "righteye", "eyeright"]),
    (Landmark::NoseTip, &["nose_tip", "nose", "nosetip"]),
    (Landmark::MouthLeft, &["mouth_left", "left_mouth", "leftmouth", "mouthleft"]),
    (Landmark::MouthRight, &["mouth_right", "right_mouth", "rightmouth", "mouthright"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_of_the_landmarks() {
        for (landmark, (named, names)) in Landmark::ALL.into_iter().zip(NAMES) {
            assert_eq!((landmark, landmark.name()), (named, names[0]));
        }
    }

    #[test]
    fn an_eye_of_which_one_end_is_missing_is_not_known() {
        let scheme = Scheme::of(68).unwrap();
        let mut all = vec![Some(Point { x: 1.0, y: 2.0 }); 68];
        all[39] = None;
        let five = scheme.five(&all);
        assert_eq!(five.map(|point| point.is_some()), [false, true, true, true, true]);
        assert_eq!(Scheme::of(106), None);
    }
}
