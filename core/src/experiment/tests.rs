use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::region::{Fill, Mode, Phase, Tuning};

const SMALLEST: &str = "name = \"x\"\n[dataset]\nkind = \"faces\"\n";

fn read(text: &str) -> Experiment {
    read_with(text, &[])
}

fn read_with(text: &str, sets: &[&str]) -> Experiment {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    parse(text, "x.toml", &sets).unwrap_or_else(|errors| panic!("{errors}"))
}

fn errors(text: &str, sets: &[String]) -> String {
    parse(text, "x.toml", sets).map_or_else(|errors| errors.to_string(), |_| "no error".to_owned())
}

/// Each case of `bad_files.md`: a heading, a block of TOML, `--set` arguments as indented lines, a block
/// with the errors.
#[test]
fn every_mistake_is_reported_with_its_place_and_a_suggestion() {
    let cases = include_str!("bad_files.md").split("\n## ").skip(1);
    let mut count = 0;
    for case in cases {
        let title = case.lines().next().unwrap();
        let block = |fence: &str| {
            let start = case.find(fence).unwrap() + fence.len();
            &case[start..start + case[start..].find("```").unwrap()]
        };
        let sets: Vec<String> = case
            .lines()
            .filter_map(|line| line.strip_prefix("    --set "))
            .map(str::to_owned)
            .collect();
        assert_eq!(errors(block("```toml\n"), &sets), block("```text\n").trim_end(), "{title}");
        count += 1;
    }
    assert!(count > 40, "only {count} cases were read");
}

#[test]
fn the_smallest_file_gets_the_defaults_of_the_seed_study() {
    let experiment = read(SMALLEST);
    assert_eq!(experiment.name, "x");
    assert_eq!(experiment.seeds, [1, 2, 3]);
    let Settings { dataset, model, train, schedule } = &experiment.settings;
    assert_eq!((dataset.height, dataset.width, dataset.channels), (48, 48, 1));
    assert_eq!(dataset.classes, EMOTIONS);
    let Source::Faces(faces) = &dataset.source else { panic!("{:?}", dataset.source) };
    assert_eq!((faces.train, faces.val, faces.test, faces.seed), (3500, 700, 1400, 0));
    assert_eq!(faces.signal, crate::region::Regions::built_in_names());
    assert_eq!(model.vgg().unwrap().blocks, [vec![64, 64], vec![96, 96, 96], vec![128, 128, 128]]);
    assert_eq!((train.epochs, train.batch_size, train.early_stopping), (30, 64, None));
    let adam = Optimizer::Adam { learning_rate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };
    assert_eq!(train.optimizer, adam);
    assert_eq!(train.augment, Augment { rotate: 10.0, scale: 0.1, flip: true, erasing: 0.0 });
    assert_eq!((train.target, train.select), (Target::Distribution, Select::Best));
    assert_eq!((train.precision, train.device), (Precision::F32, DeviceChoice::Auto));
    let plateau =
        ScheduleShape::Plateau { factor: 0.1, patience: 1, min_delta: 0.0, min_rate: 0.0 };
    assert_eq!(*schedule, Schedule { shape: plateau, warmup: 0.0 });
    assert_eq!(
        experiment.occlusion,
        OcclusionStudy {
            sets: vec![],
            modes: vec![Mode::Hide],
            phases: vec![Phase::Retrain],
            fills: vec![Fill::Mean],
            tuning: Tuning { epochs: 5, rate: 0.3 },
            controls: 0,
            evaluated_controls: 20,
            masks_alone: true,
        }
    );
    assert_eq!(experiment.cells.len(), 1);
    assert!(experiment.cells[0].swept.is_empty());
    assert_eq!(experiment.cells[0].settings, experiment.settings);
}

/// Of many sets those of the fewest regions have controls that cost no training.
#[test]
fn of_many_sets_the_smallest_have_controls_at_test_time() {
    let study = |more: &str| {
        let text = format!(
            "name = \"x\"\n[dataset]\nkind = \"faces\"\n[occlusion]\ncontrols = 2\n\
             phases = [\"retrain\", \"evaluate\"]\n{more}"
        );
        read(&text).occlusion
    };
    let counts = |study: &OcclusionStudy, size: usize| {
        let set = study.sets.iter().find(|set| set.len() == size).unwrap();
        let phases = [Phase::Retrain, Phase::Tuned, Phase::Evaluate, Phase::Amortised];
        phases.map(|phase| study.controls_of(set, phase))
    };
    let subsets = study("regions = \"subsets\"");
    assert_eq!(counts(&subsets, 1), [2, 2, 20, 20]);
    assert_eq!(counts(&subsets, 2), [2, 2, 0, 0]);
    let asked = study("regions = \"subsets\"\nevaluated_controls = 3");
    assert_eq!(counts(&asked, 1), [2, 2, 3, 3]);
    let pairs = study("regions = \"pairs\"");
    assert!(pairs.sets.len() > OcclusionStudy::MOST_CONTROLLED);
    assert_eq!(counts(&pairs, 2), [2, 2, 20, 20]);
    let few = study("regions = [\"eyes\", [\"eyes\", \"nose\"]]");
    assert_eq!(counts(&few, 2), [2, 2, 20, 20]);
}

