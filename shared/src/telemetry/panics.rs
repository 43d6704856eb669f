//! The one door that panics go through: the hook runs where the panic is, while its span is still current.

use std::{backtrace::Backtrace, panic::PanicHookInfo};

use opentelemetry::{
    Context, KeyValue,
    trace::{Status, TraceContextExt as _},
};

use crate::{config, semconv, server::RequestSpan};

/// Logs panics as one line and records them on the current span, in place of the text that Rust prints by default.
pub(super) fn set_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let stack = Backtrace::force_capture().to_string();
        record(panic, &stack);
        log(panic, &stack);
    }));
}

/// Records panics on the current span, and leaves it to the present hook to print them.
#[cfg(feature = "testing")]
pub(super) fn set_hook_before_current() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        record(panic, &Backtrace::force_capture().to_string());
        print(panic);
    }));
}

/// The span's `exception` event, by the conventions for
/// [exceptions on spans](https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/).
fn record(panic: &PanicHookInfo<'_>, stack: &str) {
    let stack = format!("panicked at {}\n{stack}", location(panic));
    Context::map_current(|cx| {
        let span = cx.span();
        span.add_event(
            semconv::EXCEPTION,
            vec![
                KeyValue::new(semconv::EXCEPTION_TYPE, semconv::ERROR_PANIC),
                KeyValue::new(semconv::EXCEPTION_MESSAGE, message(panic).to_owned()),
                KeyValue::new(semconv::EXCEPTION_STACKTRACE, stack),
            ],
        );
        // Of a request's own span the server layer knows the end, panicked or not.
        let span_id = span.span_context().span_id();
        if cx
            .get::<RequestSpan>()
            .is_none_or(|request| request.0 != span_id)
        {
            span.set_attribute(KeyValue::new(semconv::ERROR_TYPE, semconv::ERROR_PANIC));
            span.set_status(Status::error(""));
        }
    });
}

/// The stack goes to the log where `RUST_BACKTRACE` asks for it, as it does by default.
fn log(panic: &PanicHookInfo<'_>, stack: &str) {
    let thread = std::thread::current();
    let stack_wanted =
        config::text(&config::variable, "RUST_BACKTRACE").is_some_and(|value| value != "0");
    tracing::error!(
        exception.r#type = semconv::ERROR_PANIC,
        exception.message = message(panic),
        exception.stacktrace = stack_wanted.then_some(stack),
        location = location(panic),
        thread = thread.name().unwrap_or("unnamed"),
        "panicked"
    );
}

fn message<'a>(panic: &'a PanicHookInfo<'_>) -> &'a str {
    panic
        .payload_as_str()
        .unwrap_or("a panic without a message")
}

fn location(panic: &PanicHookInfo<'_>) -> String {
    panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default()
}
