//! Sensitivity maps: places of the face are masked, and the change of the prediction is attributed to them.
//!
//! In: images with their maps from the canonical face frame, a method (occlusion windows: Zeiler and Fergus 2014; RISE:
//! Petsiuk et al. 2018), and the network as a function from images to probabilities. Out: for each class a map over the
//! canonical frame, the mean face beneath it, and the curves that test the map: pixels deleted and inserted in the map's
//! order, beside random orders.

mod curves;
mod images;
mod perturbations;

use tch::{Kind, Tensor};

use crate::experiment::{SensitivityMethod, SensitivitySpec};
use crate::model::{Folded, Inference};
use crate::plan::curve_predictions;

pub use curves::Curve;
pub use images::EvaluationImages;
use images::{Batch, Laid, OfParts, Places};
use perturbations::Perturbations;

/// Cells along each side of a map of the canonical face frame.
pub const GRID: usize = 48;

/// The evaluated network.
pub trait Evaluated {
    /// Probabilities `[B, K]` of pictures `[B, C, H, W]`, standardised, f32.
    fn probabilities(&self, pictures: &Tensor) -> Tensor;

    /// The network, if it can recompute only what depends on a part of the images that has changed.
    fn in_parts(&self) -> Option<&Folded> {
        None
    }
}

impl<F: Fn(&Tensor) -> Tensor> Evaluated for F {
    fn probabilities(&self, pictures: &Tensor) -> Tensor {
        self(pictures)
    }
}

/// The probabilities of a network's classes.
pub struct Probabilities<'a>(pub &'a dyn Inference);

impl Evaluated for Probabilities<'_> {
    fn probabilities(&self, pictures: &Tensor) -> Tensor {
        self.0.logits(pictures).softmax(-1, Kind::Float)
    }

    fn in_parts(&self) -> Option<&Folded> {
        self.0.in_parts()
    }
}

/// The result for one class, over its images.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassSensitivity {
    /// In class order, from 0.
    pub class: usize,
    pub images: usize,
    /// The map, `[GRID, GRID]`, row-major. Window: the mean loss of the class's probability over the
    /// windows that mask a cell. RISE: its mean while the cell is visible.
    pub map: Vec<f64>,
    /// The mean grey of the images, mapped back into the canonical frame, 0 to 1; as the map.
    pub face: Vec<f64>,
    pub curves: Vec<Curve>,
}

/// Evaluates a network. `go_on` receives the share that is done, batch by batch, and returns whether to continue;
/// `None` if it stopped. Classes without images are omitted.
pub fn sensitivity_maps(
    spec: &SensitivitySpec,
    images: &EvaluationImages<'_>,
    network: &dyn Evaluated,
    go_on: &mut dyn FnMut(f64) -> bool,
) -> Option<Vec<ClassSensitivity>> {
    let _guard = tch::no_grad_guard();
    let perturbations = Perturbations::new(spec.method, images.seed());
    // The map's share of the predictions; the curves take the others.
    let (for_map, for_curves) = (perturbations.len() + 1, curve_predictions(spec.steps));
    let share = for_map as f64 / (for_map + for_curves) as f64;
    let maps = maps(&perturbations, spec.method, images, network, &mut |done| go_on(done * share))?;
    let curves = curves::curves(spec.steps, &maps, images, network, &mut |done| {
        go_on(share + done * (1.0 - share))
    })?;
    let faces = images.faces();
    let found = maps.into_iter().zip(curves).zip(faces).enumerate();
    Some(
        found
            .map(|(class, ((map, curves), face))| {
                let images = images.images_of(class);
                ClassSensitivity { class, images, map, face, curves }
            })
            .filter(|found| found.images > 0)
            .collect(),
    )
}

/// A map for each class.
fn maps(
    perturbations: &Perturbations,
    method: SensitivityMethod,
    images: &EvaluationImages<'_>,
    network: &dyn Evaluated,
    go_on: &mut dyn FnMut(f64) -> bool,
) -> Option<Vec<Vec<f64>>> {
    let count = perturbations.len();
    // After the last perturbation, the whole face.
    let seen = |index: usize, batch: &Batch| match index {
        whole if whole == count => batch.places.x().ones_like(),
        index => perturbations.seen(index, &batch.places),
    };
    let parts = |some, batch: &Batch| perturbations.parts(some, batch);
    let of_parts =
        network.in_parts().filter(|network| network.pays_in_parts(perturbations.share()));
    let parts = of_parts.map(|network| (network, &parts as OfParts));
    let laid = Laid { count: count + 1, seen: &seen, parts };
    let answers = images.mean_probabilities(network, &laid, go_on)?;
    let cells = Places::of_cells(GRID);
    let mut maps = vec![WeightedMean::new(GRID * GRID); answers.len()];
    for index in 0..count {
        let seen = values(&perturbations.seen(index, &cells));
        let weights: Vec<f64> = match method {
            SensitivityMethod::Window { .. } => seen.iter().map(|seen| 1.0 - seen).collect(),
            SensitivityMethod::Rise { .. } => seen,
        };
        for (map, answers) in maps.iter_mut().zip(&answers) {
            let value = match method {
                SensitivityMethod::Window { .. } => answers[count] - answers[index],
                SensitivityMethod::Rise { .. } => answers[index],
            };
            map.add(value, &weights);
        }
    }
    Some(maps.into_iter().map(WeightedMean::finish).collect())
}

/// Of each cell, the mean of the perturbations' values, each with the weight that it has there.
///
/// Petsiuk et al. (equation 6) divide by the expected visible share; dividing by the actual visible share
/// gives a uniform map for a network with constant predictions, however few the masks.
#[derive(Debug, Clone)]
struct WeightedMean {
    sums: Vec<f64>,
    weights: Vec<f64>,
    /// Of all perturbations, for cells that none has a weight in.
    total: f64,
    count: usize,
}

impl WeightedMean {
    fn new(cells: usize) -> WeightedMean {
        WeightedMean { sums: vec![0.0; cells], weights: vec![0.0; cells], total: 0.0, count: 0 }
    }

    fn add(&mut self, value: f64, weights: &[f64]) {
        for ((sum, all), weight) in self.sums.iter_mut().zip(&mut self.weights).zip(weights) {
            *sum += value * weight;
            *all += weight;
        }
        self.total += value;
        self.count += 1;
    }

    fn finish(self) -> Vec<f64> {
        let mean = self.total / self.count.max(1) as f64;
        let cells = self.sums.into_iter().zip(self.weights);
        cells.map(|(sum, weight)| if weight > 0.0 { sum / weight } else { mean }).collect()
    }
}

/// A tensor's values, row-major.
fn values(tensor: &Tensor) -> Vec<f64> {
    crate::model::values(&tensor.to_kind(Kind::Double))
}

#[cfg(test)]
mod tests;
