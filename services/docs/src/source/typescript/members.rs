use oxc_ast::ast::{
    Class, ClassElement, MethodDefinitionKind, MethodDefinitionType, TSAccessibility, TSMethodSignatureKind,
    TSSignature,
};
use oxc_span::{GetSpan, Span};

use super::{Script, signatures::call};
use crate::{
    api::{Flag, Kind, Signature},
    source::Item,
};

/// Members of a class, with the properties that its constructor's parameters declare.
pub(super) fn of_class(script: &Script, class: &Class) -> Vec<Item> {
    let mut members: Vec<Item> = Vec::new();
    for element in &class.body.body {
        match element {
            ClassElement::MethodDefinition(of) => {
                let Some(name) = of.key.static_name() else { continue };
                let function = &of.value;
                let kind = match of.kind {
                    MethodDefinitionKind::Get | MethodDefinitionKind::Set => Kind::Property,
                    MethodDefinitionKind::Constructor | MethodDefinitionKind::Method => Kind::Method,
                };
                let types = function.type_parameters.as_deref();
                let returns = function.return_type.as_deref();
                let mut signature = call(script, &name, types, &function.params, returns);
                if of.r#static {
                    signature.flags.push(Flag::Static);
                }
                if of.optional {
                    signature.flags.push(Flag::Optional);
                }
                if of.r#type == MethodDefinitionType::TSAbstractMethodDefinition {
                    signature.flags.push(Flag::Abstract);
                }
                if of.kind == MethodDefinitionKind::Constructor {
                    for parameter in &function.params.items {
                        if parameter.accessibility.is_none() && !parameter.readonly {
                            continue;
                        }
                        let name = script.piece(&parameter.pattern);
                        let returns =
                            parameter.type_annotation.as_ref().map(|of| script.piece(&of.type_annotation));
                        let signature =
                            property(&name, returns, parameter.optional, parameter.readonly, false);
                        let open = is_open(parameter.accessibility);
                        members.push(item(script, &name, Kind::Property, open, signature, parameter.span));
                    }
                }
                let mut member = item(script, &name, kind, is_open(of.accessibility), signature, of.span);
                if kind == Kind::Property {
                    accessor(&mut member.signature, &name, of.kind == MethodDefinitionKind::Set);
                }
                put(&mut members, member, function.body.is_none());
            }
            ClassElement::PropertyDefinition(of) => {
                let Some(name) = of.key.static_name() else { continue };
                let returns = of.type_annotation.as_ref().map(|of| script.piece(&of.type_annotation));
                let signature = property(&name, returns, of.optional, of.readonly, of.r#static);
                members.push(item(
                    script,
                    &name,
                    Kind::Property,
                    is_open(of.accessibility),
                    signature,
                    of.span,
                ));
            }
            ClassElement::AccessorProperty(of) => {
                let Some(name) = of.key.static_name() else { continue };
                let returns = of.type_annotation.as_ref().map(|of| script.piece(&of.type_annotation));
                let signature = property(&name, returns, false, false, of.r#static);
                members.push(item(
                    script,
                    &name,
                    Kind::Property,
                    is_open(of.accessibility),
                    signature,
                    of.span,
                ));
            }
            ClassElement::TSIndexSignature(_) | ClassElement::StaticBlock(_) => {}
        }
    }
    members
}

