//! The keys of an experiment file, one line each. The reader with its suggestions and bounds, the merging of files,
//! the keys that can be swept, the JSON Schema, the file that `init` writes and `fer-lab keys` are all derived from
//! it; `tests/experiment_file` checks the `Decides` column against the ids of results.

use super::keys::Decides::{Evaluation, Maps, Nothing, Study, Weights};
use super::keys::Takes::{Counts, Flag, Integer, List, Number, Own, Text, Words};
use super::keys::{Form, Item, Key, Takes, Word, key, section, several};
use super::reader::Bounds;
use super::{dataset, decode, schema, training};

#[rustfmt::skip]
mod words {
    use super::Word;

    pub const DATASETS: &[Word] = &[
        ("faces", "drawn from facial action units: nothing to download"),
        ("ferplus", "FER2013 with the votes of FER+: fer2013.csv and fer2013new.csv, or the three folders that \
                     FERPlus's scripts make"),
        ("fer2013", "FER2013 with its own labels: fer2013.csv, icml_face_data.csv or train.csv"),
        ("rafdb", "RAF-DB, basic emotions, aligned: EmoLabel/list_patition_label.txt and Image/aligned/"),
        ("ckplus", "CK+ as sequences: cohn-kanade-images with the frames, Emotion with a file for each sequence"),
        ("folder", "pictures as root/<split>/<class>/*.png, or root/<class>/*.png from which splits are taken"),
        ("table", "pictures with a table of their labels: CSV, TSV or Parquet"),
    ];
    pub const LABELS: &[Word] = &[("votes", "the chosen classes' votes divided by their sum, the seed study's rule"), ("majority", ""), ("cross_entropy", ""), ("probability", ""), ("multi_target", "the last four as in FERPlus, Barsoum et al. 2016")];
    pub const USAGES: &[Word] = &[("PublicTest", ""), ("PrivateTest", "")];
    pub const ON_ERROR: &[Word] = &[("stop", "loading stops, and all of them are named"), ("skip", "excluded, and counted by the reason")];
    pub const FITS: &[Word] = &[
        ("similarity", "by eyes and nose alone, so that a mask's place does not depend on the expression"),
        ("contour", "a piecewise affine map through 26 points (tables of 68 points or more, or `find`): regions follow the parts of the face, and their places may tell the emotion, which mask_leaks shows"),
    ];
    pub const SHAPES: &[Word] = &[
        ("stretch", "to the input's sides, the face with it"),
        ("crop", "the face where its landmarks are known, otherwise the picture's middle"),
        ("pad", "whole, with black borders"),
    ];
    pub const DUPLICATES: &[Word] = &[("keep", "counted"), ("drop", "excluded from training")];
    pub const WITHOUT: &[Word] = &[("identity", "regions as in the canonical frame"), ("skip", "excluded")];
    pub const MODELS: &[Word] = &[
        ("vgg", "3 x 3 convolutions in blocks, as the seed study has them"),
        ("resnet", "a residual network as torchvision has it: He et al. 2016"),
        ("mobilenet_v2", "as torchvision has it: Sandler et al. 2018"),
        ("onnx", "a network of your own in an ONNX file, which is evaluated and not trained"),
    ];
    pub const STEMS: &[Word] = &[
        ("small", "3 x 3 with stride 1 and no pool, for pictures of less than some 100 pixels"),
        ("imagenet", "sides are divided by 4 (resnet: 7 x 7 with stride 2 and a pool) or by 2 (mobilenet_v2): what files of weights are made for"),
    ];
    pub const STANDARDISE: &[Word] = &[
        ("train", "mean and standard deviation of the training images"),
        ("imagenet", "ImageNet's, as most files of weights expect; for RGB"),
    ];
    pub const OUTPUTS: &[Word] = &[("logits", "numbers whose softmax are probabilities"), ("probabilities", "a softmax is inside")];
    pub const COLORS: &[Word] = &[("grey", ""), ("rgb", "as Pillow, torchvision and Keras read pictures"), ("bgr", "as OpenCV reads them")];
    pub const LAYOUTS: &[Word] = &[("nchw", "channels first, as PyTorch has it"), ("nhwc", "channels last, as TensorFlow has it")];
    pub const OPTIMIZERS: &[Word] = &[("adam", ""), ("adamw", "Adam with decoupled weight decay"), ("sgd", "with momentum")];
    pub const TARGETS: &[Word] = &[("distribution", "of the annotators' choices"), ("majority", "the class with most of them, in equal parts where several tie"), ("probability", "a class drawn from them at every visit"), ("multi_target", "any class that is right; of ferplus, with its labels")];
    pub const SELECT: &[Word] = &[("best", "lowest validation loss"), ("last", "")];
    pub const PRECISIONS: &[Word] = &[("f32", ""), ("tf32", "convolutions in TF32, on a GPU"), ("bf16", "convolutions in bfloat16")];
    pub const SCHEDULES: &[Word] = &[
        ("plateau", "lower when the validation loss stops falling"), ("step", "lower at fixed epochs"),
        ("cosine", "half a cosine down"), ("one_cycle", "up, then down"), ("constant", ""),
    ];
    pub const STATISTICS: &[Word] = &[("trained", "the training's own"), ("adapted", "re-estimated on training images masked like the evaluated ones")];
    pub const MODES: &[Word] = &[("hide", "the regions are masked"), ("keep", "everything but the regions is masked")];
    pub const PHASES: &[Word] = &[
        ("retrain", "masked in training and test: is the information there at all? ROAR, Hooker et al. 2019"),
        ("evaluate", "masked at test time only: does a network trained on whole faces rely on it?"),
        ("train", "masked in training, tested on whole faces"),
        ("amortised", "one network for all sets of regions instead of one per set; Covert et al. 2021, Jethani et al. 2022"),
        ("tuned", "the amortised network, trained on for a few epochs under each set; brings `amortised` with it"),
    ];
    pub const FILLS: &[Word] = &[("mean", "of the training images"), ("constant", ""), ("noise", ""), ("blur", ""), ("inpaint", "diffused inward from the visible pixels"), ("object", "surgical_mask, sunglasses and the other occluders as drawn objects; with the mode hide")];
    pub const MAP_FILLS: &[Word] = &[("mean", "of the training images"), ("constant", ""), ("noise", "")];
    pub const METHODS: &[Word] = &[
        ("window", "the loss under a sliding square: Zeiler and Fergus 2014"),
        ("rise", "the mean score over random masks that leave a place visible: Petsiuk et al. 2018"),
    ];
}
use words::*;

