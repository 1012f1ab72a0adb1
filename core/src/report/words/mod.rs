//! The answer in words.
//!
//! In: rows, and what may be said of them. Out: sentences, and how numbers, conditions and metrics are written
//! everywhere. A sentence claims only what intervals and tests allow; [`finding`](super::findings::finding) is the
//! judge.

mod chance;
mod comparison;
mod dividing;
mod doubts;
mod emotions;
mod headline;
mod hiding;
mod interplay;
mod mask_leak;
pub(in crate::report) mod measure;
pub(in crate::report) mod networks;
pub(in crate::report) mod numbers;
pub(in crate::report) mod phrase;
pub(in crate::report) mod power;
mod reach;
mod scope;
mod seeds;
mod seeing;
mod statistics;
mod survival;
mod sweep;
mod undertrained;
pub(in crate::report) mod visible;

use crate::plan::{PhaseWords, Several, swept_words};
use crate::region::{Mode, Phase};
use crate::report::findings::Findings;
use crate::report::findings::evidence::Evidence;
use crate::report::findings::facts::Facts;
use crate::report::findings::finding::{Slice, slices};
use crate::report::findings::game::{Game, emotion_games, games};
use crate::report::findings::interplay::{Interplay, interplays};
use crate::report::findings::networks::{Networks, networks as of_networks};
use crate::report::findings::sweep::Sweep;
use crate::report::words::measure::Measure;
use crate::report::words::numbers::{counted, extent, mean};
use crate::report::words::phrase::wrap;
use crate::store::Metric;

pub use chance::chance_warnings;
pub use comparison::{comparison_conditions, comparison_notes};
pub use dividing::dividing_headline;
use dividing::{dividing, dividing_recall};
pub use doubts::doubt_warnings;
pub use headline::headline;
use hiding::{hiding, reliance};
use interplay::interplay;
pub use interplay::interplay_headline;
pub use mask_leak::{mask_leak_sentences, mask_leak_warnings};
pub use reach::{largest_area_off, reach_warnings};
pub use seeds::seed_notes;
use seeds::{ONE_NETWORK, few_seeds};
use seeing::seeing;
use statistics::{explained, statistics};
use survival::survival;
pub use sweep::asked_of_settings;
pub use undertrained::undertrained_warnings;

/// Characters in a line of a terminal.
const COLUMNS: usize = 80;
/// More sets than this are counted, not named.
const MOST_NAMED: usize = 3;

/// What an experiment found, in a few lines of at most 80 characters: the cost of masking, how it compares with
/// masking the same area elsewhere, what the regions reach alone, their Shapley attribution and interactions, what changes between
/// the settings of a sweep, and what cannot be known.
pub fn answer(findings: &Findings) -> String {
    let Findings { study, evidence, .. } = findings;
    let (runs, failed) = (study.runs.len(), study.failed());
    let facts = Facts { runs, failed, ..findings.shown().facts.clone() };
    let networks = metric(evidence).map(|metric| of_networks(study, evidence, metric));
    let first = networks.as_ref().and_then(|found| found.first());
    in_words(evidence, &facts, study.several, findings.sweep().as_ref(), first)
}

/// The same of the rows of all settings, the shown one first, and its facts, in which runs are those of all.
fn in_words(
    evidence: &Evidence,
    facts: &Facts,
    several: Several,
    across: Option<&Sweep<'_>>,
    of_networks: Option<&Networks<'_>>,
) -> String {
    let mut sentences = match metric(evidence) {
        Some(metric) => findings_of(evidence, metric, facts, several),
        None if !facts.whole_only.is_empty() => vec![whole_faces(facts)],
        None => vec![
            "There is no effect to report: no masked condition has a finished run beside one of whole \
             faces."
                .to_owned(),
        ],
    };
    sentences.extend(across.map(sweep::sweep));
    sentences.extend(of_networks.map(networks::networks));
    if facts.failed > 0 {
        let verb = if facts.failed == 1 { "is" } else { "are" };
        let runs = counted(facts.runs as u64, "run");
        sentences.push(format!("{} of {runs} failed and {verb} missing here.", facts.failed));
    }
    wrap(&sentences.join(" "), COLUMNS)
}

