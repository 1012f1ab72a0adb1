//! Networks in ONNX files give PyTorch's own answers: `tests/onnx/make.py` made both.
//!
//! Without ONNX Runtime (`scripts/setup --onnx`) the answers are not compared, and a line says so.

use std::path::{Path, PathBuf};

use fer_lab::dataset::{Dataset, Images, Pixels, Split};
use fer_lab::experiment::{self, ModelSpec, OnnxSpec};
use fer_lab::model::{OnnxError, OnnxNetwork, onnx};
use fer_lab::region::{Affine, Fill, Mode, Occlusion, Point, Polygon};
use fer_lab::train::{Masks, OnDevice, Standardisation, split_logits};
use tch::{Device, Kind, Tensor};

const SIDE: usize = 16;
const PICTURES: usize = 6;
const CLASSES: [&str; 5] = ["neutral", "happiness", "surprise", "sadness", "anger"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx")
}

fn is_there() -> bool {
    let there = onnx::place().exists();
    if !there {
        eprintln!(
            "ONNX Runtime is not there: the answers of networks in ONNX files are not compared"
        );
    }
    there
}

/// The network that an experiment file names, with these keys of `[model]`.
fn spec(model: &str, channels: usize) -> Result<OnnxSpec, String> {
    let text = format!(
        "name = \"x\"\n[dataset]\nkind = \"faces\"\nchannels = {channels}\nclasses = {CLASSES:?}\n[model]\nkind = \
         \"onnx\"\n{model}\n"
    );
    let experiment =
        experiment::parse(&text, "x.toml", &[]).map_err(|errors| errors.to_string())?;
    match experiment.settings.model {
        ModelSpec::Onnx(spec) => Ok(spec),
        _ => unreachable!("it is from a file"),
    }
}

fn path(name: &str) -> String {
    format!("path = {:?}", folder().join(name).display().to_string())
}

/// Pictures as `make.py` draws them, `[N, H, W, C]`.
fn bytes(channels: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for picture in 0..PICTURES {
        for (y, x) in (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (y, x))) {
            let value = |channel| (7 * picture + 31 * y + 17 * x + 53 * channel + x * y) % 256;
            bytes.extend((0..channels).map(|channel| value(channel) as u8));
        }
    }
    bytes
}

/// The same, standardised, `[N, C, H, W]`.
fn pictures(channels: usize, standardisation: &Standardisation) -> Tensor {
    let Standardisation { mean, deviation } = standardisation;
    let places = bytes(channels).into_iter().enumerate();
    let values: Vec<f32> = places
        .map(|(place, byte)| {
            let channel = place % channels;
            ((f64::from(byte) / 255.0 - mean[channel]) / deviation[channel]) as f32
        })
        .collect();
    let size = [PICTURES, SIDE, SIDE, channels].map(|length| length as i64);
    Tensor::from_slice(&values).view(size).permute([0, 3, 1, 2]).contiguous()
}

fn standardisation(channels: usize) -> Standardisation {
    let mean = [0.45, 0.4, 0.5][..channels].to_vec();
    Standardisation { mean, deviation: [0.21, 0.25, 0.3][..channels].to_vec() }
}

fn open(spec: &OnnxSpec, channels: usize) -> Result<OnnxNetwork, OnnxError> {
    let classes = CLASSES.map(str::to_owned);
    OnnxNetwork::open(spec, &standardisation(channels), &classes, Device::Cpu, 1)
}

/// The largest difference of probabilities from PyTorch's, whose columns are in the order of `CLASSES`.
fn off(model: &str, channels: usize, answers: &str) -> f64 {
    let spec = spec(model, channels).unwrap_or_else(|errors| panic!("{errors}"));
    let network = open(&spec, channels).unwrap_or_else(|error| panic!("{error}"));
    let pictures = pictures(channels, &standardisation(channels));
    network.check(&pictures).unwrap_or_else(|error| panic!("{error}"));
    let found = network.try_logits(&pictures).unwrap().softmax(-1, Kind::Double);
    let text = std::fs::read_to_string(folder().join("answers.json")).unwrap();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    let wanted: Vec<Vec<f64>> = serde_json::from_value(all[answers].clone()).unwrap();
    let wanted = Tensor::from_slice2(&wanted);
    (found - wanted).abs().max().double_value(&[])
}

const ORDER: &str = "classes = [\"neutral\", \"happy\", \"surprise\", \"sad\", \"angry\"]";
const BGR: &str =
    "input = { color = \"bgr\", range = 255.0, mean = [123, 117, 104], std = [58, 57, 57] }";
const GREY: &str = "input = { range = 1.0, mean = [0.5], std = [0.25] }";

