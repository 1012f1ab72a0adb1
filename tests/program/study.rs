//! Studies and their reports: masks without pixels, classes in two orders, several fills, and damaged stored
//! files.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use fer_lab::dataset::Split;
use fer_lab::region::Mode;
use fer_lab::store::{
    ConfusionRow, EpochRow, Metric, Results, RunRow, SettingContrastRow, read_table, write_table,
};
use serde_json::json;

use super::driver::{Program, SMOKE};

/// One training on whole faces, evaluated under masks.
fn quick(occlusion: &str) -> String {
    let (head, _) = SMOKE.split_once("[occlusion]").unwrap();
    let head = head.replace("epochs = 2", "epochs = 1");
    format!(
        "{head}[occlusion]\nmasks_alone = false\nevaluated_controls = 0\n{occlusion}\n[seeds]\ncount = 1\n"
    )
}

/// The answer without its line breaks.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_region_without_pixels_is_refused_before_anything_is_trained() {
    let program = Program::new();
    let dot = |side: f64| {
        let end = 0.5 + side;
        format!(
            "regions = [\"dot\", \"mouth\"]\nphases = [\"evaluate\"]\n[regions]\n\
             dot = [[[0.5, 0.5], [{end}, 0.5], [{end}, {end}], [0.5, {end}]]]\n"
        )
    };
    program.write("dot.toml", &quick(&dot(0.0005)));
    let refusal = "`dot` contains no pixel of any 24 × 24 train image";
    let run = program.run(&["run", "dot.toml"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(flat(&run.stderr).contains(refusal), "{}", run.stderr);
    assert!(!program.path("results/small").exists(), "it was never begun");
    assert!(!program.path("results/trainings").exists());

    let plan = program.run(&["plan", "dot.toml"]);
    plan.succeeds();
    let warning =
        "`dot` contains no pixel of any 24 × 24 image where the face lies as in the canonical";
    assert!(flat(&plan.stdout).contains(warning), "{}", plan.stdout);
    let preview = program.run(&["preview", "dot.toml", "--samples", "1"]);
    preview.succeeds();
    assert!(flat(&preview.stderr).contains(refusal), "{}", preview.stderr);
    let regions = program.run(&["regions", "dot.toml"]);
    regions.succeeds();
    assert!(regions.stderr.contains("`dot` contains no pixel"), "{}", regions.stderr);
    assert!(!regions.stderr.contains("`mouth`"), "{}", regions.stderr);

    // Without landmarks every region is placed as in the canonical frame, and no image has to be read.
    let faces = "kind = \"faces\"\nsize = [24, 24]\ntrain = 96\nval = 30\ntest = 40\n";
    let folder = quick(&dot(0.0005))
        .replace(faces, "kind = \"folder\"\nroot = \"gone\"\nsize = [24, 24]\n")
        .replace("nuisance = 0.2\n", "");
    program.write("folder.toml", &folder);
    let plan = program.run(&["plan", "folder.toml"]);
    assert_eq!(plan.code, Some(2), "{}", plan.stdout);
    let expected = "error: `dot` contains no pixel of any 24 × 24 image, so masking it has no effect: make the \
                    region larger, or the images (`dataset.size = [25, 25]` would do)";
    assert_eq!(flat(&plan.stderr), expected);
    let sized = program.run(&["plan", "folder.toml", "--set", "dataset.size=[25, 25]"]);
    sized.succeeds();

    // A slightly larger one has a pixel in some images, and none in others.
    program.write("dot.toml", &quick(&dot(0.02)));
    let run = program.run(&["run", "dot.toml"]);
    run.succeeds();
    assert!(flat(&run.stderr).contains("some of the 40 test images have no pixel of `dot` ("));
    assert!(!run.stderr.contains("`mouth`"), "{}", run.stderr);
}

#[test]
fn one_sweep_has_one_order_of_classes() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    let set = "matrix.\"dataset.classes\"=[[\"fear\", \"anger\"], [\"anger\", \"fear\"]]";
    let plan = program.run(&["plan", "smoke.toml", "--set", set]);
    assert_eq!(plan.code, Some(2), "{}", plan.stdout);
    assert!(plan.stderr.contains("have the same classes in another order"), "{}", plan.stderr);
}

/// What the description of a chart's file says in words, its subtitle among them.
fn chart(program: &Program, name: &str) -> String {
    let svg = program.bytes(&format!("results/small/charts/{name}.svg"));
    flat(&String::from_utf8(svg).unwrap())
}

