//! The report page: one file that shows the question, the answer and all that supports it.
//!
//! Rows and figures in, one HTML document out. It needs no network and asks for none: typeface, style,
//! script and charts are inside, and its content security policy forbids everything else. Without script
//! it is the same page, only unsorted.

mod html;
mod sortable;
mod tables;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use html::Html;
use sortable::sortable;
use tables::tables_of;

use crate::report::canvas::error::ReportError;
use crate::report::canvas::fonts;
use crate::report::charts::chart::{Chart, Topic};
use crate::report::findings::Findings;
use crate::report::findings::facts::origin_words;
use crate::report::tables::listing::runs_table;
use crate::report::tables::study::{effects_table, study_table};
use crate::report::words::numbers::counted;
use crate::report::words::{answer, details, mask_leak_sentences, reach_warnings};
use crate::store::RunRow;

/// All that the page of an experiment shows.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    pub name: &'a str,
    /// Empty where the experiment asks none.
    pub question: &'a str,
    /// The experiment's own prose, paragraphs parted by empty lines; may be empty.
    pub analysis: &'a str,
    /// The experiment file as run; `None` where it is missing.
    pub settings: Option<&'a str>,
    /// Whether that still is the experiment.
    pub settings_whole: bool,
    /// What is missing from this page, and why: sentences.
    pub notes: &'a [String],
    pub findings: &'a Findings,
    pub charts: &'a [Chart],
}

/// A part of the page that can be linked to.
struct Section {
    id: &'static str,
    heading: &'static str,
    body: Html,
}

/// Of a run, what the page tabulates; swept keys follow.
const RUN_COLUMNS: [&str; 12] = [
    "condition",
    "seed",
    "best_epoch",
    "val_accuracy",
    "test_accuracy",
    "test_balanced_accuracy",
    "test_macro_f1",
    "test_bits",
    "wall_seconds",
    "device",
    "status",
    "run_id",
];

