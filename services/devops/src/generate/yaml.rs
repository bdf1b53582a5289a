//! Writes YAML with comments, byte for byte the same for the same value.

use std::fmt::Write;

/// A value to write.
#[derive(Clone, Debug)]
pub(super) enum Yaml {
    Text(String),
    /// A text with a comment after it.
    Noted(String, String),
    Number(u64),
    Flag(bool),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::List(texts.into_iter().map(|text| Self::Text(text.into())).collect())
    }

    /// A map in the order given.
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Yaml)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// The document.
    pub fn document(&self) -> String {
        let mut text = String::new();
        self.block(&mut text, 0);
        text
    }

    fn block(&self, text: &mut String, indent: usize) {
        let pad = " ".repeat(indent);
        match self {
            Self::Map(entries) => {
                for (key, value) in entries {
                    text.push_str(&pad);
                    // GitHub's own key, which no reader of workflows takes for a truth.
                    text.push_str(&if key == "on" { key.clone() } else { plain_or_quoted(key) });
                    text.push(':');
                    value.after(text, indent, false);
                }
            }
            Self::List(items) => {
                for item in items {
                    text.push_str(&pad);
                    text.push('-');
                    item.after(text, indent, true);
                }
            }
            scalar => scalar.after(text, indent, false),
        }
    }

    /// What comes after a key or a dash, to the end of its last line.
    fn after(&self, text: &mut String, indent: usize, item: bool) {
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Map(entries) if entries.is_empty() => writeln!(text, " {{}}"),
            Self::List(items) if items.is_empty() => writeln!(text, " []"),
            Self::Map(_) | Self::List(_) if item => {
                // The first line of an item stands beside its dash.
                let mut inner = String::new();
                self.block(&mut inner, indent + 2);
                write!(text, " {}", inner.trim_start_matches(' '))
            }
            Self::Map(_) | Self::List(_) => {
                text.push('\n');
                self.block(text, indent + 2);
                Ok(())
            }
            Self::Text(value) if value.contains('\n') && is_literal(value) => {
                text.push_str(" |-\n");
                value.lines().try_for_each(|line| writeln!(text, "{}{line}", " ".repeat(indent + 2)))
            }
            Self::Text(value) => writeln!(text, " {}", plain_or_quoted(value)),
            Self::Noted(value, note) => writeln!(text, " {} # {note}", plain_or_quoted(value)),
            Self::Number(value) => writeln!(text, " {value}"),
            Self::Flag(value) => writeln!(text, " {value}"),
        };
    }
}

/// True for lines that a literal block says as they are.
fn is_literal(text: &str) -> bool {
    let fine = |line: &str| !line.is_empty() && !line.starts_with(' ') && !line.chars().any(char::is_control);
    !text.ends_with('\n') && text.split('\n').all(fine)
}

/// A text as it is where every reader takes it for that text, else in double quotes.
fn plain_or_quoted(text: &str) -> String {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '$' || c == '_');
    let inside = |c: char| c.is_ascii_alphanumeric() || " ._/@+-$(),='\"".contains(c);
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let known = words.contains(&text.to_ascii_lowercase().as_str());
    if starts && !known && !text.ends_with(' ') && text.chars().all(inside) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        // Writing to a String cannot fail.
        let _ = match c {
            '"' => quoted.write_str("\\\""),
            '\\' => quoted.write_str("\\\\"),
            '\n' => quoted.write_str("\\n"),
            '\t' => quoted.write_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                write!(quoted, "\\U{:08X}", u32::from(c))
            }
            c => quoted.write_char(c),
        };
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_reads_back_as_it_was() {
        let texts = [
            "",
            "a",
            "a b",
            "true",
            "No",
            "on",
            "1.0",
            "1e3",
            "0x1f",
            "null",
            "~",
            "- a",
            "a: b",
            "a #b",
            "#a",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a`",
            "'a'",
            "\"a\"",
            "{a}",
            "[a]",
            "a\nb",
            "a\n\nb",
            " a",
            "a ",
            "a\n",
            "\ta",
            "a\tb\nc",
            "${{ x }}",
            "a\\b",
            "é",
            "\u{7}",
            "a,b",
            "a\r\nb",
            "x=1",
            "|",
            ">",
            "?",
            "$X",
            "2024-01-01",
            "a'b",
            "\u{85}x",
        ];
        for text in texts {
            let value = Yaml::map([
                ("k", Yaml::text(text)),
                (
                    "l",
                    Yaml::List(vec![
                        Yaml::text(text),
                        Yaml::map([("m", Yaml::text(text)), ("n", Yaml::Number(1))]),
                    ]),
                ),
            ]);
            let document = value.document();
            let back: serde_json::Value = serde_saphyr::from_str(&document).unwrap();
            assert_eq!(back["k"], text, "{document}");
            assert_eq!(back["l"][0], text, "{document}");
            assert_eq!(back["l"][1]["m"], text, "{document}");
        }
    }
}
