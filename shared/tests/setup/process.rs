//! [`run`]: runs a test in two processes, a child with telemetry and a parent that checks it.

use std::{
    any::type_name, collections::HashMap, convert::Infallible, env, process::Command,
    time::Duration,
};

use http::{Request, Response};
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::Value;
use shared::{
    server::TraceLayer,
    telemetry::{SpanCounts, Telemetry},
};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::collector::{Collector, Export};

/// Environment variable with the name of the test, set in the child.
const ROLE: &str = "SETUP_TEST";
/// Begins with a line break, because the test harness has already started a line.
const BEGIN: &str = "BEGIN";

/// The output and the exports of a child.
pub(crate) struct Outcome {
    stdout: String,
    pub(crate) stderr: String,
    exports: Vec<Export>,
}

/// Runs `child` in a process with only these variables and those that send its spans to a collector. Returns
/// the outcome in the parent, and `None` in the child.
pub(crate) fn run<C: AsyncFnOnce()>(variables: &[(&str, &str)], child: C) -> Option<Outcome> {
    // The type name is like `setup::module::test::{{closure}}`.
    let path = type_name::<C>();
    let (_, test) = path.split_once("::").unwrap();
    let test = test.trim_end_matches("::{{closure}}");
    if env::var(ROLE).is_ok_and(|role| role == test) {
        println!("\n{BEGIN}");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(child());
        return None;
    }
    let collector = Collector::start();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--quiet"])
        .env_clear()
        .env(ROLE, test)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stdout}\n{stderr}");
    let (_, stdout) = stdout.split_once(&format!("\n{BEGIN}\n")).unwrap();
    Some(Outcome {
        stdout: stdout.to_owned(),
        stderr,
        exports: collector.exports(),
    })
}

/// Shuts down telemetry like a program.
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

impl Outcome {
    /// Returns the lines before the output of the test harness.
    pub(crate) fn lines(&self) -> Vec<&str> {
        let lines = self.stdout.lines();
        lines
            .filter(|line| !line.is_empty() && !line.starts_with("test result") && *line != ".")
            .collect()
    }

    pub(crate) fn logs(&self) -> Vec<Value> {
        let lines = self.stdout.lines().filter(|line| line.starts_with('{'));
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Returns the only log line with this message.
    pub(crate) fn log(&self, message: &str) -> Value {
        let mut logs = self.logs();
        logs.retain(|log| log["message"] == message);
        let [log] = &logs[..] else {
            panic!("one line `{message}`: {}", self.stdout);
        };
        log.clone()
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut logs = self.logs();
        logs.retain(|log| log["level"] == "WARN");
        logs.iter()
            .map(|log| log["message"].as_str().unwrap().to_owned())
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

    /// Returns the bodies of requests to this path.
    pub(crate) fn bodies(&self, path: &str) -> Vec<&[u8]> {
        let exports = self.exports.iter().filter(|export| export.path == path);
        exports.map(|export| export.body.as_slice()).collect()
    }
}
