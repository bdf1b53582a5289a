//! The console: the suite's pages on its HTTP listener.
//!
//! Pages are made here from what the public RPCs answer, and work without a script; a script only keeps them up to date.
//! Nothing comes from elsewhere: templates, styles and scripts are in the binary.
//!
//! # Who may look
//!
//! What reviews found is not for everyone who can reach the port, such as other users of the machine, so every page asks for a
//! session. A session is opened with a one-time code ([`code`]) that `septet up` and `septet console` print. A code is
//! proof of having read the local token, which only the user who started the suite can; it holds for ten minutes and one
//! sign-in. The token itself is never sent to a browser. The session is a random cookie that scripts cannot read and other sites
//! cannot have sent (`HttpOnly`, `SameSite=Strict`); it ends after twelve hours, by signing out, and with the process.
//!
//! A request under a name that is not ours is refused, so that a page elsewhere cannot reach this one by letting its own
//! name point here; and one that changes something must come from a page of ours ([`origin`]). The console calls the services as
//! `console`, with the roles `viewer` and `operator`.
//!
//! Browsers keep cookies by host, whatever the port: a program of another user of this machine is sent the session by whoever
//! opens a page of its under the same host while signed in. Sign out first where you must.

mod access;
mod answer;
mod assets;
mod change;
mod changes;
mod code;
mod command;
mod dead_letters;
mod format;
mod guard;
mod live;
mod origin;
mod part;
mod record;
mod row;
mod sections;
mod session;
mod sign_in;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post},
};
use septet_chassis::{Channel, HttpBoot};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use command::{run, sign_in_url};

use access::Access;

/// Who the console is to the services.
const SUBJECT: &str = "console";
const ROLES: [&str; 2] = ["viewer", "operator"];
/// Bytes of a form at most: a record that was mended is the largest.
const MAX_FORM: usize = 1024 * 1024;
/// Pages that may be live at a time.
const LIVE_PAGES: usize = 64;

/// What every page is made from.
#[derive(Clone)]
struct Console {
    channel: Channel,
    access: Arc<Access>,
    live: Arc<Semaphore>,
    stop: CancellationToken,
}

/// The console's pages. Give it to [`septet_chassis::Process::http`].
///
/// # Errors
/// The local token cannot be read.
pub fn router(boot: &HttpBoot) -> anyhow::Result<Router> {
    Ok(pages(Console {
        channel: boot.channel(SUBJECT, &ROLES),
        access: Arc::new(Access::new(boot)?),
        live: Arc::new(Semaphore::new(LIVE_PAGES)),
        stop: boot.stop(),
    }))
}

fn pages(console: Console) -> Router {
    let signed_in = Router::new()
        .route("/", get(changes::page))
        .route("/changes/{id}", get(change::page))
        .route("/dead-letters", get(dead_letters::list))
        .route("/dead-letters/{id}", get(dead_letters::page))
        .route("/dead-letters/{id}/redrive", post(dead_letters::redrive))
        .route("/dead-letters/{id}/discard", post(dead_letters::discard))
        .route("/live/changes", get(live::changes))
        .route("/live/changes/{id}", get(live::change))
        .route("/sign-out", post(sign_in::close))
        .route_layer(from_fn_with_state(console.clone(), guard::signed_in));
    Router::new()
        .route("/sign-in", get(sign_in::open_by_link).post(sign_in::open_by_form))
        .route("/assets/{file}", get(assets::serve))
        .merge(signed_in)
        .fallback(async || answer::not_found("There is no such page."))
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .layer(from_fn_with_state(console.clone(), guard::from_our_pages))
        .layer(from_fn(guard::bounded))
        .with_state(console)
}

#[cfg(test)]
mod tests;