#[test]
fn every_key_is_read() {
    let experiment = read(
        r#"
        name = "all"
        question = " Why? "
        analysis = """
        Because."""
        [dataset]
        kind = "ferplus"
        root = "data/ferplus"
        size = [96, 64]
        channels = 3
        labels = "multi_target"
        classes = ["contempt", "fear"]
        landmarks = "points.csv"
        without_landmarks = "skip"
        val = "PublicTest"
        test = "PrivateTest"
        [model]
        blocks = [[8], [16, 16]]
        [train]
        epochs = 7
        batch_size = 32
        target = "multi_target"
        augment = { rotate = 0, scale = 0.2, flip = false }
        select = "last"
        precision = "bf16"
        device = "cuda:1"
        early_stopping = 3
        [train.optimizer]
        kind = "sgd"
        learning_rate = 0.1
        momentum = 0.8
        nesterov = true
        weight_decay = 5e-4
        [schedule]
        kind = "one_cycle"
        rise = 0.2
        div = 10
        final_div = 100
        warmup = 0.5
        [regions]
        upper = ["glasses", "brows"]
        glasses = [[[0.15, 0.3], [0.85, 0.3], [0.85, 0.5], [0.15, 0.5]]]
        [occlusion]
        regions = ["upper", ["mouth", "jaw"], "eyes_left"]
        modes = ["keep", "hide"]
        phases = ["evaluate", "train"]
        fills = ["constant", "noise", "blur", "inpaint"]
        constant = 0.5
        blur = 0.25
        controls = 2
        masks_alone = false
        [seeds]
        list = [12, 11]
        "#,
    );
    assert_eq!((&*experiment.question, &*experiment.analysis), ("Why?", "Because."));
    let Settings { dataset, model, train, schedule } = &experiment.settings;
    assert_eq!(
        *dataset,
        DatasetSpec {
            source: Source::Ferplus {
                root: "data/ferplus".into(),
                labels: FerplusLabels::MultiTarget,
                test_labels: None,
                val: FerUsage::PublicTest,
                test: FerUsage::PrivateTest,
            },
            height: 96,
            width: 64,
            channels: 3,
            classes: vec!["contempt".to_owned(), "fear".to_owned()],
            landmarks: Some("points.csv".into()),
            without_landmarks: WithoutLandmarks::Skip,
            limit: None,
            standardise: crate::experiment::Standardise::default(),
            on_error: OnError::Stop,
            shape: Shaping::Stretch,
            duplicates: Duplicates::Keep,
            fit: Fit::Similarity,
        }
    );
    assert_eq!(model.vgg().unwrap().blocks, [vec![8], vec![16, 16]]);
    assert_eq!(
        *train,
        TrainSpec {
            epochs: 7,
            batch_size: 32,
            optimizer: Optimizer::Sgd {
                learning_rate: 0.1,
                momentum: 0.8,
                nesterov: true,
                weight_decay: 5e-4,
            },
            target: Target::MultiTarget,
            augment: Augment { rotate: 0.0, scale: 0.2, flip: false, erasing: 0.0 },
            select: Select::Last,
            precision: Precision::Bf16,
            device: DeviceChoice::Cuda(1),
            early_stopping: Some(3),
            label_smoothing: 0.0,
            mixup: 0.0,
            averaging: 0.0,
            class_weights: ClassWeights::None,
        }
    );
    let shape = ScheduleShape::OneCycle { rise: 0.2, div: 10.0, final_div: 100.0 };
    assert_eq!(*schedule, Schedule { shape, warmup: 0.5 });
    let upper = experiment.regions.get("upper").unwrap();
    assert_eq!(upper.polygons.len(), 2);
    assert_eq!(upper.polygons[0], experiment.regions.get("glasses").unwrap().polygons[0]);
    assert_eq!(experiment.occlusion.sets, [vec!["upper"], vec!["jaw", "mouth"], vec!["eyes_left"]]);
    assert_eq!(experiment.occlusion.modes, [Mode::Keep, Mode::Hide]);
    assert_eq!(experiment.occlusion.phases, [Phase::Evaluate, Phase::Train]);
    assert_eq!(
        experiment.occlusion.fills,
        [Fill::Constant(0.5), Fill::Noise, Fill::Blur(0.25), Fill::Inpaint]
    );
    assert_eq!(experiment.occlusion.controls, 2);
    assert!(!experiment.occlusion.masks_alone);
    assert_eq!(experiment.seeds, [12, 11]);
}

