//! Blocking work on another thread, without the request's context. The context does not follow from thread to thread by
//! itself.

use tokio::sync::oneshot;

use super::{Finding, Form, Harm, Lab, LabError, Pitfall, Run, Source, SpanRef};

pub(super) const PITFALL: Pitfall = Pitfall {
    name: "blocking-work",
    mistake: "Blocking work is handed to tokio::task::spawn_blocking or to a plain thread, where the request's context is missing.",
    looks: "The spans of that work are missing from the request's trace; each is the root of a separate trace.",
    harm: Harm::Split,
    instead: "Use shared::task::spawn_blocking, which carries the context over.",
    source: Source {
        path: file!(),
        text: include_str!("blocking_work.rs"),
    },
    broken: Form {
        code: "let pooled = tokio::task::spawn_blocking(weigh_parcel).await?;
std::thread::spawn(|| weighed.send(weigh_parcel()));",
        run: Run::Request(|lab| Box::pin(broken(lab))),
    },
    fixed: Form {
        code: "let one = shared::task::spawn_blocking(weigh_parcel).await?;
let other = shared::task::spawn_blocking(weigh_parcel).await?;",
        run: Run::Request(|lab| Box::pin(fixed(lab))),
    },
};

#[expect(
    clippy::disallowed_methods,
    reason = "the pitfall itself: both threads start without the request's context"
)]
async fn broken(_: &Lab) -> Result<Finding, LabError> {
    let pooled = tokio::task::spawn_blocking(weigh_parcel).await?;
    let (weighed, on_thread) = oneshot::channel();
    std::thread::spawn(|| weighed.send(weigh_parcel()));
    let happened = "The work was done on a pool's thread and on a plain one, both without the request's context, so both spans began separate traces.";
    Ok(Finding::new(happened, [pooled, on_thread.await?]))
}

async fn fixed(_: &Lab) -> Result<Finding, LabError> {
    let one = shared::task::spawn_blocking(weigh_parcel).await?;
    let other = shared::task::spawn_blocking(weigh_parcel).await?;
    let happened =
        "Both pieces of work took the request's context with them, so both spans are in its trace.";
    Ok(Finding::new(happened, [one, other]))
}

#[tracing::instrument]
fn weigh_parcel() -> Option<SpanRef> {
    SpanRef::current("checkout weigh_parcel")
}
