//! The part of `fer-lab` without libtorch: the package cannot link it, so everything in here starts quickly and runs
//! where libtorch is not installed.
//!
//! | room | what it does |
//! | --- | --- |
//! | [`region`] | where the parts of a face lie: atlas, landmarks, masks, controls. Geometry only |
//! | [`experiment`] | the TOML file: types, defaults, validation, errors that point at the line |
//! | [`plan`] | an experiment expanded into conditions × seeds, runs and the trainings they need |
//! | [`network`] | the standard networks' layers, tensors and names, and whether a file of weights fits them |
//! | [`onnx`] | what a network's ONNX file says, without running it, and ONNX files that are written |
//! | [`landmarker`] | the points of a face in a picture |
//! | [`dataset`] | pictures and label distributions: `faces` (embedded), FER+, RAF-DB, class folders |
//! | [`store`] | the results folder: tables, manifests, atomic writes |
//! | [`study`] | a study's rows, typed: its settings, each with its classes, chance and conditions |
//! | [`metrics`] | the metrics of one run's predictions |
//! | [`analysis`] | effects, intervals, p-values: from tables to tables |
//! | [`machine`] | the machine's resources and their division among trainings |
//! | [`cluster`] | Slurm: what jobs ask for, how they are submitted, found again and watched |
//! | [`engine`] | executes a plan: workers run the trainings and evaluations that are missing |
//! | [`report`] | the report: charts, tables and text |
//! | [`examine`] | what must be known of a network in a file, found out by trying |
//! | [`export`] | a network that was trained here, as an ONNX file |
//! | [`cli`] | one file per command, each thin |
//!
//! Beside them, [`random`]: every random draw comes from a generator for its purpose; [`epoch`]: the
//! numbers of a training's progress; and [`disk`]: what to do where a file cannot be written.

pub mod analysis;
pub mod cli;
pub mod cluster;
pub mod dataset;
pub mod disk;
pub mod engine;
pub mod epoch;
pub mod examine;
pub mod experiment;
pub mod export;
pub mod landmarker;
pub mod machine;
pub mod metrics;
pub mod network;
pub mod onnx;
pub mod plan;
pub mod random;
pub mod region;
pub mod report;
pub mod store;
pub mod study;