/// In unions too: an occluder's name is the file's own region, where it has one, and the occluder within that region.
#[test]
fn a_region_that_has_an_occluders_name_takes_its_place() {
    let own = "[regions]\nboth = [\"scarf\", \"phone\"]\nphone = [[[0.8, 0.2], [0.9, 0.2], [0.9, 0.8]]]\n\
               beanie = [\"beanie\", \"mouth\"]\n";
    let regions = read(&format!("{SMALLEST}{own}")).regions;
    let polygons = |name| &regions.get(name).unwrap().polygons;
    let atlas = crate::region::Regions::aligned();
    assert_eq!(polygons("phone").len(), 1);
    assert_eq!(polygons("both")[1], polygons("phone")[0]);
    assert_ne!(polygons("phone"), &atlas.get("phone").unwrap().polygons);
    assert_eq!(polygons("beanie")[0], atlas.get("beanie").unwrap().polygons[0]);
    assert_eq!(polygons("beanie").len(), 2);
}

#[test]
fn a_word_stands_for_many_sets() {
    let each = read(&format!("{SMALLEST}[occlusion]\nregions = \"each\""));
    assert_eq!(each.occlusion.sets.concat(), crate::region::Regions::built_in_names());
    let pairs = read(&format!("{SMALLEST}[occlusion]\nregions = \"pairs\"")).occlusion.sets;
    assert_eq!(pairs.len(), 21);
    assert!(
        pairs.iter().all(|pair| pair.len() == 2)
            && pairs.contains(&vec!["eyes".to_owned(), "mouth".to_owned()])
    );
    let halves = read(&format!("{SMALLEST}[occlusion]\nregions = \"halves\"")).occlusion.sets;
    assert_eq!(halves.concat(), ["face_left", "face_right", "face_upper", "face_lower"]);
    let sets = read(&format!("{SMALLEST}[occlusion]\nregions = \"subsets\"")).occlusion.sets;
    assert_eq!(sets.len(), 127);
    assert!(sets.iter().all(|set| (1..=7).contains(&set.len()) && set.is_sorted()));
    let distinct: std::collections::BTreeSet<_> = sets.iter().collect();
    assert_eq!(distinct.len(), 127);
}

#[test]
fn a_matrix_makes_a_cell_of_every_combination() {
    let experiment = read(&format!(
        "{SMALLEST}[matrix]\n\"train.optimizer.learning_rate\" = [0.01, 0.001]\n\
         schedule.kind = [\"plateau\", \"cosine\", \"constant\"]\n[schedule]\npatience = 4\n"
    ));
    assert_eq!(experiment.cells.len(), 6);
    let swept: Vec<Vec<&str>> = experiment
        .cells
        .iter()
        .map(|cell| cell.swept.values().map(String::as_str).collect())
        .collect();
    assert_eq!(swept[0], ["\"plateau\"", "0.01"]);
    assert_eq!(swept[1], ["\"cosine\"", "0.01"]);
    assert_eq!(swept[3], ["\"plateau\"", "0.001"]);
    let last = &experiment.cells[5].settings;
    assert_eq!(last.train.optimizer.learning_rate(), 0.001);
    assert_eq!(last.schedule.shape, ScheduleShape::Constant);
    let plateau = experiment.cells[0].settings.schedule.shape;
    assert!(matches!(plateau, ScheduleShape::Plateau { patience: 4, .. }), "{plateau:?}");
}

/// As in a table's column, where numbers have one type.
#[test]
fn whole_numbers_among_others_are_named_as_those_are() {
    let experiment = read(&format!(
        "{SMALLEST}[matrix]\n\"train.optimizer.learning_rate\" = [1, 0.5]\n\"train.batch_size\" = [16, 32]\n"
    ));
    let swept: Vec<Vec<&str>> = experiment
        .cells
        .iter()
        .map(|cell| cell.swept.values().map(String::as_str).collect())
        .collect();
    assert_eq!(swept, [["16", "1.0"], ["32", "1.0"], ["16", "0.5"], ["32", "0.5"]]);
}

