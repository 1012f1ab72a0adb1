//! The schema's keys as one choice of kinds has them, and experiment files that probe each of them:
//! values at a limit and just beyond it, every word and one that is none, values of another type.

use std::fmt;
use std::fs;
use std::io::Write;

use fer_lab::experiment::{Settings, parse, schema};
use fer_lab::network::TensorShape;
use serde_json::{Value as Json, json};
use toml::{Table, Value};

/// One choice of every `kind`.
#[derive(Debug, Clone, Copy)]
pub struct Kinds {
    pub dataset: &'static str,
    pub model: &'static str,
    pub optimizer: &'static str,
    pub schedule: &'static str,
}

/// Every kind at least once.
pub const KINDS: [Kinds; 11] = [
    Kinds { dataset: "faces", model: "vgg", optimizer: "adam", schedule: "plateau" },
    Kinds { dataset: "ferplus", model: "vgg", optimizer: "adamw", schedule: "step" },
    Kinds { dataset: "rafdb", model: "vgg", optimizer: "sgd", schedule: "cosine" },
    Kinds { dataset: "folder", model: "vgg", optimizer: "adam", schedule: "one_cycle" },
    Kinds { dataset: "fer2013", model: "vgg", optimizer: "adam", schedule: "step" },
    Kinds { dataset: "ckplus", model: "vgg", optimizer: "sgd", schedule: "plateau" },
    Kinds { dataset: "table", model: "vgg", optimizer: "adamw", schedule: "constant" },
    Kinds { dataset: "faces", model: "vgg", optimizer: "sgd", schedule: "constant" },
    Kinds { dataset: "folder", model: "onnx", optimizer: "adam", schedule: "plateau" },
    Kinds { dataset: "folder", model: "resnet", optimizer: "sgd", schedule: "cosine" },
    Kinds { dataset: "folder", model: "mobilenet_v2", optimizer: "adamw", schedule: "cosine" },
];

/// What only makes sense with a network's file, which the schema cannot know.
const OF_FILES: [&str; 8] = [
    "model.path",
    "model.classes",
    "model.files",
    "model.output_name",
    "model.input.color",
    "model.input.layout",
    "model.input.size",
    "model.input.mean",
];

/// A value for a key that is about a network's file: right for the network of [`Kinds::file`].
fn of_file(path: &str) -> Option<Value> {
    Some(match path {
        "model.path" => network("bgr.onnx").into(),
        "model.classes" => COLUMNS.to_vec().into(),
        "model.files" => Table::new().into(),
        "model.output_name" => "linear".into(),
        "model.input.color" => "rgb".into(),
        "model.input.layout" => "nchw".into(),
        "model.input.size" => vec![16, 16].into(),
        "model.input.mean" | "model.input.std" => vec![0.5].into(),
        _ => return None,
    })
}

/// The columns of the networks in `tests/onnx`.
pub const COLUMNS: [&str; 5] = ["neutral", "happiness", "surprise", "sadness", "anger"];

/// A network in `tests/onnx`.
pub fn network(file: &str) -> String {
    format!("{}/tests/onnx/{file}", env!("CARGO_MANIFEST_DIR"))
}

/// A file of weights that fits the network of an experiment file: its header, and as many zeros as that says.
pub fn weights(file: &Table) -> String {
    let Settings { model, dataset, .. } = parse(&file.to_string(), "x.toml", &[]).unwrap().settings;
    let mut header = serde_json::Map::new();
    let mut end = 0;
    for TensorShape { name, shape, .. } in model.tensors(dataset.channels, dataset.classes.len()) {
        let start = end;
        end += 4 * shape.iter().product::<usize>();
        let facts = json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] });
        header.insert(name, facts);
    }
    let header = Json::Object(header).to_string();
    let hash = header.bytes().fold(0u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
    let path = format!("{}/{hash:x}.safetensors", env!("CARGO_TARGET_TMPDIR"));
    if !fs::exists(&path).unwrap() {
        // Under its name only once it is whole: other tests make it too.
        let mut file = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
        file.write_all(header.as_bytes()).unwrap();
        file.as_file().set_len((8 + header.len() + end) as u64).unwrap();
        file.persist(&path).unwrap();
    }
    path
}

/// The beginning of a name of a network's tensors.
pub fn beginning(model: &str) -> &'static str {
    match model {
        "resnet" => "layer1",
        "mobilenet_v2" => "features.1",
        _ => "blocks.0",
    }
}

/// Makes the network one from a file.
fn put_network(file: &mut Table) {
    put(file, "dataset.classes", COLUMNS.to_vec().into());
    put(file, "model", Table::new().into());
    put(file, "model.kind", "onnx".into());
    put(file, "model.path", network("bgr.onnx").into());
    put(file, "model.classes", COLUMNS.to_vec().into());
    put(file, "model.input.color", "rgb".into());
    put(file, "model.input.range", 255.0.into());
    put(file, "occlusion.phases", vec!["evaluate"].into());
}

