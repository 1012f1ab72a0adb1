//! What the rows allow to be said, before anybody says it.
//!
//! In: rows of effects, Shapley values and runs. Out: the rows that belong together (a
//! [`Slice`](finding::Slice), a [`Game`](game::Game)), what stands out among them and what may be as large, and
//! the [`Facts`](facts::Facts) that all charts and sentences of a study share. Charts and words ask here, so
//! that they never contradict each other.

pub(in crate::report) mod evidence;
pub(in crate::report) mod facts;
pub(in crate::report) mod finding;
pub(in crate::report) mod game;
