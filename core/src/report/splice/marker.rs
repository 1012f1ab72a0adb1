//! Markers in a page: where they stand, and what they ask for.

use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use thiserror::Error;

/// A pair of markers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker<'t> {
    /// Of its beginning, from 1.
    pub line: usize,
    pub content: Content,
    pub experiment: &'t str,
    /// Where what stands between them lies in the text, bytes.
    pub inside: Range<usize>,
    /// Where the second one ends, bytes.
    pub end: usize,
    /// What the second one says; `None` before anything was spliced.
    pub numeric_version: Option<u32>,
}

/// What a marker asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The answer in words.
    Answer,
    /// Each emotion's losses and confusions in words.
    Details,
    /// A row a condition: accuracy, effect, signal, with their intervals.
    Conditions,
    /// A row a region: its Shapley value, the accuracy with only it visible and with only it masked.
    Regions,
    /// How probable each rank of each region is.
    Ranking,
    /// The interaction of each pair of regions.
    Interplay,
    /// What trained the networks: program, libtorch, device, precision, threads.
    Origin,
    /// A condition's mean test accuracy.
    Accuracy(String),
    /// What masking costs under a condition, points, with its interval.
    Effect(String),
    /// The Shapley value of a region's accuracy, points, with its interval.
    Shapley(String),
    /// The accuracy of always naming the most frequent class.
    Chance,
    /// The number of test images.
    Images,
    /// The number of seeds.
    Seeds,
}

/// The words of what takes no more words.
const PLAIN: [(&str, Content); 10] = [
    ("answer", Content::Answer),
    ("details", Content::Details),
    ("conditions", Content::Conditions),
    ("regions", Content::Regions),
    ("ranking", Content::Ranking),
    ("interplay", Content::Interplay),
    ("origin", Content::Origin),
    ("chance", Content::Chance),
    ("images", Content::Images),
    ("seeds", Content::Seeds),
];

/// A word, and what it asks for of a name.
type OfName = (&'static str, fn(String) -> Content);

/// The words before a name, of a condition or of a region.
const NAMED: [OfName; 3] =
    [("accuracy", Content::Accuracy), ("effect", Content::Effect), ("shapley", Content::Shapley)];

impl Content {
    /// Whether it stands in a line of prose; the rest are paragraphs and tables.
    pub fn is_inline(&self) -> bool {
        use Content::{Accuracy, Chance, Effect, Images, Seeds, Shapley};
        matches!(self, Accuracy(_) | Effect(_) | Shapley(_) | Chance | Images | Seeds)
    }

    fn parse(words: &str) -> Option<Content> {
        if let Some((_, content)) = PLAIN.iter().find(|(word, _)| *word == words) {
            return Some(content.clone());
        }
        let (word, name) = words.split_once(' ')?;
        let (_, content) = NAMED.iter().find(|(known, _)| *known == word)?;
        let name = name.trim();
        (!name.is_empty()).then(|| content(name.to_owned()))
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Accuracy(name) => write!(f, "accuracy {name}"),
            Content::Effect(name) => write!(f, "effect {name}"),
            Content::Shapley(name) => write!(f, "shapley {name}"),
            plain => {
                let word = PLAIN.iter().find(|(_, content)| content == plain);
                f.write_str(word.map_or("", |(word, _)| word))
            }
        }
    }
}

/// Why a page's markers cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MarkerError {
    #[error(
        "line {line}: nothing called `{words}` can be spliced{}; there are {}",
        meant(words),
        all_words()
    )]
    Unknown { line: usize, words: String },
    #[error(
        "line {line}: `{words}` does not say of which experiment: `<!-- fer-lab {words} of NAME -->`"
    )]
    NoExperiment { line: usize, words: String },
    #[error(
        "line {line}: `<!-- fer-lab {words} -->` has no `<!-- /fer-lab -->` before the next one or the end"
    )]
    NoEnd { line: usize, words: String },
    #[error(
        "line {line}: `<!-- /fer-lab -->` ends nothing: before it stands no `<!-- fer-lab … of NAME -->`"
    )]
    NoBeginning { line: usize },
    #[error(
        "line {line}: `{words}` is a paragraph or a table: its `<!-- fer-lab … -->` begins a line, and nothing comes \
         behind it there"
    )]
    NotAlone { line: usize, words: String },
    #[error(
        "line {line}: `<!-- /fer-lab{words} -->` is none that fer-lab writes: make it `<!-- /fer-lab -->`"
    )]
    OddEnd { line: usize, words: String },
}

