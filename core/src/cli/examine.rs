//! `fer-lab examine`

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Args;

use super::interrupt::Interruption;
use super::progress::Progress;
use super::{Exit, Options, output, report, run as run_command};
use crate::dataset::Split;
use crate::engine::{self, Libtorch};
use crate::examine::{
    Assumption, DataFolder, Declared, Further, Order, Outcome, Trial, Verdict, assumptions,
    classes_of_file, experiment_text, fitting_orders, judge, tried_images,
};
use crate::experiment::{self, Color, ModelSpec, OnnxInput, OutputScale, Settings};
use crate::landmarker;
use crate::machine::Machine;
use crate::onnx::{self, Element, Ending, NetworkFiles, Pictures, Port, Said, are_probabilities};
use crate::store::{Results, file_kind, write_new};

/// Ask which parts of a face a network of your own relies on
///
/// The network lies in an ONNX file, the pictures in a folder that fer-lab knows (`docs/layouts.md`). What the file does not
/// tell, the order of the classes and the scale of the pictures mostly, is assumed: the usual assumptions are tried on 200
/// training images without masks, and what fits is written into an experiment file, which is then run. Where nothing fits, or
/// what you or the file say fits worse than another assumption, that is said, and nothing is run.
#[derive(Debug, Args)]
#[command(after_help = "For example:\n  \
    fer-lab examine my.onnx --data data/ferplus\n  \
    fer-lab examine my.onnx --data faces --classes anger,disgust,fear,happiness,sadness,surprise,neutral --range 255")]
pub struct Arguments {
    /// The network's ONNX file
    #[arg(value_name = "NETWORK")]
    network: PathBuf,
    /// The folder of the pictures: FER+, FER2013, RAF-DB, CK+, or folders named after emotions
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    /// What each column of the output stands for, in the network's order; nothing between two commas for a column that is
    /// no class
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    classes: Option<Vec<String>>,
    /// The channels of its pictures: grey, rgb or bgr
    #[arg(long, value_name = "COLOR", value_parser = color)]
    color: Option<Color>,
    /// What white is before mean and standard deviation: 1 or 255
    #[arg(long, value_name = "NUMBER", value_parser = positive)]
    range: Option<f64>,
    /// Subtracted from values from 0 to the range, one number or one for each channel
    #[arg(long, value_name = "A,B,…", value_delimiter = ',', allow_hyphen_values = true)]
    mean: Option<Vec<f64>>,
    /// Divides what is left, one number or one for each channel
    #[arg(long, value_name = "A,B,…", value_delimiter = ',', value_parser = positive)]
    std: Option<Vec<f64>>,
    /// Height and width of its pictures, where its file does not fix them, as in 112,112
    #[arg(long, value_name = "H,W", value_delimiter = ',', num_args = 1,
          value_parser = clap::value_parser!(u16).range(8..=1024))]
    size: Option<Vec<u16>>,
    /// Images of each split at most, drawn at random; 0: all
    #[arg(long, value_name = "N", default_value_t = 500)]
    limit: usize,
    /// Take the faces as aligned and find no landmarks
    #[arg(long)]
    aligned: bool,
    /// The experiment file that is written and run; default: the network's name with `.toml`, in the working folder
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    resources: run_command::ResourceArguments,
    #[command(flatten)]
    drawn: report::DrawnArguments,
}

fn color(word: &str) -> anyhow::Result<Color> {
    let known = [Color::Grey, Color::Rgb, Color::Bgr];
    known
        .into_iter()
        .find(|color| color.name() == word)
        .ok_or_else(|| anyhow!("choose grey, rgb or bgr"))
}

fn positive(text: &str) -> anyhow::Result<f64> {
    let number: f64 = text.parse()?;
    match number.is_finite() && number > 0.0 {
        true => Ok(number),
        false => bail!("must be a number above 0"),
    }
}

