//! [`Role`]: which of the two services a process runs.

use clap::ValueEnum;

/// A service that this binary can run. The variants are in the order in which the services are stopped: a caller before
/// the service that it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Service A, which accepts orders.
    Checkout,
    /// Service B, which manages the stock.
    Inventory,
}

impl Role {
    /// The service's name in logs, in traces and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Checkout => "checkout",
            Self::Inventory => "inventory",
        }
    }
}
