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
mod axis;
mod cell;
mod chart;
mod colour_bar;
mod comparison;
mod confusion;
mod confusion_change;
mod contact_sheet;
mod curves;
mod drawing;
mod effects;
mod emotion_cells;
mod emotion_map;
mod error;
mod evidence;
mod face;
mod facts;
mod figure;
mod finding;
mod fonts;
mod game;
mod label;
pub mod listing;
mod measure;
mod numbers;
mod page;
mod phrase;
mod place;
mod query;
mod region_map;
mod scale;
mod sensitivity;
mod sensitivity_curves;
mod settings;
mod study;
mod table;
pub mod theme;
mod visible;
mod waterfall;
mod words;

pub use atlas::atlas_figure;
pub use cell::Cell;
pub use chart::{Chart, Topic};
pub use comparison::{ComparisonPanel, ComparisonRow, comparison};
pub use confusion::confusion;
pub use confusion_change::confusion_change;
pub use contact_sheet::{ContactSheet, Tile};
pub use curves::curves;
pub use effects::effects;
pub use emotion_cells::{EmotionCell, EmotionCells, emotion_cells};
pub use emotion_map::emotion_map;
pub use error::ReportError;
pub use evidence::Evidence;
pub use facts::{Facts, dataset_name};
pub use figure::{Figure, is_own_picture};
pub use label::Several;
pub use measure::Measure;
pub use numbers::{counted, thousands};
pub use page::Page;
pub use phrase::wrap;
pub use query::{Order, Query};
pub use region_map::region_map;
pub use sensitivity::sensitivity;
pub use sensitivity_curves::sensitivity_curves;
pub use settings::{flat, settings_table};
pub use study::study_table;
pub use table::{Align, Column, Format, Table};
pub use visible::{escaped, visible, visible_coloured, visible_lines};
pub use waterfall::waterfall;
pub use words::{answer, details, mask_leak_warnings, reach_warnings};