/// A key of the schema.
#[derive(Debug, Clone)]
pub struct Key {
    /// Dotted.
    pub path: String,
    /// What the schema says of it under these kinds; `false` where it does not go with them.
    pub rule: Json,
}

impl Key {
    /// Whether it is a table with keys of its own.
    pub fn is_section(&self) -> bool {
        self.rule["type"] == "object"
            && !["dataset.labels", "model.files"].contains(&self.path.as_str())
    }
}

/// An experiment file that is right, or wrong in one place.
pub struct Probe {
    pub text: String,
    pub right: bool,
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:\n{}", if self.right { "right" } else { "wrong" }, self.text)
    }
}

impl Kinds {
    /// The smallest file with these kinds.
    pub fn file(self) -> Table {
        let mut file = Table::new();
        put(&mut file, "name", "x".into());
        put(&mut file, "dataset.kind", self.dataset.into());
        if self.dataset != "faces" {
            put(&mut file, "dataset.root", "data".into());
        }
        if self.dataset == "table" {
            put(&mut file, "dataset.table", "labels.csv".into());
        }
        match self.model {
            "onnx" => put_network(&mut file),
            kind => put(&mut file, "model.kind", kind.into()),
        }
        put(&mut file, "train.optimizer.kind", self.optimizer.into());
        put(&mut file, "schedule.kind", self.schedule.into());
        file
    }

    /// The same with every key that another one must stay within at its far end, so that only a key's own
    /// limits are met.
    fn roomy_file(self) -> Table {
        let mut file = self.file();
        put(&mut file, "train.batch_size", 1.into());
        put(&mut file, "train.epochs", 100_000.into());
        put(&mut file, "train.optimizer.learning_rate", 10.0.into());
        if self.model == "vgg" {
            put(&mut file, "model.blocks", vec![vec![1]].into());
        }
        put(&mut file, "occlusion.fills", vec!["constant"].into());
        put(&mut file, "sensitivity.methods", vec!["window", "rise"].into());
        put(&mut file, "sensitivity.window", 1.0.into());
        put(&mut file, "sensitivity.stride", 0.01.into());
        match self.dataset {
            "faces" => put(&mut file, "dataset.train", 1_000_000.into()),
            "ckplus" | "folder" | "table" => {
                put(&mut file, "dataset.val", 1e-300.into());
                put(&mut file, "dataset.test", 1e-300.into());
            }
            _ => {}
        }
        file
    }

    /// Every key under these kinds, tables included, in the schema's order.
    pub fn keys(self) -> Vec<Key> {
        let schema = serde_json::from_str(&schema()).unwrap();
        let mut keys = Vec::new();
        self.collect("", &schema, &mut keys);
        keys
    }

    fn collect(self, path: &str, rule: &Json, keys: &mut Vec<Key>) {
        let kind = match path {
            "dataset" => self.dataset,
            "model" => self.model,
            "train.optimizer" => self.optimizer,
            "schedule" => self.schedule,
            _ => "",
        };
        let narrower = rule["allOf"].as_array().into_iter().flatten();
        let narrower = narrower
            .filter(|case| case["if"]["properties"]["kind"]["const"] == kind)
            .map(|case| &case["then"]["properties"]);
        let narrower: Vec<&Json> = narrower.collect();
        assert_eq!(narrower.len(), usize::from(!kind.is_empty()), "{path}: {kind}");
        for (name, rule) in rule["properties"].as_object().unwrap() {
            let mut rule = rule.clone();
            match narrower.first().map(|narrower| &narrower[name]) {
                Some(Json::Object(more)) => rule.as_object_mut().unwrap().extend(more.clone()),
                Some(Json::Bool(false)) => rule = false.into(),
                Some(Json::Null) | None => {}
                Some(other) => panic!("{path}.{name}: {other}"),
            }
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            keys.push(Key { path: path.clone(), rule: rule.clone() });
            if rule["properties"].is_object() && path != "matrix" {
                self.collect(&path, &rule, keys);
            }
        }
    }

