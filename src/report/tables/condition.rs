//! The language of `--where`: one condition on a row, spelled as in SQL.
//!
//! In: the text and the columns of a table. Out: a [`Condition`], which says of a row whether it holds, or
//! what is wrong with the text. Comparisons, `and`, `or`, `not`, `in`, `between`, `like`, `is null`,
//! arithmetic and a few functions, and nothing else: there is no other table to ask and no file to open.
//!
//! As in SQL a comparison with a value that is not there is neither true nor false, so that neither a
//! condition nor its opposite chooses such a row.

use std::cmp::Ordering;

use super::table::Field;
use crate::report::canvas::error::ReportError;
use crate::report::tables::cell::Cell;

/// Operators, functions and brackets in one condition: enough for any that a person writes, few enough that
/// one nested as deep does not exhaust the stack.
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
    Call(Function, Box<Node>),
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Abs,
    Length,
    Lower,
    Upper,
}

/// Function names as they are written.
const FUNCTIONS: [(&str, Function); 4] = [
    ("abs", Function::Abs),
    ("length", Function::Length),
    ("lower", Function::Lower),
    ("upper", Function::Upper),
];

impl Condition {
    /// # Errors
    /// [`ReportError::Condition`] with the place, or the column that is not there.
    pub fn parse(text: &str, fields: &[Field]) -> Result<Condition, ReportError> {
        let refused =
            |reason: String| ReportError::Condition { condition: text.to_owned(), reason };
        let tokens = tokens(text).map_err(refused)?;
        let mut parser = Parser { tokens: &tokens, fields, operators: 0 };
        let parsed = parser.expression(0).and_then(|node| match parser.tokens.first() {
            None => Ok(node),
            Some(token) => Err(parser.unexpected("an operator or the end", Some(token))),
        });
        match parsed {
            Ok(node) => Ok(Condition(node)),
            Err(Flaw::Syntax(reason)) => Err(refused(reason)),
            Err(Flaw::Column(error)) => Err(error),
        }
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
            serde_json::Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(integer), _) => Value::Integer(integer.into()),
                (_, Some(integer)) => Value::Integer(integer.into()),
                _ => number.as_f64().map_or(Value::Null, Value::Real),
            },
            other => Value::Text(other.to_string()),
        }
    }

    fn truth_value(truth: Option<bool>) -> Value {
        truth.map_or(Value::Null, |truth| Value::Integer(truth.into()))
    }

    fn truth(&self) -> Option<bool> {
        match self.number() {
            Some(number) => Some(number != 0.0),
            None => (*self != Value::Null).then_some(false),
        }
    }

    /// A text counts as the number that it spells.
    fn number(&self) -> Option<f64> {
        match self {
            Value::Null => None,
            Value::Integer(integer) => Some(*integer as f64),
            Value::Real(real) => Some(*real),
            Value::Text(text) => number(text)?.number(),
        }
    }

    /// Numbers by size, texts by their letters; `None` where they cannot be compared.
    fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Integer(one), Value::Integer(other)) => Some(one.cmp(other)),
            (Value::Text(one), Value::Text(other)) => Some(one.cmp(other)),
            (Value::Text(text), _) => number(text)?.compare(other),
            (_, Value::Text(text)) => self.compare(&number(text)?),
            _ => self.number()?.partial_cmp(&other.number()?),
        }
    }

    /// Whether they are the same; a number is no text, unless it spells the number.
    fn equals(&self, other: &Value) -> Option<bool> {
        if *self == Value::Null || *other == Value::Null {
            return None;
        }
        Some(self.compare(other) == Some(Ordering::Equal))
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

/// The number that a text spells, exactly where it is whole.
fn number(text: &str) -> Option<Value> {
    if let Ok(integer) = text.parse() {
        return Some(Value::Integer(integer));
    }
    // `inf` and `nan` are words.
    let spelled = text.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    text.parse().ok().filter(|_| spelled).map(Value::Real)
}

impl Node {
    fn value(&self, fields: &[Field], row: &[Cell]) -> Value {
        match self {
            Node::Column(column) => Value::of(&fields[*column], row),
            Node::Literal(value) => value.clone(),
            Node::Not(node) => {
                Value::truth_value(node.value(fields, row).truth().map(|truth| !truth))
            }
            Node::IsNull(node) => {
                Value::truth_value(Some(node.value(fields, row) == Value::Null))
            }
            Node::In(node, list) => {
                let value = node.value(fields, row);
                let each = list.iter().map(|one| value.equals(&one.value(fields, row)));
                // True where one is, else unknown where one is.
                let found = each.fold(Some(false), |found, equal| match (found, equal) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (None, _) | (_, None) => None,
                    _ => Some(false),
                });
                Value::truth_value(found)
            }
            Node::Call(function, node) => function.of(node.value(fields, row)),
            Node::Binary(operator, left, right) => {
                operator.of(&left.value(fields, row), &right.value(fields, row))
            }
        }
    }
}

