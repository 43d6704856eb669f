//! A receiver for OTLP spans, a bounded store in memory, and web pages that show the traces.
//!
//! ```
//! use viewer::pages::BackLink;
//! use viewer::store::{Limits, Store};
//!
//! let store = Store::new(Limits::default());
//! let otlp = viewer::receiver::router(store.clone()); // POST /v1/traces, usually on port 4318
//! let ui = viewer::pages::router(store, BackLink::default()); // the pages and the API, usually on port 16686
//! # let _: (axum::Router, axum::Router) = (otlp, ui);
//! ```
//!
//! # Layout
//!
//! A request's spans pass through these files in this order:
//!
//! - [`receiver`]: `POST /v1/traces`, where exporters send their spans
//! - `otlp_json`: OTLP in JSON, read by the receiver and written by the API
//! - [`store`]: the traces and their log lines ([`LogLine`]), in bounded memory
//! - [`waterfall`]: a trace laid out in rows and bars, its critical path, and the skew of its clocks
//! - `summary`, `failure`, `related`, `comparison`: facts about one trace, all traces or two traces
//! - [`pages`]: the list of traces, a trace, and two traces side by side, as HTML
//! - `api`: a trace as JSON, like Jaeger's
//!
//! [`attributes`], `backtrace` and `duration` read and format values.

#![cfg_attr(
    test,
    allow(
        clippy::disallowed_methods,
        reason = "the banned methods lose the trace context, and the tests are not traced"
    )
)]

pub mod attributes;
pub mod pages;
pub mod receiver;
pub mod store;
pub mod waterfall;

mod api;
mod backtrace;
mod comparison;
mod duration;
mod failure;
mod log_line;
mod otlp_json;
mod related;
mod summary;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use log_line::LogLine;