/// Each key that any of the tables gives, in every combination: a column of its own type in `runs.parquet`.
#[test]
fn a_table_that_is_swept_sets_keys() {
    let swept = |more: &str| -> Vec<String> {
        let cells = read(&format!("{SMALLEST}{more}")).cells;
        let told = cells.iter().map(|cell| {
            let pairs = cell.swept.iter().map(|(key, value)| format!("{key} = {value}"));
            pairs.collect::<Vec<_>>().join(", ")
        });
        told.collect()
    };
    assert_eq!(
        swept("[matrix]\nschedule = [{ kind = \"cosine\" }, { kind = \"step\", every = 3 }]\n"),
        ["schedule.kind = \"cosine\"", "schedule.every = 3, schedule.kind = \"step\""]
    );
    // What a combination leaves out is what holds there: the file's value, or the default of its kind.
    assert_eq!(
        swept(
            "[train]\noptimizer = { beta1 = 0.5 }\n[matrix]\n\"train.optimizer\" = [{}, { beta1 = 0.8 }, \
             { kind = \"sgd\", learning_rate = 0.1 }, { kind = \"sgd\" }]\n"
        ),
        [
            "train.optimizer.beta1 = 0.5, train.optimizer.kind = \"adam\", train.optimizer.learning_rate = 0.001",
            "train.optimizer.beta1 = 0.8, train.optimizer.kind = \"adam\", train.optimizer.learning_rate = 0.001",
            "train.optimizer.kind = \"sgd\", train.optimizer.learning_rate = 0.1",
            "train.optimizer.kind = \"sgd\", train.optimizer.learning_rate = 0.01",
        ]
    );
    assert_eq!(
        swept("[matrix]\ntrain = [{ epochs = 2, augment = { flip = false } }, { epochs = 3 }]\n"),
        [
            "train.augment.flip = false, train.epochs = 2",
            "train.augment.flip = true, train.epochs = 3"
        ]
    );
    let data =
        read(&format!("{SMALLEST}[matrix]\ndataset = [{{ train = 200 }}, {{ seed = 1 }}]\n"));
    assert_eq!(data.cells[1].swept["dataset.train"], "3500");
    assert_eq!(data.cells[0].swept["dataset.seed"], "0");
}

#[test]
fn how_networks_are_evaluated_is_read_and_swept() {
    let read = |more: &str| read(&format!("{SMALLEST}{more}"));
    let statistics = |experiment: &Experiment| {
        assert!(experiment.cells.iter().all(|cell| cell.settings == experiment.settings));
        let cells = experiment.cells.iter().map(|cell| cell.evaluate.statistics).collect();
        (experiment.evaluate.statistics, cells)
    };
    let adapted = "[evaluate]\nstatistics = \"adapted\"\n";
    let swept = "[matrix]\n\"evaluate.statistics\" = [\"trained\", \"adapted\"]\n";
    for (more, own, cells) in [
        ("", Statistics::Trained, vec![Statistics::Trained]),
        (adapted, Statistics::Adapted, vec![Statistics::Adapted]),
        (swept, Statistics::Trained, Statistics::ALL.to_vec()),
    ] {
        let experiment = read(more);
        assert_eq!(statistics(&experiment), (own, cells), "{more}");
        let again = parse_whole(&experiment.merged, "x").unwrap();
        assert_eq!(statistics(&again), statistics(&experiment), "{more}");
    }
    let described = |more: &str| read(more).describe()["evaluate"]["statistics"].clone();
    assert_eq!((described(""), described(adapted)), ("trained".into(), "adapted".into()));
}

/// Which classes there are is a setting; their order is none.
#[test]
fn combinations_may_have_other_classes_but_not_another_order_of_the_same() {
    let matrix = |lists: &str| format!("{SMALLEST}[matrix]\n\"dataset.classes\" = [{lists}]\n");
    let order = errors(&matrix("[\"fear\", \"anger\"], [\"anger\", \"fear\"]"), &[]);
    assert!(order.contains("have the same classes in another order"), "{order}");
    assert!(order.contains("x.toml:5:1"), "{order}");
    let others = read(&matrix("[\"fear\", \"anger\"], [\"anger\", \"fear\", \"neutral\"]"));
    let classes = |cell: &Cell| cell.settings.dataset.classes.len();
    assert_eq!(others.cells.iter().map(classes).collect::<Vec<_>>(), [2, 3]);
    let one = read(&format!(
        "{SMALLEST}[matrix]\n\"dataset.classes\" = [[\"fear\", \"anger\"]]\n\"train.epochs\" = [1, 2]\n"
    ));
    assert_eq!(one.cells.len(), 2);
}

#[test]
fn arguments_are_toml_or_a_bare_word() {
    let sets = [
        "train.epochs=2",
        "dataset.size = [24, 32]",
        "train.device=cuda:0",
        "question=Why not, then?",
        "train.optimizer.momentum=0.5",
        "train.optimizer.kind=sgd",
        "seeds.list=[7]",
        "matrix.\"model.blocks\"=[[[8]], [[16]]]",
        "name='y'",
    ];
    let experiment = read_with(
        &format!("{SMALLEST}[seeds]\ncount = 9\n[train.optimizer]\nbeta1 = 0.8\n"),
        &sets,
    );
    let Settings { dataset, train, .. } = &experiment.settings;
    assert_eq!((train.epochs, dataset.height, dataset.width), (2, 24, 32));
    assert_eq!(train.device, DeviceChoice::Cuda(0));
    assert_eq!((&*experiment.question, &*experiment.name), ("Why not, then?", "y"));
    assert!(matches!(train.optimizer, Optimizer::Sgd { momentum: 0.5, .. }), "{train:?}");
    assert_eq!((experiment.seeds.len(), experiment.cells.len()), (1, 2));
}

