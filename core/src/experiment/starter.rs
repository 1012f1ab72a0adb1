//! A starter experiment file: every key with its default, unit and range, from the
//! [`table`](super::table).

use super::keys::{Item, Key, Only, Takes, kinds, lines_of};

const INTRO: &str = "\
# An experiment of fer-lab: a question and its complete definition.
#
# A `#` right before a key shows a default: take it away and change the value.
# `##` shows what would go in its place, or beside it. From here:
#
#   fer-lab plan FILE       what would be trained, and how long it takes
#   fer-lab preview FILE    the images, whole and masked
#   fer-lab run FILE        train, evaluate, report
#
# Editors complete and check the keys (`fer-lab schema --help` says how).

";

/// A study that runs in minutes: the values written in place of defaults.
const STUDY: [(&str, &str); 13] = [
    ("question", "\"How much of the signal sits in the eyes?\""),
    (
        "analysis",
        "\"\"\"\nA small network is trained on whole faces, on faces whose eyes are masked, and\n\
         on faces of which only the eyes are visible.\n\"\"\"",
    ),
    ("model.blocks", "[[8], [24, 24], [48, 48]]"),
    ("model.batch_norm_momentum", "0.9"),
    ("train.epochs", "9"),
    ("train.optimizer.learning_rate", "0.01"),
    ("train.augment.rotate", "0.0"),
    ("train.augment.scale", "0.0"),
    ("schedule.kind", "\"one_cycle\""),
    ("occlusion.regions", "[\"eyes\"]"),
    ("occlusion.modes", "[\"hide\", \"keep\"]"),
    ("occlusion.phases", "[\"retrain\", \"evaluate\"]"),
    ("occlusion.controls", "2"),
];

/// Columns of a terminal.
const WIDTH: usize = 80;
/// Where a comment beside a key begins.
const BESIDE: usize = 28;

/// The text of an experiment file called `name` (an experiment's name: see [`is_name`](super::is_name))
/// on a kind of data set (of [`dataset_kinds`](super::dataset_kinds)), ready to run where the data are
/// built in. Lines that begin with `#` and a key hold defaults, those with `##` alternatives or optional
/// keys.
pub fn starter(name: &str, kind: &str) -> String {
    let name_of_data = if ["folder", "table"].contains(&kind) { "faces" } else { kind };
    let folder = format!("\"data/{name_of_data}\"");
    let data: &[(&str, &str)] = match kind {
        "faces" => &[("dataset.train", "2400"), ("dataset.nuisance", "0.5")],
        "table" => &[("dataset.root", &folder), ("dataset.table", "\"data/faces/labels.csv\"")],
        _ => &[("dataset.root", &folder)],
    };
    let (name, kind) = (format!("\"{name}\""), format!("\"{kind}\""));
    let own = [("name", &*name), ("dataset.kind", &*kind)];
    let written: Vec<(&str, &str)> = own.into_iter().chain(STUDY).chain(data.to_vec()).collect();
    let mut text = INTRO.to_owned();
    Starter { written: &written }.section("", &mut text);
    text
}

struct Starter<'a> {
    written: &'a [(&'a str, &'a str)],
}

impl Starter<'_> {
    fn written(&self, path: &str) -> Option<&str> {
        self.written.iter().find(|(key, _)| *key == path).map(|(_, value)| *value)
    }

    /// The keys of a section, then the sections in it.
    fn section(&self, path: &str, text: &mut String) {
        let kind_key = lines_of(path).find(|key| key.name() == "kind");
        let kind = kind_key.map(|key| self.written(key.path).unwrap_or(key.default));
        let kind = kind.map(|kind| kind.trim_matches('"'));
        let here = |key: &&Key| key.goes_with(kind);
        text.push('\n');
        if path.is_empty() {
            text.pop();
        }
        for key in lines_of(path).filter(here).filter(|key| !key.is_section()) {
            self.key(key, text);
        }
        let others =
            kinds(path).iter().map(|(other, _)| *other).filter(|other| Some(*other) != kind);
        for other in others.filter(|_| path != "dataset") {
            *text += &format!("\n##kind = \"{other}\"\n");
            for key in lines_of(path).filter(|key| key.goes_with(Some(other)) && !here(key)) {
                match (key.default, key.examples.first()) {
                    // What the program fills in itself.
                    ("", None) => {}
                    ("", Some(example)) => line("##", key, example, &comment(key), text),
                    (default, _) => line("##", key, default, &comment(key), text),
                }
            }
        }
        for section in lines_of(path).filter(here).filter(|key| key.is_section()) {
            text.push('\n');
            *text += &above(section.help);
            *text += &format!("[{}]", section.path);
            match section.takes {
                Takes::Table => self.section(section.path, text),
                _ => *text += &format!("\n##{}\n", section.examples.join("\n##")),
            }
        }
    }

    /// A key and its alternatives.
    fn key(&self, key: &Key, text: &mut String) {
        let comment = comment(key);
        let mut examples = key.examples.iter();
        match (self.written(key.path), key.default) {
            (Some(value), "" | r#""""#) => line("", key, value, &comment, text),
            (Some(value), default) => {
                line("", key, value, &format!("{comment} (default {default})"), text);
            }
            (None, "") => match examples.next() {
                Some(example) => line("##", key, example, &comment, text),
                // What the program fills in itself.
                None => return,
            },
            (None, default) => line("#", key, default, &comment, text),
        }
        for example in examples {
            line("##", key, example, "", text);
        }
    }
}

/// The comment of a key: its help and its accepted values.
fn comment(key: &Key) -> String {
    let says = key.says();
    let says = match key.takes {
        Takes::Flag => String::new(),
        Takes::Text(form) if form.pattern.is_empty() => String::new(),
        Takes::Words(_) | Takes::List(Item::Words(_), ..) | Takes::Counts(_) => format!(": {says}"),
        Takes::Own(..) if !key.examples.is_empty() => String::new(),
        _ => format!("; {says}"),
    };
    let only = match key.only {
        Only::With(_, word) => format!(" ({word})"),
        _ => String::new(),
    };
    format!("{}{only}{says}", key.help)
}

/// A key with its comment beside it, or above where there is no room.
fn line(sign: &str, key: &Key, value: &str, comment: &str, text: &mut String) {
    let setting = format!("{sign}{} = {value}", key.name());
    let beside = format!("{setting:<width$}  # {comment}", width = BESIDE - 2);
    if comment.is_empty() || setting.contains('\n') || beside.len() > WIDTH {
        *text += &above(comment);
        *text += &match setting.contains('\n') {
            true => setting,
            false => broken(&setting, ", ", ",\n#    "),
        };
    } else {
        *text += &beside;
    }
    text.push('\n');
}

fn above(comment: &str) -> String {
    match comment.is_empty() {
        true => String::new(),
        false => broken(&format!("# {comment}"), " ", "\n# ") + "\n",
    }
}

/// A text with some of its gaps replaced, so that its lines fit.
fn broken(text: &str, gap: &str, replaced: &str) -> String {
    let indent = replaced.len() - replaced.find('\n').map_or(0, |at| at + 1);
    let (mut broken, mut column) = (String::new(), 0);
    for (index, word) in text.split(gap).enumerate() {
        let room = column + gap.len() + word.len() < WIDTH;
        if index > 0 {
            broken += if room { gap } else { replaced };
            column = if room { column + gap.len() } else { indent };
        }
        broken += word;
        column += word.len();
    }
    broken
}
