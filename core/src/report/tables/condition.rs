//! The language of `--where`: one condition on a row, spelled as in SQL.
//!
//! In: the text and the columns of a table. Out: a [`Condition`], which says of a row whether it holds, or
//! what is wrong with the text. Comparisons, `and`, `or`, `not`, `in`, `between`, `like`, `is null` and
//! arithmetic, and nothing else: there is no other table to ask and no file to open.
//!
//! As in SQL a comparison with a value that is not there is neither true nor false, so that neither a
//! condition nor its opposite chooses such a row.

use std::cmp::Ordering;

use wildmatch::WildMatchPattern;

use super::table::Field;
use crate::report::canvas::error::ReportError;
use crate::report::tables::cell::Cell;

/// Operators and brackets in one condition: enough for any that a person writes, few enough that one nested as
/// deep does not exhaust the stack.
const MOST_OPERATORS: usize = 256;

/// A condition, its columns found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition(Node);

/// What an expression gives of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    /// Seeds and counts are compared to the last digit.
    Integer(i128),
    Real(f64),
    Text(String),
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// By its place among the fields.
    Column(usize),
    Literal(Value),
    Not(Box<Node>),
    IsNull(Box<Node>),
    Binary(Operator, Box<Node>, Box<Node>),
    /// Whether the value is one of these.
    In(Box<Node>, Vec<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    Plus,
    Minus,
    Times,
    Divide,
    Remainder,
}

/// How strongly operators bind that are not in [`OPERATORS`]: `not`, then `is`, `in` and `between`.
const NOT: u8 = 3;
const COMPARISON: u8 = 4;

/// As they are written, and how strongly they bind.
const OPERATORS: [(&str, u8, Operator); 16] = [
    ("or", 1, Operator::Or),
    ("and", 2, Operator::And),
    ("=", COMPARISON, Operator::Equal),
    ("==", COMPARISON, Operator::Equal),
    ("<>", COMPARISON, Operator::Unequal),
    ("!=", COMPARISON, Operator::Unequal),
    ("<", COMPARISON, Operator::Less),
    ("<=", COMPARISON, Operator::LessOrEqual),
    (">", COMPARISON, Operator::Greater),
    (">=", COMPARISON, Operator::GreaterOrEqual),
    ("like", COMPARISON, Operator::Like),
    ("+", 5, Operator::Plus),
    ("-", 5, Operator::Minus),
    ("*", 6, Operator::Times),
    ("/", 6, Operator::Divide),
    ("%", 6, Operator::Remainder),
];

impl Condition {
    /// # Errors
    /// [`ReportError::Condition`] with the place, or the column that is not there.
    pub fn parse(text: &str, fields: &[Field]) -> Result<Condition, ReportError> {
        let refused =
            |reason: String| ReportError::Condition { condition: text.to_owned(), reason };
        let tokens = tokens(text).map_err(refused)?;
        let mut parser = Parser { tokens: &tokens, fields, operators: 0 };
        let parsed = parser.expression(0).and_then(|node| match parser.tokens {
            [] => Ok(node),
            _ => parser.unexpected("an operator or the end"),
        });
        parsed.map(Condition).map_err(|flaw| match flaw {
            Flaw::Syntax(reason) => refused(reason),
            Flaw::Column(error) => error,
        })
    }

    /// Whether it is true of a row; what is neither true nor false is not.
    pub fn holds(&self, fields: &[Field], row: &[Cell]) -> bool {
        self.0.value(fields, row).truth() == Some(true)
    }
}

impl Value {
    pub fn of(field: &Field, row: &[Cell]) -> Value {
        match field.value(row) {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(flag) => Value::Integer(flag.into()),
            serde_json::Value::String(text) => Value::Text(text),
            other => Value::spelled(&other.to_string()).unwrap_or(Value::Null),
        }
    }

    /// The number that a text spells, exactly where it is whole.
    fn spelled(text: &str) -> Option<Value> {
        // `inf` and `nan` are words.
        let digits = text.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
        let real = || text.parse().ok().filter(|_| digits).map(Value::Real);
        text.parse().ok().map(Value::Integer).or_else(real)
    }

    fn truth(&self) -> Option<bool> {
        (*self != Value::Null).then(|| self.number().is_some_and(|number| number != 0.0))
    }

