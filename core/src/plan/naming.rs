//! What a condition is called: as it is typed, as charts and tables label it, and within a sentence.
//!
//! One type for all three, so that a condition has one name wherever it is met. What a study has several of
//! is named, what goes without saying is not.

use std::collections::BTreeMap;

use crate::experiment::NETWORK_LABEL;
use crate::region::phrase::subject;
use crate::region::{FillKind, Masking, Mode, Phase};

/// It goes without saying, unless there are others.
const USUAL_FILL: FillKind = FillKind::Mean;

/// One choice of every swept key: dotted key → value as TOML text.
pub type Swept = BTreeMap<String, String>;

/// Phase, fill and swept settings.
pub type Choice<'a> = (Phase, FillKind, &'a Swept);

/// A condition, as far as its name goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConditionName<'a> {
    /// Sorted; empty for whole faces, and where nothing is visible.
    pub regions: &'a [String],
    /// `None` for whole faces.
    pub masking: Option<Masking>,
    pub control: bool,
    /// Which placement of a control this is, from 0.
    pub draw: Option<u32>,
    pub swept: &'a Swept,
}

impl<'a> ConditionName<'a> {
    /// Of regions that are masked, and no control.
    pub fn masked(regions: &'a [String], masking: Masking, swept: &'a Swept) -> ConditionName<'a> {
        ConditionName { regions, masking: Some(masking), control: false, draw: None, swept }
    }
}

/// What a study has several of, so that each is named where it is spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Several {
    pub phases: bool,
    pub fills: bool,
    pub settings: bool,
}

/// A phase in English, wherever it is spoken of.
#[derive(Debug, Clone, Copy)]
pub struct PhaseWords {
    /// After the label of masked regions, and of regions that alone are visible: `eyes masked at test time only`,
    /// `only eyes visible at test time`.
    pub labels: [&'static str; 2],
    /// After the same within a sentence: `masking the eyes at test time only`, `with only the eyes visible at test
    /// time`.
    pub masked: &'static str,
    pub visible: &'static str,
    /// After what a panel shows: `Region masked at test time; trained on whole faces`.
    pub panel: &'static str,
    /// Before a sentence about its networks: `for networks trained on whole faces, `.
    pub before: &'static str,
    /// What was trained, in a subtitle.
    pub networks: &'static str,
}

impl PhaseWords {
    pub fn of(phase: Phase) -> PhaseWords {
        match phase {
            Phase::Retrain => PhaseWords {
                labels: ["", ""],
                masked: " in training and at test time",
                visible: " in training and at test time",
                panel: " in training and at test time",
                before: "for retrained networks, ",
                networks: "networks retrained under each mask",
            },
            Phase::Evaluate => PhaseWords {
                labels: [" at test time only", " at test time"],
                masked: " at test time only",
                visible: " at test time",
                panel: " at test time; trained on whole faces",
                before: "for networks trained on whole faces, ",
                networks: "networks trained on whole faces",
            },
            Phase::Train => PhaseWords {
                labels: [" in training only", " in training"],
                masked: " in training only",
                visible: " in training",
                panel: " in training; tested on whole faces",
                before: "for networks that are tested on whole faces, ",
                networks: "masked in training only",
            },
            Phase::Amortised => PhaseWords {
                labels: [" (amortised)", " (amortised)"],
                masked: " (amortised: one network for all masks)",
                visible: " (amortised)",
                panel: "; one amortised network",
                before: "for the amortised network, ",
                networks: "one network trained under random masks (amortised)",
            },
            Phase::Tuned => PhaseWords {
                labels: [" (tuned)", " (tuned)"],
                masked: " (tuned: the amortised network, trained on under each mask)",
                visible: " (tuned)",
                panel: "; networks tuned from one amortised network",
                before: "for tuned networks, ",
                networks: "networks tuned from the amortised one",
            },
            Phase::Masks => PhaseWords {
                labels: ["", ""],
                masked: "",
                visible: "",
                panel: "",
                before: "",
                networks: "mask-only baseline",
            },
        }
    }
}

impl Several {
    /// Of the choices that occur.
    pub fn of<'a>(choices: impl Iterator<Item = Choice<'a>>) -> Several {
        let mut several = Several::default();
        let mut first: Option<Choice<'a>> = None;
        for (phase, fill, swept) in choices {
            let first = *first.get_or_insert((phase, fill, swept));
            several.phases |= phase != first.0;
            several.fills |= fill != first.1;
            several.settings |= swept != first.2;
        }
        several
    }

