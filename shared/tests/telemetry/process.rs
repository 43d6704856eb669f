//! [`run`]: runs a test in a child with telemetry, and collects its output and its exports.

use std::{collections::HashMap, convert::Infallible, ops::Deref, time::Duration};

use http::{Request, Response};
use opentelemetry_proto::tonic::trace::v1::Span;
use shared::{
    server::TraceLayer,
    telemetry::{SpanCounts, Telemetry},
};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::support::{
    Output,
    collector::{Collector, Export},
    in_child,
};

/// The output and the exports of a child process.
pub(crate) struct Outcome {
    output: Output,
    exports: Vec<Export>,
}

/// Like [`in_child`], but with a collector for the spans of the child.
pub(crate) fn run<C: AsyncFnOnce()>(variables: &[(&str, &str)], child: C) -> Option<Outcome> {
    let collector = Collector::start();
    let url = collector.url();
    let mut all = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())];
    all.extend(variables);
    let output = in_child(&all, child)?;
    Some(Outcome {
        output,
        exports: collector.exports(),
    })
}

/// Shuts down telemetry as a program does before it exits. Returns the number of spans by outcome.
pub(crate) async fn shut_down(telemetry: Telemetry) -> SpanCounts {
    telemetry.shutdown(Duration::from_secs(30)).await
}

/// Sends a request to a traced service.
pub(crate) async fn request(layer: &TraceLayer, path: &str) {
    let answers =
        service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new(String::new())));
    let request = Request::get(path).body(String::new()).unwrap();
    let Ok(answer) = layer.layer(answers).oneshot(request).await;
    assert_eq!(answer.status(), 200);
}

impl Deref for Outcome {
    type Target = Output;

    fn deref(&self) -> &Output {
        &self.output
    }
}

impl Outcome {
    /// Returns the output lines of the child process, without the lines of the test harness.
    pub(crate) fn lines(&self) -> Vec<&str> {
        let lines = self.stdout.lines();
        lines
            .filter(|line| !line.is_empty() && !line.starts_with("test result") && *line != ".")
            .collect()
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        self.exports.iter().flat_map(Export::spans).collect()
    }

    /// Returns the sorted names of the exported spans.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.spans().into_iter().map(|span| span.name).collect();
        names.sort();
        names
    }

    /// Returns the resource of each export.
    pub(crate) fn resources(&self) -> Vec<HashMap<String, String>> {
        let of_spans = self
            .exports
            .iter()
            .filter(|export| !export.spans().is_empty());
        of_spans.map(Export::resource).collect()
    }

    /// Returns the bodies of the exports to this URL path.
    pub(crate) fn bodies(&self, path: &str) -> Vec<&[u8]> {
        let exports = self.exports.iter().filter(|export| export.path == path);
        exports.map(|export| export.body.as_slice()).collect()
    }
}
