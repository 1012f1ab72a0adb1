//! One training and its evaluations, in their folder.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use tch::{Device, Kind, Tensor};

use super::COMMIT;
use super::data::Ready;
use super::guard::guarded;
use crate::dataset::paths::expanded_path;
use crate::dataset::{Dataset, Split};
use crate::engine::{EngineError, Event, MOST_THREADS, Observer, face_maps, manifest};
use crate::epoch::{EpochRecord, Step};
use crate::evaluate::{self, predictions};
use crate::experiment::{OnnxSpec, Statistics, WeightsFile};
use crate::machine::device::driver_version;
use crate::model::onnx::{self, PLACE, TRIED};
use crate::model::{Inference, Network, OnnxNetwork, weights};
use crate::network::ModelNote;
use crate::onnx::RUNTIME;
use crate::plan::{
    EvaluationId, EvaluationSpec, TrainingId, TrainingSpec, same_occlusion, training_id,
};
use crate::region::{Occlusion, TrainingMask, reach};
use crate::store::{
    EpochRow, EvaluationRecord, LogLine, MadeOn, Manifest, Results, StoreError, TrainingStatus,
    hash_file, open_log, read_plain, remove, write_predictions, write_table, write_whole,
};
use crate::train::{
    self, Checkpoint, Circumstances, Masks, Outcome, Resumption, SplitMasks, TrainError, Trained,
    Training, Watch, split_logits, split_logits_under,
};

/// How a training ended.
#[derive(Debug)]
pub(super) enum Ended {
    Done(Box<Subject>),
    Failed {
        reason: String,
        /// Whether a retry might succeed.
        transient: bool,
    },
    Interrupted,
}

/// The network that is evaluated.
#[derive(Debug)]
pub(super) enum Subject {
    Trained(Network),
    /// From a file.
    Foreign(OnnxNetwork),
}

impl Subject {
    /// The network for inference.
    pub fn inference(&self) -> Box<dyn Inference + '_> {
        match self {
            Subject::Trained(network) => network.folded(),
            Subject::Foreign(network) => Box::new(network),
        }
    }
}

/// A training, its folder, and its observer.
pub(super) struct Job<'a> {
    pub spec: &'a TrainingSpec,
    pub id: &'a TrainingId,
    pub results: &'a Results,
    /// Where the network lies that it starts from, where it starts from one.
    pub starts: &'a Results,
    pub ready: &'a Ready,
    pub device: Device,
    /// libtorch's threads: as requested; once trained or loaded, as the network was trained with.
    pub threads: u32,
    pub checkpoint_seconds: u32,
    pub name: &'a str,
}