#[test]
fn every_kind_of_file_gives_the_answers_of_pytorch() {
    if !is_there() {
        return;
    }
    for (name, tolerance) in
        [("grey", 1e-6), ("fixed_batch", 1e-6), ("outside", 1e-6), ("half", 1e-2)]
    {
        let off = off(&format!("{}\n{ORDER}\n{GREY}", path(&format!("{name}.onnx"))), 1, "grey");
        assert!(off < tolerance, "{name}: {off}");
    }
    let off_bgr = off(&format!("{}\n{ORDER}\n{BGR}", path("bgr.onnx")), 3, "bgr");
    assert!(off_bgr < 1e-6, "{off_bgr}");
    // The same scale, written otherwise.
    let nhwc = "input = { range = 2.0, mean = [1.0] }";
    let off_nhwc = off(&format!("{}\n{ORDER}\n{nhwc}", path("nhwc.onnx")), 1, "nhwc");
    assert!(off_nhwc < 1e-6, "{off_nhwc}");
}

/// Of a network of the researcher's own: what is lost where regions are hidden, picture by picture and class by class, against
/// Captum (`tests/onnx/ablate.py`).
#[test]
fn effects_are_those_of_captum_s_feature_ablation() {
    if !is_there() {
        return;
    }
    let text = std::fs::read_to_string(folder().join("effects.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
    let list = |json: &serde_json::Value| json.as_array().unwrap().clone();
    let numbers = |json: &serde_json::Value| -> Vec<f64> {
        list(json).iter().map(|number| number.as_f64().unwrap()).collect()
    };
    let regions: Vec<Polygon> = list(&expected["regions"])
        .iter()
        .map(|corners| {
            let corners = list(corners).iter().map(numbers).collect::<Vec<_>>();
            let points = corners.iter().map(|corner| Point { x: corner[0], y: corner[1] });
            Polygon::new(points.collect()).unwrap()
        })
        .collect();

    let images = || Images {
        names: (0..PICTURES).map(|picture| picture.to_string()).collect(),
        pixels: Pixels::Owned(bytes(3)),
        labels: vec![1.0 / CLASSES.len() as f32; PICTURES * CLASSES.len()],
        landmarks: vec![None; PICTURES],
    };
    let classes = CLASSES.map(str::to_owned).to_vec();
    let dataset = Dataset::new(classes.clone(), [SIDE, SIDE, 3], [images(), images(), images()]);
    let standardisation = Standardisation::of(&dataset.train, 3);
    let data = OnDevice::new(&dataset, Split::Test, &standardisation, Device::Cpu);
    let spec = spec(&format!("{}\n{ORDER}\n{BGR}", path("bgr.onnx")), 3).unwrap();
    let network = OnnxNetwork::open(&spec, &standardisation, &classes, Device::Cpu, 1).unwrap();
    let predicted = |mask: Option<&Masks>| {
        split_logits(&network, &data, mask, 1, &|| true).unwrap().softmax(-1, Kind::Double)
    };
    let whole = predicted(None);

    let effects = list(&expected["effects"]);
    assert_eq!(effects.len(), 16);
    let mut most = [0.0_f64; 2];
    for effect in &effects {
        let members = list(&effect["regions"]);
        let members =
            members.iter().map(|region| regions[region.as_u64().unwrap() as usize].clone());
        let mode = if effect["mode"] == "hide" { Mode::Hide } else { Mode::Keep };
        let fill = match effect["fill"].as_str().unwrap() {
            "mean" => Fill::Mean,
            _ => Fill::Constant(expected["grey"].as_f64().unwrap()),
        };
        let occlusion = Occlusion { polygons: members.collect(), mode, fill };
        let masks = occlusion.masks(&vec![Affine::IDENTITY; PICTURES], SIDE, SIDE);
        if let [region] = &list(&effect["regions"])[..]
            && mode == Mode::Hide
        {
            let expected = &expected["masks"][region.as_u64().unwrap() as usize];
            let expected = expected.as_str().unwrap().bytes().map(|digit| digit - b'0');
            assert!(masks[..SIDE * SIDE].iter().copied().eq(expected), "{effect}");
        }
        let masks = Masks::new(&masks, SIDE, SIDE, fill, Device::Cpu);
        let found = &whole - predicted(Some(&masks));
        let expected: Vec<Vec<f64>> = list(&effect["effects"]).iter().map(numbers).collect();
        let expected = Tensor::from_slice2(&expected);
        let largest = |tensor: &Tensor| tensor.abs().max().double_value(&[]);
        most = [most[0].max(largest(&expected)), most[1].max(largest(&(found - expected)))];
    }
    let [effect, off] = most;
    eprintln!("effects of up to {effect:.3} differ by {off:.1e} at most");
    assert!(effect > 0.05 && off < 1e-6, "{effect} {off}");
}

#[test]
fn columns_are_brought_to_the_order_of_the_classes() {
    if !is_there() {
        return;
    }
    let network = |order: &str| {
        let spec = spec(&format!("{}\n{order}\n{GREY}", path("grey.onnx")), 1).unwrap();
        let network = open(&spec, 1).unwrap();
        network.try_logits(&pictures(1, &standardisation(1))).unwrap()
    };
    let (straight, turned) = (
        network(ORDER),
        network("classes = [\"angry\", \"sad\", \"surprise\", \"happy\", \"neutral\"]"),
    );
    assert_eq!(straight.flip([1]), turned);
}

#[test]
fn a_file_that_has_changed_since_is_refused() {
    if !is_there() {
        return;
    }
    let spec = spec(&format!("{}\n{ORDER}\n{GREY}", path("grey.onnx")), 1).unwrap();
    let other = OnnxSpec { path: folder().join("half.onnx"), ..spec };
    let error = open(&other, 1).unwrap_err().to_string();
    assert!(error.contains("has changed since the experiment was read"), "{error}");
}

#[test]
fn what_contradicts_the_file_is_said_where_it_stands() {
    let grey = path("grey.onnx");
    let fixed = path("fixed_batch.onnx");
    let seven = "classes = [\"neutral\", \"happiness\", \"surprise\", \"sadness\", \"anger\", \"disgust\", \"fear\"]";
    for (model, wanted) in [
        (format!("{grey}\n{GREY}"), "`model.classes` is missing"),
        (format!("{grey}\n{ORDER}"), "`model.input.range` is missing"),
        (format!("{grey}\n{seven}\n{GREY}"), "has 5 columns, this list 7"),
        (
            format!("{}\n{ORDER}\ninput = {{ range = 1.0 }}", path("bgr.onnx")),
            "`model.input.color` is missing",
        ),
        (
            format!(
                "{}\n{ORDER}\noutput = \"logits\"\ninput = {{ range = 1.0 }}",
                path("nhwc.onnx")
            ),
            "its last operator is a softmax",
        ),
        (
            format!("{grey}\n{ORDER}\ninput = {{ range = 1.0, layout = \"nhwc\" }}"),
            "the network's layout cannot be nhwc",
        ),
        (
            format!("{grey}\n{ORDER}\ninput = {{ range = 1.0, color = \"rgb\" }}"),
            "the network's pictures cannot be rgb",
        ),
        (
            format!("{fixed}\n{ORDER}\ninput = {{ range = 1.0, size = [48, 48] }}"),
            "its file fixes 16 where this says 48",
        ),
        (
            format!("{grey}\n{ORDER}\ninput = {{ range = 1.0, mean = [0.4, 0.5] }}"),
            "`model.input.mean` must have one number, or one for each channel",
        ),
        (format!("{grey}\n{ORDER}\n{GREY}\noutput_name = \"x\""), "the network has no output `x`"),
        (
            format!(
                "{grey}\nclasses = [\"neutral\", \"happy\", \"happy\", \"sad\", \"angry\"]\n{GREY}"
            ),
            "two columns of `model.classes` are `happiness`",
        ),
        (
            format!("{grey}\nclasses = [\"neutral\", \"happy\", \"\", \"sad\", \"angry\"]\n{GREY}"),
            "the network has no column for the class `surprise`",
        ),
        (format!("path = \"none.onnx\"\n{ORDER}\n{GREY}"), "none.onnx: there is no such file"),
        (format!("{}\n{ORDER}\n{GREY}", path("make.py")), "it is no ONNX file"),
        (
            format!("{grey}\n{ORDER}\n{GREY}\n[occlusion]\nphases = [\"retrain\"]"),
            "a network from a file is only evaluated",
        ),
        (
            format!("{grey}\nblocks = [[8]]\n{ORDER}\n{GREY}"),
            "`model.blocks` does not go with this `kind`",
        ),
        (
            format!("{grey}\n{ORDER}\n{GREY}\n[evaluate]\nstatistics = \"adapted\""),
            "the statistics of a network from a file cannot be adapted",
        ),
    ] {
        let errors = spec(&model, 1).err().unwrap_or_else(|| panic!("no error: {wanted}"));
        assert!(errors.contains(wanted), "{wanted}:\n{errors}");
    }
}

#[test]
fn a_stored_experiment_needs_no_file() {
    let text = format!(
        "name = \"x\"\n[dataset]\nkind = \"faces\"\nclasses = {CLASSES:?}\n[model]\nkind = \"onnx\"\n{}\n{ORDER}\n{GREY}\n",
        path("grey.onnx")
    );
    let read = experiment::parse(&text, "x.toml", &[]).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!((read.settings.dataset.height, read.settings.dataset.width), (SIDE, SIDE));
    assert_eq!(read.seeds, [1]);
    let moved = read.merged.replace("grey.onnx", "gone.onnx");
    let stored =
        experiment::parse_whole(&moved, "stored").unwrap_or_else(|errors| panic!("{errors}"));
    let hash = |experiment: &experiment::Experiment| match &experiment.settings.model {
        ModelSpec::Onnx(spec) => spec.hash.clone(),
        _ => unreachable!("it is from a file"),
    };
    assert_eq!(hash(&stored), hash(&read));
}

/// Writes what `tests/onnx/agree.py` compares with PyTorch: drawn faces under every occlusion of an experiment, as they come
/// to the networks in the folder that `FER_LAB_NETWORKS` names, and the logits.
#[test]
#[ignore = "for tests/onnx/agree.py, which says how"]
fn answers_under_every_occlusion_are_written() {
    use fer_lab::dataset::faces;
    use fer_lab::engine::face_maps;
    use fer_lab::experiment::Source;
    use fer_lab::plan::Plan;

    let folder = PathBuf::from(std::env::var("FER_LAB_NETWORKS").expect("names a folder"));
    for (name, side) in [
        ("resnet18", 112),
        ("mobilenet_v3_small", 112),
        ("efficientnet_b0", 112),
        ("vit_b_16", 224),
    ] {
        let path = folder.join(format!("{name}.onnx")).display().to_string();
        if !Path::new(&path).exists() {
            continue;
        }
        let text = format!(
            "name = \"x\"\n[dataset]\nkind = \"faces\"\nsize = [{side}, {side}]\nchannels = 3\ntrain = 64\nval = 20\ntest = 12\n\
             [model]\nkind = \"onnx\"\npath = {path:?}\nclasses = {SEVEN:?}\ninput = {{ color = \"rgb\", range = 1.0, mean = \
             [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225] }}\n[occlusion]\nregions = \"each\"\nmodes = [\"hide\", \
             \"keep\"]\nfills = [\"mean\", \"constant\", \"noise\", \"blur\", \"inpaint\"]\nevaluated_controls = 0\n"
        );
        let experiment =
            experiment::parse(&text, "x.toml", &[]).unwrap_or_else(|errors| panic!("{errors}"));
        let plan = Plan::new(&experiment).unwrap();
        let spec = &experiment.settings.dataset;
        let Source::Faces(source) = &spec.source else { unreachable!("they are drawn") };
        let dataset = faces::generate(spec, source);
        let standardisation = Standardisation::of(&dataset.train, 3);
        let data = OnDevice::new(&dataset, Split::Test, &standardisation, Device::Cpu);
        let ModelSpec::Onnx(onnx) = &experiment.settings.model else {
            unreachable!("it is a file")
        };
        let classes = &dataset.classes;
        let network = OnnxNetwork::open(onnx, &standardisation, classes, Device::Cpu, 2).unwrap();
        let maps = face_maps(&dataset, Split::Test);
        let all = Tensor::arange(data.len() as i64, (Kind::Int64, Device::Cpu));
        let (mut inputs, mut logits) = (Vec::new(), Vec::new());
        for run in &plan.runs {
            let occlusion = run.evaluation.occlusion.as_ref();
            let mask = occlusion.map(|occlusion| {
                let masks = occlusion.masks(&maps, side, side);
                Masks::new(&masks, side, side, occlusion.fill, Device::Cpu)
            });
            // The noise of the first batch, as the evaluation draws it.
            let seed = fer_lab::random::torch_seed(1, "evaluation noise", &[0]);
            let seen = data.evaluation_batch(&all, mask.as_ref(), seed);
            let channels = |values: &[f64]| Tensor::from_slice(values).view([1, 3, 1, 1]);
            let deviation = channels(&standardisation.deviation);
            let seen = seen.to_kind(Kind::Double) * deviation + channels(&standardisation.mean);
            inputs.push(seen.to_kind(Kind::Float));
            logits.push(split_logits(&network, &data, mask.as_ref(), 1, &|| true).unwrap());
        }
        eprintln!("{name}: {} conditions of {} pictures", inputs.len(), data.len());
        Tensor::cat(&inputs, 0)
            .contiguous()
            .write_npy(folder.join(format!("{name}.inputs.npy")))
            .unwrap();
        Tensor::cat(&logits, 0)
            .contiguous()
            .write_npy(folder.join(format!("{name}.logits.npy")))
            .unwrap();
    }
}

const SEVEN: [&str; 7] =
    ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"];