/// What is reached where nothing is masked.
fn whole_faces(facts: &Facts) -> String {
    let measure = Measure::of(Metric::Accuracy);
    let values = &facts.whole_only;
    let of = match values.len() {
        1 => "one network".to_owned(),
        networks => {
            format!("mean of {networks} networks, {}", scope::range_words(extent(values), measure))
        }
    };
    let chance =
        facts.chance.map_or(String::new(), |chance| format!(", chance {}", measure.amount(chance)));
    let images = counted(facts.images, "test image");
    let setting = match facts.setting.is_empty() {
        true => String::new(),
        false => format!(" with {}", facts.setting),
    };
    format!(
        "No region is masked in this experiment. Accuracy on whole faces{setting} is {} ({of}; {images}{chance}).",
        measure.amount(mean(values))
    )
}

/// Which region contributes most to each emotion, which emotion loses most when a region is masked, and which
/// confusions grow: sentences that may follow an answer, in lines of at most 80 characters. Empty where no region
/// was masked alone and there are no Shapley values.
pub fn details(findings: &Findings) -> String {
    details_of(&findings.evidence, findings.study.several)
}

fn details_of(evidence: &Evidence, several: Several) -> String {
    let Some(metric) = metric(evidence) else { return String::new() };
    let (slices, games) = told_of(evidence, metric, several);
    let recall = |game: &Game<'_>| dividing_recall(&emotion_games(&evidence.shapley, game));
    let sentences = [
        spoken_of(&games, &slices[0]).and_then(recall),
        emotions::emotions(&evidence.class_effects, &slices[0]),
        emotions::confusions(&evidence.confusions, &slices[0]),
    ];
    let mut sentences: Vec<String> = sentences.into_iter().flatten().collect();
    // Whose predictions they are about is said once.
    let whose = capital(beholder(slices[0].phase, slices[0].several));
    for sentence in sentences.iter_mut().skip(1).filter(|_| !whose.is_empty()) {
        if let Some(rest) = sentence.strip_prefix(&whose) {
            *sentence = capital(rest);
        }
    }
    if !sentences.is_empty() {
        sentences
            .extend(choice(&slices[0]).map(|(choice, _)| format!("This too is for {choice}.")));
    }
    wrap(&sentences.join(" "), COLUMNS)
}

/// The metric that an answer speaks of.
fn metric(evidence: &Evidence) -> Option<Metric> {
    let known = |metric: &Metric| evidence.effects.iter().any(|row| row.metric == *metric);
    Metric::ALL.into_iter().find(known)
}

/// The effects and the games of a metric, each knowing what the experiment has several of.
fn told_of<'a>(
    evidence: &'a Evidence,
    metric: Metric,
    several: Several,
) -> (Vec<Slice<'a>>, Vec<Game<'a>>) {
    let mut slices = slices(&evidence.effects, &evidence.contrasts, metric);
    let mut games = metric.worth().map_or_else(Vec::new, |worth| games(&evidence.shapley, worth));
    let of_slices = slices.first().map(|slice| slice.several).unwrap_or_default();
    let of_games = games.first().map(|game| game.several).unwrap_or_default();
    let several = several.or(of_slices).or(of_games);
    slices.iter_mut().for_each(|slice| slice.several = several);
    games.iter_mut().for_each(|game| game.several = several);
    (slices, games)
}

