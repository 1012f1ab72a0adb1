//! One `--set` argument, in the spelling of the shell, Python or Hydra, as a table.
//!
//! The value is read by the key's type in the schema: a text may look like anything
//! (`name=2024`), `True` is a flag where a flag is taken, `.001` a number, `eyes,mouth` and `[eyes, mouth]`
//! a list. TOML means the same as in a file. Everything else is passed to the parser
//! unchanged, and [`spelling`] suggests a correction.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value as Json;

use super::error::{Document, DocumentOrigin, Place, Problem};
use super::keys;
use super::shape::{Shape, shape};
use super::suggest;
use super::tree::{Node, Table, Value};

const SHOWN_AS: &str = "--set ";

/// Reads `key=value`; errors point into the argument.
pub(super) fn parse(argument: &str, order: usize) -> Result<Table, Vec<Problem>> {
    let document = Arc::new(Document {
        origin: DocumentOrigin::Argument,
        text: format!("{SHOWN_AS}{argument}"),
        start: SHOWN_AS.len(),
        folder: None,
        order,
    });
    let argument = Argument { document };
    let equals = argument.equals().map_err(|problem| vec![problem])?;
    let mut table = argument.key(equals)?;
    let takes = table.path().as_deref().and_then(shape);
    let value = argument.trimmed(equals + 1..argument.text().len());
    let node = match takes {
        Some(takes) => {
            argument.refuse_nothing(&table, &takes, value.clone())?;
            argument.value(&takes, value, true)
        }
        None => argument.scalar(&Shape::Scalar, value),
    };
    let node = node.map_err(|mut problems| {
        // TOML recovers and finds more errors; the first is the cause.
        problems.sort_by_key(|problem| problem.place.as_ref().map(|place| place.span.start));
        problems.truncate(1);
        // `{kind: sgd}`, `{kind=sgd}`
        if let (Some(path), Some(first)) = (table.path(), problems.first_mut())
            && argument.text()[equals + 1..].trim_start().starts_with('{')
        {
            first.help = match keys::of_section(&path).is_empty() {
                true => example(&path).map(|example| format!("as in `{example}`")),
                false => Some(format!("or set each of its keys: `--set {path}.KEY=VALUE`")),
            };
        }
        problems
    })?;
    if let Some(leaf) = table.leaf_mut() {
        *leaf = node;
    }
    Ok(table)
}

/// A suggestion under a value of the wrong type; `None` where there is none beyond the
/// problem's own text.
pub(super) fn spelling(problem: &Problem) -> Option<String> {
    let document = &problem.place.as_ref()?.document;
    if document.origin != DocumentOrigin::Argument || !problem.title.starts_with('`') {
        return None;
    }
    let argument = Argument { document: Arc::clone(document) };
    let equals = argument.equals().ok()?;
    let path = argument.key(equals).ok()?.path()?;
    let takes = shape(&path)?;
    let value = argument.trimmed(equals + 1..argument.text().len());
    let raw = &argument.text()[value.clone()];
    let several = matches!(takes, Shape::Flag | Shape::Integer | Shape::Number | Shape::Words(_))
        && (raw.starts_with('[') || argument.items(value).is_ok_and(|items| items.len() > 1));
    let about_value =
        [" must be ", " cannot be "].iter().any(|words| problem.title.contains(words));
    if !about_value {
        return None;
    }
    if several && keys::can_be_swept(&path) {
        let one = match takes {
            Shape::Number => decimal_comma(raw),
            Shape::Integer => thousands(raw),
            _ => None,
        };
        let one =
            one.map_or(String::new(), |one| format!("one number is `{}`; ", set(&path, &one)));
        let sweep = set(&format!("matrix.{path}"), raw);
        return Some(format!("{one}several values are swept: `{sweep}`"));
    }
    if !problem.title.contains(" must be ") || problem.help.is_some() {
        return None;
    }
    let meant = match takes {
        Shape::Flag => flag_meant(raw),
        Shape::Integer => number_meant(raw).filter(|text| !text.contains('.')),
        Shape::Number => number_meant(raw),
        _ => None,
    };
    match meant {
        Some(meant) => Some(format!("write it as `{}`", set(&path, &meant))),
        None => example(&path).map(|example| format!("as in `{example}`")),
    }
}

