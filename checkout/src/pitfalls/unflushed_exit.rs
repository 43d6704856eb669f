//! A process that exits before its spans are exported. Spans are queued for up to five seconds, and the queue is lost
//! with the process.
//!
//! This pitfall needs a process that exits, so a request to checkout cannot run it. Run
//! `cargo run -p checkout --example unflushed_exit`.

use std::process::ExitCode;

use shared::error::chain;
use shared::serve::FLUSH_TIMEOUT;
use shared::telemetry::{self, InitError, SpanCounts};
use tokio::runtime::Runtime;

use super::routes::Answer;
use super::{Form, Harm, Pitfall, Run, Source, SpanRef};

pub(super) const PITFALL: Pitfall = Pitfall {
    name: "unflushed-exit",
    mistake: "A process exits before it has sent its spans.",
    looks: "The last spans are in no trace. A short job has no trace at all, and a service loses its last seconds.",
    harm: Harm::Loss,
    instead: "Await Telemetry::shutdown at the end of main, as shared::serve::main does. It sends the remaining spans and reports how many were lost.",
    source: Source {
        path: file!(),
        text: include_str!("unflushed_exit.rs"),
    },
    broken: Form {
        code: "let telemetry = telemetry::init(\"nightly-report\")?;
let report = nightly_report();
std::process::exit(0)",
        run: Run::Process("cargo run -p checkout --example unflushed_exit"),
    },
    fixed: Form {
        code: "let telemetry = telemetry::init(\"nightly-report\")?;
let report = nightly_report();
telemetry.shutdown(FLUSH_TIMEOUT).await",
        run: Run::Process("cargo run -p checkout --example unflushed_exit -- --fixed"),
    },
};

#[expect(
    clippy::disallowed_methods,
    reason = "the pitfall itself: the queue is not empty when the process is gone"
)]
fn broken() -> Result<ExitCode, InitError> {
    let telemetry = telemetry::init("nightly-report")?;
    let report = nightly_report();
    tell(false, report, telemetry.spans());
    std::process::exit(0)
}

async fn fixed() -> Result<ExitCode, InitError> {
    let telemetry = telemetry::init("nightly-report")?;
    let report = nightly_report();
    tell(true, report, telemetry.shutdown(FLUSH_TIMEOUT).await);
    Ok(ExitCode::SUCCESS)
}

/// The work of a short-lived process.
#[tracing::instrument]
fn nightly_report() -> Option<SpanRef> {
    SpanRef::current("nightly-report nightly_report")
}

/// Prints the result as the last line of the process, in the same format as the answers of the other pitfalls.
fn tell(fixed: bool, span: Option<SpanRef>, spans: SpanCounts) {
    let SpanCounts {
        ended, exported, ..
    } = spans;
    let answer = Answer {
        pitfall: PITFALL.name,
        fixed,
        happened: format!(
            "The process sent {exported} of its {ended} spans before it ended: {} lost.",
            ended.saturating_sub(exported)
        ),
        trace_id: span.as_ref().map(|span| span.trace_id.clone()),
        orphans: if exported < ended {
            span.into_iter().collect()
        } else {
            Vec::new()
        },
        live_tasks: None,
    };
    let answer = serde_json::to_string(&answer).expect("strings and booleans are JSON");
    println!("{answer}");
}

/// Runs the pitfall `unflushed-exit` as a whole process. Its last line on standard output is the answer.
///
/// Exports to `OTEL_EXPORTER_OTLP_ENDPOINT`. The broken form exits the process instead of returning.
pub fn unflushed_exit(fixed: bool) -> ExitCode {
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return refused(&error),
    };
    let outcome = runtime.block_on(async { if fixed { self::fixed().await } else { broken() } });
    outcome.unwrap_or_else(|error| refused(&error))
}

fn refused(error: &(dyn std::error::Error + 'static)) -> ExitCode {
    eprintln!("unflushed-exit: {}", chain(error));
    ExitCode::FAILURE
}
