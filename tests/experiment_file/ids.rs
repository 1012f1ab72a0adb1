//! The `Decides` column of the table of keys, against the ids of trainings and evaluations.

use std::collections::BTreeSet;

use fer_lab::experiment::{Decides, Experiment, Key, keys, load, parse};
use fer_lab::plan::Plan;
use toml::{Table, Value};

use super::probes::{
    COLUMNS, KINDS, Kinds, beginning, make_room, network, put, to_toml, values, weights,
};

/// Ids of trainings and of runs, in the plan's order. Of data on disk the settings stand for the content.
fn ids(experiment: &Experiment) -> (Vec<String>, Vec<String>) {
    let plan = Plan::of_stored(experiment).unwrap_or_else(|error| panic!("{error}"));
    let identified = plan.identify(&|_| None);
    let trainings = identified.trainings.iter().map(|training| training.id.to_string());
    (trainings.collect(), identified.runs.iter().map(|run| run.run.to_string()).collect())
}

const FACES: &str = "name = \"x\"\n[dataset]\nkind = \"faces\"\n";

/// Files that use every part of the settings.
const FILES: [(&str, &str); 6] = [
    ("smallest", ""),
    (
        "adamw",
        "[train]\nepochs = 7\nbatch_size = 32\ntarget = \"majority\"\nselect = \"last\"\nprecision = \"bf16\"\n\
         device = \"cuda:1\"\nearly_stopping = 3\naugment = { rotate = 0, scale = 0.2, flip = false }\n\
         [train.optimizer]\nkind = \"adamw\"\nweight_decay = 0.02\n[schedule]\nkind = \"cosine\"\n\
         min_rate = 1e-5\nwarmup = 0.5\n",
    ),
    (
        "sgd",
        "size = [96, 64]\nchannels = 3\nclasses = [\"fear\", \"anger\"]\nsignal = [\"mouth\", [\"eyes\", \"brows\"]]\n\
         identity = 0.5\nnuisance = 2\nseed = 9\n[model]\nblocks = [[8], [16, 16]]\nbatch_norm_momentum = 0.5\n\
         [train.optimizer]\nkind = \"sgd\"\nlearning_rate = 0.1\nmomentum = 0.8\nnesterov = true\n\
         [schedule]\nkind = \"step\"\nevery = 3\n[occlusion]\nregions = \"each\"\n\
         fills = [\"blur\", \"inpaint\", \"constant\"]\nconstant = 0.25\nblur = 0.2\n\
         phases = [\"amortised\", \"evaluate\"]\n",
    ),
    (
        "ferplus",
        "name = \"x\"\n[dataset]\nkind = \"ferplus\"\nroot = \"data/ferplus\"\nlabels = \"multi_target\"\n\
         classes = [\"contempt\", \"fear\"]\nlandmarks = \"points.csv\"\nwithout_landmarks = \"skip\"\n\
         val = \"PublicTest\"\ntest = \"PrivateTest\"\n[train]\ntarget = \"multi_target\"\n[schedule]\n\
         kind = \"one_cycle\"\nrise = 0.2\ndiv = 10\n[evaluate]\nstatistics = \"adapted\"\n",
    ),
    (
        "rafdb",
        "name = \"x\"\n[dataset]\nkind = \"rafdb\"\nroot = \"data/rafdb\"\nval = 0.2\n[schedule]\n\
         kind = \"constant\"\n[seeds]\nlist = [12, 11]\n",
    ),
    (
        "folder",
        "name = \"x\"\n[dataset]\nkind = \"folder\"\nroot = \"data\"\nclasses = [\"a\", \"b c\"]\ntest = 0.3\n\
         split_seed = 4\n[regions]\nown = [[[0.1, 0.3], [0.9, 0.3], [0.5, 0.5]]]\nup = [\"brows\", \"own\"]\n\
         [occlusion]\nregions = [\"own\", \"up\", [\"eyes\", \"jaw\"]]\nmodes = [\"keep\", \"hide\"]\n\
         controls = 2\n[matrix]\n\"train.optimizer.learning_rate\" = [0.01, 0.001]\n\
         \"schedule.kind\" = [\"plateau\", \"cosine\"]\n",
    ),
];

