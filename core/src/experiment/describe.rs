//! An experiment as data, for who holds it against another.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::spec::{Experiment, SensitivityMethod, SensitivitySpec};
use crate::region::{Fill, Region};

impl Experiment {
    /// Settings as in a training's manifest, and what is asked: study, seeds, sweeps and regions of its
    /// own. Defaults are filled in; name and prose are left out.
    pub fn describe(&self) -> Value {
        let settings = &self.settings;
        let study = &self.occlusion;
        let fill = |fill: &Fill| match fill {
            Fill::Constant(grey) => format!("constant {grey}"),
            Fill::Blur(share) => format!("blur {share}"),
            other => other.name().to_owned(),
        };
        let mut matrix: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, value) in self.cells.iter().flat_map(|cell| &cell.swept) {
            let values = matrix.entry(key).or_default();
            if !values.contains(&value.as_str()) {
                values.push(value);
            }
        }
        let polygons = |region: &Region| -> Vec<Vec<[f64; 2]>> {
            let corners = region.polygons.iter().map(|polygon| polygon.points());
            corners.map(|points| points.iter().map(|point| [point.x, point.y]).collect()).collect()
        };
        let own: BTreeMap<&str, Vec<Vec<[f64; 2]>>> =
            self.regions.own().iter().map(|own| (own.name.as_str(), polygons(own))).collect();
        json!({
            "dataset": settings.dataset,
            "model": settings.model,
            "train": settings.train,
            "schedule": settings.schedule,
            "evaluate": self.evaluate,
            "occlusion": {
                "regions": study.sets,
                "modes": study.modes.iter().map(|mode| mode.name()).collect::<Vec<_>>(),
                "phases": study.phases.iter().map(|phase| phase.name()).collect::<Vec<_>>(),
                "fills": study.fills.iter().map(fill).collect::<Vec<_>>(),
                "controls": study.controls,
                "masks_alone": study.masks_alone,
            },
            "sensitivity": sensitivity(&self.sensitivity, &fill),
            "seeds": { "list": self.seeds },
            "matrix": matrix,
            "regions": own,
        })
    }
}

/// The section's keys again; those of methods that are not asked for are left out.
fn sensitivity(specs: &[SensitivitySpec], written: &dyn Fn(&Fill) -> String) -> Value {
    let methods: Vec<&str> = specs.iter().map(|spec| spec.method.name()).collect();
    let mut keys = Map::from_iter([("methods".to_owned(), json!(methods))]);
    for SensitivitySpec { method, images, steps, fill } in specs {
        let own = match method {
            SensitivityMethod::Window { side, stride } => {
                json!({ "window": side, "stride": stride })
            }
            SensitivityMethod::Rise { masks, cells, keep } => {
                json!({ "masks": masks, "cells": cells, "keep": keep })
            }
        };
        let shared =
            json!({ "images": images.unwrap_or(0), "steps": steps, "fill": written(fill) });
        for table in [own, shared] {
            keys.extend(table.as_object().cloned().unwrap_or_default());
        }
    }
    Value::Object(keys)
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    #[test]
    fn what_is_left_out_is_filled_in() {
        let describe = |more: &str| {
            let text = format!("name = \"a\"\n[dataset]\nkind = \"faces\"\n{more}");
            parse(&text, "a.toml", &[]).unwrap_or_else(|errors| panic!("{errors}")).describe()
        };
        let plain = describe("");
        assert_eq!(plain["dataset"]["source"]["kind"], "faces");
        let rate = &plain["train"]["optimizer"]["learning_rate"];
        let epochs = &plain["train"]["epochs"];
        let written = format!(
            "[train]\nepochs = {epochs}\noptimizer = {{ kind = \"adam\", learning_rate = {rate} }}\n"
        );
        assert_eq!(describe(&written), plain);
        let swept = describe(
            "[regions]\nupper = [\"eyes\", \"brows\"]\n[matrix]\n\"train.epochs\" = [3, 5]\n\
             [occlusion]\nregions = [\"upper\"]\nfills = [\"constant\"]\nconstant = 0.5\n",
        );
        assert_eq!(swept["matrix"]["train.epochs"], serde_json::json!(["3", "5"]));
        assert_eq!(swept["occlusion"]["fills"], serde_json::json!(["constant 0.5"]));
        assert!(swept["regions"]["upper"].is_array());
    }
}
