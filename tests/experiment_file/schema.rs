//! The JSON Schema says what the parser does: the same keys, words, limits and defaults.
//!
//! A widely used validator, Python's jsonschema, checks the schema (`PYTHON` names another
//! interpreter than `python3`); without it that test says so and passes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use fer_lab::experiment::{Experiment, dataset_kinds, parse, schema, starter};
use serde_json::Value as Json;
use toml::{Table, Value};

use super::probes::{KINDS, Key, Kinds, Probe, beginning, put, sample_of, to_toml, weights};

/// Files that no rule of a single key makes.
const RIGHT: [&str; 20] = [
    "",
    "[model]\nblocks = [[1], [2, 3]]",
    "[model]\nblocks = [[1], [1], [1], [1], [1], [1], [1]]\n[dataset]\nsize = [1024, 1024]",
    "[model]\nblocks = [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4096]]",
    "[train]\ndevice = \"cuda:12\"",
    "[train.optimizer]\nbeta1 = 0.5",
    "[regions]\nupper = [\"brows\", \"own\"]\nown = [[[-0.5, 0], [1.5, 0.0], [0.5, 1.5]]]",
    "[occlusion]\nregions = \"each\"",
    "[occlusion]\nregions = \"subsets\"",
    "[occlusion]\nregions = \"halves\"\nphases = [\"amortised\"]\nfills = [\"blur\", \"inpaint\"]\nblur = 0.2",
    "[occlusion]\nregions = [\"scarf\", [\"phone\", \"beanie\"]]\nfills = [\"object\", \"mean\"]",
    "[occlusion]\nregions = \"pairs\"",
    "[occlusion]\nregions = []",
    "[occlusion]\nregions = [\"eyes_left\", [\"jaw\", \"nose\"], \"own\"]\n[regions]\nown = [\"eyes\"]",
    "[seeds]\nlist = [0, 9223372036854775807]",
    "[matrix]\n\"train.epochs\" = [1, 2]\ntrain.optimizer.learning_rate = [0.1]",
    "[matrix]\n\"train.optimizer\" = [{ kind = \"adam\" }, { kind = \"sgd\", momentum = 0.5 }]",
    "[matrix]\n\"train.augment\".flip = [true, false]\nschedule = [{ kind = \"cosine\" }]",
    "[matrix]\n\"model.blocks\" = [[[8]], [[16], [16]]]",
    "[matrix]",
];
const WRONG: [&str; 36] = [
    "[model]\nblocks = []",
    "[model]\nblocks = [[]]",
    "[model]\nblocks = [[0]]",
    "[model]\nblocks = [[4097]]",
    "[model]\nblocks = [[1], [1], [1], [1], [1], [1], [1], [1]]\n[dataset]\nsize = [1024, 1024]",
    "[model]\nblocks = [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]]",
    "[dataset]\nsize = [48]",
    "[dataset]\nclasses = [\"fear\"]",
    "[dataset]\nclasses = [\"fear\", \"fear\"]",
    "[train]\ndevice = \"cuda:123\"",
    "[train.optimizer]\nkind = \"sgd\"\nmomentum = 0.0\nnesterov = true",
    "[regions]\neyes = [\"mouth\"]",
    "[regions]\njaw_left = [\"mouth\"]",
    "[regions]\neach = [\"mouth\"]",
    "[regions]\nUpper = [\"mouth\"]",
    "[regions]\nown = []",
    "[regions]\nown = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.2]]",
    "[regions]\nown = [[[-0.6, 0], [1.5, 0.0], [0.5, 1.5]]]",
    "[occlusion]\nregions = \"eyes\"",
    "[occlusion]\nregions = [[]]",
    "[occlusion]\nregions = [\"each\"]",
    "[occlusion]\nregions = [\"eyes\", \"eyes\"]",
    "[seeds]\ncount = 2\nlist = [1]",
    "[matrix]\n\"train.device\" = [\"cpu\"]",
    "[matrix]\n\"train.epochs\" = []",
    "[matrix]\n\"seeds.count\" = [1, 2]",
    "[matrix]\n\"sensitivity.masks\" = [100, 200]",
    "[matrix]\n\"train.epochs\" = [0]",
    "[matrix]\n\"train.epochs\" = [\"3\"]",
    "[matrix]\n\"schedule.kind\" = [\"cosines\"]",
    "[matrix]\n\"train.optimizer\" = [1]",
    "[matrix]\n\"train.optimizer\" = [{ kind = \"sgd\", beta1 = 0.5 }]",
    "[matrix]\n\"train.augment\" = [{ flips = true }]",
    "[matrix]\nschedule = [{ patience = 0 }]",
    "[matrix]\n\"evaluate.statistics\" = [\"tested\"]",
    "[train.optimizer]\nkind = \"sgd\"\nepsilon = 1e-7",
];

