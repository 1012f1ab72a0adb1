//! Training curves as TensorBoard's event files.
//!
//! In: the rows of epochs. Out: the bytes of one file a training. Such a file is a sequence of TFRecords, each a message
//! `Event` of protocol buffers: first the version of the format, then a scalar of one epoch each. Only what that takes of
//! both formats is here: TFRecord (the page "TFRecord and tf.train.Example" of TensorFlow's guide: length, its masked
//! CRC-32C, the message, its masked CRC-32C) and the field numbers of `event.proto` and `summary.proto` of TensorBoard.
//! (`tensorboard-rs`, the crate that writes such files, was last released in March 2022, and brings `image` 0.23 and
//! generated code for all of TensorFlow's messages.)

use std::collections::BTreeMap;

use prost::encoding::{bytes, double, float, int64, string};

use crate::region::Phase;
use crate::store::{EpochRow, RunRow};

/// The file of a training in its run's folder. TensorBoard looks for `tfevents` in the name.
pub const FILE: &str = "events.out.tfevents.0.fer-lab";

/// A training's curves.
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    /// A run's name as TensorBoard lists it: what the network was trained on, seed and the beginning of its id.
    pub run: String,
    /// The content of its [`FILE`].
    pub events: Vec<u8>,
}

/// The curves of each training that has epochs, in the order of the runs.
pub fn curves(runs: &[RunRow], epochs: &[EpochRow]) -> Vec<Curves> {
    let mut of_training: BTreeMap<&str, Vec<&EpochRow>> = BTreeMap::new();
    for epoch in epochs {
        of_training.entry(&epoch.training_id).or_default().push(epoch);
    }
    let mut curves = Vec::new();
    for run in runs {
        // Once for each training.
        let Some(mut epochs) = of_training.remove(&*run.training_id) else { continue };
        epochs.sort_by_key(|epoch| epoch.epoch);
        let of = runs.iter().filter(|other| other.training_id == run.training_id);
        let run = run_name(&of.collect::<Vec<_>>());
        curves.push(Curves { run, events: events(&epochs) });
    }
    curves
}

/// `hide mouth, seed 1, 3f2a91bc`: what a training's network learnt from.
fn run_name(runs: &[&RunRow]) -> String {
    /// Of a training's id: enough among those of an experiment.
    const ID_SHOWN: usize = 8;
    let first = runs[0];
    let trained_on = match runs {
        [only] => only.condition.as_str(),
        // A network of whole faces is evaluated under masks too; one of random masks under many.
        runs if runs.iter().any(|run| run.phase.is_none_or(|phase| phase == Phase::Evaluate)) => {
            runs.iter().find(|run| run.phase.is_none()).map_or("whole", |run| &*run.condition)
        }
        _ => first.phase.map_or("whole", |phase| phase.name()),
    };
    let id: String = first.training_id.chars().take(ID_SHOWN).collect();
    in_folder(&format!("{trained_on}, seed {}, {id}", first.seed))
}

/// A name that no file system takes amiss: what a condition is called may hold anything that a setting does.
fn in_folder(name: &str) -> String {
    let kept = |sign: char| sign.is_alphanumeric() || " _-+=,.()".contains(sign);
    let name: String = name.chars().map(|sign| if kept(sign) { sign } else { '_' }).collect();
    name.trim_start_matches('.').to_owned()
}

