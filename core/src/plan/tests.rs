use std::collections::BTreeSet;
use std::path::Path;

use super::identity::canonical_occlusion;
use super::*;
use crate::experiment::{
    DatasetSpec, Experiment, Schedule, ScheduleShape, Statistics, load, parse,
};
use crate::region::{Affine, Fill, Mode, Occlusion, Phase, RandomSets, Regions, TrainingMask};

const SMALLEST: &str = "name = \"x\"\n[dataset]\nkind = \"faces\"\n";

fn experiment(text: &str) -> Experiment {
    let sets = ["occlusion.masks_alone=false".to_owned()];
    parse(&format!("{SMALLEST}{text}"), "x.toml", &sets).unwrap_or_else(|errors| panic!("{errors}"))
}

fn plan(text: &str) -> Plan {
    Plan::new(&experiment(text)).unwrap()
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.conditions.iter().map(|condition| condition.name.as_str()).collect()
}

fn nothing_at_hand(_: &DatasetSpec) -> Option<String> {
    None
}

fn run_ids(plan: &Plan) -> Vec<String> {
    let identified = plan.identify(&nothing_at_hand);
    identified.runs.iter().map(|run| run.run.to_string()).collect()
}

#[test]
fn the_whole_face_is_always_there() {
    let plan = plan("");
    assert_eq!(names(&plan), ["whole"]);
    assert_eq!((plan.trainings.len(), plan.runs.len()), (3, 3));
    let seeds: Vec<u64> = plan.runs.iter().map(|run| run.seed).collect();
    assert_eq!(seeds, [1, 2, 3]);
    assert!(plan.runs.iter().all(|run| run.evaluation.occlusion.is_none()));
    assert!(plan.trainings.iter().all(|training| training.mask.is_none()));
}

#[test]
fn a_condition_is_named_by_what_distinguishes_it() {
    let text =
        "[occlusion]\nregions = [\"eyes\", [\"nose\", \"mouth\"]]\nmodes = [\"hide\", \"keep\"]\n";
    assert_eq!(
        names(&plan(text)),
        ["whole", "hide eyes", "keep eyes", "hide mouth + nose", "keep mouth + nose"]
    );
    let text = "[occlusion]\nregions = [\"eyes\"]\nphases = [\"retrain\", \"evaluate\"]\ncontrols = 1\n\
         evaluated_controls = 1\n";
    assert_eq!(
        names(&plan(text)),
        [
            "whole",
            "hide eyes (retrain)",
            "hide eyes (retrain), control 1",
            "hide eyes (evaluate)",
            "hide eyes (evaluate), control 1",
        ]
    );
    let text = "[occlusion]\nregions = [\"eyes\"]\nfills = [\"mean\", \"noise\"]\n[matrix]\n\
                \"train.epochs\" = [1, 2]\n";
    assert_eq!(
        names(&plan(text)),
        [
            "whole, epochs = 1",
            "hide eyes (mean), epochs = 1",
            "hide eyes (noise), epochs = 1",
            "whole, epochs = 2",
            "hide eyes (mean), epochs = 2",
            "hide eyes (noise), epochs = 2",
        ]
    );
    let text = "[matrix]\n\"schedule.kind\" = [\"step\"]\n\"train.optimizer.kind\" = [\"sgd\"]\n";
    assert_eq!(names(&plan(text)), ["whole, schedule.kind = \"step\", optimizer.kind = \"sgd\""]);
}

#[test]
fn conditions_share_trainings() {
    let plan = plan(
        "[occlusion]\nregions = [\"eyes\", \"mouth\"]\nmodes = [\"hide\", \"keep\"]\n\
         phases = [\"retrain\", \"evaluate\", \"train\"]\nevaluated_controls = 0\n[seeds]\ncount = 2\n",
    );
    // Whole, and two regions × two modes × three phases.
    assert_eq!((plan.conditions.len(), plan.runs.len()), (13, 26));
    // Whole, and one for each region and mode: evaluate needs none, train has that of retrain.
    assert_eq!(plan.trainings.len(), 5 * 2);
    for run in &plan.runs {
        let condition = &plan.conditions[run.condition];
        let training = &plan.trainings[run.training];
        assert_eq!(training.seed, run.seed);
        let (trained, evaluated) = match condition.phase {
            None => (None, None),
            Some(Phase::Retrain) => (condition.occlusion.as_ref(), condition.occlusion.as_ref()),
            Some(Phase::Evaluate) => (None, condition.occlusion.as_ref()),
            Some(Phase::Train) => (condition.occlusion.as_ref(), None),
            Some(Phase::Amortised | Phase::Tuned | Phase::Masks) => {
                unreachable!("they are not asked for")
            }
        };
        let trained = trained.cloned().map(TrainingMask::Fixed);
        assert_eq!(training.mask, trained, "{}", condition.name);
        assert_eq!(run.evaluation.occlusion.as_ref(), evaluated, "{}", condition.name);
    }
    let ids: BTreeSet<String> = run_ids(&plan).into_iter().collect();
    assert_eq!(ids.len(), 26);
}

