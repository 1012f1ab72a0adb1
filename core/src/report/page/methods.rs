//! How the study was done, as the methods section of a paper says it.
//!
//! Everything is taken from the experiment file as run and from the tables; what neither says is not said.

use crate::experiment::{
    Augment, ClassWeights, Color, CommonSpec, DatasetSpec, Experiment, FerplusLabels, FolderSpec,
    LandmarkSource, MobilenetSpec, ModelSpec, OcclusionStudy, OnnxInput, OnnxSpec, Optimizer,
    ResnetSpec, Schedule, ScheduleShape, Select, SensitivityMethod, Settings, Shaping, Source,
    Standardise, Statistics, TableSpec, Target, TrainSpec, VggSpec, WeightsFile,
};
use crate::network::Stem;
use crate::onnx;
use crate::region::{Fill, Mode, Phase, RandomSets};
use crate::report::findings::Findings;
use crate::report::findings::evidence::Evidence;
use crate::report::findings::facts::{Facts, dataset_name, origin_words};
use crate::report::words::largest_area_off;
use crate::report::words::numbers::{counted, decimal, thousands};
use crate::report::words::phrase::list;
use crate::store::{NoneSeen, RunRow, ShapleyRow};
use crate::study::Study;

/// More regions than this are counted, not named.
const MOST_NAMED: usize = 9;

/// Paragraphs, each under its heading. `experiment` is `None` where the file cannot be read: then only what the
/// tables hold is said.
pub fn methods(
    experiment: Option<&Experiment>,
    findings: &Findings,
) -> Vec<(&'static str, String)> {
    let Findings { study, evidence, .. } = findings;
    let (runs, facts) = (&study.runs, &findings.shown().facts);
    let mut paragraphs = Vec::new();
    if let Some(experiment) = experiment {
        let settings = &experiment.settings;
        paragraphs.push(("Images", images(settings, facts)));
        paragraphs.push(("Network", network(&settings.model, runs)));
        if settings.model.is_trained() {
            paragraphs.push(("Training", training(&settings.train, &settings.schedule)));
        }
        if !experiment.occlusion.sets.is_empty() {
            paragraphs.push(("Occlusion", occlusion(experiment, study)));
        }
        if !experiment.sensitivity.is_empty() {
            paragraphs.push(("Sensitivity maps", sensitivity(experiment)));
        }
        if experiment.cells.len() > 1 {
            paragraphs.push(("Settings compared", swept(experiment)));
        }
    } else if !facts.dataset.is_empty() {
        let images = counted(facts.images, "test image");
        paragraphs.push(("Images", format!("{}, {images}.", facts.dataset)));
    }
    let statistics = statistics(runs, evidence);
    if !statistics.is_empty() {
        paragraphs.push(("Statistics", statistics));
    }
    if !study.origins.is_empty() {
        let origins: Vec<String> = study.origins.iter().map(origin_words).collect();
        let trained = if study.trains() { "trained" } else { "evaluated" };
        paragraphs
            .push(("Software", format!("Networks were {trained} by {}.", origins.join("; by "))));
    }
    paragraphs
}

