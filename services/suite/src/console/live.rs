//! Pages that stay up to date: parts of them as server-sent events, made as the pages themselves are.
//!
//! Each event is HTML whose elements have an `id`; the script puts each in the place of the one that has it. A stream begins with
//! what is there now, so that nothing is missed between a page and its stream, and ends by itself after a while: the browser
//! comes back, and shows its session again.

use std::{collections::HashMap, convert::Infallible, time::Duration};

use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{StreamExt, stream};
use septet_proto_devops::v1::{
    WatchChangesRequest, WatchJourneyRequest, devops_service_client::DevopsServiceClient,
};
use tokio::{sync::mpsc, time::Instant};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{Console, changes::Wanted};

/// How long a stream goes on.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// How often a word is sent on a silent one, so that a browser that is gone is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long to gather what moved before it is sent: a change that is imported moves several times at once.
const GATHER: Duration = Duration::from_millis(100);
/// Changes that are gathered at most.
const GATHERED: usize = 50;
/// How often to look at what no journey tells of: runs under way, alerts that were closed.
const LOOK: Duration = Duration::from_secs(3);
/// How long the browser waits before it comes back.
const RETRY: Duration = Duration::from_secs(2);
/// Events that wait for a slow browser.
const WAITING: usize = 4;

type Sender = mpsc::Sender<Result<Event, Infallible>>;

/// The rows of changes.
pub async fn changes(State(console): State<Console>, Query(wanted): Query<Wanted>) -> Response {
    begin(console, |console, to| follow_all(console, wanted, to))
}

/// One change's page.
pub async fn change(State(console): State<Console>, Path(id): Path<String>) -> Response {
    begin(console, |console, to| follow_one(console, id, to))
}

/// Begins a stream that `follow` fills in a task of its own, so that a browser which reads no more holds no call of a service
/// open when the process drains.
fn begin<F>(console: Console, follow: impl FnOnce(Console, Sender) -> F) -> Response
where
    F: Future<Output = Result<(), Status>> + Send + 'static,
{
    let Ok(place) = console.live.clone().try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many live pages; close some\n").into_response();
    };
    let (to, events) = mpsc::channel(WAITING);
    let (stop, gone) = (console.stop.clone(), to.clone());
    let following = follow(console, to);
    tokio::spawn(async move {
        let _place = place;
        tokio::select! {
            () = stop.cancelled() => {}
            () = gone.closed() => {}
            () = tokio::time::sleep(LIFETIME) => {}
            followed = following => if let Err(status) = followed {
                tracing::debug!(%status, "a live page has ended");
            }
        }
    });
    Sse::new(ReceiverStream::new(events)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

async fn follow_all(console: Console, wanted: Wanted, to: Sender) -> Result<(), Status> {
    let mut devops = DevopsServiceClient::new(console.channel.clone());
    let request = WatchChangesRequest { repository_id: wanted.repository.clone(), include_existing: false };
    let pushed = devops.watch_changes(request).await?.into_inner();
    let request = WatchJourneyRequest { change_id: String::new() };
    let moved = devops.watch_journey(request).await?.into_inner();
    let mut news = stream::select(
        pushed.map(|reply| reply.map(|reply| reply.change)),
        moved.map(|reply| reply.map(|reply| reply.change)),
    );
    // Oldest first: the script puts what it does not know yet on top.
    let (mut rows, _) = console.rows(&wanted).await?;
    rows.reverse();
    send(&to, &rows.concat()).await?;
    let mut gathered: Vec<String> = Vec::new();
    let mut due = Instant::now();
    loop {
        let full = gathered.len() >= GATHERED;
        tokio::select! {
            next = news.next(), if !full => {
                let Some(next) = next else { return Ok(()) };
                let Some(change) = next? else { continue };
                let ours = wanted.repository.is_empty() || change.repository_id == wanted.repository;
                if gathered.is_empty() {
                    due = Instant::now() + GATHER;
                }
                if ours && !gathered.contains(&change.id) {
                    gathered.push(change.id);
                }
            }
            () = tokio::time::sleep_until(due), if !gathered.is_empty() => {
                let mut rows = String::new();
                for id in gathered.drain(..) {
                    // One that cannot be read now is told when it moves next, or when the stream begins again.
                    rows.push_str(&console.row(&id).await.unwrap_or_default());
                }
                send(&to, &rows).await?;
            }
        }
    }
}

async fn follow_one(console: Console, id: String, to: Sender) -> Result<(), Status> {
    let mut devops = DevopsServiceClient::new(console.channel.clone());
    let request = WatchJourneyRequest { change_id: id.clone() };
    let mut moved = devops.watch_journey(request).await?.into_inner();
    let mut sent: HashMap<&'static str, String> = HashMap::new();
    loop {
        let mut fresh = String::new();
        for (name, html) in console.sections(&id).await?.parts {
            if sent.get(name) != Some(&html) {
                fresh.push_str(&html);
                sent.insert(name, html);
            }
        }
        if !fresh.is_empty() {
            send(&to, &fresh).await?;
        }
        tokio::select! {
            next = moved.next() => match next {
                Some(next) => drop(next?),
                None => return Ok(()),
            },
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

async fn send(to: &Sender, html: &str) -> Result<(), Status> {
    let event = Event::default().event("parts").retry(RETRY).data(html);
    // Nobody looks any more.
    to.send(Ok(event)).await.map_err(|_| Status::cancelled("the browser is gone"))
}
