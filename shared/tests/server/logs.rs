//! The log lines of a service process, read from its standard output.

use std::{collections::BTreeMap, fmt, time::Instant};

use axum::{
    Router,
    body::Bytes,
    routing::{any, get},
};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use shared::{problem, server::TraceLayer, telemetry};

use crate::support::{Caller, Connection, in_child, start};

/// Hostile request bodies: line breaks, quotes, control characters, and bytes that are not UTF-8.
const BODIES: [&[u8]; 4] = [
    b"one\n{\"level\":\"ERROR\",\"message\":\"forged\"}\r\n",
    b"\"},{\"level\":\"ERROR\"}\\",
    b"\0\x1b[31m\x08\x7f",
    b"\xe2\x80\xa8\xe2\x80\xa9\xff\xfe\xc3",
];
const LINES: [&str; 4] = [
    "POST /echo/%0a%0d%00{\"level\":\"ERROR\"}",
    "POST /echo/\"},{\"level\":\"ERROR?a='}&b={\u{e9}",
    "!#$%&'*+-.^_`|~ /echo/x",
    "POST /echo/caf\u{e9}\u{2028}",
];
const AGENTS: [&[u8]; 4] = [
    b"tab\there",
    b"\"},{\"level\":\"ERROR\"}",
    b"\xe2\x80\xa8\xff",
    b"\\u000a\\n",
];

async fn echo(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) {
    let agent = String::from_utf8_lossy(headers["user-agent"].as_bytes());
    let body = String::from_utf8_lossy(&body);
    tracing::info!(%method, %uri, %agent, ?headers, %body, trace_id = "forged", level = "forged", "heard {body}");
}

async fn panics() {
    panic!("three items,\nfour shelves");
}

/// Runs the service and its clients in the child process whose log is read.
async fn serve_and_call() {
    let telemetry = telemetry::init("noisy").unwrap();
    let router = Router::new()
        .route("/echo/{*path}", any(echo))
        .route("/panics", get(panics))
        .route("/500", get(StatusCode::INTERNAL_SERVER_ERROR))
        .route("/404", get(StatusCode::NOT_FOUND))
        .layer(problem::catch_panic())
        .layer(TraceLayer::new());
    let service = start(router).await;
    let mut connection = Connection::open(&service).await;
    for (line, agent, body) in LINES.iter().flat_map(|line| {
        let agents = AGENTS.iter().zip(BODIES);
        agents.map(move |(agent, body)| (line, agent, body))
    }) {
        let traceparent = Caller::new().traceparent();
        let mut request = format!(
            "{line} HTTP/1.1\r\nHost: a\r\ntraceparent: {traceparent}\r\nContent-Length: {}\r\nUser-Agent: ",
            body.len()
        )
        .into_bytes();
        for part in [agent, b"\r\n\r\n".as_slice(), body] {
            request.extend(part);
        }
        connection.send(&request).await;
        assert_eq!(connection.answer().await.status, 200, "{line}");
    }
    let long = format!("{} /404", "LONG".repeat(10_000));
    connection.request(&long, &Caller::new()).await;
    connection.answer().await;
    for path in ["/404", "/500", "/panics", "/nothing"] {
        connection
            .request(&format!("GET {path}"), &Caller::new())
            .await;
        connection.answer().await;
    }
    // The last lines of the log are written when `telemetry` is dropped.
    drop(telemetry);
    println!("END");
}

/// A log line: a JSON object in which each key occurs once.
#[derive(Debug)]
struct Line(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;
        impl<'de> Visitor<'de> for Once {
            type Value = Line;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line, A::Error> {
                let mut line = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    assert_eq!(
                        line.insert(key.clone(), value),
                        None,
                        "{key} is there twice"
                    );
                }
                Ok(Line(line))
            }
        }
        deserializer.deserialize_map(Once)
    }
}

impl Line {
    fn text(&self, key: &str) -> &str {
        let value = self.0.get(key).and_then(Value::as_str);
        value.unwrap_or_else(|| panic!("no text {key}: {self:?}"))
    }

    fn duration_ms(&self) -> f64 {
        self.0["duration_ms"].as_f64().unwrap()
    }

    /// Returns the lines with this message by trace id. Asserts that each trace has only one such line.
    fn with_message<'a>(lines: &'a [Self], message: &str) -> BTreeMap<&'a str, &'a Self> {
        let mut found = BTreeMap::new();
        for line in lines.iter().filter(|line| line.text("message") == message) {
            let former = found.insert(line.text("trace_id"), line);
            assert!(former.is_none(), "{message} twice: {former:?}");
        }
        found
    }
}

