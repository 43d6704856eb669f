//! Tasks that keep their trace, are counted, and can be awaited and cancelled.
//!
//! A task started with `tokio::spawn` has an empty context: its spans are missing from the trace, and shutdown does not
//! wait for the task. [`spawn`] passes the current context on, so a span created in the task is a child of the span
//! that was current at the call of [`spawn`], even if the task outlives the response. The task does not keep the parent
//! span open; the parent ends when its own work is done. For work on behalf of many requests, see [`in_linked_trace`].
//!
//! At shutdown, [`finish`] waits for all tasks, and cancels the remaining ones at the deadline. The module `registry`
//! counts the tasks.

mod linked_trace;
mod registry;

use std::{
    pin::Pin,
    sync::LazyLock,
    task::{Context as TaskContext, Poll, ready},
    time::Duration,
};

use opentelemetry::Context;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::linked_trace::in_linked_trace;
use self::registry::{CURRENT, Registry};

/// The tasks of this process. Stored in a static, since `spawn`, like `tokio::spawn`, is called without a handle.
static TASKS: LazyLock<Registry> = LazyLock::new(Registry::default);

/// A spawned task. Awaiting it returns the task's output; dropping it detaches the task, which continues.
#[derive(Debug)]
#[must_use = "dropping this detaches the task; use `drop` or `let _ =` to make that explicit"]
pub struct Task<T> {
    handle: JoinHandle<Option<T>>,
    cancelled: CancellationToken,
}

/// The error of awaiting a [`Task`] that ended without an output.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The task was cancelled by [`finish`] or [`Task::cancel`].
    #[error("the task was cancelled")]
    Cancelled,
    /// The task panicked. The panic hook has logged the location of the panic, with the trace id.
    #[error("the task panicked")]
    Panicked(#[source] JoinError),
}

/// Spawns a future that keeps the current trace. Use this function instead of `tokio::spawn`.
///
/// ```
/// # async fn send_receipt() {}
/// # async fn fetch() -> u32 { 7 }
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use shared::task;
///
/// drop(task::spawn(send_receipt())); // runs on its own; shutdown waits for it
///
/// let fetching = task::spawn(fetch());
/// let _cancels = fetching.cancel_on_drop(); // cancels the task if this function ends first
/// assert_eq!(fetching.await.unwrap(), 7);
/// # });
/// ```
///
/// # Panics
///
/// Panics outside of a Tokio runtime.
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    TASKS.spawn(future)
}

/// Runs blocking work on Tokio's blocking threads, in the current trace.
///
/// Blocking work that has started runs to its end, unless it checks [`cancellation`]:
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let counting = shared::task::spawn_blocking(|| {
///     let cancellation = shared::task::cancellation();
///     (0_u64..).take_while(|_| !cancellation.is_cancelled()).count()
/// });
/// counting.cancel(); // before it starts or while it runs
/// # let _ = counting.await;
/// # });
/// ```
///
/// # Panics
///
/// Panics outside of a Tokio runtime.
pub fn spawn_blocking<F, T>(work: F) -> Task<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    TASKS.spawn_blocking(work)
}

/// Returns the cancellation token of the current task. [`finish`] and [`Task::cancel`] cancel the token.
///
/// A cancelled future is dropped at its next await. Use the token in blocking work, and in futures that must clean up
/// before they end. Outside of a task, this function returns a token that is never cancelled.
pub fn cancellation() -> CancellationToken {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// The former name of [`in_linked_trace`].
#[deprecated = "renamed to `in_linked_trace`"]
pub fn linked<F: Future>(
    name: &'static str,
    requests: impl IntoIterator<Item = Context>,
    future: F,
) -> impl Future<Output = F::Output> {
    in_linked_trace(name, requests, future)
}

/// Returns the number of running tasks, for example for a health endpoint or a test.
pub fn running() -> usize {
    TASKS.running()
}

/// Waits until all tasks have ended and returns 0. At the deadline, cancels the remaining tasks and returns their number.
///
/// Call this function at shutdown, after the server has drained and before telemetry is flushed, so that the tasks'
/// spans are exported. Tasks spawned during the cancellation are cancelled too; tasks spawned afterwards run normally
/// and need another `finish`. [`serve::main`](crate::serve::main) calls this function with
/// [`TASK_TIMEOUT`](crate::serve::TASK_TIMEOUT).
pub async fn finish(deadline: Duration) -> usize {
    TASKS.finish(deadline).await
}

impl<T> Task<T> {
    /// Cancels the task at its next await, where the task's spans end. Blocking work ends early only if it checks
    /// [`cancellation`].
    pub fn cancel(&self) {
        self.cancelled.cancel();
    }

    /// Returns a guard that cancels the task on drop, for a task that must not outlive its creator.
    #[must_use = "dropping the guard cancels the task"]
    pub fn cancel_on_drop(&self) -> DropGuard {
        self.cancelled.clone().drop_guard()
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.handle).poll(task)) {
            Ok(Some(result)) => Ok(result),
            Ok(None) => Err(TaskError::Cancelled),
            Err(error) if error.is_cancelled() => Err(TaskError::Cancelled),
            Err(error) => Err(TaskError::Panicked(error)),
        })
    }
}

/// Spawns a future of the process itself, not of a request. The future is not traced, not counted, and not awaited at
/// shutdown.
#[cfg(feature = "serve")]
#[expect(
    clippy::disallowed_methods,
    reason = "process-wide work has no trace to keep"
)]
pub(crate) fn untracked(future: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(future));
}
