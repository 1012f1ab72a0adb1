//! What the loaded libtorch, and ONNX Runtime, say of themselves, for `fer-lab doctor`.

use std::fs;

use super::COMMIT;
use crate::engine::LibtorchFacts;
use crate::experiment::DeviceChoice;
use crate::model::onnx;
use crate::train::{device, ffi};

/// Loads libtorch's CUDA part too, where there is an NVIDIA driver.
pub fn facts() -> LibtorchFacts {
    let description = ffi::description();
    let (auto, no_gpu) = match device::choose(DeviceChoice::Auto) {
        Ok((chosen, reason)) => (device::name(chosen), reason.map(|reason| reason.to_string())),
        Err(reason) => ("cpu".to_owned(), Some(reason.to_string())),
    };
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    LibtorchFacts {
        commit: COMMIT.unwrap_or_default().to_owned(),
        version: version(&description).to_owned(),
        instructions: instructions(&description).to_owned(),
        library: library(&maps).to_owned(),
        auto,
        no_gpu,
        onnxruntime: onnx::version(),
    }
}

/// In `…, TORCH_VERSION=2.13.0, USE_CUDA=ON, …`
fn version(description: &str) -> &str {
    let rest = description.split_once("TORCH_VERSION=").map_or("", |(_, rest)| rest);
    rest.split([',', '\n']).next().unwrap_or_default().trim()
}

/// In `  - CPU capability usage: AVX2`
fn instructions(description: &str) -> &str {
    let rest = description.split_once("CPU capability usage: ").map_or("", |(_, rest)| rest);
    rest.lines().next().unwrap_or_default().trim()
}

/// The file that is mapped into this process, of the lines of `/proc/self/maps`: the path is the sixth field.
fn library(maps: &str) -> &str {
    let mut paths = maps.lines().filter_map(|line| line.find('/').map(|start| &line[start..]));
    paths.find(|path| path.ends_with("/libtorch_cpu.so")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_found_in_what_libtorch_says() {
        let text = "PyTorch built with:\n  - CPU capability usage: AVX512\n  - Build settings: A=B, \
                    TORCH_VERSION=2.13.0, USE_CUDA=ON, \n";
        assert_eq!((version(text), instructions(text)), ("2.13.0", "AVX512"));
        assert_eq!((version("x"), instructions("x")), ("", ""));
        let maps = "7f-80 r--p 0 00:1 9  [heap]\n7f-80 r-xp 0 00:1 9   /a b/lib/libtorch_cpu.so\n";
        assert_eq!(library(maps), "/a b/lib/libtorch_cpu.so");
        assert_eq!(library("7f-80 r--p 0 00:1 9\n"), "");
    }

    #[test]
    fn the_library_that_is_linked_is_the_one_that_is_wanted() {
        let facts = facts();
        let wanted = crate::machine::device::LIBTORCH_VERSION;
        assert_eq!(facts.version.split('+').next(), Some(wanted));
        assert!(!facts.instructions.is_empty());
        #[cfg(target_os = "linux")]
        assert!(facts.library.ends_with("/libtorch_cpu.so"), "{}", facts.library);
    }
}
