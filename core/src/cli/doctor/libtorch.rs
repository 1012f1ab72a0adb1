//! libtorch, as the program that has it says of itself: here it is not linked.

use serde_json::json;

use super::super::{Access, Program, partner};
use super::check::{Check, State};
use crate::engine::LibtorchFacts;
use crate::machine::Environment;
use crate::machine::device::LIBTORCH_VERSION;
use crate::onnx::RUNTIME;

const NAME: &str = "libtorch";

/// libtorch, and ONNX Runtime where libtorch could be asked: one program has both.
pub(super) fn checks(program: &Program) -> Vec<Check> {
    match program.libtorch {
        Access::Linked(libtorch) => of_both(&libtorch.facts()),
        Access::Nowhere => vec![missing(&partner::built_without().to_string())],
        Access::Beside => match partner::ask(program.build, &["doctor", "--libtorch"]) {
            Ok(answer) => match serde_json::from_str(&answer) {
                Ok(facts) => of_both(&facts),
                Err(error) => {
                    vec![missing(&format!("`fer-lab-torch` gives no answer ({error})"))]
                }
            },
            Err(error) => vec![missing(&format!("{error:#}"))],
        },
    }
}

fn of_both(facts: &LibtorchFacts) -> Vec<Check> {
    vec![of_facts(facts), of_onnxruntime(facts.onnxruntime.as_deref())]
}

fn missing(why: &str) -> Check {
    let cure = match Environment::here().is_some() {
        true => format!(
            "pip install torch=={LIBTORCH_VERSION}, into the environment that fer-lab is in"
        ),
        false => "run scripts/setup in fer-lab's folder, and build again".to_owned(),
    };
    Check::problem(NAME, why, &cure).with([("version", json!(null))])
}

fn of_onnxruntime(version: Option<&str>) -> Check {
    const NAME: &str = "onnxruntime";
    let check = match version {
        Some(RUNTIME) => Check::ok(NAME, RUNTIME),
        Some(other) => Check::note(
            NAME,
            &format!("{other}, and results are of {RUNTIME}"),
            "run scripts/setup --onnx in fer-lab's folder",
        ),
        None => Check::note(
            NAME,
            "ONNX Runtime is not there",
            &format!(
                "only networks of your own in ONNX files need it: run scripts/setup --onnx in fer-lab's folder (where pip \
                 installed fer-lab: pip install onnxruntime=={RUNTIME}), or set FER_LAB_ONNXRUNTIME to the path of a \
                 libonnxruntime.so"
            ),
        ),
    };
    check.with([("version", json!(version))])
}

fn of_facts(facts: &LibtorchFacts) -> Check {
    let LibtorchFacts { version, instructions, library, auto, no_gpu, commit, .. } = facts;
    let mut found = format!("{version}, {library}, kernels for {instructions}, `auto` is {auto}");
    if let Some(reason) = no_gpu {
        found += &format!(", since {reason}");
    }
    // Behind `+` stands of which build it is: `2.13.0+cu130`.
    let number = version.split('+').next().unwrap_or_default();
    let check = if number != LIBTORCH_VERSION {
        let cure = format!(
            "this program is built for {LIBTORCH_VERSION}: run scripts/setup and build again"
        );
        Check { state: State::Note, ..Check::problem(NAME, &found, &cure) }
    } else if no_gpu.is_some() {
        Check::note(
            NAME,
            &found,
            "to train on the GPU, mend that; until then networks are trained on the CPU",
        )
    } else {
        Check::ok(NAME, found)
    };
    check.with([
        ("version", json!(version)),
        ("library", json!(library)),
        ("instructions", json!(instructions)),
        ("auto", json!(auto)),
        ("commit", json!(commit)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> LibtorchFacts {
        LibtorchFacts {
            commit: "1a2b3c".into(),
            version: LIBTORCH_VERSION.into(),
            instructions: "AVX512".into(),
            library: "/x/lib/libtorch_cpu.so".into(),
            auto: "cpu".into(),
            no_gpu: None,
            onnxruntime: None,
        }
    }

    #[test]
    fn another_version_or_an_unused_gpu_is_noted() {
        let check = of_facts(&facts());
        assert_eq!(check.state, State::Ok);
        assert!(check.found.contains("/x/lib/libtorch_cpu.so, kernels for AVX512"));
        let cuda = LibtorchFacts { version: format!("{LIBTORCH_VERSION}+cu130"), ..facts() };
        assert_eq!(of_facts(&cuda).state, State::Ok);
        let other = LibtorchFacts { version: "2.11.0".into(), ..facts() };
        assert_eq!(of_facts(&other).state, State::Note);
        let unused = LibtorchFacts { no_gpu: Some("the driver offers no GPU".into()), ..facts() };
        let check = of_facts(&unused);
        assert_eq!(check.state, State::Note);
        assert!(check.found.ends_with("`auto` is cpu, since the driver offers no GPU"));
    }

    #[test]
    fn onnx_runtime_is_needed_for_networks_in_files_alone() {
        assert_eq!(of_onnxruntime(Some(RUNTIME)).state, State::Ok);
        for version in [None, Some("1.0.0")] {
            let check = of_onnxruntime(version);
            assert_eq!(check.state, State::Note);
            assert!(check.cure.unwrap().contains("scripts/setup --onnx"));
        }
        assert_eq!(of_both(&facts()).len(), 2);
    }

    #[test]
    fn without_libtorch_nothing_can_be_trained() {
        let checks = checks(&Program { build: "", libtorch: Access::Nowhere });
        let [check] = &checks[..] else { panic!("{checks:?}") };
        assert_eq!(check.state, State::Problem);
        assert!(check.found.contains("built without it"), "{}", check.found);
    }
}
