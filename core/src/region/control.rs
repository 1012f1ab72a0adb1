//! Controls: masks of equal area and shape at another place.
//!
//! Masking any part of the image costs some accuracy. A control masks the same area and shape at a random place outside
//! of the regions in question, so that the effect of the regions can be separated from the effect of masking itself.

use std::fmt;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::geometry::bounds;
use super::overlap::{area_in_frame, union_area};
use super::{Affine, Point, Polygon};

/// Why there is no such control: the regions leave no room for it.
#[derive(Debug, Clone, PartialEq)]
pub struct NoPlace {
    /// The regions' share of the face frame, overlaps counted once.
    pub area: f64,
    /// Whether they extend beyond the frame, as the background does.
    pub beyond: bool,
    /// The number of controls that have a place.
    pub found: u32,
}

impl fmt::Display for NoPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = 100.0 * self.area;
        let beyond = if self.beyond { " and extend beyond it" } else { "" };
        write!(
            f,
            "the regions take up {percent:.0} % of the face frame{beyond}, which leaves room for "
        )?;
        match self.found {
            0 => write!(f, "no control of their shape"),
            1 => write!(f, "only 1 control of their shape"),
            found => write!(f, "only {found} controls of their shape"),
        }
    }
}

impl std::error::Error for NoPlace {}

/// A control keeps this distance from the border of the face frame, where pictures hold background.
const MARGIN: f64 = 0.02;

/// Attempts for a set that moves as a whole. A motion that succeeds less often than once in this many attempts leaves so
/// little room that its places would hardly be random.
const PROPOSALS: u32 = 2000;

/// Attempts for an arrangement of polygons that move separately, and for each polygon in it.
const ARRANGEMENTS: u32 = 100;
const PROPOSALS_EACH: u32 = 300;

/// Two controls that share more of their area than this count as the same place.
const ALIKE: f64 = 0.75;

/// So many places may be alike where there are no others: two of five say something of how places differ. More of the
/// same would only seem to be a larger sample.
const SCARCE: u32 = 5;

/// The motions, tried in this order.
#[derive(Debug, Clone, Copy)]
enum Motion {
    /// The whole set, shifted.
    Shift,
    /// The whole set, turned by quarter turns or mirrored, then shifted.
    Turn,
    /// Each polygon by itself: turned or mirrored at random, then shifted.
    Apart,
}

/// Places for controls of the regions made up of these polygons (in the canonical face frame): each a list of polygons
/// congruent to them one by one, in their order, none of which overlaps any of them. As many of the `wanted` as there
/// is room for, and why there are no more.
///
/// A place is uniform among those that lie within 2 hundredths of the frame's border (or no farther
/// out than the regions themselves) and outside of the regions, by rejection. All polygons are shifted
/// together; where no such place is found they are turned by quarter turns or mirrored as well, still
/// together; then each is moved by itself, if none overlaps another. A place that shares more than
/// three quarters of its area with an earlier one is skipped while there are others; beyond the fifth there are only
/// places that do not.
///
/// The same polygons always give the same places, and the first ones do not depend on how many are wanted: like the
/// region, a control is part of the condition and not of a run.
pub fn places(polygons: &[Polygon], wanted: u32) -> (Vec<Vec<Polygon>>, Option<NoPlace>) {
    let mut places: Vec<Vec<Polygon>> = Vec::new();
    for draw in 0..wanted {
        match next_place(polygons, draw, &places) {
            Ok(place) => places.push(place),
            Err(reason) => return (places, Some(reason)),
        }
    }
    (places, None)
}

