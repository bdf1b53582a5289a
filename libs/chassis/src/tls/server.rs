use std::sync::Arc;

use anyhow::Context;
use rustls::{ServerConfig, crypto::ring, server::WebPkiClientVerifier};

use super::{Renewed, authorities, certificates, key};
use crate::config::{ClientCertificates, ServerTls};

/// What is spoken inside of TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Protocol {
    /// gRPC: HTTP/2 only.
    Http2,
    /// Health and metrics.
    Http,
}

/// TLS of a listener. The files are read again when they change.
pub(crate) fn server(tls: &ServerTls, protocol: Protocol) -> anyhow::Result<Renewed<ServerConfig>> {
    let files = [Some(&tls.certificate_file), Some(&tls.key_file), tls.client_ca_file.as_ref()];
    let files = files.into_iter().flatten().cloned().collect();
    let tls = tls.clone();
    Renewed::new(files, move || config(&tls, protocol))
}

fn config(tls: &ServerTls, protocol: Protocol) -> anyhow::Result<ServerConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match &tls.client_ca_file {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(authorities(path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            let verifier = match tls.client_certificates {
                ClientCertificates::Required => verifier,
                ClientCertificates::Optional => verifier.allow_unauthenticated(),
            };
            builder.with_client_cert_verifier(
                verifier.build().with_context(|| format!("cannot use {}", path.display()))?,
            )
        }
    };
    let mut config = builder
        .with_single_cert(certificates(&tls.certificate_file)?, key(&tls.key_file)?)
        .with_context(|| {
            format!(
                "{} and {} do not belong together",
                tls.certificate_file.display(),
                tls.key_file.display()
            )
        })?;
    config.alpn_protocols = match protocol {
        Protocol::Http2 => vec![b"h2".to_vec()],
        Protocol::Http => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
    };
    Ok(config)
}
