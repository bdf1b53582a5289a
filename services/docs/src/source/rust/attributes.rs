use syn::{Attribute, Expr, ExprLit, Lit, Meta};

use crate::source::text;

/// What attributes say of an item.
#[derive(Default)]
pub(super) struct Attributes {
    pub docs: String,
    pub hidden: bool,
    /// Exists in tests only.
    pub test: bool,
    pub non_exhaustive: bool,
    /// `#[macro_export]`.
    pub exported: bool,
    pub path: Option<String>,
    /// Name of the macro that a function of a macro crate is.
    pub macro_name: Option<String>,
    pub is_macro: bool,
}

impl Attributes {
    pub fn of(attributes: &[Attribute]) -> Self {
        let mut all = Self::default();
        let mut docs = Vec::new();
        for attribute in attributes {
            let Some(name) = attribute.path().get_ident().map(ToString::to_string) else { continue };
            match (name.as_str(), &attribute.meta) {
                ("doc", Meta::NameValue(pair)) => match text_of(&pair.value) {
                    Some(line) => docs.push(line),
                    // `include_str!` and the like: there is some.
                    None => docs.push("(included)".to_owned()),
                },
                ("doc", Meta::List(list)) => all.hidden |= has_word(&list.tokens.to_string(), "hidden"),
                ("cfg", Meta::List(list)) => {
                    let condition = list.tokens.to_string();
                    all.test |= condition == "test" || condition.replace(' ', "").starts_with("all(test,");
                }
                ("test", _) => all.test = true,
                ("non_exhaustive", _) => all.non_exhaustive = true,
                ("macro_export", _) => all.exported = true,
                ("path", Meta::NameValue(pair)) => all.path = text_of(&pair.value),
                ("proc_macro" | "proc_macro_attribute", _) => all.is_macro = true,
                ("proc_macro_derive", Meta::List(list)) => {
                    all.is_macro = true;
                    all.macro_name = list.tokens.clone().into_iter().next().map(|token| token.to_string());
                }
                _ => {}
            }
        }
        all.docs = text::docs(&docs.join("\n"));
        all
    }
}

fn text_of(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
            let text = text.value();
            Some(text.strip_prefix(' ').map_or(text.clone(), str::to_owned))
        }
        _ => None,
    }
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
}
