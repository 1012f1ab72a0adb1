//! The number of predictions that a sensitivity map needs.

use crate::experiment::{SensitivityMethod, SensitivitySpec};

/// The random orders whose mean curve is the map's baseline.
pub const RANDOM_ORDERS: usize = 3;

/// Deletion and insertion.
pub const CURVE_KINDS: usize = 2;

/// Two lengths that differ by less are one.
const NEAR: f64 = 1e-9;

/// The predictions per image: one per perturbation, one for the whole face, and those of the curves.
pub fn map_predictions(spec: &SensitivitySpec) -> usize {
    let perturbations = match spec.method {
        SensitivityMethod::Window { side, stride } => window_starts(side, stride).len().pow(2),
        SensitivityMethod::Rise { masks, .. } => masks as usize,
    };
    perturbations + 1 + curve_predictions(spec.steps)
}

/// The predictions per image for its curves.
pub fn curve_predictions(steps: u32) -> usize {
    (1 + RANDOM_ORDERS) * CURVE_KINDS * (steps as usize + 1)
}

/// The start positions of windows of a given side along the face frame, whose side is 1: a stride apart, the last one
/// flush with the end.
pub fn window_starts(side: f64, stride: f64) -> Vec<f64> {
    let last = 1.0 - side;
    let mut starts: Vec<f64> =
        (0..).map(|step| f64::from(step) * stride).take_while(|at| *at <= last + NEAR).collect();
    if starts.last().is_none_or(|end| *end < last - NEAR) {
        starts.push(last);
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_reach_from_edge_to_edge() {
        let near = |found: Vec<f64>, expected: &[f64]| {
            assert_eq!(found.len(), expected.len(), "{found:?}");
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
        };
        near(window_starts(0.5, 0.25), &[0.0, 0.25, 0.5]);
        near(window_starts(0.4, 0.4), &[0.0, 0.4, 0.6]);
        near(window_starts(1.0, 0.3), &[0.0]);
        assert_eq!(window_starts(0.2, 0.05).len(), 17);
    }

    #[test]
    fn predictions_are_counted_by_hand() {
        let of = |method| {
            let (images, fill) = (Some(1), crate::region::Fill::Mean);
            map_predictions(&SensitivitySpec { method, images, steps: 10, fill })
        };
        // 17 × 17 windows, the whole face, four orders with deletion and insertion in 11 states each.
        assert_eq!(of(SensitivityMethod::Window { side: 0.2, stride: 0.05 }), 289 + 1 + 88);
        assert_eq!(of(SensitivityMethod::Rise { masks: 500, cells: 7, keep: 0.5 }), 500 + 1 + 88);
    }
}
