//! The `[dataset]` section.

use std::collections::BTreeMap;

use serde_json::json;

use crate::dataset::pattern::Pattern;
use crate::region::Regions;

use super::error::Problem;
use super::keys::Refusal;
use super::reader::{Section, read_integer};
use super::regions::atlas_listing;
use super::spec::{
    DatasetSpec, Duplicates, FerplusLabels, Fit, FolderSpec, LONGEST_SIDE, OnError, Shaping,
    Source, Standardise, TableSpec, Target, WithoutLandmarks,
};
use super::suggest;
use super::tree::{Node, Table, Value};

/// The seven emotions of the seed study, in its class order: the default, and all that `faces` and
/// RAF-DB have.
pub const EMOTIONS: [&str; 7] =
    ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"];

/// The emotions that FER+'s annotators chose from, in the order of its columns.
pub(super) const FERPLUS_CLASSES: [&str; 8] =
    ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"];

pub(super) const MAX_CLASSES: usize = 1_000;

/// Reads `[dataset]`; `None` if its kind is unknown, because no other key can be checked then.
pub(crate) fn read(root: &Section<'_>) -> Option<DatasetSpec> {
    let section = root.section("dataset");
    let mut keys = section.keys()?;
    let kind = keys.get("kind")?.as_str()?.to_owned();
    let (height, width) = read_size(&section);
    keys.insert("height".to_owned(), height.into());
    keys.insert("width".to_owned(), width.into());
    keys.insert("classes".to_owned(), read_classes(&section, &kind).into());
    if kind == "faces" {
        let (signal, together) = read_signal(&section);
        keys.insert("signal".to_owned(), signal.into());
        keys.insert("together".to_owned(), json!(together));
        keys.insert("without_landmarks".to_owned(), json!(WithoutLandmarks::Identity));
        keys.insert("on_error".to_owned(), json!(OnError::Stop));
        keys.insert("shape".to_owned(), json!(Shaping::Stretch));
        keys.insert("duplicates".to_owned(), json!(Duplicates::Keep));
        keys.insert("fit".to_owned(), json!(Fit::Similarity));
    }
    if ["folder", "table", "rafdb"].contains(&&*kind) {
        keys.insert("labels".to_owned(), json!(read_labels(&section)));
    }
    keys.insert("source".to_owned(), keys.clone().into());
    let spec: DatasetSpec = section.typed(keys)?;
    check_splits(&section, &spec.source);
    if spec.fit == Fit::Contour && spec.landmarks.is_none() {
        let title = "`dataset.fit = \"contour\"` has no points to follow";
        let help = "set `dataset.landmarks` to \"find\", or to a table of 68 points or more";
        let place = section.place_of("fit");
        section.problem(Problem::new(title, &place, "there are no landmarks").help(help));
    }
    Some(spec)
}

/// The splits of one data set share no image and leave some to train on.
fn check_splits(section: &Section<'_>, source: &Source) {
    let place = || section.place_of(if section.is_set("test") { "test" } else { "val" });
    match source {
        Source::Ferplus { val, test, .. } | Source::Fer2013 { val, test, .. } if val == test => {
            let title = "`dataset.val` and `dataset.test` are the same images";
            let help = "give one of them `PublicTest`, the other `PrivateTest`";
            section.problem(Problem::new(title, &place(), "this part is used twice").help(help));
        }
        Source::Ckplus { val, test, .. }
        | Source::Folder(FolderSpec { val, test, .. })
        | Source::Table(TableSpec { val, test, .. })
            if val + test >= 1.0 =>
        {
            let title = "`dataset.val` and `dataset.test` leave nothing to train on";
            let label = format!("together they are {}", val + test);
            section.problem(
                Problem::new(title, &place(), label)
                    .help("the two shares must add up to less than 1"),
            );
        }
        _ => {}
    }
}

pub(super) fn refuse_root(path: &str, root: &str) -> Option<Refusal> {
    let help = Some("`.` is the working folder".to_owned());
    root.is_empty().then(|| (format!("`{path}` is empty"), "not a folder".to_owned(), help))
}

