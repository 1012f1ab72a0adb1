//! Valid files, broken at random: whatever comes of them, it is a value or a typed error, soon, and in
//! little memory. A panic, ten seconds or 2 GiB are a fault.
//!
//! ```text
//! FER_LAB_FUZZ_CASES=1000000 cargo test --release --test fuzz -- --nocapture
//! ```
//!
//! Without the variable each test makes a few hundred cases. `FER_LAB_FUZZ_SEED` draws others. The input
//! under work lies in `target/tmp/fuzz`, in the file that a failing test names, whatever it was that ended
//! the process.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fer_lab::dataset::LandmarkTable;
use fer_lab::engine::Specification;
use fer_lab::experiment::{self, Experiment, ExperimentErrors, SensitivitySpec};
use fer_lab::plan::{EvaluationSpec, Plan, TrainingId, evaluation_id, sensitivity_id};
use fer_lab::random;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use serde_json::{Map, Value, json};

/// A case that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(10);
/// The whole process, four tests at a time.
const MEMORY: u64 = 2 << 30;
/// No input is longer, so that a million cases end within the hour.
const LONGEST: usize = 64 * 1024;

/// Every section, and words and lists where there may be any.
const RICH: &str = r#"
name = "rich"
question = "?"
[dataset]
kind = "folder"
root = "data"
landmarks = "points.csv"
without_landmarks = "skip"
classes = ["anger", "happiness"]
size = [48, 40]
channels = 3
val = 0.2
test = 0.1
[model]
blocks = [[8], [16, 16]]
[train]
epochs = 3
target = "majority"
device = "cuda:1"
optimizer = { kind = "sgd", learning_rate = 0.1, momentum = 0.9, nesterov = true }
[schedule]
kind = "step"
every = 2
[regions]
upper = ["forehead", "brows", "eyes"]
glasses = [[[0.15, 0.3], [0.85, 0.3], [0.85, 0.5], [0.15, 0.5]]]
[occlusion]
regions = ["mouth", ["upper", "nose"], "eyes_left", "glasses"]
modes = ["hide", "keep"]
phases = ["retrain", "evaluate", "train", "amortised"]
fills = ["mean", "constant", "noise", "blur", "inpaint"]
constant = 0.5
controls = 2
evaluated_controls = 3
[sensitivity]
methods = ["window", "rise"]
[seeds]
list = [1, 2, 3]
[matrix]
"train.optimizer.learning_rate" = [0.01, 0.001]
"train.epochs" = [3, 9]
"#;

/// Valid experiment files.
fn experiments() -> Vec<String> {
    let shipped = include_str!("../experiments/mask_eyes.toml");
    let texts = [
        experiment::starter("first", "faces"),
        experiment::starter("second", "ferplus"),
        shipped.to_owned(),
        RICH.to_owned(),
    ];
    for text in &texts {
        experiment::parse(text, "seed", &[]).unwrap_or_else(|errors| panic!("{errors}"));
    }
    texts.to_vec()
}

#[test]
fn experiment_files() {
    let seeds = trees(&experiments());
    fuzz(
        "experiment_files",
        |generator| {
            let text = toml_text(&broken_tree(&seeds, generator), generator);
            broken_text(text.into_bytes(), generator)
        },
        |input, _| {
            let Ok(text) = str::from_utf8(input) else { return false };
            let read = experiment::parse(text, "fuzz.toml", &[]);
            let experiment = read.as_ref().ok().filter(|_| input.len() % 64 == 0);
            // A plan takes a hundred times as long as its file.
            if let Some(Err(error)) = experiment.map(Plan::new) {
                let _ = error.to_string();
            }
            taken(read)
        },
    );
}

