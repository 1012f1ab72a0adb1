//! Tables of typed cells, written as each format's readers expect.
//!
//! People get units, thousands apart and numbers aligned at the point; programs get plain numbers, in
//! the units of the Parquet tables, one column a number.

use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, TableStyle, Width,
};

use crate::report::canvas::error::ReportError;
use crate::report::tables::cell::{Cell, Parts};
use crate::report::tables::query::Query;
use crate::report::words::visible::visible;

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Table,
    Csv,
    Json,
    Markdown,
    /// A `tabular` with the rules of the package booktabs.
    Latex,
}

impl std::str::FromStr for Format {
    type Err = ReportError;

    fn from_str(text: &str) -> Result<Format, ReportError> {
        match text {
            "table" => Ok(Format::Table),
            "csv" => Ok(Format::Csv),
            "json" => Ok(Format::Json),
            "markdown" => Ok(Format::Markdown),
            "latex" => Ok(Format::Latex),
            other => Err(ReportError::UnknownFormat(other.to_owned())),
        }
    }
}

/// Where the text of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// A column's two names and its alignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name for programs, in snake case; a cell of several numbers adds `_spread`, `_low`, `_high`.
    pub key: String,
    /// The name for people.
    pub header: String,
    pub align: Align,
}

/// Rows of cells under columns.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Column {
    pub fn text(key: &str, header: &str) -> Column {
        Column { key: key.to_owned(), header: header.to_owned(), align: Align::Left }
    }

    pub fn number(key: &str, header: &str) -> Column {
        Column { key: key.to_owned(), header: header.to_owned(), align: Align::Right }
    }
}

