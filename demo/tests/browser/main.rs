//! The pages in a real browser: headless Chromium, driven by chromedriver, on the demo's own processes.
//!
//! Without the two programs (Debian's packages `chromium` and `chromium-driver`) each test says that it is skipped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

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