    /// Several of what either has several of.
    pub fn or(self, other: Several) -> Several {
        Several {
            phases: self.phases || other.phases,
            fills: self.fills || other.fills,
            settings: self.settings || other.settings,
        }
    }

    /// The same where the setting is said elsewhere, as in the subtitle of a chart that is of one.
    pub fn within_a_setting(self) -> Several {
        Several { settings: false, ..self }
    }

    /// The name that is typed: `whole`, `hide eyes + mouth (evaluate, noise), control 1, learning_rate =
    /// 0.01`. Two conditions of a study never share it.
    pub fn typed(self, name: ConditionName<'_>) -> String {
        let typed = match name.masking {
            None => "whole".to_owned(),
            Some(Masking { phase: Phase::Masks, .. }) => "masks alone".to_owned(),
            Some(Masking { mode, phase, fill }) => {
                let details = [(self.phases, phase.name()), (self.fills, fill.name())];
                let details: Vec<&str> = details
                    .into_iter()
                    .filter_map(|(several, detail)| several.then_some(detail))
                    .collect();
                let regions = named(name.regions);
                match details.is_empty() {
                    true => format!("{} {regions}", mode.name()),
                    false => format!("{} {regions} ({})", mode.name(), details.join(", ")),
                }
            }
        };
        typed + &control(name) + &typed_swept(name.swept)
    }

    /// In a few words, for charts and tables: `whole face`, `eyes masked`, `only brows + eyes visible at test
    /// time, noise, control 1, learning_rate 0.01`.
    pub fn label(self, name: ConditionName<'_>) -> String {
        let mut label = self.masked(name.regions, name.masking);
        label.push_str(&control(name));
        if self.settings && !name.swept.is_empty() {
            label.push_str(&format!(", {}", swept_words(name.swept)));
        }
        label
    }

    /// Within a sentence: `whole faces`, `masking the eyes at test time only`.
    pub fn sentence(self, name: ConditionName<'_>) -> String {
        let mut words = match name.masking {
            None => "whole faces".to_owned(),
            Some(Masking { phase: Phase::Masks, .. }) => "the mask-only baseline".to_owned(),
            Some(Masking { mode, phase, fill }) => {
                let (what, of) = match name.control {
                    true => (
                        "the same area elsewhere".to_owned(),
                        format!(" (control for {})", subject(name.regions).words),
                    ),
                    false => (subject(name.regions).words, String::new()),
                };
                let unsaid = phase == Phase::Retrain && !self.phases;
                let PhaseWords { masked, visible, .. } = PhaseWords::of(phase);
                let when = |words: &'static str| if unsaid { "" } else { words };
                let fill =
                    if self.fills { format!(" ({} fill)", fill.name()) } else { String::new() };
                match mode {
                    Mode::Hide => format!("masking {what}{}{fill}{of}", when(masked)),
                    Mode::Keep if name.regions.is_empty() => {
                        format!("leaving {NOTHING} visible{}{fill}", when(visible))
                    }
                    Mode::Keep => {
                        format!("leaving only {what} visible{}{fill}{of}", when(visible))
                    }
                }
            }
        };
        if self.settings && !name.swept.is_empty() {
            words.push_str(&format!(" with {}", swept_words(name.swept)));
        }
        words
    }

    /// What a part of a figure or table shows, and under which conditions: `Region masked in training and at test
    /// time; noise fill; learning_rate 0.01`.
    pub fn heading(self, what: &str, (phase, fill, swept): Choice<'_>) -> String {
        let mut heading = format!("{what}{}", PhaseWords::of(phase).panel);
        let choice = self.choice(fill, swept);
        if !choice.is_empty() {
            heading.push_str(&format!("; {}", choice.join("; ")));
        }
        heading
    }

    /// A chart's title that speaks of one fill or setting of several: `Masking the eyes costs most (mean fill,
    /// learning_rate 0.01)`.
    pub fn title(self, finding: String, fill: FillKind, swept: &Swept) -> String {
        let fill = if self.fills { fill } else { USUAL_FILL };
        match self.choice(fill, swept) {
            choice if choice.is_empty() => finding,
            choice => format!("{finding} ({})", choice.join(", ")),
        }
    }

