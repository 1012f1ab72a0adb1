//! The `[dataset]` section.

use std::path::PathBuf;

use crate::region::Regions;

use super::error::Problem;
use super::reader::{Bounds, Section, read_integer};
use super::regions::atlas_listing;
use super::spec::{
    DatasetSpec, FacesSpec, FerUsage, FerplusLabels, LONGEST_SIDE, Source, Target, WithoutLandmarks,
};
use super::suggest;
use super::tree::{Node, Value};

/// The seven emotions of the seed study, in its class order: the default, and all that `faces` and
/// RAF-DB have.
pub const EMOTIONS: [&str; 7] =
    ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"];

/// What the taggers of FER+ could choose, in the order of its columns.
const FERPLUS_CLASSES: [&str; 8] =
    ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"];

const MAX_IMAGES: i64 = 1_000_000;
const MAX_CLASSES: usize = 1_000;

/// The kinds of data sets, as `dataset.kind` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Faces,
    Ferplus,
    Rafdb,
    Folder,
}

/// Each kind's word in the file.
pub const KINDS: [(&str, Kind); 4] = [
    ("faces", Kind::Faces),
    ("ferplus", Kind::Ferplus),
    ("rafdb", Kind::Rafdb),
    ("folder", Kind::Folder),
];

/// The keys that only some kinds have.
const BELONGS_TO: [(&str, &str); 12] = [
    ("root", "ferplus, rafdb, folder"),
    ("labels", "ferplus"),
    ("landmarks", "ferplus, rafdb, folder"),
    ("without_landmarks", "ferplus, rafdb, folder"),
    ("split_seed", "rafdb, folder"),
    ("train", "faces"),
    ("val", "faces, ferplus, rafdb, folder"),
    ("test", "faces, ferplus, folder"),
    ("seed", "faces"),
    ("signal", "faces"),
    ("identity", "faces"),
    ("nuisance", "faces"),
];

/// Reads `[dataset]`; `None` where its kind is not known, so that nothing else in it can be judged.
pub(crate) fn read(root: &Section<'_>) -> Option<DatasetSpec> {
    let section = root.section("dataset");
    if section.node("kind").is_none() {
        let title = "`dataset.kind` is missing";
        let help =
            "say which data, as in `kind = \"faces\"`; one of: faces, ferplus, rafdb, folder";
        section
            .problem(Problem::new(title, &section.place, "every experiment needs data").help(help));
        return None;
    }
    let kind = section.choice("kind", &KINDS.map(|(word, kind)| (word, Some(kind))), None)?;
    let (height, width) = read_size(&section);
    let grey = matches!(kind, Kind::Faces | Kind::Ferplus);
    let spec = DatasetSpec {
        height,
        width,
        channels: read_channels(&section, if grey { 1 } else { 3 }),
        classes: read_classes(&section, kind),
        landmarks: match kind {
            Kind::Faces => None,
            _ => read_landmarks(&section),
        },
        without_landmarks: match kind {
            Kind::Faces => WithoutLandmarks::Identity,
            _ => section.choice(
                "without_landmarks",
                &[("identity", WithoutLandmarks::Identity), ("skip", WithoutLandmarks::Skip)],
                WithoutLandmarks::Identity,
            ),
        },
        source: read_source(&section, kind),
    };
    section.finish(&BELONGS_TO);
    Some(spec)
}

fn read_source(section: &Section<'_>, kind: Kind) -> Source {
    let share = Bounds::open(0.0, 1.0);
    match kind {
        Kind::Faces => {
            let (signal, together) = read_signal(section);
            Source::Faces(FacesSpec {
                train: section.integer("train", 3500, 1, MAX_IMAGES) as usize,
                val: section.integer("val", 700, 1, MAX_IMAGES) as usize,
                test: section.integer("test", 1400, 1, MAX_IMAGES) as usize,
                seed: section.integer("seed", 0, 0, i64::MAX) as u64,
                signal,
                together,
                identity: section.float("identity", 1.0, Bounds::closed(0.0, 2.0)),
                nuisance: section.float("nuisance", 1.0, Bounds::closed(0.0, 2.0)),
            })
        }
        Kind::Ferplus => {
            let labels = [
                ("votes", FerplusLabels::Votes),
                ("majority", FerplusLabels::Majority),
                ("cross_entropy", FerplusLabels::CrossEntropy),
                ("probability", FerplusLabels::Probability),
                ("multi_target", FerplusLabels::MultiTarget),
            ];
            let usages =
                [("PublicTest", FerUsage::PublicTest), ("PrivateTest", FerUsage::PrivateTest)];
            let source = Source::Ferplus {
                root: read_root(section),
                labels: section.choice("labels", &labels, FerplusLabels::Votes),
                val: section.choice("val", &usages, FerUsage::PrivateTest),
                test: section.choice("test", &usages, FerUsage::PublicTest),
            };
            if let Source::Ferplus { val, test, .. } = &source
                && val == test
            {
                let key = if section.is_set("test") { "test" } else { "val" };
                let title = "`dataset.val` and `dataset.test` are the same images";
                let help = "give one of them `PublicTest`, the other `PrivateTest`";
                let label = "this part is used twice";
                section.problem(Problem::new(title, &section.place_of(key), label).help(help));
            }
            source
        }
        Kind::Rafdb => Source::Rafdb {
            root: read_root(section),
            val: section.float("val", 0.1, share),
            split_seed: section.integer("split_seed", 0, 0, i64::MAX) as u64,
        },
        Kind::Folder => {
            let val = section.float("val", 0.1, share);
            let test = section.float("test", 0.1, share);
            if val + test >= 1.0 {
                let title = "`dataset.val` and `dataset.test` leave nothing to train on";
                let label = format!("together they are {}", val + test);
                let key = if section.is_set("test") { "test" } else { "val" };
                section.problem(
                    Problem::new(title, &section.place_of(key), label)
                        .help("the two shares must add up to less than 1"),
                );
            }
            Source::Folder {
                root: read_root(section),
                val,
                test,
                split_seed: section.integer("split_seed", 0, 0, i64::MAX) as u64,
            }
        }
    }
}

