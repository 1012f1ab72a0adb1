//! The driver's GPUs, and the free memory of those that are visible to a worker's CUDA.
//!
//! In: each GPU's state from the driver's management library (NVML, loaded on demand), and the environment variables by
//! which CUDA selects GPUs. Out: free bytes by CUDA's device number, where that number is certain. CUDA itself is not
//! used: loading it takes gigabytes of libraries and memory on each GPU.

use nvml_wrapper::Nvml;

/// A GPU as the driver describes it, whether or not CUDA shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gpu {
    pub name: String,
    /// Bytes, all and free.
    pub memory: Option<(u64, u64)>,
    /// CUDA's version of what it can compute, as 9.0 of an H200: bfloat16 and TF32 from 8.0 on.
    pub capability: Option<(u32, u32)>,
    /// Whether it is divided into parts (MIG).
    pub divided: bool,
}

/// The GPUs in the driver's bus order; an empty list without a driver or its management library.
pub fn gpus() -> Vec<Gpu> {
    let Ok(nvml) = Nvml::init() else { return Vec::new() };
    let devices = 0..nvml.device_count().unwrap_or(0);
    devices.filter_map(|index| nvml.device_by_index(index).ok().map(described)).collect()
}

fn described(device: nvml_wrapper::Device<'_>) -> Gpu {
    let capability = device.cuda_compute_capability().ok();
    Gpu {
        name: device.name().unwrap_or_else(|_| "of unknown name".to_owned()),
        memory: device.memory_info().ok().map(|memory| (memory.total, memory.free)),
        capability: capability
            .and_then(|known| Some((known.major.try_into().ok()?, known.minor.try_into().ok()?))),
        divided: device.mig_mode().is_ok_and(|mode| mode.current != 0),
    }
}

/// A GPU in the driver's bus order, as far as its free memory goes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed {
    /// `GPU-8932f937-d72c-…`
    uuid: String,
    /// Bytes; `None` where the driver does not report it, or CUDA would show a part of the GPU (MIG) instead.
    free: Option<u64>,
}

/// Free bytes of `cuda:0`, `cuda:1` …; `None` where unknown, and an empty list without NVML.
pub fn free_memory() -> Vec<Option<u64>> {
    let Ok(nvml) = Nvml::init() else { return Vec::new() };
    let free = |device: nvml_wrapper::Device<'_>| device.memory_info().ok().map(|info| info.free);
    let mut gpus = Vec::new();
    for index in 0..nvml.device_count().unwrap_or(0) {
        let Ok(device) = nvml.device_by_index(index) else { return Vec::new() };
        let in_parts = device.mig_mode().is_ok_and(|mode| mode.current != 0);
        let uuid = device.uuid().unwrap_or_default();
        gpus.push(Listed { uuid, free: if in_parts { None } else { free(device) } });
    }
    let part = |name: &str| nvml.device_by_uuid(name).ok().and_then(free);
    let variable = |name| std::env::var(name).ok();
    let by_bus = variable("CUDA_DEVICE_ORDER").as_deref() == Some("PCI_BUS_ID");
    shown(&gpus, variable("CUDA_VISIBLE_DEVICES").as_deref(), by_bus, &part)
}

/// Of the driver's GPUs, those that CUDA shows, in its order (CUDA C++ Programming Guide, "CUDA
/// Environment Variables"): all, or those that a list names, up to the first entry that names none.
///
/// `by_bus`: whether CUDA numbers GPUs in bus order, as the driver does. Otherwise it puts the fastest first by an
/// undocumented rule, so a number may be any of the GPUs; the one with the least free memory is assumed. `part` gives
/// the free memory of a part of a GPU.
fn shown(
    gpus: &[Listed],
    visible: Option<&str>,
    by_bus: bool,
    part: &dyn Fn(&str) -> Option<u64>,
) -> Vec<Option<u64>> {
    let least = gpus.iter().map(|gpu| gpu.free).min().flatten();
    let by_number = |number: usize| match by_bus {
        true => gpus.get(number).map(|gpu| gpu.free),
        false => gpus.get(number).map(|_| least),
    };
    let Some(visible) = visible else {
        return (0..gpus.len()).filter_map(by_number).collect();
    };
    let entry = |entry: &str| match entry.parse() {
        Ok(number) => by_number(number),
        Err(_) if entry.starts_with("MIG-") => Some(part(entry)),
        // A unique prefix of the identifier.
        Err(_) if entry.starts_with("GPU-") => {
            let mut named = gpus.iter().filter(|gpu| gpu.uuid.starts_with(entry));
            let first = named.next().and_then(|gpu| gpu.free);
            Some(if named.next().is_none() { first } else { None })
        }
        Err(_) => None,
    };
    visible.split(',').map(str::trim).map_while(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed() -> Vec<Listed> {
        let gpu = |uuid: &str, free| Listed { uuid: uuid.to_owned(), free };
        vec![gpu("GPU-8932-aa", Some(40)), gpu("GPU-8932-bb", Some(10)), gpu("GPU-17", Some(80))]
    }

    fn free(visible: Option<&str>, by_bus: bool) -> Vec<Option<u64>> {
        let part = |name: &str| (name == "MIG-7").then_some(5);
        shown(&listed(), visible, by_bus, &part)
    }

    #[test]
    fn in_bus_order_numbers_are_the_driver_s() {
        assert_eq!(free(None, true), [Some(40), Some(10), Some(80)]);
        assert_eq!(free(Some("2, 0"), true), [Some(80), Some(40)]);
        assert_eq!(free(Some("1,9,2"), true), [Some(10)]);
        assert_eq!(free(Some(""), true), []);
        assert_eq!(free(Some("-1"), true), []);
    }

    #[test]
    fn the_fastest_first_may_be_any() {
        assert_eq!(free(None, false), [Some(10); 3]);
        assert_eq!(free(Some("2"), false), [Some(10)]);
        let one = [Listed { uuid: "GPU-1".to_owned(), free: Some(7) }];
        assert_eq!(shown(&one, None, false, &|_| None), [Some(7)]);
        // Any of them may be the one that reports nothing.
        let silent = [listed(), vec![Listed { uuid: "GPU-2".to_owned(), free: None }]].concat();
        assert_eq!(shown(&silent, None, false, &|_| None), [None; 4]);
    }

    #[test]
    fn an_identifier_names_one_gpu_or_part_or_nothing() {
        assert_eq!(free(Some("GPU-17,GPU-8932-aa"), false), [Some(80), Some(40)]);
        assert_eq!(free(Some("GPU-8932"), false), [None]);
        assert_eq!(free(Some("GPU-none"), false), [None]);
        assert_eq!(free(Some("MIG-7,MIG-GPU-17/1/0"), false), [Some(5), None]);
    }

    /// Needs no driver: without one the list is empty.
    #[test]
    fn a_machine_without_a_driver_has_no_gpu() {
        if !crate::machine::device::has_driver() {
            assert_eq!(free_memory(), []);
            assert_eq!(super::gpus(), []);
        }
    }
}
