//! The checkout service over real sockets, with a stand-in for inventory.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod cancelled;
mod failures;
mod healthcheck;
mod keys;
mod page;
mod pitfall_routes;
mod pitfalls;
mod released;
mod requests;
mod retries;
mod spans;
mod stand_in;
mod support;
mod unflushed_exit;
