//! Where the program meets the rest of the system: files that others made, what stdout leads to, what a
//! terminal would obey, and words that name nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use super::driver::{Program, SMOKE};
use serde_json::{Value, json};

/// Runs it, and expects that it is refused with these words and nothing is done.
fn refused(program: &Program, arguments: &[&str], message: &str) {
    let run = program.run(arguments);
    assert_eq!(run.code, Some(2), "{arguments:?}: {}", run.stderr);
    assert!(run.stderr.contains(message), "{arguments:?}: {}", run.stderr);
    assert!(run.stdout.is_empty() && !run.stderr.contains("panicked"), "{arguments:?}");
}

#[test]
fn pictures_replace_nothing_but_pictures_of_the_program() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    program.write("text.png", "mine");
    image::GrayImage::new(3, 3).save(program.path("photo.png")).unwrap();
    fs::create_dir(program.path("folder.png")).unwrap();
    symlink("text.png", program.path("link.png")).unwrap();
    symlink("nowhere.png", program.path("dangling.png")).unwrap();
    let made = Command::new("mkfifo").arg(program.path("pipe.png")).status().unwrap();
    assert!(made.success());
    let photo = program.bytes("photo.png");
    let listed = || walkdir::WalkDir::new(program.folder()).into_iter().count();
    let before = listed();
    for (path, message) in [
        ("smoke.toml", "name a file that ends in .png"),
        ("/dev/stdout", "name a file that ends in .png"),
        ("text.png", "`text.png` exists and was not drawn by fer-lab"),
        ("photo.png", "`photo.png` exists and was not drawn by fer-lab"),
        ("folder.png", "`folder.png` is a folder and is not overwritten"),
        ("link.png", "`link.png` is a link and is not overwritten"),
        ("dangling.png", "`dangling.png` is a link"),
        ("pipe.png", "`pipe.png` is a device, a pipe or a socket"),
        ("new.png/", "name a file that ends in .png"),
        ("none/a.png", "there is no folder `none`"),
        ("text.png/a.png", "cannot read `text.png/a.png`: Not a directory"),
    ] {
        refused(&program, &["preview", "smoke.toml", "--out", path], message);
        refused(&program, &["regions", "--out", path], message);
        let chart = message.replace("ends in .png", "ends in .png or .svg or .pdf");
        refused(&program, &["compare", "a", "b", "--chart", path], &chart);
    }
    assert_eq!(listed(), before, "nothing was made on the way");
    assert_eq!(program.bytes("smoke.toml"), SMOKE.as_bytes());
    assert_eq!((program.bytes("text.png"), program.bytes("photo.png")), (b"mine".to_vec(), photo));

    for _ in 0..2 {
        program.run(&["regions", "--out", "own.png"]).succeeds();
        program.run(&["preview", "smoke.toml", "--out", "own.png"]).succeeds();
        program.run(&["preview", "smoke.toml"]).succeeds();
        program.run(&["regions"]).succeeds();
    }
    fs::remove_file(program.path("results/regions.png")).unwrap();
    symlink("../smoke.toml", program.path("results/regions.png")).unwrap();
    refused(&program, &["regions"], "`results/regions.png` is a link");
}

#[test]
fn pages_and_specifications_replace_nothing_foreign() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    for _ in 0..2 {
        program.run(&["man", "pages"]).succeeds();
        program.run(&["plan", "smoke.toml", "--specifications", "todo"]).succeeds();
    }
    let file = fs::read_dir(program.path("todo")).unwrap().next().unwrap().unwrap().file_name();
    let specification = format!("todo/{}", file.to_str().unwrap());
    let plan = ["plan", "smoke.toml", "--specifications", "todo"];
    program.write("pages/fer-lab-run.1", "mine");
    program.write(&specification, "{}");
    refused(&program, &["man", "pages"], "`pages/fer-lab-run.1` is not a manual page of fer-lab");
    refused(&program, &plan, "is not a specification of that training");
    assert_eq!(program.bytes("pages/fer-lab-run.1"), b"mine");
    assert_eq!(program.bytes(&specification), b"{}");
    for path in ["pages/fer-lab-run.1", &specification] {
        fs::remove_file(program.path(path)).unwrap();
        symlink(program.path("smoke.toml"), program.path(path)).unwrap();
    }
    refused(&program, &["man", "pages"], "fer-lab-run.1` is a link");
    refused(&program, &plan, "is a link");
    assert_eq!(program.bytes("smoke.toml"), SMOKE.as_bytes());
    refused(
        &program,
        &["plan", "smoke.toml", "--specifications", "smoke.toml"],
        "`--specifications smoke.toml`: that is a file, not a folder",
    );
}

