//! What every service of Septet is mounted on: its builder, configuration, lifecycle, gRPC stack, identity, and the
//! operator's view. Backends are chosen here and nowhere else.

mod admin;
mod auth;
mod backends;
mod backoff;
pub mod cli;
mod client;
mod config;
mod data_dir;
mod deadline;
mod error;
mod grpc;
mod idle;
mod listeners;
mod local;
mod loops;
mod page;
mod pages;
mod process;
mod readiness;
mod service;
mod signal;
mod started;
mod tls;
mod wait;

pub use admin::event_json;
pub use auth::Identity;
pub use cli::run;
pub use client::{Channel, ChannelBuilder, ChannelError, remote};
pub use config::{ClientTls, ConfigError, ProcessConfig, SERVICES, ServiceConfig, Source};
pub use data_dir::data_dir_in_use;
pub use error::{fault, invalid, status_of, status_of_store};
pub use idle::{Backlog, Observer};
pub use local::LocalServer;
pub use page::page_size;
pub use pages::HttpBoot;
pub use process::{Mode, Process};
pub use service::{Boot, Service};
pub use signal::Signals;
pub use started::Started;

pub use septet_contract as contract;
pub use septet_messaging as messaging;
pub use septet_messaging::{Column, Cx, CxError, Handle, HandleError, RequestKey, Units, Value, Work, Write};
pub use septet_store as store;
pub use septet_store::{Migrations, Store, StoreError, Tx, migrations, on_engine};
