//! Carriers to context and back: how a trace crosses a process boundary.
//!
//! [`inject`] writes the current context into any carrier, [`extract`] reads one out of it. Which headers are
//! written and read is the global propagator's business ([`crate::telemetry::init`] sets it from
//! `OTEL_PROPAGATORS`; the default is [`TraceContextPropagator`] and [`BaggagePropagator`]). The server layer and the
//! client middleware call the same two functions, so a handler never has to; call them by hand for whatever has no
//! instrumentation: a queue's message headers, a job table, an environment variable (`examples/channel.rs`).
//!
//! A carrier is an [`http::HeaderMap`] by [`HeaderInjector`] and [`HeaderExtractor`], a `HashMap<String, String>` by
//! itself, one whose keys are in any case by [`MapExtractor`], and any type of your own by [`Carrier`].
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
mod trace_context;
mod trace_state;

use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapPropagator},
};

use crate::tracer::empty_context;

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
    carrier::{Carrier, Fresh, HeaderExtractor, HeaderInjector, MapExtractor},
    trace_context::TraceContextPropagator,
};

/// Writes the current context into `carrier` with the global propagator, in place of any that it held.
///
/// Call it within the span that stands for the sending, where the message is made. Without an active span no trace header is
/// written: the receiver starts a trace of its own.
pub fn inject(carrier: &mut dyn Carrier) {
    // A copy: while the current context is borrowed, a carrier that enters a span would panic.
    inject_context(&Context::current(), carrier);
}

/// The same with a context that is not the current one, such as one that was kept until a batch is sent.
///
/// It goes in place of any that the carrier held: the map of a message that is sent again may bring the `tracestate` of the
/// first time.
pub fn inject_context(cx: &Context, carrier: &mut dyn Carrier) {
    opentelemetry::global::get_text_map_propagator(|propagator| {
        for field in propagator.fields() {
            carrier.remove(field);
        }
        propagator.inject_context(cx, carrier);
    });
}

/// Writes `cx` into a request's headers. Without a span in `cx` they keep the context that they have: somebody may have
/// copied it from an incoming request, to pass it on.
#[cfg(feature = "client")]
pub(crate) fn inject_headers(cx: &Context, headers: &mut http::HeaderMap) {
    use opentelemetry::trace::TraceContextExt as _;

    let mut carrier = HeaderInjector(headers);
    if cx.span().span_context().is_valid() {
        inject_context(cx, &mut carrier);
    } else {
        inject_context(cx, &mut Fresh(&mut carrier));
    }
}

/// Reads the caller's context out of `carrier` with the global propagator.
///
/// Starts from an empty context, never from the current one: what the carrier does not say is not inherited. A carrier
/// with no context, or an invalid one, gives a context without a span, whose next span starts a new trace.
///
/// What it gives is the parent of the receiver's span; set it before the span is entered, since a later parent is refused.
/// Work for many messages at once is linked to each of them instead: [`crate::task::linked`].
pub fn extract(carrier: &dyn Extractor) -> Context {
    opentelemetry::global::get_text_map_propagator(|propagator| extract_with(propagator, carrier))
}

pub(crate) fn extract_with(propagator: &dyn TextMapPropagator, carrier: &dyn Extractor) -> Context {
    let cx = propagator.extract_with_context(&empty_context(), carrier);
    remember_origin(cx)
}