/// Where masks differ between images, so that a network could learn from them.
#[test]
fn the_mask_only_baseline_runs_where_masks_could_leak() {
    let asked = |text: &str| {
        let experiment = parse(text, "x.toml", &[]).unwrap_or_else(|errors| panic!("{errors}"));
        let plan = Plan::new(&experiment).unwrap();
        let masks = |condition: &&Condition| condition.phase == Some(Phase::Masks);
        let found: Vec<&Condition> = plan.conditions.iter().filter(masks).collect();
        assert!(found.iter().all(|condition| condition.name == "masks alone"));
        found.len()
    };
    let eyes = "[occlusion]\nregions = [\"eyes\"]\n";
    assert_eq!(asked(&format!("{SMALLEST}{eyes}")), 1);
    assert_eq!(asked(&format!("{SMALLEST}{eyes}phases = [\"amortised\"]\n")), 1);
    assert_eq!(asked(&format!("{SMALLEST}{eyes}phases = [\"evaluate\"]\n")), 0);
    assert_eq!(asked(&format!("{SMALLEST}{eyes}masks_alone = false\n")), 0);
    assert_eq!(asked(SMALLEST), 0);
    let folder =
        "name = \"x\"\n[dataset]\nkind = \"folder\"\nroot = \"a\"\nclasses = [\"a\", \"b\"]\n";
    assert_eq!(asked(&format!("{folder}{eyes}")), 0);
    assert_eq!(asked(&format!("{folder}landmarks = \"points.csv\"\n{eyes}")), 1);
}

/// One training serves every set of a mode and fill, and all controls, to whose like it is used.
#[test]
fn an_amortised_network_is_trained_on_all_sets() {
    let plan = plan(
        "[occlusion]\nregions = [\"mouth\", \"eyes\", [\"mouth\", \"jaw\"]]\nmodes = [\"hide\", \"keep\"]\n\
         phases = [\"amortised\"]\nfills = [\"mean\", \"blur\"]\nevaluated_controls = 4\n[seeds]\n\
         count = 2\n",
    );
    assert_eq!(plan.conditions.len(), 1 + 3 * 2 * 2 * (1 + 4));
    assert_eq!(plan.trainings.len(), (1 + 2 * 2) * 2);
    assert_eq!(plan.warnings, []);
    let polygons = |name| Regions::aligned().get(name).unwrap().polygons.clone();
    let regions = ["eyes", "jaw", "mouth"].map(polygons).to_vec();
    for run in plan.runs.iter().filter(|run| run.condition > 0) {
        let occlusion = plan.conditions[run.condition].occlusion.as_ref().unwrap();
        let (mode, fill) = (occlusion.mode, occlusion.fill);
        let sets = RandomSets { regions: regions.clone(), mode, fill, elsewhere: true };
        assert_eq!(plan.trainings[run.training].mask, Some(TrainingMask::Random(sets)));
        assert_eq!(run.evaluation.occlusion.as_ref(), Some(occlusion));
    }
    assert!(plan.trainings.iter().all(|training| match &training.mask {
        Some(TrainingMask::Random(sets)) => matches!(sets.fill, Fill::Mean | Fill::Blur(_)),
        mask => mask.is_none(),
    }));
}

/// A network for each set, all from the one of its seed, mode and fill.
#[test]
fn a_tuned_network_starts_from_the_amortised_one() {
    let study = |phases: &str| {
        plan(&format!(
            "[occlusion]\nregions = [\"mouth\", \"eyes\"]\nmodes = [\"hide\", \"keep\"]\nphases = {phases}\n\
             tuned_epochs = 2\ntuned_rate = 0.25\nevaluated_controls = 3\n[train]\nepochs = 7\n[schedule]\nwarmup = 3\n\
             [seeds]\ncount = 2\n"
        ))
    };
    let both = study("[\"tuned\", \"amortised\"]");
    // Whole faces, one network a mode, and two a mode from it.
    assert_eq!(both.trainings.len(), (1 + 2 + 2 * 2) * 2);
    assert_eq!(both.conditions.len(), 1 + 2 * 2 * (1 + 1 + 3));
    let mut tuned = 0;
    for (training, start) in both.trainings.iter().zip(&both.starts) {
        let Some(TrainingMask::Tuned(lesson)) = &training.mask else {
            assert_eq!((start, training.start()), (&None, None));
            assert_eq!(training.own_settings(), training.settings);
            continue;
        };
        tuned += 1;
        let start = &both.trainings[start.unwrap()];
        assert_eq!(training.start().as_ref(), Some(start));
        assert_eq!((start.seed, &start.settings), (training.seed, &training.settings));
        assert_eq!(start.mask, Some(TrainingMask::Random(lesson.from.clone())));
        let own = training.own_settings();
        assert_eq!((own.train.epochs, own.train.optimizer.learning_rate()), (2, 0.001 * 0.25));
        let cosine = ScheduleShape::Cosine { min_rate: 0.0 };
        assert_eq!(own.schedule, Schedule { shape: cosine, warmup: 0.0 });
    }
    assert_eq!(tuned, 8);
    // The networks that they start from are those of a study without tuning.
    let ids = |plan: &Plan| -> BTreeSet<String> {
        let identified = plan.identify(&nothing_at_hand);
        identified.trainings.iter().map(|training| training.id.to_string()).collect()
    };
    assert!(ids(&study("[\"amortised\"]")).is_subset(&ids(&both)));
}

