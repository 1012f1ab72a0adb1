//! The environment that the last bits of a training's numbers depend on, beside its settings, data and seed.

use serde::{Deserialize, Serialize};
use tch::Device;

use super::device;

/// How and where a training computes. Sums that are divided among other threads, or made by another
/// processor's instructions, round differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circumstances {
    /// libtorch's, from 1.
    pub threads: u32,
    /// `cpu`, `cuda:0` …
    pub device: String,
    /// The model of that CPU or GPU; empty if unknown.
    pub processor: String,
}

/// How a training resumes from a checkpoint that was made in another environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resumption {
    /// It resumes with the checkpoint's threads. On another processor its numbers match neither; the text says
    /// so.
    GoOn { warning: Option<String> },
    /// It restarts, for this reason.
    BeginAgain { reason: String },
}

impl Circumstances {
    /// Those of this process.
    pub fn here(threads: u32, device: Device) -> Circumstances {
        let (name, processor) = (device::name(device), device::processor(device));
        Circumstances { threads, device: name, processor }
    }

    /// How a training here resumes from a checkpoint that was made in the environment `then`.
    pub fn resume(&self, then: &Circumstances) -> Resumption {
        let kind = |device: &str| device.split(':').next().unwrap_or_default().to_owned();
        if kind(&self.device) != kind(&then.device) {
            let reason = format!("it was made on {}, and this is {}", then.device, self.device);
            return Resumption::BeginAgain { reason };
        }
        let mut warnings = Vec::new();
        if self.threads != then.threads {
            warnings.push(format!(
                "it resumes with the threads that it was started with, {} and not {}, because their number \
                 shows in the last bits",
                then.threads, self.threads
            ));
        }
        // Two GPUs of one model are alike.
        let same = match self.processor.is_empty() && then.processor.is_empty() {
            true => self.device == then.device,
            false => self.processor == then.processor,
        };
        if !same {
            warnings.push(format!(
                "it was started on another processor ({}, here {}), so its last bits match those of \
                 neither",
                then.processor(),
                self.processor()
            ));
        }
        Resumption::GoOn { warning: (!warnings.is_empty()).then(|| warnings.join("; ")) }
    }

    /// In words.
    fn processor(&self) -> &str {
        if self.processor.is_empty() { &self.device } else { &self.processor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(threads: u32, device: &str, processor: &str) -> Circumstances {
        Circumstances { threads, device: device.to_owned(), processor: processor.to_owned() }
    }

    fn warning(here: &Circumstances, then: &Circumstances) -> String {
        match here.resume(then) {
            Resumption::GoOn { warning } => warning.unwrap_or_default(),
            Resumption::BeginAgain { reason } => panic!("begins again: {reason}"),
        }
    }

    #[test]
    fn another_thread_count_or_processor_is_reported() {
        let here = on(1, "cpu", "EPYC");
        assert_eq!(warning(&here, &here), "");
        assert_eq!(
            warning(&here, &on(2, "cpu", "EPYC")),
            "it resumes with the threads that it was started with, 2 and not 1, because their number shows \
             in the last bits"
        );
        assert_eq!(
            warning(&here, &on(1, "cpu", "")),
            "it was started on another processor (cpu, here EPYC), so its last bits match those of neither"
        );
        let both = warning(&here, &on(2, "cpu", "Xeon"));
        assert!(both.contains("2 and not 1") && both.contains("(Xeon, here EPYC)"), "{both}");
    }

    #[test]
    fn gpus_of_one_model_are_alike_and_a_cpu_is_none() {
        let here = on(1, "cuda:0", "H200");
        assert_eq!(warning(&here, &on(1, "cuda:1", "H200")), "");
        let unknown = |device| on(1, device, "");
        assert!(warning(&unknown("cuda:0"), &unknown("cuda:1")).contains("(cuda:1, here cuda:0)"));
        let reason = "it was made on cpu, and this is cuda:0".to_owned();
        assert_eq!(here.resume(&on(1, "cpu", "EPYC")), Resumption::BeginAgain { reason });
    }
}
