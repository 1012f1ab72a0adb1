//! Decoding of picture files into pixels of the experiment's size and channels.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::error::BadPicture;
use super::landmark_tables::{Points, Untrusted};
use super::listing::{Picture, Place};
use super::peculiar::Peculiarities;
use super::placement::{Placement, Rectangle};
use super::twins::Fingerprint;
use crate::experiment::{Fit, Shaping};
use crate::region::Landmarks;

/// A picture with more pixels in its header is refused before anything is allocated for it.
const MOST_PIXELS: u64 = 64_000_000;

/// A larger file is not read.
const MOST_BYTES: u64 = 512 << 20;

/// The shape of a decoded picture: `[height, width, channels]`, u8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub height: usize,
    pub width: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
}

impl Shape {
    /// Bytes of one picture.
    pub fn bytes(self) -> usize {
        self.height * self.width * self.channels
    }
}

/// Decodes pictures one after another, and keeps its buffers from one to the next.
///
/// A picture of the right size is copied exactly; any other is brought to the size, as a [`Placement`] says, with a
/// Lanczos filter of three lobes (antialiased when it shrinks). Grey becomes RGB by repetition, RGB becomes grey
/// by the luma of Rec. 601; transparency is dropped, and a JPEG's orientation tag is applied.
pub struct Decoder {
    shape: Shape,
    shaping: Shaping,
    fit: Fit,
    resizer: Resizer,
    options: ResizeOptions,
    file: Vec<u8>,
    converted: Vec<u8>,
    resized: Vec<u8>,
}

