//! Lines and panics from the destructor of a thread-local, when other thread-locals are gone.

use std::{cell::RefCell, thread};

use opentelemetry::{
    Context, global,
    trace::{TraceContextExt as _, Tracer as _},
};

use crate::child::Child;

/// Calls its function when its thread ends.
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

/// Ends a thread that has used nothing, a span, or a span and the log.
fn end_thread(used: u8, at_end: fn(), at_last_end: Option<fn()>) {
    let work = move || {
        // Used first, so destroyed last.
        FIRST.set(Some(AtEnd(at_end)));
        if used > 0 {
            let span = global::tracer("log_lines").start("work");
            drop(Context::current_with_span(span).attach());
        }
        if used > 1 {
            tracing::info!("working");
        }
        LAST.set(at_last_end.map(AtEnd));
    };
    #[expect(clippy::disallowed_methods, reason = "it is waited for")]
    thread::spawn(work).join().unwrap();
}

pub(crate) fn say() {
    let say = || tracing::info!(at_end = true, "ending");
    for used in 0..3 {
        end_thread(used, say, Some(say));
    }
}

pub(crate) fn panic(used: u8) {
    end_thread(used, || panic!("as it must"), None);
}

#[test]
fn line_of_thread_local_destructor_is_written() {
    for format in ["json", "pretty"] {
        let lines = Child::start("says_at_the_end_of_a_thread", format).lines();
        let ending = lines.iter().filter(|line| line.contains("at_end"));
        assert_eq!(ending.count(), 6, "{format}: {lines:#?}");
    }
}

#[test]
fn panic_in_thread_local_destructor_is_printed() {
    for role in ["panics_at_end_0", "panics_at_end_1", "panics_at_end_2"] {
        let output = Child::start(role, "json").output();
        assert!(!output.status.success(), "Rust aborts after such a panic");
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(stdout.contains("as it must"), "{role}: {stdout}");
    }
}
