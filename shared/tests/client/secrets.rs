//! Secrets in URLs are neither printed nor recorded.

use std::net::{SocketAddr, TcpListener};

use opentelemetry::trace::Status;
use shared::{client::TraceMiddleware, error::chain, task, testing::recorder};

use crate::support::{call, client, clients};

/// An address without a listener.
fn unused_address() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn client_error_url_is_redacted() {
    let address = unused_address();
    let url = format!("http://ann:hunter2@{address}/check?token=hunter2&sig=hunter2#hunter2");
    let layer = TraceMiddleware::new().redact_query_keys(["token"]);
    let (result, trace) = call(client(layer).get(url)).await;
    let error = result.unwrap_err();
    assert!(
        error.to_string().contains("token=hunter2"),
        "the raw error contains the secrets: {error}"
    );

    let line = chain(&error);
    assert!(!line.contains("hunter2"), "{line}");
    assert!(
        line.contains(&format!("{address}/check?token=REDACTED&sig=REDACTED")),
        "{line}"
    );
    assert!(
        line.contains("onnection refused"),
        "the cause is kept: {line}"
    );
    let span = format!("{:?}", clients(&trace)[0]);
    assert!(
        !span.contains("token=hunter2") && !span.contains("sig=hunter2"),
        "{span}"
    );
    assert!(!span.contains("ann"), "{span}");
}

/// Returns the error of a call with secrets in its URL to an address without a listener.
async fn failed_call() -> reqwest_middleware::Error {
    let address = unused_address();
    let url = format!("http://{address}/check?token=hunter2");
    let error = client(TraceMiddleware::new()).get(url).send().await;
    error.unwrap_err()
}

#[tokio::test]
async fn failed_span_description_is_redacted() {
    let failing = async { shared::span::fail("call", failed_call().await.to_string()) };
    let (trace_id, ()) = recorder().in_trace("caller", failing).await;
    let span = recorder().span(&trace_id, "caller").await;
    let Status::Error { description } = span.status else {
        panic!("no error: {span:?}");
    };
    assert!(
        description.ends_with("/check?token=REDACTED)"),
        "{description}"
    );
}

#[tokio::test]
async fn panic_message_is_redacted() {
    #[tracing::instrument(skip_all)]
    fn panics(failed: Result<(), reqwest_middleware::Error>) {
        failed.unwrap();
    }
    let panicking = async {
        let failed = Err(failed_call().await);
        task::spawn_blocking(|| panics(failed)).await.unwrap_err();
    };
    let (trace_id, ()) = recorder().in_trace("caller", panicking).await;
    let span = recorder().span(&trace_id, "panics").await;
    let message = span.events[0].attributes["exception.message"].to_string();
    assert!(message.contains("/check?token=REDACTED\""), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}