impl Decoder {
    pub fn new(shape: Shape, shaping: Shaping, fit: Fit) -> Decoder {
        Decoder {
            shape,
            shaping,
            fit,
            resizer: Resizer::new(),
            options: ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)),
            file: Vec::new(),
            converted: Vec::new(),
            resized: Vec::new(),
        }
    }

    /// Writes the picture into `out`, which is [`Shape::bytes`] long.
    ///
    /// # Errors
    /// Where it cannot be read, or a crop by its points shows nothing of it.
    pub fn decode(
        &mut self,
        picture: &Picture,
        points: &Points,
        out: &mut [u8],
    ) -> Result<Decoded, BadPicture> {
        let decoded = match picture {
            Picture::Grey { width, height, values } => {
                self.place(values, [*width, *height], 1, points, out)
            }
            Picture::File(path) => self.decode_file(path, None, points, out),
            Picture::Part { path, place } => self.decode_file(path, Some(*place), points, out),
        };
        decoded.map_err(|why| {
            let path = picture.shown().unwrap_or_else(|| PathBuf::from("fer2013.csv"));
            BadPicture { path, why }
        })
    }

    fn decode_file(
        &mut self,
        path: &Path,
        part: Option<Place>,
        points: &Points,
        out: &mut [u8],
    ) -> Result<Decoded, String> {
        let mut bytes = std::mem::take(&mut self.file);
        let decoded = self.decode_bytes(path, part, &mut bytes, points, out);
        self.file = bytes;
        decoded
    }

    fn decode_bytes(
        &mut self,
        path: &Path,
        part: Option<Place>,
        bytes: &mut Vec<u8>,
        points: &Points,
        out: &mut [u8],
    ) -> Result<Decoded, String> {
        read(path, bytes)?;
        let Opened { mut image, peculiarities } = open(bytes)?;
        if let Some(part) = part {
            image = cut(image, part)?;
        }
        let size = [image.width(), image.height()];
        let decoded = if image.color().has_color() {
            self.place(image.into_rgb8().as_raw(), size, 3, points, out)
        } else {
            self.place(image.into_luma8().as_raw(), size, 1, points, out)
        };
        Ok(Decoded { content: Some(blake3::hash(bytes)), peculiarities, ..decoded? })
    }

    /// Brings `values`, `[height, width, channels]`, into the shape.
    fn place(
        &mut self,
        values: &[u8],
        size: [u32; 2],
        channels: usize,
        points: &Points,
        out: &mut [u8],
    ) -> Result<Decoded, String> {
        let face = points.in_picture(size, self.shaping, self.fit).transpose();
        let trusted = face.as_ref().ok().and_then(Option::as_ref);
        let placement = Placement::new(self.shaping, size, self.shape, trusted)
            .ok_or("its landmarks lie outside it, so that a crop shows nothing of it")?;
        self.fit(values, size, channels, &placement, out)?;
        Ok(Decoded {
            landmarks: face.map(|face| face.map(|face| placement.landmarks(&face, size))),
            reshaped: is_reshaped(size, self.shape),
            fingerprint: Fingerprint::of(out, self.shape),
            content: None,
            peculiarities: Peculiarities::default(),
        })
    }

    /// Converts `values`, `[height, width, channels]`, to the shape.
    fn fit(
        &mut self,
        values: &[u8],
        [width, height]: [u32; 2],
        channels: usize,
        placement: &Placement,
        out: &mut [u8],
    ) -> Result<(), String> {
        let to_grey = channels == 3 && self.shape.channels == 1;
        let to_rgb = channels == 1 && self.shape.channels == 3;
        let source: &[u8] = if to_grey {
            self.converted.clear();
            self.converted.extend(values.chunks_exact(3).map(luma));
            &self.converted
        } else {
            values
        };
        let planes = if to_grey { 1 } else { channels };
        let Placement { from, to, .. } = placement;
        let fills =
            (to.width as usize, to.height as usize) == (self.shape.width, self.shape.height);
        let target: &mut [u8] = if to_rgb || !fills {
            self.resized.resize((to.width * to.height) as usize * planes, 0);
            &mut self.resized
        } else {
            &mut *out
        };
        let whole =
            Rectangle { left: 0.0, top: 0.0, width: f64::from(width), height: f64::from(height) };
        if *from == whole && (width, height) == (to.width, to.height) {
            target.copy_from_slice(source);
        } else {
            let kind = if planes == 3 { PixelType::U8x3 } else { PixelType::U8 };
            let source =
                ImageRef::new(width, height, source, kind).map_err(|why| why.to_string())?;
            let mut target = Image::from_slice_u8(to.width, to.height, target, kind)
                .map_err(|why| why.to_string())?;
            let options = match *from == whole {
                true => self.options,
                false => self.options.crop(from.left, from.top, from.width, from.height),
            };
            self.resizer.resize(&source, &mut target, &options).map_err(|why| why.to_string())?;
        }
        if to_rgb || !fills {
            out.fill(0);
            let rows = self.resized.chunks_exact(to.width as usize * planes);
            let (width, channels) = (self.shape.width, self.shape.channels);
            for (row, line) in (to.top as usize..).zip(rows) {
                let begins = (row * width + to.left as usize) * channels;
                let pixels = out[begins..].chunks_exact_mut(channels);
                for (pixel, value) in pixels.zip(line.chunks_exact(planes)) {
                    match to_rgb {
                        true => pixel.fill(value[0]),
                        false => pixel.copy_from_slice(value),
                    }
                }
            }
        }
        Ok(())
    }
}

/// Reads a picture's file.
pub fn read(path: &Path, bytes: &mut Vec<u8>) -> Result<(), String> {
    bytes.clear();
    let mut file = File::open(path).map_err(|why| why.to_string())?;
    let length = file.metadata().map_err(|why| why.to_string())?.len();
    if length > MOST_BYTES {
        return Err(format!("it has {length} bytes, more than {MOST_BYTES}; shrink it"));
    }
    file.read_to_end(bytes).map_err(|why| why.to_string())?;
    Ok(())
}

/// A decoded file: upright, in its own size and channels.
pub struct Opened {
    pub image: DynamicImage,
    pub peculiarities: Peculiarities,
}

/// Decodes a picture's file.
pub fn open(bytes: &[u8]) -> Result<Opened, String> {
    let format = image::guess_format(bytes).ok().filter(ImageFormat::reading_enabled);
    let Some(format) = format else { return Err(what_it_is(bytes)) };
    let mut turned = true;
    if format == ImageFormat::Jpeg {
        let segments = JpegSegments::of(bytes);
        if !segments.whole {
            return Err("it is cut off: a JPEG without its end".to_owned());
        }
        turned = segments.exif;
    }
    let reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut decoder = reader.into_decoder().map_err(|why| why.to_string())?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        let most = MOST_PIXELS / 1_000_000;
        return Err(format!(
            "it claims {width} × {height} pixels, more than {most} million; shrink it"
        ));
    }
    if width == 0 || height == 0 {
        return Err("it has no pixels".to_owned());
    }
    // Asking a JPEG takes as long as reading its headers once more.
    let orientation = match turned {
        true => decoder.orientation().map_err(|why| why.to_string())?,
        false => Orientation::NoTransforms,
    };
    let mut image = DynamicImage::from_decoder(decoder).map_err(|why| why.to_string())?;
    let peculiarities = Peculiarities::of(&image, format, bytes);
    image.apply_orientation(orientation);
    Ok(Opened { image, peculiarities })
}

