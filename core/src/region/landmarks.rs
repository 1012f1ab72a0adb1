//! Points of one face, and the fit that carries the canonical face frame into its image.

use super::{Affine, Contour, FaceMap, Point};

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
///
/// The image is the network's input; the picture on the disk may have been stretched into it, by another factor in width
/// than in height. A face turns and grows in the picture's own pixels, so the ratio of the two factors is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Landmarks {
    points: [Option<Point>; 5],
    /// Of what the image shows, width over height in pixels of the picture; above 0 and finite.
    aspect: f64,
    /// What regions are to follow beyond these points, where the experiment asks for it.
    contour: Option<Contour>,
}

impl Default for Landmarks {
    /// No point is known, and what the image shows is square.
    fn default() -> Landmarks {
        Landmarks { points: [None; 5], aspect: 1.0, contour: None }
    }
}

impl Landmarks {
    /// No point is known in an image that shows a part of a picture with this ratio of width to height, in the picture's
    /// own pixels.
    ///
    /// # Panics
    ///
    /// Where the ratio is not above 0 and finite.
    pub fn in_aspect(aspect: f64) -> Landmarks {
        assert!(aspect > 0.0 && aspect.is_finite(), "a ratio of width to height of {aspect}");
        Landmarks { aspect, ..Landmarks::default() }
    }

    /// Of what the image shows, width over height in pixels of the picture.
    pub fn aspect(&self) -> f64 {
        self.aspect
    }

    pub fn set(&mut self, landmark: Landmark, point: Point) {
        self.points[landmark as usize] = Some(point);
    }

    pub fn get(&self, landmark: Landmark) -> Option<Point> {
        self.points[landmark as usize]
    }

    /// Regions then follow these points, in fractions of the image's width and height.
    pub fn set_contour(&mut self, contour: Contour) {
        self.contour = Some(contour);
    }

    pub fn contour(&self) -> Option<&Contour> {
        self.contour.as_ref()
    }

    /// The map that carries regions into the image: [`Landmarks::frame`], or the one that follows the contour. `None` as
    /// there, and where the contour is folded.
    pub fn face_map(&self) -> Option<FaceMap> {
        let frame = self.frame()?;
        match &self.contour {
            Some(contour) => FaceMap::through(frame, contour),
            None => Some(frame.into()),
        }
    }

    /// The map that carries the canonical face frame into the image: a similarity (rotation, one scale, shift) in the
    /// picture's own pixels, fitted by least squares to the stable points, and the stretching of the picture into the
    /// image. `None` where fewer than two points are known or they coincide.
    pub fn frame(&self) -> Option<Affine> {
        let pairs: Vec<(Point, Point)> = Landmark::ALL
            .into_iter()
            .filter(|landmark| landmark.is_stable())
            .filter_map(|landmark| {
                let Point { x, y } = self.get(landmark)?;
                Some((landmark.canonical(), Point { x: x * self.aspect, y }))
            })
            .collect();
        let stretched = Affine { a: 1.0 / self.aspect, ..Affine::IDENTITY };
        Some(Affine::similarity(&pairs)?.then(&stretched))
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

    /// On a picture of 640 × 490 pixels a face is no more distorted than on a square one: the fit in fractions of width
    /// and height would put the mouth off by an eighth of the eye distance.
    #[test]
    fn a_face_on_a_picture_that_is_not_square_is_fitted_in_its_pixels() {
        let (width, height) = (640.0, 490.0);
        // Turned by 20 degrees, 300 pixels in size.
        let (sine, cosine) = 20_f64.to_radians().sin_cos();
        let face = Affine {
            a: 300.0 * cosine,
            b: -300.0 * sine,
            c: 200.0,
            d: 300.0 * sine,
            e: 300.0 * cosine,
            f: 60.0,
        };
        let mut points = Landmarks::in_aspect(width / height);
        for landmark in Landmark::ALL {
            let Point { x, y } = face.apply(landmark.canonical());
            points.set(landmark, Point { x: x / width, y: y / height });
        }
        let frame = points.frame().unwrap();
        for landmark in Landmark::ALL {
            let placed = frame.apply(landmark.canonical());
            assert!(placed.distance(points.get(landmark).unwrap()) < 1e-12, "{landmark:?}");
        }
        let mut square = Landmarks::default();
        for landmark in Landmark::ALL {
            square.set(landmark, points.get(landmark).unwrap());
        }
        let placed = square.frame().unwrap().apply(Landmark::MouthLeft.canonical());
        assert!(placed.distance(points.get(Landmark::MouthLeft).unwrap()) > 0.01);
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
