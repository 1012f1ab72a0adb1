//! What the files of networks say, noted in the experiment itself.
//!
//! An experiment whose network lies in a file depends on that file. What has to be known of it, its hash above all, is
//! read once, when the experiment is read, and stands from then on in `model.files`: a stored experiment is whole without
//! the file, and says which network it was. Of a file of weights that a training starts from only the hash is noted.
//!
//! A file may say in its metadata what its network takes and answers ([`said`](crate::onnx::said)), as those that `fer-lab
//! export` writes do. That stands in for keys of `[model]` that the experiment does not set.

use std::fs::File;

use serde::{Deserialize, Serialize};

use super::error::{Place, Problem};
use super::tree::{Node, Table, Value};
use crate::dataset::paths::expanded_path;
use crate::network;
use crate::onnx::said::SCALE;
use crate::onnx::{self, Ending, NetworkFiles, Pictures, Port, Said};

/// What a network's file says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NetworkFacts {
    /// Of the file and its files of weights, hexadecimal.
    pub blake3: String,
    pub parameters: u64,
    pub inputs: Vec<InputFacts>,
    pub outputs: Vec<OutputFacts>,
    pub quantised: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InputFacts {
    pub name: String,
    pub element: String,
    /// 0 for what is not fixed.
    pub shape: Vec<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutputFacts {
    pub name: String,
    pub shape: Vec<i64>,
    /// The last operator: `softmax`, `linear` or `other`.
    pub ends: String,
}

impl NetworkFacts {
    fn of(files: &NetworkFiles) -> NetworkFacts {
        let shape = |port: &Port| {
            port.shape.iter().map(|side| side.map_or(0, |side| side as i64)).collect()
        };
        let graph = &files.graph;
        NetworkFacts {
            blake3: files.hash.clone(),
            parameters: graph.parameters,
            inputs: graph
                .inputs
                .iter()
                .map(|port| InputFacts {
                    name: port.name.clone(),
                    element: port.element.name(),
                    shape: shape(port),
                })
                .collect(),
            outputs: graph
                .outputs
                .iter()
                .map(|(port, ending)| OutputFacts {
                    name: port.name.clone(),
                    shape: shape(port),
                    ends: match ending {
                        Ending::Softmax => "softmax",
                        Ending::Linear => "linear",
                        Ending::Other => "other",
                    }
                    .to_owned(),
                })
                .collect(),
            quantised: graph.quantised,
        }
    }

    /// Height and width, where they are fixed and as large as a data set's pictures must be, and channels, as far as the
    /// input's shape tells them.
    fn picture(&self) -> (Option<[u64; 2]>, Option<u64>) {
        let [input] = &self.inputs[..] else { return (None, None) };
        let Some(Pictures { channels, sides, .. }) = input.pictures() else { return (None, None) };
        let sides = sides[0].zip(sides[1]).map(|(rows, columns)| [rows, columns]);
        (sides.filter(|sides| sides.iter().all(|side| *side >= 8)), Some(channels))
    }
}

impl InputFacts {
    /// Its pictures, as far as its shape tells.
    pub fn pictures(&self) -> Option<Pictures> {
        let side = |side: &i64| u64::try_from(*side).ok().filter(|side| *side > 0);
        Pictures::of(&self.shape.iter().map(side).collect::<Vec<_>>())
    }
}

/// Notes what the networks' files say that the table names, and what follows from that and is not set. `closed`: no file is
/// opened, since the text is complete, and may come from anybody.
pub(super) fn settle(table: &mut Table, closed: bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(files) = in_table(table, &["model", "files"]).filter(|files| !files.is_table()) {
        let label = format!("this is {}", files.type_name());
        let problem = Problem::new("`model.files` must be a table", &files.place, label);
        return vec![problem.help("leave it out: it is filled in from the network's file")];
    }
    let mut facts: Vec<NetworkFacts> = Vec::new();
    let mut said: Vec<(Node, Said)> = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for (node, held) in named(table) {
        let Value::Text(path) = &node.value else { continue };
        if path.is_empty() || seen.contains(path) {
            continue;
        }
        seen.push(path.clone());
        let known = in_table(table, &["model", "files", path]).is_some();
        if closed {
            if !known {
                let title = format!("the stored experiment does not say what `{path}` holds");
                let help = "run the experiment again from its own file";
                problems.push(Problem::new(title, &node.place, "not read").help(help));
            }
            continue;
        }
        let (hash, json) = match held {
            Held::Network => match read(path) {
                Ok((read, also)) => {
                    let json = serde_json::to_value(&read).expect("numbers and texts");
                    let hash = read.blake3.clone();
                    facts.push(read);
                    said.push((node.clone(), also));
                    (hash, json)
                }
                Err(why) => {
                    problems.push(Problem::new("the network cannot be read", &node.place, why));
                    continue;
                }
            },
            Held::Weights => match hash_of_weights(path) {
                Ok(hash) => (hash.clone(), serde_json::json!({ "blake3": hash })),
                Err(why) => {
                    let why = format!("{path}: {why}");
                    problems.push(Problem::new("the weights cannot be used", &node.place, why));
                    continue;
                }
            },
        };
        if let Some(other) = pinned(table, path).filter(|other| *other != hash) {
            let title = format!("`{path}` is another file than `model.files` says");
            let label = format!("its hash is {hash}, and not {other}");
            let help = "leave `model.files` out to use the file as it is now";
            problems.push(Problem::new(title, &node.place, label).help(help));
        }
        note(table, path, &json, &node.place);
    }
    if !closed {
        if is_only_onnx(table) {
            problems.extend(fill_in_said(table, &said));
            fill_in(table, &facts);
        }
        fill_in_listed(table, &said);
    }
    problems
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// A whole network.
    Network,
    /// What one starts from that is trained here.
    Weights,
}

/// The nodes that name networks' files: in `[model]`, and in the values of `[matrix]`.
fn named(table: &Table) -> Vec<(Node, Held)> {
    let path_of = |model: &Table| match model.get("kind").map(|kind| kind.is_text("onnx")) {
        Some(true) => model.get("path").map(|path| (path.clone(), Held::Network)),
        _ => model.get("weights").map(|weights| (weights.clone(), Held::Weights)),
    };
    let mut named = Vec::new();
    let mut is_onnx = false;
    if let Some(Value::Table(model)) = table.get("model").map(|node| &node.value) {
        is_onnx = model.get("kind").is_some_and(|kind| kind.is_text("onnx"));
        named.extend(path_of(model));
    }
    let all = |values: &[Node], held| values.iter().map(move |node| (node.clone(), held)).collect();
    let Some(Value::Table(matrix)) = table.get("matrix").map(|node| &node.value) else {
        return named;
    };
    for entry in matrix.entries() {
        let Value::Array(values) = &entry.node.value else { continue };
        match entry.key.as_str() {
            "model.path" if is_onnx => named.extend::<Vec<_>>(all(values, Held::Network)),
            "model.weights" if !is_onnx => named.extend::<Vec<_>>(all(values, Held::Weights)),
            "model" => named.extend(values.iter().filter_map(|value| match &value.value {
                Value::Table(model) => path_of(model),
                _ => None,
            })),
            _ => {}
        }
    }
    named
}

fn read(path: &str) -> Result<(NetworkFacts, Said), String> {
    let place = expanded_path(path.as_ref()).map_err(|error| error.to_string())?;
    let files = NetworkFiles::read(&place).map_err(|error| error.to_string())?;
    let said = onnx::said(&files.graph).map_err(|error| format!("{}: {error}", place.display()))?;
    Ok((NetworkFacts::of(&files), said))
}

fn hash_of_weights(path: &str) -> Result<String, String> {
    let place = expanded_path(path.as_ref()).map_err(|error| error.to_string())?;
    network::header(&place).map_err(|error| error.to_string())?;
    let mut hasher = blake3::Hasher::new();
    let hashed = File::open(place).and_then(|file| hasher.update_reader(file).map(drop));
    hashed.map_err(|error| error.to_string())?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// The hash that `model.files` already gives.
fn pinned<'a>(table: &'a Table, path: &str) -> Option<&'a str> {
    match &in_table(table, &["model", "files", path, "blake3"])?.value {
        Value::Text(hash) => Some(hash),
        _ => None,
    }
}

