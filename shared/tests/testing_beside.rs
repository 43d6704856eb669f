//! The recorder in a process whose `tracing` subscriber is another one: every test is told why it cannot work.

use std::panic::catch_unwind;

use shared::testing::recorder;
use tracing_subscriber::util::SubscriberInitExt as _;

#[test]
fn every_call_says_what_is_in_the_way() {
    tracing_subscriber::registry().init();
    for call in ["the first", "the second"] {
        let panic = catch_unwind(|| recorder().all()).unwrap_err();
        let message = panic.downcast::<String>().unwrap();
        assert!(
            message.contains("`tracing` subscriber"),
            "{call}: {message}"
        );
    }
}