fn images(settings: &Settings, facts: &Facts) -> String {
    let spec: &DatasetSpec = &settings.dataset;
    let name = dataset_name(spec.source.kind());
    let what = match &spec.source {
        Source::Faces(faces) => format!(
            "Faces were drawn by fer-lab's generator (seed {}; identity {}, nuisance {}), the emotion in {}: {} \
             for training, {} for validation, {} for testing",
            faces.seed,
            faces.identity,
            faces.nuisance,
            list(faces.signal.clone(), "and"),
            thousands(faces.train as u64),
            thousands(faces.val as u64),
            thousands(faces.test as u64),
        ),
        Source::Ferplus { labels, test_labels, val, test, .. } => format!(
            "{name} (Barsoum et al. 2016), validated on its part {val:?} and tested on {test:?}, {}{}; {}",
            match labels {
                FerplusLabels::Votes => "labelled by the distribution of its annotators' votes",
                FerplusLabels::Majority => "labelled by the majority of its annotators",
                FerplusLabels::CrossEntropy => "labelled for FERPlus's cross-entropy loss",
                FerplusLabels::Probability => "labelled by FERPlus's probabilistic draw",
                FerplusLabels::MultiTarget => "labelled by FERPlus's multi-target rule",
            },
            match test_labels {
                Some(rule) if rule != labels =>
                    format!(", those two by the rule `{}`", rule.name()),
                _ => String::new(),
            },
            counted(facts.images, "test image"),
        ),
        Source::Fer2013 { val, test, .. } => format!(
            "{name} (Goodfellow et al. 2013), validated on its part {val:?} and tested on {test:?}, labelled as it came; \
             {}",
            counted(facts.images, "test image"),
        ),
        Source::Rafdb { val, split_seed, .. } => format!(
            "{name} (Li et al. 2017), of whose training images {} % were held out for validation (split seed \
             {split_seed}); {}",
            100.0 * val,
            counted(facts.images, "test image"),
        ),
        Source::Ckplus { frames, .. } => format!(
            "{name} (Lucey et al. 2010), of whose sequences the last {frames} frames show the emotion and the first one \
             is neutral, with no person in two splits; {}",
            counted(facts.images, "test image"),
        ),
        Source::Folder { .. } => {
            format!("Images of a folder of classes; {}", counted(facts.images, "test image"))
        }
        Source::Table(_) => {
            format!("Images with a table of labels; {}", counted(facts.images, "test image"))
        }
    };
    let colour = if spec.channels == 1 { "grey" } else { "RGB" };
    let placed = match &spec.landmarks {
        Some(LandmarkSource::Find) => {
            "Regions were carried into each image by its landmarks, which MediaPipe's Face Landmarker found (Kartynnik et al. \
             2019)"
        }
        None if !matches!(spec.source, Source::Faces(_)) => {
            "Regions lay in every image as in the canonical face frame"
        }
        _ => "Regions were carried into each image by its landmarks",
    };
    let grouped = match &spec.source {
        Source::Folder(FolderSpec { group: Some(group), .. })
        | Source::Table(TableSpec { group: Some(group), .. }) => {
            format!(", of which no group (\"{group}\") is in two splits")
        }
        _ => String::new(),
    };
    let shaped = match spec.shape {
        Shaping::Stretch => "brought",
        Shaping::Crop => "cropped and brought",
        Shaping::Pad => "padded and brought",
    };
    let standardised = match (settings.model.is_trained(), spec.standardise) {
        (false, _) => "",
        (true, Standardise::Train) => {
            ", and standardised by the mean and standard deviation of the training images"
        }
        (true, Standardise::Imagenet) => {
            ", and standardised by ImageNet's means and standard deviations"
        }
    };
    format!(
        "{what}{grouped}. They were {shaped} to {} × {} pixels, {colour}{standardised}. The {} classes were {}. {placed}.",
        spec.height,
        spec.width,
        spec.classes.len(),
        list(spec.classes.clone(), "and"),
    )
}

fn network(spec: &ModelSpec, runs: &[RunRow]) -> String {
    match spec {
        ModelSpec::Vgg(spec) => format!("{}{}", vgg(spec, runs), common(&spec.common)),
        ModelSpec::Resnet(spec) => standard(&resnet(spec), &spec.common, runs),
        ModelSpec::MobilenetV2(spec) => standard(&mobilenet(spec), &spec.common, runs),
        ModelSpec::Onnx(spec) => from_file(spec),
    }
}

