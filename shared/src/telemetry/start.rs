//! [`Start`]: the one line that a process logs when its telemetry is set up.

use opentelemetry::Key;
use opentelemetry_sdk::Resource;

use super::settings::Settings;
use crate::semconv;

/// Which service this is and how its telemetry works. The service's name is a field of every line.
#[derive(Debug)]
pub(super) struct Start {
    version: Option<String>,
    commit: Option<String>,
    /// Protocol and endpoint, or `console`, or `none`.
    exporter: String,
    /// None with `OTEL_SDK_DISABLED`.
    sampler: Option<String>,
    propagators: String,
}

impl Start {
    pub(super) fn new(settings: &Settings) -> Self {
        let (exporter, sampler) = match &settings.traces {
            Some(traces) => {
                let sampler = traces.sampling.as_ref().map(ToString::to_string);
                let sampler = sampler.unwrap_or_else(|| "set in code".to_owned());
                (traces.exporter.to_string(), Some(sampler))
            }
            None => ("none: OTEL_SDK_DISABLED".to_owned(), None),
        };
        Self {
            version: attribute(&settings.resource, semconv::SERVICE_VERSION),
            commit: attribute(&settings.resource, semconv::VCS_REF_HEAD_REVISION),
            exporter,
            sampler,
            propagators: settings.propagators.to_string(),
        }
    }

    pub(super) fn log(&self) {
        tracing::info!(
            // A name that filters know.
            target: "shared::telemetry::parts",
            version = self.version,
            commit = self.commit,
            exporter = self.exporter,
            sampler = self.sampler,
            propagators = self.propagators,
            "telemetry is set up"
        );
    }
}

fn attribute(resource: &Resource, key: &'static str) -> Option<String> {
    let value = resource.get(&Key::from_static_str(key))?;
    Some(value.to_string())
}
