//! The store through its public interface, on SQLite and, where it is installed, on PostgreSQL.

mod errors;
mod fixture;
mod half_open;
mod leases;
mod migrations;
mod secrets;
mod tls;
mod transactions;
