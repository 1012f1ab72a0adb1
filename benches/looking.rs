//! Time and memory of the commands that read results, with 10,000 trainings in the folder.
//!
//! ```text
//! cargo bench --bench looking                        # generates the folder, measures, removes it
//! cargo bench --bench looking -- --keep DIR          # keeps the folder, or measures the one in DIR
//! cargo bench --bench looking -- --trainings 1000    # a smaller folder
//! cargo bench --bench looking -- --program FILE      # measures another build of `fer-lab`
//! ```
//!
//! The folder is that of 100 experiments: whole faces and 24 maskings, 4 seeds, a training and a run
//! each, with manifests, epochs, logs and the predictions of 300 validation and 600 test images; and one
//! study of every set of regions, 128 conditions × 3 seeds on 3,579 test images, for `report`. It is
//! written with the library's own types under the ids of real plans, so that `plan` finds everything
//! done; nothing is trained, and the same command gives the same folder. It takes about 1.5 GB and, where
//! the disk has to confirm every file, some minutes; `TMPDIR=/dev/shm` spares the wait.
//!
//! Every command is run ten times as a process of its own, after one run that warms the file cache;
//! the median of the times is given, and the largest resident set.

#[path = "looking/folder.rs"]
mod folder;
#[path = "looking/made.rs"]
mod made;
#[path = "looking/measure.rs"]
mod measure;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use fer_lab::report::{Cell, Column, Format, Table};
use folder::Names;
use measure::{Measured, measure};

const SECONDS: f64 = 2.0;
const MEGABYTES: f64 = 500.0;
/// It computes and draws, so the limits of the other commands do not apply.
const REPORT: &str = "report of 128 sets";
const RUNS: usize = 10;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        arguments.iter().position(|argument| argument == name).map(|place| {
            arguments.get(place + 1).unwrap_or_else(|| panic!("`{name}` needs a value")).clone()
        })
    };
    let trainings = value("--trainings")
        .map_or(10_000, |text| text.parse().expect("`--trainings` takes a number"));
    if let Some(root) = value("--generate") {
        folder::generate(Path::new(&root), trainings);
        return ExitCode::SUCCESS;
    }
    let kept = value("--keep").map(PathBuf::from);
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let root = kept.unwrap_or_else(|| temporary.path().join("looking"));
    if !root.join("format.json").exists() {
        // In a process of its own: the peak of a process counts towards that of its children.
        let program = std::env::current_exe().expect("this program");
        let status = Command::new(program)
            .args(["--trainings", &trainings.to_string(), "--generate"])
            .arg(&root)
            .status();
        assert!(status.expect("the generator").success(), "the folder could not be generated");
    }
    let names = folder::names(&root);
    let program = value("--program").unwrap_or_else(|| env!("CARGO_BIN_EXE_fer-lab").to_owned());
    println!(
        "{}",
        table(Path::new(&program), &root, &names).render(Format::Table, 100).expect("a table")
    );
    ExitCode::SUCCESS
}

/// Every command that reads results, as a user would type it.
fn commands(names: &Names) -> Vec<(&'static str, Vec<String>)> {
    let Names { experiments: [first, second], runs: [run, other], training, file, sets } = names;
    let chart = file.with_file_name("comparison.png").display().to_string();
    let file = file.display().to_string();
    let condition = "mode = \"hide\" and test_accuracy > 0.8";
    let rate = "\"train.optimizer.learning_rate\" > 0.001 and status = 'done'";
    let [whole, eyes] = ["whole", "hide eyes"].map(|name| format!("{first}:{name}"));
    let commands: [(&str, &[&str]); 21] = [
        ("--help", &["--help"]),
        ("schema", &["schema"]),
        ("regions", &["regions"]),
        ("list", &["list"]),
        ("list runs", &["list", "runs"]),
        ("list --where", &["list", "--where", condition, "--sort", "-test_accuracy"]),
        ("list trainings", &["list", "trainings"]),
        ("list trainings --where", &["list", "trainings", "--where", rate]),
        ("list trainings, json", &["list", "trainings", "--format", "json"]),
        ("show EXPERIMENT", &["show", first]),
        ("show RUN", &["show", &run[..12]]),
        ("compare experiments", &["compare", first, second]),
        ("compare conditions, chart", &["compare", &whole, &eyes, "--chart", &chart]),
        ("compare runs", &["compare", run, other]),
        ("diff experiments", &["diff", first, second]),
        ("diff runs", &["diff", run, other]),
        ("logs TRAINING", &["logs", training]),
        ("status", &["status", first]),
        ("clean --dry-run", &["clean", "--dry-run"]),
        ("plan", &["plan", &file]),
        (REPORT, &["report", sets]),
    ];
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    commands.into_iter().map(|(name, words)| (name, owned(words))).collect()
}

fn table(program: &Path, root: &Path, names: &Names) -> Table {
    let mut table = Table::new(vec![
        Column::text("command", "command"),
        Column::number("seconds", &format!("s (limit {SECONDS:.0})")),
        Column::number("megabytes", &format!("MB (limit {MEGABYTES:.0})")),
        Column::text("verdict", "verdict"),
    ]);
    for (name, words) in commands(names) {
        let measured: Vec<Measured> = (0..=RUNS).map(|_| measure(program, root, &words)).collect();
        let measured = &measured[1..];
        let mut seconds: Vec<f64> = measured.iter().map(|one| one.seconds).collect();
        seconds.sort_by(f64::total_cmp);
        let seconds = (seconds[(RUNS - 1) / 2] + seconds[RUNS / 2]) / 2.0;
        let megabytes = measured.iter().map(|one| one.megabytes).fold(0.0, f64::max);
        let verdict = match measured.iter().find_map(|one| one.refused.clone()) {
            Some(reason) => reason,
            None if name != REPORT && seconds > SECONDS => "too slow".to_owned(),
            None if name != REPORT && megabytes > MEGABYTES => "too large".to_owned(),
            None => String::new(),
        };
        table.push(vec![
            Cell::text(name),
            Cell::number(seconds, 3),
            Cell::number(megabytes, 0),
            Cell::text(verdict),
        ]);
    }
    table
}