fn read(text: &str) -> Result<Experiment, String> {
    let read = parse(text, "x.toml", &[]).map_err(|errors| errors.to_string())?;
    // The file's own text tells a default that is written from one that is not.
    Ok(Experiment { merged: String::new(), ..read })
}

fn accepted(file: &Table) -> Experiment {
    read(&file.to_string()).unwrap_or_else(|errors| panic!("{errors}"))
}

/// The words that the parser lists under a mistake: `the keys here are: a, b`.
fn listed(file: &Table, intro: &str) -> BTreeSet<String> {
    let errors = read(&file.to_string()).unwrap_err();
    let (_, listing) = errors.split_once(intro).unwrap_or_else(|| panic!("{errors}"));
    listing.lines().next().unwrap().split(", ").map(str::to_owned).collect()
}

/// Every file that probes the schema.
pub fn probes() -> Vec<Probe> {
    let of_keys = KINDS.iter().flat_map(|kinds| kinds.probes());
    let by_hand = RIGHT.map(|text| (text, true)).into_iter().chain(WRONG.map(|text| (text, false)));
    let by_hand = by_hand.map(|(text, right)| {
        // A text that opens `[dataset]` itself goes on with the one that every file has.
        let text = match text.split_once("[dataset]\n") {
            Some((before, dataset)) => format!("{dataset}\n{before}"),
            None => text.to_owned(),
        };
        Probe { text: format!("name = \"x\"\n[dataset]\nkind = \"faces\"\n{text}\n"), right }
    });
    let whole = [
        ("", false),
        ("name = \"x\"", false),
        ("name = \"x\"\n[dataset]\nsize = [8, 8]", false),
        ("name = \"x\"\n[dataset]\nkind = \"ferplus\"", false),
        ("name = \"x\"\n[dataset]\nkind = \"table\"\nroot = \"data\"", false),
        ("[dataset]\nkind = \"faces\"", false),
        ("name = \"trainings\"\n[dataset]\nkind = \"faces\"", false),
        ("name = \"a b\"\n[dataset]\nkind = \"faces\"", false),
        ("name = 1\n[dataset]\nkind = \"faces\"", false),
        ("name = \"x\"\nbase = 1\n[dataset]\nkind = \"faces\"", false),
        ("name = \"x\"\nzzz = 1\n[dataset]\nkind = \"faces\"", false),
    ];
    let whole = whole.map(|(text, right)| Probe { text: text.to_owned(), right });
    of_keys.chain(by_hand).chain(whole).collect()
}

#[test]
fn the_parser_has_the_keys_of_the_schema_and_no_others() {
    for kinds in KINDS {
        let mut sections: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for key in kinds.keys() {
            let (section, name) = key.path.rsplit_once('.').unwrap_or(("", &key.path));
            if key.rule != false {
                sections.entry(section.to_owned()).or_default().insert(name.to_owned());
            }
        }
        let sections_of_model = if kinds.model == "onnx" { 2 } else { 1 };
        assert_eq!(sections.len(), 10 + sections_of_model, "{sections:?}");
        for (section, keys) in sections {
            let mut file = kinds.file();
            let unknown = if section.is_empty() { "zzz".into() } else { format!("{section}.zzz") };
            put(&mut file, &unknown, 1.into());
            assert_eq!(listed(&file, "he keys here are: "), keys, "[{section}] of {kinds:?}");
        }
    }
}

#[test]
fn every_section_of_the_schema_is_closed() {
    for key in KINDS[0].keys().iter().filter(|key| key.is_section() && key.path != "regions") {
        assert_eq!(key.rule["additionalProperties"], false, "{}", key.path);
    }
}

