//! The validated experiment: every name resolved, every default filled in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::network::{self, Architecture, Depth, Stem, TensorShape};
use crate::region::{Fill, Mode, Phase, Regions, Tuning};

/// An experiment: a question and its complete definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// `[A-Za-z0-9_-]+`: also the folder in `results/`.
    pub name: String,
    pub question: String,
    /// Prose for the report: what is measured and why.
    pub analysis: String,
    /// The settings of the unswept experiment.
    pub settings: Settings,
    pub evaluate: EvaluateSpec,
    /// The built-in atlas and the file's own regions.
    pub regions: Regions,
    pub occlusion: OcclusionStudy,
    /// The maps that are made of every network trained on whole faces; no two of one method.
    pub sensitivity: Vec<SensitivitySpec>,
    /// At least one, no two equal.
    pub seeds: Vec<u64>,
    /// One entry for each combination of `[matrix]`; a single entry without swept keys where there is
    /// no matrix.
    pub cells: Vec<Cell>,
    /// The study: the keys of `[occlusion]` and `[sensitivity]` with their values, by section. Defaults are filled
    /// in; keys without effect are left out.
    pub asked: serde_json::Map<String, serde_json::Value>,
    /// What is to be said of its paths to whoever wrote it.
    pub notes: Vec<String>,
    /// The file as run: base and `--set` merged in, to be written into the results folder. Read again,
    /// it is the same experiment.
    pub merged: String,
}

/// One choice of every swept key.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Dotted key → the value as TOML text, as `train.optimizer.learning_rate` → `0.01`.
    pub swept: BTreeMap<String, String>,
    pub settings: Settings,
    pub evaluate: EvaluateSpec,
}

/// Everything that determines a network's weights except the occlusion and the seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub dataset: DatasetSpec,
    pub model: ModelSpec,
    pub train: TrainSpec,
    pub schedule: Schedule,
}

/// How trained networks are evaluated. Not part of [`Settings`]: settings that differ only in this share
/// their trainings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EvaluateSpec {
    pub statistics: Statistics,
}

/// The means and variances of batch normalisation in an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistics {
    /// The running ones of the training.
    #[default]
    Trained,
    /// Those of training images masked in the same way as the evaluated ones, or whole (Li et al. 2016,
    /// arXiv 1603.04779; Schneider et al. 2020, arXiv 2006.16971).
    Adapted,
}

impl Statistics {
    pub const ALL: [Statistics; 2] = [Statistics::Trained, Statistics::Adapted];

    /// As in the experiment file.
    pub fn name(self) -> &'static str {
        match self {
            Statistics::Trained => "trained",
            Statistics::Adapted => "adapted",
        }
    }
}

/// The longest side that pictures can have, pixels.
pub const LONGEST_SIDE: usize = 1024;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetSpec {
    pub source: Source,
    /// Pixels, 8 to [`LONGEST_SIDE`] each.
    pub height: usize,
    pub width: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// In class order: at least two, no two equal.
    pub classes: Vec<String>,
    pub landmarks: Option<LandmarkSource>,
    pub without_landmarks: WithoutLandmarks,
    #[serde(default, skip_serializing_if = "OnError::is_stop")]
    pub on_error: OnError,
    #[serde(default, skip_serializing_if = "Shaping::is_stretch")]
    pub shape: Shaping,
    #[serde(default, skip_serializing_if = "Duplicates::is_keep")]
    pub duplicates: Duplicates,
    #[serde(default, skip_serializing_if = "Fit::is_similarity")]
    pub fit: Fit,
    /// At most so many images of each split, drawn at random; all where it is `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    #[serde(default, skip_serializing_if = "Standardise::is_train")]
    pub standardise: Standardise,
}

/// What a network's inputs are standardised by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standardise {
    /// Mean and standard deviation of the training images, by channel.
    #[default]
    Train,
    /// Those of ImageNet, which networks with weights from there were trained with.
    Imagenet,
}

impl Standardise {
    pub(crate) fn is_train(&self) -> bool {
        *self == Standardise::Train
    }
}

