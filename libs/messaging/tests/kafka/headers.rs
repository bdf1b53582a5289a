use std::time::Duration;

use bytes::Bytes;
use rdkafka::{
    ClientConfig,
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};
use septet_contract::Record;
use septet_messaging::log::From;
use septet_testkit::{Deadline, conformance::unique, within};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use super::cluster::{KafkaFixture, Mock};

const WRITTEN: &[u8] = b"ReplaceThisKey";
const ARRIVES: &[u8] = b"ReplaceThis\xff\xfe\xfd";

/// Copies, with one sequence of bytes replaced by another of the same length wherever it is whole in one read.
async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, old: Vec<u8>, new: Vec<u8>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let bytes = &mut buffer[..length];
        for start in 0..length.saturating_sub(old.len() - 1) {
            if bytes[start..].starts_with(&old) {
                bytes[start..start + new.len()].copy_from_slice(&new);
            }
        }
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

/// A broker that spoils the header key on its way in. It takes the place of the mock's only broker by replacing the port
/// that the broker names as its own. (The mock cluster does not look at checksums, nor does the consumer.)
async fn spoiling_proxy(broker: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let own = listener.local_addr().expect("an address");
    let broker = broker.to_owned();
    let port: u32 = broker.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&broker).await.expect("the broker");
            let (client_in, client_out) = client.into_split();
            let (server_in, server_out) = server.into_split();
            tokio::spawn(copy(client_in, server_out, WRITTEN.to_vec(), ARRIVES.to_vec()));
            let own = u32::from(own.port()).to_be_bytes().to_vec();
            tokio::spawn(copy(server_in, client_out, port.to_be_bytes().to_vec(), own));
        }
    });
    own.to_string()
}

/// A header key that is not text costs the record its headers, and neither the record nor the reader.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unreadable_header_keys_are_marked() {
    let mock = Mock::start(1);
    let topic = unique("topic");
    mock.create(&topic, 1);
    let spoiler = spoiling_proxy(&mock.brokers).await;
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", spoiler)
        .set("broker.address.family", "v4")
        .create()
        .expect("a producer");
    for key in ["ReplaceThisKey", "fine"] {
        let headers = OwnedHeaders::new().insert(Header { key: "ce_id", value: Some("1") });
        let headers = headers.insert(Header { key, value: Some("x") });
        let record = FutureRecord::to(&topic).key("k").payload("value").headers(headers);
        within(Deadline::SHORT, "delivery", producer.send(record, Duration::from_secs(10)))
            .await
            .expect("delivered");
    }
    let log = KafkaFixture::Mock(mock.clone()).log(KafkaFixture::Mock(mock).config());
    let mut reader = log.read(&topic, 0, From::Start).await.expect("a reader");
    let mut records: Vec<Record> = Vec::new();
    while records.len() < 2 {
        let batch = within(Deadline::SHORT, "a batch", reader.batch(10)).await.expect("a batch");
        records.extend(batch.into_iter().map(|fetched| fetched.record));
    }
    assert_eq!(records[0].value.as_deref(), Some(&b"value"[..]), "the record itself is whole");
    assert_eq!(records[0].headers.len(), 1, "{:?}", records[0].headers);
    assert!(std::str::from_utf8(&records[0].headers[0].key).is_err(), "{:?}", records[0].headers);
    let keys: Vec<&Bytes> = records[1].headers.iter().map(|header| &header.key).collect();
    assert_eq!(keys, ["ce_id", "fine"]);
    drop(reader);
    log.close().await;
}
