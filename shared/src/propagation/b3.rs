//! The `b3` and `X-B3-*` headers of Zipkin: [B3 propagation](https://github.com/openzipkin/b3-propagation).

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::LazyLock,
};

use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
    trace::{SpanContext, TraceContextExt, TraceState},
};
use opentelemetry_propagator_b3::{B3Encoding, Propagator};

use crate::tracer::empty_context;

// How `Propagator` says in trace flags what B3 has and they have not. The first is W3C's random flag as well.
const DEFERRED: TraceFlags = TraceFlags::new(0x02);
const DEBUG: TraceFlags = TraceFlags::new(0x04);

/// Reads B3 in either form, the single header first, and writes the one that it was made for.
///
/// For services among others that speak B3, Zipkin's and older Istio's for two. `OTEL_PROPAGATORS=b3,tracecontext` does the
/// same without code.
///
/// The headers are the work of [`opentelemetry_propagator_b3`]; around it, W3C's random flag is kept from being read
/// as a sampling decision left open, a caller's decision that is open counts as sampled, so does debug, no sign is
/// taken for a hex digit, the single header is written alone, and nothing without an active span.
#[derive(Debug, Clone)]
pub struct B3Propagator {
    writer: Propagator,
    headers: &'static [&'static str],
}

/// The caller left the sampling decision to whoever continues this span; to be passed on where nobody here does.
struct Deferred(SpanId);

impl B3Propagator {
    /// Writes the header `b3`.
    pub fn single_header() -> Self {
        Self {
            writer: Propagator::with_encoding(B3Encoding::SingleHeader),
            headers: &["b3"],
        }
    }

    /// Writes the headers `X-B3-TraceId`, `X-B3-SpanId`, and `X-B3-Sampled` or `X-B3-Flags`.
    pub fn multiple_headers() -> Self {
        Self {
            writer: Propagator::with_encoding(B3Encoding::MultipleHeader),
            headers: &["x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"],
        }
    }
}

// `Propagator` is shown the caller's span and nothing else.
impl TextMapPropagator for B3Propagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let span = cx.span();
        let span_context = span.span_context();
        if !span_context.is_valid() {
            return;
        }
        let deferred = cx
            .get::<Deferred>()
            .is_some_and(|deferred| deferred.0 == span_context.span_id());
        let flags = if deferred {
            DEFERRED
        } else {
            span_context.trace_flags() & (TraceFlags::SAMPLED | DEBUG)
        };
        let cx = empty_context().with_remote_span_context(with_flags(span_context, flags));
        let headers = self.headers;
        self.writer
            .inject_context(&cx, &mut Only { headers, injector });
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        // The first reads both forms, but not `X-B3-Sampled: true`, which old senders write; the second does.
        static READERS: LazyLock<[Propagator; 2]> = LazyLock::new(|| {
            [B3Encoding::SingleHeader, B3Encoding::MultipleHeader].map(Propagator::with_encoding)
        });
        let caller = READERS.iter().find_map(|reader| {
            let cx = reader.extract_with_context(&empty_context(), &Unsigned(extractor));
            let span_context = cx.span().span_context().clone();
            span_context.is_valid().then_some(span_context)
        });
        let Some(caller) = caller else {
            return if is_denied(extractor) && !cx.span().span_context().is_valid() {
                cx.with_remote_span_context(unsampled())
            } else {
                cx.clone()
            };
        };
        let flags = caller.trace_flags();
        let continued = |flags| cx.with_remote_span_context(with_flags(&caller, flags));
        if flags & DEFERRED == DEFERRED {
            // Unsampled, a parent-based sampler would drop what nobody has asked to drop.
            continued(TraceFlags::SAMPLED).with_value(Deferred(caller.span_id()))
        } else if flags & DEBUG == DEBUG {
            continued(DEBUG | TraceFlags::SAMPLED)
        } else {
            continued(flags)
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        self.writer.fields()
    }
}

/// Whether the caller names no span and asks that the trace is not sampled: `b3: 0`, or `X-B3-Sampled: 0` alone.
fn is_denied(extractor: &dyn Extractor) -> bool {
    let value = |key| extractor.get(key).map(str::trim);
    match value("b3") {
        Some(decision) => decision == "0",
        None => value("x-b3-sampled").is_some_and(|decision| matches!(decision, "0" | "false")),
    }
}

/// The span of a caller that has none, for a sampler that follows its parent.
fn unsampled() -> SpanContext {
    SpanContext::new(
        TraceId::from(u128::from(random()) << 64 | u128::from(random())),
        SpanId::from(random()),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::NONE,
    )
}

/// Never 0, which is not an id.
fn random() -> u64 {
    RandomState::new().build_hasher().finish() | 1
}

fn with_flags(span_context: &SpanContext, flags: TraceFlags) -> SpanContext {
    SpanContext::new(
        span_context.trace_id(),
        span_context.span_id(),
        flags,
        true,
        TraceState::NONE,
    )
}

/// A carrier for these headers: made for the single one, [`Propagator`] writes the others as well.
struct Only<'a> {
    headers: &'static [&'static str],
    injector: &'a mut dyn Injector,
}

impl Injector for Only<'_> {
    fn set(&mut self, key: &str, value: String) {
        if self.headers.contains(&key) {
            self.injector.set(key, value);
        }
    }
}

/// A carrier without its values that hold a `+`: Rust's numbers may begin with one, B3's may not.
struct Unsigned<'a>(&'a dyn Extractor);

impl Extractor for Unsigned<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).filter(|value| !value.contains('+'))
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys()
    }
}