/// The share of test images in the commonest class, per cent, where the last of the swept classes is this.
fn commonest(program: &Program, last: &str) -> f64 {
    let results = Results::open(program.path("results")).unwrap();
    let runs: Vec<RunRow> = read_table(&results.table_path::<RunRow>("small").unwrap()).unwrap();
    let end = format!("\"{last}\"]");
    let run = runs.iter().find(|run| run.swept["dataset.classes"].ends_with(&end)).unwrap();
    let confusion: Vec<ConfusionRow> =
        read_table(&results.table_path::<ConfusionRow>("small").unwrap()).unwrap();
    let mut counts = BTreeMap::<&str, f64>::new();
    let of_test = |row: &&ConfusionRow| row.run_id == run.run_id && row.split == Split::Test;
    for row in confusion.iter().filter(of_test) {
        *counts.entry(&row.actual).or_default() += row.count;
    }
    let most = counts.values().copied().fold(0.0, f64::max);
    100.0 * most / counts.values().sum::<f64>()
}

/// Of every chart of a study, which of some words stand in it, as whole words.
fn spoken_of(program: &Program, words: &[&'static str]) -> Vec<(String, Vec<&'static str>)> {
    let folder = program.path("results/small/charts");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let svgs = files.filter(|path| path.extension().is_some_and(|ending| ending == "svg"));
    let spoken = |path: PathBuf| {
        let svg = fs::read_to_string(&path).unwrap();
        let is_whole = |place: usize, word: &str| {
            !svg[place + word.len()..].starts_with(|next: char| next.is_alphanumeric())
        };
        let said = |word: &&&'static str| {
            svg.match_indices(**word).any(|(place, word)| is_whole(place, word))
        };
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, words.iter().filter(said).copied().collect())
    };
    svgs.map(spoken).collect()
}

#[test]
fn other_classes_are_another_setting_with_its_own_chance() {
    let program = Program::new();
    let sweep = "[matrix]\n\"dataset.classes\" = [[\"neutral\", \"happiness\"], [\"neutral\", \
                 \"happiness\", \"anger\"]]\n";
    let occlusion = "regions = [\"mouth\", \"eyes\"]\nphases = [\"evaluate\"]\n";
    let text =
        quick(occlusion).replace("classes = [\"neutral\", \"happiness\", \"surprise\"]\n", "");
    program.write("classes.toml", &format!("{text}{sweep}"));
    let plan = program.json(&["plan", "classes.toml", "--format", "json"]);
    assert_eq!(plan["trainings"].as_array().unwrap().len(), 2, "{plan}");
    let named = "hide mouth, classes = [\"neutral\", \"happiness\"]";
    assert!(
        plan["conditions"].as_array().unwrap().iter().any(|one| one["name"] == named),
        "{plan}"
    );

    let run = program.run(&["run", "classes.toml", "-q"]);
    run.succeeds();
    let said = flat(&run.stdout);
    let (two, three) = ("classes neutral + happiness", "classes neutral + happiness + anger");
    assert!(
        said.contains(&format!("These results are for {two}; the table lists the other settings.")),
        "{said}"
    );
    for (setting, end) in [(two, " and"), (three, ".")] {
        let chance = commonest(&program, setting.rsplit(' ').next().unwrap());
        assert!(said.contains(&format!("with {setting} (chance {chance:.1} %){end}")), "{said}");
    }
    // Other classes are other test images.
    assert!(said.contains("Settings are compared as independent samples"), "{said}");
    let again = program.run(&["report", "small"]);
    again.succeeds();
    assert!(flat(&again.stdout).starts_with(said.split(" Settings are compared").next().unwrap()));

    for (name, setting, images) in
        [("effects", two, 40), ("effects_classes_neutral_happiness_anger", three, 40)]
    {
        let svg = chart(&program, name);
        assert!(svg.contains(&format!("faces · {setting} · {images} test images")), "{svg}");
    }
    // What is of two classes knows nothing of the third.
    for (chart, settings) in spoken_of(&program, &["anger", "happiness"]) {
        let of_three = chart == "sweep" || chart.ends_with("_anger");
        assert_eq!(settings.len(), if of_three { 2 } else { 1 }, "{chart}: {settings:?}");
    }
    let compare = program.run(&[
        "compare",
        &format!("small:{named}"),
        "small:whole, classes = [\"neutral\", \"happiness\"]",
    ]);
    compare.succeeds();
    // With other classes the same images have other labels.
    let apart = "small:whole, classes = [\"neutral\", \"happiness\", \"anger\"]";
    let compare = program.run(&["compare", &format!("small:{named}"), apart, "--format", "csv"]);
    compare.succeeds();
    let reason = "the test images, or their classes, are not the same";
    assert!(compare.stdout.contains(reason), "{}", compare.stdout);
}

