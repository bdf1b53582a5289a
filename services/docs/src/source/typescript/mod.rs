//! TypeScript and JavaScript, by oxc's parser.

mod common_js;
mod items;
mod members;
mod module;
mod signatures;

use std::ops::Range;

use oxc_allocator::Allocator;
use oxc_ast::ast::Comment;
use oxc_parser::Parser;
use oxc_span::{GetSpan, SourceType, Span};

use super::{Dialect, ScriptSource, text, text::Source};

/// Reads a file.
pub(super) fn read(text: &str, dialect: Dialect) -> Result<ScriptSource, String> {
    let kind = match dialect {
        Dialect::Tsx => SourceType::tsx(),
        Dialect::Declaration => SourceType::d_ts(),
        Dialect::JavaScript => SourceType::unambiguous().with_jsx(true),
        _ => SourceType::ts(),
    };
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, kind).parse();
    if parsed.panicked {
        // Errors that the parser got over leave the definitions around them readable.
        let first = parsed.diagnostics.errors().next().map(ToString::to_string);
        return Err(first.unwrap_or_else(|| "its syntax is wrong".to_owned()));
    }
    let comments = &parsed.program.comments;
    let script = Script {
        source: Source::new(text, comments.iter().map(|comment| range(comment.span)).collect()),
        comments,
    };
    Ok(module::read(&script, &parsed.program))
}

/// A parsed file.
struct Script<'a> {
    source: Source<'a>,
    comments: &'a [Comment],
}

impl Script<'_> {
    /// A piece of syntax on one line.
    fn piece(&self, of: &impl GetSpan) -> String {
        self.source.piece(range(of.span()))
    }

    fn line(&self, at: u32) -> u32 {
        self.source.line(at as usize)
    }

    /// The `/** … */` right before a place.
    fn docs(&self, before: u32) -> String {
        let last = self.comments.partition_point(|comment| comment.span.end <= before);
        let Some(comment) = last.checked_sub(1).and_then(|at| self.comments.get(at)) else {
            return String::new();
        };
        let between = self.source.text().get(comment.span.end as usize..before as usize).unwrap_or_default();
        let words = |text: &str| text.split_whitespace().all(|word| PREFIXES.contains(&word));
        if !comment.is_jsdoc() || !words(between) {
            return String::new();
        }
        let text = self.source.text().get(range(comment.span)).unwrap_or_default();
        text::docs(&jsdoc(text))
    }
}

/// What may stand between a comment and the definition that it is about.
const PREFIXES: [&str; 12] = [
    "export",
    "default",
    "declare",
    "async",
    "abstract",
    "static",
    "public",
    "protected",
    "readonly",
    "const",
    "let",
    "var",
];

/// The text of a `/** … */` without its frame.
fn jsdoc(comment: &str) -> String {
    let inner = comment.trim_start_matches("/**").trim_end_matches("*/");
    let lines = inner.lines().map(|line| {
        let line = line.trim();
        let line = line.strip_prefix('*').unwrap_or(line);
        line.strip_prefix(' ').unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}