fn in_table<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Node> {
    let (first, rest) = path.split_first()?;
    let node = table.get(first)?;
    match (&node.value, rest) {
        (_, []) => Some(node),
        (Value::Table(inner), rest) => in_table(inner, rest),
        _ => None,
    }
}

fn note(table: &mut Table, path: &str, facts: &serde_json::Value, place: &Place) {
    let of_path = Table::of_one(path, place, Node::of_json(facts, place));
    let node = Node { value: Value::Table(of_path), place: place.clone() };
    table.unite(Table::at_path("model.files", place, node));
}

/// Whether the only networks are from files.
fn is_only_onnx(table: &Table) -> bool {
    let is_onnx = in_table(table, &["model", "kind"]).is_some_and(|kind| kind.is_text("onnx"));
    let swept = match table.get("matrix").map(|node| &node.value) {
        Some(Value::Table(matrix)) => {
            matrix.get("model").is_some() || matrix.get("model.kind").is_some()
        }
        _ => false,
    };
    is_onnx && !swept
}

/// Sets keys of `[model]` that the experiment leaves open to what the files say of them. Where they say different things, the
/// key, which is that of all, has to be set.
fn fill_in_said(table: &mut Table, said: &[(Node, Said)]) -> Vec<Problem> {
    let Some(((first, of_first), others)) = said.split_first() else { return Vec::new() };
    let mut problems = Vec::new();
    let open = open_keys(of_first, &|key| is_given(table, key));
    for (key, value) in open {
        match others.iter().find(|(_, other)| other.get(key) != Some(value)) {
            None => {
                let node = Node::of_json(value, &first.place);
                table.unite(Table::at_path(key, &first.place, node));
            }
            // The shapes and the last operators tell these.
            Some(_) if ["model.input.layout", "model.output"].contains(&key) => {}
            Some((node, other)) => {
                let title = format!("the networks' files say different things of `{key}`");
                let other = other.get(key).map_or("nothing".to_owned(), ToString::to_string);
                let label = format!("this says {other}, and the first {value}");
                let help = "write them as networks with keys of their own, `model = [{ kind = \"onnx\", path = \"…\" }, …]` under \
                            `[matrix]`, or set the key for all";
                problems.push(Problem::new(title, &node.place, label).help(help));
            }
        }
    }
    problems
}

