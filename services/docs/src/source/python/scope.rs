use ruff_python_ast::{ExceptHandler, Expr, Stmt, StmtClassDef, StmtFunctionDef};
use ruff_text_size::Ranged;

use super::{
    all::{dotted, parts},
    functions::{self, Role, docstring, function, is_open, text_of},
    imports, piece,
};
use crate::{
    api::{Flag, Kind, Signature},
    source::{AllPart, Item, PythonImport, text::Source},
};

/// Where definitions are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Module,
    Class,
}

/// The definitions of a module or class.
pub(super) struct Scope<'a> {
    source: &'a Source<'a>,
    place: Place,
    pub items: Vec<Item>,
    pub imports: Vec<PythonImport>,
    pub all: Option<Vec<AllPart>>,
    /// Signatures of overloads that wait for their implementation.
    overloads: Vec<(String, String)>,
}

impl<'a> Scope<'a> {
    pub fn new(source: &'a Source<'a>, place: Place) -> Self {
        Self { source, place, items: Vec::new(), imports: Vec::new(), all: None, overloads: Vec::new() }
    }

    /// Takes in statements. What stands under a condition does not replace what was there before.
    pub fn walk(&mut self, body: &[Stmt], conditional: bool) {
        for (at, statement) in body.iter().enumerate() {
            let docs = || body.get(at + 1).and_then(text_of).unwrap_or_default();
            match statement {
                Stmt::FunctionDef(of) => self.function(of),
                Stmt::ClassDef(of) => self.class(of),
                Stmt::Assign(of) => {
                    for target in &of.targets {
                        self.assigned(target, None, Some(&of.value), statement, &docs(), conditional);
                    }
                }
                Stmt::AnnAssign(of) => {
                    let value = of.value.as_deref();
                    self.assigned(&of.target, Some(&of.annotation), value, statement, &docs(), conditional);
                }
                Stmt::AugAssign(of) if self.is_all(&of.target) => {
                    parts(&of.value, self.all.get_or_insert_default());
                }
                Stmt::TypeAlias(of) => {
                    if let Expr::Name(name) = &*of.name {
                        let value = piece(self.source, &*of.value);
                        let text = format!("type {} = {value}", name.id);
                        let signature = Signature { text, returns: Some(value), ..Signature::default() };
                        self.put(self.item(&name.id, Kind::Type, signature, docs(), statement));
                    }
                }
                Stmt::Expr(of) => self.called(&of.value),
                Stmt::Import(of) if self.place == Place::Module => {
                    imports::plain(of, self.source, &mut self.imports);
                }
                Stmt::ImportFrom(of) if self.place == Place::Module => {
                    imports::from(of, self.source, &mut self.imports);
                }
                _ => blocks(statement, &mut |body| self.walk(body, true)),
            }
        }
        if !conditional {
            self.leftover_overloads();
        }
    }

    fn function(&mut self, of: &StmtFunctionDef) {
        let (mut item, role) = function(of, self.source, self.place == Place::Class);
        match role {
            Role::Overload => {
                self.overloads.push((item.name.clone(), item.signature.text.clone()));
                // Stands until the implementation replaces it; a stub has none.
                item.signature.flags.push(Flag::Overload);
                self.put(item);
            }
            Role::Setter => {
                if let Some(property) = self.items.iter_mut().find(|known| known.name == item.name) {
                    property.signature.flags.push(Flag::Settable);
                }
            }
            Role::Deleter => {}
            Role::Definition => {
                let is_init = self.place == Place::Class && item.name == "__init__";
                self.put(item);
                if is_init {
                    self.instance(&of.body);
                }
            }
        }
    }

    /// Callers see the overloads instead of the implementation.
    fn leftover_overloads(&mut self) {
        for (name, text) in std::mem::take(&mut self.overloads) {
            let Some(item) = self.items.iter_mut().find(|item| item.name == name) else { continue };
            if item.signature.is(Flag::Overload) && item.signature.text != text {
                item.signature.text += &format!("; {text}");
            } else {
                item.signature.text = text;
            }
            if !item.signature.is(Flag::Overload) {
                item.signature.flags.push(Flag::Overload);
            }
        }
    }

    fn class(&mut self, of: &StmtClassDef) {
        let mut inner = Scope::new(self.source, Place::Class);
        inner.walk(&of.body, false);
        let types = of.type_params.as_deref().map_or_else(String::new, |types| piece(self.source, types));
        let bases = of.arguments.as_ref().map_or_else(String::new, |bases| piece(self.source, &**bases));
        let name = of.name.as_str();
        let text = format!("class {name}{types}{}", if bases == "()" { "" } else { &bases });
        let mut flags = Vec::new();
        if of.body.iter().any(|statement| matches!(statement, Stmt::FunctionDef(of) if is_abstract(of))) {
            flags.push(Flag::Abstract);
        }
        let signature = Signature { text, flags, ..Signature::default() };
        let mut item = Item {
            members: inner.items,
            line: self.source.line(of.name.start().to_usize()),
            ..self.item(name, Kind::Class, signature, docstring(&of.body), of)
        };
        item.members.iter_mut().filter(|member| member.kind == Kind::Function).for_each(|member| {
            member.kind = Kind::Method;
        });
        self.put(item);
    }

