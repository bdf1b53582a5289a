use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use prost_reflect::DescriptorPool;
use prost_types::{DescriptorProto, FileDescriptorProto};
use protox::file::File;

use crate::{ContractError, Violation};

/// The `.proto` files of one service or of all, compiled.
pub(crate) struct Sources {
    compiler: protox::Compiler,
    inputs: Vec<PathBuf>,
    services: Vec<String>,
}

impl Sources {
    /// The files of `septet/<service>/v1` and what they import.
    pub(crate) fn of_service(root: &Path, service: &str) -> Result<Self, ContractError> {
        Self::compile(root, &[service.to_owned()])
    }

    /// The files of every service.
    pub(crate) fn of_all(root: &Path) -> Result<Self, ContractError> {
        let folder = root.join("septet");
        let services: Vec<String> = entries(&folder)?
            .into_iter()
            .filter(|path| path.join("v1").is_dir())
            .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
            .collect();
        if services.is_empty() {
            return Err(ContractError::Empty(folder));
        }
        Self::compile(root, &services)
    }

    fn compile(root: &Path, services: &[String]) -> Result<Self, ContractError> {
        let mut names = Vec::new();
        let mut inputs = Vec::new();
        for service in services {
            let folder = root.join("septet").join(service).join("v1");
            let before = names.len();
            for path in entries(&folder)? {
                if path.extension().is_some_and(|extension| extension == "proto")
                    && let Some(name) = path.file_name().and_then(|name| name.to_str())
                {
                    names.push(format!("septet/{service}/v1/{name}"));
                    inputs.push(path);
                }
            }
            if names.len() == before {
                return Err(ContractError::Empty(folder));
            }
            // The folder too: a new file must run the build script.
            inputs.push(folder);
        }
        refuse_duplicates(root, &names)?;
        let mut compiler = protox::Compiler::new([root]).map_err(|error| protobuf(&error))?;
        // Source positions stay in the pool for messages; what is written out has none.
        compiler.include_imports(true).include_source_info(false);
        for name in &names {
            compiler.open_file(root.join(name)).map_err(|error| protobuf(&error))?;
        }
        for file in compiler.files().filter(|file| file.is_import()) {
            inputs.extend(file.path().map(Path::to_owned));
        }
        Ok(Self { compiler, inputs, services: services.to_vec() })
    }

    /// All files and what they import, with source positions.
    pub(crate) fn pool(&self) -> DescriptorPool {
        self.compiler.descriptor_pool()
    }

    /// Encoded `FileDescriptorSet` with custom options and without source positions.
    pub(crate) fn encoded(&self) -> Vec<u8> {
        self.compiler.encode_file_descriptor_set()
    }

    /// Services that were asked for, by name.
    pub(crate) fn services(&self) -> &[String] {
        &self.services
    }

    /// Files and folders that were read.
    pub(crate) fn inputs(self) -> Vec<PathBuf> {
        self.inputs
    }
}

/// Sorted, so that everything generated is the same on every machine.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, ContractError> {
    let unreadable = |source| ContractError::Io { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    Ok(paths)
}

/// The compiler names one of the two files only, so the names are compared before it runs.
fn refuse_duplicates(root: &Path, names: &[String]) -> Result<(), ContractError> {
    let mut first: BTreeMap<String, (String, Option<usize>)> = BTreeMap::new();
    let mut violations = Vec::new();
    for name in names {
        let file = File::open(name, &root.join(name)).map_err(|error| protobuf(&error))?;
        let file = file.file_descriptor_proto();
        let mut declared = Vec::new();
        for (index, message) in file.message_type.iter().enumerate() {
            collect(file.package(), message, &[4, position(index)], &mut declared);
        }
        for (full_name, path) in declared {
            let line = line_of(file, &path);
            if let Some((other, other_line)) = first.get(&full_name) {
                let at = other_line.map(|line| format!(":{line}")).unwrap_or_default();
                violations.push(Violation {
                    file: name.clone(),
                    line,
                    element: format!("message {full_name}"),
                    problem: format!("is declared in {other}{at} already"),
                    remedy: "remove one of the two or rename it; a type has one message".to_owned(),
                });
            } else {
                first.insert(full_name, (name.clone(), line));
            }
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(ContractError::Violations(violations)) }
}

fn collect(scope: &str, message: &DescriptorProto, path: &[i32], declared: &mut Vec<(String, Vec<i32>)>) {
    let full_name =
        if scope.is_empty() { message.name().to_owned() } else { format!("{scope}.{}", message.name()) };
    for (index, nested) in message.nested_type.iter().enumerate() {
        collect(&full_name, nested, &[path, &[3, position(index)]].concat(), declared);
    }
    declared.push((full_name, path.to_vec()));
}

/// Descriptor paths are `i32` by protobuf's own definition; a file has far fewer elements than that.
fn position(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}

/// Line of an element, from 1.
pub(crate) fn line_of(file: &FileDescriptorProto, path: &[i32]) -> Option<usize> {
    let info = file.source_code_info.as_ref()?;
    let location = info.location.iter().find(|location| location.path == path)?;
    usize::try_from(*location.span.first()?).ok().map(|line| line + 1)
}

/// The compiler's debug text is its `file:line:column: message`; its display text leaves the position out.
fn protobuf(error: &protox::Error) -> ContractError {
    let text = format!("{error:?}");
    match error.file() {
        Some(file) if !text.contains(file) => ContractError::Protobuf(format!("{file}: {text}")),
        _ => ContractError::Protobuf(text),
    }
}
