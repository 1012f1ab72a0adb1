//! Comparison of a network's regions with those that people use.
//!
//! The human reference is the table of Wegrzyn et al. 2017 (PLOS ONE 12(5): e0177239; data CC0 1.0): how
//! much each of 48 tiles of a face helped observers to recognise each emotion. `assets/human/README.md`
//! describes how it was made and its limits. Sizes are not comparable, since people saw a few tiles at a
//! time: only orders are.

use std::sync::LazyLock;

use serde::Deserialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::region::{Affine, Landmark, Point, Polygon, Region};

/// Where the eyes and the mouth's middle lie in the study's pictures, in fractions of their width and
/// height; read off by eye, ± 0.02.
const PICTURE: [Point; 3] =
    [Point { x: 0.27, y: 0.33 }, Point { x: 0.72, y: 0.33 }, Point { x: 0.49, y: 0.75 }];

/// Correlation of the two posers' 48-tile maps: how far the reference agrees with itself.
const BETWEEN_POSERS: [(&str, f64); 7] = [
    ("happiness", 0.89),
    ("disgust", 0.87),
    ("surprise", 0.77),
    ("fear", 0.70),
    ("anger", 0.65),
    ("sadness", 0.60),
    ("neutral", 0.46),
];

/// The standard normal's quantile of 0.975.
const NORMAL_975: f64 = 1.959_963_984_540_054;

/// A row of the embedded table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Tile {
    emotion: String,
    row: usize,
    column: usize,
    x0: f64,
    y0: f64,
    x1: f64,
    y1: f64,
    /// 1 is an average tile.
    weight: f64,
}

static TILES: LazyLock<Vec<Tile>> = LazyLock::new(|| {
    let table = include_bytes!("../../assets/human/human-tiles.csv");
    let tiles: Result<Vec<Tile>, csv::Error> =
        csv::Reader::from_reader(&table[..]).into_deserialize().collect();
    tiles.expect("the embedded table is one: a test reads it")
});

/// The map from the study's pictures into the canonical face frame: the affine one through both eyes and
/// the middle of the mouth. Not a similarity, since the pictures are taller than wide and their frame is
/// not square.
static FRAME: LazyLock<Affine> = LazyLock::new(|| {
    let [left, right] = [Landmark::MouthLeft, Landmark::MouthRight].map(Landmark::canonical);
    let mouth = Point { x: (left.x + right.x) / 2.0, y: (left.y + right.y) / 2.0 };
    let canonical = [Landmark::EyeLeft.canonical(), Landmark::EyeRight.canonical(), mouth];
    let pairs: Vec<(Point, Point)> = PICTURE.into_iter().zip(canonical).collect();
    Affine::fit(&pairs).expect("three points that are no line fix an affine map")
});

impl Tile {
    /// Its outline in the canonical face frame.
    fn polygon(&self) -> Polygon {
        let corners =
            [(self.x0, self.y0), (self.x1, self.y0), (self.x1, self.y1), (self.x0, self.y1)];
        let corners = corners.map(|(x, y)| Point { x, y }).to_vec();
        Polygon::new(corners).expect("a tile is a rectangle").map(&FRAME)
    }
}

/// How much people use a region for an emotion: the mean weight of the tiles that its polygons overlap, each
/// weighted by the overlap; 1 is an average tile. `None` where the study lacks the emotion, or the region lies
/// outside of its pictures.
pub fn weight(emotion: &str, region: &Region) -> Option<f64> {
    let (mut sum, mut area) = (0.0, 0.0);
    for tile in TILES.iter().filter(|tile| tile.emotion == emotion) {
        let outline = tile.polygon();
        let covered: f64 =
            region.polygons.iter().map(|polygon| polygon.overlap_area(&outline)).sum();
        sum += covered * tile.weight;
        area += covered;
    }
    (area > 0.0).then(|| sum / area)
}

/// The correlation that anything could reach with the mean of two posers' maps that correlate with r:
/// √(2r/(1 + r)), of their 48 tiles. `None` where the study lacks the emotion.
pub fn ceiling(emotion: &str) -> Option<f64> {
    let (_, r) = BETWEEN_POSERS.into_iter().find(|(name, _)| *name == emotion)?;
    Some((2.0 * r / (1.0 + r)).sqrt())
}

/// How alike two orders are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankCorrelation {
    /// Spearman's ρ, −1 to 1.
    pub value: f64,
    /// 95 % interval over items like these; `None` with fewer than four.
    pub interval: Option<(f64, f64)>,
    /// Two-sided: how often a random order of one side correlates as much or more.
    pub p: f64,
    pub items: usize,
}

