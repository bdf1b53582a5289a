//! Where a repository is, as people write it.

use std::fmt;
use std::path::{Path, PathBuf};

use gix::bstr::ByteSlice;
use gix::url::Scheme;

use super::GitError;
use super::limits::LOCATION_BYTES;

/// A git URL that was checked: a transport served here, a host, and no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteUrl {
    text: String,
    pub(super) url: gix::Url,
}

/// A repository's canonical location. Two spellings of one place compare equal once parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// Root of a worktree, or a bare repository, on this machine: absolute, without symbolic links.
    Local(PathBuf),
    /// A repository on another machine.
    Remote(RemoteUrl),
}

impl Location {
    /// Reads an absolute path, a URL (https, http, ssh, git, file), or the `user@host:path` form. Paths must exist and
    /// lead to a repository: any directory inside one stands for it.
    pub fn parse(text: &str) -> Result<Self, GitError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(GitError::Location("it is empty"));
        }
        if text.len() > LOCATION_BYTES {
            return Err(GitError::Location("it is longer than 4096 bytes"));
        }
        if text.contains(char::is_control) {
            return Err(GitError::Location("it contains control characters"));
        }
        if text.starts_with('-') {
            return Err(GitError::Location("it starts with a hyphen, like a command-line option"));
        }
        if text.starts_with('/') {
            return local(Path::new(text));
        }
        match text.split_once("://") {
            Some((scheme, rest)) => with_scheme(&scheme.to_ascii_lowercase(), rest),
            None => scp_like(text),
        }
    }

    /// Last part of the location without `.git`, for people.
    pub fn name(&self) -> String {
        let whole = self.to_string();
        let part = whole.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
        let name = part.strip_suffix(".git").unwrap_or(part);
        if name.is_empty() { whole } else { name.to_owned() }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.display().fmt(f),
            Self::Remote(remote) => remote.fmt(f),
        }
    }
}

impl fmt::Display for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn with_scheme(scheme: &str, rest: &str) -> Result<Location, GitError> {
    let (authority, path) =
        rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
    match scheme {
        "file" => match (authority, path) {
            ("" | "localhost", Some(path)) => local(Path::new(&format!("/{path}"))),
            _ => Err(GitError::Location("a file URL needs an absolute path, as in file:///srv/project")),
        },
        "https" | "http" | "git" | "ssh" => {
            let user = authority.rsplit_once('@').map(|(user, _)| user);
            // A user name is how ssh addresses an account; anywhere else it is a secret or stands beside one.
            let secret = match user {
                Some(user) => scheme != "ssh" || user.contains(':'),
                None => false,
            };
            if secret || rest.contains(['?', '#']) {
                return Err(GitError::Credentials);
            }
            if path.is_none_or(|path| path.trim_matches('/').is_empty()) {
                return Err(GitError::Location("the URL has no path to a repository"));
            }
            remote(&format!("{scheme}://{rest}"))
        }
        other => Err(transport(other)),
    }
}

fn scp_like(text: &str) -> Result<Location, GitError> {
    let Some((host, path)) = text.split_once(':') else {
        return Err(relative(text));
    };
    if path.starts_with(':') {
        return Err(transport(host));
    }
    if host.contains('/') {
        return Err(relative(text));
    }
    // `user:password@host:path` would have its first colon inside the credentials.
    if path.contains('@') && !host.contains('@') || text.contains(['?', '#']) {
        return Err(GitError::Credentials);
    }
    if path.is_empty() || path.starts_with('-') {
        return Err(GitError::Location("there is no usable path after the colon"));
    }
    remote(text)
}

/// A URL without its scheme looks like a relative path, and what stands before an `@` in it may be a secret.
fn relative(text: &str) -> GitError {
    match text.contains('@') {
        true => GitError::Location("it is neither an absolute path nor a URL"),
        false => GitError::RelativePath(text.to_owned()),
    }
}

fn transport(name: &str) -> GitError {
    // Whatever stands before `::` or `://` may be anything, so only a plain word is repeated.
    let plain =
        name.len() <= 20 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-".contains(&byte));
    GitError::Transport(if plain { name.to_owned() } else { "that".to_owned() })
}

fn remote(text: &str) -> Result<Location, GitError> {
    let unusable = || GitError::Location("it does not parse as a git URL");
    let mut url = gix::url::parse(text.as_bytes().as_bstr()).map_err(|_| unusable())?;
    if url.password().is_some() {
        return Err(GitError::Credentials);
    }
    if !matches!(url.scheme, Scheme::Https | Scheme::Http | Scheme::Git | Scheme::Ssh) {
        return Err(transport(url.scheme.as_str()));
    }
    // These words become arguments of the ssh program.
    let plain =
        |word: &str| !word.is_empty() && !word.starts_with('-') && !word.contains(char::is_whitespace);
    if !url.host().is_some_and(plain) || url.user().is_some_and(|user| !plain(user)) {
        return Err(GitError::Location(
            "its host or user name is empty, has blanks, or starts with a hyphen",
        ));
    }
    while url.path.len() > 1 && url.path.ends_with(b"/") {
        url.path.pop();
    }
    let text = url.to_bstring().to_string();
    Ok(Location::Remote(RemoteUrl { text, url }))
}

/// The repository that `path` lies in.
fn local(path: &Path) -> Result<Location, GitError> {
    let real = path.canonicalize().map_err(|source| GitError::Path { path: path.to_owned(), source })?;
    for folder in real.ancestors().filter(|folder| folder.is_dir()) {
        if folder.join(".git").exists() {
            return Ok(Location::Local(folder.to_owned()));
        }
        if folder.join("HEAD").exists() && folder.join("objects").is_dir() && folder.join("refs").is_dir() {
            let worktree = folder.file_name().filter(|name| *name == ".git").and(folder.parent());
            return Ok(Location::Local(worktree.unwrap_or(folder).to_owned()));
        }
    }
    Err(GitError::NotARepository(real))
}
