//! Distributed tracing for HTTP services: spans for incoming requests, outgoing calls, queries and
//! tasks, log lines with trace ids, and the setup that exports it all with OpenTelemetry.
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
//!     tracing::info!("order requested"); // the log line has the trace id
//!     let _ = client.get("http://127.0.0.1:8081/stock").send().await; // the next service joins the trace
//!     drop(task::spawn(async { /* runs after the response, in the same trace */ }));
//!     "an order"
//! }
//! ```
//!
//! 1. **Setup**: [`telemetry::init`]`(`[`service!`]`())?` reads the `OTEL_*` variables at the start, and
//!    [`Telemetry::shutdown`](telemetry::Telemetry::shutdown) exports the last spans at the end.
//!    [`serve::main`] calls both functions and handles everything in between: signals, a bounded drain
//!    and background tasks. [`telemetry::builder`] has options that cannot be set by environment
//!    variables.
//! 2. **The layer**, [`server::TraceLayer`], is added to the router with `Router::layer` as the outermost
//!    layer. It creates a span for every request, as a child of the caller's span. Handlers need no
//!    changes. To create a span for a function, add `#[tracing::instrument]`. A handler that fails
//!    records the reason with [`span::fail`], and its caller receives a [`problem`] with the trace id.
//! 3. **The client**, [`client::traced`], is built once and sends the trace context with every request.
//!    [`database`] creates spans for queries. For any other transport, [`propagation::inject`] writes
//!    the context on the sending side and [`propagation::extract`] reads it on the receiving side.
//! 4. **Tasks** are started with [`task::spawn`] instead of `tokio::spawn`. A task started with
//!    `tokio::spawn` loses the trace, and is lost itself if the process ends first.
//! 5. **Log lines** need no extra code: every line from `tracing` or the `log` crate has the ids of
//!    its trace ([`telemetry`](telemetry#log-lines)).
//! 6. **Tests** of an application's own propagation can record spans and compare traces as trees with
//!    the module `testing`. Enable its feature in `[dev-dependencies]`.
//!
//! # Layout
//!
//! A request enters through [`server`], where [`propagation`] reads the context of the caller. Calls to other services
//! go through [`client`], which writes the context into the request. [`database`] creates spans for queries, and
//! [`task`] runs work that outlives the response. [`span`] returns the trace id of the current span and marks the span
//! as failed.
//!
//! [`telemetry`] configures tracing from the `OTEL_*` variables, writes log lines with the trace id, and flushes at
//! shutdown. The crate `otlp`, in the folder `otlp`, exports the spans and can be used without this crate. `testing`,
//! with the cargo feature `testing`, records spans and returns them as trees.
//!
//! [`serve`] contains the parts of a service other than tracing: listening, health endpoints, signals, bounded drain,
//! settings from environment variables ([`config`]) and error responses ([`problem`]).
//!
//! Small modules in the folder `internal` that the other modules share:
//!
//! - [`error`]: an error and its causes on one line
//! - [`redact`]: removes secrets from URLs in errors and settings
//! - `semconv`: the names from the semantic conventions
//!
//! `opentelemetry`, `opentelemetry_sdk` and `tracing_opentelemetry` are re-exported in the versions that this crate
//! uses. If a program contains two versions of one of these crates, the versions do not share contexts, so traces
//! break. Use the re-exports to avoid that.
//!
//! # Features
//!
//! The default features cover an axum service that calls other services with `reqwest`, queries a database and exports
//! its telemetry to a collector. To compile less, set `default-features = false` and list the features in use: a
//! program with only the client then compiles no server code, and vice versa. [`propagation`], [`task`], [`span`],
//! [`config`], [`error`] and [`redact`] are always available.
//!
//! | feature | purpose | adds |
//! | --- | --- | --- |
//! | `server` | SERVER spans for any tower service: [`server`] | tower traits |
//! | `axum` | routes and peer addresses from axum, [`problem`] | `server`; axum, tower-http, serde |
//! | `client` | CLIENT spans for any tower client, such as hyper-util's: [`client`] | tower traits, hyper-util, url |
//! | `reqwest` | CLIENT spans as a middleware for reqwest | `client`; reqwest, reqwest-middleware |
//! | `database` | spans for queries: [`database`] | |
//! | `metrics` | request durations and active requests | the OpenTelemetry metrics API |
//! | `telemetry` | setup: [`telemetry`], with spans on the console or without export | counters of `otlp`, the OpenTelemetry SDK, tracing-opentelemetry, tracing-subscriber |
//! | `logs` | log lines with trace ids: [`telemetry`](telemetry#log-lines) | `telemetry`; tracing-log |
//! | `otlp` | spans and metrics to a collector over HTTP, the default exporter with this feature | `telemetry`, `metrics`; more of `otlp`, opentelemetry-otlp, reqwest |
//! | `grpc`, in addition | export over gRPC | `otlp`; tonic |
//! | `tls`, in addition | export to `https://` endpoints | `otlp`; rustls |
//! | `serve` | the lifecycle of an axum service: [`serve`] | `axum`, `telemetry`; hyper, more of tokio |
//! | `cli` | command line of a service: [`serve::cli`] | `serve`; clap |
//! | `testing`, in addition | spans as trees in tests: `testing` | `telemetry` |
//!
//! Leave out `otlp` if the application sets its own OpenTelemetry providers, or needs only trace ids in
//! its log. Leave out `logs` if the application already writes a log.

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "database")]
pub mod database;
mod internal;
pub mod propagation;
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

/// The modules of `serve` that are available without the cargo feature `serve`.
#[cfg(not(feature = "serve"))]
mod serve {
    pub mod config;
    #[cfg(feature = "axum")]
    pub mod problem;
}

pub use internal::{error, redact};
pub use opentelemetry;
pub use serve::config;
#[cfg(feature = "axum")]
pub use serve::problem;
#[cfg(feature = "telemetry")]
pub use {opentelemetry_sdk, tracing_opentelemetry};

/// Compiles the examples of `docs/lift.md`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/lift.md")]
pub struct Lift;

/// Compiles the examples of `docs/migrate.md`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/migrate.md")]
pub struct Migrate;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
