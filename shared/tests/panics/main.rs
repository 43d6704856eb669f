//! The panic hook: it calls the previous hook, does not hang or panic, and limits the size of a report.
//!
//! The panic hook is global to a process, so each test starts this binary again (`child`).

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod child;
mod exceptions;

use child::{Child, Said};

/// Returns the log lines with this message.
fn lines(said: &Said, message: &str) -> Vec<serde_json::Value> {
    let lines = said.stdout.lines().filter(|line| line.starts_with('{'));
    let lines = lines.map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|line: &serde_json::Value| line["message"] == message)
        .collect()
}

/// Asserts that the process ended normally and logged its only panic.
#[track_caller]
fn assert_logged_once(said: &Said, message: &str) {
    assert!(said.status.success(), "{said:?}");
    let panicked = lines(said, "panicked");
    assert_eq!(panicked.len(), 1, "{said:?}");
    assert_eq!(panicked[0]["exception.message"], message);
    assert_eq!(panicked[0]["target"], "shared::telemetry::panics");
    let span = &lines(said, "in the span")[0]["trace_id"];
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
    let said = Child::start("panics", &[]).wait();
    assert_logged_once(&said, "three items, four shelves");
    assert_eq!(said.stderr, "");
    assert!(
        lines(&said, "panicked")[0]
            .get("exception.stacktrace")
            .is_none()
    );
}

#[test]
fn stack_is_logged_only_with_rust_backtrace() {
    for (value, wanted) in [("0", false), ("", false), ("1", true), ("full", true)] {
        let said = Child::start("panics", &[("RUST_BACKTRACE", value)]).wait();
        assert_logged_once(&said, "three items, four shelves");
        let stack = lines(&said, "panicked")[0]
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
        let said = Child::start(role, &[]).wait();
        assert_logged_once(&said, "three items, four shelves");
        assert_eq!(said.stderr, "the hook before: three items, four shelves\n");
    }
}

#[test]
fn panicking_span_processor_is_logged() {
    let said = Child::start("processor_panics_on_end", &[]).wait();
    assert_logged_once(&said, "the processor is broken");
}

#[test]
fn panic_holding_span_lock_does_not_hang() {
    let said = Child::start("attributes_panic", &[]).wait();
    assert_logged_once(&said, "no such attribute");
}

#[test]
fn panic_holding_stdout_lock_does_not_hang() {
    let said = Child::start("display_panics_in_println", &[]).wait();
    assert!(said.status.success(), "{said:?}");
    let line = "thread `child::child` panicked at ";
    assert!(
        said.stderr.contains(line) && said.stderr.contains("no such number"),
        "{said:?}"
    );
}

#[test]
fn panic_while_logging_is_logged() {
    let said = Child::start("debug_panics_in_a_log_line", &[]).wait();
    assert_logged_once(&said, "no such field");
}

#[test]
fn unread_log_does_not_end_process() {
    for format in ["json", "pretty"] {
        let child = Child::start("panics_at_our_word", &[("LOG_FORMAT", format)]);
        let said = child.wait_without_reading();
        assert_eq!(said.status.code(), Some(child::LIVED_ON), "{said:?}");
    }
}

#[test]
fn double_panic_is_logged_before_abort() {
    let said = Child::start("panics_twice", &[]).wait();
    assert!(!said.status.success(), "{said:?}");
    let panicked = lines(&said, "panicked");
    assert_eq!(panicked[0]["exception.message"], "first");
    assert_eq!(panicked[1]["exception.message"], "second");
}

#[test]
fn too_many_attached_contexts_warn() {
    let said = Child::start("attaches_too_many_contexts", &[]).wait();
    assert!(said.status.success(), "{said:?}");
    assert_eq!(lines(&said, "panicked").len(), 0, "{said:?}");
    assert!(said.stdout.contains("Too many contexts"), "{said:?}");
}
