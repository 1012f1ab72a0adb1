//! Rows chosen and sorted by their columns.
//!
//! The language is SQL as SQLite speaks it, over a table in memory that is thrown away: polars' own SQL
//! would add eight minutes to a cold build on two cores, SQLite adds one. A condition sees the columns
//! that programs get of a table, and nothing else: neither files nor other tables.

use std::collections::BTreeSet;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, Error, ErrorCode};

use crate::report::canvas::error::ReportError;
use crate::report::tables::cell::Cell;
use crate::report::tables::table::Field;

/// Which rows of a table, and in which order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// An SQL expression; rows for which it is true stay.
    pub condition: Option<String>,
    /// By the first, then by the next; rows without a value are last, rows that are alike stay in order.
    pub order: Vec<Order>,
    /// At most so many rows.
    pub limit: Option<usize>,
}

/// A column to sort by.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub column: String,
    pub descending: bool,
}

/// Characters of a condition.
const MOST_CHARACTERS: usize = 10_000;
/// Enough for any table that this program writes; what takes longer was not meant.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes that SQLite may take.
const MOST_MEMORY: u64 = 256 << 20;
/// The column that holds a row's place. No other has a space in its name.
const PLACE: &str = "row number";

impl std::str::FromStr for Order {
    type Err = std::convert::Infallible;

    /// A column's name, with a `-` before it from the largest down.
    fn from_str(text: &str) -> Result<Order, Self::Err> {
        let (column, descending) = text.strip_prefix('-').map_or((text, false), |c| (c, true));
        Ok(Order { column: column.to_owned(), descending })
    }
}

impl Query {
    /// The places of the rows that are chosen, in order.
    pub(in crate::report) fn choose(
        &self,
        fields: &[Field],
        rows: &[Vec<Cell>],
    ) -> Result<Vec<usize>, ReportError> {
        let condition = self.condition.as_deref();
        let known = |column: &str| fields.iter().any(|f| f.name.eq_ignore_ascii_case(column));
        let names = || -> Vec<&str> { fields.iter().map(|field| field.name.as_str()).collect() };
        let unknown = |column: &str| ReportError::unknown_in_condition(column, &names());
        if let Some(order) = self.order.iter().find(|order| !known(&order.column)) {
            return Err(ReportError::unknown_column(&order.column, &names()));
        }
        let refused = |reason: String| ReportError::Condition {
            condition: condition.unwrap_or_default().to_owned(),
            reason,
        };
        let words = condition.map_or(Ok(Words::default()), words).map_err(refused)?;
        // A word in double quotes that names no column is a text, as in `mode = "hide"`; but a dotted key
        // is a column that is not there.
        let dotted = |word: &&String| is_dotted_key(word);
        if let Some(key) = words.double.iter().filter(dotted).find(|word| !known(word)) {
            return Err(unknown(key));
        }
        // Without quotes SQLite takes the dots of a column for those between a table and its column.
        if let Some(key) = words.bare.iter().filter(dotted).find(|word| known(word)) {
            return Err(ReportError::Unquoted { column: key.clone() });
        }
        // In single quotes it would be compared as a text: true or false of every row.
        let of_several = |word: &&String| word.contains(['.', '_']);
        if let Some(column) = words.single.iter().filter(of_several).find(|word| known(word)) {
            return Err(ReportError::Quoted { column: column.clone() });
        }
        self.run(fields, rows).map_err(|error| match error {
            Error::SqlInputError { msg, .. } => match msg.strip_prefix("no such column: ") {
                Some(column) => unknown(column),
                None => refused(msg),
            },
            Error::SqliteFailure(error, _) if error.code == ErrorCode::OperationInterrupted => {
                refused(format!("it takes longer than {} seconds", PATIENCE.as_secs()))
            }
            Error::SqliteFailure(_, Some(message)) => {
                match message.strip_prefix("no such column: ") {
                    Some(column) => unknown(column),
                    None => refused(message),
                }
            }
            other => refused(other.to_string()),
        })
    }

    fn run(&self, fields: &[Field], rows: &[Vec<Cell>]) -> Result<Vec<usize>, Error> {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(&format!("PRAGMA hard_heap_limit = {MOST_MEMORY}"))?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, true)?;
        self.fill(&connection, fields, rows)?;

