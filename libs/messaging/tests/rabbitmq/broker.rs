//! A broker to test against.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use septet_messaging::queue::{
    SharedQueue,
    rabbitmq::{RabbitConfig, RabbitQueue},
};
use septet_testkit::{conformance::QueueFixture, servers::rabbitmq};

/// The broker of this test process.
pub struct RabbitFixture {
    url: String,
}

impl RabbitFixture {
    /// `None` where there is no broker.
    pub async fn start() -> Option<Self> {
        Some(Self { url: rabbitmq().await?.url.clone() })
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.url.rsplit_once('@').and_then(|(_, rest)| rest.split('/').next()).expect("a URL with a user")
    }

    /// A queue over another address that leads to the broker.
    pub fn queue_at(&self, address: &str) -> SharedQueue {
        let url = self.url.replace(self.address(), address);
        let file = SecretFile::new(&url);
        let config = RabbitConfig { url_file: Some(file.0.clone()), ..RabbitConfig::default() };
        Arc::new(RabbitQueue::new(config).expect("a configuration that can be"))
    }
}

#[async_trait]
impl QueueFixture for RabbitFixture {
    async fn open(&self) -> SharedQueue {
        self.queue_at(self.address())
    }
}

/// A file with a secret, while it is read.
struct SecretFile(PathBuf);

impl SecretFile {
    fn new(secret: &str) -> Self {
        let path = std::env::temp_dir().join(septet_testkit::conformance::unique("septet-rabbitmq"));
        std::fs::write(&path, secret).expect("written");
        Self(path)
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).expect("removed");
    }
}
