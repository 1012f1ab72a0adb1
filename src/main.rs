//! `fer-lab`: reads results and plans by itself, and runs `fer-lab-torch` for everything that needs libtorch. This
//! package's library is not used here, so that libtorch is not linked.

use std::process::ExitCode;

use fer_lab_core::cli::{self, Access, Program};

fn main() -> ExitCode {
    let libtorch = if cfg!(feature = "torch") { Access::Beside } else { Access::Nowhere };
    cli::main(&Program { build: env!("FER_LAB_BUILD"), libtorch })
}
