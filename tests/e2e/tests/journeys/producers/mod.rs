//! Producers and clients that are not ours, on Septet as it is deployed in production: two replicas of each service on real
//! servers.

mod files;
mod kcat;
mod python;
