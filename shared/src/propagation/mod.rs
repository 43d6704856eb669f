//! Context propagation between processes: injection into carriers and extraction from them.
//!
//! [`inject`] writes the current context into a carrier, and [`extract`] reads a context from a carrier. The global
//! propagator determines the headers: [`crate::telemetry::init`] sets the propagator from `OTEL_PROPAGATORS`, which
//! defaults to [`TraceContextPropagator`] and [`BaggagePropagator`]. The server layer and the client middleware call
//! both functions for HTTP. Call them by hand for other transports, such as message headers of a queue, a job table, or
//! an environment variable (`examples/channel.rs`).
//!
//! [`response_span`] returns the span that answered a request, as named in the response's headers.
//!
//! Carriers are `HashMap<String, String>`, [`http::HeaderMap`] with [`HeaderInjector`] and [`HeaderExtractor`], maps with keys
//! in any case with [`MapExtractor`], and your own types that implement [`Carrier`].
//!
//! ```
//! use std::collections::HashMap;
//!
//! let mut message_headers = HashMap::new();
//! shared::propagation::inject(&mut message_headers); // where the message is sent
//! let parent = shared::propagation::extract(&message_headers); // where it is received
//! # assert!(message_headers.is_empty(), "no active span: nothing is injected");
//! # drop(parent);
//! ```

mod b3;
mod baggage;
mod carrier;
mod response;
mod trace_context;
mod trace_state;

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
};

use crate::internal::tracer::empty_context;

#[cfg(feature = "client")]
pub(crate) use self::baggage::BAGGAGE;
#[cfg(feature = "logs")]
pub(crate) use self::trace_context::hex_digits;
pub(crate) use self::trace_context::remember_origin;
#[cfg(feature = "server")]
pub(crate) use self::trace_context::traceparent;
#[cfg(feature = "otlp")]
pub(crate) use self::trace_context::unheld_trace_state;
pub use self::{
    b3::B3Propagator,
    baggage::BaggagePropagator,
    carrier::{Carrier, HeaderExtractor, HeaderInjector, InjectOnly, MapExtractor},
    response::response_span,
    trace_context::TraceContextPropagator,
};

/// The former name of [`InjectOnly`].
#[deprecated = "renamed to `InjectOnly`"]
pub type Fresh<'a> = InjectOnly<'a>;

/// The former constructor of [`InjectOnly`].
#[deprecated = "renamed to `InjectOnly`"]
#[doc(hidden)]
#[expect(non_snake_case, reason = "an alias of a type has no constructor")]
pub fn Fresh(injector: &mut dyn Injector) -> InjectOnly<'_> {
    InjectOnly(injector)
}

/// Writes the current context into `carrier` with the global propagator, replacing any previous context.
///
/// Call this function where the message is created, inside the span that represents the sending. Without an active
/// span, no trace headers are written, and the receiver starts a new trace.
pub fn inject(carrier: &mut dyn Carrier) {
    // The current context is copied, since a carrier that enters a span would panic while the context is borrowed.
    inject_context(&Context::current(), carrier);
}

/// Like [`inject`], but with an explicit context, such as one stored until a batch is sent.
///
/// Removes a previously injected context first, since the map of a message that is sent again may still have the former
/// `tracestate`.
pub fn inject_context(cx: &Context, carrier: &mut dyn Carrier) {
    opentelemetry::global::get_text_map_propagator(|propagator| {
        for field in propagator.fields() {
            carrier.remove(field);
        }
        propagator.inject_context(cx, carrier);
    });
}

/// Writes `cx` into a request's headers. If `cx` has no span, trace headers that are already present are kept, since
/// they may have been copied from an incoming request.
#[cfg(feature = "client")]
pub(crate) fn inject_headers(cx: &Context, headers: &mut http::HeaderMap) {
    use opentelemetry::trace::TraceContextExt as _;

    let mut carrier = HeaderInjector(headers);
    if cx.span().span_context().is_valid() {
        inject_context(cx, &mut carrier);
    } else {
        inject_context(cx, &mut InjectOnly(&mut carrier));
    }
}

/// Reads the sender's context from `carrier` with the global propagator.
///
/// The returned context inherits nothing from the current context. If the carrier has no context or an invalid one, the
/// returned context has no span, and the next span starts a new trace.
///
/// Use the returned context as the parent of the receiver's span, and set the parent before the span is entered, since
/// the parent cannot be set later. To process several messages together, link to each of them with
/// [`crate::task::in_linked_trace`].
pub fn extract(carrier: &dyn Extractor) -> Context {
    opentelemetry::global::get_text_map_propagator(|propagator| extract_with(propagator, carrier))
}

pub(crate) fn extract_with(propagator: &dyn TextMapPropagator, carrier: &dyn Extractor) -> Context {
    let cx = propagator.extract_with_context(&empty_context(), carrier);
    remember_origin(cx)
}
