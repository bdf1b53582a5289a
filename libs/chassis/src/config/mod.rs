//! Configuration: code defaults, then `septet.toml`, then environment variables `SEPTET_<SERVICE>__A__B`. Secrets come
//! only from files that a setting ending in `_file` names.

mod error;
mod print;
mod process;
mod source;
mod tls;

pub use error::ConfigError;
pub(crate) use process::{AuthConfig, GrpcConfig, JwtConfig, LogBackend, QueueBackend};
pub use process::{ClientConfig, ProcessConfig};
pub use source::Source;
pub use tls::ClientTls;
pub(crate) use tls::{ClientCertificates, ServerTls};

use serde::{Serialize, de::DeserializeOwned};

/// The seven services and their gRPC ports. A service's admin port is 1,000 higher.
pub const SERVICES: [(&str, u16); 7] = [
    ("devops", 50051),
    ("docs", 50052),
    ("cost", 50053),
    ("review", 50054),
    ("pipeline", 50055),
    ("cx", 50056),
    ("soc", 50057),
];

/// A service's own settings: one struct with `deny_unknown_fields` and a default for every field.
pub trait ServiceConfig: Serialize + DeserializeOwned + Default + Send + Sync + 'static {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// The offending key, relative to the service's section, and what is wrong with it.
    fn check(&self) -> Result<(), (&'static str, String)> {
        Ok(())
    }
}

/// For a service without settings of its own.
impl ServiceConfig for () {}