const NAME: Form = Form {
    says: "1 to 100 letters, digits, _ and -",
    pattern: "^[A-Za-z0-9_-]{1,100}$",
    refuse: decode::refuse_name,
    ..Form::ANY
};
const LABEL: Form = Form {
    says: "1 to 40 letters, digits, spaces and . _ + ( ) / -",
    pattern: "^[A-Za-z0-9]([A-Za-z0-9 ._+()/-]{0,38}[A-Za-z0-9.+)])?$",
    refuse: decode::refuse_label,
    ..Form::ANY
};
const PROSE: Form = Form { most: decode::MAX_PROSE, refuse: decode::refuse_prose, ..Form::ANY };
const PATH: Form = Form { says: "a path", ..Form::ANY };
const ROOT: Form = Form { says: "a folder", least: 1, refuse: dataset::refuse_root, ..Form::ANY };
const POINTS: Form =
    Form { says: "find, or a file", least: 1, refuse: dataset::refuse_landmarks, ..Form::ANY };
const FILE: Form = Form { says: "a file", least: 1, refuse: dataset::refuse_empty, ..Form::ANY };
const COLUMN: Form =
    Form { says: "a column", least: 1, refuse: dataset::refuse_empty, ..Form::ANY };
const PATTERN: Form =
    Form { says: "a regular expression", least: 1, refuse: dataset::refuse_pattern, ..Form::ANY };
const DEVICE: Form = Form {
    says: "auto (the first GPU, where there is one) | cpu | cuda:0, cuda:1 ...",
    pattern: "^(auto|cpu|cuda:[0-9]{1,2})$",
    refuse: training::refuse_device,
    ..Form::ANY
};

