//! A span whose parent is set too late.

use std::collections::HashMap;

use shared::propagation;
use tracing_opentelemetry::{OpenTelemetrySpanExt as _, SetParentError};

use super::{Finding, Form, Harm, Pitfall, Run, Source, SpanRef};

pub(super) const PITFALL: Pitfall = Pitfall {
    name: "late-parent",
    mistake: "A span is started first and gets its parent afterwards. By then it is in a new trace, and the parent is refused.",
    looks: "The span is missing from the request's trace. It is in a separate trace.",
    harm: Harm::Split,
    instead: "Set the parent before the span is entered, and check the Result of set_parent.",
    source: Source {
        path: file!(),
        text: include_str!("late_parent.rs"),
    },
    broken: Form {
        code: "let span = tracing::info_span!(parent: None, \"handle_message\");
let _entered = span.enter();
let outcome = span.set_parent(propagation::extract(&message));",
        run: Run::Request(|_| Box::pin(async { Ok(broken()) })),
    },
    fixed: Form {
        code: "let span = tracing::info_span!(parent: None, \"handle_message\");
let outcome = span.set_parent(propagation::extract(&message));
let _entered = span.enter();",
        run: Run::Request(|_| Box::pin(async { Ok(fixed()) })),
    },
};

fn broken() -> Finding {
    let message = queue_message();
    let span = tracing::info_span!(parent: None, "handle_message");
    let _entered = span.enter();
    let outcome = span.set_parent(propagation::extract(&message));
    finding(outcome)
}

fn fixed() -> Finding {
    let message = queue_message();
    let span = tracing::info_span!(parent: None, "handle_message");
    let outcome = span.set_parent(propagation::extract(&message));
    let _entered = span.enter();
    finding(outcome)
}

/// Returns the headers of a message from a queue. Only these headers carry the request's context, so the spans in this
/// file have `parent: None`.
fn queue_message() -> HashMap<String, String> {
    let mut headers = HashMap::new();
    propagation::inject(&mut headers);
    headers
}

fn finding(outcome: Result<(), SetParentError>) -> Finding {
    let happened = match outcome {
        Ok(()) => {
            "The parent was set before the span was entered, so the span is in the request's trace."
                .to_owned()
        }
        Err(error) => format!(
            "The parent was set after the span was entered, and refused with Err({error:?}). The span started a new trace."
        ),
    };
    Finding::new(happened, [SpanRef::current("checkout handle_message")])
}
