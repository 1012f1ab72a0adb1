//! `fer-lab`: what looks and plans, by itself; what needs libtorch, as `fer-lab-torch`. Nothing of this package's
//! library is named here, so that libtorch is not even linked.

use std::process::ExitCode;

use fer_lab_core::cli::{self, Access, Program};

fn main() -> ExitCode {
    let libtorch = if cfg!(feature = "torch") { Access::Beside } else { Access::Nowhere };
    cli::main(&Program { build: env!("FER_LAB_BUILD"), libtorch })
}
