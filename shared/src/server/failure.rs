//! [`OneFailure`]: the server span as handlers see it. Collects failures, and records the last failure when the span
//! ends.

use std::{borrow::Cow, time::SystemTime};

use opentelemetry::{
    KeyValue,
    trace::{Span, SpanContext, Status},
};

use crate::{
    internal::semconv,
    span::request::{CurrentRequest, Failure},
};

/// A span that sets `error.type` and an error status only when the span ends.
///
/// The SDK appends repeated attributes, so a panic that the panic hook, the handler and the response all report would
/// leave three `error.type` attributes on the span. If two error descriptions are set, the SDK keeps the one that sorts
/// last.
#[derive(Debug)]
pub(super) struct OneFailure<S> {
    pub(super) span: S,
    pub(super) request: CurrentRequest,
}

impl<S: Span> Span for OneFailure<S> {
    fn set_attribute(&mut self, attribute: KeyValue) {
        if attribute.key.as_str() == semconv::ERROR_TYPE {
            let name = attribute.value.as_str().into_owned();
            self.request.set_failure(Some(Failure::named(name)));
        } else {
            self.span.set_attribute(attribute);
        }
    }

    fn end_with_timestamp(&mut self, end: SystemTime) {
        if let Some(failure) = self.request.failure() {
            if let Some(name) = failure.error_type {
                self.span
                    .set_attribute(KeyValue::new(semconv::ERROR_TYPE, name));
            }
            self.span.set_status(Status::error(failure.description));
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
        if let Status::Error { description } = status {
            self.request.update_failure(|failure| {
                failure.get_or_insert_default().description = description;
            });
        } else {
            self.span.set_status(status);
        }
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, name: T) {
        self.span.update_name(name);
    }

    fn add_link(&mut self, to: SpanContext, attributes: Vec<KeyValue>) {
        self.span.add_link(to, attributes);
    }
}
