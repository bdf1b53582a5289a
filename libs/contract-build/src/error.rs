use std::fmt;
use std::path::PathBuf;

/// Why a contract does not build.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// The contract compiles as protobuf but lacks something that Septet needs.
    #[error("{}", list(.0))]
    Violations(Vec<Violation>),
    /// The files do not compile as protobuf; the text names the file and line where the compiler knows them.
    #[error("the contract does not compile: {0}")]
    Protobuf(String),
    /// A folder has no `.proto` files.
    #[error("no .proto files in {}: a contract lives in proto/septet/<service>/v1/*.proto", .0.display())]
    Empty(PathBuf),
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Bytes that should be an encoded `FileDescriptorSet` are not.
    #[error(
        "the {which} descriptors cannot be read ({reason}); they are written by `descriptors()` in libs/contract-build"
    )]
    Descriptors {
        /// `baseline` or `current`.
        which: &'static str,
        /// What is wrong with them.
        reason: String,
    },
}

/// One thing that is wrong with a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Name of the file below the `proto` folder.
    pub file: String,
    /// Line in the file, from 1, where it is known.
    pub line: Option<usize>,
    /// The element, for example `message septet.review.v1.ReviewCompleted`.
    pub element: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to write.
    pub remedy: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {} {}: {}", self.element, self.problem, self.remedy)
    }
}

fn list(violations: &[Violation]) -> String {
    let mut text = match violations.len() {
        1 => "the contract has 1 violation:".to_owned(),
        more => format!("the contract has {more} violations:"),
    };
    for violation in violations {
        text.push_str("\n  ");
        text.push_str(&violation.to_string());
    }
    text
}