/// What carries regions into an image with landmarks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// The similarity that fits eyes and nose: a region's place does not depend on the expression.
    #[default]
    Similarity,
    /// A piecewise affine map through 26 points, which follows the parts of the face
    /// ([`FaceMap`](crate::region::FaceMap)).
    Contour,
}

impl Fit {
    fn is_similarity(&self) -> bool {
        *self == Fit::Similarity
    }
}

/// The treatment of training pictures that are equal, pixel by pixel, to one of the validation or test split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duplicates {
    /// They are counted.
    #[default]
    Keep,
    /// They are excluded from training.
    Drop,
}

impl Duplicates {
    fn is_keep(&self) -> bool {
        *self == Duplicates::Keep
    }
}

/// Where the landmarks come from that place the regions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PathBuf", into = "PathBuf")]
pub enum LandmarkSource {
    /// They are found in the pictures.
    Find,
    /// A table, or a folder with a file for each picture; its path resolved against the working folder.
    Table(PathBuf),
}

impl LandmarkSource {
    /// What stands for [`LandmarkSource::Find`] in the experiment file; a table of that name is `./find`.
    pub const FIND: &str = "find";
}

impl From<PathBuf> for LandmarkSource {
    fn from(path: PathBuf) -> LandmarkSource {
        match path.as_os_str() == LandmarkSource::FIND {
            true => LandmarkSource::Find,
            false => LandmarkSource::Table(path),
        }
    }
}

impl From<&str> for LandmarkSource {
    fn from(path: &str) -> LandmarkSource {
        LandmarkSource::from(PathBuf::from(path))
    }
}

impl From<LandmarkSource> for PathBuf {
    fn from(source: LandmarkSource) -> PathBuf {
        match source {
            LandmarkSource::Find => PathBuf::from(LandmarkSource::FIND),
            LandmarkSource::Table(path) => path,
        }
    }
}

impl DatasetSpec {
    /// Of pictures of a height, width and number of channels, with the default of every other setting.
    pub fn new(
        source: Source,
        [height, width, channels]: [usize; 3],
        classes: &[&str],
    ) -> DatasetSpec {
        DatasetSpec {
            source,
            height,
            width,
            channels,
            classes: classes.iter().map(|class| (*class).to_owned()).collect(),
            landmarks: None,
            without_landmarks: WithoutLandmarks::Identity,
            on_error: OnError::default(),
            shape: Shaping::default(),
            duplicates: Duplicates::default(),
            fit: Fit::default(),
            limit: None,
            standardise: Standardise::default(),
        }
    }
}

/// How a picture whose sides have another ratio than the network's input comes into it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shaping {
    /// The whole picture fills the input, and its face is distorted as it is.
    #[default]
    Stretch,
    /// A part of the picture fills the input: the face where its landmarks are known, otherwise the picture's middle.
    Crop,
    /// The whole picture, with black borders.
    Pad,
}

impl Shaping {
    fn is_stretch(&self) -> bool {
        *self == Shaping::Stretch
    }
}

/// The treatment of a picture that cannot be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// Loading stops, and all such pictures are named.
    #[default]
    Stop,
    /// They are excluded and counted, by the reason.
    Skip,
}

impl OnError {
    fn is_stop(&self) -> bool {
        *self == OnError::Stop
    }
}

/// The treatment of an image without trusted landmarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithoutLandmarks {
    /// Its regions are placed as in the canonical frame.
    Identity,
    /// It is excluded.
    Skip,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    Faces(FacesSpec),
    Ferplus {
        root: PathBuf,
        labels: FerplusLabels,
        /// The rule of the validation and test images' labels, where it is another.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test_labels: Option<FerplusLabels>,
        val: FerUsage,
        test: FerUsage,
    },
    /// FER2013 with its own labels.
    Fer2013 {
        root: PathBuf,
        val: FerUsage,
        test: FerUsage,
        split_seed: u64,
    },
    /// `labels`: classes by what the list calls them, where these are not RAF-DB's numbers. `val`: the share of the training
    /// images that becomes the validation split.
    Rafdb {
        root: PathBuf,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        labels: BTreeMap<String, String>,
        val: f64,
        split_seed: u64,
    },
    /// `frames`: how many of each sequence's last frames show its emotion. `val` and `test`: shares of the images.
    Ckplus {
        root: PathBuf,
        frames: usize,
        val: f64,
        test: f64,
        split_seed: u64,
    },
    Folder(FolderSpec),
    Table(TableSpec),
}

