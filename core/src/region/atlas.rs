//! The seven regions of the canonical face frame, and an experiment's own.

use super::overlap::area_in_frame;
use super::{Point, Polygon};

/// A named area of the face.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    pub name: String,
    pub polygons: Vec<Polygon>,
}

/// Every region that an experiment can name: the atlas, the file's own, the left and right halves of the
/// atlas's (`eyes_left` …, left and right as seen in the picture, parted at x = 0.5), the halves of the
/// face (`face_left` …), everything around the face (`background`), and what people wear or hold before it
/// (`surgical_mask` …).
#[derive(Debug, Clone, PartialEq)]
pub struct Regions {
    /// The seven of the atlas, then the file's own, then the halves, then those of the face, then the
    /// background, then the occluders.
    regions: Vec<Region>,
    /// How many are the file's own.
    own: usize,
    /// How many are occluders: a file's own region may take the name of one.
    occluders: usize,
}

/// Why a region cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    #[error(
        "the region name `{0}` is taken: by the atlas, a half of one of its regions, or an earlier region of this file; choose another"
    )]
    NameTaken(String),
    #[error(
        "a region cannot be called `{0}`: in `occlusion.regions` that word stands for a choice of regions"
    )]
    NameReserved(String),
    #[error("region `{0}` has no polygons, so it masks nothing")]
    Empty(String),
    #[error("there is no region `{0}`")]
    Unknown(String),
}

/// The words for many sets that `occlusion.regions` accepts beside names.
pub const SET_WORDS: [&str; 4] = ["each", "pairs", "halves", "subsets"];

/// The halves of the face. `face_upper` has the regions from the eyes up, `face_lower` the others.
const FACE_HALVES: [&str; 4] = ["face_left", "face_right", "face_upper", "face_lower"];
const UPPER: [&str; 3] = ["forehead", "brows", "eyes"];

/// Everything outside of the atlas: masking it puts a fill where there is no face.
const BACKGROUND: &str = "background";
/// The outline of the seven regions, left of the middle and down from its top, in hundredths.
const LEFT_OUTLINE: Outline = &[
    (50.0, 3.0),
    (18.0, 3.0),
    (10.0, 19.0),
    (10.0, 31.5),
    (10.0, 47.0),
    (12.0, 71.0),
    (17.0, 88.0),
    (34.0, 99.0),
    (50.0, 99.0),
];
/// How far the background extends beyond the frame's border on every side, in hundredths, like any polygon at most. An
/// image extends further only if its face takes up less than about half of it.
const BEYOND: f64 = 50.0;

/// The x at which left and right halves meet.
const MIDDLE: f64 = 0.5;

/// The corners of a built-in polygon, x and y in hundredths.
type Outline = &'static [(f64, f64)];

/// The atlas `aligned`, top to bottom: name and polygons, x and y in hundredths of the canonical face
/// frame. Neighbours share their edges and no two overlap. A mouth that opens wide stays inside
/// `mouth`; brows stay inside `brows` raised or lowered; `nose` holds the bridge.
#[rustfmt::skip]
pub const ALIGNED: [(&str, &[Outline]); 7] = [
    ("forehead", &[&[(18.0, 3.0), (82.0, 3.0), (90.0, 19.0), (10.0, 19.0)]]),
    ("brows", &[&[(10.0, 19.0), (90.0, 19.0), (90.0, 31.5), (10.0, 31.5)]]),
    (
        "eyes",
        &[
            &[(10.0, 31.5), (45.5, 31.5), (44.0, 47.0), (10.0, 47.0)],
            &[(54.5, 31.5), (90.0, 31.5), (90.0, 47.0), (56.0, 47.0)],
        ],
    ),
    (
        "nose",
        &[&[
            (45.5, 31.5), (54.5, 31.5), (56.0, 47.0), (62.5, 59.0), (62.0, 66.0),
            (38.0, 66.0), (37.5, 59.0), (44.0, 47.0),
        ]],
    ),
    (
        "cheeks",
        &[
            &[(10.0, 47.0), (44.0, 47.0), (37.5, 59.0), (38.0, 66.0), (27.0, 68.0), (25.0, 79.0), (12.0, 71.0)],
            &[(56.0, 47.0), (90.0, 47.0), (88.0, 71.0), (75.0, 79.0), (73.0, 68.0), (62.0, 66.0), (62.5, 59.0)],
        ],
    ),
    (
        "mouth",
        &[&[
            (38.0, 66.0), (62.0, 66.0), (73.0, 68.0), (75.0, 79.0), (66.0, 89.0),
            (34.0, 89.0), (25.0, 79.0), (27.0, 68.0),
        ]],
    ),
    (
        "jaw",
        &[&[
            (12.0, 71.0), (25.0, 79.0), (34.0, 89.0), (66.0, 89.0), (75.0, 79.0), (88.0, 71.0),
            (83.0, 88.0), (66.0, 99.0), (34.0, 99.0), (17.0, 88.0),
        ]],
    ),
];

