//! [`Registry`]: every task that has not ended, and the end of them all.

use std::time::Duration;

use opentelemetry::{
    Context,
    trace::{FutureExt as _, TraceContextExt as _},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Task;

/// How long a cancelled task may take to go. A future is gone at its next poll; blocking work looks when it looks.
const GRACE: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// Of the task that runs on this thread.
    pub(super) static CURRENT: CancellationToken;
}

#[derive(Debug, Default)]
pub(super) struct Registry {
    tracker: TaskTracker,
    /// Parent of every task's own token.
    cancelled: CancellationToken,
}

impl Registry {
    pub(super) fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let cancelled = self.cancelled.child_token();
        let future = cancelled.clone().run_until_cancelled_owned(future);
        let future = CURRENT.scope(cancelled.clone(), future);
        #[expect(
            clippy::disallowed_methods,
            reason = "the one right place: with the context, and counted"
        )]
        let handle = self.tracker.spawn(future.with_context(handed_on()));
        Task { handle, cancelled }
    }

    pub(super) fn spawn_blocking<F, T>(&self, work: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let cancelled = self.cancelled.child_token();
        let (token, cx) = (cancelled.clone(), handed_on());
        let work = move || {
            let _current = cx.attach();
            let wanted = !token.is_cancelled();
            wanted.then(|| CURRENT.sync_scope(token, work))
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "the one right place: with the context, and counted"
        )]
        let handle = self.tracker.spawn_blocking(work);
        Task { handle, cancelled }
    }

    pub(super) fn running(&self) -> usize {
        self.tracker.len()
    }

    pub(super) async fn finish(&self, deadline: Duration) -> usize {
        self.tracker.close();
        if tokio::time::timeout(deadline, self.tracker.wait())
            .await
            .is_ok()
        {
            return 0;
        }
        let unfinished = self.running();
        self.cancelled.cancel();
        // Blocking work that never looks at its token is left behind.
        let _ = tokio::time::timeout(GRACE, self.tracker.wait()).await;
        unfinished
    }
}

/// The current context, with the span's place in the trace and not the span itself: what a task does, panicking included,
/// is on the spans it makes. The span of whoever spawned it may long have ended, and its failure is none of theirs.
fn handed_on() -> Context {
    let cx = Context::current();
    let span_context = cx.span().span_context().clone();
    // No span is no parent: as one that is not sampled, it would silence whatever the task begins.
    if !span_context.is_valid() {
        return cx;
    }
    // Named for what callers send, and right for whatever span is somebody else's: `is_remote` stays as it is.
    cx.with_remote_span_context(span_context)
}

#[cfg(test)]
mod tests {
    use super::super::{TaskError, cancellation};
    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    #[tokio::test(start_paused = true)]
    async fn finish_waits_for_tasks_and_counts_down_to_zero() {
        let registry = Registry::default();
        let tasks = [10, 20]
            .map(|seconds| registry.spawn(tokio::time::sleep(Duration::from_secs(seconds))));
        assert_eq!(registry.running(), 2);
        assert_eq!(registry.finish(LONG).await, 0);
        assert_eq!(registry.running(), 0);
        for task in tasks {
            task.await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn finish_cancels_at_the_deadline_and_counts_what_it_cancelled() {
        let registry = Registry::default();
        let quick = registry.spawn(async {});
        let stuck = [(); 2].map(|()| registry.spawn(std::future::pending::<()>()));
        assert_eq!(registry.finish(Duration::from_secs(5)).await, 2);
        assert_eq!(registry.running(), 0);
        quick.await.unwrap();
        for task in stuck {
            assert!(matches!(task.await, Err(TaskError::Cancelled)));
        }
    }

    #[tokio::test]
    async fn finish_ends_blocking_work_that_looks_at_its_token() {
        let registry = Registry::default();
        let (start, started) = tokio::sync::oneshot::channel();
        let polling = registry.spawn_blocking(|| {
            start.send(()).unwrap();
            let cancellation = cancellation();
            while !cancellation.is_cancelled() {
                std::thread::yield_now();
            }
            "tidied up"
        });
        started.await.unwrap();
        assert_eq!(registry.finish(Duration::ZERO).await, 1);
        assert_eq!(polling.await.unwrap(), "tidied up");
        assert_eq!(registry.running(), 0);
    }

    #[tokio::test]
    async fn cancelling_one_task_leaves_the_others_alone() {
        let registry = Registry::default();
        let (open, gate) = tokio::sync::oneshot::channel::<()>();
        let kept = registry.spawn(gate);
        let cancelled = registry.spawn(std::future::pending::<()>());
        cancelled.cancel();
        assert!(matches!(cancelled.await, Err(TaskError::Cancelled)));
        assert_eq!(registry.running(), 1);
        open.send(()).unwrap();
        kept.await.unwrap().unwrap();
    }
}
