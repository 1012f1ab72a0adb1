//! What a training must do as a whole, on pictures that a small network learns in a second.

use rand::RngExt;
use std::cell::Cell;
use tch::{Device, Tensor};

use super::*;
use crate::dataset::{Dataset, Images, Pixels, Split};
use crate::epoch::{EpochRecord, Step};
use crate::experiment::*;
use crate::model::Network;
use crate::region::{Fill, Mode, RandomSets};

const SIDE: usize = 8;

/// Bright on the left or on the right, on grey noise.
fn images(count: usize) -> Images {
    let mut pixels = Vec::new();
    let mut labels = Vec::new();
    for image in 0..count {
        let right = image % 2;
        for index in 0..SIDE * SIDE {
            let bright = usize::from(index % SIDE >= SIDE / 2) == right;
            let noise = (image * 31 + index * 17) % 60;
            pixels.push((60 + noise + if bright { 80 } else { 0 }) as u8);
        }
        labels.extend([1.0 - right as f32, right as f32]);
    }
    Images {
        names: (0..count).map(|image| image.to_string()).collect(),
        pixels: Pixels::Owned(pixels),
        labels,
        landmarks: vec![None; count],
    }
}

fn dataset() -> Dataset {
    of_images(SIDE, [images(50), images(20), images(20)])
}

fn of_images(side: usize, [train, val, test]: [Images; 3]) -> Dataset {
    crate::train::fixture::in_memory(["left", "right"], (side, side), [train, val, test])
}

/// Noise of every image's own, with a square of 4 × 4 in its middle that is bright in every second image.
fn with_squares(count: usize, side: usize) -> Images {
    let mut generator = crate::random::generator(1, "test", &[count as u64]);
    let within = |at: usize| (side / 2 - 2..side / 2 + 2).contains(&at);
    let mut made = Images { pixels: Pixels::Owned(Vec::new()), ..images(count) };
    let pixel = |(image, at): (usize, usize)| {
        let square = within(at / side) && within(at % side);
        let bright = if square && image % 2 == 1 { 120 } else { 0 };
        bright + generator.random_range(60..120)
    };
    let pixels = (0..count).flat_map(|image| (0..side * side).map(move |at| (image, at)));
    made.pixels = Pixels::Owned(pixels.map(pixel).collect());
    made
}

fn settings() -> Settings {
    let text = r#"
        name = "t"
        [dataset]
        kind = "faces"
        size = [8, 8]
        classes = ["neutral", "happiness"]
        [model]
        blocks = [[4], [8]]
        [train]
        epochs = 4
        batch_size = 16
        optimizer = { kind = "adam", learning_rate = 0.02 }
        augment = { rotate = 5.0, scale = 0.1, flip = false }
        device = "cpu"
    "#;
    parse(text, "test", &[]).expect("the settings are valid").settings
}

fn set_blocks(settings: &mut Settings, blocks: Vec<Vec<i64>>) {
    let ModelSpec::Vgg(model) = &mut settings.model else { panic!("it has blocks") };
    model.blocks = blocks;
}

/// Stops after so many steps.
struct After {
    left: Cell<u32>,
    checkpoints: Vec<Checkpoint>,
}

impl Watch for After {
    fn step(&mut self, _: &Step) {}

    fn epoch(&mut self, _: &EpochRecord, checkpoint: &dyn Fn() -> Checkpoint) {
        self.checkpoints.push(checkpoint());
    }

    fn interrupted(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left == 0
    }
}

fn never() -> After {
    After { left: Cell::new(u32::MAX), checkpoints: Vec::new() }
}

struct Setting {
    settings: Settings,
    train: OnDevice,
    val: OnDevice,
    masks: Option<SplitMasks>,
}

impl Setting {
    fn new(settings: Settings) -> Setting {
        Setting::of(settings, &dataset())
    }

    fn of(settings: Settings, dataset: &Dataset) -> Setting {
        let standardisation = Standardisation::of(&dataset.train, 1);
        let on_device = |split| OnDevice::new(dataset, split, &standardisation, Device::Cpu);
        let (train, val) = (on_device(Split::Train), on_device(Split::Val));
        Setting { settings, train, val, masks: None }
    }

    fn run(
        &self,
        seed: u64,
        start: Option<&Checkpoint>,
        watch: &mut dyn Watch,
    ) -> Result<Outcome, TrainError> {
        let circumstances = &Circumstances::here(1, Device::Cpu);
        self.training(seed, circumstances, None).run(start, watch)
    }

