//! Propagates a trace through a message queue, a transport without instrumentation. The queue is a Tokio channel here;
//! a broker, a job table or a log works the same way. The sender injects the trace context into the message's headers,
//! and the receiver extracts it.
//!
//! Run `OTEL_TRACES_EXPORTER=console cargo run -p shared --example channel` to see the spans.
//!
//! Spans follow the [messaging conventions](https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/):
//! the sender's span has the kind PRODUCER; the receiver's span has the kind CONSUMER and a link to the sender's span.
//! If a message is processed on its own, its CONSUMER span also joins the sender's trace. The messages of a batch can
//! have different senders, so the span of a batch starts a new trace with a link to each sender.

use std::{collections::HashMap, time::Duration};

use opentelemetry::{
    Context, KeyValue,
    global::{self, BoxedSpan},
    trace::{
        FutureExt as _, Link, SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _,
    },
};
use shared::propagation;
use tokio::sync::mpsc;

/// A message: the order, and headers with the sender's trace context.
pub struct Message {
    headers: HashMap<String, String>,
    order_id: u32,
}

/// Sends an order in a PRODUCER span, a child of the current span.
///
/// # Errors
///
/// Returns an error if the channel's receiver was dropped.
pub async fn send(
    orders: &mpsc::Sender<Message>,
    order_id: u32,
) -> Result<(), mpsc::error::SendError<Message>> {
    let parent = Context::current();
    let cx = parent.with_span(span("send orders", SpanKind::Producer, &[], &parent));
    let mut headers = HashMap::new();
    propagation::inject_context(&cx, &mut headers);
    let sent = orders
        .send(Message { headers, order_id })
        .with_context(cx.clone())
        .await;
    if sent.is_err() {
        cx.span()
            .set_attribute(KeyValue::new("error.type", "closed"));
        cx.span().set_status(Status::error(""));
    }
    sent
}

/// Processes one message in the trace of its sender.
pub async fn process(message: Message) {
    let sender = propagation::extract(&message.headers);
    let span = span("process orders", SpanKind::Consumer, &[&sender], &sender);
    ship(message.order_id)
        .with_context(sender.with_span(span))
        .await;
}

/// Processes messages together, in a new trace with a link to the trace of every sender.
#[expect(
    clippy::disallowed_methods,
    reason = "a batch joins none of its senders' traces"
)]
pub async fn process_batch(messages: Vec<Message>) {
    let senders = messages
        .iter()
        .map(|message| propagation::extract(&message.headers));
    let senders: Vec<Context> = senders.collect();
    let root = Context::new();
    let span = span(
        "process orders",
        SpanKind::Consumer,
        &senders.iter().collect::<Vec<_>>(),
        &root,
    );
    let cx = root.with_span(span);
    let count = i64::try_from(senders.len()).unwrap_or(i64::MAX);
    cx.span()
        .set_attribute(KeyValue::new("messaging.batch.message_count", count));
    let ship_all = async {
        for message in messages {
            ship(message.order_id).await;
        }
    };
    ship_all.with_context(cx).await;
}

#[tracing::instrument(skip_all, fields(shop.order.id = order_id))]
async fn ship(order_id: u32) {
    tracing::info!("shipped");
}

fn span(name: &'static str, kind: SpanKind, senders: &[&Context], parent: &Context) -> BoxedSpan {
    let operation = if kind == SpanKind::Producer {
        "send"
    } else {
        "process"
    };
    let links = senders
        .iter()
        .map(|sender| sender.span().span_context().clone());
    let tracer = global::tracer("orders");
    tracer
        .span_builder(name)
        .with_kind(kind)
        .with_attributes([
            KeyValue::new("messaging.system", "tokio"),
            KeyValue::new("messaging.destination.name", "orders"),
            KeyValue::new("messaging.operation.name", operation),
            KeyValue::new("messaging.operation.type", operation),
        ])
        .with_links(
            links
                .filter(SpanContext::is_valid)
                .map(Link::with_context)
                .collect(),
        )
        .start_with_context(&tracer, parent)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = shared::telemetry::init("orders")?;
    let (orders, mut received) = mpsc::channel(8);
    for order_id in 1..=3 {
        send(&orders, order_id).await?;
    }
    drop(orders);
    if let Some(message) = received.recv().await {
        process(message).await;
    }
    let mut rest = Vec::new();
    received.recv_many(&mut rest, 8).await;
    process_batch(rest).await;
    telemetry.shutdown(Duration::from_secs(5)).await;
    Ok(())
}
