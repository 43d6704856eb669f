//! [`Start`]: the line that a process logs once its telemetry is initialized.

use opentelemetry::Key;
use opentelemetry_sdk::Resource;

use super::settings::Settings;
use crate::internal::semconv;

/// Version of the service and configuration of its telemetry. The service name is missing, because every log
/// line has it.
#[derive(Debug)]
pub(super) struct Start {
    version: Option<String>,
    commit: Option<String>,
    /// Protocol and endpoint of the exporter, or `console`, or `none`.
    exporter: String,
    /// Proxy of the exporter, without credentials.
    proxy: Option<String>,
    /// Name of the sampler. `None` with `OTEL_SDK_DISABLED=true`.
    sampler: Option<String>,
    propagators: String,
}

impl Start {
    pub(super) fn new(settings: &Settings) -> Self {
        let (exporter, proxy, sampler) = match &settings.traces {
            Some(traces) => {
                let sampler = traces.sampling.as_ref().map(ToString::to_string);
                let sampler = sampler.unwrap_or_else(|| "set in code".to_owned());
                let exporter = &traces.exporter;
                let proxy = exporter.proxy().map(ToOwned::to_owned);
                (exporter.to_string(), proxy, Some(sampler))
            }
            None => ("none: OTEL_SDK_DISABLED".to_owned(), None, None),
        };
        Self {
            version: attribute(&settings.resource, semconv::SERVICE_VERSION),
            commit: attribute(&settings.resource, semconv::VCS_REF_HEAD_REVISION),
            exporter,
            proxy,
            sampler,
            propagators: settings.propagators.to_string(),
        }
    }

    pub(super) fn log(&self) {
        tracing::info!(
            // The target is fixed, so that log filters still match if this code moves to another module.
            target: "shared::telemetry::parts",
            version = self.version,
            commit = self.commit,
            exporter = self.exporter,
            proxy = self.proxy,
            sampler = self.sampler,
            propagators = self.propagators,
            "telemetry initialized"
        );
    }
}

fn attribute(resource: &Resource, key: &'static str) -> Option<String> {
    let value = resource.get(&Key::from_static_str(key))?;
    Some(value.to_string())
}
