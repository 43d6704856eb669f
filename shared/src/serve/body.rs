//! [`deadline`]: limits how long the body of a request may take to arrive.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    BoxError,
    body::{Body, Bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_http::timeout::{DeadlineBody, TimeoutError};

use crate::problem;

/// Limits the time in which the body of a request must arrive. After that, reading the body fails, and an error
/// response of the handler or extractor is replaced by 408.
pub(super) async fn deadline(
    State(limit): State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let expired = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| {
        Body::new(TimedBody {
            body: DeadlineBody::new(limit, body),
            expired: Arc::clone(&expired),
        })
    });
    let response = next.run(request).await;
    let status = response.status();
    let failed = status.is_client_error() || status.is_server_error();
    if failed && status != StatusCode::REQUEST_TIMEOUT && expired.load(Ordering::Relaxed) {
        return problem::request_timeout().into_response();
    }
    response
}

pin_project! {
    /// A request body that records whether it timed out.
    struct TimedBody {
        #[pin]
        body: DeadlineBody<Body>,
        expired: Arc<AtomicBool>,
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        let frame = ready!(this.body.poll_frame(cx));
        if let Some(Err(error)) = &frame
            && error.is::<TimeoutError>()
        {
            this.expired.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
