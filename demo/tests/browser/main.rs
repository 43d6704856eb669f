//! Tests the pages of a running demo in headless Chromium, driven by chromedriver.
//!
//! Without these programs (Debian's packages `chromium` and `chromium-driver`), each test prints that it is skipped.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

#[allow(dead_code, reason = "the end-to-end tests use the rest")]
#[path = "../command/mod.rs"]
mod command;

mod axe;
mod browser;
mod chromium;
mod harness;
mod page;
mod pictures;
mod viewer;
