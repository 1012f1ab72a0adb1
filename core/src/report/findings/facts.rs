//! What every figure of a setting has in common, for subtitles.

use std::collections::BTreeMap;

use crate::experiment::Statistics;
use crate::plan::{Several, Swept, swept_words};
use crate::region::Mode;
use crate::store::{EffectRow, Metric};
use crate::study::{Origin, Setting, Study};

use crate::report::findings::finding::slices;
use crate::report::words::numbers::counted;

/// What every figure of a setting has in common.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// The data set as readers know it: `FER+`.
    pub dataset: String,
    /// The setting as it is named: `learning_rate 0.01`; empty where the study has one alone.
    pub setting: String,
    /// In class order.
    pub classes: Vec<String>,
    /// Those that no network of whole faces ever predicted.
    pub unpredicted: Vec<String>,
    /// Test images.
    pub images: u64,
    pub seeds: usize,
    pub runs: usize,
    /// Runs that failed and are missing from every number.
    pub failed: usize,
    /// Whether its network was trained elsewhere.
    pub foreign: bool,
    /// The accuracy of the best constant prediction: the share of test images in the commonest class.
    pub chance: Option<f64>,
    /// Test accuracies of the finished runs, where no run masks anything.
    pub whole_only: Vec<f64>,
    /// What the study has several of; not settings, since a figure is of one.
    pub several: Several,
    /// Batch normalisation's statistics in the evaluations of each of the study's settings.
    pub statistics: BTreeMap<Swept, Statistics>,
    /// Sets of regions in the one order that every chart has them in; see [`Facts::in_order_of`].
    pub order: Vec<Vec<String>>,
}

impl Facts {
    pub fn of(study: &Study, setting: &Setting) -> Facts {
        let datasets: Vec<String> =
            setting.datasets.iter().map(|(kind, part)| tested_on(kind, part.as_deref())).collect();
        let masks = setting.conditions.iter().any(|condition| condition.masking.is_some());
        let whole = setting.whole().filter(|_| !masks);
        Facts {
            dataset: datasets.join(", "),
            setting: if study.sweeps() { swept_words(&setting.swept) } else { String::new() },
            classes: setting.classes.clone(),
            unpredicted: setting.unpredicted.clone(),
            images: setting.images,
            seeds: setting.seeds,
            runs: setting.runs,
            foreign: setting.foreign,
            failed: setting.failed,
            chance: setting.chance,
            whole_only: whole.map(|whole| whole.accuracies()).unwrap_or_default(),
            several: study.several.within_a_setting(),
            statistics: study.statistics(),
            order: Vec::new(),
        }
    }

    /// Charts have their regions in the order of the study's first effects: what costs most masked, or reaches most
    /// alone, comes first.
    pub fn in_order_of(mut self, effects: &[EffectRow]) -> Facts {
        if let Some(first) = slices(effects, &[], Metric::Accuracy).first() {
            let sets = first.rows.iter().map(|row| row.regions.clone());
            self.order = match first.mode {
                Mode::Hide => sets.collect(),
                Mode::Keep => sets.rev().collect(),
            };
        }
        self
    }

    /// Where a set of regions comes in that order; last where it has no place in it.
    pub fn place(&self, regions: &[String]) -> usize {
        self.order.iter().position(|set| set == regions).unwrap_or(usize::MAX)
    }

    /// `FER+ · learning_rate 0.01 · 3,137 test images · 3 seeds`
    pub fn subtitle(&self) -> String {
        let mut parts = vec![self.dataset.clone(), self.setting.clone()];
        if self.images > 0 {
            parts.push(counted(self.images, "test image"));
        }
        if self.seeds > 0 {
            parts.push(counted(self.seeds as u64, "seed"));
        }
        if self.failed > 0 {
            parts.push(format!("{} of {} failed", self.failed, counted(self.runs as u64, "run")));
        }
        parts.retain(|part| !part.is_empty());
        parts.join(" · ")
    }
}

/// `fer-lab 0.1.0, libtorch 2.13.0, cpu (…), f32, 1 thread`
pub fn origin_words(origin: &Origin) -> String {
    let Origin { fer_lab, libtorch, device, processor, precision, threads } = origin;
    let mut words = format!("fer-lab {fer_lab}, libtorch {libtorch}, {device}");
    if !processor.is_empty() {
        words += &format!(" ({processor})");
    }
    words += &format!(", {precision}");
    if let Some(threads) = threads {
        words += &format!(", {}", counted(u64::from(*threads), "thread"));
    }
    words
}

/// A data set, with the part that is its test split where the parts have names: `FER+ (test: PublicTest)`.
pub fn tested_on(kind: &str, part: Option<&str>) -> String {
    let name = dataset_name(kind);
    part.map_or(name.clone(), |part| format!("{name} (test: {part})"))
}

/// A data set's kind as its readers write it.
pub fn dataset_name(kind: &str) -> String {
    match kind {
        "ferplus" => "FER+".to_owned(),
        "fer2013" => "FER2013".to_owned(),
        "ckplus" => "CK+".to_owned(),
        "rafdb" => "RAF-DB".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{RunRow, RunStatus};
    use crate::study::tests::{counts, run, swept};

    fn facts(runs: &[RunRow], classes: &[&str], counted: &[&[u64]]) -> Vec<Facts> {
        let confusion: Vec<_> =
            runs.iter().flat_map(|run| counts(&run.run_id, classes, counted)).collect();
        let study = Study::of(runs.to_vec(), &confusion);
        study.settings.iter().map(|setting| Facts::of(&study, setting)).collect()
    }

    #[test]
    fn facts_come_from_the_study() {
        let mut failed = run(&["eyes"], "hide", 2);
        failed.status = RunStatus::Failed("the loss is not finite at epoch 3".to_owned());
        failed.dataset = "ferplus".to_owned();
        let mut whole = run(&[], "none", 1);
        whole.dataset = "ferplus".to_owned();
        let classes = ["sad", "glad"];
        let table: &[&[u64]] = &[&[60, 10], &[5, 25]];
        let [of_two] = &facts(&[whole.clone(), failed], &classes, table)[..] else { panic!() };
        assert_eq!(of_two.classes, classes);
        assert_eq!(of_two.chance, Some(0.7));
        assert!(of_two.whole_only.is_empty(), "eyes are masked in one run");
        assert_eq!(of_two.subtitle(), "FER+ · 100 test images · 2 seeds · 1 of 2 runs failed");
        let alone = &facts(std::slice::from_ref(&whole), &classes, table)[0];
        assert_eq!((&alone.whole_only[..], alone.setting.as_str()), (&[0.83][..], ""));
        let both = [swept(whole.clone(), "train.epochs", "5"), swept(whole, "train.epochs", "10")];
        let subtitles =
            facts(&both, &classes, table).iter().map(Facts::subtitle).collect::<Vec<_>>();
        let expected =
            ["5", "10"].map(|epochs| format!("FER+ · epochs {epochs} · 100 test images · 1 seed"));
        assert_eq!(subtitles, expected);
    }

    #[test]
    fn an_origin_is_a_line() {
        let study = Study::of(vec![run(&[], "none", 1)], &[]);
        assert_eq!(
            origin_words(&study.origins[0]),
            "fer-lab 0.1.0 (1a2b3c4d5e6f), libtorch 2.13.0, cpu (a processor), f32, 1 thread"
        );
        assert_eq!(Facts::default().subtitle(), "");
    }
}
