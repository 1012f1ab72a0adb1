//! The mean face of each class, in the canonical face frame: where it is sharp, regions lie on the same part of every
//! face; where it is a blur, they don't.

use rayon::prelude::*;

use super::{Dataset, Split};
use crate::region::{Affine, Point};

/// The mean of a class's images, carried into the canonical face frame.
#[derive(Debug, Clone, PartialEq)]
pub struct MeanFace {
    /// `[side, side, channels]`.
    pub pixels: Vec<u8>,
    /// How many images it is the mean of.
    pub images: usize,
}

/// So many images of a class show where its faces lie.
const MOST_IMAGES: usize = 1_000;

/// The mean face of each class of a split, in class order, of the first thousand images each; `None` of a class without
/// images. `side`: pixels across and down.
pub fn mean_faces(dataset: &Dataset, split: Split, side: usize) -> Vec<Option<MeanFace>> {
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); dataset.classes.len()];
    for (image, class) in dataset.actual(split).into_iter().enumerate() {
        if members[class].len() < MOST_IMAGES {
            members[class].push(image);
        }
    }
    members
        .into_par_iter()
        .map(|members| (!members.is_empty()).then(|| mean_face(dataset, split, side, &members)))
        .collect()
}

fn mean_face(dataset: &Dataset, split: Split, side: usize, members: &[usize]) -> MeanFace {
    let images = dataset.split(split);
    let mut sums = vec![0.0_f64; side * side * dataset.channels];
    for &image in members {
        let frame = images.landmarks[image].and_then(|points| points.frame());
        add(dataset, split, image, &frame.unwrap_or(Affine::IDENTITY), side, &mut sums);
    }
    let mean = |sum: &f64| (sum / members.len() as f64).round().clamp(0.0, 255.0) as u8;
    MeanFace { pixels: sums.iter().map(mean).collect(), images: members.len() }
}

/// Adds an image as its face frame shows it; black outside of the image.
fn add(
    dataset: &Dataset,
    split: Split,
    image: usize,
    frame: &Affine,
    side: usize,
    sums: &mut [f64],
) {
    let (height, width, channels) = (dataset.height, dataset.width, dataset.channels);
    let bytes = height * width * channels;
    let pixels = &dataset.split(split).pixels[image * bytes..(image + 1) * bytes];
    let centre = |at: usize| (at as f64 + 0.5) / side as f64;
    for (at, sum) in sums.chunks_exact_mut(channels).enumerate() {
        let place = frame.apply(Point { x: centre(at % side), y: centre(at / side) });
        // The nearest pixel: the mean over many images is smooth by itself.
        let (x, y) = (place.x * width as f64, place.y * height as f64);
        if x >= 0.0 && y >= 0.0 && x < width as f64 && y < height as f64 {
            let pixel = (y as usize * width + x as usize) * channels;
            for (sum, value) in sum.iter_mut().zip(&pixels[pixel..pixel + channels]) {
                *sum += f64::from(*value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Images, Pixels};
    use crate::region::{Landmark, Landmarks};

    /// Two images with a white dot in the left eye, wherever the face is: it adds up in one place.
    #[test]
    fn faces_in_different_places_add_up() {
        let (side, mut pixels, mut landmarks) = (48, Vec::new(), Vec::new());
        for (size, left, top) in [(0.5, 0.1, 0.2), (0.8, 0.15, 0.1)] {
            let frame = Affine { a: size, b: 0.0, c: left, d: 0.0, e: size, f: top };
            let mut points = Landmarks::default();
            for landmark in Landmark::ALL {
                points.set(landmark, frame.apply(landmark.canonical()));
            }
            let eye = points.get(Landmark::EyeLeft).unwrap();
            let mut image = vec![0; side * side];
            let (x, y) = ((eye.x * 48.0) as usize, (eye.y * 48.0) as usize);
            for row in y - 1..=y + 1 {
                image[row * side + x - 1..=row * side + x + 1].fill(255);
            }
            pixels.extend(image);
            landmarks.push(Some(points));
        }
        let images = |landmarks: Vec<Option<Landmarks>>, pixels: Vec<u8>| Images {
            names: (0..landmarks.len()).map(|image| image.to_string()).collect(),
            labels: [1.0, 0.0].repeat(landmarks.len()),
            pixels: Pixels::Owned(pixels),
            landmarks,
        };
        let none = || images(Vec::new(), Vec::new());
        let classes = vec!["joy".to_owned(), "rage".to_owned()];
        let train = images(landmarks, pixels);
        let dataset = Dataset::new(classes, [side, side, 1], [train, none(), none()]);
        let faces = mean_faces(&dataset, Split::Train, 24);
        let face = faces[0].as_ref().unwrap();
        assert_eq!((face.images, &faces[1]), (2, &None));
        let eye = Landmark::EyeLeft.canonical();
        let at = (eye.y * 24.0) as usize * 24 + (eye.x * 24.0) as usize;
        assert_eq!(face.pixels[at], 255, "both");
    }
}
