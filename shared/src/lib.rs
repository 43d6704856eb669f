//! Distributed tracing for HTTP services, in one piece: what Go has in `otelhttp`, and what goes around it.
//!
//! # A traced service
//!
//! ```no_run
//! use std::{error::Error, process::ExitCode, time::Duration};
//!
//! use axum::{Router, extract::State, routing::get};
//! use reqwest_middleware::ClientWithMiddleware;
//! use shared::{client, serve::{self, Limits}, server::TraceLayer, task};
//!
//! fn main() -> ExitCode {
//!     serve::main(shared::service!(), async |_, shutdown| {
//!         let client = client::traced(|client| client.timeout(Duration::from_secs(2)))?;
//!         let router = Router::new()
//!             .route("/orders/{id}", get(order))
//!             .with_state(client)
//!             .layer(TraceLayer::new());
//!         let listener = serve::bind(([127, 0, 0, 1], 3000).into()).await?;
//!         serve::serve(listener, router, Limits::default(), shutdown).await?;
//!         Ok::<_, Box<dyn Error>>(())
//!     })
//! }
//!
//! #[tracing::instrument(skip_all)]
//! async fn order(State(client): State<ClientWithMiddleware>) -> &'static str {
//!     tracing::info!("an order is asked for"); // a line with the trace's id
//!     let _ = client.get("http://127.0.0.1:8081/stock").send().await; // the next service joins the trace
//!     drop(task::spawn(async { /* goes on after the answer, in the same trace */ }));
//!     "an order"
//! }
//! ```
//!
//! 1. **Set-up** is one line, [`telemetry::init`]`(`[`service!`]`())?`, which reads the `OTEL_*` variables, and one at the end,
//!    [`Telemetry::shutdown`](telemetry::Telemetry::shutdown), without which the last spans are lost. [`serve::main`] says both and
//!    all that goes between: signals, a bounded drain, tasks that end. Wishes of one's own go to [`telemetry::builder`].
//! 2. **The layer**, [`server::TraceLayer`], goes on the router with `Router::layer`, outermost. Every request is a span then,
//!    continued from its caller's trace, and handlers need not know: a step that is worth a span is a function with
//!    `#[tracing::instrument]`. A handler that fails says why by [`span::fail`], and its caller gets a [`problem`] with the
//!    trace id.
//! 3. **The client**, [`client::traced`], is built once and sends the trace along with every request. Queries are spans
//!    by [`database`]; whatever else leaves the process takes its context along by [`propagation::inject`], and
//!    [`propagation::extract`] finds it on the other side.
//! 4. **Tasks** start by [`task::spawn`] and not by `tokio::spawn`, which would lose the trace, and the task when the process
//!    ends.
//! 5. **The log** needs nothing: every line that `tracing` or the `log` crate writes has the ids of its trace ([`logs`]).
//! 6. **Tests** of one's own propagation have a recorder, and traces as trees to compare with: `testing`, a feature for
//!    `[dev-dependencies]`.
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
//! - `opentelemetry`, `opentelemetry_sdk`, `tracing_opentelemetry`: the crates as this one has them. Two versions of
//!   one in a program do not know of each other, and the trace is cut where they meet: use these, and there is one
//! - `testing`: record spans and look at them as a tree, with the cargo feature `testing`
//! - `semconv`: the semantic conventions, spelled once
//!
//! # Features
//!
//! The default features are what an axum service needs that calls others by `reqwest`, asks a database and sends its telemetry
//! to a collector. Whoever needs less says `default-features = false` and names what it uses: a client compiles no server then,
//! and a server no client. [`propagation`], [`task`], [`span`], [`config`], [`error`] and [`redact`] are always there.
//!
//! | feature | what for | brings |
//! | --- | --- | --- |
//! | `server` | SERVER spans of any tower service: [`server`] | traits of tower |
//! | `axum` | the routes and peers that axum knows, [`problem`] | `server`; axum, tower-http, serde |
//! | `client` | CLIENT spans of any tower client, hyper-util's for one: [`client`] | traits of tower, hyper-util, url |
//! | `reqwest` | the same as a middleware for reqwest | `client`; reqwest, reqwest-middleware |
//! | `database` | spans of queries: [`database`] | |
//! | `metrics` | durations of requests, and how many there are | OpenTelemetry's API for metrics |
//! | `telemetry` | set-up: [`telemetry`], with spans on the console, or nowhere | OpenTelemetry's SDK, tracing-opentelemetry, tracing-subscriber |
//! | `logs` | log lines with trace ids: [`logs`] | `telemetry`; tracing-log |
//! | `otlp` | spans and metrics to a collector over HTTP, which is the default with it | `telemetry`, `metrics`; opentelemetry-otlp, reqwest |
//! | `grpc`, in addition | the same over gRPC | `otlp`; tonic |
//! | `tls`, in addition | the same to `https://` | `otlp`; rustls |
//! | `serve` | the life of an axum service: [`serve`] | `axum`, `telemetry`; hyper, more of tokio |
//! | `cli` | its command line: [`serve::cli`] | `serve`; clap |
//! | `testing`, in addition | spans as trees in tests: `testing` | `telemetry` |
//!
//! A service that does without `otlp` has OpenTelemetry's providers set by somebody else, or wants ids in its log and no
//! more; one without `logs` has a log already.

#[cfg(feature = "client")]
pub mod client;
mod clock;
pub mod config;
#[cfg(feature = "database")]
pub mod database;
#[cfg(any(feature = "client", feature = "server", feature = "telemetry"))]
#[cfg_attr(
    not(all(feature = "telemetry", any(feature = "client", feature = "server"))),
    expect(dead_code, reason = "one side says it and the other asks")
)]
mod decision;
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
#[cfg(feature = "telemetry")]
mod stdio;
pub mod task;
#[cfg(feature = "telemetry")]
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "telemetry")]
mod thread_context;
mod tracer;

pub use opentelemetry;
#[cfg(feature = "telemetry")]
pub use {opentelemetry_sdk, tracing_opentelemetry};