#[test]
fn everything_in_a_report_of_a_sweep_speaks_of_a_named_setting() {
    let program = Program::new();
    let occlusion = "regions = [\"mouth\", \"eyes\", \"nose\"]\nphases = [\"evaluate\"]\n";
    // The order of the file, which is not that of the texts or of the numbers.
    let sweep = "[matrix]\n\"train.epochs\" = [2, 10, 1]\n[sensitivity]\nmethods = [\"window\"]\n";
    program.write("epochs.toml", &format!("{}{sweep}", quick(occlusion)));
    let run = program.run(&["run", "epochs.toml", "-q"]);
    run.succeeds();
    let said = flat(&run.stdout);
    assert!(
        said.contains("These results are for epochs 2; the table lists the other settings."),
        "{said}"
    );
    assert!(said.contains("Across the 3 settings, accuracy on whole faces is"), "{said}");
    let results = Results::open(program.path("results")).unwrap();
    let path = results.table_path::<SettingContrastRow>("small").unwrap();
    let mut contrasts: Vec<SettingContrastRow> = read_table(&path).unwrap();
    assert!(contrasts.iter().all(|row| row.paired), "{contrasts:?}");
    contrasts.retain(|row| row.metric == Metric::Accuracy && row.mode == Mode::Hide);
    // Three pairs of settings for each of three regions.
    assert_eq!(contrasts.len(), 9, "{contrasts:?}");
    assert_eq!(contrasts[0].setting, ["train.epochs = 2"]);
    let table = run.stdout.lines().skip_while(|line| !line.starts_with("setting "));
    // A long name continues on a line that is indented.
    let rows: Vec<&str> = table.skip(2).filter(|line| !line.starts_with(' ')).take(3).collect();
    assert_eq!(rows.len(), 3, "{}", run.stdout);
    for (row, epochs) in rows.iter().zip(["epochs 2 ", "epochs 10 ", "epochs 1 "]) {
        assert!(row.starts_with(epochs), "{rows:?}");
    }
    for kind in
        ["effects", "effects_bits", "region_map", "emotions", "curves", "sensitivity_window"]
    {
        for (suffix, epochs) in [("", 2), ("_epochs_10", 10), ("_epochs_1", 1)] {
            let svg = chart(&program, &format!("{kind}{suffix}"));
            assert!(svg.contains(&format!("faces · epochs {epochs} ·")), "{kind}{suffix}: {svg}");
        }
    }
    // No chart but that of the sweep speaks of two settings, and none of none.
    let spoken = spoken_of(&program, &["epochs 2", "epochs 10", "epochs 1"]);
    assert!(spoken.len() > 20, "{spoken:?}");
    for (chart, settings) in &spoken {
        assert_eq!(settings.len(), if chart == "sweep" { 3 } else { 1 }, "{chart}: {settings:?}");
    }
    let svg = chart(&program, "sweep");
    let place = |text: &str| svg.find(text).unwrap_or_else(|| panic!("{text}: {svg}"));
    assert!(place("> epochs 2 <") < place("> epochs 10 <"), "{svg}");
    let page = flat(&String::from_utf8(program.bytes("results/small/report.html")).unwrap());
    assert!(page.contains("Settings compared") && page.contains("These results are for epochs 2;"));
    assert!(page.contains("faces · epochs 2 · 40 test images · 1 seed"));
}

