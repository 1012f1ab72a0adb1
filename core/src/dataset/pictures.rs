//! The one pass over a data set's pictures: each is read once, its points are placed, its pixels are written into the cache
//! and its fingerprint is taken. What is then to be left out, because it cannot be read, has no trusted points or is equal
//! to a held-out picture, is taken out of what was written.

use std::collections::HashMap;
use std::path::PathBuf;

use rayon::prelude::*;

use super::cache::Writing;
use super::decode::{Decoded, Decoder, Shape};
use super::error::BadPicture;
use super::frame_check::{self, SAMPLE, Sampled};
use super::listing::{Entry, Listing, Picture};
use super::peculiar::Peculiarity;
use super::progress::go_on;
use super::twins::{self, Fingerprint, twins};
use super::{DatasetError, Progress, Seen, Split, Stage, Watch};
use crate::experiment::{DatasetSpec, Duplicates, LandmarkSource, OnError, WithoutLandmarks};

/// Pictures are decoded in batches of about this many bytes: enough to keep all threads busy, little
/// beside what a training takes.
const BATCH_BYTES: usize = 32 << 20;

/// How the reason begins for which a picture that cannot be read is excluded.
pub const UNREADABLE: &str = "unreadable: ";

/// What became of a picture.
type Outcome = Result<Decoded, BadPicture>;

/// What was read of the pictures that stay in a listing.
pub struct ReadPictures {
    /// One an entry.
    pub decoded: Vec<Decoded>,
    /// BLAKE3 of each file that was read.
    pub contents: HashMap<PathBuf, blake3::Hash>,
}

/// Reads all pictures of `listing`, which it sorts by split, writes those that stay, and counts what was seen.
///
/// # Errors
///
/// Where pictures cannot be used (all are named), unless `spec` leaves them out; where an image's name stands twice or a class
/// has no image in a split; where the cache cannot be written; and where `watch` interrupts it.
pub fn read(
    listing: &mut Listing,
    spec: &DatasetSpec,
    writing: &mut Writing<'_>,
    seen: &mut Seen,
    watch: Watch<'_>,
) -> Result<ReadPictures, DatasetError> {
    let shape = Shape { height: spec.height, width: spec.width, channels: spec.channels };
    // Split by split, as the cache holds them.
    listing.entries.sort_by_key(|entry| entry.split);
    // What is wrong before any picture is read need not wait for that.
    listing.check(&spec.classes)?;
    let (outcomes, sample) = decode(&listing.entries, shape, spec, writing, watch)?;
    if spec.on_error == OnError::Stop {
        all_are_read(outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).cloned())?;
    }
    let contents = contents(&listing.entries, &outcomes);
    let reasons = reasons(&listing.entries, &outcomes, spec, seen);
    let keep: Vec<bool> = reasons.iter().map(Option::is_none).collect();
    writing.retain(&keep, shape.bytes())?;
    let mut decoded = Vec::with_capacity(outcomes.len());
    let entries = std::mem::take(&mut listing.entries);
    for ((entry, outcome), reason) in entries.into_iter().zip(outcomes).zip(reasons) {
        match (outcome, reason) {
            (Ok(outcome), None) => {
                listing.entries.push(entry);
                decoded.push(outcome);
            }
            (_, reason) => listing.leave_out(entry.split, reason.unwrap_or_default()),
        }
    }
    listing.check(&spec.classes)?;
    seen.reshaped = decoded.iter().filter(|decoded| decoded.reshaped).count();
    for (entry, decoded) in listing.entries.iter().zip(&decoded) {
        for which in Peculiarity::ALL {
            if decoded.peculiarities.contains(which) {
                seen.peculiar.entry(which).or_default().push(entry.name.clone());
            }
        }
    }
    if spec.landmarks != Some(LandmarkSource::Find) {
        seen.frame_check = frame_check::check(&sample, shape);
    }
    let prints: Vec<Fingerprint> = decoded.iter().map(|decoded| decoded.fingerprint).collect();
    seen.twins = twins(&listing.entries, &prints, watch.interrupted)?;
    Ok(ReadPictures { decoded, contents })
}

/// An error that names the pictures that cannot be used, if there are any.
///
/// # Errors
/// It is that error.
pub fn all_are_read(bad: impl Iterator<Item = BadPicture>) -> Result<(), DatasetError> {
    let mut bad: Vec<BadPicture> = bad.collect();
    match bad.pop() {
        None => Ok(()),
        Some(only) if bad.is_empty() => Err(DatasetError::Picture(only)),
        Some(last) => {
            bad.push(last);
            Err(DatasetError::Pictures { bad })
        }
    }
}

