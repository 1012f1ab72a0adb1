//! A network from an ONNX file, run by ONNX Runtime.
//!
//! Pictures come standardised as the networks that are trained here want them, masks and fills included; each is brought to
//! the file's own scale, size, channels and layout.

use std::ffi::CStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use half::f16;
use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::SessionBuilder;
use ort::value::{PrimitiveTensorElementType, TensorRef};
use tch::{Device, Kind, Tensor};

use super::chunks::in_chunks;
use super::inference::{ByValue, Inference};
use super::values::{values, with_values};
use crate::dataset::paths::expanded_path;
use crate::experiment::{Color, Layout, OnnxInput, OnnxSpec, OutputScale};
use crate::machine::Fetched;
use crate::onnx::{Element, NetworkFileError, NetworkFiles, RUNTIME, are_probabilities};
use crate::train::Standardisation;

/// The variable that names another place for ONNX Runtime's library.
pub const PLACE: &str = "FER_LAB_ONNXRUNTIME";

/// Where it lies.
const LIBRARY: Fetched = Fetched {
    variable: PLACE,
    file: "libonnxruntime.so",
    in_clone: ".onnxruntime",
    in_packages: Some(("onnxruntime/capi", RUNTIME)),
};

/// Pictures in a pass: more make it no faster, and large networks keep a gigabyte for each hundred.
const AT_ONCE: usize = 32;

/// Pictures in each of several passes at once: their numbers share the processor's caches.
const AT_ONCE_OF_SEVERAL: usize = 16;

/// Passes at once, at most: more turns no batch has.
const MOST_AT_ONCE: u32 = 8;

/// What the copies of a network for passes at once may hold together, in bytes.
const COPIES: usize = 512 << 20;

/// Pictures that a network is tried with before it is used.
pub const TRIED: usize = 8;

/// How far the answers for a picture may depend on those beside it, as a share of the largest: float32 sums in another
/// order stay far below.
const ALIKE: f64 = 1e-2;

/// Why a network from a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    #[error(
        "networks in ONNX files are run by ONNX Runtime, which is not there, {}: run scripts/setup --onnx in fer-lab's folder \
         (where pip installed fer-lab: pip install onnxruntime=={RUNTIME}), or set {PLACE} to the path of a libonnxruntime.so", path.display()
    )]
    NoRuntime { path: PathBuf },
    #[error("ONNX Runtime cannot be used, {}: {why}", path.display())]
    Runtime { path: PathBuf, why: String },
    #[error(transparent)]
    File(#[from] NetworkFileError),
    #[error("{0}")]
    Path(String),
    #[error(
        "{} has changed since the experiment was read: its hash is {found}, and was {wanted}; run the experiment again",
        path.display()
    )]
    Changed { path: PathBuf, found: String, wanted: String },
    #[error("ONNX Runtime does not accept {}: {why}", path.display())]
    Refused { path: PathBuf, why: String },
    #[error("the network {} cannot be used: {why}", path.display())]
    Unusable { path: PathBuf, why: String },
    #[error("ONNX Runtime failed: {0}")]
    Failed(String),
}

/// A network from a file, ready for pictures of one data set.
pub struct OnnxNetwork {
    path: PathBuf,
    /// Each for one pass at a time.
    sessions: Vec<Mutex<Session>>,
    input: OnnxInput,
    input_name: String,
    element: Element,
    output_name: String,
    scale: OutputScale,
    /// The output's columns, and those of the data set's classes, in class order.
    columns: usize,
    picks: Vec<i64>,
    scaling: Scaling,
}

impl fmt::Debug for OnnxNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxNetwork").field("path", &self.path).finish_non_exhaustive()
    }
}

