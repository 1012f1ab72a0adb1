//! The section `[model]`: the network that is trained, or the file of one that was trained elsewhere.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::error::{Place, Problem};
use super::network_files::{InputFacts, NetworkFacts, OutputFacts};
use super::reader::{Bounds, Section, read_float, read_integer};
use super::spec::{
    Color, DatasetSpec, LONGEST_SIDE, Layout, ModelSpec, OnnxInput, OnnxOutput, OnnxSpec,
    OutputScale, Settings, Standardise, VggSpec,
};
use super::tree::{Node, Value};
use crate::dataset::labels::Classes;
use crate::dataset::paths::expanded_path;
use crate::network::{self, Fit, TensorShape};

const MAX_BLOCKS: usize = 16;
pub(super) const MAX_CONVOLUTIONS: usize = 16;
pub(super) const MAX_WIDTH: i64 = 4096;
/// The most columns of a network's output.
pub(super) const MAX_COLUMNS: usize = 2000;
/// Means and deviations of networks' inputs lie far within it.
const PLAUSIBLE: f64 = 1e6;

/// Reads `[model]`, for pictures of the size that the data set has.
pub(crate) fn read(root: &Section<'_>, dataset: Option<&DatasetSpec>) -> Option<ModelSpec> {
    let section = root.section("model");
    let keys = section.keys()?;
    match keys.get("kind").and_then(Json::as_str)? {
        "onnx" => {
            check_standardise(root, dataset);
            Reader { section: &section, input: section.section("input"), dataset }
                .read(&keys)
                .map(ModelSpec::Onnx)
        }
        kind => {
            let kind = kind.to_owned();
            let mut keys = keys;
            read_common(&section, &mut keys);
            match kind.as_str() {
                "vgg" => read_vgg(&section, keys, dataset).map(ModelSpec::Vgg),
                "resnet" => section.typed(keys).map(ModelSpec::Resnet),
                _ => section.typed(keys).map(ModelSpec::MobilenetV2),
            }
        }
    }
}

/// A network from a file standardises its pictures itself.
fn check_standardise(root: &Section<'_>, dataset: Option<&DatasetSpec>) {
    if dataset.is_some_and(|dataset| dataset.standardise == Standardise::Imagenet) {
        let place = root.section("dataset").place_of("standardise");
        let title = "`dataset.standardise` has no effect on a network from a file";
        let help = "say what it takes in `model.input`: `mean` and `std`";
        root.problem(Problem::new(title, &place, "it takes its own").help(help));
    }
}

/// The keys of every network that is trained here: the hash of its file of weights beside the path, and the tensors that are
/// frozen.
fn read_common(section: &Section<'_>, keys: &mut serde_json::Map<String, Json>) {
    keys.remove("files");
    if let Some(path) = keys.get("weights").and_then(Json::as_str).map(str::to_owned) {
        let hash = section.section("files").node(&path).and_then(|node| match &node.value {
            Value::Table(facts) => match &facts.get("blake3")?.value {
                Value::Text(hash) => Some(hash.clone()),
                _ => None,
            },
            _ => None,
        });
        match hash {
            Some(hash) => keys.insert("weights".to_owned(), json!({"path": path, "hash": hash})),
            // What is wrong with the file is told where it is read.
            None => keys.remove("weights"),
        };
    }
    let mut freeze = Vec::new();
    for item in section.list("freeze") {
        match &item.value {
            Value::Text(beginning) if !beginning.is_empty() => freeze.push(json!(beginning)),
            _ => {
                let title = "`model.freeze` must be a list of beginnings of names";
                let label = format!("this is {}", item.type_name());
                let help = "as in `freeze = [\"conv1\", \"bn1\", \"layer1\"]`";
                section.problem(Problem::new(title, &item.place, label).help(help));
            }
        }
    }
    keys.insert("freeze".to_owned(), Json::Array(freeze));
}

