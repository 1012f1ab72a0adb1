//! A network in an ONNX file under 50 occlusions, against ONNX Runtime's bare forward passes in Python, in turns.
//!
//! ```text
//! FER_LAB_PYTHON=python3 cargo bench --bench foreign -- resnet18.onnx efficientnet_b0.onnx
//! FER_LAB_PYTHON=python3 cargo bench --bench foreign -- vit_b_16.onnx --images 8 --rounds 3 --fill mean
//! ```
//!
//! fer-lab's turn is what a study does for each occlusion: pictures are masked and filled, brought to the network's scale and
//! predicted, and the predictions become the rows of a table. Python's is the same number of passes over pictures that are
//! ready, in batches of as many, by as many threads. `benches/foreign/bare.py` is that Python, which needs numpy and
//! onnxruntime 1.28.0.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use fer_lab::dataset::{Dataset, Split, faces};
use fer_lab::evaluate::predictions;
use fer_lab::experiment::{self, ModelSpec, OnnxSpec, Source};
use fer_lab::model::OnnxNetwork;
use fer_lab::region::{Affine, Fill, Mode, Occlusion, Polygon, Regions};
use fer_lab::train::{Masks, OnDevice, Standardisation, device, split_logits, split_logits_under};
use tch::{Device, Kind, Tensor};

/// Masks at once, as a worker has them.
const MASKS: usize = 8;
/// Sets of one and two regions that are masked and seen alone: 50 occlusions.
const SETS: usize = 25;
const FILLS: [Fill; 5] =
    [Fill::Mean, Fill::Constant(0.5), Fill::Noise, Fill::Blur(0.1), Fill::Inpaint];
/// By torchvision's standardisation.
const MEAN: [f64; 3] = [0.485, 0.456, 0.406];
const STD: [f64; 3] = [0.229, 0.224, 0.225];

fn main() {
    let arguments: Vec<String> =
        env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number = |flag: &str, otherwise: usize| {
        let mut given = arguments.iter().skip_while(|argument| *argument != flag).skip(1);
        given.next().map_or(otherwise, |value| value.parse().expect("a number"))
    };
    let (rounds, threads) = (number("--rounds", 5).max(1), number("--threads", 2));
    let images = number("--images", 64);
    let files = arguments.iter().filter(|argument| argument.ends_with(".onnx"));
    let one = arguments.iter().skip_while(|argument| *argument != "--fill").nth(1);
    let fills = FILLS.iter().filter(|fill| one.is_none_or(|one| fill.name() == one));
    let fills: Vec<Fill> = fills.copied().collect();
    device::prepare(threads as u32);
    println!(
        "Pictures a second under 50 occlusions of {images} pictures, {threads} threads; the ratio of the times with the \
         smallest and largest of {rounds} rounds.\n"
    );
    println!("| network | size | fill | fer-lab | bare passes | times as long |");
    println!("| --- | ---: | --- | ---: | ---: | ---: |");
    for file in files {
        let work = Work::new(file, images, threads);
        let mut bare = Bare::start(file, &work, threads);
        work.agrees_with(&bare.answers());
        let occlusions = occlusions();
        let predicted = (images * occlusions.len()) as f64;
        for fill in &fills {
            let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..rounds {
                let own = work.seconds(&occlusions, *fill);
                let other = bare.seconds(occlusions.len());
                ours.push(predicted / own);
                theirs.push(predicted / other);
                ratios.push(own / other);
            }
            let [own, other, ratio] = [&mut ours, &mut theirs, &mut ratios].map(|of| median(of));
            let (least, most) = (ratios[0], ratios[rounds - 1]);
            let name = Path::new(file).file_stem().unwrap_or_default().display().to_string();
            let ([height, width], fill) = (work.size, fill.name());
            println!(
                "| {name} | {height} × {width} | {fill} | {own:.1} | {other:.1} | {ratio:.2} ({least:.2}–{most:.2}) |"
            );
        }
    }
}

/// What is masked, filled in one way or another.
fn occlusions() -> Vec<(Vec<Polygon>, Mode)> {
    let atlas = Regions::aligned();
    let polygons = |name: &str| &atlas.get(name).expect("a built-in region").polygons;
    let names = Regions::built_in_names();
    let singles = names.iter().map(|name| polygons(name).clone());
    let pairs = (0..names.len()).flat_map(|first| {
        (0..first).map(move |second| {
            [polygons(names[first]), polygons(names[second])].map(Vec::clone).concat()
        })
    });
    let sets = singles.chain(pairs).take(SETS);
    sets.flat_map(|set| [Mode::Hide, Mode::Keep].map(|mode| (set.clone(), mode))).collect()
}

/// A network and what it is to predict.
struct Work {
    network: OnnxNetwork,
    dataset: Dataset,
    data: OnDevice,
    size: [usize; 2],
    frames: Vec<Affine>,
    /// Whole pictures as the file takes them, f32, `[N, C, H, W]`.
    pictures: Tensor,
}

