//! Points of one face, and the fit that carries the canonical face frame into its image.

use super::{Affine, Point};

/// A named point of the face. Left and right are as seen in the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Landmark {
    EyeLeft,
    EyeRight,
    NoseTip,
    MouthLeft,
    MouthRight,
}

impl Landmark {
    pub const ALL: [Landmark; 5] = [
        Landmark::EyeLeft,
        Landmark::EyeRight,
        Landmark::NoseTip,
        Landmark::MouthLeft,
        Landmark::MouthRight,
    ];

    /// The name used in landmark tables: `<name>_x`, `<name>_y`.
    pub fn name(self) -> &'static str {
        match self {
            Landmark::EyeLeft => "eye_left",
            Landmark::EyeRight => "eye_right",
            Landmark::NoseTip => "nose_tip",
            Landmark::MouthLeft => "mouth_left",
            Landmark::MouthRight => "mouth_right",
        }
    }

    /// Where the point lies in the canonical face frame. Close to the mean over FER2013's pictures.
    pub fn canonical(self) -> Point {
        let (x, y) = match self {
            Landmark::EyeLeft => (0.32, 0.385),
            Landmark::EyeRight => (0.68, 0.385),
            Landmark::NoseTip => (0.50, 0.610),
            Landmark::MouthLeft => (0.355, 0.765),
            Landmark::MouthRight => (0.645, 0.765),
        };
        Point { x, y }
    }

    /// Whether the point stays where it is when the face moves. Only such points place regions, so
    /// that the place of a mask does not reveal the expression.
    pub fn is_stable(self) -> bool {
        matches!(self, Landmark::EyeLeft | Landmark::EyeRight | Landmark::NoseTip)
    }
}

/// The points found in one image, in fractions of its width and height from the top left.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Landmarks {
    points: [Option<Point>; 5],
}

impl Landmarks {
    pub fn set(&mut self, landmark: Landmark, point: Point) {
        self.points[landmark as usize] = Some(point);
    }

    pub fn get(&self, landmark: Landmark) -> Option<Point> {
        self.points[landmark as usize]
    }

    /// The similarity (rotation, one scale, shift) that carries the canonical face frame into the
    /// image, fitted by least squares to the stable points; `None` where fewer than two are known or
    /// they coincide.
    pub fn frame(&self) -> Option<Affine> {
        let pairs: Vec<(Point, Point)> = Landmark::ALL
            .into_iter()
            .filter(|landmark| landmark.is_stable())
            .filter_map(|landmark| Some((landmark.canonical(), self.get(landmark)?)))
            .collect();
        Affine::similarity(&pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turned by 30 degrees, four fifths of the size, moved.
    const FACE: Affine = Affine {
        a: 0.692_820_323_027_550_9,
        b: -0.4,
        c: 0.25,
        d: 0.4,
        e: 0.692_820_323_027_550_9,
        f: -0.1,
    };

    fn landmarks(known: &[Landmark]) -> Landmarks {
        let mut landmarks = Landmarks::default();
        for &landmark in known {
            landmarks.set(landmark, FACE.apply(landmark.canonical()));
        }
        landmarks
    }

    fn is_near(one: &Affine, other: &Affine) -> bool {
        let corners =
            [Point { x: 0.0, y: 0.0 }, Point { x: 1.0, y: 0.0 }, Point { x: 0.0, y: 1.0 }];
        corners.into_iter().all(|corner| one.apply(corner).distance(other.apply(corner)) < 1e-12)
    }

    #[test]
    fn a_known_similarity_is_recovered_from_any_two_stable_points() {
        use Landmark::{EyeLeft, EyeRight, NoseTip};
        for known in
            [&Landmark::ALL[..], &[EyeLeft, EyeRight], &[EyeLeft, NoseTip], &[EyeRight, NoseTip]]
        {
            assert!(is_near(&landmarks(known).frame().unwrap(), &FACE), "{known:?}");
        }
    }

    #[test]
    fn points_that_move_with_the_expression_do_not_move_the_frame() {
        let mut smile = landmarks(&Landmark::ALL);
        let before = smile.frame();
        smile.set(Landmark::MouthLeft, Point { x: 0.1, y: 0.9 });
        smile.set(Landmark::MouthRight, Point { x: 0.9, y: 0.2 });
        assert_eq!(smile.frame(), before);
    }

    #[test]
    fn too_few_landmarks_give_no_frame() {
        use Landmark::{EyeLeft, EyeRight, MouthLeft, MouthRight, NoseTip};
        assert_eq!(landmarks(&[]).frame(), None);
        assert_eq!(landmarks(&[EyeLeft, MouthLeft, MouthRight]).frame(), None);
        let mut coincident = Landmarks::default();
        for landmark in [EyeLeft, EyeRight, NoseTip] {
            coincident.set(landmark, Point { x: 0.5, y: 0.5 });
        }
        assert_eq!(coincident.frame(), None);
    }

    #[test]
    fn points_are_kept_apart() {
        let mut landmarks = Landmarks::default();
        for (index, landmark) in Landmark::ALL.into_iter().enumerate() {
            landmarks.set(landmark, Point { x: index as f64, y: 0.0 });
        }
        for (index, landmark) in Landmark::ALL.into_iter().enumerate() {
            assert_eq!(landmarks.get(landmark).map(|point| point.x), Some(index as f64));
        }
    }
}