/// The first and the last of the trainings and runs of each of these, and of files in `experiments/`, and how
/// many there are: as they were before the keys came from a table. Where this test fails, either undo what
/// changed them, or, if the numbers that the program gives have changed, raise `NUMERIC_VERSION`.
#[test]
fn ids_are_what_they_were() {
    let text = |text: &str| match text.starts_with("name") {
        true => text.to_owned(),
        false => format!("{FACES}{text}"),
    };
    let own = FILES.map(|(name, file)| (name, parse(&text(file), "x.toml", &[])));
    let shipped = ["ferplus_regions", "seed_ferplus", "seed_rafdb", "smoke", "statistics"];
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    // The paths of data that were not read are part of an id: those that are relative to the working folder.
    let shipped = shipped.map(|name| {
        let sets: &[&str] = match name {
            "ferplus_regions" => {
                &["dataset.root=data/ferplus", "dataset.landmarks=data/ferplus-landmarks.csv.gz"]
            }
            "seed_ferplus" => &["dataset.root=data/ferplus"],
            "seed_rafdb" => &["dataset.root=data/rafdb"],
            _ => &[],
        };
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        (name, load(&folder.join(format!("{name}.toml")), &sets))
    });
    let mut found = String::new();
    for (name, experiment) in own.into_iter().chain(shipped) {
        let experiment = experiment.unwrap_or_else(|errors| panic!("{errors}"));
        let (trainings, runs) = ids(&experiment);
        let told = |ids: &[String]| format!("{} {} {}", ids.len(), ids[0], ids[ids.len() - 1]);
        found += &format!("{name}: {}, {}\n", told(&trainings), told(&runs));
    }
    let expected = "\
smallest: 3 e33ff4eb174ace013fec 926406464b5b22e25ceb, 3 7d974c2985893fe20271 210112ac4b4b2ef334b0\n\
adamw: 3 b888400c8952ecb1c226 f939eca9f3b80169d7fe, 3 8f25b2ced3f6abd2ec29 35cc03de75dc8f21590c\n\
sgd: 15 8797e6399b1ecea66867 27f6313bb1ce9d5643f5, 2652 6921075b0c562e7f67a2 7ba0c070ac25e37103a8\n\
ferplus: 3 2c45311e94f64ea2bf4f c0242f709992a27ef575, 3 04845da754ed8fab7e4a 053ee4515d92c0fe9202\n\
rafdb: 2 ba1dfb27d42ffd58a6ed fec4c2dd23a3230f95d2, 2 f0ce52603a242c2cfdb5 cf6bc333ce1bfb6af291\n\
folder: 228 77d2b3ced0d96df46ab6 3b9b6903b59a68a871f0, 228 b2be6b508ee65d11e6c1 3281b0183ed86fe10fc4\n\
ferplus_regions: 9 7c85f3392f175f5ad0bf 1e2ab6ccee33ad559f2b, 810 7c9d054559ca2de13274 acce5ca6a830cb2a107f\n\
seed_ferplus: 1 42a3650f1706aeefc1d3 42a3650f1706aeefc1d3, 1 4726c1b4028ba56c2b70 4726c1b4028ba56c2b70\n\
seed_rafdb: 1 78b3c18568eeae8ec9bc 78b3c18568eeae8ec9bc, 1 2a13880f9a89d4dd31c2 2a13880f9a89d4dd31c2\n\
smoke: 12 18bab57408b6740e0fc4 424fbcb97c6807c2cadd, 96 dd3891fd64c32478fd3a 4f127d4afa2843a1d431\n\
statistics: 12 abaeba584498d86409fe 075b5e82aa939bdb6e19, 180 c36aa5e1ee0725f6fc36 2c799b4126a40f874700\n\
";
    assert_eq!(found, expected);
}

