use ruff_python_ast::{Expr, Operator};

use crate::source::AllPart;

/// What an expression adds to `__all__`. Parts that only running the code would tell are left out.
pub(super) fn parts(value: &Expr, parts: &mut Vec<AllPart>) {
    match value {
        Expr::List(list) => list.elts.iter().for_each(|element| self::parts(element, parts)),
        Expr::Tuple(tuple) => tuple.elts.iter().for_each(|element| self::parts(element, parts)),
        Expr::Set(set) => set.elts.iter().for_each(|element| self::parts(element, parts)),
        Expr::Starred(starred) => self::parts(&starred.value, parts),
        Expr::BinOp(sum) if sum.op == Operator::Add => {
            self::parts(&sum.left, parts);
            self::parts(&sum.right, parts);
        }
        Expr::StringLiteral(text) => parts.push(AllPart::Name(text.value.to_str().to_owned())),
        Expr::Attribute(attribute) if attribute.attr.as_str() == "__all__" => {
            if let Some(module) = dotted(&attribute.value) {
                parts.push(AllPart::Of(module));
            }
        }
        Expr::Call(call) => call.arguments.args.iter().for_each(|argument| self::parts(argument, parts)),
        _ => {}
    }
}

/// A name with dots.
pub(super) fn dotted(value: &Expr) -> Option<String> {
    match value {
        Expr::Name(name) => Some(name.id.to_string()),
        Expr::Attribute(attribute) => {
            Some(format!("{}.{}", dotted(&attribute.value)?, attribute.attr.as_str()))
        }
        _ => None,
    }
}
