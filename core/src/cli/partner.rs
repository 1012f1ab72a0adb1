//! The second program, `fer-lab-torch`, which is this one with libtorch linked in.
//!
//! Loading libtorch takes a third of a second and 100 MB, so commands that only read results do without it. Where a
//! command needs it, the process becomes the second program beside it (exec): process id, streams and signal handling
//! stay. Both must come from the same build, which is checked: they share a command line and the results folder, not a
//! versioned protocol.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, anyhow, bail};

use crate::machine::Environment;

/// The second program's name.
const NAME: &str = "fer-lab-torch";

/// The variable in which the first program names its build to the second.
const CALLER: &str = "FER_LAB_CALLER";

/// The variable that names folders of libraries to the system's loader.
const LOADER_PATH: &str = "LD_LIBRARY_PATH";

const REBUILD: &str = "build both again, with `cargo build --release` in fer-lab's folder, or `cargo install --locked --path .`";

/// Becomes the second program. What is returned is why that cannot be.
pub fn start(build: &str) -> anyhow::Error {
    let mut command = match command(build) {
        Ok(command) => command,
        Err(error) => return error,
    };
    let partner = PathBuf::from(command.get_program());
    let mut words = env::args_os();
    // Under the first one's name, with which commands are told to the user.
    let name = words.next().unwrap_or_else(|| OsString::from("fer-lab"));
    command.args(words);
    let error = replace_process(command, &name);
    anyhow!(error).context(format!("`{}` cannot be started", partner.display()))
}

/// What the second program answers to a command.
///
/// # Errors
/// Where there is none, it is of another build, or it fails: with its own words, or the loader's, which finds no libtorch.
pub fn ask(build: &str, words: &[&str]) -> anyhow::Result<String> {
    let mut command = command(build)?;
    let partner = PathBuf::from(command.get_program());
    let output = command.args(words).stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("`{}` cannot be started", partner.display()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().trim_start_matches("error: ");
    match said.is_empty() {
        true => bail!("`{}` ended by {}", partner.display(), output.status),
        false => bail!("{said}"),
    }
}

/// The second program, to be started by this one. Where both were installed by a wheel, with the libtorch of Python's
/// `torch` in the loader's path.
fn command(build: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(ready()?);
    // Newer versions of ONNX Runtime than the pinned one report on their use unless this is set before they are opened.
    command.env(CALLER, build).env("ORT_DISABLE_TELEMETRY", "1");
    if let Some(environment) = Environment::here() {
        let inherited = env::var_os(LOADER_PATH).filter(|path| !path.is_empty());
        let inherited = inherited.iter().flat_map(env::split_paths);
        let folders = std::iter::once(environment.libtorch()?).chain(inherited);
        command.env(LOADER_PATH, env::join_paths(folders)?);
    }
    Ok(command)
}

/// For a program that was built without libtorch.
pub fn built_without() -> anyhow::Error {
    anyhow!(
        "this command needs libtorch, and this fer-lab was built without it (`--no-default-features`): it can plan, and \
         report on results. Build it with its default features, after `scripts/setup`"
    )
}

/// Refuses a caller from another build.
pub fn check_caller(build: &str) -> anyhow::Result<()> {
    match env::var_os(CALLER) {
        Some(caller) if caller != build => {
            let here = env::current_exe().unwrap_or_else(|_| PathBuf::from(NAME));
            bail!(
                "`{}` was built from other sources than the `fer-lab` that started it: {REBUILD}",
                here.display()
            )
        }
        _ => Ok(()),
    }
}

/// The second program's file.
fn ready() -> anyhow::Result<PathBuf> {
    let here = env::current_exe().context("cannot find the path of the running fer-lab")?;
    let folder = here.parent().unwrap_or(Path::new("."));
    if let Some(cargo) = Cargo::that_runs(folder) {
        cargo.build()?;
    }
    let partner = folder.join(format!("{NAME}{}", env::consts::EXE_SUFFIX));
    match partner.is_file() {
        true => Ok(partner),
        false => bail!(
            "this command needs `{NAME}`, and there is none in `{}`: {REBUILD}",
            folder.display()
        ),
    }
}

/// The cargo that runs this program, as `cargo run` does. It has built the program that it runs, and the library
/// of the second one, which is left to link.
struct Cargo {
    program: OsString,
    package: OsString,
    /// Its folder for what it builds, the target within, where one is named, and the profile.
    target_dir: PathBuf,
    target: Option<OsString>,
    profile: OsString,
}

impl Cargo {
    /// `None` where no cargo runs the program in `folder`.
    fn that_runs(folder: &Path) -> Option<Cargo> {
        let (program, package) = (env::var_os("CARGO")?, env::var_os("CARGO_MANIFEST_DIR")?);
        if env::var_os("CARGO_PKG_NAME")? != "fer-lab" {
            return None;
        }
        let profile = folder.file_name()?.to_owned();
        let above = folder.parent()?;
        // cargo marks its folder so.
        let is_target_dir = |folder: &Path| folder.join("CACHEDIR.TAG").is_file();
        let (target_dir, target) = if is_target_dir(above) {
            (above, None)
        } else {
            (above.parent().filter(|folder| is_target_dir(folder))?, above.file_name())
        };
        let (target_dir, target) = (target_dir.to_owned(), target.map(OsString::from));
        Some(Cargo { program, package, target_dir, target, profile })
    }

    /// Builds the second program if it is out of date: at most a link step.
    fn build(&self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.program);
        // There its configuration lies.
        command.current_dir(&self.package).args(["build", "--quiet", "--bin", NAME]);
        command.arg("--target-dir").arg(&self.target_dir);
        if let Some(target) = &self.target {
            command.arg("--target").arg(target);
        }
        // The folder of the profile `dev` is called `debug`.
        let profile = if self.profile == "debug" { "dev".into() } else { self.profile.clone() };
        command.arg("--profile").arg(profile);
        let status = command.status().with_context(|| self.program.display().to_string())?;
        match status.success() {
            true => Ok(()),
            false => bail!("this command needs `{NAME}`, which cargo could not build"),
        }
    }
}

#[cfg(unix)]
fn replace_process(mut command: Command, name: &OsString) -> std::io::Error {
    use std::os::unix::process::CommandExt;
    super::closed::close_again();
    command.arg0(name).exec()
}

/// Where a process cannot become another program, it starts that program, waits and exits with the same code.
#[cfg(not(unix))]
fn replace_process(mut command: Command, _: &OsString) -> std::io::Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(super::WRONG.into())),
        Err(error) => error,
    }
}
