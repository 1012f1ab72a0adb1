//! Affine maps, and the fits that find one from pairs of points.

use super::Point;

/// An affine map: x' = a·x + b·y + c, y' = d·x + e·y + f.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine {
    pub a: f64,
    pub b: f64,
    pub c: f64,
    pub d: f64,
    pub e: f64,
    pub f: f64,
}

/// Points with a smaller spread (sum of squared distances from their mean) count as one point: their direction is
/// rounding error.
const NO_SPREAD: f64 = 1e-12;

impl Affine {
    pub const IDENTITY: Affine = Affine { a: 1.0, b: 0.0, c: 0.0, d: 0.0, e: 1.0, f: 0.0 };

    pub fn apply(&self, Point { x, y }: Point) -> Point {
        Point { x: self.a * x + self.b * y + self.c, y: self.d * x + self.e * y + self.f }
    }

    /// This map followed by the next one.
    pub fn then(&self, next: &Affine) -> Affine {
        Affine {
            a: next.a * self.a + next.b * self.d,
            b: next.a * self.b + next.b * self.e,
            c: next.a * self.c + next.b * self.f + next.c,
            d: next.d * self.a + next.e * self.d,
            e: next.d * self.b + next.e * self.e,
            f: next.d * self.c + next.e * self.f + next.f,
        }
    }

    /// The inverse map; `None` if this one is singular or not finite.
    pub fn inverse(&self) -> Option<Affine> {
        let determinant = self.a * self.e - self.b * self.d;
        let (a, b) = (self.e / determinant, -self.b / determinant);
        let (d, e) = (-self.d / determinant, self.a / determinant);
        let inverse =
            Affine { a, b, c: -(a * self.c + b * self.f), d, e, f: -(d * self.c + e * self.f) };
        inverse.is_finite().then_some(inverse)
    }

    /// The similarity (rotation, one scale, shift; never a reflection) that carries the first point of
    /// each pair nearest to the second, by the sum of squared distances. This is Umeyama's solution
    /// (1991, "Least-squares estimation of transformation parameters between two point patterns"),
    /// which in the plane has a closed form: with points as complex numbers relative to their means,
    /// the factor is Σ conj(p)·q / Σ |p|².
    ///
    /// `None` where there are fewer than two pairs, where the points of either side coincide, or where
    /// a point is not finite.
    pub fn similarity(pairs: &[(Point, Point)]) -> Option<Affine> {
        let (from, to) = means(pairs)?;
        let (mut real, mut imaginary, mut spread) = (0.0, 0.0, 0.0);
        for (p, q) in pairs {
            let (px, py, qx, qy) = (p.x - from.x, p.y - from.y, q.x - to.x, q.y - to.y);
            real += px * qx + py * qy;
            imaginary += px * qy - py * qx;
            spread += px * px + py * py;
        }
        if spread < NO_SPREAD || real.hypot(imaginary) < NO_SPREAD {
            return None;
        }
        let (cosine, sine) = (real / spread, imaginary / spread);
        Affine::through(cosine, -sine, sine, cosine, from, to)
    }

    /// The affine map that carries the first point of each pair nearest to the second, by the sum of
    /// squared distances (ordinary least squares on the points relative to their means).
    ///
    /// `None` where there are fewer than three pairs, where the first points lie on one line, or where
    /// a point is not finite.
    pub fn fit(pairs: &[(Point, Point)]) -> Option<Affine> {
        let (from, to) = means(pairs)?;
        let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
        let (mut x_to_x, mut y_to_x, mut x_to_y, mut y_to_y) = (0.0, 0.0, 0.0, 0.0);
        for (p, q) in pairs {
            let (px, py, qx, qy) = (p.x - from.x, p.y - from.y, q.x - to.x, q.y - to.y);
            xx += px * px;
            xy += px * py;
            yy += py * py;
            x_to_x += px * qx;
            y_to_x += py * qx;
            x_to_y += px * qy;
            y_to_y += py * qy;
        }
        let determinant = xx * yy - xy * xy;
        if determinant < NO_SPREAD * (xx + yy) {
            return None;
        }
        let solve =
            |x: f64, y: f64| ((yy * x - xy * y) / determinant, (xx * y - xy * x) / determinant);
        let ((a, b), (d, e)) = (solve(x_to_x, y_to_x), solve(x_to_y, y_to_y));
        Affine::through(a, b, d, e, from, to)
    }

    /// The map with this linear part that carries one point into the other.
    fn through(a: f64, b: f64, d: f64, e: f64, from: Point, to: Point) -> Option<Affine> {
        let (c, f) = (to.x - a * from.x - b * from.y, to.y - d * from.x - e * from.y);
        let map = Affine { a, b, c, d, e, f };
        map.is_finite().then_some(map)
    }

    fn is_finite(&self) -> bool {
        [self.a, self.b, self.c, self.d, self.e, self.f].into_iter().all(f64::is_finite)
    }
}