fn from_file(spec: &OnnxSpec) -> String {
    let OnnxInput { color, size: [height, width], range, mean, std, .. } = &spec.input;
    let name = spec.path.file_name().unwrap_or_default().to_string_lossy();
    let hash = spec.hash.get(..12).unwrap_or(&spec.hash);
    let numbers = |numbers: &[f64]| {
        let numbers: Vec<String> = numbers.iter().map(f64::to_string).collect();
        numbers.join(", ")
    };
    format!(
        "A network that was trained elsewhere, {name} (BLAKE3 {hash}…, {} parameters), run by ONNX Runtime {} without any          change. It takes {height} × {width} pixels, {}, values from 0 to {range}, less {} and divided by {}; masks were          laid on before.",
        thousands(spec.parameters),
        onnx::RUNTIME,
        match color {
            Color::Grey => "grey",
            Color::Rgb => "red, green and blue",
            Color::Bgr => "blue, green and red",
        },
        numbers(mean),
        numbers(std),
    )
}

fn vgg(spec: &VggSpec, runs: &[RunRow]) -> String {
    let blocks = spec.blocks.iter().map(|widths| {
        let widths: Vec<String> = widths.iter().map(i64::to_string).collect();
        widths.join("-")
    });
    let parameters = parameters(runs);
    format!(
        "A VGG-like network{parameters}: {} of 3 × 3 convolutions with {} channels, each with batch \
         normalisation and ReLU, a 3 × 3 max pool of stride 3 after every block but the last, then global \
         average pooling into the classes.",
        counted(spec.blocks.len() as u64, "block"),
        list(blocks.collect(), "and"),
    )
}

/// ` (11,180,103 parameters)`.
fn parameters(runs: &[RunRow]) -> String {
    match runs.iter().map(|run| run.parameters).max().unwrap_or(0) {
        0 => String::new(),
        count => format!(" ({} parameters)", thousands(count)),
    }
}

fn resnet(spec: &ResnetSpec) -> String {
    let stem = match spec.stem {
        Stem::Imagenet => "a first convolution of 7 × 7 with stride 2 and a pool",
        Stem::Small => "a first convolution of 3 × 3 with stride 1 and no pool",
    };
    format!("A residual network of {} layers (He et al. 2016), with {stem}", spec.depth.layers())
}

fn mobilenet(spec: &MobilenetSpec) -> String {
    let stride = if spec.stem == Stem::Imagenet { 2 } else { 1 };
    format!("MobileNet V2 (Sandler et al. 2018), with stride {stride} in its first convolution")
}

fn standard(what: &str, spec: &CommonSpec, runs: &[RunRow]) -> String {
    format!("{what}{}, as torchvision builds it.{}", parameters(runs), common(spec))
}

/// How it starts, and what is dropped: sentences of their own.
fn common(spec: &CommonSpec) -> String {
    let mut sentences = String::new();
    if let Some(WeightsFile { path, hash }) = &spec.weights {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let hash = hash.get(..12).unwrap_or(hash);
        sentences += &format!(" It started from the weights of {name} (BLAKE3 {hash}…).");
    }
    if !spec.freeze.is_empty() {
        let names = list(spec.freeze.clone(), "and");
        sentences += &format!(" Tensors whose names begin with {names} were not trained.");
    }
    if spec.dropout > 0.0 {
        let share = 100.0 * spec.dropout;
        sentences += &format!(" Dropout of {share} % before the dense layer.");
    }
    sentences
}