/// Checks what is said of a network's tensors: those that are frozen, and, where the files may be `open`ed, those of its
/// file of weights. Returns what is to be said.
pub(super) fn check_tensors(root: &Section<'_>, settings: &Settings, open: bool) -> Vec<String> {
    let Settings { model, dataset, .. } = settings;
    let Some(common) = model.common() else { return Vec::new() };
    let tensors = model.tensors(dataset.channels, dataset.classes.len());
    let section = root.section("model");
    for beginning in &common.freeze {
        if !tensors.iter().any(|tensor| tensor.name.starts_with(beginning.as_str())) {
            let title = format!("`model.freeze`: no tensor's name begins with `{beginning}`");
            let firsts: BTreeSet<&str> =
                tensors.iter().filter_map(|tensor| tensor.name.split('.').next()).collect();
            let names: Vec<&str> = firsts.into_iter().collect();
            let place = section.place_of("freeze");
            let label = format!("of the network {}", network_words(model));
            let help = format!("the names begin with {}", names.join(", "));
            section.problem(Problem::new(title, &place, label).help(help));
        }
    }
    let is_frozen = |tensor: &TensorShape| common.freezes(&tensor.name);
    if tensors.iter().filter(|tensor| tensor.role.is_trainable()).all(is_frozen) {
        let title = "`model.freeze` leaves nothing to train";
        let place = section.place_of("freeze");
        section.problem(Problem::new(title, &place, "every tensor is frozen"));
    }
    let mut notes = Vec::new();
    if common.weights.is_none() && !common.freeze.is_empty() {
        notes.push(
            "what `model.freeze` names keeps random weights: there is no `model.weights`"
                .to_owned(),
        );
    }
    let Some(weights) = common.weights.as_ref().filter(|_| open) else { return notes };
    let place = section.place_of("weights");
    // That it can be read was seen when it was hashed.
    let file = expanded_path(&weights.path).map_err(|error| error.to_string());
    let header = file.and_then(|file| network::header(&file).map_err(|error| error.to_string()));
    let header = match header {
        Ok(header) => header,
        Err(why) => {
            section.problem(Problem::new("the weights cannot be used", &place, why));
            return notes;
        }
    };
    let fit = Fit::of(&tensors, &header);
    if !fit.is_whole() {
        let title = format!("the weights are not those of the network {}", network_words(model));
        section
            .problem(Problem::new(title, &place, fit.to_string()).help(cure(model, dataset, &fit)));
        return notes;
    }
    match fit.other_head {
        Some(0) => notes.push(format!(
            "{} has no dense layer: the network's is drawn at random",
            weights.path.display()
        )),
        Some(classes) => notes.push(format!(
            "the dense layer of {} has {classes} classes and not {}: the network's is drawn at random",
            weights.path.display(),
            dataset.classes.len()
        )),
        None => {}
    }
    notes
}

/// As the experiment file would say it.
pub(crate) fn network_words(model: &ModelSpec) -> String {
    match model {
        ModelSpec::Resnet(spec) => {
            format!("resnet, depth {}, stem {}", spec.depth.layers(), spec.stem.name())
        }
        ModelSpec::MobilenetV2(spec) => format!("mobilenet_v2, stem {}", spec.stem.name()),
        ModelSpec::Vgg(spec) => format!("vgg, blocks {:?}", spec.blocks),
        ModelSpec::Onnx(_) => "onnx".to_owned(),
    }
}

/// What makes weights fit, as far as their shapes tell.
fn cure(model: &ModelSpec, dataset: &DatasetSpec, fit: &Fit) -> String {
    let first = |shape: &[usize]| shape.get(1).copied().zip(shape.get(2).copied());
    let stem = fit.reshaped.iter().find(|(name, ..)| {
        matches!(name.as_str(), "conv1.weight" | "features.0.0.weight" | "blocks.0.0.conv.weight")
    });
    let Some((_, network, file)) = stem else {
        return "another kind, depth or blocks has these names and shapes, or the names have a prefix: strip it \
                before saving"
            .to_owned();
    };
    let (ours, theirs) = (first(network), first(file));
    if ours.map(|(channels, _)| channels) != theirs.map(|(channels, _)| channels) {
        let channels = theirs.map_or(3, |(channels, _)| channels);
        return format!(
            "they take {channels} channels, and the pictures have {}: set `dataset.channels = {channels}`, which \
             repeats grey pictures",
            dataset.channels
        );
    }
    match model {
        ModelSpec::Resnet(_) => {
            "set `model.stem` as the file has it: 7 × 7 is \"imagenet\", 3 × 3 \"small\""
        }
        _ => "set the layers as the file has them",
    }
    .to_owned()
}

