//! Pages that a process serves on its HTTP listener, beside health and metrics.

use std::{
    convert::Infallible,
    path::Path,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{Channel, ProcessConfig, auth::Identity, client::Channels};

/// What a process's pages are made from, once its services can be called.
pub struct HttpBoot {
    pub(crate) channels: Channels,
    pub(crate) config: ProcessConfig,
    pub(crate) stop: CancellationToken,
}

impl HttpBoot {
    /// The way to the services of this process, as a caller with these roles. The calls pass the same checks as those that
    /// come over the network; `subject` is who is named where a decision is kept.
    pub fn channel(&self, subject: &str, roles: &[&str]) -> Channel {
        self.channels.local(Identity::new(subject, roles.iter().copied()))
    }

    /// The process's settings, with the port that it listens on where any would do.
    pub fn config(&self) -> &ProcessConfig {
        &self.config
    }

    /// The directory of everything that the process keeps on this machine.
    pub fn data_dir(&self) -> &Path {
        &self.config.data_dir
    }

    /// Fires when the process drains: a page that goes on for ever ends then.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }
}

/// Makes the pages.
pub(crate) type MakePages = Box<dyn FnOnce(HttpBoot) -> anyhow::Result<Router> + Send>;

/// The place of the pages on a listener that answers before they can be made.
#[derive(Clone, Default)]
pub(crate) struct Pages(Arc<OnceLock<Router>>);

impl Pages {
    /// From now on they are served.
    pub fn open(&self, router: Router) {
        // A process makes its pages once.
        let _ = self.0.set(router);
    }

    pub async fn answer(self, request: Request) -> Result<Response, Infallible> {
        match self.0.get() {
            Some(router) => router.clone().oneshot(request).await,
            None => Ok((StatusCode::SERVICE_UNAVAILABLE, "starting\n").into_response()),
        }
    }
}
