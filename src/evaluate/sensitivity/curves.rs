//! Insertion and deletion (Petsiuk et al. 2018, section 4.3): a map orders the places of the face; deleting the most
//! important ones first lowers the probability fast, and inserting them first raises it fast.

use rand::RngExt;
use tch::{Kind, Tensor};

use super::images::{Batch, EvaluationImages, Laid, Places};
use super::perturbations::enlarged;
use super::{Evaluated, GRID, values};
use crate::plan::{CURVE_KINDS, RANDOM_ORDERS, curve_predictions};
use crate::random;
use crate::store::{CurveKind, CurveOrder};

/// Cells along a side of a random map. Random orders are smooth like a map; a pixel-wise random order would turn the
/// face into noise, which costs more than the loss of any part.
const COARSE: usize = 7;

/// The probability of a class step by step.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    pub kind: CurveKind,
    pub order: CurveOrder,
    /// The share of the frame's cells that are deleted or inserted, and the mean probability of the
    /// class then; from none to all.
    pub points: Vec<(f64, f64)>,
}

const KINDS: [CurveKind; CURVE_KINDS] = [CurveKind::Deletion, CurveKind::Insertion];

/// The curves of each class, ordered by its map and at random.
pub(super) fn curves(
    steps: u32,
    maps: &[Vec<f64>],
    images: &EvaluationImages<'_>,
    network: &dyn Evaluated,
    go_on: &mut dyn FnMut(f64) -> bool,
) -> Option<Vec<Vec<Curve>>> {
    let each = steps as usize + 1;
    let device = images.device();
    let table = |maps: &mut dyn Iterator<Item = Vec<f64>>| {
        let turns: Vec<f32> = maps.flat_map(|map| turns(&map)).collect();
        Tensor::from_slice(&turns).view([-1, (GRID * GRID) as i64]).to_device(device)
    };
    let mut orders = vec![table(&mut maps.iter().cloned())];
    for draw in 0..RANDOM_ORDERS {
        let random = |class| random_map(images.seed(), class, draw);
        orders.push(table(&mut (0..maps.len()).map(random)));
    }
    // The number of cells deleted or inserted at each step.
    let changed: Vec<usize> =
        (0..each).map(|step| (step * GRID * GRID).div_ceil(steps as usize)).collect();
    let seen = |index: usize, batch: &Batch| {
        let (order, kind, step) = (index / (2 * each), index / each % 2, index % each);
        let turns = orders[order].index_select(0, &batch.classes);
        let turns = turns.gather(1, &batch.places.cells(), false);
        let changed = changed[step] as f64;
        let seen = match KINDS[kind] {
            CurveKind::Deletion => turns.ge(changed),
            CurveKind::Insertion => turns.lt(changed),
        };
        seen.to_kind(Kind::Float).view_as(&batch.places.x())
    };
    let laid = Laid { count: curve_predictions(steps), seen: &seen, parts: None };
    let answers = images.mean_probabilities(network, &laid, go_on)?;
    let shares: Vec<f64> =
        changed.iter().map(|cells| *cells as f64 / (GRID * GRID) as f64).collect();
    Some(answers.iter().map(|answers| of_class(answers, &shares)).collect())
}

/// The curves of one class from its probabilities: order by order, kind by kind, step by step.
fn of_class(answers: &[f64], shares: &[f64]) -> Vec<Curve> {
    let each = shares.len();
    let mut curves = Vec::new();
    for (order, orders) in [(CurveOrder::Map, 0..1), (CurveOrder::Random, 1..1 + RANDOM_ORDERS)] {
        for (place, kind) in KINDS.into_iter().enumerate() {
            let mean = |step: usize| {
                let of = |order: usize| answers[(order * KINDS.len() + place) * each + step];
                orders.clone().map(of).sum::<f64>() / orders.len() as f64
            };
            let points = shares.iter().enumerate().map(|(step, share)| (*share, mean(step)));
            curves.push(Curve { kind, order, points: points.collect() });
        }
    }
    curves
}

/// When each cell has its turn, from 0: the largest value first, of equal ones the first.
fn turns(map: &[f64]) -> Vec<f32> {
    let mut cells: Vec<usize> = (0..map.len()).collect();
    cells.sort_by(|a, b| map[*b].total_cmp(&map[*a]));
    let mut turns = vec![0.0; map.len()];
    for (turn, cell) in cells.into_iter().enumerate() {
        // Exact: there are some thousands.
        turns[cell] = turn as f32;
    }
    turns
}

/// A smooth random map.
fn random_map(seed: u64, class: usize, draw: usize) -> Vec<f64> {
    let index = [class as u64, draw as u64];
    let mut generator = random::generator(seed, "sensitivity order", &index);
    let grid: Vec<f32> = (0..COARSE * COARSE).map(|_| generator.random()).collect();
    let shift = (generator.random(), generator.random());
    values(&enlarged(&grid, COARSE, shift, &Places::of_cells(GRID)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_has_its_turn_first() {
        assert_eq!(turns(&[0.1, 0.7, -0.2, 0.7]), [2.0, 0.0, 3.0, 1.0]);
    }

    #[test]
    fn random_maps_differ_by_seed_class_and_draw_and_are_smooth() {
        let map = random_map(1, 2, 0);
        assert_eq!(map, random_map(1, 2, 0));
        for other in [random_map(2, 2, 0), random_map(1, 3, 0), random_map(1, 2, 1)] {
            assert_ne!(map, other);
        }
        let steps = map.windows(2).enumerate().filter(|(at, _)| (at + 1) % GRID != 0);
        let largest = steps.map(|(_, pair)| (pair[1] - pair[0]).abs()).fold(0.0, f64::max);
        assert!(largest < 0.25, "{largest}");
    }
}
