//! Structured files as one kind of tree, with the line of each value.

mod json;
mod toml;
mod xml;
mod yaml;

/// Lists and maps nest at most so deep; what is deeper is no configuration.
const DEPTH: usize = 64;

/// A value, and the line on which it begins, from 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub line: u32,
    pub data: Data,
}

/// What a value is. Numbers and booleans are kept as they read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    Nothing,
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// What a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    Json,
    Toml,
    Yaml,
    Xml,
}

impl Format {
    /// By the ending of a file's name.
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
        match ending.as_str() {
            "json" => Some(Self::Json),
            "toml" => Some(Self::Toml),
            "yaml" | "yml" => Some(Self::Yaml),
            "xml" | "csproj" | "fsproj" | "vbproj" | "props" => Some(Self::Xml),
            _ if matches!(name, "Pipfile" | "Cargo.lock" | "poetry.lock" | "uv.lock") => Some(Self::Toml),
            _ if matches!(name, "composer.lock" | "Pipfile.lock") => Some(Self::Json),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Toml => "TOML",
            Self::Yaml => "YAML",
            Self::Xml => "XML",
        }
    }

    /// The document in a file's text, or why there is none.
    pub fn parse(self, text: &str) -> Result<Node, String> {
        let parsed = match self {
            Self::Json => json::parse(text),
            Self::Toml => toml::parse(text),
            Self::Yaml => yaml::parse(text),
            Self::Xml => xml::parse(text),
        };
        parsed.map_err(|reason| format!("it is not valid {}: {reason}", self.name()))
    }
}

/// A value that a path leads to, with what its wildcards stood for.
pub(crate) struct Reached<'a> {
    pub node: &'a Node,
    /// The last key that a wildcard or alternative stood for.
    pub key: Option<&'a str>,
}

impl Node {
    /// The scalar's text; of an XML element that has attributes, its text.
    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(text) => Some(text),
            Data::Map(entries) => {
                entries.iter().find(|(key, _)| key == "#text").and_then(|(_, node)| node.text())
            }
            _ => None,
        }
    }

    /// The values that a path of keys leads to, `limit` at most. A segment is a key, alternatives parted by `|`, one that ends
    /// with `*` for any that begins so, or `*` alone for any key or list item. A list is passed through by any segment, since
    /// XML says a list of elements by repeating one.
    pub fn reach(&self, path: &[String], limit: usize) -> Vec<Reached<'_>> {
        let mut found = vec![Reached { node: self, key: None }];
        for segment in path {
            let mut next = Vec::new();
            for reached in found {
                step(reached.node, reached.key, segment, &mut next, limit);
            }
            found = next;
        }
        found
    }
}

fn step<'a>(node: &'a Node, key: Option<&'a str>, segment: &str, next: &mut Vec<Reached<'a>>, limit: usize) {
    match &node.data {
        Data::Map(entries) => {
            let named = segment.contains(['*', '|']);
            for (name, node) in entries {
                if next.len() < limit && segment_matches(segment, name) {
                    next.push(Reached { node, key: if named { Some(name) } else { key } });
                }
            }
        }
        Data::List(items) if segment == "*" => {
            let room = limit.saturating_sub(next.len());
            next.extend(items.iter().take(room).map(|node| Reached { node, key }));
        }
        Data::List(items) => {
            for item in items {
                if !matches!(item.data, Data::List(_)) {
                    step(item, key, segment, next, limit);
                }
            }
        }
        Data::Nothing | Data::Scalar(_) => {}
    }
}

fn segment_matches(segment: &str, name: &str) -> bool {
    segment.split('|').any(|choice| match choice.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => choice == name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(format: Format, text: &str, path: &[&str]) -> Vec<(String, u32)> {
        let node = format.parse(text).unwrap();
        let path: Vec<String> = path.iter().map(|&segment| segment.to_owned()).collect();
        let reached = node.reach(&path, 100);
        reached.iter().map(|found| (found.node.text().unwrap_or("-").to_owned(), found.node.line)).collect()
    }

    fn said(expected: &[(&str, u32)]) -> Vec<(String, u32)> {
        expected.iter().map(|&(text, line)| (text.to_owned(), line)).collect()
    }

    #[test]
    fn every_format_knows_its_lines() {
        let json = "{\n  \"a\": {\n\t\"b\": 1.50,\n    \"c\": [\"x\",\n \"\\ud83d\\ude00\"]\n  }\n}\n";
        assert_eq!(at(Format::Json, json, &["a", "b"]), said(&[("1.5", 3)]));
        assert_eq!(at(Format::Json, json, &["a", "c", "*"]), said(&[("x", 4), ("😀", 5)]));
        let toml = "x = 1\n\n[a]\nb = \"two\"\nd.e = true\n[[a.c]]\nn = 1\n[[a.c]]\nn = 2\n";
        assert_eq!(at(Format::Toml, toml, &["a", "b"]), said(&[("two", 4)]));
        assert_eq!(at(Format::Toml, toml, &["a", "d", "*"]), said(&[("true", 5)]));
        assert_eq!(at(Format::Toml, toml, &["a", "c", "*", "n"]), said(&[("1", 7), ("2", 9)]));
        let yaml =
            "# c\nservices:\n  db:\n    image: postgres:17\n    ports: [\"5432:5432\", 80]\n  off: no\n";
        assert_eq!(at(Format::Yaml, yaml, &["services", "*", "image"]), said(&[("postgres:17", 4)]));
        assert_eq!(
            at(Format::Yaml, yaml, &["services", "d*", "ports", "*"]),
            said(&[("5432:5432", 5), ("80", 5)])
        );
        let xml = "<Project Sdk='Web'>\n <G>\n  <T>net9.0</T>\n </G>\n <I>\n  <P Include='a' Version='1'/>\n  <P Include='b'/>\n </I>\n</Project>";
        assert_eq!(at(Format::Xml, xml, &["Project", "G", "T"]), said(&[("net9.0", 3)]));
        assert_eq!(at(Format::Xml, xml, &["Project", "I", "P", "@Include"]), said(&[("a", 6), ("b", 7)]));
        assert_eq!(at(Format::Xml, xml, &["Project", "@Sdk"]), said(&[("Web", 1)]));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for format in [Format::Json, Format::Toml, Format::Yaml, Format::Xml] {
            for text in ["{\"a\": [", "a: [b\nc: ]: {", "- <a><b></a>\n: [", &"[".repeat(100_000)] {
                assert!(format.parse(text).is_err(), "{format:?} {:.20}", text);
            }
        }
        // Entities that grow without end.
        let bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned()
            + &(b'b'..=b'k').fold(String::new(), |text, letter| {
                let (this, before) = (letter as char, (letter - 1) as char);
                format!("{text}{this}: &{this} [*{before}, *{before}, *{before}, *{before}, *{before}, *{before}]\n")
            });
        assert!(Format::Yaml.parse(&bomb).is_err());
    }
}
