use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::{
    Kind, ServerError, kafka, kind::Plan, ports, ports::Ports, process::Process, program::tail, rabbitmq,
    target_dir,
};

/// How long a server that is told to end may take.
const END_LIMIT: Duration = Duration::from_secs(60);

/// Between two looks at whether it answers.
const INTERVAL: Duration = Duration::from_millis(50);

/// How long a server lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It ends with this process, however that ends, and with its [`Server`].
    WithParent,
    /// It runs on, and a later process finds it by its directory.
    Detached,
}

/// One server of ours, running or not: its directory holds the data, the ports, the log and which process it is.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    dir: PathBuf,
    ports: Ports,
    settings: Vec<(String, String)>,
    advertised: Option<u16>,
    process: Option<Process>,
    /// How long the process lives, if this value started it.
    life: Life,
}

impl Server {
    /// A server in this directory. Its ports are picked now, unless the directory remembers some; if it runs already, it
    /// is found.
    ///
    /// # Errors
    /// If the directory cannot be written.
    pub fn new(kind: Kind, dir: &Path) -> Result<Self, ServerError> {
        let failed = |error| ServerError::io(kind, dir.display().to_string())(error);
        fs::create_dir_all(dir).map_err(failed)?;
        let dir_now = std::path::absolute(dir).map_err(failed)?;
        let mut ports = Ports::of(&dir_now).map_err(failed)?;
        ports.pick_main().map_err(failed)?;
        for name in kind.further_ports() {
            ports.pick(name).map_err(failed)?;
        }
        let process = Process::find(&dir_now.join("pid"));
        let (settings, advertised, life) = (Vec::new(), None, Life::Detached);
        Ok(Self { kind, dir: dir_now, ports, settings, advertised, process, life })
    }

    /// A server of this process alone, in a directory of the build's. Those of processes that are gone are removed.
    ///
    /// # Errors
    /// If the directory cannot be written.
    pub fn of_this_process(kind: Kind) -> Result<Self, ServerError> {
        let base = target_dir().join("servers/tests");
        for entry in fs::read_dir(&base).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let process = name.rsplit_once('-').map_or("", |(_, process)| process);
            if process.parse::<u32>().is_ok() && !Path::new("/proc").join(process).exists() {
                // Another process may be removing it too.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Self::new(kind, &base.join(format!("{}-{}", kind.name(), std::process::id())))
    }

    /// Has it listen on this port, from its next start on.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.ports.set_main(port);
        self
    }

    /// Sets a value of its configuration, from its next start on: a line of `server.properties`, `postgresql.conf`,
    /// `rabbitmq.conf` or `redis.conf`.
    #[must_use]
    pub fn setting(mut self, key: &str, value: &str) -> Self {
        self.settings.retain(|(set, _)| set != key);
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Kafka only: a second listener, at [`Server::behind`], whose clients are told that the broker is at `port`. So
    /// a proxy on that port stays between the broker and its clients, which otherwise would go round it.
    #[must_use]
    pub fn advertise(mut self, port: u16) -> Self {
        self.advertised = Some(port);
        self
    }

    /// Where the listener of [`Server::advertise`] is.
    pub fn behind(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.named(kafka::BEHIND)).into()
    }

    /// Which server it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Starts it, and returns once it answers in its protocol. The data of an earlier start is still there. One that
    /// runs is left as it is.
    ///
    /// # Errors
    /// [`ServerError::Absent`] if it is not installed; else whatever kept it from answering.
    pub fn start(&mut self, life: Life) -> Result<(), ServerError> {
        let failed = |what: &str| ServerError::io(self.kind, format!("{}/{what}", self.dir.display()));
        self.kind.installed()?;
        // Two processes that start it at the same time become one that does and one that finds it.
        let lock = File::create(self.dir.join("lock")).map_err(failed("lock"))?;
        lock.lock().map_err(failed("lock"))?;
        if self.process.as_ref().is_none_or(|process| !process.runs()) {
            self.process = Process::find(&self.pid_file());
        }
        if self.process.is_none() {
            self.launch(life)?;
        }
        self.await_answer()
    }

