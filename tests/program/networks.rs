//! Networks in ONNX files: an experiment on one, and `fer-lab examine`.
//!
//! The networks are those of `tests/onnx`. Without ONNX Runtime (`scripts/setup --onnx`) nothing is run, and a line says so.

use std::fs;

use fer_lab::model::onnx;
use fer_lab::onnx::RUNTIME;
use fer_lab::store::{Manifest, Results};

use super::driver::Program;

fn is_there() -> bool {
    let there = onnx::place().exists();
    if !there {
        eprintln!("skipped: ONNX Runtime is not there (scripts/setup --onnx)");
    }
    there
}

fn network(name: &str) -> String {
    format!("{}/tests/onnx/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn experiment(network: &str) -> String {
    format!(
        "name = \"own\"\n[dataset]\nkind = \"faces\"\ntrain = 40\nval = 20\ntest = 40\nclasses = [\"neutral\", \"happiness\", \
         \"surprise\", \"sadness\", \"anger\"]\n[model]\nkind = \"onnx\"\npath = {network:?}\nclasses = [\"neutral\", \"happy\", \
         \"surprise\", \"sad\", \"angry\"]\ninput = {{ range = 1.0, mean = [0.5], std = [0.25] }}\n[occlusion]\nregions = \
         [\"eyes\", \"mouth\"]\nmodes = [\"hide\", \"keep\"]\nfills = [\"mean\", \"noise\"]\nevaluated_controls = 1\n\
         [sensitivity]\nmethods = [\"window\"]\nwindow = 0.5\nstride = 0.5\nsteps = 3\n"
    )
}

#[test]
fn without_the_runtime_its_place_and_the_cure_are_said() {
    let program = Program::new();
    program.write("own.toml", &experiment(&network("grey.onnx")));
    let run =
        program.command(&["run", "own.toml"]).env(onnx::PLACE, "nowhere.so").output().unwrap();
    let stderr = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("ONNX Runtime, which is not there, nowhere.so"), "{stderr}");
    assert!(stderr.contains("scripts/setup --onnx"), "{stderr}");
}

#[test]
fn a_network_from_a_file_is_examined_as_it_is() {
    if !is_there() {
        return;
    }
    let program = Program::new();
    fs::copy(network("grey.onnx"), program.path("my.onnx")).unwrap();
    program.write("own.toml", &experiment("my.onnx"));
    let plan = program.run(&["plan", "own.toml"]);
    assert!(
        plan.stdout.contains("1 network that is not trained here (0 opened), 17 runs"),
        "{plan:?}"
    );
    let run = program.run(&["run", "own.toml"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("this is one network, as it is"), "{}", run.stdout);
    assert!(run.stdout.contains("evaluated by fer-lab"), "{}", run.stdout);
    assert!(!run.stdout.contains("Batch normalisation"), "{}", run.stdout);
    let rows = program.json(&["show", "own", "--format", "json"]);
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 17, "{rows:?}");
    assert!(rows.iter().all(|row| row["status"] == "done" && row["seed"] == 1), "{rows:?}");
    let page = fs::read_to_string(program.path("results/own/report.html")).unwrap();
    assert!(page.contains("A network that was trained elsewhere, my.onnx"));

    // It is not evaluated again, and gives the same where it is.
    let again = program.run(&["run", "own.toml"]);
    assert!(again.stderr.contains("34 evaluations") || again.code == Some(0), "{again:?}");
    let id = rows[0]["training_id"].as_str().unwrap();
    let same = program.json(&["reproduce", id, "--format", "json"]);
    assert_eq!(same["predictions_differ"], 0, "{same}");

    // Answers of two versions of ONNX Runtime do not stand side by side.
    let results = Results::open(program.path("results")).unwrap();
    let path = results.manifest_path(id).unwrap();
    let manifest = results.manifest(id).unwrap();
    assert_eq!(manifest.onnxruntime.as_deref(), Some(RUNTIME));
    let other = Manifest { onnxruntime: Some("1.20.1".to_owned()), ..manifest.clone() };
    other.write(&path).unwrap();
    let mixed = program.run(&[
        "run",
        "own.toml",
        "--set",
        "name=mixed",
        "--set",
        "occlusion.fills=[\"constant\"]",
    ]);
    assert_eq!(mixed.code, Some(2), "{mixed:?}");
    let said = format!(
        "evaluated by ONNX Runtime 1.20.1, and the library here is {RUNTIME}: set FER_LAB_ONNXRUNTIME to one of version 1.20.1"
    );
    assert!(
        mixed.stderr.split_whitespace().collect::<Vec<_>>().join(" ").contains(&said),
        "{mixed:?}"
    );
    manifest.write(&path).unwrap();

    // Another network under the same name is another network, and is never mixed with the first.
    fs::copy(network("fixed_batch.onnx"), program.path("my.onnx")).unwrap();
    let other = program.json(&["plan", "own.toml", "--format", "json"]);
    assert!(other["trainings"][0]["training_id"] != id, "{other}");
    // The stored study is read without the file.
    fs::remove_file(program.path("my.onnx")).unwrap();
    let report = program.run(&["report", "own"]);
    assert_eq!(report.code, Some(0), "{report:?}");
}

