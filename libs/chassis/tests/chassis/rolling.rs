//! Replicas that are replaced one after the other under load.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use septet_chassis::remote;
use septet_testkit::{eventually, evidence::Workspace};

use crate::fixture::{KEY, Server, api_keys, review};

/// Callers at a time.
const CALLERS: usize = 8;
/// How often each replica is replaced.
const ROUNDS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_replicas_are_replaced() {
    let mut replicas = Vec::new();
    for number in 0..2 {
        let workspace = Workspace::new(&format!("chassis::rolling::{number}"));
        let config = api_keys(workspace.path());
        replicas.push(Server::again(workspace, &config).await);
    }
    let urls: Vec<String> = replicas.iter().map(|replica| format!("http://{}", replica.grpc)).collect();
    let channel = remote(&urls.join(","), KEY).expect("a channel");
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    // No retry but the channel's own; these calls are not safe to repeat once they may have begun.
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (channel, stop, done) = (channel.clone(), Arc::clone(&stop), Arc::clone(&done));
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    review(channel.clone(), "any").await?;
                    done.fetch_add(1, Ordering::SeqCst);
                }
                Ok::<_, tonic::Status>(())
            })
        })
        .collect();

    for _ in 0..ROUNDS {
        for replica in &mut replicas {
            let served = done.load(Ordering::SeqCst);
            eventually("calls are made", async || (done.load(Ordering::SeqCst) > served + 100).then_some(()))
                .await;
            let address = replica.grpc;
            let began = Instant::now();
            replica.drain().await.expect("drained");
            assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
            let workspace =
                std::mem::replace(&mut replica.workspace, Workspace::new("chassis::rolling::away"));
            let config = format!("{}\n[grpc]\nlisten = \"{address}\"", api_keys(workspace.path()));
            *replica = Server::again(workspace, &config).await;
            eventually("it is used again", async || (replica.script.calls() > 0).then_some(())).await;
        }
    }
    stop.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.expect("no panic").expect("no call fails");
    }
    for replica in &mut replicas {
        replica.drain().await.expect("drained");
    }
}
