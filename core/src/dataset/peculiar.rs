//! What about a picture may not be meant as it is read: what is right for one data set is wrong for another, so that it is
//! counted and said.

use std::fmt;

use image::{DynamicImage, ImageFormat};
use serde::{Deserialize, Serialize};

/// What about a picture may not be meant as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Peculiarity {
    /// It is transparent somewhere; what colour lies under that is shown.
    Transparent,
    /// Its values have 16 bits, of which they use less than 15: a camera's 10, 12 or 14 bits make a picture almost black.
    FewBits,
    /// It has several frames or pages, of which the first is shown.
    Frames,
}

/// The peculiarities of one picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Peculiarities {
    transparent: bool,
    few_bits: bool,
    frames: bool,
}

impl Peculiarity {
    pub const ALL: [Peculiarity; 3] =
        [Peculiarity::Transparent, Peculiarity::FewBits, Peculiarity::Frames];

    /// In lower case with `_` between words.
    pub fn name(self) -> &'static str {
        match self {
            Peculiarity::Transparent => "transparent",
            Peculiarity::FewBits => "few_bits",
            Peculiarity::Frames => "frames",
        }
    }
}

impl fmt::Display for Peculiarity {
    /// After a number of pictures.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Peculiarity::Transparent => {
                "transparent in places, where the colour underneath is read: lay such pictures over a background if that \
                 is not meant"
            }
            Peculiarity::FewBits => {
                "of 16 bits with no value above a quarter of their range, as a camera's 10, 12 or 14 bits are stored: \
                 almost black unless their values are scaled"
            }
            Peculiarity::Frames => "of several frames or pages, of which the first is read",
        })
    }
}

impl Peculiarities {
    /// Of a picture and the file that it comes from.
    pub fn of(image: &DynamicImage, format: ImageFormat, bytes: &[u8]) -> Peculiarities {
        Peculiarities {
            transparent: is_transparent(image),
            few_bits: has_few_bits(image),
            frames: has_frames(format, bytes),
        }
    }

    pub fn contains(self, which: Peculiarity) -> bool {
        match which {
            Peculiarity::Transparent => self.transparent,
            Peculiarity::FewBits => self.few_bits,
            Peculiarity::Frames => self.frames,
        }
    }
}

fn is_transparent(image: &DynamicImage) -> bool {
    match image {
        DynamicImage::ImageLumaA8(image) => image.pixels().any(|pixel| pixel.0[1] < u8::MAX),
        DynamicImage::ImageRgba8(image) => image.pixels().any(|pixel| pixel.0[3] < u8::MAX),
        DynamicImage::ImageLumaA16(image) => image.pixels().any(|pixel| pixel.0[1] < u16::MAX),
        DynamicImage::ImageRgba16(image) => image.pixels().any(|pixel| pixel.0[3] < u16::MAX),
        DynamicImage::ImageRgba32F(image) => image.pixels().any(|pixel| pixel.0[3] < 1.0),
        _ => false,
    }
}

/// Whether the largest value of 16 bits lies in the lowest quarter of the range, but above 8 bits': such a dark picture, of
/// which no pixel is as light as that, hardly comes from a camera that uses them all.
fn has_few_bits(image: &DynamicImage) -> bool {
    let largest = match image {
        DynamicImage::ImageLuma16(image) => image.as_raw().iter().copied().max(),
        DynamicImage::ImageRgb16(image) => image.as_raw().iter().copied().max(),
        DynamicImage::ImageLumaA16(image) => image.pixels().map(|pixel| pixel.0[0]).max(),
        DynamicImage::ImageRgba16(image) => {
            image.pixels().flat_map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2]]).max()
        }
        _ => None,
    };
    largest.is_some_and(|largest| (1..1 << 14).contains(&largest))
}

fn has_frames(format: ImageFormat, bytes: &[u8]) -> bool {
    match format {
        ImageFormat::Png => png_is_animated(bytes),
        // VP8X, the extended header, and its bit of an animation (RFC 9649, 2.7).
        ImageFormat::WebP => {
            bytes.get(12..16) == Some(b"VP8X") && bytes.get(20).is_some_and(|flags| flags & 2 != 0)
        }
        ImageFormat::Tiff => tiff_has_pages(bytes).unwrap_or(false),
        _ => false,
    }
}

/// Whether a chunk acTL comes before the pixels (PNG, third edition, 11.3.4.1).
fn png_is_animated(bytes: &[u8]) -> bool {
    let mut at = 8;
    while let Some([a, b, c, d, kind @ ..]) = bytes.get(at..at + 8) {
        match kind {
            b"acTL" => return true,
            b"IDAT" => return false,
            _ => at = at.saturating_add(12 + u32::from_be_bytes([*a, *b, *c, *d]) as usize),
        }
    }
    false
}