#[test]
fn set_arguments() {
    let seeds = trees(&experiments());
    let keys: Vec<String> = seeds.iter().flat_map(|seed| paths(seed, "")).collect();
    fuzz(
        "set_arguments",
        |generator| {
            let arguments = (0..generator.random_range(1..4)).map(|_| {
                let key = keys.choose(generator).expect("keys");
                let value = match generator.random_range(0..3) {
                    0 | 1 => any_part(seeds.choose(generator).expect("seeds"), generator).clone(),
                    _ => odd_value(generator),
                };
                let value = toml_value(&value);
                broken_text(format!("{key}={value}").into_bytes(), generator)
            });
            let arguments: Vec<Vec<u8>> = arguments.collect();
            arguments.join(&b'\x1e')
        },
        |input, _| {
            // Arguments that are not UTF-8 end in clap.
            let text = String::from_utf8_lossy(input);
            let sets: Vec<String> = text.split('\x1e').map(str::to_owned).collect();
            taken(experiment::parse(RICH, "fuzz.toml", &sets))
        },
    );
}

#[test]
fn specifications() {
    let texts = experiments();
    let polygon = json!([[[0.1, 0.1], [0.5, 0.1], [0.5, 0.2]]]);
    let occlusion = json!({ "polygons": polygon, "mode": "hide", "fill": "mean" });
    let id: TrainingId = serde_json::from_value(json!("0123456789abcdef0123")).expect("an id");
    let evaluation = |occlusion: Value, statistics: &str| {
        let examination = json!({ "occlusion": occlusion, "statistics": statistics });
        let parsed: EvaluationSpec = serde_json::from_value(examination.clone()).expect("valid");
        json!({ "id": evaluation_id(&id, &parsed), "examination": examination })
    };
    let spec = json!({
        "method": { "window": { "side": 0.2, "stride": 0.1 } }, "images": 9, "steps": 5, "fill": { "blur": 0.1 },
    });
    let parsed: SensitivitySpec = serde_json::from_value(spec.clone()).expect("valid");
    let map = json!({ "id": sensitivity_id(&id, &parsed), "spec": spec });
    let specification = |mask: Value, experiment: &str| {
        json!({
            "version": 2, "training": id, "name": "whole", "experiment": experiment, "cell": 0, "seed": 1,
            "occlusion": mask,
            "evaluations": [evaluation(Value::Null, "trained"), evaluation(occlusion.clone(), "adapted")],
            "maps": [map],
            "device": "cpu", "threads": 1, "checkpoint_seconds": 60,
        })
    };
    let random = json!({ "regions": [polygon], "mode": "keep", "fill": { "constant": 0.5 } });
    let tuned = json!({
        "from": random, "polygons": polygon, "tuning": { "epochs": 2, "rate": 0.5 },
    });
    let seeds = [
        specification(occlusion.clone(), RICH),
        specification(random, &texts[0]),
        specification(tuned, RICH),
    ];
    for seed in &seeds {
        let read = Specification::read(seed.to_string().as_bytes());
        read.unwrap_or_else(|error| panic!("a seed is not valid: {error}"));
    }
    let experiments = trees(&texts);
    fuzz(
        "specifications",
        |generator| {
            let mut seed = seeds.choose(generator).expect("seeds").clone();
            match generator.random_range(0..4) {
                0 => {
                    seed["experiment"] =
                        toml_text(&broken_tree(&experiments, generator), generator).into()
                }
                _ => break_tree(&mut seed, &seeds, generator),
            }
            broken_text(seed.to_string().into_bytes(), generator)
        },
        |input, _| match Specification::read(input) {
            Err(error) => {
                let _ = error.to_string();
                false
            }
            Ok(specification) => {
                let whole =
                    serde_json::to_value(&specification).expect("what was read can be written");
                let text = whole["experiment"].as_str().expect("a text");
                taken(experiment::parse(text, "specification", &[]))
            }
        },
    );
}

