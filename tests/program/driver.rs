//! The program in a folder of its own.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// An experiment that trains six small networks in a second or two.
pub const SMOKE: &str = r#"
name = "small"
question = "Does the small chain work?"

[dataset]
kind = "faces"
size = [24, 24]
train = 96
val = 30
test = 40
classes = ["neutral", "happiness", "surprise"]
nuisance = 0.2

[model]
blocks = [[4], [8]]

[train]
epochs = 2
batch_size = 16
optimizer = { kind = "adam", learning_rate = 0.01 }

[occlusion]
regions = ["mouth"]
modes = ["hide"]
phases = ["retrain", "evaluate"]
controls = 1
evaluated_controls = 1
masks_alone = false

[seeds]
count = 2
"#;

/// The program's file, and that of the one with libtorch, which lies beside it.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_fer-lab");
pub const WITH_LIBTORCH: &str = env!("CARGO_BIN_EXE_fer-lab-torch");

/// Has a command start with signals that do their default or, as under `nohup`, nothing: whoever runs the
/// tests may have been told to ignore some.
pub fn heed<const N: usize>(command: &mut Command, signals: [i32; N], how: libc::sighandler_t) {
    // SAFETY: between fork and exec, signal(2) may be called.
    unsafe {
        command.pre_exec(move || {
            for signal in signals {
                libc::signal(signal, how);
            }
            Ok(())
        });
    }
}

pub struct Program {
    folder: TempDir,
}

#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Program {
    pub fn new() -> Program {
        Program { folder: tempfile::tempdir().unwrap() }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// A sealed JSON file, as an earlier version would have written it: without the checksum that an edit
    /// would break.
    pub fn unsealed(&self, name: &str) -> serde_json::Value {
        let mut value: serde_json::Value = serde_json::from_slice(&self.bytes(name)).unwrap();
        assert!(value.as_object_mut().unwrap().remove("blake3").is_some(), "{name}");
        value
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(Path::new(PROGRAM), arguments)
    }

    pub fn command_of(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        // Both programs are built: it is no cargo that runs this one, as it would believe.
        command.env_remove("CARGO");
        heed(&mut command, [libc::SIGINT, libc::SIGHUP], libc::SIG_DFL);
        // The user's site is not that of the tests.
        command.env("XDG_CONFIG_HOME", self.folder.path());
        command
    }

    /// A library that stands in for a file system's locks: under `LD_PRELOAD`, `flock` does this, in C.
    pub fn locks_that(&self, what: &str) -> PathBuf {
        let library = self.path("locks.so");
        self.write(
            "locks.c",
            &format!("#include <errno.h>\nint flock(int fd, int how) {{ {what} }}\n"),
        );
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).args([&library, &self.path("locks.c")]);
        let compiled = compiler.status();
        assert!(compiled.is_ok_and(|status| status.success()), "the set-up asks for a C compiler");
        library
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// With these settings in place of the file's, `KEY=VALUE` each.
    pub fn run_with(&self, arguments: &[&str], settings: &[&str]) -> Ended {
        let settings = settings.iter().flat_map(|setting| ["--set", setting]);
        self.run(&arguments.iter().copied().chain(settings).collect::<Vec<&str>>())
    }

    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let run = self.run(arguments);
        run.succeeds();
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stdout))
    }
}

impl Ended {
    pub fn succeeds(&self) {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
    }
}

/// A study of [`SMOKE`], for tests that only look at it.
pub fn study() -> &'static Program {
    static STUDY: OnceLock<Program> = OnceLock::new();
    STUDY.get_or_init(|| {
        let program = Program::new();
        program.write("smoke.toml", SMOKE);
        program.run(&["run", "smoke.toml", "-q"]).succeeds();
        program
    })
}

/// The children of a process.
pub fn children(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // After the name, which may hold anything: state, then the parent.
        let rest = status.rsplit_once(')').map_or("", |(_, rest)| rest);
        rest.split_whitespace().nth(1) == Some(&parent.to_string())
    })
    .collect()
}
