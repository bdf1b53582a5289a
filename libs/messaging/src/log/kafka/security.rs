//! Transport and authentication towards the brokers.

use std::{fmt, fs, path::PathBuf};

use rdkafka::ClientConfig;
use serde::{Deserialize, Serialize};

use super::super::LogError;

/// Transport and authentication towards the brokers. With TLS, a broker's certificate must be signed by a known authority and
/// be for the broker's host.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaSecurity {
    /// With or without TLS, with or without SASL.
    pub protocol: KafkaProtocol,
    /// How the user proves who it is, with SASL.
    pub mechanism: Option<KafkaMechanism>,
    /// SASL user.
    pub username: Option<String>,
    /// File that holds the SASL password.
    pub password_file: Option<PathBuf>,
    /// File with the authorities that may have signed the brokers' certificates. Absent: the system's.
    pub ca_file: Option<PathBuf>,
    /// File with this client's certificate chain, for mutual TLS.
    pub certificate_file: Option<PathBuf>,
    /// File with the key of that certificate.
    pub key_file: Option<PathBuf>,
}

/// Kafka's `security.protocol`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KafkaProtocol {
    /// TCP.
    #[default]
    Plaintext,
    /// TLS, in a build with the feature `kafka-tls`.
    Ssl,
    /// TCP, authenticated by SASL.
    SaslPlaintext,
    /// TLS, authenticated by SASL, in a build with the feature `kafka-tls`.
    SaslSsl,
}

impl KafkaProtocol {
    fn is_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    fn is_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

impl fmt::Display for KafkaProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        })
    }
}

/// Kafka's `sasl.mechanism`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum KafkaMechanism {
    /// The password itself: only inside a trusted network or with TLS.
    #[serde(rename = "PLAIN")]
    Plain,
    /// A proof of the password, in a build with the feature `kafka-tls`.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// The same with a longer hash.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl KafkaMechanism {
    fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl KafkaSecurity {
    /// Adds itself to the settings of every client, once it is checked by the names of its keys.
    pub(super) fn apply(&self, client: &mut ClientConfig) -> Result<(), LogError> {
        let protocol = self.protocol;
        if protocol.is_tls() && !built_with("ssl") {
            return Err(invalid(format!(
                "kafka.security.protocol is {protocol}, but this build of Septet has no TLS for Kafka; build it with \
                 `--features kafka-tls`, or use plaintext or sasl_plaintext inside a trusted network"
            )));
        }
        client.set("security.protocol", protocol.to_string());
        self.apply_sasl(client)?;
        self.apply_tls(client)
    }

    fn apply_sasl(&self, client: &mut ClientConfig) -> Result<(), LogError> {
        let protocol = self.protocol;
        if !protocol.is_sasl() {
            let given = [
                ("mechanism", self.mechanism.is_some()),
                ("username", self.username.is_some()),
                ("password_file", self.password_file.is_some()),
            ];
            return unused(given, "SASL", protocol);
        }
        let (Some(mechanism), Some(username), Some(password)) =
            (self.mechanism, &self.username, &self.password_file)
        else {
            return Err(invalid(format!(
                "kafka.security.protocol {protocol} needs kafka.security.mechanism, username and password_file"
            )));
        };
        if mechanism != KafkaMechanism::Plain && !built_with("sasl_scram") {
            return Err(invalid(format!(
                "kafka.security.mechanism is {}, but this build of Septet knows PLAIN only; build it with \
                 `--features kafka-tls`",
                mechanism.as_str()
            )));
        }
        let secret = read("password_file", password)?;
        client.set("sasl.mechanism", mechanism.as_str());
        client.set("sasl.username", username);
        client.set("sasl.password", secret.trim_end_matches(['\r', '\n']));
        Ok(())
    }

    fn apply_tls(&self, client: &mut ClientConfig) -> Result<(), LogError> {
        let files = [
            ("ca_file", "ssl.ca.location", &self.ca_file),
            ("certificate_file", "ssl.certificate.location", &self.certificate_file),
            ("key_file", "ssl.key.location", &self.key_file),
        ];
        if !self.protocol.is_tls() {
            return unused(files.map(|(key, _, file)| (key, file.is_some())), "TLS", self.protocol);
        }
        if self.certificate_file.is_some() != self.key_file.is_some() {
            return Err(invalid(
                "kafka.security.certificate_file and kafka.security.key_file belong together: give both"
                    .to_owned(),
            ));
        }
        client.set("enable.ssl.certificate.verification", "true");
        client.set("ssl.endpoint.identification.algorithm", "https");
        for (key, property, file) in files {
            if let Some(path) = file {
                if !read(key, path)?.contains("-----BEGIN ") {
                    return Err(invalid(format!(
                        "kafka.security.{key}: {} holds no PEM block",
                        path.display()
                    )));
                }
                client.set(property, path.to_string_lossy());
            }
        }
        Ok(())
    }
}

/// Refuses what would do nothing.
fn unused<const N: usize>(
    given: [(&str, bool); N],
    needs: &str,
    protocol: KafkaProtocol,
) -> Result<(), LogError> {
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((key, _)) => Err(invalid(format!(
            "kafka.security.{key} needs {needs}, and kafka.security.protocol is {protocol}"
        ))),
        None => Ok(()),
    }
}

/// Whether librdkafka was built with something.
fn built_with(feature: &str) -> bool {
    ClientConfig::new()
        .create_native_config()
        .and_then(|config| config.get("builtin.features"))
        .is_ok_and(|features| features.trim_end_matches('\0').split(',').any(|built| built == feature))
}

fn read(key: &str, path: &PathBuf) -> Result<String, LogError> {
    fs::read_to_string(path)
        .map_err(|error| invalid(format!("kafka.security.{key}: {} cannot be read: {error}", path.display())))
}

fn invalid(message: String) -> LogError {
    LogError::Invalid(message)
}
