//! The tree of a change, from devops, as files.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{OpenOptionsExt, symlink},
    path::{Component, Path, PathBuf},
};

use septet_chassis::Channel;
use septet_proto_devops::v1::{
    GetBlobsRequest, GetTreeRequest, TreeFile, devops_service_client::DevopsServiceClient,
};
use tokio_stream::StreamExt;
use tonic::{Code, Status};

use super::Failure;

/// Files of a tree at most.
const MAX_FILES: usize = 100_000;
/// Blobs that are asked for at a time.
const BATCH: usize = 1_000;

/// Puts the tree of a change into a directory.
pub(super) async fn fetch(
    devops: Channel,
    change_id: &str,
    into: &Path,
    limit_mib: u64,
) -> Result<(), Failure> {
    let mut client = DevopsServiceClient::new(devops);
    let request = GetTreeRequest { change_id: change_id.to_owned(), ..GetTreeRequest::default() };
    let mut pieces = client.get_tree(request).await.map_err(|status| of(&status))?.into_inner();
    let mut files: Vec<TreeFile> = Vec::new();
    while let Some(piece) = pieces.next().await {
        files.extend(piece.map_err(|status| of(&status))?.files);
        if files.len() > MAX_FILES {
            return Err(Failure::lasting(format!("the tree has more than {MAX_FILES} files")));
        }
    }
    let limit = limit_mib.saturating_mul(1 << 20);
    if files.iter().map(|file| file.size).fold(0, u64::saturating_add) > limit {
        return Err(Failure::lasting(format!(
            "the tree is larger than `pipeline.process.checkout_mib` allows ({limit_mib})"
        )));
    }
    // A link made early could lead a later file out of the directory.
    files.sort_by_key(|file| file.link);
    let repository_id = repository(&mut client, change_id).await?;
    for some in files.chunks(BATCH) {
        batch(&mut client, &repository_id, some, into).await?;
    }
    Ok(())
}

async fn repository(client: &mut DevopsServiceClient<Channel>, change_id: &str) -> Result<String, Failure> {
    let request =
        septet_proto_devops::v1::GetChangeRequest { change_id: change_id.to_owned(), ..Default::default() };
    let reply = client.get_change(request).await.map_err(|status| of(&status))?.into_inner();
    Ok(reply.change.unwrap_or_default().repository_id)
}

async fn batch(
    client: &mut DevopsServiceClient<Channel>,
    repository_id: &str,
    files: &[TreeFile],
    into: &Path,
) -> Result<(), Failure> {
    // One content may stand in several places.
    let mut places: BTreeMap<&str, Vec<&TreeFile>> = BTreeMap::new();
    for file in files {
        places.entry(&file.blob).or_default().push(file);
    }
    let request = GetBlobsRequest {
        repository_id: repository_id.to_owned(),
        blobs: places.keys().map(|blob| (*blob).to_owned()).collect(),
    };
    let mut pieces = client.get_blobs(request).await.map_err(|status| of(&status))?.into_inner();
    let mut links = Vec::new();
    let mut content = Vec::new();
    let mut whole = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|status| of(&status))?;
        if piece.absent {
            return Err(Failure::lasting("devops does not have a file of the tree any more"));
        }
        content.extend_from_slice(&piece.data);
        let of_blob = places.get(piece.blob.as_str()).map_or(&[][..], Vec::as_slice);
        if content.len() as u64 > of_blob.iter().map(|file| file.size).max().unwrap_or(0) {
            return Err(Failure::lasting("devops sent more than the tree says"));
        }
        if !piece.last {
            continue;
        }
        whole += 1;
        let content = std::mem::take(&mut content);
        for file in of_blob {
            let path = safe(into, &file.path)?;
            match file.link {
                true => links.push((path, content.clone())),
                false => write(&path, &content, file.executable).map_err(|error| full(&error))?,
            }
        }
    }
    if whole < places.len() {
        return Err(Failure::passing("devops sent only part of the tree"));
    }
    for (path, target) in links {
        let link = String::from_utf8_lossy(&target).into_owned();
        make_parent(&path).and_then(|()| symlink(link, &path)).map_err(|error| full(&error))?;
    }
    Ok(())
}

/// A place below the directory.
fn safe(into: &Path, path: &str) -> Result<PathBuf, Failure> {
    let relative = Path::new(path);
    let is_below =
        relative.components().all(|part| matches!(part, Component::Normal(name) if name != ".git"));
    if !is_below || path.is_empty() {
        return Err(Failure::lasting("the tree has a path that leads out of it"));
    }
    Ok(into.join(relative))
}

fn write(path: &Path, content: &[u8], executable: bool) -> std::io::Result<()> {
    make_parent(path)?;
    let mode = if executable { 0o755 } else { 0o644 };
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(content)
}

fn make_parent(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

fn full(error: &std::io::Error) -> Failure {
    Failure::passing(format!("the tree cannot be written: {error}"))
}

fn of(status: &Status) -> Failure {
    let reason = format!("devops: {}", status.message());
    match status.code() {
        Code::NotFound | Code::InvalidArgument | Code::PermissionDenied | Code::FailedPrecondition => {
            Failure::lasting(reason)
        }
        _ => Failure::passing(reason),
    }
}
