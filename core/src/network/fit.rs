//! Whether a file of weights fits a network: by its header alone.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use safetensors::tensor::{Dtype, Metadata};

use super::architecture::TensorShape;
use crate::onnx;

/// The longest header: that of the largest network here has 40,000 bytes.
const LONGEST_HEADER: u64 = 16 << 20;
/// How many names a message has.
const NAMED: usize = 6;
/// Counts of batches, which PyTorch stores and nothing here needs.
const UNUSED: &str = "num_batches_tracked";

/// Why a file holds no weights that could be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsFileError {
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    #[error(
        "it is {what}, not a safetensors file: in Python, `safetensors.torch.save_file({{k: v.contiguous() for k, v in \
         model.state_dict().items()}}, \"my.safetensors\")` makes one of a network's weights"
    )]
    Foreign { what: &'static str },
    #[error("it is not a whole safetensors file ({0})")]
    Damaged(String),
    #[error("its tensor `{name}` holds {kind:?}, and not floating-point numbers")]
    Kind { name: String, kind: Dtype },
}

/// The shapes of a file's tensors, by name.
pub type Header = BTreeMap<String, Vec<usize>>;

/// Reads the header of a file of weights; counts of batches are left out.
///
/// # Errors
/// A file that cannot be read, is no whole safetensors file, or holds numbers that no weights are.
pub fn header(path: &Path) -> Result<Header, WeightsFileError> {
    let mut file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a plain file").into());
    }
    let mut start = Vec::new();
    (&mut file).take(8).read_to_end(&mut start)?;
    let length = start.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    // Enough of another kind of file to tell which.
    (&mut file).take(length.clamp(4096, LONGEST_HEADER)).read_to_end(&mut start)?;
    let text =
        usize::try_from(length).ok().and_then(|length| start.get(8..length.saturating_add(8)));
    let metadata: Metadata = match text.map(serde_json::from_slice) {
        Some(Ok(metadata)) => metadata,
        other => {
            return Err(match onnx::foreign(&start) {
                Some((what, _)) if what != onnx::SAFETENSORS => WeightsFileError::Foreign { what },
                _ => WeightsFileError::Damaged(match other {
                    Some(Err(error)) => format!("its header: {error}"),
                    _ => "its header is cut".to_owned(),
                }),
            });
        }
    };
    let tensors = metadata.tensors();
    let end = tensors.values().map(|tensor| tensor.data_offsets.1).max().unwrap_or(0);
    let expected = 8 + length + end as u64;
    let found = file.metadata()?.len();
    if found != expected {
        let what = format!("it has {found} bytes, and its header says {expected}");
        return Err(WeightsFileError::Damaged(what));
    }
    let used = tensors.into_iter().filter(|(name, _)| !name.ends_with(UNUSED));
    used.map(|(name, tensor)| match tensor.dtype {
        Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64 => Ok((name, tensor.shape.clone())),
        kind => Err(WeightsFileError::Kind { name, kind }),
    })
    .collect()
}

/// How a file's tensors compare with those of a network.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fit {
    /// The classes of the file's dense layer, where they are not as many as the network's: it is not used. 0 where the
    /// file has none.
    pub other_head: Option<usize>,
    /// Name, shape in the network, shape in the file.
    pub reshaped: Vec<(String, Vec<usize>, Vec<usize>)>,
    /// Of the network, and not in the file.
    pub missing: Vec<String>,
    /// In the file, and not of the network.
    pub left_over: Vec<String>,
}

impl Fit {
    pub fn of(network: &[TensorShape], file: &Header) -> Fit {
        let mut fit = Fit::default();
        let head = |tensor: &&TensorShape| tensor.role.is_of_head();
        let heads: Vec<&TensorShape> = network.iter().filter(head).collect();
        let has_head = heads.iter().all(|tensor| file.contains_key(&tensor.name));
        let is_same = heads.iter().all(|tensor| file.get(&tensor.name) == Some(&tensor.shape));
        if !has_head {
            fit.other_head = Some(0);
        } else if !is_same {
            let rows = heads.first().and_then(|head| file[&head.name].first());
            fit.other_head = Some(rows.copied().unwrap_or(0));
        }
        for tensor in network.iter().filter(|tensor| !tensor.role.is_of_head()) {
            match file.get(&tensor.name) {
                None => fit.missing.push(tensor.name.clone()),
                Some(shape) if *shape != tensor.shape => {
                    fit.reshaped.push((tensor.name.clone(), tensor.shape.clone(), shape.clone()));
                }
                Some(_) => {}
            }
        }
        let is_known = |name: &String| network.iter().any(|tensor| tensor.name == *name);
        fit.left_over = file.keys().filter(|name| !is_known(name)).cloned().collect();
        fit
    }

