//! fer-lab's side of the yardstick: it answers commands, one JSON object per line, so that
//! `benches/yardstick/yardstick.py` can compare it with PyTorch in the same run. The protocol is described in
//! `benches/yardstick/program.py`.
//!
//! ```text
//! cargo bench --bench yardstick -- serve
//! cargo bench --bench yardstick -- launches
//! ```
//!
//! `launches` counts libtorch's operators of one training step and of one evaluation batch.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use fer_lab::dataset::{Dataset, Images, Pixels, Split};
use fer_lab::epoch::{EpochRecord, Step};
use fer_lab::experiment::{self, Optimizer as Kind, Precision, Settings};
use fer_lab::model::{Inference, Network};
use fer_lab::region::Fill;
use fer_lab::train::ffi::count_operators;
use fer_lab::train::loss::{Goal, Loss};
use fer_lab::train::optimizer::Optimizer;
use fer_lab::train::{
    Checkpoint, Circumstances, Masks, OnDevice, Standardisation, Training, Watch, device,
    split_logits_under,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tch::{Cuda, Device, Tensor};

/// Steps before the clock starts.
const WARM_UP: u64 = 5;

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Command {
    Load { folder: String },
    Losses { steps: usize, precision: Precision },
    Probabilities { condition: usize, precision: Precision },
    Train { steps: u64, precision: Precision },
    Evaluate { conditions: usize, precision: Precision },
    Bye,
}

/// `spec.json`.
#[derive(Deserialize)]
struct Spec {
    height: usize,
    width: usize,
    channels: usize,
    classes: usize,
    /// The section `[model]` of an experiment file.
    model: Value,
    batch_size: usize,
    threads: u32,
    device: String,
    count: usize,
}

#[derive(Deserialize)]
struct Weight {
    name: String,
    shape: Vec<i64>,
}

/// The task that all contenders are measured on.
struct Task {
    spec: Spec,
    settings: Settings,
    weights: Vec<(String, Tensor)>,
    data: OnDevice,
}

fn main() -> anyhow::Result<()> {
    if std::env::args().any(|argument| argument == "launches") {
        return launches();
    }
    let mut task = None;
    for line in std::io::stdin().lock().lines() {
        let command = serde_json::from_str(&line?)?;
        if let Command::Bye = command {
            break;
        }
        let answer = answer(&mut task, command);
        println!("{}", answer.unwrap_or_else(|error| json!({ "error": format!("{error:#}") })));
    }
    Ok(())
}

fn answer(task: &mut Option<Task>, command: Command) -> anyhow::Result<Value> {
    if let Command::Load { folder } = &command {
        *task = Some(Task::load(Path::new(folder))?);
        return Ok(json!({}));
    }
    let task = task.as_ref().context("nothing is loaded")?;
    Ok(match command {
        Command::Load { .. } | Command::Bye => unreachable!("seen to above"),
        Command::Losses { steps, precision } => json!({ "losses": task.losses(steps, precision)? }),
        Command::Probabilities { condition, precision } => {
            let all = task.probabilities(&task.network(precision)?.folded(), condition);
            let rows = all.chunks_exact(task.spec.classes).take(64).collect::<Vec<_>>();
            json!({ "probabilities": rows })
        }
        Command::Train { steps, precision } => task.train(steps, precision)?,
        Command::Evaluate { conditions, precision } => task.evaluate(conditions, precision)?,
    })
}

impl Task {
    fn load(folder: &Path) -> anyhow::Result<Task> {
        let read = |name: &str| fs::read(folder.join(name)).with_context(|| name.to_owned());
        let spec: Spec = serde_json::from_slice(&read("spec.json")?)?;
        device::prepare(spec.threads);
        let labels = floats(&read("labels.bin")?);
        let dataset = dataset(&spec, read("pictures.bin")?, labels);
        let weights: Vec<Weight> = serde_json::from_slice(&read("weights.json")?)?;
        let mut values = &floats(&read("weights.bin")?)[..];
        let mut named = Vec::new();
        for Weight { name, shape } in weights {
            let (own, rest) = values.split_at(shape.iter().product::<i64>() as usize);
            named.push((name, Tensor::from_slice(own).view(shape.as_slice())));
            values = rest;
        }
        let (settings, device) = (settings(&spec)?, chosen(&spec.device)?);
        let standardisation = Standardisation::of(&dataset.train, spec.channels);
        let data = OnDevice::new(&dataset, Split::Train, &standardisation, device);
        Ok(Task { spec, settings, weights: named, data })
    }

    fn network(&self, precision: Precision) -> anyhow::Result<Network> {
        device::set_precision(precision, self.data.device())?;
        let Spec { channels, classes, .. } = self.spec;
        let model = &self.settings.model;
        let network = Network::new(model, channels, classes, precision, self.data.device(), 0);
        network.restore(&self.weights).map_err(|name| anyhow::anyhow!("no `{name}`"))?;
        Ok(network)
    }

    /// SGD over the batches in their order.
    fn losses(&self, steps: usize, precision: Precision) -> anyhow::Result<Vec<f64>> {
        let network = self.network(precision)?;
        let kind =
            Kind::Sgd { learning_rate: 0.01, momentum: 0.9, nesterov: false, weight_decay: 0.0 };
        let mut optimizer = Optimizer::new(kind, network.moving());
        let batch = self.spec.batch_size as i64;
        let all = Tensor::arange(self.data.len() as i64, (tch::Kind::Int64, self.data.device()));
        let goal = Goal { labels: &self.data.labels, majority: &self.data.majority };
        let minimised = Loss::new(&self.settings.train, &goal).expect("no weights are balanced");
        let step = |step: usize| {
            let index = all.narrow(0, step as i64 * batch, batch);
            let logits = network.forward(&self.data.pictures(&index));
            let labels = self.data.labels.index_select(0, &index);
            let majority = self.data.majority.index_select(0, &index);
            let goal = Goal { labels: &labels, majority: &majority };
            let loss = minimised.training(&logits, &goal, None, None);
            optimizer.step(&network.gradient(&loss), 0.01);
            loss.double_value(&[])
        };
        Ok((0..steps).map(step).collect())
    }

    /// The training itself, interrupted after this many steps.
    fn train(&self, steps: u64, precision: Precision) -> anyhow::Result<Value> {
        device::set_precision(precision, self.data.device())?;
        let mut settings = self.settings.clone();
        settings.train.precision = precision;
        let (train, val) = (&self.data, &self.data);
        let circumstances = &Circumstances::here(self.spec.threads, self.data.device());
        let (settings, seed, masks) = (&settings, 0, None);
        let start = None;
        let training =
            Training { id: "bench", circumstances, settings, seed, start, train, val, masks };
        let mut watch = Stopwatch {
            device: self.data.device(),
            steps,
            asked: Cell::default(),
            began: Cell::default(),
            seconds: Cell::default(),
        };
        training.run(None, &mut watch)?;
        let images = steps * self.spec.batch_size as u64;
        Ok(json!({ "images": images, "seconds": watch.seconds.get() }))
    }

    fn evaluate(&self, conditions: usize, precision: Precision) -> anyhow::Result<Value> {
        let network = self.network(precision)?;
        let began = Instant::now();
        let folded = network.folded();
        let masks: Vec<Masks> = (0..conditions).map(|condition| self.mask(condition)).collect();
        let masks: Vec<Option<&Masks>> = masks.iter().map(Some).collect();
        let all = split_logits_under(&folded, &self.data, &masks, 0, &|| true);
        for logits in all.expect("nobody says no") {
            probabilities(&logits);
        }
        let images = self.data.len() * conditions;
        Ok(json!({ "images": images, "seconds": began.elapsed().as_secs_f64() }))
    }

    fn probabilities(&self, network: &dyn Inference, condition: usize) -> Vec<f32> {
        let mask = self.mask(condition);
        let logits = split_logits_under(network, &self.data, &[Some(&mask)], 0, &|| true);
        let logits = logits.expect("nobody says no");
        probabilities(&logits[0])
    }

    fn mask(&self, condition: usize) -> Masks {
        let Spec { height, width, count, .. } = self.spec;
        let (top, left) = (condition * (height - height / 4) / 7, width / 4);
        let within = |pixel: usize| {
            (top..top + height / 4).contains(&(pixel / width))
                && (left..left + width / 2).contains(&(pixel % width))
        };
        let mask: Vec<u8> = (0..height * width).map(|pixel| u8::from(within(pixel))).collect();
        let masks = mask.repeat(count);
        Masks::new(&masks, height, width, Fill::Mean, self.data.device())
    }
}

/// Of logits `[N, K]`, on the CPU.
fn probabilities(logits: &Tensor) -> Vec<f32> {
    let softmax = logits.softmax(-1, tch::Kind::Float).to_device(Device::Cpu).view(-1);
    Vec::try_from(&softmax).expect("numbers")
}

/// Checks the clock before a step, and ends the training in time.
struct Stopwatch {
    device: Device,
    steps: u64,
    asked: Cell<u64>,
    began: Cell<Option<Instant>>,
    seconds: Cell<f64>,
}

impl Watch for Stopwatch {
    fn step(&mut self, _: &Step) {}

    fn epoch(&mut self, _: &EpochRecord, _: &dyn Fn() -> Checkpoint) {
        panic!("the split is shorter than the steps that are timed: give more pictures");
    }

    fn interrupted(&self) -> bool {
        let asked = self.asked.replace(self.asked.get() + 1);
        if asked == WARM_UP || asked == WARM_UP + self.steps {
            if let Device::Cuda(index) = self.device {
                Cuda::synchronize(index as i64);
            }
            if let Some(began) = self.began.replace(Some(Instant::now())) {
                self.seconds.set(began.elapsed().as_secs_f64());
            }
        }
        asked == WARM_UP + self.steps
    }
}

/// Operators of a step and of an evaluation, on random noise.
fn launches() -> anyhow::Result<()> {
    device::prepare(1);
    println!("On a CPU:");
    launches_of(64)?;
    // With so few features the first batch normalisation is libtorch's, as it is on a GPU for any number.
    println!("As on a GPU:");
    launches_of(13)
}

/// With so many features in the first layer.
fn launches_of(first: i64) -> anyhow::Result<()> {
    let spec = Spec {
        height: 48,
        width: 48,
        channels: 3,
        classes: 7,
        model: json!({ "kind": "vgg", "blocks": [[first, 64], [96, 96, 96], [128, 128, 128]] }),
        batch_size: 64,
        threads: 1,
        device: "cpu".to_owned(),
        count: 1024,
    };
    let pixels: Vec<u8> = (0..spec.count * 48 * 48 * 3).map(|at| (at * 7919 % 251) as u8).collect();
    let labels = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0].repeat(spec.count);
    let dataset = dataset(&spec, pixels, labels);
    let settings = settings(&spec)?;
    let standardisation = Standardisation::of(&dataset.train, spec.channels);
    let data = OnDevice::new(&dataset, Split::Train, &standardisation, Device::Cpu);
    let task = Task { spec, settings, weights: Vec::new(), data };
    for precision in [Precision::F32, Precision::Bf16] {
        // What one step more adds.
        let [few, more] = [4, 5].map(|steps| {
            kernels(&count_operators(|| {
                task.train(steps, precision).expect("a training");
            }))
        });
        println!("{} training step: {} operators", precision.name(), more - few);
        let Spec { channels, classes, .. } = task.spec;
        let model = &task.settings.model;
        let folded = Network::new(model, channels, classes, precision, Device::Cpu, 0).folded();
        let index = Tensor::arange(64, (tch::Kind::Int64, Device::Cpu));
        let answered = count_operators(|| {
            let _ = folded.logits(&task.data.evaluation_batch(&index, None, 0));
        });
        println!("{} answered batch: {} operators", precision.name(), kernels(&answered));
    }
    Ok(())
}

