//! Colour: what is coloured, and when. Progress bars and the marks under mistakes in an experiment file have colours of
//! their own.

use clap::builder::styling::{AnsiColor, Style, Styles};

const HEADING: Style = AnsiColor::Green.on_default().bold();
const ERROR: Style = AnsiColor::BrightRed.on_default().bold();

/// Of help and of clap's own errors; clap leaves it out where colour is not wanted.
pub const HELP: Styles = Styles::styled()
    .header(HEADING)
    .usage(HEADING)
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default())
    .error(ERROR);

/// Whether colour is wanted on standard error: a terminal, other than `TERM=dumb`, and neither `NO_COLOR`
/// nor `CLICOLOR=0` in the environment.
pub fn wanted_on_stderr() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && console::colors_enabled_stderr()
}

/// The prefix of an error message.
pub fn error() -> String {
    match wanted_on_stderr() {
        true => format!("{ERROR}error:{ERROR:#}"),
        false => "error:".to_owned(),
    }
}
