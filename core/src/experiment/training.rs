//! The sections `[train]` and `[schedule]`.

use serde_json::{Value as Json, json};

use super::error::Problem;
use super::keys::Refusal;
use super::reader::{Bounds, Section, read_float};
use super::spec::{
    ClassWeights, DatasetSpec, DeviceChoice, Optimizer, Schedule, ScheduleShape, Settings, Source,
    Target, TrainSpec,
};
use super::tree::Value;

/// Reads `[train]`; `dataset` where it is trained on.
pub(crate) fn read_train(root: &Section<'_>, dataset: Option<&DatasetSpec>) -> Option<TrainSpec> {
    let section = root.section("train");
    let mut keys = section.keys()?;
    let device =
        keys.get("device").and_then(Json::as_str).and_then(device).unwrap_or(DeviceChoice::Auto);
    keys.insert("device".to_owned(), json!(device));
    if keys.get("early_stopping").is_some_and(|epochs| *epochs == 0) {
        keys.remove("early_stopping");
    }
    let class_weights = read_class_weights(&section, dataset);
    keys.insert("class_weights".to_owned(), json!(class_weights));
    let spec: TrainSpec = section.typed(keys)?;
    check_multi_target(&section, &spec);
    if let Optimizer::Sgd { momentum: 0.0, nesterov: true, .. } = spec.optimizer {
        let title = "`train.optimizer.nesterov` needs momentum";
        let help = "set `momentum` above 0, or leave `nesterov` out";
        let place = section.section("optimizer").place_of("momentum");
        section.problem(Problem::new(title, &place, "there is none").help(help));
    }
    if let Some(Source::Faces(faces)) = dataset.map(|dataset| &dataset.source)
        && spec.batch_size > faces.train
    {
        let title = format!("`train.batch_size` cannot be {}", spec.batch_size);
        let label = format!("there are {} training images", faces.train);
        let place = match section.is_set("batch_size") {
            true => section.place_of("batch_size"),
            false => root.section("dataset").place_of("train"),
        };
        section.problem(
            Problem::new(title, &place, label)
                .help("lower `train.batch_size` or raise `dataset.train`"),
        );
    }
    Some(spec)
}

/// The limits of a class's weight: losses stay finite in f32, and no class is left out unsaid.
const CLASS_WEIGHT: Bounds = Bounds::closed(1e-6, 1e6);

/// `none`, `balanced` or a number for each class of the data set; `none` where the value is wrong.
fn read_class_weights(section: &Section<'_>, dataset: Option<&DatasetSpec>) -> ClassWeights {
    let Some(node) = section.node("class_weights") else { return ClassWeights::None };
    let Value::Array(items) = &node.value else {
        if node.is_text("none") {
            return ClassWeights::None;
        }
        if node.is_text("balanced") {
            return ClassWeights::Balanced;
        }
        let title = "`train.class_weights` must be none, balanced or a list of numbers";
        let problem = Problem::new(title, &node.place, format!("this is {}", node.to_toml()));
        section.problem(problem.help("as in `class_weights = \"balanced\"`"));
        return ClassWeights::None;
    };
    if let Some(dataset) = dataset
        && items.len() != dataset.classes.len()
    {
        let title = "`train.class_weights` needs one number for each class";
        let label = format!("{} for {} classes", items.len(), dataset.classes.len());
        let problem = Problem::new(title, &node.place, label);
        section.problem(problem.help(format!("in this order: {}", dataset.classes.join(", "))));
        return ClassWeights::None;
    }
    let weight = |(index, item)| {
        read_float(item, &format!("train.class_weights[{index}]"), CLASS_WEIGHT, section.problems)
    };
    // All of them first, so that each that is wrong is named.
    let weights: Vec<Option<f64>> = items.iter().enumerate().map(weight).collect();
    let weights: Option<Vec<f64>> = weights.into_iter().collect();
    weights.map_or(ClassWeights::None, ClassWeights::Each)
}

/// With several classes that are equally right there is no distribution to smooth, to mix or to weight.
fn check_multi_target(section: &Section<'_>, spec: &TrainSpec) {
    if spec.target != Target::MultiTarget {
        return;
    }
    for (key, is_used) in [
        ("label_smoothing", spec.label_smoothing > 0.0),
        ("mixup", spec.mixup > 0.0),
        ("class_weights", spec.class_weights != ClassWeights::None),
    ] {
        if is_used {
            let title = format!("`train.{key}` does not go with `target = \"multi_target\"`");
            let label = "this loss has no distribution over classes";
            let problem = Problem::new(title, &section.place_of(key), label);
            section.problem(problem.help("leave one of the two out"));
        }
    }
}

/// A batch of one image with single-number features has no variance for batch normalisation.
pub(crate) fn check_variance(root: &Section<'_>, settings: &Settings) {
    let Settings { dataset, model, train, .. } = settings;
    let features = model.last_features(dataset.height, dataset.width);
    if train.batch_size > 1 || features != Some((1, 1)) {
        return;
    }
    let section = root.section("train");
    let title = "`train.batch_size` cannot be 1 with this network";
    let label = "batch normalisation needs more than one number of each feature";
    section.problem(Problem::new(title, &section.place_of("batch_size"), label).help(format!(
        "of {} × {} pixels the last block is left with one: 2 or more pictures a batch, or fewer blocks",
        dataset.height, dataset.width
    )));
}

/// `auto`, `cpu`, `cuda:0` …
fn device(word: &str) -> Option<DeviceChoice> {
    match word {
        "auto" => Some(DeviceChoice::Auto),
        "cpu" => Some(DeviceChoice::Cpu),
        _ => {
            let number = word.strip_prefix("cuda:")?;
            let plain = number.len() <= 2 && number.bytes().all(|byte| byte.is_ascii_digit());
            number.parse().ok().filter(|_| plain).map(DeviceChoice::Cuda)
        }
    }
}

pub(super) fn refuse_device(path: &str, word: &str) -> Option<Refusal> {
    let help = "the choices are: auto, cpu, cuda:0, cuda:1 and so on".to_owned();
    let title = format!("`{path}` cannot be `{word}`");
    device(word).is_none().then(|| (title, "not one of the choices".to_owned(), Some(help)))
}

/// Reads `[schedule]`, for a training whose other settings are known.
pub(crate) fn read_schedule(root: &Section<'_>, train: Option<&TrainSpec>) -> Option<Schedule> {
    let section = root.section("schedule");
    let mut keys = section.keys()?;
    keys.insert("shape".to_owned(), keys.clone().into());
    let schedule: Schedule = section.typed(keys)?;
    let train = train?;
    let full = train.optimizer.learning_rate();
    if let ScheduleShape::Plateau { min_rate: rate, .. } | ScheduleShape::Cosine { min_rate: rate } =
        schedule.shape
        && rate >= full
    {
        let title = format!("`schedule.min_rate` cannot be {rate}");
        let label = format!("must be less than the learning rate, {full}");
        section.problem(Problem::new(title, &section.place_of("min_rate"), label));
    }
    if schedule.warmup > f64::from(train.epochs) {
        let title = format!("`schedule.warmup` cannot be {}", schedule.warmup);
        let label = format!("the training has {} epochs", train.epochs);
        section.problem(Problem::new(title, &section.place_of("warmup"), label));
    }
    Some(schedule)
}
