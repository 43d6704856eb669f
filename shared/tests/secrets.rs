//! What a URL was given in confidence is in nothing that is printed or recorded.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::net::TcpListener;

use shared::{client::TraceMiddleware, error::chain};
use support::{call, client, clients};

#[tokio::test]
async fn the_error_of_a_call_names_its_url_without_the_secrets() {
    // Nobody listens there any more.
    let address = TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://ann:hunter2@{address}/check?token=hunter2&sig=hunter2#hunter2");
    let layer = TraceMiddleware::new().redact_query_keys(["token"]);
    let (result, trace) = call(client(layer).get(url)).await;
    let error = result.unwrap_err();
    assert!(
        error.to_string().contains("token=hunter2"),
        "or there is nothing to test: {error}"
    );

    let line = chain(&error);
    assert!(!line.contains("hunter2"), "{line}");
    assert!(
        line.contains(&format!("{address}/check?token=REDACTED&sig=REDACTED")),
        "{line}"
    );
    assert!(
        line.contains("onnection refused"),
        "the cause is still there: {line}"
    );
    let span = format!("{:?}", clients(&trace)[0]);
    assert!(
        !span.contains("token=hunter2") && !span.contains("sig=hunter2"),
        "{span}"
    );
    assert!(!span.contains("ann"), "{span}");
}