impl Function {
    fn of(self, value: Value) -> Value {
        let text = |change: fn(&str) -> Value| value.text().map_or(Value::Null, |t| change(&t));
        match self {
            Function::Abs => match value {
                Value::Integer(integer) => Value::Integer(integer.saturating_abs()),
                other => other.number().map_or(Value::Null, |real| Value::Real(real.abs())),
            },
            Function::Length => text(|text| Value::Integer(text.chars().count() as i128)),
            Function::Lower => text(|text| Value::Text(text.to_lowercase())),
            Function::Upper => text(|text| Value::Text(text.to_uppercase())),
        }
    }
}

impl Operator {
    fn of(self, left: &Value, right: &Value) -> Value {
        let ordered = |holds: fn(Ordering) -> bool| left.compare(right).map(holds);
        let real = |of: fn(f64, f64) -> f64| {
            let number = left.number().zip(right.number()).map(|(left, right)| of(left, right));
            number.filter(|number| number.is_finite()).map_or(Value::Null, Value::Real)
        };
        let number = |whole: fn(i128, i128) -> Option<i128>, of| match (left, right) {
            (Value::Integer(left), Value::Integer(right)) => {
                whole(*left, *right).map_or(Value::Null, Value::Integer)
            }
            _ => real(of),
        };
        let truth = match self {
            Operator::Plus => return number(i128::checked_add, |left, right| left + right),
            Operator::Minus => return number(i128::checked_sub, |left, right| left - right),
            Operator::Times => return number(i128::checked_mul, |left, right| left * right),
            Operator::Divide => return real(|left, right| left / right),
            Operator::Remainder => return number(i128::checked_rem, |left, right| left % right),
            Operator::And => match (left.truth(), right.truth()) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (left, right) => left.zip(right).map(|_| true),
            },
            Operator::Or => match (left.truth(), right.truth()) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (left, right) => left.zip(right).map(|_| false),
            },
            Operator::Equal => left.equals(right),
            Operator::Unequal => left.equals(right).map(|equal| !equal),
            Operator::Less => ordered(Ordering::is_lt),
            Operator::LessOrEqual => ordered(Ordering::is_le),
            Operator::Greater => ordered(Ordering::is_gt),
            Operator::GreaterOrEqual => ordered(Ordering::is_ge),
            Operator::Like => left.text().zip(right.text()).map(|(text, form)| like(&text, &form)),
        };
        Value::truth_value(truth)
    }

    /// How strongly it binds.
    fn strength(self) -> u8 {
        match self {
            Operator::Or => 1,
            Operator::And => 2,
            Operator::Plus | Operator::Minus => 5,
            Operator::Times | Operator::Divide | Operator::Remainder => 6,
            _ => COMPARISON,
        }
    }
}

/// Strengths of what is no [`Operator`].
const NOT: u8 = 3;
const COMPARISON: u8 = 4;
const SIGN: u8 = 7;

