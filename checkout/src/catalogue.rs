//! The catalogue: example requests and their expected answers. All other lists of these requests are derived from the
//! catalogue or checked against it.
//!
//! The page has a button for each request, `demo tour` has a scene for each, and the end-to-end tests send all of them.
//! A test compares the table in the README and the rows of `.ci/compose-check` with this list.

/// A request to `POST /checkout` and its expected answer.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The label of the request's button on the page, and the name of its scene in the tour.
    pub name: &'static str,
    /// A phrase that describes the request.
    pub what: &'static str,
    /// A sentence that explains the trace of the request.
    pub look: &'static str,
    /// The content type of the request.
    pub media_type: &'static str,
    /// The body of the request.
    pub body: Body,
    /// The HTTP status of the expected answer.
    pub status: u16,
    /// The `code` in the expected problem, or `None` for a success.
    pub code: Option<&'static str>,
    /// The stage at which the request is answered.
    pub reach: Reach,
}

/// A request's body.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// A literal text.
    Text(&'static str),
    /// This number of zeros, for a body that is too long to write out.
    Zeros(usize),
}

/// The stage at which a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Checkout rejects the request without calling inventory.
    Refused,
    /// Checkout calls inventory, which is stopped.
    Unavailable,
    /// Checkout calls inventory, which reserves nothing.
    Checked,
    /// Inventory reserves the item, and the order is placed.
    Placed,
}

const JSON: &str = "application/json";

/// The defaults of a row: a request that checkout rejects.
const REFUSED: Row = Row {
    name: "",
    what: "",
    look: "",
    media_type: JSON,
    body: Body::Text(""),
    status: 400,
    code: Some("invalid_request"),
    reach: Reach::Refused,
};

/// An order that succeeds.
const PLACED: Row = Row {
    status: 200,
    code: None,
    reach: Reach::Placed,
    ..REFUSED
};

/// An order that fails when inventory is called.
const fn failed(status: u16, code: &'static str) -> Row {
    Row {
        status,
        code: Some(code),
        reach: Reach::Checked,
        ..REFUSED
    }
}

/// Every request, in display order.
pub const ROWS: &[Row] = &[
    Row {
        name: "item-123",
        what: "a million in stock",
        look: "Look for inventory's bars below checkout's calls, and for send_receipt: it continues after the answer was sent.",
        body: Body::Text(r#"{"item_id":"item-123"}"#),
        ..PLACED
    },
    Row {
        name: "item-corrupt",
        what: "a row that breaks an invariant: inventory panics, and lives on",
        look: "Look for the failed bar that is indented the most: inventory panicked there, so checkout answered 502.",
        body: Body::Text(r#"{"item_id":"item-corrupt"}"#),
        ..failed(502, "inventory_failed")
    },
    Row {
        name: "item-slow",
        what: "its warehouse takes 1.2 s to answer",
        look: "Look for the last of the long bars: the time was spent there, in inventory.",
        body: Body::Text(r#"{"item_id":"item-slow"}"#),
        ..PLACED
    },
    Row {
        name: "item-stuck",
        what: "its warehouse takes 30 s: checkout gives up, and inventory's work stops with it",
        look: "Look at where inventory's bars end: checkout gave up at that moment, and inventory stopped its work.",
        body: Body::Text(r#"{"item_id":"item-stuck"}"#),
        ..failed(504, "inventory_timeout")
    },
    Row {
        name: "item-sold-out",
        what: "none left",
        look: "Look at what is missing: checkout asked for the stock, and reserved nothing. No bar failed, because this is a normal answer.",
        body: Body::Text(r#"{"item_id":"item-sold-out"}"#),
        ..failed(409, "out_of_stock")
    },
    Row {
        name: "item-unknown",
        what: "not in the catalogue",
        look: "Look for inventory's answer 404, which checkout passes on.",
        body: Body::Text(r#"{"item_id":"item-unknown"}"#),
        ..failed(404, "unknown_item")
    },
    Row {
        name: "inventory is down",
        what: "after `stop inventory`, typed where the demo runs, or `docker compose stop inventory`",
        look: "Look for checkout's calls without a bar of inventory below them, one for each attempt: inventory was not running.",
        body: Body::Text(r#"{"item_id":"item-123"}"#),
        reach: Reach::Unavailable,
        ..failed(503, "inventory_unavailable")
    },
    Row {
        name: "bad JSON",
        what: "a body that is not JSON",
        look: "Look at the number of bars: there is only one, because checkout did not call inventory.",
        body: Body::Text(r#"{"item_id":"#),
        ..REFUSED
    },
    Row {
        name: "bad quantity",
        what: "101 pieces: 1 to 100 are accepted",
        look: "Look for the missing place_order: checkout refused the order before that step.",
        body: Body::Text(r#"{"item_id":"item-123","quantity":101}"#),
        ..REFUSED
    },
    Row {
        name: "over 16 KiB",
        what: "a body of 20,000 bytes: 16 KiB are accepted",
        look: "Look at the status of the only bar: 413. It is not marked as failed, because the mistake is the caller's.",
        body: Body::Zeros(20_000),
        status: 413,
        code: Some("payload_too_large"),
        ..REFUSED
    },
    Row {
        name: "wrong media type",
        what: "a body that claims to be plain text",
        look: "Look at the status of the only bar: 415. It is not marked as failed, because the mistake is the caller's.",
        media_type: "text/plain",
        body: Body::Text(r#"{"item_id":"item-123"}"#),
        status: 415,
        code: Some("unsupported_media_type"),
        ..REFUSED
    },
];

impl Row {
    /// Returns the name as a command-line argument, such as `over-16-kib`.
    pub fn typed(&self) -> String {
        self.name.to_lowercase().replace(' ', "-")
    }

    /// Returns the arguments of curl that send this request. Old versions of curl accept these arguments too.
    pub fn curl_arguments(&self) -> String {
        let media_type = self.media_type;
        format!(
            "-H 'content-type: {media_type}' -d {}",
            self.body.in_shell()
        )
    }

    /// Returns the curl command that sends the request to the checkout at this base URL.
    pub fn curl(&self, base: &str) -> String {
        format!("curl -i {base}/checkout {}", self.curl_arguments())
    }
}

impl Body {
    /// Returns the body as it is sent.
    pub fn text(self) -> String {
        match self {
            Self::Text(text) => text.to_owned(),
            Self::Zeros(count) => "0".repeat(count),
        }
    }

    /// Returns the body as a word of a shell command.
    pub fn in_shell(self) -> String {
        match self {
            Self::Text(text) => format!("'{text}'"),
            Self::Zeros(count) => format!("\"$(printf %0{count}d 0)\""),
        }
    }
}
