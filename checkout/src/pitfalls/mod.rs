//! The pitfalls: code that silently breaks a trace, and its fixed form.
//!
//! One file per pitfall has its `broken` and its `fixed` form; `routes` runs them. Clippy rejects the broken forms that
//! a lint can detect (`clippy.toml`), so these forms expect the lint and give the reason.

mod blocking_work;
mod detached_task;
mod late_parent;
mod leaked_task;
mod raw_client;
mod routes;
mod severed_context;
mod unflushed_exit;

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;

use axum::http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use serde::Serialize;
use shared::propagation::response_span;
use shared::task::TaskError;
use tokio::sync::watch;
use tokio::task::JoinError;

use crate::inventory::{Inventory, InventoryError};

pub(crate) use routes::router;
pub use unflushed_exit::unflushed_exit;

/// Every pitfall, in display order.
const PITFALLS: &[Pitfall] = &[
    severed_context::PITFALL,
    raw_client::PITFALL,
    detached_task::PITFALL,
    blocking_work::PITFALL,
    leaked_task::PITFALL,
    late_parent::PITFALL,
    unflushed_exit::PITFALL,
];

/// Returns every pitfall.
pub(crate) fn all() -> &'static [Pitfall] {
    PITFALLS
}

/// Returns the pitfall with this name.
pub(crate) fn named(name: &str) -> Option<&'static Pitfall> {
    PITFALLS.iter().find(|pitfall| pitfall.name == name)
}

/// Returns the name of every pitfall, in display order.
pub fn pitfall_names() -> impl Iterator<Item = &'static str> {
    PITFALLS.iter().map(|pitfall| pitfall.name)
}

/// A mistake that breaks or loses a trace.
pub(crate) struct Pitfall {
    pub(crate) name: &'static str,
    /// The mistake, in one sentence.
    pub(crate) mistake: &'static str,
    /// The effect of the mistake that is visible in the trace.
    pub(crate) looks: &'static str,
    /// The effect of the mistake in machine-readable form, which the tour checks.
    pub(crate) harm: Harm,
    /// The fix, in one sentence.
    pub(crate) instead: &'static str,
    /// The source file with the broken and the fixed form.
    pub(crate) source: Source,
    pub(crate) broken: Form,
    pub(crate) fixed: Form,
}

/// The effect of a pitfall's broken form on the trace. The trace of the fixed form must contain every span.
#[derive(Clone, Copy, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Harm {
    /// Spans are in separate traces. The answer lists these spans as orphans.
    Split,
    /// A task never ends, so its span never arrives. The answer contains the number of such tasks.
    Leak {
        /// The service and the name of the span that never arrives.
        span: &'static str,
    },
    /// Spans never arrive, because their process ended before it exported them. The answer lists these spans as
    /// orphans.
    Loss,
}

/// The source file of a pitfall.
pub(crate) struct Source {
    pub(crate) path: &'static str,
    pub(crate) text: &'static str,
}

/// The broken or the fixed form of a pitfall.
pub(crate) struct Form {
    /// The lines of code that matter, at most three. A test compares them with the source file.
    pub(crate) code: &'static str,
    pub(crate) run: Run,
}

/// The way to run a form of a pitfall.
pub(crate) enum Run {
    /// By a request to checkout.
    Request(Request),
    /// By a command, because the form needs a process that exits.
    Process(&'static str),
}

pub(crate) type Request =
    for<'a> fn(&'a Lab) -> Pin<Box<dyn Future<Output = Result<Finding, LabError>> + Send + 'a>>;

/// The dependencies of the pitfalls: the inventory client, and a channel for leaked tasks.
pub(crate) struct Lab {
    inventory: Arc<Inventory>,
    /// A channel that stays open and never sends a value. Its receivers are the tasks that wait for it, so it can count
    /// them.
    restocked: watch::Sender<()>,
}

/// The result of running one form of a pitfall.
pub(crate) struct Finding {
    happened: Cow<'static, str>,
    /// The spans that should be in the request's trace, including those that ended up in another trace.
    spans: Vec<SpanRef>,
    live_tasks: Option<usize>,
}

/// The identity of a span.
#[derive(Debug, Serialize)]
struct SpanRef {
    trace_id: String,
    span_id: String,
    /// The service and the name of the span.
    span: &'static str,
}

/// The reason why a pitfall could not be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LabError {
    #[error("inventory, which the pitfall calls, did not answer")]
    Inventory(#[from] InventoryError),
    #[error("{live} tasks that will never end are as many as checkout takes")]
    TooManyTasks { live: usize },
    #[error("the pitfall's task did not end well")]
    Task(#[from] TaskError),
    #[error("the pitfall's task did not end well")]
    Join(#[from] JoinError),
    #[error("the pitfall's thread did not end well")]
    Thread(#[from] tokio::sync::oneshot::error::RecvError),
}

/// The item that pitfalls request from inventory. It is in stock, and its check is fast.
const ITEM: &str = "item-123";
/// The service and the name of inventory's span for the check of an item.
const CHECK: &str = "inventory GET /check/{item_id}";

impl Lab {
    fn new(inventory: Arc<Inventory>) -> Self {
        Self {
            inventory,
            restocked: watch::Sender::default(),
        }
    }

    /// Sends the same check to inventory as an order does, and returns the span that inventory's response names.
    async fn ask_inventory(&self) -> Result<Option<SpanRef>, LabError> {
        let response = self
            .inventory
            .send(self.inventory.check_request(ITEM))
            .await?;
        Ok(SpanRef::answered(CHECK, response.headers()))
    }
}

impl Finding {
    fn new(
        happened: impl Into<Cow<'static, str>>,
        spans: impl IntoIterator<Item = Option<SpanRef>>,
    ) -> Self {
        Self {
            happened: happened.into(),
            spans: spans.into_iter().flatten().collect(),
            live_tasks: None,
        }
    }
}

impl SpanRef {
    /// Returns the current span, if there is one.
    fn current(span: &'static str) -> Option<Self> {
        Context::map_current(|cx| {
            let otel_span = cx.span();
            let ids = otel_span.span_context();
            ids.is_valid().then(|| Self::new(span, ids))
        })
    }

    /// Returns the span that the response headers name, if any.
    fn answered(span: &'static str, headers: &HeaderMap) -> Option<Self> {
        response_span(headers).map(|ids| Self::new(span, &ids))
    }

    fn new(span: &'static str, ids: &SpanContext) -> Self {
        Self {
            trace_id: ids.trace_id().to_string(),
            span_id: ids.span_id().to_string(),
            span,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file that builds the traced client, whose lines the fixed form of `raw-client` shows.
    const CLIENT: &str = include_str!("../inventory/mod.rs");

    #[test]
    fn every_pitfall_shows_lines_of_its_file() {
        for pitfall in all() {
            let (_, broken) = pitfall.source.text.split_once("fn broken(").unwrap();
            let (broken, fixed) = broken.split_once("fn fixed(").unwrap();
            for (form, shown) in [(broken, pitfall.broken.code), (fixed, pitfall.fixed.code)] {
                let mut rest = form;
                for line in shown.lines().map(str::trim) {
                    // The source file must contain the lines of the excerpt in the same order.
                    match rest.split_once(line) {
                        Some((_, after)) => rest = after,
                        None => assert!(
                            pitfall.name == "raw-client" && CLIENT.contains(line),
                            "{}: `{line}` is not in\n{form}",
                            pitfall.name
                        ),
                    }
                }
                assert!((1..=3).contains(&shown.lines().count()), "{}", pitfall.name);
            }
        }
    }
}