/// Decodes in parallel and writes in order; of a picture that cannot be used something else of its size. Some of the
/// others, evenly spaced, are given as well.
fn decode(
    entries: &[Entry],
    shape: Shape,
    spec: &DatasetSpec,
    writing: &mut Writing<'_>,
    watch: Watch<'_>,
) -> Result<(Vec<Outcome>, Vec<Sampled>), DatasetError> {
    let batch = (BATCH_BYTES / shape.bytes()).clamp(rayon::current_num_threads(), 1024);
    // One is decoded into while the other is written.
    let mut buffers = [(); 2].map(|()| vec![0; batch.min(entries.len()) * shape.bytes()]);
    let mut unwritten = 0;
    let total = entries.len();
    let mut outcomes = Vec::with_capacity(total);
    let mut sample = Vec::new();
    let apart = total.div_ceil(SAMPLE).max(1);
    let interrupted = watch.interrupted;
    for batch in entries.chunks(batch) {
        let step = Progress::Step { stage: Stage::Decode, done: outcomes.len(), total };
        (watch.progress)(step);
        let [pixels, before] = &mut buffers;
        let pixels = &mut pixels[..batch.len() * shape.bytes()];
        let decoding = pixels.par_chunks_exact_mut(shape.bytes()).zip(batch).map_init(
            || Decoder::new(shape, spec.shape, spec.fit),
            |decoder, (out, entry)| {
                go_on(interrupted)?;
                Ok(decoder.decode(&entry.picture, &entry.points, out))
            },
        );
        let (written, decoded) = rayon::join(
            || writing.write(&before[..unwritten]),
            || decoding.collect::<Result<Vec<_>, DatasetError>>(),
        );
        written?;
        let decoded = decoded?;
        for (at, outcome) in decoded.iter().enumerate() {
            if let (0, Ok(decoded)) = ((outcomes.len() + at) % apart, outcome) {
                let pixels = &pixels[at * shape.bytes()..][..shape.bytes()];
                sample.push((pixels.to_vec(), decoded.landmarks.ok().flatten()));
            }
        }
        outcomes.extend(decoded);
        unwritten = pixels.len();
        buffers.swap(0, 1);
    }
    writing.write(&buffers[1][..unwritten])?;
    (watch.progress)(Progress::Step { stage: Stage::Decode, done: total, total });
    Ok((outcomes, sample))
}

fn contents(entries: &[Entry], outcomes: &[Outcome]) -> HashMap<PathBuf, blake3::Hash> {
    let file = |(entry, outcome): (&Entry, &Outcome)| {
        let (Picture::File(path) | Picture::Part { path, .. }) = &entry.picture else {
            return None;
        };
        Some((path.clone(), outcome.as_ref().ok()?.content?))
    };
    entries.iter().zip(outcomes).filter_map(file).collect()
}

/// Why each entry is left out; `None` where it stays. Those without trusted points are named in `seen` either way.
fn reasons(
    entries: &[Entry],
    outcomes: &[Outcome],
    spec: &DatasetSpec,
    seen: &mut Seen,
) -> Vec<Option<String>> {
    let mut reasons = vec![None; entries.len()];
    for ((entry, outcome), reason) in entries.iter().zip(outcomes).zip(&mut reasons) {
        match outcome {
            Err(BadPicture { why, .. }) => *reason = Some(format!("{UNREADABLE}{why}")),
            Ok(Decoded { landmarks: Err(why), .. }) => {
                let names = seen.untrusted.entry(entry.split).or_default();
                names.entry(why.to_string()).or_default().push(entry.name.clone());
                if spec.without_landmarks == WithoutLandmarks::Skip {
                    *reason = Some(why.to_string());
                }
            }
            Ok(_) => {}
        }
    }
    if spec.duplicates == Duplicates::Drop {
        let staying = |at: &usize| reasons[*at].is_none();
        let staying: Vec<usize> = (0..entries.len()).filter(staying).collect();
        let prints = staying
            .iter()
            .filter_map(|&at| Some((entries[at].split, outcomes[at].as_ref().ok()?.fingerprint)));
        let held_out = twins::in_training(&prints.collect::<Vec<(Split, Fingerprint)>>());
        for (at, split) in staying.into_iter().zip(held_out) {
            reasons[at] = split.map(|split| format!("equal to a picture of {split}"));
        }
    }
    reasons
}