    /// Whether every tensor but the dense layer's has its place.
    pub fn is_whole(&self) -> bool {
        self.reshaped.is_empty() && self.missing.is_empty() && self.left_over.is_empty()
    }
}

/// What does not fit, by name.
impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let reshaped: Vec<String> = self
            .reshaped
            .iter()
            .map(|(name, network, file)| {
                format!("{name} ({}, the network's {})", sides(file), sides(network))
            })
            .collect();
        for (what, names) in [
            ("of another shape", &reshaped),
            ("missing", &self.missing),
            ("left over", &self.left_over),
        ] {
            if !names.is_empty() {
                parts.push(format!("{what}: {}", some_of(names)));
            }
        }
        f.write_str(&parts.join("; "))
    }
}

fn sides(shape: &[usize]) -> String {
    let sides: Vec<String> = shape.iter().map(usize::to_string).collect();
    sides.join(" × ")
}

fn some_of(names: &[String]) -> String {
    let shown = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::TensorView;

    use super::super::{Depth, Stem, resnet};
    use super::*;

    fn network(stem: Stem, classes: usize) -> Vec<TensorShape> {
        resnet(Depth::Eighteen, stem, 3, classes).tensors()
    }

    fn of(tensors: &[TensorShape]) -> Header {
        tensors.iter().map(|tensor| (tensor.name.clone(), tensor.shape.clone())).collect()
    }

    #[test]
    fn the_network_s_own_weights_fit() {
        let tensors = network(Stem::Imagenet, 7);
        assert_eq!(Fit::of(&tensors, &of(&tensors)), Fit::default());
    }

    #[test]
    fn a_head_of_other_classes_is_not_used_and_all_else_fits() {
        let fit = Fit::of(&network(Stem::Imagenet, 7), &of(&network(Stem::Imagenet, 1000)));
        assert!(fit.is_whole());
        assert_eq!(fit.other_head, Some(1000));
        let mut file = of(&network(Stem::Imagenet, 7));
        file.remove("fc.bias");
        file.remove("fc.weight");
        let fit = Fit::of(&network(Stem::Imagenet, 7), &file);
        assert!(fit.is_whole());
        assert_eq!(fit.other_head, Some(0));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let mut file = of(&network(Stem::Imagenet, 7));
        file.remove("layer3.0.bn1.bias");
        file.insert("aux.weight".to_owned(), vec![1]);
        let fit = Fit::of(&network(Stem::Small, 7), &file);
        assert_eq!(
            fit.to_string(),
            "of another shape: conv1.weight (64 × 3 × 7 × 7, the network's 64 × 3 × 3 × 3); \
             missing: layer3.0.bn1.bias; left over: aux.weight"
        );
    }

    fn file(bytes: &[u8]) -> Result<Header, WeightsFileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.safetensors");
        std::fs::write(&path, bytes).unwrap();
        header(&path)
    }

    fn written(dtype: Dtype, data: &[u8]) -> Vec<u8> {
        let count = TensorView::new(Dtype::I64, vec![], &[1, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        let size = data.len() * 8 / dtype.bitsize();
        let tensor = TensorView::new(dtype, vec![size], data).unwrap();
        let tensors = [("bn1.num_batches_tracked", count), ("a", tensor)];
        safetensors::serialize(tensors, None).unwrap()
    }

    #[test]
    fn headers_are_read_and_counts_of_batches_left_out() {
        let header = file(&written(Dtype::F16, &[0; 6])).unwrap();
        assert_eq!(header, [("a".to_owned(), vec![3])].into());
    }

    #[test]
    fn other_files_are_named_for_what_they_are() {
        let message = |bytes: &[u8]| file(bytes).unwrap_err().to_string();
        let whole = written(Dtype::F32, &[0; 8]);
        assert!(message(&whole[..whole.len() - 1]).contains("its header says"));
        assert!(message(&whole[..20]).starts_with("it is not a whole safetensors file"));
        assert!(message(b"").starts_with("it is empty"));
        assert!(message(b"PK\x03\x04 data.pkl").starts_with("it is a PyTorch checkpoint, not"));
        let integers = written(Dtype::I32, &[0; 8]);
        assert_eq!(message(&integers), "its tensor `a` holds I32, and not floating-point numbers");
    }
}
