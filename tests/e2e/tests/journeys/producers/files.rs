use std::{
    fs,
    path::{Path, PathBuf},
};

use prost::Message as _;
use septet_proto_review::v1::DiffSubmitted;

use crate::deployed::wire::{SUBMITTED, diff_with_a_token, submission};

/// A submission of `commit` as plain JSON.
pub fn json(dir: &Path, repository: &str, commit: &str) -> PathBuf {
    write(dir, &format!("{commit}.json"), submission(repository, commit).to_string().as_bytes())
}

/// The same as a structured CloudEvent.
pub fn structured(dir: &Path, repository: &str, commit: &str) -> PathBuf {
    let event = serde_json::json!({
        "specversion": "1.0", "id": format!("{repository}/{commit}"), "source": "/ci/shop", "type": SUBMITTED,
        "data": submission(repository, commit),
    });
    write(dir, &format!("{commit}.json"), event.to_string().as_bytes())
}

/// The same as protobuf.
pub fn protobuf(dir: &Path, repository: &str, commit: &str) -> PathBuf {
    let message = DiffSubmitted {
        repository: repository.to_owned(),
        commit: commit.to_owned(),
        diff: diff_with_a_token(),
    };
    write(dir, &format!("{commit}.bin"), &message.encode_to_vec())
}

/// The diff itself.
pub fn diff(dir: &Path) -> PathBuf {
    write(dir, "change.diff", diff_with_a_token().as_bytes())
}

fn write(dir: &Path, name: &str, content: &[u8]) -> PathBuf {
    fs::create_dir_all(dir).expect("a directory for the producer's files");
    let file = dir.join(name);
    fs::write(&file, content).expect("written");
    file
}
