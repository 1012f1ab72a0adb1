//! What is wrong with an experiment file, and where.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

/// A text that settings were read from: a file, or one `--set` argument.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Document {
    pub origin: DocumentOrigin,
    /// All of the text that is shown to the user.
    pub text: String,
    /// Where in `text` the TOML begins: past `--set ` in an argument, at 0 in a file.
    pub start: usize,
    /// The folder that paths in it are relative to; `None`: the working folder.
    pub folder: Option<PathBuf>,
    /// Its place among the documents of one experiment, so that errors come out in reading order.
    pub order: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DocumentOrigin {
    /// The path as the user wrote it.
    File(String),
    Argument,
}

/// A stretch of a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub document: Arc<Document>,
    /// Bytes of the document's text.
    pub span: Range<usize>,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    /// What was wrong.
    pub title: String,
    /// Where; `None` where the file itself could not be read.
    pub place: Option<Place>,
    /// What is expected there.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
}

/// Everything that is wrong with an experiment file, in the order of its lines.
///
/// `Display` gives the plain rendering: each error with its file, line, column, the source line, and
/// what to do about it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExperimentErrors {
    problems: Vec<Problem>,
}

impl Problem {
    pub fn new(title: impl Into<String>, place: &Place, label: impl Into<String>) -> Problem {
        Problem { title: title.into(), place: Some(place.clone()), label: label.into(), help: None }
    }

    /// About a file that could not be read at all.
    pub fn nowhere(title: impl Into<String>, help: Option<String>) -> Problem {
        Problem { title: title.into(), place: None, label: String::new(), help }
    }

    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }

    fn in_short(&self) -> String {
        let line = self.place.as_ref().map_or(String::new(), |place| {
            let before = place.document.text.get(..place.span.start).unwrap_or_default();
            format!("line {}: ", before.matches('\n').count() + 1)
        });
        // An `unknown key` is clear without its label.
        let label = match self.label.is_empty() || self.title.starts_with("unknown") {
            true => String::new(),
            false => format!(" ({})", self.label),
        };
        format!("{line}{}{label}", self.title)
    }

    fn render(&self, renderer: &Renderer) -> String {
        let title = Level::ERROR.primary_title(&self.title);
        let mut group = annotate_snippets::Group::with_title(title);
        if let Some(place) = &self.place {
            group = place.attach(group, &self.label);
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help));
        }
        renderer.render(&[group])
    }
}

impl Place {
    /// What stands there.
    pub fn text(&self) -> &str {
        self.document.text.get(self.span.clone()).unwrap_or_default()
    }

    /// The first line of the place: a caret under a whole paragraph is useless.
    fn first_line(&self) -> Range<usize> {
        let text = &self.document.text;
        let start = self.span.start.min(text.len());
        let end = self.span.end.clamp(start, text.len());
        let line = text[start..end].find(['\n', '\r']).map_or(end, |length| start + length);
        start..line
    }

    fn attach<'a>(
        &'a self,
        group: annotate_snippets::Group<'a>,
        label: &'a str,
    ) -> annotate_snippets::Group<'a> {
        let text = &self.document.text;
        let annotation = AnnotationKind::Primary.span(self.first_line());
        let annotation = if label.is_empty() { annotation } else { annotation.label(label) };
        match &self.document.origin {
            DocumentOrigin::File(path) if text.is_empty() => {
                group.element(Origin::path(path).line(1).char_column(1))
            }
            DocumentOrigin::File(path) => {
                group.element(Snippet::source(text).path(path).annotation(annotation))
            }
            DocumentOrigin::Argument => {
                group.element(Snippet::source(text).line_numbering(false).annotation(annotation))
            }
        }
    }
}

impl ExperimentErrors {
    /// Sorts by document and place, and adds the suggested spelling to wrong arguments. A problem that several
    /// combinations of a matrix share is kept once.
    pub(crate) fn new(problems: Vec<Problem>) -> ExperimentErrors {
        let mut kept: Vec<Problem> = Vec::new();
        for mut problem in problems {
            problem.help = super::argument::spelling(&problem).or(problem.help);
            if !kept.contains(&problem) {
                kept.push(problem);
            }
        }
        kept.sort_by_key(|problem| {
            problem.place.as_ref().map(|place| (place.document.order, place.span.start))
        });
        ExperimentErrors { problems: kept }
    }

    /// How many errors there are: at least one.
    pub fn count(&self) -> usize {
        self.problems.len()
    }

    /// Each error in a line without its source: `line 12: unknown key `train.speed` (…)`.
    pub fn in_short(&self) -> Vec<String> {
        self.problems.iter().map(Problem::in_short).collect()
    }

    /// All errors as text, with ANSI colours where `colour` is set.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let rendered: Vec<String> =
            self.problems.iter().map(|problem| problem.render(&renderer)).collect();
        rendered.join("\n\n")
    }
}

impl fmt::Display for ExperimentErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for ExperimentErrors {}
