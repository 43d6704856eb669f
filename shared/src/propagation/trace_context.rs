//! The `traceparent` and `tracestate` headers: [W3C Trace Context Level 2](https://www.w3.org/TR/trace-context-2/).

use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
    trace::{SpanContext, TraceContextExt, TraceState},
};

use super::trace_state;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
const SAMPLED: u8 = 0x01;
const RANDOM: u8 = 0x02;

/// Reads and writes `traceparent` and `tracestate` according to W3C Trace Context Level 2. Installed by default;
/// construct it only to assemble a propagator by hand.
///
/// Unlike the propagator of the SDK, this propagator reads all `tracestate` headers if there are several, checks
/// lengths and characters, keeps the random flag, passes `tracestate` on unchanged (even if the SDK's [`TraceState`]
/// type refuses a key that Level 2 allows), and does not panic on any input.
#[derive(Debug, Clone, Copy, Default)]
pub struct TraceContextPropagator {
    _private: (),
}

impl TraceContextPropagator {
    /// Creates the propagator.
    pub fn new() -> Self {
        Self::default()
    }
}

/// The parts of the received headers that [`SpanContext`] does not preserve: the random flag of an unsampled span, and
/// the exact text of `tracestate`. Stored in the context beside the span, and valid for the span's trace only. Absent
/// if nothing would be lost, that is, if the random flag is set and there is no `tracestate`.
#[derive(Debug)]
struct Origin {
    trace_id: TraceId,
    flags: u8,
    trace_state: String,
    /// Whether the SDK's [`TraceState`] can represent the received `tracestate`. If not, the `TraceState` of the span
    /// is empty.
    is_held: bool,
}

impl Origin {
    /// Returns the received `tracestate`, unless the `TraceState` of the span has been changed since.
    fn unchanged(&self, now: &TraceState) -> Option<&str> {
        let then = if self.is_held { &self.trace_state } else { "" };
        now.into_iter()
            .eq(trace_state::members(then))
            .then_some(self.trace_state.as_str())
    }
}

impl TextMapPropagator for TraceContextPropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let span = cx.span();
        let span_context = span.span_context();
        if !span_context.is_valid() {
            return;
        }
        let header = traceparent(cx, span_context);
        injector.set(
            TRACEPARENT,
            str::from_utf8(&header).unwrap_or_default().to_owned(),
        );
        let trace_state = span_context.trace_state();
        let trace_state = origin(cx, span_context)
            .and_then(|origin| origin.unchanged(trace_state))
            .map_or_else(|| trace_state.header(), str::to_owned);
        if !trace_state.is_empty() {
            injector.set(TRACESTATE, trace_state);
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let Some((trace_id, span_id, flags)) = extractor
            .get_all(TRACEPARENT)
            .as_deref()
            .and_then(parse_headers)
        else {
            return cx.clone();
        };
        let headers = extractor.get_all(TRACESTATE).unwrap_or_default();
        let list = trace_state::combine(&headers).unwrap_or_default();
        let trace_state = TraceState::from_key_value(trace_state::members(&list));
        let is_held = trace_state.is_ok();
        let caller = SpanContext::new(
            trace_id,
            span_id,
            TraceFlags::new(flags),
            true,
            trace_state.unwrap_or_default(),
        );
        let cx = cx.with_remote_span_context(caller);
        if list.is_empty() && flags & RANDOM != 0 {
            // Child spans have the same flags without an `Origin`. Most requests take this path, and storing an
            // `Origin` costs three allocations.
            return cx;
        }
        cx.with_value(Origin {
            trace_id,
            flags,
            trace_state: list,
            is_held,
        })
    }

    fn fields(&self) -> FieldIter<'_> {
        static FIELDS: std::sync::LazyLock<[String; 2]> =
            std::sync::LazyLock::new(|| [TRACEPARENT.to_owned(), TRACESTATE.to_owned()]);
        FieldIter::new(&*FIELDS)
    }
}

