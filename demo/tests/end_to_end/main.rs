//! Both services as real processes that send real OTLP bytes, as users of this repository run them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../command/mod.rs"]
mod command;

mod books;
mod by_hand;
mod contract;
mod copies;
mod joined;
mod keys;
mod killed;
mod services;
mod shutdown;
mod tour;
