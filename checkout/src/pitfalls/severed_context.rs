//! An outgoing call with a new context instead of the request's.

use opentelemetry::Context;
use opentelemetry::trace::FutureExt as _;

use super::{Finding, Form, Harm, Lab, LabError, Pitfall, Run, Source};

pub(super) const PITFALL: Pitfall = Pitfall {
    name: "severed-context",
    mistake: "The call to inventory is made with a new, empty context instead of the context of the request.",
    looks: "The request's trace ends before the call. The call and inventory's work are in a separate trace.",
    harm: Harm::Split,
    instead: "Keep the current context: shared::client reads it, and shared::task passes it to tasks.",
    source: Source {
        path: file!(),
        text: include_str!("severed_context.rs"),
    },
    broken: Form {
        code: "let inventory = lab.ask_inventory().with_context(Context::new()).await?;",
        run: Run::Request(|lab| Box::pin(broken(lab))),
    },
    fixed: Form {
        code: "let inventory = lab.ask_inventory().await?;",
        run: Run::Request(|lab| Box::pin(fixed(lab))),
    },
};

#[expect(
    clippy::disallowed_methods,
    reason = "the pitfall itself: a fresh context has no span of the request"
)]
async fn broken(lab: &Lab) -> Result<Finding, LabError> {
    let inventory = lab.ask_inventory().with_context(Context::new()).await?;
    let happened = "Inventory was called with an empty context, so the call started a new trace, and inventory continued that one.";
    Ok(Finding::new(happened, [inventory]))
}

async fn fixed(lab: &Lab) -> Result<Finding, LabError> {
    let inventory = lab.ask_inventory().await?;
    let happened =
        "Inventory was called with the request's context, so its span is in the request's trace.";
    Ok(Finding::new(happened, [inventory]))
}
