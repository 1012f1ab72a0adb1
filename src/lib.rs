//! `fer-lab` asks which parts of a face carry the signal that a network uses, and could use, to read
//! an emotion.
//!
//! An experiment file goes in; tables and charts come out. Each module is one step of that flow and
//! depends only on the steps above it. Those that need libtorch lie in `src/`, the others in a crate of their own,
//! `core/src/`, which cannot link it: commands that only read results start quickly.
//!
//! | room | what it does | where |
//! | --- | --- | --- |
//! | [`region`] | where the parts of a face lie: atlas, landmarks, masks, controls. Geometry only | core |
//! | [`experiment`] | the TOML file: types, defaults, validation, errors that point at the line | core |
//! | [`plan`] | an experiment expanded into conditions × seeds, runs and the trainings they need | core |
//! | [`network`] | the standard networks' layers, tensors and names, and whether a file of weights fits them | core |
//! | [`onnx`] | what a network's ONNX file says, without running it, and ONNX files that are written | core |
//! | [`landmarker`] | the points of a face in a picture | core |
//! | [`dataset`] | pictures and label distributions: `faces` (embedded), FER+, RAF-DB, class folders | core |
//! | [`model`] | the network | |
//! | [`train`] | one network fitted with one seed | |
//! | [`store`] | the results folder: tables, manifests, atomic writes | core |
//! | [`evaluate`] | predictions under an occlusion, and sensitivity maps | |
//! | [`study`] | a study's rows, typed: its settings, each with its classes, chance and conditions | core |
//! | [`metrics`] | the metrics of one run's predictions | core |
//! | [`analysis`] | effects, intervals, p-values: from tables to tables | core |
//! | [`machine`] | the machine's resources and their division among trainings | core |
//! | [`cluster`] | Slurm: what jobs ask for, how they are submitted, found again and watched | core |
//! | [`engine`] | executes a plan: workers run the trainings and evaluations that are missing | core |
//! | [`worker`] | what a worker process does, and everything else of the engine that needs libtorch | |
//! | [`report`] | the report: charts, tables and text | core |
//! | [`examine`] | what must be known of a network in a file, found out by trying | core |
//! | [`export`] | a network that was trained here, as an ONNX file | core |
//! | [`cli`] | one file per command, each thin | core |
//!
//! Beside them, [`random`]: every random draw comes from a generator for its purpose; [`epoch`]: the numbers
//! of a training's progress; and [`disk`]: what to do where a file cannot be written.

pub use fer_lab_core::{
    analysis, cli, cluster, dataset, disk, engine, epoch, examine, experiment, export, landmarker,
    machine, metrics, network, onnx, plan, region, report, store, study,
};

#[cfg(feature = "torch")]
pub mod evaluate;
#[cfg(feature = "torch")]
pub mod model;
#[cfg(not(feature = "torch"))]
pub use fer_lab_core::random;
#[cfg(feature = "torch")]
pub mod random;
#[cfg(feature = "torch")]
pub mod train;
#[cfg(feature = "torch")]
pub mod worker;