/// SQL's LIKE: `%` stands for any text, `_` for any character, capital letters for small ones.
fn like(text: &str, form: &str) -> bool {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let form: Vec<char> = form.to_lowercase().chars().collect();
    let (mut at, mut in_form) = (0, 0);
    // The last `%`, and how much of the text it stands for.
    let mut any: Option<(usize, usize)> = None;
    while at < text.len() {
        match form.get(in_form) {
            Some('%') => {
                any = Some((in_form, at));
                in_form += 1;
            }
            Some(one) if *one == '_' || *one == text[at] => {
                (at, in_form) = (at + 1, in_form + 1);
            }
            _ => {
                let Some((place, taken)) = &mut any else { return false };
                *taken += 1;
                (at, in_form) = (*taken, *place + 1);
            }
        }
    }
    form[in_form..].iter().all(|rest| *rest == '%')
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A name or a word of the language; the dots of a key belong to it.
    Word(String),
    /// In double quotes: a column or a text.
    Double(String),
    /// In single quotes: a text.
    Single(String),
    /// In backticks or brackets: a column.
    Name(String),
    Number(Value),
    Sign(&'static str),
}

/// The longer ones before those that they begin with.
const SIGNS: [&str; 16] =
    ["<=", ">=", "<>", "!=", "==", "=", "<", ">", "(", ")", ",", "+", "-", "*", "/", "%"];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let in_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let word = rest.split(|c| !in_word(c)).next().unwrap_or_default();
        if first.is_whitespace() {
            rest = &rest[first.len_utf8()..];
        } else if let Some(quote) = "'\"`[".chars().find(|quote| *quote == first) {
            let (quoted, after) = quoted(&rest[1..], if quote == '[' { ']' } else { quote })
                .ok_or_else(|| format!("a `{quote}` is not closed"))?;
            tokens.push(match quote {
                '\'' => Token::Single(quoted),
                '"' => Token::Double(quoted),
                _ => Token::Name(quoted),
            });
            rest = after;
        } else if first.is_ascii_digit() || first == '.' {
            // The sign of an exponent, as in `1e-3`, is part of the number.
            let exponent = word.ends_with(['e', 'E']) && rest[word.len()..].starts_with(['-', '+']);
            let length = match exponent {
                true => {
                    let digits = rest[word.len() + 1..].bytes().take_while(u8::is_ascii_digit);
                    word.len() + 1 + digits.count()
                }
                false => word.len(),
            };
            let value = number(&rest[..length]);
            let value = value.ok_or_else(|| format!("`{}` is no number", &rest[..length]))?;
            tokens.push(Token::Number(value));
            rest = &rest[length..];
        } else if in_word(first) {
            tokens.push(Token::Word(word.to_owned()));
            rest = &rest[word.len()..];
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else {
            return Err(format!("`{first}` means nothing here"));
        }
    }
    Ok(tokens)
}

/// A quoted text and what follows it; a doubled quote is part of the text. `None` where it does not end.
fn quoted(rest: &str, end: char) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut characters = rest.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character != end {
            text.push(character);
        } else if end != ']' && characters.next_if(|(_, next)| *next == end).is_some() {
            text.push(end);
        } else {
            return Some((text, &rest[at + 1..]));
        }
    }
    None
}

/// Why there is no condition.
enum Flaw {
    Syntax(String),
    Column(ReportError),
}

/// Precedence climbing (Pratt 1973) over what is left of the tokens.
struct Parser<'a> {
    tokens: &'a [Token],
    fields: &'a [Field],
    operators: usize,
}

