//! Tables of typed cells, and what a results folder holds as such.
//!
//! In: rows, filters and orders. Out: a [`Table`](table::Table), written as each format's readers expect.

pub(in crate::report) mod cell;
pub(in crate::report) mod comparison;
mod condition;
pub(in crate::report) mod evidence;
pub mod listing;
pub mod planned;
pub(in crate::report) mod query;
pub(in crate::report) mod settings;
pub(in crate::report) mod study;
pub(in crate::report) mod table;
