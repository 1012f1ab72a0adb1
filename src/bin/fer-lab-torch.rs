//! `fer-lab` linked with libtorch: runs the trainings and all commands that need libtorch.

use std::process::ExitCode;

use fer_lab::cli::{self, Access, Program};
use fer_lab::worker::Linked;

fn main() -> ExitCode {
    cli::main(&Program { build: env!("FER_LAB_BUILD"), libtorch: Access::Linked(&Linked) })
}
