//! Paths and inks in the canonical face frame.
//!
//! Drawing code speaks in hundredths of that frame, x to the right and y down; [`Canvas`] carries it into
//! the picture. Shapes are polylines fine enough to look smooth, filled with anti-aliasing.

use tiny_skia::{
    Color, FillRule, GradientStop, LinearGradient, Paint, Path, PathBuilder, Pixmap,
    Point as SkiaPoint, RadialGradient, Shader, SpreadMode, Transform,
};

/// A place in hundredths of the canonical face frame.
pub type At = (f32, f32);

/// A colour, each channel from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rgb(pub f32, pub f32, pub f32);

impl Rgb {
    /// `share` of the way to `other`.
    pub fn mix(self, other: Rgb, share: f32) -> Rgb {
        let blend = |a: f32, b: f32| a + (b - a) * share;
        Rgb(blend(self.0, other.0), blend(self.1, other.1), blend(self.2, other.2))
    }

    /// Each channel times a factor.
    pub fn times(self, r: f32, g: f32, b: f32) -> Rgb {
        Rgb(self.0 * r, self.1 * g, self.2 * b)
    }

    fn with_alpha(self, alpha: f32) -> Color {
        let unit = |value: f32| value.clamp(0.0, 1.0);
        Color::from_rgba(unit(self.0), unit(self.1), unit(self.2), unit(alpha))
            .unwrap_or(Color::TRANSPARENT)
    }
}

/// The left or right half of the face, as seen in the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

impl Side {
    pub const BOTH: [Side; 2] = [Side::Left, Side::Right];

    /// The place at `out` from the face's midline on this side, at height `y`.
    pub fn at(self, out: f32, y: f32) -> At {
        match self {
            Side::Left => (50.0 - out, y),
            Side::Right => (50.0 + out, y),
        }
    }
}

/// Whether the edge of a shape can be seen. Smoothing it costs more than all else in a small picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    Seen,
    Unseen,
}

/// A picture under way.
pub struct Canvas {
    pixmap: Pixmap,
    /// From hundredths of the face frame to pixels.
    to_pixels: Transform,
}

impl Canvas {
    /// `to_pixels` maps hundredths of the face frame to pixels.
    pub fn new(pixmap: Pixmap, to_pixels: Transform) -> Canvas {
        Canvas { pixmap, to_pixels }
    }

    pub fn into_pixmap(self) -> Pixmap {
        self.pixmap
    }

    /// Fills the polygon.
    pub fn fill(&mut self, outline: &[At], color: Rgb, alpha: f32) {
        self.paint(outline, Shader::SolidColor(color.with_alpha(alpha)), Edge::Seen);
    }

    /// Fills the whole picture with a passage from one colour at `from` to another at `to`.
    pub fn fill_everything(&mut self, from: (At, Rgb), to: (At, Rgb)) {
        let everything = [(-150.0, -150.0), (250.0, -150.0), (250.0, 250.0), (-150.0, 250.0)];
        if let Some(shader) = linear(from, to) {
            self.paint(&everything, shader, Edge::Unseen);
        }
    }

    /// Fills the polygon with a passage from one colour at `from` to another at `to`.
    pub fn fill_passage(&mut self, outline: &[At], from: (At, Rgb), to: (At, Rgb)) {
        if let Some(shader) = linear(from, to) {
            self.paint(outline, shader, Edge::Seen);
        }
    }

    /// Fills the polygon with a passage from `inner` at `center` to `outer` on the ellipse of `radii`.
    pub fn fill_round(&mut self, outline: &[At], center: At, radii: At, inner: Rgb, outer: Rgb) {
        let stops = vec![
            GradientStop::new(0.0, inner.with_alpha(1.0)),
            GradientStop::new(1.0, outer.with_alpha(1.0)),
        ];
        if let Some(shader) = radial(center, radii, stops) {
            self.paint(outline, shader, Edge::Seen);
        }
    }

    /// A soft spot: `alpha` at its centre, nothing at the ellipse of `radii`.
    pub fn spot(&mut self, center: At, radii: At, color: Rgb, alpha: f32) {
        if alpha < 0.004 {
            return;
        }
        let stops = vec![
            GradientStop::new(0.0, color.with_alpha(alpha)),
            GradientStop::new(1.0, color.with_alpha(0.0)),
        ];
        if let Some(shader) = radial(center, radii, stops) {
            self.paint(&ellipse(center, radii, 16), shader, Edge::Unseen);
        }
    }

    /// A line along `spine` that swells to `width` and tapers to both ends.
    pub fn line(&mut self, spine: &[At], width: f32, color: Rgb, alpha: f32) {
        if alpha < 0.004 || width < 0.05 {
            return;
        }
        let last = (spine.len() - 1) as f32;
        let swell = |i: usize| {
            let t = i as f32 / last;
            width * (0.12 + 0.88 * (4.0 * t * (1.0 - t)).sqrt())
        };
        self.fill(&ribbon(spine, swell), color, alpha);
    }

    fn paint(&mut self, outline: &[At], shader: Shader, edge: Edge) {
        if let Some(path) = closed(outline) {
            let paint = Paint { shader, anti_alias: edge == Edge::Seen, ..Paint::default() };
            self.pixmap.fill_path(&path, &paint, FillRule::Winding, self.to_pixels, None);
        }
    }
}

fn point((x, y): At) -> SkiaPoint {
    SkiaPoint::from_xy(x, y)
}