/// Members of an interface.
pub(super) fn of_signatures(script: &Script, signatures: &[TSSignature]) -> Vec<Item> {
    let mut members = Vec::new();
    for signature in signatures {
        match signature {
            TSSignature::TSPropertySignature(of) => {
                let Some(name) = of.key.static_name() else { continue };
                let returns = of.type_annotation.as_ref().map(|of| script.piece(&of.type_annotation));
                let signature = property(&name, returns, of.optional, of.readonly, false);
                members.push(item(script, &name, Kind::Property, true, signature, of.span));
            }
            TSSignature::TSMethodSignature(of) => {
                let Some(name) = of.key.static_name() else { continue };
                let types = of.type_parameters.as_deref();
                let mut signature = call(script, &name, types, &of.params, of.return_type.as_deref());
                if of.optional {
                    signature.flags.push(Flag::Optional);
                }
                let mut member = item(script, &name, Kind::Method, true, signature, of.span);
                if of.kind != TSMethodSignatureKind::Method {
                    member.kind = Kind::Property;
                    accessor(&mut member.signature, &name, of.kind == TSMethodSignatureKind::Set);
                }
                put(&mut members, member, true);
            }
            TSSignature::TSCallSignatureDeclaration(of) => {
                let types = of.type_parameters.as_deref();
                let signature = call(script, "", types, &of.params, of.return_type.as_deref());
                put(&mut members, item(script, "()", Kind::Method, true, signature, of.span), true);
            }
            TSSignature::TSConstructSignatureDeclaration(of) => {
                let types = of.type_parameters.as_deref();
                let signature = call(script, "new ", types, &of.params, of.return_type.as_deref());
                put(&mut members, item(script, "new", Kind::Method, true, signature, of.span), true);
            }
            TSSignature::TSIndexSignature(of) => {
                let text = script.piece(&**of).trim_end_matches([';', ',']).to_owned();
                let returns = Some(script.piece(&of.type_annotation.type_annotation));
                let signature = Signature { text, returns, ..Signature::default() };
                members.push(item(script, "[]", Kind::Property, true, signature, of.span));
            }
        }
    }
    members
}

/// Adds a member; what has the same name is another signature of it. An implementation is none where signatures stand
/// before it.
pub(super) fn put(members: &mut Vec<Item>, member: Item, bodiless: bool) {
    let Some(known) = members.iter_mut().find(|known| known.name == member.name && known.kind == member.kind)
    else {
        let mut member = member;
        if bodiless && matches!(member.kind, Kind::Method | Kind::Function) {
            member.signature.flags.push(Flag::Overload);
        }
        members.push(member);
        return;
    };
    if member.kind == Kind::Property {
        for flag in member.signature.flags {
            if flag != Flag::Readonly && !known.signature.flags.contains(&flag) {
                known.signature.flags.push(flag);
            }
        }
        if known.signature.is(Flag::Settable) {
            known.signature.flags.retain(|flag| *flag != Flag::Readonly);
        }
        known.signature.returns = known.signature.returns.take().or(member.signature.returns);
    } else if bodiless && known.signature.is(Flag::Overload) {
        known.signature.text += &format!("; {}", member.signature.text);
    }
    if known.docs.is_empty() {
        known.docs = member.docs;
    }
}

/// A getter reads like a property that nobody can assign, a setter makes it one that can be.
fn accessor(signature: &mut Signature, name: &str, is_setter: bool) {
    if is_setter {
        let first = signature.parameters.as_ref().and_then(|all| all.first());
        signature.returns = first.and_then(|parameter| parameter.annotation.clone());
        signature.flags.push(Flag::Settable);
    } else {
        signature.flags.push(Flag::Readonly);
    }
    signature.parameters = None;
    signature.text = match &signature.returns {
        Some(returns) => format!("{name}: {returns}"),
        None => name.to_owned(),
    };
}

fn property(
    name: &str,
    returns: Option<String>,
    optional: bool,
    readonly: bool,
    is_static: bool,
) -> Signature {
    let mark = if optional { "?" } else { "" };
    let of = returns.as_ref().map_or_else(String::new, |returns| format!(": {returns}"));
    let word = if readonly { "readonly " } else { "" };
    let flags = [(optional, Flag::Optional), (readonly, Flag::Readonly), (is_static, Flag::Static)];
    Signature {
        text: format!("{word}{name}{mark}{of}"),
        parameters: None,
        returns,
        flags: flags.into_iter().filter(|(is, _)| *is).map(|(_, flag)| flag).collect(),
    }
}

fn item(script: &Script, name: &str, kind: Kind, open: bool, signature: Signature, at: Span) -> Item {
    let at = at.span();
    Item {
        name: name.to_owned(),
        kind,
        open,
        signature,
        docs: script.docs(at.start),
        line: script.line(at.start),
        end_line: script.line(at.end),
        members: Vec::new(),
    }
}

/// Subclasses may use what is protected, so it is part of what others rely on.
fn is_open(accessibility: Option<TSAccessibility>) -> bool {
    accessibility != Some(TSAccessibility::Private)
}
