//! Rows chosen and sorted by their columns.

use std::cmp::Ordering;

use crate::report::canvas::error::ReportError;
use crate::report::tables::cell::Cell;
use crate::report::tables::condition::{Condition, Value, find};
use crate::report::tables::table::Field;

/// Which rows of a table, and in which order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// Rows for which it is true stay; its language is described in `condition.rs`.
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
        let condition = condition.map(|text| Condition::parse(text, fields)).transpose()?;
        let mut order = Vec::new();
        for Order { column, descending } in &self.order {
            let Some(place) = find(column, fields) else {
                let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
                return Err(ReportError::unknown_column(column, &names));
            };
            order.push((&fields[place], *descending));
        }
        let mut chosen: Vec<(usize, Vec<Value>)> = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| condition.as_ref().is_none_or(|one| one.holds(fields, row)))
            .map(|(place, row)| {
                (place, order.iter().map(|(field, _)| Value::of(field, row)).collect())
            })
            .collect();
        chosen.sort_by(|(_, one), (_, other)| {
            let each = one.iter().zip(other).zip(&order);
            let each =
                each.map(|((one, other), (_, descending))| in_order(one, other, *descending));
            each.fold(Ordering::Equal, Ordering::then)
        });
        chosen.truncate(self.limit.unwrap_or(usize::MAX));
        Ok(chosen.into_iter().map(|(place, _)| place).collect())
    }
}

/// What has no value is last either way.
fn in_order(one: &Value, other: &Value, descending: bool) -> Ordering {
    match (one, other) {
        (Value::Null, _) | (_, Value::Null) => one.order(other),
        _ if descending => other.order(one),
        _ => one.order(other),
    }
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
            ("train.optimizer.learning_rate = 1e-3", "de"),
            ("Train.Optimizer.Learning_Rate < .005", "de"),
            ("test_accuracy - 0.8 < 0.02 and test_accuracy - .8 > -.02", "c"),
            ("test_accuracy * 100 + 1 >= -(-84)", "ae"),
            ("seed % 2 = 0", "be"),
            ("seed + 1 = 18446744073709551616", "c"),
            ("seed in (-1, 2) or [run_id] in ('d')", "bd"),
            ("test_accuracy between 0.8 and 0.85 or seed in (10, 11)", "ace"),
            ("not mode like 'h%' and mode <> 'keep'", "a"),
            ("mode not in ('hide', 'keep') and test_accuracy is not null", "ae"),
            ("mode not like 'h%'", "ad"),
            ("seed not between 2 and 10", "acd"),
            ("mode == 'hide' and run_id != 'b'", "c"),
            ("run_id like '_' and regions like '%s%m%th'", "d"),
            ("mode > 'h' and mode < 'k'", "bc"),
            ("test_accuracy in (0.83, null)", "a"),
            ("test_accuracy not in (0.83, null)", ""),
            ("test_accuracy / 0 > 1 or mode > 1 or mode = 1", ""),
            ("mode <> 1 and seed = 18446744073709551614", ""),
            ("- seed = -2", "b"),
            ("2 - 1 - 1 = 0 and 1 + 2 * 3 = 7 and 0 or seed = 2", "b"),
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
                "no column `train.learning_rate`: did you mean `train.optimizer.learning_rate`?",
            ),
            (
                "learning_rate > 1",
                "no column `learning_rate`: did you mean `train.optimizer.learning_rate`?",
            ),
            ("[learning_rate] > 1", "no column `learning_rate`"),
            (
                "'train.optimizer.learning_rate' > 1",
                "is a text, since it stands in single quotes; the column is \
                 `train.optimizer.learning_rate`",
            ),
            ("'test_accuracy' > 0.8", "the column is `test_accuracy`"),
            (
                "mode = ",
                "invalid --where expression `mode = `: it ends where a value should follow",
            ),
            ("mode ~ 'x'", "`~` means nothing here"),
            ("mode = 'a' 'b'", "`'b…` stands where an operator or the end should"),
            ("mode = and", "`and` stands where a value should"),
            ("mode not 'a'", "`not` stands where an operator or the end should"),
            ("mode is 'a'", "`'a…` stands where `null` should"),
            ("seed between 1 or 2", "`or` stands where `and` should"),
            ("seed in 1", "`1` stands where `(` should"),
            ("seed > 1.2.3", "`1.2.3` is no number"),
            ("seed > 2x", "`2x` is no number"),
            ("", "invalid --where expression ``: it ends where a value should follow"),
            ("mode = 'hide", "a `'` is not closed"),
            ("(mode = 'hide'", "it ends where `)` should follow"),
            ("mode = 'hide')", "`)` stands where an operator or the end should"),
            ("max(seed) = 1", "it has no functions, `max` neither"),
            ("mode = ?1", "`?` means nothing here"),
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
    fn nothing_but_one_bounded_condition_is_read() {
        let hostile = [
            "1); attach 'x' as y".to_owned(),
            "1; drop table rows".to_owned(),
            "1 -- )".to_owned(),
            "1) /*".to_owned(),
            "(select 1)".to_owned(),
            "mode\0= 'hide'".to_owned(),
            "1 or ".repeat(3000) + "1",
            "(".repeat(100_000) + "1",
            "not ".repeat(100_000) + "1",
            "-".repeat(100_000) + "1",
            "1 in (-".repeat(100_000) + "1",
        ];
        for condition in hostile {
            assert!(chosen(&condition).is_err(), "{condition:.40}");
        }
        let long = format!("run_id in ({}'a')", "'x', ".repeat(10_000));
        assert_eq!(chosen(&long).as_deref(), Ok("a"));
        let deep = format!("{}seed = 1{}", "(".repeat(250), ")".repeat(250));
        assert_eq!(chosen(&deep).as_deref(), Ok("ad"));
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
            ("ROWID = 8 and rowid = 7 and Rowid = 7", 2),
        ] {
            let mut table = table.clone();
            let condition = Some(condition.to_owned());
            table.query(&Query { condition, ..Query::default() }).unwrap();
            let text = table.render(Format::Csv, 80).unwrap();
            assert_eq!(text.lines().count() - 1, rows, "{text}");
        }
    }
}
