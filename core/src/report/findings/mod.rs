//! What a study found, before anybody says it.
//!
//! In: a [`Study`](crate::study::Study) and the rows of its derived tables. Out: [`Findings`]: setting by
//! setting the rows that belong together (a [`Slice`](finding::Slice), a [`Game`](game::Game)), how the
//! largest stands among the others, the [`Facts`] that all figures of a setting share; and over the settings
//! of a sweep what changes and what does not ([`Sweep`](sweep::Sweep)). Charts, words, tables and the page ask
//! here, so that they never contradict each other. For each chart there is one type of what it shows, with its setting,
//! its order, its scale and what is significant:
//!
//! | finding | of |
//! | --- | --- |
//! | [`Effects`](effects::Effects) | what masking costs, and what regions alone reach |
//! | [`RegionWorths`](region_worths::RegionWorths) | the regions on a face |
//! | [`Attribution`](attribution::Attribution) | Shapley values, step by step |
//! | [`Agreement`](agreement::Agreement) | network and humans, emotion by emotion |
//! | [`Confusions`](confusions::Confusions) | which classes are predicted as which, and what masking changes |
//! | [`Trainings`](training::Trainings) | accuracy over the epochs |
//! | [`Maps`](sensitivity::Maps), [`Curves`](sensitivity::Curves) | sensitivity |
//! | [`Sweep`](sweep::Sweep) | each condition under every setting, and whether settings differ |
//! | [`Networks`](networks::Networks) | whether the regions' order survives another network |
//! | [`Comparisons`](comparison::Comparisons) | what `compare` compares |

pub(in crate::report) mod agreement;
pub(in crate::report) mod attribution;
pub(in crate::report) mod beyond;
pub(in crate::report) mod comparison;
pub(in crate::report) mod confusions;
pub(in crate::report) mod effects;
pub(in crate::report) mod emotion_cells;
pub(in crate::report) mod evidence;
pub(in crate::report) mod facts;
pub(in crate::report) mod finding;
pub(in crate::report) mod game;
pub(in crate::report) mod interplay;
pub(in crate::report) mod mask_leak;
pub(in crate::report) mod networks;
pub(in crate::report) mod region_worths;
pub(in crate::report) mod seeds;
pub(in crate::report) mod sensitivity;
pub(in crate::report) mod sweep;
pub(in crate::report) mod training;

use evidence::Evidence;
use facts::Facts;
use sweep::Sweep;

use crate::study::Study;

/// All that a report is made of.
#[derive(Debug, Clone)]
pub struct Findings {
    pub study: Study,
    /// Of all settings, in the order of the study.
    pub evidence: Evidence,
    /// In the order of the study; never empty.
    settings: Vec<Found>,
}

/// What was found under one setting.
#[derive(Debug, Clone, Default)]
pub struct Found {
    pub facts: Facts,
    /// The rows of this setting alone.
    pub evidence: Evidence,
}

/// Of an experiment without anything.
impl Default for Findings {
    fn default() -> Findings {
        Findings::of(Study::default(), Evidence::default())
    }
}

impl Findings {
    pub fn of(study: Study, evidence: Evidence) -> Findings {
        let evidence = evidence.in_order_of(&study);
        let mut settings: Vec<Found> = study
            .settings
            .iter()
            .map(|setting| Found {
                facts: Facts::of(&study, setting).in_order_of(&evidence.effects),
                evidence: evidence.of_setting(&setting.swept),
            })
            .collect();
        if settings.is_empty() {
            settings.push(Found::default());
        }
        Findings { study, evidence, settings }
    }

    pub fn settings(&self) -> &[Found] {
        &self.settings
    }

    /// The setting that is shown where only one can be: the first of the file.
    pub fn shown(&self) -> &Found {
        &self.settings[0]
    }

    /// All settings on one scale; `None` where there is one alone.
    pub fn sweep(&self) -> Option<Sweep<'_>> {
        (self.settings.len() > 1).then(|| Sweep::of(&self.study, &self.evidence, &self.settings))
    }
}
