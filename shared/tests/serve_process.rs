//! A service in a separate process: signals, file descriptors, and the output of a panic.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

#[path = "support/watchdog.rs"]
mod watchdog;

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use axum::{Router, routing::get};
use serde_json::Value;
use shared::{
    problem,
    serve::{self, Limits, health},
    server::TraceLayer,
};
use watchdog::Watchdog;

/// How long a process may take to do all that its test asks of it. This is for the one that would take without end.
const PATIENCE: Duration = Duration::from_mins(1);

/// Set in the service's process.
const ROLE: &str = "SERVE_PROCESS_TEST_SERVICE";

/// The log message when no connection can be accepted.
const FAILED: &str = "cannot accept connections, retrying every second";

async fn panics() {
    panic!("as it must");
}

/// The service itself, and no test where the binary is run as one.
#[test]
fn service() {
    if env::var_os(ROLE).is_none() {
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
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
    _watchdog: Watchdog,
}

impl Process {
    fn start(variables: &[(&str, &str)]) -> Self {
        Self::run(Command::new(env::current_exe().unwrap()), variables)
    }

    /// With so many file descriptors at most.
    fn with_descriptors(count: u32, variables: &[(&str, &str)]) -> Self {
        let mut shell = Command::new("sh");
        let script = format!("ulimit -n {count}; exec \"$0\" \"$@\"");
        shell.arg("-c").arg(script).arg(env::current_exe().unwrap());
        Self::run(shell, variables)
    }

    /// Started as `nohup` starts it.
    fn without_hangup() -> Self {
        let mut shell = Command::new("sh");
        let script = "trap '' HUP; exec \"$0\" \"$@\"";
        shell.arg("-c").arg(script).arg(env::current_exe().unwrap());
        Self::run(shell, &[])
    }

    fn run(mut command: Command, variables: &[(&str, &str)]) -> Self {
        let mut child = command
            .args(["--exact", "service", "--nocapture", "--quiet"])
            .env(ROLE, "yes")
            .env("OTEL_TRACES_EXPORTER", "none")
            .env_remove("RUST_LOG")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut process = Self {
            stdout: BufReader::new(child.stdout.take().unwrap()),
            _watchdog: Watchdog::over(child.id(), PATIENCE),
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let listening = process.line("listening");
        process.address = listening["address"].as_str().unwrap().parse().unwrap();
        process
    }

    /// The next log line with this message.
    fn line(&mut self, message: &str) -> Value {
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.stdout.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended without a line `{message}`");
            match serde_json::from_str::<Value>(&line) {
                Ok(line) if line["message"] == message => return line,
                _ => {}
            }
        }
    }

    /// The lines of at least INFO before the one with this message.
    fn lines_until(&mut self, message: &str) -> Vec<Value> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let read = self.stdout.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended without a line `{message}`");
            match serde_json::from_str::<Value>(&line) {
                Ok(line) if line["message"] == message => return lines,
                Ok(line) => lines.push(line),
                Err(_) => {}
            }
        }
    }

    /// The processor time that the process has used, in hundredths of a second.
    fn cpu_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
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
        let mut stream = self.connect();
        let request = format!("GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let kill = Command::new("kill").args([name, &pid]).status();
        assert!(kill.unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn second_signal_ends_process_at_once() {
    let mut process = Process::start(&[("SHUTDOWN_DELAY", "60s")]);
    assert!(process.get("/readyz").starts_with("HTTP/1.1 200 "));
    process.signal("-TERM");
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

    process.signal("-INT");
    assert_eq!(process.child.wait().unwrap().code(), Some(130));
}

#[test]
fn either_signal_stops_idle_service() {
    for signal in ["-TERM", "-INT"] {
        let mut process = Process::start(&[]);
        process.signal(signal);
        process.line("stopped");
        assert!(process.child.wait().unwrap().success());
    }
}

#[test]
fn missing_descriptors_are_logged_once_and_recovery_once() {
    let variables = [("REQUEST_HEAD_TIMEOUT", "2s")];
    let mut process = Process::with_descriptors(40, &variables);
    // Those that fit end all the time, and others take their place: attempts fail and succeed in turn.
    let mut held: Vec<_> = (0..60).map(|_| process.connect()).collect();
    process.line(FAILED);
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
    process.line(FAILED);
    let before = process.cpu_ticks();
    std::thread::sleep(Duration::from_secs(3));
    let used = process.cpu_ticks() - before;
    // A busy loop takes 100 ticks a second on an idle machine; a try takes none.
    assert!(used < 20, "{used}");
    drop(held);
    assert!(process.get("/quick").ends_with("hello"));
}

#[test]
fn hangup_stops_the_service_gracefully() {
    if hangup_is_ignored() {
        eprintln!("skipped: SIGHUP is ignored here, as under nohup");
        return;
    }
    let mut process = Process::start(&[]);
    process.signal("-HUP");
    process.line("shutting down, a second signal ends the process at once");
    // The second of a closing terminal.
    process.signal("-HUP");
    process.line("stopped");
    assert!(process.child.wait().unwrap().success());
}

/// Only Linux shows which signals a process ignores.
#[cfg(target_os = "linux")]
#[test]
fn ignored_hangup_stays_ignored() {
    let mut process = Process::without_hangup();
    process.signal("-HUP");
    assert!(process.get("/quick").ends_with("hello"));
    // As the second signal it would end the process with 130.
    process.signal("-TERM");
    process.line("stopped");
    assert!(process.child.wait().unwrap().success());
}

/// `std` maps the whole executable to read its symbols.
#[cfg(target_os = "linux")]
#[test]
fn symbols_are_loaded_before_any_panic() {
    let process = Process::start(&[]);
    let executable = env::current_exe().unwrap();
    let length = executable.metadata().unwrap().len();
    let maps = format!("/proc/{}/maps", process.child.id());
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
        let line = process.line("panicked");
        let stack = line["exception.stacktrace"].as_str();
        assert_eq!(stack.is_some(), wanted, "`{value}`: {line}");
        assert!(stack.is_none_or(|stack| stack.contains("panics")), "{line}");
    }
}

/// Returns whether this process, and so its children, ignore SIGHUP. Only Linux shows that.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1)
}