/// What people wear or hold before their faces, as flat shapes of the size that it has there: name and polygons, x and y in
/// hundredths of the canonical face frame, beyond which some extend. Polygons of one may overlap.
#[rustfmt::skip]
pub const OCCLUDERS: [(&str, &[Outline]); 6] = [
    (
        // From the bridge of the nose to under the chin.
        "surgical_mask",
        &[&[
            (12.0, 53.0), (36.0, 49.0), (50.0, 45.0), (64.0, 49.0), (88.0, 53.0), (86.0, 80.0), (73.0, 98.0),
            (50.0, 104.0), (27.0, 98.0), (14.0, 80.0),
        ]],
    ),
    (
        "sunglasses",
        &[
            &[(12.0, 31.0), (44.0, 31.0), (46.5, 36.0), (44.0, 46.0), (36.0, 50.5), (23.0, 50.0), (14.0, 44.0)],
            &[(56.0, 31.0), (88.0, 31.0), (86.0, 44.0), (77.0, 50.0), (64.0, 50.5), (56.0, 46.0), (53.5, 36.0)],
            &[(44.0, 32.5), (56.0, 32.5), (56.0, 36.5), (44.0, 36.5)],
            &[(2.0, 33.0), (13.0, 31.5), (13.0, 36.0), (2.0, 37.0)],
            &[(87.0, 31.5), (98.0, 33.0), (98.0, 37.0), (87.0, 36.0)],
        ],
    ),
    (
        "vr_headset",
        &[&[
            (9.0, 21.0), (91.0, 21.0), (96.0, 28.0), (96.0, 50.0), (90.0, 57.0), (63.0, 57.0), (56.0, 51.0),
            (44.0, 51.0), (37.0, 57.0), (10.0, 57.0), (4.0, 50.0), (4.0, 28.0),
        ]],
    ),
    (
        // Drawn up over mouth and chin.
        "scarf",
        &[&[
            (5.0, 69.0), (20.0, 65.0), (50.0, 67.5), (80.0, 65.0), (95.0, 69.0), (101.0, 104.0), (101.0, 130.0),
            (-1.0, 130.0), (-1.0, 104.0),
        ]],
    ),
    (
        // Down to just above the brows.
        "beanie",
        &[&[
            (4.0, 21.0), (50.0, 17.0), (96.0, 21.0), (98.0, 6.0), (92.0, -13.0), (76.0, -27.0), (50.0, -32.0),
            (24.0, -27.0), (8.0, -13.0), (2.0, 6.0),
        ]],
    ),
    (
        // At the ear on the right of the picture.
        "phone",
        &[&[
            (85.0, 23.0), (98.0, 26.0), (100.0, 29.0), (89.0, 82.0), (86.5, 84.0), (74.0, 81.0), (72.0, 78.0),
            (82.5, 25.0),
        ]],
    ),
];

impl Region {
    pub fn new(name: &str, polygons: Vec<Polygon>) -> Region {
        Region { name: name.to_owned(), polygons }
    }

    /// The area as a share of the canonical face frame, overlapping polygons counted once.
    pub fn area(&self) -> f64 {
        area_in_frame(&self.polygons)
    }
}

impl Regions {
    /// The names of the built-in atlas, top to bottom: the meaning of `"each"`.
    pub fn built_in_names() -> [&'static str; 7] {
        ALIGNED.map(|(name, _)| name)
    }