/// What a shell's, a Python or a Hydra user types, and the same in TOML.
#[test]
fn arguments_are_read_by_what_their_key_takes() {
    let cases = [
        // A text may look like anything.
        ("name=2024", "name=\"2024\""),
        ("name=true", "name=\"true\""),
        ("name=2026-01-01", "name=\"2026-01-01\""),
        ("name=0x10", "name='0x10'"),
        ("question=3 [of] {7}, isn't it? # no", "question=\"3 [of] {7}, isn't it? # no\""),
        ("question=a=b", "question=\"a=b\""),
        ("question=", "question=\"\""),
        ("question=null", "question=\"null\""),
        ("analysis=[1, 2]", "analysis=\"[1, 2]\""),
        ("train.optimizer.kind = 'sgd'", "train.optimizer.kind=\"sgd\""),
        ("train.device=cuda:0", "train.device=\"cuda:0\""),
        // Flags and numbers.
        ("train.augment.flip=False", "train.augment.flip=false"),
        ("train.augment.flip=TRUE", "train.augment.flip=true"),
        ("train.optimizer.learning_rate=.001", "train.optimizer.learning_rate=0.001"),
        ("train.optimizer.learning_rate=1.e-3", "train.optimizer.learning_rate=0.001"),
        ("train.optimizer.learning_rate=1e-3", "train.optimizer.learning_rate=0.001"),
        ("train.augment.rotate=5.", "train.augment.rotate=5.0"),
        ("train.augment.rotate=+.5", "train.augment.rotate=0.5"),
        ("train.epochs=+1", "train.epochs=1"),
        ("train.epochs=1_000", "train.epochs=1000"),
        ("train.epochs=0x10", "train.epochs=16"),
        ("train.epochs=2 # few", "train.epochs=2"),
        // Lists, with brackets and without.
        ("dataset.classes=[happiness,sadness]", "dataset.classes=[\"happiness\",\"sadness\"]"),
        ("dataset.classes=happiness, sadness", "dataset.classes=[\"happiness\",\"sadness\"]"),
        ("dataset.classes=['happiness', sadness,]", "dataset.classes=[\"happiness\",\"sadness\"]"),
        ("dataset.size=24,32", "dataset.size=[24, 32]"),
        ("dataset.size=(24, 32)", "dataset.size=[24, 32]"),
        ("seeds.list=7", "seeds.list=[7]"),
        ("seeds.list=[7,\n 8]", "seeds.list=[7, 8]"),
        ("model.blocks=[[8],[16,16]]", "model.blocks=[[8], [16, 16]]"),
        ("occlusion.regions=eyes,mouth", "occlusion.regions=[\"eyes\",\"mouth\"]"),
        ("occlusion.regions=eyes", "occlusion.regions=[\"eyes\"]"),
        (
            "occlusion.regions=[[eyes, mouth],nose]",
            "occlusion.regions=[[\"eyes\",\"mouth\"],\"nose\"]",
        ),
        (
            "occlusion.regions=[eyes,mouth],nose",
            "occlusion.regions=[[\"eyes\",\"mouth\"],\"nose\"]",
        ),
        ("occlusion.regions=pairs", "occlusion.regions=\"pairs\""),
        ("occlusion.regions='each'", "occlusion.regions=\"each\""),
        ("occlusion.modes=hide,keep", "occlusion.modes=[\"hide\",\"keep\"]"),
        ("dataset.signal=[[brows, mouth]]", "dataset.signal=[[\"brows\",\"mouth\"]]"),
        ("dataset.signal=[]", "dataset.signal=[]"),
        ("regions.upper=brows,eyes", "regions.upper=[\"brows\",\"eyes\"]"),
        (
            "regions.own=[[[.1,.1],[.5,.1],[.5,.5]]]",
            "regions.own=[[[0.1,0.1],[0.5,0.1],[0.5,0.5]]]",
        ),
        // Sweeps.
        ("matrix.train.epochs=[5,10]", "matrix.\"train.epochs\"=[5,10]"),
        ("matrix.train.epochs=5,10", "matrix.\"train.epochs\"=[5,10]"),
        (
            "matrix.train.optimizer.learning_rate=.1,.01",
            "matrix.\"train.optimizer.learning_rate\"=[0.1,0.01]",
        ),
        (
            "matrix.\"train.augment.flip\"=[True,False]",
            "matrix.\"train.augment.flip\"=[true,false]",
        ),
        (
            "matrix.train.optimizer.kind=adam,sgd",
            "matrix.\"train.optimizer.kind\"=[\"adam\",\"sgd\"]",
        ),
        ("matrix.dataset.size=[24,24],[48,48]", "matrix.\"dataset.size\"=[[24,24],[48,48]]"),
        (
            "matrix.train.optimizer=[{kind=\"sgd\"},{kind=\"adam\"}]",
            "matrix.\"train.optimizer\"=[{kind=\"sgd\"},{kind=\"adam\"}]",
        ),
        ("train.optimizer={kind=\"sgd\"}", "train.optimizer={kind=\"sgd\"}"),
    ];
    for (typed, toml) in cases {
        let (typed_as, meant) = (read_with(SMALLEST, &[typed]), read_with(SMALLEST, &[toml]));
        let merged =
            [&typed_as.merged, &meant.merged].map(|text| text.parse::<toml::Table>().unwrap());
        assert_ne!(typed_as, read(SMALLEST), "{typed} has no effect");
        assert_eq!(
            Experiment { merged: String::new(), ..typed_as },
            Experiment { merged: String::new(), ..meant },
            "{typed}"
        );
        // Written with dots or in quotes, a swept key is the same.
        if !typed.starts_with("matrix") {
            assert_eq!(merged[0], merged[1], "{typed}");
        }
    }
    // One argument sets one key.
    let two = errors(SMALLEST, &["train.epochs=2\ntrain.batch_size=8".to_owned()]);
    assert!(two.starts_with("error: `--set` sets one key\n"), "{two}");
    // However a swept key is written, the argument replaces that of the file.
    for written in ["\"train.epochs\" = [1, 2]", "train.epochs = [1, 2]"] {
        for typed in [
            "matrix.train.epochs=5,10",
            "matrix.\"train.epochs\"=[5, 10]",
            "matrix={train={epochs=[5,10]}}",
        ] {
            let experiment = read_with(&format!("{SMALLEST}[matrix]\n{written}\n"), &[typed]);
            let epochs: Vec<u32> =
                experiment.cells.iter().map(|cell| cell.settings.train.epochs).collect();
            assert_eq!(epochs, [5, 10], "{written}: {typed}");
        }
    }
    let folder = "name = \"x\"\n[dataset]\nkind = \"folder\"\nroot = \"a\"\n";
    let digits = read_with(folder, &["dataset.classes=[1,02]"]).settings.dataset.classes;
    assert_eq!(digits, ["1", "02"]);
    for root in [r"C:\data\new faces", "data/my faces", "2024", "../a=b", "[old]"] {
        let set = format!("dataset.root={root}");
        let Source::Folder(FolderSpec { root: read, val, .. }) =
            read_with(folder, &[&set, "dataset.val=.25"]).settings.dataset.source
        else {
            panic!("no folder")
        };
        assert_eq!((read, val), (PathBuf::from(root), 0.25));
    }
}

