//! Window maps by changed parts, against a pass of whole images for every window, in turns.
//!
//! ```text
//! cargo bench --bench windows
//! cargo bench --bench windows -- --rounds 9 --threads 1
//! ```

use std::time::Instant;

use fer_lab::dataset::{Dataset, Images, Pixels, Split};
use fer_lab::evaluate::sensitivity::{
    Evaluated, EvaluationImages, Probabilities, sensitivity_maps,
};
use fer_lab::experiment::{ModelSpec, Precision, SensitivityMethod, SensitivitySpec};
use fer_lab::model::Network;
use fer_lab::region::{Affine, Fill};
use fer_lab::train::{OnDevice, Standardisation, device};
use tch::{Device, Tensor};

const CLASSES: usize = 7;

/// Pixels along a side, images, and the features of each block.
type Work = (&'static str, usize, usize, &'static [&'static [i64]]);

const SEED: &[&[i64]] = &[&[64, 64], &[96, 96, 96], &[128, 128, 128]];
const SMALL: &[&[i64]] = &[&[8], &[24], &[48]];

const WORK: [Work; 3] =
    [("seed study's", 48, 14, SEED), ("seed study's", 100, 7, SEED), ("small", 48, 140, SMALL)];

fn main() {
    let number = |flag: &str, otherwise: u32| {
        let mut given = std::env::args().skip_while(|argument| argument != flag).skip(1);
        given.next().map_or(otherwise, |value| value.parse().expect("a number"))
    };
    let (rounds, threads) = (number("--rounds", 3).max(1), number("--threads", 2));
    device::prepare(threads);
    println!(
        "Windows a second, {threads} threads; the ratio with the smallest and largest of {rounds} rounds.\n"
    );
    println!("| network | pixels | precision | whole images | changed parts | ratio |");
    println!("| --- | ---: | --- | ---: | ---: | ---: |");
    for (name, side, images, blocks) in WORK {
        let dataset = dataset(side, images);
        let standardisation = Standardisation::of(&dataset.train, 1);
        let data = OnDevice::new(&dataset, Split::Test, &standardisation, Device::Cpu);
        for precision in [Precision::F32, Precision::Bf16] {
            let model = ModelSpec::of_blocks(blocks, 0.9);
            let network = Network::new(&model, 1, CLASSES, precision, Device::Cpu, 1).folded();
            let whole = |pictures: &Tensor| Probabilities(&network).probabilities(pictures);
            let (mut slow, mut fast, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..rounds {
                let (whole, parts) =
                    (rate(&data, images, &whole), rate(&data, images, &Probabilities(&network)));
                slow.push(whole);
                fast.push(parts);
                ratios.push(parts / whole);
            }
            let [slow, fast, ratio] = [&mut slow, &mut fast, &mut ratios].map(|of| median(of));
            let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
            let precision = precision.name();
            println!(
                "| {name} | {side} | {precision} | {slow:.0} | {fast:.0} | {ratio:.2} ({least:.2}–{most:.2}) |"
            );
        }
    }
}

/// Windows × images a second.
fn rate(data: &OnDevice, images: usize, network: &dyn Evaluated) -> f64 {
    let actual: Vec<usize> = (0..images).map(|image| image % CLASSES).collect();
    // Faces that stand a little askew, each otherwise.
    let frame = |image: usize| {
        let (sin, cos) = ((image * 7 % 11) as f64 * 0.02 - 0.1).sin_cos();
        let shift = |step: usize| (image * step % 13) as f64 * 0.01 - 0.06;
        Affine { a: cos, b: -sin, c: shift(5), d: sin, e: cos, f: shift(3) }
    };
    let frames: Vec<Affine> = (0..images).map(frame).collect();
    let spec = SensitivitySpec {
        method: SensitivityMethod::Window { side: 0.2, stride: 0.05 },
        images: None,
        steps: 1,
        fill: Fill::Mean,
    };
    let chosen = EvaluationImages::new(data, (&actual, CLASSES), &frames, None, spec.fill, 1);
    let began = Instant::now();
    let found = sensitivity_maps(&spec, &chosen, network, &mut |_| true).expect("nobody ends it");
    assert!(found.iter().all(|class| class.map.iter().all(|value| value.is_finite())));
    (289 * images) as f64 / began.elapsed().as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn dataset(side: usize, count: usize) -> Dataset {
    let images = || Images {
        names: (0..count).map(|image| image.to_string()).collect(),
        pixels: Pixels::Owned((0..count * side * side).map(|at| (at * 7919 % 251) as u8).collect()),
        labels: [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0].repeat(count),
        landmarks: vec![None; count],
    };
    let classes = (0..CLASSES).map(|class| class.to_string()).collect();
    Dataset::new(classes, [side, side, 1], [images(), images(), images()])
}
