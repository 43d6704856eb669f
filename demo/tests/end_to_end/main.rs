//! Both services as real processes, their OTLP as real bytes: what a user of this repository sees.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../command/mod.rs"]
mod command;

mod by_hand;
mod contract;
mod copies;
mod joined;
mod killed;
mod services;
mod shutdown;
mod soak;
mod tour;