#[test]
fn controls_lie_elsewhere_and_are_the_same_for_every_mode() {
    let plan =
        plan("[occlusion]\nregions = [\"eyes\"]\nmodes = [\"hide\", \"keep\"]\ncontrols = 2\n");
    let polygons = |mode, control| {
        let found = plan.conditions.iter().find(|condition| {
            condition.control == control
                && condition.occlusion.as_ref().is_some_and(|occlusion| occlusion.mode == mode)
        });
        found.unwrap().occlusion.clone().unwrap().polygons
    };
    assert_eq!(plan.conditions.len(), 1 + 2 * 3);
    assert!(plan.warnings.is_empty());
    for draw in [0, 1] {
        assert_ne!(polygons(Mode::Hide, None), polygons(Mode::Hide, Some(draw)));
        assert_eq!(polygons(Mode::Hide, Some(draw)), polygons(Mode::Keep, Some(draw)));
    }
    assert_ne!(polygons(Mode::Hide, Some(0)), polygons(Mode::Hide, Some(1)));
}

/// What needs no training of its own has twenty controls, what does has as many as are asked for.
#[test]
fn controls_are_many_where_they_cost_no_training() {
    let controls = |more: &str| -> Vec<(Option<Phase>, Vec<String>, usize)> {
        let plan = plan(&format!(
            "[occlusion]\nphases = [\"retrain\", \"evaluate\", \"amortised\", \"tuned\"]\n{more}"
        ));
        let mut counted: Vec<(Option<Phase>, Vec<String>, usize)> = Vec::new();
        for condition in plan.conditions.iter().filter(|condition| !condition.regions.is_empty()) {
            let (phase, regions) = (condition.phase, condition.regions.clone());
            match condition.control {
                None => counted.push((phase, regions, 0)),
                Some(_) => counted.last_mut().unwrap().2 += 1,
            }
        }
        counted
    };
    let of = |counted: &[(Option<Phase>, Vec<String>, usize)], region: &str| -> Vec<usize> {
        counted.iter().filter(|(_, regions, _)| regions == &[region]).map(|of| of.2).collect()
    };
    let nose = "regions = [\"nose\"]\n";
    assert_eq!(of(&controls(nose), "nose"), [0, 20, 20, 0]);
    assert_eq!(of(&controls(&format!("{nose}controls = 2")), "nose"), [2, 20, 20, 2]);
    let fewer = format!("{nose}controls = 2\nevaluated_controls = 1");
    assert_eq!(of(&controls(&fewer), "nose"), [2, 1, 1, 2]);
}

/// The first places do not depend on how many there are.
#[test]
fn an_amortised_network_without_controls_keeps_its_id() {
    let ids = |controls: u32| -> BTreeSet<String> {
        let plan = plan(&format!(
            "[occlusion]\nregions = [\"nose\", \"eyes\"]\nphases = [\"evaluate\", \"amortised\"]\n\
             evaluated_controls = {controls}\n[seeds]\ncount = 1\n"
        ));
        let identified = plan.identify(&nothing_at_hand);
        identified.trainings.iter().map(|training| training.id.to_string()).collect()
    };
    let (none, two, three) = (ids(0), ids(2), ids(3));
    assert_eq!(two, three);
    // The network of whole faces is the same; the amortised one learns from moved regions too.
    assert_eq!(none.intersection(&two).count(), 1);
    assert_eq!((none.len(), two.len()), (2, 2));
}

#[test]
fn sets_that_leave_little_room_at_test_time_are_named() {
    let plan = plan(
        "[occlusion]\nregions = [\"nose\", [\"brows\", \"cheeks\"], [\"forehead\", \"brows\", \"eyes\", \
         \"cheeks\"]]\nphases = [\"evaluate\"]\n",
    );
    let [warning] = &plan.warnings[..] else { panic!("{:?}", plan.warnings) };
    let text = warning.to_string();
    assert!(
        text.starts_with("fewer than 20 controls at test time find room beside `brows + cheeks` ("),
        "{text}"
    );
    assert!(text.contains("and `brows + cheeks + eyes + forehead` (0): with few"), "{text}");
}

#[test]
fn a_control_without_a_place_is_left_out_and_said_so() {
    let plan = plan(
        "[occlusion]\nregions = [[\"forehead\", \"brows\", \"eyes\", \"nose\", \"cheeks\", \"jaw\"]]\n\
         controls = 2\n",
    );
    assert_eq!(names(&plan), ["whole", "hide brows + cheeks + eyes + forehead + jaw + nose"]);
    let [warning] = &plan.warnings[..] else { panic!("{:?}", plan.warnings) };
    let text = warning.to_string();
    let start =
        "`brows + cheeks + eyes + forehead + jaw + nose` has 0 of 2 controls: the regions take up";
    assert!(text.starts_with(start), "{text}");
    assert!(
        text.ends_with("Set `occlusion.controls` to 0, or mask fewer regions at once"),
        "{text}"
    );
}

