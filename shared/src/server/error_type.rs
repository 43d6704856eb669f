//! [`OneErrorType`]: the span as the handler sees it. Everybody may name the failure; it is recorded once.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use opentelemetry::{
    KeyValue,
    global::BoxedSpan,
    trace::{Span, SpanContext, Status},
};

use crate::semconv;

/// The `error.type` of a request so far: whoever knows better overwrites it.
///
/// The SDK appends attributes as they come, so a panic that its hook, the handler and the answer all name would be
/// exported three times.
#[derive(Debug, Clone, Default)]
pub(super) struct ErrorTypeSlot(Arc<Mutex<Option<Cow<'static, str>>>>);

impl ErrorTypeSlot {
    pub(super) fn set(&self, error_type: Option<Cow<'static, str>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = error_type;
    }

    pub(super) fn get(&self) -> Option<Cow<'static, str>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A span whose `error.type` waits in its slot for the end.
#[derive(Debug)]
pub(super) struct OneErrorType {
    pub(super) span: BoxedSpan,
    pub(super) slot: ErrorTypeSlot,
}

impl Span for OneErrorType {
    fn set_attribute(&mut self, attribute: KeyValue) {
        if attribute.key.as_str() == semconv::ERROR_TYPE {
            let name = attribute.value.as_str().into_owned();
            self.slot.set(Some(name.into()));
        } else {
            self.span.set_attribute(attribute);
        }
    }

    fn end_with_timestamp(&mut self, end: SystemTime) {
        if let Some(name) = self.slot.get() {
            self.span
                .set_attribute(KeyValue::new(semconv::ERROR_TYPE, name));
        }
        self.span.end_with_timestamp(end);
    }

    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(
        &mut self,
        name: T,
        at: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        self.span.add_event_with_timestamp(name, at, attributes);
    }

    fn span_context(&self) -> &SpanContext {
        self.span.span_context()
    }

    fn is_recording(&self) -> bool {
        self.span.is_recording()
    }

    fn set_status(&mut self, status: Status) {
        self.span.set_status(status);
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, name: T) {
        self.span.update_name(name);
    }

    fn add_link(&mut self, to: SpanContext, attributes: Vec<KeyValue>) {
        self.span.add_link(to, attributes);
    }
}
