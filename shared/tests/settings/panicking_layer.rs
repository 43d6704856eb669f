//! A `tracing` layer that panics on every event and span of the HTTP client, inside a send.

use std::thread;

use tracing::{Event, Metadata, Subscriber, span};
use tracing_subscriber::{Layer, layer::Context};

/// Panics on every event and span on the thread of the exporter, except for the log lines of the exporter itself.
pub(crate) struct PanicsInSend;

fn check(metadata: &Metadata<'_>) {
    let is_exporter = thread::current().name() == Some("otlp-exporter");
    assert!(!is_exporter || metadata.target() == "otlp", "expected");
}

impl<S: Subscriber> Layer<S> for PanicsInSend {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        check(event.metadata());
    }

    fn on_new_span(&self, span: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
        check(span.metadata());
    }
}
