//! [`Builder`]: the options of an [`OtlpProcessor`].

use std::{
    fmt::{self, Display},
    sync::Arc,
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{Context, trace::SpanContext};
use opentelemetry_sdk::trace::SpanData;
use url::Url;

#[cfg(feature = "tls")]
use super::settings::Tls;
use super::{
    error::BuildError,
    processor::{Hooks, OtlpProcessor},
    proxy,
    settings::{Batching, Compression, Protocol, REDACTED, Settings},
};
use crate::ValueLimits;

/// Options of an [`OtlpProcessor`]. Create it with [`OtlpProcessor::builder`].
///
/// The builder reads no environment variables, except those that select a proxy: see
/// [`environment_proxy`](crate::environment_proxy).
#[must_use = "a builder has no effect until `build` is called"]
pub struct Builder {
    endpoint: Option<String>,
    protocol: Protocol,
    headers: HeaderMap,
    /// Name of the first header whose name or value HTTP does not allow.
    bad_header: Option<String>,
    compression: Compression,
    timeout: Duration,
    #[cfg(feature = "tls")]
    tls: Tls,
    batching: Batching,
    limits: ValueLimits,
    hooks: Hooks,
}

/// URL path for traces in the default endpoint for HTTP.
const TRACES: &str = "v1/traces";
#[cfg(feature = "metrics")]
const METRICS: &str = "v1/metrics";

/// Minimum bound of the queue in bytes. A batch takes at most a quarter of the bound, which must be enough for a large
/// span.
const LEAST_QUEUE_BYTES: usize = 1024 * 1024;
/// Minimum export delay, which is the resolution of Tokio's timers.
const SHORTEST_DELAY: Duration = Duration::from_millis(1);
/// Maximum delay or timeout. Unlike `Duration::MAX`, this value can be added to an `Instant` without overflow.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

impl OtlpProcessor {
    /// Returns a builder with default options.
    pub fn builder() -> Builder {
        Builder {
            endpoint: None,
            protocol: Protocol::default(),
            headers: HeaderMap::new(),
            bad_header: None,
            compression: Compression::default(),
            timeout: Duration::from_secs(10),
            #[cfg(feature = "tls")]
            tls: Tls::default(),
            batching: Batching::default(),
            limits: ValueLimits::default(),
            hooks: Hooks::default(),
        }
    }
}

impl Builder {
    /// Sets the URL of the collector. For HTTP, the URL includes the path. Defaults to
    /// `http://localhost:4318/v1/traces`, or to `http://localhost:4317` for gRPC.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// Sets the protocol. Defaults to [`Protocol::HttpProtobuf`].
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Adds a header to each request, such as an API key. The exporter itself sets headers that describe the connection
    /// or the body, such as `content-type`.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName> + Display,
        V: TryInto<HeaderValue>,
    {
        let text = name.to_string();
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(true);
                self.headers.insert(name, value);
            }
            _ => {
                self.bad_header.get_or_insert(text);
            }
        }
        self
    }

    /// Sets the compression of requests. Defaults to no compression.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Sets the timeout of an attempt to export a batch. Defaults to ten seconds. While attempts time out, the timeout
    /// grows to up to eight times this value, but not beyond a minute.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the certificates for `https://` endpoints. Defaults to the root certificates of the system.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Sets the bounds and delays of the queue.
    pub fn batching(mut self, batching: Batching) -> Self {
        self.batching = batching;
        self
    }

    /// Sets the maximum lengths of exported attribute values.
    pub fn value_limits(mut self, limits: ValueLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets a function that changes each span before it is encoded, for example to remove secrets. The function runs on
    /// the thread that ends the span. If the function panics, the span is dropped and counted as `export_failed`.
    pub fn edit_spans(mut self, edit: impl Fn(&mut SpanData) + Send + Sync + 'static) -> Self {
        self.hooks.edit = Some(Arc::new(edit));
        self
    }

    /// Sets a function that returns the `tracestate` list that a new span inherits from its parent context. If the
    /// function returns `None`, the list of the span's own `TraceState` is exported. The function supports propagators
    /// that accept keys which the SDK's `TraceState` rejects, such as `a@b@c`.
    pub fn trace_state(
        mut self,
        inherited: for<'a> fn(&'a Context, &SpanContext) -> Option<&'a str>,
    ) -> Self {
        self.hooks.trace_state = Some(inherited);
        self
    }

    /// Builds the processor and starts the exporter's thread. The collector does not have to be available yet.
    ///
    /// # Errors
    ///
    /// Fails if the endpoint, a header or a certificate cannot be used, or if the thread cannot be started.
    pub fn build(mut self) -> Result<OtlpProcessor, BuildError> {
        let batching = Batching {
            queue_bytes: self.batching.queue_bytes.max(LEAST_QUEUE_BYTES),
            delay: self.batching.delay.clamp(SHORTEST_DELAY, LONGEST),
            export_timeout: self.batching.export_timeout.min(LONGEST),
            ..self.batching
        };
        self.timeout = self.timeout.min(batching.export_timeout);
        let (limits, hooks) = (self.limits, std::mem::take(&mut self.hooks));
        OtlpProcessor::start(&self.settings(TRACES)?, &batching, limits, hooks)
    }

    /// Builds OpenTelemetry's metric exporter with the same connection settings. The endpoint defaults to
    /// `http://localhost:4318/v1/metrics` for HTTP. Options that concern only spans have no effect.
    ///
    /// OpenTelemetry's metric exporter also reads environment variables (`OTEL_EXPORTER_OTLP_*`).
    ///
    /// # Errors
    ///
    /// Fails if the endpoint, a header or a certificate cannot be used, if the metric exporter refuses the settings,
    /// or, for gRPC, if it is called outside of a Tokio runtime.
    #[cfg(feature = "metrics")]
    pub fn build_metric_exporter(self) -> Result<opentelemetry_otlp::MetricExporter, BuildError> {
        super::metrics::exporter(&self.settings(METRICS)?)
    }

    fn settings(self, path: &str) -> Result<Settings, BuildError> {
        if let Some(name) = self.bad_header {
            return Err(BuildError::Header(name));
        }
        let protocol = self.protocol;
        let endpoint = self.endpoint;
        let endpoint = endpoint.unwrap_or_else(|| protocol.default_endpoint(path));
        let endpoint = url(&endpoint)?;
        Ok(Settings {
            protocol,
            proxy: proxy::of(protocol, &endpoint),
            endpoint,
            timeout: self.timeout.min(LONGEST),
            headers: self.headers,
            gzip: self.compression == Compression::Gzip,
            #[cfg(feature = "tls")]
            tls: self.tls,
        })
    }
}