/// `--set key=value` with a key's default, as it is typed in a shell.
pub(super) fn example(path: &str) -> Option<String> {
    if let Some(swept) = path.strip_prefix("matrix.") {
        let value = spelled(keys::default(swept)?);
        return Some(set(path, &format!("[{value}]")));
    }
    Some(set(path, &spelled(keys::default(path)?)))
}

/// `--set key=value` with a list that holds something: the default, or the key's first example.
fn whole_list(key: &'static keys::Key) -> Option<String> {
    let default = || key.default_node().map(Node::to_json);
    let example = || {
        toml::from_str::<Json>(&format!("v = {}", key.examples.first()?)).ok()?.get("v").cloned()
    };
    let holds = |value: &Json| value.as_array().is_some_and(|items| !items.is_empty());
    let value = default().filter(holds).or_else(example)?;
    Some(set(key.path, &spelled(&value)))
}

fn set(path: &str, value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,+".contains(c);
    match value.chars().all(plain) {
        true => format!("--set {path}={value}"),
        false => format!("--set '{path}={}'", value.replace('\'', r"'\''")),
    }
}

/// A default in its shortest spelling.
fn spelled(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) if !items.is_empty() && !items.iter().any(Json::is_array) => {
            items.iter().map(spelled).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    }
}

/// `yes`, `1`, `"True"` …
fn flag_meant(raw: &str) -> Option<String> {
    let word = unquoted(raw).to_lowercase();
    match word.as_str() {
        "true" | "yes" | "on" | "1" | "y" => Some("true".to_owned()),
        "false" | "no" | "off" | "0" | "n" => Some("false".to_owned()),
        _ => None,
    }
}

/// A number in quotes, with leading zeros, or in another notation than its key takes.
fn number_meant(raw: &str) -> Option<String> {
    let number = python_number(&unquoted(raw).replace('_', ""))?;
    // Whole numbers up to here are exact.
    match number.fract() == 0.0 && number.abs() < 1e15 {
        true => Some(format!("{number:.0}")),
        false => Some(number.to_string()),
    }
}

/// `1,000` without its comma.
fn thousands(raw: &str) -> Option<String> {
    let (first, rest) = raw.split_once(',')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let groups = rest.split(',').all(|group| group.len() == 3 && digits(group));
    let sound = (1..=3).contains(&first.len()) && digits(first) && !first.starts_with('0');
    (sound && groups).then(|| raw.replace(',', ""))
}

/// `0,1` with a point.
fn decimal_comma(raw: &str) -> Option<String> {
    let (whole, fraction) = raw.split_once(',')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole) && digits(fraction)).then(|| format!("{whole}.{fraction}"))
}

fn unquoted(raw: &str) -> &str {
    let inner = |quote| raw.strip_prefix(quote).and_then(|raw: &str| raw.strip_suffix(quote));
    inner('"').or(inner('\'')).unwrap_or(raw)
}

/// A finite number as Python writes one and TOML does not: `.001`, `1.`, `-.5`, `1.e-3`, `007.5`.
fn python_number(raw: &str) -> Option<f64> {
    let numeric = |c: char| c.is_ascii_digit() || ".+-eE".contains(c);
    raw.chars().all(numeric).then(|| raw.parse().ok()).flatten().filter(|n: &f64| n.is_finite())
}

struct Argument {
    document: Arc<Document>,
}

/// All ranges are of the argument's bytes, without `--set `.
impl Argument {
    fn text(&self) -> &str {
        &self.document.text[self.document.start..]
    }

    fn place(&self, range: Range<usize>) -> Place {
        let start = self.document.start;
        let span = range.start + start..range.end + start;
        Place { document: Arc::clone(&self.document), span }
    }