    fn training<'a>(
        &'a self,
        seed: u64,
        circumstances: &'a Circumstances,
        start: Option<&'a Network>,
    ) -> Training<'a> {
        let Setting { settings, train, val, masks } = self;
        let masks = masks.as_ref();
        Training { id: "t1", circumstances, settings, seed, start, train, val, masks }
    }

    fn finished(&self, seed: u64) -> Trained {
        match self.run(seed, None, &mut never()).unwrap() {
            Outcome::Finished(trained) => *trained,
            Outcome::Interrupted(_) => panic!("not interrupted"),
        }
    }
}

/// All that must be the same whether or not a training was interrupted.
fn numbers(trained: &Trained) -> (Vec<EpochRecord>, u32, Vec<u8>) {
    let timeless = |epoch: &EpochRecord| EpochRecord { seconds: 0.0, train_seconds: 0.0, ..*epoch };
    let epochs = trained.epochs.iter().map(timeless);
    (epochs.collect(), trained.best_epoch, trained.network.encode(""))
}

#[test]
fn a_network_learns_what_there_is_to_learn() {
    let mut settings = settings();
    settings.train.epochs = 8;
    let trained = Setting::new(settings).finished(1);
    assert!(trained.epochs.last().unwrap().val_accuracy >= 0.95, "{:?}", trained.epochs);
}

/// Its steps are too small to change anything: what it knows after an epoch is what it was given.
#[test]
fn a_training_can_start_from_another_network() {
    let mut settings = settings();
    settings.train.epochs = 8;
    let first = Setting::new(settings.clone()).finished(1);
    settings.train.epochs = 1;
    settings.train.optimizer =
        Optimizer::Sgd { learning_rate: 1e-9, momentum: 0.0, nesterov: false, weight_decay: 0.0 };
    let setting = Setting::new(settings);
    let circumstances = &Circumstances::here(1, Device::Cpu);
    let epoch = |start: Option<&Network>| {
        let training = setting.training(1, circumstances, start);
        match training.run(None, &mut never()).unwrap() {
            Outcome::Finished(trained) => trained.epochs[0],
            Outcome::Interrupted(_) => panic!("nobody interrupted"),
        }
    };
    let (from_first, from_nothing) = (epoch(Some(&first.network)), epoch(None));
    assert!(from_first.val_accuracy >= 0.95, "{from_first:?}");
    assert!(from_nothing.val_accuracy < 0.8, "{from_nothing:?}");
}

/// With images that are interpolated after masking, or masked without regard to what is
/// interpolated, this network is right on nearly all of its training pictures.
#[test]
fn a_network_does_not_learn_what_is_hidden() {
    const SIDE: usize = 16;
    let mut settings = settings();
    (settings.dataset.height, settings.dataset.width) = (SIDE, SIDE);
    settings.train.epochs = 8;
    settings.train.augment = Augment { rotate: 10.0, scale: 0.1, flip: true, erasing: 0.0 };
    let data = of_images(SIDE, [240, 20, 20].map(|count| with_squares(count, SIDE)));
    let hidden = |count: usize| {
        let within = |at: usize| (SIDE / 2 - 2..SIDE / 2 + 2).contains(&at);
        let mask = (0..SIDE * SIDE).map(|at| u8::from(within(at / SIDE) && within(at % SIDE)));
        Masks::new(&mask.collect::<Vec<_>>().repeat(count), SIDE, SIDE, Fill::Mean, Device::Cpu)
    };
    let seen = Setting::of(settings.clone(), &data).finished(1);
    let mut covered = Setting::of(settings, &data);
    covered.masks = Some(SplitMasks { train: hidden(240).into(), val: hidden(20) });
    let covered = covered.finished(1);
    let accuracy = |trained: &Trained| trained.epochs.last().unwrap().train_accuracy;
    assert!(accuracy(&seen) > 0.9, "{:?}", seen.epochs);
    assert!(accuracy(&covered) < 0.65, "{:?}", covered.epochs);
}

