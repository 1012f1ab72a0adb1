//! The batch script of a submission, and sbatch's options for it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::quantity::{Memory, TimeLimit};
use super::site::SlurmSettings;
use super::submission::Submission;
use crate::machine::device::ROUNDING_VARIABLES;

/// What is asked of Slurm for a submission.
#[derive(Debug)]
pub struct Request<'a> {
    pub submission: &'a Submission,
    pub settings: &'a SlurmSettings,
    /// The program with libtorch.
    pub program: &'a Path,
    /// The results folder and the working folder of every task, absolute, as all nodes see them.
    pub results: &'a Path,
    pub directory: &'a Path,
    /// Processors of each task, and so threads.
    pub cpus: u32,
    pub time: TimeLimit,
    pub memory: Memory,
    /// Whether workers claim trainings by file locks.
    pub locks: bool,
}

/// A path that Slurm or a shell would read otherwise.
#[derive(Debug, thiserror::Error)]
#[error("Slurm cannot take the path `{}`, which {problem}: use another folder", path.display())]
pub struct ScriptError {
    path: PathBuf,
    problem: &'static str,
}

/// How long before the end of its time a task is told to write a checkpoint and leave, seconds; of a short time, a quarter.
const NOTICE: f64 = 120.0;

impl Request<'_> {
    /// The script, which Slurm copies. `exec` makes the worker the process that signals reach; a shell around it would die of
    /// SIGTERM alone, and take the worker's time to write a checkpoint with it.
    ///
    /// # Errors
    /// Where a path cannot be passed to Slurm.
    pub fn script(&self) -> Result<String, ScriptError> {
        let Request { submission, settings, program, results, .. } = *self;
        let mut lines = vec!["#!/bin/bash".to_owned()];
        if !settings.modules.is_empty() {
            lines.push(
                "command -v module >/dev/null || for file in /etc/profile.d/lmod.sh /etc/profile.d/modules.sh; do\n    \
                 if [ -r \"$file\" ]; then . \"$file\"; fi\ndone"
                    .to_owned(),
            );
        }
        for module in &settings.modules {
            lines.push(format!("module load {} || exit 2", quoted(module)));
        }
        lines.extend(settings.prologue.iter().cloned());
        lines.push(format!("unset {}", ROUNDING_VARIABLES.join(" ")));
        let mut words: Vec<String> = vec!["exec".to_owned()];
        match settings.wrapper.as_slice() {
            // The name in process lists.
            [] => words.extend(["-a".to_owned(), "fer-lab".to_owned()]),
            wrapper => words.extend(wrapper.iter().map(|word| quoted(word))),
        }
        let task = "\"$SLURM_ARRAY_TASK_ID\"";
        let of_task = |folder: PathBuf| -> Result<String, ScriptError> {
            Ok(format!("{}/{task}.jsonl", quoted(text(&folder)?)))
        };
        words.extend([quoted(text(program)?), "worker".to_owned()]);
        words.push(of_task(submission.tasks_dir())?);
        words.extend(["--events".to_owned(), of_task(submission.events_dir())?]);
        words.extend(["--results".to_owned(), quoted(text(results)?)]);
        words.extend(["--threads".to_owned(), "\"$SLURM_CPUS_PER_TASK\"".to_owned()]);
        if !self.locks {
            words.push("--no-locks".to_owned());
        }
        lines.push(words.join(" "));
        Ok(lines.join("\n") + "\n")
    }

    /// sbatch's options. All that a default of the site or of the user could change is given.
    ///
    /// # Errors
    /// Where a path cannot be passed to Slurm.
    pub fn options(&self) -> Result<Vec<OsString>, ScriptError> {
        let Request { submission, settings, directory, cpus, time, memory, .. } = self;
        let throttle = settings.tasks_at_once.map(|most| format!("%{most}")).unwrap_or_default();
        // Codes that begin with % are replaced in folders' names too.
        let output = text(&submission.output_dir())?.replace('%', "%%");
        let name = &submission.record.name;
        let mut options = vec![
            "--parsable".to_owned(),
            format!("--job-name={name}"),
            format!("--array={}{throttle}", submission.record.array()),
            "--nodes=1".to_owned(),
            "--ntasks=1".to_owned(),
            format!("--cpus-per-task={cpus}"),
            format!("--mem={memory}"),
            format!("--time={time}"),
            format!("--chdir={}", text(directory)?),
            format!("--output={output}/%a.log"),
            "--open-mode=append".to_owned(),
            "--requeue".to_owned(),
            format!("--signal=B:TERM@{}", NOTICE.min(time.seconds() / 4.0) as u32),
            // A second array of the same work, submitted by another watcher at the same moment, waits for the first, and then
            // finds everything done.
            "--dependency=singleton".to_owned(),
        ];
        for (option, value) in [
            ("partition", &settings.partition),
            ("account", &settings.account),
            ("qos", &settings.qos),
            ("constraint", &settings.constraint),
            ("gres", &settings.gres),
        ] {
            options.extend(value.as_ref().map(|value| format!("--{option}={value}")));
        }
        options.extend(settings.options.iter().cloned());
        Ok(options.into_iter().map(OsString::from).collect())
    }
}