fn training(spec: &TrainSpec, schedule: &Schedule) -> String {
    let optimizer = match spec.optimizer {
        Optimizer::Adam { learning_rate, .. } => format!("Adam, learning rate {learning_rate}"),
        Optimizer::Adamw { learning_rate, weight_decay, .. } => {
            format!("AdamW, learning rate {learning_rate}, weight decay {weight_decay}")
        }
        Optimizer::Sgd { learning_rate, momentum, weight_decay, .. } => format!(
            "stochastic gradient descent, learning rate {learning_rate}, momentum {momentum}, weight decay \
             {weight_decay}"
        ),
    };
    let rate = match schedule.shape {
        ScheduleShape::Constant => "kept constant".to_owned(),
        ScheduleShape::Plateau { factor, patience, .. } => format!(
            "multiplied by {factor} when the validation loss had not improved for {}",
            counted(u64::from(patience), "epoch")
        ),
        ScheduleShape::Step { factor, every } => {
            format!("multiplied by {factor} every {}", counted(u64::from(every), "epoch"))
        }
        ScheduleShape::Cosine { .. } => "lowered along half a cosine".to_owned(),
        ScheduleShape::OneCycle { .. } => "moved along one cycle".to_owned(),
    };
    let warmup = match schedule.warmup > 0.0 {
        true => format!(" after a linear warm-up over {} epochs", schedule.warmup),
        false => String::new(),
    };
    let target = match spec.target {
        Target::Distribution => "the cross-entropy against the label distribution",
        Target::Majority => {
            "the cross-entropy against the class with most votes, in equal parts where several tie"
        }
        Target::Probability => {
            "the cross-entropy against a class drawn from the label distribution"
        }
        Target::MultiTarget => "FERPlus's multi-target loss",
    };
    let select = match spec.select {
        Select::Best => "the network of the epoch with the lowest validation loss was kept",
        Select::Last => "the network of the last epoch was kept",
    };
    let stop = spec.early_stopping.map_or(String::new(), |epochs| {
        let epochs = counted(u64::from(epochs), "epoch");
        format!(" or until the validation loss had not improved for {epochs}")
    });
    format!(
        "Networks were trained for {}{stop} in batches of {} ({optimizer}; the rate was {rate}{warmup}), \
         minimising {target}; {select}. Training images were {}. Precision: {}.",
        counted(u64::from(spec.epochs), "epoch"),
        spec.batch_size,
        augment(&spec.augment),
        spec.precision.name(),
    ) + &regularisers(spec)
}

/// What keeps networks from fitting their training images too closely, a sentence each with a source; empty without any.
fn regularisers(spec: &TrainSpec) -> String {
    let mut sentences = String::new();
    if spec.augment.erasing > 0.0 {
        sentences += &format!(
            " With probability {} a random rectangle of a training image was replaced by the mean of the training images \
             before masks were applied (random erasing: Zhong et al. 2020), so that fills of this kind are less foreign \
             to these networks.",
            spec.augment.erasing
        );
    }
    if spec.mixup > 0.0 {
        sentences += &format!(
            " Training images and their targets were mixed in pairs, with shares from Beta({0}, {0}), before masks were \
             applied (mixup: Zhang et al. 2018).",
            spec.mixup
        );
    }
    if spec.label_smoothing > 0.0 {
        sentences += &format!(
            " Training targets were smoothed by {} (Szegedy et al. 2016).",
            spec.label_smoothing
        );
    }
    if spec.averaging > 0.0 {
        sentences += &format!(
            " The networks validated and evaluated are exponential moving averages of the weights, with decay {} (Polyak \
             and Juditsky 1992).",
            spec.averaging
        );
    }
    let weights = match &spec.class_weights {
        ClassWeights::None => return sentences,
        ClassWeights::Balanced => {
            "inversely to the classes' shares of the training labels".to_owned()
        }
        ClassWeights::Each(weights) => {
            let weights = weights.iter().map(f64::to_string).collect();
            format!("by {}, in the order of the classes", list(weights, "and"))
        }
    };
    sentences
        + &format!(
            " Losses in training and validation were weighted {weights}; accuracies were not. Probabilities, and so bits, \
             are therefore not calibrated to the classes' shares in the data."
        )
}

fn augment(augment: &Augment) -> String {
    let mut changes = Vec::new();
    if augment.rotate > 0.0 {
        changes.push(format!("rotated by up to {}°", augment.rotate));
    }
    if augment.scale > 0.0 {
        changes.push(format!("scaled by up to {} %", 100.0 * augment.scale));
    }
    if augment.flip {
        changes.push("flipped half of the time".to_owned());
    }
    match changes.is_empty() {
        true => "not augmented".to_owned(),
        false => format!("augmented anew at every visit ({})", list(changes, "and")),
    }
}

