//! A process that panics in a given way.

use std::{
    fmt,
    io::{self, Read as _},
    panic::{self, AssertUnwindSafe},
    process::{self, ExitStatus},
    time::Duration,
};

use opentelemetry::{
    Context, KeyValue,
    trace::{Span as _, TraceContextExt as _, Tracer as _, TracerProvider as _},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use shared::telemetry;

use crate::support::{self, Child, command};

/// Exit code of a child that timed out.
pub(crate) const LIVED_ON: i32 = 42;

/// Starts a child process. The role determines how the child panics.
pub(crate) fn start(role: &str, variables: &[(&str, &str)]) -> Child {
    let mut command = command("child::child", role);
    command
        .env("OTEL_TRACES_EXPORTER", "none")
        .envs(variables.iter().copied());
    Child::start(&mut command)
}

/// Closes the reading ends of both pipes, then lets the child continue.
pub(crate) fn end_unread(mut child: Child) -> ExitStatus {
    child.close_stdout();
    child.close_stderr();
    child.close_stdin();
    child.wait()
}

/// Runs the child process. Does nothing in an ordinary test run.
#[test]
fn child() {
    let Some(role) = support::role() else { return };
    // Removes the panic hook of the test harness, so that the default hook is active as in other programs.
    drop(panic::take_hook());
    if role == "panics_at_our_word" {
        io::stdin().read_to_end(&mut Vec::new()).unwrap();
    }
    match role.as_str() {
        "panics_below_a_plain_hook" => panic::set_hook(Box::new(hook_before)),
        "panics_below_a_hook_with_state" => {
            let before = String::from("the hook before");
            panic::set_hook(Box::new(move |panic| {
                eprintln!("{before}: {}", panic.payload_as_str().unwrap());
            }));
        }
        _ => {}
    }
    let _telemetry = telemetry::init("panics").unwrap();
    let provider = SdkTracerProvider::builder();
    let provider = match role.as_str() {
        "processor_panics_on_end" => provider.with_span_processor(Broken),
        _ => provider,
    }
    .build();
    let span = provider.tracer("child").start("panics");
    assert!(span.span_context().is_valid());
    let cx = Context::current_with_span(span);
    let _current = cx.clone().attach();
    tracing::info!("in the span");
    let caught = panic::catch_unwind(AssertUnwindSafe(|| play(&role, &cx)));
    let completes = role == "attaches_too_many_contexts";
    assert_eq!(caught.is_ok(), completes);
    if role == "panics_at_our_word" {
        #[expect(
            clippy::disallowed_methods,
            reason = "the test harness would write to a closed pipe"
        )]
        process::exit(LIVED_ON);
    }
}

fn play(role: &str, cx: &Context) {
    match role {
        "processor_panics_on_end" => cx.span().end(),
        "attributes_panic" => cx
            .span()
            .set_attributes(std::iter::once_with(no_such_attribute)),
        "display_panics_in_println" => println!("{Broken}"),
        "debug_panics_in_a_log_line" => tracing::info!(field = ?Broken, "a broken field"),
        "panics_twice" => {
            let _broken = BrokenDrop;
            panic!("first");
        }
        "attaches_too_many_contexts" => {
            let contexts: Vec<_> = (0..=u16::MAX).map(|_| cx.clone().attach()).collect();
            drop(contexts.into_iter().rev().collect::<Vec<_>>());
        }
        _ => panic!("three items, four shelves"),
    }
}

fn hook_before(panic: &panic::PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap();
    eprintln!("the hook before: {message}");
}

fn no_such_attribute() -> KeyValue {
    panic!("no such attribute")
}

/// A value that panics in each of its methods.
#[derive(Clone)]
struct Broken;

struct BrokenDrop;

impl Drop for BrokenDrop {
    fn drop(&mut self) {
        panic!("second")
    }
}

impl fmt::Debug for Broken {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no such field")
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no such number")
    }
}

impl SpanProcessor for Broken {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, _: SpanData) {
        panic!("the processor is broken")
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
