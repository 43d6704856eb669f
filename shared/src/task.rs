//! Tasks that keep their trace, are counted, can be waited for, and can be cancelled.
//!
//! A bare `tokio::spawn` starts with an empty context: its spans fall off the trace and nobody knows when it is done.
//! [`spawn`] hands the current context on, so a span made in the task is a child of the span that was current at the
//! call, also when it outlives the response. The task does not keep that span open: it ends when its own work does.
//!
//! At shutdown [`finish`] waits for all tasks, and cancels what is left at the deadline.

use std::{
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
    time::Duration,
};

use opentelemetry::{Context, trace::FutureExt as _};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The tasks of this process. `spawn` is called where no handle to anything reaches, as `tokio::spawn` is.
static TASKS: std::sync::LazyLock<Tasks> = std::sync::LazyLock::new(Tasks::default);

#[derive(Default)]
struct Tasks {
    tracker: TaskTracker,
    cancelled: CancellationToken,
}

/// A spawned task. Awaiting it gives what the task returned; dropping it lets the task go on.
#[derive(Debug)]
#[must_use = "a task goes on when this is dropped; say so with `drop` or `let _ =` where nobody waits for it"]
pub struct Task<T>(JoinHandle<Option<T>>);

/// Why a task has no result.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// [`finish`] cancelled it, or [`Task::cancel`] did.
    #[error("the task was cancelled")]
    Cancelled,
    /// It panicked; the panic hook has logged where, with the trace id.
    #[error("the task panicked")]
    Panicked(#[source] JoinError),
}

/// Spawns a future that keeps the current trace.
///
/// # Panics
///
/// Outside of a Tokio runtime.
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let cancelled = TASKS.cancelled.clone();
    let future = async move { cancelled.run_until_cancelled_owned(future).await };
    Task(TASKS.tracker.spawn(future.with_context(Context::current())))
}

/// Runs blocking work on Tokio's blocking threads, in the current trace. Once started it cannot be cancelled.
///
/// # Panics
///
/// Outside of a Tokio runtime.
pub fn spawn_blocking<F, T>(work: F) -> Task<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let cx = Context::current();
    let work = move || {
        let _current = cx.attach();
        Some(work())
    };
    Task(TASKS.tracker.spawn_blocking(work))
}

/// How many tasks are running.
pub fn running() -> usize {
    TASKS.tracker.len()
}

/// Waits until no task is left, then says so with 0; at the deadline cancels the others and gives their number.
///
/// For shutdown, after the server has drained and before telemetry is flushed, so that the tasks' spans are exported.
pub async fn finish(deadline: Duration) -> usize {
    TASKS.tracker.close();
    if tokio::time::timeout(deadline, TASKS.tracker.wait())
        .await
        .is_ok()
    {
        return 0;
    }
    let unfinished = running();
    TASKS.cancelled.cancel();
    // A cancelled future is gone at its next poll. Blocking work is not, and is left behind.
    let _ = tokio::time::timeout(Duration::from_secs(1), TASKS.tracker.wait()).await;
    unfinished
}

impl<T> Task<T> {
    /// Stops the task where it next awaits something. Its spans end there.
    pub fn cancel(&self) {
        self.0.abort();
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(task)) {
            Ok(Some(result)) => Ok(result),
            Ok(None) => Err(TaskError::Cancelled),
            Err(error) if error.is_cancelled() => Err(TaskError::Cancelled),
            Err(error) => Err(TaskError::Panicked(error)),
        })
    }
}

/// Runs a future that belongs to the process and not to any request: no trace, no count, no wait.
#[expect(
    clippy::disallowed_methods,
    reason = "process-wide work has no trace to keep"
)]
pub(crate) fn untracked(future: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(future));
}

/// Runs blocking work of the process itself, outside of any trace.
#[expect(
    clippy::disallowed_methods,
    reason = "process-wide work has no trace to keep"
)]
pub(crate) fn untracked_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    tokio::task::spawn_blocking(work)
}