/// As [`fill_in_said`], in the networks that a sweep lists with keys of their own.
fn fill_in_listed(table: &mut Table, said: &[(Node, Said)]) {
    let base = table.clone();
    let Some(Value::Table(matrix)) = table.node_mut("matrix").map(|node| &mut node.value) else {
        return;
    };
    let Some(Value::Array(listed)) = matrix.node_mut("model").map(|node| &mut node.value) else {
        return;
    };
    for network in listed {
        let Value::Table(network) = &mut network.value else { continue };
        let Some(path) = network.get("path").filter(|path| !path.is_table()) else { continue };
        let Some((path, of_this)) = said.iter().find(|(other, _)| other.value == path.value) else {
            continue;
        };
        let own = Table::of_one(
            "model",
            &path.place,
            Node { value: Value::Table(network.clone()), place: path.place.clone() },
        );
        let open = open_keys(of_this, &|key| is_given(&own, key) || is_given(&base, key));
        for (key, value) in open {
            let key = key.trim_start_matches("model.");
            let node = Node::of_json(value, &path.place);
            network.unite(Table::at_path(key, &path.place, node));
        }
    }
}

/// What is said of keys that are not given. Who gives one number of a scale means no other of the file's.
fn open_keys<'a>(
    said: &'a Said,
    is_given: &dyn Fn(&str) -> bool,
) -> Vec<(&'static str, &'a serde_json::Value)> {
    let has_scale = SCALE.iter().any(|key| is_given(key));
    let is_settled = |key: &str| is_given(key) || (has_scale && SCALE.contains(&key));
    said.iter().map(|(key, value)| (*key, value)).filter(|(key, _)| !is_settled(key)).collect()
}

