//! [`Batch`]: spans that are exported together, as one request.

use bytes::Bytes;
use opentelemetry::InstrumentationScope;
use tokio::time::Instant;

use super::{
    encode::{RequestHead, ScopeSpans},
    gzip, split,
};

/// Spans that are exported together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Sequence number, in the order in which batches were closed. The two halves of a split batch keep its number.
    pub(super) number: u64,
    pub(super) spans: u64,
    contents: Contents,
    /// Size of the uncompressed request in bytes, without the resource. Only maintained while spans are added.
    length: usize,
    /// Bytes of memory that are allocated for the batch.
    pub(super) bytes: usize,
    pub(super) tries: Tries,
}

/// Counts the attempts to export a batch.
#[derive(Debug, Default)]
pub(super) struct Tries {
    /// Number of attempts without a response in time. The collector may have received the spans.
    pub(super) unanswered: u32,
    pub(super) failures: u32,
    /// Number of failures directly after the collector accepted another batch.
    pub(super) strikes: u32,
    pub(super) not_before: Option<Instant>,
}

#[derive(Debug)]
enum Contents {
    Spans(Vec<ScopeSpans>),
    Request(Vec<u8>),
    /// The encoded request, compressed with gzip.
    Packed(Vec<u8>),
}

impl Default for Contents {
    fn default() -> Self {
        Self::Spans(Vec::new())
    }
}

impl Batch {
    /// A buffer for encoded spans doubles in size up to this many bytes, and then grows by this many bytes at a time.
    const STEP: usize = 64 * 1024;

    /// Bytes of memory that a batch takes besides its spans.
    const FRAME: usize = size_of::<Self>();

    /// Returns the size that the request would have with another span, in bytes and without the resource.
    pub(super) fn length_with(&self, scope: &InstrumentationScope, span: &[u8]) -> usize {
        let head = match self.position(scope) {
            Some(_) => 0,
            None => ScopeSpans::new(scope).head_length(),
        };
        self.length + head + span.len()
    }

    /// Appends a span and returns the number of allocated bytes. Returns None, without appending the span, if it needs
    /// more than `available` bytes.
    pub(super) fn push(
        &mut self,
        scope: &InstrumentationScope,
        span: &[u8],
        available: usize,
    ) -> Option<usize> {
        let position = self.position(scope);
        let Contents::Spans(scopes) = &mut self.contents else {
            unreachable!("only an open batch takes spans");
        };
        if let Some(position) = position {
            let spans = &mut scopes[position].spans;
            if spans.capacity() - spans.len() < span.len() {
                let more = span
                    .len()
                    .max(spans.capacity().min(Self::STEP).min(available));
                if more > available {
                    return None;
                }
                spans.reserve_exact(more);
            }
            spans.extend_from_slice(span);
        } else {
            let mut new = ScopeSpans::new(scope);
            let frame = if scopes.is_empty() { Self::FRAME } else { 0 };
            if frame + size_of::<ScopeSpans>() + new.fields.capacity() + span.len() > available {
                return None;
            }
            self.length += new.head_length();
            new.spans = span.to_vec();
            scopes.reserve_exact(1);
            scopes.push(new);
        }
        self.spans += 1;
        self.length += span.len();
        let before = std::mem::replace(&mut self.bytes, Self::allocated(scopes));
        Some(self.bytes - before)
    }

    fn position(&self, scope: &InstrumentationScope) -> Option<usize> {
        match &self.contents {
            Contents::Spans(scopes) => scopes.iter().position(|spans| spans.scope == *scope),
            Contents::Request(_) | Contents::Packed(_) => None,
        }
    }

    /// Frees unused capacity of the span buffers. Returns the number of freed bytes.
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
        let buffers = scopes
            .iter()
            .map(|scope| scope.fields.capacity() + scope.spans.capacity());
        Self::FRAME + size_of_val(scopes) + buffers.sum::<usize>()
    }

    pub(super) fn is_packed(&self) -> bool {
        matches!(self.contents, Contents::Packed(_))
    }

    /// Replaces the contents of the batch with the compressed request, to save memory.
    pub(super) fn pack(&mut self, head: &RequestHead) {
        if !self.is_packed() {
            let packed = self.request(head, true).to_vec();
            self.bytes = Self::FRAME + packed.len();
            self.contents = Contents::Packed(packed);
        }
    }

    /// Returns the encoded request that exports the spans of this batch.
    pub(super) fn request(&self, head: &RequestHead, compressed: bool) -> Bytes {
        match (&self.contents, compressed) {
            (Contents::Spans(scopes), false) => head.request(scopes).into(),
            (Contents::Spans(scopes), true) => gzip::pack(&head.request(scopes)).into(),
            (Contents::Request(request), true) => gzip::pack(request).into(),
            (Contents::Request(request), false) | (Contents::Packed(request), true) => {
                Bytes::copy_from_slice(request)
            }
            (Contents::Packed(request), false) => gzip::unpack(request).into(),
        }
    }

    /// Splits a closed batch of at least two spans into its older and its newer half.
    pub(super) fn split(self, head: &RequestHead) -> [Self; 2] {
        let first = self.spans / 2;
        let halves = split::halves(&self.request(head, false), first);
        let spans = [first, self.spans - first];
        let mut spans = spans.into_iter();
        halves.map(|request| {
            let mut half = Self {
                number: self.number,
                spans: spans.next().unwrap_or_default(),
                bytes: Self::FRAME + request.capacity(),
                contents: Contents::Request(request),
                ..Self::default()
            };
            if self.is_packed() {
                half.pack(head);
            }
            half
        })
    }
}