impl OnnxNetwork {
    /// Opens a network for pictures with this standardisation. `classes` in class order; `threads` are ONNX Runtime's.
    ///
    /// # Errors
    /// Where ONNX Runtime is missing, does not accept the file, or the file is not the one that the experiment was read
    /// with.
    pub fn open(
        spec: &OnnxSpec,
        standardisation: &Standardisation,
        classes: &[String],
        device: Device,
        threads: u32,
    ) -> Result<OnnxNetwork, OnnxError> {
        let path = expanded_path(&spec.path).map_err(|error| OnnxError::Path(error.to_string()))?;
        let files = NetworkFiles::read(&path)?;
        if files.hash != spec.hash {
            let (found, wanted) = (files.hash, spec.hash.clone());
            return Err(OnnxError::Changed { path, found, wanted });
        }
        let unusable = |why: &str| OnnxError::Unusable { path: path.clone(), why: why.to_owned() };
        let [input] = &files.graph.inputs[..] else {
            return Err(unusable("it does not take one picture"));
        };
        let (input_name, element) = (input.name.clone(), input.element);
        let picks = classes.iter().map(|class| {
            let place = spec.classes.iter().position(|column| column == class);
            place.map(|place| place as i64)
        });
        let picks: Option<Vec<i64>> = picks.collect();
        let picks = picks.ok_or_else(|| unusable("it has no column for some class"))?;
        let sessions = sessions(files, &path, device, threads)?;
        Ok(OnnxNetwork {
            path,
            sessions,
            input: spec.input.clone(),
            input_name,
            element,
            output_name: spec.output.name.clone(),
            scale: spec.output.scale,
            columns: spec.classes.len(),
            picks,
            scaling: Scaling::of(&spec.input, standardisation),
        })
    }

    /// Has the network take its pictures in another way.
    pub fn assume(&mut self, input: &OnnxInput, standardisation: &Standardisation) {
        self.scaling = Scaling::of(input, standardisation);
        self.input = input.clone();
    }

    /// Tries the network with a few standardised pictures.
    ///
    /// # Errors
    /// Where it fails, answers what is no number, or something else than `output` says, and where its answer for a picture
    /// depends on those beside it.
    pub fn check(&self, pictures: &Tensor) -> Result<(), OnnxError> {
        let unusable = |why: String| OnnxError::Unusable { path: self.path.clone(), why };
        let together = self.answers(&self.converted(pictures))?;
        let numbers: Vec<f32> = values(&together);
        if !numbers.iter().all(|number| number.is_finite()) {
            return Err(unusable(
                "some of its answers are no numbers; if its weights are int8 or float16, export it in float32".to_owned(),
            ));
        }
        let probabilities = are_probabilities(&numbers, self.columns);
        match (self.scale, probabilities) {
            (OutputScale::Probabilities, false) => {
                return Err(unusable(
                    "its answers are no probabilities: they do not sum to 1; write `output = \"logits\"`".to_owned(),
                ));
            }
            (OutputScale::Logits, true) => {
                return Err(unusable(
                    "its answers are probabilities: they sum to 1; write `output = \"probabilities\"`".to_owned(),
                ));
            }
            _ => {}
        }
        if self.input.batch.is_none() && pictures.size()[0] > 1 {
            let alone = self.answers(&self.converted(&pictures.narrow(0, 0, 1)))?;
            let largest = together.abs().max().double_value(&[]).max(1e-6);
            let off = (alone - together.narrow(0, 0, 1)).abs().max().double_value(&[]);
            if off > ALIKE * largest {
                return Err(unusable(format!(
                    "its answer for a picture depends on those beside it (by {off:.3}): export it with model.eval()"
                )));
            }
        }
        Ok(())
    }

    /// Pictures as the file takes them, f32: `[N, C, H, W]` or `[N, H, W, C]`.
    fn converted(&self, pictures: &Tensor) -> Tensor {
        let [_, channels, rows, columns] = pictures.size()[..] else {
            unreachable!("[N, C, H, W]")
        };
        if self.scales_by_value([channels, rows, columns]) {
            return self.scaled(pictures);
        }
        let values = self.scaling.apply(pictures);
        let OnnxInput { color, layout, size: [height, width], .. } = &self.input;
        let sizes = values.size();
        let size = [*height as i64, *width as i64];
        let values = match sizes[2..] == size {
            true => values,
            false => values.internal_upsample_bilinear2d_aa(size, false, None::<f64>, None::<f64>),
        };
        // What is standardised by channel is brought to the order of the network's channels by `Scaling`.
        let values = match is_bgr(*color, channels as usize) {
            true => values.flip([1]),
            false => values,
        };
        match layout {
            Layout::Nchw => values.contiguous(),
            Layout::Nhwc => values.permute([0, 2, 3, 1]).contiguous(),
        }
    }

