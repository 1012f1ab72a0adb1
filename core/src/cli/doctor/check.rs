//! What was looked at, and what came of it.

use serde::Serialize;
use serde_json::{Map, Value};

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Check {
    pub name: &'static str,
    pub state: State,
    /// In words.
    pub found: String,
    /// What to do where something is missing.
    pub cure: Option<String>,
    /// The same for programs: numbers as numbers, memory in bytes.
    pub facts: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Ok,
    /// `run` works; something is missing, or less than it could be.
    Note,
    /// `run` cannot work.
    Problem,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Note => "note",
            State::Problem => "problem",
        }
    }
}

impl Check {
    pub fn ok(name: &'static str, found: impl Into<String>) -> Check {
        let (found, facts) = (found.into(), Map::new());
        Check { name, state: State::Ok, found, cure: None, facts }
    }

    pub fn note(name: &'static str, found: &str, cure: &str) -> Check {
        Check { state: State::Note, cure: Some(cure.to_owned()), ..Check::ok(name, found) }
    }

    pub fn problem(name: &'static str, found: &str, cure: &str) -> Check {
        Check { state: State::Problem, ..Check::note(name, found, cure) }
    }

    /// With facts, of which `null` says that the system does not tell.
    pub fn with<const N: usize>(mut self, facts: [(&str, Value); N]) -> Check {
        self.facts.extend(facts.map(|(name, value)| (name.to_owned(), value)));
        self
    }
}
