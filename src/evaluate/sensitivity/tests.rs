use tch::Device;

use super::*;
use crate::analysis::curve_area;
use crate::dataset::{Images, Pixels, Split};
use crate::experiment::{ModelSpec, Precision};
use crate::model::Network;
use crate::region::{Affine, Fill};
use crate::store::{CurveKind, CurveOrder};
use crate::train::{OnDevice, Standardisation};

/// Pixels along a side: half a cell of a map each.
const SIDE: usize = 24;
/// In the canonical frame a bright patch, of 6 × 6 pixels and 12 × 12 cells, on black.
const COLUMNS: std::ops::Range<usize> = 12..18;
const ROWS: std::ops::Range<usize> = 6..12;
/// By so many pixels each image is moved to the right and down.
const MOVES: [(usize, usize); 4] = [(0, 0), (2, 0), (0, 3), (1, 1)];

fn images() -> Images {
    let mut pixels = Vec::new();
    for (right, down) in MOVES {
        for row in 0..SIDE {
            for column in 0..SIDE {
                let bright = row.checked_sub(down).is_some_and(|row| ROWS.contains(&row))
                    && column.checked_sub(right).is_some_and(|column| COLUMNS.contains(&column));
                pixels.push(if bright { 255 } else { 0 });
            }
        }
    }
    Images {
        names: (0..MOVES.len()).map(|image| image.to_string()).collect(),
        pixels: Pixels::Owned(pixels),
        // The last one is of the second class.
        labels: vec![1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0],
        landmarks: vec![None; MOVES.len()],
    }
}

fn frames() -> Vec<Affine> {
    let share = |pixels: usize| pixels as f64 / SIDE as f64;
    let moved = |(right, down)| Affine { c: share(right), f: share(down), ..Affine::IDENTITY };
    MOVES.map(moved).to_vec()
}

fn on_device() -> OnDevice {
    let dataset = crate::train::fixture::in_memory(
        ["bright", "dark"],
        (SIDE, SIDE),
        [images(), images(), images()],
    );
    let standardisation = Standardisation::of(&dataset.train, 1);
    OnDevice::new(&dataset, Split::Test, &standardisation, Device::Cpu)
}

fn chosen(data: &OnDevice, most: Option<u32>) -> EvaluationImages<'_> {
    EvaluationImages::new(data, (&[0, 0, 0, 1], 2), &frames(), most, Fill::Mean, 1)
}

/// A network that depends on the patch alone: its visible share is the probability of `bright`.
fn sees_the_patch(data: &OnDevice) -> impl Fn(&Tensor) -> Tensor {
    let brightest = data.pictures(&Tensor::from_slice(&[0i64])).max().double_value(&[]);
    let all = brightest * (COLUMNS.len() * ROWS.len()) as f64;
    move |pictures| {
        let light = pictures.relu().sum_dim_intlist([1, 2, 3].as_slice(), false, Kind::Float);
        let bright = light / all;
        Tensor::stack(&[bright.shallow_clone(), 1.0 - bright], 1)
    }
}

fn spec(method: SensitivityMethod) -> SensitivitySpec {
    SensitivitySpec { method, images: None, steps: 20, fill: Fill::Mean }
}

/// Windows of 3 × 3 pixels side by side: four of them make the patch.
const WINDOW: SensitivityMethod = SensitivityMethod::Window { side: 0.125, stride: 0.125 };
const RISE: SensitivityMethod = SensitivityMethod::Rise { masks: 400, cells: 7, keep: 0.5 };

fn is_patch(cell: usize) -> bool {
    let pixel = |cells: usize| cells * SIDE / GRID;
    ROWS.contains(&pixel(cell / GRID)) && COLUMNS.contains(&pixel(cell % GRID))
}

fn found(method: SensitivityMethod) -> Vec<ClassSensitivity> {
    let data = on_device();
    let answer = sees_the_patch(&data);
    sensitivity_maps(&spec(method), &chosen(&data, None), &answer, &mut |_| true).unwrap()
}