    /// All columns of the output for such pictures, `[N, columns]`, f32, on the CPU.
    fn answers(&self, converted: &Tensor) -> Result<Tensor, OnnxError> {
        let converted = converted.to_device(Device::Cpu);
        let all = converted.size()[0];
        let at_once = self.input.batch.unwrap_or(self.turn()) as i64;
        let turns = (0..all).step_by(at_once as usize);
        let turns = turns.map(|start| converted.narrow(0, start, at_once.min(all - start)));
        let turn = |some: Tensor| {
            let count = some.size()[0];
            let some = match self.input.batch {
                // The file fixes how many: the last picture fills up.
                Some(batch) if count < batch as i64 => {
                    let last = some.narrow(0, count - 1, 1);
                    let more = last.repeat([batch as i64 - count, 1, 1, 1]);
                    Tensor::cat(&[some, more], 0)
                }
                _ => some,
            };
            Ok(self.pass(&some)?.narrow(0, 0, count))
        };
        let answers: Vec<Result<Tensor, OnnxError>> = match self.sessions.len() {
            1 => turns.map(turn).collect(),
            _ => in_chunks(turns.collect(), turn),
        };
        let answers: Result<Vec<Tensor>, OnnxError> = answers.into_iter().collect();
        Ok(Tensor::cat(&answers?, 0))
    }

    /// Pictures in a turn, where the file fixes no number.
    fn turn(&self) -> usize {
        match self.sessions.len() {
            1 => AT_ONCE,
            _ => AT_ONCE_OF_SEVERAL,
        }
    }

    /// A session for a pass: one that is free, where one is.
    fn session(&self) -> MutexGuard<'_, Session> {
        let free = self.sessions.iter().find_map(|session| session.try_lock().ok());
        free.unwrap_or_else(|| self.sessions[0].lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn pass(&self, pictures: &Tensor) -> Result<Tensor, OnnxError> {
        match self.element {
            Element::Float16 => {
                self.pass_as(&values::<f16>(&pictures.to_kind(Kind::Half)), pictures)
            }
            Element::Float64 => {
                self.pass_as(&values::<f64>(&pictures.to_kind(Kind::Double)), pictures)
            }
            Element::Uint8 => {
                let whole = pictures.round().clamp(0.0, 255.0).to_kind(Kind::Uint8);
                self.pass_as(&values::<u8>(&whole), pictures)
            }
            Element::Float32 | Element::Other(_) => {
                with_values(pictures, |numbers: &[f32]| self.pass_as(numbers, pictures))
            }
        }
    }

    fn pass_as<T>(&self, numbers: &[T], pictures: &Tensor) -> Result<Tensor, OnnxError>
    where
        T: PrimitiveTensorElementType + Clone + fmt::Debug + 'static,
    {
        let failed = |error: ort::Error| OnnxError::Failed(first_line(&error.to_string()));
        let input = TensorRef::from_array_view((pictures.size(), numbers)).map_err(failed)?;
        let mut session = self.session();
        let outputs =
            session.run(ort::inputs![self.input_name.as_str() => input]).map_err(failed)?;
        let output = &outputs[self.output_name.as_str()];
        let found = match output.try_extract_tensor::<f32>() {
            Ok((_, numbers)) => Tensor::from_slice(numbers),
            Err(_) => match output.try_extract_tensor::<f16>() {
                Ok((_, numbers)) => {
                    let numbers: Vec<f32> = numbers.iter().map(|number| number.to_f32()).collect();
                    Tensor::from_slice(&numbers)
                }
                Err(_) => {
                    let (_, numbers) = output.try_extract_tensor::<f64>().map_err(failed)?;
                    Tensor::from_slice(numbers).to_kind(Kind::Float)
                }
            },
        };
        let (count, columns) = (pictures.size()[0], self.columns as i64);
        if found.numel() as i64 != count * columns {
            let why = format!(
                "it answers {count} pictures with {} numbers, and `model.classes` names {columns} columns",
                found.numel()
            );
            return Err(OnnxError::Unusable { path: self.path.clone(), why });
        }
        Ok(found.view([count, columns]))
    }

    /// All columns of the output for standardised pictures, `[N, columns]`, f32, on the CPU: logits or probabilities, as the
    /// file has them.
    ///
    /// # Errors
    /// Where ONNX Runtime fails.
    pub fn columns(&self, pictures: &Tensor) -> Result<Tensor, OnnxError> {
        self.answers(&self.converted(pictures))
    }

    /// Logits `[N, K]` of standardised pictures, in class order.
    ///
    /// # Errors
    /// Where ONNX Runtime fails.
    pub fn try_logits(&self, pictures: &Tensor) -> Result<Tensor, OnnxError> {
        Ok(self.logits_of(&self.columns(pictures)?, pictures.device()))
    }

    fn logits_of(&self, columns: &Tensor, device: Device) -> Tensor {
        let answers = columns.index_select(1, &Tensor::from_slice(&self.picks));
        let logits = match self.scale {
            OutputScale::Logits => answers,
            // No probability is smaller than what a float can say.
            OutputScale::Probabilities => answers.clamp_min(f64::from(f32::MIN_POSITIVE)).log(),
        };
        logits.to_device(device)
    }

    /// Whether each value of pictures with so many channels, rows and columns is brought to the file's scale by itself. Where
    /// they are resized it is not.
    fn scales_by_value(&self, [_, rows, columns]: [i64; 3]) -> bool {
        let OnnxInput { layout, size: [height, width], .. } = self.input;
        layout == Layout::Nchw && [rows, columns] == [height as i64, width as i64]
    }
}

/// The error of a network that fails while it is used, as a panic: so libtorch's own are reported.
#[derive(Debug)]
pub struct NetworkFailed(pub String);

impl Inference for OnnxNetwork {
    fn logits(&self, pictures: &Tensor) -> Tensor {
        or_panic(self.try_logits(pictures))
    }