    fn launch(&mut self, life: Life) -> Result<(), ServerError> {
        let kind = self.kind;
        let failed = |error| ServerError::io(kind, self.dir.display().to_string())(error);
        self.ports.save().map_err(failed)?;
        let account = kind.account()?;
        account.own_directory(&self.dir).map_err(failed)?;
        let further = kind.further_ports().iter().map(|name| self.ports.named(name));
        // RabbitMQ's name server outlives a kill of the broker.
        let ours = Process::find(&self.companion_file()).map(|_| self.ports.named(rabbitmq::NAMES));
        let mut all = std::iter::once(self.ports.main()).chain(further).filter(|port| Some(*port) != ours);
        if let Some(port) = all.find(|port| !ports::is_free(*port)) {
            return Err(ServerError::PortTaken { kind, port });
        }
        let plan = Plan {
            dir: &self.dir,
            ports: &self.ports,
            settings: &self.settings,
            advertised: self.advertised,
            life,
            log: self.log(),
        };
        let command = kind.prepare(&plan, &account)?;
        let shown = command.get_program().to_string_lossy().into_owned();
        let process = Process::start(command, &self.pid_file()).map_err(ServerError::io(kind, shown))?;
        self.process = Some(process);
        self.life = life;
        Ok(())
    }

    fn await_answer(&mut self) -> Result<(), ServerError> {
        let (kind, log, limit) = (self.kind, self.log(), self.kind.start_limit());
        let begun = Instant::now();
        while let Some(process) = &self.process {
            if kind.answers(self.ports.main()) {
                return Ok(());
            }
            if process.ends_within(INTERVAL) {
                self.process = None;
            } else if begun.elapsed() > limit {
                self.kill()?;
                let tail = tail(&log);
                return Err(ServerError::Silent { kind, limit, log, tail });
            }
        }
        self.finish_companion()?;
        let tail = tail(&log);
        Err(ServerError::Ended { kind, log, tail })
    }

    /// Ends it at once, as a crash would: SIGKILL, and PostgreSQL's immediate shutdown. It returns when the process is gone.
    ///
    /// # Errors
    /// If it cannot be signalled or does not end.
    pub fn kill(&mut self) -> Result<(), ServerError> {
        self.finish(self.kind.crash())
    }

    /// Ends it in order, and returns when the process is gone.
    ///
    /// # Errors
    /// If it cannot be signalled or does not end.
    pub fn stop(&mut self) -> Result<(), ServerError> {
        self.finish(self.kind.end())?;
        self.finish_companion()
    }

    fn finish(&mut self, signal: Signal) -> Result<(), ServerError> {
        let Some(process) = self.process.take() else { return Ok(()) };
        let (kind, pid) = (self.kind, process.pid());
        process.signal(signal).map_err(ServerError::io(kind, format!("process {pid}")))?;
        if process.ends_within(END_LIMIT) {
            return Ok(());
        }
        self.process = Some(process);
        Err(ServerError::Stubborn { kind, pid, limit: END_LIMIT })
    }

    fn finish_companion(&self) -> Result<(), ServerError> {
        let Some(names) = Process::find(&self.companion_file()) else { return Ok(()) };
        let pid = names.pid();
        names.signal(Signal::TERM).map_err(ServerError::io(self.kind, format!("process {pid}")))?;
        if names.ends_within(END_LIMIT) {
            return Ok(());
        }
        Err(ServerError::Stubborn { kind: self.kind, pid, limit: END_LIMIT })
    }

    /// Whether its process runs.
    pub fn is_running(&self) -> bool {
        self.process.as_ref().is_some_and(Process::runs)
    }

    /// Whether it answers in its protocol now.
    pub fn answers(&self) -> bool {
        self.kind.answers(self.ports.main())
    }

    /// Its process, while it runs.
    pub fn pid(&self) -> Option<i32> {
        self.process.as_ref().filter(|process| process.runs()).map(Process::pid)
    }

    /// Where clients find it: `host:port` of Kafka, else a URL with the user and database that it has from the start.
    pub fn url(&self) -> String {
        let address = self.address();
        match self.kind {
            Kind::Kafka => address.to_string(),
            Kind::Postgres => format!("postgres://postgres@{address}/postgres"),
            Kind::RabbitMq => format!("amqp://guest:guest@{address}/%2f"),
            Kind::Redis => format!("redis://{address}"),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.main()).into()
    }

    /// What it says.
    pub fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    fn pid_file(&self) -> PathBuf {
        self.dir.join("pid")
    }

    fn companion_file(&self) -> PathBuf {
        self.dir.join(rabbitmq::NAMES_PID)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.life == Life::WithParent {
            // What does not end now ends with this process.
            let _ = self.kill();
            let _ = self.finish_companion();
        }
    }
}
