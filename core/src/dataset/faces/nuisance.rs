//! Nuisance variation of the photograph: pose, light, lens and sensor.

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use tiny_skia::Pixmap;

use crate::region::Point;

use super::draw::canvas::Rgb;

/// One photograph. All draws are independent of the person and the emotion.
#[derive(Debug, Clone, PartialEq)]
pub struct Shot {
    pub pose: Pose,
    pub backdrop: Rgb,
    /// Exposure: a factor on all values.
    pub gain: f32,
    /// A power on all values, from 0 to 1.
    pub gamma: f32,
    /// How light falls off across the picture, as a change of the factor from its left to its right and
    /// from its top to its bottom edge.
    pub slope: (f32, f32),
    /// Standard deviation of the Gaussian blur, as a share of the picture's height.
    pub blur: f32,
    /// Standard deviation of each pixel's noise, from 0 to 1.
    pub noise: f32,
}

/// The similarity that carries the canonical face frame into the picture: about the frame's centre, by
/// `scale` and `roll`, then by `shift`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// Radians, clockwise as seen.
    pub roll: f64,
    pub scale: f64,
    /// In widths and heights of the picture.
    pub shift: (f64, f64),
}

impl Pose {
    /// The canonical face frame fills the picture.
    pub const CANONICAL: Pose = Pose { roll: 0.0, scale: 1.0, shift: (0.0, 0.0) };

    /// Carries a point of the face frame into the picture (both from 0 to 1).
    pub fn place(&self, point: Point) -> Point {
        let (sin, cos) = self.roll.sin_cos();
        let (x, y) = (point.x - 0.5, point.y - 0.5);
        Point {
            x: 0.5 + self.shift.0 + self.scale * (cos * x - sin * y),
            y: 0.5 + self.shift.1 + self.scale * (sin * x + cos * y),
        }
    }
}

impl Shot {
    /// The photograph where `nuisance` is 0.
    pub const PLAIN: Shot = Shot {
        pose: Pose::CANONICAL,
        backdrop: Rgb(0.62, 0.65, 0.68),
        gain: 1.0,
        gamma: 1.0,
        slope: (0.0, 0.0),
        blur: 0.0,
        noise: 0.0,
    };

    /// Draws a photograph; `nuisance` scales how much they vary: 0 is always [`Shot::PLAIN`], 1 snapshots
    /// cropped by a face detector.
    pub fn draw(rng: &mut impl Rng, nuisance: f64) -> Shot {
        let mut normal = || -> f64 {
            let draw: f64 = StandardNormal.sample(rng);
            draw.clamp(-2.5, 2.5) * nuisance
        };
        let pose = Pose {
            roll: normal() * 6.0_f64.to_radians(),
            scale: (normal() * 0.05 - 0.03 * nuisance).exp(),
            shift: (normal() * 0.018, normal() * 0.018),
        };
        // Walls differ in brightness more than in colour.
        let brightness = normal() * 0.16;
        let mut tint =
            |plain: f32| (plain + (brightness + normal() * 0.05) as f32).clamp(0.05, 0.95);
        let plain = Shot::PLAIN.backdrop;
        let backdrop = Rgb(tint(plain.0), tint(plain.1), tint(plain.2));
        Shot {
            pose,
            backdrop,
            gain: (normal() * 0.12).exp() as f32,
            gamma: (normal() * 0.13).exp() as f32,
            slope: ((normal() * 0.28) as f32, (normal() * 0.16) as f32),
            blur: (normal().abs() * 0.0065) as f32,
            noise: (normal().abs() * 0.017) as f32,
        }
    }

