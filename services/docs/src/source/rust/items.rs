use proc_macro2::Ident;
use syn::{
    Fields, FnArg, ForeignItem, Generics, ImplItem, Item as Syntax, ItemEnum, ItemTrait, ReturnType,
    TraitItem, Type, Visibility, spanned::Spanned,
};

use super::{attributes::Attributes, spelling::tokens};
use crate::{
    api::{Flag, Kind, Parameter, ParameterKind, Signature},
    source::Item,
};

pub(super) fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// A name without the `r#` of raw identifiers.
pub(super) fn name(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
}

/// First and last line.
pub(super) fn lines(syntax: &impl Spanned) -> (u32, u32) {
    let span = syntax.span();
    let line = |line: usize| u32::try_from(line).unwrap_or(u32::MAX);
    (line(span.start().line), line(span.end().line))
}

/// Path of a type as it stands before an `impl` block, without its arguments.
pub(super) fn type_path(of: &Type) -> Option<Vec<String>> {
    match of {
        Type::Path(path) if path.qself.is_none() => {
            Some(path.path.segments.iter().map(|segment| name(&segment.ident)).collect())
        }
        Type::Group(group) => type_path(&group.elem),
        Type::Paren(paren) => type_path(&paren.elem),
        _ => None,
    }
}

/// An item of a module.
pub(super) fn of(syntax: &Syntax) -> Option<Item> {
    match syntax {
        Syntax::Fn(of) => {
            let mut item = function(Kind::Function, &of.attrs, &of.sig, syntax)?;
            item.open &= is_public(&of.vis);
            let attributes = Attributes::of(&of.attrs);
            if attributes.is_macro {
                item.kind = Kind::Macro;
                item.name = attributes.macro_name.unwrap_or(item.name);
            }
            Some(item)
        }
        Syntax::Struct(of) => {
            let fields = fields_text(&of.fields);
            let head = format!("struct {}{}{fields}", of.ident, tokens(&of.generics));
            let mut item = item(Kind::Struct, &of.ident, &of.attrs, head + &bounds(&of.generics), syntax)?;
            item.open &= is_public(&of.vis);
            item.members = fields_of(&of.fields);
            let public = |field: &syn::Field| is_public(&field.vis);
            if !of.fields.is_empty() && of.fields.iter().all(public) {
                item.signature.flags.push(Flag::AllFieldsPublic);
            }
            Some(item)
        }
        Syntax::Union(of) => {
            let head = format!("union {}{}", of.ident, tokens(&of.generics));
            let mut item = item(Kind::Union, &of.ident, &of.attrs, head, syntax)?;
            item.open &= is_public(&of.vis);
            item.members = fields_of(&Fields::Named(of.fields.clone()));
            Some(item)
        }
        Syntax::Enum(of) => enumeration(of, syntax),
        Syntax::Trait(of) => interface(of, syntax),
        Syntax::TraitAlias(of) => {
            let mut item = item(Kind::Trait, &of.ident, &of.attrs, without_attributes(syntax), syntax)?;
            item.open &= is_public(&of.vis);
            Some(item)
        }
        Syntax::Type(of) => {
            let head = format!("type {}{} = {}", of.ident, tokens(&of.generics), tokens(&of.ty));
            let mut item = item(Kind::Type, &of.ident, &of.attrs, head, syntax)?;
            item.open &= is_public(&of.vis);
            Some(item)
        }
        Syntax::Const(of) if of.ident != "_" => {
            let head = format!("const {}: {}", of.ident, tokens(&of.ty));
            let mut item = item(Kind::Constant, &of.ident, &of.attrs, head, syntax)?;
            item.open &= is_public(&of.vis);
            item.signature.returns = Some(tokens(&of.ty));
            Some(item)
        }
        Syntax::Static(of) => {
            let head = format!("static {}: {}", of.ident, tokens(&of.ty));
            let mut item = item(Kind::Static, &of.ident, &of.attrs, head, syntax)?;
            item.open &= is_public(&of.vis);
            item.signature.returns = Some(tokens(&of.ty));
            Some(item)
        }
        _ => None,
    }
}

/// An item of an inherent `impl` block.
pub(super) fn of_impl(syntax: &ImplItem) -> Option<Item> {
    match syntax {
        ImplItem::Fn(of) => {
            let mut item = function(Kind::Method, &of.attrs, &of.sig, syntax)?;
            item.open &= is_public(&of.vis);
            Some(item)
        }
        ImplItem::Const(of) => {
            let head = format!("const {}: {}", of.ident, tokens(&of.ty));
            let mut item = item(Kind::Constant, &of.ident, &of.attrs, head, syntax)?;
            item.open &= is_public(&of.vis);
            Some(item)
        }
        _ => None,
    }
}

/// An item of an `extern` block.
pub(super) fn of_foreign(syntax: &ForeignItem) -> Option<Item> {
    match syntax {
        ForeignItem::Fn(of) => {
            let mut item = function(Kind::Function, &of.attrs, &of.sig, syntax)?;
            item.open &= is_public(&of.vis);
            Some(item)
        }
        ForeignItem::Static(of) => {
            let head = format!("static {}: {}", of.ident, tokens(&of.ty));
            let mut item = item(Kind::Static, &of.ident, &of.attrs, head, syntax)?;
            item.open &= is_public(&of.vis);
            Some(item)
        }
        _ => None,
    }
}