/// Writes files into a folder of their own.
fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, impl Fn(&str) -> PathBuf + use<>) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_owned();
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    (folder, move |name: &str| root.join(name))
}

/// The errors of a file, its folder's name left out.
fn load_errors(path: &Path) -> String {
    let errors = load(path, &[]).unwrap_err().to_string();
    errors.replace(&format!("{}/", path.parent().unwrap().display()), "")
}

#[test]
fn a_file_starts_from_its_base() {
    let (_folder, at) = folder(&[
        (
            "base/seed.toml",
            "name = \"seed\"\nquestion = \"?\"\n[dataset]\nkind = \"ferplus\"\nroot = \"data\"\n\
             size = [100, 100]\nval = \"PublicTest\"\ntest = \"PrivateTest\"\n[schedule]\npatience = 5\n\
             [train]\nepochs = 9\nbatch_size = 16\n",
        ),
        ("middle.toml", "name = \"m\"\nbase = \"base/seed.toml\"\n[train]\nepochs = 8\n"),
        (
            "own.toml",
            "name = \"own\"\nbase = \"middle.toml\"\n[dataset]\nkind = \"faces\"\n[schedule]\n\
             kind = \"step\"\n[train]\nbatch_size = 8\n",
        ),
    ]);
    let experiment = load(&at("own.toml"), &[]).unwrap_or_else(|errors| panic!("{errors}"));
    let Settings { dataset, train, schedule, .. } = &experiment.settings;
    assert_eq!((&*experiment.name, &*experiment.question), ("own", "?"));
    assert_eq!((train.epochs, train.batch_size, dataset.height), (8, 8, 100));
    // What belongs to the base's kinds does not come along.
    assert!(matches!(&dataset.source, Source::Faces(faces) if faces.val == 700));
    assert_eq!(schedule.shape, ScheduleShape::Step { factor: 0.1, every: 10 });
}

#[test]
fn a_file_with_a_base_needs_a_name_of_its_own() {
    let (_folder, at) = folder(&[("a.toml", SMALLEST), ("b.toml", "base = \"a.toml\"\n")]);
    assert!(load_errors(&at("b.toml")).starts_with("error: `name` is missing\n --> b.toml:1:1\n"));
}

