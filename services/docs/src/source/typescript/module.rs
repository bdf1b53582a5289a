use oxc_ast::ast::{
    ExportDefaultDeclarationKind, Expression, ImportDeclaration, ImportDeclarationSpecifier, Program,
    Statement,
};
use oxc_span::GetSpan;

use super::{Script, common_js, items};
use crate::source::{Exported, Item, ScriptExport, ScriptImport, ScriptSource};

/// Reads the top of a file.
pub(super) fn read(script: &Script, program: &Program) -> ScriptSource {
    let mut module = ScriptSource { lines: script.source.lines(), ..ScriptSource::default() };
    module.docs = program
        .comments
        .iter()
        .find(|comment| comment.is_jsdoc())
        .map(|comment| script.source.text().get(super::range(comment.span)).unwrap_or_default())
        .filter(|text| {
            text.contains("@module") || text.contains("@packageDocumentation") || text.contains("@file")
        })
        .map_or_else(String::new, super::jsdoc);
    for statement in &program.body {
        read_statement(script, statement, &mut module);
    }
    if !module.exports.is_empty() || program.source_type.is_typescript_definition() {
        return module;
    }
    common_js::read(script, &program.body, &mut module);
    module
}

fn read_statement(script: &Script, statement: &Statement, module: &mut ScriptSource) {
    let line = script.line(statement.span().start);
    let mut export = |name: &str, what: Exported| {
        module.exports.push(ScriptExport { name: Some(name.to_owned()), what, line });
    };
    match statement {
        Statement::ImportDeclaration(of) => import(of, &mut module.imports),
        Statement::ExportDeclaration(of) => {
            for name in items::declare(script, &of.declaration, of.span, &mut module.items) {
                let known = |export: &ScriptExport| export.name.as_deref() == Some(name.as_str());
                // Overloads are one export.
                if !module.exports.iter().any(known) {
                    let what = Exported::Local(name.clone());
                    module.exports.push(ScriptExport { name: Some(name), what, line });
                }
            }
        }
        Statement::ExportNamedDeclaration(of) => {
            for specifier in &of.specifiers {
                let local = specifier.local.name().to_string();
                export(specifier.exported.name().as_str(), Exported::Local(local));
            }
        }
        Statement::ExportFromDeclaration(of) => {
            for specifier in &of.specifiers {
                let what = Exported::From {
                    source: of.source.value.to_string(),
                    name: Some(specifier.local.name().to_string()),
                };
                export(specifier.exported.name().as_str(), what);
            }
        }
        Statement::ExportAllDeclaration(of) => module.exports.push(ScriptExport {
            name: of.exported.as_ref().map(|name| name.name().to_string()),
            what: Exported::From { source: of.source.value.to_string(), name: None },
            line,
        }),
        Statement::ExportDefaultDeclaration(of) => {
            let at = of.span;
            // A name of its own is for its file; others know it as the default.
            let item = match &of.declaration {
                ExportDefaultDeclarationKind::FunctionDeclaration(function) => {
                    items::function(script, function, "default", at)
                }
                ExportDefaultDeclarationKind::ClassDeclaration(class) => {
                    items::class(script, class, "default", at)
                }
                ExportDefaultDeclarationKind::TSInterfaceDeclaration(interface) => {
                    Item { name: "default".to_owned(), ..items::interface(script, interface, at) }
                }
                ExportDefaultDeclarationKind::Identifier(name) => {
                    return export("default", Exported::Local(name.name.to_string()));
                }
                other => match other.as_expression() {
                    Some(value) => items::value(script, value, "default", at),
                    None => return,
                },
            };
            module.items.push(item);
            export("default", Exported::Local("default".to_owned()));
        }
        Statement::TSExportAssignment(of) => {
            if let Expression::Identifier(name) = &of.expression {
                export("export=", Exported::Local(name.name.to_string()));
            }
        }
        other => {
            if let Some(declaration) = other.as_declaration() {
                items::declare(script, declaration, other.span(), &mut module.items);
            }
        }
    }
}

fn import(of: &ImportDeclaration, imports: &mut Vec<ScriptImport>) {
    for specifier in of.specifiers.iter().flatten() {
        let name = match specifier {
            ImportDeclarationSpecifier::ImportSpecifier(of) => Some(of.imported.name().to_string()),
            ImportDeclarationSpecifier::ImportDefaultSpecifier(_) => Some("default".to_owned()),
            ImportDeclarationSpecifier::ImportNamespaceSpecifier(_) => None,
        };
        imports.push(ScriptImport {
            local: specifier.name().to_string(),
            source: of.source.value.to_string(),
            name,
        });
    }
}