/// Operators other than views and allocations.
fn kernels(counts: &BTreeMap<String, u64>) -> u64 {
    const NO_WORK: [&str; 17] = [
        "view",
        "permute",
        "slice",
        "narrow",
        "as_strided",
        "select",
        "expand",
        "detach",
        "detach_",
        "unsqueeze",
        "transpose",
        "t",
        "alias",
        "empty",
        "empty_strided",
        "empty_like",
        "resize_",
    ];
    let works = |name: &str| !NO_WORK.contains(&name.trim_start_matches("aten::"));
    counts.iter().filter(|(name, _)| works(name)).map(|(_, count)| count).sum()
}

fn settings(spec: &Spec) -> anyhow::Result<Settings> {
    let Spec { height, width, channels, ref model, batch_size, count, .. } = *spec;
    let model = toml::to_string(model)?;
    let text = format!(
        "name = \"bench\"\n[dataset]\nkind = \"faces\"\nsize = [{height}, {width}]\nchannels = {channels}\n\
         train = {count}\n[model]\n{model}[train]\nbatch_size = {batch_size}\nepochs = 1\n"
    );
    let experiment = experiment::parse(&text, "bench", &[])?;
    anyhow::ensure!(experiment.settings.dataset.classes.len() == spec.classes, "7 classes");
    Ok(experiment.settings)
}

fn chosen(name: &str) -> anyhow::Result<Device> {
    let choice = match name.strip_prefix("cuda") {
        Some(_) => experiment::DeviceChoice::Cuda(0),
        None => experiment::DeviceChoice::Cpu,
    };
    Ok(device::choose(choice)?.0)
}

fn dataset(spec: &Spec, pixels: Vec<u8>, labels: Vec<f32>) -> Dataset {
    let images = || Images {
        names: (0..spec.count).map(|image| image.to_string()).collect(),
        pixels: Pixels::Owned(pixels.clone()),
        labels: labels.clone(),
        landmarks: vec![None; spec.count],
    };
    let classes = (0..spec.classes).map(|class| class.to_string()).collect();
    let shape = [spec.height, spec.width, spec.channels];
    Dataset::new(classes, shape, [images(), images(), images()])
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let values = bytes.as_chunks::<4>().0.iter();
    values.map(|value| f32::from_le_bytes(*value)).collect()
}
