//! Conditions × seeds, and the trainings that they need.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::experiment::{
    Cell, DatasetSpec, EvaluateSpec, Experiment, OcclusionStudy, Schedule, ScheduleShape, Settings,
    Statistics,
};
use crate::region::control::{NoPlace, places};
use crate::region::phrase::list;
use crate::region::{
    Fill, Mode, Occlusion, Phase, Polygon, RandomSets, RegionError, Regions, TrainingMask, Tuned,
    Tuning,
};

use super::coalitions::coalitions;
use super::condition::Condition;
use super::identity::{TrainingKey, canonical_occlusion};
use super::naming::Several;
use super::reach::{MasksNothing, Parts, Reach, canonical};

/// So many sets are named in a warning.
const MOST_NAMED: usize = 4;

/// The work of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The experiment's name.
    pub experiment: String,
    /// Cell by cell: the whole face first, then the mask-only baseline, then every set of regions, each followed
    /// by its controls, then nothing visible.
    pub conditions: Vec<Condition>,
    /// No two equal.
    pub trainings: Vec<TrainingSpec>,
    /// By training, the place of the one whose network it starts from.
    pub starts: Vec<Option<usize>>,
    /// Condition by condition, a run for each seed.
    pub runs: Vec<Run>,
    /// The masked polygons, to be checked on the images.
    pub parts: Parts,
    pub warnings: Vec<PlanWarning>,
    /// By training, the places of its runs.
    runs_of: Vec<Vec<usize>>,
}

/// One network to be fitted with one seed.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSpec {
    pub settings: Settings,
    /// The masking of the training images; `None` for whole faces.
    pub mask: Option<TrainingMask>,
    pub seed: u64,
}

impl TrainingSpec {
    /// The training whose network this one starts from, where it does not start from random weights.
    pub fn start(&self) -> Option<TrainingSpec> {
        match &self.mask {
            Some(TrainingMask::Tuned(Tuned { from, .. })) => Some(TrainingSpec {
                mask: Some(TrainingMask::Random(from.clone())),
                ..self.clone()
            }),
            Some(TrainingMask::Fixed(_) | TrainingMask::Random(_)) | None => None,
        }
    }

    /// The settings of the epochs that it trains itself: the experiment's, but for the length and the rate of a
    /// tuning, which begins after all else and so needs no warm-up.
    pub fn own_settings(&self) -> Settings {
        let mut settings = self.settings.clone();
        if let Some(TrainingMask::Tuned(Tuned { tuning, .. })) = &self.mask {
            settings.train.epochs = tuning.epochs;
            settings.train.optimizer = settings.train.optimizer.at_share(tuning.rate);
            settings.schedule =
                Schedule { shape: ScheduleShape::Cosine { min_rate: 0.0 }, warmup: 0.0 };
        }
        settings
    }
}

/// How a network is evaluated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationSpec {
    /// The masking of the images that it is evaluated on; `None` for whole faces.
    pub occlusion: Option<Occlusion>,
    pub statistics: Statistics,
}

/// A condition and a seed: a training, evaluated under an occlusion.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Index into the plan's conditions.
    pub condition: usize,
    pub seed: u64,
    /// Index into the plan's trainings.
    pub training: usize,
    pub evaluation: EvaluationSpec,
}

/// Why an experiment cannot be planned.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    #[error(transparent)]
    Region(#[from] RegionError),
    #[error(
        "the conditions `{first}` and `{second}` are the same: they mask the same polygons; leave one \
         of the two out of `occlusion.regions`"
    )]
    SameCondition { first: String, second: String },
    #[error("{}", in_lines(nothing))]
    MasksNothing { nothing: Vec<MasksNothing> },
}

/// A warning for the researcher before the work begins.
#[derive(Debug, Clone, PartialEq)]
pub enum PlanWarning {
    /// A set of regions gets fewer controls than `occlusion.controls` asks for.
    NoControl { regions: Vec<String>, wanted: u32, reason: NoPlace },
    /// Sets of regions that get fewer controls than `occlusion.evaluated_controls` asks for, each with how many.
    FewControls { wanted: u32, sets: Vec<(Vec<String>, u32)> },
    /// As far as known before the images are read.
    MayCoverNothing(MasksNothing),
    /// A set of regions that contains every pixel at a height and width.
    MasksEverything { set: String, height: usize, width: usize },
}