impl Table {
    pub fn new(columns: Vec<Column>) -> Table {
        Table { columns, rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty, surplus ones are dropped.
    pub fn push(&mut self, mut cells: Vec<Cell>) {
        cells.resize(self.columns.len(), Cell::Empty);
        self.rows.push(cells);
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(in crate::report) fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(in crate::report) fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// Keeps the rows whose cell in a column holds a text, as people see it.
    ///
    /// # Errors
    /// [`ReportError::UnknownColumn`]; so has `select`.
    pub fn keep(&mut self, key: &str, text: &str) -> Result<(), ReportError> {
        let column = self.column(key)?;
        self.rows.retain(|row| Parts::of(&row[column]).padded([0; 4]).contains(text));
        Ok(())
    }

    /// The names of the columns, for programs.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.key.as_str())
    }

    /// The texts of a column, in the order of the rows; empty where a cell holds none.
    ///
    /// # Errors
    /// [`ReportError::UnknownColumn`].
    pub fn texts(&self, key: &str) -> Result<Vec<&str>, ReportError> {
        let column = self.column(key)?;
        let texts = self.rows.iter().map(|row| match &row[column] {
            Cell::Text(text) | Cell::Id(text) => text.as_str(),
            _ => "",
        });
        Ok(texts.collect())
    }

    /// Keeps the rows that a query chooses, in its order.
    ///
    /// # Errors
    /// [`ReportError::UnknownColumn`], and [`ReportError::Condition`] where the condition is none.
    pub fn query(&mut self, query: &Query) -> Result<(), ReportError> {
        let fields = self.fields();
        let chosen = query.choose(&fields, &self.rows)?;
        self.rows = chosen.into_iter().map(|row| std::mem::take(&mut self.rows[row])).collect();
        Ok(())
    }

    /// Keeps these columns, in this order.
    pub fn select(&mut self, keys: &[String]) -> Result<(), ReportError> {
        let chosen = keys.iter().map(|key| self.column(key)).collect::<Result<Vec<usize>, _>>()?;
        self.columns = chosen.iter().map(|column| self.columns[*column].clone()).collect();
        for row in &mut self.rows {
            *row = chosen.iter().map(|column| row[*column].clone()).collect();
        }
        Ok(())
    }

    fn column(&self, key: &str) -> Result<usize, ReportError> {
        self.columns
            .iter()
            .position(|column| column.key == key)
            .ok_or_else(|| ReportError::unknown_column(key, &self.keys().collect::<Vec<_>>()))
    }

    /// The table in that format; a terminal table is at most `width` characters wide, its text columns
    /// broken over lines where need be. Ends in a line break.
    ///
    /// # Errors
    /// Where a value cannot be encoded.
    pub fn render(&self, format: Format, width: usize) -> Result<String, ReportError> {
        match format {
            Format::Table => Ok(self.terminal(width)),
            Format::Markdown => Ok(self.markdown()),
            Format::Latex => Ok(self.latex()),
            Format::Csv => self.csv(),
            Format::Json => self.json(),
        }
    }

    /// What people see of every cell, each part of a number padded to its column's width.
    fn written(&self) -> Vec<Vec<String>> {
        let mut written = vec![vec![String::new(); self.columns.len()]; self.rows.len()];
        for column in 0..self.columns.len() {
            let parts: Vec<Parts> = self.rows.iter().map(|row| Parts::of(&row[column])).collect();
            // Words among numbers are not aligned with them.
            let widest = |part: fn(&Parts) -> &str| {
                let numbers = parts.iter().filter(|parts| parts.numeric);
                numbers.map(|parts| part(parts).chars().count()).max().unwrap_or(0)
            };
            let widths = match self.columns[column].align {
                // Numbers here and there among texts begin where the texts begin.
                Align::Left => [0; 4],
                Align::Right => [
                    widest(|parts| &parts.value),
                    widest(|parts| &parts.spread),
                    widest(|parts| &parts.low),
                    widest(|parts| &parts.high),
                ],
            };
            for (row, parts) in written.iter_mut().zip(&parts) {
                row[column] = parts.padded(widths);
            }
        }
        written
    }

    fn terminal(&self, width: usize) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─')));
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
        table.set_header(self.columns.iter().map(|column| visible(&column.header)));
        table.add_rows(self.written());
        for (index, column) in table.column_iter_mut().enumerate() {
            let last = index + 1 == self.columns.len();
            column.set_padding((0, if last { 0 } else { 2 }));
            if self.columns[index].align == Align::Right {
                column.set_cell_alignment(CellAlignment::Right);
                column.set_constraint(ColumnConstraint::ContentWidth);
            } else {
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(8)));
            }
        }
        let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        lines.join("\n") + "\n"
    }

    fn markdown(&self) -> String {
        let line = |cells: Vec<String>| {
            let cells: Vec<String> = cells.iter().map(|cell| in_markdown(cell.trim())).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let mut text =
            line(self.columns.iter().map(|column| visible(&column.header).into_owned()).collect());
        let rules = self.columns.iter().map(|column| match column.align {
            Align::Left => ":---".to_owned(),
            Align::Right => "---:".to_owned(),
        });
        text.push_str(&line(rules.collect()));
        for row in &self.rows {
            let cells = row.iter().map(|cell| Parts::of(cell).padded([0; 4]));
            text.push_str(&line(cells.collect()));
        }
        text
    }

    fn latex(&self) -> String {
        let places = self.columns.iter().map(|column| match column.align {
            Align::Left => 'l',
            Align::Right => 'r',
        });
        let line = |cells: &mut dyn Iterator<Item = String>| {
            format!("{} \\\\\n", cells.collect::<Vec<_>>().join(" & "))
        };
        let mut headers = self.columns.iter().map(|column| in_latex(&column.header));
        let mut text = format!(
            "% \\usepackage{{booktabs}}\n\\begin{{tabular}}{{{}}}\n\\toprule\n",
            places.collect::<String>()
        );
        text += &line(&mut headers);
        text += "\\midrule\n";
        for row in &self.rows {
            text +=
                &line(&mut row.iter().map(|cell| in_latex(Parts::of(cell).padded([0; 4]).trim())));
        }
        text + "\\bottomrule\n\\end{tabular}\n"
    }

    fn csv(&self) -> Result<String, ReportError> {
        let failure = |reason: String| ReportError::Encoding { format: "csv", reason };
        let fields = self.fields();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer
            .write_record(fields.iter().map(|field| field.name.as_str()))
            .map_err(|error| failure(error.to_string()))?;
        for row in &self.rows {
            let values = fields.iter().map(|field| match field.value(row) {
                serde_json::Value::Null => String::new(),
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            });
            writer.write_record(values).map_err(|error| failure(error.to_string()))?;
        }
        let bytes = writer.into_inner().map_err(|error| failure(error.to_string()))?;
        String::from_utf8(bytes).map_err(|error| failure(error.to_string()))
    }

    fn json(&self) -> Result<String, ReportError> {
        let fields = self.fields();
        let rows: Vec<Record<'_>> =
            self.rows.iter().map(|row| Record { fields: &fields, row }).collect();
        serde_json::to_string_pretty(&rows)
            .map(|text| text + "\n")
            .map_err(|error| ReportError::Encoding { format: "json", reason: error.to_string() })
    }

    /// The columns for programs: one for each number that any cell has.
    pub(in crate::report) fn fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        for (column, named) in self.columns.iter().enumerate() {
            for (ending, part) in [
                ("", Part::Value),
                ("_spread", Part::Spread),
                ("_low", Part::Low),
                ("_high", Part::High),
            ] {
                let field = Field { name: format!("{}{ending}", named.key), column, part };
                if part == Part::Value || self.rows.iter().any(|row| !field.value(row).is_null()) {
                    fields.push(field);
                }
            }
        }
        fields
    }
}