/// Every command that writes an answer, where what it names is there.
const ANSWERING: [&[&str]; 23] = [
    &["run", "smoke.toml", "-q"],
    &["run", "smoke.toml", "--json"],
    &["plan", "smoke.toml"],
    &["plan", "smoke.toml", "--format", "json"],
    &["data", "smoke.toml"],
    &["preview", "smoke.toml"],
    &["regions"],
    &["report", "small"],
    &["compare", "small", "small"],
    &["list", "--format", "csv"],
    &["list", "trainings"],
    &["show", "small", "--format", "json"],
    &["diff", "small", "smoke.toml"],
    &["status"],
    &["logs", "small"],
    &["clean", "--dry-run"],
    &["tables"],
    &["schema"],
    &["completions", "fish"],
    &["man"],
    &["--help"],
    &["run", "--help"],
    &["--version"],
];

#[test]
fn lost_output_is_an_error_and_a_closed_pipe_is_none() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    program.run(&["run", "smoke.toml", "-q"]).succeeds();
    for arguments in ANSWERING {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output =
            program.command(arguments).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
        let message = "could not write to standard output: No space left on device";
        assert!(stderr.contains(message), "{arguments:?}: {stderr}");

        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output =
            program.command(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("error"), "{arguments:?}: {stderr}");
    }
    // The second experiment runs although the first one's report is lost.
    program.write("two.toml", &SMOKE.replace("\"small\"", "\"two\""));
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut both = program.command(&["run", "smoke.toml", "two.toml", "-q"]);
    assert_eq!(both.stdout(full).stderr(Stdio::null()).status().unwrap().code(), Some(1));
    assert!(program.path("results/two/report.html").exists());
}

/// Text that moves the cursor, sets a title, turns the direction of writing.
const HARMFUL: &str = "a\u{1b}[2J\u{1b}]0;x\u{7}\r\u{9b}1m\u{7f}\u{202e}b";

fn is_harmless(text: &str) -> bool {
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !text.chars().any(|c| (c.is_control() && c != '\n' && c != '\t') || turns(c))
}

#[test]
fn nothing_of_a_foreign_folder_reaches_the_terminal_as_a_command() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    program.run(&["run", "smoke.toml", "-q"]).succeeds();
    let trainings = program.json(&["list", "trainings", "--format", "json"]);
    let id = trainings[0]["training_id"].as_str().unwrap().to_owned();
    let path = format!("results/trainings/{id}/manifest.json");
    let mut manifest = program.unsealed(&path);
    for key in ["host", "device", "processor", "libtorch", "precision"] {
        manifest[key] = json!(HARMFUL);
    }
    program.write(&path, &manifest.to_string());
    program.write(&format!("results/trainings/{id}/log"), HARMFUL);
    let name = format!("{HARMFUL}.toml");
    program.write(&name, "name = 3\n[x]\n# \u{9b}\u{7f}\n");
    let formats = ["table", "csv", "json", "markdown", "latex"];
    for format in formats {
        for arguments in [
            vec!["list", "trainings", "--columns", "training_id,host,device,precision"],
            vec!["list", "trainings"],
            vec!["show", &id],
            vec!["diff", &id, "small"],
            vec!["logs", &id],
            vec!["plan", &name],
            vec!["run", &name],
            vec!["show", HARMFUL],
        ] {
            let run = program.run(&[&arguments[..], &["--format", format]].concat());
            assert!(is_harmless(&run.stdout), "{arguments:?} {format}: {:?}", run.stdout);
            assert!(is_harmless(&run.stderr), "{arguments:?} {format}: {:?}", run.stderr);
        }
    }
    // To a program JSON says the same text, and CSV what stood there.
    let shown = program.json(&["show", &id, "--format", "json"]);
    assert_eq!(shown["host"], HARMFUL);
    let csv = program.run(&["list", "trainings", "--format", "csv"]);
    assert!(csv.stdout.contains("a\\u001b[2J\\u001b]0;x\\u0007\\u000d\\u009b1m"), "{}", csv.stdout);
}

#[test]
fn a_specification_that_asks_for_what_cannot_be_is_refused() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    program.run(&["plan", "smoke.toml", "--specifications", "todo"]).succeeds();
    let file = fs::read_dir(program.path("todo")).unwrap().next().unwrap().unwrap().path();
    let right: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    for (key, value, message) in [
        ("threads", json!(0), "`threads` cannot be 0: must be from 1 to 1024"),
        ("threads", json!(1_000_000), "`threads` cannot be 1000000: must be from 1 to 1024"),
        ("threads", json!(1e300), "`threads`: invalid type"),
        ("checkpoint_seconds", json!(4_000_000_000u32), "must be from 0 to 604800"),
        ("cell", json!(3), "no cell 3"),
    ] {
        let mut wrong = right.clone();
        wrong[key] = value;
        program.write("wrong.json", &wrong.to_string());
        // The event on stdout says so too, once the worker is at work.
        let run = program.run(&["worker", "wrong.json"]);
        assert_eq!(run.code, Some(2), "{message}: {}", run.stderr);
        assert!(run.stderr.contains(message), "{message}: {}", run.stderr);
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    }
    for arguments in [
        ["--retries", "1001"],
        ["--retries", "-1"],
        ["--checkpoint-every", "604801"],
        ["--threads", "0"],
        ["--jobs", "1025"],
    ] {
        let all = [&["run", "smoke.toml"][..], &arguments].concat();
        refused(&program, &all, arguments[1]);
    }
}

