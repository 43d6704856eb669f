//! The panic hook: it calls the previous hook, does not hang or panic, and limits the size of a report.
//!
//! The panic hook is global to a process, so each test starts this binary again (`child`).

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod child;
mod exceptions;
#[path = "../support/mod.rs"]
mod support;

use child::start;
use support::Output;

/// Asserts that the process ended normally and logged exactly one panic, with this message.
#[track_caller]
fn assert_logged_once(said: &Output, message: &str) {
    assert!(said.status.success(), "{said:?}");
    let panicked = said.logs_with("panicked");
    assert_eq!(panicked.len(), 1, "{said:?}");
    assert_eq!(panicked[0]["exception.message"], message);
    assert_eq!(panicked[0]["target"], "shared::telemetry::panics");
    let span = &said.logs_with("in the span")[0]["trace_id"];
    assert!(span.is_string());
    assert_eq!(&panicked[0]["trace_id"], span, "{said:?}");
    assert!(
        panicked[0]["location"]
            .as_str()
            .unwrap()
            .contains("child.rs:")
    );
}

#[test]
fn panic_is_one_log_line() {
    let said = start("panics", &[]).output();
    assert_logged_once(&said, "three items, four shelves");
    assert_eq!(said.stderr, "");
    assert!(
        said.logs_with("panicked")[0]
            .get("exception.stacktrace")
            .is_none()
    );
}

#[test]
fn stack_is_logged_only_with_rust_backtrace() {
    for (value, wanted) in [("0", false), ("", false), ("1", true), ("full", true)] {
        let said = start("panics", &[("RUST_BACKTRACE", value)]).output();
        assert_logged_once(&said, "three items, four shelves");
        let stack = said.logs_with("panicked")[0]
            .get("exception.stacktrace")
            .cloned();
        assert_eq!(stack.is_some(), wanted, "RUST_BACKTRACE={value}: {stack:?}");
    }
}

#[test]
fn previous_panic_hook_is_called() {
    for role in [
        "panics_below_a_plain_hook",
        "panics_below_a_hook_with_state",
    ] {
        let said = start(role, &[]).output();
        assert_logged_once(&said, "three items, four shelves");
        assert_eq!(said.stderr, "the hook before: three items, four shelves\n");
    }
}

#[test]
fn panicking_span_processor_is_logged() {
    let said = start("processor_panics_on_end", &[]).output();
    assert_logged_once(&said, "the processor is broken");
}

#[test]
fn panic_holding_span_lock_does_not_hang() {
    let said = start("attributes_panic", &[]).output();
    assert_logged_once(&said, "no such attribute");
}

#[test]
fn panic_holding_stdout_lock_does_not_hang() {
    let said = start("display_panics_in_println", &[]).output();
    assert!(said.status.success(), "{said:?}");
    let line = "thread `child::child` panicked at ";
    assert!(
        said.stderr.contains(line) && said.stderr.contains("no such number"),
        "{said:?}"
    );
}

#[test]
fn panic_while_logging_is_logged() {
    let said = start("debug_panics_in_a_log_line", &[]).output();
    assert_logged_once(&said, "no such field");
}

#[test]
fn unread_log_does_not_end_process() {
    for format in ["json", "pretty"] {
        let child = start("panics_at_our_word", &[("LOG_FORMAT", format)]);
        assert_eq!(child::end_unread(child).code(), Some(child::LIVED_ON));
    }
}

#[test]
fn double_panic_is_logged_before_abort() {
    let said = start("panics_twice", &[]).output();
    assert!(!said.status.success(), "{said:?}");
    let panicked = said.logs_with("panicked");
    assert_eq!(panicked[0]["exception.message"], "first");
    assert_eq!(panicked[1]["exception.message"], "second");
}

#[test]
fn too_many_attached_contexts_warn() {
    let said = start("attaches_too_many_contexts", &[]).output();
    assert!(said.status.success(), "{said:?}");
    assert_eq!(said.logs_with("panicked").len(), 0, "{said:?}");
    assert!(said.stdout.contains("Too many contexts"), "{said:?}");
}
