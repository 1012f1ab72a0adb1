//! Files made here, byte by byte, as `onnx.proto` numbers their fields.

use std::fs;
use std::path::Path;

use super::*;

/// A field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut whole = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        whole.push(length as u8 | 0x80);
        length >>= 7;
    }
    whole.push(length as u8);
    whole.extend(bytes);
    whole
}

fn number(field: u8, value: u8) -> Vec<u8> {
    vec![field << 3, value]
}

fn port(name: &str, element: u8, shape: &[Option<u8>]) -> Vec<u8> {
    let dimension = |length: &Option<u8>| {
        field(1, &length.map_or_else(|| field(2, b"batch"), |length| number(1, length)))
    };
    let shape: Vec<u8> = shape.iter().flat_map(dimension).collect();
    let tensor = [number(1, element), field(2, &shape)].concat();
    [field(1, name.as_bytes()), field(2, &field(1, &tensor))].concat()
}

fn node(operator: &str, output: &str) -> Vec<u8> {
    [field(2, output.as_bytes()), field(4, operator.as_bytes())].concat()
}

fn entry(key: &str, value: &str) -> Vec<u8> {
    [field(1, key.as_bytes()), field(2, value.as_bytes())].concat()
}

fn weights(name: &str, location: Option<&str>) -> Vec<u8> {
    let external = location.map(|location| field(13, &entry("location", location)));
    [field(8, name.as_bytes()), external.unwrap_or_default()].concat()
}

#[test]
fn metadata_for_fer_lab_are_read_up_to_a_length() {
    let with = |entries: &[(&str, &str)]| {
        let entries: Vec<u8> =
            entries.iter().flat_map(|(key, value)| field(14, &entry(key, value))).collect();
        Graph::read(&[model("Gemm", None), entries].concat())
    };
    let graph = with(&[("author", "me"), ("fer_lab.training", "a"), ("fer_lab.x", "b")]).unwrap();
    let wanted = [("fer_lab.training", "a"), ("fer_lab.x", "b")];
    assert!(graph.metadata.iter().map(|(key, value)| (&**key, &**value)).eq(wanted));
    let long = "a".repeat(1 << 19);
    assert!(with(&[("fer_lab.a", &long), ("other", &long)]).is_ok());
    let both = with(&[("fer_lab.a", &long), ("fer_lab.b", &long)]);
    assert!(matches!(both, Err(GraphError::LongMetadata)));
}

/// A network of one input and output, with weights in `location`.
fn model(last: &str, location: Option<&str>) -> Vec<u8> {
    let graph = [
        field(1, &node("Conv", "features")),
        field(1, &node(last, "answer")),
        field(5, &weights("w", location)),
        field(11, &port("face", 1, &[None, Some(1), Some(48), Some(48)])),
        field(11, &port("w", 1, &[Some(3)])),
        field(12, &port("answer", 1, &[None, Some(7)])),
    ]
    .concat();
    [number(1, 10), field(8, &number(2, 18)), field(7, &graph)].concat()
}

#[test]
fn what_a_file_says_is_read() {
    let graph = Graph::read(&model("Softmax", None)).unwrap();
    let face = Port {
        name: "face".to_owned(),
        element: Element::Float32,
        shape: vec![None, Some(1), Some(48), Some(48)],
    };
    assert_eq!((&graph.inputs[..], graph.opset, graph.quantised), (&[face][..], Some(18), false));
    let [(answer, ending)] = &graph.outputs[..] else { panic!("{graph:?}") };
    assert_eq!(
        (&*answer.name, &answer.shape[..], *ending),
        ("answer", &[None, Some(7)][..], Ending::Softmax)
    );
    assert_eq!(Graph::read(&model("Gemm", None)).unwrap().outputs[0].1, Ending::Linear);
    assert_eq!(Graph::read(&model("Mul", None)).unwrap().outputs[0].1, Ending::Other);
    assert!(Graph::read(&model("QLinearConv", None)).unwrap().quantised);
}

#[test]
fn weights_are_found_in_graphs_within_graphs() {
    let inner = field(5, &weights("w", Some("deep.bin")));
    let attribute = [field(1, b"then_branch"), field(6, &inner)].concat();
    let graph = field(1, &[field(4, b"If"), field(5, &attribute)].concat());
    let graph = Graph::read(&field(7, &graph)).unwrap();
    assert_eq!(graph.external.into_iter().collect::<Vec<_>>(), ["deep.bin"]);
    // However deep someone nests them.
    let mut nested = Vec::new();
    for _ in 0..40 {
        nested = field(1, &field(5, &field(6, &nested)));
    }
    assert!(matches!(Graph::read(&field(7, &nested)), Err(GraphError::TooDeep)));
}