/// Rust opens /dev/null in the place of a closed stream.
#[test]
fn output_to_a_closed_stream_is_an_error() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    let closed = |arguments: &str, how: &str| {
        let line = format!("'{}' {arguments} {how}", env!("CARGO_BIN_EXE_fer-lab"));
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &line])
            .current_dir(program.folder())
            .env_remove("CARGO")
            .output()
            .unwrap()
    };
    for arguments in ["regions", "plan smoke.toml", "--version", "--help", "run smoke.toml --json"]
    {
        let ended = closed(arguments, ">&-");
        let stderr = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{arguments}: {stderr}");
        let words = "could not write to standard output: it is closed";
        assert!(stderr.contains(words), "{arguments}: {stderr}");
        // Who throws it away means to.
        assert_eq!(closed(arguments, ">/dev/null").status.code(), Some(0), "{arguments}");
        assert_eq!(closed(arguments, "1<>/dev/null").status.code(), Some(0), "{arguments}");
    }
}

#[test]
fn a_network_without_evaluations_is_not_reported_to_have_the_same_predictions() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    program.run(&["run", "smoke.toml", "-q"]).succeeds();
    let runs = program.json(&["show", "small", "--format", "json"]);
    let id = runs[0]["training_id"].as_str().unwrap();
    fs::remove_dir_all(program.path(&format!("results/trainings/{id}/evaluations"))).unwrap();
    let reproduced = program.run(&["reproduce", id]);
    reproduced.succeeds();
    let words = &reproduced.stdout;
    assert!(words.contains("not stored, so not compared: 3 evaluations"), "{words}");
    let same = "every number that could be compared is identical: the network and its epochs\n";
    assert!(words.contains(same), "{words}");
    let told = program.json(&["reproduce", id, "--format", "json"]);
    assert_eq!((&told["evaluations_missing"], &told["predictions"]), (&json!(3), &json!(0)));
}

#[test]
fn a_damaged_network_is_reported_while_its_numbers_agree() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    program.run(&["run", "smoke.toml", "-q"]).succeeds();
    let runs = program.json(&["show", "small", "--format", "json"]);
    let id = runs[0]["training_id"].as_str().unwrap();
    let path = format!("results/trainings/{id}/model.safetensors");
    let whole = program.bytes(&path);
    let mut damaged = whole.clone();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    fs::write(program.path(&path), damaged).unwrap();
    let reproduced = program.run(&["reproduce", id]);
    assert_eq!(reproduced.code, Some(1), "{}", reproduced.stderr);
    let words = &reproduced.stdout;
    assert!(words.contains(&format!("damaged: `{path}`: its content does not match")), "{words}");
    assert!(words.contains("every number that could be compared is identical"), "{words}");
    assert!(words.contains("bit-identical to the one in the manifest"), "{words}");
    assert!(!words.contains("differ"), "{words}");
    fs::write(program.path(&path), whole).unwrap();

    let epochs = format!("results/trainings/{id}/epochs.parquet");
    fs::write(program.path(&epochs), "no table").unwrap();
    let reproduced = program.run(&["reproduce", id, "--format", "json"]);
    assert_eq!(reproduced.code, Some(1), "{}", reproduced.stderr);
    let told: Value = serde_json::from_str(&reproduced.stdout).unwrap();
    assert_eq!((&told["agrees"], &told["same_network"]), (&json!(false), &json!(true)));
    assert_eq!((&told["epochs_differ"], &told["predictions_differ"]), (&Value::Null, &json!(0)));
    assert_eq!(told["damaged"].as_array().map(Vec::len), Some(1), "{told}");
}

#[test]
fn what_is_not_there_is_named_and_so_is_what_is_there_in_part() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    program.run(&["run", "smoke.toml", "-q"]).succeeds();
    program.run(&["preview", "smoke.toml", "--set", "name=\"part\""]).succeeds();
    for arguments in
        [&["status", "smal"][..], &["report", "smal"], &["compare", "smal:whole", "small"]]
    {
        refused(&program, arguments, "no experiment `smal` in `results`; did you mean `small`?");
    }
    for arguments in [&["show", "part"][..], &["report", "part"], &["compare", "part", "small"]] {
        let message = "`results` has a folder of the experiment `part`, without tables";
        refused(&program, arguments, message);
    }
    let quiet = program.run(&["status", "small"]);
    assert_eq!(quiet.stdout, "no active run of `small` in results\n");
    refused(
        &program,
        &["run", "smoke.toml", "--devices", "cuda:63"],
        "`--devices` asks for `cuda:63`, but ",
    );
    refused(
        &program,
        &["run", "smoke.toml", "--set", "train.device=cuda:63"],
        "the experiment asks for `cuda:63`, but ",
    );
}
