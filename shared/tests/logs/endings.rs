//! Log lines and panics in the destructor of a thread-local, after other thread-locals have been destroyed.

use std::{cell::RefCell, thread};

use opentelemetry::{
    Context, global,
    trace::{TraceContextExt as _, Tracer as _},
};

use crate::child;

/// Calls a function when the thread that owns this value ends.
struct AtEnd(fn());

impl Drop for AtEnd {
    fn drop(&mut self) {
        (self.0)();
    }
}

thread_local! {
    static FIRST: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
    static LAST: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
}

/// Runs a thread until it ends. If `used` is 0, the thread uses neither spans nor the log; if 1, it uses a span; if 2,
/// it uses a span and the log.
fn end_thread(used: u8, at_end: fn(), at_last_end: Option<fn()>) {
    let work = move || {
        // `FIRST` is used first, so its destructor runs last.
        FIRST.set(Some(AtEnd(at_end)));
        if used > 0 {
            let span = global::tracer("logs").start("work");
            drop(Context::current_with_span(span).attach());
        }
        if used > 1 {
            tracing::info!("working");
        }
        LAST.set(at_last_end.map(AtEnd));
    };
    #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
    thread::spawn(work).join().unwrap();
}

pub(crate) fn log_lines() {
    let log = || tracing::info!(at_end = true, "ending");
    for used in 0..3 {
        end_thread(used, log, Some(log));
    }
}

pub(crate) fn panic(used: u8) {
    end_thread(used, || panic!("expected"), None);
}

#[test]
fn line_of_thread_local_destructor_is_written() {
    for format in ["json", "pretty"] {
        let lines = child::lines("thread_local_destructors", format);
        let ending = lines.iter().filter(|line| line.contains("at_end"));
        assert_eq!(ending.count(), 6, "{format}: {lines:#?}");
    }
}

#[test]
fn panic_in_thread_local_destructor_is_printed() {
    for role in [
        "panic_in_destructor_0",
        "panic_in_destructor_1",
        "panic_in_destructor_2",
    ] {
        let output = child::output(role, "json");
        assert!(!output.status.success(), "Rust aborts after such a panic");
        assert!(output.stdout.contains("expected"), "{role}: {output:?}");
    }
}