/// What became of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decoded {
    /// Its points in the input; `None` where nothing was asked for.
    pub landmarks: Result<Option<Landmarks>, Untrusted>,
    /// Whether its sides have another ratio than the input's.
    pub reshaped: bool,
    pub fingerprint: Fingerprint,
    /// BLAKE3 of its file; `None` where it has none of its own.
    pub content: Option<blake3::Hash>,
    pub peculiarities: Peculiarities,
}

/// Whether the ratio of a picture's sides differs by more than a hundredth from the input's.
fn is_reshaped([width, height]: [u32; 2], input: Shape) -> bool {
    let ratio = f64::from(width) * input.height as f64 / (f64::from(height) * input.width as f64);
    !(0.99..=1.0 / 0.99).contains(&ratio)
}

/// A part of a picture, as much of it as there is.
pub fn cut(image: DynamicImage, part: Place) -> Result<DynamicImage, String> {
    let size = [image.width(), image.height()];
    let part = part.within(size).ok_or_else(|| {
        let [width, height] = size;
        format!("its face lies outside of the picture, which has {width} × {height} pixels")
    })?;
    let [width, height] = part.size();
    Ok(image.crop_imm(part.left, part.top, width, height))
}

/// What a file is that is no picture that can be read.
fn what_it_is(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "it is empty".to_owned();
    }
    if let Ok(format) = image::guess_format(bytes) {
        return format!("it is {format:?}, a format that is not read; convert it to PNG");
    }
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).to_lowercase();
    let start = start.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    if start.starts_with("version https://git-lfs") {
        return "it is a pointer of Git LFS; fetch the files by `git lfs pull`".to_owned();
    }
    if ["<!doctype html", "<html", "<head"].iter().any(|tag| start.starts_with(tag)) {
        return "it is a web page, not a picture".to_owned();
    }
    match bytes.iter().all(|byte| *byte == 0) {
        true => "it holds nothing but zeros".to_owned(),
        false => "it is not a picture of a known format".to_owned(),
    }
}

/// What a JPEG's segments tell (ITU-T T.81, B.1).
struct JpegSegments {
    /// Whether it has its end, EOI, after its first scan. Decoders paint what is missing grey.
    whole: bool,
    /// Whether it may hold an orientation: there is a segment APP1, in which Exif lies.
    exif: bool,
}

impl JpegSegments {
    fn of(bytes: &[u8]) -> JpegSegments {
        const SOS: u8 = 0xDA;
        const EOI: u8 = 0xD9;
        const APP1: u8 = 0xE1;
        let (mut at, mut in_scan, mut exif) = (2, false, false);
        while let [0xFF, marker, rest @ ..] = bytes.get(at..).unwrap_or_default() {
            match *marker {
                EOI => return JpegSegments { whole: in_scan, exif },
                // A fill byte; a stuffed zero; a restart within a scan, or TEM.
                0xFF => at += 1,
                0x00 | 0xD0..=0xD7 | 0x01 => at += 2,
                marker => {
                    let [high, low, ..] = rest else { break };
                    at += 2 + usize::from(u16::from_be_bytes([*high, *low]));
                    in_scan |= marker == SOS;
                    exif |= marker == APP1;
                }
            }
            // The data of a scan, up to its next marker.
            if in_scan {
                let data = bytes.get(at..).unwrap_or_default();
                at += memchr::memchr(0xFF, data).unwrap_or(data.len());
            }
        }
        JpegSegments { whole: false, exif }
    }
}

