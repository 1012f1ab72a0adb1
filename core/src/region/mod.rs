//! Where the parts of a face lie.
//!
//! In: the atlas (or polygons of the user's own) and an image's landmarks. Out: which pixels of that
//! image a region contains. This room is geometry: it does not depend on networks, labels or files.

pub mod affine;
pub mod atlas;
pub mod contour;
pub mod control;
pub mod geometry;
pub mod landmarks;
pub mod mask;
pub mod object;
pub mod occlusion;
pub mod overlap;
pub mod phrase;
pub mod random_sets;
pub mod reach;

pub use affine::Affine;
pub use atlas::{Region, RegionError, Regions};
pub use contour::{CONTOUR, CONTOUR_POINTS, Carry, Contour, FaceMap, Outlines};
pub use control::{NoPlace, places};
pub use geometry::{Point, Polygon, PolygonError};
pub use landmarks::{Landmark, Landmarks};
pub use mask::runs;
pub use occlusion::{Fill, FillKind, Masking, Mode, Occlusion, Phase};
pub use random_sets::{RandomSets, TrainingMask, Tuned, Tuning};
