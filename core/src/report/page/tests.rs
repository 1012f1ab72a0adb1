use super::*;
use crate::report::charts::confusion::confusion;
use crate::report::charts::effects::effects;
use crate::report::findings::confusions::Confusions;
use crate::report::findings::effects::Effects;
use crate::report::findings::evidence::Evidence;
use crate::report::findings::evidence::tests::{loss, ranks, shift};
use crate::report::findings::facts::Facts;
use crate::report::findings::finding::tests::{row, with_control};
use crate::report::findings::game::tests::value;
use crate::store::{Metric, RunStatus};
use crate::study::Study;
use crate::study::tests::counts;
use crate::study::tests::run;

const HOSTILE: &str = "</title></script><script>alert(1)</script><img src=x onerror='alert(2)'>\"&";

/// The page of a small experiment whose every text may be hostile.
fn page(text: &str) -> String {
    page_with(text, Evidence::default())
}

/// The same with more to show.
fn page_with(text: &str, evidence: Evidence) -> String {
    let mut failed = run(&["eyes"], "hide", 2);
    failed.status = RunStatus::Failed(text.to_owned());
    failed.test_accuracy = None;
    failed.swept.insert(text.to_owned(), text.to_owned());
    let mut whole = run(&[], "none", 1);
    whole.fer_lab = text.to_owned();
    let runs = [whole, run(&[text], "hide", 1), failed];
    let confusions: Vec<_> = runs
        .iter()
        .flat_map(|run| counts(&run.run_id, &[text, "glad"], &[&[60, 10], &[5, 25]]))
        .collect();
    let effect = with_control(row(text, "hide", 11.4, Some((8.9, 13.9))), 9.8, (7.0, 12.6));
    let study = Study::of(runs.to_vec(), &confusions);
    let facts = Facts { several: study.several, ..Facts::of(&study, &study.settings[0]) };
    let of_effect = Evidence { effects: vec![effect.clone()], ..Evidence::default() };
    let setting = &study.settings[0];
    let found = Effects::of(&of_effect, Metric::Accuracy, Some(setting), &facts).unwrap();
    let matrices = Confusions::of(setting, &confusions, &[], usize::MAX, &facts);
    let hidden = matrices.each.iter().find(|of| of.condition == runs[1].condition).unwrap();
    let charts = [
        Chart::new(Topic::Effects, "effects", effects(&found).unwrap()),
        Chart::new(Topic::Confusions, "confusion_hide", confusion(hidden).unwrap())
            .of(&runs[1].condition),
    ];
    let page = Page {
        name: "small",
        question: text,
        analysis: text,
        settings: Some(text),
        settings_whole: true,
        doubts: &[],
        notes: &[],
        findings: &Findings::of(study, Evidence { effects: vec![effect], ..evidence }),
        charts: &charts,
        examples: &[Example { condition: runs[1].condition.clone(), png: b"a picture".to_vec() }],
        formats: &["png", "svg"],
    };
    page.html().unwrap()
}

/// Every value of an attribute.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let opening = format!(" {attribute}=\"");
    html.split(opening.as_str()).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn text_from_files_is_never_markup() {
    let html = page(HOSTILE);
    assert_eq!(html.matches("<script").count(), 1, "only the program's own");
    assert!(html.contains("<script nonce=\""));
    assert_eq!(html.matches("</script>").count(), 1);
    assert_eq!(html.matches("<img").count(), 1, "only the example");
    // The page's own, and what a pointer is told.
    assert_eq!(html.matches("</title>").count(), 1 + html.matches("<g><title>").count());
    assert!(html.contains("&lt;script&gt;alert(1)"));
}

#[test]
fn an_indented_paragraph_keeps_its_lines() {
    let html =
        page("Now two of\nthem:\n\n    fer-lab run a.toml \\\n        --set x=1\n\nThat is all.");
    assert!(html.contains("<pre>fer-lab run a.toml \\\n    --set x=1</pre>"), "{html}");
    assert!(html.contains("<p>That is all.</p>"), "{html}");
}

#[test]
fn the_page_asks_for_nothing_outside() {
    let html = page("eyes");
    assert!(html.contains("content=\"default-src &#39;none&#39;;"));
    // An SVG's namespace is a name, not an address.
    let addresses = html.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    assert!(!addresses.contains("://"));
    assert!(html.split("url(").skip(1).all(|rest| rest.starts_with("data:")));
    assert!(values(&html, "src").iter().all(|source| source.starts_with("data:image/png;base64,")));
    let beside = |link: &&str| link.starts_with('#') || link.starts_with("charts/");
    assert!(values(&html, "href").iter().all(beside), "{:?}", values(&html, "href"));
}

#[test]
fn everything_has_its_place_once_and_can_be_reached() {
    let html = page("eyes");
    let mut ids = values(&html, "id");
    let sections = ["more", "sweep", "effects", "confusions", "numbers", "methods", "settings"];
    let copied = ["methods-text", "citations"];
    ids.retain(|id| !copied.contains(id));
    assert_eq!(ids, sections);
    assert!(copied.iter().all(|id| values(&html, "data-copy").contains(id)));
    let links: Vec<&str> = values(&html, "href");
    assert!(ids.iter().all(|id| links.contains(&format!("#{id}").as_str())));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), sections.len());
    assert_eq!(html.matches("<h1>").count(), 1);
    assert!(html.contains("<html lang=\"en\">"));
    assert!(html.contains("<title>eyes · fer-lab</title>"));
}