#[test]
fn an_error_in_a_base_points_into_the_base() {
    let (_folder, at) = folder(&[
        ("a.toml", "name = \"a\"\n[dataset]\nkind = \"faces\"\n[train]\nepochs = 0\n"),
        ("b.toml", "name = \"b\"\nbase = \"a.toml\"\n"),
    ]);
    assert_eq!(
        load_errors(&at("b.toml")),
        "error: `train.epochs` cannot be 0\n --> a.toml:5:10\n  |\n5 | epochs = 0\n  |          ^ \
         must be from 1 to 100000"
    );
}

#[test]
fn a_circle_of_bases_is_refused() {
    let (_folder, at) = folder(&[
        ("a.toml", "name = \"a\"\nbase = \"b.toml\"\n"),
        ("b.toml", "name = \"b\"\nbase = \"a.toml\"\n"),
    ]);
    assert_eq!(
        load_errors(&at("a.toml")),
        "error: the base `a.toml` leads back to itself\n --> b.toml:2:8\n  |\n2 | base = \"a.toml\"\n  \
         |        ^^^^^^^^ this file is already part of the chain\n  |\n  = help: leave out one `base` \
         of the chain"
    );
}

#[test]
fn a_chain_of_bases_has_an_end() {
    let names: Vec<String> = (0..20).map(|index| format!("{index}.toml")).collect();
    let texts: Vec<String> =
        (1..=20).map(|next| format!("name = \"x\"\nbase = \"{next}.toml\"\n")).collect();
    let files: Vec<(&str, &str)> =
        names.iter().zip(&texts).map(|(name, text)| (&**name, &**text)).collect();
    let (_folder, at) = folder(&files);
    let errors = load_errors(&at("0.toml"));
    assert!(errors.starts_with("error: more than 16 files, each the base of another"), "{errors}");
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let (_folder, at) = folder(&[("mask_eyes.toml", SMALLEST), ("folder/x.toml", SMALLEST)]);
    assert_eq!(
        load_errors(&at("mask_eye.toml")),
        "error: cannot read `mask_eye.toml`: there is no such file\n |\n = help: did you mean \
         `mask_eyes.toml`?"
    );
    assert!(load_errors(&at("folder")).starts_with("error: cannot read `folder`: it is a folder"));
    fs::write(at("latin.toml"), b"name = \"x\"\nquestion = \"caf\xe9\"\n").unwrap();
    let errors = load_errors(&at("latin.toml"));
    assert!(errors.starts_with("error: cannot read `latin.toml`: line 2 is not UTF-8"), "{errors}");
    fs::write(at("large.toml"), vec![b'#'; (1 << 20) + 1]).unwrap();
    let errors = load_errors(&at("large.toml"));
    assert!(errors.starts_with("error: cannot read `large.toml`: it is too large"), "{errors}");
}

#[test]
fn colour_is_there_only_when_asked_for() {
    let errors = parse("name = 1", "x.toml", &[]).unwrap_err();
    assert!(errors.render(true).contains('\u{1b}'));
    assert!(!errors.render(false).contains('\u{1b}'));
    assert_eq!(errors.to_string(), errors.render(false));
    assert_eq!(errors.count(), 2);
}

#[test]
fn an_amortised_network_learns_from_so_many_regions_at_most() {
    let square = "[[[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]]";
    let own: String = (0..32).map(|index| format!("r{index} = {square}\n")).collect();
    let regions: Vec<String> = (0..32).map(|index| format!("\"r{index}\"")).collect();
    let study = |count: usize| {
        let regions = regions[..count].join(", ");
        format!(
            "{SMALLEST}[regions]\n{own}[occlusion]\nphases = [\"amortised\"]\nregions = [{regions}]\n"
        )
    };
    assert_eq!(errors(&study(31), &[]), "no error");
    let error = errors(&study(32), &[]);
    assert!(
        error.starts_with("error: `amortised` can mask at most 31 different regions"),
        "{error}"
    );
}

/// Lines of TOML for one section, each there or not.
fn section(name: &'static str, lines: Vec<BoxedStrategy<String>>) -> BoxedStrategy<String> {
    let lines: Vec<_> = lines.into_iter().map(proptest::option::of).collect();
    lines
        .prop_map(move |lines| {
            let lines: Vec<String> = lines.into_iter().flatten().collect();
            format!("[{name}]\n{}\n", lines.join("\n"))
        })
        .boxed()
}

fn line<T: std::fmt::Debug + 'static>(
    key: &'static str,
    value: impl Strategy<Value = T> + 'static,
    write: fn(T) -> String,
) -> BoxedStrategy<String> {
    value.prop_map(move |value| format!("{key} = {}", write(value))).boxed()
}

