//! Starts checkout, sends requests and checks the responses.

use axum::http::{HeaderMap, StatusCode};
use checkout::Config;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use shared::testing::recorder;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::stand_in::INNER;

/// A running checkout.
pub(crate) struct Checkout {
    url: String,
    client: Client,
    _stop: DropGuard,
}

/// A response of checkout.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Checkout {
    pub(crate) async fn with_inventory(inventory_url: &str) -> Self {
        Self::with_settings(&[("INVENTORY_URL", inventory_url)]).await
    }

    pub(crate) async fn with_settings(settings: &[(&str, &str)]) -> Self {
        recorder();
        let config = Config::read(&|name| {
            let demo = ("DEMO_ROUTES", "true");
            let mut settings = settings.iter().chain([&demo]);
            let (_, value) = settings.find(|(setting, _)| *setting == name)?;
            Some((*value).to_owned())
        })
        .unwrap();
        let (listener, url) = listen().await;
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone().drop_guard();
        drop(shared::task::spawn(checkout::run(
            config, listener, shutdown,
        )));
        Self {
            url,
            client: client(),
            _stop: stop,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) async fn order(&self, body: &Value) -> Answer {
        self.post(&body.to_string()).await
    }

    pub(crate) async fn post(&self, body: &str) -> Answer {
        send(self.json(body)).await
    }

    /// Like [`Self::order`], but with an `Idempotency-Key`.
    pub(crate) async fn order_with_key(&self, key: &str, body: &Value) -> Answer {
        let request = self.json(&body.to_string());
        send(request.header("idempotency-key", key)).await
    }

    fn json(&self, body: &str) -> RequestBuilder {
        let request = self.client.post(self.url("/checkout"));
        let request = request.header("content-type", "application/json");
        request.body(body.to_owned())
    }

    pub(crate) async fn post_text(&self, body: &str) -> Answer {
        let request = self.client.post(self.url("/checkout"));
        send(request.body(body.to_owned())).await
    }

    pub(crate) async fn post_nothing(&self, path: &str) -> Answer {
        send(self.client.post(self.url(path))).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.client.get(self.url(path))).await
    }

    /// Like [`Self::get`], but with another `Host`.
    pub(crate) async fn get_as(&self, path: &str, host: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.url));
        send(request.header("host", host)).await
    }

    /// Like [`Self::post_nothing`], but with the headers that a browser sends.
    pub(crate) async fn post_from(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.client.post(self.url(path));
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        send(request).await
    }

    /// Returns the host and port of the service.
    pub(crate) fn authority(&self) -> &str {
        self.url.trim_start_matches("http://")
    }
}

async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .unwrap_or_else(|| panic!("no {name} in {self:?}"))
            .to_str()
            .unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns the trace id in the header `traceresponse`.
    pub(crate) fn trace_id(&self) -> &str {
        let parts: Vec<&str> = self.header("traceresponse").split('-').collect();
        let ["00", trace_id, span_id, flags] = parts[..] else {
            panic!("no traceresponse: {self:?}");
        };
        assert_eq!((trace_id.len(), span_id.len(), flags.len()), (32, 16, 2));
        assert_ne!(trace_id, "0".repeat(32));
        trace_id
    }

    /// Asserts the spans of the response's trace by kind and name. Each span is indented below its parent.
    pub(crate) async fn assert_trace(&self, expected: &[&str]) {
        let trace = recorder().trace(self.trace_id(), expected.len()).await;
        trace.assert_joined();
        let tree = trace.tree();
        let names: Vec<&str> = tree
            .lines()
            .map(|line| line.split(" [").next().unwrap())
            .collect();
        assert_eq!(names, expected);
    }

    /// Asserts that the response is a complete problem with this status and code and its own trace id, and contains no
    /// internal text. Returns its `detail`.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, code: &str) -> String {
        let body = self.json();
        assert_eq!(self.status, status, "{body}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(body["status"], status, "{body}");
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["type"], format!("urn:problem-type:{code}"), "{body}");
        assert!(self.text.ends_with("}\n"), "{body}");
        let is_temporary = matches!(status, 429 | 503 | 504);
        let has_retry_after = self.headers.contains_key("retry-after");
        assert_eq!(has_retry_after, is_temporary, "{self:?}");
        assert_eq!(body["trace_id"], self.trace_id(), "{body}");
        assert!(
            body["title"]
                .as_str()
                .is_some_and(|title| !title.is_empty())
        );
        let inner_texts = [
            INNER,
            "127.0.0.1",
            "http:",
            "reqwest",
            "error",
            "os ",
            "line 1",
        ];
        for inner in inner_texts {
            assert!(status < 500 || !self.text.contains(inner), "{body}");
        }
        let detail = body["detail"].as_str().unwrap();
        assert!(!detail.is_empty());
        detail.to_owned()
    }
}

pub(crate) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[expect(clippy::disallowed_methods, reason = "a customer who does not trace")]
pub(crate) fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}
