use std::sync::Arc;

use anyhow::{Context, bail};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::{
    config::ClientTls,
    tls::{Renewed, authorities, certificates, key},
};

/// TLS of outgoing connections. The files are read again when they change.
pub(super) fn client(tls: &ClientTls) -> anyhow::Result<Renewed<ClientConfig>> {
    let files = [&tls.ca_file, &tls.certificate_file, &tls.key_file];
    let files = files.into_iter().flatten().cloned().collect();
    let tls = tls.clone();
    Renewed::new(files, move || config(&tls)).context("clients.tls")
}

fn config(tls: &ClientTls) -> anyhow::Result<ClientConfig> {
    let roots = match &tls.ca_file {
        Some(path) => authorities(path)?,
        None => system()?,
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = match (&tls.certificate_file, &tls.key_file) {
        (None, None) => builder.with_no_client_auth(),
        (Some(chain), Some(secret)) => {
            builder.with_client_auth_cert(certificates(chain)?, key(secret)?).with_context(|| {
                format!("{} and {} do not belong together", chain.display(), secret.display())
            })?
        }
        _ => bail!("`certificate_file` and `key_file` belong together; set both or neither"),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

fn system() -> anyhow::Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        bail!("the system has no certificates of authorities; name a file by `clients.tls.ca_file`");
    }
    Ok(roots)
}