    /// A text counts as the number that it spells.
    fn number(&self) -> Option<f64> {
        match self {
            Value::Null => None,
            Value::Integer(integer) => Some(*integer as f64),
            Value::Real(real) => Some(*real),
            Value::Text(text) => Value::spelled(text)?.number(),
        }
    }

    /// Numbers by size, texts by their letters; `None` where they cannot be compared.
    fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Integer(one), Value::Integer(other)) => Some(one.cmp(other)),
            (Value::Text(one), Value::Text(other)) => Some(one.cmp(other)),
            (Value::Text(text), _) => Value::spelled(text)?.compare(other),
            (_, Value::Text(text)) => self.compare(&Value::spelled(text)?),
            _ => self.number()?.partial_cmp(&other.number()?),
        }
    }

    /// For sorting: numbers, then texts, then what is not there.
    pub fn order(&self, other: &Value) -> Ordering {
        let kind = |value: &Value| match value {
            Value::Integer(_) | Value::Real(_) => 0,
            Value::Text(_) => 1,
            Value::Null => 2,
        };
        let same = || self.compare(other).unwrap_or(Ordering::Equal);
        kind(self).cmp(&kind(other)).then_with(same)
    }

    fn text(&self) -> Option<String> {
        match self {
            Value::Null => None,
            Value::Integer(integer) => Some(integer.to_string()),
            Value::Real(real) => Some(real.to_string()),
            Value::Text(text) => Some(text.clone()),
        }
    }
}

impl From<Option<bool>> for Value {
    fn from(truth: Option<bool>) -> Value {
        truth.map_or(Value::Null, |truth| Value::Integer(truth.into()))
    }
}

impl Node {
    fn value(&self, fields: &[Field], row: &[Cell]) -> Value {
        match self {
            Node::Column(column) => Value::of(&fields[*column], row),
            Node::Literal(value) => value.clone(),
            Node::Not(node) => node.value(fields, row).truth().map(|truth| !truth).into(),
            Node::IsNull(node) => Some(node.value(fields, row) == Value::Null).into(),
            Node::Binary(operator, left, right) => {
                operator.of(&left.value(fields, row), &right.value(fields, row))
            }
            Node::In(node, list) => {
                let value = node.value(fields, row);
                let equal =
                    list.iter().map(|one| Operator::Equal.of(&value, &one.value(fields, row)));
                equal.reduce(|found, equal| Operator::Or.of(&found, &equal)).unwrap_or(Value::Null)
            }
        }
    }
}

impl Operator {
    fn of(self, left: &Value, right: &Value) -> Value {
        let there = *left != Value::Null && *right != Value::Null;
        // A number is no text, unless the text spells it.
        let equal = || there.then(|| left.compare(right) == Some(Ordering::Equal));
        let ordered = |holds: fn(Ordering) -> bool| left.compare(right).map(holds);
        let number = |whole: fn(i128, i128) -> Option<i128>, real: fn(f64, f64) -> f64| {
            if let (Value::Integer(left), Value::Integer(right)) = (left, right)
                && let Some(number) = whole(*left, *right)
            {
                return Value::Integer(number);
            }
            let number = left.number().zip(right.number()).map(|(left, right)| real(left, right));
            number.filter(|number| number.is_finite()).map_or(Value::Null, Value::Real)
        };
        let truth = match self {
            Operator::Plus => return number(i128::checked_add, |left, right| left + right),
            Operator::Minus => return number(i128::checked_sub, |left, right| left - right),
            Operator::Times => return number(i128::checked_mul, |left, right| left * right),
            Operator::Divide => return number(|_, _| None, |left, right| left / right),
            Operator::Remainder => return number(i128::checked_rem, |left, right| left % right),
            Operator::And => match (left.truth(), right.truth()) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (left, right) => left.zip(right).map(|_| true),
            },
            Operator::Or => match (left.truth(), right.truth()) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (left, right) => left.zip(right).map(|_| false),
            },
            Operator::Equal => equal(),
            Operator::Unequal => equal().map(|equal| !equal),
            Operator::Less => ordered(Ordering::is_lt),
            Operator::LessOrEqual => ordered(Ordering::is_le),
            Operator::Greater => ordered(Ordering::is_gt),
            Operator::GreaterOrEqual => ordered(Ordering::is_ge),
            // `%` stands for any text, `_` for any character, capital letters for small ones.
            Operator::Like => left.text().zip(right.text()).map(|(text, form)| {
                WildMatchPattern::<'%', '_'>::new(&form.to_lowercase())
                    .matches(&text.to_lowercase())
            }),
        };
        truth.into()
    }
}

