//! [`linked`]: work that many requests wait for, and that is a part of none of their traces.

use opentelemetry::{
    Context,
    trace::{Link, SpanBuilder, SpanContext, SpanKind, TraceContextExt as _},
};

use crate::{
    span::scope::Scope,
    tracer::{EndOnDrop, Tracer, empty_context},
};

/// Runs a future as the root span `name` of a trace of its own, linked to the requests that it does the work of.
///
/// A batch has many parents, and a span can have but one: made a child of the first request, it would be missing from the
/// traces of all others. Each request hands in its context; one that came with a message is read by
/// [`extract`](crate::propagation::extract). A context without a span gives no link.
///
/// ```
/// use opentelemetry::Context;
/// use shared::task;
/// # use tokio::sync::mpsc;
///
/// /// A receipt to send, and the request that asked for it.
/// struct Receipt {
///     customer: String,
///     request: Context, // Context::current(), when it was queued
/// }
///
/// # async fn send_all(receipts: &[Receipt]) {}
/// async fn send_in_batches(mut queue: mpsc::Receiver<Receipt>) {
///     let mut batch = Vec::new();
///     while queue.recv_many(&mut batch, 100).await > 0 {
///         let requests = batch.iter().map(|receipt| receipt.request.clone());
///         task::linked("send_receipts", requests, send_all(&batch)).await;
///         batch.clear();
///     }
/// }
/// # let _ = |queue| task::spawn(send_in_batches(queue));
/// ```
pub fn linked<F: Future>(
    name: &'static str,
    requests: impl IntoIterator<Item = Context>,
    future: F,
) -> impl Future<Output = F::Output> {
    let links = requests
        .into_iter()
        .map(|request| request.span().span_context().clone())
        .filter(SpanContext::is_valid)
        .map(Link::with_context)
        .collect();
    let span = SpanBuilder::from_name(name)
        .with_kind(SpanKind::Internal)
        .with_links(links);
    async move {
        // The trace begins when the work does, and here: whatever is current is one request among many.
        let none = empty_context();
        let span = Tracer::default().start(span, &none);
        let cx = none.with_span(span);
        let _ends = EndOnDrop(cx.clone());
        Scope::new(cx).run(future).await
    }
}
