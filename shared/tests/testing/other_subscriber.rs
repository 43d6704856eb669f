//! The recorder in a process with another `tracing` subscriber.

use std::panic::catch_unwind;

use shared::testing::recorder;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::support::in_child;

#[test]
fn recorder_with_other_subscriber_panics_every_time() {
    in_child(&[], async || {
        tracing_subscriber::registry().init();
        for call in ["the first", "the second"] {
            let panic = catch_unwind(|| recorder().all()).unwrap_err();
            let message = panic.downcast::<String>().unwrap();
            assert!(
                message.contains("`tracing` subscriber"),
                "{call}: {message}"
            );
        }
    });
}