/// Pictures in folders by class, or with their classes in their names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FolderSpec {
    pub root: PathBuf,
    /// A pattern over the names that finds the label; `None`: it is the name of the folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Classes by label, where that does not follow from the names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// A pattern over the names that finds the group that no split divides: a person, say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Shares of the images, where no folders say the split.
    pub val: f64,
    pub test: f64,
    pub split_seed: u64,
}

/// Pictures and a table of their labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableSpec {
    /// The folder of the pictures.
    pub root: PathBuf,
    pub table: PathBuf,
    /// Tables of the validation and of the test images, where they have their own; `table` is then of the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_table: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_table: Option<PathBuf>,
    /// The column of the pictures' names.
    pub image: String,
    /// The column of the labels; `None`: `label`, or else a column of votes or shares for each class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The column of the splits, where there is one.
    pub split: String,
    /// Classes by label, where that does not follow from the names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The column of the groups that no split divides, people say, or a pattern over the names that finds them; `None`: the
    /// column `subject`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Shares of the images, where no column or table says the split.
    pub val: f64,
    pub test: f64,
    pub split_seed: u64,
}

/// The embedded generator of faces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FacesSpec {
    /// Images in each split.
    pub train: usize,
    pub val: usize,
    pub test: usize,
    pub seed: u64,
    /// The built-in regions that carry the emotion, each by itself; all seven by default.
    pub signal: Vec<String>,
    /// Pairs of regions that carry it together, while either alone carries nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub together: Vec<[String; 2]>,
    /// How much people differ: 0 (one person) to 2; 1 is lifelike.
    pub identity: f64,
    /// How much light, pose, blur and noise vary: 0 to 2; 1 is lifelike.
    pub nuisance: f64,
}

/// How FER+'s votes become labels; `votes` is the seed study's rule, the others are those of FERPlus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FerplusLabels {
    Votes,
    Majority,
    CrossEntropy,
    Probability,
    MultiTarget,
}

impl FerplusLabels {
    /// As in the experiment file.
    pub fn name(self) -> &'static str {
        match self {
            FerplusLabels::Votes => "votes",
            FerplusLabels::Majority => "majority",
            FerplusLabels::CrossEntropy => "cross_entropy",
            FerplusLabels::Probability => "probability",
            FerplusLabels::MultiTarget => "multi_target",
        }
    }
}

/// FER2013's own name for its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FerUsage {
    Training,
    PublicTest,
    PrivateTest,
}

/// The network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModelSpec {
    /// A network that was trained elsewhere, in an ONNX file: it is only evaluated.
    Onnx(OnnxSpec),
    /// A residual network ([`resnet`](crate::network::resnet)).
    Resnet(ResnetSpec),
    /// MobileNet V2 ([`mobilenet_v2`](crate::network::mobilenet_v2)).
    MobilenetV2(MobilenetSpec),
    /// Stored without its kind, as when there was no other.
    #[serde(untagged)]
    Vgg(VggSpec),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResnetSpec {
    pub depth: Depth,
    pub stem: Stem,
    #[serde(flatten)]
    pub common: CommonSpec,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MobilenetSpec {
    pub stem: Stem,
    #[serde(flatten)]
    pub common: CommonSpec,
}

/// What every network that is trained here has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommonSpec {
    /// The share of batch normalisation's old running statistics that a step keeps, 0 to 1 (TensorFlow's
    /// sense; its default is 0.99, and PyTorch's, in this sense, 0.9). Trainings of a few hundred steps want less.
    pub batch_norm_momentum: f64,
    /// The share of the dense layer's inputs that a training step sets to 0 (Srivastava et al. 2014).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropout: f64,
    /// What it starts from; random weights where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<WeightsFile>,
    /// Beginnings of the names of tensors that keep the values they start from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<String>,
}

/// A safetensors file of weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsFile {
    pub path: PathBuf,
    /// BLAKE3, hexadecimal.
    pub hash: String,
}

fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

/// A VGG-like network: blocks of 3 × 3 convolutions, each with batch normalisation and ReLU; a 3 × 3
/// max pool with stride 3 after every block but the last, then global average pooling into the classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VggSpec {
    /// The width of each convolution, by block.
    pub blocks: Vec<Vec<i64>>,
    #[serde(flatten)]
    pub common: CommonSpec,
}

/// A network in an ONNX file, and what has to be known to use it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnnxSpec {
    pub path: PathBuf,
    /// BLAKE3 of the file and of its files of weights, hexadecimal
    /// ([`NetworkFiles`](crate::onnx::NetworkFiles)).
    pub hash: String,
    /// Numbers in its tensors of floats.
    pub parameters: u64,
    pub input: OnnxInput,
    pub output: OnnxOutput,
    /// What each column of the output stands for: a class, or nothing that is to be used (empty).
    pub classes: Vec<String>,
}

/// The pictures that a network takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnnxInput {
    pub color: Color,
    pub layout: Layout,
    /// Height and width, pixels.
    pub size: [usize; 2],
    /// What white is before `mean` and `std`: 1 or 255, mostly.
    pub range: f64,
    /// By channel, in the network's order: subtracted from values from 0 to `range`.
    pub mean: Vec<f64>,
    /// By channel: divides what is left.
    pub std: Vec<f64>,
    /// Pictures in a pass, where the file fixes their number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
}

/// The channels of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Color {
    Grey,
    Rgb,
    Bgr,
}

impl Color {
    pub fn channels(self) -> usize {
        match self {
            Color::Grey => 1,
            Color::Rgb | Color::Bgr => 3,
        }
    }

    /// As in the experiment file.
    pub fn name(self) -> &'static str {
        match self {
            Color::Grey => "grey",
            Color::Rgb => "rgb",
            Color::Bgr => "bgr",
        }
    }
}

/// The order of a batch's dimensions: N pictures, C channels, H rows, W columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    Nchw,
    Nhwc,
}

impl Layout {
    /// As in the experiment file.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Nchw => "nchw",
            Layout::Nhwc => "nhwc",
        }
    }
}

/// The output of a network that tells the classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnnxOutput {
    pub name: String,
    pub scale: OutputScale,
}

/// What a network answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputScale {
    /// Numbers whose softmax are probabilities.
    Logits,
    Probabilities,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainSpec {
    pub epochs: u32,
    pub batch_size: usize,
    pub optimizer: Optimizer,
    pub target: Target,
    pub augment: Augment,
    pub select: Select,
    pub precision: Precision,
    /// Changes no result, so it is not part of a training's identity.
    #[serde(default, skip_serializing_if = "DeviceChoice::is_auto")]
    pub device: DeviceChoice,
    /// Stop when the validation loss has not improved for this many epochs; never if `None`.
    pub early_stopping: Option<u32>,
    /// The share ε of a training target that is spread evenly over all classes, from 0 to below 1 (Szegedy et al. 2016,
    /// arXiv 1512.00567, section 7). Not of the validation loss.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub label_smoothing: f64,
    /// The α of mixup: each image is mixed with another of its batch, in shares λ and 1 − λ, λ ~ Beta(α, α) (Zhang et al.
    /// 2018, arXiv 1710.09412). 0: none is.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mixup: f64,
    /// The share of itself that a moving average of the weights keeps at a step, from 0 to below 1 (Polyak and Juditsky
    /// 1992). 0: weights are not averaged.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub averaging: f64,
    #[serde(default, skip_serializing_if = "ClassWeights::is_none")]
    pub class_weights: ClassWeights,
}

/// How much the classes count in the losses of training and validation. Accuracies are not weighted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeights {
    /// As often as they occur.
    #[default]
    None,
    /// All alike: 1 / (K × a class's share of the training targets) for each of K classes.
    Balanced,
    /// In these ratios, by class. From 1e-6 to 1e6.
    #[serde(untagged)]
    Each(Vec<f64>),
}

