//! [`Collector`]: receives OTLP over HTTP or gRPC on a real socket, answers as configured, and records what it accepts.

use std::{
    convert::Infallible,
    io::Read as _,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    thread,
};

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value, trace::v1::Span,
};
use prost::Message as _;
use tokio::net::{TcpListener, TcpSocket};

/// A collector, which runs on its own thread.
pub(crate) struct Collector {
    state: Arc<State>,
}

/// A local address that is reserved, but refuses connections until a collector is started on it.
pub(crate) struct ReservedAddress {
    pub(crate) address: SocketAddr,
    socket: TcpSocket,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Protocol {
    Http,
    #[cfg(feature = "grpc")]
    Grpc,
}

/// How a collector responds to requests.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    Accept,
    /// Refuses every request permanently, with HTTP status 400 or gRPC status `INVALID_ARGUMENT`.
    Refuse,
}

pub(crate) struct Export {
    pub(crate) headers: HeaderMap,
    pub(crate) request: ExportTraceServiceRequest,
}

struct State {
    protocol: Protocol,
    answer: Answer,
    exports: Mutex<Vec<Export>>,
}

impl ReservedAddress {
    pub(crate) fn reserve() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        Self {
            address: socket.local_addr().unwrap(),
            socket,
        }
    }

    /// Starts a collector at this address.
    pub(crate) fn collector(self, protocol: Protocol, answer: Answer) -> Collector {
        let state = Arc::new(State {
            protocol,
            answer,
            exports: Mutex::default(),
        });
        let served = Arc::clone(&state);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        thread::spawn(move || {
            runtime.block_on(async {
                let listener = self.socket.listen(64).unwrap();
                serve(listener, served).await;
            });
        });
        Collector { state }
    }
}

impl Collector {
    /// Returns the accepted spans, in the order of their arrival.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.with_exports(|exports| exports.iter().flat_map(Export::spans).collect())
    }

    /// Returns the names of the accepted spans.
    pub(crate) fn names(&self) -> Vec<String> {
        self.spans().into_iter().map(|span| span.name).collect()
    }

    pub(crate) fn with_exports<T>(&self, read: impl FnOnce(&[Export]) -> T) -> T {
        read(&self.state.exports.lock().unwrap())
    }
}

impl Export {
    fn spans(&self) -> Vec<Span> {
        let resources = self.request.resource_spans.iter();
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    /// Returns the value of a text attribute of the exported resource.
    pub(crate) fn resource(&self, key: &str) -> String {
        let resource = self.request.resource_spans[0].resource.as_ref().unwrap();
        let mut attributes = resource.attributes.iter();
        let attribute = attributes.find(|attribute| attribute.key == key).unwrap();
        match attribute.value.as_ref().unwrap().value.as_ref().unwrap() {
            any_value::Value::StringValue(text) => text.clone(),
            other => panic!("{key} is {other:?}"),
        }
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let stream = TokioIo::new(stream);
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let protocol = state.protocol;
            let service = service_fn(move |request| answer(request, Arc::clone(&state)));
            // Errors are ignored, because a client may close its connection at any time.
            let _ = match protocol {
                Protocol::Http => {
                    http1::Builder::new()
                        .serve_connection(stream, service)
                        .await
                }
                #[cfg(feature = "grpc")]
                Protocol::Grpc => {
                    hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new())
                        .serve_connection(stream, service)
                        .await
                }
            };
        });
    }
}

type Body = BoxBody<Bytes, Infallible>;

async fn answer(request: Request<Incoming>, state: Arc<State>) -> hyper::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let is_accepted = matches!(state.answer, Answer::Accept);
    if is_accepted {
        let (is_compressed, body) = match state.protocol {
            Protocol::Http => (head.headers.contains_key("content-encoding"), body),
            #[cfg(feature = "grpc")]
            Protocol::Grpc => (body[0] == 1, body.slice(5..)),
        };
        let mut plain = body.to_vec();
        if is_compressed {
            plain.clear();
            GzDecoder::new(&*body).read_to_end(&mut plain).unwrap();
        }
        state.exports.lock().unwrap().push(Export {
            headers: head.headers,
            request: ExportTraceServiceRequest::decode(&*plain).unwrap(),
        });
    }
    Ok(match state.protocol {
        Protocol::Http => {
            // The empty body is an encoded `ExportTraceServiceResponse` without fields.
            let mut response = Response::new(Full::default().boxed());
            if !is_accepted {
                *response.status_mut() = StatusCode::BAD_REQUEST;
            }
            response
        }
        #[cfg(feature = "grpc")]
        Protocol::Grpc => {
            // The response has no message, so the gRPC status is sent in the headers.
            Response::builder()
                .header("content-type", "application/grpc")
                .header("grpc-status", if is_accepted { "0" } else { "3" })
                .body(Full::default().boxed())
                .unwrap()
        }
    })
}
