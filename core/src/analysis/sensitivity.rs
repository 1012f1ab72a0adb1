//! Sensitivity maps, averaged over seeds, and their insertion and deletion curves (Petsiuk et al. 2018).

use std::collections::BTreeSet;

use crate::region::{Point, Regions};
use crate::store::{CurveKind, CurveOrder, MapMethod, SensitivityCurveRow, SensitivityRow};

/// The map of one class under one method.
#[derive(Debug, Clone, PartialEq)]
pub struct MeanMap {
    pub method: MapMethod,
    pub emotion: String,
    /// The number of test images of the class.
    pub images: u64,
    /// Cells along each side of the canonical face frame.
    pub side: usize,
    /// By cell, row-major: the mean over seeds.
    pub values: Vec<f64>,
    /// The mean grey of the images, 0 to 1; as the values.
    pub face: Vec<f64>,
    /// The values of each seed.
    pub by_seed: Vec<Vec<f64>>,
}

/// Insertion or deletion in one order: the mean over emotions, which count alike, and seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct MeanCurve {
    pub method: MapMethod,
    pub curve: CurveKind,
    pub order: CurveOrder,
    /// Share of the face that is deleted or inserted, and the mean probability of the actual class.
    pub points: Vec<(f64, f64)>,
    /// The area of each seed's curve, in the order of the seeds.
    pub areas: Vec<f64>,
    /// The area of each emotion's curve.
    pub emotions: Vec<(String, f64)>,
}

/// Maps in the order of the rows: method by method, emotion by emotion. One that is not complete in every seed
/// is omitted.
pub fn mean_maps(rows: &[SensitivityRow]) -> Vec<MeanMap> {
    let mut maps: Vec<(MeanMap, Vec<Vec<&SensitivityRow>>)> = Vec::new();
    for row in rows {
        let place = maps
            .iter()
            .rposition(|(map, _)| (map.method, &map.emotion) == (row.method, &row.emotion));
        let place = place.unwrap_or_else(|| {
            let map = MeanMap {
                method: row.method,
                emotion: row.emotion.clone(),
                images: row.images,
                side: 0,
                values: Vec::new(),
                face: Vec::new(),
                by_seed: Vec::new(),
            };
            maps.push((map, Vec::new()));
            maps.len() - 1
        });
        let seeds = &mut maps[place].1;
        match seeds.last_mut().filter(|seed| seed[0].training_id == row.training_id) {
            Some(seed) => seed.push(row),
            None => seeds.push(vec![row]),
        }
    }
    maps.into_iter().filter_map(|(map, seeds)| finished(map, &seeds)).collect()
}

/// A map from the rows of each seed.
fn finished(mut map: MeanMap, seeds: &[Vec<&SensitivityRow>]) -> Option<MeanMap> {
    let cells = seeds.first()?.len();
    map.side = cells.isqrt();
    let mut face = vec![f64::NAN; cells];
    for rows in seeds {
        let mut values = vec![f64::NAN; cells];
        for row in rows {
            let (row_number, column) = (row.row as usize, row.column as usize);
            if row_number >= map.side || column >= map.side {
                return None;
            }
            values[row_number * map.side + column] = row.value;
            face[row_number * map.side + column] = row.face;
        }
        map.by_seed.push(values);
    }
    let mean = |cell: usize| {
        map.by_seed.iter().map(|values| values[cell]).sum::<f64>() / map.by_seed.len() as f64
    };
    map.values = (0..cells).map(mean).collect();
    map.face = face;
    let whole = map.side * map.side == cells
        && map.values.iter().chain(&map.face).all(|value| value.is_finite());
    whole.then_some(map)
}

/// The mean of a map over each region of the atlas, in its order.
pub fn by_region(values: &[f64], side: usize, regions: &Regions) -> Vec<f64> {
    let centre = |cell: usize| (cell as f64 + 0.5) / side as f64;
    let mean = |region: &crate::region::Region| {
        let within = (0..side * side).filter(|cell| {
            let point = Point { x: centre(cell % side), y: centre(cell / side) };
            region.polygons.iter().any(|polygon| polygon.contains(point))
        });
        let (sum, cells) =
            within.fold((0.0, 0.0), |(sum, cells), cell| (sum + values[cell], cells + 1.0));
        sum / cells
    };
    regions.built_in().iter().map(mean).collect()
}

