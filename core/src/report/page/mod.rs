//! The report page: one file that shows the question, the answer and all that supports it.
//!
//! Rows and figures in, one HTML document out. It needs no network and asks for none: typeface, style,
//! script and charts are inside, and its content security policy forbids everything else. Without script
//! it is the same page, only unsorted.

mod citations;
mod dark;
mod html;
mod methods;
mod sortable;
mod tables;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use html::Html;
use sortable::sortable;
use tables::{folded, tables_of};

use crate::experiment;
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::charts::chart::{Chart, Topic};
use crate::report::findings::Findings;
use crate::report::findings::facts::origin_words;
use crate::report::tables::listing::runs_table;
use crate::report::tables::study::{effects_table, study_table};
use crate::report::words::measure::Measure;
use crate::report::words::numbers::{counted, mean};
use crate::report::words::{
    answer, capital, chance_warnings, details, doubt_warnings, mask_leak_sentences, reach_warnings,
    seed_notes, undertrained_warnings,
};
use crate::store::{DoubtRow, Metric, RunRow};
use crate::study::Setting;

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
    /// What is doubtful about the data.
    pub doubts: &'a [DoubtRow],
    pub findings: &'a Findings,
    pub charts: &'a [Chart],
    /// The endings of each chart's files beside the page.
    pub formats: &'a [&'a str],
    /// Pictures of the data set; may be empty.
    pub examples: &'a [Example],
}

/// What networks met under a condition: a picture of each class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    pub condition: String,
    /// The pictures side by side, in class order.
    pub png: Vec<u8>,
}

/// A part of the page that can be linked to.
struct Section {
    id: &'static str,
    heading: &'static str,
    body: Html,
}