#[test]
fn a_window_costs_where_the_network_looks_and_nowhere_else() {
    let [bright, dark] = &found(WINDOW)[..] else { panic!("two classes have images") };
    assert_eq!((bright.class, bright.images, dark.class, dark.images), (0, 3, 1, 1));
    for cell in 0..GRID * GRID {
        let expected = if is_patch(cell) { 0.25 } else { 0.0 };
        assert!((bright.map[cell] - expected).abs() < 1e-6, "{cell}: {}", bright.map[cell]);
        // What takes light away speaks for the dark.
        assert!((dark.map[cell] + expected).abs() < 1e-6, "{cell}: {}", dark.map[cell]);
    }
}

/// Recomputing only the part under a window gives the same map as full passes.
#[test]
fn windows_are_answered_as_whole_pictures_are() {
    let data = on_device();
    let model = ModelSpec::of_blocks(&[&[4, 4], &[6, 5]], 0.9);
    let network = Network::new(&model, 1, 2, Precision::F32, Device::Cpu, 4).folded();
    let (sin, cos) = 0.4f64.sin_cos();
    let turned =
        Affine { a: 0.9 * cos, b: -0.9 * sin, c: 0.3, d: 0.9 * sin, e: 0.9 * cos, f: -0.2 };
    let frames = [Affine::IDENTITY, turned, turned.inverse().unwrap(), Affine::IDENTITY];
    for fill in [Fill::Mean, Fill::Noise, Fill::Blur(0.1), Fill::Inpaint] {
        let spec = SensitivitySpec {
            method: SensitivityMethod::Window { side: 0.2, stride: 0.11 },
            images: None,
            steps: 2,
            fill,
        };
        let images = EvaluationImages::new(&data, (&[0, 0, 0, 1], 2), &frames, None, fill, 1);
        let mapped = |network: &dyn Evaluated| {
            sensitivity_maps(&spec, &images, network, &mut |_| true).unwrap()
        };
        let whole = |pictures: &Tensor| Probabilities(&network).probabilities(pictures);
        for (parts, whole) in mapped(&Probabilities(&network)).iter().zip(&mapped(&whole)) {
            let largest = whole.map.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
            assert!(largest > 1e-4, "the map is flat: {largest}");
            for (part, whole) in parts.map.iter().zip(&whole.map) {
                assert!((part - whole).abs() < 1e-6, "{part} {whole}");
            }
        }
    }
}

#[test]
fn random_masks_find_where_the_network_looks() {
    let found = found(RISE);
    let map = &found[0].map;
    let best = (0..map.len()).max_by(|a, b| map[*a].total_cmp(&map[*b])).unwrap();
    assert!(is_patch(best), "row {}, column {}", best / GRID, best % GRID);
    let mean = |inside: bool| {
        let cells: Vec<f64> =
            (0..map.len()).filter(|cell| is_patch(*cell) == inside).map(|cell| map[cell]).collect();
        cells.iter().sum::<f64>() / cells.len() as f64
    };
    // Half of the patch is visible on average; more given that a cell of it is.
    assert!((mean(false) - 0.5).abs() < 0.05, "{}", mean(false));
    assert!(mean(true) > mean(false) + 0.05, "{} {}", mean(true), mean(false));
}

#[test]
fn a_network_that_looks_at_nothing_has_even_maps() {
    let data = on_device();
    let same =
        |pictures: &Tensor| Tensor::full([pictures.size()[0], 2], 0.5, (Kind::Float, Device::Cpu));
    for (method, everywhere) in [(WINDOW, 0.0), (RISE, 0.5)] {
        let found =
            sensitivity_maps(&spec(method), &chosen(&data, None), &same, &mut |_| true).unwrap();
        assert!(found[0].map.iter().all(|value| (value - everywhere).abs() < 1e-12));
    }
}