/// Dark, grey and light pictures, in folders of the emotions that `brightness.onnx` takes them for.
fn brightness(program: &Program) {
    for split in ["train", "val", "test"] {
        for (folder, grey) in [("sad", 0), ("Happy", 255), ("neutral", 128)] {
            let folder = program.path(&format!("pictures/{split}/{folder}"));
            fs::create_dir_all(&folder).unwrap();
            for number in 0..8_u8 {
                let picture = image::GrayImage::from_fn(24, 24, |x, y| {
                    let spread = (x * 3 + y * 5 + u32::from(number)) % 9;
                    image::Luma([(grey + spread as i32 - 4).clamp(0, 255) as u8])
                });
                picture.save(folder.join(format!("{number}.png"))).unwrap();
            }
        }
    }
}

#[test]
fn what_no_file_tells_is_found_by_trying() {
    if !is_there() {
        return;
    }
    let program = Program::new();
    brightness(&program);
    let network = network("brightness.onnx");
    let examine = |more: &[&str]| {
        let words = [&["examine", &network, "--data", "pictures", "--aligned"], more].concat();
        program.run_with(&words, &["occlusion.evaluated_controls=0", "occlusion.modes=hide"])
    };
    // What is said is held against the other assumptions.
    let wrong = examine(&["--range", "255"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("fits worse than another assumption"), "{}", wrong.stderr);
    let wrong = examine(&["--classes", "neutral,happiness,surprise,sadness,anger,disgust,fear"]);
    assert!(wrong.stderr.contains("fits worse than another assumption"), "{}", wrong.stderr);
    assert!(!program.path("brightness.toml").exists(), "nothing is run, and nothing written");

    let ended = examine(&[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stderr.contains("data: folder, 3 classes: neutral, happiness, sadness"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("assumed: grey, values from 0 to 1; classes anger, disgust"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("24 training images: 100.0 % right"), "{}", ended.stderr);
    let text = fs::read_to_string(program.path("brightness.toml")).unwrap();
    assert!(text.contains("# In the order of FER2013"), "{text}");
    assert!(program.path("results/brightness/report.html").exists());
    // A file that says something else is not overwritten.
    program.write("brightness.toml", "name = \"mine\"\n");
    let refused = examine(&[]);
    assert!(refused.stderr.contains("so it is not overwritten"), "{}", refused.stderr);
}

/// An entry of an ONNX file's metadata, encoded: it may stand behind all else.
fn metadata(key: &str, value: &str) -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| {
        let length = u8::try_from(bytes.len()).unwrap();
        assert!(length < 128);
        [&[number << 3 | 2, length], bytes].concat()
    };
    field(14, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat())
}

#[test]
fn what_a_file_says_of_itself_is_held_against_the_pictures() {
    if !is_there() {
        return;
    }
    let program = Program::new();
    brightness(&program);
    let said = |name: &str, classes: &str| {
        let mut file = fs::read(network("brightness.onnx")).unwrap();
        file.extend(metadata("fer_lab.model.classes", classes));
        file.extend(metadata("fer_lab.model.input.range", "1.0"));
        fs::write(program.path(name), file).unwrap();
        let words = ["examine", name, "--data", "pictures", "--aligned"];
        program.run_with(&words, &["occlusion.evaluated_controls=0", "occlusion.modes=hide"])
    };
    let wrong = said(
        "wrong.onnx",
        r#"["neutral","happiness","surprise","sadness","anger","disgust","fear"]"#,
    );
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    let message = "what you or its file say of the network fits worse than another assumption";
    assert!(wrong.stderr.contains(message), "{}", wrong.stderr);
    let right = said("right.onnx", r#"["anger","disgust","","happiness","sadness","","neutral"]"#);
    assert_eq!(right.code, Some(0), "{right:?}");
    assert!(right.stderr.contains("(the order of its file)"), "{}", right.stderr);
}

#[test]
fn a_network_that_reads_nothing_from_the_pictures_is_refused() {
    if !is_there() {
        return;
    }
    let program = Program::new();
    brightness(&program);
    for split in ["train", "val", "test"] {
        let from = program.path(&format!("pictures/{split}/neutral"));
        for (class, number) in [("surprise", 0), ("angry", 1)] {
            let folder = program.path(&format!("pictures/{split}/{class}"));
            fs::create_dir_all(&folder).unwrap();
            for place in 0..8 {
                let picture = from.join(format!("{}.png", (place + number) % 8));
                fs::copy(picture, folder.join(format!("{place}.png"))).unwrap();
            }
        }
    }
    let refused =
        program.run(&["examine", &network("grey.onnx"), "--data", "pictures", "--aligned"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let said = ["no assumption fits this network", "no known order of classes fits"];
    assert!(said.iter().any(|said| refused.stderr.contains(said)), "{}", refused.stderr);
}