    /// Files that probe each key.
    pub fn probes(self) -> Vec<Probe> {
        let mut probes = Vec::new();
        // A file's own size and channels are met by other keys too: with it, only `[model]` is probed.
        let of_model = |key: &Key| self.model == "vgg" || key.path.starts_with("model");
        for Key { path, rule } in self.keys().into_iter().filter(of_model) {
            let mut probe = |value: Value, right: bool| {
                let mut file = self.roomy_file();
                make_room(&mut file, &path, &value);
                put(&mut file, &path, value);
                probes.push(Probe { text: file.to_string(), right });
            };
            if rule == false {
                probe(self.any_value(&path), false);
                continue;
            }
            if ["name", "base", "regions", "occlusion.regions", "matrix"].contains(&path.as_str()) {
                // Probed by hand.
                continue;
            }
            if path == "model.weights" || path == "model.freeze" {
                probe(self.of_trained(&path).unwrap(), true);
                probe(1.5.into(), false);
                probe(vec![1].into(), false);
                continue;
            }
            if OF_FILES.contains(&path.as_str()) || path == "model.input.std" {
                let right = of_file(&path).unwrap();
                probe(right, true);
                probe(1.5.into(), path == "model.input.mean" || path == "model.input.std");
                continue;
            }
            if rule["properties"].is_object() {
                probe("word".into(), false);
                let mut file = self.roomy_file();
                put(&mut file, &format!("{path}.zzz"), 1.into());
                probes.push(Probe { text: file.to_string(), right: false });
                continue;
            }
            if path == "model.name" {
                for (label, right) in [("ResNet-18 (ours)", true), ("a, b", false), ("", false)] {
                    probe(label.into(), right);
                }
            }
            values(&rule).into_iter().for_each(|(value, right)| probe(value, right));
        }
        probes
    }

    /// A value for a key whose values depend on the network that is trained.
    pub fn of_trained(self, path: &str) -> Option<Value> {
        match path {
            "model.weights" => Some(weights(&self.roomy_file()).into()),
            "model.freeze" => Some(vec![beginning(self.model)].into()),
            _ => None,
        }
    }

    /// A value of the type that a key has under some kinds.
    fn any_value(self, path: &str) -> Value {
        let everywhere = KINDS.iter().flat_map(|kinds| kinds.keys());
        let mut rules = everywhere.filter(|key| key.path == path && key.rule != false);
        let rule = rules.next().unwrap().rule;
        match rule["properties"].is_object() {
            true => Table::new().into(),
            false => of_file(path).unwrap_or_else(|| sample(&rule)),
        }
    }
}

/// Changes what would contradict a key's new value.
pub fn make_room(file: &mut Table, path: &str, value: &Value) {
    match (path, value.as_str().unwrap_or_default()) {
        ("dataset.kind", kind) => {
            put(file, "dataset", Table::new().into());
            if kind != "faces" {
                put(file, "dataset.root", "data".into());
            }
            if kind == "table" {
                put(file, "dataset.table", "labels.csv".into());
            }
        }
        ("model.kind", "onnx") => put_network(file),
        ("model.kind", _) => put(file, "model", Table::new().into()),
        // Where a file tells it, another file.
        ("model.path", path) if path.ends_with("fixed_batch.onnx") => put_grey(file, path),
        ("model.output_name", _) => put_grey(file, &network("fixed_batch.onnx")),
        ("model.input.layout", "nhwc") => put_grey(file, &network("nhwc.onnx")),
        ("model.input.size", _) if value.as_array().is_some() => {
            put_grey(file, &network("grey.onnx"))
        }
        ("dataset.standardise", "imagenet") => put(file, "dataset.channels", 3.into()),
        ("dataset.fit", "contour") => put(file, "dataset.landmarks", "points.csv".into()),
        ("dataset.val", "PublicTest") => put(file, "dataset.test", "PrivateTest".into()),
        ("dataset.test", "PrivateTest") => put(file, "dataset.val", "PublicTest".into()),
        ("dataset.val", "PrivateTest") => put(file, "dataset.test", "PublicTest".into()),
        ("dataset.test", "PublicTest") => put(file, "dataset.val", "PrivateTest".into()),
        ("train.target", "multi_target") => {
            put(file, "dataset", Table::new().into());
            put(file, "dataset.kind", "ferplus".into());
            put(file, "dataset.root", "data".into());
            put(file, "dataset.labels", "multi_target".into());
        }
        _ => {}
    }
}

/// Another network, of grey pictures.
fn put_grey(file: &mut Table, path: &str) {
    put(file, "model.path", path.into());
    put(file, "model.input", Table::new().into());
    put(file, "model.input.range", 1.0.into());
}

/// A value that is right for a key.
pub fn sample_of(key: &Key) -> Value {
    of_file(&key.path).unwrap_or_else(|| sample(&key.rule))
}

/// A value that a rule allows.
pub fn sample(rule: &Json) -> Value {
    let first = of_value(rule).into_iter().find(|(_, right)| *right);
    let default = rule.get("default").map(to_toml);
    default.or(first.map(|(value, _)| value)).unwrap_or_else(|| panic!("{rule}"))
}

