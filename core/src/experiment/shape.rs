//! The type that a `--set` argument is read as, from its key's JSON Schema.

use serde_json::Value as Json;

use super::keys::{self, rules};

/// A key's type, as far as its path determines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// Any text.
    Text,
    /// One of these.
    Words(Vec<&'static str>),
    Flag,
    Integer,
    Number,
    /// A number or a text, by another key.
    Scalar,
    List(Box<Shape>),
    Table,
    /// One or the other.
    Either(Vec<Shape>),
}

impl Shape {
    /// Whether this is a text, free or not.
    pub fn is_text(&self) -> bool {
        matches!(self, Shape::Text | Shape::Words(_))
    }

    fn of(rule: &'static Json) -> Shape {
        if let Some(pointer) = rule["$ref"].as_str().and_then(|name| name.strip_prefix('#')) {
            return Shape::of(rules().pointer(pointer).unwrap_or(&Json::Null));
        }
        if let Some(words) = rule["enum"].as_array() {
            let texts: Option<Vec<&str>> = words.iter().map(Json::as_str).collect();
            return texts.map_or(Shape::Integer, Shape::Words);
        }
        if let Some(rules) = rule["anyOf"].as_array() {
            let either: Vec<Shape> = rules.iter().map(Shape::of).collect();
            return match either.iter().all(Shape::is_text) {
                true => Shape::Text,
                false => Shape::Either(either),
            };
        }
        match rule["type"].as_str() {
            Some("string") => Shape::Text,
            Some("boolean") => Shape::Flag,
            Some("integer") => Shape::Integer,
            Some("number") => Shape::Number,
            Some("array") => Shape::List(Box::new(Shape::of(&rule["items"]))),
            Some("object") => Shape::Table,
            _ => Shape::Scalar,
        }
    }
}

/// The shape of a key's value; `None` where there is no such key. `matrix.` and a swept key takes a list of
/// what the key takes.
pub(super) fn shape(path: &str) -> Option<Shape> {
    if let Some(swept) = path.strip_prefix("matrix.") {
        let of = shape(swept).filter(|_| keys::can_be_swept(swept));
        return of.map(|of| Shape::List(Box::new(of)));
    }
    if path.starts_with("regions.") {
        return Some(Shape::of(&rules()["properties"]["regions"]["additionalProperties"]));
    }
    keys::rule(path).filter(|_| keys::find(path).is_some()).map(Shape::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_takes_is_the_tables() {
        let list = |of| Some(Shape::List(Box::new(of)));
        assert_eq!(shape("train.augment.flip"), Some(Shape::Flag));
        assert_eq!(shape("name"), Some(Shape::Text));
        assert_eq!(shape("dataset.channels"), Some(Shape::Integer));
        assert_eq!(shape("dataset.val"), Some(Shape::Scalar));
        assert_eq!(shape("dataset.classes"), list(Shape::Text));
        assert_eq!(shape("train.select"), Some(Shape::Words(vec!["best", "last"])));
        assert_eq!(shape("matrix.train.epochs"), list(Shape::Integer));
        assert_eq!(shape("train"), Some(Shape::Table));
        for unknown in ["epochs", "matrix.seeds.count", "matrix.train.device", "train.epochs.x"] {
            assert_eq!(shape(unknown), None, "{unknown}");
        }
        assert!(keys::paths().any(|path| path == "train.optimizer.learning_rate"));
        assert!(keys::paths().all(|path| shape(path).is_some() && !path.starts_with("matrix.")));
    }
}
