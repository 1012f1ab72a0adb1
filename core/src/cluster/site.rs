//! The site's file: which engine runs trainings here, and what its jobs ask for.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::quantity::{Memory, TimeLimit};

/// Who starts the workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// The run itself, on this machine.
    #[default]
    Local,
    Slurm,
}

/// `~/.config/fer-lab/site.toml`: the settings of a machine room, which are those of no study.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Site {
    pub engine: Option<EngineKind>,
    pub slurm: SlurmSettings,
}

/// What each job asks Slurm for; what is missing follows from the plan or is Slurm's default.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct SlurmSettings {
    pub partition: Option<String>,
    pub account: Option<String>,
    pub qos: Option<String>,
    pub constraint: Option<String>,
    /// Generic resources of each task: `gpu:1`. With a GPU in them, trainings run on `cuda:0`, else on the CPU.
    pub gres: Option<String>,
    /// Processors, and so threads, of each task.
    pub cpus: Option<u32>,
    pub time: Option<TimeLimit>,
    /// Of each task.
    pub memory: Option<Memory>,
    /// Environment modules that each task loads.
    pub modules: Vec<String>,
    /// Commands of bash that each task runs first.
    pub prologue: Vec<String>,
    /// Words in front of the worker, such as `["apptainer", "exec", "--nv", "fer-lab.sif"]`.
    pub wrapper: Vec<String>,
    /// Further options of sbatch, a word each.
    pub options: Vec<String>,
    /// The most tasks that are submitted at once.
    pub tasks: Option<u32>,
    /// The most tasks that Slurm runs at once.
    pub tasks_at_once: Option<u32>,
}

/// The most processors of a task, as of threads elsewhere, and tasks of a submission.
const MOST_CPUS: u32 = 1024;
const MOST_TASKS: u32 = 100_000;

/// A site's file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    #[error("cannot read the site's file `{}`: {reason}", path.display())]
    Read { path: PathBuf, reason: std::io::Error },
    #[error("the site's file `{}` is wrong: {reason}", path.display())]
    Wrong { path: PathBuf, reason: String },
    #[error("the site's file `{}`: {reason}", path.display())]
    Settings { path: PathBuf, reason: SettingsError },
}

/// Settings that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(String);

impl Site {
    /// The named file, or `~/.config/fer-lab/site.toml` where there is one.
    ///
    /// # Errors
    /// Where a named file is missing, and where a file is not a site's.
    pub fn read(named: Option<&Path>) -> Result<Site, SiteError> {
        let Some(path) = named.map(Path::to_owned).or_else(Site::usual_place) else {
            return Ok(Site::default());
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Site::default());
            }
            Err(reason) => return Err(SiteError::Read { path, reason }),
        };
        let site: Site = toml::from_str(&text).map_err(|error: toml::de::Error| {
            let reason = error.to_string().trim_end().to_owned();
            SiteError::Wrong { path: path.clone(), reason }
        })?;
        match site.slurm.check() {
            Ok(()) => Ok(site),
            Err(reason) => Err(SiteError::Settings { path, reason }),
        }
    }

    /// In `$XDG_CONFIG_HOME` or `~/.config`.
    fn usual_place() -> Option<PathBuf> {
        let set =
            |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = set("XDG_CONFIG_HOME").filter(|folder| folder.is_absolute());
        let folder = folder.or_else(|| Some(set("HOME")?.join(".config")))?;
        Some(folder.join("fer-lab").join("site.toml"))
    }
}

impl SlurmSettings {
    /// These, and where they say nothing, `other`.
    pub fn or(self, other: SlurmSettings) -> SlurmSettings {
        let list = |own: Vec<String>, other| if own.is_empty() { other } else { own };
        SlurmSettings {
            partition: self.partition.or(other.partition),
            account: self.account.or(other.account),
            qos: self.qos.or(other.qos),
            constraint: self.constraint.or(other.constraint),
            gres: self.gres.or(other.gres),
            cpus: self.cpus.or(other.cpus),
            time: self.time.or(other.time),
            memory: self.memory.or(other.memory),
            modules: list(self.modules, other.modules),
            prologue: list(self.prologue, other.prologue),
            wrapper: list(self.wrapper, other.wrapper),
            options: list(self.options, other.options),
            tasks: self.tasks.or(other.tasks),
            tasks_at_once: self.tasks_at_once.or(other.tasks_at_once),
        }
    }

