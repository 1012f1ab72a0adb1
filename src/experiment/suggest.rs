//! "Did you mean": the closest of the words that would have been right.

/// The candidate closest to `word`, if any is close enough to be a slip of the pen.
pub(crate) fn closest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_lowercase();
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        let score = strsim::jaro_winkler(&word, &candidate.to_lowercase());
        if score > best.map_or(0.8, |(score, _)| score) {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `a, b, c`.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().collect::<Vec<_>>().join(", ")
}

/// The help under an unknown word: what may have been meant, then what there is. `intro` is a clause
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
    match closest(word, candidates) {
        Some(candidate) => format!("did you mean `{candidate}`? {}", capitalised(listing)),
        None => listing.to_owned(),
    }
}

fn capitalised(clause: &str) -> String {
    let mut letters = clause.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
