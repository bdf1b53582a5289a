use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use septet_contract::Record;
use septet_messaging::queue::{Consumer, Delivery, Outgoing, Queue, QueueError, QueueSettings, SharedQueue};
use septet_testkit::{Deadline, conformance::unique, eventually, within};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::broker::RabbitFixture;

/// A way to the broker that can be cut.
struct Proxy {
    address: SocketAddr,
    /// Counts the cuts; a connection ends when it changes.
    cuts: Arc<watch::Sender<u32>>,
    listening: tokio::task::JoinHandle<()>,
}

impl Proxy {
    async fn start(broker: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let cuts = Arc::new(watch::Sender::new(0));
        let (broker, signal) = (broker.to_owned(), cuts.clone());
        let listening = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (broker, mut cut) = (broker.clone(), signal.subscribe());
                tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(broker).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { address, cuts, listening }
    }

    /// Ends all connections.
    fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn declared(queue: &SharedQueue) -> String {
    let name = unique("queue");
    let settings = QueueSettings { name: name.clone(), max_attempts: 5 };
    queue.declare(&[settings]).await.expect("declared");
    name
}

fn job(queue: &str, value: &str) -> Outgoing {
    let record = Record { value: Some(Bytes::copy_from_slice(value.as_bytes())), ..Record::default() };
    Outgoing { queue: queue.to_owned(), record, delay: Duration::ZERO }
}

/// Sends until it succeeds, as the relay does.
async fn send(queue: &dyn Queue, job: Outgoing) {
    within(Deadline::LONG, "the job to be sent", async {
        loop {
            match queue.send(vec![job.clone()]).await.pop().expect("one result") {
                Ok(()) => return,
                Err(error) => assert!(error.is_transient(), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

async fn next(consumer: &mut dyn Consumer) -> Delivery {
    within(Deadline::LONG, "a delivery", consumer.next()).await.expect("the consumer goes on")
}

fn text(delivery: &Delivery) -> String {
    String::from_utf8(delivery.record.value.clone().expect("a value").to_vec()).expect("text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_job_is_lost_when_connections_are_cut() {
    let Some(broker) = RabbitFixture::start().await else { return };
    let proxy = Proxy::start(broker.address()).await;
    let queue = broker.queue_at(&proxy.address.to_string());
    let name = declared(&queue).await;
    let mut consumer = queue.consume(&name, 4).await.expect("the queue can be consumed");
    let all: BTreeSet<String> = (0..60).map(|n| n.to_string()).collect();
    let sending = {
        let (queue, name, all) = (queue.clone(), name.clone(), all.clone());
        tokio::spawn(async move {
            for value in &all {
                send(&*queue, job(&name, value)).await;
            }
        })
    };
    let mut done = BTreeSet::new();
    let mut taken = 0;
    while done != all {
        let delivery = next(&mut *consumer).await;
        taken += 1;
        if taken % 15 == 0 {
            proxy.cut();
        }
        let value = text(&delivery);
        let settled = if taken % 7 == 0 {
            within(Deadline::SHORT, "a retry", delivery.lease.retry(Duration::from_millis(100))).await
        } else {
            // Whether or not the broker hears of it, the work is done.
            done.insert(value);
            within(Deadline::SHORT, "an acknowledgement", delivery.lease.ack()).await
        };
        match settled {
            Ok(()) | Err(QueueError::Closed) => {}
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
    }
    within(Deadline::LONG, "everything to be sent", sending).await.expect("everything is sent");
    within(Deadline::LONG, "closing", queue.close()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_does_not_outlive_its_connection() {
    let Some(broker) = RabbitFixture::start().await else { return };
    let proxy = Proxy::start(broker.address()).await;
    let queue = broker.queue_at(&proxy.address.to_string());
    let name = declared(&queue).await;
    send(&*queue, job(&name, "work")).await;
    let mut consumer = queue.consume(&name, 1).await.expect("the queue can be consumed");
    let first = next(&mut *consumer).await;
    assert_eq!(first.attempt, 1);
    proxy.cut();
    let again = next(&mut *consumer).await;
    assert_eq!((text(&again).as_str(), again.attempt), ("work", 2), "the lost attempt counts");
    let late = first.lease.ack().await;
    assert!(matches!(late, Err(QueueError::Closed)), "{late:?}");
    again.lease.ack().await.expect("acknowledged");
    queue.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_broker_is_told_at_once_and_found_again() {
    let Some(broker) = RabbitFixture::start().await else { return };
    let proxy = Proxy::start(broker.address()).await;
    let queue = broker.queue_at(&proxy.address.to_string());
    let name = declared(&queue).await;
    // Nobody listens any more.
    proxy.listening.abort();
    let address = proxy.address;
    proxy.cut();
    eventually("the loss to be noticed", async || queue.ping().await.is_err().then_some(())).await;
    let sent = within(Duration::from_secs(5), "an answer", queue.send(vec![job(&name, "late")])).await;
    assert!(matches!(sent[..], [Err(QueueError::Unavailable { .. })]), "{sent:?}");

    let listener = eventually("the port to be free", async || TcpListener::bind(address).await.ok()).await;
    let target = broker.address().to_owned();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let target = target.clone();
            tokio::spawn(async move {
                if let Ok(mut server) = TcpStream::connect(target).await {
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                }
            });
        }
    });
    send(&*queue, job(&name, "late")).await;
    assert_eq!(queue.depth(&name).await.expect("the depth").delayed, 0);
    queue.close().await;
}
