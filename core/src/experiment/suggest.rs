//! "Did you mean": the likeliest of the words that would have been right.

use super::keys;

/// Words of other tools and of plain English, and ours for them. Words within ours are parted by `_`.
const SYNONYMS: [(&str, &str); 59] = [
    ("lr", "learning_rate"),
    ("bs", "batch_size"),
    ("wd", "weight_decay"),
    ("eps", "epsilon"),
    ("optimiser", "optimizer"),
    ("optim", "optimizer"),
    ("opt", "optimizer"),
    ("scheduler", "schedule"),
    ("lr_schedule", "schedule"),
    ("lr_scheduler", "schedule"),
    ("augmentation", "augment"),
    ("augmentations", "augment"),
    ("rotation", "rotate"),
    ("data", "dataset"),
    ("training", "train"),
    ("trainer", "train"),
    ("network", "model"),
    ("net", "model"),
    ("image_size", "size"),
    ("img_size", "size"),
    ("mask", "occlusion"),
    ("masking", "occlusion"),
    ("labels", "label"),
    ("path", "root"),
    ("folder", "root"),
    ("early_stop", "early_stopping"),
    ("mixed_precision", "precision"),
    ("amp", "precision"),
    ("fp32", "f32"),
    ("float32", "f32"),
    ("bfloat16", "bf16"),
    ("tensorfloat32", "tf32"),
    ("eyebrow", "brows"),
    ("eyebrows", "brows"),
    ("lip", "mouth"),
    ("lips", "mouth"),
    ("chin", "jaw"),
    ("half", "face"),
    ("top", "upper"),
    ("bottom", "lower"),
    ("happy", "happiness"),
    ("joy", "happiness"),
    ("sad", "sadness"),
    ("angry", "anger"),
    ("surprised", "surprise"),
    ("disgusted", "disgust"),
    ("scared", "fear"),
    ("afraid", "fear"),
    ("fearful", "fear"),
    ("average", "mean"),
    ("gaussian", "blur"),
    ("cover", "hide"),
    ("black", "constant"),
    ("grey", "constant"),
    ("gray", "constant"),
    ("roar", "retrain"),
    ("final", "last"),
    ("evaluation", "evaluate"),
    ("eval", "evaluate"),
];

/// The minimum similarity of a misspelled word.
const LIKE: f64 = 0.8;
/// The minimum similarity to suggest a key of another section.
const LIKE_ELSEWHERE: f64 = 0.9;
/// At this similarity two words differ only in spelling.
const SAME: f64 = 0.98;
/// The minimum length of a word contained in another for a suggestion, and of one that is a whole word of
/// it.
const TELLING: usize = 4;
const TELLING_WORDS: usize = 3;

/// The candidate most similar to `word`, if any is similar enough; never `word` itself.
pub(crate) fn closest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let others = candidates.into_iter().filter(|candidate| *candidate != word);
    let mut best: Option<(f64, &str)> = None;
    for candidate in others {
        let score = likeness(word, candidate);
        if score > best.map_or(LIKE, |(score, _)| score) {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `a, b, c`.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().collect::<Vec<_>>().join(", ")
}

/// The help under an unknown word: a suggestion, then the choices. `intro` is a clause
/// such as `the keys here are`.
pub(crate) fn help(word: &str, intro: &str, candidates: &[&str]) -> String {
    let listing = format!("{intro}: {}", listed(candidates.iter().copied()));
    with_listing(word, candidates.iter().copied(), &listing)
}

/// As [`help`], with a listing that is not simply the candidates.
pub(crate) fn with_listing<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    listing: &str,
) -> String {
    asked(closest(word, candidates).into_iter(), listing)
}

/// The path of the key that was meant: of that name in its section, else the most alike.
pub(super) fn path(key: &str) -> Option<&'static str> {
    let of_name = |path: &&str| path.rsplit_once('.').is_some_and(|(_, name)| name == key);
    keys::paths().find(of_name).or_else(|| closest(key, keys::paths()))
}

