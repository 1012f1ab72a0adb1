//! The section `[sensitivity]`: sensitivity maps of the trained networks.

use serde::Deserialize;

use crate::region::FillKind;

use super::error::Problem;
use super::reader::Section;
use super::spec::{SensitivityMethod, SensitivitySpec};

#[derive(Deserialize)]
struct Keys {
    methods: Vec<Method>,
    window: f64,
    stride: f64,
    masks: u32,
    cells: u32,
    keep: f64,
    images: u32,
    steps: u32,
    fill: FillKind,
    constant: f64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    Window,
    Rise,
}

/// Reads `[sensitivity]`: what each of its methods does. None without methods.
pub(crate) fn read(root: &Section<'_>) -> Option<Vec<SensitivitySpec>> {
    let section = root.section("sensitivity");
    let keys: Keys = section.read()?;
    let Keys { window: side, stride, masks, cells, keep, images, steps, .. } = keys;
    if stride > side {
        let title = "`sensitivity.stride` leaves gaps between the windows";
        let label = format!("must be at most `sensitivity.window`, which is {side}");
        section.problem(
            Problem::new(title, &section.place_of("stride"), label)
                .help("a quarter of the window is usual"),
        );
    }
    let specs = keys.methods.iter().map(|method| SensitivitySpec {
        method: match method {
            Method::Window => SensitivityMethod::Window { side, stride },
            Method::Rise => SensitivityMethod::Rise { masks, cells, keep },
        },
        images: (images > 0).then_some(images),
        steps,
        // No map is blurred.
        fill: keys.fill.with(keys.constant, 0.0),
    });
    Some(specs.collect())
}
