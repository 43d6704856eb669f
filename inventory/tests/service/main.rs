//! Tests the service over a socket, each on a separate database.
//!
//! `claims` says what holds, on whichever database; `sqlite` and `postgres` try it on theirs; `service` runs the one
//! that is asked.

#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

mod claims;
#[cfg(feature = "postgres")]
mod postgres;
mod service;
mod sqlite;