#[test]
fn what_the_file_names_first_is_answered_first_and_named() {
    let program = Program::new();
    let fills = |fills: &str| {
        quick(&format!("regions = [\"mouth\"]\nphases = [\"evaluate\"]\nfills = {fills}\n"))
    };
    for (order, first) in [
        ("[\"mean\", \"constant\", \"blur\"]", "mean"),
        ("[\"noise\", \"blur\", \"mean\"]", "noise"),
    ] {
        program.write("fills.toml", &fills(order));
        let run = program.run(&["run", "fills.toml", "-q"]);
        run.succeeds();
        let said =
            format!("These results are for the {first} fill; the table lists the other fills.");
        assert!(flat(&run.stdout).contains(&said), "{}", run.stdout);
        let page = String::from_utf8(program.bytes("results/small/report.html")).unwrap();
        for fill in [first, "blur", "mean"] {
            let row = format!(">mouth masked at test time only, {fill}<");
            assert!(page.contains(&row), "{row}: {page}");
        }
        assert!(page.contains(&said));
        for chart in ["effects", "region_map"] {
            let svg =
                String::from_utf8(program.bytes(&format!("results/small/charts/{chart}.svg")));
            assert!(flat(&svg.unwrap()).contains(&format!("{first} fill")), "{chart}");
        }
    }
    program.write("one.toml", &fills("[\"blur\"]"));
    let one = program.run(&["run", "one.toml", "-q"]);
    one.succeeds();
    assert!(!one.stdout.contains("These results are for"), "{}", one.stdout);

    let sweep = ["run", "one.toml", "-q", "--set", "matrix.\"train.batch_size\"=[32, 16]"];
    let swept = program.run(&sweep);
    swept.succeeds();
    let said = "These results are for batch_size 32; the table lists the other settings.";
    assert!(flat(&swept.stdout).contains(said), "{}", swept.stdout);
}

#[test]
fn a_network_is_evaluated_with_the_requested_statistics() {
    let program = Program::new();
    let whole_network = "regions = [\"mouth\"]\nphases = [\"evaluate\"]\nfills = [\"noise\"]\n";
    program.write("x.toml", &quick(whole_network));
    let sweep = "matrix.evaluate.statistics=trained,adapted";
    let run = program.run(&["run", "x.toml", "-q", "--set", sweep]);
    run.succeeds();
    let said = "These results are for statistics trained; the table lists the other settings.";
    assert!(flat(&run.stdout).contains(said), "{}", run.stdout);
    let kept = "Batch normalisation used whole-face statistics.";
    assert!(flat(&run.stdout).contains(kept), "{}", run.stdout);
    let results = Results::open(program.path("results")).unwrap();
    let runs: Vec<RunRow> = read_table(&results.table_path::<RunRow>("small").unwrap()).unwrap();
    let names: Vec<&str> = runs.iter().map(|run| run.statistics.name()).collect();
    assert_eq!(names, ["trained", "trained", "adapted", "adapted"]);
    assert!(runs.iter().all(|run| run.training_id == runs[0].training_id), "{runs:?}");
    let losses: Vec<f64> = runs.iter().map(|run| run.test_loss.unwrap()).collect();
    assert!(losses[0] != losses[2] && losses[1] != losses[3], "{losses:?}");

    // Both are the same numbers when all is done once more: of four times the test pictures, and of the
    // validation pictures as they were validated on.
    let reproduced = program.json(&["reproduce", &runs[0].training_id, "--format", "json"]);
    let answers = json!(4 * 40 + 30);
    assert_eq!((&reproduced["agrees"], &reproduced["predictions"]), (&json!(true), &answers));

    // Requested alone, they are stored already.
    let adapted = ["evaluate.statistics=adapted", "name=adapted"];
    let plan = ["plan", "x.toml", "--format", "json", "--set", adapted[0], "--set", adapted[1]];
    let plan = program.json(&plan);
    let planned = plan["runs"].as_array().unwrap();
    assert!(planned.iter().all(|run| run["status"] == "done"), "{plan}");
    assert_eq!(planned[1]["run_id"], runs[3].run_id);
    let run = program.run(&["run", "x.toml", "-q", "--set", adapted[0], "--set", adapted[1]]);
    run.succeeds();
    let anew = "Batch-normalisation statistics were re-estimated under each mask.";
    assert!(flat(&run.stdout).contains(anew), "{}", run.stdout);
}