/// A piece of a condition as it is written.
#[derive(Debug, Clone, PartialEq)]
enum Token<'a> {
    /// A name, to which the dots of a key belong, a word of the language, or a sign.
    Plain(&'a str),
    Number(&'a str, Value),
    /// What stands within quotes, after the quote.
    Quoted(char, String),
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let in_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let mut length = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
        if let Some(end) = [('\'', '\''), ('"', '"'), ('`', '`'), ('[', ']')]
            .iter()
            .find_map(|(begin, end)| (*begin == first).then_some(*end))
        {
            let quoted = quoted(&rest[1..], end);
            let (quoted, bytes) = quoted.ok_or_else(|| format!("a `{first}` is not closed"))?;
            tokens.push(Token::Quoted(first, quoted));
            length = 1 + bytes;
        } else if first.is_ascii_digit() || first == '.' {
            // The sign of an exponent, as in `1e-3`, is part of the number.
            if rest[..length].ends_with(['e', 'E']) && rest[length..].starts_with(['-', '+']) {
                let digits = rest[length + 1..].bytes().take_while(u8::is_ascii_digit);
                length += 1 + digits.count();
            }
            let value = Value::spelled(&rest[..length]);
            let value = value.ok_or_else(|| format!("`{}` is no number", &rest[..length]))?;
            tokens.push(Token::Number(&rest[..length], value));
        } else {
            if length == 0 {
                let signs = OPERATORS.iter().map(|(sign, ..)| *sign).chain(["(", ")", ","]);
                let longest = signs.filter(|sign| rest.starts_with(sign)).map(str::len).max();
                length = longest.ok_or_else(|| format!("`{first}` means nothing here"))?;
            }
            tokens.push(Token::Plain(&rest[..length]));
        }
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// A quoted text, in which a doubled quote is part of the text, and its bytes with the last quote. `None` where
/// it does not end.
fn quoted(rest: &str, end: char) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut characters = rest.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character != end {
            text.push(character);
        } else if end != ']' && characters.next_if(|(_, next)| *next == end).is_some() {
            text.push(end);
        } else {
            return Some((text, at + 1));
        }
    }
    None
}

/// Why there is no condition.
enum Flaw {
    Syntax(String),
    Column(ReportError),
}

/// Precedence climbing (Pratt 1973) over the tokens that are left.
struct Parser<'a> {
    tokens: &'a [Token<'a>],
    fields: &'a [Field],
    operators: usize,
}