pub fn run(
    arguments: &Arguments,
    options: &Options,
    libtorch: &dyn Libtorch,
) -> anyhow::Result<Exit> {
    let network = Network::read(arguments)?;
    let place = Place::of(arguments)?;
    let data = DataFolder::of(&arguments.data)?.for_columns(network.columns);
    let orders = orders(&network, &data)?;
    let declared = Declared::of_file(&network.said)?.under(Declared {
        color: arguments.color,
        range: arguments.range,
        mean: arguments.mean.clone(),
        std: arguments.std.clone(),
    });
    let assumptions = assumptions(network.channels, network.bytes, &declared);
    let landmarks = !arguments.aligned && landmarker::place().exists();
    let text = |assumption: &Assumption, order: &Order, output: Option<OutputScale>| {
        let limit = Some(arguments.limit).filter(|limit| *limit > 0);
        let paths = [&arguments.network, &data.root].map(|path| place.path_there(path));
        let [file, root] = paths;
        let data = DataFolder { root, ..data.clone() };
        let further = Further { output, size: network.free_size, limit, landmarks };
        experiment_text(&place.name, &file, &data, (assumption, order), &further)
    };
    let first = experiment::parse_at(
        &text(&assumptions[0], &orders[0], network.unknown_output()),
        &place.file,
        &options.sets,
    )?;
    let Settings { dataset: spec, model: ModelSpec::Onnx(onnx), .. } = &first.settings else {
        bail!("`--set` makes it another kind of network: write an experiment file instead");
    };
    if !options.quiet {
        said(&data, landmarks, arguments.aligned);
    }
    let interruption = Interruption::catch("interrupted; nothing was run\n".to_owned())?;
    let results = Results::create(&options.results)?;
    let mut progress = Progress::new(options, false, &interruption);
    let dataset = engine::load_with_progress(spec, &results, &mut progress);
    progress.finish();
    let dataset = dataset?;
    libtorch.prepare(Machine::here().cores);
    let tried = tried_images(dataset.train.len());
    let inputs: Vec<OnnxInput> =
        assumptions.iter().map(|assumption| assumed(&onnx.input, assumption)).collect();
    let answers = libtorch.answers(onnx, &inputs, &dataset, Split::Train, &tried)?;
    let trials: Vec<Trial> = assumptions
        .into_iter()
        .zip(answers)
        .map(|(assumption, answers)| Trial { assumption, answers })
        .collect();
    let actual = dataset.actual(Split::Train);
    let actual: Vec<usize> = tried.iter().map(|image| actual[*image]).collect();
    let said = network.classes.as_ref().map(|_| &orders[0]);
    let allowed = |assumption: &Assumption| declared.allows(assumption);
    let verdict = judge(&trials, (&actual, &data.classes), &orders, said, &allowed)
        .context("there are no training images to try the network with")?;
    let best = settled(verdict, tried.len(), &network, options)?;
    let of_best = trials.iter().find(|trial| trial.assumption == best.assumption);
    let output = network.unknown_output().map(|assumed| match of_best {
        Some(trial) if are_probabilities(&trial.answers, network.columns) => {
            OutputScale::Probabilities
        }
        _ => assumed,
    });
    place.write(&text(&best.assumption, &best.order, output))?;
    if !options.quiet {
        output::error_text(&format!("written: {}\n", place.file.display()));
    }
    drop(interruption);
    let arguments = run_command::Arguments::of_file(
        place.file.clone(),
        arguments.resources.clone(),
        arguments.drawn.clone(),
    );
    run_command::run(&arguments, options, libtorch)
}

/// What a network's file says that is needed before anything is tried.
struct Network {
    columns: usize,
    channels: usize,
    bytes: bool,
    /// The size of its pictures, where the file does not fix it.
    free_size: Option<[usize; 2]>,
    /// Whether its last operator tells what the output is.
    tells_output: bool,
    /// What else the file says.
    said: Said,
    /// The classes that the user or the file names, and who does.
    classes: Option<Order>,
}

impl Network {
    /// What the output is taken for before it is seen, where the file does not tell.
    fn unknown_output(&self) -> Option<OutputScale> {
        (!self.tells_output).then_some(OutputScale::Logits)
    }

