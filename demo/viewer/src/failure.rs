//! Finds the first failure of a trace, which users look for first.

use std::sync::Arc;

use crate::attributes::{self, hex};
use crate::log_line::LogLine;
use crate::store::SpanId;
use crate::waterfall::{Row, Waterfall};

/// The first failure of a trace, which caused the other failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The failed span.
    pub(crate) span: SpanId,
    /// Service of the failed span.
    pub(crate) service: String,
    /// Kind of failure: `panic`, `timeout`, `500`.
    pub(crate) error: String,
    /// Error message, or else the name of the failed operation.
    pub(crate) words: String,
}

impl Failure {
    /// Returns the failed span that ended first. If several spans ended at the same time, returns the deepest of them,
    /// since a caller fails after its callee.
    pub(crate) fn first_of(waterfall: &Waterfall, lines: &[Arc<LogLine>]) -> Option<Self> {
        let failed = waterfall.failed();
        let first = failed.min_by_key(|row| (row.end(), std::cmp::Reverse(row.depth)))?;
        Some(Self {
            span: first.span.id,
            service: waterfall.services[first.service].clone(),
            error: first.error()?,
            words: words(first, waterfall, lines),
        })
    }

    /// Formats the failure, such as `inventory, panic: stock of item-corrupt is -1`.
    pub(crate) fn text(&self) -> String {
        format!("{}, {}: {}", self.service, self.error, self.words)
    }
}

fn words(row: &Row, waterfall: &Waterfall, lines: &[Arc<LogLine>]) -> String {
    let span = &row.span.span;
    let thrown = || {
        let mut events = span.events.iter().rev();
        events.find_map(|e| attributes::find(&e.attributes, attributes::EXCEPTION_MESSAGE))
    };
    let described = || span.status.as_ref().map(|status| status.message.clone());
    let answered = || {
        let status = row.attribute(attributes::HTTP_RESPONSE_STATUS_CODE)?;
        Some(format!("{} was answered {status}", span.name))
    };
    let said = thrown().or_else(described).filter(|text| !text.is_empty());
    said.or_else(answered)
        .or_else(|| logged(row, waterfall, lines))
        .unwrap_or_else(|| span.name.clone())
}

/// Returns the message of a warning or error that was logged in this span, or in its nearest ancestor of the same
/// service.
fn logged(row: &Row, waterfall: &Waterfall, lines: &[Arc<LogLine>]) -> Option<String> {
    let above = |row: &&Row| row.parent.map(|parent| &waterfall.rows[parent]);
    let own =
        std::iter::successors(Some(row), above).take_while(|above| above.service == row.service);
    own.into_iter().find_map(|row| {
        let id = hex(&row.span.id);
        let mut own = lines.iter().filter(|line| line.span_id() == Some(&id));
        let bad = own.find(|line| matches!(line.text("level"), Some("ERROR" | "WARN")))?;
        Some(complaint(bad))
    })
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
    fn first_failure_is_innermost_failed_span() {
        assert_eq!(
            text(panicking(), &[]).unwrap(),
            "inventory, panic: stock of `item-corrupt` is -1"
        );
    }

    #[test]
    fn failure_without_description_uses_nearest_log() {
        let timeout = || {
            let call = "GET /check/{item_id}";
            vec![
                span("checkout", 1, None, "POST /checkout", 0..20).failed("504"),
                span("checkout", 2, Some(1), call, 0..9).failed("timeout"),
            ]
        };
        let line = |span| {
            let line = format!(
                r#"{{"level":"ERROR","message":"checkout failed","error":"no answer within 2s","span_id":"{span:016x}"}}"#
            );
            Arc::new(LogLine::parse("checkout", line))
        };
        for span in [1, 2] {
            assert_eq!(
                text(timeout(), &[line(span)]).unwrap(),
                "checkout, timeout: checkout failed: no answer within 2s"
            );
        }
        assert_eq!(
            text(timeout(), &[line(3)]).unwrap(),
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