impl Parser<'_> {
    /// An expression of operators that bind more strongly than `outer`.
    fn expression(&mut self, outer: u8) -> Result<Node, Flaw> {
        let mut left = self.operand()?;
        loop {
            let before = self.tokens;
            let not = self.takes_word("not");
            let strength = match self.operator(not) {
                Some(strength) if strength > outer => strength,
                _ => {
                    self.tokens = before;
                    return Ok(left);
                }
            };
            self.count()?;
            left = self.infix(left, strength)?;
            if not {
                left = Node::Not(Box::new(left));
            }
        }
    }

    /// The strength of the operator that comes next; after `not` only some may come.
    fn operator(&self, not: bool) -> Option<u8> {
        let word = |words: &[&str]| {
            matches!(self.tokens.first(), Some(Token::Word(word))
                if words.iter().any(|known| word.eq_ignore_ascii_case(known)))
        };
        if word(&["in", "between", "like"]) || !not && word(&["is"]) {
            return Some(COMPARISON);
        }
        if not {
            return None;
        }
        self.binary().map(Operator::strength)
    }

    fn binary(&self) -> Option<Operator> {
        Some(match self.tokens.first()? {
            Token::Word(word) if word.eq_ignore_ascii_case("or") => Operator::Or,
            Token::Word(word) if word.eq_ignore_ascii_case("and") => Operator::And,
            Token::Word(word) if word.eq_ignore_ascii_case("like") => Operator::Like,
            Token::Sign("=" | "==") => Operator::Equal,
            Token::Sign("<>" | "!=") => Operator::Unequal,
            Token::Sign("<") => Operator::Less,
            Token::Sign("<=") => Operator::LessOrEqual,
            Token::Sign(">") => Operator::Greater,
            Token::Sign(">=") => Operator::GreaterOrEqual,
            Token::Sign("+") => Operator::Plus,
            Token::Sign("-") => Operator::Minus,
            Token::Sign("*") => Operator::Times,
            Token::Sign("/") => Operator::Divide,
            Token::Sign("%") => Operator::Remainder,
            _ => return None,
        })
    }

    /// The operator that comes next, and what is to its right.
    fn infix(&mut self, left: Node, strength: u8) -> Result<Node, Flaw> {
        let binary = |operator, left, right| {
            Node::Binary(operator, Box::new(left), Box::new(right))
        };
        if self.takes_word("is") {
            let not = self.takes_word("not");
            if !self.takes_word("null") {
                return Err(self.unexpected("`null`", self.tokens.first()));
            }
            let is_null = Node::IsNull(Box::new(left));
            return Ok(if not { Node::Not(Box::new(is_null)) } else { is_null });
        }
        if self.takes_word("in") {
            self.expect("(")?;
            let mut list = vec![self.expression(0)?];
            while self.takes_sign(",") {
                list.push(self.expression(0)?);
            }
            self.expect(")")?;
            return Ok(Node::In(Box::new(left), list));
        }
        if self.takes_word("between") {
            let low = self.expression(COMPARISON)?;
            if !self.takes_word("and") {
                return Err(self.unexpected("`and`", self.tokens.first()));
            }
            let high = self.expression(COMPARISON)?;
            let above = binary(Operator::GreaterOrEqual, left.clone(), low);
            let below = binary(Operator::LessOrEqual, left, high);
            return Ok(binary(Operator::And, above, below));
        }
        let Some(operator) = self.binary() else {
            return Err(self.unexpected("an operator", self.tokens.first()));
        };
        self.tokens = &self.tokens[1..];
        Ok(binary(operator, left, self.expression(strength)?))
    }

    fn operand(&mut self) -> Result<Node, Flaw> {
        let Some((token, rest)) = self.tokens.split_first() else {
            return Err(self.unexpected("a value", None));
        };
        if self.takes_word("not") {
            self.count()?;
            return Ok(Node::Not(Box::new(self.expression(NOT)?)));
        }
        let literal = |value| Ok(Node::Literal(value));
        self.tokens = rest;
        match token {
            Token::Sign("(") => {
                self.count()?;
                let inner = self.expression(0)?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Sign("-") => {
                self.count()?;
                let zero = Box::new(Node::Literal(Value::Integer(0)));
                let of = Box::new(self.expression(SIGN)?);
                Ok(Node::Binary(Operator::Minus, zero, of))
            }
            Token::Number(value) => literal(value.clone()),
            Token::Single(text) => self.text(text),
            Token::Double(word) => match find(word, self.fields) {
                Some(column) => Ok(Node::Column(column)),
                // A word that names no column is a text, as in `mode = "hide"`; but a dotted key is a
                // column that is not there.
                None if is_dotted_key(word) => self.column(word),
                None => literal(Value::Text(word.clone())),
            },
            Token::Name(name) => self.column(name),
            Token::Word(word) if self.tokens.first() == Some(&Token::Sign("(")) => self.call(word),
            Token::Word(word) => match word.to_ascii_lowercase().as_str() {
                "true" => literal(Value::Integer(1)),
                "false" => literal(Value::Integer(0)),
                "null" => literal(Value::Null),
                "and" | "or" | "in" | "between" | "like" | "is" => {
                    Err(self.unexpected("a value", Some(token)))
                }
                _ => self.column(word),
            },
            Token::Sign(_) => Err(self.unexpected("a value", Some(token))),
        }
    }

    fn text(&self, text: &str) -> Result<Node, Flaw> {
        // It would be compared as a text: true or false of every row.
        if text.contains(['.', '_']) && find(text, self.fields).is_some() {
            return Err(Flaw::Column(ReportError::Quoted { column: text.to_owned() }));
        }
        Ok(Node::Literal(Value::Text(text.to_owned())))
    }

    fn call(&mut self, name: &str) -> Result<Node, Flaw> {
        let known = FUNCTIONS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
        let Some((_, function)) = known else {
            let names: Vec<String> =
                FUNCTIONS.iter().map(|(name, _)| format!("`{name}`")).collect();
            let names = names.join(", ");
            return Err(Flaw::Syntax(format!("there is no function `{name}`; there are {names}")));
        };
        self.count()?;
        self.expect("(")?;
        let argument = self.expression(0)?;
        self.expect(")")?;
        Ok(Node::Call(*function, Box::new(argument)))
    }

    fn column(&self, name: &str) -> Result<Node, Flaw> {
        find(name, self.fields).map(Node::Column).ok_or_else(|| {
            let names: Vec<&str> = self.fields.iter().map(|field| field.name.as_str()).collect();
            Flaw::Column(ReportError::unknown_in_condition(name, &names))
        })
    }

    fn count(&mut self) -> Result<(), Flaw> {
        self.operators += 1;
        match self.operators <= MOST_OPERATORS {
            true => Ok(()),
            false => Err(Flaw::Syntax(format!(
                "it has more than {MOST_OPERATORS} operators; `in (…)` takes a list of any length"
            ))),
        }
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let takes = matches!(self.tokens.first(), Some(Token::Word(next))
            if next.eq_ignore_ascii_case(word));
        self.tokens = &self.tokens[usize::from(takes)..];
        takes
    }

    fn takes_sign(&mut self, sign: &'static str) -> bool {
        let takes = self.tokens.first() == Some(&Token::Sign(sign));
        self.tokens = &self.tokens[usize::from(takes)..];
        takes
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), Flaw> {
        match self.takes_sign(sign) {
            true => Ok(()),
            false => Err(self.unexpected(&format!("`{sign}`"), self.tokens.first())),
        }
    }

    fn unexpected(&self, wanted: &str, found: Option<&Token>) -> Flaw {
        Flaw::Syntax(match found {
            None => format!("it ends where {wanted} should follow"),
            Some(token) => format!("{} stands where {wanted} should", token.words()),
        })
    }
}

impl Token {
    /// As it was written.
    fn words(&self) -> String {
        match self {
            Token::Word(word) => format!("`{word}`"),
            Token::Double(text) => format!("`\"{text}\"`"),
            Token::Single(text) => format!("`'{text}'`"),
            Token::Name(name) => format!("`[{name}]`"),
            Token::Number(value) => format!("`{}`", value.text().unwrap_or_default()),
            Token::Sign(sign) => format!("`{sign}`"),
        }
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
