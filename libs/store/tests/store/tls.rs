//! TLS towards a real PostgreSQL: what it lets in, and that a refusal names the setting.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
};

use septet_servers::{Kind, Life, Server, ServerError};
use septet_store::{Store, StoreConfig, StoreError, StoreTls, TlsMode};
use septet_testkit::{
    certificates::{Authority, Certificate},
    evidence::Workspace,
    servers::skip,
};
use sqlx::{Connection as _, Executor as _};

/// A server with a certificate for `localhost`. It asks for a client's certificate for the database `strict` only.
struct Secured {
    _server: Server,
    port: u16,
    authority: Authority,
    workspace: Workspace,
}

const ACCESS: &str = "hostssl strict all 127.0.0.1/32 trust clientcert=verify-ca\n\
                      host strict all 127.0.0.1/32 reject\n\
                      host all all 127.0.0.1/32 trust\n";

impl Secured {
    fn start(test: &str) -> Option<Self> {
        let workspace = Workspace::new(test);
        let mut server =
            Server::new(Kind::Postgres, &workspace.path().join("postgres")).expect("a directory");
        match server.start(Life::WithParent) {
            Err(why @ ServerError::Absent { .. }) => {
                skip("PostgreSQL", &why.to_string());
                return None;
            }
            started => started.expect("it starts"),
        }
        server.stop().expect("it ends");
        let authority = Authority::new("a test's authority");
        let Certificate { chain, key } = authority.sign(&["localhost"]);
        let data = workspace.path().join("postgres/data");
        // The server takes no key that others may read.
        let owner = fs::metadata(&data).expect("the data directory");
        let at = |name: &str, text: &str| {
            let path = data.join(name);
            fs::write(&path, text).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("closed to others");
            chown(&path, Some(owner.uid()), Some(owner.gid())).expect("given to the server");
            path.display().to_string()
        };
        let mut server = server
            .setting("ssl", "on")
            .setting("ssl_cert_file", &at("server.crt", &chain))
            .setting("ssl_key_file", &at("server.key", &key))
            .setting("ssl_ca_file", &at("ca.crt", &authority.pem()))
            .setting("hba_file", &at("access.conf", ACCESS));
        server.start(Life::WithParent).expect("it starts with TLS");
        let port = server.address().port();
        Some(Self { _server: server, port, authority, workspace })
    }

    fn file(&self, name: &str, text: &str) -> Option<PathBuf> {
        let path = self.workspace.path().join(name);
        fs::write(&path, text).expect("written");
        Some(path)
    }

    fn known(&self) -> StoreTls {
        let ca_file = self.file("ca.pem", &self.authority.pem());
        StoreTls { mode: TlsMode::VerifyFull, ca_file, ..StoreTls::default() }
    }

    async fn connect(&self, host: &str, database: &str, tls: StoreTls) -> Result<(), StoreError> {
        let url = format!("postgres://postgres@{host}:{}/{database}", self.port);
        let config = StoreConfig { url: Some(url), tls, acquire_timeout_secs: 5, ..StoreConfig::default() };
        let store = Store::open(&config, Path::new("unused")).await?;
        let answer = store.ping().await;
        store.close().await;
        answer
    }

    /// The refusal, which carries no key.
    async fn refused(&self, host: &str, database: &str, tls: StoreTls) -> String {
        let error = self.connect(host, database, tls).await.expect_err("refused").to_string();
        assert!(!error.contains("BEGIN"), "{error}");
        error
    }
}