        let condition = self.condition.as_deref().unwrap_or("true");
        let order: String = self
            .order
            .iter()
            .map(|Order { column, descending }| {
                let (column, direction) = (quote(column), if *descending { "DESC" } else { "ASC" });
                format!("{column} IS NULL, {column} {direction}, ")
            })
            .collect();
        let place = quote(PLACE);
        let limit = self
            .limit
            .map_or(String::new(), |limit| format!(" LIMIT {}", limit.min(i64::MAX as usize)));
        // On a line of its own the condition cannot swallow what follows it.
        let sql = format!(
            "SELECT {place} FROM \"rows\" WHERE (\n{condition}\n) ORDER BY {order}{place}{limit}"
        );

        let interrupt = connection.get_interrupt_handle();
        let (done, waiting) = channel::<()>();
        std::thread::spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                interrupt.interrupt();
            }
        });
        let mut statement = connection.prepare(&sql)?;
        let chosen = statement.query_map([], |row| row.get::<_, i64>(0))?;
        let chosen = chosen.map(|place| Ok(place? as usize)).collect();
        drop(done);
        chosen
    }

    /// Makes the table `rows` of the columns that are asked for; those that are not would only cost time.
    fn fill(
        &self,
        connection: &Connection,
        fields: &[Field],
        rows: &[Vec<Cell>],
    ) -> Result<(), Error> {
        let plain = |text: &str| text.to_lowercase().replace("\"\"", "\"");
        let mut asked = plain(self.condition.as_deref().unwrap_or_default());
        for order in &self.order {
            asked += &format!("\n{}", plain(&order.column));
        }
        // SQLite takes `A` and `a` for the same name; the first one is meant.
        let mut seen = BTreeSet::new();
        let asked: Vec<&Field> = fields
            .iter()
            .filter(|field| asked.contains(&plain(&field.name)))
            .filter(|field| seen.insert(field.name.to_ascii_lowercase()))
            .collect();

        let mut columns = format!("{} INTEGER PRIMARY KEY", quote(PLACE));
        for field in &asked {
            let text = rows.iter().map(|row| field.value(row)).find(|value| !value.is_null());
            let affinity =
                if text.is_some_and(|value| value.is_string()) { "TEXT" } else { "NUMERIC" };
            columns += &format!(", {} {affinity}", quote(&field.name));
        }
        connection.execute_batch(&format!("CREATE TABLE \"rows\" ({columns}); BEGIN"))?;
        let marks = ", ?".repeat(asked.len());
        let mut insert = connection.prepare(&format!("INSERT INTO \"rows\" VALUES (?{marks})"))?;
        for (place, row) in rows.iter().enumerate() {
            let values = asked.iter().map(|field| sql_value(field.value(row)));
            let place = Value::Integer(place as i64);
            insert.execute(rusqlite::params_from_iter(std::iter::once(place).chain(values)))?;
        }
        connection.execute_batch("COMMIT")
    }
}

fn sql_value(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Integer(i64::from(flag)),
        serde_json::Value::String(text) => Value::Text(text),
        // A seed may be larger than SQLite's integers.
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(integer) => Value::Integer(integer),
            None => number.as_f64().map_or(Value::Null, Value::Real),
        },
        other => Value::Text(other.to_string()),
    }
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The words of a condition.
#[derive(Debug, Default)]
struct Words {
    /// In double quotes.
    double: Vec<String>,
    /// In single quotes.
    single: Vec<String>,
    /// In none.
    bare: Vec<String>,
}

/// The words of a condition; an error where it would not stay one expression between brackets.
fn words(condition: &str) -> Result<Words, String> {
    if condition.chars().count() > MOST_CHARACTERS {
        return Err(format!("it is longer than {MOST_CHARACTERS} characters"));
    }
    let mut words = Words::default();
    let mut open = 0usize;
    let mut rest = condition.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\'' | '"' | '`' | '[' => {
                let end = if character == '[' { ']' } else { character };
                let mut word = String::new();
                loop {
                    match rest.next() {
                        None => return Err(format!("a `{character}` is not closed")),
                        Some(next) if next != end => word.push(next),
                        // Doubled, it is part of the word.
                        Some(_) if end != ']' && rest.next_if_eq(&end).is_some() => word.push(end),
                        Some(_) => break,
                    }
                }
                match character {
                    '"' => words.double.push(word),
                    '\'' => words.single.push(word),
                    _ => {}
                }
            }
            ';' => return Err("a `;` ends it; give one expression".to_owned()),
            '-' if rest.peek() == Some(&'-') => return Err("it holds a comment (`--`)".to_owned()),
            '/' if rest.peek() == Some(&'*') => return Err("it holds a comment (`/*`)".to_owned()),
            '(' => open += 1,
            ')' => open = open.checked_sub(1).ok_or("a `)` closes nothing")?,
            _ if in_word(character) => {
                let mut word = String::from(character);
                while let Some(next) = rest.next_if(|next| in_word(*next)) {
                    word.push(next);
                }
                words.bare.push(word);
            }
            _ => {}
        }
    }
    if open > 0 {
        return Err("a `(` is not closed".to_owned());
    }
    Ok(words)
}