/// Of no more items every order is counted: 362,880.
const COUNTED: usize = 9;

/// Spearman's rank correlation of pairs, ties sharing their mean rank. The interval is Fisher's
/// transformation with the variance (1 + ρ²/2)/(n − 3) of Bonett and Wright (2000, "Sample size
/// requirements for estimating Pearson, Kendall and Spearman correlations"); with seven regions it is wide,
/// as it should be. It is that of a perfect order moved by half the smallest step, where ρ is ±1. p is exact, over all
/// orders of the second side, of up to nine pairs; of more it is Student's t of ρ √((n − 2)/(1 − ρ²)) with n − 2 degrees
/// of freedom.
///
/// `None` with fewer than two pairs, where one side does not vary, or where a number is not finite.
pub fn rank_correlation(pairs: &[(f64, f64)]) -> Option<RankCorrelation> {
    let items = pairs.len();
    if pairs.iter().any(|(a, b)| !(a.is_finite() && b.is_finite())) {
        return None;
    }
    let first = ranks(&pairs.iter().map(|pair| pair.0).collect::<Vec<f64>>());
    let second = ranks(&pairs.iter().map(|pair| pair.1).collect::<Vec<f64>>());
    let middle = (items as f64 + 1.0) / 2.0;
    let (mut product, mut of_first, mut of_second) = (0.0, 0.0, 0.0);
    for (a, b) in first.iter().zip(&second) {
        product += (a - middle) * (b - middle);
        of_first += (a - middle).powi(2);
        of_second += (b - middle).powi(2);
    }
    if of_first == 0.0 || of_second == 0.0 {
        return None;
    }
    let value = (product / (of_first * of_second).sqrt()).clamp(-1.0, 1.0);
    let interval = (items >= 4).then(|| {
        let n = items as f64;
        let half_step = 6.0 / (n * n * n - n);
        let inner = value.clamp(half_step - 1.0, 1.0 - half_step);
        let spread = NORMAL_975 * ((1.0 + inner * inner / 2.0) / (n - 3.0)).sqrt();
        let (low, high) = ((inner.atanh() - spread).tanh(), (inner.atanh() + spread).tanh());
        (low.min(value), high.max(value))
    });
    let centred = |ranks: &[f64]| -> Vec<f64> { ranks.iter().map(|rank| rank - middle).collect() };
    let p = match items {
        0..=COUNTED => exact(&centred(&first), &mut centred(&second), product.abs()),
        _ => {
            let n = items as f64;
            let t = value.abs() * ((n - 2.0) / (1.0 - value * value).max(f64::MIN_POSITIVE)).sqrt();
            StudentsT::new(0.0, 1.0, n - 2.0).map_or(1.0, |student| 2.0 * student.sf(t))
        }
    };
    Some(RankCorrelation { value, interval, p, items })
}

/// The share of all orders of `second` whose product with `first` is as large, of either sign. Orders by Heap's method
/// (1963, "Permutations by interchanges").
fn exact(first: &[f64], second: &mut [f64], product: f64) -> f64 {
    // Half ranks are exact; what rounding could do to their products is far below a half.
    let as_large = |second: &[f64]| {
        let sum: f64 = first.iter().zip(second).map(|(a, b)| a * b).sum();
        u32::from(sum.abs() > product - 1e-6)
    };
    let (mut found, mut all) = (as_large(second), 1u32);
    let mut turns = vec![0; second.len()];
    let mut place = 1;
    while place < second.len() {
        if turns[place] < place {
            second.swap(if place % 2 == 0 { 0 } else { turns[place] }, place);
            (found, all) = (found + as_large(second), all + 1);
            turns[place] += 1;
            place = 1;
        } else {
            turns[place] = 0;
            place += 1;
        }
    }
    f64::from(found) / f64::from(all)
}