/// The mean of the first and of the second points; `None` of fewer than two pairs, which fix no map.
fn means(pairs: &[(Point, Point)]) -> Option<(Point, Point)> {
    if pairs.len() < 2 {
        return None;
    }
    let count = pairs.len() as f64;
    let mean = |pick: fn(&(Point, Point)) -> Point| Point {
        x: pairs.iter().map(|pair| pick(pair).x).sum::<f64>() / count,
        y: pairs.iter().map(|pair| pick(pair).y).sum::<f64>() / count,
    };
    Some((mean(|pair| pair.0), mean(|pair| pair.1)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CORNERS: [Point; 4] = [
        Point { x: 0.1, y: 0.2 },
        Point { x: 0.9, y: 0.1 },
        Point { x: 0.8, y: 0.7 },
        Point { x: 0.3, y: 0.9 },
    ];

    fn near(one: &Affine, other: &Affine) -> bool {
        CORNERS.iter().all(|&point| one.apply(point).distance(other.apply(point)) < 1e-9)
    }

    fn carried(map: &Affine, points: &[Point]) -> Vec<(Point, Point)> {
        points.iter().map(|&point| (point, map.apply(point))).collect()
    }

    fn similarity() -> impl Strategy<Value = Affine> {
        (0.2..3.0, -3.0..3.0, -1.0..1.0, -1.0..1.0).prop_map(
            |(scale, angle, c, f): (f64, f64, f64, f64)| {
                let (cosine, sine) = (scale * angle.cos(), scale * angle.sin());
                Affine { a: cosine, b: -sine, c, d: sine, e: cosine, f }
            },
        )
    }

    fn invertible() -> impl Strategy<Value = Affine> {
        let any = (-2.0..2.0, -2.0..2.0, -1.0..1.0, -2.0..2.0, -2.0..2.0, -1.0..1.0);
        any.prop_map(|(a, b, c, d, e, f)| Affine { a, b, c, d, e, f })
            .prop_filter("flattens", |map| (map.a * map.e - map.b * map.d).abs() > 0.05)
    }

    /// Sum of squared distances that a map leaves.
    fn residual(map: &Affine, pairs: &[(Point, Point)]) -> f64 {
        pairs.iter().map(|&(from, to)| map.apply(from).distance(to).powi(2)).sum()
    }

    #[test]
    fn a_quarter_turn_is_recovered() {
        let turn = Affine { a: 0.0, b: -2.0, c: 1.0, d: 2.0, e: 0.0, f: 0.0 };
        assert!(near(&Affine::similarity(&carried(&turn, &CORNERS[..2])).unwrap(), &turn));
    }

    #[test]
    fn an_underdetermined_fit_is_none() {
        let [one, two, three, _] = CORNERS;
        assert_eq!(Affine::similarity(&[]), None);
        assert_eq!(Affine::similarity(&[(one, two)]), None);
        assert_eq!(
            Affine::similarity(&[(one, two), (one, three)]),
            None,
            "the first points coincide"
        );
        assert_eq!(
            Affine::similarity(&[(one, two), (three, two)]),
            None,
            "the second points coincide"
        );
        let nowhere = Point { x: f64::NAN, y: 0.0 };
        assert_eq!(Affine::similarity(&[(one, nowhere), (two, three)]), None);
        let on_a_line: Vec<Point> =
            (0..4).map(|n| Point { x: 0.1 * f64::from(n), y: 0.05 * f64::from(n) }).collect();
        assert_eq!(Affine::fit(&carried(&Affine::IDENTITY, &on_a_line)), None);
        assert_eq!(Affine::fit(&carried(&Affine::IDENTITY, &CORNERS[..2])), None);
    }

    #[test]
    fn a_mirrored_pattern_is_not_fitted_by_a_mirror() {
        let mirror = Affine { a: -1.0, c: 1.0, ..Affine::IDENTITY };
        if let Some(fit) = Affine::similarity(&carried(&mirror, &CORNERS)) {
            assert!(fit.a * fit.e - fit.b * fit.d > 0.0);
        }
    }

    #[test]
    fn a_singular_map_has_no_inverse() {
        assert_eq!(Affine { a: 1.0, b: 2.0, c: 0.0, d: 2.0, e: 4.0, f: 0.0 }.inverse(), None);
    }

    proptest! {
        #[test]
        fn fits_recover_what_made_the_pairs(map in similarity(), other in invertible()) {
            prop_assert!(near(&Affine::similarity(&carried(&map, &CORNERS)).unwrap(), &map));
            prop_assert!(near(&Affine::fit(&carried(&other, &CORNERS)).unwrap(), &other));
        }

        #[test]
        fn no_similarity_nearby_leaves_less(
            map in similarity(),
            noise in prop::collection::vec(-0.05..0.05, 8),
            step in prop::array::uniform4(-0.01..0.01),
        ) {
            let mut pairs = carried(&map, &CORNERS);
            for (pair, shift) in pairs.iter_mut().zip(noise.chunks(2)) {
                pair.1 = Point { x: pair.1.x + shift[0], y: pair.1.y + shift[1] };
            }
            let fit = Affine::similarity(&pairs).unwrap();
            let beside = Affine {
                a: fit.a + step[0], b: fit.b - step[1], c: fit.c + step[2],
                d: fit.d + step[1], e: fit.e + step[0], f: fit.f + step[3],
            };
            prop_assert!(residual(&fit, &pairs) <= residual(&beside, &pairs) + 1e-15);
            let affine = Affine::fit(&pairs).unwrap();
            prop_assert!(residual(&affine, &pairs) <= residual(&fit, &pairs) + 1e-12);
        }

        #[test]
        fn inverse_undoes_and_then_follows(one in invertible(), other in invertible()) {
            prop_assert!(near(&one.then(&one.inverse().unwrap()), &Affine::IDENTITY));
            let in_turn = one.then(&other);
            for point in CORNERS {
                prop_assert!(in_turn.apply(point).distance(other.apply(one.apply(point))) < 1e-9);
            }
        }
    }
}
