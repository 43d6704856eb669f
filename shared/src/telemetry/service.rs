//! [`Service`]: the identity of a process in its telemetry.

use opentelemetry::KeyValue;
use uuid::Uuid;

use crate::internal::semconv;

/// The identity of a process: its service name, version and instance id.
///
/// A name is sufficient wherever a service is expected; [`service!`](crate::service) also adds the version.
/// The values of a `Service` become [resource
/// attributes](https://opentelemetry.io/docs/specs/semconv/resource/service/) of all telemetry. Environment
/// variables override the code: `OTEL_SERVICE_NAME` takes precedence over `OTEL_RESOURCE_ATTRIBUTES`, which
/// takes precedence over the values set in code.
///
/// ```
/// use shared::{opentelemetry::KeyValue, telemetry::Service};
///
/// let service = Service::from("checkout")
///     .version("1.4.2")
///     .attributes([KeyValue::new("service.namespace", "shop")]);
/// ```
#[derive(Debug, Clone)]
pub struct Service {
    name: String,
    version: Option<String>,
    instance_id: Option<String>,
    attributes: Vec<KeyValue>,
}

impl Service {
    /// Sets `service.version`. By default, the attribute is omitted; [`service!`](crate::service) sets the
    /// version of the crate.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Sets `service.instance.id`, to keep the same id across restarts. Defaults to a random UUID.
    #[must_use]
    pub fn instance_id(mut self, id: impl Into<String>) -> Self {
        self.instance_id = Some(id.into());
        self
    }

    /// Adds resource attributes, such as a namespace, an environment or a region.
    #[must_use]
    pub fn attributes(mut self, attributes: impl IntoIterator<Item = KeyValue>) -> Self {
        self.attributes.extend(attributes);
        self
    }

    /// Sets `vcs.ref.head.revision`, the revision of the source code. An empty revision counts as unknown.
    /// [`service!`](crate::service) uses the environment variable `GIT_COMMIT` at compile time.
    #[must_use]
    pub fn commit(self, commit: Option<&str>) -> Self {
        match commit.map(str::trim).filter(|commit| !commit.is_empty()) {
            Some(commit) => {
                let commit = commit.to_owned();
                self.attributes([KeyValue::new(semconv::VCS_REF_HEAD_REVISION, commit)])
            }
            None => self,
        }
    }

    /// Returns the service name set in code.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the service version set in code.
    #[cfg(feature = "cli")]
    pub(crate) fn version_text(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Returns the resource attributes of the service. If a key is repeated, the last value takes precedence.
    pub(super) fn into_attributes(self) -> Vec<KeyValue> {
        let id = self.instance_id;
        let id = id.unwrap_or_else(|| Uuid::new_v4().to_string());
        let mut attributes = self.attributes;
        attributes.push(KeyValue::new(semconv::SERVICE_NAME, self.name));
        let version = self.version;
        attributes.extend(version.map(|version| KeyValue::new(semconv::SERVICE_VERSION, version)));
        attributes.push(KeyValue::new(semconv::SERVICE_INSTANCE_ID, id));
        attributes
    }
}

impl From<&str> for Service {
    fn from(name: &str) -> Self {
        name.to_owned().into()
    }
}

impl From<String> for Service {
    fn from(name: String) -> Self {
        Self {
            name,
            version: None,
            instance_id: None,
            attributes: Vec::new(),
        }
    }
}

/// Creates a [`Service`](crate::telemetry::Service) with the version of the calling crate, and with the name
/// of that crate or a given name.
///
/// ```no_run
/// # fn main() -> Result<(), shared::telemetry::InitError> {
/// let telemetry = shared::telemetry::init(shared::service!())?;
/// # Ok(()) }
/// ```
///
/// ```
/// let service = shared::service!("orders").instance_id("orders-0");
/// ```
#[macro_export]
macro_rules! service {
    () => {
        $crate::service!(env!("CARGO_PKG_NAME"))
    };
    ($name:expr) => {
        $crate::telemetry::Service::from($name)
            .version(env!("CARGO_PKG_VERSION"))
            .commit(option_env!("GIT_COMMIT"))
    };
}
