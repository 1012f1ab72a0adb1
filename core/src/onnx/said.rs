//! What a file says of its pictures and columns that ONNX has no place for.
//!
//! A key of `[model]` may stand in the file's metadata, as `fer_lab.` and its path, with its value in JSON:
//! `fer_lab.model.input.range` with `255.0`. Only the keys of [`KEYS`] are read: a file that comes from anybody says what
//! its network takes and answers, and nothing else of an experiment.

use std::collections::BTreeMap;

use serde_json::Value;

use super::graph::Graph;

/// What metadata's keys begin with.
pub const PREFIX: &str = "fer_lab.";

/// The keys of an experiment file that a network's file may give. The size of pictures stands in ONNX's own shape.
pub const KEYS: [&str; 7] = [
    "model.classes",
    "model.output",
    "model.input.color",
    "model.input.layout",
    SCALE[0],
    SCALE[1],
    SCALE[2],
];

/// Those of one scale: who gives any of them means none of the file's.
pub const SCALE: [&str; 3] = ["model.input.range", "model.input.mean", "model.input.std"];

/// What is said, by the key of the experiment file.
pub type Said = BTreeMap<&'static str, Value>;

/// Why metadata cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "its metadata says `{text}` for `{PREFIX}{key}`, which is no JSON ({why}): write lists as in [\"anger\", \"fear\"], \
     texts in quotes"
)]
pub struct SaidError {
    key: &'static str,
    text: String,
    why: serde_json::Error,
}

/// What a file says.
///
/// # Errors
/// A value that is no JSON.
pub fn said(graph: &Graph) -> Result<Said, SaidError> {
    let mut said = Said::new();
    for key in KEYS {
        let Some(text) = graph.metadata.get(&format!("{PREFIX}{key}")) else { continue };
        let value = serde_json::from_str(text).map_err(|why| {
            let text = text.chars().take(60).collect();
            SaidError { key, text, why }
        })?;
        said.insert(key, value);
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(entries: &[(&str, &str)]) -> Graph {
        let entries = entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Graph { metadata: entries.collect(), ..Graph::default() }
    }

    #[test]
    fn keys_of_the_network_are_read_and_no_others() {
        let graph = graph(&[
            ("fer_lab.model.classes", "[\"a\", \"\"]"),
            ("fer_lab.model.input.range", "255"),
            ("fer_lab.model.path", "\"/etc/passwd\""),
            ("fer_lab.dataset.root", "\"/\""),
            ("fer_lab.training", "not JSON"),
        ]);
        let said = said(&graph).unwrap();
        assert_eq!(
            said.keys().copied().collect::<Vec<_>>(),
            ["model.classes", "model.input.range"]
        );
        assert_eq!(said["model.classes"], serde_json::json!(["a", ""]));
    }

    #[test]
    fn what_is_no_json_is_named() {
        let message = said(&graph(&[("fer_lab.model.output", "logits")])).unwrap_err().to_string();
        assert!(message.starts_with("its metadata says `logits` for `fer_lab.model.output`"));
        assert!(message.contains("texts in quotes"), "{message}");
    }
}
