//! The catalogue as a table: what is sent, and what must come of it.

use crate::store::Trace;
use crate::waterfall::Waterfall;

/// One request of the tour.
pub(super) struct Scenario {
    /// For the summary.
    pub(super) name: &'static str,
    /// For the heading.
    pub(super) title: &'static str,
    pub(super) media_type: &'static str,
    body: Body,
    /// Run when inventory has been stopped on purpose.
    pub(super) without_inventory: bool,
    pub(super) status: u16,
    /// The problem's `code`; none for success.
    pub(super) code: Option<&'static str>,
    /// Spans that must be in the trace, by service and name. There may be more.
    pub(super) spans: &'static [(&'static str, &'static str)],
    /// Whether inventory must have had a part in it.
    reaches_inventory: bool,
}

enum Body {
    Text(&'static str),
    /// So many letters: long enough to be too long.
    Letters(usize),
}

const JSON: &str = "application/json";

/// The spans of a checkout that succeeds.
const ORDERED: &[(&str, &str)] = &[
    ("checkout", "POST /checkout"),
    ("checkout", "place_order"),
    ("checkout", "GET /check/{item_id}"),
    ("inventory", "GET /check/{item_id}"),
    ("inventory", "SELECT stock"),
    ("checkout", "POST /reservations"),
    ("inventory", "POST /reservations"),
    ("inventory", "UPDATE stock"),
    ("checkout", "charge_payment"),
    ("checkout", "send_receipt"),
];
/// The spans of one that ends when inventory is asked.
const ASKED: &[(&str, &str)] = &[
    ("checkout", "POST /checkout"),
    ("checkout", "place_order"),
    ("checkout", "GET /check/{item_id}"),
    ("inventory", "GET /check/{item_id}"),
];
/// The spans of one that nobody at inventory hears.
const UNHEARD: &[(&str, &str)] = &[
    ("checkout", "POST /checkout"),
    ("checkout", "place_order"),
    ("checkout", "GET /check/{item_id}"),
];
/// The spans of one that is refused at the door.
const REFUSED: &[(&str, &str)] = &[("checkout", "POST /checkout")];

/// The rows of the contract's table.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "item-123",
        title: "an order that succeeds",
        body: Body::Text(r#"{"item_id":"item-123"}"#),
        spans: ORDERED,
        ..Scenario::ANY
    },
    Scenario {
        name: "item-sold-out",
        title: "the last one is gone",
        body: Body::Text(r#"{"item_id":"item-sold-out"}"#),
        status: 409,
        code: Some("out_of_stock"),
        ..Scenario::ANY
    },
    Scenario {
        name: "item-slow",
        title: "a warehouse that takes 1.2 s to answer",
        body: Body::Text(r#"{"item_id":"item-slow"}"#),
        spans: ORDERED,
        ..Scenario::ANY
    },
    Scenario {
        name: "item-stuck",
        title: "a warehouse that hangs: checkout gives up, and inventory's work stops with it",
        body: Body::Text(r#"{"item_id":"item-stuck"}"#),
        status: 504,
        code: Some("inventory_timeout"),
        ..Scenario::ANY
    },
    Scenario {
        name: "item-corrupt",
        title: "a row that breaks an invariant: inventory panics, and lives on",
        body: Body::Text(r#"{"item_id":"item-corrupt"}"#),
        status: 502,
        code: Some("inventory_failed"),
        ..Scenario::ANY
    },
    Scenario {
        name: "unknown item",
        title: "an item nobody has heard of",
        body: Body::Text(r#"{"item_id":"item-unknown"}"#),
        status: 404,
        code: Some("unknown_item"),
        ..Scenario::ANY
    },
    Scenario {
        name: "bad JSON",
        title: "a body that is no JSON",
        body: Body::Text(r#"{"item_id":"#),
        ..Scenario::INVALID
    },
    Scenario {
        name: "bad quantity",
        title: "an order of nothing",
        body: Body::Text(r#"{"item_id":"item-123","quantity":0}"#),
        ..Scenario::INVALID
    },
    Scenario {
        name: "over 16 KiB",
        title: "a body that is too long",
        body: Body::Letters(17_000),
        status: 413,
        code: Some("payload_too_large"),
        ..Scenario::INVALID
    },
    Scenario {
        name: "wrong media type",
        title: "a body that does not say it is JSON",
        body: Body::Text(r#"{"item_id":"item-123"}"#),
        media_type: "text/plain",
        status: 415,
        code: Some("unsupported_media_type"),
        ..Scenario::INVALID
    },
    Scenario {
        name: "inventory is down",
        title: "inventory is stopped on purpose, then an order comes",
        body: Body::Text(r#"{"item_id":"item-123"}"#),
        without_inventory: true,
        status: 503,
        code: Some("inventory_unavailable"),
        spans: UNHEARD,
        reaches_inventory: false,
        ..Scenario::ANY
    },
];

impl Scenario {
    /// What a row says unless it says otherwise: inventory is asked, and all is well.
    const ANY: Self = Self {
        name: "",
        title: "",
        media_type: JSON,
        body: Body::Text(""),
        without_inventory: false,
        status: 200,
        code: None,
        spans: ASKED,
        reaches_inventory: true,
    };

    /// A request that checkout refuses before it asks anybody.
    const INVALID: Self = Self {
        status: 400,
        code: Some("invalid_request"),
        spans: REFUSED,
        reaches_inventory: false,
        ..Self::ANY
    };

    pub(super) fn body(&self) -> String {
        match self.body {
            Body::Text(text) => text.to_owned(),
            Body::Letters(count) => "x".repeat(count),
        }
    }

    /// The same request as a command to paste.
    pub(super) fn curl(&self, url: &str) -> String {
        let media_type = self.media_type;
        let curl = format!("curl -i {url} -H 'content-type: {media_type}' -d");
        match &self.body {
            Body::Letters(count) => format!("head -c {count} /dev/zero | tr '\\0' x | {curl} @-"),
            Body::Text(text) => format!("{curl} '{text}'"),
        }
    }

    /// The services that must have a part in the trace and a line in the logs, and no others may.
    pub(super) fn services(&self) -> &'static [&'static str] {
        if self.reaches_inventory {
            &["checkout", "inventory"]
        } else {
            &["checkout"]
        }
    }

    /// Expected spans that have not arrived.
    pub(super) fn missing(&self, trace: &Trace) -> Vec<String> {
        let arrived = |service: &str, name: &str| {
            let mut spans = trace.spans.iter();
            spans.any(|span| span.source.service == service && span.span.name == name)
        };
        let missing = self
            .spans
            .iter()
            .filter(|(service, name)| !arrived(service, name));
        missing
            .map(|(service, name)| format!("{service} {name}"))
            .collect()
    }

    /// Whether all expected spans are there and hang together. A span ends before its parent and so is sent before it:
    /// with the servers' spans there, none of their spans is still to come.
    pub(super) fn is_complete(&self, trace: &Trace) -> bool {
        self.missing(trace).is_empty() && Waterfall::of(trace).is_joined()
    }
}
