//! [`Report`]: what is said of a panic, in the log and on its span. It may be long, and no more than so much is kept.

use std::{backtrace::Backtrace, panic::PanicHookInfo, thread};

use opentelemetry::{
    Context, KeyValue,
    trace::{Status, TraceContextExt as _},
};

use super::stack::from_panic;
use crate::{config, redact, semconv, span::CurrentRequest};

/// Of the message, in bytes.
const MESSAGE_LIMIT: usize = 4096;
/// Of the stack with the place of the panic before it, in bytes.
const STACK_LIMIT: usize = 32 * 1024;
/// Ends what was cut, within its limit.
const CUT: &str = "… (cut)";

#[derive(Debug)]
pub(super) struct Report {
    message: String,
    location: String,
    thread: String,
    stack: String,
    stack_wanted: bool,
}

/// Whether `RUST_BACKTRACE` asks for the stack in the log. The span has it either way.
pub(super) fn stack_wanted() -> bool {
    config::text(&config::variable, "RUST_BACKTRACE").is_some_and(|value| value != "0")
}

impl Report {
    /// On the thread that panics.
    pub(super) fn new(panic: &PanicHookInfo<'_>, stack_wanted: bool) -> Self {
        let message = panic
            .payload_as_str()
            .unwrap_or("a panic without a message");
        let location = panic.location().map(ToString::to_string);
        let location = location.unwrap_or_default();
        let stack = Backtrace::force_capture().to_string();
        Self {
            // An error that was unwrapped, for one, names the URL of its call.
            message: cut(&redact::text(message), MESSAGE_LIMIT),
            stack: cut(
                &format!("panicked at {location}\n{}", from_panic(&stack)),
                STACK_LIMIT,
            ),
            location,
            thread: thread::current().name().unwrap_or("unnamed").to_owned(),
            stack_wanted,
        }
    }

    /// For where there is no log.
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
            // A name that filters know, whatever file this is in.
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

    /// The span's `exception` event, by the conventions for
    /// [exceptions on spans](https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/).
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
        // Of a request's own span the server layer knows the end, panicked or not.
        let span_id = span.span_context().span_id();
        if cx
            .get::<CurrentRequest>()
            .is_none_or(|request| !request.is(span_id))
        {
            span.set_attribute(KeyValue::new(semconv::ERROR_TYPE, semconv::ERROR_PANIC));
            span.set_status(Status::error(""));
        }
    }
}

fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(limit - CUT.len());
    format!("{}{CUT}", &text[..end])
}