impl ClassWeights {
    pub(crate) fn is_none(&self) -> bool {
        *self == ClassWeights::None
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Optimizer {
    Adam { learning_rate: f64, beta1: f64, beta2: f64, epsilon: f64 },
    Adamw { learning_rate: f64, beta1: f64, beta2: f64, epsilon: f64, weight_decay: f64 },
    Sgd { learning_rate: f64, momentum: f64, nesterov: bool, weight_decay: f64 },
}

impl DatasetSpec {
    /// Whether regions lie differently from image to image.
    pub fn places_regions(&self) -> bool {
        matches!(self.source, Source::Faces(_)) || self.landmarks.is_some()
    }
}

impl Source {
    /// As in the experiment file.
    pub fn kind(&self) -> &'static str {
        match self {
            Source::Faces(_) => "faces",
            Source::Ferplus { .. } => "ferplus",
            Source::Fer2013 { .. } => "fer2013",
            Source::Rafdb { .. } => "rafdb",
            Source::Ckplus { .. } => "ckplus",
            Source::Folder { .. } => "folder",
            Source::Table(_) => "table",
        }
    }

    /// The part of the data set that is its test split, where its parts have names of their own, and the rule of its labels
    /// where that is not the training's: `PublicTest, labelled by majority`.
    pub fn test_part(&self) -> Option<String> {
        match self {
            Source::Ferplus { labels, test_labels, test, .. } => Some(match test_labels {
                Some(rule) if rule != labels => format!("{test:?}, labelled by {}", rule.name()),
                _ => format!("{test:?}"),
            }),
            Source::Fer2013 { test, .. } => Some(format!("{test:?}")),
            _ => None,
        }
    }

    /// How many training images there are, where the settings say so.
    pub fn training_images(&self) -> Option<usize> {
        match self {
            Source::Faces(faces) => Some(faces.train),
            Source::Ferplus { .. }
            | Source::Fer2013 { .. }
            | Source::Rafdb { .. }
            | Source::Ckplus { .. }
            | Source::Folder { .. }
            | Source::Table(_) => None,
        }
    }

    /// The paths of data on disk: the folder first, then the tables of labels.
    pub fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        match self {
            Source::Faces(_) => Vec::new(),
            Source::Ferplus { root, .. }
            | Source::Fer2013 { root, .. }
            | Source::Rafdb { root, .. }
            | Source::Ckplus { root, .. }
            | Source::Folder(FolderSpec { root, .. }) => vec![root],
            Source::Table(TableSpec { root, table, val_table, test_table, .. }) => {
                let tables = [Some(table), val_table.as_mut(), test_table.as_mut()];
                std::iter::once(root).chain(tables.into_iter().flatten()).collect()
            }
        }
    }
}

impl Precision {
    /// As in the experiment file.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Tf32 => "tf32",
            Precision::Bf16 => "bf16",
        }
    }
}

impl ModelSpec {
    /// A VGG-like network from random weights, with nothing but its blocks and the momentum of its batch normalisation.
    pub fn of_blocks(blocks: &[&[i64]], batch_norm_momentum: f64) -> ModelSpec {
        let blocks = blocks.iter().map(|block| block.to_vec()).collect();
        ModelSpec::Vgg(VggSpec { blocks, common: CommonSpec::new(batch_norm_momentum) })
    }

    /// Whether the network is trained here. One that is not has no seeds, and only its answers are examined.
    pub fn is_trained(&self) -> bool {
        self.common().is_some()
    }

    /// The network, if it is a VGG-like one.
    pub fn vgg(&self) -> Option<&VggSpec> {
        match self {
            ModelSpec::Vgg(spec) => Some(spec),
            _ => None,
        }
    }

    /// What it has if it is trained here.
    pub fn common(&self) -> Option<&CommonSpec> {
        match self {
            ModelSpec::Onnx(_) => None,
            ModelSpec::Resnet(spec) => Some(&spec.common),
            ModelSpec::MobilenetV2(spec) => Some(&spec.common),
            ModelSpec::Vgg(spec) => Some(&spec.common),
        }
    }

    pub(crate) fn common_mut(&mut self) -> Option<&mut CommonSpec> {
        match self {
            ModelSpec::Onnx(_) => None,
            ModelSpec::Resnet(spec) => Some(&mut spec.common),
            ModelSpec::MobilenetV2(spec) => Some(&mut spec.common),
            ModelSpec::Vgg(spec) => Some(&mut spec.common),
        }
    }