fn read_root(section: &Section<'_>) -> PathBuf {
    if section.node("root").is_none() {
        let title = "`dataset.root` is missing";
        section.problem(
            Problem::new(title, &section.place_of("kind"), "data on disk need a folder")
                .help("add the folder that holds the data, as in `root = \"data/ferplus\"`"),
        );
        return PathBuf::new();
    }
    let root = section.text("root").unwrap_or_default();
    if root.is_empty() && section.is_text("root") {
        let problem =
            Problem::new("`dataset.root` is empty", &section.place_of("root"), "not a folder");
        section.problem(problem.help("`.` is the working folder"));
    }
    PathBuf::from(root)
}

fn read_landmarks(section: &Section<'_>) -> Option<PathBuf> {
    let table = section.text("landmarks")?;
    if table.is_empty() {
        let place = section.place_of("landmarks");
        let problem = Problem::new("`dataset.landmarks` is empty", &place, "not a file");
        section.problem(problem.help("leave it out where there is no table"));
    }
    Some(PathBuf::from(table))
}

fn read_size(section: &Section<'_>) -> (usize, usize) {
    const DEFAULT: (usize, usize) = (48, 48);
    let Some(sides) = section.list("size") else { return DEFAULT };
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

fn read_channels(section: &Section<'_>, default: usize) -> usize {
    let channels = section.integer("channels", default as i64, 1, 3);
    if channels == 2 {
        let label = "must be 1 (grey) or 3 (RGB)";
        let place = section.place_of("channels");
        section.problem(Problem::new("`dataset.channels` cannot be 2", &place, label));
    }
    channels as usize
}

fn read_classes(section: &Section<'_>, kind: Kind) -> Vec<String> {
    let default = || EMOTIONS.map(str::to_owned).to_vec();
    let Some(items) = section.list("classes") else { return default() };
    let known: &[&str] = match kind {
        Kind::Faces | Kind::Rafdb => &EMOTIONS,
        Kind::Ferplus => &FERPLUS_CLASSES,
        Kind::Folder => &[],
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
        section.problem(Problem::new(title, &place, "there is nothing to tell apart"));
    } else if items.len() > MAX_CLASSES {
        let title = format!("`dataset.classes` has more than {MAX_CLASSES} classes");
        section.problem(Problem::new(title, &place, format!("this list has {}", items.len())));
    }
    classes
}

/// The regions that carry the emotion by themselves, and those that do in pairs: lists in the list.
fn read_signal(section: &Section<'_>) -> (Vec<String>, Vec<[String; 2]>) {
    let regions = Regions::built_in_names();
    let Some(items) = section.list("signal") else {
        return (regions.map(str::to_owned).to_vec(), Vec::new());
    };
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
                .help("they carry the emotion together, while either alone says nothing"),
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
    // The order says nothing, so it must not make another data set.
    let place = |name: &str| regions.iter().position(|region| *region == name);
    signal.sort_by_key(|name| place(name));
    signal.retain(|name| !paired.as_flattened().contains(&name.as_str()));
    paired.iter_mut().for_each(|pair| pair.sort_by_key(|name| place(name)));
    paired.sort_by_key(|[first, _]| place(first));
    (signal, paired.into_iter().map(|pair| pair.map(str::to_owned)).collect())
}

/// Title, label and help of a name that will not do.
type Refusal = (String, String, Option<String>);

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

/// Checks a training target against the labels that the data have.
pub(crate) fn check_target(root: &Section<'_>, spec: &DatasetSpec, target: Target) {
    let several = matches!(spec.source, Source::Ferplus { labels: FerplusLabels::MultiTarget, .. });
    if target == Target::MultiTarget && !several {
        let train = root.section("train");
        let title =
            "`train.target = \"multi_target\"` needs labels that name several right classes";
        train.problem(Problem::new(title, &train.place_of("target"), "these labels do not").help(
            "use it with `dataset.kind = \"ferplus\"` and `dataset.labels = \"multi_target\"`",
        ));
    }
}
