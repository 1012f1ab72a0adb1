//! Reads what is left of an invalid stored experiment file: edited by hand since it was run, written by another
//! version of this program, or damaged.

use std::sync::Arc;

use super::error::{Document, DocumentOrigin, ExperimentErrors, Place};
use super::layers::{Merged, base_of_whole};
use super::reader::{Problems, Section};
use super::spec::SensitivitySpec;
use super::tree::Table;
use super::{decode, regions, sensitivity};
use crate::region::Regions;

/// The parts of an experiment file that a report needs, each as far as it can be read.
#[derive(Debug)]
pub struct Recovered {
    /// Empty where there is none.
    pub question: String,
    pub analysis: String,
    /// The built-in atlas, and the file's own regions that are sound.
    pub regions: Regions,
    pub sensitivity: Vec<SensitivitySpec>,
    /// All mistakes in the file; `None` if it is valid.
    pub errors: Option<ExperimentErrors>,
}

/// Reads what can be read of the text of a stored experiment file, which errors call `name`. It has no base:
/// where one is named, no other file is opened for it.
pub fn recover(text: &str, name: &str) -> Recovered {
    let origin = DocumentOrigin::File(name.to_owned());
    let document =
        Arc::new(Document { origin, text: text.to_owned(), start: 0, folder: None, order: 0 });
    let start = Place { document: Arc::clone(&document), span: 0..0 };
    let (mut table, mut found) = Table::parse_what_is_sound(&document);
    // The value of a line that is not TOML is a placeholder, so errors in it are not the author's.
    let is_toml = found.is_empty();
    if let Some(base) = table.remove("base") {
        found.push(base_of_whole(&base.key_place));
    }
    let merged = Merged { table, start, closed: true };
    // Read without collecting mistakes; reading the whole file reports them.
    let ignored = Problems::default();
    let root = Section::root(&merged.table, &merged.start, &ignored);
    let (_, question, analysis) = decode::read_prose(&root);
    let (regions, sensitivity) = (regions::read(&root), sensitivity::read(&root));
    let sensitivity = sensitivity.unwrap_or_default();
    if is_toml {
        found.extend(decode::decode(&merged).err().unwrap_or_default());
    }
    let errors = (!found.is_empty()).then(|| ExperimentErrors::new(found));
    Recovered { question, analysis, regions, sensitivity, errors }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "name = \"x\"\nquestion = \"Why?\"\nanalysis = \"So.\"\n\n[dataset]\nkind = \"faces\"\n\n\
                         [regions]\nglasses = [[[0.1, 0.3], [0.9, 0.3], [0.9, 0.5]]]\n\n[train]\nepochs = 3\n";

    fn mistakes(recovered: &Recovered) -> Vec<String> {
        recovered.errors.as_ref().map(ExperimentErrors::in_short).unwrap_or_default()
    }

    #[test]
    fn a_whole_file_is_read_whole() {
        let recovered = recover(WHOLE, "x.toml");
        assert!(recovered.errors.is_none(), "{:?}", recovered.errors);
        assert_eq!((&*recovered.question, &*recovered.analysis), ("Why?", "So."));
        assert_eq!(recovered.regions.own().len(), 1);
    }

    #[test]
    fn a_key_that_is_gone_is_named_and_the_rest_is_read() {
        let recovered = recover(&WHOLE.replace("epochs = 3", "speed = 3\nepochs = true"), "x.toml");
        assert_eq!(
            mistakes(&recovered),
            [
                "line 12: unknown key `train.speed`",
                "line 13: `train.epochs` must be a whole number (this is true or false)"
            ]
        );
        assert_eq!((&*recovered.question, recovered.regions.own().len()), ("Why?", 1));
    }

    #[test]
    fn a_line_that_is_no_toml_takes_no_other_with_it() {
        let recovered =
            recover(&WHOLE.replace("analysis = \"So.\"", "analysis = = \"So.\""), "x.toml");
        let mistakes = mistakes(&recovered);
        assert!(mistakes.iter().all(|line| line.starts_with("line 3: this is not valid TOML")));
        assert_eq!((&*recovered.question, recovered.regions.own().len()), ("Why?", 1));
        // Half of a file, as a full disk may leave one.
        let half = recover(&WHOLE[..WHOLE.find("0.9, 0.5").unwrap()], "x.toml");
        assert_eq!((&*half.question, &*half.analysis), ("Why?", "So."));
        assert!(half.errors.is_some());
        assert!(is_empty_with_a_mistake(&recover("", "x.toml")));
    }

    fn is_empty_with_a_mistake(recovered: &Recovered) -> bool {
        recovered.question.is_empty() && !mistakes(recovered).is_empty()
    }

    #[test]
    fn a_region_that_is_wrong_leaves_the_others() {
        let text =
            WHOLE.replace("[train]", "flat = [[[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]]]\n[train]");
        let recovered = recover(&text, "x.toml");
        assert_eq!(recovered.regions.own().len(), 1);
        let mistakes = mistakes(&recovered);
        assert!(mistakes[0].starts_with("line 11: the corners lie on one line"), "{mistakes:?}");
    }

    #[test]
    fn no_other_file_is_opened() {
        let recovered = recover(&format!("base = \"/etc/hostname\"\n{WHOLE}"), "x.toml");
        assert_eq!(
            mistakes(&recovered),
            ["line 1: an experiment that was run has no base (not read)"]
        );
        assert_eq!(recovered.question, "Why?");
    }
}
