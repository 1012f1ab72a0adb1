//! Typed values of table columns that hold a word from a short list.
//!
//! A table on disk holds `hide` or `done`; using the text itself would mean string comparisons in every room, where a
//! typo is a comparison that never holds. So tables are read into these types, and an unknown word is an error that
//! names file and column. The words of [`Mode`], [`Phase`] and
//! [`FillKind`] are [`region`](crate::region)'s own.

use std::fmt;

use crate::dataset::Split;
use crate::experiment::{SensitivityMethod, Statistics};
use crate::region::{FillKind, Mode, Phase};

use super::TrainingStatus;

/// The word in a table for no such term: for whole faces.
pub(super) const NONE: &str = "none";

/// A type that is stored in tables by its name.
pub trait Term: Copy + 'static {
    /// All of them.
    const TERMS: &'static [Self];

    /// As in tables.
    fn term(self) -> &'static str;

    /// `None` for a word that is none of them.
    fn of(word: &str) -> Option<Self> {
        Self::TERMS.iter().copied().find(|term| term.term() == word)
    }
}

/// As in tables, where there may be none.
pub fn term_or_none<T: Term>(term: Option<T>) -> &'static str {
    term.map_or(NONE, T::term)
}

/// Implements [`Term`] for types with a name method.
macro_rules! named {
    ($($type:ty),*) => {$(
        impl Term for $type {
            const TERMS: &'static [Self] = &<$type>::ALL;

            fn term(self) -> &'static str {
                self.name()
            }
        }
    )*};
}

named!(
    CurveKind, CurveOrder, FillKind, MapMethod, Metric, Mode, NoneSeen, Phase, Split, Statistics,
    Worth
);

/// Defines a type of several words, each with what it means.
macro_rules! terms {
    ($(#[$about:meta])* $type:ident { $($(#[$meaning:meta])* $variant:ident: $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $type {
            $($(#[$meaning])* $variant,)*
        }

        impl $type {
            pub const ALL: [$type; [$($word),*].len()] = [$($type::$variant),*];

            /// As in tables.
            pub fn name(self) -> &'static str {
                match self {
                    $($type::$variant => $word,)*
                }
            }
        }
    };
}

terms! {
    /// A metric of a run's predictions that is a mean over its images, so that two runs can be paired image by image.
    /// In order of preference in reports.
    Metric {
        /// The share of images whose class with most votes is predicted.
        Accuracy: "accuracy",
        /// The mean of the classes' recalls.
        BalancedAccuracy: "balanced_accuracy",
        /// Usable information about the label, bits.
        Bits: "bits",
    }
}

impl Metric {
    /// The same as the value divided among regions; `None` where that is not defined.
    pub fn worth(self) -> Option<Worth> {
        match self {
            Metric::Accuracy => Some(Worth::Accuracy),
            Metric::Bits => Some(Worth::Bits),
            Metric::BalancedAccuracy => None,
        }
    }
}

terms! {
    /// The value that is divided among regions.
    Worth {
        /// As [`Metric::Accuracy`].
        Accuracy: "accuracy",
        /// As [`Metric::Bits`].
        Bits: "bits",
        /// The recall of one class.
        Recall: "recall",
    }
}

terms! {
    /// Whose prediction counts where no region is visible.
    NoneSeen {
        /// The network that is evaluated under every other set too.
        Network: "network",
        /// The best prediction that is the same for every image.
        Constant: "constant",
    }
}

terms! {
    /// The method of a sensitivity map.
    MapMethod {
        /// Occlusion sensitivity: the loss under a window that slides over the face (Zeiler and Fergus 2014).
        Window: "window",
        /// RISE: the mean score over random masks that leave a place visible (Petsiuk et al. 2018).
        Rise: "rise",
    }
}

impl From<SensitivityMethod> for MapMethod {
    fn from(method: SensitivityMethod) -> MapMethod {
        match method {
            SensitivityMethod::Window { .. } => MapMethod::Window,
            SensitivityMethod::Rise { .. } => MapMethod::Rise,
        }
    }
}

terms! {
    /// Whether pixels of the face are deleted or inserted (Petsiuk et al. 2018).
    CurveKind {
        Deletion: "deletion",
        Insertion: "insertion",
    }
}

terms! {
    /// The order of the places of a face.
    CurveOrder {
        /// The class's map, most important first.
        Map: "map",
        /// The mean over a few random orders.
        Random: "random",
    }
}

/// The status of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunStatus {
    Done,
    /// With the reason.
    Failed(String),
    /// Interrupted before it was done, with the reason.
    Open(String),
}

impl RunStatus {
    pub fn is_done(&self) -> bool {
        *self == RunStatus::Done
    }

    /// `done`, `failed: <reason>`, `open: <reason>`.
    pub fn of(text: &str) -> Option<RunStatus> {
        let after = |word: &str| text.strip_prefix(word).map(str::to_owned);
        match text {
            "done" => Some(RunStatus::Done),
            _ => after("failed: ")
                .map(RunStatus::Failed)
                .or_else(|| after("open: ").map(RunStatus::Open)),
        }
    }
}

/// Of a training that has ended.
impl From<&TrainingStatus> for RunStatus {
    fn from(status: &TrainingStatus) -> RunStatus {
        match status {
            TrainingStatus::Done => RunStatus::Done,
            TrainingStatus::Failed { reason } => RunStatus::Failed(reason.clone()),
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunStatus::Done => f.write_str("done"),
            RunStatus::Failed(reason) => write!(f, "failed: {reason}"),
            RunStatus::Open(reason) => write!(f, "open: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_comes_back_from_its_text() {
        let failed = || RunStatus::Failed("the loss is not finite: epoch 3".to_owned());
        for status in [RunStatus::Done, failed(), RunStatus::Open("interrupted".to_owned())] {
            assert_eq!(RunStatus::of(&status.to_string()), Some(status));
        }
        assert_eq!(RunStatus::of("finished"), None);
    }

    #[test]
    fn a_term_comes_back_from_its_word_and_no_other_word_is_one() {
        assert_eq!(Mode::of("keep"), Some(Mode::Keep));
        assert_eq!(Phase::of("masks"), Some(Phase::Masks));
        assert_eq!(Metric::of("bits"), Some(Metric::Bits));
        assert_eq!(Mode::of("none"), None);
    }
}
