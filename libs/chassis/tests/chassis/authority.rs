//! Certificates of authorities that exist for a test.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType};
use septet_chassis::ClientTls;

/// Signs certificates, and writes them where a process reads them.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub file: PathBuf,
    directory: PathBuf,
}

impl Authority {
    pub fn new(directory: &Path, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("signed");
        let file = directory.join(format!("{name}.pem"));
        fs::write(&file, certificate.pem()).expect("written");
        Self { issuer: Issuer::new(params, key), file, directory: directory.to_owned() }
    }

    /// Writes `<name>.pem` and `<name>.key` for this DNS name or URI, in place of what was there.
    pub fn sign(&self, name: &str, proves: &str) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        let text = proves.try_into().expect("plain text");
        params.subject_alt_names =
            vec![if proves.contains("://") { SanType::URI(text) } else { SanType::DnsName(text) }];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        let files = (self.directory.join(format!("{name}.pem")), self.directory.join(format!("{name}.key")));
        fs::write(&files.0, certificate.pem()).expect("written");
        fs::write(&files.1, key.serialize_pem()).expect("written");
        files
    }

    /// Trusts this authority, and shows no certificate.
    pub fn trusted(&self) -> ClientTls {
        ClientTls { ca_file: Some(self.file.clone()), ..ClientTls::default() }
    }

    /// Trusts this authority, and shows a certificate.
    pub fn shown(&self, (certificate, key): (PathBuf, PathBuf)) -> ClientTls {
        ClientTls { certificate_file: Some(certificate), key_file: Some(key), ..self.trusted() }
    }
}