fn enumeration(of: &ItemEnum, syntax: &Syntax) -> Option<Item> {
    let head = format!("enum {}{}", of.ident, tokens(&of.generics));
    let mut item = item(Kind::Enum, &of.ident, &of.attrs, head + &bounds(&of.generics), syntax)?;
    item.open &= is_public(&of.vis);
    item.members = of
        .variants
        .iter()
        .filter_map(|variant| {
            let fields = match &variant.fields {
                Fields::Named(named) => {
                    let fields = named.named.iter().filter_map(|field| {
                        Some(format!("{}: {}", field.ident.as_ref()?, tokens(&field.ty)))
                    });
                    format!(" {{ {} }}", fields.collect::<Vec<_>>().join(", "))
                }
                Fields::Unnamed(unnamed) => {
                    let types = unnamed.unnamed.iter().map(|field| tokens(&field.ty));
                    format!("({})", types.collect::<Vec<_>>().join(", "))
                }
                Fields::Unit => String::new(),
            };
            let mut of = self::item(
                Kind::Variant,
                &variant.ident,
                &variant.attrs,
                format!("{}{fields}", variant.ident),
                variant,
            )?;
            // Variants are as public as their enum, and so are their fields.
            of.members = fields_of(&variant.fields);
            of.members.iter_mut().for_each(|field| field.open = !field.signature.is(Flag::Hidden));
            Some(of)
        })
        .collect();
    Some(item)
}

fn interface(of: &ItemTrait, syntax: &Syntax) -> Option<Item> {
    let unsafety = if of.unsafety.is_some() { "unsafe " } else { "" };
    let mut head = format!("{unsafety}trait {}{}", of.ident, tokens(&of.generics));
    if !of.supertraits.is_empty() {
        head += &format!(": {}", tokens(&of.supertraits));
    }
    let mut item = item(Kind::Trait, &of.ident, &of.attrs, head + &bounds(&of.generics), syntax)?;
    item.open &= is_public(&of.vis);
    item.members = of.items.iter().filter_map(of_trait).collect();
    Some(item)
}

fn of_trait(syntax: &TraitItem) -> Option<Item> {
    let (mut item, provided) = match syntax {
        TraitItem::Fn(of) => (function(Kind::Method, &of.attrs, &of.sig, syntax)?, of.default.is_some()),
        TraitItem::Const(of) => {
            let head = format!("const {}: {}", of.ident, tokens(&of.ty));
            (item(Kind::Constant, &of.ident, &of.attrs, head, syntax)?, of.default.is_some())
        }
        TraitItem::Type(of) => {
            let mut head = format!("type {}{}", of.ident, tokens(&of.generics));
            if !of.bounds.is_empty() {
                head += &format!(": {}", tokens(&of.bounds));
            }
            (item(Kind::Type, &of.ident, &of.attrs, head, syntax)?, of.default.is_some())
        }
        _ => return None,
    };
    if provided {
        item.signature.flags.push(Flag::Provided);
    }
    Some(item)
}

fn function(
    kind: Kind,
    attributes: &[syn::Attribute],
    signature: &syn::Signature,
    syntax: &impl Spanned,
) -> Option<Item> {
    let mut item = item(kind, &signature.ident, attributes, tokens(signature), syntax)?;
    let parameters = signature.inputs.iter().map(|input| match input {
        FnArg::Receiver(receiver) => {
            let mut bare = receiver.clone();
            bare.attrs.clear();
            parameter("self".to_owned(), tokens(&bare))
        }
        FnArg::Typed(typed) => parameter(tokens(&typed.pat), tokens(&typed.ty)),
    });
    item.signature.parameters = Some(parameters.collect());
    item.signature.returns = match &signature.output {
        ReturnType::Default => None,
        ReturnType::Type(_, of) => Some(tokens(of)),
    };
    Some(item)
}

fn parameter(name: String, annotation: String) -> Parameter {
    Parameter {
        name,
        kind: ParameterKind::Positional,
        annotation: Some(annotation),
        default: None,
        optional: false,
    }
}

/// None for what exists in tests only.
fn item(
    kind: Kind,
    ident: &Ident,
    attributes: &[syn::Attribute],
    text: String,
    syntax: &impl Spanned,
) -> Option<Item> {
    let attributes = Attributes::of(attributes);
    if attributes.test {
        return None;
    }
    let mut flags = Vec::new();
    if attributes.non_exhaustive {
        flags.push(Flag::NonExhaustive);
    }
    if attributes.hidden {
        flags.push(Flag::Hidden);
    }
    let (line, end_line) = lines(syntax);
    Some(Item {
        name: name(ident),
        kind,
        open: !attributes.hidden,
        signature: Signature { text, flags, ..Signature::default() },
        docs: attributes.docs,
        line,
        end_line,
        members: Vec::new(),
    })
}

/// Fields with names are members; those without are part of the signature.
fn fields_of(fields: &Fields) -> Vec<Item> {
    let Fields::Named(named) = fields else { return Vec::new() };
    named
        .named
        .iter()
        .filter_map(|field| {
            let ident = field.ident.as_ref()?;
            let of = tokens(&field.ty);
            let mut item = item(Kind::Field, ident, &field.attrs, format!("{}: {of}", name(ident)), field)?;
            item.open &= is_public(&field.vis);
            item.signature.returns = Some(of);
            Some(item)
        })
        .collect()
}

fn fields_text(fields: &Fields) -> String {
    let Fields::Unnamed(fields) = fields else { return String::new() };
    let of = |field: &syn::Field| {
        if is_public(&field.vis) { format!("pub {}", tokens(&field.ty)) } else { "_".to_owned() }
    };
    format!("({})", fields.unnamed.iter().map(of).collect::<Vec<_>>().join(", "))
}

fn bounds(generics: &Generics) -> String {
    generics.where_clause.as_ref().map_or_else(String::new, |bounds| format!(" {}", tokens(bounds)))
}

fn without_attributes(syntax: &Syntax) -> String {
    let text = tokens(syntax);
    text.trim_end_matches(';').to_owned()
}
