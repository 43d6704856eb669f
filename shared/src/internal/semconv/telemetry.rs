//! Semantic conventions for exceptions, the resource, and the telemetry pipeline.

pub(crate) const EXCEPTION: &str = "exception";
pub(crate) const EXCEPTION_MESSAGE: &str = "exception.message";
pub(crate) const EXCEPTION_STACKTRACE: &str = "exception.stacktrace";
pub(crate) const EXCEPTION_TYPE: &str = "exception.type";

#[cfg(feature = "otlp")]
pub(crate) const OTEL_COMPONENT_NAME: &str = "otel.component.name";
#[cfg(feature = "otlp")]
pub(crate) const OTEL_COMPONENT_TYPE: &str = "otel.component.type";

pub(crate) const SERVICE_INSTANCE_ID: &str = "service.instance.id";
pub(crate) const SERVICE_NAME: &str = "service.name";
pub(crate) const SERVICE_VERSION: &str = "service.version";

pub(crate) const VCS_REF_HEAD_REVISION: &str = "vcs.ref.head.revision";
