use proc_macro2::{Delimiter, LineColumn, Span, TokenStream, TokenTree};
use quote::ToTokens;

use crate::source::text;

/// Syntax as its author spaced it, on one line and without comments.
pub(super) fn tokens(syntax: &impl ToTokens) -> String {
    let mut spelling = Spelling::default();
    spelling.all(syntax.to_token_stream());
    text::one_line(&spelling.text)
}

#[derive(Default)]
struct Spelling {
    text: String,
    /// Where the last token ended.
    end: Option<LineColumn>,
}

impl Spelling {
    fn all(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::None => ("", ""),
                    };
                    self.one(open, group.span_open());
                    self.all(group.stream());
                    self.one(close, group.span_close());
                }
                token => self.one(&token.to_string(), token.span()),
            }
        }
    }

    fn one(&mut self, token: &str, span: Span) {
        let start = span.start();
        if let Some(end) = self.end.filter(|end| *end != start) {
            self.text.push(if end.line == start.line { ' ' } else { '\n' });
        }
        self.text.push_str(token);
        self.end = Some(span.end());
    }
}