/// A strip between the 24th and 25th of 48 columns, and a square around the whole picture.
const FINE_AND_COARSE: &str = "[regions]\nstrip = [[[0.495, 0.3], [0.505, 0.3], [0.505, 0.7], [0.495, 0.7]]]\n\
                               all = [[[-0.1, -0.1], [1.1, -0.1], [1.1, 1.1], [-0.1, 1.1]]]\n";
const FOLDER: &str =
    "name = \"x\"\n[dataset]\nkind = \"folder\"\nroot = \"a\"\nclasses = [\"a\", \"b\"]\n";

/// Where every region is placed as in the canonical frame, masks without a pixel are refused at once, also within a
/// set and in either mode.
#[test]
fn a_mask_without_a_pixel_is_refused_with_a_size_that_suffices() {
    let planned = |text: &str| {
        let experiment = parse(&format!("{FOLDER}{text}{FINE_AND_COARSE}"), "x.toml", &[]);
        Plan::new(&experiment.unwrap_or_else(|errors| panic!("{errors}")))
    };
    for sets in ["[\"strip\"]", "[\"eyes\", [\"mouth\", \"strip\"]]"] {
        for mode in ["hide", "keep"] {
            let text = format!("[occlusion]\nregions = {sets}\nmodes = [\"{mode}\"]\n");
            assert_eq!(
                planned(&text).unwrap_err().to_string(),
                "`strip` contains no pixel of any 48 × 48 image, so masking it has no effect: make the region \
                 larger, or the images (`dataset.size = [49, 49]` would do)"
            );
        }
    }
    let used = "[occlusion]\nregions = [\"strip\"]\n";
    // At one of the sizes that are swept.
    let swept = format!("{used}[matrix]\n\"dataset.size\" = [[64, 49], [32, 24]]\n");
    let error = planned(&swept).unwrap_err().to_string();
    assert!(error.starts_with("`strip` contains no pixel of any 32 × 24 image"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    // Unused regions are not checked, and stored experiments are still read.
    planned("[occlusion]\nregions = [\"eyes\"]\n").unwrap();
    let text = format!("{FOLDER}{used}{FINE_AND_COARSE}");
    Plan::of_stored(&parse(&text, "x.toml", &[]).unwrap()).unwrap();
    let halves = format!(
        "{FOLDER}size = [8, 8]\n[model]\nblocks = [[8]]\n[occlusion]\nregions = \"halves\"\n"
    );
    Plan::new(&parse(&halves, "x.toml", &[]).unwrap()).unwrap();
}

/// A shape that is a pixel wide at the region's place may lie between pixel centres elsewhere.
#[test]
fn a_control_without_a_pixel_is_refused() {
    let text = format!(
        "{FOLDER}[regions]\nthin = [[[0.508, 0.3], [0.512, 0.3], [0.512, 0.7], [0.508, 0.7]]]\n\
         [occlusion]\nregions = [\"thin\"]\ncontrols = 3\n"
    );
    let error = Plan::new(&parse(&text, "x.toml", &[]).unwrap()).unwrap_err().to_string();
    assert!(
        error.starts_with("control 1 of `thin` contains no pixel of any 48 × 48 ima"),
        "{error}"
    );
}

/// Where their place differs between images, the images must be read first.
#[test]
fn where_landmarks_place_regions_the_canonical_frame_gives_a_warning() {
    let text = format!("{FINE_AND_COARSE}[occlusion]\nregions = [\"strip\", \"all\"]\n");
    let warnings: Vec<String> = plan(&text).warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "`strip` contains no pixel of any 48 × 48 image where the face lies as in the canonical frame, \
             so masking it has no effect: make the region larger, or the images (`dataset.size = [49, 49]` \
             would do). `run` checks every image before it trains",
            "`all` contains every pixel of 48 × 48 images: hidden, it leaves nothing visible, and kept, \
             the whole image",
        ]
    );
    let outside = "[regions]\nfar = [[[1.2, 0.1], [1.4, 0.1], [1.4, 0.4]]]\n[occlusion]\nregions = [\"far\"]\n";
    let warning = plan(outside).warnings[0].to_string();
    assert!(
        warning.contains(
            ", so masking it has no effect, and neither does any size up to 1024 pixels:"
        ),
        "{warning}"
    );
}

/// Two orders of the same classes never share a result.
#[test]
fn the_order_of_classes_is_part_of_every_id() {
    let of = |classes: &str| {
        run_ids(&plan(&format!("classes = [{classes}]\n[occlusion]\nregions = [\"eyes\"]\n")))
    };
    let (one, other) = (of("\"fear\", \"anger\""), of("\"anger\", \"fear\""));
    assert!(one.iter().all(|id| !other.contains(id)));
}

#[test]
fn the_same_polygons_under_two_names_are_refused() {
    let experiment = experiment(
        "[regions]\nupper = [\"eyes\", \"brows\"]\n[occlusion]\nregions = [\"upper\", [\"brows\", \"eyes\"]]\n",
    );
    assert_eq!(
        Plan::new(&experiment).unwrap_err().to_string(),
        "the conditions `hide upper` and `hide brows + eyes` are the same: they mask the same polygons; \
         leave one of the two out of `occlusion.regions`"
    );
}

