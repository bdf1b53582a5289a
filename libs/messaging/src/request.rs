use prost::Message;
use septet_contract::Timestamp;
use septet_store::{StoreError, Tx, on_engine};
use sha2::{Digest, Sha256};

use crate::{Cx, CxError};

/// Identity of a mutation that a caller may retry: the same key gets the same reply.
#[derive(Clone, Debug)]
pub struct RequestKey {
    method: &'static str,
    caller: String,
    request_id: String,
    fingerprint: String,
}

impl RequestKey {
    /// The key of a request, or `None` where the caller gave no `request_id`. `caller` keeps callers apart.
    pub fn new<M: Message>(
        method: &'static str,
        caller: &str,
        request_id: &str,
        request: &M,
    ) -> Option<Self> {
        (!request_id.is_empty()).then(|| Self {
            method,
            caller: caller.to_owned(),
            request_id: request_id.to_owned(),
            fingerprint: hex::encode(Sha256::digest(request.encode_to_vec())),
        })
    }
}

impl Cx {
    /// The reply that was given to this request before, if any.
    ///
    /// # Errors
    /// [`CxError::RequestIdReused`] if the id was used for another request; else as [`Cx::tx`].
    pub async fn earlier_reply<R: Message + Default>(
        &mut self,
        key: Option<&RequestKey>,
    ) -> Result<Option<R>, CxError> {
        let Some(key) = key else { return Ok(None) };
        let found: Option<(String, Vec<u8>)> = on_engine!(self.tx().await?, conn => sqlx::query_as(
            "SELECT fingerprint, reply FROM request WHERE method = $1 AND caller = $2 AND request_id = $3",
        )
        .bind(key.method).bind(&key.caller).bind(&key.request_id).fetch_optional(conn).await)
        .map_err(StoreError::from)?;
        planted!(FingerprintIgnored: found = found.map(|(_, reply)| (key.fingerprint.clone(), reply)));
        match found {
            None => Ok(None),
            Some((fingerprint, _)) if fingerprint != key.fingerprint => {
                Err(CxError::RequestIdReused(key.request_id.clone()))
            }
            // A reply of an older version decodes: contracts only grow.
            Some((_, reply)) => Ok(R::decode(reply.as_slice()).ok()),
        }
    }

    /// Commits, with the reply kept for a retry of the same request.
    ///
    /// # Errors
    /// As [`Cx::commit`]; a concurrent request with the same id makes it fail with a duplicate, and a retry gets the reply.
    pub async fn commit_reply<R: Message>(
        mut self,
        key: Option<&RequestKey>,
        reply: &R,
    ) -> Result<(), CxError> {
        planted!(ReplyOutsideTransaction => return crate::planted::commit_reply_apart(self, key, reply).await);
        if let Some(key) = key {
            let now = self.now();
            keep(self.tx().await?, key, reply, now).await?;
        }
        self.commit().await
    }
}

/// Keeps a reply for a retry of its request.
pub(crate) async fn keep<R: Message>(
    tx: &mut Tx,
    key: &RequestKey,
    reply: &R,
    now: Timestamp,
) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query(
        "INSERT INTO request (method, caller, request_id, fingerprint, reply, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(key.method).bind(&key.caller).bind(&key.request_id).bind(&key.fingerprint)
    .bind(reply.encode_to_vec()).bind(now.micros()).execute(conn).await.map(drop))?;
    Ok(())
}