fn read_vgg(
    section: &Section<'_>,
    mut keys: serde_json::Map<String, Json>,
    dataset: Option<&DatasetSpec>,
) -> Option<VggSpec> {
    let items = section.list("blocks").iter().enumerate();
    let blocks: Vec<Vec<i64>> =
        items.map(|(index, item)| read_block(section, index, item)).collect();
    let place = section.place_of("blocks");
    if blocks.is_empty() || blocks.len() > MAX_BLOCKS {
        let title = format!("`model.blocks` cannot have {} blocks", blocks.len());
        section.problem(Problem::new(title, &place, format!("must have 1 to {MAX_BLOCKS}")));
    } else if let Some(dataset) = dataset
        && let Some((pool, height, width)) =
            starved_pool(dataset.height, dataset.width, blocks.len() - 1)
    {
        let title = "`model.blocks` is too deep for the pictures";
        let label = format!(
            "only {height} × {width} pixels are left before pool {pool}, which takes 3 × 3"
        );
        let help = format!(
            "every block but the last divides the picture's sides by 3; {} × {} pixels allow {pool} blocks",
            dataset.height, dataset.width,
        );
        section.problem(Problem::new(title, &place, label).help(help));
    }
    keys.insert("blocks".to_owned(), json!(blocks));
    section.typed(keys)
}

/// The widths of one block's convolutions.
fn read_block(section: &Section<'_>, index: usize, item: &Node) -> Vec<i64> {
    let path = format!("model.blocks[{index}]");
    let Value::Array(widths) = &item.value else {
        let title = format!("`{path}` must be a list of widths");
        section.problem(
            Problem::new(title, &item.place, format!("this is {}", item.type_name())).help(
                "a block lists the width of each convolution, as in `blocks = [[64, 64], [96]]`",
            ),
        );
        return vec![1];
    };
    if widths.is_empty() || widths.len() > MAX_CONVOLUTIONS {
        let title = format!("`{path}` cannot have {} convolutions", widths.len());
        section.problem(
            Problem::new(title, &item.place, format!("must have 1 to {MAX_CONVOLUTIONS}"))
                .help("list the width of each convolution, as in `[64, 64]`"),
        );
    }
    let read = |(index, width)| {
        let path = format!("{path}[{index}]");
        read_integer(width, &path, 1, MAX_WIDTH, section.problems).unwrap_or(1)
    };
    widths.iter().enumerate().map(read).collect()
}

/// The first of `pools` (3 × 3, stride 3, no padding) that has less than 3 × 3 pixels, from 1, and what
/// it has.
fn starved_pool(
    mut height: usize,
    mut width: usize,
    pools: usize,
) -> Option<(usize, usize, usize)> {
    for pool in 1..=pools {
        if height < 3 || width < 3 {
            return Some((pool, height, width));
        }
        (height, width) = (height / 3, width / 3);
    }
    None
}

/// Reads what an experiment says of a network in a file, beside what the file itself says.
struct Reader<'a> {
    section: &'a Section<'a>,
    /// `[model.input]`.
    input: Section<'a>,
    dataset: Option<&'a DatasetSpec>,
}

