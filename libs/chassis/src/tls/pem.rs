use std::path::Path;

use anyhow::{Context, bail};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// A certificate chain, the own one first.
pub(crate) fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    let chain = read().with_context(|| format!("cannot read certificates from {}", path.display()))?;
    if chain.is_empty() {
        bail!("{} holds no certificate; it must be PEM with `BEGIN CERTIFICATE`", path.display());
    }
    Ok(chain)
}

/// A private key. No error quotes the file.
pub(crate) fn key(path: &Path) -> anyhow::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(path).with_context(|| format!("cannot read a key from {}", path.display()))
}

/// The authorities that may have signed the other side's certificate.
pub(crate) fn authorities(path: &Path) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots
            .add(certificate)
            .with_context(|| format!("{} holds a certificate that cannot be used", path.display()))?;
    }
    Ok(roots)
}
