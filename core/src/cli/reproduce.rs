//! `fer-lab reproduce`

use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::interrupt::Interruption;
use super::progress::{Progress, duration};
use super::{Exit, Options, output};
use crate::engine::{Circumstance, Libtorch, Reproduced, Reproduction};
use crate::region::phrase::list;
use crate::report::{Format, counted, thousands, wrap};
use crate::store::{Named, Results};

/// Train one run again and compare the numbers with the stored ones
///
/// On the CPU they are bit-identical if program, libtorch and number of threads are the same. Stored files are not
/// changed. Exit code 0 if every number is the same, 1 if one differs or a stored file is damaged.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The id of a training or run, or its beginning
    #[arg(value_name = "ID")]
    id: String,
    /// Threads; default: as in the stored training
    #[arg(long, value_name = "N", value_parser = super::run::threads())]
    threads: Option<u32>,
}

pub fn run(
    arguments: &Arguments,
    options: &Options,
    libtorch: &dyn Libtorch,
) -> anyhow::Result<Exit> {
    let interruption = Interruption::catch(String::new())?;
    let results = Results::open(&options.results)?;
    let training = match results.find(&arguments.id)? {
        Named::Training(id) => id,
        Named::Run(run) => run.training_id,
        Named::Experiment(name) => bail!("`{name}` is an experiment: name one of its runs"),
    };
    let mut progress = Progress::new(options, false, &interruption);
    let reproduced = libtorch.reproduce(&results, &training, arguments.threads, &mut progress);
    progress.finish();
    let reproduction = match reproduced? {
        Reproduced::Done(reproduction) => reproduction,
        Reproduced::Failed(reason) => bail!("the repeated training failed: {reason}"),
        Reproduced::Interrupted => return Ok(Exit::Interrupted),
    };
    match options.format {
        Format::Json => {
            output::data(&(serde_json::to_string_pretty(&value(&reproduction))? + "\n"))?;
        }
        Format::Table => output::text(&in_words(&reproduction))?,
        other => output::records(&KEYS, &[value(&reproduction)], other)?,
    }
    Ok(if reproduction.agrees() { Exit::Done } else { Exit::SomeFailed })
}

fn in_words(reproduction: &Reproduction) -> String {
    let Reproduction { training_id, name, seed, seconds, predictions, predictions_differ, .. } =
        reproduction;
    let mut text = format!(
        "training {training_id} ({name}, seed {seed}), repeated in {}:\n",
        duration(*seconds)
    );
    for Circumstance { what, then, now } in &reproduction.circumstances {
        text += &format!("{what}: {then} then, {now} now\n");
    }
    for damage in &reproduction.damaged {
        text += &format!("damaged: {damage}\n");
    }
    let missing = reproduction.evaluations_missing;
    if missing > 0 {
        let evaluations = counted(missing, "evaluation");
        text += &format!("not stored, so not compared: {evaluations}\n");
    }
    // What could be compared, to end a sentence with.
    let mut compared = Vec::new();
    compared.extend(reproduction.agrees().then(|| "the network".to_owned()));
    compared.extend(reproduction.epochs_differ.map(|_| "its epochs".to_owned()));
    compared.extend((*predictions > 0).then(|| counted(*predictions, "prediction")));
    let compared = list(compared, "and");
    let predictions = thousands(*predictions);
    if compared.is_empty() {
        text += "nothing could be compared\n";
    } else if reproduction.same_numbers() {
        let every = match reproduction.damaged.is_empty() && missing == 0 {
            true => "every number",
            false => "every number that could be compared",
        };
        text += &format!("{every} is identical: {compared}\n");
    } else {
        let mut differ = Vec::new();
        match reproduction.epochs_differ {
            None | Some(0.0) => {}
            Some(f64::INFINITY) => differ.push("the number of epochs".to_owned()),
            Some(most) => {
                differ.push(format!("losses and accuracies of an epoch by up to {most:.2e}"))
            }
        }
        if *predictions_differ > 0 {
            differ.push(format!("{} of {predictions} predictions", thousands(*predictions_differ)));
        }
        if reproduction.probabilities_differ > 0.0 {
            differ
                .push(format!("probabilities by up to {:.2e}", reproduction.probabilities_differ));
        }
        text += &format!("{}\n", wrap(&format!("the numbers differ: {}", differ.join(", ")), 80));
    }
    if !reproduction.agrees() {
        text += match reproduction.same_network {
            true => "the network is bit-identical to the one in the manifest\n",
            false => "the network's weights differ from those in the manifest\n",
        };
    }
    if !reproduction.damaged.is_empty() {
        text += "run the experiment again to replace the damaged files\n";
    }
    text
}

/// The columns of CSV and Markdown.
const KEYS: [&str; 12] = [
    "training_id",
    "condition",
    "seed",
    "seconds",
    "agrees",
    "same_network",
    "epochs_differ",
    "evaluations_missing",
    "predictions",
    "predictions_differ",
    "probabilities_differ",
    "circumstances",
];

fn value(reproduction: &Reproduction) -> serde_json::Value {
    let circumstances = reproduction.circumstances.iter().map(|circumstance| {
        json!({ "what": circumstance.what, "then": circumstance.then, "now": circumstance.now })
    });
    json!({
        "training_id": reproduction.training_id,
        "condition": reproduction.name,
        "seed": reproduction.seed,
        "seconds": reproduction.seconds,
        "agrees": reproduction.agrees(),
        "damaged": reproduction.damaged,
        "same_network": reproduction.same_network,
        "epochs_differ": reproduction.epochs_differ,
        "evaluations_missing": reproduction.evaluations_missing,
        "predictions": reproduction.predictions,
        "predictions_differ": reproduction.predictions_differ,
        "probabilities_differ": reproduction.probabilities_differ,
        "circumstances": circumstances.collect::<Vec<_>>(),
    })
}
