//! The names of the splits, as folders and tables have them.

use super::Split;

/// In lower case. FER2013's own names stand for what FERPlus's scripts make of them.
const NAMES: [(Split, &[&str]); 3] = [
    (Split::Train, &["train", "training"]),
    (Split::Val, &["val", "valid", "validation", "dev", "publictest"]),
    (Split::Test, &["test", "testing", "privatetest"]),
];

/// What AffectNet and SFEW add to these names, in lower case.
const ENDINGS: [&str; 3] = ["_set", "_class", "_aligned_faces"];

/// The split of that name, in upper or lower case.
pub fn split_named(name: &str) -> Option<Split> {
    let name = name.trim().to_lowercase();
    let name = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    NAMES.iter().find(|(_, names)| names.contains(&name)).map(|(split, _)| *split)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_are_known_by_the_names_in_circulation() {
        let named = |names: &[&str]| names.iter().map(|name| split_named(name)).collect::<Vec<_>>();
        assert_eq!(
            named(&["Train", "TRAINING", "train_set", "train_class"]),
            [Some(Split::Train); 4]
        );
        assert_eq!(
            named(&["val", "Valid", "VALIDATION", "PublicTest", "Val_Aligned_Faces"]),
            [Some(Split::Val); 5]
        );
        assert_eq!(named(&["test", " Testing", "PrivateTest"]), [Some(Split::Test); 3]);
        assert_eq!(named(&["", "extra", "training data", "_set", "class"]), [None; 5]);
    }
}
