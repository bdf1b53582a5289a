use std::time::Duration;

use septet_chassis::{RequestKey, contract::Message};
use septet_proto_cost::v1::{
    ImportChargesRequest, ImportChargesResponse, ImportHeader, import_charges_request::Part,
};
use tokio::time::timeout;
use tonic::Streaming;

use super::limited;
use crate::{
    Cost,
    error::{Error, wrong},
    focus::{Format, Reader, Validator},
    imports,
};

/// Bytes of a piece at most.
const MAX_PIECE: usize = 1 << 20;
/// Bytes of an import at most.
const MAX_FILE: u64 = 2 << 30;
/// Charges that are kept in one transaction, near enough.
const AT_ONCE: usize = 2_000;
/// How long the next piece may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Problems that a reply tells.
const TOLD: usize = 1_000;

impl Cost {
    pub(super) async fn import(
        &self,
        mut stream: Streaming<ImportChargesRequest>,
        caller: &str,
    ) -> Result<ImportChargesResponse, Error> {
        let Some(Part::Header(header)) = next(&mut stream).await? else {
            return Err(wrong("header", "must come first"));
        };
        limited("request_id", &header.request_id, 64)?;
        imports::check(&header.source, &header.identity_columns)?;
        let format = Format::of(header.format()).ok_or_else(|| wrong("format", "is missing"))?;
        let key = RequestKey::new(ImportHeader::TYPE, caller, &header.request_id, &header);
        let mut cx = self.units.begin(Default::default());
        if let Some(reply) = cx.earlier_reply(key.as_ref()).await? {
            return Ok(reply);
        }
        drop(cx);
        let validator = Validator { identity_columns: header.identity_columns.clone() };
        let mut reader = Reader::new(format, validator);
        let (mut size, mut ended) = (0, Ok(()));
        while let Some(part) = next(&mut stream).await? {
            let Part::Piece(piece) = part else { return Err(wrong("header", "must come once")) };
            size += piece.len() as u64;
            if piece.len() > MAX_PIECE {
                return Err(wrong("piece", format!("is longer than {MAX_PIECE} bytes")));
            }
            if size > MAX_FILE {
                return Err(wrong("piece", format!("is beyond {MAX_FILE} bytes of an import")));
            }
            ended = reader.read(&piece);
            if ended.is_err() {
                break;
            }
            if reader.waiting() >= AT_ONCE {
                self.keep_read(&header.source, &mut reader).await?;
            }
        }
        let ended = ended.and_then(|()| reader.end());
        let charges = reader.charges();
        let mut cx = self.units.begin(Default::default());
        self.keep(&mut cx, &header.source, charges, &mut reader.summary).await?;
        if reader.summary.rows() > 0 {
            cx.publish(&imports::imported(&header.source, &reader.summary))?;
        }
        if let Err(error) = ended {
            cx.commit().await?;
            return Err(error.into());
        }
        let reply = ImportChargesResponse { summary: Some(reader.summary.message(TOLD)) };
        cx.commit_reply(key.as_ref(), &reply).await?;
        Ok(reply)
    }
}

async fn next(stream: &mut Streaming<ImportChargesRequest>) -> Result<Option<Part>, Error> {
    let message = timeout(PATIENCE, stream.message())
        .await
        .map_err(|_| Error::Stream(format!("nothing came for {PATIENCE:?}")))?
        .map_err(|status| Error::Stream(status.code().description().to_owned()))?;
    match message {
        None => Ok(None),
        Some(ImportChargesRequest { part: Some(part) }) => Ok(Some(part)),
        Some(_) => Err(wrong("part", "is missing")),
    }
}