/// A quantity of an epoch.
type Scalar = (&'static str, fn(&EpochRow) -> f64);

/// TensorBoard draws what has the same word before the stroke side by side.
const SCALARS: [Scalar; 5] = [
    ("accuracy/train", |epoch| epoch.train_accuracy),
    ("accuracy/val", |epoch| epoch.val_accuracy),
    ("loss/train", |epoch| epoch.train_loss),
    ("loss/val", |epoch| epoch.val_loss),
    ("learning_rate", |epoch| epoch.learning_rate),
];

/// The events of one training. Times are the seconds of training, from 0: the same epochs give the same bytes.
fn events(epochs: &[&EpochRow]) -> Vec<u8> {
    let version = |event: &mut Vec<u8>| string::encode(3, &"brain.Event:2".to_owned(), event);
    let mut file = record(&event(0.0, 0, version));
    let mut time = 0.0;
    for epoch in epochs {
        time += epoch.seconds;
        for (tag, value) in SCALARS {
            let summary = summary(tag, value(epoch) as f32);
            let step = i64::from(epoch.epoch);
            file.extend(record(&event(time, step, |event| bytes::encode(5, &summary, event))));
        }
    }
    file
}

/// `Event`: its time in seconds, its step, and what happened.
fn event(wall_time: f64, step: i64, what: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut event = Vec::new();
    double::encode(1, &wall_time, &mut event);
    int64::encode(2, &step, &mut event);
    what(&mut event);
    event
}

/// `Summary` of one `Value`, a scalar.
fn summary(tag: &str, scalar: f32) -> Vec<u8> {
    let mut value = Vec::new();
    string::encode(1, &tag.to_owned(), &mut value);
    float::encode(2, &scalar, &mut value);
    let mut summary = Vec::new();
    bytes::encode(1, &value, &mut summary);
    summary
}

/// A TFRecord.
fn record(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    let checksum = |bytes: &[u8]| masked(crc32c::crc32c(bytes)).to_le_bytes();
    [&length[..], &checksum(&length), message, &checksum(message)].concat()
}

/// A checksum as a record holds it, so that one of data that hold checksums is none of theirs.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::tests::run;

    /// The check value of CRC-32C; the messages by the wire format's rules.
    #[test]
    fn checksums_and_messages_are_those_of_their_standards() {
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(masked(0), 0xa282_ead8);
        assert_eq!(masked(1 << 15), 0xa282_ead9);
        let summary = summary("a", 1.0);
        assert_eq!(summary, b"\x0a\x08\x0a\x01a\x15\x00\x00\x80\x3f");
        let event = event(1.0, 150, |event| bytes::encode(5, &summary, event));
        assert_eq!(event[..12], *b"\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x10\x96\x01");
        assert_eq!(event[12..14], [0x2a, 10]);
        let record = record(&event);
        assert_eq!(record[..8], (event.len() as u64).to_le_bytes());
        assert_eq!(record.len(), 8 + 4 + event.len() + 4);
    }

    fn epoch(training: &str, epoch: u32) -> EpochRow {
        EpochRow {
            training_id: training.to_owned(),
            epoch,
            learning_rate: 0.01,
            train_loss: 1.5,
            train_accuracy: 0.5,
            val_loss: 1.25,
            val_accuracy: 0.75,
            seconds: 2.0,
        }
    }

    #[test]
    fn a_file_is_a_version_and_five_scalars_an_epoch() {
        let events = events(&[&epoch("t", 1), &epoch("t", 2)]);
        let (mut rest, mut records) = (events.as_slice(), 0);
        while let Some((length, after)) = rest.split_first_chunk::<8>() {
            let length = u64::from_le_bytes(*length) as usize;
            rest = &after[4 + length + 4..];
            records += 1;
        }
        assert_eq!((records, rest.len()), (11, 0));
        let has = |text: &str| events.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(has("brain.Event:2") && has("accuracy/val") && has("learning_rate"));
    }

    #[test]
    fn a_run_is_named_by_what_its_network_learnt_from() {
        let of = |regions: &[&str], mode: &str, phase: Option<Phase>, training: &str| RunRow {
            training_id: training.to_owned(),
            phase,
            ..run(regions, mode, 3)
        };
        let whole = of(&[], "", None, "aaaaaaaaaaaa");
        let evaluated = of(&["eyes"], "hide", Some(Phase::Evaluate), "aaaaaaaaaaaa");
        let masked = of(&["eyes"], "hide", Some(Phase::Retrain), "bbbbbbbbbbbb");
        let random = of(&["eyes"], "keep", Some(Phase::Amortised), "cccccccccccc");
        let more = of(&["nose"], "keep", Some(Phase::Amortised), "cccccccccccc");
        let runs = [whole.clone(), evaluated, masked.clone(), random, more];
        let epochs = ["aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"].map(|id| epoch(id, 1));
        let names: Vec<String> = curves(&runs, &epochs).into_iter().map(|of| of.run).collect();
        assert_eq!(
            names,
            [
                format!("{}, seed 3, aaaaaaaa", whole.condition),
                format!("{}, seed 3, bbbbbbbb", masked.condition),
                "amortised, seed 3, cccccccc".to_owned(),
            ]
        );
        assert_eq!(in_folder("../a/b: [x]"), "_a_b_ _x_");
    }
}
