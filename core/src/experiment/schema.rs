//! The JSON Schema of an experiment file, made of the [`table`](super::table).
//!
//! Editors' validators differ in what they pass over: every `if` and `then` says `additionalProperties`, and a
//! list that is not plain repeats its type beside an `allOf` (`findings/` has the cases).

use serde_json::{Map, Value as Json, json};

use super::keys::{self, Item, Key, Only, Takes, kinds, kinds_with, lines_of, names, rules};
use super::spec::LONGEST_SIDE;
use crate::region::Regions;
use crate::region::atlas::SET_WORDS;

/// The JSON Schema (draft 2020-12) of an experiment file, for editors: what can be said of one file
/// without the others that it is merged with.
pub fn schema() -> String {
    format!("{:#}\n", rules())
}

pub(super) fn build() -> Json {
    let mut whole = section("", "An experiment: a question and its complete definition");
    whole["properties"]["name"]["not"] = json!({ "const": super::decode::TRAININGS });
    let needed = |section: &str| -> Vec<&str> {
        let needed = |key: &&Key| key.needed.is_some() && key.only == Only::Always;
        lines_of(section).filter(needed).map(Key::name).collect()
    };
    // What only some kinds of data need.
    let of_kinds = lines_of("dataset").filter(|key| key.needed.is_some());
    let of_kinds: Vec<(&str, &[&str])> = of_kinds
        .filter_map(|key| match key.only {
            Only::Kinds(kinds) => Some((key.name(), kinds)),
            _ => None,
        })
        .collect();
    whole["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    whole["title"] = json!("fer-lab experiment");
    whole["required"] = json!(needed(""));
    // What a file need not say where it has a base that may say it.
    whole["if"] = json!({ "additionalProperties": true, "required": ["base"] });
    let mut dataset = json!({ "additionalProperties": true, "required": needed("dataset") });
    let refer = |(name, _): &(&str, &[&str])| json!({ "$ref": format!("#/$defs/needs_{name}") });
    dataset["allOf"] = of_kinds.iter().map(refer).collect();
    whole["else"] = when("dataset", dataset);
    whole["$defs"] = json!({
        "seven": { "enum": Regions::built_in_names() },
        "atlas": { "enum": Regions::aligned().names().collect::<Vec<_>>() },
        "region": { "anyOf": [
            { "$ref": "#/$defs/atlas" },
            { "type": "string", "pattern": "^[a-z0-9_]{1,64}$", "not": { "enum": SET_WORDS } },
        ] },
        "values": { "type": "array", "minItems": 1, "uniqueItems": true },
        "keys": { "type": "object", "additionalProperties": {
            "anyOf": [{ "$ref": "#/$defs/values" }, { "$ref": "#/$defs/keys" }],
        } },
    });
    for (name, kinds) in of_kinds {
        whole["$defs"][format!("needs_{name}")] = json!({
            "if": when("kind", json!({ "enum": kinds })),
            "then": { "additionalProperties": true, "required": [name] },
        });
    }
    whole
}

/// An `if` that holds where a key is there and is so.
fn when(key: &str, rule: Json) -> Json {
    json!({ "additionalProperties": true, "required": [key], "properties": { key: rule } })
}

fn section(path: &str, help: &str) -> Json {
    let properties: Map<String, Json> = names(path, None)
        .into_iter()
        .map(|name| (name.to_owned(), common(path, name).into()))
        .collect();
    let mut branches: Vec<Json> = kinds(path).iter().map(|(kind, _)| branch(path, kind)).collect();
    if path == "train.optimizer" {
        let then = json!({ "momentum": { "exclusiveMinimum": 0 } });
        branches.push(json!({
            "if": when("nesterov", json!({ "const": true })),
            "then": { "additionalProperties": true, "properties": then },
        }));
    }
    let mut rule = json!({
        "description": help,
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    if !branches.is_empty() {
        rule["allOf"] = branches.into();
    }
    if path == "seeds" {
        rule["not"] = json!({ "required": ["count", "list"] });
    }
    rule
}

/// What a section of one kind says beyond what all do.
fn branch(section: &str, kind: &str) -> Json {
    let mut properties = Map::new();
    for name in names(section, None) {
        let mut lines = lines_of(section).filter(|key| key.name() == name);
        let Some(key) = lines.find(|key| key.goes_with(Some(kind))) else {
            properties.insert(name.to_owned(), false.into());
            continue;
        };
        let common = common(section, name);
        let own = rule(key).into_iter().filter(|(word, rule)| common.get(word) != Some(rule));
        let own: Map<String, Json> = own.collect();
        if !own.is_empty() {
            properties.insert(name.to_owned(), own.into());
        }
    }
    json!({
        "if": when("kind", json!({ "const": kind })),
        "then": { "additionalProperties": true, "properties": properties },
    })
}

/// What all lines of a key say alike.
fn common(section: &str, name: &str) -> Map<String, Json> {
    let lines: Vec<&Key> = lines_of(section).filter(|key| key.name() == name).collect();
    let of_kinds = kinds_with(section, name);
    let mut told: Vec<String> = Vec::new();
    let mut common: Option<Map<String, Json>> = None;
    for key in &lines {
        let one = rule(key);
        common = Some(match common {
            None => one,
            Some(common) => shared(common, &one),
        });
        let help = description(key);
        if !told.contains(&help) {
            told.push(help);
        }
    }
    let mut common = common.unwrap_or_default();
    let told = match (&told[..], lines.first().map(|key| key.only)) {
        ([help], Some(Only::Kinds(_))) if of_kinds.len() < kinds(section).len() => {
            format!("{help} ({})", of_kinds.join(", "))
        }
        ([help], Some(only @ Only::With(..))) => format!("{help} ({only})"),
        ([help], _) => help.clone(),
        _ => {
            let each = lines.iter().map(|key| format!("{}: {}", key.only, description(key)));
            each.collect::<Vec<_>>().join("; ")
        }
    };
    common.insert("description".to_owned(), told.into());
    common
}

fn description(key: &Key) -> String {
    let meanings = match key.takes {
        Takes::Words(words) | Takes::List(Item::Words(words), ..) => {
            words.iter().any(|(_, meaning)| !meaning.is_empty())
        }
        Takes::Counts(_) => true,
        _ => false,
    };
    if meanings { format!("{}: {}", key.help, key.says()) } else { key.help.to_owned() }
}

/// What two rules say alike; several types where they differ in that.
fn shared(one: Map<String, Json>, other: &Map<String, Json>) -> Map<String, Json> {
    let alike = one.into_iter().filter_map(|(word, rule)| {
        let shared = match (rule, other.get(&word)?) {
            (rule, other) if rule == *other => rule,
            (Json::Object(rule), Json::Object(other)) => shared(rule, other).into(),
            (rule, other) if word == "type" => {
                let mut types = match rule {
                    Json::Array(types) => types,
                    rule => vec![rule],
                };
                if !types.contains(other) {
                    types.push(other.clone());
                }
                types.into()
            }
            _ => return None,
        };
        Some((word, shared))
    });
    alike.collect()
}

/// All that a line says of the key's value.
fn rule(key: &'static Key) -> Map<String, Json> {
    let item = |item: &Item| match *item {
        Item::Words(words) => of_words(words),
        Item::Integer(low, high) => integer(low, high),
    };
    let rule = match &key.takes {
        Takes::Text(form) => {
            let mut rule = json!({ "type": "string" });
            if !form.pattern.is_empty() {
                rule["pattern"] = form.pattern.into();
            }
            if form.least > 0 {
                rule["minLength"] = form.least.into();
            }
            if form.most < usize::MAX {
                rule["maxLength"] = form.most.into();
            }
            rule
        }
        Takes::Words(words) => of_words(words),
        Takes::Flag => json!({ "type": "boolean" }),
        Takes::Integer(low, high) => integer(*low, *high),
        Takes::Counts(counts) => {
            json!({ "enum": counts.iter().map(|(count, _)| *count).collect::<Vec<_>>() })
        }
        Takes::Number(bounds) => bounds.rule(),
        Takes::List(of, least, most) => {
            let mut rule = json!({ "type": "array", "uniqueItems": true, "items": item(of) });
            if *least > 0 {
                rule["minItems"] = (*least).into();
            }
            if *most < usize::MAX {
                rule["maxItems"] = (*most).into();
            }
            rule
        }
        Takes::Table => section(key.path, key.help),
        Takes::Own(_, rule) => rule(),
    };
    let mut rule = match rule {
        Json::Object(rule) => rule,
        _ => Map::new(),
    };
    if !key.is_section() || rule.get("description").is_none() {
        rule.insert("description".to_owned(), description(key).into());
    }
    if let Some(default) = key.default_node() {
        rule.insert("default".to_owned(), default.to_json());
    }
    rule
}

fn of_words(words: &[keys::Word]) -> Json {
    json!({ "type": "string", "enum": words.iter().map(|(word, _)| *word).collect::<Vec<_>>() })
}

fn integer(low: i64, high: i64) -> Json {
    match high {
        i64::MAX => json!({ "type": "integer", "minimum": low }),
        _ => json!({ "type": "integer", "minimum": low, "maximum": high }),
    }
}

pub(super) fn size() -> Json {
    let side = integer(8, LONGEST_SIDE as i64);
    json!({ "type": "array", "minItems": 2, "maxItems": 2, "items": side })
}

fn classes(item: Json) -> Json {
    let most = super::dataset::MAX_CLASSES;
    json!({ "type": "array", "minItems": 2, "maxItems": most, "uniqueItems": true, "items": item })
}

pub(super) fn seven() -> Json {
    classes(json!({ "type": "string", "enum": super::EMOTIONS }))
}

pub(super) fn eight() -> Json {
    classes(json!({ "type": "string", "enum": super::dataset::FERPLUS_CLASSES }))
}

pub(super) fn any_classes() -> Json {
    classes(json!({ "type": "string", "pattern": r"^[^./\\][^/\\]*$" }))
}

pub(super) fn labels() -> Json {
    json!({ "type": "object", "additionalProperties": { "type": "string" } })
}

pub(super) fn signal() -> Json {
    let seven = json!({ "$ref": "#/$defs/seven" });
    let pair = json!({
        "type": "array", "minItems": 2, "maxItems": 2, "uniqueItems": true, "items": seven
    });
    json!({ "type": "array", "uniqueItems": true, "items": { "anyOf": [seven, pair] } })
}

pub(super) fn blocks() -> Json {
    let width = integer(1, super::model::MAX_WIDTH);
    let most = super::model::MAX_CONVOLUTIONS;
    let block = json!({ "type": "array", "minItems": 1, "maxItems": most, "items": width });
    // More of them leave nothing of the largest picture.
    json!({ "type": "array", "minItems": 1, "maxItems": 7, "items": block })
}

pub(super) fn input_size() -> Json {
    let side = integer(1, LONGEST_SIDE as i64);
    json!({ "type": "array", "minItems": 2, "maxItems": 2, "items": side })
}

pub(super) fn columns() -> Json {
    let most = super::model::MAX_COLUMNS;
    json!({ "type": "array", "minItems": 2, "maxItems": most, "items": { "type": "string" } })
}

pub(super) fn beginnings() -> Json {
    json!({ "type": "array", "items": { "type": "string", "minLength": 1 } })
}

pub(super) fn class_weights() -> Json {
    let most = super::dataset::MAX_CLASSES;
    let weight = json!({ "type": "number", "minimum": 1e-6, "maximum": 1e6 });
    let list = json!({ "type": "array", "minItems": 2, "maxItems": most, "items": weight });
    json!({ "anyOf": [{ "enum": ["none", "balanced"] }, list] })
}

pub(super) fn per_channel() -> Json {
    let list =
        json!({ "type": "array", "minItems": 1, "maxItems": 3, "items": { "type": "number" } });
    json!({ "anyOf": [{ "type": "number" }, list] })
}

pub(super) fn files() -> Json {
    json!({ "type": "object", "additionalProperties": { "type": "object", "additionalProperties": true } })
}

pub(super) fn sets() -> Json {
    let region = json!({ "$ref": "#/$defs/region" });
    let set = json!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": region });
    let (most, items) = (super::study::MAX_SETS, json!({ "anyOf": [region, set] }));
    let list = json!({ "type": "array", "maxItems": most, "uniqueItems": true, "items": items });
    json!({ "anyOf": [{ "enum": SET_WORDS }, list] })
}

pub(super) fn regions() -> Json {
    let corner = json!({
        "description": "x and y, 0 to 1 from the top left",
        "type": "array", "minItems": 2, "maxItems": 2,
        "items": { "type": "number", "minimum": -0.5, "maximum": 1.5 },
    });
    let polygon = json!({ "type": "array", "minItems": 3, "maxItems": 1000, "items": corner });
    json!({
        "type": "object",
        "maxProperties": 200,
        "propertyNames": {
            "pattern": "^[a-z0-9_]{1,64}$",
            "not": { "anyOf": [{ "$ref": "#/$defs/atlas" }, { "enum": SET_WORDS }] },
        },
        "additionalProperties": { "anyOf": [
            { "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/region" } },
            { "description": "Polygons", "type": "array", "minItems": 1, "items": polygon },
        ] },
    })
}

/// Each key that can be swept under its path, and each section of them as tables or as keys again.
pub(super) fn matrix() -> Json {
    let mut properties = Map::new();
    for path in keys::paths() {
        let Some(key) = keys::find(path).filter(|key| key.can_be_swept()) else { continue };
        let items =
            json!({ "$ref": format!("#/properties/{}", path.replace('.', "/properties/")) });
        let mut rule = json!({ "allOf": [{ "$ref": "#/$defs/values" }], "items": items });
        if key.is_section() {
            let list =
                json!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": items });
            rule = json!({ "anyOf": [list, { "$ref": "#/$defs/keys" }] });
            let unswept = lines_of(path).filter(|key| !key.can_be_swept());
            let unswept: Map<String, Json> =
                unswept.map(|key| (key.name().to_owned(), false.into())).collect();
            if !unswept.is_empty() {
                rule["properties"] = unswept.into();
            }
        }
        properties.insert(path.to_owned(), rule);
    }
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}