impl fmt::Display for PlanWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanWarning::NoControl { regions, wanted, reason } => {
                let regions = regions.join(" + ");
                let kept = reason.found;
                write!(
                    f,
                    "`{regions}` has {kept} of {wanted} controls: {reason}. Set `occlusion.controls` to {kept}, or \
                     mask fewer regions at once"
                )
            }
            PlanWarning::FewControls { wanted, sets } => {
                let named = sets.iter().take(MOST_NAMED);
                let mut named: Vec<String> = named
                    .map(|(regions, found)| format!("`{}` ({found})", regions.join(" + ")))
                    .collect();
                if sets.len() > MOST_NAMED {
                    named.push(format!("{} more", sets.len() - MOST_NAMED));
                }
                write!(
                    f,
                    "fewer than {wanted} controls at test time find room beside {}: with few, the interval of a \
                     signal is wide, and with none there is no signal",
                    list(named, "and")
                )
            }
            PlanWarning::MayCoverNothing(nothing) => {
                write!(f, "{nothing}. `run` checks every image before it trains")
            }
            PlanWarning::MasksEverything { set, height, width } => write!(
                f,
                "{set} contains every pixel of {height} × {width} images: hidden, it leaves nothing \
                 visible, and kept, the whole image"
            ),
        }
    }
}

impl Plan {
    /// Expands an experiment.
    ///
    /// # Errors
    /// A region that does not exist (impossible for an experiment that was read from a file), two
    /// conditions that mask the same polygons under different names (their runs would be one), and masks
    /// without a pixel where all regions are placed as in the canonical frame.
    pub fn new(experiment: &Experiment) -> Result<Plan, PlanError> {
        let mut plan = Plan::of_stored(experiment)?;
        plan.warnings.extend(reach_of(&plan.parts, experiment)?);
        Ok(plan)
    }

    /// As [`Plan::new`], for a stored experiment: masks without a pixel are no error, so that its results can be read.
    ///
    /// # Errors
    /// As [`Plan::new`], except for masks without a pixel.
    pub fn of_stored(experiment: &Experiment) -> Result<Plan, PlanError> {
        let study = &experiment.occlusion;
        // Finding a place for a control, or that there is none, takes thousands of attempts.
        let sets: Vec<MaskedSet<'_>> = study
            .sets
            .par_iter()
            .map(|regions| {
                let polygons = experiment.regions.polygons_of(regions)?;
                let wanted = study.phases.iter().map(|phase| study.controls_of(regions, *phase));
                let (controls, no_more) = places(&polygons, wanted.max().unwrap_or(0));
                Ok(MaskedSet { regions, polygons, controls, no_more })
            })
            .collect::<Result<_, RegionError>>()?;
        let warnings = control_warnings(study, &sets);
        let conditions = conditions(experiment, &sets);
        refuse_duplicates(&conditions)?;
        let parts = Parts::of(experiment, &conditions)?;
        let regions = masked_regions(experiment)?;
        let (trainings, starts, runs) = runs(experiment, &conditions, &regions);
        let experiment = experiment.name.clone();
        let mut runs_of = vec![Vec::new(); trainings.len()];
        for (place, run) in runs.iter().enumerate() {
            runs_of[run.training].push(place);
        }
        Ok(Plan { experiment, conditions, trainings, starts, runs, parts, warnings, runs_of })
    }

    /// The places of a training's runs, in the order of the plan; at least one.
    pub fn runs_of(&self, training: usize) -> &[usize] {
        &self.runs_of[training]
    }

    /// The condition of a training's first run, after which it is named.
    pub fn first_condition(&self, training: usize) -> &Condition {
        &self.conditions[self.runs[self.runs_of[training][0]].condition]
    }
}