impl Page<'_> {
    /// The whole document.
    ///
    /// # Errors
    /// Where a table lacks a column that it should have.
    pub fn html(&self) -> Result<String, ReportError> {
        let sections = self.sections()?;
        let main = self.opening().then(contents(&sections)).then(
            sections
                .into_iter()
                .map(|section| {
                    let heading = Html::plain("h2", section.heading);
                    Html::element("section", &[("id", section.id)], heading.then(section.body))
                })
                .collect(),
        );
        Ok(self.document(&Html::element("main", &[], main)))
    }

    /// Head and body. The script may run because it bears a number that the text of the page determines,
    /// so that no text from a file can know it.
    fn document(&self, main: &Html) -> String {
        let nonce = &blake3::hash(main.as_str().as_bytes()).to_hex()[..32];
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; font-src data:; \
             img-src data:; base-uri 'none'; form-action 'none'"
        );
        let title = if self.question.is_empty() { self.name } else { self.question };
        let meta = |attributes: &[(&'static str, &str)]| Html::void("meta", attributes);
        let head = meta(&[("charset", "utf-8")])
            .then(meta(&[("http-equiv", "Content-Security-Policy"), ("content", &policy)]))
            .then(meta(&[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]))
            .then(meta(&[("name", "color-scheme"), ("content", "light dark")]))
            .then(Html::plain("title", &format!("{title} · fer-lab")))
            .then(Html::style(&typeface()))
            .then(Html::style(include_str!("style.css")));
        let script = Html::script(nonce, include_str!("sort.js"));
        let head = Html::element("head", &[], head);
        let body = Html::element("body", &[], main.clone().then(script));
        let document = Html::element("html", &[("lang", "en")], head.then(body));
        format!("<!doctype html>\n{}\n", document.as_str())
    }

    /// The question, the answer in words, and under which conditions.
    fn opening(&self) -> Html {
        let heading = if self.question.is_empty() { self.name } else { self.question };
        let words = answer(self.findings).replace('\n', " ");
        let details = details(self.findings).replace('\n', " ");
        let origin = format!("Experiment {}", self.name);
        let opening = Html::element("p", &[("class", "origin")], Html::text(&origin))
            .then(Html::plain("h1", heading))
            .then(Html::element("p", &[("class", "answer")], Html::text(&words)))
            .then(paragraphs(&details))
            .then(paragraphs(&mask_leak_sentences(&self.findings.evidence.mask_leaks).join("\n\n")))
            .then(Html::element(
                "p",
                &[("class", "conditions")],
                Html::text(&self.findings.shown().facts.subtitle()),
            ))
            .then(self.failures())
            .then(self.warnings());
        Html::element("header", &[], opening.then(paragraphs(self.analysis)))
    }

    /// What did not finish, each run with its reason.
    fn failures(&self) -> Html {
        let study = &self.findings.study;
        let failed: Vec<&RunRow> = study.runs.iter().filter(|run| !run.status.is_done()).collect();
        if failed.is_empty() {
            return Html::default();
        }
        let verb = if failed.len() == 1 { "has" } else { "have" };
        let runs = counted(study.runs.len() as u64, "run");
        let count = format!(
            "{} of {runs} {verb} no result, and nothing on this page counts them:",
            failed.len()
        );
        let reasons = failed.iter().map(|run| {
            let name = study.several.label((*run).into());
            let line = format!("{name}, seed {}: {}", run.seed, run.status);
            Html::plain("li", &line)
        });
        Html::element("p", &[("class", "failed")], Html::text(&count)).then(Html::element(
            "ul",
            &[("class", "failed")],
            reasons.collect(),
        ))
    }

    /// What the masks say against the numbers, and what is not on this page.
    fn warnings(&self) -> Html {
        let mut warnings = reach_warnings(&self.findings.study);
        warnings.extend(self.notes.iter().map(|note| format!("Not whole: {note}")));
        let paragraph =
            |text: &String| Html::element("p", &[("class", "failed")], Html::text(text));
        warnings.iter().map(paragraph).collect()
    }

    fn sections(&self) -> Result<Vec<Section>, ReportError> {
        let mut sections: Vec<Section> =
            Topic::ALL.into_iter().filter_map(|topic| self.section_of(topic)).collect();
        sections.push(Section { id: "numbers", heading: "The numbers", body: self.numbers()? });
        sections.push(Section {
            id: "settings",
            heading: "Settings and versions",
            body: self.settings(),
        });
        Ok(sections)
    }

    /// The section of a topic: its charts, then its tables; `None` without any.
    fn section_of(&self, topic: Topic) -> Option<Section> {
        let charts = || self.charts.iter().filter(|chart| chart.topic == topic);
        let tables = tables_of(self.findings, topic);
        let mut body = Html::default();
        if charts().next().is_some() {
            let group = |folded: bool| -> Html {
                let charts = charts().filter(|chart| chart.folded == folded).map(figure).collect();
                Html::element("div", &[("class", "charts")], charts)
            };
            body = Html::plain("p", topic.lead()).then(group(false));
            let count = charts().filter(|chart| chart.folded).count();
            if count > 0 {
                let more = format!("{} more", counted(count as u64, "chart"));
                let summary = Html::plain("summary", &more);
                body = body.then(Html::element("details", &[], summary.then(group(true))));
            }
        } else if tables.is_none() {
            return None;
        }
        let body = body.then(tables.unwrap_or_default());
        Some(Section { id: topic.id(), heading: topic.heading(), body })
    }

    fn numbers(&self) -> Result<Html, ReportError> {
        let Findings { study, evidence, .. } = self.findings;
        let mut runs = runs_table(study.runs.iter());
        let swept = study.runs.iter().flat_map(|run| run.swept.keys());
        let mut columns: Vec<String> = RUN_COLUMNS.map(str::to_owned).to_vec();
        for key in swept {
            if !columns.contains(key) {
                columns.push(key.clone());
            }
        }
        runs.select(&columns)?;
        let mut body = sortable(
            "Conditions: accuracy over seeds, effect and signal",
            &study_table(study, &evidence.effects),
        );
        if !evidence.effects.is_empty() {
            let caption = "Every effect: shares in per cent and points, information in bits";
            body = body.then(sortable(caption, &effects_table(&evidence.effects)));
        }
        let summary = counted(study.runs.len() as u64, "run");
        let folded = Html::plain("summary", &summary).then(sortable("Runs", &runs));
        Ok(body.then(Html::element("details", &[], folded)))
    }

    fn settings(&self) -> Html {
        let origins = self
            .findings
            .study
            .origins
            .iter()
            .map(|origin| Html::plain("li", &format!("Trained by {}", origin_words(origin))));
        let written = concat!("This page was written by fer-lab ", env!("CARGO_PKG_VERSION"));
        let list = Html::element("ul", &[], origins.chain([Html::plain("li", written)]).collect());
        let settings = match self.settings {
            None => Html::plain("p", "The experiment file as run is missing from the results folder."),
            Some(text) => Html::plain(
                "p",
                match self.settings_whole {
                    true => {
                        "The experiment file as run, with its base and all changes of the command line \
                         merged in. Given to `fer-lab run`, it is the same experiment."
                    }
                    false => {
                        "The experiment file as it lies in the results folder. It is no longer what was \
                         run, or is of another version of fer-lab."
                    }
                },
            )
            .then(Html::element("pre", &[("tabindex", "0")], Html::plain("code", text))),
        };
        list.then(settings)
    }
}

