//! Programs that are over soon, and what programs said.

use std::{
    fs, io,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use crate::{Kind, ServerError};

/// How long a probe waits for a connection and for each answer.
const PROBE: Duration = Duration::from_secs(2);

/// How many seconds a program may take that is over soon, which may load from the network.
pub(crate) const LIMIT: &str = "600";

/// Where builds put what they make; servers go there as well. It is the directory above this program that cargo made its
/// own, or else one for temporary files.
pub fn target_dir() -> PathBuf {
    let exe = std::env::current_exe().unwrap_or_default();
    // The tag is missing where somebody else made the directory.
    let marks = ["CACHEDIR.TAG", ".rustc_info.json"];
    let target = exe.ancestors().find(|dir| marks.iter().any(|mark| dir.join(mark).exists()));
    target.map_or_else(|| std::env::temp_dir().join("septet"), Path::to_owned)
}

/// The program's place, looked up as a shell would.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|program| program.is_file())
}

/// Runs a program to its end with its output in `log`; what it said last is in the error.
pub(crate) fn run(kind: Kind, mut command: Command, log: &Path) -> Result<(), ServerError> {
    let program = command.get_args().find(|word| !word.to_string_lossy().starts_with('-'));
    let program = program.unwrap_or(command.get_program()).to_string_lossy().into_owned();
    let failed = |error| ServerError::io(kind, program.clone())(error);
    let file = fs::File::options().create(true).append(true).open(log).map_err(failed)?;
    command.stdin(Stdio::null()).stdout(file.try_clone().map_err(failed)?).stderr(file);
    let status = command.status().map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    Err(ServerError::Preparation { kind, program, why: tail(log) })
}

/// The last few lines of a log in one line, without stack traces.
pub(crate) fn tail(log: &Path) -> String {
    let read = || -> io::Result<String> {
        let mut file = fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(16 * 1024)))?;
        let mut end = Vec::new();
        file.read_to_end(&mut end)?;
        Ok(String::from_utf8_lossy(&end).into_owned())
    };
    let text = read().unwrap_or_default();
    let said = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("\tat "));
    let lines: Vec<&str> = said.collect();
    match lines.as_slice() {
        [] => "(it said nothing)".to_owned(),
        lines => lines[lines.len().saturating_sub(4)..].join(" | "),
    }
}

/// A connection for a question and its answer.
pub(crate) fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), PROBE)?;
    stream.set_read_timeout(Some(PROBE))?;
    stream.set_write_timeout(Some(PROBE))?;
    Ok(stream)
}

/// Sends a question and reads as many bytes of the answer.
pub(crate) fn ask(port: u16, question: &[u8], answer: &mut [u8]) -> io::Result<()> {
    let mut stream = connect(port)?;
    stream.write_all(question)?;
    stream.read_exact(answer)
}
