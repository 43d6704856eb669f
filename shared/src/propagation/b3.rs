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

// The trace flags that `Propagator` uses for the B3 states "deferred" and "debug", which W3C Trace Context does not
// have. W3C uses the bit of `DEFERRED` for the random flag.
const DEFERRED: TraceFlags = TraceFlags::new(0x02);
const DEBUG: TraceFlags = TraceFlags::new(0x04);

/// Reads B3 headers in single and in multiple form, preferring the single header `b3`. Writes the form that the
/// constructor selects.
///
/// Use this propagator for services that exchange B3 headers with other software, such as Zipkin or older versions of
/// Istio. `OTEL_PROPAGATORS=b3,tracecontext` enables B3 without code.
///
/// Wraps [`opentelemetry_propagator_b3`] and corrects its behavior: the random flag of W3C is not treated as a deferred
/// sampling decision, the states deferred and debug count as sampled, a `+` is not accepted in hex numbers,
/// [`single_header`](Self::single_header) writes only the header `b3`, and no header is written without an active span.
#[derive(Debug, Clone)]
pub struct B3Propagator {
    writer: Propagator,
    headers: &'static [&'static str],
}

/// A context value that holds the span id of a caller that deferred the sampling decision. The deferral is passed on if
/// this service starts no span.
struct Deferred(SpanId);

impl B3Propagator {
    /// Creates a propagator that writes only the header `b3`.
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

// The wrapped `Propagator` never receives the context itself, only a new context with at most the caller's span.
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
        // The reader for the single header also reads multiple headers, but rejects `X-B3-Sampled: true`, which old
        // senders write. The reader for multiple headers accepts that value.
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
            // A deferred decision counts as sampled: with an unsampled parent, a parent-based sampler would drop the
            // trace, although the caller has not decided that.
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

/// Returns a random unsampled span context for a caller that disabled sampling without sending a span, so that
/// parent-based samplers do not sample the request.
fn unsampled() -> SpanContext {
    SpanContext::new(
        TraceId::from(u128::from(random()) << 64 | u128::from(random())),
        SpanId::from(random()),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::NONE,
    )
}

/// Returns a random number for an id. Never returns 0, which is an invalid id.
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

/// A carrier that accepts only the listed headers. [`Propagator`] writes the `X-B3-*` headers even if it is configured
/// for the single header.
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

/// A carrier that hides header values with a `+`, which Rust's number parser accepts and B3 does not.
struct Unsigned<'a>(&'a dyn Extractor);

impl Extractor for Unsigned<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).filter(|value| !value.contains('+'))
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys()
    }
}
