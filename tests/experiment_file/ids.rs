//! The `Decides` column of the table of keys, against the ids of trainings and evaluations.

use std::collections::BTreeSet;

use fer_lab::experiment::{Decides, Experiment, Key, keys, load, parse};
use fer_lab::plan::Plan;
use toml::{Table, Value};

use super::probes::{KINDS, Kinds, make_room, put, to_toml, values};

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
    let shipped = shipped.map(|name| (name, load(&folder.join(format!("{name}.toml")), &[])));
    let mut found = String::new();
    for (name, experiment) in own.into_iter().chain(shipped) {
        let experiment = experiment.unwrap_or_else(|errors| panic!("{errors}"));
        let (trainings, runs) = ids(&experiment);
        let told = |ids: &[String]| format!("{} {} {}", ids.len(), ids[0], ids[ids.len() - 1]);
        found += &format!("{name}: {}, {}\n", told(&trainings), told(&runs));
    }
    let expected = "\
smallest: 3 9a8a8edc55f1d3770665 0318af68a30edfafb316, 3 344c36fbeaf05ff5199c b8120d8e98d49fd7a4a0\n\
adamw: 3 96439a719db1459a3ecd da3c79322640abfebcec, 3 ce01ad917743b4e9e673 a7080917ce46dfb58928\n\
sgd: 15 aefe68085a9fe54d07ce c7bee17789fbf9daa71a, 2652 9f6e514ceee57547277f 02aefe52a88d46e620fe\n\
ferplus: 3 e253eefc0f9398daef9b 95e65fb826f245a6545c, 3 8afcb257fc16296afde5 459a227464f91cbea59c\n\
rafdb: 2 b4ea2eb97e6e4a404b7e ef57c7df2ad07d23b740, 2 d1a33a364bdb52fc58bd 856a07264a039f001474\n\
folder: 228 eca89425d8bfaffb9111 7e5b1138f877c68ed8cc, 228 7092caef8b6dac013aaf 56e073f91bed15b8bd13\n\
ferplus_regions: 9 6e9a1defb7ddb5d3e6e7 64c98dc2ecbf1f8298ab, 810 c143c48da7f4829238d8 6feba7c65d72e3a6af3f\n\
seed_ferplus: 1 52e6418427829a17063d 52e6418427829a17063d, 1 251193800960a6b1fca1 251193800960a6b1fca1\n\
seed_rafdb: 1 51c0fb93edbfcd32662b 51c0fb93edbfcd32662b, 1 a5b0228c335c1ab167c4 a5b0228c335c1ab167c4\n\
smoke: 12 57c62f8818e1abc667ce 1d57fda20d1bc5860f01, 96 427e8433e9db158f0b2c 6a5a5f2ddcc45234e9c4\n\
statistics: 12 843dc9b2d90cff75e359 8722583fe30e15637d1d, 180 711ea32fbab1986a0a8f cc070c01d2b0e56f7fc7\n\
";
    assert_eq!(found, expected);
}

/// Other values for a key, as the schema has them or, where its rules are not plain, by hand.
fn others(kinds: Kinds, path: &str) -> Vec<Value> {
    match path {
        "name" => return vec!["y".into()],
        "dataset.signal" => return vec![vec!["mouth"].into()],
        "dataset.classes" if kinds.dataset == "folder" => return vec![vec!["a", "b"].into()],
        "model.blocks" => return vec![vec![vec![8], vec![16]].into()],
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
    put(&mut file, "occlusion.phases", vec!["retrain", "amortised", "tuned"].into());
    put(&mut file, "occlusion.fills", vec!["mean", "constant", "blur"].into());
    put(&mut file, "sensitivity.methods", vec!["window", "rise"].into());
    put(&mut file, "sensitivity.fill", "constant".into());
    file
}

#[test]
fn a_key_decides_what_the_table_says() {
    let read = |file: &Table| parse(&file.to_string(), "x.toml", &[]);
    let mut seen: Vec<*const Key> = Vec::new();
    for kinds in KINDS {
        let plain = base(kinds);
        let kind = |section: &str| match section {
            "dataset" => Some(kinds.dataset),
            "train.optimizer" => Some(kinds.optimizer),
            "schedule" => Some(kinds.schedule),
            _ => None,
        };
        let here = keys().iter().filter(|key| key.goes_with(kind(key.section())));
        let here = here.filter(|key| !key.is_section() && key.path != "base");
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
    let all = keys().iter().filter(|key| !key.is_section() && key.path != "base");
    assert_eq!(seen.len(), all.count());
}
