//! The field's standard networks as data: their layers, tensors, names and sides.
//!
//! In: a family, its stem, channels and classes. Out: an [`Architecture`]. Names and shapes are torchvision's, so that
//! its files of weights fit. This room computes nothing with pictures, and opens no file but for the header of a file of
//! weights.

mod architecture;
mod families;
mod fit;
mod trained;

pub use architecture::{
    Activation, Architecture, Block, Convolution, Head, Role, Shortcut, TensorShape, vgg_tensors,
};
pub use families::{Depth, EPSILON, IMAGENET, Stem, VGG_EPSILON, mobilenet_v2, resnet};
pub use fit::{Fit, Header, WeightsFileError, header};
pub use trained::{ModelNote, NOTE, TrainedNetwork, TrainedNetworkError};
