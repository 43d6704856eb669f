//! The collector process of the soak. A separate process can be stopped and paused. It writes the ids of received spans to
//! standard output, and reads commands that control its answers from standard input.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, BufRead as _, Write as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::IncomingStream;
use prost::Message as _;
use tokio::net::TcpListener;

use crate::otlp::Request;

/// Maximum size of a request body.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// How the collector answers, as set by one line on its standard input.
#[derive(Clone)]
enum Answer {
    /// `take`: 200.
    Take,
    /// `retry-after SECONDS`: 503 with this `Retry-After`.
    RetryAfter(u64),
    /// `slow MILLISECONDS`: 200 after this delay.
    Slow(u64),
    /// `sick`: 503 on the connections that are open when the command arrives.
    Sick { healthy_from: u64 },
    /// `dead`: no response on the connections that are open when the command arrives.
    Dead { alive_from: u64 },
    /// `poison TRACE-ID`: 503 for requests with a span of this trace.
    Poison(String),
    /// `too-large BYTES`: 413 for larger bodies.
    TooLarge(usize),
}

impl Answer {
    fn parse(line: &str) -> Option<Self> {
        let next = CONNECTIONS.load(Ordering::Relaxed);
        let (word, value) = line.split_once(' ').unwrap_or((line, ""));
        Some(match word {
            "take" => Self::Take,
            "retry-after" => Self::RetryAfter(value.parse().ok()?),
            "slow" => Self::Slow(value.parse().ok()?),
            "sick" => Self::Sick { healthy_from: next },
            "dead" => Self::Dead { alive_from: next },
            "poison" => Self::Poison(value.to_owned()),
            "too-large" => Self::TooLarge(value.parse().ok()?),
            _ => return None,
        })
    }
}

/// The number of accepted connections.
static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

/// The sequence number of an accepted connection.
#[derive(Clone, Copy)]
struct Connection(u64);

impl Connected<IncomingStream<'_, TcpListener>> for Connection {
    fn connect_info(_: IncomingStream<'_, TcpListener>) -> Self {
        Self(CONNECTIONS.fetch_add(1, Ordering::Relaxed))
    }
}

struct Control {
    answer: Answer,
    /// The earliest time at which each client may send its next request. The key is the encoded resource of the client.
    not_before: HashMap<Vec<u8>, Instant>,
}

type Shared = Arc<Mutex<Control>>;

/// Runs the collector until its standard input ends.
pub(crate) fn run(address: SocketAddr) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        print(&format!("listening {}\n", listener.local_addr()?));
        let control = Arc::new(Mutex::new(Control {
            answer: Answer::Take,
            not_before: HashMap::new(),
        }));
        let commands = Arc::clone(&control);
        std::thread::spawn(move || read_commands(&commands));
        let router = Router::new()
            .route("/v1/traces", post(export))
            .with_state(control)
            .into_make_service_with_connect_info::<Connection>();
        Ok(axum::serve(listener, router).await?)
    })
}

fn read_commands(control: &Mutex<Control>) {
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let Some(answer) = Answer::parse(&line) else {
            eprintln!("unknown command of the soak's collector: {line}");
            std::process::exit(1);
        };
        control
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .answer = answer;
        print("done\n");
    }
    std::process::exit(0);
}

async fn export(
    State(control): State<Shared>,
    ConnectInfo(Connection(connection)): ConnectInfo<Connection>,
    body: Body,
) -> Response {
    let answer = control
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .answer
        .clone();
    if matches!(answer, Answer::Dead { alive_from } if connection < alive_from) {
        print("fault\n");
        // The request body is not read, so a large body remains in the socket buffers.
        std::future::pending::<()>().await;
    }
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let size = body.len();
    let Ok(request) = Request::decode(body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if is_early(&control, &request, &answer) {
        print("early\n");
    }
    let refused = match &answer {
        Answer::RetryAfter(seconds) => {
            let retry_after = [(RETRY_AFTER, seconds.to_string())];
            Some((StatusCode::SERVICE_UNAVAILABLE, retry_after).into_response())
        }
        Answer::Sick { healthy_from } if connection < *healthy_from => {
            Some(StatusCode::SERVICE_UNAVAILABLE.into_response())
        }
        Answer::Poison(trace) if has_trace(&request, trace) => {
            Some(StatusCode::SERVICE_UNAVAILABLE.into_response())
        }
        Answer::TooLarge(limit) if size > *limit => {
            Some(StatusCode::PAYLOAD_TOO_LARGE.into_response())
        }
        _ => None,
    };
    if let Some(response) = refused {
        print(&format!("{}fault\n", lines("refused", &request)));
        return response;
    }
    print(&lines("taken", &request));
    if let Answer::Slow(milliseconds) = answer {
        print("fault\n");
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
    StatusCode::OK.into_response()
}

/// Returns whether the request comes before the time in the client's last `Retry-After`, and records the time for the
/// next request.
fn is_early(control: &Mutex<Control>, request: &Request, answer: &Answer) -> bool {
    let client = request.resource_spans.first();
    let client = client.map_or_else(Vec::new, |spans| spans.resource.clone());
    let now = Instant::now();
    let mut control = control.lock().unwrap_or_else(PoisonError::into_inner);
    let not_before = &mut control.not_before;
    let is_early = not_before.get(&client).is_some_and(|time| now < *time);
    if let Answer::RetryAfter(seconds) = answer {
        not_before.insert(client, now + Duration::from_secs(*seconds));
    }
    is_early
}

fn has_trace(request: &Request, trace: &str) -> bool {
    ids(request).any(|(id, _)| id == trace)
}

/// Returns one line for each span of a request: `word`, the trace id and the span id.
fn lines(word: &str, request: &Request) -> String {
    let mut lines = String::new();
    for (trace, span) in ids(request) {
        let _ = writeln!(lines, "{word} {trace} {span}");
    }
    lines
}

fn ids(request: &Request) -> impl Iterator<Item = (String, String)> {
    request
        .spans()
        .map(|span| (hex(&span.trace_id), hex(&span.span_id)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn print(lines: &str) {
    let _ = io::stdout().lock().write_all(lines.as_bytes());
}