#[test]
fn a_chart_is_told_to_those_who_cannot_see_it() {
    let html = page("eyes");
    let told = values(&html, "aria-label");
    let effects = told.iter().find(|words| words.starts_with("Masking the eyes costs 11 points."));
    assert!(effects.unwrap().contains("eyes 11.4 (8.9 to 13.9)"), "{told:?}");
    let answers =
        told.iter().find(|words| words.starts_with("Eyes masked: accuracy 85.0 %, chance "));
    assert!(answers.unwrap().contains("Recall: eyes 86 %, glad 83 %."), "{told:?}");
}

#[test]
fn what_failed_is_said_with_its_reason() {
    let html = page("eyes");
    assert!(html.contains("1 of 3 runs has no result"));
    assert!(html.contains("<li>eyes masked, eyes eyes, seed 2: failed: eyes</li>"), "{html}");
}

#[test]
fn an_experiment_without_anything_has_a_page_that_says_so() {
    let page = Page {
        name: "small",
        question: "",
        analysis: "",
        settings: None,
        settings_whole: true,
        doubts: &[],
        notes: &[],
        findings: &Findings::default(),
        charts: &[],
        examples: &[],
        formats: &[],
    };
    let html = page.html().unwrap();
    assert!(html.contains("<h1>small</h1>"));
    assert!(html.contains("There is no effect to report"));
    assert!(html.contains("The experiment file as run is missing"));
}

#[test]
fn what_supports_the_charts_stands_under_them() {
    let evidence = Evidence {
        shapley: vec![value(HOSTILE, 12.0, (10.0, 14.0), &[])],
        class_effects: vec![loss("mouth", HOSTILE, 45.0, (40.0, 50.0), 0.001)],
        ranking: ranks(HOSTILE, &[0.75, 0.25]),
        confusions: vec![shift("mouth", [HOSTILE, "neutral"], (4.0, 31.0), (20.0, 34.0))],
        ..Evidence::default()
    };
    let html = page_with("eyes", evidence.clone());
    assert_eq!(html.matches("<script").count(), 1, "only the program's own");
    // A topic with a table alone has its section.
    let ids = ["more", "sweep", "effects", "shares", "emotions", "confusions", "numbers"];
    assert_eq!(values(&html, "id")[..7], ids);
    let section = |id: &str| {
        let section = html.split(&format!("<section id=\"{id}\">")).nth(1).unwrap();
        section.split("</section>").next().unwrap().to_owned()
    };
    assert!(
        section("effects").contains("rank 2, %</th>") && section("effects").contains(">75</td>")
    );
    assert!(section("shares").contains(">12.0 [10.0, 14.0]</td>"));
    assert!(section("emotions").contains(">45.0 [40.0, 50.0]</td>"));
    assert!(section("confusions").contains(">27.0 [20.0, 34.0]</td>"));
    assert!(html.contains("as neutral in 31.0"), "the details are told");

    let many = Evidence { class_effects: vec![evidence.class_effects[0].clone(); 31], ..evidence };
    assert!(page_with("eyes", many).contains(": a table of 31 rows</summary>"));
}

/// The first screen: the answer, then the map and the effects; what is long stands folded.
#[test]
fn the_answer_comes_first_and_conditions_fold() {
    let html = page("eyes");
    let place = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text} is missing"));
    assert!(place("class=\"answer\"") < place("class=\"charts first\""));
    assert!(place("charts/effects.png") < place("<nav"));
    let folded = html.split("<div class=\"conditions\">").nth(1).unwrap();
    let folded = folded.split("</section>").next().unwrap();
    assert!(
        folded.starts_with(
            "<details><summary>Eyes masked<span> 83.0\u{a0}%, chance 70.0\u{a0}%</span></summary>"
        ),
        "{folded}"
    );
    assert!(folded.contains("alt=\"Eyes masked: a test image of each class, eyes, glad\""));
    assert!(folded.contains("charts/confusion_hide.csv"));
    assert!(!html.contains("<details open"));
}

#[test]
fn the_study_cites_what_it_uses_and_nothing_else() {
    let html = page("eyes");
    assert!(html.contains("@software{fer_lab,") && html.contains("hooker2019roar"), "{html}");
    for unused in ["jethani2022fastshap", "petsiuk2018rise", "owen2007pigeonhole", "wegrzyn"] {
        assert!(!html.contains(unused), "{unused}");
    }
    let evidence = Evidence { ranking: ranks("eyes", &[1.0]), ..Evidence::default() };
    let with_ranks = page_with("eyes", evidence);
    assert!(with_ranks.contains("smyth2004linear") && !with_ranks.contains("owen2007pigeonhole"));
}

#[test]
fn marks_tell_their_values() {
    let html = page("eyes");
    assert!(
        html.contains("<title>eyes: 11.4 points of test accuracy lost (95 % CI 8.9 to 13.9)"),
        "{html}"
    );
    assert!(html.contains("<title>glad predicted as eyes: 17 % (5)</title>"));
    assert!(html.contains("@media screen and (prefers-color-scheme: dark) {\n  .chart [fill="));
}
