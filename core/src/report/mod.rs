//! Everything that is drawn or printed for a reader.
//!
//! In: the rows of an experiment's tables (and, for previews, pictures and regions). Out: figures, as
//! SVG and PNG, tables and sentences. What a figure or a sentence claims is decided here, from intervals
//! that are already in the rows; nothing is estimated, and no data set, network or results folder is
//! opened.
//!
//! | room | what it does |
//! | --- | --- |
//! | [`canvas`] | marks in millimetres in the one [`theme`], written as SVG by plotters and rasterised from that same SVG, so that the two never differ and no font of the system is needed |
//! | [`findings`] | what the rows allow to be said |
//! | [`charts`] | one file a chart |
//! | [`words`] | the answer in sentences; how numbers, conditions and metrics are written |
//! | [`tables`] | tables for the terminal, CSV, JSON and Markdown |
//! | [`page`] | `report.html` |

mod canvas;
mod charts;
mod findings;
mod page;
mod tables;
mod words;

pub use canvas::error::ReportError;
pub use canvas::figure::{Figure, is_own_picture};
pub use canvas::theme;
pub use charts::atlas::atlas_figure;
pub use charts::chart::{Chart, Topic};
pub use charts::comparison::{ComparisonPanel, ComparisonRow, comparison};
pub use charts::confusion::confusion;
pub use charts::confusion_change::confusion_change;
pub use charts::contact_sheet::{ContactSheet, Tile};
pub use charts::curves::curves;
pub use charts::effects::effects;
pub use charts::emotion_cells::{EmotionCell, EmotionCells, emotion_cells};
pub use charts::emotion_map::emotion_map;
pub use charts::region_map::region_map;
pub use charts::sensitivity::sensitivity;
pub use charts::sensitivity_curves::sensitivity_curves;
pub use charts::waterfall::waterfall;
pub use findings::evidence::Evidence;
pub use findings::facts::{Facts, dataset_name};
pub use page::Page;
pub use tables::cell::Cell;
pub use tables::listing;
pub use tables::query::{Order, Query};
pub use tables::settings::{flat, settings_table};
pub use tables::study::study_table;
pub use tables::table::{Align, Column, Format, Table};
pub use words::label::Several;
pub use words::measure::Measure;
pub use words::numbers::{counted, thousands};
pub use words::phrase::wrap;
pub use words::visible::{escaped, visible, visible_coloured, visible_lines};
pub use words::{answer, details, mask_leak_warnings, reach_warnings};
