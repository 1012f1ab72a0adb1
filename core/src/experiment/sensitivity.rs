//! The section `[sensitivity]`: maps of where on the face the trained networks look.

use crate::region::Fill;

use super::error::Problem;
use super::reader::{Bounds, Section, read_choice};
use super::spec::{SensitivityMethod, SensitivitySpec};
use super::study::twice;
use super::tree::join;

/// Every picture is answered once for each place of the window and once for each mask: these bounds keep
/// that at some thousands.
const SIDE: Bounds = Bounds::closed(0.02, 1.0);
const STRIDE: Bounds = Bounds::closed(0.01, 1.0);
const MAX_MASKS: i64 = 20_000;

/// Reads `[sensitivity]`: what each of its methods does. None without methods.
pub(crate) fn read(root: &Section<'_>) -> Vec<SensitivitySpec> {
    let section = root.section("sensitivity");
    let side = section.float("window", 0.2, SIDE);
    let stride = section.float("stride", 0.05, STRIDE);
    if stride > side {
        let title = "`sensitivity.stride` leaves gaps between the windows";
        let label = format!("must be at most `sensitivity.window`, which is {side}");
        section.problem(
            Problem::new(title, &section.place_of("stride"), label)
                .help("a quarter of the window is usual"),
        );
    }
    let masks = section.integer("masks", 500, 10, MAX_MASKS) as u32;
    let cells = section.integer("cells", 7, 2, 32) as u32;
    let keep = section.float("keep", 0.5, Bounds::closed(0.05, 0.95));
    let images = section.integer("images", 200, 0, 1_000_000) as u32;
    let steps = section.integer("steps", 20, 2, 200) as u32;
    let grey = section.float("constant", 0.0, Bounds::closed(0.0, 1.0));
    let fills = [("mean", Fill::Mean), ("constant", Fill::Constant(grey)), ("noise", Fill::Noise)];
    let fill = section.choice("fill", &fills, Fill::Mean);
    let methods = [
        ("window", SensitivityMethod::Window { side, stride }),
        ("rise", SensitivityMethod::Rise { masks, cells, keep }),
    ];
    let specs = read_methods(&section, &methods).into_iter().map(|method| SensitivitySpec {
        method,
        images: (images > 0).then_some(images),
        steps,
        fill,
    });
    let specs = specs.collect();
    section.finish(&[]);
    specs
}

fn read_methods(
    section: &Section<'_>,
    methods: &[(&str, SensitivityMethod)],
) -> Vec<SensitivityMethod> {
    let path = join(&section.path, "methods");
    let mut found: Vec<SensitivityMethod> = Vec::new();
    for item in section.list("methods").unwrap_or_default() {
        match read_choice(item, &path, methods, section.problems) {
            Some(method) if found.contains(&method) => section.problem(twice(item, &path)),
            Some(method) => found.push(method),
            None => {}
        }
    }
    found
}