    /// What of a fill and settings is to be named: `mean fill`, `learning_rate 0.01`.
    pub fn choice(self, fill: FillKind, swept: &Swept) -> Vec<String> {
        let mut choice = Vec::new();
        if self.fills || fill != USUAL_FILL {
            choice.push(format!("{} fill", fill.name()));
        }
        if self.settings && !swept.is_empty() {
            choice.push(swept_words(swept));
        }
        choice
    }

    /// What is usual (retrained; filled with the mean, where all are) goes without saying.
    fn masked(self, regions: &[String], masking: Option<Masking>) -> String {
        let Some(Masking { mode, phase, fill }) = masking else { return "whole face".to_owned() };
        if phase == Phase::Masks {
            return "mask-only baseline".to_owned();
        }
        let names = regions.join(" + ");
        let [masked, visible] = PhaseWords::of(phase).labels;
        let label = match mode {
            Mode::Hide => format!("{names} masked{masked}"),
            Mode::Keep if regions.is_empty() => format!("{NOTHING} visible{visible}"),
            Mode::Keep => format!("only {names} visible{visible}"),
        };
        match self.fills || fill != USUAL_FILL {
            true => format!("{label}, {}", fill.name()),
            false => label,
        }
    }
}

/// The typed name of regions that alone are visible where no condition of the experiment leaves just them: `keep eyes + mouth`, of neither phase
/// nor fill.
pub fn typed_seen(regions: &[&str], swept: &Swept) -> String {
    format!("{} {}{}", Mode::Keep.name(), named(regions), typed_swept(swept))
}

/// What is visible of no region.
const NOTHING: &str = "nothing";

fn named(regions: &[impl AsRef<str>]) -> String {
    match regions {
        [] => NOTHING.to_owned(),
        regions => {
            let names: Vec<&str> = regions.iter().map(AsRef::as_ref).collect();
            names.join(" + ")
        }
    }
}

/// `, learning_rate = 0.01`; `, ResNet-18` of a network that has a name.
fn typed_swept(swept: &Swept) -> String {
    let (label, others) = network_label(swept);
    let label = label.map(|label| format!(", {label}"));
    let others = others.map(|(key, value)| format!(", {} = {value}", shortest(key, swept)));
    label.into_iter().chain(others).collect()
}

/// Whether a swept key is one of the network's.
pub fn is_of_network(key: &str) -> bool {
    key.strip_prefix("model").is_some_and(|rest| rest.starts_with('.'))
}

/// A network's name where it has one, and the swept keys that are still to be said: with a name, not the
/// network's.
fn network_label(swept: &Swept) -> (Option<String>, impl Iterator<Item = (&String, &String)>) {
    let label = swept.get(NETWORK_LABEL).map(|label| value_words(label));
    let named = label.is_some();
    (label, swept.iter().filter(move |(key, _)| !(named && is_of_network(key))))
}

/// What each of several networks is called, no two alike as far as their swept keys differ: by its name; without one
/// by its file's, where no other is called so; else by what is swept of it, as `swept_words` has it.
pub fn network_names(settings: &[&Swept]) -> Vec<String> {
    let own = |swept: &&Swept| -> Swept {
        let own = swept.iter().filter(|(key, _)| is_of_network(key));
        own.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    let own: Vec<Swept> = settings.iter().map(own).collect();
    let short: Vec<String> = own
        .iter()
        .map(|swept| match (network_label(swept).0, swept.get("model.path")) {
            (Some(label), _) => label,
            (None, Some(path)) => file_stem(&value_words(path)),
            (None, None) => swept_words(swept),
        })
        .collect();
    let alone = |name: &String| short.iter().filter(|other| *other == name).count() == 1;
    let name = |(name, swept): (&String, &Swept)| match alone(name) {
        true => name.clone(),
        false => swept_words(swept),
    };
    short.iter().zip(&own).map(name).collect()
}

/// `resnet18` of `networks/resnet18.onnx`, whichever way its folders are parted.
fn file_stem(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
        _ => name.to_owned(),
    }
}

fn control(ConditionName { control, draw, .. }: ConditionName<'_>) -> String {
    match (control, draw) {
        (false, _) => String::new(),
        (true, None) => ", control".to_owned(),
        (true, Some(draw)) => format!(", control {}", draw + 1),
    }
}

