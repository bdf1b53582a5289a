//! Files of a tree, and contents of files, while they are read.

use std::{
    mem,
    ops::ControlFlow,
    sync::{Arc, atomic::AtomicBool},
};

use futures_util::stream::BoxStream;
use septet_proto_devops::v1::{GetBlobsResponse, GetTreeResponse, TreeFile};
use tonic::Status;

use crate::{
    Devops,
    diff_stream::PIECE,
    error::Error,
    git::{Checkout, Contents, FileKind, GitError, ObjectId},
    piped::{Gone, Pipe, piped},
    reading::require,
};

/// Files of a piece at most.
const FILES: usize = 500;
/// Bytes of paths of a piece, near enough.
const PATH_BYTES: usize = PIECE;
/// Bytes of the largest content that is handed out: it is in memory as a whole while it is sent.
const CONTENT_BYTES: u64 = 32 << 20;

impl Devops {
    /// The files of a commit, or of its first parent, in pieces.
    pub(crate) async fn tree_stream(
        &self,
        repository_id: &str,
        commit: ObjectId,
        of_parent: bool,
    ) -> Result<BoxStream<'static, Result<GetTreeResponse, Status>>, Error> {
        let repository = self.repository(repository_id).await?;
        let sources = Arc::clone(&self.sources);
        let tree = piped(&self.readers, move |pipe| {
            let interrupt = AtomicBool::new(false);
            let checkout = sources.holding(&repository.id, &repository.location, commit, &interrupt)?;
            require(&checkout, commit)?;
            let commit = if of_parent { checkout.first_parent(commit)? } else { Some(commit) };
            match commit {
                Some(commit) => Ok(send_files(&checkout, commit, pipe)?),
                None => Ok(()),
            }
        });
        tree.await
    }

    /// Contents of files in pieces, in the order asked for.
    pub(crate) async fn blob_stream(
        &self,
        repository_id: &str,
        blobs: Vec<ObjectId>,
    ) -> Result<BoxStream<'static, Result<GetBlobsResponse, Status>>, Error> {
        let repository = self.repository(repository_id).await?;
        let sources = Arc::clone(&self.sources);
        let contents = piped(&self.readers, move |pipe| {
            let has = |checkout: &Checkout| {
                let contents = checkout.contents();
                blobs.iter().try_fold(true, |all, blob| Ok(all && contents.find(*blob)?.is_some()))
            };
            let interrupt = AtomicBool::new(false);
            let checkout = sources.with(&repository.id, &repository.location, has, &interrupt)?;
            let contents = checkout.contents();
            for blob in blobs {
                if send_content(&contents, blob, pipe)?.is_err() {
                    break;
                }
            }
            Ok(())
        });
        contents.await
    }
}

fn send_files(checkout: &Checkout, commit: ObjectId, pipe: &Pipe<GetTreeResponse>) -> Result<(), GitError> {
    let contents = checkout.contents();
    let (mut files, mut bytes) = (Vec::new(), 0);
    let mut failed = None;
    checkout.visit_files(commit, &mut |file| {
        let size = match contents.size(file.blob) {
            Ok(size) => size,
            Err(error) => {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        };
        bytes += file.path.len();
        files.push(TreeFile {
            path: file.path,
            blob: file.blob.to_string(),
            size,
            executable: file.kind == FileKind::Executable,
            link: file.kind == FileKind::Link,
        });
        if files.len() < FILES && bytes < PATH_BYTES {
            return ControlFlow::Continue(());
        }
        bytes = 0;
        match pipe.send(GetTreeResponse { files: mem::take(&mut files) }) {
            Ok(()) => ControlFlow::Continue(()),
            Err(Gone) => ControlFlow::Break(()),
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    if !files.is_empty() {
        // Where the caller has gone, nobody is there to be told.
        let _: Result<(), Gone> = pipe.send(GetTreeResponse { files });
    }
    Ok(())
}

fn send_content(
    contents: &Contents,
    blob: ObjectId,
    pipe: &Pipe<GetBlobsResponse>,
) -> Result<Result<(), Gone>, GitError> {
    let id = blob.to_string();
    if contents.find(blob)?.is_none() {
        return Ok(pipe.send(GetBlobsResponse { blob: id, absent: true, last: true, ..Default::default() }));
    }
    let content = bytes::Bytes::from(contents.read(blob, CONTENT_BYTES)?);
    let pieces = content.len().div_ceil(PIECE).max(1);
    for number in 0..pieces {
        let (from, last) = (number * PIECE, number + 1 == pieces);
        let data = content.slice(from..content.len().min(from + PIECE));
        let piece = GetBlobsResponse { blob: id.clone(), data, last, absent: false };
        if let Err(gone) = pipe.send(piece) {
            return Ok(Err(gone));
        }
    }
    Ok(Ok(()))
}
