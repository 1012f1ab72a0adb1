//! The program itself, the model that finds landmarks, fonts.

use std::env;

use serde_json::json;

use super::check::Check;
use crate::landmarker::{self, Landmarker};
use crate::machine::Environment;
use crate::plan::NUMERIC_VERSION;
use crate::report::{counted, system_fonts};

pub(super) fn program() -> Check {
    let version = env!("CARGO_PKG_VERSION");
    let path = env::current_exe().map(|path| path.display().to_string()).unwrap_or_default();
    let wheel = Environment::here().is_some();
    let from = if wheel { ", of a Python wheel" } else { "" };
    Check::ok("fer-lab", format!("{version}, numeric version {NUMERIC_VERSION}{from}, {path}"))
        .with([
            ("version", json!(version)),
            ("numeric_version", json!(NUMERIC_VERSION)),
            ("path", json!(path)),
            ("wheel", json!(wheel)),
        ])
}

/// The model is read and its content checked; it is needed for `dataset.landmarks = "find"` alone.
pub(super) fn landmarks() -> Check {
    const NAME: &str = "landmarks";
    let place = landmarker::place();
    let facts = |found: bool| [("path", json!(place.to_string_lossy())), ("found", json!(found))];
    match Landmarker::open(&place) {
        Ok(_) => Check::ok(NAME, format!("the model that finds them, {}", place.display()))
            .with(facts(true)),
        Err(error) => Check::note(
            NAME,
            &error.to_string(),
            "only `dataset.landmarks = \"find\"` and `fer-lab landmarks` need it",
        )
        .with(facts(false)),
    }
}

/// The typeface of charts is built in; those of the system are for signs that it lacks.
pub(super) fn fonts() -> Check {
    let count = system_fonts();
    let found =
        format!("Inter, which is built in; {} of the system", counted(count as u64, "font"));
    let check = match count {
        0 => Check::note(
            "fonts",
            &found,
            "names in Chinese, Arabic and other scripts that Inter lacks show as boxes in charts: install a font, \
             such as fonts-noto",
        ),
        _ => Check::ok("fonts", found),
    };
    check.with([("system", json!(count))])
}