/// # Errors
/// Where none of the three motions finds a place.
fn next_place(
    polygons: &[Polygon],
    draw: u32,
    earlier: &[Vec<Polygon>],
) -> Result<Vec<Polygon>, NoPlace> {
    let area = union_area(polygons);
    let Some(frame) = Frame::around(polygons).filter(|frame| 2.0 * area <= frame.area()) else {
        return Err(no_place(polygons, draw));
    };
    let mut rng = ChaCha8Rng::from_seed(seed(polygons, draw));
    let mut least: Option<(f64, Vec<Polygon>)> = None;
    let motions =
        [(Motion::Shift, PROPOSALS), (Motion::Turn, PROPOSALS), (Motion::Apart, ARRANGEMENTS)];
    for (motion, tries) in motions {
        for _ in 0..tries {
            let Some(proposal) = frame.propose(motion, polygons, &mut rng) else { continue };
            let best = least.as_ref().map_or(f64::INFINITY, |(best, _)| *best);
            let mut alike: f64 = 0.0;
            for place in earlier {
                alike = alike.max(overlap(place, &proposal) / area);
                // The others cannot make it the least alike any more.
                if alike >= best {
                    break;
                }
            }
            if alike <= ALIKE {
                return Ok(proposal);
            }
            if alike < best {
                least = Some((alike, proposal));
            }
        }
    }
    let least = least.map(|(_, place)| place).filter(|_| draw < SCARCE);
    least.ok_or_else(|| no_place(polygons, draw))
}

fn no_place(polygons: &[Polygon], found: u32) -> NoPlace {
    let area = area_in_frame(polygons);
    // A billionth of the frame is rounding error, less than any pixel.
    NoPlace { area, beyond: union_area(polygons) > area + 1e-9, found }
}

/// The rectangle that a control stays in.
#[derive(Debug, Clone, Copy)]
struct Frame {
    low: Point,
    high: Point,
}

impl Frame {
    /// `None` where there are no polygons.
    fn around(polygons: &[Polygon]) -> Option<Frame> {
        let (low, high) = bounds(polygons)?;
        let least = |value: f64| value.clamp(0.0, MARGIN);
        let most = |value: f64| value.clamp(1.0 - MARGIN, 1.0);
        Some(Frame {
            low: Point { x: least(low.x), y: least(low.y) },
            high: Point { x: most(high.x), y: most(high.y) },
        })
    }

    fn area(&self) -> f64 {
        (self.high.x - self.low.x) * (self.high.y - self.low.y)
    }

    /// One attempt: a random place within the frame; `None` where it overlaps the regions, where the set
    /// is larger than the frame or where this motion is not for it.
    fn propose(
        &self,
        motion: Motion,
        regions: &[Polygon],
        rng: &mut ChaCha8Rng,
    ) -> Option<Vec<Polygon>> {
        match motion {
            Motion::Shift => self.propose_one(regions, &Affine::IDENTITY, regions, rng),
            Motion::Turn => {
                let turn = SYMMETRIES[rng.random_range(1..SYMMETRIES.len())];
                self.propose_one(regions, &turn, regions, rng)
            }
            Motion::Apart => self.propose_apart(regions, rng),
        }
    }

    /// A set turned, then shifted to a random place beside the obstacles.
    fn propose_one(
        &self,
        set: &[Polygon],
        turn: &Affine,
        obstacles: &[Polygon],
        rng: &mut ChaCha8Rng,
    ) -> Option<Vec<Polygon>> {
        let turned: Vec<Polygon> = set.iter().map(|polygon| polygon.map(turn)).collect();
        let (low, high) = bounds(&turned)?;
        let mut shift =
            |from: f64, to: f64| (from <= to).then(|| from + rng.random::<f64>() * (to - from));
        let dx = shift(self.low.x - low.x, self.high.x - high.x)?;
        let dy = shift(self.low.y - low.y, self.high.y - high.y)?;
        let place: Vec<Polygon> = turned.iter().map(|polygon| polygon.translate(dx, dy)).collect();
        let free = |polygon: &Polygon| !obstacles.iter().any(|obstacle| polygon.overlaps(obstacle));
        place.iter().all(free).then_some(place)
    }