    /// From the drawing to the photograph: `[H, W, C]` with C = `channels`, 1 (luma of ITU-R BT.601) or 3.
    /// Each pixel depends only on its neighbourhood, so that no part of the face affects
    /// another.
    pub fn develop(&self, drawing: &Pixmap, channels: usize, rng: &mut impl Rng) -> Vec<u8> {
        let (width, height) = (drawing.width() as usize, drawing.height() as usize);
        let tone: Vec<f32> =
            (0..256).map(|value| (value as f32 / 255.0).powf(self.gamma)).collect();
        let mut values = Vec::with_capacity(width * height * channels);
        for (index, pixel) in drawing.pixels().iter().enumerate() {
            let across = (index % width) as f32 / width as f32 - 0.5;
            let down = (index / width) as f32 / height as f32 - 0.5;
            let light = self.gain * (1.0 + self.slope.0 * across + self.slope.1 * down).max(0.2);
            let [r, g, b] =
                [pixel.red(), pixel.green(), pixel.blue()].map(|v| tone[usize::from(v)] * light);
            if channels == 1 {
                values.push(0.299 * r + 0.587 * g + 0.114 * b);
            } else {
                values.extend([r, g, b]);
            }
        }
        blur(&mut values, width, height, channels, self.blur * height as f32);
        values
            .into_iter()
            .map(|value| {
                let noise: f32 = if self.noise > 0.0 { StandardNormal.sample(rng) } else { 0.0 };
                ((value + self.noise * noise) * 255.0).round().clamp(0.0, 255.0) as u8
            })
            .collect()
    }
}

/// Gaussian blur of `[H, W, C]` with a standard deviation in pixels; edges repeat outward.
fn blur(values: &mut Vec<f32>, width: usize, height: usize, channels: usize, deviation: f32) {
    if deviation < 0.15 {
        return;
    }
    let reach = (2.5 * deviation).ceil() as isize;
    let mut kernel: Vec<f32> =
        (-reach..=reach).map(|i| (-0.5 * (i as f32 / deviation).powi(2)).exp()).collect();
    let total: f32 = kernel.iter().sum();
    kernel.iter_mut().for_each(|weight| *weight /= total);
    // Along rows, then along columns: (values in a line, lines, step within, step between).
    for (length, step) in [(width, channels), (height, width * channels)] {
        let mut blurred = vec![0.0; values.len()];
        for (index, out) in blurred.iter_mut().enumerate() {
            let place = (index / step % length) as isize;
            for (offset, weight) in (-reach..=reach).zip(&kernel) {
                let neighbour = (place + offset).clamp(0, length as isize - 1) - place;
                *out += weight * values[(index as isize + neighbour * step as isize) as usize];
            }
        }
        *values = blurred;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn without_nuisance_every_shot_is_plain() {
        let shot = Shot::draw(&mut ChaCha8Rng::seed_from_u64(1), 0.0);
        assert_eq!(shot, Shot::PLAIN);
    }

    #[test]
    fn a_plain_shot_keeps_the_drawing() {
        let mut drawing = Pixmap::new(3, 2).unwrap();
        drawing.fill(tiny_skia::Color::from_rgba8(10, 200, 30, 255));
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert_eq!(Shot::PLAIN.develop(&drawing, 3, &mut rng), [10, 200, 30].repeat(6));
        let luma = (0.299_f64 * 10.0 + 0.587 * 200.0 + 0.114 * 30.0).round() as u8;
        assert_eq!(Shot::PLAIN.develop(&drawing, 1, &mut rng), [luma; 6]);
    }

    #[test]
    fn blur_keeps_the_sum_and_is_round() {
        let mut values = vec![0.0; 81];
        values[40] = 1.0;
        blur(&mut values, 9, 9, 1, 0.8);
        assert!((values.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert!(values[40] < 0.5 && values[41] > 0.05);
        assert!((values[41] - values[49]).abs() < 1e-6 && (values[39] - values[31]).abs() < 1e-6);
    }

    #[test]
    fn a_quarter_turn_carries_right_to_bottom() {
        let pose = Pose { roll: std::f64::consts::FRAC_PI_2, scale: 0.5, shift: (0.1, 0.0) };
        let placed = pose.place(Point { x: 1.0, y: 0.5 });
        assert!((placed.x - 0.6).abs() < 1e-12 && (placed.y - 0.75).abs() < 1e-12);
    }
}
