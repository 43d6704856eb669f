//! [`OtlpProcessor`]: encodes ended spans and puts them into the export queue.

use std::{cell::RefCell, fmt, sync::Arc, thread, time::Duration};

use opentelemetry::{
    Context,
    trace::{Span as _, SpanContext},
};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{Span, SpanData, SpanProcessor},
};
use tokio::runtime::{self, Runtime};

use super::{
    backlog::Backlog,
    encode,
    error::BuildError,
    export_log::ExportLog,
    exporter::{Exporter, quietly},
    panics,
    queue::Queue,
    settings::{Batching, Settings},
    timeout::Timeout,
    trace_states::TraceStates,
    transport::Transport,
};
use crate::{SpanCounts, ValueLimits};

/// A span processor that exports spans over OTLP. Each span is encoded on the thread that ends it; a dedicated thread
/// sends the encoded spans.
///
/// While the collector is unavailable or slow, spans wait in a queue, within the bounds of [`Batching`]. Batches are
/// compressed while uncompressed batches take more than a quarter of the queue. [`counts`](Self::counts) returns how
/// many spans are exported, lost or waiting. Clones of the processor share its queue and its counters: keep a clone to
/// read the counters.
///
/// Spans are lost if the process exits before they are exported: call
/// [`SdkTracerProvider::shutdown`](opentelemetry_sdk::trace::SdkTracerProvider::shutdown) at the end.
///
/// ```no_run
/// use opentelemetry_sdk::trace::SdkTracerProvider;
/// use otlp::OtlpProcessor;
///
/// # fn main() -> Result<(), otlp::BuildError> {
/// let processor = OtlpProcessor::builder().endpoint("http://collector:4318/v1/traces").build()?;
/// let provider = SdkTracerProvider::builder().with_span_processor(processor.clone()).build();
/// // ... what the program does ...
/// let _ = provider.shutdown();
/// println!("lost spans: {}", processor.counts().lost);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct OtlpProcessor {
    queue: Arc<Queue>,
    limits: ValueLimits,
    hooks: Hooks,
    trace_states: Arc<TraceStates>,
    flush_timeout: Duration,
}

/// Functions of the application that the processor calls.
#[derive(Clone, Default)]
pub(super) struct Hooks {
    pub(super) edit: Option<Arc<EditSpan>>,
    pub(super) trace_state: Option<InheritedTraceState>,
}

pub(super) type EditSpan = dyn Fn(&mut SpanData) + Send + Sync;
pub(super) type InheritedTraceState = for<'a> fn(&'a Context, &SpanContext) -> Option<&'a str>;

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}

thread_local! {
    /// Buffer for encoding a span without holding the queue's lock.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Maximum capacity of the encoding buffer that a thread keeps for its next span, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;

impl OtlpProcessor {
    /// Returns the current span counters.
    pub fn counts(&self) -> SpanCounts {
        self.queue.counts()
    }

    pub(super) fn start(
        settings: &Settings,
        batching: &Batching,
        limits: ValueLimits,
        hooks: Hooks,
    ) -> Result<Self, BuildError> {
        let runtime = runtime().map_err(BuildError::Thread)?;
        let transport = {
            let _runtime = runtime.enter();
            Transport::new(settings)?
        };
        let queue = Arc::new(Queue::new(batching));
        let mut exporter = Exporter {
            queue: Arc::clone(&queue),
            transport,
            export_log: ExportLog::new(settings.to_string()),
            backlog: Backlog::default(),
            delay: batching.delay,
            timeout: Timeout::new(settings.timeout),
        };
        let run = move || {
            exporter.run(&runtime);
            quietly(|| {
                drop(exporter);
                // Does not wait for a pending DNS lookup.
                runtime.shutdown_background();
            });
        };
        let thread = thread::Builder::new().name("otlp-exporter".to_owned());
        #[expect(clippy::disallowed_methods, reason = "an export is in no trace")]
        thread.spawn(run).map_err(BuildError::Thread)?;
        Ok(Self {
            queue,
            limits,
            hooks,
            trace_states: Arc::default(),
            flush_timeout: batching.export_timeout,
        })
    }
}

/// Maximum timeout of a shutdown. A longer timeout could overflow an `Instant`.
const LONGEST_SHUTDOWN: Duration = Duration::from_hours(24);

fn runtime() -> std::io::Result<Runtime> {
    runtime::Builder::new_current_thread()
        .thread_name("otlp-exporter-lookup")
        .enable_all()
        .build()
}

impl SpanProcessor for OtlpProcessor {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        if let Some(inherited) = self.hooks.trace_state {
            let span = span.span_context();
            self.trace_states.store(span, inherited(parent, span));
        }
    }

    fn on_end(&self, mut span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        let trace_state = self.trace_states.take(&span.span_context);
        // OpenTelemetry may hold a mutex of the span here, which a panic would poison.
        let pushed = panics::contained(|| {
            if let Some(edit) = &self.hooks.edit {
                edit(&mut span);
            }
            let push = |buffer: &mut Vec<u8>| {
                // A panic may have left bytes of another span.
                buffer.clear();
                encode::span(buffer, &span, trace_state.as_deref(), self.limits);
                self.queue.push(&span.instrumentation_scope, buffer);
                buffer.clear();
                buffer.shrink_to(BUFFER_BYTES);
            };
            // On a thread that exits, a span in another thread-local may end after this buffer was destroyed.
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

    /// Exports the waiting spans for up to `timeout`. Spans that are then still waiting, or that end later, are counted
    /// as lost.
    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let timeout = timeout.min(LONGEST_SHUTDOWN);
        if self.queue.close(timeout) {
            Ok(())
        } else {
            Err(OTelSdkError::Timeout(timeout))
        }
    }

    /// Sets the resource of all spans. The tracer provider calls this method; a processor that wraps this one must
    /// forward the call. Later calls have no effect.
    fn set_resource(&mut self, resource: &Resource) {
        self.queue.set_resource(resource);
    }
}