    /// Moves every polygon to a place of its own, outside of the regions and each other; the largest first,
    /// since it has the fewest places.
    fn propose_apart(&self, regions: &[Polygon], rng: &mut ChaCha8Rng) -> Option<Vec<Polygon>> {
        let apart = regions
            .iter()
            .enumerate()
            .all(|(index, one)| regions[index + 1..].iter().all(|other| !one.overlaps(other)));
        if regions.len() < 2 || !apart {
            return None;
        }
        let mut order: Vec<usize> = (0..regions.len()).collect();
        order.sort_by(|&one, &other| regions[other].area().total_cmp(&regions[one].area()));
        let mut obstacles = regions.to_vec();
        let mut moved: Vec<(usize, Polygon)> = Vec::new();
        for index in order {
            let place = (0..PROPOSALS_EACH).find_map(|_| {
                let turn = SYMMETRIES[rng.random_range(0..SYMMETRIES.len())];
                self.propose_one(std::slice::from_ref(&regions[index]), &turn, &obstacles, rng)
            });
            let polygon = place?.pop()?;
            obstacles.push(polygon.clone());
            moved.push((index, polygon));
        }
        moved.sort_by_key(|&(index, _)| index);
        Some(moved.into_iter().map(|(_, polygon)| polygon).collect())
    }
}

/// The eight symmetries of the square, itself first: quarter turns, each plain and mirrored.
const SYMMETRIES: [Affine; 8] = [
    linear(1.0, 0.0, 0.0, 1.0),
    linear(-1.0, 0.0, 0.0, -1.0),
    linear(-1.0, 0.0, 0.0, 1.0),
    linear(1.0, 0.0, 0.0, -1.0),
    linear(0.0, 1.0, 1.0, 0.0),
    linear(0.0, -1.0, -1.0, 0.0),
    linear(0.0, -1.0, 1.0, 0.0),
    linear(0.0, 1.0, -1.0, 0.0),
];

const fn linear(a: f64, b: f64, d: f64, e: f64) -> Affine {
    Affine { a, b, c: 0.0, d, e, f: 0.0 }
}

/// The area that two sets of polygons share.
fn overlap(one: &[Polygon], other: &[Polygon]) -> f64 {
    one.iter().flat_map(|polygon| other.iter().map(|second| polygon.overlap_area(second))).sum()
}

