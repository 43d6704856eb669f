//! [`Counts`]: spans in, spans out. What the queue drops when it is full shows as the difference.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{Layer, filter::Targets, layer::Context, registry::LookupSpan};

use super::SpanCounts;

#[derive(Debug, Default)]
pub(super) struct Counts {
    ended: AtomicU64,
    exported: AtomicU64,
    lost: AtomicU64,
    /// Of the export under way. Exports follow one another, on one thread.
    rejected: AtomicU64,
}

impl Counts {
    pub(super) fn ended(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn export_done(&self, spans: u64, taken: bool) {
        let rejected = self.rejected.swap(0, Ordering::Relaxed);
        let lost = if taken { rejected.min(spans) } else { spans };
        self.exported.fetch_add(spans - lost, Ordering::Relaxed);
        self.lost.fetch_add(lost, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> SpanCounts {
        let [ended, exported, lost] =
            [&self.ended, &self.exported, &self.lost].map(|count| count.load(Ordering::Relaxed));
        SpanCounts {
            ended,
            exported,
            lost,
        }
    }

    pub(super) fn at_the_end(&self) -> SpanCounts {
        let counts = self.now();
        SpanCounts {
            lost: counts.ended.saturating_sub(counts.exported),
            ..counts
        }
    }
}

/// Counts what a collector rejects of a batch that it takes. The OTLP exporter answers `Ok` to that and tells the number
/// only to its log (`PartialSuccess`), for HTTP and gRPC alike.
pub(super) struct RejectedSpans(Arc<Counts>);

impl RejectedSpans {
    pub(super) fn layer<S>(counts: &Arc<Counts>) -> impl Layer<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let of_the_exporter = Targets::new().with_target("opentelemetry-otlp", LevelFilter::WARN);
        Self(Arc::clone(counts)).with_filter(of_the_exporter)
    }
}

impl<S: Subscriber> Layer<S> for RejectedSpans {
    fn on_event(&self, event: &Event<'_>, _cx: Context<'_, S>) {
        event.record(&mut Rejected(&self.0));
    }
}

struct Rejected<'a>(&'a Counts);

impl Visit for Rejected<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        if field.name() == "rejected_spans" {
            let spans = u64::try_from(value).unwrap_or(0);
            self.0.rejected.store(spans, Ordering::Relaxed);
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn fmt::Debug) {}
}
