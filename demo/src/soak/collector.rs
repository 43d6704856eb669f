//! The collector of the soak, in a separate process so that it can be stopped and paused. It writes received span ids to standard
//! output, and reads commands that control its answers from standard input.

use std::collections::HashMap;
use std::io::{self, BufRead as _, Write as _};
use std::net::SocketAddr;
use std::process::{ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use clap::Args;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::task::JoinHandle;

use crate::attributes::hex;
use crate::processes::command;

/// Where it listens.
#[derive(Clone, Copy, Debug, Args)]
pub struct CollectorArguments {
    /// The address; port 0 takes any free one
    address: SocketAddr,
}

/// How it answers.
#[derive(Clone, Copy)]
enum Answer {
    Take,
    /// 503, to be asked again after so many seconds.
    RetryAfter(u64),
}

struct Desk {
    answer: Answer,
    /// For each client, by the service's name: not to come again before then.
    not_before: HashMap<String, Instant>,
}

/// Is the collector, until its standard input ends.
pub fn main(arguments: CollectorArguments) -> ExitCode {
    let served = tokio::runtime::Runtime::new().and_then(|runtime| {
        runtime.block_on(async {
            let listener = TcpListener::bind(arguments.address).await?;
            say(&format!("listening {}", listener.local_addr()?));
            let desk = Arc::new(Mutex::new(Desk {
                answer: Answer::Take,
                not_before: HashMap::new(),
            }));
            let orders = Arc::clone(&desk);
            std::thread::spawn(move || obey(&orders));
            let router = Router::new()
                .route("/v1/traces", post(export))
                .layer(DefaultBodyLimit::max(16 * 1024 * 1024))
                .with_state(desk);
            axum::serve(listener, router).await
        })
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "the soak's collector: {error}");
            ExitCode::FAILURE
        }
    }
}

fn obey(desk: &Mutex<Desk>) {
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let mut desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
        desk.answer = match line.strip_prefix("retry-after ").map(str::parse) {
            Some(Ok(seconds)) => Answer::RetryAfter(seconds),
            _ => Answer::Take,
        };
        say("obeyed");
    }
    std::process::exit(0);
}

async fn export(State(desk): State<Arc<Mutex<Desk>>>, body: Bytes) -> Response {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
    let (client, now) = (service(&request), Instant::now());
    if desk.not_before.get(&client).is_some_and(|time| now < *time) {
        say("early");
    }
    if let Answer::RetryAfter(seconds) = desk.answer {
        let time = now + Duration::from_secs(seconds);
        desk.not_before.insert(client, time);
        let retry_after = [(RETRY_AFTER, seconds.to_string())];
        return (StatusCode::SERVICE_UNAVAILABLE, retry_after).into_response();
    }
    drop(desk);
    let scopes = request
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans);
    let ids = scopes
        .flat_map(|scope| &scope.spans)
        .map(|span| format!("{} {}\n", hex(&span.trace_id), hex(&span.span_id)));
    let _ = io::stdout()
        .lock()
        .write_all(ids.collect::<String>().as_bytes());
    StatusCode::OK.into_response()
}

fn service(request: &ExportTraceServiceRequest) -> String {
    let resource = request
        .resource_spans
        .first()
        .and_then(|spans| spans.resource.as_ref());
    format!("{resource:?}")
}

