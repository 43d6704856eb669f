//! An OpenTelemetry [span processor](opentelemetry_sdk::trace::SpanProcessor) that exports spans over
//! [OTLP](https://opentelemetry.io/docs/specs/otlp/). The processor buffers spans during an outage of the collector,
//! within a bound in bytes, and counts every span that it drops.
//!
//! # Layout
//!
//! - `counts`: [`SpanCounts`], the counters of ended, exported, waiting and lost spans
//! - `limits`: [`ValueLimits`], the maximum lengths of exported texts
//! - `export`: [`OtlpProcessor`] and its implementation, with the cargo feature `http`
//!
//! Without the cargo feature `http`, which is enabled by default, the crate contains only the counters and the limits.
//! This is useful for a crate that has these types in its API, but exports spans only in some builds.

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
