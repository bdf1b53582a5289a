use oxc_ast::ast::{
    BindingPattern, Class, Declaration, Expression, Function, Statement, TSInterfaceDeclaration,
    TSNamespaceDeclaration, TSNamespaceDeclarationBody, TSType, VariableDeclaration,
};
use oxc_span::{GetSpan, Span};

use super::{
    Script,
    members::{of_class, of_signatures, put},
    signatures::call,
};
use crate::{
    api::{Flag, Kind, Signature},
    source::Item,
};

/// Adds what a declaration defines; gives the names. `at` is the whole statement, before which its documentation stands.
pub(super) fn declare(script: &Script, of: &Declaration, at: Span, items: &mut Vec<Item>) -> Vec<String> {
    match of {
        Declaration::VariableDeclaration(of) => return variables(script, of, at, items),
        Declaration::FunctionDeclaration(of) => {
            if let Some(id) = &of.id {
                let bodiless = of.body.is_none();
                put(items, function(script, of, id.name.as_str(), at), bodiless);
                return vec![id.name.to_string()];
            }
        }
        Declaration::ClassDeclaration(of) => {
            if let Some(id) = &of.id {
                items.push(class(script, of, id.name.as_str(), at));
                return vec![id.name.to_string()];
            }
        }
        Declaration::TSTypeAliasDeclaration(of) => {
            let types = of.type_parameters.as_ref().map_or_else(String::new, |types| script.piece(&**types));
            let value = script.piece(&of.type_annotation);
            let mut item = item(script, of.id.name.as_str(), Kind::Type, at);
            item.signature.text = format!("type {}{types} = {value}", item.name);
            item.signature.returns = Some(value);
            if let TSType::TSTypeLiteral(literal) = &of.type_annotation {
                item.members = of_signatures(script, &literal.members);
                item.signature.returns = None;
                item.signature.text = format!("type {}{types}", item.name);
            }
            let name = item.name.clone();
            items.push(item);
            return vec![name];
        }
        Declaration::TSInterfaceDeclaration(of) => {
            let item = interface(script, of, at);
            let name = item.name.clone();
            // Interfaces of one name are one.
            match items.iter_mut().find(|known| known.kind == Kind::Interface && known.name == name) {
                Some(known) => known.members.extend(item.members),
                None => items.push(item),
            }
            return vec![name];
        }
        Declaration::TSEnumDeclaration(of) => {
            let mut item = item(script, of.id.name.as_str(), Kind::Enum, at);
            item.signature.text = format!("enum {}", item.name);
            for member in &of.body.members {
                let name = member.id.static_name();
                let mut variant = self::item(script, name.as_str(), Kind::Variant, member.span);
                variant.signature.text = script.piece(member);
                item.members.push(variant);
            }
            let name = item.name.clone();
            items.push(item);
            return vec![name];
        }
        Declaration::TSNamespaceDeclaration(of) => {
            let item = namespace(script, of, at);
            let name = item.name.clone();
            items.push(item);
            return vec![name];
        }
        _ => {}
    }
    Vec::new()
}

