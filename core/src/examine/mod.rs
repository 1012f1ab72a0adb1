//! What has to be known of a network that was trained elsewhere, found out by trying.
//!
//! In: a network's file, a folder of pictures, and what the user says. Out: an experiment file in which all is written down,
//! or the reason why nothing fits. Few files tell in which order their networks answer, how their pictures are scaled, and in
//! which order their channels come; but a network that reads expressions reads them from pictures that are as it expects, so
//! that the right assumption shows in its accuracy on faces without masks. Training images are tried: the test images, on
//! which the regions are examined, choose nothing.

mod assumption;
mod orders;
mod said;
mod source;
mod text;
mod trial;

pub use assumption::{Assumption, Declared, Scaling, assumptions};
pub use orders::{Order, fitting_orders};
pub use said::{SaidWrong, classes_of_file};
pub use source::{DataFolder, DataFolderError};
pub use text::{Further, experiment_text};
pub use trial::{Outcome, TRIED, Trial, Verdict, judge, tried_images};
