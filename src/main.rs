use std::process::ExitCode;

fn main() -> ExitCode {
    fer_lab::cli::main()
}
