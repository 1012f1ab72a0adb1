//! The processor's instructions, and the memory, as the system reports them.

use std::fs;

/// Instructions that decide how fast networks are trained on a CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instructions {
    pub avx2: bool,
    pub avx512: bool,
    /// Products of bfloat16 numbers in vectors: `avx512_bf16`, on ARM `bf16`.
    pub bf16: bool,
    /// Products of tiles of bfloat16 numbers.
    pub amx: bool,
}

impl Instructions {
    /// Those of this machine; `None` where the system does not list them.
    pub fn here() -> Option<Instructions> {
        Instructions::listed(&fs::read_to_string("/proc/cpuinfo").ok()?)
    }

    /// Those of the first processor in `/proc/cpuinfo`: its `flags`, on ARM `Features`.
    fn listed(text: &str) -> Option<Instructions> {
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        let (_, flags) = lines.find(|(key, _)| matches!(key.trim(), "flags" | "Features"))?;
        let has = |name: &str| flags.split_whitespace().any(|flag| flag == name);
        Some(Instructions {
            avx2: has("avx2"),
            avx512: has("avx512f"),
            bf16: has("avx512_bf16") || has("bf16"),
            amx: has("amx_bf16") && has("amx_tile"),
        })
    }

    /// `AVX2, AVX-512, bf16`; empty where there is none of them.
    pub fn names(self) -> Vec<&'static str> {
        let all =
            [(self.avx2, "AVX2"), (self.avx512, "AVX-512"), (self.bf16, "bf16"), (self.amx, "AMX")];
        all.into_iter().filter(|(has, _)| *has).map(|(_, name)| name).collect()
    }
}

/// The memory of the machine, bytes, whatever limits this process; `None` where the system does not say.
pub fn installed_memory() -> Option<u64> {
    of_meminfo(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal")
}

/// The memory that programs can still take before the machine swaps or kills, bytes.
pub fn available_memory() -> Option<u64> {
    of_meminfo(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable")
}

/// A line of `/proc/meminfo`, which counts KiB.
fn of_meminfo(text: &str, key: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    value.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_read_by_whole_names() {
        let text = "processor\t: 0\nflags\t\t: fpu avx avx2 avx512f avx512_bf16 amx_tile\n\nflags : amx_bf16\n";
        let found = Instructions::listed(text).unwrap();
        assert_eq!(found.names(), ["AVX2", "AVX-512", "bf16"]);
        let all =
            Instructions::listed("flags : avx2 avx512f avx512_bf16 amx_tile amx_bf16").unwrap();
        assert!(all.amx);
        let arm = Instructions::listed("Features : fp asimd bf16").unwrap();
        assert_eq!(arm.names(), ["bf16"]);
        assert_eq!(Instructions::listed("flags : avx2x").unwrap().names(), [""; 0]);
        assert_eq!(Instructions::listed("model name : x"), None);
    }

    #[test]
    fn memory_is_counted_in_bytes() {
        let text = "MemTotal:       24028916 kB\nMemFree: 1 kB\nMemAvailable:   2048 kB\n";
        assert_eq!(of_meminfo(text, "MemTotal"), Some(24_028_916 * 1024));
        assert_eq!(of_meminfo(text, "MemAvailable"), Some(2 << 20));
        assert_eq!(of_meminfo(text, "Mem"), None);
        assert_eq!(of_meminfo("MemTotal: x kB", "MemTotal"), None);
    }
}