fn seed(polygons: &[Polygon], draw: u32) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"control");
    hasher.update(&draw.to_le_bytes());
    for polygon in polygons {
        hasher.update(&(polygon.points().len() as u64).to_le_bytes());
        for point in polygon.points() {
            hasher.update(&point.x.to_le_bytes());
            hasher.update(&point.y.to_le_bytes());
        }
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Regions;

    fn place(polygons: &[Polygon], draw: u32) -> Result<Vec<Polygon>, NoPlace> {
        match places(polygons, draw + 1) {
            (_, Some(reason)) => Err(reason),
            (mut places, None) => Ok(places.pop().unwrap()),
        }
    }

    fn union(names: &[&str]) -> Vec<Polygon> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        Regions::aligned().polygons_of(&names).unwrap()
    }

    fn assert_is_control(polygons: &[Polygon], place: &[Polygon]) {
        assert_eq!(place.len(), polygons.len());
        for (polygon, moved) in polygons.iter().zip(place) {
            assert!((polygon.area() - moved.area()).abs() < 1e-12);
            assert!(is_congruent(polygon, moved));
            assert!(!polygons.iter().any(|obstacle| moved.overlaps(obstacle)));
        }
        assert!(
            (union_area(polygons) - union_area(place)).abs() < 1e-9,
            "the parts overlap otherwise"
        );
        let (low, high) = bounds(place).unwrap();
        let within = MARGIN - 1e-12..=1.0 - MARGIN + 1e-12;
        assert!([low.x, low.y, high.x, high.y].iter().all(|edge| within.contains(edge)));
    }

    /// Whether all distances between corners agree.
    fn is_congruent(one: &Polygon, other: &Polygon) -> bool {
        let distances = |polygon: &Polygon| -> Vec<f64> {
            let points = polygon.points();
            points.iter().flat_map(|from| points.iter().map(|to| from.distance(*to))).collect()
        };
        let (one, other) = (distances(one), distances(other));
        one.len() == other.len()
            && one.iter().zip(&other).all(|(one, other)| (one - other).abs() < 1e-12)
    }

    /// The common shift of all corners, if there is one.
    fn is_shift(polygons: &[Polygon], place: &[Polygon]) -> bool {
        let corners =
            |set: &[Polygon]| set.iter().flat_map(Polygon::points).copied().collect::<Vec<Point>>();
        let (before, after) = (corners(polygons), corners(place));
        let (dx, dy) = (after[0].x - before[0].x, after[0].y - before[0].y);
        let mut pairs = before.iter().zip(&after);
        pairs.all(|(from, to)| to.distance(Point { x: from.x + dx, y: from.y + dy }) < 1e-12)
    }

    #[test]
    fn every_region_alone_has_five_controls_by_shifting() {
        for name in Regions::built_in_names() {
            let polygons = union(&[name]);
            let places: Vec<Vec<Polygon>> =
                (0..5).map(|draw| place(&polygons, draw).unwrap()).collect();
            for (draw, place) in places.iter().enumerate() {
                assert_is_control(&polygons, place);
                assert!(is_shift(&polygons, place), "{name}");
                for earlier in &places[..draw] {
                    let shared = overlap(earlier, place) / union_area(&polygons);
                    assert!(shared <= ALIKE, "{name}: control {draw} is an earlier one again");
                }
            }
        }
    }

    #[test]
    fn halves_have_controls() {
        for region in Regions::aligned().halves() {
            assert_is_control(&region.polygons, &place(&region.polygons, 0).unwrap());
        }
    }

    #[test]
    fn unions_move_as_one_while_they_can_and_apart_where_they_must() {
        let mouth_and_jaw = union(&["mouth", "jaw"]);
        let shifted = place(&mouth_and_jaw, 0).unwrap();
        assert_is_control(&mouth_and_jaw, &shifted);
        assert!(is_shift(&mouth_and_jaw, &shifted));
        for names in [&["brows", "mouth"][..], &["forehead", "nose"], &["eyes", "nose", "mouth"]] {
            let polygons = union(names);
            let moved = place(&polygons, 0).unwrap();
            assert_is_control(&polygons, &moved);
            assert!(!is_shift(&polygons, &moved), "{names:?}");
        }
    }

    #[test]
    fn a_shape_too_wide_to_shift_is_turned() {
        // An L as wide as the frame: no other L fits beside it upright, but one that stands on its head.
        let corners =
            [(0.02, 0.02), (0.98, 0.02), (0.98, 0.30), (0.30, 0.30), (0.30, 0.60), (0.02, 0.60)];
        let region = [Polygon::new(corners.map(|(x, y)| Point { x, y }).to_vec()).unwrap()];
        let turned = place(&region, 0).unwrap();
        assert_is_control(&region, &turned);
        assert!(!is_shift(&region, &turned));
    }

    #[test]
    fn a_set_that_is_too_large_for_a_control_gives_an_error() {
        let error = place(&union(&["forehead", "brows", "eyes", "cheeks"]), 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the regions take up 46 % of the face frame, which leaves room for no control of \
             their shape"
        );
        let scarce = place(&union(&["brows", "cheeks"]), 20).unwrap_err();
        assert!((1..20).contains(&scarce.found), "{scarce}");
        assert!(place(&union(&["brows", "cheeks"]), scarce.found - 1).is_ok());
        assert_eq!(place(&[], 0), Err(NoPlace { area: 0.0, beyond: false, found: 0 }));
        // The background is larger than the frame: 30 % of the frame are no more than that.
        let error = place(&union(&["background"]), 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the regions take up 30 % of the face frame and extend beyond it, which leaves room \
             for no control of their shape"
        );
        let halves =
            place(&union(&["face_left", "face_upper", "eyes", "eyes_left"]), 0).unwrap_err();
        assert!(halves.area < 0.7 && !halves.beyond, "{halves:?}");
    }

    #[test]
    fn a_control_is_part_of_the_condition_not_of_the_run() {
        let polygons = union(&["eyes"]);
        assert_eq!(place(&polygons, 3), place(&polygons, 3));
        assert_ne!(place(&polygons, 3), place(&polygons, 2));
        // Fixed for good: results that are stored depend on it.
        let corner = place(&polygons, 0).unwrap()[0].points()[0];
        let known = Point { x: 0.161_149_903_738_152_24, y: 0.642_693_883_410_144_6 };
        assert!(corner.distance(known) < 1e-12, "{corner:?}");
    }
}
