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

use crate::internal::tracer::empty_context;

// The trace flags that `Propagator` uses for B3 states without a W3C equivalent. The first is W3C's random flag as well.
const DEFERRED: TraceFlags = TraceFlags::new(0x02);
const DEBUG: TraceFlags = TraceFlags::new(0x04);

/// Reads B3 in either form, preferring the single header, and writes the form it was created for.
///
/// For services that exchange B3 with others, such as Zipkin or older versions of Istio. `OTEL_PROPAGATORS=b3,tracecontext`
/// does the same without code.
///
/// A wrapper of [`opentelemetry_propagator_b3`] that corrects it: the random flag of W3C is not read as a deferred sampling
/// decision, deferred decisions and debug count as sampled, signs are not accepted as hex digits, only the single header is
/// written in that form, and nothing is written without an active span.
#[derive(Debug, Clone)]
pub struct B3Propagator {
    writer: Propagator,
    headers: &'static [&'static str],
}

/// The caller deferred the sampling decision. Passed on if this service starts no span.
struct Deferred(SpanId);

impl B3Propagator {
    /// Creates a propagator that writes the header `b3`.
    pub fn single_header() -> Self {
        Self {
            writer: Propagator::with_encoding(B3Encoding::SingleHeader),
            headers: &["b3"],
        }
    }

    /// Creates a propagator that writes the headers `X-B3-TraceId`, `X-B3-SpanId`, and `X-B3-Sampled` or `X-B3-Flags`.
    pub fn multiple_headers() -> Self {
        Self {
            writer: Propagator::with_encoding(B3Encoding::MultipleHeader),
            headers: &["x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"],
        }
    }
}

// `Propagator` receives only the caller's span.
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
            // If unsampled, a parent-based sampler would drop the trace although the caller left that open.
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

/// Returns whether the caller sent no span and disabled sampling: `b3: 0`, or `X-B3-Sampled: 0` alone.
fn is_denied(extractor: &dyn Extractor) -> bool {
    let value = |key| extractor.get(key).map(str::trim);
    match value("b3") {
        Some(decision) => decision == "0",
        None => value("x-b3-sampled").is_some_and(|decision| matches!(decision, "0" | "false")),
    }
}

/// Returns a substitute for the span of such a caller, for parent-based samplers.
fn unsampled() -> SpanContext {
    SpanContext::new(
        TraceId::from(u128::from(random()) << 64 | u128::from(random())),
        SpanId::from(random()),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::NONE,
    )
}

/// Never 0, which is an invalid id.
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

/// A carrier that accepts only these headers. In single form, [`Propagator`] writes the others as well.
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

/// A carrier that hides values with a `+`, which Rust's number parser accepts and B3 does not.
struct Unsigned<'a>(&'a dyn Extractor);

impl Extractor for Unsigned<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).filter(|value| !value.contains('+'))
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys()
    }
}
