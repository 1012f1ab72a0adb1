//! The standard networks against torchvision's, with values that `tests/networks/make.py` stored.

use std::collections::BTreeMap;

use fer_lab::experiment::{CommonSpec, MobilenetSpec, ModelSpec, Precision, ResnetSpec};
use fer_lab::model::Network;
use fer_lab::network::{Depth, Stem};
use serde_json::Value;
use tch::{Device, Kind, Tensor};

const CLASSES: usize = 7;

fn mixed(mut number: u64) -> u64 {
    for _ in 0..2 {
        number ^= number >> 16;
        number = (number * 0x045D_9F3B) & 0xFFFF_FFFF;
    }
    number ^ (number >> 16)
}

/// Numbers from -1 to 1.
fn drawn(name: &str, size: usize) -> Vec<f64> {
    let start = name.bytes().fold(0u64, |sum, byte| (sum * 31 + u64::from(byte)) & 0xFFFF_FFFF);
    let number = |place: usize| (place as u64 * 2_654_435_761 + start) & 0xFFFF_FFFF;
    (0..size).map(|place| mixed(number(place)) as f64 / 2f64.powi(31) - 1.0).collect()
}

fn value(name: &str, tensor: &Tensor) -> Tensor {
    let size = tensor.size();
    let (factor, summand) = match (name, &size[..]) {
        (name, _) if name.ends_with("running_var") => (0.25, 1.0),
        (name, _) if name.ends_with("running_mean") => (0.1, 0.0),
        (_, [_, input, rows, columns]) => ((6.0 / (input * rows * columns) as f64).sqrt(), 0.0),
        (_, [_, input]) => ((*input as f64).powf(-0.5), 0.0),
        (name, _) if name.ends_with("weight") => (0.1, 1.0),
        _ => (0.1, 0.0),
    };
    let numbers = drawn(name, tensor.numel());
    let numbers: Vec<f32> =
        numbers.iter().map(|number| (summand + factor * number) as f32).collect();
    Tensor::from_slice(&numbers).view(size.as_slice())
}

fn pictures() -> Tensor {
    let numbers: Vec<f32> =
        drawn("pictures", 4 * 3 * 64 * 64).iter().map(|number| *number as f32).collect();
    Tensor::from_slice(&numbers).view([4, 3, 64, 64])
}

fn model(name: &str) -> ModelSpec {
    let common = CommonSpec::new(0.9);
    let resnet =
        |depth, stem| ModelSpec::Resnet(ResnetSpec { depth, stem, common: common.clone() });
    match name {
        "resnet 18 imagenet" => resnet(Depth::Eighteen, Stem::Imagenet),
        "resnet 34 imagenet" => resnet(Depth::ThirtyFour, Stem::Imagenet),
        "resnet 50 imagenet" => resnet(Depth::Fifty, Stem::Imagenet),
        "resnet 18 small" => resnet(Depth::Eighteen, Stem::Small),
        "mobilenet_v2 imagenet" => {
            ModelSpec::MobilenetV2(MobilenetSpec { stem: Stem::Imagenet, common })
        }
        _ => panic!("{name} is not known"),
    }
}

fn network(model: &ModelSpec) -> Network {
    let network = Network::new(model, 3, CLASSES, Precision::F32, Device::Cpu, 1);
    let weights: BTreeMap<String, Tensor> = network
        .parameters()
        .into_iter()
        .map(|parameter| {
            let value = value(&parameter.name, &parameter.tensor);
            (parameter.name, value)
        })
        .collect();
    network.start_from(&weights).unwrap();
    network
}