#[test]
fn landmark_tables() {
    const HEADER: &str =
        "image,presence,eye_left_x,eye_left_y,eye_right_x,eye_right_y,nose_tip_x,nose_tip_y";
    fuzz(
        "landmark_tables",
        |generator| {
            let mut rows: Vec<Vec<String>> = vec![HEADER.split(',').map(str::to_owned).collect()];
            for row in 0..generator.random_range(0..6) {
                let values =
                    [1.0, 0.32, 0.385, 0.68, 0.385, 0.5, 0.6].map(|at: f64| at.to_string());
                rows.push([format!("{row}.png")].into_iter().chain(values).collect());
            }
            for _ in 0..generator.random_range(0..4) {
                let row = generator.random_range(0..rows.len());
                let column = generator.random_range(0..rows[row].len().max(1));
                match generator.random_range(0..4) {
                    0 if column < rows[row].len() => drop(rows[row].remove(column)),
                    1 => rows[row].insert(column, toml_value(&odd_value(generator))),
                    2 => rows.iter_mut().for_each(|row| row.truncate(column)),
                    _ if column < rows[row].len() => {
                        rows[row][column] = toml_value(&odd_value(generator))
                    }
                    _ => {}
                }
            }
            let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
            let text = broken_text(lines.join("\n").into_bytes(), generator);
            match generator.random_range(0..4) {
                0 => broken_text(gzipped(&text), generator),
                _ => text,
            }
        },
        |_, path| match LandmarkTable::read(path) {
            Err(error) => {
                let _ = error.to_string();
                false
            }
            Ok(_) => true,
        },
    );
}

/// Makes cases and runs each of them; `meets` is given the input and the file that holds it, and returns
/// whether it was accepted. Neither all nor none may be: then nothing would be tested.
fn fuzz(
    name: &str,
    mut make: impl FnMut(&mut dyn Rng) -> Vec<u8>,
    meets: impl Fn(&[u8], &Path) -> bool,
) {
    let number = |variable: &str, default: u64| match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is no number")),
        Err(_) => default,
    };
    let (cases, seed) = (number("FER_LAB_FUZZ_CASES", 500), number("FER_LAB_FUZZ_SEED", 1));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    fs::create_dir_all(&folder).expect("a folder for the inputs");
    let path = folder.join(name);
    let file = File::create(&path).expect("a file for the input");
    let watch = Watch::new(path.clone());
    let start = Instant::now();
    let (mut taken, mut slowest) = (0, Duration::ZERO);
    for case in 0..cases {
        let mut generator = random::generator(seed, name, &[case]);
        let mut input = make(&mut generator);
        input.truncate(LONGEST);
        file.set_len(0).and_then(|()| file.write_all_at(&input, 0)).expect("the input is written");
        let began = Instant::now();
        watch.begin();
        let met = catch_unwind(AssertUnwindSafe(|| meets(&input, &path)));
        watch.end();
        slowest = slowest.max(began.elapsed());
        match met {
            Ok(yes) => taken += u64::from(yes),
            Err(_) => panic!("case {case} panics, on what {} holds", path.display()),
        }
    }
    let rate = cases as f64 / start.elapsed().as_secs_f64();
    println!(
        "{name}: {cases} cases, {taken} taken, {rate:.0} a second, the slowest {:.0} ms",
        slowest.as_secs_f64() * 1e3
    );
    assert!(0 < taken && taken < cases, "{taken} of {cases} were taken");
}

/// Ends the process where a case takes too long or too much memory, neither of which can be caught.
struct Watch {
    start: Instant,
    /// Milliseconds from the start to the case under work; `u64::MAX` between two cases.
    began: Arc<AtomicU64>,
}

impl Watch {
    fn new(path: PathBuf) -> Watch {
        let watch = Watch { start: Instant::now(), began: Arc::new(AtomicU64::new(u64::MAX)) };
        let (start, began) = (watch.start, Arc::downgrade(&watch.began));
        std::thread::spawn(move || {
            while let Some(began) = began.upgrade() {
                let now = start.elapsed().as_millis() as u64;
                let waited = now.saturating_sub(began.load(Ordering::Relaxed));
                let fault = if waited > PATIENCE.as_millis() as u64 {
                    "hangs"
                } else if memory() > MEMORY {
                    "takes too much memory"
                } else {
                    std::thread::sleep(Duration::from_millis(20));
                    continue;
                };
                eprintln!("a case {fault}: see {}", path.display());
                std::process::exit(1);
            }
        });
        watch
    }