/// `learning_rate 0.01, batch_size 64`: each swept key, as short as it is without doubt, and its value;
/// `classes fear + anger` of a list, `schedule step (every 10)` of a table that is swept with its kind, `ResNet-18` of
/// a network that has a name.
pub fn swept_words(swept: &Swept) -> String {
    let table_of = |key: &str| key.rsplit_once('.').map(|(table, _)| table.to_owned());
    let kind_of = |table: &str| swept.get(&format!("{table}.{KIND}"));
    let (label, others) = network_label(swept);
    let mut parts: Vec<String> = label.into_iter().collect();
    let mut tables: Vec<String> = Vec::new();
    for (key, value) in others {
        let table = table_of(key).filter(|table| kind_of(table).is_some());
        match table {
            None => parts.push(format!("{} {}", shortest(key, swept), value_words(value))),
            Some(table) if tables.contains(&table) => {}
            Some(table) => {
                parts.push(table_words(&table, swept));
                tables.push(table);
            }
        }
    }
    parts.join(", ")
}

/// The key of a table that says which of several it is.
const KIND: &str = "kind";

/// `schedule step (every 10, factor 0.1)`: a table whose kind is swept, with all that is swept of it.
fn table_words(table: &str, swept: &Swept) -> String {
    let own = |key: &str| {
        key.strip_prefix(table).and_then(|rest| rest.strip_prefix('.')).map(str::to_owned)
    };
    let (mut kind, mut others) = (String::new(), Vec::new());
    for (key, value) in swept {
        match own(key) {
            Some(name) if name == KIND => kind = value_words(value),
            Some(name) if !name.contains('.') => {
                others.push(format!("{name} {}", value_words(value)));
            }
            _ => {}
        }
    }
    let name = table.rsplit_once('.').map_or(table, |(_, name)| name);
    match others.is_empty() {
        true => format!("{name} {kind}"),
        false => format!("{name} {kind} ({})", others.join(", ")),
    }
}

/// A value of TOML as people write it: without quotes and brackets; `none` of an empty list.
fn value_words(value: &str) -> String {
    let plain = |text: &str| text.trim().trim_matches('"').to_owned();
    let list = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match list.filter(|inner| !inner.contains(['[', '{'])) {
        Some(inner) if inner.trim().is_empty() => "none".to_owned(),
        Some(inner) => inner.split(',').map(plain).collect::<Vec<_>>().join(" + "),
        None => plain(value),
    }
}

