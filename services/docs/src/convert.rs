//! The domain in the words of the contract.

use septet_proto_docs::v1::{self, DifferenceKind};

use crate::{
    api::{Language, Symbol, Visibility},
    compare::{Change, Difference},
    coverage::Count,
};

pub(crate) fn language(of: Language) -> v1::Language {
    match of {
        Language::Rust => v1::Language::Rust,
        Language::Python => v1::Language::Python,
        Language::TypeScript => v1::Language::Typescript,
    }
}

pub(crate) fn symbol(of: &Symbol) -> v1::Symbol {
    let visibility = match of.visibility {
        Visibility::Public => v1::Visibility::Public,
        Visibility::Private => v1::Visibility::Private,
    };
    v1::Symbol {
        language: language(of.language).into(),
        path: of.path.clone(),
        kind: of.kind.name().to_owned(),
        signature: of.signature.text.clone(),
        docs: of.docs.clone(),
        visibility: visibility.into(),
        file: of.file.clone(),
        line: of.line,
        end_line: of.end_line,
    }
}

pub(crate) fn difference(of: &Difference) -> v1::Difference {
    let kind = match of.change {
        Change::Added => DifferenceKind::Added,
        Change::Removed => DifferenceKind::Removed,
        Change::Changed => DifferenceKind::Changed,
        Change::Hidden => DifferenceKind::Hidden,
        Change::Renamed => DifferenceKind::Renamed,
    };
    v1::Difference {
        kind: kind.into(),
        breaking: of.breaking,
        reason: of.reason.clone(),
        before: of.before.as_ref().map(symbol),
        after: of.after.as_ref().map(symbol),
    }
}

pub(crate) fn coverage(of: Option<Language>, file: &str, count: Count) -> v1::Coverage {
    v1::Coverage {
        language: of.map_or(v1::Language::Unspecified, language).into(),
        file: file.to_owned(),
        symbols: count.symbols,
        documented: count.documented,
    }
}

pub(crate) fn unread(of: &[(String, String)]) -> Vec<v1::UnreadFile> {
    let shown = of.iter().take(100);
    shown.map(|(file, reason)| v1::UnreadFile { file: file.clone(), reason: reason.clone() }).collect()
}
