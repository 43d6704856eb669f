//! The source of spans: a process and an instrumentation scope.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

use super::weight;
use crate::attributes;

/// The data that all spans of one instrumentation scope in one process share.
#[derive(Clone, Debug)]
pub struct Source {
    /// The resource's `service.name`, or `unknown_service` if the resource has none.
    pub service: String,
    /// The resource, which describes the process that created the spans.
    pub resource: Option<Arc<Resource>>,
    /// URL of the schema of the resource's attributes.
    pub resource_schema_url: String,
    /// The instrumentation scope, which describes the library that created the spans.
    pub scope: Option<InstrumentationScope>,
    /// URL of the schema of the spans' attributes.
    pub scope_schema_url: String,
    pub(super) fingerprint: Fingerprint,
    /// Size of the source in bytes.
    pub(super) weight: usize,
}

/// A hash of a source, equal for equal sources. The hash is computed once, so that the source of a span is found
/// without comparing attributes.
pub(super) type Fingerprint = [u64; 2];

/// Computes fingerprints with two random keys, so that no sender can construct two different sources with the same
/// fingerprint.
#[derive(Debug, Default)]
pub(super) struct Fingerprints([RandomState; 2]);

impl Fingerprints {
    fn of(&self, parts: &impl std::hash::Hash) -> Fingerprint {
        self.0.each_ref().map(|keys| keys.hash_one(parts))
    }
}

/// A process, from which the sources of its instrumentation scopes are created.
pub(super) struct Process<'a> {
    fingerprints: &'a Fingerprints,
    service: String,
    resource: Option<Arc<Resource>>,
    schema_url: String,
    fingerprint: Fingerprint,
    weight: usize,
}

impl<'a> Process<'a> {
    pub(super) fn new(
        resource: Option<Resource>,
        schema_url: String,
        fingerprints: &'a Fingerprints,
    ) -> Self {
        let service = resource
            .as_ref()
            .and_then(|r| attributes::find(&r.attributes, attributes::SERVICE_NAME))
            .unwrap_or_else(|| "unknown_service".to_owned());
        let encoded = resource.as_ref().map(Resource::encode_to_vec);
        Self {
            fingerprints,
            fingerprint: fingerprints.of(&(encoded, &schema_url)),
            weight: weight::process(&service, resource.as_ref(), &schema_url),
            service,
            resource: resource.map(Arc::new),
            schema_url,
        }
    }

    pub(super) fn source(&self, scope: Option<InstrumentationScope>, schema_url: String) -> Source {
        let encoded = scope.as_ref().map(InstrumentationScope::encode_to_vec);
        let parts = (self.fingerprint, encoded, &schema_url);
        Source {
            fingerprint: self.fingerprints.of(&parts),
            // Sources share the resource, but its size is counted for each of them, so the total is too high rather
            // than too low.
            weight: self.weight + size_of::<Source>() + weight::scope(scope.as_ref(), &schema_url),
            service: self.service.clone(),
            resource: self.resource.clone(),
            resource_schema_url: self.schema_url.clone(),
            scope,
            scope_schema_url: schema_url,
        }
    }
}
