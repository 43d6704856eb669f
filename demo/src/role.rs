//! The services that this binary can be.

use clap::ValueEnum;

/// A service this binary can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Service A, which takes the orders.
    Checkout,
    /// Service B, which keeps the stock.
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
