//! `fer-lab` asks which parts of a face carry the signal that a network uses, and could use, to read
//! an emotion.
//!
//! An experiment file goes in; tables and charts come out. Each module is one step of that way, and
//! knows only the steps above it:
//!
//! | room | what it does |
//! | --- | --- |
//! | [`region`] | where the parts of a face lie: atlas, landmarks, masks, controls. Geometry only |
//! | [`experiment`] | the TOML file: types, defaults, validation, errors that point at the line |
//! | [`plan`] | an experiment expanded into conditions × seeds, runs and the trainings they need |
//! | [`dataset`] | pictures and label distributions: `faces` (embedded), FER+, RAF-DB, class folders |
//! | [`model`] | the network |
//! | [`train`] | one network fitted with one seed |
//! | [`store`] | the results folder: tables, manifests, atomic writes |
//! | [`study`] | what the rows of a study say: its settings, each with its classes, chance and conditions |
//! | [`evaluate`] | what a network answers under an occlusion, how good that is, and where it looks |
//! | [`analysis`] | effects, intervals, p-values: from tables to tables |
//! | [`engine`] | carries out a plan: the trainings and evaluations that are missing |
//! | [`report`] | charts, pictures and the words under them |
//! | [`cli`] | one file a command, each thin |
//!
//! Beside them, [`random`]: every random draw comes from a generator for its purpose; and [`disk`]: what
//! to do where a file cannot be written.

pub mod analysis;
pub mod cli;
pub mod dataset;
pub mod disk;
pub mod engine;
pub mod evaluate;
pub mod experiment;
pub mod model;
pub mod plan;
pub mod random;
pub mod region;
pub mod report;
pub mod store;
pub mod study;
pub mod train;
