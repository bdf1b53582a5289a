//! TLS on both listeners: who trusts whom, who is known by a certificate, and certificates that are renewed.

use std::{fs, path::Path, sync::Arc, time::Duration};

use septet_chassis::{ChannelBuilder, ClientTls, Mode};
use septet_proto_review::v1::ReviewDiffResponse;
use septet_testkit::{eventually, evidence::Workspace};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        self, RootCertStore,
        pki_types::{CertificateDer, pem::PemObject},
    },
};
use tonic::{Code, Status};

use crate::{
    authority::Authority,
    fixture::{KEY, Server, api_keys, configured, detail, process, review},
    probe::Script,
};

const CALLER: &str = "spiffe://septet.test/devops";

/// A server whose certificate names `localhost`, and the authority that signed it.
struct Secured {
    server: Server,
    authority: Authority,
}

impl Secured {
    /// `mutual` are further keys of `grpc.tls`, where callers are to show certificates.
    async fn start(test: &str, mutual: Option<&str>) -> Self {
        let workspace = Workspace::new(&format!("chassis::tls::{test}"));
        let authority = Authority::new(workspace.path(), "authority");
        let (certificate, key) = authority.sign("server", "localhost");
        let mut config = format!("[grpc.tls]\ncertificate_file = {certificate:?}\nkey_file = {key:?}\n");
        if let Some(more) = mutual {
            let ca = &authority.file;
            config += &format!("client_ca_file = {ca:?}\n{more}\n[[auth.mtls]]\n");
            config += &format!("name = {CALLER:?}\nroles = [\"service\"]\n");
        }
        config += &api_keys(workspace.path());
        Self { server: Server::again(workspace, &config).await, authority }
    }

    /// Calls it by this host name.
    async fn call_at(
        &self,
        host: &str,
        token: Option<&str>,
        tls: ClientTls,
    ) -> Result<ReviewDiffResponse, Status> {
        let url = format!("https://{host}:{}", self.server.grpc.port());
        let builder = ChannelBuilder::new(&url).tls(tls);
        let builder = match token {
            Some(token) => builder.token(token).expect("a token"),
            None => builder,
        };
        review(builder.build().expect("a channel"), "any").await
    }

    async fn call(&self, token: Option<&str>, tls: ClientTls) -> Result<ReviewDiffResponse, Status> {
        self.call_at("localhost", token, tls).await
    }
}

/// As whom the caller was known.
fn subject(reply: Result<ReviewDiffResponse, Status>) -> String {
    reply.expect("answered").review.expect("a review").id
}

fn unreachable(reply: Result<ReviewDiffResponse, Status>) -> String {
    let status = reply.expect_err("no connection");
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    status.message().to_owned()
}

#[tokio::test]
async fn a_caller_knows_the_server_by_its_authority_and_name() {
    let mut secured = Secured::start("server", None).await;
    let trusted = secured.authority.trusted();
    assert_eq!(subject(secured.call(Some(KEY), trusted.clone()).await), "ann");
    let status = secured.call(None, trusted.clone()).await.expect_err("no token");
    assert_eq!(status.code(), Code::Unauthenticated);

    let stranger = Authority::new(secured.server.workspace.path(), "stranger");
    let message = unreachable(secured.call(Some(KEY), stranger.trusted()).await);
    assert!(message.contains("SEPTET-0017") && message.contains("UnknownIssuer"), "{message}");
    let message = unreachable(secured.call_at("127.0.0.1", Some(KEY), trusted).await);
    assert!(message.contains("SEPTET-0017") && message.contains("not valid for name"), "{message}");
    let plain = septet_chassis::remote(&format!("http://{}", secured.server.grpc), KEY).expect("a channel");
    unreachable(review(plain, "any").await);
    secured.server.drain().await.expect("drained");
}

#[tokio::test]
async fn a_certificate_is_an_identity_if_it_has_an_entry() {
    let mut secured = Secured::start("mutual", Some("")).await;
    let authority = &secured.authority;
    let known = authority.shown(authority.sign("devops", CALLER));
    let other = authority.shown(authority.sign("other", "spiffe://septet.test/other"));
    assert_eq!(subject(secured.call(None, known.clone()).await), CALLER);
    // A token says who calls, where there is one.
    assert_eq!(subject(secured.call(Some(KEY), known.clone()).await), "ann");
    assert_eq!(subject(secured.call(Some(KEY), other.clone()).await), "ann");
    let status = secured.call(Some("wrong"), known).await.expect_err("a wrong token is not overlooked");
    assert_eq!(status.code(), Code::Unauthenticated);
    let status = secured.call(None, other).await.expect_err("no entry");
    assert_eq!((status.code(), detail(&status).code.as_str()), (Code::Unauthenticated, "SEPTET-0010"));
    assert!(status.message().contains("auth.mtls"), "{}", status.message());
    secured.server.drain().await.expect("drained");
}