/// Text that a cell of Markdown shows as it stands: nothing in it ends the cell, begins an element of HTML or emphasises.
/// What stands between backticks is code.
pub(in crate::report) fn in_markdown(text: &str) -> String {
    let has_code = text.matches('`').count().is_multiple_of(2);
    let mut code = false;
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        code ^= has_code && character == '`';
        if character == '|' || (!code && matches!(character, '\\' | '<' | '*')) {
            safe.push('\\');
        }
        safe.push(character);
    }
    safe
}

/// Text that LaTeX sets as it stands: nothing in it is a command, and no bracket at the beginning of a row is
/// taken for the distance that may follow `\\\\`.
fn in_latex(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '\\' => safe += "\\textbackslash{}",
            '~' => safe += "\\textasciitilde{}",
            '^' => safe += "\\textasciicircum{}",
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => safe.extend(['\\', character]),
            '[' | ']' | '*' => safe.extend(['{', character, '}']),
            '<' => safe += "$<$",
            '>' => safe += "$>$",
            '|' => safe += "$|$",
            '"' => safe += "''",
            '−' => safe += "$-$",
            '±' => safe += "$\\pm$",
            '×' => safe += "$\\times$",
            '÷' => safe += "$\\div$",
            '≥' => safe += "$\\geq$",
            '≤' => safe += "$\\leq$",
            '→' => safe += "$\\rightarrow$",
            '…' => safe += "\\ldots{}",
            '–' => safe += "--",
            '·' => safe += "\\textperiodcentered{}",
            '°' => safe += "\\textdegree{}",
            '\u{a0}' => safe.push('~'),
            other => safe.push(other),
        }
    }
    safe
}

/// A row as a JSON object, its keys in the order of the columns.
struct Record<'a> {
    fields: &'a [Field],
    row: &'a [Cell],
}

impl serde::Serialize for Record<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields.iter().map(|field| (&field.name, field.value(self.row))))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Value,
    Spread,
    Low,
    High,
}

/// A column for programs.
pub(in crate::report) struct Field {
    pub name: String,
    column: usize,
    part: Part,
}

impl Field {
    /// Null where the cell has no such part or it is no finite number.
    pub fn value(&self, row: &[Cell]) -> serde_json::Value {
        let number = match (&row[self.column], self.part) {
            (Cell::Text(text) | Cell::Id(text), Part::Value) => return text.as_str().into(),
            (Cell::Flag(flag), Part::Value) => return (*flag).into(),
            (Cell::Count(count), Part::Value) => return (*count).into(),
            (Cell::P(p), Part::Value) => Some(*p),
            (Cell::Number { value, .. }, Part::Value) => Some(*value),
            (Cell::Number { spread, .. }, Part::Spread) => *spread,
            (Cell::Number { interval, .. }, Part::Low) => interval.map(|(low, _)| low),
            (Cell::Number { interval, .. }, Part::High) => interval.map(|(_, high)| high),
            _ => None,
        };
        number.filter(|number| number.is_finite()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(vec![
            Column::text("condition", "condition"),
            Column::number("accuracy", "accuracy, %"),
            Column::number("effect", "effect [95 %]"),
            Column::number("images", "images"),
        ]);
        let whole = Cell::share(0.83).with_spread(Some(0.006));
        table.push(vec![Cell::text("whole face"), whole, Cell::Empty, Cell::Count(1400)]);
        table.push(vec![
            Cell::text("eyes masked"),
            Cell::share(0.716).with_spread(Some(0.012)),
            Cell::share(0.114).with_interval(Some((0.089, 0.139))),
            Cell::Count(900),
        ]);
        table.push(vec![
            Cell::text("jaw | masked"),
            Cell::Missing("failed".to_owned()),
            Cell::share(-0.002).with_interval(Some((-0.101, 0.006))),
        ]);
        table
    }

    #[test]
    fn people_read_numbers_aligned_at_the_point() {
        let expected = "\
condition     accuracy, %       effect [95 %]  images
─────────────────────────────────────────────────────
whole face     83.0 ± 0.6                       1,400
eyes masked    71.6 ± 1.2  11.4 [  8.9, 13.9]     900
jaw | masked       failed  −0.2 [−10.1,  0.6]
";
        assert_eq!(table().render(Format::Table, 80).unwrap(), expected);
    }

    #[test]
    fn long_text_is_broken_so_that_the_table_fits() {
        let mut table = table();
        let long = "only brows + eyes + nose + mouth + cheeks visible at test time, noise, learning_rate 0.01";
        table.push(vec![Cell::text(long), Cell::share(0.5)]);
        let text = table.render(Format::Table, 80).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("11.4 [  8.9, 13.9]"), "{text}");
        let words: Vec<&str> = long.split(' ').collect();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }

    #[test]
    fn programs_read_plain_numbers() {
        let expected = "\
condition,accuracy,accuracy_spread,effect,effect_low,effect_high,images
whole face,0.83,0.006,,,,1400
eyes masked,0.716,0.012,0.114,0.089,0.139,900
jaw | masked,,,-0.002,-0.101,0.006,
";
        assert_eq!(table().render(Format::Csv, 80).unwrap(), expected);
    }