/// Checks the masks at every image size of the experiment, without reading images: a mask without a pixel is an
/// error where all regions are placed as in the canonical frame, otherwise a warning.
fn reach_of(parts: &Parts, experiment: &Experiment) -> Result<Vec<PlanWarning>, PlanError> {
    let (mut sizes, mut refused, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    for cell in &experiment.cells {
        let DatasetSpec { height, width, .. } = cell.settings.dataset;
        let exact = !cell.settings.dataset.places_regions();
        if sizes.contains(&(height, width, exact)) {
            continue;
        }
        sizes.push((height, width, exact));
        let Reach { nothing, everything, .. } = parts.reach(canonical((height, width), exact));
        if exact {
            refused.extend(nothing);
        } else {
            warnings.extend(nothing.into_iter().map(PlanWarning::MayCoverNothing));
        }
        let everything = everything.into_iter();
        warnings.extend(everything.map(|set| PlanWarning::MasksEverything { set, height, width }));
    }
    match refused.is_empty() {
        true => Ok(warnings),
        false => Err(PlanError::MasksNothing { nothing: refused }),
    }
}

/// Errors of one kind, a line each.
pub(crate) fn in_lines(errors: &[impl fmt::Display]) -> String {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// A set of regions and the places of its controls.
struct MaskedSet<'a> {
    regions: &'a [String],
    polygons: Vec<Polygon>,
    controls: Vec<Vec<Polygon>>,
    /// Why there are no more, where more were wanted.
    no_more: Option<NoPlace>,
}

/// Which sets have fewer controls than they were to have, each phase that trains for its controls by itself.
fn control_warnings(study: &OcclusionStudy, sets: &[MaskedSet<'_>]) -> Vec<PlanWarning> {
    let wanted_of = |set: &MaskedSet<'_>, trained: bool| {
        let phases = study.phases.iter().filter(|phase| phase.is_trained_for() == trained);
        phases.map(|phase| study.controls_of(set.regions, *phase)).max().unwrap_or(0)
    };
    let mut warnings = Vec::new();
    let mut few = Vec::new();
    for set in sets {
        let Some(reason) = &set.no_more else { continue };
        let (regions, wanted) = (set.regions.to_vec(), wanted_of(set, true));
        if reason.found < wanted {
            let reason = reason.clone();
            warnings.push(PlanWarning::NoControl { regions: regions.clone(), wanted, reason });
        }
        if reason.found < wanted_of(set, false) {
            few.push((regions, reason.found));
        }
    }
    if !few.is_empty() {
        let wanted = study.evaluated_controls;
        warnings.push(PlanWarning::FewControls { wanted, sets: few });
    }
    warnings
}

fn conditions(experiment: &Experiment, sets: &[MaskedSet<'_>]) -> Vec<Condition> {
    let several = Several::of_experiment(experiment);
    let study = &experiment.occlusion;
    let divides = divides(study);
    let mut conditions = Vec::new();
    for (index, cell) in experiment.cells.iter().enumerate() {
        let whole = Condition {
            name: String::new(),
            cell: index,
            regions: Vec::new(),
            occlusion: None,
            phase: None,
            control: None,
        };
        let mut of_cell = vec![whole];
        if learns_from_masks(study, cell) {
            of_cell.push(mask_only(index));
        }
        for set in sets {
            for &mode in &study.modes {
                for &phase in &study.phases {
                    for &fill in &study.fills {
                        let itself = std::iter::once((None, &set.polygons));
                        let wanted = study.controls_of(set.regions, phase) as usize;
                        let controls = (0..).map(Some).zip(set.controls.iter().take(wanted));
                        of_cell.extend(itself.chain(controls).map(|(control, polygons)| {
                            Condition {
                                name: String::new(),
                                cell: index,
                                regions: set.regions.to_vec(),
                                occlusion: Some(Occlusion {
                                    polygons: polygons.clone(),
                                    mode,
                                    fill,
                                }),
                                phase: Some(phase),
                                control,
                            }
                        }));
                    }
                }
            }
        }
        if divides {
            of_cell.extend(nothing_seen(study, index));
        }
        conditions.extend(of_cell.into_iter().map(|condition| condition.named(several, cell)));
    }
    conditions
}

/// Whether Shapley values can be computed: every set of some regions alone is visible.
fn divides(study: &OcclusionStudy) -> bool {
    let sets: Vec<&[String]> = study.sets.iter().map(Vec::as_slice).collect();
    study.modes.contains(&Mode::Keep) && coalitions(&sets).next().is_some()
}

/// What the network itself answers where all of the face is masked: the empty set of its Shapley values. `retrain` has
/// no network that would meet it, and takes the best constant answer.
fn nothing_seen(study: &OcclusionStudy, cell: usize) -> Vec<Condition> {
    let one_network = |phase: &&Phase| matches!(phase, Phase::Evaluate | Phase::Amortised);
    let phases = study.phases.iter().filter(one_network);
    let condition = |(&phase, &fill): (&Phase, &Fill)| Condition {
        name: String::new(),
        cell,
        regions: Vec::new(),
        occlusion: Some(Occlusion { polygons: Vec::new(), mode: Mode::Keep, fill }),
        phase: Some(phase),
        control: None,
    };
    phases.flat_map(|phase| study.fills.iter().map(move |fill| condition((phase, fill)))).collect()
}

/// Whether networks are trained on images whose masks differ, so that masks might leak the label (Rong et al. 2022, "A
/// consistent and efficient evaluation strategy for attribution methods").
fn learns_from_masks(study: &OcclusionStudy, cell: &Cell) -> bool {
    study.masks_alone
        && !study.sets.is_empty()
        && study.phases.iter().any(|phase| *phase != Phase::Evaluate)
        && cell.settings.dataset.places_regions()
}

/// The mask-only baseline: only the place of the atlas is visible. All masks of an image are placed by the same map, so
/// this outline leaks as much as any of them, and every experiment shares the training.
fn mask_only(cell: usize) -> Condition {
    let atlas = Regions::aligned();
    let mut regions: Vec<String> = Regions::built_in_names().map(str::to_owned).to_vec();
    regions.sort();
    let polygons = atlas.built_in().iter().flat_map(|region| region.polygons.clone()).collect();
    Condition {
        name: String::new(),
        cell,
        regions,
        occlusion: Some(Occlusion { polygons, mode: Mode::Hide, fill: Fill::Silhouette }),
        phase: Some(Phase::Masks),
        control: None,
    }
}

fn refuse_duplicates(conditions: &[Condition]) -> Result<(), PlanError> {
    let mut seen: HashMap<_, &str> = HashMap::new();
    for condition in conditions {
        let occlusion = canonical_occlusion(condition.occlusion.as_ref());
        if let Some(first) =
            seen.insert((condition.cell, condition.phase, occlusion), &condition.name)
        {
            let second = condition.name.clone();
            return Err(PlanError::SameCondition { first: first.to_owned(), second });
        }
    }
    Ok(())
}

/// The polygons of every region that the study masks, by name: those of which `amortised` draws sets.
fn masked_regions(experiment: &Experiment) -> Result<Vec<Vec<Polygon>>, RegionError> {
    let names: BTreeSet<&String> = experiment.occlusion.sets.iter().flatten().collect();
    let polygons = |name: &String| experiment.regions.polygons_of(std::slice::from_ref(name));
    names.into_iter().map(polygons).collect()
}

/// The masking of the training images under a condition; `None` for whole faces.
fn mask(
    condition: &Condition,
    regions: &[Vec<Polygon>],
    elsewhere: bool,
    tuning: Tuning,
) -> Option<TrainingMask> {
    let occlusion = condition.occlusion.as_ref()?;
    let sets = || {
        let Occlusion { mode, fill, .. } = *occlusion;
        RandomSets { regions: regions.to_vec(), mode, fill, elsewhere }
    };
    match condition.phase? {
        Phase::Evaluate => None,
        Phase::Retrain | Phase::Train | Phase::Masks => {
            Some(TrainingMask::Fixed(occlusion.clone()))
        }
        Phase::Amortised => Some(TrainingMask::Random(sets())),
        Phase::Tuned => {
            let polygons = occlusion.polygons.clone();
            Some(TrainingMask::Tuned(Tuned { from: sets(), polygons, tuning }))
        }
    }
}

/// The trainings, each once; of each, the place of the one that it starts from; and the runs.
fn runs(
    experiment: &Experiment,
    conditions: &[Condition],
    regions: &[Vec<Polygon>],
) -> (Vec<TrainingSpec>, Vec<Option<usize>>, Vec<Run>) {
    let mut trainings: Vec<TrainingSpec> = Vec::new();
    // By all that decides the weights but the seed, and the seed.
    let mut known: HashMap<(String, u64), usize> = HashMap::new();
    let key = |settings: &Settings, mask: Option<&TrainingMask>| {
        TrainingKey::new(settings, None, mask, 0).canonical()
    };
    let mut runs = Vec::new();
    let elsewhere = conditions
        .iter()
        .any(|condition| condition.control.is_some() && condition.phase == Some(Phase::Amortised));
    for (index, condition) in conditions.iter().enumerate() {
        let Cell { settings, evaluate: EvaluateSpec { statistics }, .. } =
            &experiment.cells[condition.cell];
        let mask = mask(condition, regions, elsewhere, experiment.occlusion.tuning);
        let occlusion = condition.occlusion.as_ref();
        let evaluated = occlusion.filter(|_| condition.phase.is_some_and(Phase::evaluates_masked));
        // A network that is not trained here is one network, whatever the seed.
        let seeds = if settings.model.is_trained() { experiment.seeds.len() } else { 1 };
        let key = key(settings, mask.as_ref());
        for &seed in &experiment.seeds[..seeds] {
            let training = *known.entry((key.clone(), seed)).or_insert_with(|| {
                trainings.push(TrainingSpec {
                    settings: settings.clone(),
                    mask: mask.clone(),
                    seed,
                });
                trainings.len() - 1
            });
            let evaluation =
                EvaluationSpec { occlusion: evaluated.cloned(), statistics: *statistics };
            runs.push(Run { condition: index, seed, training, evaluation });
        }
    }
    // An experiment that has a tuned training has the one that it starts from too.
    let start = |training: &TrainingSpec| {
        let TrainingSpec { settings, mask, seed } = training.start()?;
        known.get(&(key(&settings, mask.as_ref()), seed)).copied()
    };
    let starts = trainings.iter().map(start).collect();
    (trainings, starts, runs)
}
