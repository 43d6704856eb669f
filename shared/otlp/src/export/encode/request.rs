//! [`RequestHead`] and [`ScopeSpans`]: build an export request from encoded spans.

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;

use super::{super::protobuf, SCOPE_SPANS, pair};
use crate::ValueLimits;

/// Maximum size of the key and the length of a protobuf field, in bytes.
const LONGEST_HEAD: usize = 6;

/// The encoded spans of one instrumentation scope.
#[derive(Debug)]
pub(in crate::export) struct ScopeSpans {
    pub(in crate::export) scope: InstrumentationScope,
    /// The encoded fields of `ScopeSpans` other than the spans.
    pub(in crate::export) fields: Vec<u8>,
    pub(in crate::export) spans: Vec<u8>,
}

/// The encoded resource, which precedes the spans in every request.
#[derive(Debug)]
pub(in crate::export) struct RequestHead {
    /// The encoded `ResourceSpans.resource` and the schema URL of the resource.
    resource: Vec<u8>,
}

impl RequestHead {
    pub(in crate::export) fn new(resource: &Resource) -> Self {
        let mut buffer = Vec::new();
        protobuf::message(&mut buffer, 1, |buffer| {
            for (key, value) in resource {
                pair(buffer, 1, key.as_str(), value, ValueLimits::NONE);
            }
        });
        let schema = resource.schema_url().unwrap_or_default();
        protobuf::bytes(&mut buffer, 3, schema.as_bytes());
        Self { resource: buffer }
    }

    /// Returns the maximum number of bytes that the head adds to a request.
    pub(in crate::export) fn length(&self) -> usize {
        LONGEST_HEAD + self.resource.len()
    }

    /// Returns the encoded `ExportTraceServiceRequest` of one batch.
    pub(in crate::export) fn request(&self, scopes: &[ScopeSpans]) -> Vec<u8> {
        let heads: Vec<Vec<u8>> = scopes.iter().map(ScopeSpans::head).collect();
        let heads_len: usize = heads.iter().map(Vec::len).sum();
        let spans_len: usize = scopes.iter().map(|scope| scope.spans.len()).sum();
        let len = self.resource.len() + heads_len + spans_len;
        let mut request = Vec::with_capacity(len + LONGEST_HEAD);
        protobuf::length(&mut request, 1, len);
        request.extend_from_slice(&self.resource);
        for (head, scope) in heads.iter().zip(scopes) {
            request.extend_from_slice(head);
            request.extend_from_slice(&scope.spans);
        }
        request
    }
}

impl ScopeSpans {
    pub(in crate::export) fn new(scope: &InstrumentationScope) -> Self {
        let mut fields = Vec::new();
        protobuf::message(&mut fields, 1, |buffer| {
            protobuf::bytes(buffer, 1, scope.name().as_bytes());
            protobuf::bytes(buffer, 2, scope.version().unwrap_or_default().as_bytes());
            for attribute in scope.attributes() {
                let key = attribute.key.as_str();
                pair(buffer, 3, key, &attribute.value, ValueLimits::NONE);
            }
        });
        let schema = scope.schema_url().unwrap_or_default();
        protobuf::bytes(&mut fields, 3, schema.as_bytes());
        Self {
            scope: scope.clone(),
            fields,
            spans: Vec::new(),
        }
    }

    /// Returns the maximum number of bytes that the scope adds to a request, besides its spans.
    pub(in crate::export) fn head_length(&self) -> usize {
        LONGEST_HEAD + self.fields.len()
    }

    /// Returns the start of an encoded `ResourceSpans.scope_spans` entry, up to the spans.
    fn head(&self) -> Vec<u8> {
        let mut head = Vec::with_capacity(self.head_length());
        let length = self.fields.len() + self.spans.len();
        protobuf::length(&mut head, SCOPE_SPANS, length);
        head.extend_from_slice(&self.fields);
        head
    }
}