/// The empty set of Shapley values is what the network itself answers, where one network sees all sets.
#[test]
fn nothing_seen_is_evaluated_where_every_set_of_regions_is() {
    let nothing = |study: &str| -> Vec<String> {
        let conditions =
            plan(&format!("[occlusion]\nevaluated_controls = 0\n{study}\n")).conditions;
        let nothing =
            conditions.into_iter().filter(|one| one.phase.is_some() && one.regions.is_empty());
        nothing.map(|one| one.name).collect()
    };
    let all =
        "regions = [\"eyes\", \"mouth\", [\"eyes\", \"mouth\"]]\nmodes = [\"hide\", \"keep\"]\n";
    assert_eq!(
        nothing(&format!("{all}phases = [\"retrain\", \"evaluate\", \"amortised\"]")),
        ["keep nothing (evaluate)", "keep nothing (amortised)"]
    );
    assert_eq!(
        nothing(&format!("{all}phases = [\"evaluate\"]\nfills = [\"mean\", \"noise\"]")),
        ["keep nothing (mean)", "keep nothing (noise)"]
    );
    // Each set has a network of its own.
    assert!(nothing(&format!("{all}phases = [\"retrain\", \"train\"]")).is_empty());
    // No region is seen alone, and a set is missing.
    let hidden = all.replace(", \"keep\"", "");
    assert!(nothing(&format!("{hidden}phases = [\"evaluate\"]")).is_empty());
    let part = all.replace("\"mouth\", [", "[");
    assert!(nothing(&format!("{part}phases = [\"evaluate\"]")).is_empty());

    // It costs no training, and covers every pixel.
    let both = |study: &str| plan(&format!("[occlusion]\n{study}phases = [\"evaluate\"]\n"));
    let (with, without) = (both(all), both(&hidden));
    assert_eq!(with.trainings, without.trainings);
    let run = with.runs.last().unwrap();
    let occlusion = run.evaluation.occlusion.as_ref().unwrap();
    assert_eq!(occlusion.masks(&[Affine::IDENTITY], 3, 4), [1; 12]);
}

/// Ids name results on other people's disks. Where this test fails, either undo what changed them, or, if
/// the numbers that the program gives have changed, raise `NUMERIC_VERSION` and write the new ids here.
#[test]
fn ids_are_what_they_were() {
    let plan = plan(
        "[regions]\nown = [[[0.1, 0.3], [0.9, 0.3], [0.5, 0.5]]]\n[occlusion]\nregions = [\"own\"]\n\
         fills = [\"constant\"]\nconstant = 0.25\n[seeds]\ncount = 1\n",
    );
    let identified = plan.identify(&nothing_at_hand);
    let trainings: Vec<&str> =
        identified.trainings.iter().map(|training| training.id.as_str()).collect();
    let runs: Vec<[&str; 2]> =
        identified.runs.iter().map(|run| [run.evaluation.as_str(), run.run.as_str()]).collect();
    assert_eq!(trainings, ["e33ff4eb174ace013fec", "3279683de682f51166c6"]);
    let expected = [
        ["c412e2861e3ececf288a", "7d974c2985893fe20271"],
        ["8e09f429afdb69c4c124", "644504e61ae445ee2c8e"],
    ];
    assert_eq!(runs, expected);
    assert!(identified.trainings.iter().all(|training| !training.provisional));
}

/// An evaluation with the training's statistics has the id that it had before there was a choice.
#[test]
fn adapted_statistics_make_another_evaluation_of_the_same_training() {
    let study = "[occlusion]\nregions = [\"eyes\"]\nphases = [\"retrain\", \"evaluate\"]\ncontrols = 1\n\
         evaluated_controls = 1\n";
    let of = |more: &str| plan(&format!("{study}{more}"));
    let (trained, adapted) = (of(""), of("[evaluate]\nstatistics = \"adapted\"\n"));
    let swept = of("[matrix]\n\"evaluate.statistics\" = [\"trained\", \"adapted\"]\n");
    assert_eq!(trained.trainings, adapted.trainings);
    assert_eq!(trained.trainings, swept.trainings);
    assert!(trained.runs.iter().all(|run| run.evaluation.statistics == Statistics::Trained));
    assert!(adapted.runs.iter().all(|run| run.evaluation.statistics == Statistics::Adapted));
    let said = of("[evaluate]\nstatistics = \"trained\"\n");
    assert_eq!(run_ids(&said), run_ids(&trained));

    let evaluations = |plan: &Plan| -> BTreeSet<String> {
        let runs = plan.identify(&nothing_at_hand).runs;
        runs.into_iter().map(|run| run.evaluation.to_string()).collect()
    };
    assert!(evaluations(&trained).is_disjoint(&evaluations(&adapted)));
    assert_eq!(&evaluations(&trained) | &evaluations(&adapted), evaluations(&swept));
    let ids: BTreeSet<String> = run_ids(&swept).into_iter().collect();
    assert_eq!(ids.len(), 2 * trained.runs.len());
    let names: BTreeSet<&str> =
        swept.conditions.iter().map(|condition| condition.name.as_str()).collect();
    assert!(names.contains("whole, statistics = \"adapted\""), "{names:?}");
}

