//! Against PyTorch and Captum: numbers that `tests/captum_reference.py` computed without any of this program's code.

use serde_json::Value;
use tch::{Device, Kind, Tensor};

use super::sensitivity::{EvaluationImages, GRID, Probabilities, sensitivity_maps};
use crate::analysis::shapley_values;
use crate::dataset::{Images, Pixels, Split};
use crate::experiment::{ModelSpec, Precision, SensitivityMethod, SensitivitySpec};
use crate::model::{Inference, Network};
use crate::region::{Affine, Fill, Mode, Occlusion, Point, Polygon};
use crate::store::{CurveKind, CurveOrder};
use crate::train::{Masks, OnDevice, Standardisation, split_logits, split_logits_under};

const SIDE: usize = 48;
/// Squares that the same windows mask, along each side, and their pixels.
const SQUARES: usize = 8;
const SQUARE: usize = SIDE / SQUARES;
/// f32 against f32, in another order of sums.
const ROUNDING: f64 = 2e-6;

struct Reference {
    value: Value,
    network: Box<dyn Inference>,
    data: OnDevice,
    frames: Vec<Affine>,
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// Any depth of lists.
fn flat(value: &Value) -> Vec<f64> {
    match value.as_array() {
        Some(list) => list.iter().flat_map(flat).collect(),
        None => vec![value.as_f64().unwrap()],
    }
}

fn close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < ROUNDING, "{what}: {a} is not {b}");
    }
}

impl Reference {
    fn read() -> Reference {
        let value: Value =
            serde_json::from_str(include_str!("../../tests/data/captum.json")).unwrap();
        let model = ModelSpec::of_blocks(&[&[4, 4], &[6, 5]], 0.9);
        let network = Network::new(&model, 1, 2, Precision::F32, Device::Cpu, 0);
        let weights = value["weights"].as_array().unwrap().iter().map(|weight| {
            let values: Vec<f32> =
                numbers(&weight["values"]).into_iter().map(|value| value as f32).collect();
            let shape: Vec<i64> =
                numbers(&weight["shape"]).into_iter().map(|side| side as i64).collect();
            let name = weight["name"].as_str().unwrap().to_owned();
            (name, Tensor::from_slice(&values).view(&shape[..]))
        });
        network.restore(&weights.collect::<Vec<_>>()).unwrap();

        let pixels: Vec<u8> =
            numbers(&value["pictures"]).into_iter().map(|pixel| pixel as u8).collect();
        let actual = numbers(&value["actual"]);
        let images = || Images {
            names: (0..actual.len()).map(|image| image.to_string()).collect(),
            pixels: Pixels::Owned(pixels.clone()),
            labels: actual.iter().flat_map(|class| [1.0 - *class as f32, *class as f32]).collect(),
            landmarks: vec![None; actual.len()],
        };
        let dataset = crate::train::fixture::in_memory(
            ["a", "b"],
            (SIDE, SIDE),
            [images(), images(), images()],
        );
        let standardisation = Standardisation::of(&dataset.train, 1);
        let data = OnDevice::new(&dataset, Split::Test, &standardisation, Device::Cpu);
        let frames = vec![Affine::IDENTITY; actual.len()];
        Reference { value, network: network.folded(), data, frames }
    }

    fn polygon(&self, region: usize) -> Polygon {
        let corners = self.value["regions"][region].as_array().unwrap().iter().map(numbers);
        Polygon::new(corners.map(|corner| Point { x: corner[0], y: corner[1] }).collect()).unwrap()
    }

    fn regions(&self) -> usize {
        self.value["regions"].as_array().unwrap().len()
    }

    /// What masks the pictures where these regions are hidden or seen alone.
    fn masks(&self, regions: &[usize], mode: Mode) -> Vec<u8> {
        let polygons = regions.iter().map(|region| self.polygon(*region)).collect();
        Occlusion { polygons, mode, fill: Fill::Mean }.masks(&self.frames, SIDE, SIDE)
    }

    fn mask(&self, regions: &[usize], mode: Mode) -> Masks {
        Masks::new(&self.masks(regions, mode), SIDE, SIDE, Fill::Mean, Device::Cpu)
    }

