//! Figures of a report within a page of somebody's own: tables, sentences and numbers between markers of a Markdown file.
//!
//! In: the page's text, and what an experiment's [`Findings`](super::findings::Findings) say. Out: the text with everything
//! between the experiment's markers written anew. Two comments make a pair of markers, of which a reader sees nothing:
//!
//! ```text
//! With only the mouth visible: <!-- fer-lab accuracy keep mouth of mask_eyes -->52.6 %<!-- /fer-lab: numeric version 5 -->.
//!
//! <!-- fer-lab regions of mask_eyes -->
//! | region | …
//! <!-- /fer-lab: numeric version 5 -->
//! ```
//!
//! The end names the numeric version of the trainings, so that a test can tell a figure of before. Markers within code are
//! text. Written twice, a page is the same as written once.

mod content;
mod marker;

pub use content::ContentError;
pub use marker::{Content, Marker, MarkerError, markers};

/// What to write between two markers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filling {
    pub text: String,
    /// That of the trainings that the text is of.
    pub numeric_version: u32,
    /// What writes it; stands below tables and sentences.
    pub command: String,
}

/// The page with everything of `filled` markers written anew; the others stay as they are.
///
/// # Errors
/// The first of `filled`; the markers are well formed, or [`markers`] had refused them.
pub fn spliced<E>(
    page: &str,
    markers: &[Marker<'_>],
    mut filled: impl FnMut(&Marker<'_>) -> Result<Option<Filling>, E>,
) -> Result<String, E> {
    let mut text = String::with_capacity(page.len());
    let mut written = 0;
    for marker in markers {
        let Some(filling) = filled(marker)? else { continue };
        let Filling { text: filling, numeric_version, command } = filling;
        text += &page[written..marker.inside.start];
        text += &match marker.content.is_inline() {
            true => filling,
            false => {
                format!("\n\n{}\n\n{}\n\n", filling.trim_end(), beside(numeric_version, &command))
            }
        };
        text += &end_of(numeric_version);
        written = marker.end;
    }
    text += &page[written..];
    Ok(text)
}

/// `<!-- /fer-lab: numeric version 5 -->`
fn end_of(numeric_version: u32) -> String {
    format!("<!-- /fer-lab: numeric version {numeric_version} -->")
}

/// Below tables and sentences, in small print.
fn beside(numeric_version: u32, command: &str) -> String {
    format!("<sub>Numeric version {numeric_version}, written by `{command}`.</sub>")
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const PAGE: &str = "# Page\n\n<!-- fer-lab answer of a -->\nold\n<!-- /fer-lab -->\n\nThe mouth: \
                        <!-- fer-lab accuracy keep mouth of a -->?<!-- /fer-lab --> and \
                        <!-- fer-lab chance of b -->36.6 %<!-- /fer-lab: numeric version 4 -->.\n";

    fn of_a(page: &str) -> String {
        let fill = |marker: &Marker<'_>| {
            let text = if marker.content.is_inline() { "59.4 %" } else { "The mouth.\n" };
            let filling = Filling {
                text: text.into(),
                numeric_version: 5,
                command: "fer-lab report a --splice page.md".into(),
            };
            Ok::<_, Infallible>((marker.experiment == "a").then_some(filling))
        };
        spliced(page, &markers(page).unwrap(), fill).unwrap()
    }

    #[test]
    fn what_stands_between_the_markers_of_an_experiment_is_written_anew() {
        let once = of_a(PAGE);
        assert_eq!(
            once,
            "# Page\n\n<!-- fer-lab answer of a -->\n\nThe mouth.\n\n<sub>Numeric version 5, written by \
             `fer-lab report a --splice page.md`.</sub>\n\n<!-- /fer-lab: numeric version 5 -->\n\nThe mouth: \
             <!-- fer-lab accuracy keep mouth of a -->59.4 %<!-- /fer-lab: numeric version 5 --> and \
             <!-- fer-lab chance of b -->36.6 %<!-- /fer-lab: numeric version 4 -->.\n"
        );
        assert_eq!(of_a(&once), once);
    }

    proptest::proptest! {
        /// Whatever stands around and between, a second time changes nothing.
        #[test]
        fn twice_is_once(before in "[a-z`\n]{0,12}", inside in "[a-z|\n ]{0,12}", after in "[a-z\n]{0,12}") {
            let page = format!("{before}\n\n<!-- fer-lab answer of a -->{inside}<!-- /fer-lab -->{after}");
            if markers(&page).is_ok_and(|found| !found.is_empty()) {
                let once = of_a(&page);
                proptest::prop_assert_eq!(of_a(&once), once.clone());
                proptest::prop_assert!(once.starts_with(&before) && once.ends_with(&after));
            }
        }
    }
}