/// Whether the experiment gives a key, sweeps it, or has something else than a table on its way.
fn is_given(table: &Table, path: &str) -> bool {
    let keys: Vec<&str> = path.split('.').collect();
    let above = (1..keys.len()).filter_map(|end| in_table(table, &keys[..end]));
    let is_blocked = above.into_iter().any(|node| !node.is_table());
    is_blocked || in_table(table, &keys).is_some() || is_swept(table, path)
}

fn is_swept(table: &Table, path: &str) -> bool {
    match table.get("matrix").map(|node| &node.value) {
        Some(Value::Table(matrix)) => matrix.get(path).is_some(),
        _ => false,
    }
}

/// What follows from the files and is not set: the size of the pictures where all networks take the same, their channels,
/// and that the networks are evaluated.
fn fill_in(table: &mut Table, facts: &[NetworkFacts]) {
    let Some(place) = in_table(table, &["model", "kind"]).map(|kind| kind.place.clone()) else {
        return;
    };
    let mut set = |path: &str, json: serde_json::Value| {
        if !is_given(table, path) {
            table.unite(Table::at_path(path, &place, Node::of_json(&json, &place)));
        }
    };
    set("occlusion.phases", serde_json::json!(["evaluate"]));
    let pictures: Vec<(Option<[u64; 2]>, Option<u64>)> =
        facts.iter().map(NetworkFacts::picture).collect();
    let Some((sides, channels)) = pictures.first().copied() else { return };
    if let Some(sides) =
        sides.filter(|sides| pictures.iter().all(|(other, _)| *other == Some(*sides)))
    {
        set("dataset.size", serde_json::json!(sides));
    }
    if channels == Some(1) || pictures.iter().any(|(_, channels)| *channels == Some(1)) {
        set("dataset.channels", serde_json::json!(1));
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::experiment::{self, Color, Experiment, ModelSpec, OnnxSpec, OutputScale};
    use crate::onnx::{About, FloatPort, GraphWriter};

    /// Writes a network of two classes that says this of itself.
    fn write(folder: &tempfile::TempDir, name: &str, said: &[(&str, &str)]) -> PathBuf {
        let entry =
            |(key, value): &(&str, &str)| (format!("fer_lab.model.{key}"), (*value).to_owned());
        let metadata: Vec<(String, String)> = said.iter().map(entry).collect();
        let file = GraphWriter::default().finish(
            FloatPort { name: "x", sides: &[3, 16, 16] },
            FloatPort { name: "y", sides: &[2] },
            About { name, version: "1", metadata: &metadata },
        );
        let path = folder.path().join(name);
        std::fs::write(&path, file).unwrap();
        path
    }

    const SAID: [(&str, &str); 6] = [
        ("classes", "[\"sadness\", \"happiness\"]"),
        ("output", "\"logits\""),
        ("input.color", "\"bgr\""),
        ("input.range", "255"),
        ("input.mean", "[1, 2.5, 3]"),
        ("input.std", "[4, 5, 6]"),
    ];

    fn read(more: &str) -> Result<Experiment, String> {
        let text = format!(
            "name = \"x\"\n[dataset]\nkind = \"faces\"\nclasses = [\"happiness\", \"sadness\"]\nsize = [16, 16]\n\
             channels = 3\n{more}"
        );
        experiment::parse(&text, "x.toml", &[]).map_err(|errors| errors.to_string())
    }

    fn onnx(experiment: &Experiment) -> &OnnxSpec {
        match &experiment.settings.model {
            ModelSpec::Onnx(spec) => spec,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_file_says_stands_in_for_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = write(&folder, "a.onnx", &SAID);
        let model =
            |more: &str| read(&format!("[model]\nkind = \"onnx\"\npath = {path:?}\n{more}"));
        let read = model("").unwrap();
        let spec = onnx(&read);
        assert_eq!(spec.classes, ["sadness", "happiness"]);
        assert_eq!((spec.output.scale, spec.input.color), (OutputScale::Logits, Color::Bgr));
        assert_eq!(spec.input.range, 255.0);
        assert_eq!(
            (&spec.input.mean, &spec.input.std),
            (&vec![1.0, 2.5, 3.0], &vec![4.0, 5.0, 6.0])
        );
        // It is noted in the experiment, which stays whole without the file.
        let stored = experiment::parse_whole(&read.merged.replace("a.onnx", "gone.onnx"), "x");
        assert_eq!(onnx(&stored.unwrap()).input, spec.input);

        let own =
            model("classes = [\"happiness\", \"sadness\"]\ninput = { std = 2.0, range = 1.0 }");
        let own = own.unwrap();
        let spec = onnx(&own);
        assert_eq!(spec.classes, ["happiness", "sadness"]);
        // Who gives one number of a scale means no other of the file's.
        assert_eq!((&spec.input.mean, &spec.input.std), (&vec![0.0; 3], &vec![2.0; 3]));
        assert_eq!(spec.input.color, Color::Bgr);
        let errors = model("input = \"bgr\"").unwrap_err();
        assert!(errors.contains("`model.input` must be a table"), "{errors}");
        let errors = model("input = { std = 2.0 }").unwrap_err();
        assert!(errors.contains("`model.input.range` is missing"), "{errors}");
    }

    #[test]
    fn several_files_say_the_same_or_have_keys_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let [first, same] = ["a.onnx", "b.onnx"].map(|name| write(&folder, name, &SAID));
        let mut said = SAID;
        said[3].1 = "1.0";
        let other = write(&folder, "c.onnx", &said);
        let swept = |second: &PathBuf| {
            read(&format!(
                "[model]\nkind = \"onnx\"\npath = {first:?}\n[matrix]\n\"model.path\" = [{first:?}, {second:?}]\n"
            ))
        };
        assert_eq!(swept(&same).unwrap().cells.len(), 2);
        let errors = swept(&other).unwrap_err();
        assert!(
            errors.contains("the networks' files say different things of `model.input.range`"),
            "{errors}"
        );
        assert!(errors.contains("this says 1.0, and the first 255"), "{errors}");

        let listed =
            |path: &PathBuf, more: &str| format!("{{ kind = \"onnx\", path = {path:?}{more} }}");
        let read = read(&format!(
            "[occlusion]\nphases = [\"evaluate\"]\n[matrix]\nmodel = [{}, {}]\n",
            listed(&first, ""),
            listed(&other, ", input = { color = \"rgb\" }"),
        ))
        .unwrap();
        let inputs: Vec<(f64, Color)> = read
            .cells
            .iter()
            .map(|cell| match &cell.settings.model {
                ModelSpec::Onnx(spec) => (spec.input.range, spec.input.color),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(inputs, [(255.0, Color::Bgr), (1.0, Color::Rgb)]);
    }

    #[test]
    fn what_cannot_be_read_is_told_where_the_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = write(&folder, "a.onnx", &[("classes", "sadness, happiness")]);
        let errors = read(&format!("[model]\nkind = \"onnx\"\npath = {path:?}\n")).unwrap_err();
        assert!(errors.contains("its metadata says `sadness, happiness` for"), "{errors}");
        let path = write(&folder, "b.onnx", &[("classes", "7"), ("input.range", "\"x\"")]);
        let errors = read(&format!("[model]\nkind = \"onnx\"\npath = {path:?}\n")).unwrap_err();
        assert!(errors.contains("`model.classes` must be a list of strings"), "{errors}");
        assert!(errors.contains("`model.input.range` must be a number"), "{errors}");
    }
}
