//! Tests both services as real processes that send real OTLP requests, as users of this repository run them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../command/mod.rs"]
mod command;

#[cfg(feature = "postgres")]
#[path = "../../../inventory/tests/cluster/mod.rs"]
mod cluster;

mod books;
mod by_hand;
mod contract;
mod copies;
#[path = "../../../shared/tests/support/hangup.rs"]
mod hangup;
mod joined;
mod keys;
mod killed;
#[cfg(feature = "postgres")]
mod postgres;
mod services;
mod shutdown;
mod tour;
