//! TLS towards PostgreSQL.

use std::{fs, io, path::PathBuf};

use rustls::{AlertDescription, CertificateError, Error as Fault};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// TLS towards PostgreSQL. The files are read for each connection, so that renewed ones count without a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreTls {
    /// Whether there is to be TLS, and what is checked of the server.
    pub mode: TlsMode,
    /// File with the authorities that may have signed the server's certificate, beside the system's. Only with the modes
    /// that check it.
    pub ca_file: Option<PathBuf>,
    /// File with this client's certificate chain, where the server asks for one.
    pub certificate_file: Option<PathBuf>,
    /// File with the key of that certificate.
    pub key_file: Option<PathBuf>,
}

/// What TLS towards PostgreSQL guards against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsMode {
    /// No TLS.
    Disable,
    /// TLS if the server offers it, unchecked: it keeps nobody out who can stand between the two.
    #[default]
    Prefer,
    /// TLS or nothing, unchecked: it keeps out those who only listen.
    Require,
    /// TLS, and a certificate that a known authority has signed.
    VerifyCa,
    /// TLS, and such a certificate for the host of `store.url`.
    VerifyFull,
}

impl TlsMode {
    fn checks(self) -> bool {
        matches!(self, Self::VerifyCa | Self::VerifyFull)
    }
}

impl StoreTls {
    /// Adds itself to what is known of the server, once it is checked by the names of its keys.
    pub(crate) fn apply(&self, mut options: PgConnectOptions) -> Result<PgConnectOptions, String> {
        if self.ca_file.is_some() && !self.mode.checks() {
            return Err(
                "store.tls.ca_file checks nothing in this store.tls.mode; use verify_full, or verify_ca \
                        where the server's name is not in its certificate"
                    .to_owned(),
            );
        }
        if self.mode == TlsMode::Disable && self.certificate_file.is_some() {
            return Err("store.tls.certificate_file needs TLS, and store.tls.mode is disable".to_owned());
        }
        if self.certificate_file.is_some() != self.key_file.is_some() {
            return Err(
                "store.tls.certificate_file and store.tls.key_file belong together: give both".to_owned()
            );
        }
        options = options.ssl_mode(match self.mode {
            TlsMode::Disable => PgSslMode::Disable,
            TlsMode::Prefer => PgSslMode::Prefer,
            TlsMode::Require => PgSslMode::Require,
            TlsMode::VerifyCa => PgSslMode::VerifyCa,
            TlsMode::VerifyFull => PgSslMode::VerifyFull,
        });
        if let Some(path) = &self.ca_file {
            check_pem("store.tls.ca_file", path, "CERTIFICATE-----")?;
            options = options.ssl_root_cert(path);
        }
        if let (Some(certificate), Some(key)) = (&self.certificate_file, &self.key_file) {
            check_pem("store.tls.certificate_file", certificate, "CERTIFICATE-----")?;
            check_pem("store.tls.key_file", key, "PRIVATE KEY-----")?;
            options = options.ssl_client_cert(certificate).ssl_client_key(key);
        }
        Ok(options)
    }
}

fn check_pem(key: &str, path: &PathBuf, wanted: &str) -> Result<(), String> {
    match fs::read_to_string(path) {
        Ok(text) if text.contains("-----BEGIN ") && text.contains(wanted) => Ok(()),
        Ok(_) => Err(format!("{key}: {} holds no PEM block that ends in {wanted}", path.display())),
        Err(error) => Err(format!("{key}: {} cannot be read: {error}", path.display())),
    }
}

/// What a failed handshake means for the configuration; `None` if it was none.
pub(crate) fn explain(error: &io::Error) -> Option<String> {
    let fault = error.get_ref()?.downcast_ref::<Fault>()?;
    let way_out = match fault {
        Fault::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "the authority that signed the server's certificate is not in store.tls.ca_file"
        }
        Fault::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "the server's certificate is not for the host of store.url",
        Fault::InvalidCertificate(_) => "the server's certificate is refused",
        Fault::AlertReceived(AlertDescription::CertificateRequired) => {
            "the server asks for a client certificate: give store.tls.certificate_file and store.tls.key_file"
        }
        Fault::AlertReceived(_) => {
            "the server ended the handshake; does it know who signed store.tls.certificate_file?"
        }
        _ => "the TLS handshake failed",
    };
    Some(format!("{way_out} ({fault})"))
}

/// What the server says of a client without the certificate that it asks for, with the way out.
pub(crate) fn explain_refusal(message: String) -> String {
    if message.contains("certificate") {
        return format!("{message}; give store.tls.certificate_file and store.tls.key_file");
    }
    message
}