/// Two trainings on images that differ in masked pixels alone, at another place in each, end with the same bits, though
/// images are mixed and erased.
#[test]
fn nothing_that_is_hidden_passes_through_mixtures() {
    const SIDE: usize = 16;
    let mut settings = settings();
    (settings.dataset.height, settings.dataset.width) = (SIDE, SIDE);
    settings.train.epochs = 2;
    settings.train.augment = Augment { rotate: 10.0, scale: 0.1, flip: true, erasing: 0.5 };
    settings.train.mixup = 1.0;
    let mask = |count: usize| -> Vec<u8> {
        let hides = |at: usize| (at / (SIDE * SIDE) % 12..).take(4).any(|x| x == at % SIDE);
        (0..count * SIDE * SIDE).map(|at| u8::from(hides(at))).collect()
    };
    let images = || [48, 20, 20].map(|count| with_squares(count, SIDE));
    let [mut train, val, test] = images();
    // The same values, so that the images are standardised alike.
    let mut pixels = train.pixels.to_vec();
    let is_hidden = mask(48);
    let hidden: Vec<usize> = (0..pixels.len()).filter(|at| is_hidden[*at] == 1).collect();
    for (at, from) in hidden.iter().zip(hidden.iter().rev()) {
        pixels[*at] = train.pixels[*from];
    }
    train.pixels = Pixels::Owned(pixels);
    let data = [of_images(SIDE, images()), of_images(SIDE, [train, val, test])];
    let ends = |masked: bool| {
        data.each_ref().map(|data| {
            let mut setting = Setting::of(settings.clone(), data);
            let masks = |count| Masks::new(&mask(count), SIDE, SIDE, Fill::Mean, Device::Cpu);
            setting.masks = masked.then(|| SplitMasks { train: masks(48).into(), val: masks(20) });
            numbers(&setting.finished(1))
        })
    };
    let [one, other] = ends(true);
    assert_eq!(one, other);
    let [one, other] = ends(false);
    assert_ne!(one, other, "the test can fail");
}

