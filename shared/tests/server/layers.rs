//! Both layers in a tower stack: they are ready when the inner service is, and implement `Debug`.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use axum::body::Body;
use futures_util::FutureExt as _;
use http::{Request, Response};
use shared::{client::ClientTraceLayer, server::TraceLayer};
use tower::{Layer as _, Service};

/// A service whose readiness the test controls.
#[derive(Debug, Clone, Default)]
struct Room(Arc<AtomicBool>);

impl Service<Request<Body>> for Room {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.0.load(Ordering::Relaxed) {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        ready(Ok(Response::default()))
    }
}

fn is_ready(service: &mut impl Service<Request<Body>>) -> bool {
    let mut task = Context::from_waker(Waker::noop());
    service.poll_ready(&mut task).is_ready()
}

#[test]
fn layer_is_ready_when_inner_service_is() {
    let room = Room::default();
    let mut server = TraceLayer::new().layer(room.clone());
    let mut client = ClientTraceLayer::new().layer(room.clone());
    for has_room in [false, true] {
        room.0.store(has_room, Ordering::Relaxed);
        assert_eq!(is_ready(&mut server), has_room);
        assert_eq!(is_ready(&mut client), has_room);
    }
}

#[test]
fn debug_output_contains_no_request() {
    let request = || Request::get("http://a/?token=secret").body(Body::empty());
    let mut server = TraceLayer::new().layer(Room::default());
    let mut client = ClientTraceLayer::new().layer(Room::default());
    let client = client.call(request().unwrap());
    assert_eq!(format!("{client:?}"), "ResponseFuture { .. }");
    let answer = server.call(request().unwrap());
    assert_eq!(format!("{answer:?}"), "ResponseFuture { .. }");
    let body = answer.now_or_never().unwrap().unwrap().into_body();
    assert_eq!(format!("{body:?}"), "ResponseBody { .. }");
    assert_eq!(format!("{:?}", TraceLayer::new()), "TraceLayer { .. }");
    let printed = format!("{server:?}");
    assert_eq!(printed, "Trace { inner: Room(false), .. }");
}
