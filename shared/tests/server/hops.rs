//! Work that leaves a handler without passing a layer: on an upgraded connection, in a thread, or in a thread pool. If
//! the work runs in the handler's current span, it stays in the trace.

use std::{collections::HashSet, sync::mpsc, thread};

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::Response,
    routing::{MethodRouter, get},
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use shared::{
    server::TraceLayer,
    testing::{Trace, recorder},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::oneshot,
};
use tracing::{Instrument as _, Span};

use crate::{
    idioms::{assert_tree, count, traced},
    support::{Caller, Connection, start},
};

/// Handles a message, and returns the trace id of the current span.
#[tracing::instrument]
async fn message() -> String {
    shared::span::trace_id().unwrap()
}

/// Responds to each byte with the trace id of its message.
async fn handle(socket: Upgraded) {
    let mut socket = TokioIo::new(socket);
    while let Ok(1..) = socket.read(&mut [0; 1]).await {
        let answer = format!("{}\r\n", message().await);
        socket.write_all(answer.as_bytes()).await.unwrap();
    }
}

/// Like axum's `WebSocketUpgrade::on_upgrade`: calls back in a task without a span, once the response is sent.
fn on_upgrade<F>(
    upgrade: OnUpgrade,
    callback: impl FnOnce(Upgraded) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = ()> + Send + 'static,
{
    #[expect(clippy::disallowed_methods, reason = "the callback brings its span")]
    drop(tokio::spawn(async move {
        callback(upgrade.await.unwrap()).await;
    }));
    let response = Response::builder().status(101);
    response.body(Body::empty()).unwrap()
}

/// Sends two messages on an upgraded connection. Returns the caller, and the trace id of each message.
async fn messages_to(handler: MethodRouter) -> (Caller, [String; 2]) {
    recorder();
    let router = Router::new().route("/", handler);
    let service = start(router.layer(TraceLayer::new())).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
    connection.request_with("GET /", &caller, upgrade).await;
    assert_eq!(connection.head().await.status, 101);
    let mut ids = [const { String::new() }; 2];
    for id in &mut ids {
        connection.send(b"x").await;
        *id = connection.line().await;
    }
    (caller, ids)
}

#[tokio::test]
async fn messages_of_upgraded_connection_join_trace() {
    let handler = async |mut request: Request| {
        let upgrade = hyper::upgrade::on(&mut request);
        let span = Span::current();
        on_upgrade(upgrade, move |socket| handle(socket).instrument(span))
    };
    let (caller, ids) = messages_to(get(handler)).await;
    assert_eq!(ids, [(); 2].map(|()| caller.trace_id.clone()));
    let trace: Trace = recorder().trace(&caller.trace_id, 3).await;
    assert_tree(&trace, "  INTERNAL message\n  INTERNAL message\n");
}

/// Without the handler's span on an upgraded connection, each message starts a trace of its own.
#[tokio::test]
async fn messages_without_span_have_own_traces() {
    let handler = async |mut request: Request| {
        let upgrade = hyper::upgrade::on(&mut request);
        on_upgrade(upgrade, handle)
    };
    let (caller, ids) = messages_to(get(handler)).await;
    let traces: HashSet<_> = ids.into_iter().chain([caller.trace_id]).collect();
    assert_eq!(traces.len(), 3);
}

#[tokio::test]
async fn rayon_closures_in_current_span_join_trace() {
    let handler = async || {
        let span = Span::current();
        let (done, ended) = oneshot::channel();
        #[expect(clippy::disallowed_methods, reason = "in the current span")]
        rayon::spawn(move || {
            span.in_scope(count);
            // The rayon threads that run these closures have no current span.
            (0..2).into_par_iter().for_each(|_| span.in_scope(count));
            done.send(()).unwrap();
        });
        ended.await.unwrap();
    };
    let (_, trace) = traced(handler, 4).await;
    assert_tree(
        &trace,
        "  INTERNAL count\n  INTERNAL count\n  INTERNAL count\n",
    );
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "in the current span")]
async fn thread_in_current_span_joins_trace() {
    let handler = async || {
        let span = Span::current();
        let cloned = span.clone();
        let (done, ended) = oneshot::channel();
        thread::spawn(move || {
            span.in_scope(count);
            done.send(()).unwrap();
        });
        ended.await.unwrap();
        tokio::task::spawn_blocking(move || cloned.in_scope(count))
            .await
            .unwrap();
    };
    let (_, trace) = traced(handler, 3).await;
    assert_tree(&trace, "  INTERNAL count\n  INTERNAL count\n");
}

#[tokio::test]
async fn thread_pool_work_joins_trace() {
    type Job = Box<dyn FnOnce() + Send>;
    // A thread pool like rayon's, which was started before the request and runs closures.
    let (jobs, queue) = mpsc::channel::<Job>();
    #[expect(clippy::disallowed_methods, reason = "each job has a span")]
    let pool = thread::spawn(move || queue.into_iter().for_each(|job| job()));
    let handler = {
        let jobs = jobs.clone();
        move || {
            let jobs = jobs.clone();
            async move {
                let (done, ended) = oneshot::channel();
                let span = Span::current();
                let job = move || {
                    span.in_scope(count);
                    done.send(()).unwrap();
                };
                jobs.send(Box::new(job)).unwrap();
                ended.await.unwrap();
            }
        }
    };
    let (_, trace) = traced(handler, 2).await;
    assert_tree(&trace, "  INTERNAL count\n");
    drop(jobs);
    pool.join().unwrap();
}
