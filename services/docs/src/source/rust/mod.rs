//! Rust, by syn.

mod attributes;
mod items;
mod spelling;
mod uses;

use syn::Item as Syntax;

use self::attributes::Attributes;
use super::{Item, RustImpl, RustModule, RustSource, text::Source};
use crate::api::{Flag, Kind, Signature};

/// Reads a file.
pub(super) fn read(text: &str) -> Result<RustSource, String> {
    let file =
        syn::parse_file(text).map_err(|error| format!("line {}: {error}", error.span().start().line))?;
    let attributes = Attributes::of(&file.attrs);
    let mut source = module(&file.items);
    source.docs = attributes.docs;
    source.lines = Source::new(text, Vec::new()).lines();
    Ok(source)
}

fn module(items: &[Syntax]) -> RustSource {
    let mut module = RustSource::default();
    for item in items {
        add(&mut module, item);
    }
    module
}

fn add(module: &mut RustSource, syntax: &Syntax) {
    match syntax {
        Syntax::Mod(declared) => {
            let attributes = Attributes::of(&declared.attrs);
            if attributes.test {
                return;
            }
            let content = declared.content.as_ref().map(|(_, items)| {
                let mut inner = self::module(items);
                inner.lines = items::lines(declared).1;
                inner
            });
            module.modules.push(RustModule {
                name: items::name(&declared.ident),
                open: items::is_public(&declared.vis) && !attributes.hidden,
                file: attributes.path,
                content,
                docs: attributes.docs,
                line: items::lines(declared).0,
            });
        }
        Syntax::Use(declared) if !Attributes::of(&declared.attrs).test => {
            uses::flatten(declared, &mut module.uses);
        }
        Syntax::ExternCrate(declared) if !Attributes::of(&declared.attrs).test => {
            module.uses.push(uses::of_crate(declared));
        }
        Syntax::Impl(declared) if declared.trait_.is_none() => {
            if Attributes::of(&declared.attrs).test {
                return;
            }
            if let Some(target) = items::type_path(&declared.self_ty) {
                let items = declared.items.iter().filter_map(items::of_impl).collect();
                module.impls.push(RustImpl { target, items });
            }
        }
        Syntax::Macro(declared) => {
            let attributes = Attributes::of(&declared.attrs);
            let Some(ident) = declared.ident.as_ref().filter(|_| !attributes.test) else { return };
            let (line, end_line) = items::lines(declared);
            let name = items::name(ident);
            let item = Item {
                signature: Signature {
                    text: format!("macro_rules! {name}"),
                    flags: if attributes.hidden { vec![Flag::Hidden] } else { Vec::new() },
                    ..Signature::default()
                },
                name,
                kind: Kind::Macro,
                open: attributes.exported && !attributes.hidden,
                docs: attributes.docs,
                line,
                end_line,
                members: Vec::new(),
            };
            if attributes.exported { &mut module.macros } else { &mut module.items }.push(item);
        }
        Syntax::ForeignMod(block) => module.items.extend(block.items.iter().filter_map(items::of_foreign)),
        _ => module.items.extend(items::of(syntax)),
    }
}