fn stored() -> serde_json::Map<String, Value> {
    let path = format!("{}/tests/networks/torchvision.json", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file["networks"].as_object().unwrap().clone()
}

fn rows(json: &Value) -> Tensor {
    let rows: Vec<Vec<f64>> = serde_json::from_value(json.clone()).unwrap();
    Tensor::from_slice(&rows.concat()).view([-1, CLASSES as i64])
}

/// The largest difference, as a share of the largest number.
fn apart(found: &Tensor, expected: &Tensor) -> f64 {
    let found = found.to_kind(Kind::Double);
    let difference = (&found - expected).abs().max().double_value(&[]);
    difference / expected.abs().max().double_value(&[])
}

#[test]
fn answers_and_first_steps_are_torchvision_s() {
    for (name, expected) in stored() {
        let model = model(&name);
        let network = network(&model);
        let parameters = network.parameters();
        let count: usize =
            parameters.iter().filter(|one| one.trainable).map(|one| one.tensor.numel()).sum();
        assert_eq!(count as u64, expected["parameters"].as_u64().unwrap(), "{name}");

        let answered = apart(&network.folded().logits(&pictures()), &rows(&expected["answers"]));
        assert!(answered < 1e-5, "{name}: {answered}");

        let logits = network.forward(&pictures());
        let learned = apart(&logits.detach(), &rows(&expected["learned"]));
        assert!(learned < 1e-4, "{name}: {learned}");

        let gradient = network.gradient(&logits.square().mean(Kind::Float));
        assert_eq!(gradient.numel(), count, "{name}");
        for (running, norm) in expected["running"].as_object().unwrap() {
            let found = parameters.iter().find(|one| one.name == *running).unwrap();
            let found = found.tensor.to_kind(Kind::Double).norm().double_value(&[]);
            let norm = norm.as_f64().unwrap();
            assert!((found / norm - 1.0).abs() < 1e-4, "{name} {running}: {found} {norm}");
        }
    }
}

/// The gradients of the first filter and of the dense layer, through all layers between.
#[test]
fn gradients_are_torchvision_s() {
    for (name, expected) in stored() {
        let network = network(&model(&name));
        let before = network.snapshot();
        let loss = network.forward(&pictures()).square().mean(Kind::Float);
        // A step of length 1 along the gradient: what moves is the gradient.
        let _ = network.moving().g_sub_(&network.gradient(&loss));
        let after = network.snapshot();
        for (tensor, norm) in expected["gradients"].as_object().unwrap() {
            let of = |snapshot: &[(String, Tensor)]| {
                let found = snapshot.iter().find(|(name, _)| name == tensor).unwrap();
                found.1.to_kind(Kind::Double)
            };
            let found = (of(&before) - of(&after)).norm().double_value(&[]);
            let norm = norm.as_f64().unwrap();
            assert!((found / norm - 1.0).abs() < 1e-3, "{name} {tensor}: {found} {norm}");
        }
    }
}

#[test]
fn what_is_frozen_stays_and_all_else_moves() {
    let beginnings = ["conv1", "bn1", "layer1", "layer2.0.bn1"];
    let mut common = CommonSpec::new(0.9);
    common.freeze = beginnings.map(str::to_owned).into();
    let resnet = ResnetSpec { depth: Depth::Eighteen, stem: Stem::Small, common };
    let network = network(&ModelSpec::Resnet(resnet));
    let before = network.snapshot();
    let loss = network.forward(&pictures()).square().mean(Kind::Float);
    let _ = network.moving().g_sub_(&network.gradient(&loss));
    for ((name, before), (_, after)) in before.iter().zip(&network.snapshot()) {
        let frozen = beginnings.iter().any(|beginning| name.starts_with(beginning));
        assert_eq!(before == after, frozen, "{name}");
    }
    let trainable = network.parameters().into_iter().filter(|one| one.trainable);
    let count: usize = trainable.map(|one| one.tensor.numel()).sum();
    assert_eq!(count, network.moving().numel());
}

#[test]
fn bfloat16_and_adapted_statistics_work_with_frozen_layers() {
    let mut common = CommonSpec::new(0.9);
    common.freeze = vec!["features.0".to_owned(), "features.1".to_owned()];
    let model = ModelSpec::MobilenetV2(MobilenetSpec { stem: Stem::Small, common });
    let network = Network::new(&model, 1, CLASSES, Precision::Bf16, Device::Cpu, 1);
    let pictures = pictures().narrow(1, 0, 1);
    let logits = network.forward(&pictures);
    assert_eq!(logits.kind(), Kind::Float);
    let gradient = network.gradient(&logits.square().mean(Kind::Float));
    assert!(gradient.isfinite().all().double_value(&[]) > 0.0);
    let adapted = network.adapted(&mut std::iter::once(pictures.shallow_clone()));
    let [own, adapted] = [&network, &adapted].map(|network| network.snapshot());
    for ((name, own), (_, adapted)) in own.iter().zip(&adapted) {
        assert_eq!(own != adapted, name.contains("running"), "{name}");
    }
}

#[test]
fn dropout_drops_its_share_and_keeps_the_mean() {
    let mut common = CommonSpec::new(0.9);
    common.dropout = 0.5;
    let model = ModelSpec::Vgg(fer_lab::experiment::VggSpec { blocks: vec![vec![512]], common });
    let network = Network::new(&model, 3, CLASSES, Precision::F32, Device::Cpu, 1);
    let pictures = pictures();
    let whole = network.forward(&pictures);
    let mean = |seeds: std::ops::Range<i64>| {
        let count = (seeds.end - seeds.start) as f64;
        seeds.map(|seed| network.learn(&pictures, seed)).sum::<Tensor>() / count
    };
    assert_eq!(network.learn(&pictures, 3), network.learn(&pictures, 3));
    assert_ne!(network.learn(&pictures, 3), network.learn(&pictures, 4));
    let few = apart(&mean(0..4).detach(), &whole.to_kind(Kind::Double).detach());
    let many = apart(&mean(0..400).detach(), &whole.to_kind(Kind::Double).detach());
    assert!(many < 0.15 && many < few / 4.0, "{few} {many}");
    assert_eq!(network.folded().logits(&pictures), network.folded().logits(&pictures));
}