/// Values of a key, each with whether its rule allows it.
pub fn values(rule: &Json) -> Vec<(Value, bool)> {
    match rule["items"]["enum"].is_array() || rule["items"]["type"] == "integer" {
        true => of_list(rule),
        false => of_value(rule),
    }
}

/// Values of a rule's type, each with whether the rule allows it.
fn of_value(rule: &Json) -> Vec<(Value, bool)> {
    if let Some(words) = rule["enum"].as_array() {
        let mut values: Vec<_> = words.iter().map(|word| (to_toml(word), true)).collect();
        match words[0] {
            Json::String(_) => values.push(("zzz".into(), false)),
            _ => values.extend(
                (-1..6_i64).filter(|n| !words.contains(&(*n).into())).map(|n| (n.into(), false)),
            ),
        }
        values.push((true.into(), false));
        return values;
    }
    let number = |key: &str| rule[key].as_f64();
    match rule["type"].as_str() {
        Some("integer") => {
            let low = rule["minimum"].as_i64().unwrap();
            let high = rule["maximum"].as_i64();
            let mut values = vec![(low, true), (low - 1, false), (high.unwrap_or(i64::MAX), true)];
            values.extend(high.map(|high| (high + 1, false)));
            let mut values: Vec<_> =
                values.into_iter().map(|(n, right)| (n.into(), right)).collect();
            values.extend([(1.5.into(), false), ("1".into(), false)]);
            values
        }
        Some("number") => {
            let limits = [
                number("minimum").map(|low| [(low, true), (low.next_down(), false)]),
                number("exclusiveMinimum").map(|low| [(low, false), (low.next_up(), true)]),
                number("maximum").map(|high| [(high, true), (high.next_up(), false)]),
                number("exclusiveMaximum").map(|high| [(high, false), (high.next_down(), true)]),
            ];
            assert_eq!(limits.iter().flatten().count(), 2, "a number has two limits: {rule}");
            let values = limits.into_iter().flatten().flatten();
            let mut values: Vec<_> = values.map(|(n, right)| (n.into(), right)).collect();
            values.push(("1".into(), false));
            values
        }
        Some("boolean") => [true.into(), false.into(), 1.into()]
            .map(|value: Value| (value.clone(), value.is_bool()))
            .to_vec(),
        // A label may have any words.
        Some("string") if rule["pattern"].is_string() && rule["default"].is_null() => {
            vec![("zzz".into(), true), (1.into(), false)]
        }
        Some("string") if rule["pattern"].is_string() => {
            vec![(to_toml(&rule["default"]), true), ("zzz zzz".into(), false), (1.into(), false)]
        }
        Some("string") => vec![("word".into(), true), (1.into(), false)],
        Some("object") if rule["additionalProperties"]["type"] == "string" => {
            let table = |value: Value| Value::from(Table::from_iter([("1".to_owned(), value)]));
            vec![(table("word".into()), true), (table(1.into()), false), ("word".into(), false)]
        }
        Some("array") => vec![("word".into(), false), (vec![Table::new()].into(), false)],
        // Words, or else lists whose length depends on the data.
        None if rule["anyOf"][0]["enum"].is_array() => {
            let mut values = of_value(&rule["anyOf"][0]);
            values.extend([(1.5.into(), false), (vec![1.5].into(), false)]);
            values
        }
        _ => panic!("no probe for {rule}"),
    }
}

/// Lists of values as the rule of a list's items has them.
fn of_list(rule: &Json) -> Vec<(Value, bool)> {
    let shortest = rule["minItems"].as_u64().unwrap_or(0) as usize;
    let others: Vec<Value> = match rule["default"].as_array() {
        Some(default) => default.iter().map(to_toml).collect(),
        None => Vec::new(),
    };
    let items = of_value(&rule["items"]);
    let lists = items.into_iter().map(|(value, right)| {
        // As many items as it takes, no two equal unless they may be.
        let distinct = rule["uniqueItems"] == true;
        let others = others.iter().filter(|other| !distinct || **other != value).cloned();
        let list: Vec<Value> =
            std::iter::once(value.clone()).chain(others.take(shortest.max(1) - 1)).collect();
        (Value::Array(list), right)
    });
    let mut lists: Vec<_> = lists.collect();
    lists.push(("word".into(), false));
    if shortest > 0 {
        lists.push((Value::Array(Vec::new()), false));
    }
    lists
}

/// Sets a dotted key.
pub fn put(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = table.entry(first).or_insert_with(|| Table::new().into());
            put(inner.as_table_mut().unwrap(), rest, value);
        }
    }
}

pub fn to_toml(value: &Json) -> Value {
    Value::try_from(value).unwrap_or_else(|error| panic!("{value}: {error}"))
}
