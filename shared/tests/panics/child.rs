//! [`Child`]: a process that panics in a given way, with a watchdog.

use std::{
    env, fmt,
    io::{self, BufRead, BufReader, Read as _, Write as _},
    panic::{self, AssertUnwindSafe},
    process::{self, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
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

/// Set in the child.
const ROLE: &str = "PANICS_TEST_ROLE";
/// Exit code of a child that timed out.
pub(crate) const LIVED_ON: i32 = 42;
/// Marks the start of the child's output, after that of the test harness.
const BEGIN: &str = "BEGIN\n";
/// Time limit of a child that hangs. Far longer than a child needs on a busy machine.
const WATCHDOG: Duration = Duration::from_mins(1);

pub(crate) struct Child(process::Child);

#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Child {
    pub(crate) fn start(role: &str, variables: &[(&str, &str)]) -> Self {
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "child::child", "--nocapture", "--quiet"])
            .env_clear()
            .env(ROLE, role)
            .env("OTEL_TRACES_EXPORTER", "none")
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        Self(child.unwrap())
    }

    /// Waits for the child and returns its output.
    pub(crate) fn wait(mut self) -> Said {
        let (mut stdout, mut stderr) =
            (self.0.stdout.take().unwrap(), self.0.stderr.take().unwrap());
        let read = |stream: &mut dyn io::Read| {
            let mut said = Vec::new();
            stream.read_to_end(&mut said).unwrap();
            String::from_utf8(said).unwrap()
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "it reads both pipes concurrently, outside any trace"
        )]
        let (stdout, stderr, status) = thread::scope(|scope| {
            let stdout = scope.spawn(move || read(&mut stdout));
            let stderr = scope.spawn(move || read(&mut stderr));
            let status = self.end();
            (stdout.join().unwrap(), stderr.join().unwrap(), status)
        });
        let own = |said: &str| said.split_once(BEGIN).map(|(_, own)| own.to_owned());
        Said {
            status,
            stdout: own(&stdout).unwrap_or(stdout),
            stderr,
        }
    }

    /// Closes the reading ends of both pipes, then lets the child continue.
    pub(crate) fn wait_without_reading(mut self) -> Said {
        let mut stdout = BufReader::new(self.0.stdout.take().unwrap());
        while !line(&mut stdout).ends_with(BEGIN) {}
        drop((stdout, self.0.stderr.take()));
        drop(self.0.stdin.take());
        Said {
            status: self.end(),
            stdout: String::new(),
            stderr: String::new(),
        }
    }

    fn end(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            if started.elapsed() > WATCHDOG {
                self.0.kill().unwrap();
                return self.0.wait().unwrap();
            }
            thread::park_timeout(Duration::from_millis(5));
        }
    }
}

fn line(stdout: &mut impl BufRead) -> String {
    let mut line = String::new();
    assert_ne!(
        stdout.read_line(&mut line).unwrap(),
        0,
        "the child has ended"
    );
    line
}

/// Runs the child process. Does nothing in an ordinary test run.
#[test]
fn child() {
    let Ok(role) = env::var(ROLE) else { return };
    // Removes the panic hook of the test harness, so that the default hook is active as in other programs.
    drop(panic::take_hook());
    print!("\n{BEGIN}");
    io::stdout().flush().unwrap();
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

/// Panics in each of its methods.
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