pub(super) fn refuse_empty(path: &str, text: &str) -> Option<Refusal> {
    text.is_empty().then(|| (format!("`{path}` is empty"), "says nothing".to_owned(), None))
}

pub(super) fn refuse_pattern(path: &str, text: &str) -> Option<Refusal> {
    if text.is_empty() {
        return refuse_empty(path, text);
    }
    let help = "it is searched for in the pictures' paths under the root, as in `group = '([^/_]+)_[^/]*$'`";
    let why = Pattern::new(text).err()?;
    Some((format!("`{path}` is no pattern"), why, Some(help.to_owned())))
}

pub(super) fn refuse_landmarks(path: &str, table: &str) -> Option<Refusal> {
    let help = Some("leave it out where there is no table".to_owned());
    table.is_empty().then(|| (format!("`{path}` is empty"), "not a file".to_owned(), help))
}

fn read_size(section: &Section<'_>) -> (usize, usize) {
    /// Used for a wrong value: the default.
    const DEFAULT: (usize, usize) = (48, 48);
    let sides = section.list("size");
    let [height, width] = sides else {
        let title = "`dataset.size` must be two numbers";
        let label = format!("this list has {}", sides.len());
        section.problem(
            Problem::new(title, &section.place_of("size"), label)
                .help("height and width in pixels, as in `size = [48, 48]`"),
        );
        return DEFAULT;
    };
    let side = |node, path| {
        let longest = LONGEST_SIDE as i64;
        read_integer(node, path, 8, longest, section.problems).map(|side| side as usize)
    };
    match (side(height, "dataset.size[0]"), side(width, "dataset.size[1]")) {
        (Some(height), Some(width)) => (height, width),
        _ => DEFAULT,
    }
}

fn read_classes(section: &Section<'_>, kind: &str) -> Vec<String> {
    let items = section.list("classes");
    let known: &[&str] = match kind {
        "folder" | "table" => &[],
        "ferplus" | "ckplus" => &FERPLUS_CLASSES,
        _ => &EMOTIONS,
    };
    let classes = read_names(section, "classes", &items.iter().collect::<Vec<_>>(), |name| {
        if known.is_empty() {
            let foreign = |c: char| c.is_control() || c == '/' || c == '\\';
            let is_folder = !name.is_empty() && !name.contains(foreign) && !name.starts_with('.');
            return match is_folder {
                true => Ok(()),
                false => Err((
                    format!("the class `{name}` cannot be a folder's name"),
                    "each class is a folder of pictures".to_owned(),
                    None,
                )),
            };
        }
        match known.contains(&name) {
            true => Ok(()),
            false => Err((
                format!("unknown class `{name}`"),
                "these data do not have it".to_owned(),
                Some(suggest::help(name, "the classes are", known)),
            )),
        }
    });
    let place = section.place_of("classes");
    if items.len() < 2 {
        let title = "`dataset.classes` needs at least two classes";
        section.problem(Problem::new(title, &place, "a classifier needs two or more"));
    } else if items.len() > MAX_CLASSES {
        let title = format!("`dataset.classes` has more than {MAX_CLASSES} classes");
        section.problem(Problem::new(title, &place, format!("this list has {}", items.len())));
    }
    classes
}

/// Classes by label.
fn read_labels(section: &Section<'_>) -> BTreeMap<String, String> {
    let labels = section.section("labels");
    let mut said = BTreeMap::new();
    for entry in labels.table().map(Table::entries).unwrap_or_default() {
        match &entry.node.value {
            Value::Text(class) => {
                said.insert(entry.key.clone(), class.clone());
            }
            _ => section.problem(
                Problem::new(
                    format!("`dataset.labels.{}` must be a class", entry.key),
                    &entry.node.place,
                    format!("this is {}", entry.node.type_name()),
                )
                .help("as in `labels = { \"1\" = \"surprise\" }`"),
            ),
        }
    }
    said
}

