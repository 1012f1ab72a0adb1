//! All of `fer-lab` that knows nothing of libtorch: the package has no way to reach it, so that whatever is written
//! here starts in a moment and runs where there is none.
//!
//! | room | what it does |
//! | --- | --- |
//! | [`region`] | where the parts of a face lie: atlas, landmarks, masks, controls. Geometry only |
//! | [`experiment`] | the TOML file: types, defaults, validation, errors that point at the line |
//! | [`plan`] | an experiment expanded into conditions × seeds, runs and the trainings they need |
//! | [`dataset`] | pictures and label distributions: `faces` (embedded), FER+, RAF-DB, class folders |
//! | [`store`] | the results folder: tables, manifests, atomic writes |
//! | [`study`] | what the rows of a study say: its settings, each with its classes, chance and conditions |
//! | [`metrics`] | how good the answers of one run are |
//! | [`analysis`] | effects, intervals, p-values: from tables to tables |
//! | [`machine`] | the machine, and how it is divided among trainings |
//! | [`engine`] | carries out a plan: has workers do the trainings and evaluations that are missing |
//! | [`report`] | charts, pictures and the words under them |
//! | [`cli`] | one file a command, each thin |
//!
//! Beside them, [`random`]: every random draw comes from a generator for its purpose; [`epoch`]: how a training
//! goes, in numbers; and [`disk`]: what to do where a file cannot be written.

pub mod analysis;
pub mod cli;
pub mod dataset;
pub mod disk;
pub mod engine;
pub mod epoch;
pub mod experiment;
pub mod machine;
pub mod metrics;
pub mod plan;
pub mod random;
pub mod region;
pub mod report;
pub mod store;
pub mod study;
