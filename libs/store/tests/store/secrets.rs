//! A password is in no message, log field or debug output.

use std::fs;

use septet_store::{Store, StoreConfig, StoreUrl};
use septet_testkit::evidence::Workspace;

const PASSWORD: &str = "hunter2";

#[test]
fn a_url_is_shown_without_what_may_be_a_password() {
    for url in [
        "postgres://septet:hunter2@db.example/docs",
        "postgres://septet:hunter2@db.example:5432/docs?sslmode=require",
        "postgres://db.example/docs?user=septet&password=hunter2",
        "postgres://db.example/docs?user=a@b&password=hunter2",
        "postgres://septet:hunter2@hunter2@db.example/docs",
        "postgres://septet:x/hunter2@db.example/docs",
        "postgres://septet:x?hunter2@db.example/docs",
        "septet:hunter2@db.example/docs",
    ] {
        let config = StoreConfig { url: Some(url.to_owned()), ..StoreConfig::default() };
        let shown = StoreUrl::Postgres(url.to_owned());
        for text in [shown.to_string(), format!("{shown:?}"), format!("{config:?}")] {
            assert!(!text.contains(PASSWORD), "{text}");
        }
    }
    let plain = StoreUrl::Postgres("postgres://septet@db.example:5432/docs".to_owned());
    assert_eq!(plain.to_string(), "postgres://db.example:5432/docs");
}

#[tokio::test]
async fn a_store_and_its_errors_do_not_tell_the_password() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("bound").local_addr().expect("address");
    let workspace = Workspace::new("secrets::store");
    let file = workspace.path().join("password");
    fs::write(&file, format!("{PASSWORD}\n")).expect("written");
    let with = |url: String, password_file| StoreConfig {
        url: Some(url),
        password_file,
        acquire_timeout_secs: 1,
        ..StoreConfig::default()
    };
    for config in [
        with(format!("postgres://septet:{PASSWORD}@{closed}/docs"), None),
        with(format!("postgres://{closed}/docs?user=septet&password={PASSWORD}"), None),
    ] {
        let error = Store::open(&config, "unused".as_ref()).await.expect_err("it belongs into a file");
        assert!(error.to_string().contains("store.password_file"), "{error}");
        assert!(!error.to_string().contains(PASSWORD), "{error}");
    }
    let config = with(format!("postgres://septet@{closed}/docs"), Some(file.clone()));
    let store = Store::open(&config, "unused".as_ref()).await.expect("lazy");
    let error = store.ping().await.expect_err("away");
    for text in [format!("{store:?}"), store.location().to_owned(), error.to_string(), format!("{error:?}")] {
        assert!(!text.contains(PASSWORD), "{text}");
    }
    // What cannot be parsed is not quoted.
    let config = with(format!("postgres://septet:{PASSWORD}@host:notaport/docs"), None);
    let error = Store::open(&config, "unused".as_ref()).await.expect_err("no port");
    assert!(!error.to_string().contains(PASSWORD), "{error}");
    // A password file that is absent is named.
    let config = with("postgres://septet@host/docs".to_owned(), Some(workspace.path().join("absent")));
    let error = Store::open(&config, "unused".as_ref()).await.expect_err("absent");
    assert!(error.to_string().contains("absent"), "{error}");
}
