//! The content hash of a data set, part of a training's identity.

use blake3::Hasher;
use rayon::prelude::*;

use super::Images;
use crate::region::{Landmark, Landmarks};

/// Pixels are hashed in pieces of this size, in parallel. Changing it changes every data set's hash.
const PIECE: usize = 4 << 20;

/// A hash of the classes, the size, and every split's names, pixels, labels and landmarks; 64
/// hexadecimal digits. `splits` are training, validation and test.
pub fn hash(
    classes: &[String],
    height: usize,
    width: usize,
    channels: usize,
    splits: [&Images; 3],
) -> String {
    let mut hasher = Hasher::new();
    add_texts(&mut hasher, classes);
    for number in [height, width, channels] {
        add_number(&mut hasher, number);
    }
    for images in splits {
        add_texts(&mut hasher, &images.names);
        add_number(&mut hasher, images.labels.len());
        for share in &images.labels {
            hasher.update(&share.to_le_bytes());
        }
        add_number(&mut hasher, images.landmarks.len());
        for landmarks in &images.landmarks {
            hasher.update(&[u8::from(landmarks.is_some())]);
            // Data of square pictures keep the hash that they had before aspects were kept.
            if let Some(aspect) =
                landmarks.map(|landmarks| landmarks.aspect()).filter(|aspect| *aspect != 1.0)
            {
                hasher.update(b"aspect").update(&aspect.to_le_bytes());
            }
            if let Some(contour) = landmarks.as_ref().and_then(Landmarks::contour) {
                hasher.update(b"contour");
                for point in contour {
                    hasher.update(&point.x.to_le_bytes()).update(&point.y.to_le_bytes());
                }
            }
            for landmark in Landmark::ALL {
                let point = landmarks.and_then(|landmarks| landmarks.get(landmark));
                hasher.update(&[u8::from(point.is_some())]);
                if let Some(point) = point {
                    hasher.update(&point.x.to_le_bytes()).update(&point.y.to_le_bytes());
                }
            }
        }
        add_number(&mut hasher, images.pixels.len());
        let pieces: Vec<blake3::Hash> = images.pixels.par_chunks(PIECE).map(blake3::hash).collect();
        for piece in pieces {
            hasher.update(piece.as_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

fn add_number(hasher: &mut Hasher, number: usize) {
    hasher.update(&(number as u64).to_le_bytes());
}

/// Every text is preceded by its length, so that no two lists of texts have the same encoding.
fn add_texts(hasher: &mut Hasher, texts: &[String]) {
    add_number(hasher, texts.len());
    for text in texts {
        add_number(hasher, text.len());
        hasher.update(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Pixels;
    use crate::region::Point;

    fn images() -> Images {
        let mut points = Landmarks::default();
        points.set(Landmark::NoseTip, Point { x: 0.5, y: 0.25 });
        Images {
            names: vec!["a".to_owned(), "b".to_owned()],
            pixels: Pixels::Owned(vec![0, 1, 2, 3]),
            labels: vec![1.0, 0.0, 0.5, 0.5],
            landmarks: vec![Some(points), None],
        }
    }

    fn of(images: &Images) -> String {
        let classes = ["joy".to_owned(), "rage".to_owned()];
        let none = Images {
            names: vec![],
            pixels: Pixels::Owned(vec![]),
            labels: vec![],
            landmarks: vec![],
        };
        hash(&classes, 1, 2, 1, [images, &none, &none])
    }

    #[test]
    fn every_part_counts() {
        let changes: [fn(&mut Images); 7] = [
            |images| images.names[0] = "c".to_owned(),
            |images| images.names = vec!["ab".to_owned(), String::new()],
            |images| images.pixels = Pixels::Owned(vec![0, 1, 2, 4]),
            |images| images.labels[2] = 0.25,
            |images| images.landmarks[1] = Some(Landmarks::default()),
            |images| images.landmarks[1] = Some(Landmarks::in_aspect(1.5)),
            |images| {
                images.landmarks[0]
                    .as_mut()
                    .unwrap()
                    .set(Landmark::NoseTip, Point { x: 0.5, y: 0.26 })
            },
        ];
        let mut hashes = vec![of(&images())];
        assert_eq!(hashes[0], of(&images()));
        for change in changes {
            let mut changed = images();
            change(&mut changed);
            hashes.push(of(&changed));
        }
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), 8);
    }
}
