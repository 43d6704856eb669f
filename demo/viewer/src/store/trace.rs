//! A stored trace and its spans.

use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry_proto::tonic::trace::v1::Span;

use super::source::Source;
use super::trace_id::TraceId;

/// The 8 bytes that identify a span within its trace.
pub type SpanId = [u8; 8];

/// A span and its source.
#[derive(Debug)]
pub struct StoredSpan {
    /// Valid span id.
    pub id: SpanId,
    /// Span id of the parent, or `None` for a root.
    pub parent: Option<SpanId>,
    /// The process and the library that created the span.
    pub source: Arc<Source>,
    /// The span as received.
    pub span: Span,
}

/// A snapshot of one trace.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Trace id.
    pub id: TraceId,
    /// Spans in order of arrival.
    pub spans: Vec<Arc<StoredSpan>>,
    /// Number of spans that were refused because the trace was full.
    pub dropped: u64,
    /// Time at which the last span arrived.
    pub last_arrival: SystemTime,
}

impl Trace {
    /// Returns the start of the earliest span, in nanoseconds since 1970.
    pub fn start(&self) -> u64 {
        let starts = self.spans.iter().map(|s| s.span.start_time_unix_nano);
        starts.min().unwrap_or(0)
    }
}
