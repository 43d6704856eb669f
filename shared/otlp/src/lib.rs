//! An OpenTelemetry [span processor](opentelemetry_sdk::trace::SpanProcessor) that exports over
//! [OTLP](https://opentelemetry.io/docs/specs/otlp/). It buffers spans through an outage of the collector, within a bound in
//! bytes, and counts every span that it drops.
//!
//! # Layout
//!
//! - `counts`: [`SpanCounts`], the counters of ended, exported, waiting and lost spans
//! - `limits`: [`ValueLimits`], the maximum lengths of exported texts
//! - `export`: [`OtlpProcessor`] and everything behind it, with the cargo feature `http`
//!
//! Without the feature `http`, which is on by default, the crate has only the counters and the limits: for a crate that has them in
//! its API and exports in some builds only.

mod counts;
#[cfg(feature = "http")]
mod export;
mod limits;

#[cfg(feature = "tls")]
pub use self::export::Tls;
#[cfg(feature = "http")]
pub use self::export::{
    Batching, BuildError, Builder, Compression, LOG_TARGET, OtlpProcessor, Protocol,
    environment_proxy,
};
pub use self::{
    counts::{LostSpans, SpanCounts},
    limits::{Limit, ValueLimits},
};

/// Compiles the code of the README.
#[cfg(all(doctest, feature = "http"))]
#[doc = include_str!("../README.md")]
struct Readme;
