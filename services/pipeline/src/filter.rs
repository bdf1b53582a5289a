//! Filters in jq's language, without what need not end. Pure but for the thread that a filter runs on.

use jaq_core::{
    Compiler, Ctx, Vars,
    data::JustLut,
    load::{
        Arena, File, Loader,
        lex::{Lexer, StrPart, Tok, Token},
    },
    unwrap_valr,
};
use jaq_json::{Val, read};
use serde_json::Value;

use crate::stack;

/// Bytes of a filter at most.
const MAX_FILTER: usize = 4_096;
/// Values that a filter may give at most.
const MAX_VALUES: usize = 100_000;
/// What would not end by itself, reads the process's surroundings, or ends the process.
const REFUSED: [&str; 15] = [
    "def",
    "repeat",
    "recurse",
    "while",
    "until",
    "env",
    "halt",
    "halt_error",
    "input",
    "inputs",
    "debug",
    "stderr",
    "import",
    "include",
    "infinite",
];

/// Why a filter cannot be used. Says nothing of the values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// More bytes than allowed.
    #[error("the filter is longer than {MAX_FILTER} bytes")]
    TooLong,
    /// One of the words that are left out.
    #[error("the filter uses `{0}`, which is left out here: filters must end by themselves")]
    Refused(String),
    /// Not jq's language, or a function that is not there.
    #[error("the filter is not in jq's language, or uses a function that is not there")]
    Syntax,
    /// It ended with an error of its own.
    #[error("the filter failed on its input")]
    Failed,
    /// More values than allowed.
    #[error("the filter gives more than {MAX_VALUES} values")]
    TooMany,
    /// A value that JSON has no form for.
    #[error("the filter gives something that JSON has no form for")]
    NotJson,
}

/// Reads a filter and forgets it.
///
/// # Errors
/// It cannot be used.
pub fn check(filter: &str) -> Result<(), FilterError> {
    stack::large(|| compile(filter).map(drop)).unwrap_or(Err(FilterError::Failed))
}

/// What a filter makes of a value: the one thing that it gives, or a list where it gives none or several.
///
/// # Errors
/// It cannot be used, or fails.
pub fn run(filter: &str, input: &Value) -> Result<Value, FilterError> {
    stack::large(|| evaluate(filter, input)).unwrap_or(Err(FilterError::Failed))
}

fn evaluate(filter: &str, input: &Value) -> Result<Value, FilterError> {
    let filter = compile(filter)?;
    let input = read::parse_single(input.to_string().as_bytes()).map_err(|_| FilterError::NotJson)?;
    let context = Ctx::<JustLut<Val>>::new(&filter.lut, Vars::new([]));
    let mut values = Vec::new();
    for value in filter.id.run((context, input)).map(unwrap_valr) {
        let value = value.map_err(|_| FilterError::Failed)?;
        values.push(serde_json::from_str(&value.to_string()).map_err(|_| FilterError::NotJson)?);
        if values.len() > MAX_VALUES {
            return Err(FilterError::TooMany);
        }
    }
    Ok(if values.len() == 1 { values.remove(0) } else { Value::Array(values) })
}

fn compile(filter: &str) -> Result<jaq_core::Filter<JustLut<Val>>, FilterError> {
    if filter.len() > MAX_FILTER {
        return Err(FilterError::TooLong);
    }
    let tokens = Lexer::new(filter).lex().map_err(|_| FilterError::Syntax)?;
    if let Some(word) = refused(&tokens) {
        return Err(FilterError::Refused(word.to_owned()));
    }
    let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let functions =
        jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs()).filter(|(name, ..)| *name != "env");
    let arena = Arena::default();
    let modules = Loader::new(definitions)
        .load(&arena, File { code: filter, path: () })
        .map_err(|_| FilterError::Syntax)?;
    Compiler::default().with_funs(functions).compile(modules).map_err(|_| FilterError::Syntax)
}

fn refused<'a>(tokens: &[Token<&'a str>]) -> Option<&'a str> {
    tokens.iter().find_map(|Token(text, token)| match token {
        Tok::Word => REFUSED.contains(text).then_some(*text),
        Tok::Block(inner) => refused(inner),
        Tok::Str(parts) => parts.iter().find_map(|part| match part {
            StrPart::Term(term) => refused(std::slice::from_ref(term)),
            StrPart::Str(_) | StrPart::Char(_) => None,
        }),
        Tok::Var | Tok::Fmt | Tok::Num | Tok::Sym => None,
    })
}
