//! Makes the sampling decision before a span is created, so that the server and client layers skip names and attributes
//! of spans that are not recorded.
//!
//! A sampler decides by the trace id, but the SDK generates the trace id of a root span only when the span is created.
//! This module therefore generates the trace id earlier, for the decision, and stores it for the next root span created
//! on the same thread. If a different root span uses the stored trace id, the result is still correct: trace ids are
//! random, and the sampler decides the same for the same trace id.

use std::{
    cell::Cell,
    fmt::{self, Display},
};

use opentelemetry::{
    Context, SpanId, TraceId,
    trace::{SpanKind, TraceContextExt as _},
};
use opentelemetry_sdk::trace::{IdGenerator, Sampler, SamplingDecision, ShouldSample};

use crate::internal::{
    decision::{Decision, decide_by},
    thread_context,
};

/// The part of the sampling decision that is known before a provider creates a span.
#[derive(Debug, Clone)]
pub(super) enum EarlyDecisions {
    /// The sampler is a custom one, so the decision is not known before the span is created.
    Unknown,
    /// No spans are created (`OTEL_SDK_DISABLED`).
    NoSpans,
    /// Spans are created, but no exporter or processor receives them.
    NoReaders,
    Sampling(Sampling),
}

impl EarlyDecisions {
    /// Makes the server and client layers use these early decisions for spans of the global provider.
    pub(super) fn install(self) {
        match self {
            Self::Unknown => decide_by(|_| Decision::Record),
            Self::NoSpans => decide_by(|_| Decision::NoSpan),
            Self::NoReaders => decide_by(|_| Decision::Drop),
            Self::Sampling(sampling) => decide_by(move |parent| sampling.decision(parent)),
        }
    }
}

/// The settings of a built-in sampler, which decides by the trace id and the parent span only.
#[derive(Debug, Clone)]
pub(super) struct Sampling {
    /// Whether a child span gets the sampling decision of its parent.
    pub(super) is_parent_based: bool,
    pub(super) root: Sampler,
}

impl Display for Sampling {
    /// Writes the sampler's name as in the specification, with its argument.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_parent_based {
            f.write_str("parentbased_")?;
        }
        match &self.root {
            Sampler::AlwaysOn => f.write_str("always_on"),
            Sampler::AlwaysOff => f.write_str("always_off"),
            Sampler::TraceIdRatioBased(ratio) => write!(f, "traceidratio {ratio}"),
            other => write!(f, "{other:?}"),
        }
    }
}

impl Sampling {
    pub(super) fn sampler(&self) -> Box<dyn ShouldSample> {
        let root = Box::new(self.root.clone());
        if self.is_parent_based {
            Box::new(Sampler::ParentBased(root))
        } else {
            root
        }
    }

    /// Returns the sampling decision for a child span of `parent`, or for a root span if `parent` has no span.
    pub(super) fn decision(&self, parent: &Context) -> Decision {
        if parent.is_telemetry_suppressed() {
            // If telemetry is suppressed, the SDK creates a span without ids.
            return Decision::Drop;
        }
        let span = parent.span();
        let parent = span.span_context();
        let is_root = !parent.is_valid();
        let trace_id = if is_root {
            Ids.new_trace_id()
        } else {
            parent.trace_id()
        };
        let is_sampled = if self.is_parent_based && !is_root {
            parent.is_sampled()
        } else {
            self.samples(trace_id)
        };
        if !is_sampled {
            return Decision::NotSampled(trace_id, Ids.new_span_id());
        }
        if is_root {
            NEXT.set(Some(trace_id));
        }
        Decision::Record
    }

    fn samples(&self, id: TraceId) -> bool {
        let root = &self.root;
        let result = root.should_sample(None, id, "", &SpanKind::Internal, &[], &[]);
        result.decision == SamplingDecision::RecordAndSample
    }
}

thread_local! {
    /// The trace id generated for the next root span on this thread.
    static NEXT: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// Generates random ids like the SDK, but first uses the trace id that an early sampling decision has stored.
#[derive(Debug)]
pub(super) struct Ids;

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        let next = NEXT.take();
        next.unwrap_or_else(|| TraceId::from(rand::random::<u128>()))
    }

    fn new_span_id(&self) -> SpanId {
        // Initializes the thread-local of `thread_context`, so that it can still be read if a destructor panics while
        // the thread ends, after the current context has been destroyed.
        thread_context::is_alive();
        SpanId::from(rand::random::<u64>())
    }
}
