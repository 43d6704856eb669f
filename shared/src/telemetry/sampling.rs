//! The sampling decision before a span is made: who asks, makes no name and no attributes of spans that nobody will see.
//!
//! A sampler decides by the ids of the trace, and those of a root are drawn when it is made. So they are drawn before, by
//! whoever asks, and laid aside for the root that is made next on this thread. That it is another one does not matter: one
//! random id is as good as the next, and the sampler says the same of it.

use std::cell::Cell;

use opentelemetry::{
    Context, SpanId, TraceId,
    trace::{SpanKind, TraceContextExt as _},
};
use opentelemetry_sdk::trace::{IdGenerator, Sampler, SamplingDecision, ShouldSample};

use crate::decision::{Decision, decide_by};

/// What is known, before they are made, of the spans of a provider.
#[derive(Debug, Clone)]
pub(super) enum EarlyDecisions {
    /// A sampler of somebody else's decides.
    Unknown,
    /// `OTEL_SDK_DISABLED`: there are none.
    NoSpans,
    /// They are exported to nobody.
    NoReaders,
    Sampling(Sampling),
}

impl EarlyDecisions {
    /// Says it of the global provider.
    pub(super) fn install(self) {
        match self {
            Self::Unknown => decide_by(|_| Decision::Record),
            Self::NoSpans => decide_by(|_| Decision::NoSpan),
            Self::NoReaders => decide_by(|_| Decision::Drop),
            Self::Sampling(sampling) => decide_by(move |parent| sampling.decision(parent)),
        }
    }
}

/// A sampler of the specification's, of which is known that it looks at nothing but ids.
#[derive(Debug, Clone)]
pub(super) struct Sampling {
    /// Whether a span is sampled where its parent is.
    pub(super) is_parent_based: bool,
    pub(super) root: Sampler,
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

    /// The decision on a span below `parent`.
    pub(super) fn decision(&self, parent: &Context) -> Decision {
        let span = parent.span();
        let parent = span.span_context();
        let is_sampled = if parent.is_valid() && self.is_parent_based {
            parent.is_sampled()
        } else if parent.is_valid() {
            self.samples(parent.trace_id())
        } else {
            let id = Ids.new_trace_id();
            NEXT.set(Some(id));
            self.samples(id)
        };
        if is_sampled {
            Decision::Record
        } else {
            Decision::Drop
        }
    }

    fn samples(&self, id: TraceId) -> bool {
        let root = &self.root;
        let result = root.should_sample(None, id, "", &SpanKind::Internal, &[], &[]);
        result.decision == SamplingDecision::RecordAndSample
    }
}

thread_local! {
    /// The trace id that was drawn for the root to come.
    static NEXT: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// Random ids, as the SDK's own, and the one that was laid aside first.
#[derive(Debug)]
pub(super) struct Ids;

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        let next = NEXT.take();
        next.unwrap_or_else(|| TraceId::from(rand::random::<u128>()))
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from(rand::random::<u64>())
    }
}