    #[test]
    fn json_keeps_the_order_of_the_columns() {
        let text = table().render(Format::Json, 80).unwrap();
        let rows: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(rows[1]["effect_high"], 0.139);
        assert!(rows[2]["accuracy"].is_null() && rows[0]["images"] == 1400);
        let place = |key: &str| text.find(&format!("\"{key}\"")).unwrap();
        assert!(place("condition") < place("accuracy") && place("effect_high") < place("images"));
    }

    #[test]
    fn markdown_has_alignments_and_escapes() {
        let mut table = table();
        table.push(vec![Cell::text(r"list<int>, *a* \ `b<c>|d`")]);
        let text = table.render(Format::Markdown, 80).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "| :--- | ---: | ---: | ---: |");
        assert_eq!(lines[3], "| eyes masked | 71.6 ± 1.2 | 11.4 [8.9, 13.9] | 900 |");
        assert!(lines[4].starts_with("| jaw \\| masked | failed |"), "{}", lines[4]);
        assert!(lines[5].starts_with(r"| list\<int>, \*a\* \\ `b<c>\|d` |"), "{}", lines[5]);
    }

    #[test]
    fn latex_is_a_table_of_booktabs_in_which_no_text_is_a_command() {
        let mut table = table();
        let hostile = "[2em] a_b & c % $x^2$ #1 ~ {\\input{/etc/passwd}} *\u{7}";
        table.push(vec![Cell::text(hostile), Cell::P(0.0001)]);
        let text = table.render(Format::Latex, 80).unwrap();
        let expected = "% \\usepackage{booktabs}\n\\begin{tabular}{lrrr}\n\\toprule\n\
             condition & accuracy, \\% & effect {[}95 \\%{]} & images \\\\\n\\midrule\n\
             whole face & 83.0 $\\pm$ 0.6 &  & 1,400 \\\\\n\
             eyes masked & 71.6 $\\pm$ 1.2 & 11.4 {[}8.9, 13.9{]} & 900 \\\\\n\
             jaw $|$ masked & failed & $-$0.2 {[}$-$10.1, 0.6{]} &  \\\\\n\
             {[}2em{]} a\\_b \\& c \\% \\$x\\textasciicircum{}2\\$ \\#1 \\textasciitilde{} \
             \\{\\textbackslash{}input\\{/etc/passwd\\}\\} {*}\u{fffd} & $<$ 0.001 &  &  \\\\\n\
             \\bottomrule\n\\end{tabular}\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn numbers_that_are_none_are_not_written_as_numbers() {
        let mut table = Table::new(vec![Column::number("a", "a")]);
        table.push(vec![Cell::number(f64::NAN, 2)]);
        assert_eq!(table.render(Format::Csv, 80).unwrap(), "a\n\"\"\n");
        assert!(table.render(Format::Json, 80).unwrap().contains("null"));
    }

    #[test]
    fn rows_and_columns_are_kept() {
        let mut table = table();
        table.keep("condition", "masked").unwrap();
        table.select(&["images".to_owned(), "condition".to_owned()]).unwrap();
        assert_eq!(
            table.render(Format::Csv, 80).unwrap(),
            "images,condition\n900,eyes masked\n,jaw | masked\n"
        );
        let error = table.keep("imags", "9").unwrap_err().to_string();
        assert_eq!(
            error,
            "no column `imags`: did you mean `images`? The columns are: images, condition"
        );
    }

    #[test]
    fn no_text_reaches_a_terminal_raw() {
        let mut table = Table::new(vec![
            Column::text("condition", "condi\u{1b}[2Jtion"),
            Column::text("run_id", "run"),
        ]);
        let hostile = "a\u{1b}]0;x\u{7}\r\nb\u{9b}\u{202e}c";
        table.push(vec![Cell::text(hostile), Cell::Id(hostile.to_owned())]);
        table.push(vec![Cell::Missing(hostile.to_owned())]);
        for format in [Format::Table, Format::Markdown] {
            let text = table.render(format, 80).unwrap();
            let raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!text.contains(raw), "{text:?}");
            assert!(text.contains("a\u{fffd}]0;x"), "{text:?}");
        }
        let json = table.render(Format::Json, 80).unwrap();
        assert!(!json.contains('\u{1b}') && json.contains("\\u001b"), "{json:?}");
    }

    #[test]
    fn formats_are_known_by_name() {
        assert_eq!("markdown".parse::<Format>().unwrap(), Format::Markdown);
        let error = "xml".parse::<Format>().unwrap_err().to_string();
        assert_eq!(error, "unknown format `xml`: choose table, csv, json, markdown or latex");
    }
}
