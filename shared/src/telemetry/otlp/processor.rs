//! [`OtlpProcessor`]: encodes ended spans and puts them into the export queue.

use std::{cell::RefCell, sync::Arc, thread, time::Duration};

use opentelemetry::{Context, KeyValue, trace::Span as _};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{Span, SpanData, SpanProcessor},
};
use tokio::runtime::{Builder, Runtime};

use super::{
    backlog::Backlog,
    encode::{self, RequestHead},
    export_log::ExportLog,
    exporter::{Exporter, Timeout},
    queue::Queue,
    trace_states::TraceStates,
    transport::Transport,
};
use crate::telemetry::{
    InitError, SpanCounts, panics,
    settings::{Batching, Otlp},
    texts::ValueLimits,
};

/// Encodes each span on the thread that ends it. A dedicated thread exports them.
#[derive(Debug, Clone)]
pub(in crate::telemetry) struct OtlpProcessor {
    queue: Arc<Queue>,
    limits: ValueLimits,
    trace_states: Arc<TraceStates>,
    attributes: Arc<[KeyValue]>,
    flush_timeout: Duration,
}

thread_local! {
    /// Buffer for encoding a span without holding the queue's lock.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Maximum buffer that a thread keeps for its next span.
const BUFFER_BYTES: usize = 64 * 1024;

impl OtlpProcessor {
    pub(in crate::telemetry) fn start(
        mut otlp: Otlp,
        batching: &Batching,
        limits: ValueLimits,
        resource: &Resource,
    ) -> Result<Self, InitError> {
        otlp.timeout = otlp.timeout.min(batching.export_timeout);
        let runtime = runtime().map_err(InitError::Thread)?;
        let transport = {
            let _runtime = runtime.enter();
            Transport::new(&otlp)?
        };
        let attributes = otlp.component().into();
        let head = RequestHead::new(resource);
        let queue = Arc::new(Queue::new(batching, &head));
        let exporter = Exporter {
            queue: Arc::clone(&queue),
            head,
            transport,
            export_log: ExportLog::new(otlp.to_string()),
            backlog: Backlog::default(),
            delay: batching.delay,
            timeout: Timeout::new(otlp.timeout),
        };
        let run = move || {
            exporter.run(&runtime);
            // Does not wait for a pending DNS lookup.
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name("otlp-exporter".to_owned());
        #[expect(clippy::disallowed_methods, reason = "an export is in no trace")]
        thread.spawn(run).map_err(InitError::Thread)?;
        Ok(Self {
            queue,
            limits,
            trace_states: Arc::default(),
            attributes,
            flush_timeout: batching.export_timeout,
        })
    }

    pub(in crate::telemetry) fn counts(&self) -> SpanCounts {
        self.queue.counts()
    }

    /// Returns the attributes of the exporter's own metrics.
    pub(in crate::telemetry) fn attributes(&self) -> &[KeyValue] {
        &self.attributes
    }

    /// Returns the maximum number of queued spans, if it is bounded.
    pub(in crate::telemetry) fn capacity(&self) -> Option<u64> {
        self.queue.capacity()
    }
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread()
        .thread_name("otlp-exporter-lookup")
        .enable_all()
        .build()
}

impl SpanProcessor for OtlpProcessor {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        self.trace_states.store(span.span_context(), parent);
    }

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        let trace_state = self.trace_states.take(&span.span_context);
        // Called below the lock of the span.
        let pushed = panics::contained(|| {
            let push = |buffer: &mut Vec<u8>| {
                encode::span(buffer, &span, trace_state.as_deref(), self.limits);
                self.queue.push(&span.instrumentation_scope, buffer);
                buffer.clear();
                buffer.shrink_to(BUFFER_BYTES);
            };
            // A span that another thread-local keeps may end when this one is gone.
            if BUFFER
                .try_with(|buffer| push(&mut buffer.borrow_mut()))
                .is_err()
            {
                push(&mut Vec::new());
            }
        });
        if pushed.is_none() {
            self.queue.failed();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        let flush = self.queue.flush(self.flush_timeout);
        if flush.lost.total() > 0 {
            let error = format!("spans lost since the last flush: {}", flush.lost);
            Err(OTelSdkError::InternalFailure(error))
        } else if flush.in_time {
            Ok(())
        } else {
            Err(OTelSdkError::Timeout(self.flush_timeout))
        }
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        if self.queue.close(timeout) {
            Ok(())
        } else {
            Err(OTelSdkError::Timeout(timeout))
        }
    }
}
