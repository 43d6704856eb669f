//! Blocking work on another thread, without the request's context. A thread does not inherit the context of the thread
//! that starts it.

use tokio::sync::oneshot;

use super::{Finding, Form, Harm, Lab, LabError, Pitfall, Run, Source, SpanRef};

pub(super) const PITFALL: Pitfall = Pitfall {
    name: "blocking-work",
    mistake: "Slow work is moved to other threads by tokio::task::spawn_blocking and std::thread::spawn, which do not pass the context on.",
    looks: "The work on these threads is missing from the request's trace. Each piece is in a separate trace.",
    harm: Harm::Split,
    instead: "Use shared::task::spawn_blocking, which passes the context on.",
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
    let happened =
        "Two threads worked without the request's context, so each span started a new trace.";
    Ok(Finding::new(happened, [pooled, on_thread.await?]))
}

async fn fixed(_: &Lab) -> Result<Finding, LabError> {
    let one = shared::task::spawn_blocking(weigh_parcel).await?;
    let other = shared::task::spawn_blocking(weigh_parcel).await?;
    let happened =
        "Two threads worked with the request's context, so both spans are in the request's trace.";
    Ok(Finding::new(happened, [one, other]))
}

#[tracing::instrument]
fn weigh_parcel() -> Option<SpanRef> {
    SpanRef::current("checkout weigh_parcel")
}