impl Parser<'_> {
    /// An expression of operators that bind more strongly than `outer`.
    fn expression(&mut self, outer: u8) -> Result<Node, Flaw> {
        self.operators += 1;
        if self.operators > MOST_OPERATORS {
            return Err(Flaw::Syntax(format!(
                "it has more than {MOST_OPERATORS} operators; `in (…)` takes any list"
            )));
        }
        let mut left = self.operand()?;
        loop {
            let binary = OPERATORS.iter().find(|(word, ..)| self.comes(word));
            if let Some((word, strength, operator)) = binary.filter(|(_, own, _)| *own > outer) {
                self.takes(word);
                left = operator.node(left, self.expression(*strength)?);
                continue;
            }
            let before = self.tokens;
            let not = self.takes("not");
            left = match outer < COMPARISON {
                true if !not && self.takes("is") => self.is_null(left)?,
                true if self.takes("in") => self.one_of(left)?,
                true if self.takes("between") => {
                    let low = self.expression(COMPARISON)?;
                    self.expect("and")?;
                    let above = Operator::GreaterOrEqual.node(left.clone(), low);
                    let below = Operator::LessOrEqual.node(left, self.expression(COMPARISON)?);
                    Operator::And.node(above, below)
                }
                true if not && self.takes("like") => {
                    Operator::Like.node(left, self.expression(COMPARISON)?)
                }
                _ => {
                    self.tokens = before;
                    return Ok(left);
                }
            };
            if not {
                left = Node::Not(Box::new(left));
            }
        }
    }

    fn is_null(&mut self, left: Node) -> Result<Node, Flaw> {
        let not = self.takes("not");
        self.expect("null")?;
        let node = Node::IsNull(Box::new(left));
        Ok(if not { Node::Not(Box::new(node)) } else { node })
    }

    /// A list may have any length.
    fn one_of(&mut self, left: Node) -> Result<Node, Flaw> {
        self.expect("(")?;
        let mut list = vec![self.operand()?];
        while self.takes(",") {
            list.push(self.operand()?);
        }
        self.expect(")")?;
        Ok(Node::In(Box::new(left), list))
    }

    fn operand(&mut self) -> Result<Node, Flaw> {
        let literal = |value| Ok(Node::Literal(value));
        if self.takes("not") {
            return Ok(Node::Not(Box::new(self.expression(NOT)?)));
        }
        if self.takes("-") {
            let zero = Node::Literal(Value::Integer(0));
            return Ok(Operator::Minus.node(zero, self.expression(u8::MAX)?));
        }
        if self.takes("(") {
            let inner = self.expression(0)?;
            self.expect(")")?;
            return Ok(inner);
        }
        let Some((token, rest)) = self.tokens.split_first() else {
            return self.unexpected("a value");
        };
        let fields = self.fields;
        let node = match token {
            Token::Number(_, value) => literal(value.clone()),
            // It would be compared as a text: true or false of every row.
            Token::Quoted('\'', text)
                if text.contains(['.', '_']) && find(text, fields).is_some() =>
            {
                Err(Flaw::Column(ReportError::Quoted { column: text.clone() }))
            }
            Token::Quoted('\'', text) => literal(Value::Text(text.clone())),
            // A word that names no column is a text, as in `mode = "hide"`; but a dotted key is a column that
            // is not there.
            Token::Quoted('"', text) if find(text, fields).is_none() && !is_dotted_key(text) => {
                literal(Value::Text(text.clone()))
            }
            Token::Quoted(_, name) => self.column(name),
            Token::Plain(word) => match word.to_ascii_lowercase().as_str() {
                "true" => literal(Value::Integer(1)),
                "false" => literal(Value::Integer(0)),
                "null" => literal(Value::Null),
                "and" | "or" | "in" | "between" | "like" | "is" => self.unexpected("a value"),
                sign if !sign.starts_with(|c: char| c.is_alphanumeric() || c == '_') => {
                    self.unexpected("a value")
                }
                _ if rest.first() == Some(&Token::Plain("(")) => {
                    Err(Flaw::Syntax(format!("it has no functions, `{word}` neither")))
                }
                _ => self.column(word),
            },
        };
        self.tokens = rest;
        node
    }

    fn column(&self, name: &str) -> Result<Node, Flaw> {
        find(name, self.fields).map(Node::Column).ok_or_else(|| {
            let names: Vec<&str> = self.fields.iter().map(|field| field.name.as_str()).collect();
            Flaw::Column(ReportError::unknown_in_condition(name, &names))
        })
    }

    /// Whether this word or sign comes next.
    fn comes(&self, word: &str) -> bool {
        matches!(self.tokens, [Token::Plain(next), ..] if next.eq_ignore_ascii_case(word))
    }

    fn takes(&mut self, word: &str) -> bool {
        let comes = self.comes(word);
        self.tokens = &self.tokens[usize::from(comes)..];
        comes
    }

    fn expect(&mut self, word: &str) -> Result<(), Flaw> {
        match self.takes(word) {
            true => Ok(()),
            false => self.unexpected(&format!("`{word}`")),
        }
    }

    fn unexpected<T>(&self, wanted: &str) -> Result<T, Flaw> {
        Err(Flaw::Syntax(match self.tokens.first() {
            None => format!("it ends where {wanted} should follow"),
            Some(Token::Plain(text) | Token::Number(text, _)) => {
                format!("`{text}` stands where {wanted} should")
            }
            Some(Token::Quoted(quote, text)) => {
                format!("`{quote}{text}…` stands where {wanted} should")
            }
        }))
    }
}

impl Operator {
    fn node(self, left: Node, right: Node) -> Node {
        Node::Binary(self, Box::new(left), Box::new(right))
    }
}

/// The place of a column. Capital letters count as small ones, unless there is a column of just this name.
pub(super) fn find(name: &str, fields: &[Field]) -> Option<usize> {
    let place = |same: &dyn Fn(&str) -> bool| fields.iter().position(|field| same(&field.name));
    place(&|known| known == name).or_else(|| place(&|known| known.eq_ignore_ascii_case(name)))
}

/// `train.optimizer.learning_rate`
fn is_dotted_key(word: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    word.contains('.') && word.split('.').all(part)
}
