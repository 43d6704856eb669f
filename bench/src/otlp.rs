//! The fields of OTLP's `trace_service.proto` and `trace.proto` that the sink and the soak read.

#[derive(prost::Message)]
pub(crate) struct Request {
    #[prost(message, repeated, tag = "1")]
    pub(crate) resource_spans: Vec<ResourceSpans>,
}

#[derive(prost::Message)]
pub(crate) struct ResourceSpans {
    /// The encoded resource, which identifies the sender.
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) resource: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) scope_spans: Vec<ScopeSpans>,
}

#[derive(prost::Message)]
pub(crate) struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    pub(crate) spans: Vec<Span>,
}

#[expect(clippy::struct_field_names, reason = "OTLP's names")]
#[derive(prost::Message)]
pub(crate) struct Span {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) span_id: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "9")]
    pub(crate) attributes: Vec<Vec<u8>>,
}

impl Request {
    /// All spans of the request.
    pub(crate) fn spans(&self) -> impl Iterator<Item = &Span> {
        self.resource_spans
            .iter()
            .flat_map(|resource| &resource.scope_spans)
            .flat_map(|scope| &scope.spans)
    }
}
