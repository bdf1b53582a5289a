use crate::{
    api::{Kind, Language, Signature, Symbol, Visibility},
    source::Item,
};

/// Makes symbols of definitions in one file.
#[derive(Clone, Copy)]
pub(super) struct Maker<'a> {
    pub language: Language,
    pub file: &'a str,
    /// Between the path of an owner and the name of its member.
    pub separator: &'a str,
}

impl Maker<'_> {
    /// A definition at a path, and its members.
    pub fn definition(self, item: &Item, path: &str, owner: &str, public: bool, symbols: &mut Vec<Symbol>) {
        let visibility = if public { Visibility::Public } else { Visibility::Private };
        symbols.push(Symbol {
            language: self.language,
            path: path.to_owned(),
            owner: owner.to_owned(),
            kind: item.kind,
            signature: item.signature.clone(),
            docs: item.docs.clone(),
            visibility,
            file: self.file.to_owned(),
            line: item.line,
            end_line: item.end_line,
        });
        for member in &item.members {
            let path_of = format!("{path}{}{}", self.separator, member.name);
            self.definition(member, &path_of, path, public && member.open, symbols);
        }
    }

    /// A module as such.
    pub fn module(
        self,
        path: &str,
        owner: &str,
        text: String,
        docs: &str,
        lines: u32,
        public: bool,
    ) -> Symbol {
        Symbol {
            language: self.language,
            path: path.to_owned(),
            owner: owner.to_owned(),
            kind: Kind::Module,
            signature: Signature { text, ..Signature::default() },
            docs: docs.to_owned(),
            visibility: if public { Visibility::Public } else { Visibility::Private },
            file: self.file.to_owned(),
            line: 1,
            end_line: lines.max(1),
        }
    }

    /// A second name.
    pub fn alias(self, path: &str, owner: &str, text: String, line: u32) -> Symbol {
        Symbol {
            language: self.language,
            path: path.to_owned(),
            owner: owner.to_owned(),
            kind: Kind::Alias,
            signature: Signature { text, ..Signature::default() },
            docs: String::new(),
            visibility: Visibility::Public,
            file: self.file.to_owned(),
            line,
            end_line: line,
        }
    }
}