    fn begin(&self) {
        self.began.store(self.start.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    fn end(&self) {
        self.began.store(u64::MAX, Ordering::Relaxed);
    }
}

/// What this process has in memory, in bytes.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// Whether an experiment was read; errors are written out, as for a user.
fn taken(read: Result<Experiment, ExperimentErrors>) -> bool {
    read.map_err(|errors| errors.to_string()).is_ok()
}

/// TOML texts as trees.
fn trees(texts: &[String]) -> Vec<Value> {
    texts.iter().map(|text| toml::from_str(text).expect("a valid experiment file")).collect()
}

/// The dotted paths of all keys.
fn paths(tree: &Value, above: &str) -> Vec<String> {
    let Value::Object(entries) = tree else { return Vec::new() };
    let of_entry = |(key, value): (&String, &Value)| {
        let path = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        let below = paths(value, &path);
        [vec![path], below].concat()
    };
    entries.iter().flat_map(of_entry).collect()
}

/// One of the trees, changed in a few places.
fn broken_tree(seeds: &[Value], generator: &mut dyn Rng) -> Value {
    let mut tree = seeds.choose(generator).expect("seeds").clone();
    break_tree(&mut tree, seeds, generator);
    tree
}

fn break_tree(tree: &mut Value, seeds: &[Value], generator: &mut dyn Rng) {
    for _ in 0..generator.random_range(0..4) {
        let other = seeds.choose(generator).expect("seeds");
        let part = any_part(other, generator).clone();
        change(any_part_mut(tree, generator), part, generator);
    }
}

/// Replaces a value, or changes the list or table that it is.
fn change(value: &mut Value, other: Value, generator: &mut dyn Rng) {
    let choice = generator.random_range(0..8);
    match value {
        Value::Array(items) if choice < 5 && !items.is_empty() => {
            let at = generator.random_range(0..items.len());
            match choice {
                0 => drop(items.remove(at)),
                1 => items.insert(at, items[at].clone()),
                2 => items.insert(at, other),
                3 => items.resize(generator.random_range(0..300), other),
                _ => items.reverse(),
            }
        }
        Value::Object(entries) if choice < 5 && !entries.is_empty() => {
            let at = generator.random_range(0..entries.len());
            let key = entries.keys().nth(at).expect("an entry").clone();
            match choice {
                0 => drop(entries.remove(&key)),
                1 => drop(entries.insert(format!("{key}x"), other)),
                2 => {
                    let moved = entries.remove(&key).expect("an entry");
                    entries.insert(key.to_uppercase(), moved);
                }
                3 => drop(entries.insert(key, other)),
                _ => drop(entries.insert(key, odd_value(generator))),
            }
        }
        _ if choice == 5 => *value = other,
        _ if choice == 6 => *value = json!([value.take()]),
        _ => *value = odd_value(generator),
    }
}

/// Values at the ends of what can be written.
fn odd_value(generator: &mut dyn Rng) -> Value {
    const WORDS: [&str; 12] = [
        "",
        "mouth",
        "eyes",
        "subsets",
        "background",
        "faces",
        "\u{0}\u{1b}[31m",
        "é\u{301}👩‍👩‍👧",
        "\"",
        "a.b",
        "../..",
        "=",
    ];
    const NUMBERS: [f64; 9] = [0.0, -0.0, 0.5, 1.0, -1e-300, 5e-324, 1e308, -1e308, 0.1 + 0.2];
    match generator.random_range(0..9) {
        0 => json!(NUMBERS.choose(generator)),
        1 => json!([0, 1, -1, 2, 7, 4096, 1_000_000, i64::MAX, i64::MIN].choose(generator)),
        2 => json!(generator.random::<i64>() >> generator.random_range(0..63)),
        3 => json!(WORDS.choose(generator)),
        4 => {
            json!(WORDS.choose(generator).expect("a word").repeat(generator.random_range(0..2000)))
        }
        5 => json!(generator.random::<bool>()),
        6 => json!(vec![generator.random_range(-2..3); generator.random_range(0..50)]),
        7 => {
            let mut deep = json!(1);
            for _ in 0..generator.random_range(0..200) {
                deep = if generator.random() { json!([deep]) } else { json!({ "a": deep }) };
            }
            deep
        }
        _ => Value::Object(Map::new()),
    }
}

fn any_part<'a>(tree: &'a Value, generator: &mut dyn Rng) -> &'a Value {
    let inner: Vec<&Value> = match tree {
        Value::Array(items) => items.iter().collect(),
        Value::Object(entries) => entries.values().collect(),
        _ => Vec::new(),
    };
    match inner.choose(generator) {
        Some(part) if generator.random_range(0..4) > 0 => any_part(part, generator),
        _ => tree,
    }
}

