//! Where spans go: an OTLP/HTTP receiver that keeps what it is sent and reads it when it is asked what there is, so that it
//! takes little of the machine while the services are measured.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderName, header::CONTENT_TYPE},
    routing::post,
};
use prost::Message;
use tokio::net::TcpListener;

use crate::control::{self, COUNT, Received, Said};

/// Bodies that nobody has read yet.
type Bodies = Arc<Mutex<Vec<Bytes>>>;

pub(crate) fn run() -> anyhow::Result<()> {
    let bodies = Bodies::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let router = Router::new()
            .route("/v1/traces", post(receive))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&bodies));
        let mut books = Books::default();
        let end = control::obey(move |command| {
            if command == COUNT {
                let bodies =
                    std::mem::take(&mut *bodies.lock().unwrap_or_else(PoisonError::into_inner));
                match bodies.iter().try_for_each(|body| books.enter(body)) {
                    Ok(()) => drop(Said::Received(books.received).say()),
                    Err(error) => eprintln!("the sink cannot read what it was sent: {error}"),
                }
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        Said::Listening { address }.say()?;
        tokio::select! {
            served = axum::serve(listener, router) => Ok(served?),
            _ = end => Ok(()),
        }
    })
}

/// An empty `ExportTraceServiceResponse`: all was taken.
async fn receive(
    State(bodies): State<Bodies>,
    body: Bytes,
) -> ([(HeaderName, &'static str); 1], &'static str) {
    bodies
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(body);
    ([(CONTENT_TYPE, "application/x-protobuf")], "")
}

/// What arrived.
#[derive(Default)]
struct Books {
    ids: HashSet<Vec<u8>>,
    received: Received,
}

impl Books {
    fn enter(&mut self, body: &[u8]) -> Result<(), prost::DecodeError> {
        self.received.bytes += body.len() as u64;
        let spans = Request::decode(body)?
            .resource_spans
            .into_iter()
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans);
        for span in spans {
            let mut id = span.trace_id;
            id.extend(span.span_id);
            if self.ids.insert(id) {
                self.received.spans += 1;
                self.received.attributes += span.attributes.len() as u64;
            } else {
                self.received.repeated += 1;
            }
        }
        Ok(())
    }
}

// OTLP's `trace_service.proto` and `trace.proto`, of which these fields alone are read.

#[derive(Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Message)]
struct ResourceSpans {
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Message)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[expect(clippy::struct_field_names, reason = "OTLP's names")]
#[derive(Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "9")]
    attributes: Vec<Vec<u8>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(ids: &[u8]) -> Vec<u8> {
        let span = |&id: &u8| Span {
            trace_id: vec![id; 16],
            span_id: vec![id; 8],
            attributes: vec![vec![], vec![]],
        };
        let spans = ids.iter().map(span).collect();
        let scope_spans = vec![ScopeSpans { spans }];
        let resource_spans = vec![ResourceSpans { scope_spans }];
        Request { resource_spans }.encode_to_vec()
    }

    #[test]
    fn a_span_that_comes_twice_counts_once() {
        let mut books = Books::default();
        books.enter(&request(&[1, 2])).expect("it is OTLP");
        books.enter(&request(&[2, 3])).expect("it is OTLP");
        let Received {
            spans,
            repeated,
            attributes,
            ..
        } = books.received;
        assert_eq!((spans, repeated, attributes), (3, 1, 6));
    }
}