impl Work {
    fn new(file: &str, images: usize, threads: usize) -> Work {
        let text = format!(
            "name = \"x\"\n[dataset]\nkind = \"faces\"\nchannels = 3\ntrain = 64\nval = 8\ntest = {images}\n[model]\nkind = \
             \"onnx\"\npath = {file:?}\nclasses = [\"neutral\", \"happiness\", \"surprise\", \"sadness\", \"anger\", \
             \"disgust\", \"fear\"]\ninput = {{ color = \"rgb\", range = 1.0, mean = {MEAN:?}, std = {STD:?} }}\n\
             [occlusion]\nphases = [\"evaluate\"]\n"
        );
        let read =
            experiment::parse(&text, "bench", &[]).unwrap_or_else(|errors| panic!("{errors}"));
        let spec = &read.settings.dataset;
        let ModelSpec::Onnx(model) = &read.settings.model else {
            unreachable!("it is from a file")
        };
        let OnnxSpec { input, .. } = model;
        let Source::Faces(drawn) = &spec.source else { unreachable!("they are drawn") };
        let dataset = faces::generate(spec, drawn);
        let standardisation = Standardisation::of(&dataset.train, 3);
        let data = OnDevice::new(&dataset, Split::Test, &standardisation, Device::Cpu);
        let network =
            OnnxNetwork::open(model, &standardisation, &spec.classes, Device::Cpu, threads as u32)
                .unwrap_or_else(|error| panic!("{error}"));
        // Faces that stand a little askew, each otherwise.
        let frame = |image: usize| {
            let (sin, cos) = ((image * 7 % 11) as f64 * 0.02 - 0.1).sin_cos();
            let shift = |step: usize| (image * step % 13) as f64 * 0.01 - 0.06;
            Affine { a: cos, b: -sin, c: shift(5), d: sin, e: cos, f: shift(3) }
        };
        let bytes = &dataset.test.pixels;
        let [height, width] = [spec.height, spec.width];
        let pixels =
            Tensor::from_slice(bytes).view([images as i64, height as i64, width as i64, 3]);
        let of_channels =
            |numbers: [f64; 3]| Tensor::from_slice(&numbers.map(|n| n as f32)).view([1, 3, 1, 1]);
        let values = pixels.permute([0, 3, 1, 2]).to_kind(Kind::Float) / 255.0;
        let pictures = ((values - of_channels(MEAN)) / of_channels(STD)).contiguous();
        Work {
            network,
            size: input.size,
            frames: (0..images).map(frame).collect(),
            data,
            dataset,
            pictures,
        }
    }

    /// How long all occlusions take.
    fn seconds(&self, occlusions: &[(Vec<Polygon>, Mode)], fill: Fill) -> f64 {
        let [height, width] = self.size;
        let began = Instant::now();
        for some in occlusions.chunks(MASKS) {
            let masks = some.iter().map(|(polygons, mode)| {
                let occlusion = Occlusion { polygons: polygons.clone(), mode: *mode, fill };
                let bytes = occlusion.masks(&self.frames, height, width);
                Masks::new(&bytes, height, width, fill, Device::Cpu)
            });
            let masks: Vec<Masks> = masks.collect();
            let masks: Vec<Option<&Masks>> = masks.iter().map(Some).collect();
            let all = split_logits_under(&self.network, &self.data, &masks, 1, &|| true);
            for logits in all.expect("nobody says no") {
                let rows = predictions(&logits, &self.dataset, Split::Test, "run");
                assert_eq!(rows.len(), self.frames.len());
            }
        }
        began.elapsed().as_secs_f64()
    }

    /// Nothing is timed that answers otherwise.
    fn agrees_with(&self, bare: &[f32]) {
        let own = split_logits(&self.network, &self.data, None, 1, &|| true);
        let own = own.expect("nobody says no");
        let bare = Tensor::from_slice(bare).view_as(&own);
        let off = (&own - &bare).abs().max().double_value(&[]);
        let largest = bare.abs().max().double_value(&[]);
        assert!(off <= 1e-4 * largest.max(1e-3), "the answers are {off} apart, of up to {largest}");
    }
}

/// ONNX Runtime in Python.
struct Bare {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    // It reads the pictures of the file in here.
    _folder: tempfile::TempDir,
}

impl Bare {
    fn start(file: &str, work: &Work, threads: usize) -> Bare {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pictures = folder.path().join("pictures.f32");
        let values: Vec<f32> = Vec::try_from(&work.pictures.view(-1)).expect("numbers");
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        std::fs::write(&pictures, bytes).expect("room for the pictures");
        let python = env::var("FER_LAB_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/foreign/bare.py");
        let shape: Vec<String> = work.pictures.size().iter().map(i64::to_string).collect();
        let mut child = Command::new(&python)
            .arg(script)
            .args([file, &pictures.display().to_string(), &shape.join(","), &threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{python}: {error}"));
        let to = child.stdin.take().expect("it is piped");
        let from = BufReader::new(child.stdout.take().expect("it is piped"));
        Bare { child, to, from, _folder: folder }
    }

    fn ask(&mut self, passes: usize) -> String {
        writeln!(self.to, "{passes}").expect("Python listens");
        let mut line = String::new();
        self.from.read_line(&mut line).expect("Python answers");
        assert!(!line.is_empty(), "Python has ended: {:?}", self.child.wait());
        line
    }

    /// For whole pictures.
    fn answers(&mut self) -> Vec<f32> {
        self.ask(0).split_whitespace().map(|number| number.parse().expect("a number")).collect()
    }

    /// How long so many passes over all pictures take.
    fn seconds(&mut self, passes: usize) -> f64 {
        self.ask(passes).trim().parse().expect("seconds")
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
