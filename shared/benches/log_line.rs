//! Measures the user and system CPU time of a log line, compared with json-subscriber, which writes each line
//! separately. Each logger runs in its own process and writes to a pipe: at full speed, and at 5,000 lines per second
//! like a busy service.

use std::{
    env,
    error::Error,
    hint::black_box,
    io::{self, BufRead as _, BufReader, Write as _},
    process::{self, ChildStdin, Command, Stdio},
    thread,
    time::Duration,
};

use criterion::{BenchmarkId, Criterion, SamplingMode};
use json_subscriber::JsonLayer;
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState},
};
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;
use tracing_subscriber::{
    filter::EnvFilter, fmt::time::SystemTime, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Environment variable that is only set in the logging process, and names its logger.
const ROLE: &str = "LOG_LINE_BENCH_ROLE";
/// Lines per burst. Bursts of 5 lines with a pause of 1 ms are 5,000 lines per second.
const BURST: u64 = 5;
const PAUSE: Duration = Duration::from_millis(1);

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let Ok(role) = env::var(ROLE) else {
        compare();
        return Ok(());
    };
    log(&role)
}

fn compare() {
    let mut criterion = Criterion::default().configure_from_args();
    for pause in [None, Some(PAUSE)] {
        let name = pause.map_or("log line at full speed", |_| "log line at 5,000 a second");
        let mut group = criterion.benchmark_group(name);
        if pause.is_some() {
            // Every sample has the same number of lines, since the first and last lines of a sample cost more than the
            // others.
            group.sample_size(10).sampling_mode(SamplingMode::Flat);
        }
        for role in ["shared", "json-subscriber", "nothing"] {
            let mut child = Child::start(role).expect("the process that logs starts");
            group.bench_function(BenchmarkId::from_parameter(role), |bencher| {
                bencher.iter_custom(|lines| {
                    let cost = child.cost(lines, pause);
                    cost.expect("the process that logs says what it cost")
                });
            });
        }
        group.finish();
    }
    criterion.final_summary();
}

struct Child {
    process: process::Child,
    stdin: ChildStdin,
    stderr: BufReader<process::ChildStderr>,
}

impl Child {
    fn start(role: &str) -> Outcome<Self> {
        let mut process = Command::new(env::current_exe()?)
            .env(ROLE, role)
            .env("OTEL_TRACES_EXPORTER", "none")
            .env("RUST_LOG", "info")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (stdin, stdout, stderr) = (
            process.stdin.take().ok_or("no input")?,
            process.stdout.take(),
            process.stderr.take().ok_or("no errors")?,
        );
        #[expect(
            clippy::disallowed_methods,
            reason = "it reads the log, for as long as there is one"
        )]
        thread::spawn(move || stdout.map(|mut log| io::copy(&mut log, &mut io::sink())));
        Ok(Self {
            process,
            stdin,
            stderr: BufReader::new(stderr),
        })
    }

    fn cost(&mut self, lines: u64, pause: Option<Duration>) -> Outcome<Duration> {
        let pause = pause.unwrap_or_default().as_micros();
        writeln!(self.stdin, "{lines} {pause}")?;
        let mut cost = String::new();
        self.stderr.read_line(&mut cost)?;
        Ok(Duration::from_nanos(cost.trim().parse()?))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs the logging process: on each command, writes the given number of lines and reports their CPU time.
fn log(role: &str) -> Outcome<()> {
    let _telemetry = match role {
        "shared" => Some(shared::telemetry::init("bench")?),
        "json-subscriber" => {
            let layer = json_layer();
            let filter = EnvFilter::new("info");
            tracing_subscriber::registry()
                .with(layer)
                .with(filter)
                .try_init()?;
            None
        }
        _ => None,
    };
    let caller = SpanContext::new(
        TraceId::from(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c),
        SpanId::from(0x00f0_67aa_0ba9_02b7),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let _current = Context::current().with_remote_span_context(caller).attach();
    for order in io::stdin().lock().lines() {
        let order = order?;
        let (lines, pause) = order
            .split_once(' ')
            .ok_or("how many lines, and how fast?")?;
        let (lines, pause) = (lines.parse::<u64>()?, Duration::from_micros(pause.parse()?));
        let before = cpu_time();
        for line in 1..=lines {
            tracing::info!(
                method = black_box("GET"),
                route = black_box("/check/{item_id}"),
                status = black_box(200),
                duration_ms = black_box(1.234_567),
                "request served"
            );
            if line % BURST == 0 && !pause.is_zero() {
                thread::sleep(pause);
            }
        }
        // Logging an error waits until the error line, and so every earlier line, is written.
        tracing::error!("that is all");
        eprintln!("{}", cpu_time().saturating_sub(before).as_nanos());
    }
    Ok(())
}

/// Returns the user and system CPU time of all threads of this process.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs().try_into().unwrap_or(0),
    )
}

/// Returns a json-subscriber layer whose lines have the same fields as those of this crate.
fn json_layer<S>() -> JsonLayer<S>
where
    S: tracing::Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
{
    let id = |of: fn(&SpanContext) -> String| {
        Context::map_current(|cx| Some(Value::String(of(cx.span().span_context()))))
    };
    let mut layer = JsonLayer::stdout();
    layer.with_timer("timestamp", SystemTime);
    layer.with_level("level");
    layer.with_target("target");
    layer.add_static_field("service", "bench".into());
    layer.add_dynamic_field("trace_id", move |_, _| {
        id(|span| span.trace_id().to_string())
    });
    layer.add_dynamic_field("span_id", move |_, _| id(|span| span.span_id().to_string()));
    layer.with_flattened_event();
    layer
}
