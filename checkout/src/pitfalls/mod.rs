//! The lab: how a trace breaks without a word, and the same code when it does not.
//!
//! One file for each pitfall, its `broken` form beside its `fixed` twin; `routes` runs them. Clippy refuses every broken
//! form that a lint can see (`clippy.toml`), so each says that it is meant.

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
use opentelemetry::trace::TraceContextExt as _;
use serde::Serialize;
use shared::task::TaskError;
use tokio::sync::watch;
use tokio::task::JoinError;

use crate::inventory::{Inventory, InventoryError};

pub(crate) use routes::router;
pub use unflushed_exit::unflushed_exit;

/// Every pitfall, in the order of the list.
const PITFALLS: [Pitfall; 7] = [
    severed_context::PITFALL,
    raw_client::PITFALL,
    detached_task::PITFALL,
    blocking_work::PITFALL,
    leaked_task::PITFALL,
    late_parent::PITFALL,
    unflushed_exit::PITFALL,
];

/// Every pitfall.
pub(crate) fn all() -> &'static [Pitfall] {
    &PITFALLS
}

/// The name of every pitfall, in the order of the list.
pub fn pitfall_names() -> impl Iterator<Item = &'static str> {
    PITFALLS.iter().map(|pitfall| pitfall.name)
}

/// A way to lose a trace.
pub(crate) struct Pitfall {
    pub(crate) name: &'static str,
    /// The mistake, in one sentence.
    pub(crate) mistake: &'static str,
    /// The effect that is visible in the trace.
    pub(crate) looks: &'static str,
    /// What to do instead.
    pub(crate) instead: &'static str,
    /// The file with both forms.
    pub(crate) source: &'static str,
    pub(crate) broken: Form,
    pub(crate) fixed: Form,
}

/// How one form of a pitfall is run.
pub(crate) enum Form {
    /// By a request.
    Request(Run),
    /// By a command, because it needs a process that exits.
    Process(&'static str),
}

pub(crate) type Run =
    for<'a> fn(&'a Lab) -> Pin<Box<dyn Future<Output = Result<Finding, LabError>> + Send + 'a>>;

/// What the pitfalls work with.
pub(crate) struct Lab {
    inventory: Arc<Inventory>,
    /// Never sends a value and stays open. The channel counts the tasks that wait for it.
    restocked: watch::Sender<()>,
}

/// The result of one form.
pub(crate) struct Finding {
    happened: Cow<'static, str>,
    /// The spans that belong to the request's trace, including those that ended up in another trace.
    spans: Vec<SpanRef>,
    live_tasks: Option<usize>,
}

/// Where to find a span.
#[derive(Debug, Serialize)]
struct SpanRef {
    trace_id: String,
    span_id: String,
    /// Its service and name.
    span: &'static str,
}

/// Why a pitfall could not be shown.
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

/// The cheapest question that inventory answers.
const ITEM: &str = "item-123";
/// What inventory's span for it is called.
const CHECK: &str = "inventory GET /check/{item_id}";

impl Lab {
    fn new(inventory: Arc<Inventory>) -> Self {
        Self {
            inventory,
            restocked: watch::Sender::default(),
        }
    }

    /// Asks inventory as an order does, and gives the span that inventory says it has made of that.
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
            ids.is_valid().then(|| Self {
                trace_id: ids.trace_id().to_string(),
                span_id: ids.span_id().to_string(),
                span,
            })
        })
    }

    /// The span that an answer names in its header `traceresponse`.
    fn answered(span: &'static str, headers: &HeaderMap) -> Option<Self> {
        let mut parts = headers.get("traceresponse")?.to_str().ok()?.split('-');
        let (_version, trace_id, span_id) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            trace_id: trace_id.to_owned(),
            span_id: span_id.to_owned(),
            span,
        })
    }
}
