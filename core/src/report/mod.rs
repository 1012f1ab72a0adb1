//! Everything that is drawn or printed for a reader.
//!
//! In: the rows of an experiment's tables (and, for previews, pictures and regions). Out: figures, as
//! SVG and PNG, tables and sentences. What a figure or a sentence claims is decided here, from intervals
//! that are already in the rows; nothing is estimated, and no data set or network is opened. Files are the
//! business of [`folder`] alone.
//!
//! | room | what it does |
//! | --- | --- |
//! | [`canvas`] | marks in millimetres in the one [`theme`], written as SVG by plotters and rasterised from that same SVG, so that the two never differ and no font of the system is needed |
//! | [`findings`] | what the rows allow to be said, of each setting and over all |
//! | [`charts`] | one file a chart |
//! | [`words`] | the answer in sentences; how numbers, conditions and metrics are written |
//! | [`tables`] | tables for the terminal, CSV, JSON and Markdown |
//! | [`page`] | `report.html` |
//! | [`splice`] | tables, sentences and numbers between markers of a page of Markdown |
//! | [`tensorboard`] | training curves as TensorBoard's event files |
//! | [`compared`] | experiments, conditions or runs compared with each other |
//! | [`folder`] | the whole report of an experiment, from its tables to its files |

mod canvas;
mod charts;
mod compared;
mod findings;
mod folder;
mod page;
mod splice;
mod tables;
mod tensorboard;
mod words;

pub use canvas::error::ReportError;
pub use canvas::figure::{Figure, FigureFormat, is_own_picture};
pub use canvas::fonts::{lacking_signs, system_fonts};
pub use canvas::theme;
pub use charts::atlas::atlas_figure;
pub use charts::contact_sheet::{ContactSheet, Marks, Tile};
pub use compared::Compared;
pub use findings::facts::dataset_name;
pub use folder::{Depth, Drawn, Report, ReportingError, SpliceError, report};
pub use splice::{Content, Marker, MarkerError, markers};
pub use tables::cell::Cell;
pub use tables::listing;
pub use tables::planned;
pub use tables::query::{Order, Query};
pub use tables::settings::{flat, settings_table};
pub use tables::table::{Align, Column, Format, Table};
pub use words::numbers::{counted, thousands};
pub use words::phrase::wrap;
pub use words::power::advice;
pub use words::visible::{escaped, visible, visible_coloured, visible_lines};