#[tokio::test]
async fn a_server_is_let_in_by_its_authority_and_name() {
    let Some(of) = Secured::start("tls::server") else { return };
    of.connect("localhost", "postgres", of.known()).await.expect("known by authority and name");
    let by_authority = StoreTls { mode: TlsMode::VerifyCa, ..of.known() };
    of.connect("127.0.0.1", "postgres", by_authority).await.expect("the name does not matter");
    for mode in [TlsMode::Disable, TlsMode::Prefer, TlsMode::Require] {
        let unchecked = StoreTls { mode, ..StoreTls::default() };
        of.connect("127.0.0.1", "postgres", unchecked).await.expect("nothing is checked");
    }

    let wrong_name = of.refused("127.0.0.1", "postgres", of.known()).await;
    assert!(wrong_name.contains("not for the host of store.url"), "{wrong_name}");
    let stranger = of.file("stranger.pem", &Authority::new("another").pem());
    for mode in [TlsMode::VerifyCa, TlsMode::VerifyFull] {
        let tls = StoreTls { mode, ca_file: stranger.clone(), ..StoreTls::default() };
        let unknown = of.refused("localhost", "postgres", tls).await;
        assert!(unknown.contains("not in store.tls.ca_file"), "{unknown}");
        let system = of.refused("localhost", "postgres", StoreTls { mode, ..StoreTls::default() }).await;
        assert!(system.contains("not in store.tls.ca_file"), "{system}");
    }
}

#[tokio::test]
async fn a_client_shows_its_certificate_where_it_is_asked_for() {
    let Some(of) = Secured::start("tls::client") else { return };
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", of.port);
    let mut connection = sqlx::PgConnection::connect(&url).await.expect("connected");
    connection.execute("CREATE DATABASE strict").await.expect("created");
    let with = |certificate: &Certificate| StoreTls {
        certificate_file: of.file("client.pem", &certificate.chain),
        key_file: of.file("client.key", &certificate.key),
        ..of.known()
    };
    of.connect("localhost", "strict", with(&of.authority.sign(&["postgres"]))).await.expect("let in");
    let without = of.refused("localhost", "strict", of.known()).await;
    assert!(without.contains("store.tls.certificate_file"), "{without}");
    let stranger =
        of.refused("localhost", "strict", with(&Authority::new("another").sign(&["postgres"]))).await;
    assert!(stranger.contains("store.tls.certificate_file"), "{stranger}");
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_it_is_asked_for() {
    let Some(server) = septet_testkit::servers::postgres().await else { return };
    let tls = StoreTls { mode: TlsMode::Require, ..StoreTls::default() };
    let config = StoreConfig { url: Some(server.create_database().await), tls, ..StoreConfig::default() };
    let store = Store::open(&config, Path::new("unused")).await.expect("opened");
    let error = store.ping().await.expect_err("no TLS there").to_string();
    assert!(error.contains("store.tls") && error.contains("does not support TLS"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_is_refused_at_the_start_by_name() {
    let workspace = Workspace::new("tls::settings");
    let file = |name: &str, text: &str| {
        let path = workspace.path().join(name);
        fs::write(&path, text).expect("written");
        Some(path)
    };
    let Certificate { chain, key } = Authority::new("an authority").sign(&["client"]);
    let (chain, key, empty) = (file("chain", &chain), file("key", &key), file("empty", "no PEM"));
    let absent = Some(workspace.path().join("absent"));
    let full = StoreTls { mode: TlsMode::VerifyFull, ..StoreTls::default() };
    let url = "postgres://postgres@localhost/docs";
    for (url, tls, named) in [
        (url, StoreTls { ca_file: chain.clone(), ..StoreTls::default() }, "store.tls.ca_file"),
        (url, StoreTls { ca_file: empty, ..full.clone() }, "store.tls.ca_file"),
        (url, StoreTls { ca_file: absent, ..full.clone() }, "store.tls.ca_file"),
        (url, StoreTls { certificate_file: chain.clone(), ..full.clone() }, "store.tls.key_file"),
        (url, StoreTls { key_file: key.clone(), ..full.clone() }, "store.tls.certificate_file"),
        (url, StoreTls { certificate_file: key, key_file: chain, ..full }, "store.tls.certificate_file"),
        ("postgres://postgres@localhost/docs?sslmode=require", StoreTls::default(), "store.tls"),
    ] {
        let config = StoreConfig { url: Some(url.to_owned()), tls, ..StoreConfig::default() };
        let error = Store::open(&config, Path::new("unused")).await.expect_err(named);
        assert!(matches!(error, StoreError::Open { .. }), "{error}");
        assert!(error.to_string().contains(named), "{named}: {error}");
    }
}