/// Returns `00-<trace id>-<span id>-<flags>`, the value of the headers `traceparent` and `traceresponse`.
///
/// For a trace of a caller, the random flag is written as received. For a trace that this process started, the flag is
/// set, because the trace id is random.
pub(crate) fn traceparent(cx: &Context, span_context: &SpanContext) -> [u8; 55] {
    let random = match origin(cx, span_context) {
        Some(origin) => origin.flags & RANDOM,
        None if span_context.is_remote() => span_context.trace_flags().to_u8() & RANDOM,
        None => RANDOM,
    };
    let flags = span_context.trace_flags().to_u8() & SAMPLED | random;
    let mut header = *b"00-00000000000000000000000000000000-0000000000000000-00";
    write_hex(&mut header[3..35], &span_context.trace_id().to_bytes());
    write_hex(&mut header[36..52], &span_context.span_id().to_bytes());
    write_hex(&mut header[53..], &[flags]);
    header
}

fn write_hex(text: &mut [u8], bytes: &[u8]) {
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&hex_digits(*byte));
    }
}

/// Returns a byte as two lower-case hex digits. Several times faster than `write!`.
pub(crate) fn hex_digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [byte >> 4, byte & 0xf].map(|digit| DIGITS[usize::from(digit)])
}

/// Records in a context that its trace was started by another process, which child spans cannot detect. Needed if
/// another propagator extracted the caller's span, or if the context was created by hand.
pub(crate) fn remember_origin(cx: Context) -> Context {
    let span = cx.span();
    let span_context = span.span_context();
    let (trace_id, flags) = (span_context.trace_id(), span_context.trace_flags().to_u8());
    let is_callers = span_context.is_valid() && span_context.is_remote();
    // If the random flag is set, the trace needs no record, since its flags equal those of a trace that this process
    // started.
    if !is_callers || flags & RANDOM != 0 || origin(&cx, span_context).is_some() {
        return cx;
    }
    cx.with_value(Origin {
        trace_id,
        flags,
        trace_state: String::new(),
        is_held: false,
    })
}

/// Returns the `tracestate` that a span inherits from `parent`, if the SDK's [`TraceState`] cannot represent it.
#[cfg(feature = "otlp")]
pub(crate) fn unheld_trace_state<'a>(parent: &'a Context, span: &SpanContext) -> Option<&'a str> {
    origin(parent, span)
        .filter(|origin| !origin.is_held && !origin.trace_state.is_empty())
        .and_then(|origin| origin.unchanged(span.trace_state()))
}

fn origin<'a>(cx: &'a Context, span_context: &SpanContext) -> Option<&'a Origin> {
    cx.get::<Origin>()
        .filter(|origin| origin.trace_id == span_context.trace_id())
}

/// Parses the `traceparent` headers of a request. Several headers are treated as a missing header.
fn parse_headers(values: &[&str]) -> Option<(TraceId, SpanId, u8)> {
    match values {
        [value] => parse(trace_state::trim(value).as_bytes()),
        _ => None,
    }
}

/// Parses the value of `traceparent`.
pub(super) fn parse(header: &[u8]) -> Option<(TraceId, SpanId, u8)> {
    let (fields, rest) = header.split_at_checked(55)?;
    let separated = [fields[2], fields[35], fields[52]] == [b'-'; 3];
    let version = hex(&fields[..2])?;
    let complete = match version {
        0x00 => rest.is_empty(),
        0xff => false,
        _ => rest.first().is_none_or(|next| *next == b'-'),
    };
    let (high, low) = (hex(&fields[3..19])?, hex(&fields[19..35])?);
    let trace_id = TraceId::from(u128::from(high) << 64 | u128::from(low));
    let span_id = SpanId::from(hex(&fields[36..52])?);
    let flags = u8::try_from(hex(&fields[53..])?).ok()?;
    let valid = separated && complete && trace_id != TraceId::INVALID && span_id != SpanId::INVALID;
    valid.then_some((trace_id, span_id, flags & (SAMPLED | RANDOM)))
}

/// Parses up to 16 hex digits, lower case only, as the specification requires.
fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(value))
    })
}
