use axum::{body::Body, extract::Request, middleware::Next, response::Response};
use http::{HeaderMap, header::AUTHORIZATION};
use tonic::{Code, Status};

use super::{Auth, Identity, refused};
use crate::{error::fault, grpc::Peer};

/// Probes carry no token.
pub const HEALTH: &str = "/grpc.health.v1.Health/";
/// Describes the contracts; any caller with an identity may look.
const REFLECTION: [&str; 2] =
    ["/grpc.reflection.v1.ServerReflection/", "/grpc.reflection.v1alpha.ServerReflection/"];

/// Lets a call pass if the caller's identity is proven and one of its roles is in the contract. Puts the [`Identity`]
/// into the request's extensions. A call from this process brings its identity along; the network cannot.
pub async fn authorise(auth: &Auth, mut request: Request, next: Next) -> Response {
    if request.uri().path().starts_with(HEALTH) {
        return next.run(request).await;
    }
    // Owned, all: the body of a request cannot be shared while the proof is checked.
    let brought = request.extensions().get::<Identity>().cloned();
    let peer = request.extensions().get::<Peer>().cloned().unwrap_or_default();
    let carried = credential(request.headers()).map(|carried| carried.map(str::to_owned));
    let proven = match (brought, carried) {
        (Some(identity), _) => Ok(identity),
        // What a caller says of itself goes before what its connection says.
        (None, Ok(Some(credential))) => auth.identify(&credential).await,
        (None, Ok(None)) => auth.identify_peer(&peer),
        (None, Err(status)) => Err(status),
    };
    let path = request.uri().path();
    let subject = proven.as_ref().ok().map(|identity| identity.subject.clone());
    match proven.and_then(|identity| allow(auth, identity, path)) {
        Ok(identity) => {
            request.extensions_mut().insert(identity);
            next.run(request).await
        }
        Err(status) => {
            auth.denials.note(auth.known(path), subject.as_deref().unwrap_or_default(), status.code());
            tracing::info!(path, code = ?status.code(), reason = status.message(), "a call was denied");
            status.into_http::<Body>()
        }
    }
}

fn allow(auth: &Auth, identity: Identity, path: &str) -> Result<Identity, Status> {
    if REFLECTION.iter().any(|service| path.starts_with(service)) {
        return Ok(identity);
    }
    let Some(roles) = auth.roles(path) else {
        return Err(fault(
            Code::Unimplemented,
            "SEPTET-0012",
            "method",
            "there is no such RPC here",
            "look at `septet describe` for what is served",
        ));
    };
    if identity.has_any(roles) {
        return Ok(identity);
    }
    Err(fault(
        Code::PermissionDenied,
        "SEPTET-0011",
        "roles",
        &format!("{} may not call this RPC", identity.subject),
        &format!("it takes one of the roles {}", roles.join(", ")),
    ))
}

fn credential(headers: &HeaderMap) -> Result<Option<&str>, Status> {
    if let Some(key) = headers.get("x-api-key") {
        return key.to_str().map(Some).map_err(|_| refused("the header x-api-key is not text"));
    }
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let value = value.to_str().map_err(|_| refused("the header authorization is not text"))?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(refused("the header authorization is not a bearer token")),
    }
}