/// A suggestion, where one of the words is close.
fn meant(words: &str) -> String {
    let first = words.split(' ').next().unwrap_or_default();
    let known = PLAIN.iter().map(|(word, _)| *word).chain(NAMED.iter().map(|(word, _)| *word));
    let near = known.map(|word| (strsim::damerau_levenshtein(first, word), word)).min();
    near.filter(|(distance, _)| *distance <= 2)
        .map(|(_, word)| format!(": did you mean `{word}`?"))
        .unwrap_or_default()
}

fn all_words() -> String {
    let plain = PLAIN.iter().map(|(word, _)| format!("`{word}`"));
    let named = NAMED.iter().map(|(word, _)| match *word {
        "shapley" => format!("`{word} REGION`"),
        word => format!("`{word} CONDITION`"),
    });
    plain.chain(named).collect::<Vec<_>>().join(", ")
}

/// A comment of ours: whether it ends, and its words.
static COMMENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"<!--\s*(/?)fer-lab\b([^\n]*?)\s*-->").expect("it is valid"));

/// All pairs of markers of a page, in their order.
///
/// # Errors
/// Everything that is wrong with them.
pub fn markers(page: &str) -> Result<Vec<Marker<'_>>, Vec<MarkerError>> {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    let mut open: Option<(usize, &str, Range<usize>)> = None;
    let code = code(page);
    for comment in COMMENT.captures_iter(page) {
        let all = comment.get(0).map_or(0..0, |all| all.range());
        if code.iter().any(|code| code.contains(&all.start)) {
            continue;
        }
        let line = 1 + page[..all.start].matches('\n').count();
        let words = comment.get(2).map_or("", |words| words.as_str());
        let ends = comment.get(1).is_some_and(|slash| !slash.is_empty());
        match (ends, open.take()) {
            (false, before) => {
                errors.extend(before.map(no_end));
                open = Some((line, words.trim(), all));
            }
            (true, None) => errors.push(MarkerError::NoBeginning { line }),
            (true, Some((begun, asked, beginning))) => {
                let inside = beginning.end..all.start;
                let pair = pair(page, begun, asked, beginning, inside, all.end);
                match (pair, version(words)) {
                    (Ok(pair), Some(numeric_version)) => {
                        found.push(Marker { numeric_version, ..pair });
                    }
                    (pair, version) => {
                        errors.extend(pair.err());
                        if version.is_none() {
                            errors.push(MarkerError::OddEnd { line, words: words.to_owned() });
                        }
                    }
                }
            }
        }
    }
    errors.extend(open.map(no_end));
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

fn no_end((line, words, _): (usize, &str, Range<usize>)) -> MarkerError {
    MarkerError::NoEnd { line, words: words.to_owned() }
}

fn pair<'t>(
    page: &str,
    line: usize,
    asked: &'t str,
    beginning: Range<usize>,
    inside: Range<usize>,
    end: usize,
) -> Result<Marker<'t>, MarkerError> {
    let words = || asked.to_owned();
    let Some((what, experiment)) = asked.rsplit_once(" of ") else {
        return Err(match Content::parse(asked) {
            Some(_) => MarkerError::NoExperiment { line, words: words() },
            None => MarkerError::Unknown { line, words: words() },
        });
    };
    let what = what.trim();
    let Some(content) = Content::parse(what) else {
        return Err(MarkerError::Unknown { line, words: what.to_owned() });
    };
    let before = page[..beginning.start].rsplit('\n').next().unwrap_or_default();
    let behind = page[beginning.end..].split('\n').next().unwrap_or_default();
    // A paragraph that is still empty may end on the line that it begins on.
    let alone = before.is_empty() && (behind.trim().is_empty() || beginning.end == inside.end);
    if !content.is_inline() && !alone {
        return Err(MarkerError::NotAlone { line, words: what.to_owned() });
    }
    let experiment = experiment.trim();
    Ok(Marker { line, content, experiment, inside, end, numeric_version: None })
}

