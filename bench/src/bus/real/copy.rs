//! The same rows by `COPY`: the fastest way into PostgreSQL.

use std::time::Instant;

use bytes::Bytes;
use futures_util::SinkExt as _;
use septet_contract::{Cause, Envelope, Event as _, Timestamp, cloudevents};
use septet_messaging::Settings;
use septet_proto_review::v1::ReviewCompleted;
use septet_store::{Store, StoreConfig};
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};

use super::{
    backlog,
    cpu::{Part, Spent},
    servers::Servers,
    service::{DATA, Measured, STATE},
};

/// Rows of one table for one batch, in PostgreSQL's binary format.
struct Rows(Vec<u8>);

impl Rows {
    fn new() -> Self {
        let mut bytes = b"PGCOPY\n\xff\r\n\0".to_vec();
        bytes.extend([0; 8]);
        Self(bytes)
    }

    fn push(&mut self, columns: &[&[u8]]) {
        self.0.extend((columns.len() as i16).to_be_bytes());
        for column in columns {
            self.0.extend((column.len() as i32).to_be_bytes());
            self.0.extend(*column);
        }
    }

    fn end(mut self) -> Bytes {
        self.0.extend((-1_i16).to_be_bytes());
        self.0.into()
    }
}

/// One transaction's rows.
struct Batch {
    inbox: Bytes,
    state: Bytes,
    outbox: Bytes,
}

/// Copies the inbox, state and outbox rows of so many events, in transactions of as many events as a service's, over as many
/// connections as a service has. The rows are made before the clock starts, and nothing is deleted.
pub async fn measure(servers: &Servers, events: usize) -> anyhow::Result<Measured> {
    let url = servers.database("septet_copy").await?;
    let config = StoreConfig { url: Some(url.clone()), ..StoreConfig::default() };
    let store = Store::open(&config, std::path::Path::new("unused")).await?;
    store.migrate(&septet_messaging::migrations()).await?;
    store.close().await;
    let connections = config.max_connections as usize;
    let mut workers = Vec::new();
    for number in 0..connections {
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        // Ends with its client.
        tokio::spawn(connection);
        if number == 0 {
            client.batch_execute(STATE).await?;
        }
        workers.push((client, Vec::new()));
    }
    let mut left = events;
    for number in (0..connections).cycle() {
        let size = left.min(Settings::default().batch);
        workers[number].1.push(batch(size));
        left -= size;
        if left == 0 {
            break;
        }
    }
    let parts = Part::find(servers).await?;
    let before = Spent::now(&parts)?;
    let began = Instant::now();
    let mut copying = JoinSet::new();
    for (client, batches) in workers {
        copying.spawn(copy(client, batches));
    }
    while let Some(copied) = copying.join_next().await {
        copied??;
    }
    Ok(Measured { took: began.elapsed(), spent: Spent::now(&parts)?.since(&before) })
}

async fn copy(mut client: Client, batches: Vec<Batch>) -> anyhow::Result<()> {
    let inbox =
        client.prepare("COPY inbox (consumer, source, id, handled_at) FROM STDIN (FORMAT binary)").await?;
    let state = client.prepare("COPY state (key, data, changed_at) FROM STDIN (FORMAT binary)").await?;
    let outbox = client
        .prepare("COPY outbox (lane, destination, key, headers, value, due_at) FROM STDIN (FORMAT binary)")
        .await?;
    for batch in batches {
        let tx = client.transaction().await?;
        for (statement, rows) in [(&inbox, batch.inbox), (&state, batch.state), (&outbox, batch.outbox)] {
            let mut copy = std::pin::pin!(tx.copy_in(statement).await?);
            copy.send(rows).await?;
            copy.finish().await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

fn batch(events: usize) -> Batch {
    let (mut inbox, mut state, mut outbox) = (Rows::new(), Rows::new(), Rows::new());
    let data = vec![7_u8; DATA];
    for _ in 0..events {
        let (id, key) = (uuid::Uuid::now_v7().to_string(), uuid::Uuid::now_v7().to_string());
        let now = Timestamp::now().micros().to_be_bytes();
        let event = backlog::answer(&key);
        let cause = Cause { id: Some(id.clone()), correlation_id: Some(id.clone()), traceparent: None };
        let record =
            cloudevents::to_record(&Envelope::of_event(&event, "/septet/review", Timestamp::now(), &cause));
        // As long as Septet's own form of them.
        let headers: usize = record
            .headers
            .iter()
            .map(|h| 8 + h.key.len() + h.value.as_ref().map_or(0, |value| value.len()))
            .sum();
        let headers = vec![7_u8; headers];
        inbox.push(&[b"review", b"/bench", id.as_bytes(), &now]);
        state.push(&[key.as_bytes(), &data, &now]);
        outbox.push(&[
            b"event",
            ReviewCompleted::TOPIC.as_bytes(),
            key.as_bytes(),
            &headers,
            record.value.as_deref().unwrap_or_default(),
            &now,
        ]);
    }
    Batch { inbox: inbox.end(), state: state.end(), outbox: outbox.end() }
}