/// Editors' validators are of several drafts and strictnesses (tested where they are installed): tombi wants
/// `additionalProperties` in what a condition says of a table, and Taplo passes over what stands beside a
/// `$ref`.
#[test]
fn every_validator_reads_the_same() {
    fn check(rule: &Json, place: &str) {
        for (key, inner) in rule.as_object().into_iter().flatten() {
            if ["if", "then", "else"].contains(&key.as_str()) {
                assert_eq!(inner["additionalProperties"], true, "{place}/{key}");
            }
            assert!(key != "$ref" || rule.as_object().unwrap().len() == 1, "{place}");
            check(inner, &format!("{place}/{key}"));
        }
        for (index, inner) in rule.as_array().into_iter().flatten().enumerate() {
            check(inner, &format!("{place}/{index}"));
        }
    }
    check(&serde_json::from_str(&schema()).unwrap(), "");
}

#[test]
fn the_parser_has_the_words_of_the_schema_and_no_others() {
    let mut count = 0;
    for kinds in KINDS {
        for key in kinds.keys() {
            let of_items = key.rule["items"]["enum"].as_array();
            let Some(words) = of_items.or(key.rule["enum"].as_array()) else { continue };
            let Some(words) = words.iter().map(|word| word.as_str().map(str::to_owned)).collect()
            else {
                continue;
            };
            let mut file = kinds.file();
            let value =
                if of_items.is_some() { vec!["zzz", "neutral"].into() } else { "zzz".into() };
            put(&mut file, &key.path, value);
            let intro = match key.path.as_str() {
                "dataset.classes" => "he classes are: ",
                "dataset.signal" => "he atlas has: ",
                _ => "he choices are: ",
            };
            let words: BTreeSet<String> = words;
            assert_eq!(listed(&file, intro), words, "{} of {kinds:?}", key.path);
            count += 1;
        }
    }
    assert!(count > 50, "only {count} lists of words");
}

#[test]
fn defaults_are_the_parsers() {
    let mut without = BTreeSet::new();
    for kinds in KINDS {
        // With a network's file, what it tells is no default.
        let of_model = |key: &Key| kinds.model == "vgg" || key.path.starts_with("model");
        for key in kinds.keys().into_iter().filter(of_model) {
            let Some(default) = key.rule.get("default") else {
                let is_key = key.rule != false && !key.is_section();
                without.extend(is_key.then_some(key.path));
                continue;
            };
            let mut file = kinds.file();
            if key.path == "occlusion.constant" {
                put(&mut file, "occlusion.fills", vec!["constant"].into());
            }
            if key.path.starts_with("sensitivity.") && key.path != "sensitivity.methods" {
                put(&mut file, "sensitivity.methods", vec!["window", "rise"].into());
            }
            if key.path == "sensitivity.constant" {
                put(&mut file, "sensitivity.fill", "constant".into());
            }
            if key.path.ends_with(".kind") {
                let (section, _) = key.path.rsplit_once('.').unwrap();
                put(&mut file, section, Table::new().into());
            }
            let left_out = accepted(&file);
            put(&mut file, &key.path, to_toml(default));
            assert_eq!(accepted(&file), left_out, "{} of {kinds:?}", key.path);
        }
    }
    let expected = [
        "base",
        "dataset.group",
        "dataset.kind",
        "dataset.label",
        "dataset.labels",
        "dataset.test_labels",
        "dataset.landmarks",
        "dataset.limit",
        "dataset.root",
        "dataset.table",
        "dataset.test_table",
        "dataset.val_table",
        "model.classes",
        "model.files",
        "model.input.color",
        "model.input.layout",
        "model.input.mean",
        "model.input.range",
        "model.input.size",
        "model.input.std",
        "model.name",
        "model.output",
        "model.output_name",
        "model.path",
        "model.weights",
        "name",
        "seeds.list",
    ];
    assert_eq!(without, expected.map(str::to_owned).into());
}

#[test]
fn every_key_of_a_training_and_of_its_evaluation_can_be_swept() {
    let schema: Json = serde_json::from_str(&schema()).unwrap();
    let matrix = schema["properties"]["matrix"]["properties"].as_object().unwrap();
    let mut keys = BTreeSet::new();
    for kinds in KINDS {
        for key in kinds.keys() {
            let section = key.path.split('.').next().unwrap();
            let swept = ["dataset", "model", "train", "schedule", "evaluate"].contains(&section);
            if !swept || ["train.device", "model.name"].contains(&key.path.as_str()) {
                continue;
            }
            keys.insert(key.path.clone());
            if kinds.model == "onnx" && section != "model" {
                continue;
            }
            // What the program fills in itself is not swept by hand.
            if key.rule != false && !key.is_section() && key.path != "model.files" {
                let mut file = kinds.file();
                let value = match key.path.as_str() {
                    "model.weights" => weights(&file).into(),
                    "model.freeze" => vec![beginning(kinds.model)].into(),
                    _ => sample_of(&key),
                };
                let values = Value::Array(vec![value]);
                file.insert("matrix".into(), Table::from_iter([(key.path, values)]).into());
                assert_eq!(accepted(&file).cells[0].swept.len(), 1);
            }
        }
    }
    assert_eq!(matrix.keys().cloned().collect::<BTreeSet<_>>(), keys);
}