/// Returns the endpoint without user info, query and fragment, which may be secrets.
fn printed(endpoint: &str) -> String {
    let end = endpoint.find(['?', '#']).unwrap_or(endpoint.len());
    let (place, query) = endpoint.split_at(end);
    // `http://ann:p?w@host`: a password, or a query with an `@`.
    if query.contains('@') {
        return REDACTED.to_owned();
    }
    let mut printed = match place.rsplit_once('@') {
        Some((_, host)) => format!("{REDACTED}@{host}"),
        None => place.to_owned(),
    };
    if let Some(mark) = query.chars().next() {
        printed.push(mark);
        printed.push_str(REDACTED);
    }
    printed
}

fn url(endpoint: &str) -> Result<Url, BuildError> {
    let refused = |expects| BuildError::Endpoint {
        endpoint: printed(endpoint),
        expects,
    };
    let is_http = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    match Url::parse(endpoint).ok().filter(is_http) {
        None => Err(refused("a URL such as http://localhost:4318/v1/traces")),
        Some(url) if url.scheme() == "https" && cfg!(not(feature = "tls")) => Err(refused(
            "an http:// URL, or a build of `otlp` with the cargo feature `tls`",
        )),
        Some(url) => Ok(url),
    }
}

impl fmt::Debug for Builder {
    /// Omits the headers, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("protocol", &self.protocol)
            .field("compression", &self.compression)
            .field("timeout", &self.timeout)
            .field("batching", &self.batching)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