    /// The layers of a standard network, for pictures of so many channels.
    pub fn architecture(&self, channels: usize, classes: usize) -> Option<Architecture> {
        match self {
            ModelSpec::Onnx(_) | ModelSpec::Vgg(_) => None,
            ModelSpec::Resnet(ResnetSpec { depth, stem, .. }) => {
                Some(network::resnet(*depth, *stem, channels, classes))
            }
            ModelSpec::MobilenetV2(MobilenetSpec { stem, .. }) => {
                Some(network::mobilenet_v2(*stem, channels, classes))
            }
        }
    }

    /// The tensors of a network that is trained here; none of another.
    pub fn tensors(&self, channels: usize, classes: usize) -> Vec<TensorShape> {
        match self {
            ModelSpec::Vgg(spec) => network::vgg_tensors(&spec.blocks, channels, classes),
            other => other.architecture(channels, classes).map_or(Vec::new(), |all| all.tensors()),
        }
    }

    /// Height and width of the features that are averaged, for pictures of a height and width; `None` where the layers are
    /// not known.
    pub fn last_features(&self, height: usize, width: usize) -> Option<(usize, usize)> {
        match self {
            ModelSpec::Vgg(spec) => Some(spec.last_features(height, width)),
            other => other.architecture(1, 1).map(|all| all.last_features(height, width)),
        }
    }
}

impl CommonSpec {
    /// Whether a tensor of this name keeps the values that it starts from.
    pub fn freezes(&self, name: &str) -> bool {
        self.freeze.iter().any(|beginning| name.starts_with(beginning.as_str()))
    }

    /// Random weights, no dropout, nothing frozen.
    pub fn new(batch_norm_momentum: f64) -> CommonSpec {
        CommonSpec { batch_norm_momentum, dropout: 0.0, weights: None, freeze: Vec::new() }
    }
}

impl VggSpec {
    /// Height and width of the last block's features, for pictures of a height and width.
    fn last_features(&self, height: usize, width: usize) -> (usize, usize) {
        let pooled = |side: usize| (1..self.blocks.len()).fold(side, |side, _| side / 3);
        (pooled(height), pooled(width))
    }
}

impl Optimizer {
    pub fn learning_rate(&self) -> f64 {
        match *self {
            Optimizer::Adam { learning_rate, .. }
            | Optimizer::Adamw { learning_rate, .. }
            | Optimizer::Sgd { learning_rate, .. } => learning_rate,
        }
    }

    /// The same with a share of its learning rate.
    pub fn at_share(mut self, share: f64) -> Optimizer {
        match &mut self {
            Optimizer::Adam { learning_rate, .. }
            | Optimizer::Adamw { learning_rate, .. }
            | Optimizer::Sgd { learning_rate, .. } => *learning_rate *= share,
        }
        self
    }
}

/// The training target that the loss compares predictions with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Cross-entropy against the label distribution.
    Distribution,
    /// Cross-entropy against the class with most votes.
    Majority,
    /// Cross-entropy against one class, drawn from the label distribution in every epoch (FERPlus).
    Probability,
    /// Minus the log of the largest probability among the correct classes (FERPlus).
    MultiTarget,
}

/// Random augmentation of training images, redrawn in every epoch. 0 and `false` switch one off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Augment {
    /// Rotation, uniform in ± this many degrees.
    pub rotate: f64,
    /// Scaling of width and of height, each uniform in 1 ± this share.
    pub scale: f64,
    /// Horizontal flip, chance one half.
    pub flip: bool,
    /// The probability that a random rectangle is replaced by the mean of the training images (Zhong et al. 2020, arXiv
    /// 1708.04896).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub erasing: f64,
}

/// Which epoch's network is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Select {
    /// The one with the lowest validation loss.
    Best,
    Last,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// IEEE single precision throughout.
    F32,
    /// Convolutions and products in TF32 (a GPU's: float32 with a mantissa of 10 bits); all else in float32.
    Tf32,
    /// Convolutions in bfloat16 (autocast); weights, normalisation and loss in float32.
    Bf16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceChoice {
    /// The first GPU where there is one, else the CPU.
    #[default]
    Auto,
    Cpu,
    Cuda(usize),
}

