//! What failed first in a trace: the question somebody opens it with.

use std::sync::Arc;

use crate::attributes::{self, hex};
use crate::logs::LogLine;
use crate::store::SpanId;
use crate::waterfall::{Row, Waterfall};

/// The failure that the others followed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The span it is on.
    pub span: SpanId,
    /// Whose span that is.
    pub service: String,
    /// What kind of failure: `panic`, `timeout`, `500`.
    pub error: String,
    /// What was said of it, or else what was being done.
    pub words: String,
}

impl Failure {
    /// The failed span that ended first; of several, the deepest. Whoever waits for a failure fails after it.
    pub fn first_of(waterfall: &Waterfall, lines: &[Arc<LogLine>]) -> Option<Self> {
        let failed = waterfall.failed();
        let first = failed.min_by_key(|row| (row.end(), std::cmp::Reverse(row.depth)))?;
        Some(Self {
            span: first.span.id,
            service: waterfall.services[first.service].clone(),
            error: first.error()?,
            words: words(first, lines),
        })
    }

    /// `inventory, panic: stock of item-corrupt is -1`
    pub fn text(&self) -> String {
        format!("{}, {}: {}", self.service, self.error, self.words)
    }
}

fn words(row: &Row, lines: &[Arc<LogLine>]) -> String {
    let span = &row.span.span;
    let thrown = || {
        let events = span.events.iter().rev();
        let mut messages =
            events.filter_map(|e| attributes::find(&e.attributes, attributes::EXCEPTION_MESSAGE));
        messages.next()
    };
    let described = || span.status.as_ref().map(|status| status.message.clone());
    let logged = || {
        let id = hex(&row.span.id);
        let own = lines.iter().filter(|line| line.span_id() == Some(&id));
        let bad = own.filter(|line| matches!(line.text("level"), Some("ERROR" | "WARN")));
        bad.map(|line| complaint(line)).next()
    };
    let answered = || {
        let status = row.attribute(attributes::HTTP_RESPONSE_STATUS_CODE)?;
        Some(format!("{} was answered {status}", span.name))
    };
    let said = thrown().or_else(described).filter(|text| !text.is_empty());
    said.or_else(logged)
        .or_else(answered)
        .unwrap_or_else(|| span.name.clone())
}

fn complaint(line: &LogLine) -> String {
    let message = line.text("message").unwrap_or_default();
    match line.text("error") {
        Some(error) => format!("{message}: {error}"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::trace::v1::span::Event;

    use super::*;
    use crate::cli::Role;
    use crate::testing::{TestSpan, attribute, span, trace};

    fn panicking() -> Vec<TestSpan> {
        let mut callee =
            span("inventory", 3, Some(2), "GET /check/{item_id}", 20..50).failed("panic");
        callee.span.events.push(Event {
            name: "exception".to_owned(),
            attributes: vec![attribute(
                "exception.message",
                "stock of `item-corrupt` is -1",
            )],
            ..Event::default()
        });
        vec![
            span("checkout", 1, None, "POST /checkout", 0..100).failed("502"),
            span("checkout", 2, Some(1), "GET /check/{item_id}", 10..60).failed("500"),
            callee,
        ]
    }

    fn text(spans: Vec<TestSpan>, lines: &[Arc<LogLine>]) -> Option<String> {
        Failure::first_of(&Waterfall::of(&trace(spans)), lines).map(|failure| failure.text())
    }

    #[test]
    fn first_failure_is_the_one_the_others_waited_for() {
        assert_eq!(
            text(panicking(), &[]).unwrap(),
            "inventory, panic: stock of `item-corrupt` is -1"
        );
    }

    #[test]
    fn failure_without_an_exception_is_told_by_the_log_of_its_span() {
        let timeout =
            || vec![span("checkout", 1, None, "GET /check/{item_id}", 0..9).failed("timeout")];
        let line = r#"{"level":"ERROR","message":"order failed","error":"no answer within 2s","span_id":"0000000000000001"}"#;
        let line = Arc::new(LogLine::parse(Role::Checkout, line.to_owned()));
        assert_eq!(
            text(timeout(), &[line]).unwrap(),
            "checkout, timeout: order failed: no answer within 2s"
        );
        assert_eq!(
            text(timeout(), &[]).unwrap(),
            "checkout, timeout: GET /check/{item_id}"
        );
    }

    #[test]
    fn trace_without_an_error_has_no_failure() {
        assert_eq!(
            text(vec![span("checkout", 1, None, "fine", 0..1)], &[]),
            None
        );
    }
}
