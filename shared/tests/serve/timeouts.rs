//! Time limits of requests, bodies, heads and clients that do not read.

use shared::{serve::Limits, testing::recorder};

use crate::{
    limits::{SOON, assert_problem, service},
    support::{Caller, Connection, Gate, Shape, server, shape},
};

#[tokio::test]
async fn slow_request_times_out_and_is_dropped() {
    let recorder = recorder();
    let limits = Limits {
        request_timeout: SOON,
        ..Limits::default()
    };
    let service = service(limits, &Gate::new()).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /gate", &caller).await;
    let answer = connection.answer().await;
    assert_problem(&answer, 503, "timeout", &caller);
    let trace = recorder.trace(&caller.trace_id, 1).await;
    let request = ("GET", "/gate", "/gate");
    let expected = server(
        &caller,
        request,
        connection.port,
        Some(503),
        Some("timeout"),
    );
    assert_eq!(shape(&trace.spans[0]), expected);
}

/// Sends a part of a request body, calls `more` with the connection, and asserts that the response has the status 408.
async fn slow_body(more: impl AsyncFnOnce(&mut Connection)) {
    let recorder = recorder();
    let limits = Limits {
        request_body_timeout: SOON,
        ..Limits::default()
    };
    let service = service(limits, &Gate::new()).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    let port = connection.port;
    let head = "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"a";
    connection.request_with("POST /json", &caller, head).await;
    more(&mut connection).await;
    let answer = connection.answer().await;
    assert_problem(&answer, 408, "request_timeout", &caller);
    let trace = recorder.trace(&caller.trace_id, 1).await;
    let expected = server(&caller, ("POST", "/json", "/json"), port, Some(408), None);
    assert_eq!(shape(&trace.spans[0]), expected);
    // The server closes the connection, because the next bytes on it would be the rest of the body.
    assert_eq!(connection.until_closed().await, b"");
}

#[tokio::test]
async fn stalled_body_times_out() {
    slow_body(async |_| {}).await;
}

#[tokio::test]
async fn trickling_body_times_out() {
    slow_body(async |connection| {
        while connection.is_silent() {
            let _ = connection.try_send(b"x").await;
            tokio::time::sleep(SOON / 10).await;
        }
    })
    .await;
}

#[tokio::test]
async fn body_within_timeout_is_read() {
    let service = service(Limits::default(), &Gate::new()).await;
    let mut connection = Connection::open(&service).await;
    let head = "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a";
    connection
        .request_with("POST /json", &Caller::new(), head)
        .await;
    connection.send(b"\":1}").await;
    let answer = connection.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{\"a\":1}"));
}

#[tokio::test]
async fn client_that_never_reads_is_disconnected() {
    let recorder = recorder();
    let limits = Limits {
        response_write_timeout: SOON,
        ..Limits::default()
    };
    let service = service(limits, &Gate::new()).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /endless", &caller).await;
    assert_eq!(connection.head().await.status, 200);

    let trace = recorder.trace(&caller.trace_id, 1).await;
    let request = ("GET", "/endless", "/endless");
    let expected = Shape {
        events: vec!["request.abandoned".into()],
        ..server(&caller, request, connection.port, Some(200), None)
    };
    assert_eq!(shape(&trace.spans[0]), expected);
    // The connection is closed as well, so it does not delay the shutdown of the service.
    crate::support::patience(service.shut_down()).await;
    connection.until_closed().await;
}

#[tokio::test]
async fn slow_reading_client_is_served() {
    let limits = Limits {
        response_write_timeout: SOON * 20,
        ..Limits::default()
    };
    let service = service(limits, &Gate::new()).await;
    let mut connection = Connection::open(&service).await;
    connection.request("GET /endless", &Caller::new()).await;
    connection.head().await;
    let start = tokio::time::Instant::now();
    while start.elapsed() < limits.response_write_timeout * 2 {
        connection.chunk().await;
        tokio::time::sleep(SOON / 50).await;
    }
}

#[tokio::test]
async fn partial_head_and_idle_connection_time_out() {
    let limits = Limits {
        // This time limit also applies to the next request on an idle connection.
        request_head_timeout: SOON * 10,
        ..Limits::default()
    };
    let service = service(limits, &Gate::new()).await;
    let mut half = Connection::open(&service).await;
    half.send(b"GET /quick HTTP/1.1\r\nHost: shop").await;
    half.until_closed().await;

    let silent = Connection::open(&service).await;
    assert_eq!(silent.until_closed().await, b"");

    let mut idle = Connection::open(&service).await;
    idle.request("GET /quick", &Caller::new()).await;
    assert_eq!(idle.answer().await.status, 200);
    assert_eq!(idle.until_closed().await, b"");
}