const IMAGES: Takes = Integer(1, 1_000_000);
const SEED: Takes = Integer(0, i64::MAX);
const EPOCHS: Takes = Integer(1, 100_000);
const SHARE: Takes = Number(Bounds::open(0.0, 1.0));
const FULL_SHARE: Takes = Number(Bounds::above(0.0, 1.0));
const HALF_OPEN: Takes = Number(Bounds::below(0.0, 1.0));
const GREYS: Takes = Number(Bounds::closed(0.0, 1.0));
const RATE: Takes = Number(Bounds::above(0.0, 10.0));
const DECAY: Takes = Number(Bounds::closed(0.0, 10.0));
const LOWEST: Takes = Number(Bounds::below(0.0, 10.0));
const LIFELIKE: Takes = Number(Bounds::closed(0.0, 2.0));
const DIVISOR: Takes = Number(Bounds::closed(1.0, 1e9));

const CHANNELS: &[(i64, &str)] = &[(1, "grey"), (3, "RGB")];
const DEPTHS: &[(i64, &str)] = &[(18, ""), (34, ""), (50, "with bottlenecks")];
const TRAINED: &[&str] = &["vgg", "resnet", "mobilenet_v2"];

const EMOTIONS: &str =
    r#"["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"]"#;

/// In the order of the generated pages. A key whose meaning depends on `kind` has one line per meaning.
#[rustfmt::skip]
pub(super) static KEYS: &[Key] = &[
    key("name", Text(NAME), "", Nothing, "The folder in results/").needed("every experiment needs its own", "add a line such as `name = \"mask_eyes\"`: the folder in results/"),
    key("question", Text(PROSE), r#""""#, Nothing, "What is asked, in a sentence"),
    key("analysis", Text(PROSE), r#""""#, Nothing, "Prose for the report: what is measured and why"),
    key("base", Text(PATH), "", Nothing, "Another experiment file to start from, relative to this one; keys given here win").like(&[r#""other.toml""#]),

    section("dataset", Weights, "The images and their labels"),
    key("dataset.kind", Words(DATASETS), "", Weights, "Which data").needed("every experiment needs data", "say which data, as in `kind = \"faces\"`; one of: faces, ferplus, fer2013, rafdb, ckplus, folder, table"),
    key("dataset.root", Text(ROOT), "", Weights, "Folder of the data, relative to this file; ~ and $VARIABLES are put in").of(&["ferplus", "fer2013", "rafdb", "ckplus", "folder", "table"]).needed("data on disk need a folder", "add the folder that holds the data, as in `root = \"data/ferplus\"`"),
    key("dataset.table", Text(FILE), "", Weights, "The table of labels: columns image, label (or votes or shares, a column for each class), split").of(&["table"]).needed("the labels stand in a table", "add it, as in `table = \"data/labels.csv\"`"),
    key("dataset.val_table", Text(FILE), "", Weights, "The table of the validation images, where they have one of their own").of(&["table"]).like(&[r#""val.csv""#]),
    key("dataset.test_table", Text(FILE), "", Weights, "The table of the test images, where they have one of their own").of(&["table"]).like(&[r#""test.csv""#]),
    key("dataset.image", Text(COLUMN), r#""image""#, Weights, "The column of the pictures' names").of(&["table"]),
    key("dataset.label", Text(COLUMN), "", Weights, "The column of the labels, if it is not `label`").of(&["table"]).like(&[r#""expression""#]),
    key("dataset.label", Text(PATTERN), "", Weights, "A pattern that finds the label in a picture's path under the root, where no folder has its name").of(&["folder"]).like(&[r#"'([A-Z][A-Z])[0-9]\.'"#]),
    key("dataset.group", Text(PATTERN), "", Weights, "A pattern that finds in a picture's path under the root whom it shows, so that no person is in two splits that are drawn").of(&["folder"]).like(&[r#"'([^/_]+)_[^/]*$'"#]),
    key("dataset.group", Text(COLUMN), "", Weights, "The column that says whom a picture shows (`subject` if there is one), or a pattern that finds it in the path, so that no person is in two splits that are drawn").of(&["table"]).like(&[r#""person""#]),
    key("dataset.split", Text(COLUMN), r#""split""#, Weights, "The column of the splits: train, val or test").of(&["table"]),
    key("dataset.frames", Integer(1, 1000), "3", Weights, "How many of a sequence's last frames show its emotion").of(&["ckplus"]),
    key("dataset.size", Own("two whole numbers, 8 to 1024", schema::size), "[48, 48]", Weights, "Height and width of the network's input, in pixels"),
    key("dataset.channels", Counts(CHANNELS), "1", Weights, "Channels").of(&["faces", "ferplus", "fer2013", "ckplus"]),
    key("dataset.channels", Counts(CHANNELS), "3", Weights, "Channels").of(&["rafdb", "folder", "table"]),
    key("dataset.labels", Words(LABELS), r#""votes""#, Weights, "How the votes become labels").of(&["ferplus"]),
    key("dataset.test_labels", Words(LABELS), "", Weights, "How the votes of validation and test images become labels, where not as in training: FERPlus evaluates by `majority` whatever it trains on").of(&["ferplus"]).like(&[r#""majority""#]),
    key("dataset.labels", Own("classes, by what the data call them", schema::labels), "", Weights, "Which class a folder's name, a table's label, or a number, means; a class's own name and its other forms (Happy, happiness) are known").of(&["rafdb", "folder", "table"]).like(&[r#"{ "1" = "surprise", "2" = "fear" }"#]),
    key("dataset.classes", Own("a list of two or more", schema::seven), EMOTIONS, Weights, "The classes in their order").of(&["faces", "fer2013", "rafdb"]),
    key("dataset.classes", Own("a list of two or more, \"contempt\" among them if you like", schema::eight), EMOTIONS, Weights, "The classes in their order").of(&["ferplus", "ckplus"]),
    key("dataset.classes", Own("a list of names, two or more", schema::any_classes), EMOTIONS, Weights, "The classes in their order").of(&["folder", "table"]),
    key("dataset.landmarks", Text(POINTS), "", Weights, "Landmarks that place the regions in each image: \"find\" (they are found in the pictures, after scripts/setup --landmarks), or a table (CSV, TSV, JSON), or a folder with a file for each picture (.pts, .csv, .json); 5 named, 68, 468 or 478 points, in fractions of width and height or in pixels").of(&["ferplus", "fer2013", "rafdb", "ckplus", "folder", "table"]).like(&[r#""find""#, r#""points.csv""#]),
    key("dataset.without_landmarks", Words(WITHOUT), r#""identity""#, Weights, "Treatment of images without trusted landmarks").of(&["ferplus", "fer2013", "rafdb", "ckplus", "folder", "table"]),
    key("dataset.fit", Words(FITS), r#""similarity""#, Weights, "What carries regions into an image with landmarks").of(&["ferplus", "fer2013", "rafdb", "ckplus", "folder", "table"]),
    key("dataset.shape", Words(SHAPES), r#""stretch""#, Weights, "How a picture whose sides have another ratio comes into the network's input").of(&["ferplus", "fer2013", "rafdb", "ckplus", "folder", "table"]),
    key("dataset.duplicates", Words(DUPLICATES), r#""keep""#, Weights, "Treatment of training pictures equal to one of the validation or test images").of(&["ferplus", "fer2013", "rafdb", "ckplus", "folder", "table"]),
    key("dataset.on_error", Words(ON_ERROR), r#""stop""#, Weights, "Treatment of pictures that cannot be read").of(&["ferplus", "fer2013", "rafdb", "ckplus", "folder", "table"]),
    key("dataset.limit", IMAGES, "", Weights, "At most so many images of each split, drawn at random: for a first look").of(&["ferplus", "fer2013", "rafdb", "ckplus", "folder", "table"]).like(&["1000"]),
    key("dataset.standardise", Words(STANDARDISE), r#""train""#, Weights, "What the network's inputs are standardised by"),
    key("dataset.train", IMAGES, "3500", Weights, "Training images").of(&["faces"]),
    key("dataset.val", IMAGES, "700", Weights, "Validation images").of(&["faces"]),
    key("dataset.val", Words(USAGES), r#""PrivateTest""#, Weights, "The part to validate on").of(&["ferplus"]),
    key("dataset.val", Words(USAGES), r#""PublicTest""#, Weights, "The part to validate on").of(&["fer2013"]),
    key("dataset.val", SHARE, "0.1", Weights, "Share of the training images used for validation").of(&["rafdb"]),
    key("dataset.val", SHARE, "0.1", Weights, "Share to validate on, where images are not split already").of(&["ckplus", "folder", "table"]),
    key("dataset.test", IMAGES, "1400", Weights, "Test images").of(&["faces"]),
    key("dataset.test", Words(USAGES), r#""PublicTest""#, Weights, "The part to test on").of(&["ferplus"]),
    key("dataset.test", Words(USAGES), r#""PrivateTest""#, Weights, "The part to test on").of(&["fer2013"]),
    key("dataset.test", SHARE, "0.1", Weights, "Share to test on, where images are not split already").of(&["ckplus", "folder", "table"]),
    key("dataset.split_seed", SEED, "0", Weights, "Seed of the random split").of(&["fer2013", "rafdb", "ckplus", "folder", "table"]),
    key("dataset.seed", SEED, "0", Weights, "Seed of the generator").of(&["faces"]),
    key("dataset.signal", Own("a list of regions, and of pairs", schema::signal), r#"["forehead", "brows", "eyes", "nose", "cheeks", "mouth", "jaw"]"#, Weights, "The regions that carry the emotion; two in a list of their own carry it only together").of(&["faces"]).like(&[r#"["mouth", ["brows", "eyes"]]"#]),
    key("dataset.identity", LIFELIKE, "1.0", Weights, "How much people differ: 0 is one person, 1 is lifelike").of(&["faces"]),
    key("dataset.nuisance", LIFELIKE, "1.0", Weights, "How much light, pose, blur and noise vary; 1 is lifelike").of(&["faces"]),

    section("model", Weights, "The network"),
    key("model.kind", Words(MODELS), r#""vgg""#, Weights, "Which network"),
    key("model.name", Text(LABEL), "", Nothing, "What tables, charts and sentences call the network, where `[matrix]` sweeps several; the label changes no result").like(&[r#""ResNet-18""#]),
    key("model.blocks", Own("a list of lists of whole numbers, 1 to 4096", schema::blocks), "[[64, 64], [96, 96, 96], [128, 128, 128]]", Weights, "The width of each convolution, by block; a pool after every block but the last divides the sides by 3").of(&["vgg"]),
    key("model.batch_norm_momentum", HALF_OPEN, "0.99", Weights, "Momentum of batch normalisation's running statistics, the share that a step keeps; use less for trainings of a few hundred steps").of(&["vgg"]),
    key("model.batch_norm_momentum", HALF_OPEN, "0.9", Weights, "Momentum of batch normalisation's running statistics, the share that a step keeps (PyTorch counts the other way: its default, 0.1, is 0.9 here)").of(&["resnet", "mobilenet_v2"]),
    key("model.depth", Counts(DEPTHS), "18", Weights, "Layers with weights").of(&["resnet"]),
    key("model.stem", Words(STEMS), r#""small""#, Weights, "The first layers").of(&["resnet", "mobilenet_v2"]),
    key("model.dropout", HALF_OPEN, "0.0", Weights, "Share of the dense layer's inputs that a training step sets to 0").of(&["vgg", "resnet"]),
    key("model.dropout", HALF_OPEN, "0.2", Weights, "Share of the dense layer's inputs that a training step sets to 0").of(&["mobilenet_v2"]),
    key("model.weights", Text(FILE), "", Weights, "A safetensors file of weights to start from, relative to this one, with torchvision's names; where its dense layer has other classes, that is drawn at random").of(TRAINED).like(&[r#""resnet18.safetensors""#]),
    key("model.freeze", Own("a list of beginnings of names", schema::beginnings), "[]", Weights, "Tensors that keep the values they start from, by the beginnings of their names; batch normalisation among them uses its running statistics").of(TRAINED).like(&[r#"["blocks.0"]"#]),
    key("model.path", Text(FILE), "", Weights, "The network's ONNX file, relative to this one; files of weights that it names lie beside it").of(&["onnx"]).needed("a network from a file needs the file", "add it, as in `path = \"my.onnx\"`").like(&[r#""my.onnx""#]),
    key("model.classes", Own("a list of names, one for each column", schema::columns), "", Weights, "What each column of the output stands for, in the network's order; \"\" for one that is no class").of(&["onnx"]).like(&[r#"["anger", "fear", "happiness", "sadness", "neutral"]"#]),
    key("model.output", Words(OUTPUTS), "", Weights, "What the output is, where its last operator does not tell").of(&["onnx"]).like(&[r#""logits""#]),
    key("model.output_name", Text(FILE), "", Weights, "Which output has the classes, where there are several").of(&["onnx"]).like(&[r#""logits""#]),
    key("model.files", Own("filled in by the program", schema::files), "", Weights, "What the file says, noted when it is read: its hash above all, so that the results belong to this network and no other"),
    section("model.input", Weights, "The pictures that the network takes").of(&["onnx"]).like(&["{ range = 1.0, mean = [0.5], std = [0.5] }"]),
    key("model.input.color", Words(COLORS), "", Weights, "The channels, where the file does not tell: one channel is grey").like(&[r#""rgb""#]),
    key("model.input.layout", Words(LAYOUTS), "", Weights, "The order of the dimensions, where the file does not tell").like(&[r#""nchw""#]),
    key("model.input.size", Own("two whole numbers, 1 to 1024", schema::input_size), "", Weights, "Height and width, where the file does not tell; without it as `dataset.size`").like(&["[112, 112]"]),
    key("model.input.range", Number(Bounds::above(0.0, 1e6)), "", Weights, "What white is before mean and std: 1.0 or 255.0").like(&["1.0"]),
    key("model.input.mean", Own("a list of numbers, by channel", schema::per_channel), "", Weights, "Subtracted from values from 0 to the range, in the order of the channels; 0 without it").like(&["[0.485, 0.456, 0.406]"]),
    key("model.input.std", Own("a list of numbers, by channel", schema::per_channel), "", Weights, "Divides what is left; 1 without it").like(&["[0.229, 0.224, 0.225]"]),

    section("train", Weights, "Training"),
    key("train.epochs", EPOCHS, "30", Weights, "Passes over the training images"),
    key("train.batch_size", Integer(1, 65_536), "64", Weights, "Images per step"),
    section("train.optimizer", Weights, "The optimiser and its settings"),
    key("train.optimizer.kind", Words(OPTIMIZERS), r#""adam""#, Weights, "The optimiser"),
    key("train.optimizer.learning_rate", RATE, "0.001", Weights, "The full learning rate; [schedule] varies it").of(&["adam", "adamw"]),
    key("train.optimizer.learning_rate", RATE, "0.01", Weights, "The full learning rate; [schedule] varies it").of(&["sgd"]),
    key("train.optimizer.beta1", HALF_OPEN, "0.9", Weights, "Decay of the mean of gradients").of(&["adam", "adamw"]),
    key("train.optimizer.beta2", HALF_OPEN, "0.999", Weights, "Decay of the mean of squared gradients").of(&["adam", "adamw"]),
    key("train.optimizer.epsilon", Number(Bounds::above(0.0, 1.0)), "1e-7", Weights, "Added to the root of the squares").of(&["adam", "adamw"]),
    key("train.optimizer.momentum", HALF_OPEN, "0.9", Weights, "Momentum, the share of the last step that is kept").of(&["sgd"]),
    key("train.optimizer.nesterov", Flag, "false", Weights, "Nesterov's momentum").of(&["sgd"]),
    key("train.optimizer.weight_decay", DECAY, "0.01", Weights, "Weight decay").of(&["adamw"]),
    key("train.optimizer.weight_decay", DECAY, "0.0", Weights, "Weight decay").of(&["sgd"]),
    key("train.target", Words(TARGETS), r#""distribution""#, Weights, "The training target"),
    section("train.augment", Weights, "Random augmentation of training images, redrawn in every epoch"),
    key("train.augment.rotate", Number(Bounds::closed(0.0, 180.0)), "10.0", Weights, "Rotation, plus or minus degrees"),
    key("train.augment.scale", Number(Bounds::closed(0.0, 0.5)), "0.1", Weights, "Scaling, a share of width and height"),
    key("train.augment.flip", Flag, "true", Weights, "Horizontal flip, chance one half"),
    key("train.augment.erasing", Number(Bounds::closed(0.0, 1.0)), "0.0", Weights, "Probability that a random rectangle of a training image is replaced by the mean of the training images, before masks: Zhong et al. 2020; see docs/masks.md for what it does to occlusion"),
    key("train.label_smoothing", HALF_OPEN, "0.0", Weights, "Share of the training target that is spread over all classes: Szegedy et al. 2016"),
    key("train.mixup", Number(Bounds::closed(0.0, 100.0)), "0.0", Weights, "Training images are mixed with another of their batch, in shares from Beta(mixup, mixup), and their targets likewise; 0: they are not. Zhang et al. 2018"),
    key("train.averaging", HALF_OPEN, "0.0", Weights, "Decay of a moving average of the weights, which is what is validated and kept: Polyak and Juditsky 1992; 0: the weights of the last step"),
    key("train.class_weights", Own("none | balanced (every class counts alike) | a list of numbers from 0.000001 to 1000000, one for each class", schema::class_weights), r#""none""#, Weights, "How much classes count in the losses; probabilities, and so bits, are then not calibrated to the data's shares").like(&[r#""balanced""#, "[1, 2, 2, 2, 3, 9, 6]"]),
    key("train.select", Words(SELECT), r#""best""#, Weights, "The epoch whose network is kept"),
    key("train.precision", Words(PRECISIONS), r#""f32""#, Weights, "Floating-point precision"),
    key("train.device", Text(DEVICE), r#""auto""#, Nothing, "The device"),
    key("train.early_stopping", Integer(0, 100_000), "0", Weights, "Stop after this many epochs without improvement of the validation loss; 0: never"),

    section("schedule", Weights, "The learning rate schedule"),
    key("schedule.kind", Words(SCHEDULES), r#""plateau""#, Weights, "The schedule"),
    key("schedule.warmup", Number(Bounds::closed(0.0, 100_000.0)), "0.0", Weights, "Warm-up epochs, at most train.epochs"),
    key("schedule.factor", SHARE, "0.1", Weights, "Factor that the learning rate is multiplied by").of(&["plateau", "step"]),
    key("schedule.patience", EPOCHS, "1", Weights, "Epochs without improvement before the rate is lowered").of(&["plateau"]),
    key("schedule.min_delta", Number(Bounds::closed(0.0, 100.0)), "0.0", Weights, "The minimum decrease of the loss that counts as an improvement").of(&["plateau"]),
    key("schedule.min_rate", LOWEST, "0.0", Weights, "The minimum learning rate, below the full one").of(&["plateau", "cosine"]),
    key("schedule.every", EPOCHS, "10", Weights, "Epochs between two reductions").of(&["step"]),
    key("schedule.rise", SHARE, "0.3", Weights, "Share of the training over which the rate goes up").of(&["one_cycle"]),
    key("schedule.div", DIVISOR, "25.0", Weights, "The cycle starts at the rate divided by this").of(&["one_cycle"]),
    key("schedule.final_div", DIVISOR, "10000.0", Weights, "The cycle ends at the rate divided by this").of(&["one_cycle"]),

    section("evaluate", Evaluation, "How trained networks are evaluated"),
    key("evaluate.statistics", Words(STATISTICS), r#""trained""#, Evaluation, "Means and variances of batch normalisation"),

    key("regions", Own("lists of regions or of polygons, by name", schema::regions), "", Study, "Regions of your own, beside forehead, brows, eyes, nose, cheeks, mouth, jaw and their halves (eyes_left ...): unions, or polygons in the canonical face frame, x and y from 0 to 1 from the top left (`fer-lab regions FILE` draws)").like(&[r#"upper = ["forehead", "brows", "eyes"]"#, "glasses = [[[0.15, 0.3], [0.85, 0.3], [0.85, 0.5], [0.15, 0.5]]]"]),

    section("occlusion", Study, "What is masked; the whole face is always included as the baseline"),
    key("occlusion.regions", Own("a list of regions, or of lists of regions | \"each\" | \"pairs\" | \"halves\" | \"subsets\"", schema::sets), "[]", Study, "Each region is a condition; a list in the list masks several at once. \"each\": every region; \"pairs\": every two; \"halves\": left, right, upper and lower half of the face; \"subsets\": every set of regions").like(&[r#"["eyes", "mouth"]"#, r#"["eyes", "mouth", ["eyes", "mouth"]]"#, r#""each""#, r#""pairs""#, r#""halves""#, r#""subsets""#]),
    key("occlusion.modes", several(MODES, 1), r#"["hide"]"#, Study, "Mask the regions, or everything else"),
    key("occlusion.phases", several(PHASES, 1), r#"["retrain"]"#, Study, "When faces are masked"),
    key("occlusion.fills", several(FILLS, 1), r#"["mean"]"#, Study, "What replaces masked pixels"),
    key("occlusion.constant", GREYS, "0.0", Study, "The grey of the fill, black to white").with("fills", "constant"),
    key("occlusion.blur", Number(Bounds::closed(0.001, 1.0)), "0.1", Study, "Standard deviation of the fill, a share of the image's height").with("fills", "blur"),
    key("occlusion.controls", Integer(0, 100), "0", Study, "Controls per condition whose networks are trained for it (retrain, train, tuned): masks of the same area and shape at random places"),
    key("occlusion.evaluated_controls", Integer(0, 100), "20", Study, "Controls per condition of evaluate and amortised, which need no training of their own; of more than 16 sets, only those of the fewest regions have them"),
    key("occlusion.tuned_epochs", EPOCHS, "5", Study, "Epochs that the amortised network trains on under each set").with("phases", "tuned"),
    key("occlusion.tuned_rate", FULL_SHARE, "0.3", Study, "Learning rate of these epochs, a share of the training's; it falls to 0 along half a cosine").with("phases", "tuned"),
    key("occlusion.masks_alone", Flag, "true", Study, "Train a mask-only baseline where the place of regions differs between images: its accuracy is what the masks leak"),

    section("sensitivity", Maps, "Sensitivity maps of the networks trained on whole faces"),
    key("sensitivity.methods", several(METHODS, 0), "[]", Maps, "Each asks for thousands of predictions per image").like(&[r#"["window", "rise"]"#]),
    key("sensitivity.window", Number(Bounds::closed(0.02, 1.0)), "0.2", Maps, "Side of the square, a share of the face frame's").with("methods", "window"),
    key("sensitivity.stride", Number(Bounds::closed(0.01, 1.0)), "0.05", Maps, "Distance between two positions of the square, at most its side").with("methods", "window"),
    key("sensitivity.masks", Integer(10, 20_000), "500", Maps, "Random masks").with("methods", "rise"),
    key("sensitivity.cells", Integer(2, 32), "7", Maps, "Cells along each side of a mask").with("methods", "rise"),
    key("sensitivity.keep", Number(Bounds::closed(0.05, 0.95)), "0.5", Maps, "Probability of a cell to be visible").with("methods", "rise"),
    key("sensitivity.images", Integer(0, 1_000_000), "200", Maps, "Test images per class at most; 0: all"),
    key("sensitivity.steps", Integer(2, 200), "20", Maps, "Steps of the insertion and deletion curves (Petsiuk et al. 2018)"),
    key("sensitivity.fill", Words(MAP_FILLS), r#""mean""#, Maps, "What replaces masked pixels"),
    key("sensitivity.constant", GREYS, "0.0", Maps, "The grey of the fill, black to white").with("fill", "constant"),

    section("seeds", Study, "Repeated trainings per condition, which give the confidence intervals"),
    key("seeds.count", Integer(1, 1000), "3", Study, "Seeds 1, 2 ... up to this"),
    key("seeds.list", List(Item::Integer(0, i64::MAX), 1, 1000), "", Study, "A list of seeds, instead of `count`").like(&["[11, 12, 13]"]),

    key("matrix", Own("lists of values, by key", schema::matrix), "", Study, "Keys that are swept: every combination of values is a condition of its own").like(&[r#""train.optimizer.learning_rate" = [0.01, 0.001]"#, r#""train.epochs" = [3, 9]"#]),
];