impl Job<'_> {
    /// Trains, from the last checkpoint if there is one, and stores the network, its epochs and finally the manifest.
    /// It resumes with the threads of the checkpoint, because the last bits depend on them.
    pub fn train(&mut self, observer: &mut dyn Observer) -> Result<Ended, EngineError> {
        let checkpoint_path = self.results.checkpoint_path(self.id.as_str())?;
        let own_threads = self.threads;
        let began = SystemTime::now();
        let mut start = match self.read_checkpoint(&checkpoint_path, observer) {
            Ok(start) => start,
            // Something else is in its place: it is kept, and the other trainings continue.
            Err(error) => {
                let reason = error.to_string();
                self.write_failure(&reason, began, 0.0)?;
                return Ok(Ended::Failed { reason, transient: false });
            }
        };
        let settings = self.spec.own_settings();
        let first = match self.read_start() {
            Ok(first) => first,
            Err(error) => {
                let reason = format!("the network that it starts from cannot be read: {error}");
                self.write_failure(&reason, began, 0.0)?;
                return Ok(Ended::Failed { reason, transient: false });
            }
        };
        let clock = Instant::now();
        let masks = self.spec.mask.as_ref().map(|mask| self.masks(mask));
        let outcome = loop {
            let circumstances = Circumstances::here(self.threads, self.device);
            let training = Training {
                id: self.id.as_str(),
                circumstances: &circumstances,
                settings: &settings,
                seed: self.spec.seed,
                start: first.as_ref(),
                train: &self.ready.train,
                val: &self.ready.val,
                masks: masks.as_ref(),
            };
            let resumed = start.as_ref().and_then(|start| start.epochs_done().ok());
            observer.event(&Event::Started {
                training: self.id.clone(),
                name: self.name.to_owned(),
                seed: self.spec.seed,
                epochs: settings.train.epochs,
                resumed,
            });
            let mut watch = Storing {
                observer,
                training: self.id,
                path: &checkpoint_path,
                log: self.results.log_path(self.id.as_str())?,
                stored: Instant::now(),
                every: Duration::from_secs(u64::from(self.checkpoint_seconds)),
                error: None,
            };
            let outcome = guarded(|| training.run(start.as_ref(), &mut watch));
            if let Some(error) = watch.error {
                return Err(error.into());
            }
            match outcome {
                Ok(Err(TrainError::Checkpoint(error))) if start.is_some() => {
                    warn_of_checkpoint(&checkpoint_path, &error, observer);
                    self.use_threads(own_threads);
                    start = None;
                }
                other => break other,
            }
        };
        let seconds = clock.elapsed().as_secs_f64();
        match outcome {
            Ok(Ok(Outcome::Finished(trained))) => {
                self.store(&trained, began, seconds)?;
                Ok(Ended::Done(Box::new(Subject::Trained(trained.network))))
            }
            Ok(Ok(Outcome::Interrupted(checkpoint))) => {
                write_checkpoint(&checkpoint_path, &checkpoint)?;
                Ok(Ended::Interrupted)
            }
            Ok(Err(error)) => {
                // The same steps on the same processor fail again; on a GPU they may not.
                let transient = self.device != Device::Cpu;
                self.fail(error.to_string(), transient, began, seconds)
            }
            Err(panic) => self.fail(panic, true, began, seconds),
        }
    }

    /// The checkpoint to resume from, with its threads. If it cannot be used, the training restarts with a
    /// warning.
    fn read_checkpoint(
        &mut self,
        path: &Path,
        observer: &mut dyn Observer,
    ) -> Result<Option<Checkpoint>, StoreError> {
        let bytes = match read_plain(path, u64::MAX) {
            Err(StoreError::NotFound { .. }) => return Ok(None),
            other => other?,
        };
        let opened = Checkpoint::open(bytes, self.id.as_str())
            .and_then(|checkpoint| Ok((checkpoint.circumstances()?, checkpoint)));
        let (then, checkpoint) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                warn_of_checkpoint(path, &error, observer);
                return Ok(None);
            }
        };
        if !(1..=MOST_THREADS).contains(&then.threads) {
            let reason = format!("it cannot have had {} threads", then.threads);
            warn_of_checkpoint(path, &reason, observer);
            return Ok(None);
        }
        match Circumstances::here(self.threads, self.device).resume(&then) {
            Resumption::BeginAgain { reason } => {
                warn_of_checkpoint(path, &reason, observer);
                return Ok(None);
            }
            Resumption::GoOn { warning } => {
                if let Some(warning) = warning {
                    let text = format!("{}, seed {}: {warning}", self.name, self.spec.seed);
                    observer.event(&Event::Warning { text });
                }
            }
        }
        self.use_threads(then.threads);
        Ok(Some(checkpoint))
    }

    fn use_threads(&mut self, threads: u32) {
        self.threads = threads;
        train::device::set_threads(threads);
    }

    /// The masks of the training and validation images. Random sets are drawn for the validation images only once, so
    /// that epochs can be compared.
    fn masks(&self, mask: &TrainingMask) -> SplitMasks {
        let train = self.ready.training_masks(mask, self.spec.settings.train.augment.flip);
        let val = match mask {
            TrainingMask::Fixed(occlusion) => self.ready.mask(occlusion, Split::Val).0,
            TrainingMask::Tuned(tuned) => self.ready.mask(&tuned.occlusion(), Split::Val).0,
            TrainingMask::Random(sets) => {
                self.ready.random_masks(sets, Split::Val).settled(self.spec.seed)
            }
        };
        SplitMasks { train, val }
    }

    /// Opens a network that was trained elsewhere, tries it with some pictures, and, where it is not `there` already, stores
    /// the manifest that says which network was evaluated. A library of another version than the ids of results name is
    /// warned of.
    ///
    /// # Errors
    /// Where evaluations of the network by another version of ONNX Runtime are there.
    pub fn open(
        &mut self,
        spec: &OnnxSpec,
        there: bool,
        observer: &mut dyn Observer,
    ) -> Result<Ended, EngineError> {
        let version = onnx::version();
        if there {
            let manifest = self.results.manifest(self.id.as_str())?;
            if let (Some(then), Some(now)) = (&manifest.onnxruntime, &version)
                && then != now
            {
                let path = self.results.manifest_path(self.id.as_str())?;
                let reason = format!(
                    "this network was evaluated by ONNX Runtime {then}, and the library here is {now}: set {PLACE} to one \
                     of version {then}, or take another results folder"
                );
                return Err(StoreError::Foreign { path, reason }.into());
            }
            if (1..=MOST_THREADS).contains(&manifest.threads) {
                self.use_threads(manifest.threads);
            }
        }
        if let Some(other) = version.as_ref().filter(|version| *version != RUNTIME) {
            let text = format!(
                "{}: ONNX Runtime {other} answers, and not {RUNTIME}, whose results have the same ids; keep them in a results \
                 folder of their own",
                self.name
            );
            observer.event(&Event::Warning { text });
        }
        let began = SystemTime::now();
        let clock = Instant::now();
        let test = &self.ready.test;
        let classes = &self.ready.dataset.classes;
        let opened =
            OnnxNetwork::open(spec, test.standardisation(), classes, self.device, self.threads)
                .and_then(|network| {
                    let some = TRIED.min(test.len()) as i64;
                    let first = Tensor::arange(some, (Kind::Int64, test.device()));
                    network.check(&test.pictures(&first))?;
                    Ok(network)
                });
        let seconds = clock.elapsed().as_secs_f64();
        let network = match opened {
            Ok(network) => network,
            Err(error) => return self.fail(error.to_string(), false, began, seconds),
        };
        if !there {
            let mut manifest = self.manifest(began, seconds, TrainingStatus::Done);
            manifest.onnxruntime = version;
            manifest.write(&self.results.manifest_path(self.id.as_str())?)?;
        }
        Ok(Ended::Done(Box::new(Subject::Foreign(network))))
    }

    /// The trained network, from its folder. Its predictions are computed with as many threads as it was trained
    /// with, so that they are bit-identical.
    pub fn load(&mut self) -> Result<Network, EngineError> {
        let threads = self.results.manifest(self.id.as_str())?.threads;
        if (1..=MOST_THREADS).contains(&threads) {
            self.use_threads(threads);
        }
        self.read_network(self.results, self.id)
    }

    /// The network that the training starts from; `None` where it starts from random weights.
    fn read_start(&self) -> Result<Option<Network>, EngineError> {
        let Some(start) = self.spec.start() else { return self.read_weights() };
        let id = training_id(&start, Some(&self.ready.dataset.content));
        self.starts.manifest(id.as_str())?;
        self.read_network(self.starts, &id).map(Some)
    }

    /// The network of the experiment's file of weights, where there is one.
    fn read_weights(&self) -> Result<Option<Network>, EngineError> {
        let settings = &self.spec.settings;
        let file = settings.model.common().and_then(|common| common.weights.as_ref());
        let Some(WeightsFile { path, hash }) = file else { return Ok(None) };
        let path = expanded_path(path)?;
        let bytes = read_plain(&path, u64::MAX)?;
        if blake3::hash(&bytes).to_hex().as_str() != hash {
            let reason =
                "it has changed since the experiment was read; run the experiment again".to_owned();
            return Err(StoreError::Foreign { path, reason }.into());
        }
        let weights = weights::read(&bytes).map_err(|error| StoreError::damaged(&path, error))?;
        let network = train::network(settings, &self.ready.train, self.spec.seed);
        network.start_from(&weights).map_err(|name| {
            let reason = format!("it holds no `{name}` of the shape that this network needs");
            StoreError::Foreign { path, reason }
        })?;
        Ok(Some(network))
    }

    fn read_network(&self, results: &Results, id: &TrainingId) -> Result<Network, EngineError> {
        let network = train::network(&self.spec.settings, &self.ready.train, self.spec.seed);
        let path = results.model_path(id.as_str())?;
        let note = network
            .decode(&read_plain(&path, u64::MAX)?)
            .map_err(|error| StoreError::damaged(&path, error))?;
        let note: ModelNote =
            serde_json::from_str(&note).map_err(|error| StoreError::damaged(&path, error))?;
        if note.training_id != id.as_str() {
            let reason = format!("it is the network of training {}", note.training_id);
            return Err(StoreError::Foreign { path, reason }.into());
        }
        Ok(network)
    }

    /// Evaluates the network on `test` in several ways at once and stores its predictions; on `val` too if the
    /// evaluation is that of its validation, so that the choice of its epoch can be checked.
    ///
    /// `false` once `go_on` says no: then nothing of these is stored. The result of one does not depend on the others. A network trained under one mask has few evaluations; any other
    /// has many, for which only the masked parts of the images are recomputed.
    pub fn evaluate(
        &self,
        network: &Subject,
        evaluations: &[(&EvaluationId, &EvaluationSpec)],
        go_on: &dyn Fn() -> bool,
    ) -> Result<bool, EngineError> {
        let (trained, adapted): (Vec<_>, Vec<_>) = evaluations
            .iter()
            .partition(|(_, examination)| examination.statistics == Statistics::Trained);
        for (id, examination) in adapted {
            // An experiment with adapted statistics of a network from a file is not valid.
            let Subject::Trained(network) = network else { continue };
            let occlusion = examination.occlusion.as_ref();
            let mask = occlusion.map(|occlusion| self.ready.mask(occlusion, Split::Train).0);
            let (train, seed) = (&self.ready.train, self.spec.seed);
            let adapted = evaluate::adapted(network, train, mask.as_ref(), seed, go_on);
            let Some(network) = adapted else { return Ok(false) };
            if !self.evaluate_as_it_is(&network.folded(), &[(id, occlusion)], false, go_on)? {
                return Ok(false);
            }
        }
        if trained.is_empty() {
            return Ok(true);
        }
        let trained = trained.iter().map(|(id, examination)| (*id, examination.occlusion.as_ref()));
        let trained: Vec<_> = trained.collect();
        self.evaluate_as_it_is(&*network.inference(), &trained, true, go_on)
    }

    /// Whether the network was validated under this occlusion.
    fn was_validated_under(&self, occlusion: Option<&Occlusion>) -> bool {
        match (&self.spec.mask, occlusion) {
            (None, None) => true,
            (Some(mask), Some(occlusion)) => {
                mask.last_occlusion().is_some_and(|last| same_occlusion(&last, occlusion))
            }
            _ => false,
        }
    }

    fn evaluate_as_it_is(
        &self,
        network: &dyn Inference,
        evaluations: &[(&EvaluationId, Option<&Occlusion>)],
        validated: bool,
        go_on: &dyn Fn() -> bool,
    ) -> Result<bool, EngineError> {
        let seed = self.spec.seed;
        let masks: Vec<Option<(Masks, f64)>> = evaluations
            .iter()
            .map(|(_, occlusion)| Some(self.ready.mask((*occlusion)?, Split::Test)))
            .collect();
        let on_test: Vec<Option<&Masks>> =
            masks.iter().map(|mask| mask.as_ref().map(|(mask, _)| mask)).collect();
        let test = &self.ready.test;
        let logits: Option<Vec<Tensor>> = match self.spec.mask {
            Some(TrainingMask::Fixed(_) | TrainingMask::Tuned(_)) => {
                on_test.iter().map(|mask| split_logits(network, test, *mask, seed, go_on)).collect()
            }
            Some(TrainingMask::Random(_)) | None => {
                split_logits_under(network, test, &on_test, seed, go_on)
            }
        };
        let Some(logits) = logits else { return Ok(false) };
        for (((id, occlusion), mask), logits) in evaluations.iter().zip(&masks).zip(&logits) {
            let mut rows = Vec::new();
            let dataset = &self.ready.dataset;
            if validated && self.was_validated_under(*occlusion) {
                let mask = occlusion.map(|occlusion| self.ready.mask(occlusion, Split::Val).0);
                let val = &self.ready.val;
                let logits = split_logits(network, val, mask.as_ref(), seed, go_on);
                let Some(logits) = logits else { return Ok(false) };
                rows.extend(predictions(&logits, dataset, Split::Val, id.as_str()));
            }
            rows.extend(predictions(logits, dataset, Split::Test, id.as_str()));
            let path = self.results.evaluation_path(self.id.as_str(), id.as_str())?;
            write_predictions(&path, &rows, &dataset.classes)?;
            // The record is written last: if it exists, the predictions are complete.
            let record = EvaluationRecord {
                evaluation_id: id.to_string(),
                area: mask.as_ref().map_or(0.0, |(_, area)| *area),
                missed: occlusion.map(|occlusion| missed(occlusion, dataset)),
                predictions: hash_file(&path)?,
                made_on: Some(self.made_on()),
            };
            record.write(&EvaluationRecord::path(&path))?;
        }
        Ok(true)
    }

    /// Where this process computes, and by what.
    fn made_on(&self) -> MadeOn {
        MadeOn {
            device: train::device::name(self.device),
            processor: train::device::processor(self.device),
            driver: driver_version(),
            libtorch: train::device::libtorch(),
            threads: self.threads,
        }
    }

    fn store(&self, trained: &Trained, began: SystemTime, seconds: f64) -> Result<(), EngineError> {
        let epochs: Vec<EpochRow> =
            trained.epochs.iter().map(|record| self.epoch_row(record)).collect();
        let epochs_path = self.results.epochs_path(self.id.as_str())?;
        write_table(&epochs_path, &epochs)?;
        let model_path = self.results.model_path(self.id.as_str())?;
        let standardisation = self.ready.train.standardisation();
        let note = ModelNote {
            training_id: self.id.to_string(),
            classes: self.ready.dataset.classes.clone(),
            mean: standardisation.mean.clone(),
            deviation: standardisation.deviation.clone(),
        };
        let note = serde_json::to_string(&note).expect("names and numbers are JSON");
        let bytes = trained.network.encode(&note);
        write_whole(&model_path, |file| file.write_all(&bytes))?;
        let mut manifest = self.manifest(began, seconds, TrainingStatus::Done);
        manifest.epochs = trained.epochs.len() as u32;
        manifest.best_epoch = trained.best_epoch;
        manifest.stopped_early = trained.stopped_early;
        let trained_seconds: f64 = trained.epochs.iter().map(|epoch| epoch.seconds).sum();
        let images = trained.epochs.len() * self.ready.train.len();
        manifest.wall_seconds = trained_seconds;
        let train_seconds: f64 = trained.epochs.iter().map(|epoch| epoch.train_seconds).sum();
        manifest.train_images_per_second = images as f64 / train_seconds;
        for path in [&epochs_path, &model_path] {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            manifest.files.insert(name, hash_file(path)?);
        }
        manifest.write(&self.results.manifest_path(self.id.as_str())?)?;
        Ok(remove(&self.results.checkpoint_path(self.id.as_str())?)?)
    }

    fn fail(
        &self,
        reason: String,
        transient: bool,
        began: SystemTime,
        seconds: f64,
    ) -> Result<Ended, EngineError> {
        self.write_failure(&reason, began, seconds)?;
        remove(&self.results.checkpoint_path(self.id.as_str())?)?;
        Ok(Ended::Failed { reason, transient })
    }

    fn write_failure(
        &self,
        reason: &str,
        began: SystemTime,
        seconds: f64,
    ) -> Result<(), EngineError> {
        let status = TrainingStatus::Failed { reason: reason.to_owned() };
        let manifest = self.manifest(began, seconds, status);
        Ok(manifest.write(&self.results.manifest_path(self.id.as_str())?)?)
    }

    fn manifest(&self, began: SystemTime, seconds: f64, status: TrainingStatus) -> Manifest {
        let fixed = self.spec.mask.as_ref().and_then(TrainingMask::last_occlusion);
        Manifest {
            wall_seconds: seconds,
            content: Some(self.ready.dataset.content.clone()),
            prior: self.ready.prior(),
            masked_area: fixed.map(|occlusion| self.ready.mask(&occlusion, Split::Test).1),
            device: train::device::name(self.device),
            processor: train::device::processor(self.device),
            libtorch: train::device::libtorch(),
            ..manifest(self.spec, self.id, COMMIT, self.threads, began, status)
        }
    }

    fn epoch_row(&self, record: &EpochRecord) -> EpochRow {
        EpochRow {
            training_id: self.id.to_string(),
            epoch: record.epoch,
            learning_rate: record.learning_rate,
            train_loss: record.train_loss,
            train_accuracy: record.train_accuracy,
            val_loss: record.val_loss,
            val_accuracy: record.val_accuracy,
            seconds: record.seconds,
        }
    }
}