/// Of `: numeric version 5`, or of nothing; `None` of anything else.
fn version(words: &str) -> Option<Option<u32>> {
    match words.trim() {
        "" => Some(None),
        words => words.strip_prefix(": numeric version ")?.parse().ok().map(Some),
    }
}

/// The places of code: blocks between fences, and spans between backticks on a line.
fn code(page: &str) -> Vec<Range<usize>> {
    let mut code = Vec::new();
    let (mut at, mut fence) = (0, None);
    for line in page.split_inclusive('\n') {
        let is_fence = line.trim_start().starts_with("```");
        match fence {
            Some(start) if is_fence => {
                code.push(start..at + line.len());
                fence = None;
            }
            None if is_fence => fence = Some(at),
            Some(_) => {}
            None => {
                let ticks: Vec<usize> =
                    line.match_indices('`').map(|(tick, _)| at + tick).collect();
                code.extend(ticks.chunks_exact(2).map(|pair| pair[0]..pair[1]));
            }
        }
        at += line.len();
    }
    code.extend(fence.map(|start| start..page.len()));
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(page: &str) -> Vec<String> {
        markers(page).unwrap_err().iter().map(MarkerError::to_string).collect()
    }

    #[test]
    fn each_word_is_read_and_written_alike() {
        let all = PLAIN.map(|(word, _)| word.to_owned());
        for words in all.into_iter().chain(NAMED.map(|(word, _)| format!("{word} keep mouth"))) {
            assert_eq!(Content::parse(&words).unwrap().to_string(), words);
        }
        assert_eq!(Content::parse("accuracy"), None);
        assert_eq!(Content::parse("answer twice"), None);
    }

    #[test]
    fn a_pair_says_where_it_stands_and_of_which_version_it_is() {
        let page = "a\n<!-- fer-lab answer of x -->\nb\n<!-- /fer-lab: numeric version 5 -->\n\
                    c <!-- fer-lab accuracy keep eyes + mouth of y-1 -->d<!-- /fer-lab --> e";
        let [first, second] = <[_; 2]>::try_from(markers(page).unwrap()).unwrap();
        assert_eq!((first.line, first.experiment, &page[first.inside.clone()]), (2, "x", "\nb\n"));
        assert_eq!((first.content, first.numeric_version), (Content::Answer, Some(5)));
        assert_eq!((second.line, second.experiment, &page[second.inside.clone()]), (5, "y-1", "d"));
        assert_eq!(second.content, Content::Accuracy("keep eyes + mouth".into()));
        assert_eq!((second.numeric_version, &page[second.end..]), (None, " e"));
    }

    #[test]
    fn a_marker_in_code_is_text() {
        let page = "```text\n<!-- fer-lab answer of x -->\n```\n`<!-- fer-lab nonsense -->` and \
                    <!-- other comment -->\n";
        assert_eq!(markers(page), Ok(vec![]));
    }

    #[test]
    fn everything_wrong_is_named_with_its_line() {
        let page = "<!-- fer-lab anwser of x --><!-- /fer-lab -->\n\
                    <!-- fer-lab answer --><!-- /fer-lab -->\n\
                    <!-- /fer-lab -->\n\
                    text <!-- fer-lab regions of x -->\n<!-- /fer-lab -->\n\
                    <!-- fer-lab chance of x -->1<!-- /fer-lab: version 5 -->\n\
                    <!-- fer-lab images of x -->\n<!-- fer-lab seeds of x -->\n";
        let told = errors(page);
        assert_eq!(told.len(), 7, "{told:#?}");
        assert!(told[0].starts_with("line 1: nothing called `anwser` can be spliced: did you mean `answer`?; there are `answer`, "));
        assert!(told[0].ends_with("`shapley REGION`"), "{}", told[0]);
        assert!(told[1].starts_with("line 2: `answer` does not say of which experiment"));
        assert!(told[2].starts_with("line 3: `<!-- /fer-lab -->` ends nothing"));
        assert!(told[3].starts_with("line 4: `regions` is a paragraph or a table"));
        assert!(
            told[4].starts_with("line 6: `<!-- /fer-lab: version 5 -->` is none"),
            "{}",
            told[4]
        );
        assert!(
            told[5].starts_with("line 7: `<!-- fer-lab images of x -->` has no"),
            "{}",
            told[5]
        );
        assert!(told[6].starts_with("line 8: "), "{}", told[6]);
    }
}