#[tokio::test]
async fn a_caller_without_a_good_certificate_gets_no_connection() {
    let mut secured = Secured::start("refused", Some("")).await;
    unreachable(secured.call(Some(KEY), secured.authority.trusted()).await);
    let stranger = Authority::new(secured.server.workspace.path(), "stranger");
    let forged = ClientTls {
        ca_file: Some(secured.authority.file.clone()),
        ..stranger.shown(stranger.sign("forged", CALLER))
    };
    unreachable(secured.call(Some(KEY), forged).await);
    secured.server.drain().await.expect("drained");
}

#[tokio::test]
async fn where_certificates_are_optional_a_token_does() {
    let mut secured = Secured::start("optional", Some("client_certificates = \"optional\"")).await;
    let authority = &secured.authority;
    assert_eq!(subject(secured.call(Some(KEY), authority.trusted()).await), "ann");
    assert_eq!(subject(secured.call(None, authority.shown(authority.sign("devops", CALLER))).await), CALLER);
    let status = secured.call(None, authority.trusted()).await.expect_err("neither");
    assert_eq!(status.code(), Code::Unauthenticated);
    secured.server.drain().await.expect("drained");
}

#[tokio::test]
async fn a_renewed_certificate_is_served_without_a_restart_and_a_bad_one_is_not() {
    let mut secured = Secured::start("renewed", None).await;
    let workspace = secured.server.workspace.path().to_owned();
    let next = Authority::new(&workspace, "next");
    unreachable(secured.call(Some(KEY), next.trusted()).await);
    next.sign("server", "localhost");
    eventually("the new certificate is served", async || secured.call(Some(KEY), next.trusted()).await.ok())
        .await;
    unreachable(secured.call(Some(KEY), secured.authority.trusted()).await);

    fs::write(workspace.join("server.pem"), "-----BEGIN CERTIFICATE-----\nhalf of").expect("written");
    let began = tokio::time::Instant::now();
    // Past the next look at the files.
    while began.elapsed() < Duration::from_secs(2) {
        assert_eq!(subject(secured.call(Some(KEY), next.trusted()).await), "ann", "the last good one stays");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    secured.authority.sign("server", "localhost");
    eventually("the next good one is served", async || {
        secured.call(Some(KEY), secured.authority.trusted()).await.ok()
    })
    .await;
    secured.server.drain().await.expect("drained");
}

#[tokio::test]
async fn health_and_metrics_can_be_behind_tls_too() {
    let workspace = Workspace::new("chassis::tls::admin");
    let authority = Authority::new(workspace.path(), "authority");
    let (certificate, key) = authority.sign("server", "localhost");
    let config = format!("[admin.tls]\ncertificate_file = {certificate:?}\nkey_file = {key:?}");
    let mut server = Server::again(workspace, &config).await;
    let plain = crate::fixture::get(server.admin, "/livez").await;
    assert!(plain.is_err() || plain.is_ok_and(|(status, _)| !status.contains("200")));
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&authority.file).expect("PEM")).expect("an authority");
    let client = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let stream = tokio::net::TcpStream::connect(server.admin).await.expect("connected");
    let name = "localhost".try_into().expect("a name");
    let mut stream = TlsConnector::from(Arc::new(client)).connect(name, stream).await.expect("TLS");
    let request = b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.expect("sent");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.expect("answered");
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn files_that_are_no_good_stop_a_start_with_their_names() {
    let workspace = Workspace::new("chassis::tls::files");
    let authority = Authority::new(workspace.path(), "authority");
    let (certificate, _) = authority.sign("one", "localhost");
    let (_, key) = authority.sign("two", "localhost");
    let tls = |certificate: &Path, key: &Path| {
        format!("[grpc.tls]\ncertificate_file = {certificate:?}\nkey_file = {key:?}")
    };
    let absent = workspace.path().join("absent.pem");
    let wrong = [
        (tls(&absent, &key), "absent.pem"),
        (tls(&key, &key), "holds no certificate"),
        (tls(&certificate, &key), "do not belong together"),
        ("[[auth.mtls]]\nname = \"a\"\nroles = []".to_owned(), "auth.mtls"),
        (format!("[clients.tls]\nca_file = {absent:?}\nkey_file = {key:?}"), "clients.tls"),
    ];
    for (config, named) in wrong {
        let process = process(&Arc::<Script>::default());
        let source = process.source(Some(&configured(&workspace, &config))).expect("a configuration");
        let error = process.start(source, Mode::Serve).await.err().expect("refused");
        let message = format!("{error:#}");
        assert!(message.contains(named) && !message.contains("PRIVATE"), "{named}: {message}");
    }
}