fn say(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// The process, as the soak sees it.
pub(super) struct Collector {
    child: Child,
    stdin: ChildStdin,
    pub(super) address: SocketAddr,
    reader: JoinHandle<()>,
}

/// The spans that have arrived at all collectors.
#[derive(Clone, Default)]
pub(super) struct Arrived(Arc<Mutex<Arrivals>>);

/// Counts of the arrived spans.
#[derive(Clone, Copy)]
pub(super) struct Tally {
    pub(super) spans: u64,
    /// Number of repeated spans.
    pub(super) twice: u64,
    /// Placed orders whose trace has not all of its spans.
    pub(super) incomplete: usize,
    /// Requests that came before the time that was asked for.
    pub(super) early: u64,
}

/// What a checkout of `item-123` is made of.
const SPANS: usize = 10;

/// How long after the collector was back the first span came, and the last of those that had waited.
#[derive(Clone, Copy)]
pub(super) struct CaughtUp {
    pub(super) first: Duration,
    pub(super) all: Duration,
}

#[derive(Default)]
struct Arrivals {
    /// The spans of each trace, by their ids.
    traces: HashMap<String, Vec<String>>,
    spans: u64,
    early: u64,
}

impl Collector {
    pub(super) async fn start(address: SocketAddr, arrived: &Arrived) -> io::Result<Self> {
        let mut child = command(&["soak-collector", &address.to_string()], &[])?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("it has no pipes"));
        };
        let mut lines = BufReader::new(stdout).lines();
        let first = lines.next_line().await?.unwrap_or_default();
        let address = first
            .strip_prefix("listening ")
            .and_then(|address| address.parse().ok());
        let address = address.ok_or_else(|| io::Error::other("it does not listen"))?;
        let reader = tokio::spawn(read(lines, arrived.clone()));
        Ok(Self {
            child,
            stdin,
            address,
            reader,
        })
    }

    pub(super) async fn stop(mut self) -> io::Result<()> {
        drop(self.stdin);
        self.child.wait().await?;
        // What it said last is still in the pipe.
        self.reader.await.map_err(io::Error::other)
    }

    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        let pid = id
            .and_then(Pid::from_raw)
            .ok_or_else(|| io::Error::other("it has ended"))?;
        Ok(kill_process(pid, signal)?)
    }

    /// `retry-after SECONDS`, or anything else to take what comes.
    pub(super) async fn tell(&mut self, order: &str) -> io::Result<()> {
        self.stdin.write_all(format!("{order}\n").as_bytes()).await
    }
}

async fn read(mut lines: Lines<BufReader<ChildStdout>>, arrived: Arrived) {
    while let Ok(Some(line)) = lines.next_line().await {
        let mut arrived = arrived.lock();
        match line.split_once(' ') {
            Some((trace, span)) => {
                let spans = arrived.traces.entry(trace.to_owned()).or_default();
                spans.push(span.to_owned());
                arrived.spans += 1;
            }
            None if line == "early" => arrived.early += 1,
            None => {}
        }
    }
}

impl Arrived {
    /// Waits until so many spans more have come than had by then; for a minute.
    pub(super) async fn catch_up(self, since: Instant, spans: u64) -> CaughtUp {
        let before = self.lock().spans;
        let mut first = None;
        let mut pause = tokio::time::interval(Duration::from_millis(5));
        while since.elapsed() < Duration::from_mins(1) {
            let more = self.lock().spans - before;
            if more > 0 {
                first.get_or_insert_with(|| since.elapsed());
            }
            if more >= spans {
                break;
            }
            pause.tick().await;
        }
        let all = since.elapsed();
        CaughtUp {
            first: first.unwrap_or(all),
            all,
        }
    }

    /// Adds up what has come, and looks for the traces of these orders in it.
    pub(super) fn tally<'a>(&self, placed: impl Iterator<Item = &'a str>) -> Tally {
        let mut arrived = self.lock();
        for spans in arrived.traces.values_mut() {
            spans.sort_unstable();
            spans.dedup();
        }
        let spans = arrived
            .traces
            .values()
            .map(|spans| spans.len() as u64)
            .sum();
        let is_whole = |trace: &&str| {
            arrived
                .traces
                .get(*trace)
                .is_some_and(|spans| spans.len() == SPANS)
        };
        Tally {
            spans,
            twice: arrived.spans - spans,
            incomplete: placed.filter(|trace| !is_whole(trace)).count(),
            early: arrived.early,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Arrivals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
