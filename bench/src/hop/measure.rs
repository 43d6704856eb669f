//! [`measure`]: runs one variant once and returns its cost.

use std::{
    fmt,
    time::{Duration, Instant},
};

use super::{
    load::{self, Answered},
    process::Process,
    program,
};
use crate::{
    control::{Cost, Received},
    variant::Variant,
};

/// The load to apply to a variant.
pub(super) struct Load<'a> {
    pub(super) connections: u16,
    pub(super) warm_up: Duration,
    pub(super) lasts: Duration,
    pub(super) count_allocations: bool,
    pub(super) under_a: Option<&'a str>,
}

/// The result of one run of a variant.
pub(super) struct Measured {
    pub(super) answered: Answered,
    pub(super) a: Cost,
    pub(super) b: Cost,
    /// Number of spans that should arrive, including the spans of the warm-up.
    pub(super) ended: u64,
    pub(super) received: Received,
    /// Number of log lines of both services per request.
    pub(super) log_lines: f64,
}

/// The export interval of every variant, in milliseconds.
const SCHEDULE_DELAY_MS: &str = "500";

/// Maximum time to wait for the spans of the warm-up. Dropped spans never arrive.
const ARRIVAL: Duration = Duration::from_secs(5);

#[expect(
    clippy::cast_precision_loss,
    reason = "the counts of a minute are small"
)]
pub(super) async fn measure(variant: Variant, load: &Load<'_>) -> anyhow::Result<Measured> {
    let mut sink =
        Process::start(None, std::env::current_exe()?, &["sink".to_owned()], &[]).await?;
    let mut environment = vec![
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            format!("http://{}", sink.address),
        ),
        ("OTEL_BSP_SCHEDULE_DELAY", SCHEDULE_DELAY_MS.to_owned()),
    ];
    let own = variant.environment().into_iter();
    environment.extend(own.map(|(name, value)| (name, value.to_owned())));

    let (program, mut arguments) = program::service(variant)?;
    arguments.extend(
        load.count_allocations
            .then(|| "--count-allocations".to_owned()),
    );
    let mut b = Process::start(None, program.clone(), &arguments, &environment).await?;
    arguments.extend(["--calls".to_owned(), b.address.to_string()]);
    let under_a = load
        .under_a
        .map(|command| command.replace("{}", &variant.name()));
    let mut a = Process::start(under_a.as_deref(), program, &arguments, &environment).await?;

    let mut requests = load::Load::open(a.address, load.connections).await?;
    let warm_up = requests.run(load.warm_up).await?;
    arrival(&mut sink, warm_up.requests * variant.spans()).await?;
    a.start_measuring().await?;
    b.start_measuring().await?;
    let answered = requests.run(load.lasts).await?;
    drop(requests);

    // A is stopped first, because B's graceful shutdown waits until A's connections are closed.
    let (a, a_lines) = a.end().await?;
    let (b, b_lines) = b.end().await?;
    let all = warm_up.requests + answered.requests;
    Ok(Measured {
        answered,
        a,
        b,
        ended: all * variant.spans(),
        received: sink.received().await?,
        log_lines: (a_lines + b_lines) as f64 / all as f64,
    })
}

/// Waits until the spans of the warm-up have arrived, so that their export is not part of the measurement.
async fn arrival(sink: &mut Process, spans: u64) -> anyhow::Result<()> {
    let until = Instant::now() + ARRIVAL;
    while sink.received().await?.spans < spans && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the counts of a minute are small"
)]
impl Measured {
    pub(super) fn requests_a_second(&self) -> f64 {
        self.answered.requests as f64 / self.answered.took.as_secs_f64()
    }

    /// Returns the CPU time of A and of B, in µs per request.
    pub(super) fn cpu(&self) -> [f64; 2] {
        [self.a, self.b].map(|cost| cost.cpu_us / self.answered.requests as f64)
    }

    /// Returns the number of allocations of both services per request.
    pub(super) fn allocations(&self) -> f64 {
        (self.a.allocations + self.b.allocations) as f64 / self.answered.requests as f64
    }

    pub(super) fn attributes_a_span(&self) -> f64 {
        self.received.attributes as f64 / self.received.spans.max(1) as f64
    }

    pub(super) fn bytes_a_span(&self) -> f64 {
        self.received.bytes as f64 / self.received.spans.max(1) as f64
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b] = self.cpu();
        let rate = self.requests_a_second();
        let spans = self.received.spans;
        write!(
            f,
            "{rate:.0} requests/s, {a:.1} + {b:.1} µs, {spans} of {} spans",
            self.ended
        )
    }
}
