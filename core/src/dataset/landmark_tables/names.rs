//! Which row of a table is an image's, however its name is written there.

use std::collections::HashMap;

/// The names of a table's rows.
#[derive(Debug, Default)]
pub struct Names {
    rows: HashMap<String, usize>,
    example: String,
}

/// Ways to write a name, from the strictest to the loosest.
const WAYS: [fn(&str) -> String; 4] = [plain, without_extension, file_name, file_stem];

impl Names {
    /// Adds the next row's name; whether it is new.
    #[must_use]
    pub fn push(&mut self, name: String) -> bool {
        if self.rows.is_empty() {
            self.example.clone_from(&name);
        }
        let row = self.rows.len();
        self.rows.insert(name, row).is_none()
    }

    /// A name to show where none fits.
    pub fn example(&self) -> &str {
        &self.example
    }

    /// The row of each image. A row is an image's by its name as it stands; or, where only one row and only one image can be
    /// meant, with `/` for `\`, without a leading `./`, without the extension, or by the file's name without its folders.
    pub fn find(&self, images: &[&str]) -> Vec<Option<usize>> {
        let mut found: Vec<Option<usize>> =
            images.iter().map(|image| self.rows.get(*image).copied()).collect();
        for way in WAYS {
            if found.iter().all(Option::is_some) {
                break;
            }
            let rows = only(self.rows.iter().map(|(name, &row)| (way(name), row)));
            let written: Vec<String> = images.iter().map(|image| way(image)).collect();
            let images = only(written.iter().cloned().zip(0..));
            for (at, name) in written.iter().enumerate() {
                if found[at].is_none() && images.get(name) == Some(&Some(at)) {
                    found[at] = rows.get(name).copied().flatten();
                }
            }
        }
        found
    }
}

/// What each name stands for; `None` where it is several things.
fn only(named: impl Iterator<Item = (String, usize)>) -> HashMap<String, Option<usize>> {
    let mut only: HashMap<String, Option<usize>> = HashMap::new();
    for (name, of) in named {
        only.entry(name).and_modify(|known| *known = None).or_insert(Some(of));
    }
    only
}

fn plain(name: &str) -> String {
    let name = name.replace('\\', "/");
    let mut rest = name.as_str();
    while let Some(shorter) = rest.strip_prefix("./") {
        rest = shorter;
    }
    rest.to_owned()
}

fn without_extension(name: &str) -> String {
    let mut name = plain(name);
    let begins = name.rfind('/').map_or(0, |slash| slash + 1);
    if let Some(dot) = name[begins..].rfind('.').filter(|dot| *dot > 0) {
        name.truncate(begins + dot);
    }
    name
}

fn file_name(name: &str) -> String {
    let name = plain(name);
    name.rsplit('/').next().unwrap_or_default().to_owned()
}

fn file_stem(name: &str) -> String {
    without_extension(&file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(rows: &[&str]) -> Names {
        let mut names = Names::default();
        for row in rows {
            assert!(names.push((*row).to_owned()));
        }
        names
    }

    #[test]
    fn a_strict_match_comes_before_a_loose_one() {
        let names = names(&["a.jpg", "a.png", "b"]);
        assert_eq!(names.find(&["a.png", "x/b.png"]), [Some(1), Some(2)]);
        assert_eq!(names.find(&["a.bmp"]), [None], "either row could be meant");
        assert_eq!(
            names.find(&["x/b.png", "y/b.png"]),
            [None, None],
            "either image could be meant"
        );
    }

    #[test]
    fn one_name_may_be_several_images() {
        assert_eq!(names(&["a"]).find(&["a", "a"]), [Some(0), Some(0)]);
    }

    #[test]
    fn a_dot_in_a_folder_or_at_the_start_is_no_extension() {
        assert_eq!(without_extension("a.b/c"), "a.b/c");
        assert_eq!(without_extension("a.b/.c"), "a.b/.c");
        assert_eq!(without_extension(".\\a.b\\c.d.png"), "a.b/c.d");
    }
}