/// Ranks from 1, the smallest first; equal values share the mean of their ranks.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    values
        .iter()
        .map(|value| {
            let below = values.iter().filter(|other| *other < value).count();
            let equal = values.iter().filter(|other| *other == value).count();
            below as f64 + (equal as f64 + 1.0) / 2.0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Regions;

    const REGIONS: [&str; 7] = ["forehead", "brows", "eyes", "nose", "cheeks", "mouth", "jaw"];

    /// The published page's table: mean weights over sets of whole tiles, in the order of [`REGIONS`].
    const BY_TILES: [(&str, [f64; 7]); 7] = [
        ("sadness", [0.91, 1.09, 1.32, 1.02, 0.91, 1.02, 0.88]),
        ("anger", [0.88, 0.90, 1.38, 1.03, 0.91, 1.24, 0.85]),
        ("fear", [0.92, 0.91, 1.34, 0.89, 0.92, 1.23, 0.89]),
        ("neutral", [0.87, 0.95, 1.16, 1.03, 0.91, 1.25, 0.93]),
        ("surprise", [0.95, 0.93, 1.17, 0.90, 0.92, 1.32, 0.90]),
        ("happiness", [0.91, 0.89, 1.00, 0.96, 0.99, 1.44, 0.90]),
        ("disgust", [0.84, 0.90, 0.86, 0.93, 0.90, 1.63, 0.97]),
    ];

    fn region(name: &str) -> Region {
        Regions::aligned().get(name).unwrap().clone()
    }

    /// The region of a tile, as the published page divides them.
    fn set_of(row: usize, column: usize) -> &'static str {
        let middle = (2..=3).contains(&column);
        match row {
            0 => "forehead",
            1 => "brows",
            2 => "eyes",
            3 | 4 if middle => "nose",
            3 | 4 => "cheeks",
            5 if (1..=4).contains(&column) => "mouth",
            6 if middle => "mouth",
            _ => "jaw",
        }
    }

    #[test]
    fn the_embedded_table_is_the_published_one() {
        assert_eq!(TILES.len(), 7 * 48);
        for (emotion, published) in BY_TILES {
            let of_emotion = || TILES.iter().filter(|tile| tile.emotion == emotion);
            let mean = of_emotion().map(|tile| tile.weight).sum::<f64>() / 48.0;
            assert!((mean - 1.0).abs() < 1e-3, "{emotion}: {mean}");
            for (name, published) in REGIONS.into_iter().zip(published) {
                let tiles: Vec<f64> = of_emotion()
                    .filter(|tile| set_of(tile.row, tile.column) == name)
                    .map(|tile| tile.weight)
                    .collect();
                let mean = tiles.iter().sum::<f64>() / tiles.len() as f64;
                assert!((mean - published).abs() < 0.0051, "{emotion}, {name}: {mean}");
            }
        }
    }

    #[test]
    fn eyes_and_mouth_of_the_pictures_lie_on_those_of_the_canonical_face() {
        for (point, name) in PICTURE.into_iter().zip(["eyes", "eyes", "mouth"]) {
            let place = FRAME.apply(point);
            assert!(region(name).polygons.iter().any(|polygon| polygon.contains(place)), "{name}");
        }
        assert!(FRAME.apply(PICTURE[0]).distance(Landmark::EyeLeft.canonical()) < 1e-12);
    }

    #[test]
    fn a_region_of_one_tile_has_its_weight_and_a_half_and_half_the_mean() {
        let tile = |row, column| {
            TILES
                .iter()
                .find(|tile| {
                    (tile.emotion.as_str(), tile.row, tile.column) == ("fear", row, column)
                })
                .unwrap()
        };
        let (one, other) = (tile(2, 1), tile(2, 4));
        let alone = Region::new("one", vec![one.polygon()]);
        assert!((weight("fear", &alone).unwrap() - one.weight).abs() < 1e-9);
        let both = Region::new("both", vec![one.polygon(), other.polygon()]);
        let mean = (one.weight + other.weight) / 2.0;
        assert!((weight("fear", &both).unwrap() - mean).abs() < 1e-9);
    }

    #[test]
    fn regions_of_the_atlas_say_what_whole_tiles_say() {
        let lean = |emotion: &str| {
            weight(emotion, &region("eyes")).unwrap() - weight(emotion, &region("mouth")).unwrap()
        };
        // From the eyes to the mouth, as published; safe: sadness first, happiness and disgust last.
        let pairs: Vec<(f64, f64)> =
            BY_TILES.iter().map(|(emotion, by)| (lean(emotion), by[2] - by[5])).collect();
        assert!(rank_correlation(&pairs).unwrap().value > 0.9, "{pairs:?}");
        assert!(lean("sadness") > 0.0 && lean("happiness") < -0.3 && lean("disgust") < -0.5);
        for (emotion, by) in BY_TILES {
            let pairs: Vec<(f64, f64)> = REGIONS
                .into_iter()
                .zip(by)
                .map(|(name, by)| (weight(emotion, &region(name)).unwrap(), by))
                .collect();
            let far = pairs.iter().map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(far < 0.25, "{emotion}: {pairs:?}");
        }
    }

    #[test]
    fn what_the_study_lacks_has_no_weight() {
        assert_eq!(weight("contempt", &region("eyes")), None);
        assert_eq!(ceiling("contempt"), None);
        let corner = [(-0.4, -0.4), (-0.2, -0.4), (-0.2, -0.2)].map(|(x, y)| Point { x, y });
        let outside = Region::new("hat", vec![Polygon::new(corner.to_vec()).unwrap()]);
        assert_eq!(weight("fear", &outside), None);
    }

    #[test]
    fn ceilings_are_the_published_ones() {
        let published = [0.97, 0.96, 0.93, 0.91, 0.89, 0.87, 0.79];
        for ((emotion, _), published) in BETWEEN_POSERS.into_iter().zip(published) {
            assert!((ceiling(emotion).unwrap() - published).abs() < 0.0051, "{emotion}");
        }
    }

    #[test]
    fn spearman_of_known_orders() {
        let pairs = |second: &[f64]| -> Vec<(f64, f64)> {
            second.iter().enumerate().map(|(index, value)| (index as f64, *value)).collect()
        };
        let of = |second: &[f64]| rank_correlation(&pairs(second)).unwrap();
        // Only order counts; 1 − 6 Σd²/(n³ − n).
        assert_eq!(of(&[1.0, 10.0, 100.0, 1000.0]).value, 1.0);
        assert!((of(&[4.0, 3.0, 2.0, 1.0]).value + 1.0).abs() < 1e-12);
        assert!((of(&[2.0, 1.0, 4.0, 3.0, 5.0]).value - (1.0 - 6.0 * 4.0 / 120.0)).abs() < 1e-12);
        // With ties it is Pearson's correlation of the mean ranks: (1, 2, 3, 4) and (1, 2.5, 2.5, 4).
        assert!((of(&[0.0, 1.0, 1.0, 2.0]).value - 4.5 / (5.0f64 * 4.5).sqrt()).abs() < 1e-12);
        assert_eq!(rank_correlation(&pairs(&[1.0, 1.0, 1.0])), None);
        assert_eq!(rank_correlation(&pairs(&[1.0, f64::NAN])), None);
        assert_eq!(rank_correlation(&[]), None);
    }

    /// R: cor.test(1:7, c(3, 2, 1, 4, 5, 7, 6), method = "spearman") has p = 0.03413.
    #[test]
    fn p_is_exact_of_few_items() {
        let of = |second: &[f64]| {
            let pairs = second.iter().enumerate().map(|(place, value)| (place as f64, *value));
            rank_correlation(&pairs.collect::<Vec<_>>()).unwrap()
        };
        let found = of(&[3.0, 2.0, 1.0, 4.0, 5.0, 7.0, 6.0]);
        assert!((found.value - (1.0 - 60.0 / 336.0)).abs() < 1e-12, "{found:?}");
        assert!((found.p - 172.0 / 5040.0).abs() < 1e-12, "{found:?}");
        // The two perfect orders of all 24.
        assert!((of(&[4.0, 3.0, 2.0, 1.0]).p - 2.0 / 24.0).abs() < 1e-12);
        // Of (1, 2, 3) with (1.5, 1.5, 3): |Σ| is 1.5 in 4 of 6 orders.
        assert!((of(&[1.0, 1.0, 2.0]).p - 4.0 / 6.0).abs() < 1e-12);
        assert_eq!(of(&[2.0, 1.0]).p, 1.0);
        // Of ten by Student's t: ρ = 1 − 12/990.
        let ten = of(&[2.0, 1.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]);
        assert!(ten.p > 0.0 && ten.p < 1e-7, "{ten:?}");
        let perfect: Vec<f64> = (0..10).map(f64::from).collect();
        assert_eq!(of(&perfect).p, 0.0);
    }

    #[test]
    fn few_items_leave_much_open() {
        // ρ = 0.5 of seven: 0.5493 ± 1.96 √(1.125/4) on Fisher's scale.
        let pairs: Vec<(f64, f64)> = [3.0, 2.0, 1.0, 0.0, 6.0, 5.0, 4.0]
            .into_iter()
            .enumerate()
            .map(|(index, value)| (index as f64, value))
            .collect();
        let found = rank_correlation(&pairs).unwrap();
        assert!((found.value - 0.5).abs() < 1e-12, "{found:?}");
        let (low, high) = found.interval.unwrap();
        assert!((low - (0.549_306 - 1.039_428f64).tanh()).abs() < 1e-5, "{low}");
        assert!((high - (0.549_306 + 1.039_428f64).tanh()).abs() < 1e-5, "{high}");
        // A perfect rank correlation of seven has an interval; three are too few for one.
        let perfect: Vec<(f64, f64)> = (0..7).map(|n| (f64::from(n), f64::from(n))).collect();
        let (low, high) = rank_correlation(&perfect).unwrap().interval.unwrap();
        assert!((0.7..0.9).contains(&low) && high == 1.0, "{low}");
        assert_eq!(rank_correlation(&perfect[..3]).unwrap().interval, None);
    }
}
