//! Tasks that keep their trace, are counted, can be waited for, and can be cancelled.
//!
//! A bare `tokio::spawn` starts with an empty context: its spans fall off the trace and nobody knows when it is done.
//! [`spawn`] hands the current context on, so a span made in the task is a child of the span that was current at the
//! call, also when it outlives the response. The task does not keep that span open: it ends when its own work does.
//! Work that is done for many requests at once is no child of any of them: see [`linked`].
//!
//! At shutdown [`finish`] waits for all tasks, and cancels what is left at the deadline; `registry` counts them.

mod linked;
mod registry;

use std::{
    pin::Pin,
    sync::LazyLock,
    task::{Context as TaskContext, Poll, ready},
    time::Duration,
};

use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::linked::linked;
use self::registry::{CURRENT, Registry};

/// The tasks of this process. `spawn` is called where no handle to anything reaches, as `tokio::spawn` is.
static TASKS: LazyLock<Registry> = LazyLock::new(Registry::default);

/// A spawned task. Awaiting it gives what the task returned; dropping it lets the task go on.
#[derive(Debug)]
#[must_use = "a task goes on when this is dropped; say so with `drop` or `let _ =` where nobody waits for it"]
pub struct Task<T> {
    handle: JoinHandle<Option<T>>,
    cancelled: CancellationToken,
}

/// Why a task has no result: what awaiting a [`Task`] fails with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// [`finish`] cancelled it, or [`Task::cancel`] did.
    #[error("the task was cancelled")]
    Cancelled,
    /// It panicked; the panic hook has logged where, with the trace id.
    #[error("the task panicked")]
    Panicked(#[source] JoinError),
}

/// Spawns a future that keeps the current trace: in place of `tokio::spawn`, wherever that is called.
///
/// ```
/// # async fn send_receipt() {}
/// # async fn fetch() -> u32 { 7 }
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use shared::task;
///
/// drop(task::spawn(send_receipt())); // nobody waits for it but the end of the process
///
/// let fetching = task::spawn(fetch());
/// let _cancels = fetching.cancel_on_drop(); // when whoever started it is gone
/// assert_eq!(fetching.await.unwrap(), 7);
/// # });
/// ```
///
/// # Panics
///
/// Outside of a Tokio runtime.
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    TASKS.spawn(future)
}

/// Runs blocking work on Tokio's blocking threads, in the current trace.
///
/// Once started it runs to its end, unless it looks at [`cancellation`] from time to time:
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let counting = shared::task::spawn_blocking(|| {
///     let cancellation = shared::task::cancellation();
///     (0_u64..).take_while(|_| !cancellation.is_cancelled()).count()
/// });
/// counting.cancel(); // before it has begun, or in the middle of it
/// # let _ = counting.await;
/// # });
/// ```
///
/// # Panics
///
/// Outside of a Tokio runtime.
pub fn spawn_blocking<F, T>(work: F) -> Task<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    TASKS.spawn_blocking(work)
}

/// How a task learns that it is to stop: cancelled by [`finish`] or [`Task::cancel`].
///
/// A future is dropped at its next await anyway; this is for blocking work, and for a future with something to do
/// before it goes. Outside of a task it is a token that nobody cancels.
pub fn cancellation() -> CancellationToken {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// How many tasks are running: for a health endpoint, or a test that waits for the last.
pub fn running() -> usize {
    TASKS.running()
}

/// Waits until no task is left, then says so with 0; at the deadline cancels the others and gives their number.
///
/// For shutdown, after the server has drained and before telemetry is flushed, so that the tasks' spans are exported. What
/// is spawned while it cancels is cancelled too; what is spawned after it runs as ever, and has a `finish` of its own.
/// [`serve::main`](crate::serve::main) calls it, with [`TASKS`](crate::serve::TASKS).
pub async fn finish(deadline: Duration) -> usize {
    TASKS.finish(deadline).await
}

impl<T> Task<T> {
    /// Stops the task where it next awaits something; its spans end there. Blocking work sees it in [`cancellation`]. For work
    /// whose result nobody wants any more.
    pub fn cancel(&self) {
        self.cancelled.cancel();
    }

    /// Cancels the task when the guard is dropped: for a task that must not outlive what started it, however that ends.
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

/// Runs a future that belongs to the process and not to any request: no trace, no count, no wait.
#[cfg(feature = "serve")]
#[expect(
    clippy::disallowed_methods,
    reason = "process-wide work has no trace to keep"
)]
pub(crate) fn untracked(future: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(future));
}

/// Runs blocking work of the process itself, outside of any trace.
#[cfg(feature = "telemetry")]
#[expect(
    clippy::disallowed_methods,
    reason = "process-wide work has no trace to keep"
)]
pub(crate) fn untracked_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    tokio::task::spawn_blocking(work)
}
