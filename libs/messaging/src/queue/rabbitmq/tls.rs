//! TLS towards RabbitMQ.

use std::{io, path::Path, sync::Arc};

use lapin::{
    Connection, ConnectionProperties, ErrorKind,
    runtime::default_runtime,
    tcp::{AsyncTcpStream, RustlsConnector, RustlsConnectorConfig},
    uri::{AMQPScheme, AMQPUri},
};
use rustls::{
    AlertDescription, CertificateError, Error as Fault,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};

use super::{super::QueueError, RabbitConfig};

/// Finds what cannot work, by the name of its key.
pub(super) fn check(config: &RabbitConfig, uri: &AMQPUri) -> Result<(), QueueError> {
    let files = [
        ("rabbitmq.ca_file", &config.ca_file),
        ("rabbitmq.certificate_file", &config.certificate_file),
        ("rabbitmq.key_file", &config.key_file),
    ];
    match uri.scheme {
        AMQPScheme::AMQPS => connector(config).map(drop).map_err(QueueError::Invalid),
        AMQPScheme::AMQP => match files.into_iter().find(|(_, file)| file.is_some()) {
            Some((key, _)) => {
                Err(QueueError::Invalid(format!("{key} needs TLS: begin rabbitmq.url with amqps://")))
            }
            None => Ok(()),
        },
    }
}

/// Connects, with TLS where the URL asks for it. The files are read for each connection, so that renewed ones count
/// without a restart.
pub(super) async fn connect(
    config: &RabbitConfig,
    uri: &AMQPUri,
    properties: ConnectionProperties,
) -> Result<Connection, String> {
    let connector = match uri.scheme {
        AMQPScheme::AMQP => None,
        AMQPScheme::AMQPS => Some(Arc::new(connector(config)?)),
    };
    let is_tls = connector.is_some();
    let runtime = default_runtime().map_err(|error| error.to_string())?;
    let connected = Connection::connector(
        uri.clone(),
        runtime,
        async move |uri: AMQPUri, runtime| {
            let host = uri.authority.host;
            let addresses = runtime.to_socket_addrs((host.clone(), uri.authority.port));
            let stream = AsyncTcpStream::connect(&runtime, addresses).await?;
            Ok(match &connector {
                Some(connector) => stream.into_rustls(connector, &host).await?,
                None => stream,
            })
        },
        properties,
    );
    connected.await.map_err(|error| {
        let explained = if is_tls { explain(error.kind()) } else { None };
        explained.unwrap_or_else(|| error.to_string())
    })
}

fn connector(config: &RabbitConfig) -> Result<RustlsConnector, String> {
    let authorities = match &config.ca_file {
        Some(path) => {
            let certificates = certificates("rabbitmq.ca_file", path)?;
            RustlsConnectorConfig::default().with_parsable_certificates(certificates)
        }
        None => RustlsConnectorConfig::new_with_native_certs().map_err(|error| {
            format!("the system's certificates: {error}; name others in rabbitmq.ca_file")
        })?,
    };
    match (&config.certificate_file, &config.key_file) {
        (None, None) => {
            authorities.connector_with_no_client_auth().map_err(|error| format!("rabbitmq.ca_file: {error}"))
        }
        (Some(certificate), Some(key)) => {
            let certificates = certificates("rabbitmq.certificate_file", certificate)?;
            let key = PrivateKeyDer::from_pem_file(key)
                .map_err(|error| unread("rabbitmq.key_file", key, &error))?;
            authorities
                .connector_with_single_cert(certificates, key)
                .map_err(|error| format!("rabbitmq.certificate_file and rabbitmq.key_file: {error}"))
        }
        _ => Err("rabbitmq.certificate_file and rabbitmq.key_file belong together: give both".to_owned()),
    }
}

fn certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(certificates) if certificates.is_empty() => {
            Err(format!("{key}: {} holds no certificate in PEM form", path.display()))
        }
        read => read.map_err(|error| unread(key, path, &error)),
    }
}

/// What a PEM reader says of a file never quotes it.
fn unread(key: &str, path: &Path, error: &pem::Error) -> String {
    format!("{key}: {} cannot be read: {error}", path.display())
}

const ENDED: &str = "the broker ended the handshake: does it ask for rabbitmq.certificate_file, and does it know who \
                     signed that?";

/// What a failed handshake means for the configuration; `None` if it was none.
fn explain(error: &ErrorKind) -> Option<String> {
    let ErrorKind::IOError(error) = error else { return None };
    // A broker may close the connection so soon that its reason is lost on the way.
    if matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof
    ) {
        return Some(format!("{ENDED} ({error})"));
    }
    let fault = error.get_ref()?.downcast_ref::<Fault>()?;
    let way_out = match fault {
        Fault::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "the authority that signed the broker's certificate is not in rabbitmq.ca_file"
        }
        Fault::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "the broker's certificate is not for the host of rabbitmq.url",
        Fault::InvalidCertificate(_) => "the broker's certificate is refused",
        Fault::AlertReceived(AlertDescription::CertificateRequired) => {
            "the broker asks for a client certificate: give rabbitmq.certificate_file and rabbitmq.key_file"
        }
        Fault::AlertReceived(_) => ENDED,
        _ => "the TLS handshake failed",
    };
    Some(format!("{way_out} ({fault})"))
}