#[test]
fn a_file_that_is_cut_off_is_no_file() {
    let whole = model("Softmax", Some("w.data"));
    let start = whole.len() - 5;
    for length in 1..start {
        assert!(Graph::read(&whole[..length]).is_err(), "{length}");
    }
}

fn written(folder: &Path, location: &str) -> Result<NetworkFiles, NetworkFileError> {
    let path = folder.join("my.onnx");
    fs::write(&path, model("Gemm", Some(location))).unwrap();
    NetworkFiles::read(&path)
}

#[test]
fn weights_beside_the_file_are_read_and_hashed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("my.onnx.data"), b"weights").unwrap();
    let files = written(folder.path(), "my.onnx.data").unwrap();
    assert_eq!(files.weights, [("my.onnx.data".to_owned(), b"weights".to_vec())]);
    fs::write(folder.path().join("my.onnx.data"), b"others!").unwrap();
    assert_ne!(written(folder.path(), "my.onnx.data").unwrap().hash, files.hash);
    let missing = written(folder.path(), "gone.data").unwrap_err().to_string();
    assert!(
        missing.contains("`gone.data`, that cannot be read (there is no such file)"),
        "{missing}"
    );
    assert!(missing.contains("external_data=False"), "{missing}");
}

#[test]
fn no_path_leads_out_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::write(folder.path().join("w"), b"weights").unwrap();
    let absolute = folder.path().join("w").display().to_string();
    for location in ["../w", "a/../../w", &absolute] {
        let why = written(&inner, location).unwrap_err().to_string();
        assert!(why.contains("does not lie in its folder"), "{why}");
    }
    assert!(written(&inner, "").unwrap_err().to_string().contains("has no name"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.path().join("w"), inner.join("link")).unwrap();
        assert!(written(&inner, "link").unwrap_err().to_string().contains("is a link"));
    }
}

#[test]
fn other_files_are_called_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.onnx");
    for (bytes, what) in [
        (&b""[..], "empty"),
        (b"\x89HDF\r\n\x1a\n", "a Keras or HDF5 file"),
        (b"PK\x03\x04....model/data.pkl", "a PyTorch checkpoint"),
        (b"PK\x03\x04....model/constants.pkl model/data.pkl", "a TorchScript file"),
        (b"\x80\x02}q\x00", "a Python pickle"),
        (b"\x1c\0\0\0TFL3\x14\0", "a TensorFlow Lite file"),
        (b"\x10\0\0\0\0\0\0\0{\"a\":1}", "a safetensors file"),
        (b"\x10\0\0\0\0\0\0\0{\"__metadata__\":{\"fer_lab\":\"\"}}", "`fer-lab export ID`"),
        (b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS"),
        (b"<!DOCTYPE html>", "a web page"),
    ] {
        fs::write(&path, bytes).unwrap();
        let why = NetworkFiles::read(&path).unwrap_err().to_string();
        assert!(why.contains(what), "{what}: {why}");
    }
    fs::write(&path, b"\x01\x02\x03").unwrap();
    assert!(NetworkFiles::read(&path).unwrap_err().to_string().contains("it is no ONNX file"));
    let missing = NetworkFiles::read(&folder.path().join("none.onnx")).unwrap_err().to_string();
    assert!(missing.ends_with("there is no such file"), "{missing}");
    let place = NetworkFiles::read(folder.path()).unwrap_err().to_string();
    assert!(place.ends_with("it is a folder"), "{place}");
}

#[test]
fn a_shape_tells_its_pictures_where_one_dimension_alone_can_be_channels() {
    let of = |shape: [Option<u64>; 4]| Pictures::of(&shape);
    let (free, one, three, side) = (None, Some(1), Some(3), Some(48));
    let first = of([free, one, side, free]).unwrap();
    assert_eq!((first.channels, first.channels_last, first.sides), (1, false, [side, free]));
    let last = of([one, side, side, three]).unwrap();
    assert_eq!((last.channels, last.channels_last, last.sides), (3, true, [side, side]));
    for unclear in [[free, one, side, three], [free, free, side, side], [free, side, one, side]] {
        assert_eq!(of(unclear), None, "{unclear:?}");
    }
    assert_eq!(Pictures::of(&[]), None);
}