/// Other values for a key, as the schema has them or, where its rules are not plain, by hand.
fn others(kinds: Kinds, path: &str) -> Vec<Value> {
    match path {
        "name" => return vec!["y".into()],
        "dataset.signal" => return vec![vec!["mouth"].into()],
        "dataset.classes" if ["folder", "table"].contains(&kinds.dataset) => {
            return vec![vec!["a", "b"].into()];
        }
        "model.weights" => return vec![weights(&base(kinds)).into()],
        "model.freeze" => return vec![vec![beginning(kinds.model)].into()],
        "model.blocks" => return vec![vec![vec![8], vec![16]].into()],
        "model.name" => return vec!["another".into()],
        "model.path" => return vec![network("fixed_batch.onnx").into()],
        "model.classes" => {
            let mut columns = COLUMNS;
            columns.reverse();
            return vec![columns.to_vec().into()];
        }
        "model.output" => return vec!["probabilities".into()],
        "model.input.layout" => return vec!["nhwc".into()],
        "model.output_name" => return vec!["linear".into()],
        "model.input.size" => return vec![vec![16, 16].into()],
        "model.input.mean" => return vec![vec![100.0].into()],
        "model.input.std" => return vec![50.into()],
        "occlusion.regions" => return vec![vec!["mouth", "eyes"].into()],
        "seeds.list" => return vec![vec![2, 9].into()],
        "schedule.warmup" | "sensitivity.window" => return vec![0.5.into()],
        "schedule.min_rate" => return vec![1e-5.into()],
        "sensitivity.stride" => return vec![0.1.into()],
        "dataset.size" => return vec![vec![24, 32].into()],
        "occlusion.controls" | "occlusion.evaluated_controls" => return vec![2.into()],
        "train.device" => return vec!["cpu".into()],
        _ => {}
    }
    let rule = kinds.keys().into_iter().find(|key| key.path == path).unwrap().rule;
    let default = rule.get("default").map(to_toml);
    let right = values(&rule)
        .into_iter()
        .filter(|(value, right)| *right && Some(value) != default.as_ref());
    right.map(|(value, _)| value).collect()
}

/// An experiment in which every key has a say.
fn base(kinds: Kinds) -> Table {
    let mut file = kinds.file();
    put(&mut file, "occlusion.regions", vec!["eyes"].into());
    if kinds.model != "onnx" {
        put(&mut file, "occlusion.phases", vec!["retrain", "amortised", "tuned"].into());
    }
    put(&mut file, "occlusion.fills", vec!["mean", "constant", "blur"].into());
    put(&mut file, "sensitivity.methods", vec!["window", "rise"].into());
    put(&mut file, "sensitivity.fill", "constant".into());
    file
}

/// Neither a section, nor another file, nor what the program fills in itself.
fn is_chosen(key: &Key) -> bool {
    !key.is_section() && !["base", "model.files"].contains(&key.path)
}

#[test]
fn a_key_decides_what_the_table_says() {
    let read = |file: &Table| parse(&file.to_string(), "x.toml", &[]);
    let mut seen: Vec<*const Key> = Vec::new();
    for kinds in KINDS {
        let plain = base(kinds);
        let kind = |section: &str| match section {
            "dataset" => Some(kinds.dataset),
            "model" => Some(kinds.model),
            "train.optimizer" => Some(kinds.optimizer),
            "schedule" => Some(kinds.schedule),
            _ => None,
        };
        let here = keys().iter().filter(|key| key.goes_with(kind(key.section())));
        let here = here.filter(|key| is_chosen(key));
        let here = here.filter(|key| kinds.model == "onnx" || !key.path.starts_with("model.input"));
        // Once for each line of the table.
        for key in here {
            if seen.contains(&std::ptr::from_ref::<Key>(key)) {
                continue;
            }
            let changed = others(kinds, key.path).into_iter().find_map(|value| {
                let mut after = plain.clone();
                make_room(&mut after, key.path, &value);
                put(&mut after, key.path, value);
                read(&plain).ok().zip(read(&after).ok()).filter(|(a, b)| a.merged != b.merged)
            });
            let Some((before, after)) = changed else { panic!("no other value of {}", key.path) };
            let ((trainings, runs), (other_trainings, other_runs)) = (ids(&before), ids(&after));
            let common = |one: &[String], other: &[String]| {
                let one: BTreeSet<&String> = one.iter().collect();
                other.iter().filter(|id| one.contains(id)).count()
            };
            let (trained, ran) = (common(&trainings, &other_trainings), common(&runs, &other_runs));
            let told = format!("{} of {kinds:?}: {trained} trainings, {ran} runs", key.path);
            let same = trainings == other_trainings && runs == other_runs;
            match key.decides {
                Decides::Weights => assert_eq!((trained, ran), (0, 0), "{told}"),
                Decides::Evaluation => {
                    assert!(trainings == other_trainings && ran == 0, "{told}");
                }
                Decides::Maps => assert!(same && before.sensitivity != after.sensitivity, "{told}"),
                Decides::Study => assert!(trained > 0 && ran > 0 && !same, "{told}"),
                Decides::Nothing => assert!(same, "{told}"),
            }
            seen.push(std::ptr::from_ref::<Key>(key));
        }
    }
    let all = keys().iter().filter(|key| is_chosen(key));
    assert_eq!(seen.len(), all.count());
}
