//! A commit whose answer is lost has happened, and whoever asked for it does not know. All of it happens once.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use septet_contract::{Cause, Event};
use septet_messaging::{Cx, CxError, RequestKey};
use septet_proto_devops::v1::ChangePushed;
use septet_proto_review::v1::{Review, ReviewCompleted, ReviewDiffRequest, ReviewDiffResponse};
use septet_store::StoreConfig;
use septet_testkit::servers;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    fixture::{Fixture, envelope, job, pushed, record_of, settings},
    service::{completed, effect},
};

/// A way to PostgreSQL that loses the answers to the next commits, and the connections with them.
struct Lossy {
    address: SocketAddr,
    to_lose: Arc<AtomicUsize>,
}

impl Lossy {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let to_lose = Arc::new(AtomicUsize::new(0));
        let left = to_lose.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (server, left) = (server.clone(), left.clone());
                // How the connection ends does not matter.
                tokio::spawn(async move { carry(near, &server, &left).await.ok() });
            }
        });
        Self { address, to_lose }
    }
}

async fn carry(mut near: TcpStream, server: &str, to_lose: &AtomicUsize) -> std::io::Result<()> {
    let mut far = TcpStream::connect(server).await?;
    let (mut up, mut down) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            asked = near.read(&mut up) => {
                let asked = &up[..asked?];
                if asked.is_empty() {
                    return Ok(());
                }
                let commits = asked.windows(7).any(|bytes| bytes == b"COMMIT\0");
                far.write_all(asked).await?;
                let one_less = |left: usize| left.checked_sub(1);
                if commits && to_lose.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
                    // Once it answers, it has committed.
                    let _answer = far.read(&mut down).await?;
                    return Ok(());
                }
            }
            answered = far.read(&mut down) => {
                let answered = &down[..answered?];
                if answered.is_empty() {
                    return Ok(());
                }
                near.write_all(answered).await?;
            }
        }
    }
}

async fn behind_a_lossy_way(test: &str) -> Option<(Fixture, Lossy)> {
    let url = servers::postgres().await?.create_database().await;
    let (account, rest) = url.split_once('@').expect("an account");
    let (server, database) = rest.split_once('/').expect("a database");
    let way = Lossy::to(server.to_owned()).await;
    let url = Some(format!("{account}@{}/{database}", way.address));
    let of = Fixture::with(StoreConfig { url, ..StoreConfig::default() }, test, settings()).await;
    Some((of, way))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_and_jobs_are_done_once() {
    let Some((of, way)) = behind_a_lossy_way("lost_commit::events").await else { return };
    for number in 0..60 {
        let record = record_of(&pushed(&(number % 5).to_string(), &format!("event {number}")));
        of.append(ChangePushed::TOPIC, [record]).await;
    }
    for number in 0..5 {
        of.send(job(&format!("job {number}"))).await;
    }
    // Those of batches, jobs and both relays, whoever comes first.
    way.to_lose.store(12, Ordering::Relaxed);
    let running = of.start();
    of.idle().await;
    running.drain().await;
    assert_eq!(way.to_lose.load(Ordering::Relaxed), 0, "so many answers were lost");
    let effects = of.effects().await;
    assert_eq!(effects.iter().collect::<BTreeSet<_>>().len(), 65, "each happened");
    assert_eq!(effects.len(), 65, "once");
    assert!(of.open_letters(0).await.is_empty(), "nothing was given up");
    let published = of.records(ReviewCompleted::TOPIC).await;
    let ids: BTreeSet<_> = published.iter().map(|record| envelope(record).id).collect();
    assert_eq!(ids.len(), 65, "what was sent twice has the same id");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retried_call_gets_the_reply_to_what_was_done() {
    let Some((of, way)) = behind_a_lossy_way("lost_commit::call").await else { return };
    let request = ReviewDiffRequest { request_id: "1".to_owned(), ..Default::default() };
    let key = RequestKey::new("/septet.review.v1.ReviewService/ReviewDiff", "ann", "1", &request);
    let call = async |id: &str| -> Result<ReviewDiffResponse, CxError> {
        let mut cx: Cx = of.units.begin(Cause::default());
        if let Some(reply) = cx.earlier_reply(key.as_ref()).await? {
            return Ok(reply);
        }
        effect(&mut cx, id).await.expect("written");
        cx.publish(&completed(id))?;
        let review = Review { id: id.to_owned(), ..Review::default() };
        let reply = ReviewDiffResponse { review: Some(review), ..Default::default() };
        cx.commit_reply(key.as_ref(), &reply).await?;
        Ok(reply)
    };
    way.to_lose.store(1, Ordering::Relaxed);
    let error = call("first").await.expect_err("nobody knows");
    assert!(error.is_transient(), "{error}");
    let reply = call("second").await.expect("answered");
    assert_eq!(reply.review.map(|review| review.id), Some("first".to_owned()));
    assert_eq!(of.effects().await, ["first"]);
    assert_eq!(of.units.pending().await.expect("counted").rows, 1);
}