#[test]
fn hostile_event_is_one_json_line() {
    let before = Instant::now();
    let variables = [
        ("OTEL_TRACES_EXPORTER", "none"),
        ("LOG_FORMAT", "json"),
        ("RUST_LOG", "info"),
        ("RUST_BACKTRACE", "1"),
    ];
    let Some(output) = in_child(&variables, async || serve_and_call().await) else {
        return;
    };
    let elapsed_ms = before.elapsed().as_secs_f64() * 1e3;
    let log = output.stdout;
    let (log, _) = log.split_once("\nEND\n").unwrap();
    let lines: Vec<Line> = log
        .split('\n')
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    for line in &lines {
        for key in ["timestamp", "level", "target", "message"] {
            assert_ne!(line.text(key), "");
        }
        assert_eq!(line.text("service"), "noisy");
    }

    let requests = LINES.len() * BODIES.len();
    let heard: Vec<&Line> = lines
        .iter()
        .filter(|line| line.0.contains_key("body"))
        .collect();
    assert_eq!(heard.len(), requests);
    for (number, line) in heard.iter().enumerate() {
        let body = String::from_utf8_lossy(BODIES[number % BODIES.len()]);
        assert_eq!(line.text("body"), body);
        assert_eq!(line.text("message"), format!("heard {body}"));
        let agent = String::from_utf8_lossy(AGENTS[number % AGENTS.len()]);
        assert_eq!(line.text("agent"), agent);
        assert_eq!(line.text("event.trace_id"), "forged");
        assert_eq!(line.text("level"), "INFO");
    }

    let served = Line::with_message(&lines, "request served");
    assert_eq!(served.len(), requests + 3, "and three that were not found");
    for line in &heard {
        let end = served[line.text("trace_id")];
        assert_eq!(end.text("span_id"), line.text("span_id"));
        assert_eq!(end.text("method"), line.text("method"));
        assert_end(end, Some("/echo/{*path}"), 200);
    }
    let [shortened, not_found, nothing] = &served.values().skip(requests).collect::<Vec<_>>()[..]
    else {
        panic!("the last three were not found");
    };
    assert_eq!(shortened.text("method"), "LONG".repeat(8), "cut");
    assert_end(not_found, Some("/404"), 404);
    assert_end(nothing, None, 404);

    let failed = Line::with_message(&lines, "request failed");
    let [fails, panics] = &failed.values().collect::<Vec<_>>()[..] else {
        panic!("two requests fail: {failed:?}");
    };
    assert_end(fails, Some("/500"), 500);
    assert_eq!(fails.text("error.type"), "500");
    assert_end(panics, Some("/panics"), 500);
    assert_eq!(panics.text("error.type"), "panic");

    let ends = served.values().chain(failed.values());
    let sum_ms: f64 = ends.map(|line| line.duration_ms()).sum();
    assert!(sum_ms <= elapsed_ms, "one after the other: {sum_ms} ms");

    let panicked = Line::with_message(&lines, "panicked");
    assert_eq!(panicked.len(), 1);
    let cause = panicked[panics.text("trace_id")];
    assert_eq!(cause.text("span_id"), panics.text("span_id"));
    assert_eq!(cause.text("level"), "ERROR");
    assert_eq!(
        cause.text("exception.message"),
        "three items,\nfour shelves"
    );
    assert!(
        cause
            .text("exception.stacktrace")
            .contains("server::logs::panics")
    );
    let of_requests = lines.iter().filter(|line| line.0.contains_key("trace_id"));
    let expected = heard.len() + served.len() + failed.len() + panicked.len();
    assert_eq!(of_requests.count(), expected, "and nothing else");
}

/// Asserts that a log line describes how a request ended, with this route and status.
fn assert_end(line: &Line, route: Option<&str>, status: u64) {
    let level = if status < 500 { "INFO" } else { "ERROR" };
    assert_eq!(line.text("level"), level);
    assert_eq!(line.0.get("route").and_then(Value::as_str), route);
    assert_eq!(line.0["status"], status);
    assert!(line.duration_ms() > 0.0);
    assert_eq!(line.text("trace_id").len(), 32);
    assert_eq!(line.text("span_id").len(), 16);
    assert_ne!(line.text("method"), "");
}