/// Each set has a network of its own, trained on from the one that learned from random sets; workers wait for that
/// one. What was interrupted, done by one worker or two, or done again gives the same.
#[test]
fn networks_are_tuned_from_the_amortised_one() {
    let program = Program::new();
    let study = quick(
        "regions = [\"mouth\", \"eyes\"]\nphases = [\"tuned\", \"amortised\"]\ntuned_epochs = 2\n",
    );
    program.write("x.toml", &study.replace("epochs = 1", "epochs = 3"));
    let run = program.run(&["run", "x.toml", "-q", "--jobs", "2", "--threads", "1"]);
    run.succeeds();
    let runs = program.json(&["show", "small", "--format", "json"]);
    let of = |phase: &str| -> Vec<serde_json::Value> {
        runs.as_array().unwrap().iter().filter(|run| run["phase"] == phase).cloned().collect()
    };
    let (tuned, amortised) = (of("tuned"), of("amortised"));
    assert_eq!((tuned.len(), amortised.len()), (2, 2), "{runs}");
    assert_eq!(amortised[0]["training_id"], amortised[1]["training_id"]);
    assert_ne!(tuned[0]["training_id"], tuned[1]["training_id"]);
    assert!(tuned.iter().all(|run| run["epochs"] == 2 && run["status"] == "done"), "{tuned:?}");
    assert!(amortised.iter().all(|run| run["epochs"] == 3), "{amortised:?}");
    let again =
        program.json(&["reproduce", tuned[0]["training_id"].as_str().unwrap(), "--format", "json"]);
    assert_eq!(again["agrees"], true, "{again}");

    // With one worker, in another folder.
    let one = ["run", "x.toml", "-q", "--jobs", "1", "--threads", "1", "--results", "other"];
    program.run(&one).succeeds();
    for table in ["predictions", "confusion", "effects"] {
        let bytes = |folder: &str| program.bytes(&format!("{folder}/small/{table}.parquet"));
        assert!(bytes("results") == bytes("other"), "{table}");
    }

    // What starts from a network that cannot be trained fails with it, and says so.
    let wild = [
        "train.optimizer={kind=\"sgd\", learning_rate=10.0, momentum=0.0, weight_decay=1.0}",
        "train.epochs=12",
        "schedule.kind=constant",
    ];
    let mut arguments = vec!["run", "x.toml", "-q", "--results", "none"];
    arguments.extend(wild.iter().flat_map(|set| ["--set", set]));
    let run = program.run(&arguments);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let shown = program.json(&["show", "small", "--results", "none", "--format", "json"]);
    let status = |phase: &str| {
        let found = shown.as_array().unwrap().iter().find(|run| run["phase"] == phase);
        found.unwrap()["status"].as_str().unwrap().to_owned()
    };
    assert!(status("amortised").contains("not finite"), "{shown}");
    assert!(status("tuned").ends_with(", whose network it starts from, failed"), "{shown}");

    // Alone it brings the phase that it starts from.
    program.write("alone.toml", &quick("regions = [\"mouth\"]\nphases = [\"tuned\"]\n"));
    let alone = program.json(&["plan", "alone.toml", "--format", "json"]);
    let phases = alone["conditions"].as_array().unwrap().iter();
    let phases: Vec<_> = phases.map(|condition| condition["phase"].clone()).collect();
    assert_eq!(phases, [json!(null), json!("amortised"), json!("tuned")]);
}

/// Each key of the tables is a column of its own; a kind that does not have it leaves it empty.
#[test]
fn a_table_is_swept_as_a_whole() {
    let program = Program::new();
    let study = quick("regions = [\"mouth\"]\nphases = [\"evaluate\"]\n");
    let sweep = "[matrix]\nschedule = [{ kind = \"constant\" }, { kind = \"step\", every = 1 }]\n";
    program.write("x.toml", &format!("{study}{sweep}"));
    let run = program.run(&["run", "x.toml", "-q"]);
    run.succeeds();
    assert!(
        flat(&run.stdout).contains("These results are for schedule constant"),
        "{}",
        run.stdout
    );
    let runs = program.json(&["show", "small", "--format", "json"]);
    let runs = runs.as_array().unwrap();
    let swept = |key: &str| runs.iter().map(|run| run[key].clone()).collect::<Vec<_>>();
    let halves = |first: serde_json::Value, last: serde_json::Value| {
        let each = runs.len() / 2;
        [vec![first; each], vec![last; each]].concat()
    };
    assert!(runs.len() >= 4 && runs.len().is_multiple_of(2), "{runs:?}");
    assert_eq!(swept("schedule.kind"), halves(json!("constant"), json!("step")));
    assert_eq!(swept("schedule.every"), halves(json!(null), json!(1)));
    let trainings = swept("training_id");
    assert_ne!(trainings.first(), trainings.last());
    program.run(&["report", "small"]).succeeds();
    let one = ["show", "small", "--where", "\"schedule.every\" = 1", "--format", "json"];
    assert_eq!(program.json(&one).as_array().map(Vec::len), Some(runs.len() / 2));
}

