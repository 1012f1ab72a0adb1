//! Which parts of a plan are done already.

use std::collections::BTreeSet;

use super::error::EngineError;
use super::event::{Event, Observer};
use super::sensitivity::{SensitivityMap, asked, has_map};
use super::stored::{has_evaluation, is_trained};
use super::work::Work;
use crate::plan::{EvaluationId, Identified, Plan, SensitivityId};
use crate::store::StoreError;

/// The parts of a plan that are stored, complete.
#[derive(Debug)]
pub(super) struct State {
    /// By training.
    pub trained: Vec<bool>,
    /// By run.
    pub evaluated: Vec<bool>,
    /// The maps that are asked for, each with whether it is stored, by training.
    pub maps: Vec<Vec<(SensitivityMap, bool)>>,
}

impl State {
    /// Checks every file of the plan, content included.
    ///
    /// # Errors
    /// Where a file cannot be read, and where the observer interrupts.
    pub fn read(
        work: &Work,
        identified: &Identified,
        observer: &mut dyn Observer,
    ) -> Result<State, EngineError> {
        let mut state = State {
            trained: vec![false; work.plan.trainings.len()],
            evaluated: vec![false; work.plan.runs.len()],
            maps: vec![Vec::new(); work.plan.trainings.len()],
        };
        for training in 0..work.plan.trainings.len() {
            if observer.interrupted() {
                return Err(EngineError::Interrupted);
            }
            state.refresh(work, identified, training, observer)?;
        }
        Ok(state)
    }

    /// Checks the files of one training.
    pub fn refresh(
        &mut self,
        work: &Work,
        identified: &Identified,
        training: usize,
        observer: &mut dyn Observer,
    ) -> Result<(), StoreError> {
        let id = &identified.trainings[training].id;
        self.trained[training] = is_trained(work.results, id, observer)?;
        for &run in work.plan.runs_of(training) {
            let evaluation = &identified.runs[run].evaluation;
            self.evaluated[run] = has_evaluation(work.results, id, evaluation, observer)?;
        }
        self.maps[training] = asked(work.experiment, work.plan, identified, training)
            .into_iter()
            .map(|map| {
                let there = has_map(work.results, id, &map.id, observer)?;
                Ok((map, there))
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(())
    }

    /// Checks the files of one training, and tells of what is there that was not before.
    pub fn news(
        &mut self,
        work: &Work,
        identified: &Identified,
        training: usize,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Event>, StoreError> {
        let trained_before = self.trained[training];
        let runs_before = self.open_runs(work, identified, training);
        let maps_before = self.open_maps(training);
        self.refresh(work, identified, training, observer)?;
        let id = &identified.trainings[training].id;
        let mut news = Vec::new();
        if self.trained[training] && !trained_before {
            news.push(Event::Trained { training: id.clone() });
        }
        for run in runs_before.into_iter().filter(|run| self.evaluated[*run]) {
            let evaluation = identified.runs[run].evaluation.clone();
            news.push(Event::Evaluated { training: id.clone(), evaluation });
        }
        let still_open = self.open_maps(training);
        for SensitivityMap { id: map, .. } in maps_before {
            if still_open.iter().all(|open| open.id != map) {
                news.push(Event::Mapped { training: id.clone(), map });
            }
        }
        Ok(news)
    }

    /// Marks every run of an evaluation of a training as evaluated.
    pub fn has_evaluated(
        &mut self,
        plan: &Plan,
        identified: &Identified,
        training: usize,
        evaluation: &EvaluationId,
    ) {
        for &run in plan.runs_of(training) {
            self.evaluated[run] |= identified.runs[run].evaluation == *evaluation;
        }
    }

    /// Marks a map of a training as made.
    pub fn has_mapped(&mut self, training: usize, id: &SensitivityId) {
        for (map, there) in &mut self.maps[training] {
            *there |= map.id == *id;
        }
    }

    /// The number of evaluations and maps in the plan, and of those stored.
    pub fn evaluation_counts(&self) -> (usize, usize) {
        let maps = || self.maps.iter().flatten().map(|(_, there)| there);
        let all = || self.evaluated.iter().chain(maps());
        (all().count(), all().filter(|done| **done).count())
    }

    /// The evaluations of a training that are stored, by runs, and its runs.
    pub fn evaluation_counts_of(&self, work: &Work, training: usize) -> (usize, usize) {
        let runs = work.plan.runs_of(training);
        (runs.iter().filter(|run| self.evaluated[**run]).count(), runs.len())
    }

    pub fn is_open(&self, work: &Work, training: usize) -> bool {
        !self.trained[training]
            || work.plan.runs_of(training).iter().any(|run| !self.evaluated[*run])
            || self.maps[training].iter().any(|(_, there)| !there)
    }

    /// The maps of a training that are missing.
    pub fn open_maps(&self, training: usize) -> Vec<SensitivityMap> {
        let open = self.maps[training].iter().filter(|(_, there)| !there);
        open.map(|(map, _)| map.clone()).collect()
    }

    /// The runs of a training whose evaluation is missing, each evaluation once.
    pub fn open_runs(&self, work: &Work, identified: &Identified, training: usize) -> Vec<usize> {
        let mut seen = BTreeSet::new();
        let open = work.plan.runs_of(training).iter().filter(|run| !self.evaluated[**run]);
        open.filter(|run| seen.insert(&identified.runs[**run].evaluation)).copied().collect()
    }
}
