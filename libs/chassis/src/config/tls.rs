use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// TLS of a listener. All files are PEM, and are read again when they change.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ServerTls {
    /// The certificate chain, the server's own certificate first.
    pub certificate_file: PathBuf,
    /// The key of that certificate.
    pub key_file: PathBuf,
    /// The authorities that sign callers' certificates. Absent: callers show none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca_file: Option<PathBuf>,
    /// Whether a caller must show a certificate, where `client_ca_file` is set.
    #[serde(default)]
    pub client_certificates: ClientCertificates,
}

/// Whether a caller must show a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    /// No connection without one; a token may be shown besides.
    #[default]
    Required,
    /// A certificate or a token.
    Optional,
}

/// TLS of connections to `https:` URLs. All files are PEM, and are read again when they change.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientTls {
    /// The authorities that may have signed servers' certificates. Absent: the system's.
    pub ca_file: Option<PathBuf>,
    /// The certificate chain that this process shows, its own certificate first.
    pub certificate_file: Option<PathBuf>,
    /// The key of that certificate.
    pub key_file: Option<PathBuf>,
}

/// What a caller with a certificate may do.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MtlsIdentity {
    /// A URI or DNS name among the certificate's alternative names, in full.
    pub name: String,
    /// Roles that it grants.
    pub roles: Vec<String>,
}
