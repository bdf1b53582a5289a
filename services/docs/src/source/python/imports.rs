use ruff_python_ast::{Alias, StmtImport, StmtImportFrom};
use ruff_text_size::Ranged;

use crate::source::{PythonImport, text::Source};

/// `import a.b as c`.
pub(super) fn plain(statement: &StmtImport, source: &Source, imports: &mut Vec<PythonImport>) {
    for alias in &statement.names {
        let module = alias.name.as_str();
        // Without `as`, only the first part of the path becomes a name.
        let (module, local) = match &alias.asname {
            Some(local) => (module, local.as_str()),
            None => {
                let first = module.split('.').next().unwrap_or(module);
                (first, first)
            }
        };
        imports.push(PythonImport {
            level: 0,
            module: module.to_owned(),
            name: None,
            local: local.to_owned(),
            explicit: explicit(alias),
            line: source.line(statement.start().to_usize()),
        });
    }
}

/// `from a import b as c`.
pub(super) fn from(statement: &StmtImportFrom, source: &Source, imports: &mut Vec<PythonImport>) {
    for alias in &statement.names {
        let name = alias.name.as_str();
        imports.push(PythonImport {
            level: statement.level,
            module: statement.module.as_ref().map_or_else(String::new, |module| module.as_str().to_owned()),
            name: Some(name.to_owned()),
            local: alias.asname.as_ref().map_or(name, |local| local.as_str()).to_owned(),
            explicit: explicit(alias),
            line: source.line(statement.start().to_usize()),
        });
    }
}

fn explicit(alias: &Alias) -> bool {
    alias.asname.as_ref().is_some_and(|local| local.as_str() == alias.name.as_str())
}
