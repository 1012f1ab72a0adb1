//! A network that was trained here answers in ONNX Runtime, from the file that `fer-lab export` writes, what it answers in
//! libtorch.
//!
//! Without ONNX Runtime (`scripts/setup --onnx`) the answers are not compared, and a line says so.

use fer_lab::experiment::{self, ModelSpec, Settings, Standardise};
use fer_lab::export;
use fer_lab::model::{Network, OnnxNetwork, Rescale, onnx};
use fer_lab::network::{IMAGENET, ModelNote, TrainedNetwork};
use fer_lab::plan::TrainingSpec;
use fer_lab::random;
use fer_lab::train::Standardisation;
use tch::{Device, Kind, Tensor};

const ID: &str = "3f2a";
const CLASSES: [&str; 4] = ["neutral", "happiness", "surprise", "sadness"];

fn settings(dataset: &str, model: &str) -> Settings {
    let text = format!(
        "name = \"x\"\n[dataset]\nkind = \"faces\"\nclasses = {CLASSES:?}\n{dataset}\n[model]\n\
         batch_norm_momentum = 0.2\n{model}\n"
    );
    let read = experiment::parse(&text, "x.toml", &[]);
    read.unwrap_or_else(|errors| panic!("{errors}")).settings
}

/// A network whose every tensor has other numbers than at the start.
fn network(settings: &Settings, pictures: &Tensor) -> Network {
    let Settings { dataset, model, train, .. } = settings;
    let channels = dataset.channels;
    let network = Network::new(model, channels, CLASSES.len(), train.precision, Device::Cpu, 3);
    for (seed, mut parameter) in (0..).zip(network.parameters()) {
        if parameter.tensor.dim() == 1 {
            let noise = random::normal(&parameter.tensor.size(), Device::Cpu, seed);
            let _ = parameter.tensor.g_add_(&(noise * 0.1));
        }
        // With gains of 1 on all branches 50 random layers enlarge a rounding a hundred times, in PyTorch too.
        if parameter.name.ends_with("bn3.weight") {
            let _ = parameter.tensor.g_mul_scalar_(0.2);
        }
    }
    // Running statistics of pictures; under those that a network starts with, features fade from layer to layer.
    for _ in 0..6 {
        let _ = network.forward(pictures);
    }
    network
}

fn standardisation(channels: usize) -> Standardisation {
    let mean = [0.45, 0.4, 0.5][..channels].to_vec();
    Standardisation { mean, deviation: [0.21, 0.25, 0.3][..channels].to_vec() }
}

/// The network as libtorch has it, and from the file: logits of the same standardised pictures.
fn both(dataset: &str, model: &str) -> [Tensor; 2] {
    let settings = settings(dataset, model);
    let [channels, height, width] =
        [settings.dataset.channels, settings.dataset.height, settings.dataset.width];
    let size = [12, height, width, channels].map(|side| side as i64);
    let many = random::normal(&size, Device::Cpu, 1).permute([0, 3, 1, 2]);
    let pictures = many.narrow(0, 0, 6);
    let standardisation = standardisation(channels);
    let Standardisation { mean, deviation } = &standardisation;

    let network = network(&settings, &many);
    let note = ModelNote {
        classes: CLASSES.map(str::to_owned).to_vec(),
        deviation: deviation.clone(),
        mean: mean.clone(),
        training_id: ID.to_owned(),
    };
    let weights = network.encode(&serde_json::to_string(&note).unwrap());
    let rescale = (settings.dataset.standardise == Standardise::Imagenet)
        .then(|| Rescale::new((mean, deviation), (&IMAGENET.0, &IMAGENET.1), Device::Cpu));
    let own = network.rescaled(rescale).folded().logits(&pictures);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exported.onnx");
    let training = TrainingSpec { settings, mask: None, seed: 1 };
    let file = export::file(&training, ID, &TrainedNetwork::read(&weights).unwrap()).unwrap();
    std::fs::write(&path, file).unwrap();
    // The file itself tells what it takes and in which order it answers; the data set has another.
    let turned = "classes = [\"sadness\", \"surprise\", \"happiness\", \"neutral\"]";
    let text = format!(
        "name = \"x\"\n[dataset]\nkind = \"faces\"\n{turned}\n[model]\nkind = \"onnx\"\npath = {:?}\n",
        path.display().to_string()
    );
    let read = experiment::parse(&text, "x.toml", &[]);
    let read = read.unwrap_or_else(|errors| panic!("{errors}")).settings;
    assert_eq!((read.dataset.height, read.dataset.width), (height, width));
    let ModelSpec::Onnx(spec) = &read.model else { unreachable!("it is from a file") };
    let from_file =
        OnnxNetwork::open(spec, &standardisation, &read.dataset.classes, Device::Cpu, 2).unwrap();
    from_file.check(&pictures).unwrap();
    [own, from_file.try_logits(&pictures).unwrap().flip([1])]
}

#[test]
fn exported_networks_answer_as_libtorch_does() {
    if !onnx::place().exists() {
        eprintln!("skipped: ONNX Runtime is not there (scripts/setup --onnx)");
        return;
    }
    let imagenet = "size = [56, 48]\nchannels = 3\nstandardise = \"imagenet\"";
    for (dataset, model) in [
        ("size = [48, 40]\nchannels = 1", "blocks = [[6, 6], [9, 9], [12]]"),
        (imagenet, "blocks = [[6], [9]]\ndropout = 0.3"),
        (imagenet, "kind = \"resnet\"\ndepth = 18\nstem = \"imagenet\""),
        ("size = [24, 25]\nchannels = 1", "kind = \"resnet\"\ndepth = 34\nstem = \"small\""),
        ("size = [64, 64]\nchannels = 3", "kind = \"resnet\"\ndepth = 50\nstem = \"imagenet\""),
        ("size = [33, 32]\nchannels = 1", "kind = \"mobilenet_v2\"\nstem = \"small\""),
        (imagenet, "kind = \"mobilenet_v2\"\nstem = \"imagenet\"\ndropout = 0.2"),
    ] {
        let [own, from_file] = both(dataset, model);
        let largest = own.abs().max().double_value(&[]);
        let spread = own.std_dim([0].as_slice(), true, false).max().double_value(&[]);
        assert!(spread > 0.01 * largest, "{model}: {spread}, all pictures have the same answer");
        let apart = (&own - &from_file).abs().max().double_value(&[]) / largest;
        let [own, from_file] = [own, from_file].map(|logits| logits.softmax(-1, Kind::Double));
        let probabilities = (own - from_file).abs().max().double_value(&[]);
        eprintln!(
            "{model}: {apart:.1e} of the largest logit {largest:.2}; probabilities {probabilities:.1e}"
        );
        // Sums of float32 numbers in another order, through 50 layers.
        assert!(apart < 5e-5 && probabilities < 1e-5, "{model}: {apart} {probabilities}");
    }
}