#[test]
fn the_parser_draws_the_line_where_the_schema_does() {
    let probes = probes();
    assert!(probes.len() > 500, "only {} files", probes.len());
    for probe in probes {
        let read = read(&probe.text);
        assert_eq!(read.is_ok(), probe.right, "{probe:?}\n{read:?}");
    }
}

/// The messages of the validator for each file, none where it is valid; `None`, with a notice, where there
/// is no validator.
fn validate(folder: &Path, files: &[String]) -> Option<BTreeMap<String, Vec<String>>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let interpreter = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let missing = |what: &str| {
        // Straight to stderr: what a test prints is hidden when it passes.
        let notice = format!("notice: {what}; the JSON Schema is not checked with a validator\n");
        std::io::stderr().write_all(notice.as_bytes()).unwrap();
        None
    };
    let mut command = Command::new(&interpreter);
    let written = folder.join("schema.json");
    fs::write(&written, schema()).unwrap();
    command.arg(root.join("tests/validate_schema.py")).arg(written);
    let Ok(output) = command.args(files).output() else {
        return missing(&format!("`{interpreter}` does not start"));
    };
    if output.status.code() == Some(3) {
        return missing(&format!("`{interpreter}` has no jsonschema, or is older than 3.11"));
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// The files in `experiments/`.
pub fn shipped() -> Vec<String> {
    let folder = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments")).unwrap();
    let paths = folder.map(|entry| entry.unwrap().path().display().to_string());
    let paths: Vec<String> = paths.filter(|path| path.ends_with(".toml")).collect();
    assert!(paths.len() > 3, "{paths:?}");
    paths
}

#[test]
fn a_widely_used_validator_agrees_with_the_parser() {
    let folder = tempfile::tempdir().unwrap();
    let mut right: BTreeMap<String, bool> = BTreeMap::new();
    let mut write = |name: String, text: &str, is_right: bool| {
        let path = folder.path().join(name).display().to_string();
        fs::write(&path, text).unwrap();
        right.insert(path, is_right);
    };
    for (number, probe) in probes().iter().enumerate() {
        write(format!("{number}.toml"), &probe.text, probe.right);
    }
    for kind in dataset_kinds() {
        write(format!("starter_{kind}.toml"), &starter("x", kind), true);
    }
    // A file with a base need not say what the base says.
    write("with_base.toml".into(), "name = \"x\"\nbase = \"y.toml\"\n[dataset]\nval = 0.2", true);
    write(
        "bad_with_base.toml".into(),
        "name = \"x\"\nbase = \"y.toml\"\n[train]\nepochs = 0",
        false,
    );
    right.extend(shipped().into_iter().map(|path| (path, true)));

    let Some(found) = validate(folder.path(), &right.keys().cloned().collect::<Vec<_>>()) else {
        return;
    };
    assert_eq!(found.len(), right.len());
    for (path, messages) in found {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(messages.is_empty(), right[&path], "{path}: {messages:?}\n{text}");
    }
}

#[test]
fn kinds_are_all_probed() {
    let probed = |kind: fn(&Kinds) -> &str| KINDS.iter().map(kind).collect::<BTreeSet<_>>();
    assert_eq!(probed(|kinds| kinds.dataset), dataset_kinds().collect());
    for (section, kind) in [
        ("train.optimizer.kind", probed(|kinds| kinds.optimizer)),
        ("schedule.kind", probed(|kinds| kinds.schedule)),
    ] {
        let key = KINDS[0].keys().into_iter().find(|key| key.path == section).unwrap();
        let words: BTreeSet<&str> =
            key.rule["enum"].as_array().unwrap().iter().filter_map(Json::as_str).collect();
        assert_eq!(words, kind, "{section}");
    }
}