/// 9 × 9 pixels and three blocks leave a single number of each feature, and 65 pictures in batches of 64 a
/// batch of one.
#[test]
fn a_single_picture_that_is_left_over_is_learned_from_all_the_same() {
    let mut settings = settings();
    (settings.dataset.height, settings.dataset.width) = (9, 9);
    set_blocks(&mut settings, vec![vec![4], vec![4], vec![4]]);
    settings.train.batch_size = 64;
    let data = |train| of_images(9, [train, 20, 20].map(|count| with_squares(count, 9)));
    let trained = Setting::of(settings.clone(), &data(65)).finished(1);
    assert!(trained.epochs.iter().all(|epoch| epoch.train_loss.is_finite()));
    let error = Setting::of(settings, &data(1)).run(1, None, &mut never()).unwrap_err();
    assert!(matches!(error, TrainError::NoVariance { images: 1 }), "{error}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
    let setting = Setting::new(settings());
    assert_eq!(numbers(&setting.finished(3)), numbers(&setting.finished(3)));
    assert_ne!(numbers(&setting.finished(3)), numbers(&setting.finished(4)));
}

#[test]
fn an_interrupted_training_ends_as_one_that_was_not() {
    let third = |count: usize| (0..count * SIDE * SIDE).map(|pixel| u8::from(pixel % 3 == 0));
    let noise = |count| {
        let mask: Vec<u8> = third(count).collect();
        Masks::new(&mask, SIDE, SIDE, Fill::Noise, Device::Cpu)
    };
    let sets = |count| {
        let members: Vec<i32> = third(count).map(i32::from).collect();
        let sets = RandomSets {
            regions: vec![Vec::new()],
            mode: Mode::Keep,
            fill: Fill::Mean,
            elsewhere: true,
        };
        RandomMasks::new(&sets, &members, None, SIDE, SIDE, Device::Cpu)
    };
    let mut dropping = settings();
    let ModelSpec::Vgg(model) = &mut dropping.model else { panic!("it has blocks") };
    model.common.dropout = 0.5;
    model.common.freeze = vec!["blocks.0.0.norm".to_owned()];
    for (settings, masks) in [
        (settings(), None),
        (dropping, None),
        (settings(), Some(SplitMasks { train: noise(50).into(), val: noise(20) })),
        (settings(), Some(SplitMasks { train: sets(50).into(), val: sets(20).settled(5) })),
    ] {
        let mut setting = Setting::new(settings);
        setting.masks = masks;
        let whole = numbers(&setting.finished(5));
        // It looks 5 times an epoch, before its 4 steps and its validation, in 4 epochs: before the first step, within
        // epochs, before validations, and between epochs.
        for looks in [0, 1, 3, 4, 5, 9, 10, 18, 19] {
            let mut watch = After { left: Cell::new(looks), checkpoints: Vec::new() };
            let Outcome::Interrupted(checkpoint) = setting.run(5, None, &mut watch).unwrap() else {
                panic!("it should have been interrupted")
            };
            let stored = Checkpoint::open(checkpoint.bytes().to_vec(), "t1").unwrap();
            let Outcome::Finished(trained) = setting.run(5, Some(&stored), &mut never()).unwrap()
            else {
                panic!("not interrupted")
            };
            assert_eq!(numbers(&trained), whole, "after {looks} looks");
        }
    }
}

/// The settings with one key of `[train]` each, as in the file.
fn regularised() -> Vec<(&'static str, Settings)> {
    let with = |change: fn(&mut TrainSpec)| {
        let mut settings = settings();
        change(&mut settings.train);
        settings
    };
    vec![
        ("label_smoothing", with(|train| train.label_smoothing = 0.1)),
        ("mixup", with(|train| train.mixup = 0.4)),
        ("averaging", with(|train| train.averaging = 0.9)),
        ("class_weights", with(|train| train.class_weights = ClassWeights::Each(vec![1.0, 3.0]))),
        ("erasing", with(|train| train.augment.erasing = 0.5)),
    ]
}

/// Each regulariser changes the network, gives the same bytes twice, and the same after an interruption within an epoch
/// and between two, under masks that are drawn too.
#[test]
fn regularised_trainings_repeat_and_resume() {
    let plain = numbers(&Setting::new(settings()).finished(5));
    for (key, settings) in regularised() {
        let mut setting = Setting::new(settings);
        let mask = |count: usize| {
            let third: Vec<u8> =
                (0..count * SIDE * SIDE).map(|pixel| u8::from(pixel % 3 == 0)).collect();
            Masks::new(&third, SIDE, SIDE, Fill::Noise, Device::Cpu)
        };
        assert_ne!(numbers(&setting.finished(5)), plain, "{key}");
        setting.masks = Some(SplitMasks { train: mask(50).into(), val: mask(20) });
        let whole = numbers(&setting.finished(5));
        assert_eq!(numbers(&setting.finished(5)), whole, "{key}");
        for looks in [0, 3, 4, 10] {
            let mut watch = After { left: Cell::new(looks), checkpoints: Vec::new() };
            let Outcome::Interrupted(checkpoint) = setting.run(5, None, &mut watch).unwrap() else {
                panic!("it should have been interrupted")
            };
            let stored = Checkpoint::open(checkpoint.bytes().to_vec(), "t1").unwrap();
            let Outcome::Finished(trained) = setting.run(5, Some(&stored), &mut never()).unwrap()
            else {
                panic!("not interrupted")
            };
            assert_eq!(numbers(&trained), whole, "{key} after {looks} looks");
        }
    }
}

/// One step: of the network at the start, w, and after the step, v, the average keeps min(decay, 2 / 11).
#[test]
fn what_is_kept_is_the_average() {
    let mut settings = settings();
    settings.train.epochs = 1;
    settings.train.batch_size = 50;
    settings.train.select = Select::Last;
    let setting = Setting::new(settings.clone());
    let start = crate::train::network(&settings, &setting.train, 1).snapshot();
    let last = setting.finished(1).network.snapshot();
    for (decay, kept) in [(0.1, 0.1), (0.999, 2.0 / 11.0)] {
        settings.train.averaging = decay;
        let averaged = Setting::new(settings.clone()).finished(1).network.snapshot();
        for (((name, start), (_, last)), (_, average)) in start.iter().zip(&last).zip(&averaged) {
            let expected = start * kept + last * (1.0 - kept);
            assert!(average.allclose(&expected, 1e-5, 1e-6, false), "{name} with {decay}");
            if name.ends_with("running_mean") || name.ends_with("head.weight") {
                assert!(!average.allclose(last, 1e-5, 1e-6, false), "{name} with {decay}");
            }
        }
    }
}

#[test]
fn a_class_without_images_cannot_be_balanced() {
    let mut settings = settings();
    settings.train.class_weights = ClassWeights::Balanced;
    let mut setting = Setting::new(settings);
    let labels = Tensor::from_slice(&[1.0f32, 0.0]).repeat([50, 1]);
    setting.train.labels = labels;
    let message = setting.run(1, None, &mut never()).unwrap_err().to_string();
    let class = &setting.settings.dataset.classes[1];
    assert!(message.contains(&format!("none has a share of `{class}`")), "{message}");
}

#[test]
fn a_checkpoint_at_the_end_of_an_epoch_goes_on_as_well() {
    let setting = Setting::new(settings());
    let mut watch = never();
    let Outcome::Finished(whole) = setting.run(6, None, &mut watch).unwrap() else {
        panic!("not interrupted")
    };
    for checkpoint in &watch.checkpoints {
        let Outcome::Finished(trained) = setting.run(6, Some(checkpoint), &mut never()).unwrap()
        else {
            panic!("not interrupted")
        };
        assert_eq!(numbers(&trained), numbers(&whole));
    }
    assert_eq!(watch.checkpoints[2].epochs_done().unwrap(), 3);
}

/// What a power cut leaves, a cosmic ray makes or a hand mixes up.
#[test]
fn a_checkpoint_that_is_not_what_was_written_is_refused() {
    let setting = Setting::new(settings());
    let mut watch = never();
    setting.run(6, None, &mut watch).unwrap();
    let bytes = watch.checkpoints[1].bytes();
    let open = |bytes: Vec<u8>| Checkpoint::open(bytes, "t1").map(|_| ());
    open(bytes.to_vec()).unwrap();
    for at in 0..bytes.len() {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1 << (at % 8);
        assert!(open(flipped).is_err(), "byte {at} of {}", bytes.len());
    }
    for length in [0, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        assert!(open(bytes[..length].to_vec()).is_err(), "{length} bytes");
    }
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut zeroed = bytes.to_vec();
    zeroed[header..].fill(0);
    let message = open(zeroed).unwrap_err().to_string();
    assert_eq!(message, "its content has changed since it was written");
    let message = Checkpoint::open(bytes.to_vec(), "t2").unwrap_err().to_string();
    assert_eq!(message, "it is a checkpoint of training t1");
    let plain = setting.finished(6).network.encode("");
    let message = open(plain).unwrap_err().to_string();
    assert!(message.contains("has no checksum"), "{message}");
}

#[test]
fn a_checkpoint_of_another_network_is_refused() {
    let setting = Setting::new(settings());
    let mut watch = never();
    setting.run(6, None, &mut watch).unwrap();
    let mut other = settings();
    set_blocks(&mut other, vec![vec![4], vec![9]]);
    let error = Setting::new(other).run(6, Some(&watch.checkpoints[0]), &mut never()).unwrap_err();
    assert!(
        error.to_string().contains("no `network.blocks.1.0.conv.weight` of its shape"),
        "{error}"
    );
}

#[test]
fn a_loss_that_is_not_finite_names_its_epoch_and_step() {
    let mut settings = settings();
    settings.train.optimizer =
        Optimizer::Sgd { learning_rate: 1e30, momentum: 0.0, nesterov: false, weight_decay: 0.0 };
    let error = Setting::new(settings).run(1, None, &mut never()).unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("the loss is not finite at epoch 1, step 2 (learning rate "),
        "{message}"
    );
}

