//! What the page offers to send: the rows of the catalogue, each with what to look for in its trace.

/// A request to `POST /checkout`.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// The status of the answer.
    pub(super) status: u16,
    pub(super) media_type: &'static str,
    pub(super) body: Body,
    /// What it is, in a sentence.
    pub(super) what: &'static str,
    /// What to look for, in another.
    pub(super) look: &'static str,
}

pub(super) enum Body {
    Text(&'static str),
    /// So many zeros, too many to write out.
    Zeros(usize),
}

const JSON: &str = "application/json";

const fn item(name: &'static str, body: &'static str, status: u16) -> Row {
    Row {
        name,
        status,
        media_type: JSON,
        body: Body::Text(body),
        what: "",
        look: "",
    }
}

/// What reaches inventory, or would.
pub(super) const ORDERS: [Row; 7] = [
    Row {
        what: "A million in stock: all goes well.",
        look: "Look for inventory's bars beneath checkout's calls, and for send_receipt, which goes on when the answer is \
               already out.",
        ..item("item-123", r#"{"item_id":"item-123"}"#, 200)
    },
    Row {
        what: "Its row breaks an invariant: inventory panics, and lives on.",
        look: "Look for the lowest bar that failed: the panic is inventory's, and checkout's 502 only follows from it.",
        ..item("item-corrupt", r#"{"item_id":"item-corrupt"}"#, 502)
    },
    Row {
        what: "Its warehouse takes 1.2\u{a0}s to answer.",
        look: "Look for the lowest of the long bars: that is where the time went.",
        ..item("item-slow", r#"{"item_id":"item-slow"}"#, 200)
    },
    Row {
        what: "Its warehouse takes 30\u{a0}s; checkout gives up after 2\u{a0}s.",
        look: "Look where inventory's bars end: with checkout's patience, as its work was stopped too.",
        ..item("item-stuck", r#"{"item_id":"item-stuck"}"#, 504)
    },
    Row {
        what: "None left.",
        look: "Look how far it came: checkout has asked, and reserved nothing. A refusal is no failure.",
        ..item("item-sold-out", r#"{"item_id":"item-sold-out"}"#, 409)
    },
    Row {
        what: "Not in the catalogue.",
        look: "Look for the 404 of inventory, which checkout hands on.",
        ..item("item-none", r#"{"item_id":"item-none"}"#, 404)
    },
    Row {
        what: "First stop inventory: “stop inventory” typed where the demo runs, or “docker compose stop inventory”.",
        look: "Look for calls with nothing beneath them, one for each attempt: nobody was there.",
        ..item("item-123, inventory down", r#"{"item_id":"item-123"}"#, 503)
    },
];

/// What checkout refuses before it asks anybody.
pub(super) const REFUSED: [Row; 4] = [
    Row {
        what: "A body that is no JSON.",
        look: "Look for a trace of a single bar: nobody else was asked.",
        ..item("no JSON", r#"{"item_id":"#, 400)
    },
    Row {
        what: "101 pieces, and 100 are the most.",
        look: "Look for place_order missing: there was no order to place.",
        ..item("too many", r#"{"item_id":"item-123","quantity":101}"#, 400)
    },
    Row {
        what: "A body of 20,000 bytes, and 16\u{a0}KiB are the most.",
        look: "Look for the status on the only bar: 413, and no error of ours.",
        body: Body::Zeros(20_000),
        ..item("too long", "", 413)
    },
    Row {
        what: "A body that says it is plain text.",
        look: "Look for the status on the only bar: 415, and no error of ours.",
        media_type: "text/plain",
        ..item("no media type", r#"{"item_id":"item-123"}"#, 415)
    },
];

impl Row {
    /// The same request as a command, for a curl of any age.
    pub(super) fn curl(&self, base: &str) -> String {
        let body = match self.body {
            Body::Text(text) => format!("'{text}'"),
            Body::Zeros(count) => format!("\"$(printf %0{count}d 0)\""),
        };
        let media_type = self.media_type;
        format!("curl -i {base}/checkout -H 'content-type: {media_type}' -d {body}")
    }
}
