//! An outgoing call that is not traced.

use super::{CHECK, Finding, Form, Harm, ITEM, Lab, LabError, Pitfall, Run, Source, SpanRef};
use crate::inventory::InventoryError;

pub(super) const PITFALL: Pitfall = Pitfall {
    name: "raw-client",
    mistake: "Inventory is called with a plain HTTP client instead of the traced one, so the header traceparent is missing.",
    looks: "The request's trace does not show the call. Inventory's work is in a separate trace.",
    harm: Harm::Split,
    instead: "Wrap the client in shared::client::TraceMiddleware when it is built. It records the call and sends the header.",
    source: Source {
        path: file!(),
        text: include_str!("raw_client.rs"),
    },
    broken: Form {
        code: "let client = reqwest::Client::builder().no_proxy().build();
let request = client.map(|client| client.get(lab.inventory.check_url(ITEM)));
let response = request.map_err(InventoryError::from)?.send().await;",
        run: Run::Request(|lab| Box::pin(broken(lab))),
    },
    fixed: Form {
        // These lines are from `../inventory/mod.rs`, which builds the traced client.
        code: "ClientBuilder::new(client)
    .with(TraceMiddleware::new())
    .build()",
        run: Run::Request(|lab| Box::pin(fixed(lab))),
    },
};

#[expect(
    clippy::disallowed_methods,
    reason = "the pitfall itself: a plain client sends no traceparent"
)]
async fn broken(lab: &Lab) -> Result<Finding, LabError> {
    let client = reqwest::Client::builder().no_proxy().build();
    let request = client.map(|client| client.get(lab.inventory.check_url(ITEM)));
    let response = request.map_err(InventoryError::from)?.send().await;
    let response = response.map_err(InventoryError::from)?;
    let happened = "The plain client sent no traceparent, so inventory started a new trace.";
    let inventory = SpanRef::answered(CHECK, response.headers());
    Ok(Finding::new(happened, [inventory]))
}

async fn fixed(lab: &Lab) -> Result<Finding, LabError> {
    let inventory = lab.ask_inventory().await?;
    let happened = "The traced client recorded the call as a span and sent its traceparent, so inventory's span is a child of it.";
    Ok(Finding::new(happened, [inventory]))
}
