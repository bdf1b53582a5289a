use std::{
    ffi::OsStr,
    io,
    process::{Child, Command},
    sync::{Mutex, OnceLock, PoisonError, mpsc},
};

type Request = (Command, mpsc::Sender<io::Result<Child>>);

/// A command that is killed when this process ends, however it ends.
pub(crate) fn mortal(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}

/// Starts a [`mortal`] command. The signal at the parent's death is sent when the *thread* that started the child ends, and
/// the test's own may end before those who share the child: one thread, which never ends, starts them all.
pub(crate) fn spawn(command: Command) -> io::Result<Child> {
    static STARTER: OnceLock<Mutex<mpsc::Sender<Request>>> = OnceLock::new();
    let starter = STARTER.get_or_init(|| {
        let (requests, inbox) = mpsc::channel::<Request>();
        std::thread::spawn(move || {
            for (mut command, started) in inbox {
                // Whoever asked waits for it.
                let _ = started.send(command.spawn());
            }
        });
        Mutex::new(requests)
    });
    let (started, outcome) = mpsc::channel();
    let requests = starter.lock().unwrap_or_else(PoisonError::into_inner).clone();
    requests.send((command, started)).map_err(io::Error::other)?;
    outcome.recv().map_err(io::Error::other)?
}