    fn assigned(
        &mut self,
        target: &Expr,
        annotation: Option<&Expr>,
        value: Option<&Expr>,
        statement: &Stmt,
        docs: &str,
        conditional: bool,
    ) {
        match target {
            Expr::Name(name) => {
                if self.is_all(target)
                    && let Some(value) = value
                {
                    let all = self.all.insert(Vec::new());
                    parts(value, all);
                }
                let signature = self.attribute(&name.id, annotation, value);
                self.put_attribute(
                    self.item(&name.id, Kind::Attribute, signature, docs.to_owned(), statement),
                    conditional,
                );
            }
            Expr::Tuple(tuple) => {
                for target in &tuple.elts {
                    self.assigned(target, None, None, statement, docs, conditional);
                }
            }
            Expr::List(list) => {
                for target in &list.elts {
                    self.assigned(target, None, None, statement, docs, conditional);
                }
            }
            _ => {}
        }
    }

    /// Attributes that a constructor gives its instance.
    fn instance(&mut self, body: &[Stmt]) {
        for (at, statement) in body.iter().enumerate() {
            let docs = body.get(at + 1).and_then(text_of).unwrap_or_default();
            let (targets, annotation, value) = match statement {
                Stmt::Assign(of) => (of.targets.as_slice(), None, Some(&*of.value)),
                Stmt::AnnAssign(of) => {
                    (std::slice::from_ref(&*of.target), Some(&*of.annotation), of.value.as_deref())
                }
                other => {
                    blocks(other, &mut |body| self.instance(body));
                    continue;
                }
            };
            for target in targets {
                let names: Vec<&Expr> = match target {
                    Expr::Tuple(tuple) => tuple.elts.iter().collect(),
                    one => vec![one],
                };
                for name in names {
                    let Some(name) = dotted(name) else { continue };
                    let Some(name) = name.strip_prefix("self.").filter(|name| !name.contains('.')) else {
                        continue;
                    };
                    let signature = self.attribute(name, annotation, value);
                    let item = self.item(name, Kind::Attribute, signature, docs.clone(), statement);
                    self.put_attribute(item, true);
                }
            }
        }
    }

    fn attribute(&self, name: &str, annotation: Option<&Expr>, value: Option<&Expr>) -> Signature {
        let annotation = annotation.map(|annotation| piece(self.source, annotation));
        let mut text = name.to_owned();
        if let Some(annotation) = &annotation {
            text += &format!(": {annotation}");
        }
        // A long value is no part of how the name is used.
        if let Some(value) = value.map(|value| piece(self.source, value)).filter(|value| value.len() <= 80) {
            text += &format!(" = {value}");
        }
        Signature { text, returns: annotation, ..Signature::default() }
    }

    /// `__all__.extend(…)` and `__all__.append(…)`.
    fn called(&mut self, value: &Expr) {
        let Expr::Call(call) = value else { return };
        let Expr::Attribute(method) = &*call.func else { return };
        if self.is_all(&method.value) && matches!(method.attr.as_str(), "extend" | "append") {
            let all = self.all.get_or_insert_default();
            call.arguments.args.iter().for_each(|argument| parts(argument, all));
        }
    }

    fn is_all(&self, target: &Expr) -> bool {
        self.place == Place::Module && matches!(target, Expr::Name(name) if name.id == "__all__")
    }

    fn item(&self, name: &str, kind: Kind, signature: Signature, docs: String, at: &impl Ranged) -> Item {
        Item {
            name: name.to_owned(),
            kind,
            open: is_open(name),
            signature,
            docs,
            line: self.source.line(at.start().to_usize()),
            end_line: self.source.line(at.end().to_usize()),
            members: Vec::new(),
        }
    }

    fn put(&mut self, item: Item) {
        match self.items.iter_mut().find(|known| known.name == item.name) {
            Some(known) => *known = item,
            None => self.items.push(item),
        }
    }

    /// A second assignment keeps what the first one said, and nothing turns a function or class into a value.
    fn put_attribute(&mut self, mut item: Item, conditional: bool) {
        match self.items.iter_mut().find(|known| known.name == item.name) {
            Some(known) if conditional || known.kind != Kind::Attribute => {
                if known.signature.returns.is_none() && known.kind == Kind::Attribute {
                    known.signature.returns = item.signature.returns;
                }
            }
            Some(known) => {
                if item.signature.returns.is_none() {
                    item.signature.returns = known.signature.returns.take();
                }
                if item.docs.is_empty() {
                    item.docs = std::mem::take(&mut known.docs);
                }
                *known = item;
            }
            None => self.items.push(item),
        }
    }
}

fn is_abstract(of: &StmtFunctionDef) -> bool {
    of.decorator_list
        .iter()
        .filter_map(|decorator| dotted(&decorator.expression))
        .any(|name| matches!(name.rsplit('.').next(), Some("abstractmethod" | "abstractproperty")))
}

/// The bodies of a compound statement, but not of functions and classes.
fn blocks(statement: &Stmt, walk: &mut impl FnMut(&[Stmt])) {
    match statement {
        Stmt::If(of) => {
            // What runs only as a program is nothing that others can import.
            if functions::is_main(&of.test) {
                return;
            }
            walk(&of.body);
            of.elif_else_clauses.iter().for_each(|clause| walk(&clause.body));
        }
        Stmt::Try(of) => {
            walk(&of.body);
            for ExceptHandler::ExceptHandler(handler) in &of.handlers {
                walk(&handler.body);
            }
            walk(&of.orelse);
            walk(&of.finalbody);
        }
        Stmt::With(of) => walk(&of.body),
        Stmt::For(of) => {
            walk(&of.body);
            walk(&of.orelse);
        }
        Stmt::While(of) => {
            walk(&of.body);
            walk(&of.orelse);
        }
        Stmt::Match(of) => of.cases.iter().for_each(|case| walk(&case.body)),
        _ => {}
    }
}