fn occlusion(experiment: &Experiment, found: &Study) -> String {
    let study = &experiment.occlusion;
    let sets: Vec<String> = study.sets.iter().map(|set| set.join(" + ")).collect();
    let sets = match sets.len() {
        0..=MOST_NAMED => list(sets, "and"),
        count => format!("{count} sets of regions"),
    };
    let modes = study.modes.iter().map(|mode| match mode {
        Mode::Hide => "masked (the rest visible)".to_owned(),
        Mode::Keep => "left visible alone (all else masked)".to_owned(),
    });
    let phases = study.phases.iter().map(|phase| match phase {
        Phase::Retrain => {
            "in training and test, so that a network was trained for each condition (ROAR; Hooker et al. 2019)"
                .to_owned()
        }
        Phase::Evaluate => "at test time only, of networks trained on whole faces".to_owned(),
        Phase::Train => "in training only".to_owned(),
        Phase::Amortised => {
            "under one network that was trained with random sets of regions masked (Covert et al. 2021; Jethani \
             et al. 2022)"
                .to_owned()
        }
        Phase::Tuned => format!(
            "in training and test of networks that started from that one and were trained on for {}, at {} times \
             the learning rate, falling to 0 along half a cosine",
            counted(u64::from(study.tuning.epochs), "epoch"),
            study.tuning.rate
        ),
        Phase::Masks => "as a mask-only baseline".to_owned(),
    });
    let fills = study.fills.iter().map(|fill| match fill {
        Fill::Mean => "the training mean".to_owned(),
        Fill::Constant(value) => format!("a constant grey of {value}"),
        Fill::Noise => "standard normal noise".to_owned(),
        Fill::Blur(share) => format!("a Gaussian blur of {} % of the height", 100.0 * share),
        Fill::Inpaint => "diffusion from the visible pixels around".to_owned(),
        Fill::Object => "the occluders as drawn objects, the same in every image".to_owned(),
        Fill::Silhouette => "its silhouette".to_owned(),
    });
    let controls = controls(study, found);
    let adapted = match experiment.evaluate.statistics {
        Statistics::Trained => "",
        Statistics::Adapted => {
            " Batch normalisation's statistics were estimated anew on training images masked alike \
             (Schneider et al. 2020)."
        }
    };
    let seeds = experiment.seeds.iter().map(u64::to_string).collect::<Vec<_>>();
    format!(
        "{} were {}, {}; what was masked was filled with {}. {controls} Every condition was run with the {} {}.{adapted}",
        crate::report::words::capital(&sets),
        list(modes.collect(), "or"),
        list(phases.collect(), "and"),
        list(fills.collect(), "or"),
        if seeds.len() == 1 { "seed" } else { "seeds" },
        list(seeds, "and"),
    )
}

/// How many controls there were, and how far their areas were from those of the regions.
fn controls(study: &OcclusionStudy, found: &Study) -> String {
    let drawn = |trained: bool| {
        let runs = found.runs.iter().filter(|run| run.control);
        let in_phase =
            runs.filter(|run| run.phase.is_some_and(|phase| phase.is_trained_for() == trained));
        in_phase.filter_map(|run| run.draw).max().map_or(0, |draw| draw + 1)
    };
    let (trained, evaluated) = (drawn(true), drawn(false));
    let phases = |trained: bool| study.phases.iter().any(|phase| phase.is_trained_for() == trained);
    let counts = [(trained, "a network of its own"), (evaluated, "no training of its own")];
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, networks)| {
            let controls = counted(u64::from(count), "control");
            match phases(true) && phases(false) {
                true => format!("up to {controls} where it had {networks}"),
                false => format!("up to {controls}"),
            }
        })
        .collect();
    if counts.is_empty() {
        return "There were no controls of equal area.".to_owned();
    }
    let off = found.settings.iter().flat_map(|setting| setting.masked());
    let off = off.filter_map(largest_area_off).fold(0.0, |most: f64, off| most.max(off.abs()));
    let learned = match study.phases.contains(&Phase::Amortised) && evaluated > 0 {
        true => format!(
            " In one of {} of its training images the amortised network had the regions at random places, so that \
             controls were no new kind of mask to it.",
            RandomSets::ELSEWHERE
        ),
        false => String::new(),
    };
    format!(
        "Each condition had {}: the same shape and area at a random place, outside of the regions; by the mean area \
         over the test images they differed from their regions by at most {} %.{learned}",
        list(counts, "and"),
        decimal(100.0 * off, 1)
    )
}

