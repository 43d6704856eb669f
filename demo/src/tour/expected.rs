//! The expected results of an example request of the catalogue: the services that take part, and the spans of the
//! trace.

use checkout::catalogue::{Reach, Row};
use viewer::store::Trace;
use viewer::waterfall::Waterfall;

/// Spans, identified by service and name.
type Spans = &'static [(&'static str, &'static str)];

const REFUSED: Spans = &[("checkout", "POST /checkout")];
const UNAVAILABLE: Spans = &[
    ("checkout", "POST /checkout"),
    ("checkout", "place_order"),
    ("checkout", "GET /check/{item_id}"),
];
const CHECKED: Spans = &[
    ("checkout", "POST /checkout"),
    ("checkout", "place_order"),
    ("checkout", "GET /check/{item_id}"),
    ("inventory", "GET /check/{item_id}"),
];
const PLACED: Spans = &[
    ("checkout", "POST /checkout"),
    ("checkout", "place_order"),
    ("checkout", "GET /check/{item_id}"),
    ("inventory", "GET /check/{item_id}"),
    ("inventory", "SELECT stock"),
    ("checkout", "charge_payment"),
    ("checkout", "POST /reservations"),
    ("inventory", "POST /reservations"),
    ("inventory", "UPDATE stock"),
    ("checkout", "send_receipt"),
];

/// Returns the spans that must be in the trace. The trace may contain others.
pub(super) fn spans(row: &Row) -> Spans {
    match row.reach {
        Reach::Refused => REFUSED,
        Reach::Unavailable => UNAVAILABLE,
        Reach::Checked => CHECKED,
        Reach::Placed => PLACED,
    }
}

/// Returns the services that must take part in the trace and write a log line. No other service may take part.
pub(super) fn services(row: &Row) -> &'static [&'static str] {
    match row.reach {
        Reach::Refused | Reach::Unavailable => &["checkout"],
        Reach::Checked | Reach::Placed => &["checkout", "inventory"],
    }
}

/// Returns the expected spans that have not arrived.
pub(super) fn missing(row: &Row, trace: &Trace) -> Vec<String> {
    let arrived = |service: &str, name: &str| {
        let mut spans = trace.spans.iter();
        spans.any(|span| span.source.service == service && span.span.name == name)
    };
    let missing = spans(row)
        .iter()
        .filter(|(service, name)| !arrived(service, name));
    missing
        .map(|(service, name)| format!("{service} {name}"))
        .collect()
}

/// Returns whether all expected spans have arrived and form one tree. A span ends before its parent and is exported
/// before it, so after the SERVER spans have arrived, no more spans can follow.
pub(super) fn is_complete(row: &Row, trace: &Trace) -> bool {
    missing(row, trace).is_empty() && Waterfall::of(trace).is_joined()
}
