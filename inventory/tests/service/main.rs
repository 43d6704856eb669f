//! Tests of the service over a socket, each on a separate database.
//!
//! `claims` contains the shared tests, which `sqlite` and `postgres` run on their databases; `service` starts the
//! service under test.

#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

mod claims;
#[cfg(feature = "postgres")]
#[path = "../cluster/mod.rs"]
mod cluster;
#[cfg(feature = "postgres")]
mod postgres;
mod service;
mod sqlite;
