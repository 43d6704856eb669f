//! The end of all tasks of a process. A separate test binary, since it affects all of them.

use std::{future::pending, time::Duration};

use shared::task::{self, TaskError};

#[tokio::test]
async fn finish_waits_for_tasks_and_counts_cancelled() {
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
}
