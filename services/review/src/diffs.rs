use bytes::{Bytes, BytesMut};
use septet_chassis::{Channel, HandleError};
use septet_proto_devops::v1::{
    ChangePushed, Diff, GetDiffRequest, devops_service_client::DevopsServiceClient,
};
use tokio_stream::StreamExt;
use tonic::{Code, Status};

/// The diff of a pushed change, or why it cannot be looked at.
pub(crate) enum Fetched {
    Whole(Bytes),
    Unreadable(String),
}

/// The diff that came along with the event, or, where it was too large, from devops.
///
/// # Errors
/// devops does not answer: transient.
pub(crate) async fn of(event: &ChangePushed, devops: &Channel, limit: usize) -> Result<Fetched, HandleError> {
    let diff = event.diff.clone().unwrap_or_default();
    if diff.complete {
        return Ok(Fetched::Whole(diff.inline));
    }
    if diff.size > limit as u64 {
        return Ok(too_large(&diff, limit));
    }
    let mut client = DevopsServiceClient::new(devops.clone());
    let request = GetDiffRequest { change_id: event.change_id.clone() };
    let mut pieces = match client.get_diff(request).await {
        Ok(reply) => reply.into_inner(),
        Err(status) => return gone(status),
    };
    let mut whole = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => whole.extend_from_slice(&piece.data),
            Err(status) => return gone(status),
        }
        // What the event said of the size need not be true.
        if whole.len() > limit {
            return Ok(too_large(&diff, limit));
        }
    }
    Ok(Fetched::Whole(whole.freeze()))
}

fn too_large(diff: &Diff, limit: usize) -> Fetched {
    Fetched::Unreadable(format!(
        "the diff has {} bytes, more than review.max_diff_bytes allows ({limit})",
        diff.size
    ))
}

/// A change that devops does not know will not appear by waiting; anything else may. That devops is away says nothing about
/// the change.
fn gone(status: Status) -> Result<Fetched, HandleError> {
    match status.code() {
        Code::NotFound | Code::FailedPrecondition | Code::DataLoss => {
            Ok(Fetched::Unreadable("devops does not have the diff any more".to_owned()))
        }
        Code::Unavailable => Err(HandleError::outage(status)),
        _ => Err(status.into()),
    }
}