impl Reader<'_> {
    fn read(&self, keys: &serde_json::Map<String, Json>) -> Option<OnnxSpec> {
        let path = keys.get("path").and_then(Json::as_str).filter(|path| !path.is_empty());
        let classes = self.classes();
        // What is wrong with the file itself is told where it is read.
        let facts = path.and_then(|path| self.facts(path));
        let input = facts.as_ref().and_then(|facts| self.input(facts, &keys["input"]));
        let output = facts.as_ref().zip(classes.as_ref()).and_then(|(facts, classes)| {
            let name = keys.get("output_name").and_then(Json::as_str);
            let scale = keys.get("output").and_then(Json::as_str);
            self.output(facts, classes, name, scale)
        });
        let (NetworkFacts { blake3, parameters, .. }, path) = facts.zip(path)?;
        Some(OnnxSpec {
            path: path.into(),
            hash: blake3,
            parameters,
            input: input?,
            output: output?,
            classes: classes?,
        })
    }

    fn problem(&self, key: &str, title: &str, label: impl Into<String>, help: impl Into<String>) {
        let place = self.section.place_of(key);
        self.section.problem(Problem::new(title, &place, label).help(help));
    }

    fn problem_of_input(&self, key: &str, title: &str, label: String, help: &str) {
        let place = self.input.place_of(key);
        self.section.problem(Problem::new(title, &place, label).help(help));
    }

    /// What the file says, as noted in `model.files` when it was read.
    fn facts(&self, path: &str) -> Option<NetworkFacts> {
        let files = self.section.section("files");
        let node = files.node(path)?;
        let facts = serde_json::from_value(node.to_json());
        facts
            .map_err(|error| {
                let title = format!("`model.files` does not describe `{path}`");
                let help = "leave `model.files` out: it is filled in from the network's file";
                let problem = Problem::new(title, &node.place, error.to_string());
                self.section.problem(problem.help(help));
            })
            .ok()
    }

    /// The columns, those of the data set's classes under the data set's names.
    fn classes(&self) -> Option<Vec<String>> {
        let Some(node) = self.section.node("classes") else {
            self.problem(
                "path",
                "`model.classes` is missing",
                "its file does not tell in which order it answers",
                "list what each column of the output stands for, as in `classes = [\"anger\", \"disgust\", \"fear\", \
                 \"happiness\", \"sadness\", \"surprise\", \"neutral\"]`; \"\" for a column that is no class",
            );
            return None;
        };
        let Value::Array(items) = &node.value else {
            let title = "`model.classes` must be a list of strings";
            let label = format!("this is {}", node.type_name());
            self.section.problem(Problem::new(title, &node.place, label));
            return None;
        };
        if items.len() < 2 || items.len() > MAX_COLUMNS {
            let title = "`model.classes` needs one name for each column of the output";
            let label = format!("this list has {}", items.len());
            let problem = Problem::new(title, &node.place, label);
            self.section.problem(problem.help(format!("2 to {MAX_COLUMNS}")));
            return None;
        }
        let chosen = &self.dataset?.classes;
        let known = Classes::unsaid(chosen);
        let mut classes: Vec<String> = Vec::new();
        for item in items {
            let Value::Text(name) = &item.value else {
                let title = "`model.classes` must be a list of strings";
                let label = format!("this is {}", item.type_name());
                self.section.problem(Problem::new(title, &item.place, label));
                return None;
            };
            let class = known.of(name);
            if !class.is_empty() && classes.iter().any(|other| other == class) {
                let title = format!("two columns of `model.classes` are `{class}`");
                let help = "each class has one column; \"\" stands for a column that is not used";
                let problem = Problem::new(title, &item.place, "already in the list");
                self.section.problem(problem.help(help));
                return None;
            }
            classes.push(class.to_owned());
        }
        let missing: Vec<&str> = chosen
            .iter()
            .map(String::as_str)
            .filter(|class| !classes.iter().any(|own| own == class))
            .collect();
        if let [first, ..] = missing[..] {
            let title = format!("the network has no column for the class `{first}`");
            let label = "the data set has it, and this list does not";
            let help = format!(
                "leave {} out of `dataset.classes`, or name the column as the data set does",
                missing.iter().map(|class| format!("`{class}`")).collect::<Vec<_>>().join(", ")
            );
            self.section.problem(Problem::new(title, &node.place, label).help(help));
            return None;
        }
        Some(classes)
    }

    fn input(&self, facts: &NetworkFacts, keys: &Json) -> Option<OnnxInput> {
        let [input @ InputFacts { element, shape, .. }] = &facts.inputs[..] else {
            let names: Vec<&str> = facts.inputs.iter().map(|input| input.name.as_str()).collect();
            self.problem(
                "path",
                "the network does not take one picture",
                format!("it has {} inputs: {}", names.len(), names.join(", ")),
                "export the part that takes a picture and gives the classes",
            );
            return None;
        };
        let bytes = element == "uint8";
        if !bytes && !["float32", "float16", "float64"].contains(&element.as_str()) {
            self.problem(
                "path",
                "the network does not take pictures in numbers that fer-lab can give",
                format!("its input is of type {element}"),
                "export it with an input of type float32, float16 or uint8",
            );
            return None;
        }
        if !shape.is_empty() && shape.len() != 4 {
            self.problem(
                "path",
                "the network does not take pictures",
                format!("its input has {} dimensions: {}", shape.len(), listed(shape)),
                "it must have four: pictures, channels, rows and columns, or channels last",
            );
            return None;
        }
        let at = |dimension: usize| shape.get(dimension).copied().filter(|length| *length > 0);
        let layout = self.layout(keys, input)?;
        let [channels, rows, columns] = match layout {
            Layout::Nchw => [1, 2, 3],
            Layout::Nhwc => [3, 1, 2],
        };
        let color = self.color(keys, at(channels))?;
        let size = self.size(at(rows), at(columns))?;
        let channels = color.channels();
        let (range, mean, std) = match bytes {
            true => self.of_bytes(keys, channels)?,
            false => self.scaling(keys, channels)?,
        };
        let dataset = self.dataset?;
        if dataset.channels > channels {
            let title = "the network takes grey pictures, and the data set gives colour";
            let place = self.section.place_of("path");
            let problem = Problem::new(title, &place, "of one channel");
            self.section.problem(problem.help("set `dataset.channels` to 1"));
            return None;
        }
        let batch = at(0).and_then(|batch| usize::try_from(batch).ok());
        Some(OnnxInput { color, layout, size, range, mean, std, batch })
    }

    fn layout(&self, keys: &Json, input: &InputFacts) -> Option<Layout> {
        let shape = &input.shape;
        let may_be_channels = |dimension: usize| {
            let length = shape.get(dimension).copied().unwrap_or(0);
            length <= 0 || length == 1 || length == 3
        };
        let (may_be_first, may_be_last) = (may_be_channels(1), may_be_channels(3));
        let told = input.pictures().map(|pictures| match pictures.channels_last {
            false => Layout::Nchw,
            true => Layout::Nhwc,
        });
        let said: Option<Layout> =
            keys.get("layout").and_then(|layout| serde_json::from_value(layout.clone()).ok());
        let possible = |layout| match layout {
            Layout::Nchw => may_be_first,
            Layout::Nhwc => may_be_last,
        };
        if let Some(said) = said {
            if !possible(said) {
                let title = format!("the network's layout cannot be {}", said.name());
                let label = format!("its input has the dimensions {}", listed(shape));
                self.problem_of_input("layout", &title, label, "leave it out: the file tells it");
                return None;
            }
            return Some(said);
        }
        if !may_be_first && !may_be_last {
            self.problem(
                "path",
                "the network does not take pictures of one or three channels",
                format!("its input has the dimensions {}", listed(shape)),
                "it must take grey or colour pictures",
            );
            return None;
        }
        if told.is_none() {
            let title = "`model.input.layout` is missing";
            let label = format!("its dimensions, {}, do not tell the layout", listed(shape));
            let help = "\"nchw\" for channels before rows and columns, as PyTorch has it; \"nhwc\" for channels last, as \
                        TensorFlow has it";
            self.problem_of_input("layout", title, label, help);
        }
        told
    }

    fn color(&self, keys: &Json, channels: Option<i64>) -> Option<Color> {
        let said: Option<Color> =
            keys.get("color").and_then(|color| serde_json::from_value(color.clone()).ok());
        match (said, channels) {
            (Some(said), Some(channels)) if said.channels() as i64 != channels => {
                let title = format!("the network's pictures cannot be {}", said.name());
                let label = format!("it takes {channels} channels");
                let help = "\"grey\" has one; \"rgb\" and \"bgr\" have three";
                self.problem_of_input("color", &title, label, help);
                None
            }
            (Some(said), _) => Some(said),
            (None, Some(1)) => Some(Color::Grey),
            (None, _) => {
                let title = "`model.input.color` is missing";
                let label =
                    "its file does not tell in which order it takes the channels".to_owned();
                let help = "\"rgb\", as Pillow, torchvision and Keras read pictures, or \"bgr\", as OpenCV reads them; \
                            \"grey\" where there is one channel";
                self.problem_of_input("color", title, label, help);
                None
            }
        }
    }

    fn size(&self, rows: Option<i64>, columns: Option<i64>) -> Option<[usize; 2]> {
        let DatasetSpec { height, width, .. } = *self.dataset?;
        let said = match self.input.node("size").map(|node| (node, &node.value)) {
            None => None,
            Some((_, Value::Array(sides))) if sides.len() == 2 => {
                let side = |place: usize| {
                    let path = format!("model.input.size[{place}]");
                    read_integer(&sides[place], &path, 1, LONGEST_SIDE as i64, self.input.problems)
                };
                Some([side(0)?, side(1)?])
            }
            Some((node, _)) => {
                let title = "`model.input.size` must be two numbers";
                let help = "height and width in pixels, as in `size = [112, 112]`";
                let problem = Problem::new(title, &node.place, "not two numbers");
                self.section.problem(problem.help(help));
                return None;
            }
        };
        let own = [rows, columns];
        let given = said.map_or([height as i64, width as i64], |said| said);
        let mut size = [0; 2];
        for (place, side) in size.iter_mut().enumerate() {
            let found = own[place].unwrap_or(given[place]);
            if said.is_some() && found != given[place] {
                let title = "`model.input.size` is not the network's";
                let label = format!("its file fixes {found} where this says {}", given[place]);
                self.problem_of_input("size", title, label, "leave it out: the file tells it");
                return None;
            }
            if found > LONGEST_SIDE as i64 {
                let label = format!("a side of {found} pixels");
                let help = format!("up to {LONGEST_SIDE} pixels");
                self.problem("path", "the network's pictures are too large", label, help);
                return None;
            }
            *side = found as usize;
        }
        Some(size)
    }

    /// Range, mean and standard deviation of an input of whole numbers: it takes pictures as they are.
    fn of_bytes(&self, keys: &Json, channels: usize) -> Option<(f64, Vec<f64>, Vec<f64>)> {
        let other_range = keys.get("range").and_then(Json::as_f64).filter(|range| *range != 255.0);
        let scaled = self.input.is_set("mean") || self.input.is_set("std");
        if other_range.is_none() && !scaled {
            return Some((255.0, vec![0.0; channels], vec![1.0; channels]));
        }
        let title = "this network takes pictures as bytes, which have no other scale";
        let key = if scaled { "mean" } else { "range" };
        let help = "leave `range`, `mean` and `std` out";
        self.problem_of_input(key, title, "its input is of type uint8".to_owned(), help);
        None
    }

    fn scaling(&self, keys: &Json, channels: usize) -> Option<(f64, Vec<f64>, Vec<f64>)> {
        let Some(range) = keys.get("range").and_then(Json::as_f64) else {
            if !self.input.is_set("range") {
                let title = "`model.input.range` is missing";
                let label = "its file does not tell how its pictures are scaled".to_owned();
                let help = "what white is before `mean` and `std`: 1.0 where values go from 0 to 1 (torchvision's \
                            ToTensor), 255.0 where they go to 255; with `mean` and `std` on the same scale";
                self.problem_of_input("range", title, label, help);
            }
            return None;
        };
        let mean =
            self.per_channel("mean", 0.0, Bounds::closed(-PLAUSIBLE, PLAUSIBLE), channels)?;
        let std = self.per_channel("std", 1.0, Bounds::above(0.0, PLAUSIBLE), channels)?;
        Some((range, mean, std))
    }

    /// A number for each channel; a single one is that of all.
    fn per_channel(
        &self,
        key: &str,
        default: f64,
        bounds: Bounds,
        channels: usize,
    ) -> Option<Vec<f64>> {
        let Some(node) = self.input.node(key) else { return Some(vec![default; channels]) };
        let path = format!("model.input.{key}");
        let numbers: Vec<f64> = match &node.value {
            Value::Array(items) => items
                .iter()
                .map(|item| read_float(item, &path, bounds, self.input.problems))
                .collect::<Option<_>>()?,
            _ => vec![read_float(node, &path, bounds, self.input.problems)?],
        };
        match numbers[..] {
            [one] => Some(vec![one; channels]),
            _ if numbers.len() == channels => Some(numbers),
            _ => {
                let title = format!("`{path}` must have one number, or one for each channel");
                let label = format!("{} for {channels} channels", numbers.len());
                let help =
                    "in the order of the network's channels, as in `mean = [0.485, 0.456, 0.406]`";
                self.problem_of_input(key, &title, label, help);
                None
            }
        }
    }

    fn output(
        &self,
        facts: &NetworkFacts,
        classes: &[String],
        name: Option<&str>,
        scale: Option<&str>,
    ) -> Option<OnnxOutput> {
        let output = self.find_output(facts, classes, name)?;
        let columns = output.shape.last().copied().filter(|columns| *columns > 0);
        if let Some(columns) = columns.filter(|columns| *columns != classes.len() as i64) {
            self.problem(
                "classes",
                "`model.classes` does not name every column of the output",
                format!(
                    "the output `{}` has {columns} columns, this list {}",
                    output.name,
                    classes.len()
                ),
                "name all columns in their order; \"\" for one that is no class",
            );
            return None;
        }
        let told = match output.ends.as_str() {
            "softmax" => Some(OutputScale::Probabilities),
            "linear" => Some(OutputScale::Logits),
            _ => None,
        };
        let said = match scale {
            Some("logits") => Some(OutputScale::Logits),
            Some(_) => Some(OutputScale::Probabilities),
            None => None,
        };
        let scale = match (said, told) {
            (Some(OutputScale::Logits), Some(OutputScale::Probabilities)) => {
                self.problem(
                    "output",
                    "the network's output is not logits",
                    "its last operator is a softmax",
                    "write `output = \"probabilities\"`, or leave it out: the file tells it",
                );
                return None;
            }
            (Some(said), _) => said,
            (None, Some(told)) => told,
            (None, None) => {
                self.problem(
                    "path",
                    "`model.output` is missing",
                    "the last operator of the network does not tell it",
                    "\"logits\", or \"probabilities\" where a softmax is inside",
                );
                return None;
            }
        };
        Some(OnnxOutput { name: output.name.clone(), scale })
    }

    fn find_output<'b>(
        &self,
        facts: &'b NetworkFacts,
        classes: &[String],
        name: Option<&str>,
    ) -> Option<&'b OutputFacts> {
        if let Some(name) = name {
            let found = facts.outputs.iter().find(|output| output.name == name);
            if found.is_none() {
                let names: Vec<&str> = facts.outputs.iter().map(|output| &*output.name).collect();
                let title = format!("the network has no output `{name}`");
                let help = format!("its outputs are: {}", names.join(", "));
                self.problem("output_name", &title, "not in the file", help);
            }
            return found;
        }
        let fits = |output: &&OutputFacts| output.shape.last() == Some(&(classes.len() as i64));
        let mut fitting = facts.outputs.iter().filter(fits);
        match (&facts.outputs[..], fitting.next(), fitting.next()) {
            ([only], ..) => Some(only),
            (_, Some(one), None) => Some(one),
            (outputs, ..) => {
                let told =
                    |output: &OutputFacts| format!("{} {}", output.name, listed(&output.shape));
                let told: Vec<String> = outputs.iter().map(told).collect();
                self.problem(
                    "path",
                    "`model.output_name` is missing",
                    format!("the network has {} outputs: {}", outputs.len(), told.join(", ")),
                    "say which of them has the classes",
                );
                None
            }
        }
    }
}

