//! Turns the `.proto` files under `proto/septet` into contracts: Rust types, `Event` and `Job` impls, the role table,
//! the topic manifest, `asyncapi.json`, and a check that a change breaks no released contract.
//!
//! A contract crate's `build.rs` is one line, `septet_contract_build::compile("review")`. A contract that lacks
//! something (an RPC without roles, an event without a key) does not build.

mod asyncapi;
mod breaking;
mod check;
mod codegen;
mod declared;
mod error;
mod json_schema;
mod sources;

use std::path::{Path, PathBuf};

pub use asyncapi::asyncapi;
pub use breaking::breaking;
pub use error::{ContractError, Violation};

use declared::Declared;
use sources::Sources;

/// Roles that a contract may name, see `AuthOptions` in `proto/septet/common/v1/options.proto`.
pub const ROLES: [&str; 5] = ["viewer", "developer", "operator", "admin", "service"];
/// Partitions of a topic that does not say.
pub const DEFAULT_PARTITIONS: u32 = 12;
/// Hours that a topic keeps a record where it does not say: seven days.
pub const DEFAULT_RETENTION_HOURS: u32 = 168;
/// Deliveries of a job before it is dead-lettered where it does not say.
pub const DEFAULT_MAX_ATTEMPTS: u32 = 8;

/// Compiles the contract of `service`. Called from the `build.rs` of `proto/septet/<service>`; ends the build with
/// one readable message where the contract is not right.
// Build scripts talk to Cargo over standard output and to people over standard error; a panic would bury the message.
#[allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]
pub fn compile(service: &str) {
    let variable = |name: &str| {
        std::env::var_os(name).map(PathBuf::from).unwrap_or_else(|| {
            eprintln!("{name} is not set: septet_contract_build::compile is to be called from a build.rs");
            std::process::exit(1)
        })
    };
    let root = variable("CARGO_MANIFEST_DIR").join("../..");
    match generate(&root, service, &variable("OUT_DIR")) {
        Ok(inputs) => {
            for input in inputs {
                println!("cargo:rerun-if-changed={}", input.display());
            }
        }
        Err(error) => {
            // Without this, mending the file alone would not run the build script again.
            println!("cargo:rerun-if-changed={}", root.join("septet").display());
            eprintln!("\n{error}\n");
            std::process::exit(1);
        }
    }
}

/// Generates the Rust code of a service's contract into `out` and returns the files and folders that it depends on.
///
/// # Errors
/// [`ContractError`], with all violations at once.
pub fn generate(proto_root: &Path, service: &str, out: &Path) -> Result<Vec<PathBuf>, ContractError> {
    let sources = Sources::of_service(proto_root, service)?;
    let declared = Declared::of_service(&sources, service);
    check::check(&declared)?;
    codegen::write(&sources, &declared, out)?;
    Ok(sources.inputs())
}

/// Says all that is wrong with the contract of a service, and writes nothing.
///
/// # Errors
/// [`ContractError`], with all violations at once.
pub fn validate(proto_root: &Path, service: &str) -> Result<(), ContractError> {
    let sources = Sources::of_service(proto_root, service)?;
    check::check(&Declared::of_service(&sources, service))
}

/// One encoded `FileDescriptorSet` of all contracts under `proto_root`, with imports and custom options, without
/// source positions: the input of [`breaking`].
///
/// # Errors
/// [`ContractError`] where the files cannot be read or do not compile.
pub fn descriptors(proto_root: &Path) -> Result<Vec<u8>, ContractError> {
    Ok(Sources::of_all(proto_root)?.encoded())
}