#[test]
fn what_the_map_marks_goes_first_and_comes_back_first() {
    for (method, margin) in [(WINDOW, 0.06), (RISE, 0.25)] {
        let found = found(method);
        let area = |kind, order| {
            let curves = &found[0].curves;
            let curve =
                curves.iter().find(|curve| curve.kind == kind && curve.order == order).unwrap();
            let points = &curve.points;
            let (first, last) = (points[0], points[20]);
            let ends = match kind {
                CurveKind::Deletion => ((0.0, 1.0), (1.0, 0.0)),
                CurveKind::Insertion => ((0.0, 0.0), (1.0, 1.0)),
            };
            for (point, end) in [(first, ends.0), (last, ends.1)] {
                assert!((point.1 - end.1).abs() < 1e-6 && point.0 == end.0, "{point:?}");
            }
            curve_area(points)
        };
        assert!(area(CurveKind::Deletion, CurveOrder::Map) < margin);
        assert!(area(CurveKind::Insertion, CurveOrder::Map) > 1.0 - margin);
        let worse = |kind| {
            let [map, random] =
                [CurveOrder::Map, CurveOrder::Random].map(|order| area(kind, order));
            (map - random).abs() > 0.1
        };
        assert!(worse(CurveKind::Deletion) && worse(CurveKind::Insertion), "{method:?}");
    }
}

#[test]
fn the_mean_face_lies_in_the_canonical_frame() {
    let data = on_device();
    let face = &chosen(&data, None).faces()[0];
    // Half a pixel from the patch's edge, neighbours mix.
    let inner = |cell: usize, range: &std::ops::Range<usize>| {
        (range.start * 2 + 1..range.end * 2 - 1).contains(&cell)
    };
    for (cell, grey) in face.iter().enumerate() {
        let (row, column) = (cell / GRID, cell % GRID);
        if inner(row, &ROWS) && inner(column, &COLUMNS) {
            assert!((grey - 1.0).abs() < 1e-5, "{row} {column}: {grey}");
        }
        if row + 2 < ROWS.start * 2 || column + 2 < COLUMNS.start * 2 {
            assert!(grey.abs() < 1e-5, "{row} {column}: {grey}");
        }
    }
}

#[test]
fn the_first_images_of_each_class_are_looked_at() {
    let data = on_device();
    let images = chosen(&data, Some(2));
    assert_eq!([images.images_of(0), images.images_of(1)], [2, 1]);
}

#[test]
fn who_watches_is_told_and_may_end_it() {
    let data = on_device();
    let answer = sees_the_patch(&data);
    let mut told = Vec::new();
    let whole = sensitivity_maps(&spec(WINDOW), &chosen(&data, None), &answer, &mut |share| {
        told.push(share);
        true
    });
    assert!(whole.is_some());
    assert!(told.windows(2).all(|pair| pair[0] <= pair[1]));
    assert!((told.last().unwrap() - 1.0).abs() < 1e-12);
    let mut asked = 0;
    let ended = sensitivity_maps(&spec(RISE), &chosen(&data, None), &answer, &mut |_| {
        asked += 1;
        asked < 3
    });
    assert_eq!((ended, asked), (None, 3));
}

/// libtorch's generator is one for all tests, so that no two of them draw the same here.
#[test]
fn noise_covers_too() {
    let data = on_device();
    let answer = sees_the_patch(&data);
    let images = EvaluationImages::new(&data, (&[0, 0, 0, 1], 2), &frames(), None, Fill::Noise, 3);
    let spec = SensitivitySpec { fill: Fill::Noise, ..spec(WINDOW) };
    let found = sensitivity_maps(&spec, &images, &answer, &mut |_| true).unwrap();
    for (cell, value) in found[0].map.iter().enumerate() {
        // Nine pixels of noise are about as bright as one of the patch.
        assert_eq!(is_patch(cell), *value > 0.1, "{cell}: {value}");
        assert!(is_patch(cell) || *value < 0.0, "noise beside the patch is light: {cell}: {value}");
    }
}
