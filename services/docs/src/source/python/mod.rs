//! Python, by ruff's parser.

mod all;
mod functions;
mod imports;
mod scope;

use ruff_python_ast::Stmt;
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::parse_module;
use ruff_text_size::{Ranged, TextRange};

use self::scope::{Place, Scope};
use super::{PythonSource, text::Source};

/// Reads a file.
pub(super) fn read(text: &str) -> Result<PythonSource, String> {
    let parsed = parse_module(text).map_err(|error| {
        let line = Source::new(text, Vec::new()).line(error.location.start().to_usize());
        format!("line {line}: {}", error.error)
    })?;
    let comments = parsed.tokens().iter().filter(|token| token.kind() == TokenKind::Comment);
    let source = Source::new(text, comments.map(|token| range(token.range())).collect());
    let body: &[Stmt] = parsed.suite();
    let mut scope = Scope::new(&source, Place::Module);
    scope.walk(body, false);
    Ok(PythonSource {
        docs: functions::docstring(body),
        lines: source.lines(),
        items: scope.items,
        imports: scope.imports,
        all: scope.all,
    })
}

fn range(of: TextRange) -> std::ops::Range<usize> {
    of.start().to_usize()..of.end().to_usize()
}

/// A piece of syntax on one line.
fn piece(source: &Source, of: &impl Ranged) -> String {
    source.piece(range(of.range()))
}
