//! Trees and contents from devops.

use std::collections::HashMap;

use septet_chassis::Channel;
use septet_proto_devops::v1::{
    GetBlobsRequest, GetTreeRequest, TreeFile, devops_service_client::DevopsServiceClient,
};
use tokio_stream::StreamExt;

use crate::{
    error::Error,
    source::{Dialect, is_foreign},
};

/// Files of a tree at most, of whatever kind.
const MAX_TREE: usize = 500_000;
/// Blobs of one request at most.
const MAX_BLOBS: usize = 1_000;
/// Bytes of one request at most.
const MAX_BYTES: u64 = 32 << 20;

/// A file that says something of the API.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub path: String,
    pub blob: String,
    pub size: u64,
    pub dialect: Dialect,
}

/// The files of a tree that say something of its API.
pub(crate) async fn entries(devops: &Channel, request: GetTreeRequest) -> Result<Vec<Entry>, Error> {
    let mut client = DevopsServiceClient::new(devops.clone());
    let mut pieces = client.get_tree(request).await?.into_inner();
    let (mut entries, mut seen) = (Vec::new(), 0);
    while let Some(piece) = pieces.next().await {
        let files = piece?.files;
        seen += files.len();
        if seen > MAX_TREE {
            return Err(Error::Gone(format!("its tree has more than {MAX_TREE} files")));
        }
        entries.extend(files.into_iter().filter_map(entry));
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

fn entry(file: TreeFile) -> Option<Entry> {
    let dialect = Dialect::of(&file.path).filter(|_| !file.link && !is_foreign(&file.path))?;
    Some(Entry { path: file.path, blob: file.blob, size: file.size, dialect })
}

/// Splits entries so that each part fits one request.
pub(crate) fn portions(entries: &[Entry]) -> Vec<&[Entry]> {
    let mut portions = Vec::new();
    let (mut from, mut bytes) = (0, 0);
    for (at, entry) in entries.iter().enumerate() {
        if at - from == MAX_BLOBS || (bytes + entry.size > MAX_BYTES && at > from) {
            portions.push(&entries[from..at]);
            (from, bytes) = (at, 0);
        }
        bytes += entry.size;
    }
    if from < entries.len() {
        portions.push(&entries[from..]);
    }
    portions
}

/// Contents by blob; one that devops does not have is not there. Nothing is taken beyond `limit` bytes of each.
pub(crate) async fn contents(
    devops: &Channel,
    repository_id: &str,
    entries: &[Entry],
    limit: u64,
) -> Result<HashMap<String, Vec<u8>>, Error> {
    let mut client = DevopsServiceClient::new(devops.clone());
    let mut blobs: Vec<String> = entries.iter().map(|entry| entry.blob.clone()).collect();
    blobs.sort_unstable();
    blobs.dedup();
    let request = GetBlobsRequest { repository_id: repository_id.to_owned(), blobs };
    let mut pieces = client.get_blobs(request).await?.into_inner();
    let mut contents: HashMap<String, Vec<u8>> = HashMap::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        if piece.absent {
            continue;
        }
        let content = contents.entry(piece.blob).or_default();
        // One byte over the limit is enough to know.
        if content.len() as u64 <= limit {
            content.extend_from_slice(&piece.data);
        }
    }
    Ok(contents)
}