/// The share of the test images in which an occlusion's regions have no pixel; 0 where it has no regions.
fn missed(occlusion: &Occlusion, dataset: &Dataset) -> f64 {
    if occlusion.polygons.is_empty() {
        return 0.0;
    }
    let frames = face_maps(dataset, Split::Test);
    let polygons = &occlusion.polygons;
    let missed = reach::missed(polygons, &frames, dataset.height, dataset.width);
    missed as f64 / frames.len().max(1) as f64
}

/// Forwards progress, and stores a checkpoint periodically.
struct Storing<'a> {
    observer: &'a mut dyn Observer,
    training: &'a TrainingId,
    path: &'a Path,
    log: PathBuf,
    stored: Instant,
    every: Duration,
    error: Option<StoreError>,
}

impl Watch for Storing<'_> {
    fn step(&mut self, step: &Step) {
        self.observer.event(&Event::Step { training: self.training.clone(), step: *step });
    }

    fn epoch(&mut self, record: &EpochRecord, checkpoint: &dyn Fn() -> Checkpoint) {
        self.observer.event(&Event::Epoch { training: self.training.clone(), record: *record });
        self.error = append(&self.log, record).err();
        if self.error.is_none() && self.stored.elapsed() >= self.every {
            self.error = write_checkpoint(self.path, &checkpoint()).err();
            self.stored = Instant::now();
        }
    }

    fn interrupted(&self) -> bool {
        self.error.is_some() || self.observer.interrupted()
    }
}

/// One line per epoch, to follow a running training.
fn append(log: &Path, record: &EpochRecord) -> Result<(), StoreError> {
    let failed = |error| StoreError::write(log, error);
    let mut file = open_log(log)?;
    let line = LogLine {
        epoch: record.epoch,
        learning_rate: record.learning_rate,
        train_loss: record.train_loss,
        train_accuracy: record.train_accuracy,
        val_loss: record.val_loss,
        val_accuracy: record.val_accuracy,
        seconds: record.seconds,
    };
    writeln!(file, "{line}").map_err(failed)
}

fn warn_of_checkpoint(path: &Path, error: &dyn std::fmt::Display, observer: &mut dyn Observer) {
    let path = path.display();
    let text = format!("the checkpoint `{path}` cannot be used ({error}); the training restarts");
    observer.event(&Event::Warning { text });
}

fn write_checkpoint(path: &Path, checkpoint: &Checkpoint) -> Result<(), StoreError> {
    write_whole(path, |file| file.write_all(checkpoint.bytes()))
}
