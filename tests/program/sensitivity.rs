//! Sensitivity maps, from file to chart.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::driver::Program;
use fer_lab::store::{
    CurveKind, MapMethod, Results, SensitivityCurveRow, SensitivityRow, read_table,
};

/// Two small networks, and two maps of each.
const MAPS: &str = r#"
name = "maps"

[dataset]
kind = "faces"
size = [24, 24]
train = 96
val = 30
test = 40
classes = ["neutral", "happiness", "surprise"]

[model]
blocks = [[4], [8]]

[train]
epochs = 2
batch_size = 16
optimizer = { kind = "adam", learning_rate = 0.01 }

[sensitivity]
methods = ["window", "rise"]
window = 0.4
stride = 0.3
masks = 12
images = 5
steps = 4

[seeds]
count = 2
"#;

/// Every file of every map, sorted.
fn stored(program: &Program) -> Vec<PathBuf> {
    let folders = fs::read_dir(program.path("results/trainings")).unwrap();
    let maps = folders
        .flat_map(|folder| fs::read_dir(folder.unwrap().path().join("sensitivity")).unwrap());
    let mut paths: Vec<PathBuf> = maps.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn maps_are_made_once_and_drawn() {
    let program = Program::new();
    program.write("maps.toml", MAPS);
    let plan = program.json(&["plan", "maps.toml", "--format", "json"]);
    assert_eq!(plan["sensitivity"].as_array().unwrap().len(), 4);
    assert_eq!(plan["sensitivity"][0]["status"], "missing");
    let run = program.run(&["run", "maps.toml"]);
    run.succeeds();
    assert!(run.stderr.contains("2 trainings, 0 done; 6 evaluations, 0 done"), "{}", run.stderr);
    the_tables_are_whole(&program);
    for chart in ["sensitivity_window", "sensitivity_rise", "sensitivity_curves"] {
        assert!(run.stdout.contains(&format!("{chart}.png")), "{}", run.stdout);
    }
    let page = String::from_utf8(program.bytes("results/maps/report.html")).unwrap();
    assert!(page.contains("<h2>Sensitivity maps</h2>"));
    assert!(page.contains("points by region: "), "the maps are told in words");

    let before: Vec<(PathBuf, Vec<u8>)> =
        stored(&program).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    assert_eq!(before.len(), 8);
    let again = program.run(&["run", "maps.toml"]);
    again.succeeds();
    assert!(
        again.stderr.contains("2 trainings, 2 done; 6 evaluations, 6 done"),
        "{}",
        again.stderr
    );
    assert_eq!(again.stdout, run.stdout);
    let plan = program.run(&["plan", "maps.toml"]).stdout;
    assert!(
        plan.contains("4 sensitivity maps (4 done); predictions per image: 50 window, 53 rise"),
        "{plan}"
    );

    // A damaged file is computed again, byte for byte the same.
    fs::write(&before[0].0, &before[0].1[..100]).unwrap();
    let mended = program.run(&["run", "maps.toml"]);
    mended.succeeds();
    assert!(mended.stderr.contains("computing it again"), "{}", mended.stderr);
    assert!(mended.stderr.contains("6 evaluations, 5 done"), "{}", mended.stderr);
    assert!(before.iter().all(|(path, bytes)| fs::read(path).unwrap() == *bytes));

    // Other masks are another map of the same network; the window's stays.
    let other = ["run", "maps.toml", "--set", "sensitivity.masks=13"];
    let more = program.run(&other);
    more.succeeds();
    assert!(more.stderr.contains("2 trainings, 2 done; 6 evaluations, 4 done"), "{}", more.stderr);
    assert_eq!(stored(&program).len(), 12);

    // An experiment that asks for no maps has none.
    program.run(&["run", "maps.toml", "--set", "sensitivity.methods=[]"]).succeeds();
    assert!(!program.path("results/maps/sensitivity.parquet").exists());
    assert!(!program.path("results/maps/sensitivity_curves.parquet").exists());
}

fn the_tables_are_whole(program: &Program) {
    let results = Results::open(program.path("results")).unwrap();
    let cells: Vec<SensitivityRow> =
        read_table(&results.table_path::<SensitivityRow>("maps").unwrap()).unwrap();
    assert_eq!(cells.len(), 2 * 2 * 3 * 48 * 48);
    let different: BTreeSet<(u64, MapMethod, &str, u32, u32)> = cells
        .iter()
        .map(|row| (row.seed, row.method, &*row.emotion, row.row, row.column))
        .collect();
    assert_eq!(different.len(), cells.len());
    for row in &cells {
        assert_eq!(row.images, 5);
        assert!((0.0..=1.0).contains(&row.face), "{row:?}");
        let least = if row.method == MapMethod::Window { -1.0 } else { 0.0 };
        assert!(row.value >= least && row.value <= 1.0, "{row:?}");
    }
    assert!(cells.iter().any(|row| row.method == MapMethod::Window && row.value != 0.0));

    let steps: Vec<SensitivityCurveRow> =
        read_table(&results.table_path::<SensitivityCurveRow>("maps").unwrap()).unwrap();
    assert_eq!(steps.len(), 2 * 2 * 3 * 4 * 5);
    for row in &steps {
        assert!((0.0..=1.0).contains(&row.probability), "{row:?}");
        assert_eq!(row.share, f64::from(row.step) / 4.0);
    }
    // With nothing deleted and with everything inserted the face is whole, whatever the order.
    let whole = |seed: u64, emotion: &str| {
        let ends = steps.iter().filter(|row| (row.seed, &*row.emotion) == (seed, emotion));
        let ends =
            ends.filter(|row| row.step == if row.curve == CurveKind::Deletion { 0 } else { 4 });
        ends.map(|row| row.probability).collect::<Vec<f64>>()
    };
    for seed in [1, 2] {
        let ends = whole(seed, "happiness");
        assert_eq!(ends.len(), 8);
        assert!(ends.iter().all(|end| (end - ends[0]).abs() < 1e-6), "{ends:?}");
    }
}
