//! The exception that a panic records on its span, with limited length.

use shared::testing::{Trace, recorder};

const MESSAGE: usize = 4096;
const STACK: usize = 32 * 1024;

#[tracing::instrument(skip_all)]
fn panics_with(message: &str, depth: usize) {
    descend(message, depth);
}

#[inline(never)]
fn descend(message: &str, depth: usize) -> usize {
    assert!(depth > 0, "{message}");
    descend(message, depth - 1) + std::hint::black_box(1)
}

/// Panics in a span and returns the message and the stack of the recorded exception.
async fn exception(message: String, depth: usize) -> (String, String) {
    let panics = async move {
        shared::task::spawn_blocking(move || panics_with(&message, depth))
            .await
            .unwrap_err();
    };
    let (trace_id, ()) = recorder().in_trace("caller", panics).await;
    let trace: Trace = recorder().trace(&trace_id, 2).await;
    let exception = &trace.span("panics_with").events[0].attributes;
    let text = |key: &str| exception[key].to_string();
    (text("exception.message"), text("exception.stacktrace"))
}

#[tokio::test]
async fn long_panic_message_is_truncated_visibly() {
    for length in [MESSAGE - 1, MESSAGE] {
        let (message, _) = exception("m".repeat(length), 0).await;
        assert_eq!(message, "m".repeat(length));
    }
    let (message, _) = exception(format!("m{}", "ü".repeat(MESSAGE)), 0).await;
    assert!(
        (MESSAGE - 16..=MESSAGE).contains(&message.len()),
        "{}",
        message.len()
    );
    assert!(
        message.starts_with("müüü") && message.ends_with("ü… (cut)"),
        "{message}"
    );
}

#[tokio::test]
async fn long_stack_is_truncated_visibly() {
    let (_, stack) = exception("deep down".to_owned(), 2000).await;
    assert!(
        (STACK - 16..=STACK).contains(&stack.len()),
        "{}",
        stack.len()
    );
    assert!(stack.ends_with("… (cut)"), "{}", &stack[STACK - 100..]);
}

#[tokio::test]
async fn stack_starts_at_panicking_function() {
    let (_, stack) = exception("here".to_owned(), 0).await;
    let mut lines = stack.lines();
    assert!(lines.next().unwrap().contains("exceptions.rs:"), "{stack}");
    assert!(
        lines
            .next()
            .unwrap()
            .ends_with(": panics::exceptions::descend"),
        "{stack}"
    );
    assert!(stack.contains("panics::exceptions::panics_with"), "{stack}");
}