#[test]
fn the_best_epoch_is_kept_and_the_last_where_that_is_asked() {
    let mut settings = settings();
    settings.train.epochs = 6;
    settings.train.optimizer =
        Optimizer::Sgd { learning_rate: 1.5, momentum: 0.9, nesterov: false, weight_decay: 0.0 };
    let best = Setting::new(settings.clone()).finished(2);
    let losses: Vec<f64> = best.epochs.iter().map(|epoch| epoch.val_loss).collect();
    let lowest = (0..6).min_by(|a, b| losses[*a].total_cmp(&losses[*b])).unwrap();
    assert_eq!(best.best_epoch as usize, lowest + 1, "{losses:?}");
    settings.train.select = Select::Last;
    assert_eq!(Setting::new(settings).finished(2).best_epoch, 6);
}

#[test]
fn early_stopping_waits_as_long_as_it_is_told() {
    let mut settings = settings();
    settings.train.epochs = 30;
    settings.train.early_stopping = Some(2);
    // At so high a rate the validation loss soon goes up again.
    settings.train.optimizer =
        Optimizer::Sgd { learning_rate: 1.5, momentum: 0.9, nesterov: false, weight_decay: 0.0 };
    let trained = Setting::new(settings).finished(2);
    let losses: Vec<f64> = trained.epochs.iter().map(|epoch| epoch.val_loss).collect();
    let (best, after) = losses.split_at(trained.best_epoch as usize);
    assert!(trained.stopped_early, "{losses:?}");
    assert_eq!(after.len(), 2, "{losses:?}");
    assert!(after.iter().all(|loss| loss >= best.last().unwrap()));
}