    /// The names of the halves of the face: the meaning of `"halves"`.
    pub fn face_half_names() -> [&'static str; 4] {
        FACE_HALVES
    }

    /// The built-in atlas, its halves and those of the face, the background and the occluders.
    pub fn aligned() -> Regions {
        let whole = ALIGNED.map(|(name, polygons)| {
            Region::new(name, polygons.iter().map(|corners| in_hundredths(corners)).collect())
        });
        let halves: Vec<Region> = whole.iter().flat_map(halves).collect();
        let face = FACE_HALVES.map(|name| face_half(name, &whole, &halves));
        let around = face.into_iter().chain([background()]);
        let occluders = OCCLUDERS.map(|(name, polygons)| {
            Region::new(name, polygons.iter().map(|corners| in_hundredths(corners)).collect())
        });
        let regions = whole.into_iter().chain(halves).chain(around).chain(occluders).collect();
        Regions { regions, own: 0, occluders: OCCLUDERS.len() }
    }

    /// The same and an experiment's own regions, in the order of the file. One that has an occluder's name takes its place.
    ///
    /// # Errors
    ///
    /// Where a name is taken or has a meaning of its own, or a region has no polygons.
    pub fn with(mut self, own: Vec<Region>) -> Result<Regions, RegionError> {
        for region in own {
            if SET_WORDS.contains(&region.name.as_str()) {
                return Err(RegionError::NameReserved(region.name));
            }
            if let Some(at) = self.occluders().iter().position(|other| other.name == region.name) {
                let first = self.regions.len() - self.occluders;
                self.regions.remove(first + at);
                self.occluders -= 1;
            }
            if self.get(&region.name).is_some() {
                return Err(RegionError::NameTaken(region.name));
            }
            if region.polygons.is_empty() {
                return Err(RegionError::Empty(region.name));
            }
            self.regions.insert(ALIGNED.len() + self.own, region);
            self.own += 1;
        }
        Ok(self)
    }

    pub fn get(&self, name: &str) -> Option<&Region> {
        self.regions.iter().find(|region| region.name == name)
    }

    /// All regions: the atlas's, top to bottom; the file's own, in its order; the halves; those of
    /// the face; the background; the occluders.
    pub fn iter(&self) -> impl Iterator<Item = &Region> {
        self.regions.iter()
    }

    /// The names of all regions, in the same order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.regions.iter().map(|region| region.name.as_str())
    }

    /// The seven regions of the atlas, which do not overlap.
    pub fn built_in(&self) -> &[Region] {
        &self.regions[..ALIGNED.len()]
    }

    /// The regions of the experiment file.
    pub fn own(&self) -> &[Region] {
        &self.regions[ALIGNED.len()..ALIGNED.len() + self.own]
    }

    /// The left and right halves of the atlas's regions.
    pub fn halves(&self) -> &[Region] {
        let start = ALIGNED.len() + self.own;
        &self.regions[start..self.around() - FACE_HALVES.len()]
    }

    /// The halves of the face.
    pub fn face_halves(&self) -> &[Region] {
        &self.regions[self.around() - FACE_HALVES.len()..self.around()]
    }

    /// The region around the face.
    pub fn background(&self) -> &[Region] {
        &self.regions[self.around()..=self.around()]
    }

    /// What people wear or hold before their faces.
    pub fn occluders(&self) -> &[Region] {
        &self.regions[self.around() + 1..]
    }

    /// The place of the background.
    fn around(&self) -> usize {
        self.regions.len() - self.occluders - 1
    }

    /// The union of the named regions. A polygon that several of them hold is listed once; polygons of
    /// different regions may overlap where the regions do.
    ///
    /// # Errors
    ///
    /// The first name that is no region's.
    pub fn polygons_of(&self, names: &[String]) -> Result<Vec<Polygon>, RegionError> {
        let mut union: Vec<Polygon> = Vec::new();
        for name in names {
            let region = self.get(name).ok_or_else(|| RegionError::Unknown(name.clone()))?;
            for polygon in &region.polygons {
                if !union.contains(polygon) {
                    union.push(polygon.clone());
                }
            }
        }
        Ok(union)
    }
}