/// The help under a key that a section does not have: a similar key of its own, or keys of other sections with their
/// paths. `key` may be dotted.
pub(super) fn key(section: &str, key: &str, here: &[&str]) -> String {
    let own = here.iter().map(|own| (likeness(key, own), (*own).to_owned()));
    let mut found: Vec<(f64, String)> = own.filter(|(score, _)| *score > LIKE).collect();
    let inner = |path: &str| {
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        parent == section && here.contains(&name)
    };
    for path in keys::paths().filter(|path| !inner(path)) {
        let name = path.rsplit_once('.').map_or(path, |(_, name)| name);
        let score = likeness(key, if key.contains('.') { path } else { name });
        if score >= LIKE_ELSEWHERE {
            found.push((score, path.to_owned()));
        }
    }
    // Keys deeper in the section come before keys of other sections.
    let deeper = |path: &str| !section.is_empty() && path.starts_with(&format!("{section}."));
    if found.iter().any(|(score, path)| deeper(path) && *score >= SAME) {
        found.retain(|(_, path)| deeper(path));
    }
    let best = found.iter().map(|(score, _)| *score).fold(LIKE, f64::max);
    let likeliest: Vec<String> = match best >= SAME {
        true => {
            found.into_iter().filter(|(score, _)| *score >= SAME).map(|(_, path)| path).collect()
        }
        false => found
            .into_iter()
            .find(|(score, _)| *score == best)
            .map(|(_, path)| path)
            .into_iter()
            .collect(),
    };
    let listing = format!("the keys here are: {}", listed(here.iter().copied()));
    asked(likeliest.iter().map(String::as_str), &listing)
}

/// `did you mean …?`, and the listing.
fn asked<'a>(meant: impl Iterator<Item = &'a str>, listing: &str) -> String {
    let mut meant: Vec<String> = meant.map(|word| format!("`{word}`")).collect();
    let Some(last) = meant.pop() else { return listing.to_owned() };
    let words = match meant.is_empty() {
        true => last,
        false => format!("{} or {last}", meant.join(", ")),
    };
    format!("did you mean {words}? {}", capitalised(listing))
}

/// The similarity of two words, from 0 to 1: 1 for the same words in another order, spelling or plural, and for
/// synonyms; less for words that contain each other or are spelled similarly (Jaro and Winkler).
fn likeness(word: &str, candidate: &str) -> f64 {
    let spelled = strsim::jaro_winkler(&word.to_lowercase(), &candidate.to_lowercase());
    let (mut one, mut other) = (parts(word), parts(candidate));
    if one == other {
        return 1.0;
    }
    let (joined, other_joined) = (one.concat(), other.concat());
    one.sort();
    other.sort();
    if one == other {
        return SAME;
    }
    let (short, long, few, many) = match joined.len() < other_joined.len() {
        true => (&joined, &other_joined, &one, &other),
        false => (&other_joined, &joined, &other, &one),
    };
    let within = short.len() >= TELLING && long.contains(short.as_str());
    let words = short.len() >= TELLING_WORDS && few.iter().all(|part| many.contains(part));
    match within || words {
        true => spelled.max(0.85 + 0.1 * spelled),
        false => spelled,
    }
}

/// Whether a name is made of several words.
pub(super) fn is_compound(name: &str) -> bool {
    parts(name).len() > 1
}

