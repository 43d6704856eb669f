//! A service in a separate process: signals, file descriptors, and the output of a panic.

use std::{
    env, fs,
    net::{SocketAddr, TcpStream},
    process::Command,
    time::{Duration, Instant},
};

use axum::{Router, routing::get};
use serde_json::Value;
use shared::{
    problem,
    serve::{self, Limits, health},
    server::TraceLayer,
};

use crate::support::{self, Child, command, hangup, in_shell, role};

/// The log message when no connection can be accepted.
const FAILED: &str = "cannot accept connections, retrying every second";

async fn panics() {
    panic!("as it must");
}

/// Runs the service in a child process. Does nothing in an ordinary test run.
#[test]
fn service() {
    if role().is_none() {
        return;
    }
    let code = serve::main("process", async |lookup, shutdown| {
        let limits = Limits::read(lookup, &Limits::default()).unwrap();
        let router = Router::new()
            .route("/quick", get("hello"))
            .route("/panics", get(panics))
            .layer(problem::catch_panic())
            .layer(TraceLayer::new())
            .merge(health(async || Ok(())));
        let listener = serve::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        serve::serve(listener, router, limits, shutdown).await
    });
    assert_eq!(code, std::process::ExitCode::SUCCESS);
}

struct Process {
    child: Child,
    address: SocketAddr,
}

fn process() -> Command {
    let mut command = command("process::service", "service");
    command.env("OTEL_TRACES_EXPORTER", "none");
    command
}

impl Process {
    fn start(variables: &[(&str, &str)]) -> Self {
        Self::run(process().envs(variables.iter().copied()))
    }

    /// Starts the service with a limit of this many file descriptors.
    fn with_descriptors(count: u32, variables: &[(&str, &str)]) -> Self {
        let mut process = process();
        process.envs(variables.iter().copied());
        let script = format!("ulimit -n {count}; exec \"$0\" \"$@\"");
        Self::run(&mut in_shell(&script, &process))
    }

    /// Starts the service with SIGHUP ignored, like `nohup`.
    fn without_hangup() -> Self {
        let script = "trap '' HUP; exec \"$0\" \"$@\"";
        Self::run(&mut in_shell(script, &process()))
    }

    fn run(command: &mut Command) -> Self {
        let mut child = Child::start(command);
        let listening = child.log("listening");
        let address = listening["address"].as_str().unwrap().parse().unwrap();
        Self { child, address }
    }

    /// Returns the log lines of level INFO and above that precede the line with this message.
    fn lines_until(&mut self, message: &str) -> Vec<Value> {
        self.child.take_skipped();
        self.child.log(message);
        let lines = self.child.take_skipped().into_iter();
        lines
            .filter_map(|line| serde_json::from_str(&line).ok())
            .collect()
    }

    /// Returns the processor time that the process has used, in hundredths of a second.
    fn cpu_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.pid())).unwrap();
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        let limit = Duration::from_secs(20);
        stream.set_read_timeout(Some(limit)).unwrap();
        stream
    }

    /// Sends a request on a new connection. Returns status line, headers and body.
    fn get(&self, path: &str) -> String {
        support::get(self.address, path, "")
    }
}

