//! HTML that is escaped by construction: text from files comes in through [`Html::text`] and attribute
//! values alone, and markup only from the program itself.

use crate::report::canvas::figure::Figure;
use crate::report::words::visible::visible_lines;

/// A piece of a page. Tags and the names of attributes are the program's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Text, whatever it holds.
    pub fn text(text: &str) -> Html {
        Html(escape(text))
    }

    pub fn element(tag: &'static str, attributes: &[(&'static str, &str)], inner: Html) -> Html {
        Html(format!("<{tag}{}>{}</{tag}>", written(attributes), inner.0))
    }

    /// An element that has no inside.
    pub fn void(tag: &'static str, attributes: &[(&'static str, &str)]) -> Html {
        Html(format!("<{tag}{}>", written(attributes)))
    }

    /// A style sheet of the program's own.
    pub fn style(sheet: &str) -> Html {
        Html(format!("<style>\n{sheet}</style>\n"))
    }

    /// A script of the program's own, and the number by which the page's policy knows it.
    pub fn script(nonce: &str, script: &'static str) -> Html {
        Html(format!("<script{}>\n{script}</script>\n", written(&[("nonce", nonce)])))
    }

    /// An element of text alone, without attributes.
    pub fn plain(tag: &'static str, text: &str) -> Html {
        Html::element(tag, &[], Html::text(text))
    }

    /// A figure's drawing, as the program made it: its text is escaped there, and it holds no `id` that
    /// could clash with another's.
    pub fn drawing(figure: &Figure) -> Html {
        Html(figure.svg.clone())
    }

    pub fn then(mut self, next: Html) -> Html {
        self.0 += &next.0;
        self
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromIterator<Html> for Html {
    fn from_iter<I: IntoIterator<Item = Html>>(pieces: I) -> Html {
        pieces.into_iter().fold(Html::default(), Html::then)
    }
}

fn written(attributes: &[(&'static str, &str)]) -> String {
    attributes.iter().map(|(name, value)| format!(" {name}=\"{}\"", escape(value))).collect()
}

/// Text that means nothing to a browser, in an element or in a quoted attribute.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in visible_lines(text).chars() {
        match character {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_values_cannot_leave_their_place() {
        let hostile = "\"><script>alert('x')</script>&\u{202e}";
        let html = Html::element("p", &[("title", hostile)], Html::text(hostile));
        let safe = "&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;\u{fffd}";
        assert_eq!(html.as_str(), format!("<p title=\"{safe}\">{safe}</p>"));
    }
}