fn in_word(character: char) -> bool {
    character.is_alphanumeric() || "_.".contains(character)
}

/// `train.optimizer.learning_rate`
fn is_dotted_key(word: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    word.contains('.') && word.split('.').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tables::table::{Column, Format, Table};

    const RATE: &str = "train.optimizer.learning_rate";

    fn table() -> Table {
        let mut table = Table::new(vec![
            Column::text("run_id", "run"),
            Column::text("mode", "mode"),
            Column::text("regions", "regions"),
            Column::text("control", "control"),
            Column::number("seed", "seed"),
            Column::number("test_accuracy", "accuracy, %"),
            Column::number(RATE, RATE),
        ]);
        let rows = [
            ("a", "none", "", false, 1, Some(0.83), None),
            ("b", "hide", "eyes", false, 2, Some(0.72), Some(0.01)),
            ("c", "hide", "eyes", true, u64::MAX, Some(0.81), Some(0.01)),
            ("d", "keep", "eyes + mouth", false, 1, None, Some(0.001)),
            ("e", "Hide", "O'Hara \"x\"", false, 10, Some(0.9), Some(0.001)),
        ];
        for (id, mode, regions, control, seed, accuracy, rate) in rows {
            table.push(vec![
                Cell::Id(id.to_owned()),
                Cell::text(mode),
                Cell::text(regions),
                Cell::Flag(control),
                Cell::Count(seed),
                accuracy.map_or(Cell::Empty, Cell::share),
                rate.map_or(Cell::Empty, Cell::exact),
            ]);
        }
        table
    }

    /// The ids of the chosen rows.
    fn ids(query: &Query) -> Result<String, String> {
        let mut table = table();
        table.query(query).map_err(|error| error.to_string())?;
        table.select(&["run_id".to_owned()]).unwrap();
        let csv = table.render(Format::Csv, 80).unwrap();
        Ok(csv.lines().skip(1).collect::<Vec<_>>().join(""))
    }

    fn chosen(condition: &str) -> Result<String, String> {
        ids(&Query { condition: Some(condition.to_owned()), ..Query::default() })
    }

    fn sorted(columns: &[&str]) -> Result<String, String> {
        let order = columns.iter().map(|column| column.parse().unwrap()).collect();
        ids(&Query { order, ..Query::default() })
    }

    #[test]
    fn conditions_choose_rows() {
        let cases = [
            (r#"mode = "hide" and test_accuracy > 0.8"#, "c"),
            ("mode = 'hide'", "bc"),
            ("test_accuracy is null", "d"),
            ("test_accuracy < 0.8", "b"),
            ("not (test_accuracy < 0.8)", "ace"),
            ("control", "c"),
            ("not control", "abde"),
            ("control = true and seed > 5", "c"),
            ("regions = 'eyes'", "bc"),
            ("regions like '%eyes%'", "bcd"),
            ("regions = ''", "a"),
            (r#"regions = 'O''Hara "x"'"#, "e"),
            ("seed = '10'", "e"),
            (r#""train.optimizer.learning_rate" = 0.001"#, "de"),
            ("`train.optimizer.learning_rate` > 0.001", "bc"),
            ("[train.optimizer.learning_rate] is null", "a"),
            ("TEST_ACCURACY between 0.8 and 0.85", "ac"),
            ("test_accuracy = (select max(test_accuracy) from rows)", "e"),
            ("run_id in ('a', 'e') or mode like 'k%'", "ade"),
            ("seed = 18446744073709551615", "c"),
            (r#"mode = "none" "#, "a"),
            ("mode = 'seed' or 'a.b' = 'a.b' and seed < 1.5", "ad"),
            ("TRUE and seed = 1e1", "e"),
            ("1", "abcde"),
            ("null", ""),
        ];
        for (condition, expected) in cases {
            assert_eq!(chosen(condition).as_deref(), Ok(expected), "{condition}");
        }
    }

    #[test]
    fn rows_are_sorted_and_counted() {
        assert_eq!(sorted(&["test_accuracy"]).unwrap(), "bcaed");
        assert_eq!(sorted(&["-test_accuracy"]).unwrap(), "eacbd");
        assert_eq!(sorted(&["seed", "-run_id"]).unwrap(), "dabec");
        let limited = |limit| Query { limit: Some(limit), ..Query::default() };
        assert_eq!(ids(&limited(2)).unwrap(), "ab");
        assert_eq!(ids(&limited(usize::MAX)).unwrap().len(), 5);
        let both = Query {
            condition: Some("control = 0".to_owned()),
            order: vec!["-seed".parse().unwrap()],
            limit: Some(2),
        };
        assert_eq!(ids(&both).unwrap(), "eb");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("test_acuracy > 0.8", "no column `test_acuracy`: did you mean `test_accuracy`?"),
            (
                r#""train.learning_rate" > 1"#,
                "no column `train.learning_rate`: did you mean `\"train.optimizer.learning_rate\"`?",
            ),
            (
                "learning_rate > 1",
                "no column `learning_rate`: did you mean `\"train.optimizer.learning_rate\"`?",
            ),
            (
                "seed = 1 and train.optimizer.learning_rate > 1",
                "the column `train.optimizer.learning_rate` has dots in its name: in a condition it \
                 stands in double quotes, `\"train.optimizer.learning_rate\"`",
            ),
            (
                "'train.optimizer.learning_rate' > 1",
                "is a text, since it stands in single quotes; the column is \
                 `\"train.optimizer.learning_rate\"`",
            ),
            ("'test_accuracy' > 0.8", "the column is `test_accuracy`"),
            ("mode = ", "`mode = ` is no condition on a row: "),
            ("mode ~ 'x'", "is no condition on a row: "),
            ("", "`` is no condition on a row: near \")\": syntax error"),
            ("mode = 'hide", "a `'` is not closed"),
            ("(mode = 'hide'", "a `(` is not closed"),
            ("no_function(mode)", "no such function: no_function"),
            ("mode = ?1", "is no condition on a row: "),
        ];
        for (condition, expected) in cases {
            let error = chosen(condition).unwrap_err();
            assert!(error.contains(expected), "{condition}: {error}");
        }
        let error = sorted(&["learning_rate"]).unwrap_err();
        assert!(error.contains("did you mean `train.optimizer.learning_rate`?"), "{error}");
        let error = sorted(&["mod"]).unwrap_err();
        assert!(error.starts_with("no column `mod`: did you mean `mode`?"), "{error}");
        assert!(sorted(&["-\"mode\""]).is_err());
    }

    #[test]
    fn nothing_but_one_expression_is_run() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out.db");
        let attach = format!("1); attach '{}' as x", file.display());
        let vacuum = format!("1) vacuum into '{}'", file.display());
        let too_long = "1 or ".repeat(3000) + "1";
        let hostile = [
            attach.as_str(),
            vacuum.as_str(),
            "1) union select 1 --",
            "1) /*",
            "1) or (1",
            "1; drop table rows",
            "load_extension('/tmp/x.so')",
            "readfile('/etc/passwd') is null",
            "1 -- )",
            "(delete from rows)",
            "mode\0= 'hide'",
            "hex(zeroblob(300000000)) is null",
            too_long.as_str(),
        ];
        for condition in hostile {
            assert!(chosen(condition).is_err(), "{condition}");
        }
        assert!(!file.exists());
    }

    #[test]
    fn columns_of_any_name_are_reached() {
        let mut table = Table::new(vec![
            Column::text("a\"b\u{1b}", "x"),
            Column::number("rowid", "y"),
            Column::number("ROWID", "z"),
            Column::number("effect", "effect"),
        ]);
        for effect in [0.1, 0.3] {
            let interval = Some((effect - 0.2, effect + 0.2));
            table.push(vec![
                Cell::text("x"),
                Cell::Count(7),
                Cell::Count(8),
                Cell::share(effect).with_interval(interval),
            ]);
        }
        for (condition, rows) in [
            ("\"a\"\"b\u{1b}\" = 'x'", 2),
            ("rowid = 7", 2),
            ("effect_low > 0", 1),
            ("effect_high > 0.2", 2),
        ] {
            let mut table = table.clone();
            let condition = Some(condition.to_owned());
            table.query(&Query { condition, ..Query::default() }).unwrap();
            let text = table.render(Format::Csv, 80).unwrap();
            assert_eq!(text.lines().count() - 1, rows, "{text}");
        }
    }
}
