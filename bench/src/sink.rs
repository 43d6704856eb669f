//! The receiver of the spans over OTLP/HTTP. The sink stores request bodies and decodes them only when `hop` asks for
//! the counts, so that it uses little CPU while the services are measured.

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
use prost::Message as _;
use tokio::net::TcpListener;

use crate::{
    control::{self, COUNT, Message, Received},
    otlp::Request,
};

/// Request bodies that are not decoded yet.
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
        let mut counts = Counts::default();
        let end = control::on_command(move |command| {
            if command == COUNT {
                let bodies =
                    std::mem::take(&mut *bodies.lock().unwrap_or_else(PoisonError::into_inner));
                match bodies.iter().try_for_each(|body| counts.add(body)) {
                    Ok(()) => drop(Message::Received(counts.received).send()),
                    Err(error) => eprintln!("cannot decode an OTLP request: {error}"),
                }
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        Message::Listening { address }.send()?;
        tokio::select! {
            served = axum::serve(listener, router) => Ok(served?),
            _ = end => Ok(()),
        }
    })
}

/// Answers with an empty `ExportTraceServiceResponse`: every span was accepted.
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

/// Counts the spans that arrived.
#[derive(Default)]
struct Counts {
    ids: HashSet<Vec<u8>>,
    received: Received,
}

impl Counts {
    fn add(&mut self, body: &[u8]) -> Result<(), prost::DecodeError> {
        self.received.bytes += body.len() as u64;
        for span in Request::decode(body)?.spans() {
            let id = [&span.trace_id[..], &span.span_id].concat();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::{ResourceSpans, ScopeSpans, Span};

    fn request(ids: &[u8]) -> Vec<u8> {
        let span = |&id: &u8| Span {
            trace_id: vec![id; 16],
            span_id: vec![id; 8],
            attributes: vec![vec![], vec![]],
        };
        let spans = ids.iter().map(span).collect();
        let scope_spans = vec![ScopeSpans { spans }];
        let resource_spans = vec![ResourceSpans {
            scope_spans,
            ..ResourceSpans::default()
        }];
        Request { resource_spans }.encode_to_vec()
    }

    #[test]
    fn repeated_span_counts_once() {
        let mut counts = Counts::default();
        counts.add(&request(&[1, 2])).expect("a valid request");
        counts.add(&request(&[2, 3])).expect("a valid request");
        let Received {
            spans,
            repeated,
            attributes,
            ..
        } = counts.received;
        assert_eq!((spans, repeated, attributes), (3, 1, 6));
    }
}
