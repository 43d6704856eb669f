//! [`Service`]: who a process is, as its telemetry says on everything that it sends.

use opentelemetry::KeyValue;
use uuid::Uuid;

use crate::semconv;

/// Who a process is: its name, and what tells it from others of that name.
///
/// A name alone will do wherever one is asked for; [`service!`](crate::service) adds the version. Everything that the
/// process sends has it, as [resource attributes](https://opentelemetry.io/docs/specs/semconv/resource/service/). Whoever
/// runs the process has the last word: `OTEL_SERVICE_NAME` goes before `OTEL_RESOURCE_ATTRIBUTES`, and that before what
/// is said here.
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
    /// The version as `service.version`. Default: none; [`service!`](crate::service) takes that of the crate.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// What tells this process from others of its service, as `service.instance.id`: for a name that stays the same from
    /// one start to the next. Default: a random UUID.
    #[must_use]
    pub fn instance_id(mut self, id: impl Into<String>) -> Self {
        self.instance_id = Some(id.into());
        self
    }

    /// More resource attributes, beside those of earlier calls: a namespace, an environment, a region.
    #[must_use]
    pub fn attributes(mut self, attributes: impl IntoIterator<Item = KeyValue>) -> Self {
        self.attributes.extend(attributes);
        self
    }

    /// The name that the code gives it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The version that the code gives it.
    #[cfg(feature = "cli")]
    pub(crate) fn version_text(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// As resource attributes; of two with the same key the last counts.
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

/// The [`Service`](crate::telemetry::Service) with the name and the version of the crate that says it, or with that
/// version and a name of its own.
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
        $crate::telemetry::Service::from($name).version(env!("CARGO_PKG_VERSION"))
    };
}