/// Links to the sections.
fn contents(sections: &[Section]) -> Html {
    let links = sections.iter().map(|section| {
        let link = format!("#{}", section.id);
        Html::element(
            "li",
            &[],
            Html::element("a", &[("href", &link)], Html::text(section.heading)),
        )
    });
    let list = Html::element("ul", &[], links.collect());
    Html::element("nav", &[("aria-label", "Contents")], list)
}

/// A chart on its white card, what it says for those who cannot see it, and where its files are.
fn figure(chart: &Chart) -> Html {
    let Chart { name, figure, .. } = chart;
    let words = format!("{}. {}", figure.title, figure.description);
    let width = format!("--width: {:.0}mm", figure.width_mm);
    let picture = [("role", "img"), ("aria-label", words.as_str())];
    let card = [("class", "chart"), ("tabindex", "0")];
    let card = Html::element("div", &card, Html::element("div", &picture, Html::drawing(figure)));
    let file = |ending: &str, label: &str| {
        let path = format!("charts/{name}.{ending}");
        Html::element("a", &[("href", &path)], Html::text(label))
    };
    let caption = Html::text("Beside this page: ")
        .then(file("png", &format!("{name}.png")))
        .then(Html::text(", "))
        .then(file("svg", "svg"));
    let inner = card.then(Html::element("figcaption", &[], caption));
    Html::element("figure", &[("style", &width)], inner)
}

/// Prose whose paragraphs are parted by empty lines. One that is indented is a command, and keeps its lines.
fn paragraphs(prose: &str) -> Html {
    let paragraphs = prose.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty());
    let paragraph = |text: &str| {
        let lines = text.lines().filter(|line| !line.is_empty());
        match lines.map(|line| line.strip_prefix(INDENTED)).collect::<Option<Vec<_>>>() {
            Some(lines) => Html::plain("pre", &lines.join("\n")),
            None => Html::plain("p", text.trim()),
        }
    };
    paragraphs.map(paragraph).collect()
}

const INDENTED: &str = "    ";

/// The charts' typeface, for the page and for the text in its charts.
fn typeface() -> String {
    let face = |weight: &str, bytes: &[u8]| {
        format!(
            "@font-face {{ font-family: {}; font-weight: {weight}; src: url(data:font/otf;base64,{}); }}\n",
            fonts::FAMILY,
            STANDARD.encode(bytes)
        )
    };
    face("400", fonts::REGULAR_BYTES) + &face("700", fonts::BOLD_BYTES)
}

#[cfg(test)]
mod tests;