    fn read(arguments: &Arguments) -> anyhow::Result<Network> {
        let path = &arguments.network;
        let files = NetworkFiles::read(path)?;
        let [input] = &files.graph.inputs[..] else {
            bail!(
                "{}: the network has {} inputs, not one picture",
                path.display(),
                files.graph.inputs.len()
            );
        };
        let last = |place: usize| {
            let (port, _) = &files.graph.outputs[place];
            port.shape.last().copied().flatten().map(|columns| columns as usize)
        };
        let said = onnx::said(&files.graph).with_context(|| path.display().to_string())?;
        let by = |of: &str, classes| Order { of: of.to_owned(), classes };
        let classes = match &arguments.classes {
            Some(classes) => Some(by("the command line", classes.clone())),
            None => classes_of_file(&said)?.map(|classes| by("its file", classes)),
        };
        let columns = match (&classes, files.graph.outputs.len()) {
            (Some(order), _) => Some(order.classes.len()),
            (None, 1) => last(0),
            (None, outputs) => bail!(
                "{}: the network has {outputs} outputs: write an experiment file, with `model.output_name`",
                path.display()
            ),
        };
        let columns = columns.with_context(|| {
            format!(
                "{} does not fix how many columns the output has: name them by --classes",
                path.display()
            )
        })?;
        let Some(Pictures { channels, sides, .. }) = Pictures::of(&input.shape) else {
            bail!(
                "{}: the shape of the network's input does not tell the channels of pictures: write an experiment file, with \
                 `model.input.layout` and `model.input.color`",
                path.display()
            )
        };
        let size = arguments.size.as_deref();
        let free_size = match (sides, size) {
            ([Some(_), Some(_)], None) => None,
            ([Some(height), Some(width)], Some([own_height, own_width])) => {
                if [height, width] != [u64::from(*own_height), u64::from(*own_width)] {
                    bail!("`--size`: {} fixes {height} × {width} pixels", path.display());
                }
                None
            }
            (_, Some([height, width])) => Some([*height, *width].map(usize::from)),
            (_, Some(_)) => {
                bail!("`--size` takes two numbers, height and width, as in --size 112,112")
            }
            (_, None) => bail!(
                "{} does not fix the size of its pictures: say --size H,W, as the network was trained",
                path.display()
            ),
        };
        let bytes = input.element == Element::Uint8;
        let fits = |(port, _): &&(Port, Ending)| {
            files.graph.outputs.len() == 1
                || port.shape.last().copied().flatten() == Some(columns as u64)
        };
        let output = files.graph.outputs.iter().find(fits);
        let tells_output = output.is_some_and(|(_, ending)| *ending != Ending::Other);
        let channels = channels as usize;
        Ok(Network { columns, channels, bytes, free_size, tells_output, said, classes })
    }
}

/// The order of classes that is said, or those that fit.
fn orders(network: &Network, data: &DataFolder) -> anyhow::Result<Vec<Order>> {
    let known = fitting_orders(network.columns, &data.classes);
    match &network.classes {
        Some(said) => {
            let others = known.into_iter().filter(|order| order.classes != said.classes);
            Ok(std::iter::once(said.clone()).chain(others).collect())
        }
        None if known.is_empty() => bail!(
            "the network has {} columns, and no known order of so many has a column for each class of the data ({}): name \
             the columns by --classes, with nothing between two commas for one that is no class",
            network.columns,
            data.classes.join(", ")
        ),
        None => Ok(known),
    }
}

/// The same input under another assumption.
fn assumed(input: &OnnxInput, assumption: &Assumption) -> OnnxInput {
    let channels = assumption.color.channels();
    let each = |numbers: &[f64]| match numbers {
        [one] => vec![*one; channels],
        numbers => numbers.to_vec(),
    };
    OnnxInput {
        color: assumption.color,
        range: assumption.scaling.range,
        mean: each(&assumption.scaling.mean),
        std: each(&assumption.scaling.std),
        ..input.clone()
    }
}

/// Says what is assumed of the data.
fn said(data: &DataFolder, landmarks: bool, aligned: bool) {
    let mut text = format!(
        "data: {}, {} classes: {}\n",
        data.kind,
        data.classes.len(),
        data.classes.join(", ")
    );
    text += match (landmarks, aligned) {
        (true, _) => "regions: by landmarks that are found in the pictures\n",
        (false, true) => {
            "regions: as in the canonical face frame, as you say that the faces are aligned\n"
        }
        (false, false) => {
            "regions: as in the canonical face frame: the model that finds landmarks is not there (scripts/setup \
             --landmarks fetches it), and where faces are not aligned the masks miss their regions\n"
        }
    };
    output::error_text(&text);
}