/// The shortest run of segments at the end of a dotted key that is the end of no other swept key.
fn shortest<'a>(key: &'a str, swept: &Swept) -> &'a str {
    let starts = key.rmatch_indices('.').map(|(dot, _)| dot + 1);
    let alone = |end: &str| {
        swept.keys().all(|other| {
            other.as_str() == key || !format!(".{other}").ends_with(&format!(".{end}"))
        })
    };
    starts.map(|start| &key[start..]).find(|end| alone(end)).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn swept(pairs: &[(&str, &str)]) -> Swept {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn nothing_seen_has_a_name_of_its_own() {
        let several = Several { phases: true, ..Several::default() };
        let masking = Masking { mode: Mode::Keep, phase: Phase::Evaluate, fill: FillKind::Mean };
        let (regions, swept) = (names(&[]), swept(&[]));
        let name = ConditionName::masked(&regions, masking, &swept);
        assert_eq!(several.typed(name), "keep nothing (evaluate)");
        assert_eq!(several.label(name), "nothing visible at test time");
        assert_eq!(several.sentence(name), "leaving nothing visible at test time");
    }

    #[test]
    fn one_condition_in_three_renderings() {
        let several = Several { phases: true, fills: false, settings: true };
        let (eyes, rate) = (names(&["eyes"]), swept(&[("train.epochs", "5")]));
        let masking = Masking { mode: Mode::Hide, phase: Phase::Evaluate, fill: FillKind::Mean };
        let name = ConditionName {
            regions: &eyes,
            masking: Some(masking),
            control: false,
            draw: None,
            swept: &rate,
        };
        assert_eq!(several.typed(name), "hide eyes (evaluate), epochs = 5");
        assert_eq!(several.label(name), "eyes masked at test time only, epochs 5");
        assert_eq!(several.sentence(name), "masking the eyes at test time only with epochs 5");
        let whole = ConditionName { regions: &[], masking: None, ..name };
        assert_eq!(several.typed(whole), "whole, epochs = 5");
        assert_eq!(several.label(whole), "whole face, epochs 5");
        assert_eq!(several.within_a_setting().sentence(whole), "whole faces");
        let kept = Masking { mode: Mode::Keep, phase: Phase::Retrain, fill: FillKind::Noise };
        let control = ConditionName { masking: Some(kept), control: true, draw: Some(0), ..name };
        assert_eq!(several.typed(control), "keep eyes (retrain), control 1, epochs = 5");
        assert_eq!(several.label(control), "only eyes visible, noise, control 1, epochs 5");
        assert_eq!(
            Several::default().sentence(control),
            "leaving only the same area elsewhere visible (control for the eyes)"
        );
    }

    #[test]
    fn settings_are_named_as_shortly_as_they_are_told_apart() {
        let rates = swept(&[
            ("schedule.warmup.rate", "0.1"),
            ("train.optimizer.rate", "0.01"),
            ("train.optimizer.kind", "\"adam\""),
            ("dataset.classes", "[\"fear\", \"anger\"]"),
        ]);
        assert_eq!(
            swept_words(&rates),
            "classes fear + anger, warmup.rate 0.1, optimizer adam (rate 0.01)"
        );
        assert_eq!(swept_words(&swept(&[("dataset.signal", "[]")])), "signal none");
        assert_eq!(swept_words(&swept(&[("model.blocks", "[[8], [16]]")])), "blocks [[8], [16]]");
        let steps = [("schedule.every", "1"), ("schedule.kind", "\"step\"")];
        assert_eq!(swept_words(&swept(&steps)), "schedule step (every 1)");
        assert_eq!(swept_words(&swept(&[("schedule.kind", "\"cosine\"")])), "schedule cosine");
    }

    #[test]
    fn a_network_is_called_by_its_name() {
        let named = swept(&[
            ("model.depth", "18"),
            ("model.input.range", "1.0"),
            ("model.kind", "\"resnet\""),
            ("model.name", "\"ResNet-18 (small stem)\""),
            ("train.epochs", "5"),
        ]);
        assert_eq!(swept_words(&named), "ResNet-18 (small stem), epochs 5");
        let whole = ConditionName {
            regions: &[],
            masking: None,
            control: false,
            draw: None,
            swept: &named,
        };
        let several = Several { settings: true, ..Several::default() };
        assert_eq!(several.typed(whole), "whole, ResNet-18 (small stem), epochs = 5");
        assert_eq!(several.label(whole), "whole face, ResNet-18 (small stem), epochs 5");
    }

    #[test]
    fn networks_have_names_that_tell_them_apart() {
        let names = |settings: &[&[(&str, &str)]]| {
            let settings: Vec<Swept> = settings.iter().map(|pairs| swept(pairs)).collect();
            network_names(&settings.iter().collect::<Vec<_>>())
        };
        let kind = ("model.kind", "\"resnet\"");
        let found = names(&[
            &[kind, ("model.depth", "18"), ("train.epochs", "5")],
            &[("model.kind", "\"vgg\""), ("train.epochs", "5")],
            &[kind, ("model.depth", "18"), ("model.name", "\"ours\"")],
        ]);
        assert_eq!(found, ["model resnet (depth 18)", "model vgg", "ours"]);
        let files = [("model.path", "\"a/one.onnx\""), ("model.path", "\"b\\\\two.fer.onnx\"")];
        assert_eq!(names(&[&files[..1], &files[1..]]), ["one", "two.fer"]);
        let alike = [("model.path", "\"a/net.onnx\""), ("model.path", "\"b/net.onnx\"")];
        assert_eq!(names(&[&alike[..1], &alike[1..]]), ["path a/net.onnx", "path b/net.onnx"]);
    }

    #[test]
    fn of_several_fills_each_is_named() {
        let (one, none) = (Several::default(), Swept::new());
        let several = Several { fills: true, ..one };
        assert_eq!(
            several.heading("Masked", (Phase::Evaluate, FillKind::Mean, &none)),
            "Masked at test time; trained on whole faces; mean fill"
        );
        let title = |several: Several| several.title("It costs".to_owned(), FillKind::Blur, &none);
        assert_eq!(title(several), "It costs (blur fill)");
        assert_eq!(title(one), "It costs");
    }
}
