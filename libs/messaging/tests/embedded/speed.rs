//! How fast appends and deliveries are. Measured, not judged: the machine decides. Run with `--ignored --nocapture`.

use std::time::{Duration, Instant};

use septet_messaging::{
    log::{From, embedded::EmbeddedOptions as LogOptions},
    queue::{QueueSettings, embedded::EmbeddedOptions as QueueOptions},
};
use septet_testkit::evidence::Workspace;

use crate::fixture::{append, create, job, open_log, open_queue, record};

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort();
    times[times.len() * percent / 100]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn measure() {
    let workspace = Workspace::new("embedded::speed");
    let log = open_log(workspace.path(), LogOptions::default()).await;
    create(&*log, "t", 12).await;
    create(&*log, "one", 1).await;
    let value = "x".repeat(300);

    let batch = || (0..1000).map(|n| record(&format!("key-{n}"), &value)).collect::<Vec<_>>();
    let start = Instant::now();
    for _ in 0..50 {
        append(&*log, "t", batch()).await;
    }
    println!("append, batches of 1,000: {:.0} records/s", 50_000.0 / start.elapsed().as_secs_f64());

    let start = Instant::now();
    for _ in 0..200 {
        append(&*log, "t", vec![record("k", &value)]).await;
    }
    println!("append, one at a time: {:.0} records/s", 200.0 / start.elapsed().as_secs_f64());

    let start = Instant::now();
    let appenders: Vec<_> = (0..64)
        .map(|n| {
            let (log, value) = (log.clone(), value.clone());
            tokio::spawn(async move {
                for _ in 0..50 {
                    append(&*log, "t", vec![record(&n.to_string(), &value)]).await;
                }
            })
        })
        .collect();
    for appender in appenders {
        appender.await.expect("it ends");
    }
    println!("append, one at a time by 64 at once: {:.0} records/s", 3200.0 / start.elapsed().as_secs_f64());

    let mut reader = log.read("one", 0, From::Start).await.expect("a reader");
    let (mut waits, mut appends) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        let start = Instant::now();
        let (batch, appended) = tokio::join!(
            async {
                let batch = reader.batch(1).await;
                batch.map(|_| start.elapsed())
            },
            async {
                append(&*log, "one", vec![record("k", &value)]).await;
                start.elapsed()
            }
        );
        waits.push(batch.expect("a batch"));
        appends.push(appended);
    }
    println!(
        "append to durable: p50 {:?}, p99 {:?}",
        percentile(&mut appends, 50),
        percentile(&mut appends, 99)
    );
    println!("append to batch(): p50 {:?}, p99 {:?}", percentile(&mut waits, 50), percentile(&mut waits, 99));

    let start = Instant::now();
    let mut read = 0;
    for partition in 0..12 {
        let end =
            log.topics().await.expect("topics").into_iter().find(|t| t.name == "t").expect("t").partitions
                [partition]
                .end;
        let mut reader = log.read("t", partition as i32, From::Start).await.expect("a reader");
        let mut left = end as usize;
        while left > 0 {
            let batch = reader.batch(left.min(500)).await.expect("a batch");
            left -= batch.len();
            read += batch.len();
        }
    }
    println!("read, batches of 500: {:.0} records/s", read as f64 / start.elapsed().as_secs_f64());
    log.close().await;

    let queue = open_queue(workspace.path(), QueueOptions::default()).await;
    queue.declare(&[QueueSettings { name: "q".to_owned(), max_attempts: 5 }]).await.expect("declared");
    let start = Instant::now();
    for _ in 0..10 {
        let _ = queue.send((0..200).map(|_| job("q", &value)).collect()).await;
    }
    println!("send, batches of 200: {:.0} jobs/s", 2000.0 / start.elapsed().as_secs_f64());
    let start = Instant::now();
    let mut consumer = queue.consume("q", 16).await.expect("consumed");
    let mut working = tokio::task::JoinSet::new();
    for _ in 0..2000 {
        let delivery = consumer.next().await.expect("a job");
        working.spawn(async move { delivery.lease.ack().await.expect("acked") });
    }
    working.join_all().await;
    println!("take and ack, prefetch 16: {:.0} jobs/s", 2000.0 / start.elapsed().as_secs_f64());
    queue.close().await;
}