/// A function under a name.
pub(super) fn function(script: &Script, of: &Function, name: &str, at: Span) -> Item {
    let mut item = item(script, name, Kind::Function, at);
    let head = format!("{}function {name}", if of.r#async { "async " } else { "" });
    item.signature =
        call(script, &head, of.type_parameters.as_deref(), &of.params, of.return_type.as_deref());
    item
}

/// A class under a name.
pub(super) fn class(script: &Script, of: &Class, name: &str, at: Span) -> Item {
    let mut item = item(script, name, Kind::Class, at);
    let types = of.type_parameters.as_ref().map_or_else(String::new, |types| script.piece(&**types));
    let mut text = format!("{}class {name}{types}", if of.r#abstract { "abstract " } else { "" });
    if let Some(heritage) = &of.heritage {
        let arguments =
            heritage.type_arguments.as_ref().map_or_else(String::new, |arguments| script.piece(&**arguments));
        text += &format!(" extends {}{arguments}", script.piece(&heritage.expression));
    }
    if !of.implements.is_empty() {
        let all: Vec<String> = of.implements.iter().map(|one| script.piece(one)).collect();
        text += &format!(" implements {}", all.join(", "));
    }
    item.signature.text = text;
    if of.r#abstract {
        item.signature.flags.push(Flag::Abstract);
    }
    item.members = of_class(script, of);
    item
}

/// An interface.
pub(super) fn interface(script: &Script, of: &TSInterfaceDeclaration, at: Span) -> Item {
    let mut item = item(script, of.id.name.as_str(), Kind::Interface, at);
    let types = of.type_parameters.as_ref().map_or_else(String::new, |types| script.piece(&**types));
    item.signature.text = format!("interface {}{types}", item.name);
    if !of.extends.is_empty() {
        let all: Vec<String> = of.extends.iter().map(|one| script.piece(one)).collect();
        item.signature.text += &format!(" extends {}", all.join(", "));
    }
    item.members = of_signatures(script, &of.body.body);
    item
}

/// An expression under a name, as far as it says what it is.
pub(super) fn value(script: &Script, of: &Expression, name: &str, at: Span) -> Item {
    match of {
        Expression::ArrowFunctionExpression(of) => {
            let mut item = item(script, name, Kind::Function, at);
            let head = format!("{}function {name}", if of.r#async { "async " } else { "" });
            item.signature =
                call(script, &head, of.type_parameters.as_deref(), &of.params, of.return_type.as_deref());
            item
        }
        Expression::FunctionExpression(of) => function(script, of, name, at),
        Expression::ClassExpression(of) => class(script, of, name, at),
        Expression::ParenthesizedExpression(of) => value(script, &of.expression, name, at),
        _ => {
            let mut item = item(script, name, Kind::Constant, at);
            item.signature.text = name.to_owned();
            item
        }
    }
}

fn namespace(script: &Script, of: &TSNamespaceDeclaration, at: Span) -> Item {
    let mut item = item(script, of.id.name.as_str(), Kind::Namespace, at);
    item.signature.text = format!("namespace {}", item.name);
    match &of.body {
        TSNamespaceDeclarationBody::TSNamespaceDeclaration(inner) => {
            item.members.push(namespace(script, inner, inner.span));
        }
        TSNamespaceDeclarationBody::TSModuleBlock(block) => {
            for statement in &block.body {
                match statement {
                    Statement::ExportDeclaration(of) => {
                        declare(script, &of.declaration, of.span, &mut item.members);
                    }
                    // Everything in an ambient namespace is exported.
                    other if of.declare => {
                        if let Some(declaration) = other.as_declaration() {
                            declare(script, declaration, other.span(), &mut item.members);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    item
}

fn variables(script: &Script, of: &VariableDeclaration, at: Span, items: &mut Vec<Item>) -> Vec<String> {
    let mut names = Vec::new();
    for declarator in &of.declarations {
        let BindingPattern::BindingIdentifier(id) = &declarator.id else {
            let mut bound = Vec::new();
            patterns(&declarator.id, &mut bound);
            for name in bound {
                let mut item = item(script, &name, Kind::Constant, at);
                item.signature.text = format!("{} {name}", of.kind.as_str());
                items.push(item);
                names.push(name);
            }
            continue;
        };
        let name = id.name.as_str();
        let annotation = declarator.type_annotation.as_ref().map(|of| script.piece(&of.type_annotation));
        let item = match (annotation, &declarator.init) {
            (None, Some(init)) => {
                let mut item = value(script, init, name, at);
                if item.kind == Kind::Constant {
                    item.signature.text = format!("{} {name}", of.kind.as_str());
                }
                item
            }
            (annotation, _) => {
                let mut item = item(script, name, Kind::Constant, at);
                let shown =
                    annotation.as_ref().map_or_else(String::new, |annotation| format!(": {annotation}"));
                item.signature = Signature {
                    text: format!("{} {name}{shown}", of.kind.as_str()),
                    returns: annotation,
                    ..Signature::default()
                };
                item
            }
        };
        names.push(name.to_owned());
        items.push(item);
    }
    names
}

fn patterns(pattern: &BindingPattern, names: &mut Vec<String>) {
    match pattern {
        BindingPattern::BindingIdentifier(id) => names.push(id.name.to_string()),
        BindingPattern::ObjectPattern(object) => {
            object.properties.iter().for_each(|property| patterns(&property.value, names));
        }
        BindingPattern::ArrayPattern(array) => {
            array.elements.iter().flatten().for_each(|element| patterns(element, names));
        }
        _ => {}
    }
}

fn item(script: &Script, name: &str, kind: Kind, at: Span) -> Item {
    Item {
        name: name.to_owned(),
        kind,
        open: true,
        signature: Signature::default(),
        docs: script.docs(at.start),
        line: script.line(at.start),
        end_line: script.line(at.end),
        members: Vec::new(),
    }
}
