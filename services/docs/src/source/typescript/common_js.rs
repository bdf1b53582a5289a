//! `module.exports` and `exports`, for files that export in no other way.

use oxc_ast::ast::{AssignmentTarget, Expression, ObjectPropertyKind, Statement, StaticMemberExpression};
use oxc_span::GetSpan;

use super::{Script, items};
use crate::source::{Exported, ScriptExport, ScriptSource};

pub(super) fn read(script: &Script, body: &[Statement], module: &mut ScriptSource) {
    for statement in body {
        let Statement::ExpressionStatement(of) = statement else { continue };
        let Expression::AssignmentExpression(assignment) = &of.expression else { continue };
        let AssignmentTarget::StaticMemberExpression(target) = &assignment.left else { continue };
        let at = of.span;
        if is_exports(target) {
            let Expression::ObjectExpression(object) = &assignment.right else {
                add(script, module, "default", &assignment.right, at);
                continue;
            };
            for property in &object.properties {
                if let ObjectPropertyKind::ObjectProperty(of) = property
                    && let Some(name) = of.key.static_name()
                {
                    add(script, module, &name, &of.value, of.span);
                }
            }
        } else if of_exports(&target.object) {
            add(script, module, target.property.name.as_str(), &assignment.right, at);
        }
    }
}

fn add(script: &Script, module: &mut ScriptSource, name: &str, value: &Expression, at: oxc_span::Span) {
    let local = match value {
        Expression::Identifier(of) => of.name.to_string(),
        _ => {
            // A name that no identifier can have.
            let local = format!("exports.{name}");
            let mut item = items::value(script, value, name, at);
            item.name.clone_from(&local);
            module.items.push(item);
            local
        }
    };
    let line = script.line(value.span().start);
    module.exports.push(ScriptExport { name: Some(name.to_owned()), what: Exported::Local(local), line });
}

/// `module.exports`.
fn is_exports(of: &StaticMemberExpression) -> bool {
    of.property.name == "exports" && of.object.is_specific_id("module")
}

/// `exports` or `module.exports`.
fn of_exports(of: &Expression) -> bool {
    match of {
        Expression::StaticMemberExpression(member) => is_exports(member),
        other => other.is_specific_id("exports"),
    }
}