/// The words of a name, with synonyms replaced, in lower case and the singular: `learningRate`, `learning-rate` and
/// `lr` are the same.
fn parts(name: &str) -> Vec<String> {
    let mut spaced = String::new();
    let mut lower = false;
    for letter in name.chars() {
        if lower && letter.is_uppercase() {
            spaced.push('_');
        }
        lower = letter.is_lowercase() || letter.is_ascii_digit();
        spaced.push(if letter.is_alphanumeric() { letter.to_ascii_lowercase() } else { '_' });
    }
    let ours = |words: &str| {
        let found = SYNONYMS.iter().find(|(theirs, _)| *theirs == words);
        found.map_or(words.to_owned(), |(_, ours)| (*ours).to_owned())
    };
    let words = ours(&spaced);
    let words = words.split('_').filter(|word| !word.is_empty()).map(ours);
    let words: Vec<String> = words.collect();
    let singular = |word: &str| match word.strip_suffix('s') {
        Some(singular) if singular.len() > 2 && !singular.ends_with('s') => singular.to_owned(),
        _ => word.to_owned(),
    };
    words.iter().flat_map(|words| words.split('_')).map(singular).collect()
}

fn capitalised(clause: &str) -> String {
    let mut letters = clause.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synonyms_and_misspellings_are_understood() {
        let names =
            ["eyes_left", "eyes_right", "eyes", "mouth", "brows", "face_left", "face_upper"];
        for (word, meant) in [
            ("left_eye", "eyes_left"),
            ("eye_right", "eyes_right"),
            ("LeftEye", "eyes_left"),
            ("eye", "eyes"),
            ("mout", "mouth"),
            ("lips", "mouth"),
            ("eyebrows", "brows"),
            ("upper_face", "face_upper"),
            ("left_half", "face_left"),
            ("upper-half", "face_upper"),
            ("mouth_upper", "mouth"),
        ] {
            assert_eq!(closest(word, names), Some(meant), "{word}");
        }
        assert_eq!(closest("ear", names), None);
        let kinds = ["plateau", "step", "cosine", "one_cycle", "constant"];
        for (word, meant) in [
            ("ReduceLROnPlateau", "plateau"),
            ("CosineAnnealingLR", "cosine"),
            ("OneCycleLR", "one_cycle"),
            ("onecycle", "one_cycle"),
            ("Step", "step"),
        ] {
            assert_eq!(closest(word, kinds), Some(meant), "{word}");
        }
    }

    #[test]
    fn what_was_typed_is_not_suggested() {
        assert_eq!(closest("smoke", ["smoke"]), None);
        assert_eq!(closest("smoke", ["smoke", "smoke_2"]), Some("smoke_2"));
        assert_eq!(closest("Smoke", ["smoke"]), Some("smoke"));
    }

    #[test]
    fn keys_are_found_in_other_sections() {
        let root = ["name", "question", "dataset", "model", "train", "schedule", "seeds"];
        let train = ["epochs", "batch_size", "optimizer", "augment", "precision"];
        for (section, word, meant) in [
            ("", "epochs", "`train.epochs`"),
            ("", "epoch", "`train.epochs`"),
            ("", "n_epochs", "`train.epochs`"),
            ("", "lr", "`train.optimizer.learning_rate`"),
            ("", "learningRate", "`train.optimizer.learning_rate`"),
            ("", "batch", "`train.batch_size`"),
            ("", "image_size", "`dataset.size` or `model.input.size`"),
            ("", "optimiser", "`train.optimizer`"),
            ("", "optimizer.lr", "`train.optimizer.learning_rate`"),
            ("", "trian", "`train`"),
            ("", "seed", "`seeds` or `dataset.seed`"),
            ("", "data", "`dataset`"),
            ("train", "lr", "`train.optimizer.learning_rate`"),
            ("train", "rotate", "`train.augment.rotate`"),
            ("train", "kind", "`train.optimizer.kind`"),
            ("train", "patience", "`schedule.patience`"),
            ("train", "epoch", "`epochs`"),
            ("train", "batchSize", "`batch_size`"),
        ] {
            let here = if section.is_empty() { &root[..] } else { &train[..] };
            let help = key(section, word, here);
            assert!(help.starts_with(&format!("did you mean {meant}? The keys")), "{word}: {help}");
        }
        for word in ["zzz", "pooling", "x"] {
            assert!(key("", word, &root).starts_with("the keys here are: "), "{word}");
        }
    }
}
