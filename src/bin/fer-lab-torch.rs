//! `fer-lab` with libtorch in it: what trains, and what its commands become that need libtorch.

use std::process::ExitCode;

use fer_lab::cli::{self, Access, Program};
use fer_lab::worker::Linked;

fn main() -> ExitCode {
    cli::main(&Program { build: env!("FER_LAB_BUILD"), libtorch: Access::Linked(&Linked) })
}