/// The regions that carry the emotion by themselves, and those that do in pairs: lists in the list.
fn read_signal(section: &Section<'_>) -> (Vec<String>, Vec<[String; 2]>) {
    let regions = Regions::built_in_names();
    let items = section.list("signal");
    let mut nodes: Vec<&Node> = Vec::new();
    let mut paired: Vec<[&str; 2]> = Vec::new();
    for item in items {
        let Value::Array(pair) = &item.value else {
            nodes.push(item);
            continue;
        };
        nodes.extend(pair);
        let names: Vec<&str> = pair
            .iter()
            .filter_map(|node| match &node.value {
                Value::Text(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        match names[..] {
            [one, other] if pair.len() == 2 => paired.push([one, other]),
            _ => section.problem(
                Problem::new(
                    "a list in `dataset.signal` must hold two regions",
                    &item.place,
                    format!("this has {}", pair.len()),
                )
                .help("they carry the emotion together, while either alone carries nothing"),
            ),
        }
    }
    let mut signal = read_names(section, "signal", &nodes, |name| match regions.contains(&name) {
        true => Ok(()),
        false if Regions::aligned().get(name).is_some() => Err((
            format!("`{name}` cannot carry the emotion by itself"),
            "not one of the seven regions".to_owned(),
            Some(suggest::with_listing(name, regions, &atlas_listing())),
        )),
        false => Err((
            format!("unknown region `{name}`"),
            "not in the atlas `aligned`".to_owned(),
            Some(suggest::with_listing(name, regions, &atlas_listing())),
        )),
    });
    // The order has no effect, so it must not change the data set's id.
    let place = |name: &str| regions.iter().position(|region| *region == name);
    signal.sort_by_key(|name| place(name));
    signal.retain(|name| !paired.as_flattened().contains(&name.as_str()));
    paired.iter_mut().for_each(|pair| pair.sort_by_key(|name| place(name)));
    paired.sort_by_key(|[first, _]| place(first));
    (signal, paired.into_iter().map(|pair| pair.map(str::to_owned)).collect())
}

/// A list of different strings, each of which `check` accepts.
fn read_names(
    section: &Section<'_>,
    key: &str,
    items: &[&Node],
    check: impl Fn(&str) -> Result<(), Refusal>,
) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for item in items {
        let Value::Text(name) = &item.value else {
            let title = format!("`{}.{key}` must be a list of strings", section.path);
            let label = format!("this is {}", item.type_name());
            section.problem(Problem::new(title, &item.place, label));
            continue;
        };
        if let Err((title, label, help)) = check(name) {
            section.problem(Problem { help, ..Problem::new(title, &item.place, label) });
        } else if names.contains(name) {
            let title = format!("`{name}` stands twice in `{}.{key}`", section.path);
            let problem = Problem::new(title, &item.place, "already in the list");
            section.problem(problem.help("leave out one of the two"));
        } else {
            names.push(name.clone());
        }
    }
    names
}

/// ImageNet's means and deviations are those of three channels.
pub(crate) fn check_standardise(root: &Section<'_>, spec: &DatasetSpec) {
    if spec.standardise == Standardise::Imagenet && spec.channels != 3 {
        let dataset = root.section("dataset");
        let title = "`dataset.standardise = \"imagenet\"` needs three channels";
        let label = format!("the pictures have {}", spec.channels);
        let place = dataset.place_of("standardise");
        let problem = Problem::new(title, &place, label);
        dataset.problem(problem.help("set `dataset.channels = 3`, which repeats grey pictures"));
    }
}

/// Checks a training target against the labels of the data.
pub(crate) fn check_target(root: &Section<'_>, spec: &DatasetSpec, target: Target) {
    let several = matches!(spec.source, Source::Ferplus { labels: FerplusLabels::MultiTarget, .. });
    if target == Target::MultiTarget && !several {
        let train = root.section("train");
        let title = "`train.target = \"multi_target\"` needs labels with several correct classes";
        train.problem(Problem::new(title, &train.place_of("target"), "these labels do not").help(
            "use it with `dataset.kind = \"ferplus\"` and `dataset.labels = \"multi_target\"`",
        ));
    }
}
