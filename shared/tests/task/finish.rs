//! Waiting for all tasks of a process, and cancelling the rest.

use std::{future::pending, time::Duration};

use shared::task::{self, TaskError};

use crate::support::in_child;

/// Runs in a child process, because the test affects all tasks of the process.
#[test]
fn finish_waits_for_tasks_and_counts_cancelled() {
    in_child(&[], async || {
        assert_eq!(task::running(), 0);
        let stuck = [(); 2].map(|()| task::spawn(pending::<()>()));
        assert_eq!(task::running(), 2);
        assert_eq!(task::finish(Duration::ZERO).await, 2);
        assert_eq!(task::running(), 0);
        for task in stuck {
            assert!(matches!(task.await, Err(TaskError::Cancelled)));
        }
        let quick = task::spawn(tokio::task::yield_now());
        assert_eq!(task::finish(Duration::from_secs(10)).await, 0);
        assert!(quick.await.is_ok(), "finish waits for it");
    });
}
