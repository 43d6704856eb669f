//! A task that never ends. A span is exported when it ends, so the span of this task is never exported.

use std::time::Duration;

use tracing::Instrument as _;

use super::{Finding, Form, Harm, Lab, LabError, Pitfall, Run, Source};

/// Maximum number of leaked tasks: enough to demonstrate the leak, and too few to cause harm.
const MAX_LIVE_TASKS: usize = 100;

/// Lifetime of a leaked task, so that the pitfall can be used again without a restart. In a real service, such a task
/// never ends.
pub(super) const LIFETIME: Duration = Duration::from_mins(10);

pub(super) const PITFALL: Pitfall = Pitfall {
    name: "leaked-task",
    mistake: "A task waits for a message that never comes, and does not end when its request is over.",
    looks: "The task's span never appears in any trace, because a span is sent when its work ends. Each request adds one task that keeps running.",
    harm: Harm::Leak {
        span: "checkout wait_for_restock",
    },
    instead: "Make sure that each task ends: shared::task::Task::cancel_on_drop ends it with its request, and shared::task::finish ends all others at shutdown.",
    source: Source {
        path: file!(),
        text: include_str!("leaked_task.rs"),
    },
    broken: Form {
        code: "let waiting = wait_for_restock(lab);
tokio::spawn(waiting);",
        run: Run::Request(|lab| Box::pin(broken(lab))),
    },
    fixed: Form {
        code: "let task = shared::task::spawn(wait_for_restock(lab));
let request_is_over = task.cancel_on_drop();",
        run: Run::Request(|lab| Box::pin(fixed(lab))),
    },
};

#[expect(
    clippy::disallowed_methods,
    clippy::unused_async,
    reason = "the pitfall itself: no handle to cancel, await or count this task"
)]
async fn broken(lab: &Lab) -> Result<Finding, LabError> {
    let waiting = wait_for_restock(lab);
    let live = lab.restocked.receiver_count();
    if live > MAX_LIVE_TASKS {
        return Err(LabError::TooManyTasks { live: live - 1 });
    }
    tokio::spawn(waiting);
    let happened = "The request is over, but its task still waits. The task's span has not ended, so it is in no trace.";
    Ok(finding(lab, happened))
}

async fn fixed(lab: &Lab) -> Result<Finding, LabError> {
    let task = shared::task::spawn(wait_for_restock(lab));
    let request_is_over = task.cancel_on_drop();
    drop(request_is_over); // also dropped if the caller disconnects
    let _cancelled = task.await;
    let happened = "The task ended with its request, so its span is in the request's trace.";
    Ok(finding(lab, happened))
}

/// Returns a future with a span in the request's context. If the future never ends, its span is never exported.
fn wait_for_restock(lab: &Lab) -> impl Future<Output = ()> + use<> {
    let mut restocked = lab.restocked.subscribe();
    let waiting = async move {
        let _ = tokio::time::timeout(LIFETIME, restocked.changed()).await;
    };
    waiting.instrument(tracing::info_span!("wait_for_restock"))
}

fn finding(lab: &Lab, happened: &'static str) -> Finding {
    Finding {
        live_tasks: Some(lab.restocked.receiver_count()),
        ..Finding::new(happened, [])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::Config;
    use crate::inventory::Inventory;

    #[tokio::test(start_paused = true)]
    async fn leaked_tasks_free_their_places_after_a_while() {
        let config = Config::read(&|_| None).unwrap();
        let lab = Lab::new(Arc::new(Inventory::new(&config).unwrap()));
        for _ in 0..2 {
            for _ in 0..MAX_LIVE_TASKS {
                broken(&lab).await.unwrap();
            }
            assert!(broken(&lab).await.is_err());
            tokio::time::sleep(LIFETIME + Duration::from_secs(1)).await;
        }
    }
}
