//! Sends handcrafted spans as OTLP/JSON.

use serde_json::{Value, json};

use crate::command::{Demo, TIMEOUT};

/// The time to which the times of test spans are relative, in milliseconds since 1970.
pub(crate) const BEGIN: u64 = 1_790_000_000_000;

/// A span to send to the receiver. Times are in milliseconds after [`BEGIN`].
pub(crate) struct Sent {
    pub(crate) service: String,
    span: Value,
}

/// Creates a span with small numbers as span ids.
pub(crate) fn span(trace: &str, id: u64, parent: Option<u64>, name: &str, ms: [u64; 2]) -> Sent {
    let time = |ms: u64| format!("{}000000", BEGIN + ms);
    let parent = parent.map_or_else(String::new, |id| format!("{id:016x}"));
    Sent {
        service: "web".to_owned(),
        span: json!({
            "traceId": trace, "spanId": format!("{id:016x}"), "parentSpanId": parent, "name": name, "kind": 2,
            "startTimeUnixNano": time(ms[0]), "endTimeUnixNano": time(ms[1]),
        }),
    }
}

impl Sent {
    pub(crate) fn of(mut self, service: &str) -> Self {
        service.clone_into(&mut self.service);
        self
    }

    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        let attribute = json!({"key": key, "value": {"stringValue": value}});
        match self.span["attributes"].as_array_mut() {
            Some(attributes) => attributes.push(attribute),
            None => self.span["attributes"] = json!([attribute]),
        }
        self
    }

    pub(crate) fn event(mut self, name: &str, key: &str, value: &str) -> Self {
        let time = self.span["startTimeUnixNano"].clone();
        let attribute = json!({"key": key, "value": {"stringValue": value}});
        self.span["events"] =
            json!([{"name": name, "timeUnixNano": time, "attributes": [attribute]}]);
        self
    }

    pub(crate) fn failed(mut self, error: &str) -> Self {
        self.span["status"] = json!({"code": 2});
        self.with("error.type", error)
    }
}

/// Sends the spans to the demo's receiver.
pub(crate) async fn send(demo: &Demo, spans: Vec<Sent>) {
    let spans = spans.into_iter().map(|sent| {
        let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": sent.service}}]});
        json!({"resource": resource, "scopeSpans": [{"spans": [sent.span]}]})
    });
    let batch = json!({"resourceSpans": spans.collect::<Vec<_>>()});
    #[expect(clippy::disallowed_methods, reason = "exporters are not traced")]
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .post(format!("{}/v1/traces", demo.url("otlp")))
        .json(&batch);
    let response = request.timeout(TIMEOUT).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.unwrap(), "{}");
}
