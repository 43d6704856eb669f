//! A service: limits, malformed requests, disconnects, signals and shutdown.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod bodies;
mod disconnects;
mod framing;
mod half_closed;
mod heads;
mod limits;
mod malformed;
mod process;
mod router;
mod stop;
#[path = "../support/mod.rs"]
mod support;
mod timeouts;
mod upgrades;