    /// Whether each task gets a GPU.
    pub fn has_gpu(&self) -> bool {
        let in_options = self.options.iter().any(|option| option.starts_with("--gpus"));
        in_options || self.gres.as_deref().is_some_and(|gres| gres.starts_with("gpu"))
    }

    /// # Errors
    /// Where a value cannot be, or an option is one that the program itself gives to sbatch.
    pub fn check(&self) -> Result<(), SettingsError> {
        let wrong = |text: String| Err(SettingsError(text));
        for (key, value, most) in [
            ("cpus", self.cpus, MOST_CPUS),
            ("tasks", self.tasks, MOST_TASKS),
            ("tasks_at_once", self.tasks_at_once, MOST_TASKS),
        ] {
            if value.is_some_and(|value| value == 0 || value > most) {
                return wrong(format!("`slurm.{key}` must be from 1 to {most}"));
            }
        }
        let named = [&self.partition, &self.account, &self.qos, &self.constraint, &self.gres];
        let words = named.into_iter().flatten().chain(&self.modules).chain(&self.options);
        for word in words.chain(&self.wrapper) {
            if word.is_empty() || word.chars().any(char::is_control) {
                return wrong(format!("`slurm`: {word:?} is empty or has a control character"));
            }
        }
        for option in &self.options {
            let name = option.split(['=', ' ']).next().unwrap_or_default();
            if OWN_OPTIONS.contains(&name) {
                return wrong(format!(
                    "`slurm.options` cannot have `{name}`, which fer-lab gives to sbatch itself{}",
                    instead(name)
                ));
            }
            if !option.starts_with('-') {
                return wrong(format!(
                    "`slurm.options`: `{option}` begins with no `-`: write each option as one word, as in `--exclude=node7`"
                ));
            }
        }
        Ok(())
    }
}

/// Options of sbatch that the program gives.
const OWN_OPTIONS: [&str; 24] = [
    "--array",
    "-a",
    "--chdir",
    "-D",
    "--cpus-per-task",
    "-c",
    "--dependency",
    "-d",
    "--error",
    "-e",
    "--job-name",
    "-J",
    "--mem",
    "--open-mode",
    "--output",
    "-o",
    "--parsable",
    "--signal",
    "--time",
    "-t",
    "--wait",
    "-W",
    "--wrap",
    "--requeue",
];

fn instead(option: &str) -> &'static str {
    match option {
        "--cpus-per-task" | "-c" => ": set `cpus`",
        "--mem" => ": set `memory`",
        "--time" | "-t" => ": set `time`",
        "--array" | "-a" => ": set `tasks` or `tasks_at_once`",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Site, SiteError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.toml");
        std::fs::write(&path, text).unwrap();
        Site::read(Some(&path))
    }

    #[test]
    fn a_site_says_what_its_jobs_ask_for() {
        let site = read(
            "engine = \"slurm\"\n[slurm]\npartition = \"gpu\"\ngres = \"gpu:1\"\ntime = 90\nmemory = \"8G\"\ncpus = 4\n\
             modules = [\"cuda/12.4\"]\noptions = [\"--exclude=n7\"]\n",
        )
        .unwrap();
        assert_eq!(site.engine, Some(EngineKind::Slurm));
        assert_eq!(site.slurm.time.unwrap().to_string(), "0-01:30:00");
        assert!(site.slurm.has_gpu());
        let line = SlurmSettings { partition: Some("cpu".into()), ..SlurmSettings::default() };
        let merged = line.or(site.slurm);
        assert_eq!((merged.partition.as_deref(), merged.cpus), (Some("cpu"), Some(4)));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, message) in [
            ("[slurm]\npartitoin = \"x\"", "unknown field `partitoin`"),
            ("engine = \"pbs\"", "unknown variant `pbs`"),
            ("[slurm]\ntime = \"soon\"", "`soon` is no time limit"),
            ("[slurm]\ncpus = 0", "`slurm.cpus` must be from 1 to 1024"),
            (
                "[slurm]\noptions = [\"--mem=3G\"]",
                "cannot have `--mem`, which fer-lab gives to sbatch itself: set `memory`",
            ),
            ("[slurm]\noptions = [\"exclude=n7\"]", "begins with no `-`"),
            ("[slurm]\naccount = \"a\\nb\"", "control character"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("site.toml"), "{error}");
            assert!(error.contains(message), "{text}: {error}");
        }
        let missing = Site::read(Some(Path::new("/nowhere/site.toml"))).unwrap_err().to_string();
        assert!(
            missing.starts_with("cannot read the site's file `/nowhere/site.toml`"),
            "{missing}"
        );
    }
}