#[test]
fn second_signal_ends_process_at_once() {
    let mut process = Process::start(&[("SHUTDOWN_DELAY", "60s")]);
    assert!(process.get("/readyz").starts_with("HTTP/1.1 200 "));
    process.child.signal("-TERM");
    let refused = loop {
        let answer = process.get("/readyz");
        if !answer.starts_with("HTTP/1.1 200 ") {
            break answer;
        }
    };
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    let body = refused.rsplit("\r\n\r\n").next().unwrap();
    assert!(
        body.starts_with(r#"{"ready":false,"reason":"stopping""#),
        "{body}"
    );
    assert!(process.get("/quick").ends_with("hello"));

    process.child.signal("-INT");
    assert_eq!(process.child.wait().code(), Some(130));
}

#[test]
fn either_signal_stops_idle_service() {
    for signal in ["-TERM", "-INT"] {
        let mut process = Process::start(&[]);
        process.child.signal(signal);
        process.child.log("stopped");
        assert!(process.child.wait().success());
    }
}

#[test]
fn missing_descriptors_are_logged_once_and_recovery_once() {
    let variables = [("REQUEST_HEAD_TIMEOUT", "2s")];
    let mut process = Process::with_descriptors(40, &variables);
    // Connections that were accepted are closed all the time, and new ones are opened, so accepting a connection
    // succeeds and fails in turn.
    let mut held: Vec<_> = (0..60).map(|_| process.connect()).collect();
    process.child.log(FAILED);
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(6) {
        held.rotate_left(1);
        held.pop();
        held.push(process.connect());
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(held);
    let lines = process.lines_until("accepting connections again");
    assert_eq!(lines, Vec::<Value>::new());
    assert!(process.get("/quick").ends_with("hello"));
}

#[test]
fn service_without_descriptors_does_not_spin() {
    let mut process = Process::with_descriptors(40, &[]);
    let held: Vec<_> = (0..60).map(|_| process.connect()).collect();
    process.child.log(FAILED);
    let before = process.cpu_ticks();
    std::thread::sleep(Duration::from_secs(3));
    let used = process.cpu_ticks() - before;
    // A busy loop uses 100 ticks a second on an idle machine; a retry to accept a connection uses almost none.
    assert!(used < 20, "{used}");
    drop(held);
    assert!(process.get("/quick").ends_with("hello"));
}

#[test]
fn hangup_stops_the_service_gracefully() {
    if hangup::is_ignored() {
        eprintln!("skipped: SIGHUP is ignored here, as under nohup");
        return;
    }
    let mut process = Process::start(&[]);
    process.child.signal("-HUP");
    process
        .child
        .log("shutting down, a second signal ends the process at once");
    // A closing terminal may send SIGHUP a second time.
    process.child.signal("-HUP");
    process.child.log("stopped");
    assert!(process.child.wait().success());
}

/// Runs only on Linux, where the service can check whether SIGHUP is ignored.
#[cfg(target_os = "linux")]
#[test]
fn ignored_hangup_stays_ignored() {
    let mut process = Process::without_hangup();
    process.child.signal("-HUP");
    assert!(process.get("/quick").ends_with("hello"));
    // If the service had handled SIGHUP, SIGTERM would be its second signal, and the process would exit with 130.
    process.child.signal("-TERM");
    process.child.log("stopped");
    assert!(process.child.wait().success());
}

/// `std` maps the whole executable into memory to read its debug symbols, so the test looks for this mapping.
#[cfg(target_os = "linux")]
#[test]
fn symbols_are_loaded_before_any_panic() {
    let process = Process::start(&[]);
    let executable = env::current_exe().unwrap();
    let length = executable.metadata().unwrap().len();
    let maps = format!("/proc/{}/maps", process.child.pid());
    let is_whole = |line: &str| {
        let range = line.split(' ').next().unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let address = |text| u64::from_str_radix(text, 16).unwrap();
        line.ends_with(executable.to_str().unwrap()) && address(to) - address(from) >= length
    };
    while !fs::read_to_string(&maps).unwrap().lines().any(is_whole) {
        assert!(process.get("/quick").ends_with("hello"));
    }
}

#[test]
fn rust_backtrace_logs_panic_stack() {
    for (value, wanted) in [("0", false), ("", false), ("1", true), ("full", true)] {
        let mut process = Process::start(&[("RUST_BACKTRACE", value)]);
        assert!(process.get("/panics").starts_with("HTTP/1.1 500 "));
        let line = process.child.log("panicked");
        let stack = line["exception.stacktrace"].as_str();
        assert_eq!(stack.is_some(), wanted, "`{value}`: {line}");
        assert!(stack.is_none_or(|stack| stack.contains("panics")), "{line}");
    }
}
