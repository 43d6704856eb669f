//! The sampling decision before a span is created, so that the layers skip names and attributes of spans that are not recorded.
//!
//! A sampler decides by the trace id, and the SDK generates the id of a root when the root is created. So the id is generated
//! earlier, for the decision, and stored for the next root created on this thread. It does not matter if that is another root:
//! the ids are random, and the sampler decides the same for the same id.

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

/// Sampling knowledge about the spans of a provider before they are created.
#[derive(Debug, Clone)]
pub(super) enum EarlyDecisions {
    /// A custom sampler decides, so nothing is known.
    Unknown,
    /// No spans are created (`OTEL_SDK_DISABLED`).
    NoSpans,
    /// Spans are created, but no exporter or processor receives them.
    NoReaders,
    Sampling(Sampling),
}

impl EarlyDecisions {
    /// Applies this to the global provider.
    pub(super) fn install(self) {
        match self {
            Self::Unknown => decide_by(|_| Decision::Record),
            Self::NoSpans => decide_by(|_| Decision::NoSpan),
            Self::NoReaders => decide_by(|_| Decision::Drop),
            Self::Sampling(sampling) => decide_by(move |parent| sampling.decision(parent)),
        }
    }
}

/// A built-in sampler, which only looks at ids.
#[derive(Debug, Clone)]
pub(super) struct Sampling {
    /// Whether a span is sampled if its parent is.
    pub(super) is_parent_based: bool,
    pub(super) root: Sampler,
}

impl Display for Sampling {
    /// The specification's name of the sampler, with its argument.
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

    /// Returns the decision for a child span of `parent`.
    pub(super) fn decision(&self, parent: &Context) -> Decision {
        if parent.is_telemetry_suppressed() {
            // The SDK creates a span without ids.
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
    /// The trace id generated for the next root.
    static NEXT: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// Generates random ids like the SDK, but uses the stored trace id first.
#[derive(Debug)]
pub(super) struct Ids;

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        let next = NEXT.take();
        next.unwrap_or_else(|| TraceId::from(rand::random::<u128>()))
    }

    fn new_span_id(&self) -> SpanId {
        // A thread that has created a span may panic in a destructor, when the context is gone.
        thread_context::is_alive();
        SpanId::from(rand::random::<u64>())
    }
}