    /// A range without the spaces at its ends.
    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let text = &self.text()[range.clone()];
        let start = range.start + (text.len() - text.trim_start().len());
        start..start + text.trim().len()
    }

    /// Where the key ends.
    fn equals(&self) -> Result<usize, Problem> {
        let text = self.text();
        let problem = |help: String| {
            let place = self.place(0..text.len());
            Problem::new("`--set` needs a key and a value", &place, "").help(help)
        };
        let pair = |key: &str, value: &str| format!("write it as `{}`", set(key, value));
        let Some(equals) = text.find('=') else {
            // `train.epochs: 2`, `train.epochs 2`, and `train.epochs` with its value in the next word.
            let (key, value) = text.split_once([':', ' ']).unwrap_or((text, ""));
            let (key, value) = (key.trim().trim_start_matches(['~', '+']), value.trim());
            return Err(problem(match (shape(key), value) {
                (Some(_), "") if text.starts_with('~') => match example(key) {
                    Some(example) => format!("its default is `{example}`"),
                    None => "a key that the file gives cannot be taken away".to_owned(),
                },
                (Some(_), "") => format!(
                    "key and value in one word, as in `{}`",
                    example(key).unwrap_or_else(|| set(key, "…"))
                ),
                (Some(_), value) => pair(key, value),
                (None, _) => {
                    let meant = suggest::path(key).and_then(example);
                    let example = meant.unwrap_or_else(|| set("train.epochs", "2"));
                    format!("write it as in `{example}`")
                }
            }));
        };
        let (key, value) = (text[..equals].trim(), text[equals + 1..].trim());
        // Hydra's words for adding, adding or replacing, and removing.
        if let Some(bare) = key.strip_prefix("++").or(key.strip_prefix('+')) {
            let help = pair(bare, value);
            return Err(Problem {
                title: "a key of `--set` has no `+`".to_owned(),
                ..problem(help)
            });
        }
        if let Some((list, _)) = key.split_once('[')
            && let Some(shape) = shape(list)
        {
            let (title, help) = match shape {
                Shape::List(_) | Shape::Either(_) => {
                    let whole =
                        keys::find(list).and_then(whole_list).unwrap_or_else(|| set(list, "[…]"));
                    (
                        "`--set` sets a list as a whole",
                        format!("give all its items, as in `{whole}`"),
                    )
                }
                _ => {
                    let key = example(list).unwrap_or_else(|| set(list, "…"));
                    ("a key of `--set` has no `[`", format!("this key is no list: `{key}`"))
                }
            };
            return Err(Problem { title: title.to_owned(), ..problem(help) });
        }
        if key.is_empty() || key.contains(['#', '\n', '[']) {
            return Err(problem("write it as in `--set train.epochs=2`".to_owned()));
        }
        Ok(equals)
    }

    /// The table that the key stands for, with a value that is still to come.
    fn key(&self, equals: usize) -> Result<Table, Vec<Problem>> {
        let key = &self.text()[..equals];
        Table::parse_as(&self.document, &format!("{key}=0")).map_err(|mut problems| {
            let end = self.document.start + equals;
            for place in problems.iter_mut().filter_map(|problem| problem.place.as_mut()) {
                place.span = place.span.start.min(end)..place.span.end.min(end);
            }
            if let Some(path) = suggest::closest(key, keys::paths())
                && let Some(problem) = problems.first_mut()
            {
                problem.help = Some(format!("did you mean `{path}`?"));
            }
            problems
        })
    }

    /// Refuses a missing value and the words of other languages for none, where they are no text.
    fn refuse_nothing(
        &self,
        table: &Table,
        takes: &Shape,
        value: Range<usize>,
    ) -> Result<(), Vec<Problem>> {
        let raw = &self.text()[value.clone()];
        let path = table.path().unwrap_or_default();
        let prose = ["name", "question", "analysis"].contains(&path.as_str());
        let nothing = match raw {
            "" => !takes.is_text(),
            "null" | "None" | "~" => !prose,
            _ => false,
        };
        if !nothing {
            return Ok(());
        }
        let title = match raw {
            "" => format!("`{path}` needs a value"),
            _ => format!("`{path}` cannot be `{raw}`"),
        };
        let help = match (example(&path), takes) {
            (_, Shape::List(_) | Shape::Either(_)) if raw.is_empty() => {
                format!("an empty list is `--set '{path}=[]'`")
            }
            (Some(example), _) => format!("its default is `{example}`"),
            (None, Shape::Text) => {
                format!("leave it out, or put a name in quotes: `--set '{path}=\"{raw}\"'`")
            }
            (None, _) => "leave it out".to_owned(),
        };
        let label = if raw.is_empty() { "nothing follows" } else { "no key takes it" };
        let place = match raw {
            "" => self.place(value.start - 1..value.start),
            _ => self.place(value),
        };
        Err(vec![Problem::new(title, &place, label).help(help)])
    }

    /// Reads a value as what a key takes. `whole` is a value that is not part of a list: it may be a list
    /// without its brackets.
    fn value(&self, takes: &Shape, range: Range<usize>, whole: bool) -> Result<Node, Vec<Problem>> {
        let raw = &self.text()[range.clone()];
        match takes {
            Shape::Text | Shape::Words(_) => self.word(takes, range),
            Shape::List(of) if raw.starts_with('[') => self.bracketed(of, range, whole),
            // Python's tuples.
            Shape::List(of) if raw.starts_with('(') && raw.ends_with(')') => {
                self.list(of, range.start + 1..range.end - 1, range)
            }
            Shape::List(of) if whole => self.list(of, range.clone(), range),
            Shape::Either(either) => {
                let words = |takes: &&Shape| match takes {
                    Shape::Text => true,
                    Shape::Words(words) => words.contains(&unquoted(raw)),
                    _ => false,
                };
                // Of several list shapes, the one with the depth of the text.
                let lists = either.iter().filter(|takes| matches!(takes, Shape::List(_)));
                let depth = raw.chars().take_while(|c| "[ ".contains(*c)).filter(|c| *c == '[');
                let deep = lists.clone().find(|list| list.depth() == depth.clone().count());
                let list = deep.or_else(|| lists.clone().next());
                let word = either.iter().find(words).filter(|_| !raw.starts_with('['));
                match word.or(list) {
                    Some(takes) => self.value(takes, range, whole),
                    None => self.scalar(&Shape::Scalar, range),
                }
            }
            // Passed on for the parser to refuse, with a suggestion.
            Shape::Table if raw.starts_with('[') => self.bracketed(&Shape::Text, range, false),
            _ => self.scalar(takes, range),
        }
    }

    /// A text, without the quotes around it.
    fn word(&self, takes: &Shape, range: Range<usize>) -> Result<Node, Vec<Problem>> {
        let raw = &self.text()[range.clone()];
        if raw.starts_with(['"', '\'']) {
            let help = match raw.starts_with('"') && raw.contains('\\') {
                true => "leave the double quotes away, and `\\` stands for itself",
                false => "put one pair of quotes around all of it, or none",
            };
            let helped = |problem: Problem| problem.help(help);
            return self.toml(range).map_err(|found| found.into_iter().map(helped).collect());
        }
        // A list is none of a few words.
        if matches!(takes, Shape::Words(_)) && raw.starts_with('[') {
            return self.bracketed(&Shape::Text, range, false);
        }
        Ok(Node { value: Value::Text(raw.to_owned()), place: self.place(range) })
    }

    /// A number, a flag or whatever TOML has; a text where it is nothing of the kind.
    fn scalar(&self, takes: &Shape, range: Range<usize>) -> Result<Node, Vec<Problem>> {
        let raw = &self.text()[range.clone()];
        let problems = match self.toml(range.clone()) {
            Ok(node) => return Ok(node),
            Err(problems) => problems,
        };
        if raw.is_empty() || raw.contains('\n') || raw.starts_with(['[', '{', '"', '\'']) {
            return Err(problems);
        }
        let number = || python_number(raw).filter(|_| raw.contains('.'));
        let value = match takes {
            Shape::Flag if raw.eq_ignore_ascii_case("true") => Value::Flag(true),
            Shape::Flag if raw.eq_ignore_ascii_case("false") => Value::Flag(false),
            Shape::Number | Shape::Scalar => {
                number().map_or_else(|| Value::Text(raw.to_owned()), Value::Float)
            }
            _ => Value::Text(raw.to_owned()),
        };
        Ok(Node { value, place: self.place(range) })
    }

    /// What begins with a bracket: a list, or where it may be without brackets its items.
    fn bracketed(
        &self,
        of: &Shape,
        range: Range<usize>,
        whole: bool,
    ) -> Result<Node, Vec<Problem>> {
        let closed = self.text()[range.clone()].ends_with(']');
        match self.items(range.clone()).map(|items| items.len()) {
            Ok(1) if closed => self.list(of, range.start + 1..range.end - 1, range),
            // A comment follows, say.
            Ok(1) => self.toml(range),
            Ok(_) if !whole => self.toml(range),
            _ => self.list(of, range.clone(), range),
        }
    }

    /// A list whose items stand in `inner`.
    fn list(
        &self,
        of: &Shape,
        inner: Range<usize>,
        range: Range<usize>,
    ) -> Result<Node, Vec<Problem>> {
        let mut items = match self.items(inner) {
            Ok(items) => items,
            Err(()) => {
                let title = "the brackets or quotes of this list do not match";
                return Err(vec![Problem::new(title, &self.place(range), "")]);
            }
        };
        // A comma may end a list.
        if items.last().is_some_and(Range::is_empty) {
            items.pop();
        }
        let read = items.into_iter().map(|item| match item.is_empty() {
            true => {
                let place = self.place(item.start.saturating_sub(1)..item.end);
                Err(vec![Problem::new("an item of the list is empty", &place, "one too many")])
            }
            false => self.value(of, item, false),
        });
        let items = read.collect::<Result<Vec<Node>, _>>()?;
        Ok(Node { value: Value::Array(items), place: self.place(range) })
    }

    /// The items between commas outside of quotes and inner brackets.
    fn items(&self, range: Range<usize>) -> Result<Vec<Range<usize>>, ()> {
        let mut items = Vec::new();
        let (mut start, mut open, mut quote) = (range.start, Vec::new(), None);
        let mut signs = self.text()[range.clone()].char_indices();
        while let Some((at, sign)) = signs.next() {
            let at = range.start + at;
            let begins = self.trimmed(start..at).is_empty() || !open.is_empty();
            match (quote, sign) {
                (Some('"'), '\\') => {
                    signs.next();
                }
                (Some(end), sign) if end == sign => quote = None,
                (Some(_), _) => {}
                // Within a word it is an apostrophe.
                (None, '"' | '\'') if begins => quote = Some(sign),
                (None, '[') => open.push(']'),
                (None, '{') => open.push('}'),
                (None, ']' | '}') if open.pop() != Some(sign) => return Err(()),
                (None, ',') if open.is_empty() => {
                    items.push(self.trimmed(start..at));
                    start = at + 1;
                }
                _ => {}
            }
        }
        if quote.is_some() || !open.is_empty() {
            return Err(());
        }
        items.push(self.trimmed(start..range.end));
        Ok(items)
    }

    /// The value as TOML, which must be the whole text.
    fn toml(&self, range: Range<usize>) -> Result<Node, Vec<Problem>> {
        // Spaces keep all positions.
        let padded = format!("v{}={}", " ".repeat(range.start - 2), &self.text()[range.clone()]);
        let table = Table::parse_as(&self.document, &padded)?;
        match table.entries() {
            [entry] => Ok(entry.node.clone()),
            _ => {
                let place = self.place(range);
                let problem = Problem::new("`--set` sets one key", &place, "here are more");
                Err(vec![problem.help("give `--set` once for each")])
            }
        }
    }
}

impl Shape {
    /// The nesting depth of lists.
    fn depth(&self) -> usize {
        match self {
            Shape::List(of) => 1 + of.depth(),
            _ => 0,
        }
    }
}
