//! `hop`: runs every variant once per round, each round in another order, then once more to count allocations.

mod load;
mod measure;
mod process;
mod program;
mod statistics;
mod table;

use std::time::Duration;

use clap::{Args, ValueEnum as _};

use self::{measure::Measured, table::Row};
use crate::variant::{Program, Variant};

/// How much to measure, as set by the flags of `hop`.
#[derive(Args)]
pub(crate) struct Plan {
    /// Seconds of load for each variant in a round
    #[arg(long, default_value_t = 5.0, value_parser = positive)]
    seconds: f64,
    /// Number of measurements of each variant; 0 only counts allocations
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Concurrent requests, each on its own kept-alive connection
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1000))]
    connections: u16,
    /// Measure only these variants, and the baseline `untraced`
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Variant>,
    /// Run A under this command, with `{}` replaced by the variant's name, except while counting allocations
    #[arg(long, value_name = "COMMAND")]
    under_a: Option<String>,
}

/// Duration of the load before the measurement, so that one-time initialization is not measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// Duration of the run that counts allocations. A longer run would not change the allocations per request.
const COUNTING: Duration = Duration::from_secs(1);

pub(crate) fn run(plan: &Plan) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    program::build(plan.variants())?;
    let mut rows = plan.variants().map(Row::new).collect::<Vec<_>>();
    runtime.block_on(async {
        for round in 0..plan.rounds {
            // Each round starts with another variant, since the machine's speed changes over time.
            for turn in 0..rows.len() {
                let row = (turn + round) % rows.len();
                let measured = plan.measure(rows[row].variant).await?;
                eprintln!(
                    "round {}: {}: {measured}",
                    round + 1,
                    rows[row].variant.name()
                );
                rows[row].rounds.push(measured);
            }
        }
        for row in &mut rows {
            let counted = measure::Load {
                count_allocations: true,
                under_a: None,
                lasts: COUNTING,
                ..plan.load()
            };
            row.counted = Some(measure::measure(row.variant, &counted).await?);
        }
        anyhow::Ok(())
    })?;
    print!("{}", table::markdown(&rows));
    Ok(())
}

impl Plan {
    fn variants(&self) -> impl Iterator<Item = Variant> {
        let named = |variant: &Variant| match variant.program() {
            Program::Ours => self.only.is_empty() || self.only.contains(variant),
            Program::Go(_) => self.only.contains(variant),
        };
        let wanted = move |variant: &Variant| {
            let is_base = |other: &Variant| other.base() == *variant;
            *variant == Variant::Untraced || named(variant) || self.only.iter().any(is_base)
        };
        Variant::value_variants().iter().copied().filter(wanted)
    }

    fn load(&self) -> measure::Load<'_> {
        measure::Load {
            connections: self.connections,
            warm_up: WARM_UP,
            lasts: Duration::from_secs_f64(self.seconds),
            count_allocations: false,
            under_a: self.under_a.as_deref(),
        }
    }

    async fn measure(&self, variant: Variant) -> anyhow::Result<Measured> {
        measure::measure(variant, &self.load()).await
    }
}

fn positive(value: &str) -> Result<f64, String> {
    match value.parse() {
        Ok(seconds) if seconds > 0.0 && seconds <= 600.0 => Ok(seconds),
        _ => Err("more than 0 and at most 600 seconds".to_owned()),
    }
}