    /// Probabilities, image by image.
    fn predicted(&self, mask: Option<&Masks>) -> Vec<f64> {
        probabilities(&split_logits(&self.network, &self.data, mask, 1, &|| true).unwrap())
    }
}

fn probabilities(logits: &Tensor) -> Vec<f64> {
    let flat = logits.softmax(-1, Kind::Float).to_kind(Kind::Double).contiguous().view(-1);
    Vec::try_from(&flat).unwrap()
}

#[test]
fn masks_are_the_pixels_inside() {
    let reference = Reference::read();
    for region in 0..reference.regions() {
        let expected: Vec<u8> =
            reference.value["masks"][region].as_str().unwrap().bytes().map(|b| b - b'0').collect();
        let images = reference.frames.len();
        assert_eq!(reference.masks(&[region], Mode::Hide), expected.repeat(images), "{region}");
    }
}

#[test]
fn predictions_whole_and_masked() {
    let reference = Reference::read();
    close(&reference.predicted(None), &flat(&reference.value["whole"]), "whole");
    for (mode, name) in [(Mode::Hide, "hidden"), (Mode::Keep, "kept")] {
        let masks: Vec<Masks> =
            (0..reference.regions()).map(|region| reference.mask(&[region], mode)).collect();
        let of_all: Vec<Option<&Masks>> = masks.iter().map(Some).collect();
        // What is computed anew for the changed part alone, too.
        let parts = split_logits_under(&reference.network, &reference.data, &of_all, 1, &|| true);
        for (region, (mask, part)) in masks.iter().zip(&parts.unwrap()).enumerate() {
            let expected = flat(&reference.value[name][region]);
            close(&reference.predicted(Some(mask)), &expected, name);
            close(&probabilities(part), &expected, name);
        }
    }
}

#[test]
fn window_maps_and_curves() {
    let reference = Reference::read();
    let actual: Vec<usize> =
        numbers(&reference.value["actual"]).into_iter().map(|class| class as usize).collect();
    let spec = SensitivitySpec {
        method: SensitivityMethod::Window { side: 0.25, stride: 0.125 },
        images: None,
        steps: 8,
        fill: Fill::Mean,
    };
    let images = EvaluationImages::new(
        &reference.data,
        (&actual, 2),
        &reference.frames,
        None,
        Fill::Mean,
        1,
    );
    let found = sensitivity_maps(&spec, &images, &Probabilities(&reference.network), &mut |_| true)
        .unwrap();
    assert_eq!((GRID, found.len()), (SIDE, 2));
    for found in &found {
        let expected = numbers(&reference.value["windows"][found.class]);
        let value = |cell: usize| {
            let [row, column] = [cell / SIDE, cell % SIDE].map(|place| place / SQUARE);
            expected[row * SQUARES + column]
        };
        close(&found.map, &(0..SIDE * SIDE).map(value).collect::<Vec<_>>(), "window");
        for (kind, name) in [(CurveKind::Deletion, "deletion"), (CurveKind::Insertion, "insertion")]
        {
            let curve = found
                .curves
                .iter()
                .find(|curve| curve.kind == kind && curve.order == CurveOrder::Map);
            let points: Vec<f64> = curve.unwrap().points.iter().map(|point| point.1).collect();
            let curves = reference.value["curves"].as_array().unwrap();
            let of = |curve: &&Value| curve["class"] == found.class && curve["kind"] == name;
            let expected = curves.iter().find(of).unwrap();
            close(&points, &numbers(&expected["points"]), name);
        }
    }
}

#[test]
fn shapley_values_with_the_masked_face_as_the_empty_set() {
    let reference = Reference::read();
    let regions = reference.regions();
    let predicted: Vec<Vec<f64>> = (0..1 << regions)
        .map(|set: usize| {
            let members: Vec<usize> =
                (0..regions).filter(|region| set >> region & 1 == 1).collect();
            reference.predicted(Some(&reference.mask(&members, Mode::Keep)))
        })
        .collect();
    for (image, class) in numbers(&reference.value["actual"]).into_iter().enumerate() {
        let worths: Vec<f64> =
            predicted.iter().map(|values| values[2 * image + class as usize]).collect();
        let expected = numbers(&reference.value["shapley"][image]);
        close(&shapley_values(&worths), &expected, "shapley");
    }
}
