//! A table that a reader can sort.

use super::html::Html;
use crate::report::tables::cell::{Cell, Parts};
use crate::report::tables::table::{Align, Table};

/// The table under its caption. Every cell carries what it is sorted by; without script the rows stand as
/// they are.
pub fn sortable(caption: &str, table: &Table) -> Html {
    let head: Html = table
        .columns()
        .iter()
        .map(|column| {
            let attributes = [("scope", "col"), ("class", class(column.align))];
            Html::element("th", &attributes, Html::text(&column.header))
        })
        .collect();
    let body: Html = table
        .rows()
        .iter()
        .map(|row| {
            let cells =
                row.iter().zip(table.columns()).enumerate().map(|(index, (cell, column))| {
                    let text = Html::text(Parts::of(cell).padded([0; 4]).trim());
                    let class = class(column.align);
                    let (tag, mut attributes) = match index {
                        0 => ("th", vec![("scope", "row"), ("class", class)]),
                        _ => ("td", vec![("class", class)]),
                    };
                    let key = sort_key(cell);
                    attributes.extend(key.as_deref().map(|key| ("data-key", key)));
                    Html::element(tag, &attributes, text)
                });
            Html::element("tr", &[], cells.collect())
        })
        .collect();
    let whole = Html::plain("caption", caption)
        .then(Html::element("thead", &[], Html::element("tr", &[], head)))
        .then(Html::element("tbody", &[], body));
    let table = Html::element("table", &[("class", "sortable")], whole);
    let attributes =
        [("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", caption)];
    Html::element("div", &attributes, table)
}

fn class(align: Align) -> &'static str {
    match align {
        Align::Left => "words",
        Align::Right => "number",
    }
}

/// A number as plain digits, so that the script need not read what people see; `None` for a cell without
/// a value, which always comes last.
fn sort_key(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Empty | Cell::Missing(_) => None,
        Cell::Text(text) | Cell::Id(text) => Some(text.clone()),
        Cell::Flag(flag) => Some(u8::from(*flag).to_string()),
        Cell::Count(count) => Some(count.to_string()),
        Cell::P(value) | Cell::Number { value, .. } => value.is_finite().then(|| value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tables::table::Column;

    #[test]
    fn cells_show_what_people_read_and_carry_what_is_sorted() {
        let columns = vec![Column::text("name", "a <b>"), Column::number("share", "%")];
        let mut table = Table::new(columns);
        table.push(vec![Cell::text("<i>"), Cell::share(0.1234)]);
        table.push(vec![Cell::text("b"), Cell::Missing("failed".to_owned())]);
        let html = sortable("Shares", &table);
        let expected = "<tbody><tr><th scope=\"row\" class=\"words\" data-key=\"&lt;i&gt;\">&lt;i&gt;</th>\
             <td class=\"number\" data-key=\"0.1234\">12.3</td></tr><tr><th scope=\"row\" class=\"words\" \
             data-key=\"b\">b</th><td class=\"number\">failed</td></tr></tbody>";
        assert!(html.as_str().contains(expected), "{}", html.as_str());
        assert!(html.as_str().contains("<th scope=\"col\" class=\"words\">a &lt;b&gt;</th>"));
    }
}
