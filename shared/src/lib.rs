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
//! - `testing`: record spans and look at them as a tree, with the cargo feature `testing`
//! - `semconv`: the semantic conventions, spelled once

#[cfg(feature = "client")]
pub mod client;
pub mod config;
#[cfg(feature = "database")]
pub mod database;
pub mod error;
#[cfg(any(feature = "client", feature = "server"))]
mod headers;
#[cfg(feature = "logs")]
pub mod logs;
#[cfg(any(feature = "client", feature = "server"))]
mod metrics;
#[cfg(feature = "axum")]
pub mod problem;
pub mod propagation;
pub mod redact;
mod semconv;
#[cfg(feature = "serve")]
pub mod serve;
#[cfg(feature = "server")]
pub mod server;
pub mod span;
pub mod task;
#[cfg(feature = "telemetry")]
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
mod tracer;
