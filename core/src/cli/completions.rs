//! `fer-lab completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Exit, output};

/// Completions of commands, options and file names, for a shell
#[derive(Debug, Args)]
#[command(after_help = "Bash, for new shells:\n  \
    fer-lab completions bash > ~/.local/share/bash-completion/completions/fer-lab\n\n\
Zsh, with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc:\n  \
    fer-lab completions zsh > ~/.zfunc/_fer-lab\n\n\
Fish:\n  \
    fer-lab completions fish > ~/.config/fish/completions/fer-lab.fish\n\n\
PowerShell:\n  \
    fer-lab completions powershell >> $PROFILE\n\n\
Elvish:\n  \
    fer-lab completions elvish >> ~/.config/elvish/rc.elv")]
pub struct Arguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "fer-lab", &mut script);
    output::data(&String::from_utf8(script)?)?;
    Ok(Exit::Done)
}
