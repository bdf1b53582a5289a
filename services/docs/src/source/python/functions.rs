use ruff_python_ast::{Expr, Parameter as Syntax, ParameterWithDefault, Stmt, StmtFunctionDef};
use ruff_text_size::Ranged;

use super::{all::dotted, piece};
use crate::{
    api::{Flag, Kind, Parameter, ParameterKind, Signature},
    source::{Item, text, text::Source},
};

/// What decorators make of a function.
pub(super) enum Role {
    /// A definition of its own.
    Definition,
    /// One of several signatures.
    Overload,
    /// Lets a property be assigned.
    Setter,
    /// Lets a property be deleted.
    Deleter,
}

/// A function or method.
pub(super) fn function(of: &StmtFunctionDef, source: &Source, in_class: bool) -> (Item, Role) {
    let mut role = Role::Definition;
    let mut kind = if in_class { Kind::Method } else { Kind::Function };
    let mut flags = Vec::new();
    for decorator in &of.decorator_list {
        let called = match &decorator.expression {
            Expr::Call(call) => &call.func,
            other => other,
        };
        let Some(name) = dotted(called) else { continue };
        match name.rsplit('.').next().unwrap_or_default() {
            "property" | "cached_property" => kind = Kind::Property,
            "abstractproperty" => (kind, flags) = (Kind::Property, [flags, vec![Flag::Abstract]].concat()),
            "staticmethod" => flags.push(Flag::Static),
            "classmethod" => flags.push(Flag::ClassMethod),
            "abstractmethod" => flags.push(Flag::Abstract),
            "overload" => role = Role::Overload,
            "setter" if name.starts_with(of.name.as_str()) => role = Role::Setter,
            "deleter" if name.starts_with(of.name.as_str()) => role = Role::Deleter,
            _ => {}
        }
    }
    let parameters = parameters(of, source);
    let returns = of.returns.as_deref().map(|returns| piece(source, returns));
    let types = of.type_params.as_deref().map_or_else(String::new, |types| piece(source, types));
    let mut text = format!(
        "{}def {}{types}({})",
        if of.is_async { "async " } else { "" },
        of.name.as_str(),
        shown(&parameters)
    );
    if let Some(returns) = &returns {
        text += &format!(" -> {returns}");
    }
    let name = of.name.as_str().to_owned();
    let start = of.name.start().to_usize();
    let item = Item {
        open: is_open(&name),
        name,
        kind,
        signature: Signature { text, parameters: Some(parameters), returns, flags },
        docs: docstring(&of.body),
        line: source.line(start),
        end_line: source.line(of.end().to_usize()),
        members: Vec::new(),
    };
    (item, role)
}

/// Special names are used by more than their name; else an underscore says that a name is private.
pub(super) fn is_open(name: &str) -> bool {
    !name.starts_with('_') || (name.len() > 4 && name.starts_with("__") && name.ends_with("__"))
}

/// The first statement, where it is a text.
pub(super) fn docstring(body: &[Stmt]) -> String {
    body.first().and_then(text_of).unwrap_or_default()
}

/// A statement that is nothing but a text.
pub(super) fn text_of(statement: &Stmt) -> Option<String> {
    match statement {
        Stmt::Expr(of) => match &*of.value {
            Expr::StringLiteral(literal) => Some(text::docs(literal.value.to_str())),
            _ => None,
        },
        _ => None,
    }
}

fn parameters(of: &StmtFunctionDef, source: &Source) -> Vec<Parameter> {
    let list = &of.parameters;
    let plain = |of: &Syntax, kind| Parameter {
        name: of.name.as_str().to_owned(),
        kind,
        annotation: of.annotation.as_deref().map(|annotation| piece(source, annotation)),
        default: None,
        optional: false,
    };
    let one = |of: &ParameterWithDefault, kind| Parameter {
        default: of.default.as_deref().map(|default| piece(source, default)),
        ..plain(&of.parameter, kind)
    };
    let mut all: Vec<Parameter> = Vec::new();
    all.extend(list.posonlyargs.iter().map(|of| one(of, ParameterKind::Positional)));
    all.extend(list.args.iter().map(|of| one(of, ParameterKind::Either)));
    all.extend(list.vararg.iter().map(|of| plain(of, ParameterKind::Variadic)));
    all.extend(list.kwonlyargs.iter().map(|of| one(of, ParameterKind::Keyword)));
    all.extend(list.kwarg.iter().map(|of| plain(of, ParameterKind::Keywords)));
    all
}

fn shown(parameters: &[Parameter]) -> String {
    let mut shown = Vec::new();
    let mut before = None;
    for parameter in parameters {
        if before == Some(ParameterKind::Positional) && parameter.kind != ParameterKind::Positional {
            shown.push("/".to_owned());
        }
        let past = matches!(before, Some(ParameterKind::Variadic | ParameterKind::Keyword));
        if parameter.kind == ParameterKind::Keyword && !past {
            shown.push("*".to_owned());
        }
        let stars = match parameter.kind {
            ParameterKind::Variadic => "*",
            ParameterKind::Keywords => "**",
            _ => "",
        };
        let mut text = format!("{stars}{}", parameter.name);
        if let Some(annotation) = &parameter.annotation {
            text += &format!(": {annotation}");
        }
        if let Some(default) = &parameter.default {
            let equals = if parameter.annotation.is_some() { " = " } else { "=" };
            text += &format!("{equals}{default}");
        }
        shown.push(text);
        before = Some(parameter.kind);
    }
    if before == Some(ParameterKind::Positional) {
        shown.push("/".to_owned());
    }
    shown.join(", ")
}

/// `__name__ == "__main__"`.
pub(super) fn is_main(test: &Expr) -> bool {
    matches!(test, Expr::Compare(of) if matches!(&*of.left, Expr::Name(name) if name.id == "__name__"))
}
