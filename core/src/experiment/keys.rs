//! The keys of an experiment file by their dotted paths, and what each takes, as the JSON Schema has them.
//!
//! The schema is held against the parser by tests, so that what it says is true of both.

use std::sync::LazyLock;

use serde_json::Value as Json;

static RULES: LazyLock<Json> =
    LazyLock::new(|| serde_json::from_str(super::SCHEMA).expect("the built-in schema is JSON"));

static PATHS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut paths = Vec::new();
    collect("", &RULES, &mut paths);
    paths
});

/// What a key takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Takes {
    /// Any text.
    Text,
    /// One of these.
    Words(Vec<&'static str>),
    Flag,
    Integer,
    Number,
    /// A number or a text, by another key.
    Scalar,
    List(Box<Takes>),
    Table,
    /// One or the other.
    Either(Vec<Takes>),
}

impl Takes {
    /// Whether this is a text, free or not.
    pub fn is_text(&self) -> bool {
        matches!(self, Takes::Text | Takes::Words(_))
    }

    fn of(rule: &'static Json) -> Takes {
        if let Some(pointer) = rule["$ref"].as_str().and_then(|name| name.strip_prefix('#')) {
            return Takes::of(RULES.pointer(pointer).unwrap_or(&Json::Null));
        }
        if let Some(words) = rule["enum"].as_array() {
            let texts: Option<Vec<&str>> = words.iter().map(Json::as_str).collect();
            return texts.map_or(Takes::Integer, Takes::Words);
        }
        if let Some(rules) = rule["anyOf"].as_array() {
            let either: Vec<Takes> = rules.iter().map(Takes::of).collect();
            return match either.iter().all(Takes::is_text) {
                true => Takes::Text,
                false => Takes::Either(either),
            };
        }
        match rule["type"].as_str() {
            Some("string") => Takes::Text,
            Some("boolean") => Takes::Flag,
            Some("integer") => Takes::Integer,
            Some("number") => Takes::Number,
            Some("array") => Takes::List(Box::new(Takes::of(&rule["items"]))),
            Some("object") => Takes::Table,
            _ => Takes::Scalar,
        }
    }
}

/// Every key of the file, sections included, in the schema's order. The keys of `[regions]` and `[matrix]`
/// are the user's own.
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    PATHS.iter().map(String::as_str)
}

/// The keys of a section; none where it is not one.
pub(super) fn of_section(path: &str) -> Vec<&'static str> {
    let keys = rule(path).and_then(|rule| rule["properties"].as_object());
    keys.map(|keys| keys.keys().map(String::as_str).collect()).unwrap_or_default()
}

/// What a key takes; `None` where there is no such key. `matrix.` and a swept key takes a list of what the
/// key takes.
pub(super) fn takes(path: &str) -> Option<Takes> {
    if let Some(swept) = path.strip_prefix("matrix.") {
        return takes(swept).filter(|_| can_be_swept(swept)).map(|of| Takes::List(Box::new(of)));
    }
    if path.starts_with("regions.") {
        return Some(Takes::of(&RULES["properties"]["regions"]["additionalProperties"]));
    }
    rule(path).map(Takes::of)
}

/// A key's default, where it has one whatever the `kind`.
pub(super) fn default(path: &str) -> Option<&'static Json> {
    rule(path)?.get("default")
}

/// Whether `[matrix]` takes the key.
pub(super) fn can_be_swept(path: &str) -> bool {
    RULES["properties"]["matrix"]["properties"].get(path).is_some()
}

fn rule(path: &str) -> Option<&'static Json> {
    path.split('.').try_fold(&*RULES, |rule, key| rule["properties"].get(key))
}

fn collect(path: &str, rule: &Json, paths: &mut Vec<String>) {
    for (key, rule) in rule["properties"].as_object().into_iter().flatten() {
        let path = super::tree::join(path, key);
        paths.push(path.clone());
        if path != "matrix" {
            collect(&path, rule, paths);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_takes_is_the_schemas() {
        let list = |of| Some(Takes::List(Box::new(of)));
        assert_eq!(takes("train.augment.flip"), Some(Takes::Flag));
        assert_eq!(takes("name"), Some(Takes::Text));
        assert_eq!(takes("dataset.channels"), Some(Takes::Integer));
        assert_eq!(takes("dataset.val"), Some(Takes::Scalar));
        assert_eq!(takes("dataset.classes"), list(Takes::Text));
        assert_eq!(takes("train.select"), Some(Takes::Words(vec!["best", "last"])));
        assert_eq!(takes("matrix.train.epochs"), list(Takes::Integer));
        assert_eq!(takes("train"), Some(Takes::Table));
        for unknown in ["epochs", "matrix.seeds.count", "matrix.train.device", "train.epochs.x"] {
            assert_eq!(takes(unknown), None, "{unknown}");
        }
        assert!(paths().any(|path| path == "train.optimizer.learning_rate"));
        assert!(paths().all(|path| takes(path).is_some() && !path.starts_with("matrix.")));
    }
}
