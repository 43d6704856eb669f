//! [`Batch`]: spans that are exported together, as they ended or compressed.

use bytes::Bytes;
use opentelemetry::InstrumentationScope;

use super::{
    encode::{RequestHead, ScopeSpans},
    gzip,
};

/// Spans that are exported together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) spans: u64,
    contents: Contents,
    /// What they take in a request, as long as they are not packed.
    pub(super) length: usize,
    /// What is allocated for them.
    pub(super) bytes: usize,
}

#[derive(Debug)]
enum Contents {
    Spans(Vec<ScopeSpans>),
    /// The request, compressed.
    Packed(Vec<u8>),
}

impl Default for Contents {
    fn default() -> Self {
        Self::Spans(Vec::new())
    }
}

impl Batch {
    /// By how much a buffer grows, at least.
    const STEP: usize = 64 * 1024;

    /// What there is of it beside the spans, packed or not; a scope's own strings are few and shared.
    const FRAME: usize = size_of::<Self>();

    /// By how much a batch may grow with this span.
    pub(super) fn growth(span: &[u8]) -> usize {
        Self::step(span) + Self::FRAME + size_of::<ScopeSpans>()
    }

    fn step(span: &[u8]) -> usize {
        span.len().max(Self::STEP)
    }

    /// Appends a span; gives by how much the batch has grown.
    pub(super) fn push(&mut self, scope: &InstrumentationScope, span: &[u8]) -> usize {
        let Contents::Spans(scopes) = &mut self.contents else {
            unreachable!("a batch is packed when it is full, and then takes no span");
        };
        // There are as many scopes as there are instrumented crates.
        let position = scopes.iter().position(|spans| spans.scope == *scope);
        let position = position.unwrap_or_else(|| {
            scopes.reserve_exact(1);
            scopes.push(ScopeSpans {
                scope: scope.clone(),
                spans: Vec::new(),
            });
            scopes.len() - 1
        });
        let spans = &mut scopes[position].spans;
        if spans.capacity() - spans.len() < span.len() {
            spans.reserve_exact(Self::step(span));
        }
        spans.extend_from_slice(span);
        self.spans += 1;
        self.length += span.len();
        let before = std::mem::replace(&mut self.bytes, Self::allocated(scopes));
        self.bytes - before
    }

    /// Takes no more spans; gives by how much the batch has shrunk.
    pub(super) fn close(&mut self) -> usize {
        let before = self.bytes;
        if let Contents::Spans(scopes) = &mut self.contents {
            for scope in &mut *scopes {
                scope.spans.shrink_to_fit();
            }
            self.bytes = Self::allocated(scopes);
        }
        before - self.bytes
    }

    fn allocated(scopes: &[ScopeSpans]) -> usize {
        let spans: usize = scopes.iter().map(|scope| scope.spans.capacity()).sum();
        Self::FRAME + size_of_val(scopes) + spans
    }

    pub(super) fn is_packed(&self) -> bool {
        matches!(self.contents, Contents::Packed(_))
    }

    /// Compresses them.
    pub(super) fn pack(&mut self, head: &RequestHead) {
        if let Contents::Spans(scopes) = &self.contents {
            let packed = gzip::pack(&head.request(scopes));
            self.bytes = Self::FRAME + packed.len();
            self.contents = Contents::Packed(packed);
        }
    }

    /// The request that exports these spans, compressed or not.
    pub(super) fn request(&self, head: &RequestHead, compressed: bool) -> Bytes {
        match (&self.contents, compressed) {
            (Contents::Spans(scopes), false) => head.request(scopes).into(),
            (Contents::Spans(scopes), true) => gzip::pack(&head.request(scopes)).into(),
            (Contents::Packed(request), true) => Bytes::copy_from_slice(request),
            (Contents::Packed(request), false) => gzip::unpack(request).into(),
        }
    }
}
