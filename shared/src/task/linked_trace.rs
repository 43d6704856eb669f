//! [`in_linked_trace`]: runs work for many requests in a separate trace.

use opentelemetry::{
    Context,
    trace::{Link, SpanBuilder, SpanContext, SpanKind, TraceContextExt as _},
};

use crate::{
    internal::tracer::{EndOnDrop, Tracer, empty_context},
    span::scope::Scope,
};

/// Runs a future in the root span `name` of a new trace, linked to the requests that it works for.
///
/// A batch belongs to many requests, but a span can have only one parent. If the span of the batch were a child of the
/// first request, it would be missing from the traces of the other requests. Pass the context of each request; for a
/// message, [`extract`](crate::propagation::extract) returns the context. A context without a span adds no link.
///
/// ```
/// use opentelemetry::Context;
/// use shared::task;
/// # use tokio::sync::mpsc;
///
/// /// A receipt to send, and the context of its request.
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
///         task::in_linked_trace("send_receipts", requests, send_all(&batch)).await;
///         batch.clear();
///     }
/// }
/// # let _ = |queue| task::spawn(send_in_batches(queue));
/// ```
pub fn in_linked_trace<F: Future>(
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
        // The span starts when the future is first polled. The current context belongs to at most one of the requests,
        // so it is not the parent.
        let none = empty_context();
        let span = Tracer::default().start(span, &none);
        let cx = none.with_span(span);
        let _ends = EndOnDrop(cx.clone());
        Scope::new(cx).run(future).await
    }
}