    fn by_value(&self, shape: [i64; 3]) -> Option<&dyn ByValue> {
        self.scales_by_value(shape).then_some(self)
    }
}

impl ByValue for OnnxNetwork {
    fn scaled(&self, pictures: &Tensor) -> Tensor {
        // Channel by channel a number is multiplied several times as fast as pixel by pixel.
        let values = self.scaling.apply(&pictures.contiguous());
        match is_bgr(self.input.color, pictures.size()[1] as usize) {
            true => values.flip([1]),
            false => values,
        }
    }

    fn source(&self, channel: usize, channels: usize) -> usize {
        match is_bgr(self.input.color, channels) {
            true => 2 - channel,
            // A grey picture has one, which all of the network's get.
            false => channel.min(channels - 1),
        }
    }

    fn logits_of_scaled(&self, scaled: &Tensor) -> Tensor {
        let answers = self.answers(scaled);
        or_panic(answers.map(|answers| self.logits_of(&answers, scaled.device())))
    }

    fn at_once(&self) -> usize {
        match self.input.batch {
            None => self.turn(),
            Some(batch) => batch * self.turn().div_ceil(batch),
        }
    }
}

/// Whether the order of the channels is reversed between pictures of so many, red first, and the network.
fn is_bgr(color: Color, channels: usize) -> bool {
    color == Color::Bgr && channels == 3
}

fn or_panic<T>(result: Result<T, OnnxError>) -> T {
    result.unwrap_or_else(|error| std::panic::panic_any(NetworkFailed(error.to_string())))
}

/// What turns standardised values into those of the file, a number for each channel of the network, in the data's order of
/// channels.
struct Scaling {
    gain: Vec<f32>,
    shift: Vec<f32>,
}

impl Scaling {
    fn of(input: &OnnxInput, standardisation: &Standardisation) -> Scaling {
        // A grey data set has one channel, which all of the network's get.
        let of = |values: &[f64], channel: usize| values[channel.min(values.len() - 1)];
        let channels = 0..input.color.channels();
        // The place of a data set's channel among the network's.
        let own = |channel: usize| match is_bgr(input.color, standardisation.mean.len()) {
            true => 2 - channel,
            false => channel,
        };
        let gain = channels.clone().map(|channel| {
            let of_one = of(&standardisation.deviation, channel) * input.range;
            (of_one / input.std[own(channel)]) as f32
        });
        let shift = channels.map(|channel| {
            let own = own(channel);
            let of_none = of(&standardisation.mean, channel) * input.range;
            ((of_none - input.mean[own]) / input.std[own]) as f32
        });
        Scaling { gain: gain.collect(), shift: shift.collect() }
    }