fn linear((from, a): (At, Rgb), (to, b): (At, Rgb)) -> Option<Shader<'static>> {
    let stops =
        vec![GradientStop::new(0.0, a.with_alpha(1.0)), GradientStop::new(1.0, b.with_alpha(1.0))];
    LinearGradient::new(point(from), point(to), stops, SpreadMode::Pad, Transform::identity())
}

fn radial(center: At, radii: At, stops: Vec<GradientStop>) -> Option<Shader<'static>> {
    let shape = Transform::from_row(radii.0, 0.0, 0.0, radii.1, center.0, center.1);
    let origin = SkiaPoint::from_xy(0.0, 0.0);
    RadialGradient::new(origin, 0.0, origin, 1.0, stops, SpreadMode::Pad, shape)
}

/// The closed path through the corners; `None` where there is nothing to fill.
fn closed(outline: &[At]) -> Option<Path> {
    let mut builder = PathBuilder::with_capacity(outline.len() + 2, outline.len() + 1);
    let (&first, rest) = outline.split_first()?;
    builder.move_to(first.0, first.1);
    rest.iter().for_each(|&(x, y)| builder.line_to(x, y));
    builder.close();
    builder.finish()
}

/// A cubic Bézier curve as `pieces` + 1 points.
pub fn bezier(a: At, b: At, c: At, d: At, pieces: usize) -> Vec<At> {
    (0..=pieces)
        .map(|i| {
            let t = i as f32 / pieces as f32;
            let s = 1.0 - t;
            let weigh = |a: f32, b: f32, c: f32, d: f32| {
                s * s * s * a + 3.0 * s * s * t * b + 3.0 * s * t * t * c + t * t * t * d
            };
            (weigh(a.0, b.0, c.0, d.0), weigh(a.1, b.1, c.1, d.1))
        })
        .collect()
}

/// A smooth curve through all the points (Catmull-Rom), with `pieces` lines between neighbours.
pub fn through(points: &[At], pieces: usize) -> Vec<At> {
    let at = |i: isize| points[i.clamp(0, points.len() as isize - 1) as usize];
    let mut curve = vec![points[0]];
    for i in 0..points.len() as isize - 1 {
        let (p, a, b, q) = (at(i - 1), at(i), at(i + 1), at(i + 2));
        let from = (a.0 + (b.0 - p.0) / 6.0, a.1 + (b.1 - p.1) / 6.0);
        let to = (b.0 - (q.0 - a.0) / 6.0, b.1 - (q.1 - a.1) / 6.0);
        curve.extend_from_slice(&bezier(a, from, to, b, pieces)[1..]);
    }
    curve
}

/// The ellipse as a polygon.
pub fn ellipse(center: At, radii: At, corners: usize) -> Vec<At> {
    (0..corners)
        .map(|i| {
            let (sin, cos) = (i as f32 / corners as f32 * std::f32::consts::TAU).sin_cos();
            (center.0 + radii.0 * cos, center.1 + radii.1 * sin)
        })
        .collect()
}

/// The outline of a band along `spine`, `width(i)` wide at its point i.
pub fn ribbon(spine: &[At], width: impl Fn(usize) -> f32) -> Vec<At> {
    let last = spine.len() - 1;
    let edge = |i: usize, side: f32| {
        let (before, after) = (spine[i.saturating_sub(1)], spine[(i + 1).min(last)]);
        let (dx, dy) = (after.0 - before.0, after.1 - before.1);
        let half = side * width(i) / 2.0 / dx.hypot(dy).max(1e-6);
        (spine[i].0 - dy * half, spine[i].1 + dx * half)
    };
    let there = (0..=last).map(|i| edge(i, 1.0));
    there.chain((0..=last).rev().map(|i| edge(i, -1.0))).collect()
}

/// The height of the curve at `x`; its points run in one direction along x.
pub fn height_at(curve: &[At], x: f32) -> f32 {
    for pair in curve.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        if (a.0 <= x && x <= b.0) || (b.0 <= x && x <= a.0) {
            let span = b.0 - a.0;
            return if span.abs() < 1e-6 { a.1 } else { a.1 + (b.1 - a.1) * (x - a.0) / span };
        }
    }
    let (first, last) = (curve[0], curve[curve.len() - 1]);
    if (x - first.0).abs() < (x - last.0).abs() { first.1 } else { last.1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_meet_their_points() {
        let points = [(0.0, 0.0), (1.0, 2.0), (3.0, 1.0)];
        let curve = through(&points, 4);
        assert_eq!(curve.len(), 9);
        assert_eq!((curve[0], curve[8]), (points[0], points[2]));
        assert!((curve[4].0 - 1.0).abs() < 1e-6 && (curve[4].1 - 2.0).abs() < 1e-6);
        let straight = bezier((0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (3.0, 3.0), 3);
        assert!((straight[1].0 - 1.0).abs() < 1e-6 && (straight[1].1 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_ribbon_is_as_wide_as_asked() {
        let outline = ribbon(&[(0.0, 0.0), (1.0, 0.0), (2.0, 0.0)], |_| 0.5);
        assert!(outline.iter().all(|&(_, y)| (y.abs() - 0.25).abs() < 1e-6));
        assert_eq!(outline.len(), 6);
    }

    #[test]
    fn height_is_interpolated_in_either_direction() {
        let falling = [(0.0, 0.0), (2.0, 4.0)];
        let back = [(2.0, 4.0), (0.0, 0.0)];
        assert_eq!((height_at(&falling, 1.0), height_at(&back, 1.0)), (2.0, 2.0));
        assert_eq!(height_at(&falling, 9.0), 4.0);
    }
}
