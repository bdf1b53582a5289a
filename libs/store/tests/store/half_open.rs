//! PostgreSQL's end of a connection goes away without a word.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    time::Duration,
};

use septet_store::{Store, StoreConfig};
use septet_testkit::{
    Deadline, eventually,
    proxy::{Fault, FaultProxy},
    servers, within,
};

use crate::fixture::{first, ids, insert};

/// The server of a URL, and the URL with a way there that leads through a proxy.
async fn through_proxy(url: &str) -> (FaultProxy, String) {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (place, database) = rest.rsplit_once('/').expect("a database");
    let (user, server) = place.rsplit_once('@').expect("a user");
    let mut addresses = server.to_socket_addrs().expect("an address");
    let server = addresses.find(SocketAddr::is_ipv4).expect("an address");
    let proxy = FaultProxy::start(server).await.expect("a proxy");
    let url = format!("{scheme}://{user}@{}/{database}", proxy.address());
    (proxy, url)
}

/// With all connections of the pool in use or idle when it happens, the store is told of it in time and goes on with new
/// ones as soon as it can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_goes_on_with_new_connections() {
    let Some(server) = servers::postgres().await else { return };
    let (proxy, url) = through_proxy(&server.create_database().await).await;
    let config = StoreConfig { url: Some(url), max_connections: 4, ..StoreConfig::default() };
    let store = Store::open(&config, "unused".as_ref()).await.expect("opened");
    store.migrate(&first()).await.expect("applied");
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(store.begin().await.expect("begun"));
    }
    // Two are in the middle of a transaction, one of them goes out of use, two are idle.
    open.truncate(2);
    insert(&mut open[0], "never", None).await.expect("inserted");
    eventually("a connection to be idle", async || store.begin().await.ok()).await;
    proxy.set(Fault::HalfOpen);
    let unanswered = within(Duration::from_secs(40), "the silence to be noticed", async {
        let ended = open.swap_remove(0).commit().await.expect_err("nobody answers");
        assert!(ended.is_transient(), "{ended}");
        let error = store.begin().await.map(drop).expect_err("nobody answers");
        assert!(error.is_transient(), "{error}");
    });
    unanswered.await;
    drop(open);
    proxy.set(Fault::None);
    within(Duration::from_secs(40), "every place of the pool to be usable again", async {
        let mut open = Vec::new();
        while open.len() < 4 {
            if let Ok(tx) = store.begin().await {
                open.push(tx);
            }
        }
        insert(&mut open[3], "after", None).await.expect("inserted");
        open.pop().expect("the last").commit().await.expect("committed");
    })
    .await;
    assert_eq!(within(Deadline::SHORT, "a reader", ids(&store)).await, ["after"]);
}
