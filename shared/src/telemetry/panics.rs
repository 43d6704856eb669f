//! The one door that panics go through: the hook runs where the panic is, while its span is still current.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic::PanicHookInfo,
};

use opentelemetry::{
    Context, KeyValue,
    trace::{Status, TraceContextExt as _},
};

use crate::semconv;

/// Logs panics as one line and records them on the current span, in place of the text that Rust prints by default.
pub(super) fn set_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let message = panic
            .payload_as_str()
            .unwrap_or("a panic without a message");
        let location = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        record(message, &location, &Backtrace::force_capture());
        log(panic, message, &location);
    }));
}

/// The span's `exception` event, by the conventions for
/// [exceptions on spans](https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/).
fn record(message: &str, location: &str, stack: &Backtrace) {
    Context::map_current(|cx| {
        let span = cx.span();
        span.add_event(
            semconv::EXCEPTION,
            vec![
                KeyValue::new(semconv::EXCEPTION_TYPE, semconv::ERROR_PANIC),
                KeyValue::new(semconv::EXCEPTION_MESSAGE, message.to_owned()),
                KeyValue::new(
                    semconv::EXCEPTION_STACKTRACE,
                    format!("panicked at {location}\n{stack}"),
                ),
            ],
        );
        span.set_attribute(KeyValue::new(semconv::ERROR_TYPE, semconv::ERROR_PANIC));
        span.set_status(Status::error(""));
    });
}

/// The stack goes to the log where `RUST_BACKTRACE` asks for it, as it does by default.
fn log(_panic: &PanicHookInfo<'_>, message: &str, location: &str) {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    let stack = Backtrace::capture();
    let stack = (stack.status() == BacktraceStatus::Captured).then(|| stack.to_string());
    tracing::error!(
        exception.r#type = semconv::ERROR_PANIC,
        exception.message = message,
        exception.stacktrace = stack,
        location,
        thread,
        "panicked"
    );
}