    /// Of pictures `[N, C, H, W]`; new ones, as these lie in memory.
    fn apply(&self, pictures: &Tensor) -> Tensor {
        let by_channel = |numbers: &[f32]| {
            Tensor::from_slice(numbers).view([1, -1, 1, 1]).to_device(pictures.device())
        };
        let mut values = pictures * by_channel(&self.gain);
        let _ = values.g_add_(&by_channel(&self.shift));
        values
    }
}

/// How many passes of a network of so many bytes are made at once, each in an equal number of the threads: passes beside each
/// other do not wait for each other's layers, and what lies between passes is shared out too.
fn at_once(device: Device, threads: u32, bytes: usize) -> u32 {
    let most = (COPIES / bytes.max(1)).min(MOST_AT_ONCE as usize) as u32;
    let most = if device == Device::Cpu { most } else { 1 };
    (1..=most).rev().find(|count| threads.is_multiple_of(*count)).unwrap_or(1)
}

/// As many sessions as passes are made at once.
fn sessions(
    files: NetworkFiles,
    path: &Path,
    device: Device,
    threads: u32,
) -> Result<Vec<Mutex<Session>>, OnnxError> {
    let NetworkFiles { model, weights, .. } = files;
    let bytes = model.len() + weights.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
    let weights: Vec<(String, Arc<[u8]>)> =
        weights.into_iter().map(|(name, bytes)| (name, bytes.into())).collect();
    let count = at_once(device, threads, bytes);
    let sessions = (0..count).map(|_| {
        let session = session(&model, &weights, path, device, threads / count);
        session.map(Mutex::new)
    });
    sessions.collect()
}

fn session(
    model: &[u8],
    weights: &[(String, Arc<[u8]>)],
    path: &Path,
    device: Device,
    threads: u32,
) -> Result<Session, OnnxError> {
    let environment = environment()?;
    let refused = |why: String| OnnxError::Refused { path: path.to_owned(), why: first_line(&why) };
    let told = |error: ort::Error| refused(error.to_string());
    let recovered = |error: ort::Error<SessionBuilder>| refused(error.to_string());
    let builder = Session::builder(environment).map_err(told)?;
    let mut builder = builder.with_intra_threads(threads as usize).map_err(recovered)?;
    if let Device::Cuda(index) = device {
        let cuda = ort::ep::CUDA::default().with_device_id(index as i32).build().error_on_failure();
        builder = builder.with_execution_providers([cuda]).map_err(recovered)?;
    }
    for (name, bytes) in weights {
        let loaded = builder.with_external_initializer_file_in_memory(name, bytes.clone());
        builder = loaded.map_err(recovered)?;
    }
    builder.commit_from_memory(model).map_err(told)
}

/// The place of ONNX Runtime's library: see [`Fetched::place`].
pub fn place() -> PathBuf {
    LIBRARY.place()
}

/// ONNX Runtime, opened once.
fn environment() -> Result<&'static Environment, OnnxError> {
    static OPENED: OnceLock<Result<Environment, (PathBuf, String)>> = OnceLock::new();
    let path = place();
    if OPENED.get().is_none() && !path.exists() {
        return Err(OnnxError::NoRuntime { path });
    }
    let opened = OPENED.get_or_init(|| {
        let failed = |why: String| (path.clone(), first_line(&why));
        let builder = ort::init_from(&path).map_err(|error| failed(error.to_string()))?;
        let built = builder.with_name("fer-lab").with_telemetry(false).build();
        built.map_err(|error| failed(error.to_string()))
    });
    opened
        .as_ref()
        .map_err(|(path, why)| OnnxError::Runtime { path: path.clone(), why: why.clone() })
}

/// The version of the library, as it tells it; `None` where it cannot be opened.
pub fn version() -> Option<String> {
    // SAFETY: the library's own entry point, which every version has and which only returns a table of functions that
    // lives as long as the library; it stays open.
    unsafe {
        let library = libloading::Library::new(place()).ok()?;
        let base = library
            .get::<unsafe extern "C" fn() -> *const ort::sys::OrtApiBase>(b"OrtGetApiBase")
            .ok()?();
        let text = ((*base).GetVersionString)();
        let version = CStr::from_ptr(text).to_string_lossy().into_owned();
        std::mem::forget(library);
        Some(version)
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_at_once_share_threads_and_memory() {
        let cpu = |threads, megabytes: usize| at_once(Device::Cpu, threads, megabytes << 20);
        assert_eq!([1, 2, 3, 6, 8, 16, 20].map(|threads| cpu(threads, 45)), [1, 2, 3, 6, 8, 8, 5]);
        // A prime number of threads cannot be shared out, and large networks are not copied.
        assert_eq!([cpu(13, 45), cpu(2, 300), cpu(8, 200), cpu(2, 0)], [1, 1, 2, 2]);
        assert_eq!(at_once(Device::Cuda(0), 8, 1), 1);
    }
}
