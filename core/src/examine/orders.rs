//! The orders in which networks that people use answer.

use crate::dataset::labels::Classes;
/// An order of classes in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Who has it.
    pub of: String,
    /// One name for each column, as an experiment file writes it.
    pub classes: Vec<String>,
}

/// Orders in circulation, with who has them. The packages were read in 2026.
const KNOWN: [(&str, &[&str]); 9] = [
    (
        "FER2013, fer, rmn, erml, py-feat",
        &["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"],
    ),
    (
        "the alphabet, HSEmotion and EmotiEffLib",
        &["anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"],
    ),
    (
        "the alphabet without contempt, facex",
        &["anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"],
    ),
    (
        "AffectNet",
        &["neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"],
    ),
    (
        "AffectNet without contempt, uniface",
        &["neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger"],
    ),
    (
        "FER+",
        &["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"],
    ),
    (
        "fer-lab and FER+ without contempt",
        &["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"],
    ),
    ("RAF-DB", &["surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"]),
    (
        "CK+",
        &["neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"],
    ),
];

/// The orders of so many columns in which every class of the data has one, beginning with the data's own. Further columns
/// of HSEmotion's multi-task networks, valence and arousal, are no classes.
pub fn fitting_orders(columns: usize, classes: &[String]) -> Vec<Order> {
    let known = Classes::unsaid(classes);
    let mut orders: Vec<Order> = Vec::new();
    let mut add = |of: &str, names: Vec<String>| {
        let own: Vec<&str> = names.iter().map(|name| known.of(name)).collect();
        let has_all = classes.iter().all(|class| own.contains(&class.as_str()));
        let is_new = orders.iter().all(|order| order.classes != names);
        if names.len() == columns && has_all && is_new {
            orders.push(Order { of: of.to_owned(), classes: names });
        }
    };
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    add("the data set", classes.to_vec());
    let mut sorted = classes.to_vec();
    sorted.sort();
    add("the alphabet", sorted);
    for (of, names) in KNOWN {
        add(of, owned(names));
        add(&format!("{of}, with valence and arousal"), [owned(names), owned(&["", ""])].concat());
    }
    orders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_have_a_column_for_every_class() {
        let classes =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let seven = classes(&["neutral", "happy", "surprise", "sad", "angry", "disgust", "fear"]);
        let orders = fitting_orders(7, &seven);
        assert!(orders.iter().all(|order| order.classes.len() == 7));
        assert_eq!(orders[0].of, "the data set");
        assert!(orders.iter().any(|order| order.of.starts_with("FER2013")), "{orders:?}");
        let eight = fitting_orders(8, &seven);
        assert!(eight.iter().any(|order| order.of == "AffectNet"), "{eight:?}");
        assert!(fitting_orders(10, &seven).iter().all(|order| order.classes[8].is_empty()));
        // Data of other classes have no known order but their own and the alphabet.
        let own = fitting_orders(2, &classes(&["pain", "calm"]));
        assert_eq!(own.len(), 2);
    }
}
