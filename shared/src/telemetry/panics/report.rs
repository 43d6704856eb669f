//! [`Report`]: the description of a panic in the log and on its span, with limited length.

use std::{backtrace::Backtrace, panic::PanicHookInfo, thread};

use opentelemetry::{
    Context, KeyValue,
    trace::{Status, TraceContextExt as _},
};

use super::stack::from_panic;
use crate::{config, internal::semconv, redact, span::request::is_request};

/// Maximum length of the panic message, in bytes.
const MESSAGE_LIMIT: usize = 4096;
/// Maximum length of the panic's location and stack together, in bytes.
const STACK_LIMIT: usize = 32 * 1024;
/// Marks a truncated text. The mark counts towards the length limit.
const TRUNCATED: &str = "… (cut)";

#[derive(Debug)]
pub(super) struct Report {
    message: String,
    location: String,
    thread: String,
    stack: String,
    stack_wanted: bool,
}

/// Returns whether `RUST_BACKTRACE` enables the stack of a panic in the log. The span always has the stack.
pub(super) fn stack_wanted() -> bool {
    config::text(&config::variable, "RUST_BACKTRACE").is_some_and(|value| value != "0")
}

impl Report {
    /// Creates the report of a panic. Must be called on the panicking thread.
    pub(super) fn new(panic: &PanicHookInfo<'_>, stack_wanted: bool) -> Self {
        let message = panic
            .payload_as_str()
            .unwrap_or("a panic without a message");
        let location = panic.location().map(ToString::to_string);
        let location = location.unwrap_or_default();
        let stack = Backtrace::force_capture().to_string();
        Self {
            // A panic message may contain a URL, such as that of an unwrapped error.
            message: truncate(&redact::text(message), MESSAGE_LIMIT),
            stack: truncate(
                &format!("panicked at {location}\n{}", from_panic(&stack)),
                STACK_LIMIT,
            ),
            location,
            thread: thread::current().name().unwrap_or("unnamed").to_owned(),
            stack_wanted,
        }
    }

    /// Returns the report of a panic as a line for standard error.
    pub(super) fn line(&self) -> String {
        let Self {
            message,
            location,
            thread,
            ..
        } = self;
        format!("thread `{thread}` panicked at {location}: {message}")
    }

    pub(super) fn log(&self) {
        tracing::error!(
            // The target is fixed, so that log filters still match if this code moves to another module.
            target: "shared::telemetry::panics",
            {
                exception.r#type = semconv::ERROR_PANIC,
                exception.message = self.message,
                exception.stacktrace = self.stack_wanted.then_some(&*self.stack),
                location = self.location,
                thread = self.thread,
            },
            "panicked"
        );
    }

    /// Records the panic as an `exception` event, by the conventions for [exceptions on
    /// spans](https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/).
    pub(super) fn record(self, cx: &Context) {
        let span = cx.span();
        span.add_event(
            semconv::EXCEPTION,
            vec![
                KeyValue::new(semconv::EXCEPTION_TYPE, semconv::ERROR_PANIC),
                KeyValue::new(semconv::EXCEPTION_MESSAGE, self.message),
                KeyValue::new(semconv::EXCEPTION_STACKTRACE, self.stack),
            ],
        );
        // The server layer sets the status of a request's span, because it sees whether the request failed.
        if !is_request(cx, span.span_context().span_id()) {
            span.set_attribute(KeyValue::new(semconv::ERROR_TYPE, semconv::ERROR_PANIC));
            span.set_status(Status::error(""));
        }
    }
}

fn truncate(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(limit - TRUNCATED.len());
    format!("{}{TRUNCATED}", &text[..end])
}
