//! [`response_span`]: the span that answered a request, read from the response's headers.

use http::{HeaderMap, HeaderValue};
use opentelemetry::trace::{SpanContext, TraceFlags, TraceState};

use super::trace_context::parse;

/// Returns the span that answered a request, as named by the header `traceresponse` or `server-timing` of the response.
///
/// Use the trace id of this span in the caller's report of a failed request. The span is only as trustworthy as the
/// server, so it must not become the parent of another span. [`TraceLayer`](crate::server::TraceLayer) sends
/// `traceresponse` by default, and `server-timing` if [enabled](crate::server::TraceLayer::server_timing). If a
/// response has both headers, `traceresponse` takes precedence.
///
/// ```
/// use shared::propagation::response_span;
///
/// # let mut headers = http::HeaderMap::new(); // the headers of the response
/// # headers.insert("traceresponse", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap());
/// if let Some(span) = response_span(&headers) {
///     println!("trace {}", span.trace_id()); // 32 hex digits
///     # assert_eq!(span.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// }
/// ```
///
/// Returns `None` if neither header names a span, or if there are several `traceresponse` headers.
pub fn response_span(headers: &HeaderMap) -> Option<SpanContext> {
    let mut responses = headers.get_all("traceresponse").iter();
    match (responses.next(), responses.next()) {
        (Some(response), None) => span(response.as_bytes()),
        (None, _) => headers.get_all("server-timing").iter().find_map(timing),
        (Some(_), Some(_)) => None,
    }
}

/// Returns the span named by the `server-timing` entry `trace;desc=<traceparent>`. Some servers name the entry
/// `traceparent` and quote its value.
fn timing(header: &HeaderValue) -> Option<SpanContext> {
    header.to_str().ok()?.split(',').find_map(|entry| {
        let (name, parameters) = entry.split_once(';')?;
        if !["trace", "traceparent"].contains(&name.trim()) {
            return None;
        }
        let mut parameters = parameters.split(';').filter_map(|it| it.split_once('='));
        let (_, description) = parameters.find(|(name, _)| name.trim() == "desc")?;
        span(description.trim().trim_matches('"').as_bytes())
    })
}

fn span(value: &[u8]) -> Option<SpanContext> {
    let (trace_id, span_id, flags) = parse(value)?;
    let (flags, no_state) = (TraceFlags::new(flags), TraceState::default());
    Some(SpanContext::new(trace_id, span_id, flags, true, no_state))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn named(headers: &[(&'static str, &str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let span = response_span(&map)?;
        let (trace_id, span_id) = (span.trace_id(), span.span_id());
        Some(format!("00-{trace_id}-{span_id}-01"))
    }

    #[test]
    fn response_header_names_span() {
        assert_eq!(named(&[("traceresponse", SPAN)]).as_deref(), Some(SPAN));
        for unusable in ["", "00-0-0-00", &SPAN[..54], &SPAN.to_uppercase()] {
            assert_eq!(named(&[("traceresponse", unusable)]), None, "{unusable}");
        }
        assert_eq!(named(&[]), None);
        assert_eq!(named(&[("traceresponse", SPAN); 2]), None);
    }

    #[test]
    fn server_timing_entry_names_span() {
        for entry in [
            format!("trace;desc={SPAN}"),
            format!("traceparent;desc=\"{SPAN}\""),
            format!("db;dur=53, trace;dur=1;desc={SPAN} , cache"),
        ] {
            assert_eq!(named(&[("server-timing", &entry)]).as_deref(), Some(SPAN));
            let headers = [("server-timing", "db;dur=53"), ("server-timing", &entry)];
            assert_eq!(named(&headers).as_deref(), Some(SPAN), "{entry}");
        }
        for other in [format!("span;desc={SPAN}"), format!("trace={SPAN}")] {
            assert_eq!(named(&[("server-timing", &other)]), None, "{other}");
        }
    }

    #[test]
    fn response_header_precedes_server_timing() {
        let other = SPAN.replace("4bf9", "aaaa");
        let timing = format!("trace;desc={other}");
        let headers = [("server-timing", &*timing), ("traceresponse", SPAN)];
        assert_eq!(named(&headers).as_deref(), Some(SPAN));
    }
}
