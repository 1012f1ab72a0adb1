//! The sections `[model]`, `[train]` and `[schedule]`.

use super::error::Problem;
use super::reader::{Bounds, Section, read_integer};
use super::spec::{
    Augment, DatasetSpec, DeviceChoice, ModelSpec, Optimizer, Precision, Schedule, ScheduleShape,
    Select, Settings, Source, Target, TrainSpec,
};
use super::tree::{Node, Value};

/// The seed study's layout: 670,183 parameters with three channels and seven classes.
const SEED_BLOCKS: [&[i64]; 3] = [&[64, 64], &[96, 96, 96], &[128, 128, 128]];

const MAX_BLOCKS: usize = 16;
const MAX_CONVOLUTIONS: usize = 16;
const MAX_WIDTH: i64 = 4096;

const LEARNING_RATE: Bounds = Bounds::above(0.0, 10.0);

/// Reads `[model]`, for pictures of the size that the data set has.
pub(crate) fn read_model(root: &Section<'_>, dataset: Option<&DatasetSpec>) -> ModelSpec {
    let section = root.section("model");
    let blocks: Vec<Vec<i64>> = match section.list("blocks") {
        None => SEED_BLOCKS.map(<[i64]>::to_vec).to_vec(),
        Some(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| read_block(&section, index, item))
            .collect(),
    };
    let place = section.place_of("blocks");
    if blocks.is_empty() || blocks.len() > MAX_BLOCKS {
        let title = format!("`model.blocks` cannot have {} blocks", blocks.len());
        section.problem(Problem::new(title, &place, format!("must have 1 to {MAX_BLOCKS}")));
    } else if let Some(dataset) = dataset
        && let Some((pool, height, width)) =
            starved_pool(dataset.height, dataset.width, blocks.len() - 1)
    {
        let title = "`model.blocks` is too deep for the pictures";
        let label = format!(
            "only {height} × {width} pixels are left before pool {pool}, which takes 3 × 3"
        );
        let help = format!(
            "every block but the last divides the picture's sides by 3; {} × {} pixels allow {pool} blocks",
            dataset.height, dataset.width,
        );
        section.problem(Problem::new(title, &place, label).help(help));
    }
    let batch_norm_momentum = section.float("batch_norm_momentum", 0.99, Bounds::below(0.0, 1.0));
    section.finish(&[]);
    ModelSpec { blocks, batch_norm_momentum }
}

/// The widths of one block's convolutions.
fn read_block(section: &Section<'_>, index: usize, item: &Node) -> Vec<i64> {
    let path = format!("model.blocks[{index}]");
    let Value::Array(widths) = &item.value else {
        let title = format!("`{path}` must be a list of widths");
        section.problem(
            Problem::new(title, &item.place, format!("this is {}", item.type_name())).help(
                "a block lists the width of each convolution, as in `blocks = [[64, 64], [96]]`",
            ),
        );
        return vec![1];
    };
    if widths.is_empty() || widths.len() > MAX_CONVOLUTIONS {
        let title = format!("`{path}` cannot have {} convolutions", widths.len());
        section.problem(
            Problem::new(title, &item.place, format!("must have 1 to {MAX_CONVOLUTIONS}"))
                .help("list the width of each convolution, as in `[64, 64]`"),
        );
    }
    let read = |(index, width)| {
        let path = format!("{path}[{index}]");
        read_integer(width, &path, 1, MAX_WIDTH, section.problems).unwrap_or(1)
    };
    widths.iter().enumerate().map(read).collect()
}

/// The first of `pools` (3 × 3, stride 3, no padding) that has less than 3 × 3 pixels, from 1, and what
/// it has.
fn starved_pool(
    mut height: usize,
    mut width: usize,
    pools: usize,
) -> Option<(usize, usize, usize)> {
    for pool in 1..=pools {
        if height < 3 || width < 3 {
            return Some((pool, height, width));
        }
        (height, width) = (height / 3, width / 3);
    }
    None
}

