//! [`Role`]: which of the two services a process runs.

use clap::ValueEnum;

/// A service that this binary can run. Listed in the order in which they are stopped: each before those that it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Service A, which accepts orders.
    Checkout,
    /// Service B, which manages the stock.
    Inventory,
}

impl Role {
    /// The name in logs, traces and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Checkout => "checkout",
            Self::Inventory => "inventory",
        }
    }
}
