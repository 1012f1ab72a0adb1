//! An experiment as data, to compare it with another.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::keys::{self, Decides, Only, Takes};
use super::reader::Section;
use super::spec::Experiment;
use super::tree::join;
use crate::region::Region;

impl Experiment {
    /// Settings as in a training's manifest, and the study: occlusions, seeds, sweeps and own regions.
    /// Defaults are filled in; name and prose are left out.
    pub fn describe(&self) -> Value {
        let settings = &self.settings;
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
        let mut described = json!({
            "dataset": settings.dataset,
            "model": settings.model,
            "train": settings.train,
            "schedule": settings.schedule,
            "evaluate": self.evaluate,
            "seeds": { "list": self.seeds },
            "matrix": matrix,
            "regions": own,
        });
        for (section, keys) in &self.asked {
            described[section] = keys.clone();
        }
        // A word such as "each" and the list that it stands for are the same.
        described["occlusion"]["regions"] = json!(self.occlusion.sets);
        described
    }
}

/// The keys of the study, for a valid file.
pub(super) fn asked(root: &Section<'_>) -> Map<String, Value> {
    let sections = keys::lines_of("").filter(|key| matches!(key.takes, Takes::Table));
    let asked = sections.filter(|key| matches!(key.decides, Decides::Study | Decides::Maps));
    let keys = asked.filter(|key| key.path != "seeds").filter_map(|key| {
        let mut values = root.section(key.path).keys()?;
        let all = values.clone();
        let nothing = all.get("methods").is_some_and(|methods| *methods == json!([]));
        values.retain(|name, _| match keys::find(&join(key.path, name)).map(|key| key.only) {
            Some(Only::With(other, word)) => all.get(other).is_some_and(|value| match value {
                Value::Array(words) => words.contains(&json!(word)),
                value => value == word,
            }),
            _ => !nothing || name == "methods",
        });
        Some((key.path.to_owned(), values.into()))
    });
    keys.collect()
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
        assert_eq!(swept["occlusion"]["fills"], serde_json::json!(["constant"]));
        assert_eq!(swept["occlusion"]["constant"], 0.5);
        assert!(
            plain["occlusion"].get("constant").is_none()
                && plain["sensitivity"].get("fill").is_none()
        );
        assert!(swept["regions"]["upper"].is_array());
    }
}
