//! Paper, pen and type: the one place that knows SVG.
//!
//! In: marks in millimetres, numbers to be placed on a scale, texts. Out: a [`Figure`](figure::Figure), as SVG
//! and as PNG made of that same SVG, and what is wrong where there is nothing to draw. Knows no study: no
//! region, class or effect.

pub(in crate::report) mod axis;
pub(in crate::report) mod colour_bar;
pub(in crate::report) mod drawing;
pub(in crate::report) mod error;
pub(in crate::report) mod face;
pub(in crate::report) mod figure;
pub(in crate::report) mod fonts;
pub(in crate::report) mod place;
pub(in crate::report) mod scale;
pub mod theme;
