use oxc_ast::ast::{FormalParameter, FormalParameters, TSTypeAnnotation, TSTypeParameterDeclaration};

use super::Script;
use crate::api::{Parameter, ParameterKind, Signature};

/// What can be called: its parameters and what it gives. `head` is all before the type parameters.
pub(super) fn call(
    script: &Script,
    head: &str,
    types: Option<&TSTypeParameterDeclaration>,
    parameters: &FormalParameters,
    returns: Option<&TSTypeAnnotation>,
) -> Signature {
    let mut all: Vec<Parameter> = parameters.items.iter().map(|of| one(script, of)).collect();
    if let Some(rest) = &parameters.rest {
        all.push(Parameter {
            name: script.piece(&rest.rest.argument),
            kind: ParameterKind::Variadic,
            annotation: rest.type_annotation.as_ref().map(|of| script.piece(&of.type_annotation)),
            default: None,
            optional: false,
        });
    }
    let returns = returns.map(|of| script.piece(&of.type_annotation));
    let types = types.map_or_else(String::new, |types| script.piece(types));
    let mut text = format!("{head}{types}({})", all.iter().map(shown).collect::<Vec<_>>().join(", "));
    if let Some(returns) = &returns {
        text += &format!(": {returns}");
    }
    Signature { text, parameters: Some(all), returns, flags: Vec::new() }
}

fn one(script: &Script, of: &FormalParameter) -> Parameter {
    Parameter {
        name: script.piece(&of.pattern),
        kind: ParameterKind::Positional,
        annotation: of.type_annotation.as_ref().map(|of| script.piece(&of.type_annotation)),
        default: of.initializer.as_ref().map(|value| script.piece(&**value)),
        optional: of.optional,
    }
}

fn shown(parameter: &Parameter) -> String {
    let dots = if parameter.kind == ParameterKind::Variadic { "..." } else { "" };
    let mark = if parameter.optional { "?" } else { "" };
    let mut text = format!("{dots}{}{mark}", parameter.name);
    if let Some(annotation) = &parameter.annotation {
        text += &format!(": {annotation}");
    }
    if let Some(default) = &parameter.default {
        text += &format!(" = {default}");
    }
    text
}
