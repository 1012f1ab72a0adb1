//! A figure of an experiment, and its place on the page.

use crate::report::canvas::figure::Figure;

/// What a chart is about: the sections of the page that hold charts, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    Settings,
    Regions,
    Effects,
    Shares,
    Emotions,
    Sensitivity,
    Confusions,
    Training,
}

/// A figure under the name of its files.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Without an ending, of characters that are safe in a file's name.
    pub name: String,
    pub topic: Topic,
    /// Whether the page folds it away.
    pub folded: bool,
    pub figure: Figure,
}

impl Topic {
    pub const ALL: [Topic; 8] = [
        Topic::Settings,
        Topic::Regions,
        Topic::Effects,
        Topic::Shares,
        Topic::Emotions,
        Topic::Sensitivity,
        Topic::Confusions,
        Topic::Training,
    ];

    pub(in crate::report) fn id(self) -> &'static str {
        match self {
            Topic::Settings => "sweep",
            Topic::Regions => "regions",
            Topic::Effects => "effects",
            Topic::Shares => "shares",
            Topic::Emotions => "emotions",
            Topic::Sensitivity => "sensitivity",
            Topic::Confusions => "confusions",
            Topic::Training => "training",
        }
    }

    pub(in crate::report) fn heading(self) -> &'static str {
        match self {
            Topic::Settings => "Settings side by side",
            Topic::Regions => "Where the signal lies",
            Topic::Effects => "What each region is worth",
            Topic::Shares => "How what is seen divides",
            Topic::Emotions => "Each emotion",
            Topic::Sensitivity => "Where the networks look",
            Topic::Confusions => "What is taken for what",
            Topic::Training => "How the networks learned",
        }
    }

    /// How its charts are to be read.
    pub(in crate::report) fn lead(self) -> &'static str {
        match self {
            Topic::Settings => {
                "Every setting of the sweep on one scale, each held against its own whole faces and its own \
                 chance. Charts further down that stand open are of the first setting of the file, those of \
                 the others are folded; each names its setting."
            }
            Topic::Regions => {
                "The regions of the atlas on a face, blue where a region carries signal, orange where it does \
                 worse than its comparison, white at nothing."
            }
            Topic::Effects => {
                "A region hidden shows what is lost without it; a region seen alone shows what it holds by \
                 itself. Regions that say the same cost little to hide and hold much alone. The ring is the \
                 same area covered elsewhere on the face."
            }
            Topic::Shares => {
                "From nothing seen to all regions seen: the Shapley value of a region is what it adds, on \
                 average over all orders in which the regions can come to be seen. Two that say the same \
                 share it, and the values sum to all that is gained."
            }
            Topic::Emotions => {
                "The human reference (Wegrzyn et al. 2017, PLOS ONE 12(5): e0177239) is of two posers whom \
                 people saw through a few tiles at a time, never with one region covered; its tiles are \
                 coarse and its sizes squeezed, so only orders are compared, and those of anger, fear, \
                 neutral and surprise differ between its posers."
            }
            Topic::Sensitivity => {
                "Networks trained on whole faces meet faces of which a part is covered: by a window that slides \
                 over the face, or by random masks. A map shows for each place what that does to the \
                 probability of the emotion that is there, so it tells what a network relies on, not what it \
                 could use. The curves test the maps: what they mark, taken away first, should cost more than \
                 a random order does, and put back first, restore more."
            }
            Topic::Confusions => {
                "Rows are what the image shows, columns what the network answers; every row sums to 100 % \
                 of its images."
            }
            Topic::Training => {
                "Accuracy on the training images and on the validation images, which no network learned \
                 from; the dot is the epoch whose network was kept."
            }
        }
    }
}

impl Chart {
    /// A chart that stands open on the page.
    pub fn new(topic: Topic, name: &str, figure: Figure) -> Chart {
        Chart { name: name.to_owned(), topic, folded: false, figure }
    }

    /// One among many of its kind, which the page folds away.
    pub fn folded(self) -> Chart {
        Chart { folded: true, ..self }
    }
}