fn any_part_mut<'a>(tree: &'a mut Value, generator: &mut dyn Rng) -> &'a mut Value {
    let count = match tree {
        Value::Array(items) => items.len(),
        Value::Object(entries) => entries.len(),
        _ => 0,
    };
    if count == 0 || generator.random_range(0..4) == 0 {
        return tree;
    }
    let at = generator.random_range(0..count);
    let part = match tree {
        Value::Array(items) => items.get_mut(at),
        Value::Object(entries) => entries.values_mut().nth(at),
        _ => None,
    };
    any_part_mut(part.expect("there are so many"), generator)
}

/// A tree as a TOML document: a table as sections or, now and then, in line.
fn toml_text(tree: &Value, generator: &mut dyn Rng) -> String {
    let Value::Object(entries) = tree else { return toml_value(tree) };
    if generator.random_range(0..4) > 0
        && let Ok(text) = toml::to_string(tree)
    {
        return text;
    }
    let line = |(key, value): (&String, &Value)| format!("{key} = {}\n", toml_value(value));
    entries.iter().map(line).collect()
}

/// A value as TOML, in line.
fn toml_value(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(toml_value).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| format!("{key} = {}", toml_value(value));
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Null => "nan".to_owned(),
        other => other.to_string(),
    }
}

/// Two times in three as it was; else bytes are cut out, doubled, moved or replaced.
fn broken_text(mut text: Vec<u8>, generator: &mut dyn Rng) -> Vec<u8> {
    const TOKENS: [&str; 22] = [
        "[",
        "]",
        "{",
        "}",
        "=",
        ",",
        ".",
        "\"",
        "\"\"\"",
        "'",
        "#",
        "\n",
        "\r\n",
        "\u{0}",
        "\\u0000",
        "\\ud800",
        "\u{feff}",
        "1e999",
        "0x",
        "1979-05-27T07:32:00Z",
        "\u{202e}",
        "\t",
    ];
    if generator.random_range(0..3) > 0 {
        return text;
    }
    for _ in 0..generator.random_range(1..5) {
        let end = generator.random_range(0..=text.len());
        let start = end.saturating_sub(generator.random_range(0..40));
        let piece = match generator.random_range(0..5) {
            0 => Vec::new(),
            1 => text[start..end].repeat(generator.random_range(2..40)),
            2 => TOKENS
                .choose(generator)
                .expect("a token")
                .repeat(generator.random_range(1..3))
                .into_bytes(),
            3 => {
                let from = generator.random_range(0..=text.len());
                text[from..text.len().min(from + 40)].to_vec()
            }
            _ => text[start..end]
                .iter()
                .map(|byte| byte ^ 1 << generator.random_range(0..8))
                .collect(),
        };
        text.splice(start..end, piece);
    }
    text
}

fn gzipped(text: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}