pub(super) fn in_hundredths(corners: &[(f64, f64)]) -> Polygon {
    let points = corners.iter().map(|&(x, y)| Point { x: x / 100.0, y: y / 100.0 });
    Polygon::new(points.collect()).expect("the built-in atlas holds simple polygons")
}

fn halves(region: &Region) -> [Region; 2] {
    ["left", "right"].map(|side| {
        let polygons = region.polygons.iter().filter_map(|polygon| half(polygon, side == "left"));
        Region::new(&format!("{}_{side}", region.name), polygons.collect())
    })
}

/// Two polygons, left and right of the middle.
fn background() -> Region {
    let (low, high) = (-BEYOND, 100.0 + BEYOND);
    let mut left = vec![(low, high), (low, low), (50.0, low)];
    left.extend(LEFT_OUTLINE);
    left.push((50.0, high));
    let right: Vec<(f64, f64)> = left.iter().map(|&(x, y)| (100.0 - x, y)).collect();
    Region::new(BACKGROUND, vec![in_hundredths(&left), in_hundredths(&right)])
}

fn face_half(name: &str, whole: &[Region], halves: &[Region]) -> Region {
    let upper = |region: &&Region| UPPER.contains(&region.name.as_str());
    let parts: Vec<&Region> = match name {
        "face_upper" => whole.iter().filter(upper).collect(),
        "face_lower" => whole.iter().filter(|region| !upper(region)).collect(),
        side => halves.iter().filter(|half| half.name.ends_with(&side["face".len()..])).collect(),
    };
    Region::new(name, parts.iter().flat_map(|part| part.polygons.clone()).collect())
}

