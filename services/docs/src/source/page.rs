use pulldown_cmark::{Event, Options, Parser};
use serde::{Deserialize, Serialize};

/// Mentions of a page that are kept.
const MAX_MENTIONS: usize = 10_000;

/// A Markdown page: its inline code.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// In their order.
    pub mentions: Vec<Mention>,
}

/// A code span that may name a symbol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mention {
    /// What it says.
    pub text: String,
    /// Its line, from 1.
    pub line: u32,
}

/// Reads the inline code of a page.
pub(super) fn read(text: &str) -> Page {
    let source = super::text::Source::new(text, Vec::new());
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let spans = Parser::new_ext(text, options).into_offset_iter().filter_map(|(event, range)| match event {
        Event::Code(code) if code.len() <= 200 && code.contains(|c: char| c.is_alphabetic()) => {
            Some(Mention { text: code.trim().to_owned(), line: source.line(range.start) })
        }
        _ => None,
    });
    Page { mentions: spans.take(MAX_MENTIONS).collect() }
}