/// Curves in the order of the rows.
pub fn mean_curves(rows: &[SensitivityCurveRow]) -> Vec<MeanCurve> {
    let mut groups: Vec<Vec<&SensitivityCurveRow>> = Vec::new();
    let key = |row: &SensitivityCurveRow| (row.method, row.curve, row.order);
    for row in rows {
        match groups.iter_mut().find(|group| key(group[0]) == key(row)) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    let curves = groups.into_iter().map(|group| {
        let (method, curve, order) = key(group[0]);
        let seeds: BTreeSet<u64> = group.iter().map(|row| row.seed).collect();
        let mut names: Vec<&String> = Vec::new();
        for row in &group {
            if !names.contains(&&row.emotion) {
                names.push(&row.emotion);
            }
        }
        let area = |with: &dyn Fn(&SensitivityCurveRow) -> bool| {
            let rows: Vec<&SensitivityCurveRow> =
                group.iter().copied().filter(|row| with(row)).collect();
            curve_area(&mean_points(&rows))
        };
        MeanCurve {
            method,
            curve,
            order,
            points: mean_points(&group),
            areas: seeds.iter().map(|seed| area(&|row| row.seed == *seed)).collect(),
            emotions: names
                .iter()
                .map(|name| ((*name).clone(), area(&|row| row.emotion == **name)))
                .collect(),
        }
    });
    curves.collect()
}

/// The mean share and probability at each step.
fn mean_points(rows: &[&SensitivityCurveRow]) -> Vec<(f64, f64)> {
    let steps: BTreeSet<u32> = rows.iter().map(|row| row.step).collect();
    let mean = |step: u32| {
        let at = rows.iter().filter(|row| row.step == step);
        let (share, probability, count) = at.fold((0.0, 0.0, 0.0), |(share, sum, count), row| {
            (share + row.share, sum + row.probability, count + 1.0)
        });
        (share / count, probability / count)
    };
    steps.into_iter().map(mean).collect()
}

/// The area under a curve, by trapezoids.
pub fn curve_area(points: &[(f64, f64)]) -> f64 {
    let trapezoid = |pair: &[(f64, f64)]| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0;
    points.windows(2).map(trapezoid).sum()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::store::Term;

    /// The map of one training, whose cells are a function of their place.
    pub fn map(
        (method, emotion, seed): (&str, &str, u64),
        side: u32,
        value: impl Fn(f64, f64) -> f64,
    ) -> Vec<SensitivityRow> {
        let centre = |cell: u32| (f64::from(cell) + 0.5) / f64::from(side);
        (0..side * side)
            .map(|cell| SensitivityRow {
                training_id: format!("t{seed}"),
                seed,
                method: MapMethod::of(method).unwrap(),
                emotion: emotion.to_owned(),
                images: 200,
                row: cell / side,
                column: cell % side,
                value: value(centre(cell % side), centre(cell / side)),
                face: 1.0 - centre(cell / side),
            })
            .collect()
    }

    /// A curve of one training, of three steps.
    pub fn curve(
        (method, emotion, seed): (&str, &str, u64),
        (curve, order): (&str, &str),
        probabilities: [f64; 3],
    ) -> Vec<SensitivityCurveRow> {
        (0..3)
            .map(|step| SensitivityCurveRow {
                training_id: format!("t{seed}"),
                seed,
                method: MapMethod::of(method).unwrap(),
                emotion: emotion.to_owned(),
                images: 200,
                curve: CurveKind::of(curve).unwrap(),
                order: CurveOrder::of(order).unwrap(),
                step,
                share: f64::from(step) / 2.0,
                probability: probabilities[step as usize],
            })
            .collect()
    }

    #[test]
    fn areas_are_known() {
        assert_eq!(curve_area(&[(0.0, 1.0), (1.0, 0.0)]), 0.5);
        let area = curve_area(&[(0.0, 0.8), (0.25, 0.4), (1.0, 0.4)]);
        assert!((area - 0.45).abs() < 1e-12, "{area}");
        assert_eq!(curve_area(&[(0.0, 1.0)]), 0.0);
    }

    #[test]
    fn maps_are_means_over_seeds() {
        let rows: Vec<SensitivityRow> = [
            map(("window", "fear", 1), 4, |x, _| x),
            map(("window", "anger", 1), 4, |_, _| 0.0),
            map(("window", "fear", 2), 4, |x, y| x + 2.0 * y),
            map(("window", "anger", 2), 4, |_, _| 0.0),
        ]
        .concat();
        let maps = mean_maps(&rows);
        let names: Vec<&str> = maps.iter().map(|map| map.emotion.as_str()).collect();
        assert_eq!(names, ["fear", "anger"]);
        assert_eq!((maps[0].side, maps[0].images, maps[0].by_seed.len()), (4, 200, 2));
        // The second row, third column.
        assert_eq!(maps[0].values[6], 0.625 + 0.375);
        assert_eq!(maps[0].face[6], 0.625);
        assert_eq!(maps[0].by_seed[0][6], 0.625);
    }

    #[test]
    fn a_map_with_a_gap_is_none() {
        let mut rows = map(("rise", "fear", 1), 4, |x, _| x);
        rows.pop();
        assert!(mean_maps(&rows).is_empty());
        let mut rows = map(("rise", "fear", 1), 4, |x, _| x);
        rows[3].column = u32::MAX;
        assert!(mean_maps(&rows).is_empty());
        let mut rows = map(("rise", "fear", 1), 4, |x, _| x);
        rows[3].row = rows[4].row;
        rows[3].column = rows[4].column;
        assert!(mean_maps(&rows).is_empty(), "a cell twice is another one missing");
    }

    #[test]
    fn regions_have_the_mean_of_their_cells() {
        let regions = Regions::aligned();
        let even = mean_maps(&map(("rise", "fear", 1), 48, |_, _| 0.25));
        assert_eq!(by_region(&even[0].values, 48, &regions), [0.25; 7]);
        let lower =
            mean_maps(&map(("rise", "fear", 1), 48, |_, y| if y > 0.7 { 1.0 } else { 0.0 }));
        let means = by_region(&lower[0].values, 48, &regions);
        let of = |name: &str| {
            means[regions.built_in().iter().position(|region| region.name == name).unwrap()]
        };
        assert_eq!((of("brows"), of("eyes"), of("forehead")), (0.0, 0.0, 0.0));
        assert!(of("mouth") > 0.5, "{means:?}");
    }

    #[test]
    fn curves_are_means_with_an_area_for_each_seed_and_emotion() {
        let deletion = ("deletion", "map");
        let rows: Vec<SensitivityCurveRow> = [
            curve(("window", "fear", 1), deletion, [1.0, 0.5, 0.0]),
            curve(("window", "anger", 1), deletion, [0.5, 0.5, 0.5]),
            curve(("window", "fear", 2), deletion, [1.0, 0.0, 0.0]),
            curve(("window", "anger", 2), deletion, [0.5, 0.0, 0.5]),
            curve(("window", "anger", 2), ("deletion", "random"), [0.5, 0.5, 0.5]),
        ]
        .concat();
        let curves = mean_curves(&rows);
        assert_eq!(curves.len(), 2);
        assert_eq!(curves[0].points, [(0.0, 0.75), (0.5, 0.25), (1.0, 0.25)]);
        assert_eq!(curves[0].areas, [0.5, 0.25]);
        let expected = [("fear".to_owned(), 0.375), ("anger".to_owned(), 0.375)];
        assert_eq!(curves[0].emotions, expected);
        assert_eq!(curves[1].order, CurveOrder::Random);
    }
}