/// Whether another directory follows the first one (TIFF 6.0, section 2); `None` where the file is cut off, or of another
/// layout.
fn tiff_has_pages(bytes: &[u8]) -> Option<bool> {
    let little = bytes.starts_with(b"II");
    let short = |at: usize| {
        let pair = *bytes.get(at..)?.first_chunk()?;
        Some(if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    };
    let long = |at: usize| {
        let four = *bytes.get(at..)?.first_chunk()?;
        Some(if little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) } as usize)
    };
    if short(2)? != 42 {
        return None;
    }
    let directory = long(4)?;
    let entries = usize::from(short(directory)?);
    Some(long(directory + 2 + 12 * entries)? != 0)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{GrayAlphaImage, ImageBuffer, Luma, LumaA, RgbaImage};

    use super::*;

    fn of(image: impl Into<DynamicImage>, format: ImageFormat) -> Peculiarities {
        let image = image.into();
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        let bytes = bytes.into_inner();
        Peculiarities::of(&image::load_from_memory(&bytes).unwrap(), format, &bytes)
    }

    fn sixteen(brightest: u16) -> ImageBuffer<Luma<u16>, Vec<u16>> {
        ImageBuffer::from_fn(4, 4, |x, y| Luma([if (x, y) == (1, 2) { brightest } else { 9 }]))
    }

    #[test]
    fn transparency_counts_where_there_is_some() {
        let clear = Peculiarities::default();
        let transparent = Peculiarities { transparent: true, ..clear };
        let mut image = RgbaImage::from_pixel(3, 2, image::Rgba([9, 99, 200, 255]));
        assert_eq!(of(image.clone(), ImageFormat::Png), clear);
        image.put_pixel(2, 1, image::Rgba([9, 99, 200, 254]));
        assert_eq!(of(image.clone(), ImageFormat::Png), transparent);
        assert_eq!(of(image, ImageFormat::WebP), transparent);
        let grey = GrayAlphaImage::from_pixel(3, 2, LumaA([9, 0]));
        assert_eq!(of(grey, ImageFormat::Png), transparent);
    }

    #[test]
    fn sixteen_bits_count_as_few_where_values_use_less_than_a_quarter() {
        for (brightest, few) in [(4095, true), (16_383, true), (16_384, false), (65_535, false)] {
            for format in [ImageFormat::Png, ImageFormat::Tiff] {
                assert_eq!(of(sixteen(brightest), format).few_bits, few, "{brightest}");
            }
        }
        // A picture that is black is black.
        let black: ImageBuffer<Luma<u16>, _> = ImageBuffer::from_pixel(2, 2, Luma([0]));
        assert!(!of(black, ImageFormat::Png).few_bits);
        assert!(!of(image::GrayImage::from_pixel(2, 2, Luma([3])), ImageFormat::Png).few_bits);
    }

    #[test]
    fn frames_are_seen_in_each_format() {
        let chunk = |kind: &[u8; 4], data: &[u8]| {
            [&(data.len() as u32).to_be_bytes()[..], kind, data, &[0; 4]].concat()
        };
        let png = |chunks: &[Vec<u8>]| [vec![0; 8], chunks.concat()].concat();
        let head = chunk(b"IHDR", &[0; 13]);
        let (animated, pixels) = (chunk(b"acTL", &[0; 8]), chunk(b"IDAT", &[1, 2, 3]));
        let before = png(&[head.clone(), animated.clone(), pixels.clone()]);
        assert!(has_frames(ImageFormat::Png, &before));
        assert!(!has_frames(ImageFormat::Png, &png(&[head.clone(), pixels, animated])));
        assert!(!has_frames(ImageFormat::Png, &png(&[head])[..15]));

        let webp =
            |flags: u8| [b"RIFF....WEBPVP8X\x0a\0\0\0".as_slice(), &[flags, 0, 0, 0]].concat();
        assert!(has_frames(ImageFormat::WebP, &webp(0b10)));
        assert!(!has_frames(ImageFormat::WebP, &webp(0b10000)));

        for next in [0_u8, 8] {
            let little = [b"II*\0\x08\0\0\0\x01\0".as_slice(), &[7; 12], &[next, 0, 0, 0]].concat();
            let big = [b"MM\0*\0\0\0\x08\0\x01".as_slice(), &[7; 12], &[0, 0, 0, next]].concat();
            assert_eq!(has_frames(ImageFormat::Tiff, &little), next > 0);
            assert_eq!(has_frames(ImageFormat::Tiff, &big), next > 0);
            assert!(!has_frames(ImageFormat::Tiff, &big[..20]));
        }
    }
}