fn sensitivity(experiment: &Experiment) -> String {
    let maps = experiment.sensitivity.iter().map(|spec| match spec.method {
        SensitivityMethod::Window { side, stride } => format!(
            "by a window of {} % of the face's side that slid in steps of {} % (Zeiler and Fergus 2014)",
            100.0 * side,
            100.0 * stride
        ),
        SensitivityMethod::Rise { masks, cells, keep } => format!(
            "by {} random masks of {cells} × {cells} cells, each cell visible with probability {keep} (RISE; Petsiuk et \
             al. 2018)",
            thousands(u64::from(masks))
        ),
    });
    format!(
        "The sensitivity of the networks trained on whole faces was mapped {}; the maps were tested by deletion \
         and insertion curves against random orders (Petsiuk et al. 2018).",
        list(maps.collect(), "and")
    )
}

fn swept(experiment: &Experiment) -> String {
    let mut keys: Vec<&String> =
        experiment.cells.iter().flat_map(|cell| cell.swept.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let values = keys.iter().map(|key| {
        let mut values: Vec<&str> = Vec::new();
        for value in experiment.cells.iter().filter_map(|cell| cell.swept.get(*key)) {
            if !values.contains(&value.as_str()) {
                values.push(value);
            }
        }
        format!("{key} ({})", values.join(", "))
    });
    format!(
        "The study was repeated under {} settings: every combination of {}.",
        experiment.cells.len(),
        list(values.collect(), "and")
    )
}

/// What the worth of no region is, by whose answer it was.
fn empty_set(rows: &[ShapleyRow]) -> String {
    let phases = |by: NoneSeen| {
        let mut phases: Vec<String> = Vec::new();
        for row in rows.iter().filter(|row| row.none_by == by) {
            let name = format!("`{}`", row.phase.name());
            if !phases.contains(&name) {
                phases.push(name);
            }
        }
        list(phases, "and")
    };
    let constant = "the best constant prediction (the commonest class, 0 bits), since no network was trained for it";
    let network = "what the network itself predicted for faces that were masked entirely";
    match (phases(NoneSeen::Constant), phases(NoneSeen::Network)) {
        (_, of_network) if of_network.is_empty() => {
            format!("With no region visible it is {constant}.")
        }
        (of_constant, _) if of_constant.is_empty() => {
            format!("With no region visible it is {network}.")
        }
        (of_constant, of_network) => format!(
            "With no region visible it is, of {of_network}, {network}; of {of_constant}, {constant}."
        ),
    }
}

fn statistics(runs: &[RunRow], evidence: &Evidence) -> String {
    let mut sentences = Vec::new();
    let methods = evidence.effects.iter().map(|row| row.method.as_str());
    if let Some(method) = methods.into_iter().find(|method| !method.is_empty()) {
        sentences.push(format!(
            "An effect is the metric on whole faces minus that under the mask, paired by seed and image; 95 % \
             confidence intervals: {method}{}.",
            if method.contains("moderated") { " (Smyth 2004)" } else { "" }
        ));
    }
    if evidence.effects.iter().any(|row| row.p_adjusted.is_some()) {
        sentences.push(
            "p values are two-sided and corrected by Holm (1979) over the sets of equally many regions of one mode, \
             phase and fill, separately for each question: the loss against whole faces, the difference from the \
             same area elsewhere, the difference from chance."
                .to_owned(),
        );
    }
    if !evidence.contrasts.is_empty() {
        sentences.push(
            "Conditions were compared with each other by paired contrasts, Holm-corrected over all pairs of such a \
             family."
                .to_owned(),
        );
    }
    let settings = &evidence.setting_contrasts;
    if !settings.is_empty() {
        let paired = "by differences paired on their seeds and test images";
        let apart = "as independent samples (Welch 1947), where they were tested on other images or share no seed";
        let how =
            match (settings.iter().any(|row| row.paired), settings.iter().any(|row| !row.paired)) {
                (true, false) => paired.to_owned(),
                (false, _) => apart.to_owned(),
                (true, true) => format!("{paired}, or {apart}"),
            };
        sentences.push(format!(
            "Settings were compared with each other {how}, Holm-corrected over all conditions and pairs of settings of such \
             a family: masked regions by their cost, regions that alone are visible by their difference from chance."
        ));
    }
    if evidence.effects.iter().any(|row| row.excess.is_some()) {
        sentences.push(
            "Chance is the accuracy of the best constant prediction: the share of the commonest class among the test \
             images."
                .to_owned(),
        );
    }
    if runs.iter().any(|run| run.control) {
        sentences.push(
            "A region's signal is what it carries beyond its controls, the same area masked elsewhere; the \
             placements of controls are treated as a sample too."
                .to_owned(),
        );
    }
    if let Some(row) = evidence.shapley.first() {
        sentences.push(format!(
            "The worth of a set of regions is the metric with only that set visible; Shapley values (Shapley \
             1953): {}. They were compared with each other by paired contrasts; p values of both are Holm-corrected \
             within a metric. {}",
            row.method,
            empty_set(&evidence.shapley)
        ));
    }
    if let Some(row) = evidence.interplay.first() {
        let holm = match evidence.interplay.iter().any(|row| row.p != row.p_adjusted) {
            true => ", Holm-corrected over all pairs",
            false => "",
        };
        sentences.push(format!(
            "The interaction of two regions is the Shapley interaction index (Grabisch and Roubens 1999), the mean \
             over the sets of the other regions of what the two add together beyond the sum of what each adds: {}{holm}.",
            row.method
        ));
    }
    if let Some(row) = evidence.network_agreement.first() {
        sentences.push(format!(
            "How far networks order the regions alike is Kendall's W, corrected for ties (Kendall and Babington Smith \
             1939); its p is that of so large a W if each network ordered the regions at random, its 95 % confidence \
             interval, of these networks (Owen 2007): {}.",
            row.method
        ));
    }
    if let Some(row) = evidence.ranking.first() {
        sentences.push(format!("Probabilities of ranks: {}.", row.method));
    }
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each regulariser has its sentence with its source and its value, and one that is not used has none.
    #[test]
    fn regularisers_are_told_with_their_sources() {
        let told = |keys: &str| {
            let text = format!("name = \"x\"\n[dataset]\nkind = \"faces\"\n[train]\n{keys}\n");
            let experiment = crate::experiment::parse(&text, "x.toml", &[]).unwrap();
            regularisers(&experiment.settings.train)
        };
        assert_eq!(told(""), "");
        let weights = "[1, 2, 1, 1, 1.5, 1, 1]";
        for (keys, words, source) in [
            (
                "augment = { erasing = 0.25 }",
                "With probability 0.25 a random rectangle",
                "Zhong et al. 2020",
            ),
            ("mixup = 0.4", "Beta(0.4, 0.4)", "Zhang et al. 2018"),
            ("label_smoothing = 0.1", "smoothed by 0.1", "Szegedy et al. 2016"),
            ("averaging = 0.999", "with decay 0.999", "Polyak and Juditsky 1992"),
            ("class_weights = \"balanced\"", "inversely to the classes' shares", "not calibrated"),
            (
                &format!("class_weights = {weights}"),
                "weighted by 1, 2, 1, 1, 1.5, 1 and 1",
                "not calibrated",
            ),
        ] {
            let told = told(keys);
            assert!(told.contains(words) && told.contains(source), "{keys}: {told}");
        }
    }
}