/// The topics whose first charts stand on the first screen.
const FIRST: [Topic; 2] = [Topic::Regions, Topic::Effects];

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
        let main = self.opening().then(self.first()).then(contents(&sections)).then(
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
            .then(Html::style(include_str!("style.css")))
            .then(Html::style(&dark::sheet(self.drawings())));
        let script = Html::script(nonce, include_str!("script.js"));
        let head = Html::element("head", &[], head);
        let body = Html::element("body", &[], main.clone().then(script));
        let document = Html::element("html", &[("lang", "en")], head.then(body));
        format!("<!doctype html>\n{}\n", document.as_str())
    }

    fn drawings(&self) -> impl Iterator<Item = &str> {
        let figures = self.charts.iter().map(|chart| &chart.figure);
        figures
            .flat_map(|figure| std::iter::once(figure).chain(figure.narrow.as_deref()))
            .map(|figure| figure.svg.as_str())
    }

    /// The question, the answer in words, and under which conditions.
    fn opening(&self) -> Html {
        let heading = if self.question.is_empty() { self.name } else { self.question };
        let words = answer(self.findings).replace('\n', " ");
        let origin = format!("Experiment {}", self.name);
        let opening = Html::element("p", &[("class", "origin")], Html::text(&origin))
            .then(Html::plain("h1", heading))
            .then(Html::element("p", &[("class", "answer")], Html::text(&words)))
            .then(Html::element(
                "p",
                &[("class", "conditions-line")],
                Html::text(&self.findings.shown().facts.subtitle()),
            ))
            .then(self.failures())
            .then(self.warnings());
        Html::element("header", &[], opening)
    }

    /// The charts of the first screen: the region map and the effects.
    fn first(&self) -> Html {
        let charts: Html = FIRST
            .iter()
            .filter_map(|topic| self.first_of(*topic))
            .map(|chart| self.figure(chart))
            .collect();
        match charts.as_str().is_empty() {
            true => charts,
            false => Html::element("div", &[("class", "charts first")], charts),
        }
    }

    fn first_of(&self, topic: Topic) -> Option<&Chart> {
        let open =
            |chart: &&Chart| chart.topic == topic && !chart.folded && chart.condition.is_none();
        self.charts.iter().find(open).filter(|_| FIRST.contains(&topic))
    }

    /// What did not finish, each run with its reason.
    fn failures(&self) -> Html {
        let study = &self.findings.study;
        let failed: Vec<&RunRow> = study.runs.iter().filter(|run| !run.status.is_done()).collect();
        if failed.is_empty() {
            return Html::default();
        }
        let (verb, are) = if failed.len() == 1 { ("has", "is") } else { ("have", "are") };
        let runs = counted(study.runs.len() as u64, "run");
        let count = format!(
            "{} of {runs} {verb} no result and {are} missing from every number on this page:",
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

    /// What the numbers cannot say, what the masks do to them, and what is missing from this page.
    fn warnings(&self) -> Html {
        let mut warnings = chance_warnings(&self.findings.evidence);
        warnings.extend(undertrained_warnings(&self.findings.evidence));
        warnings.extend(reach_warnings(&self.findings.study));
        warnings.extend(doubt_warnings(self.doubts, self.findings.settings().len()));
        warnings.extend(self.notes.iter().map(|note| format!("Incomplete: {note}")));
        let paragraph =
            |text: &String| Html::element("p", &[("class", "failed")], Html::text(text));
        warnings.iter().map(paragraph).collect()
    }

    fn sections(&self) -> Result<Vec<Section>, ReportError> {
        let mut sections = vec![Section { id: "more", heading: "Details", body: self.more() }];
        sections.extend(Topic::ALL.into_iter().filter_map(|topic| self.section_of(topic)));
        sections.push(Section { id: "numbers", heading: "Tables", body: self.numbers()? });
        sections.push(Section { id: "methods", heading: "Methods", body: self.methods() });
        sections.push(Section {
            id: "settings",
            heading: "Settings and versions",
            body: self.settings(),
        });
        sections.retain(|section| !section.body.as_str().is_empty());
        Ok(sections)
    }

    /// What the answer has no room for.
    fn more(&self) -> Html {
        let details = details(self.findings).replace('\n', " ");
        paragraphs(&details)
            .then(paragraphs(&mask_leak_sentences(&self.findings.evidence.mask_leaks).join("\n\n")))
            .then(paragraphs(&seed_notes(&self.findings.study).join("\n\n")))
            .then(paragraphs(self.analysis))
    }

    /// The section of a topic: its charts, then its tables, then the conditions that it has a chart of each;
    /// `None` without any.
    fn section_of(&self, topic: Topic) -> Option<Section> {
        let first = self.first_of(topic);
        let of_topic = || self.charts.iter().filter(|chart| chart.topic == topic);
        let rest = || {
            let shown = |chart: &&Chart| first.is_none_or(|first| first.name != chart.name);
            of_topic().filter(|chart| chart.condition.is_none()).filter(shown)
        };
        let tables = tables_of(self.findings, topic);
        let conditions =
            if topic == Topic::Confusions { self.conditions() } else { Html::default() };
        let nothing = rest().next().is_none() && tables.is_none() && conditions.as_str().is_empty();
        // How a chart of the first screen is to be read stands with what is left of it.
        let of_first = topic == Topic::Effects && first.is_some();
        if nothing && !of_first {
            return None;
        }
        let mut body = Html::default();
        let of_its_own = || self.section_of(Topic::Regions).is_some();
        if of_first && self.first_of(Topic::Regions).is_some() && !of_its_own() {
            body = body.then(Html::plain("p", Topic::Regions.lead()));
        }
        if of_topic().next().is_some() || !conditions.as_str().is_empty() {
            body = body.then(Html::plain("p", topic.lead()));
        }
        for fold in [false, true] {
            let charts: Html = rest()
                .filter(|chart| chart.folded == fold)
                .map(|chart| self.figure(chart))
                .collect();
            let count = rest().filter(|chart| chart.folded == fold).count();
            if count == 0 {
                continue;
            }
            let charts = Html::element("div", &[("class", "charts")], charts);
            let more = format!("{} more", counted(count as u64, "chart"));
            body = body.then(match fold {
                false => charts,
                true => Html::element("details", &[], Html::plain("summary", &more).then(charts)),
            });
        }
        let body = body.then(tables.unwrap_or_default()).then(conditions);
        Some(Section { id: topic.id(), heading: topic.heading(), body })
    }

    /// Each condition under its name, folded: example images and its charts.
    fn conditions(&self) -> Html {
        let mut names: Vec<&str> = Vec::new();
        let of_charts = self.charts.iter().filter_map(|chart| chart.condition.as_deref());
        let of_examples = self.examples.iter().map(|example| example.condition.as_str());
        for name in of_charts.chain(of_examples) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let conditions: Html = names.iter().map(|name| self.condition(name)).collect();
        match names.is_empty() {
            true => Html::default(),
            false => Html::element("div", &[("class", "conditions")], conditions),
        }
    }

    fn condition(&self, name: &str) -> Html {
        let runs = || self.findings.study.runs.iter().filter(|run| run.condition == name);
        let label = runs()
            .next()
            .map_or(name.to_owned(), |run| capital(&self.findings.study.several.label(run.into())));
        let reached: Vec<f64> = runs().filter_map(|run| run.test_accuracy).collect();
        let mut summary = Html::text(&label);
        if !reached.is_empty() {
            let measure = Measure::of(Metric::Accuracy);
            let settings = self.findings.study.settings.iter();
            let is_own = |of: &&Setting| runs().any(|run| run.swept == of.swept);
            let chance = settings.into_iter().find(is_own).and_then(|setting| setting.chance);
            let chance = chance
                .map_or(String::new(), |chance| format!(", chance {}", measure.amount(chance)));
            let accuracy = measure.amount(mean(&reached));
            summary = summary.then(Html::plain("span", &format!(" {accuracy}{chance}")));
        }
        let example = self.examples.iter().find(|example| example.condition == name);
        let example = example.map_or(Html::default(), |example| {
            let classes = self.findings.shown().facts.classes.join(", ");
            let words = format!("{label}: a test image of each class, {classes}");
            let caption =
                Html::plain("figcaption", &format!("A test image of each class: {classes}"));
            let picture = Html::picture(&example.png, &words).then(caption);
            Html::element("figure", &[("class", "examples")], picture)
        });
        let charts = self.charts.iter().filter(|chart| chart.condition.as_deref() == Some(name));
        let charts = Html::element(
            "div",
            &[("class", "charts")],
            charts.map(|chart| self.figure(chart)).collect(),
        );
        let summary = Html::element("summary", &[], summary);
        Html::element("details", &[], summary.then(example).then(charts))
    }

    /// A chart, what it says for those who cannot see it, and where its files are.
    fn figure(&self, chart: &Chart) -> Html {
        let Chart { name, figure, .. } = chart;
        let words = format!("{}. {}", figure.title, figure.description);
        let width = format!("--width: {:.0}mm", figure.width_mm);
        let drawing = |class: &'static str, figure: &Figure| {
            Html::element("div", &[("class", class)], Html::drawing(figure))
        };
        let drawings = match &figure.narrow {
            Some(narrow) => drawing("wide", figure).then(drawing("narrow", narrow)),
            None => drawing("only", figure),
        };
        let picture = Html::element("div", &[("role", "img"), ("aria-label", &words)], drawings);
        let card = Html::element("div", &[("class", "chart scroll"), ("tabindex", "0")], picture);
        let file = |ending: &str| {
            let path = format!("charts/{name}.{ending}");
            Html::element("a", &[("href", &path)], Html::text(ending))
        };
        let data = figure.data.as_ref().map(|_| "csv");
        let files = self.formats.iter().copied().chain(data).enumerate().map(|(place, ending)| {
            let comma = if place == 0 { Html::default() } else { Html::text(", ") };
            comma.then(file(ending))
        });
        let caption = Html::text(&format!("{name}: ")).then(files.collect());
        let inner = card.then(Html::element("figcaption", &[], caption));
        Html::element("figure", &[("style", &width)], inner)
    }

    /// How it was done, to be copied into a paper, and what to cite.
    fn methods(&self) -> Html {
        let experiment =
            self.settings.and_then(|text| experiment::parse_whole(text, self.name).ok());
        let experiment = experiment.as_ref();
        let paragraphs = methods::methods(experiment, self.findings);
        let paragraph = |(heading, text): &(&str, String)| {
            let heading = Html::plain("b", &format!("{heading}. "));
            Html::element("p", &[], heading.then(Html::text(text)))
        };
        let text: Html = paragraphs.iter().map(paragraph).collect();
        let copied = |id: &'static str, tag: &'static str, inner: Html| {
            let block = Html::element(tag, &[("id", id)], inner);
            Html::element("div", &[("class", "copied")], Html::copy_button(id).then(block))
        };
        let entries = citations::citations(experiment, self.findings, self.charts);
        let note = "The program, and the data and methods that this study uses. State the version above with every \
                    figure.";
        copied("methods-text", "div", text)
            .then(Html::plain("h3", "References"))
            .then(Html::plain("p", note))
            .then(copied("citations", "pre", Html::text(&entries)))
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
        let conditions = study_table(study, &evidence.effects);
        let mut body = folded(
            "Conditions: accuracy with its standard deviation over seeds, effect, signal and difference from chance, in \
             points; p Holm-corrected",
            &conditions,
        );
        if !evidence.effects.is_empty() {
            let caption = "Every effect: shares in per cent and points, information in bits; p, Holm: the correction of the column before";
            body = body.then(folded(caption, &effects_table(&evidence.effects)));
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
            .then({
                let text = Html::element("pre", &[("tabindex", "0")], Html::plain("code", text));
                let summary = Html::plain("summary", "The experiment file");
                Html::element("details", &[], summary.then(text))
            }),
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
