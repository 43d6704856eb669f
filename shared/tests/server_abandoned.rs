//! The line that a request leaves in the log when nobody waits for its answer any more.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    convert::Infallible,
    fmt,
    future::pending,
    sync::{Arc, Mutex},
};

use axum::body::Body;
use futures_util::{FutureExt as _, stream};
use http::{Request, Response};
use shared::server::TraceLayer;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tracing::{Event, Subscriber, field::Field, subscriber};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
};

/// Keeps the message of every event.
#[derive(Clone, Default)]
struct Messages(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Messages {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut |field: &Field, value: &dyn fmt::Debug| {
            if field.name() == "message" {
                self.0.lock().unwrap().push(format!("{value:?}"));
            }
        });
    }
}

#[tokio::test]
async fn line_of_an_abandoned_request_says_whether_its_answer_had_begun() {
    let messages = Messages::default();
    let subscriber = tracing_subscriber::registry().with(messages.clone());
    let _subscriber = subscriber::set_default(subscriber);
    let said = || std::mem::take(&mut *messages.0.lock().unwrap());
    let request = || Request::new(Body::empty());

    let silent = service_fn(|_: Request<Body>| pending::<Result<Response<Body>, Infallible>>());
    let given_up = TraceLayer::new().layer(silent).oneshot(request());
    assert!(given_up.now_or_never().is_none());
    assert_eq!(said(), ["request abandoned before the answer"]);

    let endless = service_fn(async |_: Request<Body>| {
        let body = Body::from_stream(stream::pending::<Result<&str, Infallible>>());
        Ok::<_, Infallible>(Response::new(body))
    });
    let answer = TraceLayer::new().layer(endless).oneshot(request()).await;
    assert_eq!(said(), [""; 0], "its body may still come");
    drop(answer);
    assert_eq!(said(), ["request abandoned within the answer"]);
}
