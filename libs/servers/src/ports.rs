//! A server's ports: picked once, and kept beside its data so that those who know it find it again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// The main port's name.
const MAIN: &str = "port";

#[derive(Debug)]
pub(crate) struct Ports {
    file: PathBuf,
    by_name: BTreeMap<String, u16>,
}

impl Ports {
    /// Those that `dir` remembers.
    pub(crate) fn of(dir: &Path) -> io::Result<Self> {
        let file = dir.join("ports");
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let by_name = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .filter_map(|(name, port)| Some((name.to_owned(), port.parse().ok()?)))
            .collect();
        Ok(Self { file, by_name })
    }

    pub(crate) fn main(&self) -> u16 {
        self.named(MAIN)
    }

    pub(crate) fn set_main(&mut self, port: u16) {
        self.by_name.insert(MAIN.to_owned(), port);
    }

    /// A port that was picked by [`Ports::pick`].
    pub(crate) fn named(&self, name: &str) -> u16 {
        self.by_name.get(name).copied().unwrap_or_default()
    }

    pub(crate) fn pick_main(&mut self) -> io::Result<()> {
        self.pick(MAIN)
    }

    /// Picks one that is free now, unless there is one of that name.
    pub(crate) fn pick(&mut self, name: &str) -> io::Result<()> {
        if !self.by_name.contains_key(name) {
            self.by_name.insert(name.to_owned(), free_port()?);
            self.save()?;
        }
        Ok(())
    }

    pub(crate) fn save(&self) -> io::Result<()> {
        let lines = self.by_name.iter().map(|(name, port)| format!("{name}={port}\n"));
        fs::write(&self.file, lines.collect::<String>())
    }
}

/// Whether nothing listens on it.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A port of the loopback interface that nothing listens on, below those that the system gives to connections: such a one might
/// be an outgoing connection's while its server is down. This process never gets the same twice: what was picked for a server that has
/// not begun to listen still looks free.
///
/// # Errors
/// None was found.
pub fn free_port() -> io::Result<u16> {
    static PICKED: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let random = || RandomState::new().build_hasher().finish();
    let mut picked = PICKED.lock().unwrap_or_else(PoisonError::into_inner);
    (0..1000)
        .map(|_| 20_000 + u16::try_from(random() % 12_000).unwrap_or_default())
        .find(|port| is_free(*port) && picked.insert(*port))
        .ok_or_else(|| io::Error::other("no port between 20000 and 32000 is free"))
}