impl DeviceChoice {
    fn is_auto(&self) -> bool {
        *self == DeviceChoice::Auto
    }
}

impl TrainSpec {
    /// The settings that change results, without the device.
    pub fn on_any_device(&self) -> TrainSpec {
        TrainSpec { device: DeviceChoice::Auto, ..self.clone() }
    }
}

/// The learning rate schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    pub shape: ScheduleShape,
    /// Warm-up epochs (may be a fraction) over which the rate rises linearly from a hundredth to full.
    pub warmup: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ScheduleShape {
    Constant,
    /// Times `factor` whenever the validation loss has not improved by more than `min_delta` for
    /// `patience` epochs; never under `min_rate`.
    Plateau {
        factor: f64,
        patience: u32,
        min_delta: f64,
        min_rate: f64,
    },
    /// Times `factor` every `every` epochs.
    Step {
        factor: f64,
        every: u32,
    },
    /// Half a cosine from full to `min_rate` over the training.
    Cosine {
        min_rate: f64,
    },
    /// Up from full / `div` to full over the first `rise` share of the steps, then down to
    /// full / `final_div`, both along half a cosine (Smith and Topin 2018).
    OneCycle {
        rise: f64,
        div: f64,
        final_div: f64,
    },
}

/// The study: which occlusions are compared with the whole face.
#[derive(Debug, Clone, PartialEq)]
pub struct OcclusionStudy {
    /// Sets of region names, each set its own condition. Names within a set are sorted and unique.
    pub sets: Vec<Vec<String>>,
    pub modes: Vec<Mode>,
    pub phases: Vec<Phase>,
    pub fills: Vec<Fill>,
    /// How the amortised network trains on under each set, where `phases` has `tuned`.
    pub tuning: Tuning,
    /// Random placements for each condition whose networks are trained for it.
    pub controls: u32,
    /// Random placements for each condition that needs no training of its own; see [`OcclusionStudy::controls_of`].
    pub evaluated_controls: u32,
    /// Whether to train a mask-only baseline where masks differ between images and other networks train on masked
    /// images: its accuracy shows how much label information the masks leak.
    pub masks_alone: bool,
}

impl OcclusionStudy {
    /// Of no more sets than these each has controls in phases that need no training of their own.
    pub const MOST_CONTROLLED: usize = 16;

    /// How many controls a set of regions is to have in a phase. Each stores a row for every test image: where they cost
    /// no training they are many, and of a study of many sets only those of the fewest regions have them.
    pub fn controls_of(&self, set: &[String], phase: Phase) -> u32 {
        if phase.is_trained_for() {
            return self.controls;
        }
        let all = self.sets.len() <= OcclusionStudy::MOST_CONTROLLED;
        let fewest = || self.sets.iter().map(Vec::len).min();
        if all || fewest() == Some(set.len()) { self.evaluated_controls } else { 0 }
    }
}

/// A sensitivity map of a network, and the insertion and deletion curves that test it (Petsiuk et al. 2018).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SensitivitySpec {
    pub method: SensitivityMethod,
    /// At most this many test images per class, the first of the split; all if `None`.
    pub images: Option<u32>,
    /// Steps of the insertion and deletion curves.
    pub steps: u32,
    pub fill: Fill,
}

/// Lengths are shares of the side of the canonical face frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SensitivityMethod {
    /// The loss in probability when a square that slides over the face masks it (occlusion sensitivity,
    /// Zeiler and Fergus 2014).
    Window { side: f64, stride: f64 },
    /// The mean score over random masks that leave a place visible: grids of `cells` × `cells`, each cell visible
    /// with probability `keep`, enlarged and shifted (RISE, Petsiuk et al. 2018).
    Rise { masks: u32, cells: u32, keep: f64 },
}

impl SensitivityMethod {
    /// As in the experiment file.
    pub fn name(self) -> &'static str {
        match self {
            SensitivityMethod::Window { .. } => "window",
            SensitivityMethod::Rise { .. } => "rise",
        }
    }
}
