//! A whole diff, made again from the repository while it is sent.

use std::{
    io::{self, Write},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use futures_util::stream::{self, BoxStream, StreamExt};
use septet_proto_devops::v1::GetDiffResponse;
use tokio::{runtime::Handle, sync::mpsc};
use tonic::Status;

use crate::{Devops, error::Error, git::GitError, store};

/// Bytes of a piece at most.
const PIECE: usize = 256 * 1024;
/// Pieces that wait for a slow caller.
const PIECES: usize = 2;
/// A caller that takes no piece for so long has gone.
const STALL: Duration = Duration::from_secs(30);

/// What the thread that reads the repository tells.
enum Told {
    Piece(Vec<u8>),
    /// That was the last piece.
    Whole,
    Failed(GitError),
}

/// Cuts what is written into pieces.
struct Pieces {
    piece: Vec<u8>,
    sender: mpsc::Sender<Told>,
    runtime: Handle,
}

impl Pieces {
    fn send(&mut self, told: Told) -> io::Result<()> {
        let sent = self.runtime.block_on(self.sender.send_timeout(told, STALL));
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

impl Write for Pieces {
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
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        self.send(Told::Piece(piece))
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
        let permit = Arc::clone(&self.diffs).acquire_owned().await.map_err(|_| Error::Lost)?;
        let (sender, receiver) = mpsc::channel(PIECES);
        let (sources, limits) = (Arc::clone(&self.sources), self.settings.diff_limits());
        let runtime = Handle::current();
        tokio::task::spawn_blocking(move || {
            let mut pieces = Pieces { piece: Vec::new(), sender, runtime };
            let described = sources
                .holding(&repository.id, &repository.location, commit, &AtomicBool::new(false))
                .and_then(|checkout| checkout.describe(commit, &limits, &mut pieces));
            // Where the caller has gone, nobody is there to be told.
            let _ = match described {
                Ok(_) => pieces.flush().and_then(|()| pieces.send(Told::Whole)),
                Err(error) => pieces.send(Told::Failed(error)),
            };
            drop(permit);
        });
        Ok(stream::unfold(Some(receiver), |receiver| async {
            let mut receiver = receiver?;
            match receiver.recv().await {
                Some(Told::Piece(data)) => Some((Ok(GetDiffResponse { data: data.into() }), Some(receiver))),
                Some(Told::Whole) => None,
                Some(Told::Failed(error)) => Some((Err(Error::from(error).into()), None)),
                None => Some((Err(Error::Lost.into()), None)),
            }
        })
        .boxed())
    }
}