#[test]
fn damaged_files_are_reported_and_the_rest_is_used() {
    let program = Program::new();
    let occlusion = "regions = [\"top\", \"mouth\", [\"top\", \"mouth\"]]\nmodes = [\"keep\"]\n\
                     [regions]\ntop = [\"forehead\", \"brows\"]\n";
    program.write("small.toml", &format!("analysis = \"Prose of its own.\"{}", quick(occlusion)));
    let run = program.run(&["run", "small.toml", "-q"]);
    run.succeeds();
    let stored = program.path("results/small/experiment.toml");
    let whole = fs::read_to_string(&stored).unwrap();
    let page = || String::from_utf8(program.bytes("results/small/report.html")).unwrap();
    assert!(!run.stdout.contains("Incomplete") && !page().contains("Incomplete"), "{}", run.stdout);

    // Reports, and returns stdout if stderr, stdout and the page name the damage.
    let told = |words: &str| {
        let report = program.run(&["report", "small"]);
        report.succeeds();
        assert!(flat(&report.stderr).contains(words), "{words}: {}", report.stderr);
        assert!(
            flat(&report.stdout).contains(&format!("Incomplete: {words}")),
            "{}",
            report.stdout
        );
        let escaped = words.replace('&', "&amp;").replace('\'', "&#39;").replace('"', "&quot;");
        assert!(page().contains(&escaped), "{words}: the page says nothing");
        report.stdout
    };
    let missing = "`results/small/experiment.toml` is no longer the experiment as it was run";
    fs::write(&stored, whole.replace("[train]", "[train]\nspeed = 3")).unwrap();
    let said = told(missing);
    assert!(flat(&said).contains(": unknown key `train.speed`"), "{said}");
    assert!(said.contains("Does the small chain work?"), "{said}");
    assert!(page().contains("Prose of its own.") && page().contains("It is no longer what was"));
    assert!(page().contains("top"), "its own region is drawn");

    fs::write(&stored, whole.replace("[train]", "[train")).unwrap();
    let said = told(missing);
    assert!(flat(&said).contains("this is not valid TOML"), "{said}");
    assert!(said.contains("Does the small chain work?"), "{said}");
    fs::remove_file(&stored).unwrap();
    told("the experiment as run, `results/small/experiment.toml`, is missing");
    // It can still be read, but differs from the experiment that was run.
    fs::write(&stored, whole.replace("Prose of its own.", "Prose of another.")).unwrap();
    told("`results/small/experiment.toml` was changed after the run.");
    assert!(page().contains("Prose of another.") && page().contains("It is no longer what was"));
    fs::write(&stored, &whole).unwrap();

    let epochs = program.path("results/small/epochs.parquet");
    let bytes = fs::read(&epochs).unwrap();
    fs::write(&epochs, &bytes[..bytes.len() / 2]).unwrap();
    told("`results/small/epochs.parquet` is damaged");
    let other = &program.json(&["list", "trainings", "--format", "json"])[0]["training_id"];
    let other = format!("results/trainings/{}/epochs.parquet", other.as_str().unwrap());
    let mut rows: Vec<EpochRow> = read_table(&program.path(&other)).unwrap();
    rows[0].training_id = "00000000000000000000".to_owned();
    write_table(&epochs, &rows).unwrap();
    told("`results/small/epochs.parquet` belongs to something else: it holds epochs of training 0");
    fs::write(&epochs, &bytes).unwrap();
    for training in fs::read_dir(program.path("results/trainings")).unwrap() {
        let folder = training.unwrap().path();
        fs::rename(folder.join("manifest.json"), folder.join("manifest.away")).unwrap();
    }
    // Nothing of the answer stands in the manifests.
    program.run(&["report", "small"]).succeeds();
    for training in fs::read_dir(program.path("results/trainings")).unwrap() {
        let folder = training.unwrap().path();
        fs::rename(folder.join("manifest.away"), folder.join("manifest.json")).unwrap();
        // A training that ended well had epochs.
        fs::remove_file(folder.join("epochs.parquet")).unwrap();
        let id = folder.file_name().unwrap().to_str().unwrap();
        let shown = program.run(&["show", id]);
        shown.succeeds();
        assert!(shown.stderr.contains("epochs.parquet` is missing"), "{}", shown.stderr);
    }
    // Everything is complete again.
    let report = program.run(&["report", "small"]);
    report.succeeds();
    assert!(report.stderr.is_empty() && !report.stdout.contains("Incomplete"), "{}", report.stderr);

    fs::remove_file(program.path("results/small/runs.parquet")).unwrap();
    let list = program.run(&["list"]);
    list.succeeds();
    assert!(
        list.stderr.contains("`small` is not listed: it has no runs.parquet"),
        "{}",
        list.stderr
    );
}