/// Luma of an RGB pixel, ITU-R BT.601, rounded.
fn luma(rgb: &[u8]) -> u8 {
    let weighted = 299 * u32::from(rgb[0]) + 587 * u32::from(rgb[1]) + 114 * u32::from(rgb[2]);
    // The weights sum to 1000, so the quotient is at most 255.
    ((weighted + 500) / 1000) as u8
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, Rgb, RgbImage};

    use super::*;
    use crate::dataset::DatasetError;

    fn decoded(
        picture: &Picture,
        height: usize,
        width: usize,
        channels: usize,
    ) -> Result<Vec<u8>, DatasetError> {
        let shape = Shape { height, width, channels };
        let mut out = vec![0; shape.bytes()];
        let decoded = Decoder::new(shape, Shaping::Stretch, Fit::Similarity).decode(
            picture,
            &Points::NotAsked,
            &mut out,
        );
        decoded.map(|_| out).map_err(DatasetError::Picture)
    }

    fn saved(image: DynamicImage, name: &str) -> (tempfile::TempDir, Picture) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        image.save(&path).unwrap();
        (folder, Picture::File(path))
    }

    #[test]
    fn a_face_is_cut_out_of_its_picture() {
        let image = GrayImage::from_fn(6, 4, |x, y| Luma([(10 * x + 100 * (y % 2)) as u8]));
        let (folder, _) = saved(image.into(), "a.png");
        let part = |left, top, right, bottom| Picture::Part {
            path: folder.path().join("a.png"),
            place: Place { left, top, right, bottom },
        };
        assert_eq!(decoded(&part(1, 1, 4, 3), 2, 3, 1).unwrap(), [110, 120, 130, 10, 20, 30]);
        // Beyond the border there is nothing.
        assert_eq!(decoded(&part(4, 2, 60, 40), 2, 2, 1).unwrap(), [40, 50, 140, 150]);
        let outside = decoded(&part(6, 0, 9, 4), 2, 2, 1).unwrap_err().to_string();
        assert!(
            outside.ends_with(
                "a.png (from 6, 0 to 9, 4): its face lies outside of the picture, which has 6 × 4 pixels"
            ),
            "{outside}"
        );
    }

    #[test]
    fn a_grey_picture_of_the_right_size_is_copied_and_repeated_into_rgb() {
        let image = GrayImage::from_fn(3, 2, |x, y| Luma([(10 * x + 100 * y) as u8]));
        let (_folder, picture) = saved(image.into(), "a.png");
        assert_eq!(decoded(&picture, 2, 3, 1).unwrap(), [0, 10, 20, 100, 110, 120]);
        assert_eq!(decoded(&picture, 2, 3, 3).unwrap()[..9], [0, 0, 0, 10, 10, 10, 20, 20, 20]);
    }

    #[test]
    fn rgb_becomes_grey_by_the_luma_of_rec_601() {
        let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]];
        let image = RgbImage::from_fn(2, 2, |x, y| Rgb(colours[(2 * y + x) as usize]));
        let (_folder, picture) = saved(image.into(), "a.png");
        assert_eq!(decoded(&picture, 2, 2, 1).unwrap(), [76, 150, 29, 255]);
        assert_eq!(decoded(&picture, 2, 2, 3).unwrap(), colours.concat());
    }

    #[test]
    fn resizing_keeps_a_flat_picture_and_the_direction_of_a_ramp() {
        let flat = Picture::Grey { width: 48, height: 48, values: vec![77; 48 * 48].into() };
        assert_eq!(decoded(&flat, 100, 60, 3).unwrap(), vec![77; 100 * 60 * 3]);

        let columns: Vec<u8> = (0..8 * 8).map(|index| (index % 8 * 30) as u8).collect();
        let ramp = Picture::Grey { width: 8, height: 8, values: columns.into() };
        let wide = decoded(&ramp, 4, 16, 1).unwrap();
        assert!(
            wide.chunks_exact(16).all(|row| row.is_sorted() && row[15] - row[0] > 190),
            "{wide:?}"
        );
        assert_eq!(wide[..16], wide[48..], "every row is the same");
    }

    #[test]
    fn a_jpeg_is_read() {
        let image = RgbImage::from_pixel(16, 16, Rgb([200, 100, 50]));
        let (_folder, picture) = saved(image.into(), "a.jpg");
        let pixels = decoded(&picture, 16, 16, 3).unwrap();
        let close =
            |pixel: &[u8]| pixel.iter().zip([200, 100, 50]).all(|(a, b)| a.abs_diff(b) <= 3);
        assert!(pixels.chunks_exact(3).all(close), "{:?}", &pixels[..3]);
    }

    #[test]
    fn a_jpeg_that_is_cut_off_anywhere_is_refused() {
        let image =
            RgbImage::from_fn(40, 30, |x, y| Rgb([(x * 6) as u8, (y * 8) as u8, (x * y) as u8]));
        let (folder, picture) = saved(image.into(), "a.jpg");
        let path = folder.path().join("a.jpg");
        let whole = std::fs::read(&path).unwrap();
        assert!(decoded(&picture, 30, 40, 3).is_ok());
        for length in (20..whole.len()).step_by(37) {
            std::fs::write(&path, &whole[..length]).unwrap();
            let message = decoded(&picture, 30, 40, 3).unwrap_err().to_string();
            assert!(
                message.ends_with("it is cut off: a JPEG without its end"),
                "{length}: {message}"
            );
        }
        // What some cameras and servers append is no harm.
        std::fs::write(&path, [whole.as_slice(), b"appended"].concat()).unwrap();
        assert!(decoded(&picture, 30, 40, 3).is_ok());
    }

    #[test]
    fn every_format_gives_the_same_pixels_whatever_its_name() {
        let image = RgbImage::from_fn(5, 4, |x, y| Rgb([(x * 50) as u8, (y * 60) as u8, 7]));
        let names = ["a.png", "a.bmp", "a.tiff", "a.ppm", "a.webp"];
        for name in names {
            let (folder, _) = saved(image.clone().into(), name);
            let other = folder.path().join("b.jpg");
            std::fs::rename(folder.path().join(name), &other).unwrap();
            assert_eq!(decoded(&Picture::File(other), 4, 5, 3).unwrap(), *image.as_raw(), "{name}");
        }
        let grey = GrayImage::from_fn(3, 2, |x, y| Luma([(10 * x + 100 * y) as u8]));
        let (_folder, picture) = saved(grey.clone().into(), "a.pgm");
        assert_eq!(decoded(&picture, 2, 3, 1).unwrap(), *grey.as_raw());
    }

    #[test]
    fn a_file_that_is_no_picture_says_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let why = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let message = decoded(&Picture::File(path.clone()), 2, 2, 1).unwrap_err().to_string();
            message.split_once(": ").unwrap().1.to_owned()
        };
        assert_eq!(why(b""), "it is empty");
        assert_eq!(why(b"\n<!DOCTYPE html>"), "it is a web page, not a picture");
        assert!(why(b"version https://git-lfs.github.com/spec/v1\n").contains("git lfs pull"));
        assert_eq!(
            why(b"GIF89a\x01\0\x01\0"),
            "it is Gif, a format that is not read; convert it to PNG"
        );
        assert_eq!(why(&[0; 64]), "it holds nothing but zeros");
        assert_eq!(why(b"some text"), "it is not a picture of a known format");
    }

    #[test]
    fn a_file_that_is_no_picture_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, "no picture").unwrap();
        let message = decoded(&Picture::File(path), 2, 2, 1).unwrap_err().to_string();
        assert!(
            message.starts_with("cannot use the picture ") && message.contains("a.png: "),
            "{message}"
        );
    }

    #[test]
    fn a_picture_that_claims_a_hundred_million_pixels_is_refused_before_it_is_decoded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        // A header alone: IHDR with 10,000 × 10,000 grey pixels, then an empty IDAT.
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        for (kind, data) in [
            (
                b"IHDR",
                [10_000_u32.to_be_bytes().as_slice(), &10_000_u32.to_be_bytes(), &[8, 0, 0, 0, 0]]
                    .concat(),
            ),
            (b"IDAT", Vec::new()),
        ] {
            let body = [kind.as_slice(), &data].concat();
            bytes.extend((data.len() as u32).to_be_bytes());
            bytes.extend(&body);
            bytes.extend(checksum(&body).to_be_bytes());
        }
        std::fs::write(&path, bytes).unwrap();
        let message = decoded(&Picture::File(path), 2, 2, 1).unwrap_err().to_string();
        assert!(
            message.contains("it claims 10000 × 10000 pixels, more than 64 million; shrink it"),
            "{message}"
        );
    }

    /// CRC-32 as PNG defines it (ISO 3309).
    fn checksum(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
        })
    }
}
