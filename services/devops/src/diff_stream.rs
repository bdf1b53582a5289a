//! A whole diff, made again from the repository while it is sent.

use std::{
    io::{self, Write},
    sync::{Arc, atomic::AtomicBool},
};

use futures_util::stream::BoxStream;
use septet_proto_devops::v1::GetDiffResponse;
use tonic::Status;

use crate::{
    Devops,
    error::Error,
    piped::{Pipe, piped},
    store,
};

/// Bytes of a piece at most.
pub(crate) const PIECE: usize = 256 * 1024;

/// Cuts what is written into pieces.
struct Pieces<'a> {
    piece: Vec<u8>,
    pipe: &'a Pipe<GetDiffResponse>,
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        if self.piece.len() == PIECE {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let data = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE)).into();
        self.pipe.send(GetDiffResponse { data }).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Devops {
    /// The diff of a change in pieces. Without an error at its end, it is whole.
    pub(crate) async fn diff(
        &self,
        change_id: &str,
    ) -> Result<BoxStream<'static, Result<GetDiffResponse, Status>>, Error> {
        let unknown = || Error::UnknownChange(change_id.to_owned());
        let (repository, commit) = {
            let mut tx = self.units.read().await?;
            let change = store::by_id(&mut tx, change_id).await?.ok_or_else(unknown)?;
            let repository = store::repository(&mut tx, &change.repository_id).await?.ok_or_else(unknown)?;
            (repository, change.commit_id.parse().map_err(|_| unknown())?)
        };
        let (sources, limits) = (Arc::clone(&self.sources), self.settings.diff_limits());
        let diff = piped(&self.readers, move |pipe| {
            let mut pieces = Pieces { piece: Vec::new(), pipe };
            sources
                .holding(&repository.id, &repository.location, commit, &AtomicBool::new(false))?
                .describe(commit, &limits, &mut pieces)?;
            // Where the caller has gone, nobody is there to be told.
            let _: io::Result<()> = pieces.flush();
            Ok(())
        });
        diff.await
    }
}