/// `inpaint` has a version of its own, so that a change of it changes only the ids of its conditions.
#[test]
fn a_fill_of_another_version_changes_its_own_ids_alone() {
    let plan = plan(
        "[regions]\nown = [[[0.1, 0.3], [0.9, 0.3], [0.5, 0.5]]]\n[occlusion]\nregions = [\"own\"]\n\
         fills = [\"mean\", \"constant\", \"noise\", \"blur\", \"inpaint\"]\nconstant = 0.25\n\
         phases = [\"retrain\", \"amortised\"]\nevaluated_controls = 0\n[seeds]\ncount = 1\n",
    );
    let fill = |training: &TrainingSpec| match &training.mask {
        None => "whole",
        Some(lesson) => lesson.fill().name(),
    };
    let identified = plan.identify(&nothing_at_hand);
    let ids = plan.trainings.iter().zip(&identified.trainings);
    let ids: Vec<(&str, &str)> = ids.map(|(spec, known)| (fill(spec), known.id.as_str())).collect();
    // Those of `inpaint` were 59c162a5cd1d96a9b353 and 1592a4b03710decbc707 in version 1.
    let expected = [
        ("whole", "e33ff4eb174ace013fec"),
        ("mean", "1b30d5a9d6e312f8f4eb"),
        ("constant", "3279683de682f51166c6"),
        ("noise", "6f47f991c457472f2bba"),
        ("blur", "1093f117ad2a247a2760"),
        ("inpaint", "f33788e6eef7706d61e2"),
        ("mean", "ff8be97a3bad8c9244a6"),
        ("constant", "5f5e6e5fc3cd6c88f39a"),
        ("noise", "f87e6838d4bca040cb64"),
        ("blur", "08e44861dec0b9c01e89"),
        ("inpaint", "5f22903adfcf5df04bb8"),
    ];
    assert_eq!(ids, expected);
}

/// `object` has a version of its own, and the ids of its conditions hold nothing else that others lack.
#[test]
fn objects_are_conditions_of_their_own() {
    let plan = plan(
        "[occlusion]\nregions = [\"sunglasses\", [\"phone\", \"scarf\"]]\nfills = [\"mean\", \"object\"]\n\
         phases = [\"retrain\", \"tuned\", \"evaluate\"]\ncontrols = 1\nevaluated_controls = 1\n[seeds]\ncount = 1\n",
    );
    let identified = plan.identify(&nothing_at_hand);
    let ids: BTreeSet<&RunId> = identified.runs.iter().map(|run| &run.run).collect();
    assert_eq!(ids.len(), plan.runs.len());
    let with_objects = plan
        .conditions
        .iter()
        .filter_map(|condition| condition.occlusion.as_ref())
        .filter(|one| one.fill == Fill::Object);
    let mut controls = 0;
    for occlusion in with_objects {
        assert!(crate::region::object::Objects::on(&occlusion.polygons).is_ok());
        controls += 1;
    }
    assert!(controls > 8, "{controls}");
    let key = |fill| {
        let polygons = Regions::aligned().get("scarf").unwrap().polygons.clone();
        canonical_occlusion(Some(&Occlusion { polygons, mode: Mode::Hide, fill }))
    };
    assert_eq!(
        key(Fill::Object).replace("\"object\":1,", "").replace("object", "mean"),
        key(Fill::Mean)
    );
    assert!(key(Fill::Object).contains("\"object\":1,") && !key(Fill::Mean).contains("object"));
}

#[test]
fn what_changes_no_number_changes_no_id() {
    let before = run_ids(&plan("[occlusion]\nregions = [\"eyes\"]\n[seeds]\ncount = 2\n"));
    let more = experiment(
        "[occlusion]\nregions = [\"jaw\", \"eyes\"]\nmodes = [\"keep\", \"hide\"]\n\
         phases = [\"train\", \"retrain\"]\ncontrols = 1\n[seeds]\ncount = 5\n[train]\ndevice = \"cpu\"\n\
         [matrix]\n\"train.epochs\" = [3, 30]\n",
    );
    let more = Experiment { name: "y".into(), question: "?".into(), ..more };
    let after: BTreeSet<String> = run_ids(&Plan::new(&more).unwrap()).into_iter().collect();
    assert!(before.iter().all(|id| after.contains(id)));
}

