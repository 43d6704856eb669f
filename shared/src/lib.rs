//! Distributed tracing for HTTP services, in one piece: what Go has in `otelhttp`, and what goes around it.
//!
//! # Layout
//!
//! A request comes in through [`server`], where its caller's context is read by [`propagation`]; it calls others through
//! [`client`], which writes it out again; its queries are spans by [`database`]; what it leaves behind runs in
//! [`task`]; what it says goes to [`logs`], with its trace id; when it fails, its caller gets a [`problem`].
//!
//! - [`telemetry`]: set-up from the `OTEL_*` variables, and the shutdown that flushes
//! - [`serve`]: listen, health endpoints, signals, bounded drain
//! - [`config`]: settings out of environment variables
//! - [`error`]: an error and its causes on one line
//! - [`redact`]: secrets out of URLs, wherever one turns up
//! - [`span`]: the current span's trace id, and how to mark it as failed
//! - [`opentelemetry`], [`opentelemetry_sdk`], [`tracing_opentelemetry`]: the crates as this one has them. Two versions of
//!   one in a program do not know of each other, and the trace is cut where they meet: use these, and there is one
//! - `testing`: record spans and look at them as a tree, with the cargo feature `testing`
//! - `semconv`: the semantic conventions, spelled once

pub mod client;
pub mod config;
pub mod database;
pub mod error;
mod headers;
pub mod logs;
mod metrics;
pub mod problem;
pub mod propagation;
pub mod redact;
mod semconv;
pub mod serve;
pub mod server;
pub mod span;
pub mod task;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
mod tracer;

pub use {opentelemetry, opentelemetry_sdk, tracing_opentelemetry};
