//! `hop`: every variant once a round, in another order each round, then once more to count allocations.

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

/// How much is measured.
#[derive(Args)]
pub(crate) struct Plan {
    /// How long a variant is under load in a round
    #[arg(long, default_value_t = 5.0, value_parser = positive)]
    seconds: f64,
    /// How often each variant is measured; 0 counts allocations alone
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Requests under way at once, each on a connection that is kept
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1000))]
    connections: u16,
    /// Measure these alone, and `untraced`, which the others are compared with
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Variant>,
    /// Run A under this command, with `{}` for the variant's name, in the rounds that do not count allocations
    #[arg(long, value_name = "COMMAND")]
    under_a: Option<String>,
}

/// A load that makes lazily what is made once, and the spans of which are waited for.
const WARM_UP: Duration = Duration::from_secs(1);

/// Longer tells no more of allocations.
const COUNTING: Duration = Duration::from_secs(1);

pub(crate) fn run(plan: &Plan) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    program::build(plan.variants())?;
    let mut rows = plan.variants().map(Row::new).collect::<Vec<_>>();
    runtime.block_on(async {
        for round in 0..plan.rounds {
            // What comes first in a round is not always the same: a machine has moods.
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
