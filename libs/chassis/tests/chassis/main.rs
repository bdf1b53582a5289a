//! The chassis through its public interface: a small service on the review contract, started as any service is.

mod admin;
mod auth;
mod authority;
mod calls;
mod config;
mod denials;
mod drain;
mod environment;
mod fixture;
mod http;
mod jwks;
mod jwt;
mod probe;
mod reach;
mod readiness;
mod rolling;
mod start;
mod tls;
