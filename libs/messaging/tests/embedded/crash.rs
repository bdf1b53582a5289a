//! `kill -9` in the middle of writing: what was acked is there, and nothing is there twice.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use septet_messaging::{
    log::{Assignment, embedded::EmbeddedOptions as LogOptions},
    queue::{QueueSettings, embedded::EmbeddedOptions as QueueOptions},
};
use septet_testkit::{
    Deadline,
    evidence::Workspace,
    history::{History, Order, Outcome},
    within,
};

use crate::fixture::{append, create, job, open_log, open_queue, record, text};

/// Tells the child below where to write.
const DIR: &str = "SEPTET_TEST_CRASH_DIR";

/// Lines that the child says before it is killed.
const ACKED: usize = 150;

fn sole_log() -> LogOptions {
    LogOptions { sole_owner: true, ..LogOptions::default() }
}

fn sole_queue() -> QueueOptions {
    QueueOptions { sole_owner: true, ..QueueOptions::default() }
}

/// Not a test by itself: appends, sends, takes a membership and a job, and says what was acked, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs as the child of the crash test"]
async fn child() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let dir = Path::new(&dir);
    let (log, queue) = (open_log(dir, sole_log()).await, open_queue(dir, sole_queue()).await);
    create(&*log, "t", 3).await;
    queue.declare(&[QueueSettings { name: "q".to_owned(), max_attempts: 5 }]).await.expect("declared");
    let mut membership = log.subscribe("g", &["t".to_owned()]).await.expect("joined");
    let Ok(Assignment::Assigned(_partition)) = membership.next().await else { panic!("a partition is free") };
    let _ = queue.send(vec![job("q", "in hand")]).await;
    let mut consumer = queue.consume("q", 1).await.expect("consumed");
    let _delivery = consumer.next().await.expect("a job");
    for n in 0_u64.. {
        for result in queue.send(vec![job("q", &format!("job-{n}"))]).await {
            result.expect("sent");
        }
        let key = format!("k{}", n % 5);
        append(&*log, "t", vec![record(&key, &format!("record-{n}"))]).await;
        println!("acked {n}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_nothing_and_a_restart_resumes_at_once() {
    let workspace = Workspace::new("embedded::crash");
    let mut child = Command::new(std::env::current_exe().expect("this executable"))
        .args(["--exact", "crash::child", "--ignored", "--nocapture"])
        .env(DIR, workspace.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the child starts");
    let (records, jobs) = (History::new(), History::new());
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    for n in 0..ACKED as u64 {
        let said = format!("acked {n}");
        assert!(
            lines.by_ref().map_while(Result::ok).any(|line| line.ends_with(&said)),
            "the child says {said}"
        );
        for (history, id) in [(&records, format!("record-{n}")), (&jobs, format!("job-{n}"))] {
            history.intend(&id, &format!("k{}", n % 5), n);
            history.outcome(&id, Outcome::Acked);
        }
    }
    child.kill().expect("killed");
    // What it said before it died, and one more that it may have written and not said.
    let rest = lines.map_while(Result::ok).count() as u64;
    for n in ACKED as u64..=ACKED as u64 + rest {
        for (history, id) in [(&records, format!("record-{n}")), (&jobs, format!("job-{n}"))] {
            history.intend(&id, &format!("k{}", n % 5), n);
        }
    }
    child.wait().expect("dead");

    let (log, queue) =
        (open_log(workspace.path(), sole_log()).await, open_queue(workspace.path(), sole_queue()).await);
    // The child died with a membership and a job; neither is waited for.
    let resumed = within(Duration::from_secs(5), "a restart that resumes at once", async {
        let mut membership = log.subscribe("g", &["t".to_owned()]).await.expect("joined");
        let mut partitions = BTreeMap::new();
        while partitions.len() < 3 {
            if let Assignment::Assigned(partition) = membership.next().await.expect("a change") {
                partitions.insert(partition.partition(), partition);
            }
        }
        (membership, partitions)
    });
    let (membership, mut partitions) = resumed.await;
    for state in log.topics().await.expect("topics")[0].partitions.iter().zip(partitions.values_mut()) {
        let (range, partition) = state;
        let mut at = range.start;
        while at < range.end {
            for fetched in within(Deadline::SHORT, "a batch", partition.batch(100)).await.expect("a batch") {
                assert_eq!(fetched.offset, at, "offsets are dense");
                records.effect(&text(&fetched.record));
                at += 1;
            }
        }
    }
    let depth = queue.depth("q").await.expect("the depth");
    assert_eq!((depth.leased, depth.delayed), (0, 0));
    let mut consumer = queue.consume("q", 1).await.expect("consumed");
    for _ in 0..depth.ready {
        let delivery = within(Deadline::SHORT, "a job", consumer.next()).await.expect("a job");
        if text(&delivery.record) == "in hand" {
            assert_eq!(delivery.attempt, 2, "the delivery that ended in the crash is counted");
        } else {
            jobs.effect(&text(&delivery.record));
        }
        delivery.lease.ack().await.expect("acked");
    }
    records.check(Order::PerKey).expect("no record lost, repeated or out of order");
    jobs.check(Order::Any).expect("no job lost or repeated");
    drop(partitions);
    membership.leave().await;
    log.close().await;
    queue.close().await;
}