/// Reads `[train]`.
pub(crate) fn read_train(root: &Section<'_>, dataset: Option<&DatasetSpec>) -> TrainSpec {
    let section = root.section("train");
    let targets = [
        ("distribution", Target::Distribution),
        ("majority", Target::Majority),
        ("probability", Target::Probability),
        ("multi_target", Target::MultiTarget),
    ];
    let spec = TrainSpec {
        epochs: section.integer("epochs", 30, 1, 100_000) as u32,
        batch_size: section.integer("batch_size", 64, 1, 65_536) as usize,
        optimizer: read_optimizer(&section),
        target: section.choice("target", &targets, Target::Distribution),
        augment: read_augment(&section),
        select: section.choice(
            "select",
            &[("best", Select::Best), ("last", Select::Last)],
            Select::Best,
        ),
        precision: section.choice(
            "precision",
            &[("f32", Precision::F32), ("tf32", Precision::Tf32), ("bf16", Precision::Bf16)],
            Precision::F32,
        ),
        device: read_device(&section),
        early_stopping: match section.integer("early_stopping", 0, 0, 100_000) {
            0 => None,
            epochs => Some(epochs as u32),
        },
    };
    section.finish(&[]);
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
    spec
}

/// A single picture whose features are single numbers has no variance to normalise by.
pub(crate) fn check_variance(root: &Section<'_>, settings: &Settings) {
    let Settings { dataset, model, train, .. } = settings;
    if train.batch_size > 1 || model.last_features(dataset.height, dataset.width) != (1, 1) {
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

fn read_augment(train: &Section<'_>) -> Augment {
    let section = train.section("augment");
    let augment = Augment {
        rotate: section.float("rotate", 10.0, Bounds::closed(0.0, 180.0)),
        scale: section.float("scale", 0.1, Bounds::closed(0.0, 0.5)),
        flip: section.flag("flip", true),
    };
    section.finish(&[]);
    augment
}

fn read_device(section: &Section<'_>) -> DeviceChoice {
    let Some(word) = section.text("device") else { return DeviceChoice::Auto };
    let cuda = |word: &str| -> Option<usize> {
        let number = word.strip_prefix("cuda:")?;
        let plain = number.len() <= 2 && number.bytes().all(|byte| byte.is_ascii_digit());
        if plain { number.parse().ok() } else { None }
    };
    match word {
        "auto" => DeviceChoice::Auto,
        "cpu" => DeviceChoice::Cpu,
        _ => cuda(word).map(DeviceChoice::Cuda).unwrap_or_else(|| {
            let title = format!("`train.device` cannot be `{word}`");
            section.problem(
                Problem::new(title, &section.place_of("device"), "not one of the choices")
                    .help("the choices are: auto, cpu, cuda:0, cuda:1 and so on"),
            );
            DeviceChoice::Auto
        }),
    }
}

fn read_optimizer(train: &Section<'_>) -> Optimizer {
    #[derive(Clone, Copy)]
    enum Kind {
        Adam,
        Adamw,
        Sgd,
    }
    let section = train.section("optimizer");
    let kinds = [("adam", Kind::Adam), ("adamw", Kind::Adamw), ("sgd", Kind::Sgd)];
    let kind = section.choice("kind", &kinds, Kind::Adam);
    let rate = |default| section.float("learning_rate", default, LEARNING_RATE);
    let decay = |default| section.float("weight_decay", default, Bounds::closed(0.0, 10.0));
    // TensorFlow's defaults, which the seed study used.
    let beta = |key, default| section.float(key, default, Bounds::below(0.0, 1.0));
    let epsilon = || section.float("epsilon", 1e-7, Bounds::above(0.0, 1.0));
    let optimizer = match kind {
        Kind::Adam => Optimizer::Adam {
            learning_rate: rate(0.001),
            beta1: beta("beta1", 0.9),
            beta2: beta("beta2", 0.999),
            epsilon: epsilon(),
        },
        Kind::Adamw => Optimizer::Adamw {
            learning_rate: rate(0.001),
            beta1: beta("beta1", 0.9),
            beta2: beta("beta2", 0.999),
            epsilon: epsilon(),
            weight_decay: decay(0.01),
        },
        Kind::Sgd => {
            let momentum = section.float("momentum", 0.9, Bounds::below(0.0, 1.0));
            let nesterov = section.flag("nesterov", false);
            if nesterov && momentum == 0.0 {
                let title = "`train.optimizer.nesterov` needs momentum";
                let help = "set `momentum` above 0, or leave `nesterov` out";
                section.problem(
                    Problem::new(title, &section.place_of("momentum"), "there is none").help(help),
                );
            }
            Optimizer::Sgd {
                learning_rate: rate(0.01),
                momentum,
                nesterov,
                weight_decay: decay(0.0),
            }
        }
    };
    section.finish(&[
        ("beta1", "adam, adamw"),
        ("beta2", "adam, adamw"),
        ("epsilon", "adam, adamw"),
        ("weight_decay", "adamw, sgd"),
        ("momentum", "sgd"),
        ("nesterov", "sgd"),
    ]);
    optimizer
}

/// Reads `[schedule]`, for a training of which the rest is known.
pub(crate) fn read_schedule(root: &Section<'_>, train: &TrainSpec) -> Schedule {
    #[derive(Clone, Copy)]
    enum Kind {
        Constant,
        Plateau,
        Step,
        Cosine,
        OneCycle,
    }
    let section = root.section("schedule");
    let kinds = [
        ("plateau", Kind::Plateau),
        ("step", Kind::Step),
        ("cosine", Kind::Cosine),
        ("one_cycle", Kind::OneCycle),
        ("constant", Kind::Constant),
    ];
    let factor = || section.float("factor", 0.1, Bounds::open(0.0, 1.0));
    let min_rate = || {
        let rate = section.float("min_rate", 0.0, Bounds::closed(0.0, 10.0));
        let full = train.optimizer.learning_rate();
        if rate >= full {
            let title = format!("`schedule.min_rate` cannot be {rate}");
            let label = format!("must be less than the learning rate, {full}");
            section.problem(Problem::new(title, &section.place_of("min_rate"), label));
        }
        rate
    };
    let shape = match section.choice("kind", &kinds, Kind::Plateau) {
        Kind::Constant => ScheduleShape::Constant,
        Kind::Plateau => ScheduleShape::Plateau {
            factor: factor(),
            patience: section.integer("patience", 1, 1, 100_000) as u32,
            min_delta: section.float("min_delta", 0.0, Bounds::closed(0.0, 100.0)),
            min_rate: min_rate(),
        },
        Kind::Step => ScheduleShape::Step {
            factor: factor(),
            every: section.integer("every", 10, 1, 100_000) as u32,
        },
        Kind::Cosine => ScheduleShape::Cosine { min_rate: min_rate() },
        Kind::OneCycle => ScheduleShape::OneCycle {
            rise: section.float("rise", 0.3, Bounds::open(0.0, 1.0)),
            div: section.float("div", 25.0, Bounds::closed(1.0, 1e9)),
            final_div: section.float("final_div", 1e4, Bounds::closed(1.0, 1e9)),
        },
    };
    let warmup = section.float("warmup", 0.0, Bounds::closed(0.0, 100_000.0));
    if warmup > f64::from(train.epochs) {
        let title = format!("`schedule.warmup` cannot be {warmup}");
        let label = format!("the training has {} epochs", train.epochs);
        section.problem(Problem::new(title, &section.place_of("warmup"), label));
    }
    section.finish(&[
        ("factor", "plateau, step"),
        ("patience", "plateau"),
        ("min_delta", "plateau"),
        ("min_rate", "plateau, cosine"),
        ("every", "step"),
        ("rise", "one_cycle"),
        ("div", "one_cycle"),
        ("final_div", "one_cycle"),
    ]);
    Schedule { shape, warmup }
}
