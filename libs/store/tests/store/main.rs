//! The store through its public interface, on SQLite and, where it is installed, on PostgreSQL.

mod errors;
mod fixture;
mod leases;
mod migrations;
mod secrets;
mod transactions;
