//! What makes the program pleasant: a first experiment file, the schema, completions, manual pages, and
//! colour only where it is wanted.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use super::driver::{Program, SMOKE};
use serde_json::Value;

/// The commands, as the help lists them.
pub fn commands(program: &Program) -> Vec<String> {
    let help = program.run(&["--help"]).stdout;
    let (_, listing) = help.split_once("Commands:\n").unwrap();
    let names = listing.lines().take_while(|line| !line.is_empty());
    let names = names.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

/// Runs a tool of the machine over `input`; `None`, with a notice, where it is not there.
fn tool(name: &str, arguments: &[&str], input: &str) -> Option<String> {
    let spawned = Command::new(name)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        let notice = format!("notice: there is no `{name}`; what it would check is not checked\n");
        std::io::stderr().write_all(notice.as_bytes()).unwrap();
        return None;
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{name}: {errors}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_first_experiment_can_be_planned() {
    let program = Program::new();
    let init = program.run(&["init"]);
    init.succeeds();
    assert!(init.stdout.starts_with("experiments/my_study.toml\n"), "{}", init.stdout);
    assert!(init.stdout.contains("\n  fer-lab run experiments/my_study.toml "), "{}", init.stdout);
    let plan = program.json(&["plan", "experiments/my_study.toml", "--format", "json"]);
    assert_eq!(plan["experiment"], "my_study");
    assert_eq!(plan["trainings"].as_array().unwrap().len(), 24);

    for kind in ["ferplus", "fer2013", "rafdb", "ckplus", "folder", "table", "faces"] {
        let missing = kind != "faces";
        // The ending may be left out.
        let init = program.json(&["init", kind, "--dataset", kind, "--format", "json"]);
        assert_eq!(init["file"], format!("{kind}.toml"));
        assert_eq!(init["experiment"], kind);
        let plan = program.run(&["plan", &format!("{kind}.toml")]);
        plan.succeeds();
        assert_eq!(plan.stdout.contains("missing: "), missing, "{}", plan.stdout);
    }
}

#[test]
fn init_destroys_nothing_and_says_what_it_cannot_do() {
    let program = Program::new();
    program.write("mine.toml", SMOKE);
    program.write("file", "");
    fs::create_dir(program.path("folder.toml")).unwrap();
    for (arguments, message) in [
        (vec!["init", "mine.toml"], "`mine.toml` exists and is not overwritten"),
        (vec!["init", "mine"], "`mine.toml` exists and is not overwritten"),
        (vec!["init", "folder.toml"], "`folder.toml` exists and is not overwritten"),
        (vec!["init", "a b.toml"], "give it 1 to 100 letters"),
        (vec!["init", "trainings.toml"], "not `trainings.toml`"),
        (vec!["init", "mine.txt"], "`mine.txt` cannot be an experiment's file"),
        (vec!["init", "file/x.toml"], "cannot write `file/x.toml`"),
        (vec!["init", "new.toml", "--set", "train.epochs=2"], "does not write `--set` values"),
        (vec!["init", "-", "--format", "json"], "`init -` writes the file itself"),
        (vec!["init", "new.toml", "--dataset", "fer"], "ferplus"),
    ] {
        let run = program.run(&arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(message), "{arguments:?}: {}", run.stderr);
        assert!(run.stdout.is_empty(), "{arguments:?}: {}", run.stdout);
    }
    assert_eq!(program.bytes("mine.toml"), SMOKE.as_bytes());
    assert!(!program.path("new.toml").exists());
    // What is to be typed next survives a shell.
    let spaced = program.run(&["init", "my studies/first.toml"]);
    assert!(spaced.stdout.contains("run 'my studies/first.toml'"), "{}", spaced.stdout);
}

#[test]
fn a_first_file_goes_to_standard_output_too() {
    let program = Program::new();
    let printed = program.run(&["init", "-", "--dataset", "rafdb"]);
    printed.succeeds();
    program.run(&["init", "my_study", "--dataset", "rafdb"]).succeeds();
    assert_eq!(printed.stdout.as_bytes(), program.bytes("my_study.toml"));
    assert!(!program.path("-").exists() && !program.path("-.toml").exists());
}

#[test]
fn every_key_is_listed() {
    let program = Program::new();
    let rows = program.json(&["keys", "--format", "json"]);
    let rows = rows.as_array().unwrap();
    let of = |path: &str| -> Vec<&Value> { rows.iter().filter(|row| row["key"] == path).collect() };
    let rates = of("train.optimizer.learning_rate");
    assert_eq!(rates.len(), 2);
    assert_eq!(rates[0]["default"], "0.001");
    assert_eq!(rates[0]["goes_with"], "adam, adamw");
    assert_eq!((&rates[1]["default"], &rates[1]["goes_with"]), (&"0.01".into(), &"sgd".into()));
    assert_eq!(rates[0]["takes"], "above 0, up to 10");
    assert_eq!(of("train.device")[0]["decides"], "nothing");
    let page = program.run(&["keys", "train", "--format", "markdown"]);
    assert!(page.stdout.starts_with("| key | type | default | takes |"), "{}", page.stdout);
    assert!(page.stdout.lines().count() > 20 && !page.stdout.contains("dataset.kind"));
    let listing = program.run(&["keys", "train.epochs"]).stdout;
    let expected =
        "[train]\nepochs = 30\n    Passes over the training images. whole number: 1 to 100000\n";
    assert_eq!(listing, expected);
    let unknown = program.run(&["keys", "epoch"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("there is no key `epoch`: did you mean"), "{}", unknown.stderr);
}

#[test]
fn the_schema_is_printed() {
    let schema = Program::new().json(&["schema"]);
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["properties"]["train"]["properties"]["epochs"]["default"], 30);
    assert_eq!(schema["additionalProperties"], Value::Bool(false));
}

#[test]
fn shells_complete_every_command() {
    let program = Program::new();
    let commands = commands(&program);
    assert!(commands.len() > 12, "{commands:?}");
    for (shell, check) in [
        ("bash", Some(["-n"])),
        ("zsh", Some(["-n"])),
        ("fish", Some(["-n"])),
        ("elvish", None),
        ("powershell", None),
    ] {
        let script = program.run(&["completions", shell]);
        script.succeeds();
        for command in &commands {
            assert!(script.stdout.contains(command.as_str()), "{shell}: {command}");
        }
        assert!(script.stdout.contains("results"), "{shell}");
        // The others complete no values.
        let values = ["bash", "zsh", "fish"].contains(&shell);
        assert_eq!(script.stdout.contains("markdown"), values, "{shell}");
        if let Some(arguments) = check {
            tool(shell, &arguments, &script.stdout);
        }
    }
    assert_eq!(program.run(&["completions", "csh"]).code, Some(2));
}

#[test]
fn manual_pages_name_every_command() {
    let program = Program::new();
    let page = program.run(&["man"]);
    page.succeeds();
    let written = program.run(&["man", "share/man1"]);
    written.succeeds();
    let names = commands(&program);
    for command in names.iter().filter(|name| *name != "help") {
        assert!(page.stdout.contains(&format!("fer\\-lab\\-{command}(1)")), "{command}");
        let path = format!("share/man1/fer-lab-{command}.1");
        assert!(written.stdout.contains(&format!("{path}\n")), "{}", written.stdout);
        let page = String::from_utf8(program.bytes(&path)).unwrap();
        assert!(page.contains("\n.SH SYNOPSIS\n") && page.contains("\\-\\-results"), "{page}");
        read_page(&page);
    }
    assert_eq!(program.bytes("share/man1/fer-lab.1"), page.stdout.as_bytes());
    if let Some(read) = read_page(&page.stdout) {
        assert!(read.contains("130  interrupted"), "lines are kept: {read}");
    }
}

/// A page as a reader sees it, on 80 columns; warnings are errors.
fn read_page(page: &str) -> Option<String> {
    tool("groff", &["-Kutf8", "-man", "-Tutf8", "-P-c", "-P-b", "-P-u", "-ww", "-rLL=80n"], page)
}

/// What the program writes on a terminal, with variables of the environment set.
fn on_a_terminal(program: &Program, arguments: &str, variables: &[(&str, &str)]) -> Option<String> {
    // util-linux's; others have other options.
    let version = Command::new("script").arg("--version").output().ok();
    if !version
        .is_some_and(|version| String::from_utf8_lossy(&version.stdout).contains("util-linux"))
    {
        std::io::stderr().write_all(b"notice: no `script`; colours are not checked\n").unwrap();
        return None;
    }
    let command = format!("'{}' {arguments}", env!("CARGO_BIN_EXE_fer-lab"));
    let output = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .env_remove("CARGO")
        .current_dir(program.folder())
        .stdin(Stdio::null())
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR")
        .env_remove("CLICOLOR_FORCE")
        // With it, `TERM=dumb` is no reason against colour.
        .env_remove("CI")
        .env("TERM", "xterm-256color")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn colour_stays_away_where_it_is_not_wanted() {
    let program = Program::new();
    program.write("wrong.toml", "name = \"x\"\n[dataset]\nkind = \"face\"\n");
    for arguments in
        ["--help", "run --help", "train", "plan wrong.toml", "plan gone.toml", "show x"]
    {
        let Some(coloured) = on_a_terminal(&program, arguments, &[]) else { return };
        assert!(coloured.contains('\u{1b}'), "`{arguments}` has no colour: {coloured}");
        for variable in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")] {
            let plain = on_a_terminal(&program, arguments, &[variable]).unwrap();
            assert!(!plain.contains('\u{1b}'), "`{arguments}` with {variable:?}: {plain:?}");
            assert!(plain.len() > 20, "{plain}");
        }
    }
}

#[test]
fn help_fits_eighty_columns() {
    let program = Program::new();
    let mut all = vec![Vec::new()];
    all.extend(commands(&program).into_iter().filter(|name| name != "help").map(|name| vec![name]));
    for command in all {
        let help = program.command(&[]).args(&command).arg("--help").env("COLUMNS", "80").output();
        let help = String::from_utf8(help.unwrap().stdout).unwrap();
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{command:?}: {line}");
        }
    }
}