/// Dimensions in words; `?` for one that is not fixed.
fn listed(shape: &[i64]) -> String {
    let side = |side: &i64| if *side > 0 { side.to_string() } else { "?".to_owned() };
    format!("[{}]", shape.iter().map(side).collect::<Vec<_>>().join(", "))
}

/// What is to be said of a network that was trained elsewhere.
pub(super) fn notes(model: &ModelSpec, dataset: &DatasetSpec) -> Vec<String> {
    let ModelSpec::Onnx(spec) = model else { return Vec::new() };
    let mut notes = Vec::new();
    let is_used = |class: &&String| dataset.classes.contains(class);
    let others: Vec<&str> =
        spec.classes.iter().filter(|class| !is_used(class)).map(String::as_str).collect();
    let named: Vec<&str> = others.iter().copied().filter(|class| !class.is_empty()).collect();
    if !named.is_empty() {
        notes.push(format!(
            "the network also answers {}, which the data set does not have: its probabilities are those among the \
             data set's classes",
            named.join(", ")
        ));
    }
    let [height, width] = spec.input.size;
    if (height, width) != (dataset.height, dataset.width) {
        notes.push(format!(
            "pictures are masked at {} × {} pixels and then brought to the network's {height} × {width}; \
             `dataset.size = [{height}, {width}]` masks them at its own size",
            dataset.height, dataset.width
        ));
    }
    notes
}

/// A network that is not trained here takes no part in phases that train.
pub(super) fn check_phases(root: &Section<'_>, place: &Place) {
    let occlusion = root.section("occlusion");
    let title = "a network from a file is only evaluated";
    let help = "set `occlusion.phases` to [\"evaluate\"]: the other phases train networks";
    let place = if occlusion.is_set("phases") { &occlusion.place_of("phases") } else { place };
    root.problem(Problem::new(title, place, "these phases train").help(help));
}
