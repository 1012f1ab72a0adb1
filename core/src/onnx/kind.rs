//! What a file is that is no ONNX file, by its first bytes, and how it becomes one.

const EXPORT: &str = "in Python, `torch.onnx.export(model.eval(), (x,), \"my.onnx\", dynamic_shapes=({0: torch.export.Dim(\"batch\")},), \
                      external_data=False)` makes one of the module";
const CLASS: &str = "it holds weights without their network: load them into the Python class that they belong to, and export \
                     that with `torch.onnx.export(model.eval(), (x,), \"my.onnx\", external_data=False)`";
const KERAS: &str = "in Python, `keras.models.load_model(\"…\").export(\"my.onnx\", format=\"onnx\")` makes one of it, with tf2onnx \
                     installed";
const TFLITE: &str = "`python -m tf2onnx.convert --tflite … --output my.onnx` makes one of it; compare a few answers, since not \
                      every such file is converted faithfully";

/// Of a file that a training of fer-lab wrote.
const OWN: &str = "it holds the weights of a training of fer-lab: `fer-lab export ID`, with the id that its folder has, makes one of it";

/// What a file of weights is called.
pub const SAFETENSORS: &str = "a safetensors file";

/// What the file is, and how it becomes an ONNX file; `None` where that is not known.
pub fn foreign(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let has =
        |text: &[u8]| bytes[..bytes.len().min(4096)].windows(text.len()).any(|part| part == text);
    Some(match bytes {
        [] => ("empty", "fetch or export it again"),
        [0x89, b'H', b'D', b'F', ..] => ("a Keras or HDF5 file", KERAS),
        [b'P', b'K', 3, 4, ..] if has(b"constants.pkl") || has(b"/code/") => (
            "a TorchScript file",
            "in Python, `torch.onnx.export(torch.jit.load(\"…\"), (x,), \"my.onnx\", dynamo=False, input_names=[\"x\"], dynamic_axes={\"x\": {0: \"batch\"}})` makes one of it",
        ),
        [b'P', b'K', 3, 4, ..] if has(b"config.json") || has(b"metadata.json") => {
            ("a Keras file", KERAS)
        }
        [b'P', b'K', 3, 4, ..] if has(b"data.pkl") => ("a PyTorch checkpoint", CLASS),
        [b'P', b'K', 3, 4, ..] => ("a zip archive", EXPORT),
        [0x80, 2..=5, ..] => ("a Python pickle, as old PyTorch checkpoints are", CLASS),
        [_, _, _, _, b'T', b'F', b'L', b'3', ..] => ("a TensorFlow Lite file", TFLITE),
        [_, _, _, _, 0, 0, 0, 0, b'{', ..] if has(b"\"fer_lab\"") => (SAFETENSORS, OWN),
        [_, _, _, _, 0, 0, 0, 0, b'{', ..] => (SAFETENSORS, CLASS),
        [b'v', b'e', b'r', b's', b'i', b'o', b'n', b' ', b'h', b't', b't', b'p', ..] => {
            ("a pointer of Git LFS", "fetch the file itself with `git lfs pull`")
        }
        [b'<', ..] => ("a web page", "the download was not the file: fetch it again"),
        _ => return None,
    })
}