#[test]
fn covered_pictures_are_learned_as_covered() {
    // Where everything is masked there is nothing to learn.
    let mut setting = Setting::new(settings());
    let mask = |count: usize| {
        Masks::new(&vec![1; count * SIDE * SIDE], SIDE, SIDE, Fill::Mean, Device::Cpu)
    };
    setting.masks = Some(SplitMasks { train: mask(50).into(), val: mask(20) });
    let trained = setting.finished(1);
    assert!(trained.epochs.iter().all(|epoch| epoch.val_accuracy == 0.5), "{:?}", trained.epochs);
}

/// TF32, which cuDNN uses for float32 by default, is a hundred times less exact.
#[test]
#[ignore = "needs a GPU: cargo test --release --lib -- --ignored on_cpu_and_gpu"]
fn float32_is_the_same_on_cpu_and_gpu() {
    let (gpu, _) = device::choose(DeviceChoice::Cuda(0)).unwrap();
    let mut settings = settings();
    set_blocks(&mut settings, vec![vec![64, 64], vec![96, 96, 96]]);
    let model = &settings.model;
    let logits = |device| {
        device::set_precision(Precision::F32, device).unwrap();
        let network = crate::model::Network::new(model, 3, 7, Precision::F32, device, 1);
        let pictures = crate::random::normal(&[64, 24, 24, 3], Device::Cpu, 1);
        let pictures = pictures.to_device(device).permute([0, 3, 1, 2]);
        let learned = network.forward(&pictures).detach().to_device(Device::Cpu);
        (learned, network.folded().logits(&pictures).to_device(Device::Cpu))
    };
    let (cpu, gpu) = (logits(Device::Cpu), logits(gpu));
    for (cpu, gpu) in [(cpu.0, gpu.0), (cpu.1, gpu.1)] {
        let apart = (&cpu - &gpu).abs().max().double_value(&[]);
        assert!(apart < 1e-5 * cpu.abs().max().double_value(&[]), "{apart}");
    }
}

#[test]
fn bfloat16_comes_near_float32() {
    let logits = |precision| {
        let network =
            crate::model::Network::new(&settings().model, 1, 2, precision, Device::Cpu, 1);
        let data = Setting::new(settings()).train;
        network.folded().logits(&data.pictures(&Tensor::from_slice(&[0i64, 1, 2])))
    };
    let (single, half) = (logits(Precision::F32), logits(Precision::Bf16));
    assert_eq!(half.kind(), tch::Kind::Float);
    let apart = (&single - &half).abs().max().double_value(&[]);
    assert!(apart > 0.0 && apart < 0.05 * single.abs().max().double_value(&[]), "{apart}");
}

/// A network that takes ImageNet's standardisation gets the same pictures in its numbers, and every fill as it was.
#[test]
fn imagenet_s_standardisation_changes_what_the_network_takes_and_nothing_else() {
    let images = |count: usize| {
        let mut images = with_squares(count, SIDE);
        let grey = images.pixels.to_vec();
        let colours = |pixel: &u8| [*pixel, pixel / 2, 255 - pixel];
        images.pixels = Pixels::Owned(grey.iter().flat_map(colours).collect());
        images
    };
    let mut dataset = of_images(SIDE, [images(50), images(20), images(20)]);
    dataset.channels = 3;
    let mut settings = settings();
    settings.dataset.channels = 3;
    let of = |settings: &Settings, data: &OnDevice| crate::train::network(settings, data, 1);
    let standardisation = Standardisation::of(&dataset.train, 3);
    let data = OnDevice::new(&dataset, Split::Train, &standardisation, Device::Cpu);
    let (mean, deviation) = crate::network::IMAGENET;
    let theirs = Standardisation { mean: mean.into(), deviation: deviation.into() };
    let as_theirs = OnDevice::new(&dataset, Split::Train, &theirs, Device::Cpu);
    let index = Tensor::from_slice(&[0i64, 7, 30]);
    let plain = of(&settings, &data).folded().logits(&as_theirs.pictures(&index));
    settings.dataset.standardise = crate::experiment::Standardise::Imagenet;
    let network = of(&settings, &data);
    let rescaled = network.folded().logits(&data.pictures(&index));
    let apart = |one: &Tensor, other: &Tensor| (one - other).abs().max().double_value(&[]);
    assert!(apart(&plain, &rescaled) < 1e-5 * plain.abs().max().double_value(&[]));
    assert!(apart(&network.folded().logits(&as_theirs.pictures(&index)), &rescaled) > 1e-3);
}
