//! Real servers for development and tests, on loopback and without containers: [`Server`] starts Apache Kafka,
//! PostgreSQL, RabbitMQ or Redis in a directory of its own, kills it, and starts it again on the same ports and data.
//! Servers that others started are never touched.

mod account;
mod error;
mod jars;
mod kafka;
mod kind;
mod ports;
mod postgres;
mod process;
mod program;
mod rabbitmq;
mod redis;
mod server;

pub use error::ServerError;
pub use kind::Kind;
pub use ports::free_port;
pub use program::target_dir;
pub use server::{Life, Server};