/// The part of a built-in polygon on one side of x = 0.5 (Sutherland and Hodgman 1974, one edge).
/// Enough here, since each of them meets that line in a single stretch or not at all.
fn half(polygon: &Polygon, left: bool) -> Option<Polygon> {
    let within = |point: Point| if left { point.x <= MIDDLE } else { point.x >= MIDDLE };
    let mut points = Vec::new();
    for (from, to) in polygon.sides() {
        if within(from) {
            points.push(from);
        }
        if within(from) != within(to) {
            let share = (MIDDLE - from.x) / (to.x - from.x);
            points.push(Point { x: MIDDLE, y: from.y + share * (to.y - from.y) });
        }
    }
    Polygon::new(points).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Landmark;
    use crate::region::overlap::union_area;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn square(x: f64, y: f64) -> Polygon {
        in_hundredths(&[(x, y), (x + 10.0, y), (x + 10.0, y + 10.0), (x, y + 10.0)])
    }

    #[test]
    fn regions_of_the_atlas_never_overlap() {
        let regions = Regions::aligned();
        let polygons: Vec<(&str, &Polygon)> = regions
            .built_in()
            .iter()
            .flat_map(|region| {
                region.polygons.iter().map(|polygon| (region.name.as_str(), polygon))
            })
            .collect();
        for (index, (name, one)) in polygons.iter().enumerate() {
            for (other_name, other) in &polygons[index + 1..] {
                assert!(!one.overlaps(other), "{name} overlaps {other_name}");
            }
        }
    }

    #[test]
    fn every_corner_lies_in_the_face_frame() {
        let regions = Regions::aligned();
        let beyond = [regions.background(), regions.occluders()].concat();
        for region in regions.iter().filter(|region| !beyond.contains(region)) {
            for point in region.polygons.iter().flat_map(Polygon::points) {
                assert!(
                    (0.0..=1.0).contains(&point.x) && (0.0..=1.0).contains(&point.y),
                    "{}",
                    region.name
                );
            }
        }
    }

    #[test]
    fn areas_are_those_worked_out_by_hand() {
        let regions = Regions::aligned();
        let area = |name: &str| regions.get(name).unwrap().area();
        assert!((area("brows") - 0.80 * 0.125).abs() < 1e-12);
        assert!((area("forehead") - (0.64 + 0.80) / 2.0 * 0.16).abs() < 1e-12);
        assert!((area("eyes") - 2.0 * (0.355 + 0.34) / 2.0 * 0.155).abs() < 1e-12);
        // The outline around all seven as trapezia: (width above, width below, height) in hundredths.
        let outline = [
            (64.0, 80.0, 16.0),
            (80.0, 80.0, 28.0),
            (80.0, 76.0, 24.0),
            (76.0, 66.0, 17.0),
            (66.0, 32.0, 11.0),
        ];
        let outline: f64 =
            outline.iter().map(|(above, below, height)| (above + below) / 2.0 * height).sum();
        let sum: f64 = regions.built_in().iter().map(Region::area).sum();
        assert!((sum - outline / 10_000.0).abs() < 1e-12, "{sum} is not {outline}");
    }

    #[test]
    fn landmarks_lie_in_their_regions() {
        let regions = Regions::aligned();
        let places = [
            (Landmark::EyeLeft, "eyes_left"),
            (Landmark::EyeRight, "eyes_right"),
            (Landmark::NoseTip, "nose"),
            (Landmark::MouthLeft, "mouth_left"),
            (Landmark::MouthRight, "mouth_right"),
        ];
        for (landmark, home) in places {
            for region in regions.built_in().iter().chain(regions.halves()) {
                let inside =
                    region.polygons.iter().any(|polygon| polygon.contains(landmark.canonical()));
                let expected = home.starts_with(&region.name);
                // The tip of the nose lies on the line between the halves.
                if landmark != Landmark::NoseTip || !region.name.starts_with("nose_") {
                    assert_eq!(inside, expected, "{} in {}", landmark.name(), region.name);
                }
            }
        }
    }

    #[test]
    fn halves_part_the_whole_at_the_middle() {
        let regions = Regions::aligned();
        assert_eq!(regions.halves().len(), 14);
        for region in regions.built_in() {
            let half = |side: &str| regions.get(&format!("{}_{side}", region.name)).unwrap();
            let (left, right) = (half("left"), half("right"));
            assert!(left.polygons.iter().flat_map(Polygon::points).all(|point| point.x <= 0.5));
            assert!(right.polygons.iter().flat_map(Polygon::points).all(|point| point.x >= 0.5));
            assert!((left.area() - right.area()).abs() < 1e-12, "the atlas is symmetric");
            assert!((left.area() + right.area() - region.area()).abs() < 1e-12, "{}", region.name);
            let union: Vec<Polygon> =
                left.polygons.iter().chain(&region.polygons).cloned().collect();
            assert!(
                (union_area(&union) - region.area()).abs() < 1e-12,
                "a half lies within its whole"
            );
        }
    }

    #[test]
    fn halves_of_the_face_make_up_the_face() {
        let regions = Regions::aligned();
        let area = |names: &[&str]| union_area(&regions.polygons_of(&self::names(names)).unwrap());
        let face = area(&Regions::built_in_names());
        for [one, other] in [["face_left", "face_right"], ["face_upper", "face_lower"]] {
            assert!((area(&[one]) + area(&[other]) - face).abs() < 1e-12);
            assert!((area(&[one, other]) - face).abs() < 1e-12);
        }
        assert_eq!(area(&["face_upper"]), area(&["forehead", "brows", "eyes"]));
        assert_eq!(regions.face_halves().len(), 4);
        assert_eq!(regions.face_halves()[3].name, "face_lower");
    }

    #[test]
    fn the_background_is_the_complement_of_the_face() {
        let regions = Regions::aligned();
        let [background] = regions.background() else { panic!("it is one region") };
        assert_eq!(regions.get("background"), Some(background));
        let face = regions.polygons_of(&names(&Regions::built_in_names())).unwrap();
        assert!((background.area() + union_area(&face) - 1.0).abs() < 1e-9);
        for region in regions.built_in() {
            let apart = |polygon: &Polygon| {
                background.polygons.iter().all(|around| !around.overlaps(polygon))
            };
            assert!(region.polygons.iter().all(apart), "{}", region.name);
        }
    }

    #[test]
    fn own_regions_stand_beside_the_atlas() {
        let own = vec![
            Region::new("glasses", vec![square(20.0, 30.0)]),
            Region::new("scar", vec![square(60.0, 60.0)]),
        ];
        let regions = Regions::aligned().with(own).unwrap();
        assert_eq!(
            regions.own().iter().map(|region| region.name.as_str()).collect::<Vec<_>>(),
            ["glasses", "scar"]
        );
        assert_eq!(regions.names().take(9).last(), Some("scar"));
        assert_eq!(regions.iter().count(), 7 + 2 + 14 + 4 + 1 + 6);
        assert_eq!(regions.built_in().len(), Regions::built_in_names().len());
        assert!((regions.get("scar").unwrap().area() - 0.01).abs() < 1e-12);
    }

    /// What each hides entirely or for the most part, and what it leaves.
    #[test]
    fn occluders_lie_over_the_parts_that_they_hide() {
        let regions = Regions::aligned();
        let hidden = |occluder: &str, region: &str| {
            let area = |names: &[&str]| {
                let polygons = regions.polygons_of(&self::names(names)).unwrap();
                crate::region::overlap::area_in_frame(&polygons)
            };
            let both = area(&[occluder]) + area(&[region]) - area(&[occluder, region]);
            both / area(&[region])
        };
        for (occluder, hides, leaves) in [
            ("surgical_mask", &["mouth", "jaw"][..], &["eyes", "brows", "forehead"][..]),
            ("sunglasses", &["eyes"], &["mouth", "jaw", "forehead"]),
            ("vr_headset", &["eyes", "brows"], &["mouth", "jaw"]),
            ("scarf", &["mouth", "jaw"], &["eyes", "brows", "forehead", "nose"]),
            ("beanie", &["forehead"], &["eyes", "nose", "mouth", "cheeks", "jaw"]),
            ("phone", &[], &["forehead", "nose", "mouth"]),
        ] {
            for region in hides {
                let share = hidden(occluder, region);
                assert!(share > 0.75, "{occluder} hides {share} of {region}");
            }
            for region in leaves {
                let share = hidden(occluder, region);
                assert!(share < 0.05, "{occluder} hides {share} of {region}");
            }
        }
        assert_eq!(regions.occluders().len(), OCCLUDERS.len());
    }

    #[test]
    fn an_own_region_may_take_the_name_of_an_occluder() {
        let own = |name: &str| Region::new(name, vec![square(20.0, 30.0)]);
        let regions = Regions::aligned().with(vec![own("scarf")]).unwrap();
        assert_eq!(regions.get("scarf"), Some(&own("scarf")));
        assert_eq!(
            (regions.occluders().len(), regions.background()[0].name.as_str()),
            (5, "background")
        );
        assert_eq!(regions.face_halves()[0].name, "face_left");
        assert_eq!(regions.halves().len(), 14);
        let twice = Regions::aligned().with(vec![own("scarf"), own("scarf")]);
        assert_eq!(twice.unwrap_err(), RegionError::NameTaken("scarf".to_owned()));
    }

    #[test]
    fn a_name_can_be_used_once() {
        let refusal = |name: &str| {
            let own = vec![
                Region::new("glasses", vec![square(20.0, 30.0)]),
                Region::new(name, vec![square(0.0, 0.0)]),
            ];
            Regions::aligned().with(own).unwrap_err()
        };
        assert_eq!(refusal("mouth"), RegionError::NameTaken("mouth".to_owned()));
        assert_eq!(refusal("eyes_left"), RegionError::NameTaken("eyes_left".to_owned()));
        assert_eq!(refusal("glasses"), RegionError::NameTaken("glasses".to_owned()));
        assert_eq!(refusal("each"), RegionError::NameReserved("each".to_owned()));
        let empty = Regions::aligned().with(vec![Region::new("nothing", Vec::new())]);
        assert_eq!(empty, Err(RegionError::Empty("nothing".to_owned())));
    }

    #[test]
    fn a_union_lists_every_polygon_once() {
        let regions = Regions::aligned();
        let union = regions.polygons_of(&names(&["mouth", "eyes", "mouth"])).unwrap();
        assert_eq!(union.len(), 3);
        assert_eq!(union[0], regions.get("mouth").unwrap().polygons[0]);
        let unknown = regions.polygons_of(&names(&["mouth", "eye"]));
        assert_eq!(unknown, Err(RegionError::Unknown("eye".to_owned())));
    }
}
