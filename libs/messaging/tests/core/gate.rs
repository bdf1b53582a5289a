//! A way to a TCP server that can be shut: what is open breaks, and nothing new comes through.

use std::sync::{Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

pub struct Gate {
    pub address: std::net::SocketAddr,
    /// Cancelled while the gate is shut.
    shut: std::sync::Arc<Mutex<CancellationToken>>,
}

impl Gate {
    /// An open gate to `server`, as `host:port`.
    pub async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let shut = std::sync::Arc::new(Mutex::new(CancellationToken::new()));
        let now = shut.clone();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let shut = now.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let server = server.clone();
                tokio::spawn(async move {
                    let carry = async {
                        let mut far = TcpStream::connect(&server).await?;
                        tokio::io::copy_bidirectional(&mut near, &mut far).await
                    };
                    tokio::select! {
                        _ = carry => {}
                        () = shut.cancelled() => {}
                    }
                });
            }
        });
        Self { address, shut }
    }

    pub fn shut(&self) {
        self.shut.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }

    pub fn open(&self) {
        *self.shut.lock().unwrap_or_else(PoisonError::into_inner) = CancellationToken::new();
    }
}
