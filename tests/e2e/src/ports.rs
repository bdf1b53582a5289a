use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Mutex, PoisonError},
};

use rand::Rng;

/// A loopback address that nothing listens on, and that no other caller of this process gets. Its port is below those that
/// the system gives to connections: such a one might be taken while the process that it is for is down.
pub(crate) fn pick() -> SocketAddr {
    static PICKED: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut picked = PICKED.lock().unwrap_or_else(PoisonError::into_inner);
    let mut random = rand::rng();
    let port = (0..1_000)
        .map(|_| random.random_range(10_000..20_000))
        .find(|port| !picked.contains(port) && TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("a free port between 10000 and 20000");
    picked.insert(port);
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
