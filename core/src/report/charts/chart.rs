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
    /// The condition that it is about, where it is about one of many: the page folds it away under its name.
    pub condition: Option<String>,
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
            Topic::Settings => "Settings compared",
            Topic::Regions => "Region map",
            Topic::Effects => "Effects of masking",
            Topic::Shares => "Shapley attribution",
            Topic::Emotions => "Emotions",
            Topic::Sensitivity => "Sensitivity maps",
            Topic::Confusions => "Confusions, by condition",
            Topic::Training => "Training curves",
        }
    }

    /// How its charts are to be read.
    pub(in crate::report) fn lead(self) -> &'static str {
        match self {
            Topic::Settings => {
                "Every setting of the sweep on one scale, each relative to its own whole faces and its own \
                 chance. Whether a condition differs between settings is tested for every two of them, Holm-corrected. \
                 Open charts further down are of the first setting of the file, those of the others are \
                 folded; each names its setting."
            }
            Topic::Regions => {
                "The regions of the atlas on a face: blue where a region carries signal, orange and hatched where \
                 it does worse than its comparison, grey where that is not significant. Signal: what a region carries beyond the same \
                 area elsewhere."
            }
            Topic::Effects => {
                "Masking a region shows what is lost without it; leaving only it visible shows what it carries by \
                 itself. Redundant regions cost little when masked and reach much alone. The first is tested \
                 against no loss, the second against chance; an orange diamond is significant on the other side, a gain or \
                 less than chance. The ring is the control: the same area masked \
                 elsewhere on the face. All charts have the regions in one order, that of the first effects. \
                 Networks retrained under the mask answer whether the information is left at all (ROAR, Hooker et \
                 al. 2019); masking at test time only shows what a network trained on whole faces relies on."
            }
            Topic::Shares => {
                "From no region visible to all: the Shapley value of a region (Shapley 1953) is its mean \
                 contribution over all orders in which the regions can be revealed. Redundant regions share a \
                 contribution, and the values sum to the whole gain. An emotion that is answered where nothing \
                 is visible loses recall by what is, so that its values sum to less than zero. The Shapley interaction of two regions \
                 (Grabisch and Roubens 1999) is what the value of one gains from the other being visible: below \
                 zero they are redundant, above zero they are worth more together."
            }
            Topic::Emotions => {
                "The human reference (Wegrzyn et al. 2017, PLOS ONE 12(5): e0177239) is of two posers whom \
                 observers saw through a few tiles at a time, never with one region masked; its tiles are \
                 coarse and its weights compressed, so only rankings are compared, and those of anger, fear, \
                 neutral and surprise differ between its posers. The noise ceiling is the highest correlation that \
                 the disagreement of the posers allows."
            }
            Topic::Sensitivity => {
                "Networks trained on whole faces meet faces of which a part is masked: by a sliding window \
                 (Zeiler and Fergus 2014) or by random masks (RISE, Petsiuk et al. 2018). A map shows for each \
                 place how that changes the probability of the actual emotion: what a network relies on, not \
                 what it could use. Deletion and insertion curves (Petsiuk et al. 2018) test the maps: to delete \
                 what they mark first should cost more than a random order, to insert it first restore more."
            }
            Topic::Confusions => {
                "For each condition: a masked example of each class, and the confusion matrix. Rows are actual, \
                 columns predicted classes; every row sums to 100 % of its images."
            }
            Topic::Training => {
                "Accuracy on the training images and on the validation images, which no network was trained on; \
                 the dot is the selected epoch, the grey line chance on the test images."
            }
        }
    }
}

impl Chart {
    /// A chart that stands open on the page.
    pub fn new(topic: Topic, name: &str, figure: Figure) -> Chart {
        Chart { name: name.to_owned(), topic, folded: false, condition: None, figure }
    }

    /// About one condition of many.
    pub fn of(self, condition: &str) -> Chart {
        Chart { condition: Some(condition.to_owned()), ..self }
    }

    /// One among many of its kind, which the page folds away.
    pub fn folded(self) -> Chart {
        Chart { folded: true, ..self }
    }
}
