//! Colours and how light falls on them.

/// Red, green and blue, 0 to 1.
pub(super) type Colour = [f64; 3];

/// Luma of ITU-R BT.601, as pictures become grey.
pub(super) fn grey([red, green, blue]: Colour) -> f64 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

/// The first colour with a share of the second, which is cut off at 0 and 1.
pub(super) fn mixed(first: Colour, second: Colour, share: f64) -> Colour {
    let share = share.clamp(0.0, 1.0);
    std::array::from_fn(|part| first[part] + share * (second[part] - first[part]))
}

/// A colour under a light.
pub(super) fn under(light: f64, colour: Colour) -> Colour {
    colour.map(|value| value * light)
}

/// From 0 at `from` to 1 at `to`, smoothly, and level beyond; `to` may be the smaller.
pub(super) fn ramp(from: f64, to: f64, value: f64) -> f64 {
    let share = ((value - from) / (to - from)).clamp(0.0, 1.0);
    share * share * (3.0 - 2.0 * share)
}

/// 1 at 0, a Gaussian's fall on both sides.
pub(super) fn peak(value: f64, width: f64) -> f64 {
    (-(value / width).powi(2)).exp()
}

/// The light on a matt surface, 1 where it is lit most: half of it comes from everywhere, the rest from above and
/// before it. The surface's normal leans to the right and down by so much, as a sine.
pub(super) fn light(right: f64, down: f64) -> f64 {
    const FROM: [f64; 2] = [-0.55, 0.835];
    let length = right.hypot(down);
    let scale = if length > 0.97 { 0.97 / length } else { 1.0 };
    let (right, down) = (scale * right, scale * down);
    let outward = (1.0 - right * right - down * down).sqrt();
    0.5 + 0.5 * (FROM[0] * down + FROM[1] * outward).max(0.0)
}

/// A value's place in its period, 0 to 1.
pub(super) fn phase(value: f64, period: f64) -> f64 {
    (value / period).rem_euclid(1.0)
}
