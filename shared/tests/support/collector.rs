//! [`Collector`]: receives OTLP over HTTP on a real socket, answers as configured, and records the exports.

use std::{
    collections::HashMap,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use opentelemetry_proto::tonic::trace::v1::Span;

use super::otlp::serve;

pub(crate) use super::otlp::{Answer, Export};

/// Maximum wait for an export.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    exports: Receiver<Export>,
    answer: Arc<Mutex<Answer>>,
}

/// A reserved address without a listener.
pub(crate) struct ReservedAddress {
    pub(crate) address: SocketAddr,
    socket: tokio::net::TcpSocket,
}

impl Collector {
    pub(crate) fn start() -> Self {
        Self::answering(Answer::Taken)
    }

    pub(crate) fn answering(answer: Answer) -> Self {
        Self::listening(TcpListener::bind("127.0.0.1:0").unwrap(), answer)
    }

    #[expect(clippy::disallowed_methods, reason = "its threads have no trace")]
    fn listening(listener: TcpListener, answer: Answer) -> Self {
        let address = listener.local_addr().unwrap();
        let (sender, exports) = channel();
        let answer = Arc::new(Mutex::new(answer));
        let answers = Arc::clone(&answer);
        let accept = move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (sender, answers) = (sender.clone(), Arc::clone(&answers));
                let connection = thread::Builder::new();
                connection
                    .spawn(move || serve(&stream, &answers, &sender))
                    .unwrap();
            }
        };
        thread::Builder::new().spawn(accept).unwrap();
        Self {
            address,
            exports,
            answer,
        }
    }

    /// Sets the answer of the collector to the next requests.
    pub(crate) fn answer(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits for the next export and returns it.
    pub(crate) fn export(&self) -> Export {
        self.exports.recv_timeout(PATIENCE).expect("an export")
    }

    /// Returns the exports that have arrived and were not returned before.
    pub(crate) fn exports(&self) -> Vec<Export> {
        self.exports.try_iter().collect()
    }

    /// Returns the next exports until they contain this many accepted spans.
    pub(crate) fn taken(&self, spans: usize) -> Vec<Export> {
        let mut exports = Vec::new();
        let mut taken = 0;
        while taken < spans {
            let export = self.export();
            if export.answer == Answer::Taken {
                taken += export.spans().len();
            }
            exports.push(export);
        }
        exports
    }

    /// Returns the spans of the exports that have arrived, by span name.
    pub(crate) fn spans(&self) -> HashMap<String, Span> {
        let spans = self.exports().into_iter().flat_map(|export| export.spans());
        spans.map(|span| (span.name.clone(), span)).collect()
    }
}

impl ReservedAddress {
    pub(crate) fn reserve() -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        Self { address, socket }
    }

    /// Starts a collector at this address.
    pub(crate) fn collector(self) -> Collector {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let _runtime = runtime.enter();
        let listener = self.socket.listen(64).unwrap().into_std().unwrap();
        listener.set_nonblocking(false).unwrap();
        Collector::listening(listener, Answer::Taken)
    }
}
