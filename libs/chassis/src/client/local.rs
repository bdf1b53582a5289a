use std::{
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use futures_util::{FutureExt, future::BoxFuture};
use http::{Request, Response};
use tokio::time::Instant;
use tonic::body::Body;
use tower::{BoxError, Service, ServiceExt};

use crate::{auth::Identity, deadline};

/// Calls the services of this process.
#[derive(Clone)]
pub(super) struct Local {
    pub router: Arc<OnceLock<axum::Router>>,
    pub identity: Identity,
}

impl Service<Request<Body>> for Local {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Some(router) = self.router.get().cloned() else {
            return std::future::ready(Err("the services of this process are not up yet".into())).boxed();
        };
        request.extensions_mut().insert(self.identity.clone());
        let asked = deadline::asked(request.headers()).map(|asked| Instant::now() + asked);
        if let Some(left) = deadline::current().filter(|left| asked.is_none_or(|asked| *left < asked)) {
            deadline::carry(request.headers_mut(), left);
        }
        async move {
            let response = router.oneshot(request.map(axum::body::Body::new)).await?;
            Ok(response.map(Body::new))
        }
        .boxed()
    }
}