/// The assumption to run with, or why there is none.
fn settled(
    verdict: Verdict,
    tried: usize,
    network: &Network,
    options: &Options,
) -> anyhow::Result<Outcome> {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let told = |outcome: &Outcome| {
        let Outcome { assumption, order, .. } = outcome;
        format!("{assumption}; classes {} (the order of {})", order.classes.join(", "), order.of)
    };
    match verdict {
        Verdict::Fits { best, next, majority } => {
            let mut text = format!(
                "assumed: {}\non {tried} training images: {} right, the commonest class {}",
                told(&best),
                percent(best.accuracy()),
                percent(majority),
            );
            if let Some(next) = next {
                text += &format!(
                    ", the next best assumption {} ({})",
                    percent(next.accuracy()),
                    told(&next)
                );
            }
            if !options.quiet {
                output::error_text(&format!("{text}\n"));
            }
            Ok(best)
        }
        Verdict::Contradicted { said, better } => bail!(
            "{} of the network fits worse than another assumption: {} of {tried} training images right, and {} with this: \
             {}. Leave out what is not so{}; an experiment file (`fer-lab init`, `[model] kind = \"onnx\"`) takes anything",
            if network.said.is_empty() { "what you say" } else { "what you or its file say" },
            percent(said.accuracy()),
            percent(better.accuracy()),
            told(&better),
            if network.said.is_empty() {
                ""
            } else {
                ", and say what the file has wrong (--classes, --range, …)"
            }
        ),
        Verdict::OtherOrder { best, classes, accuracy } => bail!(
            "no known order of classes fits the columns: the best, of {}, gives {} of {tried} training images right, and {} \
             this one: --classes {}",
            best.order.of,
            percent(best.accuracy()),
            percent(accuracy),
            classes.join(",")
        ),
        Verdict::NothingFits { best, majority } => bail!(
            "no assumption fits this network and these pictures: the best gives {} of {tried} training images right ({}), \
             where naming the commonest class gives {}. Say what the network takes and answers (--classes, --color, \
             --range, --mean, --std), or check that the pictures show faces as it knows them",
            percent(best.accuracy()),
            told(&best),
            percent(majority)
        ),
    }
}

/// Where the experiment file lies.
struct Place {
    file: PathBuf,
    name: String,
}

impl Place {
    fn of(arguments: &Arguments) -> anyhow::Result<Place> {
        let stem = arguments.network.file_stem().unwrap_or_default().to_string_lossy();
        let plain = |sign: char| {
            if sign.is_ascii_alphanumeric() || "_-".contains(sign) { sign } else { '_' }
        };
        let stem: String = stem.chars().map(plain).take(100).collect();
        let file = match &arguments.out {
            Some(file) => file.clone(),
            None => PathBuf::from(format!("{stem}.toml")),
        };
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !experiment::is_name(&name) {
            bail!("`{name}` cannot name an experiment: choose another file by --out");
        }
        Ok(Place { file, name })
    }

    /// A path as the file names it, relative to its own folder.
    fn path_there(&self, path: &Path) -> PathBuf {
        let here = self.file.parent().is_none_or(|folder| folder.as_os_str().is_empty());
        match here || path.is_absolute() {
            true => path.to_owned(),
            false => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
        }
    }

    /// Writes the file; one that this command wrote before with the same text stays, any other is not overwritten.
    fn write(&self, text: &str) -> anyhow::Result<()> {
        let there = std::fs::read_to_string(&self.file);
        if there.is_ok_and(|there| there == text) {
            return Ok(());
        }
        if file_kind(&self.file).is_ok() {
            bail!(
                "`{}` is there already and says something else, so it is not overwritten: `fer-lab run {}` runs it; name \
                 another file by --out, or remove it first",
                self.file.display(),
                self.file.display()
            );
        }
        let write = |file: &mut std::fs::File| std::io::Write::write_all(file, text.as_bytes());
        Ok(write_new(&self.file, write)?)
    }
}
