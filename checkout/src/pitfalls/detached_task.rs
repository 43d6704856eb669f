//! A task that is spawned without the request's context.

use super::{Finding, Form, Harm, Lab, LabError, Pitfall, Run, Source, SpanRef};

pub(super) const PITFALL: Pitfall = Pitfall {
    name: "detached-task",
    mistake: "Work is started in a task with tokio::spawn, which does not pass the context on.",
    looks: "The task's work is missing from the request's trace. It is in a separate trace.",
    harm: Harm::Split,
    instead: "Use shared::task::spawn, which passes the context on.",
    source: Source {
        path: file!(),
        text: include_str!("detached_task.rs"),
    },
    broken: Form {
        code: "let notice = tokio::spawn(notify_warehouse()).await?;",
        run: Run::Request(|lab| Box::pin(broken(lab))),
    },
    fixed: Form {
        code: "let notice = shared::task::spawn(notify_warehouse()).await?;",
        run: Run::Request(|lab| Box::pin(fixed(lab))),
    },
};

#[expect(
    clippy::disallowed_methods,
    reason = "the pitfall itself: the task starts without the request's context"
)]
async fn broken(_: &Lab) -> Result<Finding, LabError> {
    let notice = tokio::spawn(notify_warehouse()).await?;
    let happened =
        "The task was started without the request's context, so its span started a new trace.";
    Ok(Finding::new(happened, [notice]))
}

async fn fixed(_: &Lab) -> Result<Finding, LabError> {
    let notice = shared::task::spawn(notify_warehouse()).await?;
    let happened =
        "The task was started with the request's context, so its span is in the request's trace.";
    Ok(Finding::new(happened, [notice]))
}

#[tracing::instrument]
async fn notify_warehouse() -> Option<SpanRef> {
    tokio::task::yield_now().await;
    SpanRef::current("checkout notify_warehouse")
}