/// Files that are right.
fn any_file() -> impl Strategy<Value = String> {
    let text = |text: String| toml::Value::String(text).to_string();
    let quoted = |word: &str| format!("\"{word}\"");
    let train = section(
        "train",
        vec![
            line("epochs", 1..1000_u32, |epochs| epochs.to_string()),
            line("batch_size", 1..100_usize, |size| size.to_string()),
            line("optimizer.learning_rate", 1e-6..1.0_f64, |rate| rate.to_string()),
            line("augment", 0.0..0.5_f64, |scale| format!("{{ scale = {scale}, flip = false }}")),
            line("precision", prop::sample::select(vec!["f32", "bf16"]), quoted),
        ],
    );
    let occlusion = section(
        "occlusion",
        vec![
            line("constant", 0.0..1.0_f64, |grey| grey.to_string()),
            line("controls", 0..4_u32, |count| count.to_string()),
            line(
                "regions",
                prop::sample::subsequence(
                    vec!["\"eyes\"", "\"own\"", "[\"jaw\", \"nose\"]"],
                    0..=3,
                ),
                |sets| format!("[{}]", sets.join(", ")),
            ),
            line(
                "fills",
                prop::sample::subsequence(vec!["\"mean\"", "\"noise\"", "\"constant\""], 1..=3),
                |fills| format!("[{}]", fills.join(", ")),
            ),
        ],
    );
    let seeds = section(
        "seeds",
        vec![line("list", prop::collection::btree_set(0..u64::MAX / 2, 1..5), |seeds| {
            format!("{:?}", seeds.into_iter().collect::<Vec<_>>())
        })],
    );
    let matrix = section(
        "matrix",
        vec![
            line("\"dataset.seed\"", 2..5_u64, |end| format!("{:?}", (0..end).collect::<Vec<_>>())),
            line("\"schedule.kind\"", Just(()), |()| "[\"cosine\", \"step\"]".to_owned()),
        ],
    );
    (("[A-Za-z0-9_-]{1,20}", ".{0,40}", "(.|\n){0,80}"), (train, occlusion, seeds, matrix), 0.0..0.4)
        .prop_filter("taken", |((name, ..), ..)| name != "trainings")
        .prop_map(move |((name, question, analysis), (train, occlusion, seeds, matrix), x)| {
            format!(
                "name = \"{name}\"\nquestion = {}\nanalysis = {}\n[dataset]\nkind = \"faces\"\n{train}\
                 {occlusion}{seeds}{matrix}[regions]\nown = [[[{x}, 0.1], [0.5, 0.1], [0.5, 0.2]]]\n",
                text(question),
                text(analysis)
            )
        })
}

proptest! {
    #[test]
    fn the_merged_file_is_the_same_experiment(text in any_file()) {
        let experiment = read_with(&text, &["train.select=last"]);
        let again = read(&experiment.merged);
        prop_assert_eq!(experiment, again);
    }

    #[test]
    fn no_argument_makes_it_panic(
        key in "[+~]{0,2}(name|train|train.epochs|train.augment.flip|occlusion.regions|dataset.size|model.blocks|regions.x|matrix.train.epochs|matrix.\"schedule.kind\"|é)[ :]?",
        value in "(\\[|\\]|\"|'|,|\\{|\\}|=|\\\\|#|\n| |é|\\.|-|1|a|eyes|True|null){0,12}",
    ) {
        for set in [format!("{key}={value}"), format!("{key}{value}")] {
            if let Err(errors) = parse(SMALLEST, "x.toml", &[set]) {
                prop_assert!(errors.count() > 0 && errors.to_string().starts_with("error: "));
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "(\\[|\\]|\"|'|=|\\.|\n|\\{|\\}|,|name|dataset|kind|faces|train|matrix|-1|0\\.5|#| ){0,60}", set in ".{0,20}") {
        let name = "name = \"x\"\n[dataset]\nkind = \"faces\"\n";
        for (text, sets) in [(text.clone(), vec![]), (format!("{name}{text}"), vec![set])] {
            if let Err(errors) = parse(&text, "x.toml", &sets) {
                prop_assert!(errors.count() > 0 && errors.to_string().starts_with("error: "));
            }
        }
    }
}

/// A results folder or a specification from someone else opens no file of this reader's.
#[test]
fn an_experiment_as_run_has_no_base() {
    let text = "base = \"/etc/hostname\"\nname = \"a\"\n[dataset]\nkind = \"faces\"\n";
    let message = super::parse_whole(text, "experiment.toml").unwrap_err().to_string();
    assert!(message.starts_with("error: an experiment that was run has no base"), "{message}");
    let merged = parse(SMALLEST, "a.toml", &[]).unwrap().merged;
    assert_eq!(super::parse_whole(&merged, "a.toml").unwrap().merged, merged);
}
