//! Prepares a batch for insertion. All work whose cost depends on the size of spans and resources is done here, before
//! the store is locked.

use std::collections::HashSet;
use std::sync::Arc;

use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};

use super::source::{Fingerprints, Process, Source};
use super::trace::{SpanId, StoredSpan};
use super::trace_id::TraceId;
use super::weight;

/// The spans of a batch.
pub(super) struct Batch {
    pub(super) spans: Vec<PreparedSpan>,
    /// Ids of the traces that the spans belong to.
    pub(super) traces: HashSet<TraceId>,
    /// Number of skipped spans with an invalid trace id or span id.
    pub(super) invalid: u64,
}

/// A span with its trace id and its size.
pub(super) struct PreparedSpan {
    pub(super) trace: TraceId,
    pub(super) span: StoredSpan,
    /// Size of the span in bytes, without its source.
    pub(super) weight: usize,
}

impl Batch {
    pub(super) fn prepare(processes: Vec<ResourceSpans>, fingerprints: &Fingerprints) -> Self {
        let mut batch = Self {
            spans: Vec::new(),
            traces: HashSet::new(),
            invalid: 0,
        };
        for process in processes {
            let scopes = process.scope_spans;
            let process = Process::new(process.resource, process.schema_url, fingerprints);
            for scope in scopes {
                let source = Arc::new(process.source(scope.scope, scope.schema_url));
                for span in scope.spans {
                    batch.push(span, &source);
                }
            }
        }
        batch
    }

    fn push(&mut self, span: Span, source: &Arc<Source>) {
        let ids = (TraceId::from_bytes(&span.trace_id), span_id(&span.span_id));
        let (Some(trace), Some(id)) = ids else {
            self.invalid += 1;
            return;
        };
        self.traces.insert(trace);
        self.spans.push(PreparedSpan {
            trace,
            weight: size_of::<StoredSpan>() + weight::span(&span),
            span: StoredSpan {
                id,
                parent: span_id(&span.parent_span_id),
                source: Arc::clone(source),
                span,
            },
        });
    }
}

fn span_id(bytes: &[u8]) -> Option<SpanId> {
    let id: SpanId = bytes.try_into().ok()?;
    (id != [0; 8]).then_some(id)
}