#[test]
fn what_changes_a_number_changes_the_ids() {
    let ids = |text: &str| -> BTreeSet<String> {
        let text = format!("[occlusion]\nregions = [\"own\"]\n{text}");
        let text = match text.contains("[regions]") {
            true => text,
            false => format!("{text}\n[regions]\nown = [[[0.1, 0.1], [0.5, 0.1], [0.5, 0.2]]]\n"),
        };
        run_ids(&plan(&text)).into_iter().collect()
    };
    let before = ids("");
    assert_eq!(before.len(), 6);
    for change in [
        "[train]\nepochs = 31",
        "[train]\nbatch_size = 63",
        "[train]\noptimizer = { learning_rate = 0.0011 }",
        "[train]\noptimizer = { kind = \"adamw\" }",
        "[train]\ntarget = \"majority\"",
        "[train]\naugment = { rotate = 9 }",
        "[train]\nselect = \"last\"",
        "[train]\nprecision = \"bf16\"",
        "[train]\nearly_stopping = 3",
        "[schedule]\nfactor = 0.2",
        "[schedule]\nwarmup = 1",
        "[model]\nblocks = [[8]]",
        "[seeds]\nlist = [7]",
    ] {
        assert!(before.is_disjoint(&ids(change)), "{change}");
    }
    // Another occlusion leaves the three runs on whole faces unchanged.
    for change in [
        "modes = [\"keep\"]",
        "phases = [\"evaluate\"]",
        "fills = [\"noise\"]",
        "fills = [\"constant\"]",
        "[regions]\nown = [[[0.1, 0.1], [0.5, 0.1], [0.5, 0.21]]]",
    ] {
        assert_eq!(before.intersection(&ids(change)).count(), 3, "{change}");
    }
    let constant = |grey| ids(&format!("fills = [\"constant\"]\nconstant = {grey}"));
    assert_eq!(constant("0.5").intersection(&constant("0.6")).count(), 3);
    for change in
        ["size = [24, 24]", "seed = 1", "train = 3000", "nuisance = 0.5", "signal = [\"jaw\"]"]
    {
        let other = run_ids(&plan(&format!("{change}\n")));
        assert!(before.is_disjoint(&other.into_iter().collect()), "{change}");
    }
}

#[test]
fn data_on_disk_are_known_by_their_content() {
    let text = |root: &str| {
        format!(
            "name = \"x\"\n[dataset]\nkind = \"folder\"\nroot = \"{root}\"\n[seeds]\ncount = 1\n"
        )
    };
    let identity = |root: &str, content: Option<&str>| {
        let experiment = parse(&text(root), "x.toml", &[]).unwrap();
        let plan = Plan::new(&experiment).unwrap();
        plan.identify(&|_| content.map(str::to_owned)).trainings.remove(0)
    };
    assert_eq!(identity("here", Some("abc")), identity("there", Some("abc")));
    assert_ne!(identity("here", Some("abc")).id, identity("here", Some("abd")).id);
    assert!(!identity("here", Some("abc")).provisional);
    assert!(identity("here", None).provisional);
    assert_ne!(identity("here", None).id, identity("there", None).id);
}

#[test]
fn an_id_reads_back_from_json() {
    let id = plan("").identify(&nothing_at_hand).trainings.remove(0).id;
    assert_eq!(id.as_str().len(), 20);
    assert!(id.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
    let json = serde_json::to_string(&id).unwrap();
    assert_eq!(json, format!("\"{id}\""));
    assert_eq!(serde_json::from_str::<TrainingId>(&json).unwrap(), id);
}

#[test]
fn every_subset_is_a_condition() {
    let plan = plan("[occlusion]\nregions = \"subsets\"\nmodes = [\"keep\"]\n[seeds]\ncount = 1\n");
    assert_eq!((plan.conditions.len(), plan.trainings.len()), (128, 128));
    let names: BTreeSet<&str> = names(&plan).into_iter().collect();
    assert_eq!(names.len(), 128);
}

#[test]
fn the_shipped_experiments_load_and_plan() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../experiments");
    let planned = |name: &str| {
        let experiment = load(&folder.join(format!("{name}.toml")), &[])
            .unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(experiment.name, name);
        assert!(experiment.question.ends_with('?'), "{name}");
        assert!(experiment.analysis.len() > 100, "{name}");
        let plan = Plan::new(&experiment).unwrap();
        assert_eq!(plan.warnings, [], "{name}");
        let counts = (plan.conditions.len(), plan.trainings.len(), plan.runs.len());
        (plan, counts, experiment)
    };
    let mut shipped: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    shipped.sort();
    let expected = [
        "ferplus_regions",
        "ferplus_small",
        "mask_each",
        "mask_eyes",
        "mask_mouth",
        "recover_truth",
        "seed_ferplus",
        "seed_rafdb",
        "smoke",
        "statistics",
        "two_networks",
        "where_they_look",
    ];
    assert_eq!(shipped, expected);

    let (eyes, counts, experiment) = planned("mask_eyes");
    let controls = experiment.occlusion.controls as usize;
    let seeds = experiment.seeds.len();
    assert!(controls >= 1 && seeds >= 3, "{controls} {seeds}");
    // Whole faces, the mask-only baseline, and hide and keep with their controls; each needs a training of its own.
    let expected = |regions: usize| {
        let conditions = 2 + regions * 2 * (1 + controls);
        (conditions, conditions * seeds, conditions * seeds)
    };
    assert_eq!(counts, expected(1));
    let (mouth, counts, _) = planned("mask_mouth");
    assert_eq!(counts, expected(1));
    let (each, counts, _) = planned("mask_each");
    assert_eq!(counts, expected(7));
    assert_eq!(planned("seed_ferplus").1, (1, 1, 1));
    assert_eq!(planned("seed_rafdb").1, (1, 1, 1));
    // Every set, nothing seen and twenty controls of each region for one training a seed, beside whole faces and
    // the mask-only baseline.
    let conditions = 2 + 128 + 7 * 20;
    assert_eq!(planned("ferplus_regions").1, (conditions, 3 * 3, 3 * conditions));
    // The whole-face networks of mask_eyes, and nothing masked.
    assert_eq!(planned("where_they_look").1, (1, seeds, seeds));
    // Five worlds: whole faces, the mask-only baseline, and 15 sets hidden and kept in three phases; a training each
    // for the first two and what is retrained, and one for all that is amortised of a mode. Nothing is seen of
    // the network of whole faces and of the amortised one.
    let sets = 15 * 2;
    let trainings = 5 * 3 * (2 + sets + 2);
    let conditions = 5 * (2 + 3 * sets + 2);
    assert_eq!(planned("recover_truth").1, (conditions, trainings, 3 * conditions));
    // Retrain and evaluate, hide and keep: a control each, and twenty where the whole face's training is shared.
    assert_eq!(planned("smoke").1, (2 + 2 * (2 + 21), 12, 2 * (2 + 2 * (2 + 21))));

    // Whole faces, the mask-only baseline, and seven regions hidden and kept in two phases; no training is done
    // twice for the second statistics.
    assert_eq!(planned("statistics").1, (2 * (2 + 7 * 4), 4 * 3, 2 * 3 * (2 + 7 * 4)));

    // After mask_each the other two need no training.
    let all: BTreeSet<String> = run_ids(&each).into_iter().collect();
    assert!(run_ids(&eyes).iter().chain(&run_ids(&mouth)).all(|id| all.contains(id)));
}