/// A path as text that sbatch takes unchanged.
fn text(path: &Path) -> Result<&str, ScriptError> {
    let refused = |problem| ScriptError { path: path.to_owned(), problem };
    let text = path.to_str().ok_or_else(|| refused("is not UTF-8"))?;
    if text.contains('\\') {
        return Err(refused("has a backslash"));
    }
    match text.chars().any(char::is_control) {
        true => Err(refused("has a control character")),
        false => Ok(text),
    }
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::submission::NewSubmission;
    use crate::store::Results;

    fn made(settings: &SlurmSettings, directory: &str) -> (Result<String, String>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("100 % of 'it'");
        let results = Results::create(&root).unwrap();
        let tasks = vec![vec!["a".to_owned()], vec!["b".to_owned()]];
        let new = NewSubmission {
            experiment: "small",
            tasks,
            indices: vec![1, 2],
            lines: &[vec!["{}".into()], vec!["{}".into()]],
        };
        let submission = new.write(&results).unwrap();
        let request = Request {
            submission: &submission,
            settings,
            program: Path::new("/opt/fer-lab-torch"),
            results: &root,
            directory: Path::new(directory),
            cpus: 2,
            time: "90".parse().unwrap(),
            memory: "800M".parse().unwrap(),
            locks: true,
        };
        let strip = |text: String| text.replace(folder.path().to_str().unwrap(), "/r");
        let script = request.script().map(strip).map_err(|error| error.to_string());
        let options = request.options();
        let options = options.map_err(|error| error.to_string());
        let options = options.map_or_else(
            |error| vec![error],
            |options| {
                options.into_iter().map(|option| strip(option.into_string().unwrap())).collect()
            },
        );
        (script, options)
    }

    #[test]
    fn the_worker_takes_the_place_of_the_shell() {
        let settings = SlurmSettings {
            modules: vec!["cuda/12".into()],
            prologue: vec!["ulimit -c 0".into()],
            partition: Some("gpu".into()),
            options: vec!["--exclude=n7".into()],
            tasks_at_once: Some(3),
            ..SlurmSettings::default()
        };
        let (script, options) = made(&settings, "/lab/my 'study'");
        let script = script.unwrap();
        assert!(script.starts_with("#!/bin/bash\n"), "{script}");
        assert!(
            script.contains("\nmodule load 'cuda/12' || exit 2\nulimit -c 0\nunset "),
            "{script}"
        );
        let last = script.lines().last().unwrap();
        assert!(
            last.starts_with(
                "exec -a fer-lab '/opt/fer-lab-torch' worker '/r/100 % of '\\''it'\\''/.slurm/"
            ),
            "{last}"
        );
        assert!(last.contains("/tasks'/\"$SLURM_ARRAY_TASK_ID\".jsonl --events '"), "{last}");
        assert!(last.ends_with("--threads \"$SLURM_CPUS_PER_TASK\""), "{last}");
        let has = |option: &str| {
            assert!(options.iter().any(|given| given == option), "{option}: {options:?}")
        };
        for option in [
            "--array=1-2%3",
            "--cpus-per-task=2",
            "--mem=800M",
            "--time=0-01:30:00",
            "--chdir=/lab/my 'study'",
            "--open-mode=append",
            "--signal=B:TERM@120",
            "--requeue",
            "--dependency=singleton",
            "--partition=gpu",
            "--exclude=n7",
        ] {
            has(option);
        }
        let output = options.iter().find(|option| option.starts_with("--output=")).unwrap();
        assert!(
            output.starts_with("--output=/r/100 %% of 'it'/.slurm/")
                && output.ends_with("/output/%a.log"),
            "{output}"
        );
    }

    #[test]
    fn a_wrapper_stands_before_the_program() {
        let wrapper = ["apptainer", "exec", "--nv", "my lab.sif"].map(str::to_owned).to_vec();
        let (script, _) = made(&SlurmSettings { wrapper, ..SlurmSettings::default() }, "/w");
        let script = script.unwrap();
        assert!(
            script.contains(
                "\nexec 'apptainer' 'exec' '--nv' 'my lab.sif' '/opt/fer-lab-torch' worker "
            ),
            "{script}"
        );
    }

    #[test]
    fn a_path_that_slurm_reads_otherwise_is_refused() {
        let (_, options) = made(&SlurmSettings::default(), "/w\\d");
        assert_eq!(
            options,
            ["Slurm cannot take the path `/w\\d`, which has a backslash: use another folder"]
        );
    }
}
