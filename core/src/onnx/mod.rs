//! Networks in ONNX files: what a file says of its network, without running it, and files that are written.
//!
//! In: the path of a file, which may come from anybody. Out: its bytes and those of the files that it names, their hash, and
//! the network's inputs and outputs. Whoever runs it gets the bytes that were hashed, and no path. A file that is written
//! ([`GraphWriter`]) is put together operator by operator; this room does not know of which network.

mod graph;
mod kind;
pub(crate) mod number;
pub mod said;
mod wire;
mod write;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

pub use graph::{Element, Ending, Graph, GraphError, Pictures, Port};
pub(crate) use kind::{SAFETENSORS, foreign};
pub use said::{Said, said};
#[cfg(test)]
pub(crate) use wire::{Field, Fields};
pub use write::{About, Attribute, FloatPort, GraphWriter, OPSET};

/// The most bytes of a file, and of it and the files beside it: more than that protocol buffers cannot hold, and more than
/// the largest networks for faces have.
const LONGEST: u64 = 2 << 30;
const LONGEST_WITH_WEIGHTS: u64 = 8 << 30;

/// The version of ONNX Runtime that networks run in, part of the ids of their results.
pub const RUNTIME: &str = "1.28.0";

/// A network's files, read.
#[derive(Debug)]
pub struct NetworkFiles {
    pub model: Vec<u8>,
    /// Files of weights, as the model names them.
    pub weights: Vec<(String, Vec<u8>)>,
    pub graph: Graph,
    /// BLAKE3 of the model's bytes and of all weights', hexadecimal.
    pub hash: String,
}

/// Why a network's files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NetworkFileError {
    #[error("{}: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error("{}: {why}", path.display())]
    Graph { path: PathBuf, why: GraphError },
    #[error("{} is {what}, not an ONNX file: {cure}", path.display())]
    Foreign { path: PathBuf, what: &'static str, cure: &'static str },
    #[error(
        "{} names a file of weights, `{name}`, that {why}: keep both files in one folder, or export with \
         external_data=False, so that there is one", path.display()
    )]
    Weights { path: PathBuf, name: String, why: String },
}

impl NetworkFiles {
    /// Reads a network's files.
    ///
    /// # Errors
    /// A file that is missing, too large, or no ONNX file, which names what it is; files of weights that are missing, are
    /// links, or lie outside of the model's folder.
    pub fn read(path: &Path) -> Result<NetworkFiles, NetworkFileError> {
        let unreadable = |why: String| NetworkFileError::Unreadable { path: path.to_owned(), why };
        let model = read_whole(path, LONGEST).map_err(&unreadable)?;
        let graph = match Graph::read(&model) {
            Ok(graph) => graph,
            Err(why) => {
                let path = path.to_owned();
                return Err(match kind::foreign(&model) {
                    Some((what, cure)) => NetworkFileError::Foreign { path, what, cure },
                    None => NetworkFileError::Graph { path, why },
                });
            }
        };
        let mut hasher = blake3::Hasher::new();
        hasher.update(&model);
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut left = LONGEST_WITH_WEIGHTS - model.len() as u64;
        let mut weights = Vec::new();
        for name in &graph.external {
            let bytes = read_beside(folder, name, left).map_err(|why| {
                NetworkFileError::Weights { path: path.to_owned(), name: name.clone(), why }
            })?;
            left -= bytes.len() as u64;
            hasher.update(&bytes);
            weights.push((name.clone(), bytes));
        }
        let hash = hasher.finalize().to_hex().to_string();
        Ok(NetworkFiles { model, weights, graph, hash })
    }
}

/// The bytes of a file of weights; the error completes "a file that …".
fn read_beside(folder: &Path, name: &str, most: u64) -> Result<Vec<u8>, String> {
    let mut path = folder.to_owned();
    let parts: Vec<Component<'_>> = Path::new(name).components().collect();
    for part in &parts {
        let Component::Normal(part) = part else {
            return Err("does not lie in its folder".to_owned());
        };
        path.push(part);
        if fs::symlink_metadata(&path).is_ok_and(|data| data.file_type().is_symlink()) {
            return Err("is a link".to_owned());
        }
    }
    if parts.is_empty() {
        return Err("has no name".to_owned());
    }
    read_whole(&path, most).map_err(|why| format!("cannot be read ({why})"))
}

/// A plain file's bytes.
fn read_whole(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let told = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    };
    // Before it is opened, which would wait for a pipe's other end.
    let data = fs::metadata(path).map_err(told)?;
    if data.is_dir() {
        return Err("it is a folder".to_owned());
    }
    if !data.is_file() {
        return Err("it is no plain file".to_owned());
    }
    let too_long = || format!("it is longer than {} GB", most >> 30);
    if data.len() > most {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    let reserved = bytes.try_reserve_exact(data.len() as usize);
    reserved.map_err(|error| error.to_string())?;
    let file = File::open(path).map_err(told)?;
    // It may grow while it is read.
    file.take(most + 1).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() as u64 > most { Err(too_long()) } else { Ok(bytes) }
}

/// Whether answers `[N, columns]` are probabilities: none is negative, and each image's sum to 1.
pub fn are_probabilities(answers: &[f32], columns: usize) -> bool {
    let is_one = |answers: &[f32]| {
        let sum: f64 = answers.iter().map(|answer| f64::from(*answer)).sum();
        (sum - 1.0).abs() < 1e-3 && answers.iter().all(|answer| *answer >= -1e-6)
    };
    !answers.is_empty() && answers.chunks_exact(columns.max(1)).all(is_one)
}

#[cfg(test)]
mod tests;