#[test]
fn the_seed_study_s_settings_are_exact() {
    use crate::experiment::*;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../experiments");
    // The study does not report its patience; three falls in 30 epochs on FER+, five on RAF-DB.
    for (name, learning_rate, patience) in [("seed_ferplus", 0.01, 3), ("seed_rafdb", 0.001, 1)] {
        let experiment = load(&folder.join(format!("{name}.toml")), &[]).unwrap();
        let Settings { dataset, model, train, schedule } = experiment.settings;
        assert_eq!((dataset.height, dataset.width, dataset.channels), (100, 100, 3));
        assert_eq!(dataset.classes, EMOTIONS);
        assert_eq!(
            model.vgg().unwrap().blocks,
            [vec![64, 64], vec![96, 96, 96], vec![128, 128, 128]]
        );
        let optimizer = Optimizer::Adam { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };
        assert_eq!(
            train,
            TrainSpec {
                epochs: 30,
                batch_size: 64,
                optimizer,
                target: Target::Distribution,
                augment: Augment { rotate: 10.0, scale: 0.1, flip: true, erasing: 0.0 },
                select: Select::Best,
                precision: Precision::F32,
                device: DeviceChoice::Auto,
                early_stopping: None,
                label_smoothing: 0.0,
                mixup: 0.0,
                averaging: 0.0,
                class_weights: ClassWeights::None,
            }
        );
        let shape = ScheduleShape::Plateau { factor: 0.1, patience, min_delta: 0.0, min_rate: 0.0 };
        assert_eq!(schedule, Schedule { shape, warmup: 0.0 });
        if let Source::Ferplus { labels, val, test, .. } = dataset.source {
            assert_eq!(labels, FerplusLabels::Votes);
            assert_eq!((val, test), (FerUsage::PrivateTest, FerUsage::PublicTest));
        }
    }
}

#[test]
fn a_map_is_named_by_its_training_and_all_that_determines_it() {
    let of = |section: &str, method: usize| {
        let experiment = experiment(&format!(
            "[sensitivity]\nmethods = [\"window\", \"rise\"]\n{section}\n[seeds]\nlist = [1, 2]\n"
        ));
        let identified = Plan::new(&experiment).unwrap().identify(&nothing_at_hand);
        let spec = &experiment.sensitivity[method];
        identified.trainings.iter().map(|training| sensitivity_id(&training.id, spec)).collect()
    };
    let (window, rise): (Vec<SensitivityId>, Vec<SensitivityId>) = (of("", 0), of("", 1));
    let different: BTreeSet<&SensitivityId> = window.iter().chain(&rise).collect();
    assert_eq!(different.len(), 4);
    // Each method has its own settings, and all share some.
    assert_eq!(of("masks = 100", 0), window);
    assert_ne!(of("masks = 100", 1), rise);
    assert_eq!(of("window = 0.3", 1), rise);
    for shared in ["images = 0", "steps = 10", "fill = \"noise\"", "fill = \"constant\""] {
        assert_ne!(of(shared, 0), window, "{shared}");
        assert_ne!(of(shared, 1), rise, "{shared}");
    }
    let plain = plan("[seeds]\nlist = [1, 2]\n");
    let with_maps = plan("[seeds]\nlist = [1, 2]\n[sensitivity]\nmethods = [\"rise\"]\n");
    assert_eq!(run_ids(&plain), run_ids(&with_maps), "no id changes with the section");
}