fn findings_of(
    evidence: &Evidence,
    metric: Metric,
    facts: &Facts,
    several: Several,
) -> Vec<String> {
    let measure = Measure::of(metric);
    let (slices, games) = told_of(evidence, metric, several);
    let first = &slices[0];
    let alike = |other: &&Slice<'_>| {
        other.phase == first.phase && other.fill == first.fill && other.swept == first.swept
    };
    let mut sentences = Vec::new();
    let masked = slices.iter().filter(alike).find(|slice| slice.mode == Mode::Hide);
    let kept = slices.iter().filter(alike).find(|slice| slice.mode == Mode::Keep);
    if let Some(slice) = masked {
        sentences.push(hiding(slice, measure));
        // Of a sweep, and with regions alone visible, it is said with these.
        if kept.is_none() && !several.settings {
            sentences.extend(whole_beside_chance(slice, facts, measure));
        }
    }
    if let Some(slice) = kept {
        sentences.push(seeing(slice, measure, masked.is_none()));
    }
    // Said once, after the first sentence to which it matters.
    let mut had = statistics(first.phase, first.swept, facts);
    sentences.extend(had.clone());
    if let Some(reliance) = reliance(&slices, first, measure) {
        sentences.push(reliance);
        if had.is_none() {
            had = statistics(Phase::Evaluate, first.swept, facts);
            sentences.extend(had.clone());
        }
    }
    let game = spoken_of(&games, first);
    sentences.extend(game.map(|game| {
        let said = dividing(game, measure);
        match game.fill == first.fill {
            true => said,
            false => format!("With the {} fill, {}", game.fill.name(), uncapital(&said)),
        }
    }));
    let interplays = metric.worth().map_or_else(Vec::new, |worth| interplays(evidence, worth));
    sentences.extend(game.and_then(|game| {
        let of_game = |found: &&Interplay<'_>| {
            (found.phase, found.fill, found.swept) == (game.phase, game.fill, game.swept)
        };
        let mut found = interplays.iter().find(of_game)?.clone();
        found.several = game.several;
        Some(interplay(&found, measure))
    }));
    if let Some(game) = game.filter(|_| had.is_none()) {
        sentences.extend(statistics(game.phase, game.swept, facts));
    }
    let of_one_seed = game.is_some_and(|game| game.rows[0].seeds == 1);
    if of_one_seed || first.rows.iter().all(|row| row.seeds == 1) {
        sentences.extend(match facts.foreign {
            true => Some(ONE_NETWORK.to_owned()),
            false => few_seeds(1),
        });
    }
    sentences.extend(masked.or(kept).and_then(|slice| survival(&slices, slice)));
    sentences.extend(choice(first).map(|(choice, others)| {
        format!("These results are for {choice}; the table lists the other {others}.")
    }));
    sentences.extend(explained(&slices, first, facts, measure));
    sentences
}

/// What is lost is lost from this much: accuracy is never without its chance.
fn whole_beside_chance(slice: &Slice<'_>, facts: &Facts, measure: Measure) -> Option<String> {
    let chance = facts.chance.filter(|_| measure.has_chance)?;
    let whole = slice.rows.iter().map(|row| row.baseline).find(|level| level.is_finite())?;
    Some(format!(
        "On whole faces, {} is {} (chance {}).",
        measure.short_name(),
        measure.amount(whole),
        measure.amount(chance)
    ))
}

/// Which of several fills and settings is spoken of, and what the others are.
fn choice(slice: &Slice<'_>) -> Option<(String, &'static str)> {
    let several = slice.several;
    let (fill, settings) = (format!("the {} fill", slice.fill.name()), swept_words(slice.swept));
    match (several.fills, several.settings && !settings.is_empty()) {
        (false, false) => None,
        (true, false) => Some((fill, "fills")),
        (false, true) => Some((settings, "settings")),
        (true, true) => Some((format!("{fill} and {settings}"), "fills and settings")),
    }
}

/// Of the games under the setting of a slice, that of its phase and fill, or any.
fn spoken_of<'g, 'a>(games: &'g [Game<'a>], slice: &Slice<'_>) -> Option<&'g Game<'a>> {
    let games = games.iter().filter(|game| game.swept == slice.swept);
    games.min_by_key(|game| (game.phase, game.fill) != (slice.phase, slice.fill))
}

/// Whose predictions a sentence is about, before it; of retrained networks it goes without saying, unless there
/// are others.
fn beholder(phase: Phase, several: Several) -> &'static str {
    match phase {
        Phase::Retrain if !several.phases => "",
        phase => PhaseWords::of(phase).before,
    }
}

/// What follows the regions that are masked; of retrained networks it goes without saying, unless there are
/// others.
fn phase_words(phase: Phase, several: Several) -> &'static str {
    match phase {
        Phase::Retrain if !several.phases => "",
        phase => PhaseWords::of(phase).masked,
    }
}

pub(super) fn capital(text: &str) -> String {
    with_first(text, |first| first.to_uppercase().collect())
}

/// With a small first letter, to stand within a sentence.
fn uncapital(text: &str) -> String {
    with_first(text, |first| first.to_lowercase().collect())
}

fn with_first(text: &str, change: impl Fn(char) -> String) -> String {
    let mut characters = text.chars();
    characters.next().map_or(String::new(), |first| change(first) + characters.as_str())
}

#[cfg(test)]
mod tests;
