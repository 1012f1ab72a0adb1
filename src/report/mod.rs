//! Everything that is drawn or printed for a reader.
//!
//! In: the rows of an experiment's tables (and, for previews, pictures and regions). Out: figures, as
//! SVG and PNG, tables and sentences. What a figure or a sentence claims is decided here, from intervals
//! that are already in the rows; nothing is estimated, and no data set, network or results folder is
//! opened.
//!
//! Every figure is a [`Drawing`](drawing::Drawing): marks placed in millimetres, in the one
//! [`theme`]. It is written as SVG by plotters and rasterised from that same SVG, so the two never
//! differ, and no font of the system is needed.

mod atlas;
mod confusion;
mod contact_sheet;
mod curves;
mod drawing;
mod effects;
mod error;
mod facts;
mod figure;
mod finding;
mod fonts;
mod label;
mod metric;
mod numbers;
mod phrase;
mod scale;
mod study;
mod table;
pub mod theme;
mod words;

pub use atlas::atlas_figure;
pub use confusion::confusion;
pub use contact_sheet::{ContactSheet, Tile};
pub use curves::curves;
pub use effects::effects;
pub use error::ReportError;
pub use facts::{Facts, dataset_name};
pub use figure::Figure;
pub use label::run_label;
pub use numbers::thousands;
pub use phrase::wrap;
pub use study::study_table;
pub use table::{Align, Cell, Column, Format, Table};
pub use words::answer;
