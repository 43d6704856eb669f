//! [`Registry`]: counts the running tasks and cancels them at shutdown.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use opentelemetry::{Context, trace::TraceContextExt as _};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Task;
use crate::span::{request, scope::Scope};

/// Maximum time to wait for cancelled tasks. A cancelled future ends at its next poll, and blocking work when it checks
/// its cancellation token.
const GRACE: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// The cancellation token of the current task.
    pub(super) static CURRENT: CancellationToken;
}

#[derive(Debug, Default)]
pub(super) struct Registry {
    tracker: TaskTracker,
    /// The parent of every task's cancellation token. When `finish` has cancelled this token, a new one replaces it for
    /// later tasks.
    cancelled: Mutex<CancellationToken>,
}

impl Registry {
    pub(super) fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let cancelled = self.cancelled().child_token();
        let future = cancelled.clone().run_until_cancelled_owned(future);
        let future = CURRENT.scope(cancelled.clone(), future);
        #[expect(
            clippy::disallowed_methods,
            reason = "the task is counted and keeps its context"
        )]
        let handle = self.tracker.spawn(Scope::new(handed_on()).run(future));
        Task { handle, cancelled }
    }

    pub(super) fn spawn_blocking<F, T>(&self, work: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let cancelled = self.cancelled().child_token();
        let (token, scope) = (cancelled.clone(), Scope::new(handed_on()));
        let work = move || {
            let _current = scope.enter();
            let wanted = !token.is_cancelled();
            wanted.then(|| CURRENT.sync_scope(token, work))
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "the task is counted and keeps its context"
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
        let cancelled = self.cancelled().clone();
        cancelled.cancel();
        // Blocking work that never checks its cancellation token is not awaited any longer.
        let _ = tokio::time::timeout(GRACE, self.tracker.wait()).await;
        *self.cancelled() = CancellationToken::new();
        unfinished
    }

    fn cancelled(&self) -> MutexGuard<'_, CancellationToken> {
        self.cancelled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the current context with only the ids of its span. The spawning span may have ended long ago, and a failure
/// or panic of the task must be recorded on the task's own spans.
fn handed_on() -> Context {
    let cx = request::left_behind(Context::current());
    let span_context = cx.span().span_context().clone();
    // An invalid span context must not become the parent: parent-based samplers would treat it as unsampled and drop
    // the task's spans.
    if !span_context.is_valid() {
        return cx;
    }
    // `with_remote_span_context` also accepts span contexts of this process, and leaves `is_remote` unchanged.
    cx.with_remote_span_context(span_context)
}

#[cfg(test)]
mod tests {
    use std::{sync::LazyLock, time::Instant};

    use tokio::sync::oneshot;

    use super::super::{TaskError, cancellation};
    use super::*;

    const LONG: Duration = Duration::from_hours(1);
    /// Timeout of tests whose runtime cannot pause time.
    const LONG_ENOUGH: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn finish_waits_until_no_task_runs() {
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
    async fn finish_cancels_and_counts_tasks_at_deadline() {
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
    async fn finish_cancels_blocking_work_by_token() {
        let registry = Registry::default();
        let (start, started) = oneshot::channel();
        let polling = registry.spawn_blocking(|| {
            start.send(()).unwrap();
            let (cancellation, started) = (cancellation(), Instant::now());
            while !cancellation.is_cancelled() {
                assert!(started.elapsed() < LONG_ENOUGH, "nobody cancels it");
                std::thread::yield_now();
            }
            "tidied up"
        });
        started.await.unwrap();
        assert_eq!(registry.finish(Duration::ZERO).await, 1);
        assert_eq!(polling.await.unwrap(), "tidied up");
        assert_eq!(registry.running(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn process_can_spawn_after_finish() {
        let registry = Registry::default();
        let stuck = registry.spawn(std::future::pending::<()>());
        for unfinished in [1, 0, 0] {
            assert_eq!(registry.finish(Duration::from_secs(5)).await, unfinished);
            let task = registry.spawn(tokio::time::sleep(Duration::from_secs(1)));
            assert_eq!(registry.running(), 1);
            task.await.unwrap();
            let work = registry.spawn_blocking(|| cancellation().is_cancelled());
            assert!(!work.await.unwrap());
        }
        assert!(matches!(stuck.await, Err(TaskError::Cancelled)));
        let stuck = registry.spawn(std::future::pending::<()>());
        assert_eq!(registry.finish(Duration::from_secs(5)).await, 1);
        assert!(matches!(stuck.await, Err(TaskError::Cancelled)));
    }

    #[tokio::test(start_paused = true)]
    async fn task_spawned_during_cancellation_is_cancelled() {
        static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::default);
        struct SpawnOnDrop(Option<oneshot::Sender<Task<()>>>);
        impl Drop for SpawnOnDrop {
            fn drop(&mut self) {
                let task = REGISTRY.spawn(std::future::pending());
                self.0.take().unwrap().send(task).unwrap();
            }
        }
        let (sender, left_behind) = oneshot::channel();
        let stuck = REGISTRY.spawn(async move {
            let _guard = SpawnOnDrop(Some(sender));
            std::future::pending::<()>().await;
        });
        tokio::task::yield_now().await;
        assert_eq!(REGISTRY.finish(Duration::from_secs(5)).await, 1);
        assert_eq!(REGISTRY.running(), 0);
        for task in [stuck, left_behind.await.unwrap()] {
            assert!(matches!(task.await, Err(TaskError::Cancelled)));
        }
    }

    #[test]
    fn cancelled_queued_blocking_work_never_starts() {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.max_blocking_threads(1).build().unwrap();
        runtime.block_on(async {
            let registry = Registry::default();
            let (open, gate) = oneshot::channel::<()>();
            let busy = registry.spawn_blocking(|| gate.blocking_recv());
            let (begin, heard) = oneshot::channel();
            let waiting = registry.spawn_blocking(|| begin.send(()));
            waiting.cancel();
            open.send(()).unwrap();
            busy.await.unwrap().unwrap();
            assert!(matches!(waiting.await, Err(TaskError::Cancelled)));
            assert!(heard.await.is_err(), "it began");
        });
    }

    #[tokio::test]
    async fn cancelling_one_task_leaves_the_others_alone() {
        let registry = Registry::default();
        let (open, gate) = oneshot::channel::<()>();
        let kept = registry.spawn(gate);
        let cancelled = registry.spawn(std::future::pending::<()>());
        cancelled.cancel();
        assert!(matches!(cancelled.await, Err(TaskError::Cancelled)));
        assert_eq!(registry.running(), 1);
        open.send(()).unwrap();
        kept.await.unwrap().unwrap();
    }
}
