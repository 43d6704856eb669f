//! Blocking work that is cancelled while it waits for a thread.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
    mpsc,
};

use shared::task::{self, TaskError};

#[test]
fn cancelled_queued_blocking_work_is_skipped() {
    // The runtime has one blocking thread, so the second closure waits until the first has ended.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let done = Arc::new(AtomicBool::new(false));
    runtime.block_on(async {
        let (open, gate) = mpsc::channel::<()>();
        let first = task::spawn_blocking(move || gate.recv());
        let done = Arc::clone(&done);
        let second = task::spawn_blocking(move || done.store(true, Ordering::Relaxed));
        second.cancel();
        open.send(()).unwrap();
        first.await.unwrap().unwrap();
        assert!(matches!(second.await, Err(TaskError::Cancelled)));
    });
    assert!(!done.load(Ordering::Relaxed));
}
